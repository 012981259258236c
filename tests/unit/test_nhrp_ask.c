/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Next hops that the hub asks other hubs for: when, what becomes of answers, the way that packets
 * take meanwhile, refresh, purge. The other hubs are this test.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/nhrp/nhrp_priv.h"
#include "nhrp_harness.h"

#define NOW    HARNESS_NOW_MS
#define TARGET "10.255.0.77"
#define HUB    "192.0.2.21" /* its spoke is number 2, after the static one's */

static struct nhrp_packet last(void)
{
	static uint8_t copy[FAKE_DP_PACKET]; /* what is sent next must not change it */
	struct nhrp_packet p;
	struct nhrp_fault fault;

	memcpy(copy, fake_dp.packet, fake_dp.packet_len);
	assert_int_equal(nhrp_packet_decode(&p, copy, fake_dp.packet_len, &fault), 0);
	return p;
}

static void receive(const char *outer, const struct nhrp_packet *p)
{
	uint8_t buf[512];
	int len = nhrp_packet_encode(p, buf, sizeof(buf));

	assert_true(len > 0);
	harness_receive(outer, 0, buf, (size_t)len);
}

/* How many packets are sent until then. */
static unsigned until(uint64_t ms)
{
	fake_dp.packets = 0;
	for (; harness_now_ms < NOW + ms; harness_now_ms += 500)
		while (nhrp_server_tick(harness_srv, harness_now_ms))
			continue;
	nhrp_server_tick(harness_srv, harness_now_ms);
	return fake_dp.packets;
}

/* A client of the hub at 192.0.2.21, 10.255.0.21, which responds for the next 18 hours / 3. */
static int setup(void **state)
{
	struct nhrp_packet p;

	harness_setup(state);
	harness_tunnel.nhrp.holdtime_s = 65535;
	harness_tunnel.nhrp.nhs_count = 1;
	harness_tunnel.nhrp.nhs[0] = (struct config_nhs){.nbma = harness_addr(HUB),
							 .protocol = harness_addr("10.255.0.21")};
	harness_tunnel_again();
	nhrp_server_tick(harness_srv, NOW);
	p = last();
	p.type = NHRP_TYPE_REGISTRATION_REPLY;
	receive(HUB, &p);
	fake_dp_calls_clear();
	fake_dp.packets = 0;
	return 0;
}

static int want(const char *target)
{
	const struct dp_addr a = harness_addr(target);

	return nhrp_ask(harness_srv->asks, 0, &a, harness_now_ms);
}

static uint64_t noted(enum nhrp_note what)
{
	return nhrp_server_counter(harness_srv, NHRP_COUNTER_NOTE + what);
}

/* "dynamic", "incomplete", or "" when it is not in the list. */
static const char *type_of(const char *target)
{
	const struct dp_addr a = harness_addr(target);
	struct nhrp_binding_info rows[8];
	uint32_t cursor = 0;
	unsigned n;

	while ((n = nhrp_server_list(harness_srv, &cursor, rows, 8)) > 0)
		for (unsigned i = 0; i < n; i++)
			if (dp_addr_equal(&rows[i].protocol, &a))
				return nhrp_binding_type_name(rows[i].type);
	return "";
}

/* The answer of the spoke 10.255.0.77 at 192.0.2.77 to what was sent last. */
static struct nhrp_packet reply_of(uint16_t holding_s)
{
	struct nhrp_packet p = last();

	assert_int_equal(p.type, NHRP_TYPE_RESOLUTION_REQUEST);
	p.type = NHRP_TYPE_RESOLUTION_REPLY;
	p.cie_count = 1;
	p.cies[0] = (struct nhrp_cie){.prefix_len = 32,
				      .mtu = 1400,
				      .holding_s = holding_s,
				      .nbma = harness_addr("192.0.2.77"),
				      .proto = harness_addr(TARGET)};
	return p;
}

