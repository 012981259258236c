/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resolution requests: who may ask, where the way leads, who answers; what our own answers say.
 */
#include "nhrp_res_fixture.h"

/* "forwarded 192.0.2.12", "10.2.0.0/16 at 192.0.2.1", "no 12", "-" */
static const char *answer(unsigned spoke, const char *target)
{
	static char text[96];
	char nbma[DP_ADDR_STRLEN], prefix[DP_PREFIX_STRLEN], from[DP_ADDR_STRLEN];
	struct nhrp_packet p = res_request(spoke, target), r;
	struct dp_prefix covered = {.addr = p.dst_proto};

	snprintf(from, sizeof(from), spoke == 13 ? "192.0.2.254" : "192.0.2.%u", spoke);
	if (!harness_ask(from, &p, &r))
		return "-";
	if (r.type == NHRP_TYPE_RESOLUTION_REQUEST) {
		snprintf(text, sizeof(text), "forwarded %s",
			 dp_addr_format(&fake_dp.packet_nbma, nbma));
		return text;
	}
	assert_int_equal(r.type, NHRP_TYPE_RESOLUTION_REPLY);
	assert_string_equal(dp_addr_format(&fake_dp.packet_nbma, nbma), from);
	assert_true(dp_addr_equal(&r.dst_proto, &p.dst_proto));
	assert_true(dp_addr_equal(&r.src_proto, &p.src_proto));
	assert_int_equal(r.request_id, p.request_id);
	assert_int_equal(r.cie_count, 1);
	if (r.cies[0].code != NHRP_CIE_CODE_OK) {
		assert_int_equal(r.cies[0].holding_s, 0);
		snprintf(text, sizeof(text), "no %u", r.cies[0].code);
		return text;
	}
	covered.len = r.cies[0].prefix_len;
	covered = dp_prefix_network(&covered);
	snprintf(text, sizeof(text), "%s at %s", dp_prefix_format(&covered, prefix),
		 dp_addr_format(&r.cies[0].nbma, nbma));
	return text;
}

