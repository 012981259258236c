/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask for a resolution, in whose name, and who has an entry for having asked.
 */
#include "nhrp_res_fixture.h"

/* Nobody asks in the name of another. */
static void test_who_asks(void **state)
{
	static const struct {
		const char *from, *source;
		bool ok;
	} rows[] = {
		{"192.0.2.11", "10.255.0.11", true},
		{"192.0.2.12", "10.255.0.11", false}, /* another registered spoke */
		{"192.0.2.99", "10.255.0.11", false}, /* a stranger */
		{"192.0.2.11", "10.255.0.31", false}, /* mapped statically */
		{"192.0.2.31", "10.255.0.31", true},
		{"192.0.2.11", "10.255.0.1", false}, /* ours */
		{"192.0.2.99", "10.255.0.99", true}, /* nobody's: it might register it */
		{"192.0.2.99", "10.77.0.99", false}, /* and this not */
		{"192.0.2.99", "10.255.0.255", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nhrp_packet p = res_request(11, "203.0.113.1"), r;

		p.src_proto = harness_addr(rows[i].source);
		if (harness_ask(rows[i].from, &p, &r) != rows[i].ok)
			fail_msg("row %zu", i);
		if (!rows[i].ok)
			assert_int_equal(r.code, NHRP_ERROR_PROTOCOL);
	}
	assert_int_equal(harness_dropped(NHRP_DROP_NOT_ITS_OWN), 6);
}

static void record_add(struct nhrp_packet *p)
{
	static uint8_t value[64];
	const struct nhrp_cie cie = {.nbma = harness_addr("203.0.113.1"),
				     .proto = harness_addr("10.255.0.2")};

	p->exts[0].value = value;
	p->exts[0].len = (uint16_t)nhrp_cies_encode(p, &cie, 1, value, sizeof(value));
}

/* Who is not registered and gets an answer of ours has an entry then: not by a forwarded packet,
 * nor for one that we forward. */
static void test_implicit(void **state)
{
	struct nhrp_packet p = res_request(99, "10.1.12.10"), r;
	const struct nhrp_binding *b;
	char text[DP_ADDR_STRLEN];

	(void)state;
	res_serve(true, CONFIG_RESOLUTION_AUTO);
	assert_true(harness_ask("192.0.2.99", &p, &r));
	assert_null(harness_find("10.255.0.99"));
	p = res_request(99, "10.1.1.10");
	record_add(&p);
	assert_true(harness_ask("192.0.2.99", &p, &r));
	assert_null(harness_find("10.255.0.99"));
	p = res_request(99, "10.1.1.10");
	p.src_nbma = harness_addr("10.9.9.9");
	fake_dp_calls_clear();
	assert_true(harness_ask("192.0.2.99", &p, &r));
	b = harness_find("10.255.0.99");
	assert_non_null(b);
	assert_int_equal(b->flags & (NHRP_BINDING_F_IMPLICIT | NHRP_BINDING_F_REGISTERED |
				     NHRP_BINDING_F_NAT | NHRP_BINDING_F_ROUTER),
			 NHRP_BINDING_F_IMPLICIT | NHRP_BINDING_F_NAT | NHRP_BINDING_F_ROUTER);
	assert_string_equal(dp_addr_format(&b->spoke->key.nbma, text), "192.0.2.99");
	assert_null(strstr(fake_dp_calls(), "route_set"));
	assert_int_equal(b->holding_s, 600); /* as it asked */
	harness_now_ms += 599000;
	assert_true(harness_ask("192.0.2.99", &p, &r)); /* refreshed */
	assert_int_equal(b->expiry.at_ms, harness_now_ms + 600000);
	/* A registered one stays what it is. */
	b = harness_find("10.255.0.31");
	p = res_request(31, "10.1.1.10");
	assert_true(harness_ask("192.0.2.31", &p, &r));
	assert_int_equal(b->type, NHRP_BINDING_STATIC);
	assert_false(b->flags & NHRP_BINDING_F_IMPLICIT);
}

/* Who asks in many names has no more entries than who registers; and answers all the same. */
static void test_implicit_many(void **state)
{
	struct nhrp_packet p, r;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		p = res_request(50 + i, "10.1.1.10");
		assert_true(harness_ask("192.0.2.99", &p, &r));
		assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_OK);
	}
	assert_non_null(harness_find("10.255.0.57"));
	assert_null(harness_find("10.255.0.58"));
}

/* IPv6 has no routes yet: the subnet's addresses. */
static void test_ip6(void **state)
{
	struct nhrp_packet p, r;

	(void)state;
	nhrp_packet_init(&p, NHRP_TYPE_RESOLUTION_REQUEST, AF_INET6, AF_INET6);
	p.hop_count = 64;
	p.src_nbma = harness_addr("2001:db8::11");
	p.src_proto = harness_addr("fd00::11");
	p.dst_proto = harness_addr("fd00::1");
	assert_true(harness_ask("2001:db8::11", &p, &r));
	assert_int_equal(r.cies[0].prefix_len, 128);
	p.dst_proto = harness_addr("fd00::12");
	assert_true(harness_ask("2001:db8::11", &p, &r));
	assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_NO_BINDING);
	p.dst_proto = harness_addr("fd01::12");
	assert_true(harness_ask("2001:db8::11", &p, &r));
	assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_NO_BINDING);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, res_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_who_asks),
		TEST(test_implicit),
		TEST(test_implicit_many),
		TEST(test_ip6),
	};

	return cmocka_run_group_tests_name("nhrp_requester", tests, NULL, NULL);
}
