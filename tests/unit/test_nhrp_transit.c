/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes in a packet that is sent on: hop count, records, NAT extension, authentication; and
 * when it is not.
 */
#include "nhrp_forward_fixture.h"

static void test_hop_count(void **state)
{
	struct nhrp_packet q = forward_request(1), r = forward_reply(1), e;

	(void)state;
	q.hop_count = 0;
	assert_false(harness_ask("192.0.2.11", &q, &e));
	assert_int_equal(harness_error, NHRP_ERROR_HOP_COUNT);
	assert_int_equal(e.code_offset, 9);
	q.hop_count = 1;
	assert_true(harness_ask("192.0.2.11", &q, &e));
	assert_int_equal(e.hop_count, 0);
	r.hop_count = 0;
	assert_false(harness_ask("192.0.2.12", &r, &e));
	assert_int_equal(harness_error, NHRP_ERROR_HOP_COUNT);
	assert_int_equal(harness_dropped(NHRP_DROP_HOP_COUNT), 2);
}

/* Our own record is in it: it came round. */
static void test_loop(void **state)
{
	struct nhrp_packet q = forward_request(1), r = forward_reply(1), e;

	(void)state;
	record_add(&q, NHRP_EXT_FORWARD_RECORD, "203.0.113.1", "10.255.0.1");
	assert_false(harness_ask("192.0.2.11", &q, &e));
	assert_int_equal(harness_error, NHRP_ERROR_LOOP);
	q = forward_request(1);
	record_add(&q, NHRP_EXT_FORWARD_RECORD, "203.0.113.1", "10.255.0.2");
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	record_add(&r, NHRP_EXT_REVERSE_RECORD, "192.0.2.1", "10.255.0.1");
	assert_false(harness_ask("192.0.2.12", &r, &e));
	assert_int_equal(harness_error, NHRP_ERROR_LOOP);
	assert_int_equal(harness_dropped(NHRP_DROP_LOOP), 2);
}

/* Records grow by one of ours each way; nothing is added that was not asked for. */
static void test_records(void **state)
{
	struct nhrp_packet q = forward_request(1), r = forward_reply(1), sent;
	struct nhrp_cie cies[4];
	struct nhrp_fault fault;

	(void)state;
	record_add(&q, NHRP_EXT_FORWARD_RECORD, "203.0.113.1", "10.255.0.2");
	assert_true(harness_ask("192.0.2.11", &q, &sent));
	assert_int_equal(sent.ext_count, 1);
	assert_int_equal(nhrp_ext_cies_decode(&sent, &sent.exts[0], cies, 4, &fault), 2);
	assert_true(dp_addr_equal(&cies[1].nbma, &harness_tunnel.source));
	assert_true(dp_addr_equal(&cies[1].proto, &harness_tunnel.addresses[0].addr));
	assert_int_equal(cies[1].holding_s, 60);
	assert_true(harness_ask("192.0.2.12", &r, &sent));
	assert_int_equal(sent.ext_count, 0);
}

/* A client that left its NAT extension empty: what we see is filled in, both ways. */
static void test_nat_filled(void **state)
{
	struct nhrp_packet q = forward_request(1), r = forward_reply(2), q2 = forward_request(2),
			   sent;
	const struct nhrp_ext *e;
	struct nhrp_fault fault;
	struct nhrp_cie cie;
	char text[DP_ADDR_STRLEN];

	(void)state;
	q.src_proto = harness_addr("10.255.0.13");
	q.src_nbma = harness_addr("10.9.13.2");
	nhrp_ext_add(&q, NHRP_EXT_NAT, 0, NULL, 0);
	assert_true(harness_ask("192.0.2.254", &q, &sent));
	e = nhrp_ext_find(&sent, NHRP_EXT_NAT);
	assert_int_equal(nhrp_ext_cies_decode(&sent, e, &cie, 1, &fault), 1);
	assert_string_equal(dp_addr_format(&cie.nbma, text), "192.0.2.254");
	assert_string_equal(dp_addr_format(&cie.proto, text), "10.255.0.13");
	assert_int_equal(cie.prefix_len, 32);

	q2.dst_proto = r.dst_proto = harness_addr("10.1.13.10");
	assert_string_equal(goes_to("192.0.2.11", &q2), "192.0.2.254");
	r.cies[0].nbma = harness_addr("10.9.13.2");
	r.cies[0].proto = harness_addr("10.255.0.13");
	nhrp_ext_add(&r, NHRP_EXT_NAT, 0, NULL, 0);
	assert_true(harness_ask("192.0.2.254", &r, &sent));
	e = nhrp_ext_find(&sent, NHRP_EXT_NAT);
	assert_int_equal(nhrp_ext_cies_decode(&sent, e, &cie, 1, &fault), 1);
	assert_string_equal(dp_addr_format(&cie.nbma, text), "192.0.2.254");
}

/* Hop by hop: the word that leaves is ours, once. */
static void test_authentication(void **state)
{
	uint8_t word[12];
	struct nhrp_packet q = forward_request(1), reg = harness_request(), sent;
	int len = nhrp_auth_encode("cisco", word, sizeof(word));

	(void)state;
	snprintf(harness_tunnel.nhrp.authentication, sizeof(harness_tunnel.nhrp.authentication),
		 "cisco");
	harness_tunnel_again();
	nhrp_ext_add(&reg, NHRP_EXT_AUTHENTICATION, NHRP_EXT_F_COMPULSORY, word, (uint16_t)len);
	nhrp_ext_add(&q, NHRP_EXT_AUTHENTICATION, NHRP_EXT_F_COMPULSORY, word, (uint16_t)len);
	assert_true(harness_ask("192.0.2.11", &reg, &sent));
	reg.src_proto = harness_addr("10.255.0.12");
	assert_true(harness_ask("192.0.2.12", &reg, &sent));
	assert_true(harness_ask("192.0.2.11", &q, &sent));
	assert_int_equal(nhrp_ext_count(&sent, NHRP_EXT_AUTHENTICATION), 1);
	assert_memory_equal(nhrp_ext_find(&sent, NHRP_EXT_AUTHENTICATION)->value, word, len);
}

/* It came in, but with our record in it it does not get out. */
static void test_too_big(void **state)
{
	static const uint8_t vendor[1330];
	struct nhrp_packet q = forward_request(1), e;

	(void)state;
	nhrp_ext_add(&q, NHRP_EXT_FORWARD_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&q, NHRP_EXT_VENDOR, 0, vendor, sizeof(vendor));
	assert_false(harness_ask("192.0.2.11", &q, &e));
	assert_int_equal(harness_error, NHRP_ERROR_SIZE_EXCEEDED);
	assert_int_equal(harness_dropped(NHRP_DROP_TOO_BIG), 1);
	assert_int_equal(harness_noted(NHRP_NOTE_RES_FORWARDED), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, forward_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_hop_count),  TEST(test_loop),           TEST(test_records),
		TEST(test_nat_filled), TEST(test_authentication), TEST(test_too_big),
	};

	return cmocka_run_group_tests_name("nhrp_transit", tests, NULL, NULL);
}
