/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XFRM messages of iproute2, as recorded: what they say, whether we serve it, what becomes of it in
 * the dataplane; and cut at every byte, with every length wrong.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/ike/xfrm.h"
#include "tests/vectors/netlink/xfrm.h"

#define MESSAGE(name) xfrm_##name, sizeof(xfrm_##name)
#define SPI           0x1001

static const struct {
	const char *name;
	const unsigned char *bytes;
	size_t len;
	enum dp_sa_alg alg;
	enum xfrm_fault fault;
} table[] = {
	{"gcm128", MESSAGE(gcm128), DP_SA_AES128_GCM, XFRM_FAULT_NONE},
	{"gcm192", MESSAGE(gcm192), DP_SA_AES192_GCM, XFRM_FAULT_NONE},
	{"gcm256", MESSAGE(gcm256_esn), DP_SA_AES256_GCM, XFRM_FAULT_NONE},
	{"chacha", MESSAGE(chacha), DP_SA_CHACHA20_POLY1305, XFRM_FAULT_NONE},
	{"cbc128-sha1", MESSAGE(cbc128_sha1), DP_SA_AES128_CBC_SHA1, XFRM_FAULT_NONE},
	{"cbc256-sha256", MESSAGE(cbc256_sha256), DP_SA_AES256_CBC_SHA256, XFRM_FAULT_NONE},
	{"cbc128-sha384", MESSAGE(cbc128_sha384), DP_SA_AES128_CBC_SHA384, XFRM_FAULT_NONE},
	{"cbc256-sha512", MESSAGE(cbc256_sha512), DP_SA_AES256_CBC_SHA512, XFRM_FAULT_NONE},
	{"null-sha256", MESSAGE(null_sha256), DP_SA_NULL_SHA256, XFRM_FAULT_NONE},
	{"sha1, kernel's length", MESSAGE(sha1_untruncated), DP_SA_AES128_CBC_SHA1,
	 XFRM_FAULT_NONE},
	{"sha512, kernel's length", MESSAGE(sha512_untruncated), DP_SA_AES256_CBC_SHA512,
	 XFRM_FAULT_NONE},
	{"update", MESSAGE(update), DP_SA_AES128_GCM, XFRM_FAULT_NONE},
	{"natt", MESSAGE(natt), DP_SA_AES128_GCM, XFRM_FAULT_NONE},
	{"selector gre", MESSAGE(selector_gre), DP_SA_AES128_GCM, XFRM_FAULT_NONE},
	{"marked", MESSAGE(marked), DP_SA_AES128_GCM, XFRM_FAULT_NONE},
	{"sha256 cut to 96", MESSAGE(sha256_at_96), DP_SA_ALG_COUNT, XFRM_FAULT_ALGORITHM},
	{"sha256, kernel's length", MESSAGE(sha256_untruncated), DP_SA_ALG_COUNT,
	 XFRM_FAULT_ALGORITHM},
	{"gcm, ICV of 64", MESSAGE(gcm_icv64), DP_SA_ALG_COUNT, XFRM_FAULT_ALGORITHM},
	{"3des", MESSAGE(des3), DP_SA_ALG_COUNT, XFRM_FAULT_ALGORITHM},
	{"hidden key", MESSAGE(zero_key), DP_SA_AES128_GCM, XFRM_FAULT_KEY},
	{"tunnel", MESSAGE(tunnel), DP_SA_AES128_GCM, XFRM_FAULT_MODE},
	{"ah", MESSAGE(ah), DP_SA_ALG_COUNT, XFRM_FAULT_PROTOCOL},
	{"ip6", MESSAGE(ip6), DP_SA_AES128_GCM, XFRM_FAULT_FAMILY},
	{"selector udp", MESSAGE(selector_udp), DP_SA_AES128_GCM, XFRM_FAULT_SELECTOR},
};

