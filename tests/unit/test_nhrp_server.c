/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next-hop server packet by packet: real registrations of FRR harness_spokes get the bytes that
 * FRR's own hub answered; holding times; refusals; take-over; extensions; everything that is
 * dropped.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/events.h"
#include "nhrp_harness.h"

#define NOW HARNESS_NOW_MS

/* The same bytes as the third-party hub in the captures sent. */
static void test_as_the_real_hub(void **state)
{
	static const struct {
		const char *request, *reply, *protocol, *claimed;
		bool nat;
	} rows[] = {
		{"plain_key42_bgp_nat_reg_request_1", "plain_key42_bgp_nat_reg_reply_1",
		 "10.255.0.11", "192.0.2.11", false},
		{"plain_key42_bgp_nat_reg_request_2", "plain_key42_bgp_nat_reg_reply_2",
		 "10.255.0.12", "192.0.2.12", false},
		{"plain_key42_bgp_nat_reg_request_3", "plain_key42_bgp_nat_reg_reply_3",
		 "10.255.0.13", "10.9.13.2", true},
		{"plain_key42_bgp_nat_reg_request_4", "plain_key42_bgp_nat_reg_reply_4",
		 "10.255.0.11", "192.0.2.11", false},
		{"plain_key42_bgp_nat_reg_request_5", "plain_key42_bgp_nat_reg_reply_5",
		 "10.255.0.12", "192.0.2.12", false},
		{"plain_key42_bgp_nat_reg_request_6", "plain_key42_bgp_nat_reg_reply_6",
		 "10.255.0.13", "10.9.13.2", true},
		{"esp_gcm128_natt_reg_request_1", "esp_gcm128_natt_reg_reply_1", "10.255.0.11",
		 "10.9.11.2", true},
	};
	char text[DP_ADDR_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nhrp_vector *q = harness_vector(rows[i].request),
					 *r = harness_vector(rows[i].reply);
		const struct nhrp_binding *b;

		harness_receive(q->outer_src, 0, q->bytes, q->len);
		assert_int_equal(fake_dp.packets, i + 1);
		assert_int_equal(fake_dp.packet_len, r->len);
		assert_memory_equal(fake_dp.packet, r->bytes, r->len);
		assert_string_equal(dp_addr_format(&fake_dp.packet_nbma, text), r->outer_dst);
		b = harness_find(rows[i].protocol);
		assert_non_null(b);
		assert_int_equal(!!(b->flags & NHRP_BINDING_F_NAT), rows[i].nat);
		assert_string_equal(dp_addr_format(&b->claimed, text), rows[i].claimed);
		assert_string_equal(dp_addr_format(&b->spoke->key.nbma, text), q->outer_src);
		assert_int_equal(b->expiry.at_ms, NOW + 60000);
	}
	assert_int_equal(
		nhrp_server_counter(harness_srv, NHRP_COUNTER_RX + NHRP_TYPE_REGISTRATION_REQUEST),
		7);
	assert_int_equal(
		nhrp_server_counter(harness_srv, NHRP_COUNTER_TX + NHRP_TYPE_REGISTRATION_REPLY),
		7);
}

static void test_holding_time(void **state)
{
	static const struct {
		uint16_t asked_s, granted_s;
	} rows[] = {{0, 60}, {1, 10}, {9, 10}, {10, 10}, {11, 11}, {7200, 7200}, {65535, 65535}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nhrp_packet p = harness_request(), r;

		p.cies[0].holding_s = rows[i].asked_s;
		assert_true(harness_ask("192.0.2.11", &p, &r));
		assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_OK);
		assert_int_equal(r.cies[0].holding_s, rows[i].granted_s);
		assert_int_equal(nhrp_server_next_ms(harness_srv), NOW + rows[i].granted_s * 1000);
	}
	assert_non_null(harness_find("10.255.0.11"));
	assert_false(nhrp_server_tick(harness_srv, NOW + 65535000 - 1));
	assert_non_null(harness_find("10.255.0.11"));
	assert_false(nhrp_server_tick(harness_srv, NOW + 65535000));
	assert_null(harness_find("10.255.0.11"));
}

/* The head of a reply: the client's own addresses and request id, never hop count 0; a client that
 * does not know us (destination = itself) learns our address. */
