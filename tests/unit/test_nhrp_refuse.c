/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the next-hop server does not answer by a reply, each by its counter and error indication
 * and without any change to its tables; extensions in replies; static maps; IPv6.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/events.h"
#include "nhrp_harness.h"
#include "tests/vectors/nhrp/synthetic.h"

static void assert_untouched(void)
{
	assert_string_equal(fake_dp_calls(), "");
}

static void no_source(struct nhrp_packet *p)
{
	p->src_proto = (struct dp_addr){0};
}

static void no_destination(struct nhrp_packet *p)
{
	p->dst_proto = (struct dp_addr){0};
}

static void other_server(struct nhrp_packet *p)
{
	p->dst_proto = harness_addr("10.255.0.2");
}

static void no_cie(struct nhrp_packet *p)
{
	p->cie_count = 0;
}

static void unknown_compulsory(struct nhrp_packet *p)
{
	nhrp_ext_add(p, 0x0123, NHRP_EXT_F_COMPULSORY, NULL, 0);
}

static void mobile_auth(struct nhrp_packet *p)
{
	nhrp_ext_add(p, NHRP_EXT_MOBILE_AUTHENTICATION, NHRP_EXT_F_COMPULSORY, NULL, 0);
}

static void responder_twice(struct nhrp_packet *p)
{
	nhrp_ext_add(p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
}

/* Claims another address than 192.0.2.11, with half a CIE in the NAT extension. */
static void nat_cut(struct nhrp_packet *p)
{
	p->src_nbma = harness_addr("172.16.0.1");
	nhrp_ext_add(p, NHRP_EXT_NAT, 0, nhrp_cisco_registration, 13);
}

/* Eight CIEs where there is room for the ninth in no reply. */
static void nat_many(struct nhrp_packet *p)
{
	static const uint8_t cies[8 * NHRP_CIE_LEN];

	p->src_nbma = harness_addr("172.16.0.1");
	nhrp_ext_add(p, NHRP_EXT_NAT, 0, cies, sizeof(cies));
}

/* From a client of another server. */
static void forwarded(struct nhrp_packet *p)
{
	static const uint8_t record[NHRP_CIE_LEN];

	nhrp_ext_add(p, NHRP_EXT_FORWARD_RECORD, NHRP_EXT_F_COMPULSORY, record, sizeof(record));
}

static void nbma_ip6(struct nhrp_packet *p)
{
	p->nbma_family = AF_INET6;
	p->src_nbma = harness_addr("2001:db8::11");
}

/* Fits into the tunnel's MTU, the reply with its filled extension does not. */
static void too_big(struct nhrp_packet *p)
{
	static const uint8_t vendor[1340];

	nhrp_ext_add(p, NHRP_EXT_VENDOR, 0, vendor, sizeof(vendor));
	nhrp_ext_add(p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
}

static void test_dropped(void **state)
{
	static const struct {
		void (*change)(struct nhrp_packet *p);
		enum nhrp_drop drop;
		uint16_t error, offset;
	} rows[] = {
		{no_source, NHRP_DROP_NO_ADDRESS, 7, 20},
		{no_destination, NHRP_DROP_NO_ADDRESS, 7, 20},
		{other_server, NHRP_DROP_NOT_FOR_US, 6, 28},
		{no_cie, NHRP_DROP_NO_CIE, 7, 28},
		{unknown_compulsory, NHRP_DROP_EXT_UNKNOWN, 1, 52},
		{mobile_auth, NHRP_DROP_EXT_UNKNOWN, 1, 52},
		{responder_twice, NHRP_DROP_EXT_TWICE, 9, 56},
		{nat_cut, NHRP_DROP_EXT_VALUE, 9, 52},
		{nat_many, NHRP_DROP_EXT_VALUE, 9, 52},
		{nbma_ip6, NHRP_DROP_NBMA_FAMILY, 7, 0},
		{forwarded, NHRP_DROP_REG_FORWARDED, 6, 52},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nhrp_packet p = harness_request(), r;
		uint64_t before = harness_dropped(rows[i].drop);

		rows[i].change(&p);
		if (harness_ask("192.0.2.11", &p, &r) ||
		    harness_dropped(rows[i].drop) != before + 1)
			fail_msg("row %zu: %s is %lu", i,
				 nhrp_counter_name(NHRP_COUNTER_DROP + rows[i].drop),
				 harness_dropped(rows[i].drop));
		if (harness_error != rows[i].error || r.code_offset != rows[i].offset)
			fail_msg("row %zu: error %u at %u", i, harness_error, r.code_offset);
		assert_untouched();
		harness_now_ms += 1000;
	}
	assert_int_equal(fake_dp.packets, sizeof(rows) / sizeof(rows[0]));
}

static void test_reply_lost(void **state)
{
	struct nhrp_packet p = harness_request(), r;

	(void)state;
	too_big(&p);
	assert_false(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(harness_error, NHRP_ERROR_SIZE_EXCEEDED);
	assert_int_equal(harness_dropped(NHRP_DROP_TOO_BIG), 1);
	p = harness_request();
	fake_dp.fail_inject = -ENOSPC;
	assert_false(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(harness_dropped(NHRP_DROP_SEND), 1);
	assert_int_equal(
		nhrp_server_counter(harness_srv, NHRP_COUNTER_TX + NHRP_TYPE_REGISTRATION_REPLY),
		0);
}

/* Malformed packets and tunnels that are not served. */
static void test_bad(void **state)
{
	const struct nhrp_vector *q = harness_vector("plain_key42_bgp_nat_reg_request_1");
	struct dp_punt_meta meta = {.outer_src = harness_addr("192.0.2.11")};
	uint8_t bytes[192];

	(void)state;
	memcpy(bytes, q->bytes, q->len);
	bytes[30] ^= 1;
	harness_receive("192.0.2.11", 0, bytes, q->len);
	harness_receive("192.0.2.11", 0, q->bytes, q->len - 1);
	harness_receive("192.0.2.11", 0, q->bytes, 0);
	assert_int_equal(nhrp_server_counter(harness_srv, NHRP_COUNTER_BAD + NHRP_BAD_CHECKSUM), 1);
	assert_int_equal(nhrp_server_counter(harness_srv, NHRP_COUNTER_BAD + NHRP_BAD_TRUNCATED),
			 2);
	for (meta.tunnel = 2; meta.tunnel < 5; meta.tunnel++)
		nhrp_server_receive(harness_srv, 0, &meta, q->bytes, q->len);
	assert_int_equal(harness_dropped(NHRP_DROP_TUNNEL), 3);
	assert_untouched();
}

/* Somebody who is no NHS of ours tells us of a shorter way: Cisco's bytes, counted by name. */
static void test_not_served(void **state)
{
	(void)state;
	harness_receive("192.0.2.11", 0, nhrp_cisco_traffic, sizeof(nhrp_cisco_traffic));
	assert_int_equal(harness_counter(NHRP_COUNTER_RX + NHRP_TYPE_TRAFFIC_INDICATION), 1);
	assert_int_equal(harness_dropped(NHRP_DROP_INDICATION), 1);
	assert_untouched();
}

/* Order, flags and bytes come back as they were, but for Responder and NAT. */
static void test_extensions(void **state)
{
	static const uint8_t vendor[] = {0, 0, 0x0c, 1, 2, 3}, unknown[] = {9, 9};
	static const uint8_t auth[] = {0, 0, 0, 1, 't', 'e', 's', 't'};
	struct nhrp_packet p = harness_request(), r;
	struct nhrp_cie cies[2];
	struct nhrp_fault fault;

	(void)state;
	p.src_nbma = harness_addr("172.16.0.1");
	nhrp_ext_add(&p, NHRP_EXT_VENDOR, 0, vendor, sizeof(vendor));
	nhrp_ext_add(&p, NHRP_EXT_NAT, 0, NULL, 0);
	nhrp_ext_add(&p, 0x0123, NHRP_EXT_F_UNUSED, unknown, sizeof(unknown));
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_AUTHENTICATION, NHRP_EXT_F_COMPULSORY, auth, sizeof(auth));
	nhrp_ext_add(&p, NHRP_EXT_VENDOR, 0, vendor, sizeof(vendor));
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.ext_count, 7);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(r.exts[i].type, p.exts[i].type);
		assert_int_equal(r.exts[i].flags, p.exts[i].flags);
		if (i != 1 && i != 3)
			assert_true(nhrp_ext_same(&r.exts[i], &p.exts[i]));
	}
	assert_int_equal(nhrp_ext_cies_decode(&r, &r.exts[1], cies, 2, &fault), 1);
	assert_true(dp_addr_equal(&cies[0].nbma, &fake_dp.packet_nbma));
	assert_true(dp_addr_equal(&cies[0].proto, &p.src_proto));
	assert_int_equal(cies[0].prefix_len, 32);
	assert_int_equal(nhrp_ext_cies_decode(&r, &r.exts[3], cies, 2, &fault), 1);
	assert_true(dp_addr_equal(&cies[0].nbma, &harness_tunnel.source));
	assert_int_equal(cies[0].holding_s, 60);
	assert_int_equal(cies[0].prefix_len, 0);
}

/* RFC 2735's device capabilities use the number of the NAT extension: left alone. */
static void test_device_capabilities(void **state)
{
	static const uint8_t record[NHRP_CIE_LEN];
	struct nhrp_packet p = harness_request(), r;

	(void)state;
	p.src_nbma = harness_addr("172.16.0.1");
	nhrp_ext_add(&p, NHRP_EXT_NAT, 0, record, NHRP_DEVCAP_LEN);
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.exts[0].len, NHRP_DEVCAP_LEN);
}

