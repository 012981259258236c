/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traffic indications: the bytes that FRR's own hub sent; once per pair and hold-off, to the
 * millisecond; not too many to one spoke; none to those who cannot meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "nhrp_harness.h"

#define TRAFFIC (NHRP_COUNTER_TX + NHRP_TYPE_TRAFFIC_INDICATION)

/* Spokes 11 and 12, and 13 behind a NAT at 192.0.2.254. */
static int setup(void **state)
{
	harness_setup(state);
	harness_tunnel.nhrp.redirect = true;
	harness_tunnel.nhrp.redirect_interval_s = 8;
	harness_tunnel_again();
	for (int i = 1; i <= 3; i++) {
		char name[64];

		snprintf(name, sizeof(name), "plain_key42_bgp_nat_reg_request_%d", i);
		harness_receive_vector(name);
	}
	fake_dp.packets = 0;
	return 0;
}

static uint32_t handle(const char *nbma, uint16_t port)
{
	const struct dp_spoke_key key = {.natt_port = port, .nbma = harness_addr(nbma)};
	const struct spoke *s = spoke_find(harness_spokes, &key);

	assert_non_null(s);
	return s->dp;
}

/* A ping of 10.1.11.10 to 10.1.12.10, from spoke 11 to 12. */
static struct dp_redirect record(void)
{
	const struct nhrp_vector *v = harness_vector("plain_key42_bgp_nat_traffic_1");
	struct dp_redirect r = {
		.len = 84,
		.spoke = handle("192.0.2.11", 0),
		.out_spoke = handle("192.0.2.12", 0),
		.outer_src = harness_addr("192.0.2.11"),
	};

	memcpy(r.header, v->bytes + 40, r.len);
	return r;
}

static void redirect(const struct dp_redirect *r)
{
	nhrp_server_redirect(harness_srv, harness_now_ms, r);
}

static uint64_t suppressed(enum nhrp_suppress why)
{
	return harness_counter(NHRP_COUNTER_SUPPRESSED + why);
}