static void test_messages(void **state)
{
	struct xfrm_sa sa;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		enum xfrm_fault fault;

		if (xfrm_sa_parse(table[i].bytes, table[i].len, &sa) != 0)
			fail_msg("%s: not parsed", table[i].name);
		fault = xfrm_sa_check(&sa);
		if (sa.alg != table[i].alg || fault != table[i].fault)
			fail_msg("%s: %s (%u), %s", table[i].name, sa.alg_text, sa.alg,
				 xfrm_fault_name(fault));
		assert_int_equal(sa.spi, SPI);
		assert_int_equal(sa.reqid, 7);
		assert_false(sa.larval);
	}
}

/* capture-xfrm counts the bytes of keys from 1. */
static void key_check(const uint8_t *key, unsigned bytes, unsigned room)
{
	for (unsigned i = 0; i < room; i++)
		assert_int_equal(key[i], i < bytes ? i + 1 : 0);
}

static void test_keys(void **state)
{
	struct xfrm_sa sa;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct dp_sa_alg_info *alg;

		assert_int_equal(xfrm_sa_parse(table[i].bytes, table[i].len, &sa), 0);
		if (table[i].fault == XFRM_FAULT_KEY)
			continue;
		alg = dp_sa_alg_info(sa.alg);
		key_check(sa.key, alg != NULL ? alg->key_bytes : 0, sizeof(sa.key));
		key_check(sa.auth_key, alg != NULL ? alg->auth_key_bytes : 0, sizeof(sa.auth_key));
	}
}

static void test_numbers(void **state)
{
	struct dp_sa_conf conf;
	struct xfrm_sa sa;

	(void)state;
	assert_int_equal(xfrm_sa_parse(MESSAGE(gcm256_esn), &sa), 0);
	assert_true(sa.esn);
	assert_int_equal(sa.replay_window, 1024);
	xfrm_sa_conf(&sa, DP_SA_IN, &conf);
	assert_int_equal(conf.replay_window, 1024);
	assert_true(conf.esn);
	assert_int_equal(conf.local.ip4_be, inet_addr("192.0.2.11"));
	assert_int_equal(conf.remote.ip4_be, inet_addr("192.0.2.1"));

	assert_int_equal(xfrm_sa_parse(MESSAGE(limits), &sa), 0);
	assert_int_equal(sa.limits.soft_bytes, 1000);
	assert_int_equal(sa.limits.hard_bytes, 2000);
	assert_int_equal(sa.limits.soft_pkts, 10);
	assert_int_equal(sa.limits.hard_pkts, 20);
	assert_int_equal(sa.limits.soft_s, 30);
	assert_int_equal(sa.limits.hard_s, 60);
	assert_int_equal(xfrm_sa_parse(MESSAGE(gcm128), &sa), 0); /* XFRM_INF is no limit */
	assert_int_equal(sa.limits.hard_bytes | sa.limits.hard_pkts | sa.limits.hard_s, 0);

	assert_int_equal(xfrm_sa_parse(MESSAGE(marked), &sa), 0);
	assert_int_equal(sa.mark, 5);
	assert_int_equal(sa.mark_mask, 0xff);
	assert_int_equal(sa.if_id, 9);
}

/* The peer's port is where the packet comes from, or goes to. */
static void test_natt(void **state)
{
	struct dp_sa_conf conf;
	struct xfrm_sa sa;

	(void)state;
	assert_int_equal(xfrm_sa_parse(MESSAGE(natt), &sa), 0);
	xfrm_sa_conf(&sa, DP_SA_OUT, &conf);
	assert_int_equal(conf.natt_port, 31337);
	assert_int_equal(conf.natt_local_port, 4500);
	assert_int_equal(conf.remote.ip4_be, inet_addr("192.0.2.11"));
	xfrm_sa_conf(&sa, DP_SA_IN, &conf);
	assert_int_equal(conf.natt_port, 4500);
	assert_int_equal(conf.natt_local_port, 31337);
	sa.encap_type = 1; /* the draft before RFC 3948 */
	assert_int_equal(xfrm_sa_check(&sa), XFRM_FAULT_ENCAPSULATION);
}

