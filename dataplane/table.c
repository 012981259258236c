/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: rte_hash with the flags this project needs, and a front of its own, see table.h. Writer:
 * control core. Readers: workers under QSBR. Extendable buckets, so that "full" is the announced
 * capacity and nothing else.
 */
#include "table.h"

#include <errno.h>

#include <rte_errno.h>
#include <rte_hash_crc.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "dp_priv.h"

/* As rte_hash wants it. The words that are zero in every key of IPv4 are left out: half the time of
 * rte_hash_crc over 32 bytes. */
static uint32_t key_hash(const void *key, uint32_t len, uint32_t seed)
{
	uint64_t w[4];

	(void)len;
	memcpy(w, key, sizeof(w));
	seed = rte_hash_crc_8byte(w[0], seed);
	if (((const struct table_key *)key)->addr.family != AF_INET)
		seed = rte_hash_crc_8byte(w[1], seed);
	seed = rte_hash_crc_8byte(w[2], seed);
	return rte_hash_crc_8byte(w[3], seed);
}

static struct rte_hash *all_create(const char *name, uint32_t max)
{
	struct rte_hash_parameters params = {
		.name = name,
		/* rte_hash takes at least 8; a deleted key's slot is busy until its grace period.
		 */
		.entries = RTE_MAX(max + max / 4, 64U),
		.key_len = sizeof(struct table_key),
		.hash_func = key_hash,
		.socket_id = (int)rte_socket_id(),
		.extra_flag =
			RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	struct rte_hash_rcu_config rcu = {.v = dp_qsbr, .mode = RTE_HASH_QSBR_MODE_DQ};
	struct rte_hash *hash = rte_hash_create(&params);

	if (hash == NULL) {
		dp_error_set(-rte_errno, "table %s of %u entries: %s", name, max,
			     rte_strerror(rte_errno));
		return NULL;
	}
	if (rte_hash_rcu_qsbr_add(hash, &rcu) != 0) {
		dp_error_set(-rte_errno, "table %s: QSBR: %s", name, rte_strerror(rte_errno));
		rte_hash_free(hash);
		return NULL;
	}
	return hash;
}

/* Half full when the table is: one key in fifty finds no room. */
static uint32_t front_buckets(uint32_t max)
{
	return rte_align32pow2(RTE_MAX(max / 2, 1U));
}

uint64_t table_front_bytes(uint32_t max)
{
	return (uint64_t)front_buckets(max) * sizeof(struct table_bucket);
}

struct table *table_create(const char *name, uint32_t max)
{
	struct table *table = rte_zmalloc(name, sizeof(*table), RTE_CACHE_LINE_SIZE);

	if (table == NULL) {
		dp_error_set(-ENOMEM, "table %s: no memory", name);
		return NULL;
	}
	table->mask = front_buckets(max) - 1;
	table->front = rte_zmalloc(name, table_front_bytes(max), RTE_CACHE_LINE_SIZE);
	table->all = all_create(name, max);
	if (table->front == NULL || table->all == NULL) {
		if (table->front == NULL)
			dp_error_set(-ENOMEM, "table %s of %u entries: no memory", name, max);
		table_free(table);
		return NULL;
	}
	return table;
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	rte_hash_free(table->all);
	rte_free(table->front);
	rte_free(table);
}

/* By one store. Its place: where the key stands, else a free one; there may be none. */
static void front_set(struct table *table, const struct table_key *key, uint32_t value)
{
	struct table_key4 k = table_key4(key->addr.ip4_be, key->a, key->b, key->c);
	__m128i *bucket = table->front[table_bucket(table, k) - table->front].entries;
	__m128i entry = _mm_set_epi64x((long long)((uint64_t)value << 32 | k.c), (long long)k.lo);
	__m128i *place = NULL;

	if (key->addr.family != AF_INET)
		return;
	for (unsigned i = 0; i < TABLE_BUCKET; i++) {
		uint64_t lo = (uint64_t)_mm_extract_epi64(bucket[i], 0);
		uint64_t hi = (uint64_t)_mm_extract_epi64(bucket[i], 1);

		if (hi >> 32 != 0 && lo == k.lo && (uint32_t)hi == k.c) {
			place = &bucket[i];
			break;
		}
		if (hi >> 32 == 0)
			place = &bucket[i];
	}
	if (place != NULL)
		*(volatile __m128i *)place = value != 0 ? entry : _mm_setzero_si128();
}

/* Workers ask the front first: what is new appears there last, what goes is gone there first. */
int table_set(struct table *table, const struct table_key *key, uint32_t value)
{
	int rc = rte_hash_add_key_data(table->all, key, (void *)(uintptr_t)value);

	if (rc == 0)
		front_set(table, key, value);
	return rc;
}

int table_del(struct table *table, const struct table_key *key)
{
	front_set(table, key, 0);
	return rte_hash_del_key(table->all, key) < 0 ? -ENOENT : 0;
}

uint32_t table_get_slow(const struct table *table, const struct table_key *key)
{
	void *value;

	return rte_hash_lookup_data(table->all, key, &value) < 0 ? 0 : (uint32_t)(uintptr_t)value;
}

uint32_t table_get4_slow(const struct table *table, struct table_key4 k)
{
	struct table_key key =
		table_key_ip4((uint32_t)k.lo, (uint16_t)(k.lo >> 32), (uint16_t)(k.lo >> 48), k.c);

	return table_get_slow(table, &key);
}