static void test_who_answers(void **state)
{
	static const struct {
		bool redirect;
		enum config_resolution resolution;
		unsigned spoke;
		const char *target, *answer;
	} rows[] = {
		/* what is ours: always we */
		{true, CONFIG_RESOLUTION_AUTO, 11, "10.1.1.10", "10.1.1.0/24 at 192.0.2.1"},
		{true, CONFIG_RESOLUTION_FORWARD, 11, "10.2.3.4", "10.2.0.0/16 at 192.0.2.1"},
		{false, CONFIG_RESOLUTION_CACHE, 13, "10.1.1.10", "10.1.1.0/24 at 192.0.2.1"},
		{true, CONFIG_RESOLUTION_AUTO, 11, "10.255.0.1", "10.255.0.1/32 at 192.0.2.1"},
		/* behind a spoke: that one */
		{true, CONFIG_RESOLUTION_AUTO, 11, "10.1.12.10", "forwarded 192.0.2.12"},
		{false, CONFIG_RESOLUTION_AUTO, 11, "10.1.12.10", "forwarded 192.0.2.12"},
		{false, CONFIG_RESOLUTION_CACHE, 11, "10.1.12.10", "forwarded 192.0.2.12"},
		{true, CONFIG_RESOLUTION_AUTO, 11, "10.1.13.10", "forwarded 192.0.2.254"},
		/* a registered address */
		{true, CONFIG_RESOLUTION_AUTO, 11, "10.255.0.12", "forwarded 192.0.2.12"},
		{false, CONFIG_RESOLUTION_AUTO, 11, "10.255.0.12", "10.255.0.12/32 at 192.0.2.12"},
		{false, CONFIG_RESOLUTION_AUTO, 11, "10.255.0.13", "forwarded 192.0.2.254"},
		{false, CONFIG_RESOLUTION_AUTO, 13, "10.255.0.12", "forwarded 192.0.2.12"},
		{false, CONFIG_RESOLUTION_FORWARD, 11, "10.255.0.12", "forwarded 192.0.2.12"},
		{true, CONFIG_RESOLUTION_CACHE, 11, "10.255.0.12", "10.255.0.12/32 at 192.0.2.12"},
		{true, CONFIG_RESOLUTION_CACHE, 11, "10.255.0.13", "10.255.0.13/32 at 10.9.13.2"},
		{true, CONFIG_RESOLUTION_CACHE, 13, "10.255.0.31", "10.255.0.31/32 at 192.0.2.31"},
		/* no */
		{true, CONFIG_RESOLUTION_AUTO, 11, "10.1.14.10", "no 12"}, /* no binding */
		{true, CONFIG_RESOLUTION_AUTO, 11, "10.255.0.14", "no 12"},
		{true, CONFIG_RESOLUTION_AUTO, 11, "203.0.113.1", "no 12"}, /* no route */
		{true, CONFIG_RESOLUTION_AUTO, 11, "10.1.11.10", "no 12"},  /* its own */
		{true, CONFIG_RESOLUTION_CACHE, 11, "10.255.0.11", "no 12"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		res_serve(rows[i].redirect, rows[i].resolution);
		if (strcmp(answer(rows[i].spoke, rows[i].target), rows[i].answer) != 0)
			fail_msg("row %zu: %s", i, answer(rows[i].spoke, rows[i].target));
	}
	assert_int_equal(harness_noted(NHRP_NOTE_RES_OURS), 4);
	assert_int_equal(harness_noted(NHRP_NOTE_RES_CACHE), 4);
	assert_int_equal(harness_noted(NHRP_NOTE_RES_FORWARDED), 8);
	assert_int_equal(harness_noted(NHRP_NOTE_RES_NO_WAY), 3);
	assert_int_equal(harness_noted(NHRP_NOTE_RES_OWN_WAY), 2);
}

/* Who cannot meet gets no shortcut, whatever the way. */
static void test_cannot_meet(void **state)
{
	struct nhrp_packet other = harness_request(), r;

	(void)state;
	res_serve(true, CONFIG_RESOLUTION_AUTO);
	other.src_proto = harness_addr("10.255.0.14");
	other.src_nbma = harness_addr("10.9.14.2");
	assert_true(harness_ask("192.0.2.253", &other, &r));
	assert_string_equal(answer(13, "10.1.14.10"), "no 12");
	assert_string_equal(answer(13, "10.255.0.14"), "no 12");
	assert_string_equal(answer(13, "10.1.12.10"), "forwarded 192.0.2.12");
	assert_string_equal(answer(11, "10.1.14.10"), "forwarded 192.0.2.253");
	assert_int_equal(harness_noted(NHRP_NOTE_RES_CANNOT_MEET), 2);
	harness_tunnel.nhrp.redirect_nat = CONFIG_REDIRECT_NAT_NEVER;
	res_serve(true, CONFIG_RESOLUTION_AUTO);
	assert_string_equal(answer(13, "10.1.12.10"), "no 12");
	assert_string_equal(answer(11, "10.1.13.10"), "no 12");
	assert_string_equal(answer(11, "10.1.12.10"), "forwarded 192.0.2.12");
	assert_string_equal(answer(13, "10.1.1.10"), "10.1.1.0/24 at 192.0.2.1"); /* us it meets */
}

/* RFC 2332 section 5.2.2: what there is to say besides the addresses. */
static void test_cached_fields(void **state)
{
	const uint16_t flags = NHRP_RES_F_ROUTER | NHRP_RES_F_AUTHORITATIVE |
			       NHRP_RES_F_DST_STABLE | NHRP_RES_F_SRC_STABLE | NHRP_F_NAT;
	struct nhrp_packet p = res_request(11, "10.255.0.12"), r;
	struct nhrp_cie us;
	struct nhrp_fault fault;

	(void)state;
	res_serve(false, CONFIG_RESOLUTION_AUTO);
	harness_now_ms += 20500;
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.flags, flags);
	assert_int_equal(r.cies[0].holding_s, 39); /* of 60 */
	assert_int_equal(r.cies[0].prefix_len, 32);
	assert_int_equal(r.hop_count, NHRP_HOP_COUNT);
	assert_int_equal(r.ext_count, 4);
	assert_int_equal(r.exts[0].len, 0); /* 5.3.2: not ours to touch */
	assert_int_equal(nhrp_ext_cies_decode(&r, &r.exts[1], &us, 1, &fault), 1);
	assert_true(dp_addr_equal(&us.proto, &harness_tunnel.addresses[0].addr));
	assert_true(dp_addr_equal(&us.nbma, &harness_tunnel.source));
	assert_int_equal(r.exts[2].len, 0); /* no NAT */
	harness_now_ms += 39400;            /* 0.1 s are left */
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.cies[0].holding_s, 1);
}

/* A static entry has our time; the NAT extension says where a spoke is seen. */
static void test_cached_static_nat(void **state)
{
	struct nhrp_packet p = res_request(11, "10.255.0.31"), r;
	struct nhrp_cie seen;
	struct nhrp_fault fault;
	char text[DP_ADDR_STRLEN];

	(void)state;
	res_serve(true, CONFIG_RESOLUTION_CACHE);
	harness_now_ms += 30000;
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.cies[0].holding_s, 60);

	p = res_request(11, "10.255.0.13");
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_string_equal(dp_addr_format(&r.cies[0].nbma, text), "10.9.13.2");
	assert_int_equal(nhrp_ext_cies_decode(&r, &r.exts[2], &seen, 1, &fault), 1);
	assert_string_equal(dp_addr_format(&seen.nbma, text), "192.0.2.254");
	assert_string_equal(dp_addr_format(&seen.proto, text), "10.255.0.13");

	p.ext_count = 2; /* it does not know about NAT */
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_string_equal(dp_addr_format(&r.cies[0].nbma, text), "192.0.2.254");
}