static void test_as_the_real_hub(void **state)
{
	static const struct {
		const char *name, *in, *out;
	} rows[] = {
		{"plain_key42_bgp_nat_traffic_1", "192.0.2.11", "192.0.2.12"},
		{"plain_key42_bgp_nat_traffic_2", "192.0.2.12", "192.0.2.11"},
		{"plain_key42_bgp_nat_traffic_3", "192.0.2.11", "192.0.2.254"},
		{"plain_key42_bgp_nat_traffic_4", "192.0.2.254", "192.0.2.11"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nhrp_vector *v = harness_vector(rows[i].name);
		struct dp_redirect r = record();

		r.spoke = handle(rows[i].in, 0);
		r.out_spoke = handle(rows[i].out, 0);
		r.outer_src = harness_addr(rows[i].in);
		memcpy(r.header, v->bytes + 40, r.len);
		redirect(&r);
		assert_int_equal(fake_dp.packets, i + 1);
		harness_sent_vector(rows[i].name);
	}
	assert_int_equal(harness_counter(TRAFFIC), 4);
}

/* With a word: the extension part is where Cisco has it. */
static void test_authentication(void **state)
{
	struct nhrp_packet reg = harness_request(), p;
	struct nhrp_fault fault;
	struct dp_redirect r;
	uint8_t word[12];
	int len = nhrp_auth_encode("test123", word, sizeof(word));

	(void)state;
	snprintf(harness_tunnel.nhrp.authentication, sizeof(harness_tunnel.nhrp.authentication),
		 "test123");
	harness_tunnel_again();
	nhrp_ext_add(&reg, NHRP_EXT_AUTHENTICATION, NHRP_EXT_F_COMPULSORY, word, (uint16_t)len);
	assert_true(harness_ask("192.0.2.11", &reg, &p));
	reg.src_proto = harness_addr("10.255.0.12");
	assert_true(harness_ask("192.0.2.12", &reg, &p));
	r = record();
	redirect(&r);
	assert_int_equal(fake_dp.packet_len, 143);
	assert_int_equal(nhrp_packet_decode(&p, fake_dp.packet, fake_dp.packet_len, &fault), 0);
	assert_int_equal(p.type, NHRP_TYPE_TRAFFIC_INDICATION);
	assert_int_equal(p.payload_len, 84);
	assert_int_equal(p.exts[0].offset, 124);
	assert_int_equal(p.exts[0].len, 11);
}

/* 1 M packets/s of one pair for 80 s, had the workers no filter: each says so; ten are told. */
static void test_hold_off(void **state)
{
	struct dp_redirect r = record();

	(void)state;
	for (unsigned i = 0; i < 1000000; i++)
		redirect(&r);
	assert_int_equal(harness_counter(TRAFFIC), 1);
	for (unsigned ms = 1; ms <= 80000; ms++) {
		harness_now_ms++;
		redirect(&r);
		assert_int_equal(harness_counter(TRAFFIC), 1 + ms / 8000);
	}
	assert_int_equal(suppressed(NHRP_SUPPRESS_HOLD_OFF), 1000000 + 80000 - 11);
}

/* A pair is source, destination and spoke; the way back is another. */
static void test_pairs(void **state)
{
	struct dp_redirect r = record(), back = record(), src = record(), dst = record();

	(void)state;
	back.spoke = r.out_spoke;
	back.out_spoke = r.spoke;
	memcpy(back.header + 12, r.header + 16, 4);
	memcpy(back.header + 16, r.header + 12, 4);
	src.header[15]++;
	dst.header[19]++;
	redirect(&r);
	redirect(&back);
	redirect(&src);
	redirect(&dst);
	assert_int_equal(harness_counter(TRAFFIC), 4);
	redirect(&r);
	redirect(&back);
	redirect(&src);
	redirect(&dst);
	assert_int_equal(harness_counter(TRAFFIC), 4);
	assert_int_equal(suppressed(NHRP_SUPPRESS_HOLD_OFF), 4);
}

/* Not more than 50 in any second to one spoke, whatever the pairs; others get theirs. */
static void test_spoke_rate(void **state)
{
	uint64_t sent_ms[4096];
	unsigned sent = 0;

	(void)state;
	for (uint32_t n = 0; n < 20000; n++) {
		struct dp_redirect r = record();
		uint64_t before = harness_counter(TRAFFIC);

		memcpy(r.header + 12, &n, 4); /* a new pair each time */
		if (n % 4 == 0)
			harness_now_ms++;
		redirect(&r);
		if (harness_counter(TRAFFIC) > before)
			sent_ms[sent++] = harness_now_ms;
	}
	assert_in_range(sent, 5 * 40, 5 * 50);
	for (unsigned i = 50; i < sent; i++)
		assert_true(sent_ms[i] - sent_ms[i - 50] >= 1000);
	assert_int_equal(suppressed(NHRP_SUPPRESS_SPOKE_RATE), 20000 - sent);

	struct dp_redirect r = record();

	r.spoke = handle("192.0.2.12", 0);
	r.out_spoke = handle("192.0.2.11", 0);
	redirect(&r);
	assert_int_equal(harness_counter(TRAFFIC), sent + 1);
}

static void test_none(void **state)
{
	struct dp_redirect r;

	(void)state;
	r = record();
	r.out_spoke = r.spoke;
	redirect(&r);
	assert_int_equal(suppressed(NHRP_SUPPRESS_SAME_SPOKE), 1);
	r = record();
	r.spoke = 0;
	redirect(&r);
	r = record();
	r.out_spoke = 63;
	redirect(&r);
	r = record();
	r.spoke = UINT32_MAX;
	redirect(&r);
	assert_int_equal(suppressed(NHRP_SUPPRESS_STRANGER), 3);
	r = record();
	r.header[16] = 224;
	redirect(&r);
	r = record();
	memset(r.header + 16, 255, 4);
	redirect(&r);
	r = record();
	r.len = 19;
	redirect(&r);
	r = record();
	r.header[0] = 0x65;
	redirect(&r);
	r = record();
	r.len = sizeof(r.header) + 1;
	redirect(&r);
	assert_int_equal(suppressed(NHRP_SUPPRESS_PACKET), 5);
	r = record();
	r.tunnel = 2; /* not served */
	redirect(&r);
	r.tunnel = 1; /* served, without redirects */
	redirect(&r);
	r.tunnel = UINT16_MAX;
	redirect(&r);
	assert_int_equal(suppressed(NHRP_SUPPRESS_OFF), 3);
	assert_int_equal(fake_dp.packets, 0);
}

/* Registers a spoke at nbma:port that claims `claimed`. */
static void spoke_register(const char *protocol,
			   const char *nbma,
			   uint16_t port,
			   const char *claimed)
{
	struct nhrp_packet p = harness_request();
	uint8_t buf[256];
	int len;

	p.src_proto = harness_addr(protocol);
	p.src_nbma = harness_addr(claimed);
	len = nhrp_packet_encode(&p, buf, sizeof(buf));
	harness_receive(nbma, port, buf, (size_t)len);
	assert_non_null(harness_find(protocol));
}

/* Spokes: 11 open; 13 behind a NAT of its own, 14 behind another, 15 and 16 together behind one. */
static void test_nat(void **state)
{
	static const struct {
		const char *nbma;
		uint16_t port;
	} spokes[] = {{"192.0.2.11", 0},
		      {"192.0.2.254", 0},
		      {"192.0.2.253", 0},
		      {"192.0.2.252", 4501},
		      {"192.0.2.252", 4502}};
	static const struct {
		unsigned in, out;
		enum nhrp_suppress never, one_side;
	} rows[] = {
		{0, 1, NHRP_SUPPRESS_NAT, NHRP_SUPPRESS_NONE},
		{1, 0, NHRP_SUPPRESS_NAT, NHRP_SUPPRESS_NONE},
		{1, 2, NHRP_SUPPRESS_NAT, NHRP_SUPPRESS_NAT_BOTH},
		{0, 3, NHRP_SUPPRESS_NAT, NHRP_SUPPRESS_NAT_SHARED},
		{4, 0, NHRP_SUPPRESS_NAT, NHRP_SUPPRESS_NAT_SHARED},
		{3, 4, NHRP_SUPPRESS_NAT, NHRP_SUPPRESS_NAT_BOTH},
	};
	static const enum config_redirect_nat rules[] = {CONFIG_REDIRECT_NAT_NEVER,
							 CONFIG_REDIRECT_NAT_ONE_SIDE,
							 CONFIG_REDIRECT_NAT_ALWAYS};

	(void)state;
	for (unsigned rule = 0; rule < 3; rule++) {
		harness_tunnel.nhrp.redirect_nat = rules[rule];
		harness_tunnel_again();
		spoke_register("10.255.0.11", "192.0.2.11", 0, "192.0.2.11");
		spoke_register("10.255.0.12", "192.0.2.12", 0, "192.0.2.12");
		spoke_register("10.255.0.13", "192.0.2.254", 0, "10.9.13.2");
		spoke_register("10.255.0.14", "192.0.2.253", 0, "10.9.14.2");
		spoke_register("10.255.0.15", "192.0.2.252", 4501, "10.9.15.2");
		spoke_register("10.255.0.16", "192.0.2.252", 4502, "10.9.16.2");
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			enum nhrp_suppress want = rule == 0   ? rows[i].never
						  : rule == 1 ? rows[i].one_side
							      : NHRP_SUPPRESS_NONE;
			uint64_t sent = harness_counter(TRAFFIC), before = suppressed(want);
			struct dp_redirect r = record();

			harness_now_ms += 100000;
			r.spoke = handle(spokes[rows[i].in].nbma, spokes[rows[i].in].port);
			r.out_spoke = handle(spokes[rows[i].out].nbma, spokes[rows[i].out].port);
			redirect(&r);
			if (harness_counter(TRAFFIC) - sent != (want == NHRP_SUPPRESS_NONE) ||
			    (want != NHRP_SUPPRESS_NONE && suppressed(want) != before + 1))
				fail_msg("rule %u row %zu", rule, i);
		}
	}
}