static void test_static_map(void **state)
{
	const struct nhrp_binding *b = harness_find("10.255.0.31");
	struct config_tunnel two = harness_tunnel;
	struct config_map maps[2] = {{harness_addr("10.255.0.41"), harness_addr("192.0.2.41")},
				     {harness_addr("10.255.0.42"), harness_addr("192.0.2.42")}};

	(void)state;
	assert_non_null(b);
	assert_int_equal(b->type, NHRP_BINDING_STATIC);
	assert_int_equal(b->flags, 0); /* no host route either */
	assert_int_equal(nhrp_server_next_ms(harness_srv), DEADLINE_NEVER);
	nhrp_server_tunnel_del(harness_srv, 0, HARNESS_NOW_MS);
	assert_null(harness_find("10.255.0.31"));
	assert_int_equal(fake_dp.spokes + fake_dp.nexthops, 0);
	/* One that cannot be applied takes the others with it. */
	two.nhrp.maps = maps;
	two.nhrp.map_count = 2;
	fake_dp.fail_nexthop_set = -ENOSPC;
	assert_int_equal(nhrp_server_tunnel_add(harness_srv, 0, &two, 0), -ENOSPC);
	assert_int_equal(fake_dp.spokes + fake_dp.nexthops, 0);
	fake_dp.fail_nexthop_set = 0;
	assert_int_equal(nhrp_server_tunnel_add(harness_srv, 0, &two, 0), 0);
	assert_int_equal(fake_dp.spokes, 2);
}