static void test_reply_head(void **state)
{
	struct nhrp_packet p = harness_request(), r;

	(void)state;
	p.hop_count = 0;
	p.dst_proto = p.src_proto;
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.type, NHRP_TYPE_REGISTRATION_REPLY);
	assert_true(r.hop_count >= 1);
	assert_int_equal(r.request_id, 77);
	assert_true(dp_addr_equal(&r.src_proto, &p.src_proto));
	assert_true(dp_addr_equal(&r.src_nbma, &p.src_nbma));
	assert_true(dp_addr_equal(&r.dst_proto, &harness_tunnel.addresses[0].addr));
	assert_int_equal(r.cies[0].mtu, 1400);
	assert_int_equal(r.cies[0].prefix_len, 255);
	assert_false(dp_addr_is_set(&r.cies[0].proto));
	assert_int_equal(r.ext_count, 0);
	/* NAT-T: back to the port it came from. */
	const struct nhrp_vector *q = harness_vector("esp_gcm128_natt_reg_request_1");

	harness_receive(q->outer_src, 4500, q->bytes, q->len);
	assert_int_equal(fake_dp.packet_port, 4500);
}

static void test_host_prefixes(void **state)
{
	static const struct {
		uint8_t prefix_len;
		bool host;
	} rows[] = {{0, true}, {32, true}, {255, true}, {24, false}, {31, false}, {33, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nhrp_packet p = harness_request(), r;

		p.cies[0].prefix_len = rows[i].prefix_len;
		assert_true(harness_ask("192.0.2.11", &p, &r));
		assert_int_equal(r.cies[0].code, rows[i].host ? 0 : NHRP_CIE_CODE_PROHIBITED);
		assert_int_equal(r.cies[0].prefix_len, rows[i].prefix_len);
	}
	assert_int_equal(harness_refused(NHRP_REFUSAL_PREFIX), 3);
}

/* One registration each: who may not. Nothing but the reply and the counter changes. */
static void test_refusals(void **state)
{
	static const struct {
		const char *protocol, *outer;
		enum nhrp_refusal refusal;
		uint8_t code;
	} rows[] = {
		{"0.0.0.0", "192.0.2.11", NHRP_REFUSAL_NOT_UNICAST, 4},
		{"224.0.0.5", "192.0.2.11", NHRP_REFUSAL_NOT_UNICAST, 4},
		{"127.0.0.1", "192.0.2.11", NHRP_REFUSAL_NOT_UNICAST, 4},
		{"255.255.255.255", "192.0.2.11", NHRP_REFUSAL_NOT_UNICAST, 4},
		{"10.255.0.1", "192.0.2.11", NHRP_REFUSAL_OURS, 4},
		{"10.254.255.255", "192.0.2.11", NHRP_REFUSAL_OUTSIDE, 4},
		{"10.255.1.0", "192.0.2.11", NHRP_REFUSAL_OUTSIDE, 4},
		{"8.8.8.8", "192.0.2.11", NHRP_REFUSAL_OUTSIDE, 4},
		{"10.255.0.0", "192.0.2.11", NHRP_REFUSAL_SUBNET, 4},
		{"10.255.0.255", "192.0.2.11", NHRP_REFUSAL_SUBNET, 4},
		{"10.255.0.31", "192.0.2.11", NHRP_REFUSAL_STATIC, 4},
		{"10.255.0.31", "192.0.2.31", NHRP_REFUSAL_STATIC, 4},
		{"10.255.0.11", "192.0.2.1", NHRP_REFUSAL_NBMA, 4},
		{"10.255.0.11", "10.255.0.99", NHRP_REFUSAL_NBMA, 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nhrp_packet p = harness_request(), r;
		uint64_t before = harness_refused(rows[i].refusal);

		p.cies[0].proto = harness_addr(rows[i].protocol);
		if (!harness_ask(rows[i].outer, &p, &r))
			fail_msg("%s: no reply", rows[i].protocol);
		if (r.cies[0].code != rows[i].code ||
		    harness_refused(rows[i].refusal) != before + 1)
			fail_msg("%s from %s: code %u", rows[i].protocol, rows[i].outer,
				 r.cies[0].code);
		assert_int_equal(r.cies[0].holding_s, 0);
		assert_string_equal(fake_dp_calls(), "");
	}
	assert_non_null(harness_find("10.255.0.31"));        /* the static one */
	assert_int_equal(event_count(EVENT_REG_REFUSED), 4); /* one for each outer address */
	assert_int_equal(event_count(EVENT_REG_ADDED), 1);
}

static void test_several_cies(void **state)
{
	struct nhrp_packet p = harness_request(), r;

	(void)state;
	p.cie_count = 3;
	p.cies[1] = p.cies[2] = p.cies[0];
	p.cies[1].proto = harness_addr("10.255.0.0");
	p.cies[2].proto = harness_addr("10.255.0.21");
	p.cies[2].nbma = harness_addr("172.16.0.9");
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.cie_count, 3);
	assert_int_equal(r.cies[0].code, 0);
	assert_int_equal(r.cies[1].code, 4);
	assert_int_equal(r.cies[1].holding_s, 0);
	assert_int_equal(r.cies[2].code, 0);
	assert_int_equal(r.cies[2].holding_s, 600);
	assert_non_null(harness_find("10.255.0.11"));
	assert_non_null(harness_find("10.255.0.21"));
	assert_true(harness_find("10.255.0.21")->flags & NHRP_BINDING_F_NAT);
	/* Unique allows one CIE only: all are refused, none forgotten. */
	p.flags = NHRP_REG_F_UNIQUE;
	assert_true(harness_ask("192.0.2.11", &p, &r));
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(r.cies[i].code, 4);
	assert_int_equal(harness_refused(NHRP_REFUSAL_UNIQUE_MANY), 3);
	assert_int_equal(harness_find("10.255.0.21")->flags & NHRP_BINDING_F_UNIQUE, 0);
}

/* Compared is where the packet came from, not what it claims. */
static void test_take_over(void **state)
{
	struct nhrp_packet p = harness_request(), r;

	(void)state;
	p.flags = NHRP_REG_F_UNIQUE;
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.cies[0].code, 0);
	assert_true(harness_ask("192.0.2.11", &p, &r)); /* refresh */
	assert_int_equal(r.cies[0].code, 0);
	assert_true(harness_ask("192.0.2.99", &p, &r)); /* says it is 192.0.2.11 */
	assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_ALREADY_REGISTERED);
	assert_int_equal(r.cies[0].holding_s, 0);
	p.flags = 0;
	assert_true(harness_ask("192.0.2.99", &p, &r));
	assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_ALREADY_REGISTERED);
	assert_int_equal(harness_refused(NHRP_REFUSAL_HELD), 2);
	assert_int_equal(event_count(EVENT_REG_MOVED), 0);
	/* The holder gives it up as unique: now it may move. */
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_true(harness_ask("192.0.2.99", &p, &r));
	assert_int_equal(r.cies[0].code, 0);
	assert_int_equal(event_count(EVENT_REG_MOVED), 1);
	assert_true(harness_find("10.255.0.11")->flags & NHRP_BINDING_F_NAT);
}