static void test_who_is_asked_for(void **state)
{
	static const struct {
		const char *target;
		int rc;
	} rows[] = {
		{TARGET, 0},
		{TARGET, 0}, /* asked for already */
		{"10.255.0.31", -EEXIST},
		{"10.255.0.21", -EEXIST},
		{"10.255.0.1", -EADDRNOTAVAIL},
		{"10.255.0.0", -EADDRNOTAVAIL},
		{"10.255.0.255", -EADDRNOTAVAIL},
		{"10.254.0.1", -EADDRNOTAVAIL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(want(rows[i].target), rows[i].rc);
	assert_int_equal(fake_dp.packets, 1);
	assert_int_equal(noted(NHRP_NOTE_ASKED), 1);
}

/* RFC 2332 section 5.2.1. */
static void test_request(void **state)
{
	const struct dp_addr us = harness_addr("10.255.0.1"), target = harness_addr(TARGET);
	struct nhrp_packet p;

	(void)state;
	want(TARGET);
	p = last();
	assert_int_equal(p.type, NHRP_TYPE_RESOLUTION_REQUEST);
	assert_true(p.flags & NHRP_RES_F_ROUTER);
	assert_true(p.hop_count > 0);
	assert_true(dp_addr_equal(&p.src_nbma, &harness_tunnel.source));
	assert_true(dp_addr_equal(&p.src_proto, &us) && dp_addr_equal(&p.dst_proto, &target));
	assert_int_equal(fake_dp.packet_nbma.bytes[3], 21);
	assert_non_null(nhrp_ext_find(&p, NHRP_EXT_FORWARD_RECORD));
	/* Packets go by the hub meanwhile. */
	assert_string_equal(fake_dp_calls(), "nexthop_set 10.255.0.77 2");
	assert_string_equal(type_of(TARGET), "incomplete");
}

/* Asked at 0, 1, 3, 7 and 15 s, held off from 31 s on for two minutes, then forgotten. */
static void test_no_answer(void **state)
{
	(void)state;
	want(TARGET);
	assert_int_equal(until(500), 0);
	assert_int_equal(until(1000), 1);
	assert_int_equal(until(15000), 3);
	assert_int_equal(noted(NHRP_NOTE_ASK_UNANSWERED), 0);
	assert_int_equal(until(31000), 0);
	assert_int_equal(noted(NHRP_NOTE_ASK_UNANSWERED), 1);
	assert_int_equal(want(TARGET), 0);
	assert_int_equal(until(150500), 0);
	assert_string_equal(type_of(TARGET), "incomplete");
	assert_string_equal(fake_dp_calls(), "nexthop_set 10.255.0.77 2");
	assert_int_equal(until(151000), 0);
	assert_string_equal(type_of(TARGET), "");
	assert_string_equal(fake_dp_calls(), "nexthop_set 10.255.0.77 2; nexthop_del 10.255.0.77");
	fake_dp.packets = 0;
	want(TARGET);
	assert_int_equal(fake_dp.packets, 1);
}

static void test_answer(void **state)
{
	const struct nhrp_binding *b;
	struct nhrp_packet p;

	(void)state;
	want(TARGET);
	fake_dp_calls_clear();
	p = reply_of(600);
	p.flags |= NHRP_RES_F_AUTHORITATIVE;
	receive("192.0.2.77", &p);
	b = harness_find(TARGET);
	assert_int_equal(b->type, NHRP_BINDING_DYNAMIC);
	assert_int_equal(b->flags, NHRP_BINDING_F_ROUTER | NHRP_BINDING_F_AUTHORITATIVE);
	assert_int_equal(b->expiry.at_ms, NOW + 600000);
	assert_string_equal(fake_dp_calls(), "spoke_add 192.0.2.77 3; nexthop_set 10.255.0.77 3");
	assert_string_equal(type_of(TARGET), "dynamic");
	assert_int_equal(want(TARGET), 0);
	receive("192.0.2.77", &p); /* once more: to nothing that we wait for */
	assert_int_equal(harness_dropped(NHRP_DROP_RES_REPLY), 1);
	/* Nobody used it: it goes when its time is over. */
	fake_dp_calls_clear();
	assert_int_equal(until(600000), 0);
	assert_string_equal(fake_dp_calls(), "nexthop_del 10.255.0.77; spoke_del 3");
	assert_string_equal(type_of(TARGET), "");
}

static void said_no(struct nhrp_packet *p)
{
	p->cies[0].code = NHRP_CIE_CODE_NO_BINDING;
}

static void no_time(struct nhrp_packet *p)
{
	p->cies[0].holding_s = 0;
}

static void no_nbma(struct nhrp_packet *p)
{
	p->cies[0].nbma = (struct dp_addr){0};
}

static void our_nbma(struct nhrp_packet *p)
{
	p->cies[0].nbma = harness_addr("192.0.2.1");
}

static void no_cie(struct nhrp_packet *p)
{
	p->cie_count = 0;
}

static void no_way(struct nhrp_packet *p)
{
	(void)p;
	harness_reachable = -ENETUNREACH;
}

/* Answers that are no use: held off as if there were none. */
static void test_bad_answers(void **state)
{
	static void (*const rows[])(struct nhrp_packet * p) = {said_no,  no_time, no_nbma,
							       our_nbma, no_cie,  no_way};

	harness_teardown(state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nhrp_packet p;

		setup(state);
		want(TARGET);
		p = reply_of(600);
		rows[i](&p);
		receive(HUB, &p);
		assert_int_equal(noted(NHRP_NOTE_ASK_REFUSED), 1);
		assert_null(harness_find(TARGET));
		assert_string_equal(type_of(TARGET), "incomplete");
		assert_int_equal(until(119500), 0);
		assert_string_equal(type_of(TARGET), "incomplete");
		assert_int_equal(until(120000), 0);
		assert_string_equal(type_of(TARGET), "");
		harness_teardown(state);
	}
	setup(state);
}

static void other_id(struct nhrp_packet *p)
{
	p->request_id ^= 1;
}

static void other_target(struct nhrp_packet *p)
{
	p->dst_proto = harness_addr("10.255.0.78");
}

static void other_source(struct nhrp_packet *p)
{
	p->src_proto = harness_addr("10.255.0.78");
}

/* Answers to what nobody asked change nothing. */
static void test_strange_answers(void **state)
{
	static void (*const rows[])(struct nhrp_packet * p) = {other_id, other_target,
							       other_source};
	struct nhrp_packet good, p;

	(void)state;
	want(TARGET);
	good = reply_of(600);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p = good;
		rows[i](&p);
		receive(HUB, &p);
		assert_int_equal(harness_dropped(NHRP_DROP_RES_REPLY), i + 1);
		assert_null(harness_find(TARGET));
	}
	receive(HUB, &good);
	assert_non_null(harness_find(TARGET));
}

/* The best of several; where Cisco's extension says that it is seen. */
static void test_choice(void **state)
{
	const struct nhrp_cie seen = {.prefix_len = 32,
				      .nbma = harness_addr("203.0.113.5"),
				      .proto = harness_addr("10.255.0.79")};
	struct nhrp_packet p;
	uint8_t buf[64];
	int len;

	(void)state;
	want(TARGET);
	p = reply_of(600);
	p.cie_count = 3;
	p.cies[1] = p.cies[2] = p.cies[0];
	p.cies[1].preference = 9;
	p.cies[1].proto = seen.proto;
	p.cies[1].nbma = harness_addr("172.16.0.5");
	p.cies[2].preference = 200;
	p.cies[2].code = NHRP_CIE_CODE_NO_BINDING;
	len = nhrp_cies_encode(&p, &seen, 1, buf, sizeof(buf));
	for (unsigned i = 0; i < p.ext_count; i++)
		if (p.exts[i].type == NHRP_EXT_NAT) {
			p.exts[i].value = buf;
			p.exts[i].len = (uint16_t)len;
		}
	receive(HUB, &p);
	assert_int_equal(harness_find(TARGET)->spoke->key.nbma.ip4_be, seen.nbma.ip4_be);
	assert_int_equal(harness_find(TARGET)->claimed.ip4_be, p.cies[1].nbma.ip4_be);
	assert_true(harness_find(TARGET)->flags & NHRP_BINDING_F_NAT);
}

static void use(void)
{
	spoke_used_note(harness_spokes, &harness_find(TARGET)->spoke->key, harness_now_ms);
}

/* At two thirds of its time one that was used is asked for again; the old one serves meanwhile. */
static void test_refresh(void **state)
{
	struct nhrp_packet p;

	(void)state;
	want(TARGET);
	p = reply_of(600);
	receive(HUB, &p);
	until(100000);
	use();
	assert_int_equal(until(399500), 0);
	assert_int_equal(until(400000), 1);
	assert_string_equal(type_of(TARGET), "dynamic");
	p = reply_of(600);
	fake_dp_calls_clear();
	receive(HUB, &p);
	assert_string_equal(fake_dp_calls(), "");
	assert_int_equal(harness_find(TARGET)->expiry.at_ms, NOW + 1000000);
	/* Not used since: no question, and it ends. */
	assert_int_equal(until(999500), 0);
	assert_string_equal(type_of(TARGET), "dynamic");
	assert_int_equal(until(1000000), 0);
	assert_string_equal(type_of(TARGET), "");
}

/* Refreshed, the answer is: no longer. Or there is none. */
static void test_refresh_fails(void **state)
{
	struct nhrp_packet p;

	(void)state;
	want(TARGET);
	p = reply_of(600);
	receive(HUB, &p);
	use();
	assert_int_equal(until(400000), 1);
	p = reply_of(600);
	said_no(&p);
	receive(HUB, &p);
	assert_string_equal(type_of(TARGET), "");
	want(TARGET);
	p = reply_of(600);
	receive(HUB, &p);
	use();
	assert_int_equal(until(800500), 1);
	assert_int_equal(until(999500), 4);
	assert_string_equal(type_of(TARGET), "dynamic");
	assert_int_equal(until(1000000), 0);
	assert_string_equal(type_of(TARGET), "");
}

/* It registers here after all: its own word counts. */
static void test_registers(void **state)
{
	struct nhrp_packet p = harness_request(), reply;

	(void)state;
	want(TARGET);
	p.src_proto = harness_addr(TARGET);
	assert_true(harness_ask("192.0.2.78", &p, &reply));
	assert_int_equal(harness_find(TARGET)->spoke->key.nbma.bytes[3], 78);
	assert_string_equal(type_of(TARGET), "dynamic");
	fake_dp_calls_clear();
	assert_int_equal(until(151000), 0);
	assert_string_equal(fake_dp_calls(), "");
	assert_int_equal(want(TARGET), -EEXIST);
}

/* The NHS takes back what it told us, nobody else does; then it is asked for anew. */
static void test_purge(void **state)
{
	struct nhrp_packet p, purge;

	(void)state;
	want(TARGET);
	p = reply_of(600);
	receive(HUB, &p);
	purge = p;
	purge.type = NHRP_TYPE_PURGE_REQUEST;
	purge.flags = 0;
	purge.src_proto = harness_addr("10.255.0.21");
	purge.dst_proto = harness_addr("10.255.0.1");
	purge.cies[0] = (struct nhrp_cie){.prefix_len = 32, .proto = harness_addr(TARGET)};
	receive("192.0.2.78", &purge);
	assert_int_equal(harness_dropped(NHRP_DROP_PURGE_OTHERS), 1);
	assert_non_null(harness_find(TARGET));
	receive(HUB, &purge);
	assert_int_equal(last().type, NHRP_TYPE_PURGE_REPLY);
	assert_null(harness_find(TARGET));
	fake_dp.packets = 0;
	assert_int_equal(want(TARGET), 0);
	assert_int_equal(fake_dp.packets, 1);
	/* What registered here, or is static, an NHS cannot take back. */
	p = harness_request();
	assert_true(harness_ask("192.0.2.11", &p, &purge));
	purge.type = NHRP_TYPE_PURGE_REQUEST;
	purge.src_proto = harness_addr("10.255.0.21");
	purge.dst_proto = harness_addr("10.255.0.1");
	purge.cies[0] = (struct nhrp_cie){.prefix_len = 32, .proto = harness_addr("10.255.0.11")};
	receive(HUB, &purge);
	assert_non_null(harness_find("10.255.0.11"));
	assert_int_equal(harness_dropped(NHRP_DROP_PURGE_OTHERS), 2);
}

/* An error about our request is a no. */
static void test_error(void **state)
{
	uint8_t quoted[256];
	struct nhrp_packet p;
	int len;

	(void)state;
	want(TARGET);
	p = last();
	len = nhrp_packet_encode(&p, quoted, sizeof(quoted));
	nhrp_packet_init(&p, NHRP_TYPE_ERROR_INDICATION, AF_INET, AF_INET);
	p.hop_count = 1;
	p.code = NHRP_ERROR_UNREACHABLE;
	p.src_nbma = harness_addr(HUB);
	p.src_proto = harness_addr("10.255.0.21");
	p.dst_proto = harness_addr("10.255.0.1");
	p.payload = quoted;
	p.payload_len = (uint16_t)len;
	receive(HUB, &p);
	assert_int_equal(noted(NHRP_NOTE_ASK_REFUSED), 1);
}

/* Without a hub that responds nothing is asked, and what was is given up. */
static void test_hub_dies(void **state)
{
	(void)state;
	want(TARGET);
	assert_true(until(65535000 / 3 + 40000) > 0);
	assert_int_equal(want("10.255.0.78"), -ENETUNREACH);
	assert_string_equal(type_of(TARGET), "");
}

/* Two hubs: asked in turn; one that says no is not the last word, and not the way. */
static void test_two_hubs(void **state)
{
	struct nhrp_packet p;

	(void)state;
	harness_tunnel.nhrp.nhs_count = 2;
	harness_tunnel.nhrp.nhs[1] = (struct config_nhs){.nbma = harness_addr("192.0.2.22"),
							 .protocol = harness_addr("10.255.0.22")};
	harness_tunnel_again();
	for (unsigned i = 0; i < 2; i++) { /* both are sent to at once, in no order */
		nhrp_server_tick(harness_srv, NOW);
		p = last();
		p.type = NHRP_TYPE_REGISTRATION_REPLY;
		receive(fake_dp.packet_nbma.bytes[3] == 21 ? HUB : "192.0.2.22", &p);
		harness_now_ms += 1000;
		nhrp_server_tick(harness_srv, harness_now_ms); /* the other one once more */
		p = last();
		p.type = NHRP_TYPE_REGISTRATION_REPLY;
		receive(fake_dp.packet_nbma.bytes[3] == 21 ? HUB : "192.0.2.22", &p);
	}
	fake_dp_calls_clear();
	want(TARGET);
	assert_int_equal(fake_dp.packet_nbma.bytes[3], 21);
	assert_string_equal(fake_dp_calls(), "nexthop_set 10.255.0.77 3");
	p = reply_of(600);
	said_no(&p);
	receive(HUB, &p);
	assert_int_equal(fake_dp.packet_nbma.bytes[3], 22);
	assert_string_equal(fake_dp_calls(), "nexthop_set 10.255.0.77 3; "
					     "nexthop_del 10.255.0.77; nexthop_set 10.255.0.77 2");
	assert_int_equal(noted(NHRP_NOTE_ASK_REFUSED), 0);
	until(harness_now_ms - NOW + 2000);
	assert_int_equal(fake_dp.packet_nbma.bytes[3], 21); /* in turn */
	p = reply_of(600);
	receive("192.0.2.77", &p);
	assert_string_equal(type_of(TARGET), "dynamic");
	/* Both say no. */
	want("10.255.0.78");
	for (unsigned i = 0; i < 2; i++) {
		p = reply_of(600);
		said_no(&p);
		receive(HUB, &p);
	}
	assert_int_equal(noted(NHRP_NOTE_ASK_REFUSED), 1);
}

static void test_full(void **state)
{
	struct dp_addr a = harness_addr("10.255.0.77");
	unsigned asked = 0;

	(void)state;
	assert_int_equal(
		dp_prefix_parse(&harness_srv->tunnels[0].conf.addresses[0], "10.255.0.1/16"), 0);
	fake_dp.fail_nexthop_set = -ENOSPC; /* the dataplane's room does not matter */
	for (unsigned i = 0; i < NHRP_ASKS_MAX; i++) {
		a.bytes[2] = (uint8_t)(1 + i / 250);
		a.bytes[3] = (uint8_t)(1 + i % 250);
		asked += nhrp_ask(harness_srv->asks, 0, &a, NOW) == 0;
	}
	assert_int_equal(asked, NHRP_ASKS_MAX);
	a.bytes[2] = 100;
	assert_int_equal(nhrp_ask(harness_srv->asks, 0, &a, NOW), -ENOSPC);
	assert_int_equal(noted(NHRP_NOTE_ASK_FULL), 1);
}

static void test_tunnel_goes(void **state)
{
	struct nhrp_packet p;

	(void)state;
	want(TARGET);
	p = reply_of(600);
	receive(HUB, &p);
	want("10.255.0.78");
	nhrp_server_tunnel_del(harness_srv, 0, NOW);
	assert_int_equal(fake_dp.spokes + fake_dp.nexthops, 0);
	assert_string_equal(type_of(TARGET), "");
	assert_string_equal(type_of("10.255.0.78"), "");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		T(test_who_is_asked_for), T(test_request),     T(test_no_answer),
		T(test_answer),           T(test_bad_answers), T(test_strange_answers),
		T(test_choice),           T(test_refresh),     T(test_refresh_fails),
		T(test_registers),        T(test_purge),       T(test_error),
		T(test_hub_dies),         T(test_two_hubs),    T(test_full),
		T(test_tunnel_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
