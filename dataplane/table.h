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

/* 0 when the key is absent. Context: worker, control. */
static inline uint32_t table_get(const struct rte_hash *table, const struct table_key *key)
{
	void *value;

	return rte_hash_lookup_data(table, key, &value) < 0 ? 0 : (uint32_t)(uintptr_t)value;
}