static void test_capacity(void **state)
{
	struct nhrp_packet p = harness_request(), r;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		snprintf(text, sizeof(text), "10.255.0.%u", 100 + i);
		p.cies[0].proto = harness_addr(text);
		assert_true(harness_ask("192.0.2.11", &p, &r));
		assert_int_equal(r.cies[0].code, i < 8 ? 0 : 5);
	}
	assert_int_equal(r.cies[0].holding_s, 0);
	assert_int_equal(harness_refused(NHRP_REFUSAL_SPOKE_FULL), 1);
	/* 8 + the static one are there; 7 more of another spoke fill the table. */
	for (unsigned i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "10.255.0.%u", 200 + i);
		p.cies[0].proto = harness_addr(text);
		assert_true(harness_ask("192.0.2.12", &p, &r));
		assert_int_equal(r.cies[0].code, i < 7 ? 0 : 5);
	}
	assert_int_equal(harness_refused(NHRP_REFUSAL_TABLE_FULL), 1);
	fake_dp.fail_nexthop_set = -ENOENT;
	nhrp_server_tick(harness_srv, NOW + 600000);
	p.cies[0].proto = harness_addr("10.255.0.11");
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.cies[0].code, 5);
	assert_int_equal(harness_refused(NHRP_REFUSAL_DATAPLANE), 1);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, harness_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		T(test_as_the_real_hub), T(test_holding_time), T(test_reply_head),
		T(test_host_prefixes),   T(test_refusals),     T(test_several_cies),
		T(test_take_over),       T(test_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
