/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolution requests that are forwarded, and what comes back: the bytes that FRR's own hub sent in
 * the same place; who may answer, how often, how long; repeats; errors; room; who is noted.
 */
#include "nhrp_forward_fixture.h"

/* In the order in which they crossed the real hub. */
static void test_as_the_real_hub(void **state)
{
	static const char *const rows[][2] = {
		{"res_request_1", "res_request_3"}, {"res_request_2", "res_request_4"},
		{"res_reply_1", "res_reply_3"},     {"res_reply_2", "res_reply_4"},
		{"res_request_5", "res_request_6"}, {"res_request_7", "res_request_8"},
		{"res_reply_5", "res_reply_6"},     {"res_reply_7", "res_reply_8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char in[64], out[64];

		snprintf(in, sizeof(in), "plain_key42_bgp_nat_%s", rows[i][0]);
		snprintf(out, sizeof(out), "plain_key42_bgp_nat_%s", rows[i][1]);
		harness_receive_vector(in);
		assert_int_equal(fake_dp.packets, i + 1);
		harness_sent_vector(out);
	}
	assert_int_equal(harness_noted(NHRP_NOTE_RES_FORWARDED), 4);
	assert_int_equal(harness_noted(NHRP_NOTE_RES_RELAYED), 4);
}

/* Nobody answers but the spoke that was asked, and once for each time. */
static void test_who_answers(void **state)
{
	struct nhrp_packet q = forward_request(1), r = forward_reply(1), other = forward_reply(2),
			   elsewhere = forward_reply(1), e;

	(void)state;
	assert_string_equal(goes_to("192.0.2.12", &r), ""); /* not asked yet */
	assert_int_equal(harness_error, NHRP_ERROR_INVALID_REPLY);
	assert_int_equal(harness_dropped(NHRP_DROP_RES_REPLY), 1);
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");

	elsewhere.dst_proto = harness_addr("10.1.12.11");
	assert_string_equal(goes_to("192.0.2.12", &other), "");
	assert_string_equal(goes_to("192.0.2.12", &elsewhere), "");
	assert_int_equal(harness_dropped(NHRP_DROP_RES_REPLY), 3);
	assert_string_equal(goes_to("192.0.2.254", &r), "");
	assert_string_equal(goes_to("192.0.2.11", &r), "");
	assert_int_equal(harness_dropped(NHRP_DROP_NOT_THE_ASKED), 2);

	assert_string_equal(goes_to("192.0.2.12", &r), "192.0.2.11");
	assert_string_equal(goes_to("192.0.2.12", &r), ""); /* again */
	assert_int_equal(harness_dropped(NHRP_DROP_RES_REPLY), 4);
	assert_int_equal(harness_noted(NHRP_NOTE_RES_RELAYED), 1);
	assert_false(harness_ask("192.0.2.12", &r, &e));
}

/* It asked from another address than it had when the answer comes. */
static void test_asked_moves(void **state)
{
	struct nhrp_packet q = forward_request(1), r = forward_reply(1), again = harness_request(),
			   a;

	(void)state;
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	again.src_nbma = harness_addr("192.0.2.112");
	again.src_proto = harness_addr("10.255.0.12");
	assert_true(harness_ask("192.0.2.112", &again, &a));
	assert_int_equal(a.cies[0].code, NHRP_CIE_CODE_OK);
	assert_string_equal(goes_to("192.0.2.112", &r), "192.0.2.11");
}

static void test_time_over(void **state)
{
	struct nhrp_packet q = forward_request(1), r = forward_reply(1);

	(void)state;
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	harness_now_ms += NHRP_PENDING_MS - 1;
	nhrp_server_tick(harness_srv, harness_now_ms);
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12"); /* lives from now on */
	harness_now_ms += NHRP_PENDING_MS - 1;
	nhrp_server_tick(harness_srv, harness_now_ms);
	assert_string_equal(goes_to("192.0.2.12", &r), "192.0.2.11");
	harness_now_ms += 1;
	assert_true(nhrp_server_next_ms(harness_srv) <= harness_now_ms);
	nhrp_server_tick(harness_srv, harness_now_ms);
	assert_string_equal(goes_to("192.0.2.12", &r), "");
	assert_int_equal(harness_dropped(NHRP_DROP_RES_REPLY), 1);
}

/* The same question goes where it went; another one with its number is another one. */
static void test_repeat(void **state)
{
	struct nhrp_packet q = forward_request(1), r = forward_reply(1), other = forward_request(1);

	(void)state;
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	harness_ways_clear();
	harness_way_add("10.1.12.0/24", NHRP_WAY_TUNNEL, "10.255.0.13");
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	assert_int_equal(harness_noted(NHRP_NOTE_RES_REPEATED), 1);
	assert_string_equal(goes_to("192.0.2.12", &r), "192.0.2.11");
	assert_string_equal(goes_to("192.0.2.12", &r), "192.0.2.11");
	assert_string_equal(goes_to("192.0.2.12", &r), "");
	other.dst_proto = harness_addr("10.1.12.11");
	assert_string_equal(goes_to("192.0.2.11", &other), "192.0.2.254");
	assert_string_equal(goes_to("192.0.2.12", &r), "");
}

/* The number is the requester's own. */
static void test_same_number(void **state)
{
	struct nhrp_packet q = forward_request(1), r = forward_reply(1), q13 = forward_request(1),
			   r13 = forward_reply(1);

	(void)state;
	q13.src_proto = r13.src_proto = harness_addr("10.255.0.13");
	q13.src_nbma = r13.src_nbma = harness_addr("10.9.13.2");
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	assert_string_equal(goes_to("192.0.2.254", &q13), "192.0.2.12");
	assert_string_equal(goes_to("192.0.2.12", &r13), "192.0.2.254");
	assert_string_equal(goes_to("192.0.2.12", &r), "192.0.2.11");
}

static struct nhrp_packet error_about(const struct nhrp_packet *p, uint8_t *quote)
{
	struct nhrp_packet e;
	int len = nhrp_packet_encode(p, quote, 256);

	nhrp_packet_init(&e, NHRP_TYPE_ERROR_INDICATION, AF_INET, AF_INET);
	e.hop_count = 64;
	e.code = NHRP_ERROR_UNRECOGNIZED_EXTENSION;
	e.src_nbma = harness_addr("192.0.2.12");
	e.src_proto = harness_addr("10.255.0.12");
	e.dst_proto = p->src_proto;
	e.payload = quote;
	e.payload_len = (uint16_t)(len < 48 ? len : 48); /* the end is missing, as FRR sends it */
	return e;
}

static void test_error_relayed(void **state)
{
	uint8_t quote[256], sent[256];
	struct nhrp_packet q = forward_request(1), e = error_about(&q, quote);
	unsigned before;
	int len = nhrp_packet_encode(&e, sent, sizeof(sent));
	char text[DP_ADDR_STRLEN];

	(void)state;
	harness_receive("192.0.2.12", 0, sent, (size_t)len);
	assert_int_equal(fake_dp.packets, 0); /* not asked; and no error about an error */
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	before = fake_dp.packets;
	harness_receive("192.0.2.254", 0, sent, (size_t)len);
	assert_int_equal(fake_dp.packets, before);
	harness_receive("192.0.2.12", 0, sent, (size_t)len);
	assert_int_equal(fake_dp.packets, before + 1);
	assert_string_equal(dp_addr_format(&fake_dp.packet_nbma, text), "192.0.2.11");
	assert_int_equal(fake_dp.packet[9], 63);
	assert_memory_equal(fake_dp.packet + 40, quote, 48);
	harness_receive("192.0.2.12", 0, sent, (size_t)len);
	assert_int_equal(fake_dp.packets, before + 1);
	assert_int_equal(harness_dropped(NHRP_DROP_ERROR_FOREIGN), 3);
}

/* One spoke cannot take the room of others; what there is no room for is answered no. */
static void test_room(void **state)
{
	struct nhrp_packet q, r, sent;

	(void)state;
	for (uint32_t id = 0; id < NHRP_PENDING_PER_SPOKE; id++) {
		q = forward_request(id);
		assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	}
	q = forward_request(NHRP_PENDING_PER_SPOKE);
	assert_true(harness_ask("192.0.2.11", &q, &sent));
	assert_int_equal(sent.type, NHRP_TYPE_RESOLUTION_REPLY);
	assert_int_equal(sent.cies[0].code, NHRP_CIE_CODE_NO_RESOURCES);
	assert_int_equal(sent.cies[0].holding_s, 0);
	assert_int_equal(harness_noted(NHRP_NOTE_RES_FULL), 1);
	q.src_proto = harness_addr("10.255.0.13");
	q.src_nbma = harness_addr("10.9.13.2");
	assert_string_equal(goes_to("192.0.2.254", &q), "192.0.2.12");
	for (uint32_t id = 0; id < NHRP_PENDING_PER_STRANGERS; id++) {
		q = forward_request(id);
		q.src_proto = harness_addr("10.255.0.99");
		q.src_nbma = harness_addr("192.0.2.99");
		assert_string_equal(goes_to("192.0.2.99", &q), "192.0.2.12");
	}
	q.request_id = NHRP_PENDING_PER_STRANGERS;
	assert_true(harness_ask("192.0.2.99", &q, &sent));
	assert_int_equal(sent.cies[0].code, NHRP_CIE_CODE_NO_RESOURCES);
	harness_now_ms += NHRP_PENDING_MS;
	while (nhrp_server_tick(harness_srv, harness_now_ms))
		;
	q = forward_request(NHRP_PENDING_PER_SPOKE);
	r = forward_reply(NHRP_PENDING_PER_SPOKE);
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	assert_string_equal(goes_to("192.0.2.12", &r), "192.0.2.11");
}

/* Who asked is noted, whether or not the answer comes by here; with its prefix and time if it does.
 */
static void test_noted(void **state)
{
	const struct dp_addr binding = harness_addr("10.255.0.12");
	struct nhrp_packet q = forward_request(7), r = forward_reply(7);
	struct nhrp_requester rows[3];
	char text[DP_PREFIX_STRLEN];

	(void)state;
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	assert_int_equal(nhrp_requesters_list(harness_srv->requesters, 0, &binding, rows, 3), 1);
	assert_string_equal(dp_prefix_format(&rows[0].target, text), "10.1.12.10/32");
	assert_int_equal(rows[0].holding_s, 0);
	assert_int_equal(rows[0].request_id, 7);
	assert_string_equal(dp_addr_format(&rows[0].requester_nbma, text), "192.0.2.11");
	assert_string_equal(dp_addr_format(&rows[0].requester_protocol, text), "10.255.0.11");
	assert_string_equal(goes_to("192.0.2.12", &r), "192.0.2.11");
	assert_int_equal(nhrp_requesters_list(harness_srv->requesters, 0, &binding, rows, 3), 2);
	assert_string_equal(dp_prefix_format(&rows[0].target, text), "10.1.12.0/24");
	assert_int_equal(rows[0].holding_s, 60);
}

/* An answer of no is nothing to be taken back. */
static void test_no_relayed(void **state)
{
	const struct dp_addr binding = harness_addr("10.255.0.12");
	struct nhrp_packet q = forward_request(7), r = forward_reply(7);
	struct nhrp_requester rows[3];

	(void)state;
	r.cies[0] = (struct nhrp_cie){.code = NHRP_CIE_CODE_NO_BINDING_OLD};
	assert_string_equal(goes_to("192.0.2.11", &q), "192.0.2.12");
	assert_string_equal(goes_to("192.0.2.12", &r), "192.0.2.11");
	assert_int_equal(nhrp_requesters_list(harness_srv->requesters, 0, &binding, rows, 3), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, forward_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_as_the_real_hub), TEST(test_who_answers), TEST(test_asked_moves),
		TEST(test_time_over),       TEST(test_repeat),      TEST(test_same_number),
		TEST(test_error_relayed),   TEST(test_room),        TEST(test_noted),
		TEST(test_no_relayed),
	};

	return cmocka_run_group_tests_name("nhrp_forward", tests, NULL, NULL);
}
