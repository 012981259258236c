/* SPDX-License-Identifier: Apache-2.0 */
/* How long a packet gets by ESP, over all algorithms; SipHash and the memory of counters. No EAL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/esp_size.h"
#include "dataplane/sa_counter.h"

#define IP  20
#define UDP 8

/* By hand: 20 [+ 8] + 8 + IV + blocks + ICV. */
static void known_sizes(void **state)
{
	static const struct {
		enum dp_sa_alg alg;
		uint8_t outer, gre;
		uint16_t mtu, inner;
	} cases[] = {
		/* 1500 - 20 - 8 - 8 - 16 = 1448 */
		{DP_SA_AES128_GCM, IP, 8, 1500, 1438},
		{DP_SA_AES128_GCM, IP, 4, 1500, 1442},
		{DP_SA_AES256_GCM, IP + UDP, 8, 1500, 1430},
		{DP_SA_CHACHA20_POLY1305, IP, 8, 1500, 1438},
		/* 1500 - 20 - 8 - 16 - 12 = 1444, 90 blocks */
		{DP_SA_AES128_CBC_SHA1, IP, 8, 1500, 1430},
		/* 1500 - 28 - 8 - 16 - 32 = 1416, 88 blocks */
		{DP_SA_AES256_CBC_SHA512, IP + UDP, 8, 1500, 1398},
		/* 1500 - 20 - 8 - 12 = 1460 */
		{DP_SA_NULL_SHA1, IP, 4, 1500, 1454},
		{DP_SA_AES128_GCM, IP, 8, 576, 514},
		{DP_SA_AES128_GCM, IP, 8, 60, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(esp_inner_max(dp_sa_alg_info(cases[i].alg), cases[i].outer,
					       cases[i].gre, cases[i].mtu),
				 cases[i].inner);
}

/* The largest inner packet fits, one byte more does not; nothing is longer than the overhead at
 * worst, and something is as long. */
static void largest_fits(void **state)
{
	static const uint8_t outers[] = {IP, IP + UDP}, gres[] = {4, 8};

	(void)state;
	for (unsigned a = 0; a < DP_SA_ALG_COUNT * 4; a++) {
		const struct dp_sa_alg_info *alg = dp_sa_alg_info((enum dp_sa_alg)(a / 4));
		uint8_t outer = outers[a & 1], gre = gres[a >> 1 & 1];
		uint32_t worst = 0;

		for (uint16_t mtu = 128; mtu < 9200; mtu++) {
			uint16_t inner = esp_inner_max(alg, outer, gre, mtu);
			uint32_t bytes;

			if (inner == 0)
				continue;
			bytes = esp_outer_bytes(alg, outer, gre, inner);
			assert_true(bytes <= mtu);
			assert_true(esp_outer_bytes(alg, outer, gre, inner + 1U) > mtu);
			bytes = esp_outer_bytes(alg, outer, gre, mtu);
			worst = bytes - gre - mtu > worst ? bytes - gre - mtu : worst;
		}
		assert_int_equal(worst, esp_overhead_max(alg, outer));
	}
}

/* Aumasson, Bernstein: SipHash-2-4, appendix A, and the first of their test vectors. */
static void siphash_vectors(void **state)
{
	const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	uint8_t bytes[15];

	(void)state;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_true(sa_siphash(key, bytes, 15) == 0xa129ca6149be45e5);
	assert_true(sa_siphash(key, bytes, 0) == 0x726fdb47dd0e0e31);
	assert_true(sa_siphash(key, bytes, 1) == 0x74f839c593dc67fd);
}

static struct sa_print print_of(uint32_t spi, uint8_t key, enum dp_sa_alg alg)
{
	struct dp_sa_conf conf = {.alg = alg, .spi = spi};
	struct sa_print print;

	conf.key[0] = key;
	conf.auth_key[0] = key;
	sa_print_make(&print, &conf);
	return print;
}

static void prints_differ(void **state)
{
	struct sa_print a, b;

	(void)state;
	assert_int_equal(sa_counter_init(4), 0);
	a = print_of(300, 1, DP_SA_AES128_GCM);
	b = print_of(300, 1, DP_SA_AES128_GCM);
	assert_true(sa_print_equal(&a, &b));
	b = print_of(301, 1, DP_SA_AES128_GCM); /* the same key is the same counter */
	assert_true(sa_print_equal(&a, &b));
	b = print_of(300, 2, DP_SA_AES128_GCM);
	assert_false(sa_print_equal(&a, &b));
	a = print_of(300, 1, DP_SA_NULL_SHA256); /* no cipher key: the other one tells */
	b = print_of(300, 2, DP_SA_NULL_SHA256);
	assert_false(sa_print_equal(&a, &b));
	b = print_of(301, 1, DP_SA_NULL_SHA256); /* no IV that could come twice: by SPI */
	assert_false(sa_print_equal(&a, &b));
	sa_counter_fini();
}

/* Four times as many as may live are remembered; then the oldest go, and that is counted. */
static void bounded(void **state)
{
	struct sa_print p;
	uint64_t seq;

	(void)state;
	assert_int_equal(sa_counter_init(4), 0);
	for (uint32_t i = 0; i < 20; i++) {
		p = print_of(300, (uint8_t)(1 + i), DP_SA_AES128_GCM);
		sa_counter_take(&p, 1);
		assert_int_equal(sa_counter_find(&p, &seq), 1);
		sa_counter_give(&p, 1, 1000 + i);
	}
	assert_int_equal(sa_counter_full(), 0);
	p = print_of(300, 1, DP_SA_AES128_GCM);
	assert_int_equal(sa_counter_find(&p, &seq), 0);
	assert_int_equal(seq, 1000);
	/* It lives again, and has got no further; it is the youngest then. */
	sa_counter_take(&p, 2);
	sa_counter_give(&p, 3, 5000); /* not its */
	sa_counter_give(&p, 2, 999);
	p = print_of(300, 100, DP_SA_AES128_GCM);
	sa_counter_take(&p, 3);
	assert_int_equal(sa_counter_full(), 1);
	p = print_of(300, 1, DP_SA_AES128_GCM);
	sa_counter_find(&p, &seq);
	assert_int_equal(seq, 1000);
	p = print_of(300, 2, DP_SA_AES128_GCM);
	sa_counter_find(&p, &seq);
	assert_int_equal(seq, 0);
	sa_counter_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_sizes),     cmocka_unit_test(largest_fits),
		cmocka_unit_test(siphash_vectors), cmocka_unit_test(prints_differ),
		cmocka_unit_test(bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
