/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <rte_hash.h>

#include "dp_addr.h"

/*
 * The one kind of hash table of the dataplane: an address and three numbers -> a handle. Lock-free
 * for readers; what a handle names is deferred by the caller, key slots by rte_hash itself (QSBR).
 */
struct table_key {
	struct dp_addr addr;
	uint16_t a;
	uint16_t b;
	uint32_t c;
	uint32_t zero; /* 32 bytes: rte_hash compares them without a call to memcmp */
};
_Static_assert(sizeof(struct table_key) == 32, "a hash key has no padding");

/* Context: control. `max` keys; NULL with dp_error set. */
struct rte_hash *table_create(const char *name, uint32_t max);
void table_free(struct rte_hash *table);
/* Adds or replaces; value != 0. -ENOSPC. Context: control. */
int table_set(struct rte_hash *table, const struct table_key *key, uint32_t value);
/* -ENOENT. Context: control. */
int table_del(struct rte_hash *table, const struct table_key *key);

/* Of an IPv4 address, built in registers and stored in whole words: a key that is stored field by
 * field and read word by word stalls the look-up (store forwarding). Context: any. */
static inline struct table_key table_key_ip4(uint32_t ip4_be, uint16_t a, uint16_t b, uint32_t c)
{
	const uint64_t w[4] = {AF_INET | (uint64_t)ip4_be << 32, 0,
			       (uint64_t)a << 32 | (uint64_t)b << 48, c};
	struct table_key key;

	memcpy(&key, w, sizeof(key));
	return key;
}

/* Four words: memcmp would be a call. Context: any. */
static inline bool table_key_equal(const struct table_key *x, const struct table_key *y)
{
	uint64_t a[4], b[4];

	memcpy(a, x, sizeof(a));
	memcpy(b, y, sizeof(b));
	return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

/* 0 when the key is absent. Context: worker, control. */
static inline uint32_t table_get(const struct rte_hash *table, const struct table_key *key)
{
	void *value;

	return rte_hash_lookup_data(table, key, &value) < 0 ? 0 : (uint32_t)(uintptr_t)value;
}