static void test_ids(void **state)
{
	struct xfrm_spi_range range;
	struct xfrm_sa_id id;
	struct xfrm_sa sa;

	(void)state;
	assert_int_equal(xfrm_sa_id_parse(MESSAGE(delete), &id), 0);
	assert_int_equal(id.spi, SPI);
	assert_int_equal(id.proto, IPPROTO_ESP);
	assert_int_equal(id.dst.ip4_be, inet_addr("192.0.2.11"));
	assert_int_equal(id.src.ip4_be, inet_addr("192.0.2.1"));
	assert_int_equal(xfrm_sa_id_parse(MESSAGE(get), &id), 0);
	assert_int_equal(xfrm_sa_id_parse(MESSAGE(gcm128), &id), -ENOMSG);
	assert_int_equal(xfrm_sa_parse(MESSAGE(delete), &sa), -ENOMSG);

	assert_int_equal(xfrm_spi_range_parse(MESSAGE(allocspi), &range), 0);
	assert_int_equal(range.min, 0xc0000000);
	assert_int_equal(range.max, 0xcfffffff);
	assert_int_equal(range.reqid, 7);
	assert_int_equal(range.dst.ip4_be, inet_addr("192.0.2.1"));
	assert_int_equal(xfrm_spi_range_parse(MESSAGE(get), &range), -ENOMSG);
}

/* Cut anywhere, in memory that ends there; and with each 16-bit word one too long. What does not
 * parse leaves no key behind. */
static void test_hostile(void **state)
{
	static const struct xfrm_sa none;
	struct xfrm_sa sa;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (size_t len = 0; len < table[i].len; len++) {
			uint8_t *copy = malloc(len + 1);

			memcpy(copy, table[i].bytes, len);
			assert_int_equal(xfrm_sa_parse(copy, len, &sa), -EBADMSG);
			assert_memory_equal(&sa, &none, sizeof(sa));
			free(copy);
		}
		for (size_t at = 0; at + 2 <= table[i].len; at += 2) {
			uint8_t *copy = malloc(table[i].len);

			memcpy(copy, table[i].bytes, table[i].len);
			copy[at]++;
			if (xfrm_sa_parse(copy, table[i].len, &sa) != 0)
				assert_memory_equal(&sa, &none, sizeof(sa));
			free(copy);
		}
	}
}

/* A key longer than its attribute, and one that is not whole bytes. */
static void test_key_lengths(void **state)
{
	size_t bits_at = sizeof(xfrm_gcm128) - 20 - 8;
	static const uint32_t wrong[] = {161, 168, 152, 0, 0xffffffff, 1U << 31};
	uint8_t copy[sizeof(xfrm_gcm128)];
	struct xfrm_sa sa;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(copy, xfrm_gcm128, sizeof(copy));
		assert_int_equal(copy[bits_at], 160);
		memcpy(copy + bits_at, &wrong[i], 4);
		assert_int_equal(xfrm_sa_parse(copy, sizeof(copy), &sa), -EBADMSG);
	}
}

/* As charon asks for an SPI and the kernel tells of it: no algorithm. */
static void test_larval(void **state)
{
	uint8_t bytes[NLMSG_HDRLEN + sizeof(struct xfrm_usersa_info)];
	uint32_t len = sizeof(bytes);
	struct xfrm_sa sa;

	(void)state;
	memcpy(bytes, xfrm_gcm128, sizeof(bytes));
	memcpy(bytes, &len, sizeof(len));
	assert_int_equal(xfrm_sa_parse(bytes, sizeof(bytes), &sa), 0);
	assert_true(sa.larval);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),    cmocka_unit_test(test_keys),
		cmocka_unit_test(test_numbers),     cmocka_unit_test(test_natt),
		cmocka_unit_test(test_ids),         cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_key_lengths), cmocka_unit_test(test_larval),
	};

	return cmocka_run_group_tests_name("xfrm", tests, NULL, NULL);
}