/* The U bit: only what is registered as unique will do. */
static void test_unique(void **state)
{
	struct nhrp_packet p = res_request(11, "10.255.0.12"), reg = harness_request(), r;

	(void)state;
	res_serve(false, CONFIG_RESOLUTION_AUTO);
	p.flags |= NHRP_RES_F_UNIQUE;
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_NOT_UNIQUE);
	reg.flags = NHRP_REG_F_UNIQUE;
	reg.src_proto = harness_addr("10.255.0.12");
	reg.src_nbma = harness_addr("192.0.2.12");
	assert_true(harness_ask("192.0.2.12", &reg, &r));
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_OK);
	assert_true(r.flags & NHRP_RES_F_UNIQUE);
	p.flags &= ~NHRP_RES_F_UNIQUE;
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_true(r.flags & NHRP_RES_F_UNIQUE);
	p = res_request(11, "10.1.1.10");
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_false(r.flags & NHRP_RES_F_UNIQUE);
}

/* The same question gets the same answer, to the byte. */
static void test_repeat(void **state)
{
	static const char *const targets[] = {"10.1.1.10", "10.255.0.12", "203.0.113.1"};
	uint8_t first[FAKE_DP_PACKET];

	(void)state;
	res_serve(false, CONFIG_RESOLUTION_AUTO);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		size_t len;

		answer(11, targets[i]);
		len = fake_dp.packet_len;
		memcpy(first, fake_dp.packet, len);
		answer(11, targets[i]);
		assert_int_equal(fake_dp.packet_len, len);
		assert_memory_equal(fake_dp.packet, first, len);
	}
}

static void test_malformed(void **state)
{
	struct nhrp_packet p, r;

	(void)state;
	p = res_request(11, "10.1.1.10");
	p.dst_proto = (struct dp_addr){0};
	assert_false(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(harness_dropped(NHRP_DROP_NO_ADDRESS), 1);
	p = res_request(11, "10.1.1.10");
	p.ext_count = 3; /* without End */
	nhrp_ext_add(&p, 0x0123, NHRP_EXT_F_COMPULSORY, NULL, 0);
	assert_false(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(harness_error, NHRP_ERROR_UNRECOGNIZED_EXTENSION);
	p = res_request(11, "10.1.1.10");
	p.exts[0].value = (const uint8_t *)"abc";
	p.exts[0].len = 3;
	assert_false(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(harness_error, NHRP_ERROR_INVALID_EXTENSION);
}

/* The way into another cloud leaves this one here; into another tunnel of it goes on. */
static void test_clouds(void **state)
{
	struct config_tunnel other = harness_tunnel;
	const struct dp_punt_meta meta = {.tunnel = 2, .outer_src = harness_addr("192.0.2.21")};
	struct nhrp_packet reg = harness_request();
	uint8_t buf[256];
	int len;

	(void)state;
	res_serve(true, CONFIG_RESOLUTION_AUTO);
	harness_ways_clear();
	harness_way_add("10.1.21.0/24", NHRP_WAY_TUNNEL, "10.254.0.21");
	harness_way_tunnel(2);
	for (uint32_t id = 0; id < 2; id++) {
		other.nhrp = harness_tunnel.nhrp;
		other.nhrp.map_count = 0;
		other.nhrp.network_id += id;
		assert_int_equal(dp_prefix_parse(&other.addresses[0], "10.254.0.1/24"), 0);
		assert_int_equal(nhrp_server_tunnel_add(harness_srv, 2, &other, harness_now_ms), 0);
		reg.src_proto = harness_addr("10.254.0.21");
		reg.dst_proto = harness_addr("10.254.0.1");
		len = nhrp_packet_encode(&reg, buf, sizeof(buf));
		nhrp_server_receive(harness_srv, harness_now_ms, &meta, buf, (size_t)len);
		assert_string_equal(answer(11, "10.1.21.10"),
				    id == 0 ? "forwarded 192.0.2.21" : "10.1.21.0/24 at 192.0.2.1");
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, res_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_who_answers),       TEST(test_cannot_meet), TEST(test_cached_fields),
		TEST(test_cached_static_nat), TEST(test_unique),      TEST(test_repeat),

		TEST(test_malformed),         TEST(test_clouds),
	};

	return cmocka_run_group_tests_name("nhrp_res", tests, NULL, NULL);
}
