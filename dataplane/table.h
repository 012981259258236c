/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <emmintrin.h>
#include <nmmintrin.h>

#include <rte_branch_prediction.h>
#include <rte_hash.h>
#include <rte_prefetch.h>

#include "dp_addr.h"

/*
 * The one kind of hash table of the dataplane: an address and three numbers -> a handle. Lock-free
 * for readers; what a handle names is deferred by the caller, key slots by rte_hash itself (QSBR).
 *
 * rte_hash has all keys. Those of IPv4 have a second entry in front of it while there is room in
 * their bucket: four of 16 bytes in one cache line, which a worker that knows the key early
 * prefetches. An entry is replaced by one store and taken by one load; aligned 16-byte accesses are
 * single on every CPU with AVX (see neigh.h).
 */
struct table_key {
	struct dp_addr addr;
	uint16_t a;
	uint16_t b;
	uint32_t c;
	uint32_t zero; /* 32 bytes: rte_hash compares them without a call to memcmp */
};
_Static_assert(sizeof(struct table_key) == 32, "a hash key has no padding");

#define TABLE_BUCKET 4

struct table_bucket {
	__m128i entries[TABLE_BUCKET]; /* address, a and b, c, value; value 0: free */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct table_bucket) == 64, "one cache line");

struct table {
	struct rte_hash *all;
	struct table_bucket *front;
	uint32_t mask; /* buckets - 1 */
};

/* Context: control. `max` keys; NULL with dp_error set. */
struct table *table_create(const char *name, uint32_t max);
void table_free(struct table *table);
/* Bytes in front of rte_hash. Pure. */
uint64_t table_front_bytes(uint32_t max);
/* Adds or replaces; value != 0. -ENOSPC. Context: control. */
int table_set(struct table *table, const struct table_key *key, uint32_t value);
/* -ENOENT. Context: control. */
int table_del(struct table *table, const struct table_key *key);

/* The whole key of an IPv4 address, stored in whole words: field by field it would stall who reads
 * it word by word (store forwarding). Context: any. */
static inline struct table_key table_key_ip4(uint32_t ip4_be, uint16_t a, uint16_t b, uint32_t c)
{
	const uint64_t w[4] = {AF_INET | (uint64_t)ip4_be << 32, 0,
			       (uint64_t)a << 32 | (uint64_t)b << 48, c};
	struct table_key key;

	memcpy(&key, w, sizeof(key));
	return key;
}

/* A key of IPv4, as it stands in the front: built in registers, never in memory. */
struct table_key4 {
	uint64_t lo; /* address, a, b */
	uint32_t c;
};

static inline struct table_key4 table_key4(uint32_t ip4_be, uint16_t a, uint16_t b, uint32_t c)
{
	return (struct table_key4){ip4_be | (uint64_t)a << 32 | (uint64_t)b << 48, c};
}

static inline bool table_key4_equal(struct table_key4 x, struct table_key4 y)
{
	return x.lo == y.lo && x.c == y.c;
}

/* Where the key stands, if it stands in the front. Prefetch it when there is time. */
static inline const struct table_bucket *table_bucket(const struct table *table,
						      struct table_key4 key)
{
	return &table->front[_mm_crc32_u64(key.c, key.lo) & table->mask];
}

/* 0 when the key does not stand in this bucket. In which of the four it stands cannot be predicted:
 * all are compared, and the one is loaded again, by one load, because it may just be replaced.
 * Context: any. */
static inline uint32_t table_bucket_get(const struct table_bucket *bucket, struct table_key4 key)
{
	const __m128i *e = bucket->entries, k = _mm_set_epi64x(key.c, (long long)key.lo);
	__m128i low = _mm_packs_epi32(_mm_cmpeq_epi32(e[0], k), _mm_cmpeq_epi32(e[1], k));
	__m128i high = _mm_packs_epi32(_mm_cmpeq_epi32(e[2], k), _mm_cmpeq_epi32(e[3], k));
	/* Four bits for each entry: three are the key's. */
	uint32_t same = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high));
	__m128i found;

	same &= same >> 1 & same >> 2 & 0x1111;
	if (unlikely(same == 0))
		return 0;
	found = *(const volatile __m128i *)&e[__builtin_ctz(same) / 4];
	if (unlikely((_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(found, k))) & 7) != 7))
		return 0;
	return (uint32_t)_mm_extract_epi32(found, 3);
}

/* table.c: what the front does not know. Context: any. */
uint32_t table_get_slow(const struct table *table, const struct table_key *key);
uint32_t table_get4_slow(const struct table *table, struct table_key4 key);

/* 0 when the key is absent. Context: worker, control. */
static inline uint32_t table_get4(const struct table *table,
				  const struct table_bucket *bucket,
				  struct table_key4 key)
{
	uint32_t value = table_bucket_get(bucket, key);

	return likely(value != 0) ? value : table_get4_slow(table, key);
}

static inline uint32_t table_get(const struct table *table, const struct table_key *key)
{
	struct table_key4 k = table_key4(key->addr.ip4_be, key->a, key->b, key->c);

	if (unlikely(key->addr.family != AF_INET))
		return table_get_slow(table, key);
	return table_get4(table, table_bucket(table, k), k);
}
