/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Keyed hash for tables whose keys come from outside: without the seed nobody can choose keys that
 * fall into one bucket. Context: any.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>

#include "dataplane/dp_addr.h"

static inline uint64_t hash_seed(void)
{
	uint64_t seed = 0x9e3779b97f4a7c15;

	/* Cannot fail for 8 bytes once the kernel has booted; if it did, the table still works. */
	(void)!getrandom(&seed, sizeof(seed), 0);
	return seed;
}

static inline uint64_t hash_word(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15;
	return h ^ h >> 32;
}

static inline uint64_t hash_addr(uint64_t seed, uint32_t salt, const struct dp_addr *a)
{
	uint64_t h = hash_word(seed, (uint64_t)salt << 16 | a->family);

	h = hash_word(h, (uint64_t)a->words_be[0] << 32 | a->words_be[1]);
	return hash_word(h, (uint64_t)a->words_be[2] << 32 | a->words_be[3]);
}

/* Smallest power of two that is not below n. */
static inline uint32_t hash_buckets(uint32_t n)
{
	uint32_t buckets = 1;

	while (buckets < n && buckets < 1u << 31)
		buckets <<= 1;
	return buckets;
}