/* It leaves by another tunnel of the cloud; the indication goes to the one it came from. */
static void test_two_tunnels(void **state)
{
	struct config_tunnel other = harness_tunnel;
	const struct dp_punt_meta meta = {.tunnel = 2, .outer_src = harness_addr("192.0.2.21")};
	struct nhrp_packet reg = harness_request();
	struct dp_redirect r = record();
	const struct dp_spoke_key key = {.tunnel = 2, .nbma = meta.outer_src};
	char text[DP_ADDR_STRLEN];
	uint8_t buf[256];
	int len;

	(void)state;
	other.nhrp.map_count = 0;
	assert_int_equal(dp_prefix_parse(&other.addresses[0], "10.254.0.1/24"), 0);
	assert_int_equal(spoke_tunnel_add(harness_spokes, 2, "Tunnel2"), 0);
	assert_int_equal(nhrp_server_tunnel_add(harness_srv, 2, &other, harness_now_ms), 0);
	reg.src_proto = harness_addr("10.254.0.21");
	reg.dst_proto = harness_addr("10.254.0.1");
	len = nhrp_packet_encode(&reg, buf, sizeof(buf));
	nhrp_server_receive(harness_srv, harness_now_ms, &meta, buf, (size_t)len);
	r.out_tunnel = 2;
	r.out_spoke = spoke_find(harness_spokes, &key)->dp;
	redirect(&r);
	assert_int_equal(harness_counter(TRAFFIC), 1);
	assert_string_equal(dp_addr_format(&fake_dp.packet_nbma, text), "192.0.2.11");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_as_the_real_hub),
		TEST(test_authentication),
		TEST(test_hold_off),
		TEST(test_pairs),
		TEST(test_spoke_rate),
		TEST(test_none),
		TEST(test_nat),
		TEST(test_two_tunnels),
	};

	return cmocka_run_group_tests_name("nhrp_redirect", tests, NULL, NULL);
}