/* IPv6 inside and outside: a global address, and a link-local one that is in no subnet of ours. */
static void test_ip6(void **state)
{
	struct nhrp_packet r;
	struct nhrp_fault fault;

	(void)state;
	uint8_t bytes[sizeof(nhrp_registration_ip6)];
	struct nhrp_packet p;

	/* Without the vector's unknown compulsory extension. */
	assert_int_equal(nhrp_packet_decode(&p, nhrp_registration_ip6,
					    sizeof(nhrp_registration_ip6), &fault),
			 0);
	p.ext_count = 1;
	int len = nhrp_packet_encode(&p, bytes, sizeof(bytes));

	harness_receive("2001:db8::11", 0, bytes, (size_t)len);
	assert_int_equal(nhrp_packet_decode(&r, fake_dp.packet, fake_dp.packet_len, &fault), 0);
	assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_OK);
	assert_int_equal(r.cies[1].code, NHRP_CIE_CODE_PROHIBITED);
	assert_non_null(harness_find("fd00::11"));
	assert_int_equal(harness_refused(NHRP_REFUSAL_OUTSIDE), 1);
	harness_receive("2001:db8::11", 0, nhrp_registration_ip6, sizeof(nhrp_registration_ip6));
	assert_int_equal(harness_dropped(NHRP_DROP_EXT_UNKNOWN), 1);
}

/* Every counter that counts has a name of its own. */
static void test_counter_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NHRP_COUNTER_COUNT; i++) {
		const char *name = nhrp_counter_name(i);

		for (unsigned j = 0; name && j < i; j++)
			if (nhrp_counter_name(j))
				assert_string_not_equal(name, nhrp_counter_name(j));
	}
	assert_null(nhrp_counter_name(NHRP_COUNTER_RX));
	assert_string_equal(nhrp_counter_name(NHRP_COUNTER_BAD + NHRP_BAD_CIE_COUNT),
			    "bad-too-many-cies");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, harness_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		T(test_dropped),    T(test_reply_lost), T(test_bad),
		T(test_not_served), T(test_extensions), T(test_device_capabilities),
		T(test_static_map), T(test_ip6),        T(test_counter_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
