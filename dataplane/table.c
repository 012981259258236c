/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: rte_hash with the flags this project needs, see table.h. Writer: control core. Readers:
 * workers under QSBR. Extendable buckets, so that "full" is the announced capacity and nothing
 * else.
 */
#include "table.h"

#include <errno.h>

#include <rte_errno.h>
#include <rte_hash_crc.h>
#include <rte_lcore.h>

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

struct rte_hash *table_create(const char *name, uint32_t max)
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
	struct rte_hash *table = rte_hash_create(&params);

	if (table == NULL) {
		dp_error_set(-rte_errno, "table %s of %u entries: %s", name, max,
			     rte_strerror(rte_errno));
		return NULL;
	}
	if (rte_hash_rcu_qsbr_add(table, &rcu) != 0) {
		dp_error_set(-rte_errno, "table %s: QSBR: %s", name, rte_strerror(rte_errno));
		rte_hash_free(table);
		return NULL;
	}
	return table;
}

void table_free(struct rte_hash *table)
{
	rte_hash_free(table);
}

int table_set(struct rte_hash *table, const struct table_key *key, uint32_t value)
{
	return rte_hash_add_key_data(table, key, (void *)(uintptr_t)value);
}

int table_del(struct rte_hash *table, const struct table_key *key)
{
	return rte_hash_del_key(table, key) < 0 ? -ENOENT : 0;
}
