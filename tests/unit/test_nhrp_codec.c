/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NHRP codec against real packets (decode, check, encode: same bytes), hand-made ones, and
 * hostile ones. Packets are decoded from heap copies of their exact length, so that ASan sees a
 * byte too far.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "nhrp_fixture.h"
#include "tests/vectors/nhrp/synthetic.h"

static const struct nhrp_vector captured[] = {
#include "tests/vectors/nhrp/frr_captured.h"
};
#define CAPTURED_COUNT (sizeof(captured) / sizeof(captured[0]))

#define BYTES(array)   (array), sizeof(array)
static const struct {
	const char *name;
	const uint8_t *bytes;
	size_t len;
} synthetic[] = {
	{"cisco_registration", BYTES(nhrp_cisco_registration)},
	{"cisco_traffic", BYTES(nhrp_cisco_traffic)},
	{"purge_request", BYTES(nhrp_purge_request)},
	{"purge_reply", BYTES(nhrp_purge_reply)},
	{"error_loop", BYTES(nhrp_error_loop)},
	{"registration_ip6", BYTES(nhrp_registration_ip6)},
};
#define SYNTHETIC_COUNT (sizeof(synthetic) / sizeof(synthetic[0]))

static const struct nhrp_vector *captured_find(const char *name)
{
	for (size_t i = 0; i < CAPTURED_COUNT; i++)
		if (strcmp(captured[i].name, name) == 0)
			return &captured[i];
	fail_msg("no vector %s", name);
	return NULL;
}

static uint8_t *exact_copy(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	return copy;
}

static struct dp_addr addr(const char *text)
{
	struct dp_addr a;

	assert_int_equal(dp_addr_parse(&a, text), 0);
	return a;
}

static void assert_addr(const struct dp_addr *a, const char *text)
{
	char buf[DP_ADDR_STRLEN];

	assert_string_equal(dp_addr_format(a, buf), text);
}

/* Sets ar$pktsz and a right checksum, so that what lies behind them is reached. */
static void seal(uint8_t *bytes, size_t len)
{
	uint16_t sum;

	bytes[10] = (uint8_t)(len >> 8);
	bytes[11] = (uint8_t)len;
	bytes[12] = bytes[13] = 0;
	sum = nhrp_checksum(bytes, len);
	bytes[12] = (uint8_t)(sum >> 8);
	bytes[13] = (uint8_t)sum;
}

static void assert_round_trip(const char *name, const uint8_t *bytes, size_t len)
{
	uint8_t *copy = exact_copy(bytes, len);
	uint8_t out[1500];
	struct nhrp_packet p;
	struct nhrp_fault fault;
	int n;

	if (nhrp_packet_decode(&p, copy, len, &fault) != 0)
		fail_msg("%s: %s at %u", name, nhrp_bad_name(fault.bad), fault.offset);
	n = nhrp_packet_encode(&p, out, sizeof(out));
	if (n != (int)len || memcmp(out, bytes, len) != 0)
		fail_msg("%s: encoded differently (%d, was %zu)", name, n, len);
	assert_int_equal(nhrp_packet_encode(&p, out, len), len);
	for (size_t cap = 0; cap < len; cap++)
		assert_int_equal(nhrp_packet_encode(&p, out, cap), -EMSGSIZE);
	free(copy);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < CAPTURED_COUNT; i++)
		assert_round_trip(captured[i].name, captured[i].bytes, captured[i].len);
	for (size_t i = 0; i < SYNTHETIC_COUNT; i++)
		assert_round_trip(synthetic[i].name, synthetic[i].bytes, synthetic[i].len);
}

/* Fields of real packets, as tshark prints them. */
static void test_captured_fields(void **state)
{
	static const struct {
		const char *name;
		enum nhrp_type type;
		uint8_t hop_count;
		uint16_t flags;
		uint32_t request_id;
		const char *src_nbma, *src_proto, *dst_proto;
		unsigned cies, exts;
		uint16_t payload_len;
	} rows[] = {
		{"plain_key42_bgp_nat_reg_request_1", NHRP_TYPE_REGISTRATION_REQUEST, 1, 0x0002, 1,
		 "192.0.2.11", "10.255.0.11", "10.255.0.1", 1, 5, 0},
		{"plain_key42_bgp_nat_reg_reply_1", NHRP_TYPE_REGISTRATION_REPLY, 64, 0x0002, 1,
		 "192.0.2.11", "10.255.0.11", "10.255.0.1", 1, 5, 0},
		{"plain_key42_bgp_nat_reg_request_3", NHRP_TYPE_REGISTRATION_REQUEST, 1, 0x0002, 1,
		 "10.9.13.2", "10.255.0.13", "10.255.0.1", 1, 5, 0},
		{"plain_key42_bgp_nat_traffic_1", NHRP_TYPE_TRAFFIC_INDICATION, 1, 0, 0,
		 "192.0.2.1", "10.255.0.1", "10.1.11.10", 0, 0, 84},
		{"plain_key42_bgp_nat_res_request_1", NHRP_TYPE_RESOLUTION_REQUEST, 64, 0xc802, 2,
		 "192.0.2.11", "10.255.0.11", "10.1.12.10", 1, 5, 0},
		{"plain_key42_bgp_nat_res_reply_8", NHRP_TYPE_RESOLUTION_REPLY, 63, 0xe800, 3,
		 "192.0.2.11", "10.255.0.11", "10.1.13.10", 1, 5, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nhrp_vector *v = captured_find(rows[i].name);
		struct nhrp_packet p;
		struct nhrp_fault fault;

		assert_int_equal(nhrp_packet_decode(&p, v->bytes, v->len, &fault), 0);
		assert_int_equal(p.type, rows[i].type);
		assert_int_equal(p.hop_count, rows[i].hop_count);
		assert_int_equal(p.flags, rows[i].flags);
		assert_int_equal(p.request_id, rows[i].request_id);
		assert_addr(&p.src_nbma, rows[i].src_nbma);
		assert_addr(&p.src_proto, rows[i].src_proto);
		assert_addr(&p.dst_proto, rows[i].dst_proto);
		assert_int_equal(p.cie_count, rows[i].cies);
		assert_int_equal(p.ext_count, rows[i].exts);
		assert_int_equal(p.payload_len, rows[i].payload_len);
	}
}

/* A published Cisco registration, built from its fields. */
static void test_build_cisco_registration(void **state)
{
	struct nhrp_packet p;
	struct nhrp_cie nat = {.prefix_len = 32, .mtu = 17916};
	uint8_t value[64], out[128];
	int n;

	(void)state;
	nhrp_packet_init(&p, NHRP_TYPE_REGISTRATION_REQUEST, AF_INET, AF_INET);
	p.hop_count = 255;
	p.flags = NHRP_REG_F_UNIQUE | NHRP_F_NAT;
	p.request_id = 0x10001;
	p.src_nbma = addr("172.17.0.9");
	p.src_proto = addr("10.0.0.9");
	p.dst_proto = addr("10.0.0.1");
	p.cie_count = 1;
	p.cies[0] = (struct nhrp_cie){.prefix_len = 32, .mtu = 17916, .holding_s = 7200};
	nat.nbma = addr("172.17.0.1");
	nat.proto = addr("10.0.0.1");
	n = nhrp_cies_encode(&p, &nat, 1, value, sizeof(value));
	assert_int_equal(n, 20);
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_FORWARD_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_REVERSE_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_NAT, 0, value, (uint16_t)n);
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	assert_int_equal(nhrp_packet_encode(&p, out, sizeof(out)), 92);
	assert_memory_equal(out, nhrp_cisco_registration, 92);
}

/* A traffic indication with authentication, built from its fields. */
static void test_build_cisco_traffic(void **state)
{
	struct nhrp_packet p;
	uint8_t auth[16], out[160];
	int n;

	(void)state;
	nhrp_packet_init(&p, NHRP_TYPE_TRAFFIC_INDICATION, AF_INET, AF_INET);
	p.hop_count = 1;
	p.code = NHRP_TRAFFIC_REDIRECT;
	p.src_nbma = addr("192.0.2.1");
	p.src_proto = addr("10.255.0.1");
	p.dst_proto = addr("10.1.12.10");
	p.payload = nhrp_cisco_traffic + 40;
	p.payload_len = 84;
	n = nhrp_auth_encode("test123", auth, sizeof(auth));
	assert_int_equal(n, 11);
	nhrp_ext_add(&p, NHRP_EXT_AUTHENTICATION, NHRP_EXT_F_COMPULSORY, auth, (uint16_t)n);
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	assert_int_equal(nhrp_packet_encode(&p, out, sizeof(out)), 143);
	assert_memory_equal(out, nhrp_cisco_traffic, 143);
}

static void test_error_and_purge_fields(void **state)
{
	struct nhrp_packet p;
	struct nhrp_fault fault;

	(void)state;
	assert_int_equal(nhrp_packet_decode(&p, BYTES(nhrp_error_loop), &fault), 0);
	assert_int_equal(p.code, NHRP_ERROR_LOOP);
	assert_int_equal(p.code_offset, 20);
	assert_int_equal(p.payload_len, 40);
	assert_memory_equal(p.payload, nhrp_cisco_registration, 40);
	assert_int_equal(nhrp_packet_decode(&p, BYTES(nhrp_purge_request), &fault), 0);
	assert_int_equal(p.cies[0].prefix_len, 24);
	assert_false(dp_addr_is_set(&p.cies[0].nbma));
	assert_addr(&p.cies[0].proto, "10.1.11.0");
	p.type = NHRP_TYPE_PURGE_REPLY;
	uint8_t out[64];
	assert_int_equal(nhrp_packet_encode(&p, out, sizeof(out)), sizeof(nhrp_purge_reply));
	assert_memory_equal(out, nhrp_purge_reply, sizeof(nhrp_purge_reply));
}

/* Every prefix of a packet is refused as truncated, and bytes behind ar$pktsz are ignored. */
static void test_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < CAPTURED_COUNT; i++) {
		for (size_t len = 0; len < captured[i].len; len++) {
			uint8_t *copy = exact_copy(captured[i].bytes, len);
			struct nhrp_packet p;
			struct nhrp_fault fault;

			assert_int_equal(nhrp_packet_decode(&p, copy, len, &fault), -EMSGSIZE);
			assert_int_equal(fault.bad, NHRP_BAD_TRUNCATED);
			free(copy);
		}
	}
	uint8_t padded[200] = {0};
	struct nhrp_packet p;
	struct nhrp_fault fault;

	memcpy(padded, captured[0].bytes, captured[0].len);
	memset(padded + captured[0].len, 0xaa, 20);
	assert_int_equal(nhrp_packet_decode(&p, padded, captured[0].len + 20, &fault), 0);
}

/* Cut short with size and checksum made right: refused, or what was read encodes to the same. The
 * cuts that are taken: inside the payload of an error (40), right before the first CIE of a purge
 * (2), after any extension of the other three (5 + 2 + 6). */
static void test_truncated_sealed(void **state)
{
	unsigned taken = 0;

	(void)state;
	for (size_t i = 0; i < SYNTHETIC_COUNT; i++) {
		for (size_t len = NHRP_ADDRS_OFF; len < synthetic[i].len; len++) {
			uint8_t *copy = exact_copy(synthetic[i].bytes, len), out[256];
			struct nhrp_packet p, again;
			struct nhrp_fault fault;

			seal(copy, len);
			if (nhrp_packet_decode(&p, copy, len, &fault) == 0) {
				int n = nhrp_packet_encode(&p, out, sizeof(out));

				taken++;
				assert_int_equal(n, len);
				assert_int_equal(nhrp_packet_decode(&again, out, (size_t)n, &fault),
						 0);
				assert_true(nhrp_packet_same(&p, &again));
			} else {
				assert_true(fault.bad != NHRP_BAD_NONE && fault.offset <= len);
			}
			free(copy);
		}
	}
	assert_int_equal(taken, 40 + 2 + 5 + 2 + 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_captured_fields),
		cmocka_unit_test(test_build_cisco_registration),
		cmocka_unit_test(test_build_cisco_traffic),
		cmocka_unit_test(test_error_and_purge_fields),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_truncated_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
