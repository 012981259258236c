/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nexthop: the NHRP cache of the workers, see dp_nexthop.h.
 *
 * Workers look up (tunnel, overlay address) -> adjacency index in nexthop_table. The control core
 * keeps a second table, -> entry, with a list per spoke, so that a new adjacency is published in
 * every next hop of its spoke, and through fib_gateway_bind in every route via that next hop.
 */
#include "nexthop.h"

#include <errno.h>
#include <sys/queue.h>

#include <rte_cycles.h>

#include "dp_priv.h"
#include "fib.h"
#include "pool.h"
#include "source.h"
#include "spoke.h"

struct entry {
	struct table_key key;
	uint32_t spoke;
	LIST_ENTRY(entry) of_spoke;
};
LIST_HEAD(entry_list, entry);

struct table *nexthop_table;

static struct table *entry_table;   /* -> index of entries[] */
static struct entry *entries;       /* [max + 1] */
static struct entry_list *by_spoke; /* [limits.spokes + 1] */
static struct index_pool ids;

int nexthop_init(const struct dp_conf *conf)
{
	uint32_t max = conf->limits.nexthops;

	entries = calloc(max + 1, sizeof(*entries));
	by_spoke = calloc(conf->limits.spokes + 1, sizeof(*by_spoke));
	nexthop_table = table_create("nexthops", max);
	entry_table = table_create("nexthop entries", max);
	if (entries == NULL || by_spoke == NULL || nexthop_table == NULL || entry_table == NULL ||
	    index_pool_init(&ids, LIVE_NEXTHOP, max) < 0)
		return -ENOMEM;
	return 0;
}

void nexthop_fini(void)
{
	table_free(nexthop_table);
	table_free(entry_table);
	free(entries);
	free(by_spoke);
	index_pool_fini(&ids);
	nexthop_table = entry_table = NULL;
	entries = NULL;
	by_spoke = NULL;
}

static struct {
	dp_nexthop_wanted_fn fn;
	void *ctx;
} wanted_handler;

void dp_nexthop_wanted_handler_set(dp_nexthop_wanted_fn fn, void *ctx)
{
	wanted_handler.fn = fn;
	wanted_handler.ctx = ctx;
}

void nexthop_wanted_dispatch(const struct dp_wanted *wanted)
{
	if (wanted_handler.fn != NULL)
		wanted_handler.fn(wanted_handler.ctx, wanted->iface, &wanted->addr);
}

void nexthop_want(struct dp_worker *w, uint16_t tunnel, rte_be32_t dst)
{
	struct dp_wanted wanted = {
		.addr = dp_addr_ip4(dst), .iface = tunnel, .kind = DP_IFACE_TUNNEL};
	struct dp_nexthop_want *last = &w->nexthop_want;
	bool same = last->tunnel == tunnel && last->dst_be == dst;

	if (w->now_tsc - last->tsc < rte_get_tsc_hz() / (same ? 1 : 1000))
		return;
	*last = (struct dp_nexthop_want){.dst_be = dst, .tunnel = tunnel, .tsc = w->now_tsc};
	/* Full: another packet asks again. */
	rte_ring_sp_enqueue_elem(w->wanted, &wanted, sizeof(wanted));
}

static int entry_publish(const struct entry *e)
{
	uint32_t adj = spoke_adj(e->spoke);
	int rc = table_set(nexthop_table, &e->key, adj);

	if (rc == 0)
		fib_gateway_bind(e->key.a, &e->key.addr, adj);
	return rc;
}

static void entry_point_to(struct entry *e, uint32_t spoke)
{
	if (e->spoke != 0) {
		LIST_REMOVE(e, of_spoke);
		spoke_ref(e->spoke, -1);
	}
	e->spoke = spoke;
	if (spoke != 0) {
		LIST_INSERT_HEAD(&by_spoke[spoke], e, of_spoke);
		spoke_ref(spoke, +1);
	}
}

int dp_nexthop_set(uint16_t tunnel, const struct dp_addr *protocol, uint32_t spoke)
{
	struct table_key key = nexthop_key(tunnel, protocol);
	uint32_t index = table_get(entry_table, &key);

	if (tunnel_get(tunnel) == NULL || !spoke_exists(spoke))
		return dp_error_set(-ENOENT, "next hop: no tunnel %u or no spoke %u", tunnel,
				    spoke);
	if (index != 0) {
		entry_point_to(&entries[index], spoke);
		return entry_publish(&entries[index]);
	}
	index = index_pool_get(&ids);
	if (index == 0)
		return dp_error_set(-ENOSPC,
				    "all %u next hops are in use (dataplane.limits.nexthops)",
				    ids.max);
	entries[index] = (struct entry){.key = key};
	if (table_set(entry_table, &key, index) < 0) {
		index_pool_put(&ids, index);
		return dp_error_set(-ENOSPC, "next hops: old entries wait for a grace period");
	}
	source_add(protocol);
	entry_point_to(&entries[index], spoke);
	if (entry_publish(&entries[index]) < 0) {
		dp_nexthop_del(tunnel, protocol);
		return dp_error_set(-ENOSPC, "next hops: old entries wait for a grace period");
	}
	return 0;
}

int dp_nexthop_del(uint16_t tunnel, const struct dp_addr *protocol)
{
	struct table_key key = nexthop_key(tunnel, protocol);
	uint32_t index = table_get(entry_table, &key);

	if (index == 0)
		return -ENOENT;
	source_del(protocol);
	fib_gateway_bind(tunnel, protocol, 0);
	table_del(nexthop_table, &key);
	table_del(entry_table, &key);
	entry_point_to(&entries[index], 0);
	/* Workers never see entries[]; what they may still hold is the adjacency, which the spoke
	 * owns and defers. */
	memset(&entries[index], LIVE_POISON, sizeof(entries[index]));
	index_pool_put(&ids, index);
	return 0;
}

uint32_t dp_nexthop_find(uint16_t tunnel, const struct dp_addr *protocol)
{
	struct table_key key = nexthop_key(tunnel, protocol);
	uint32_t index = table_get(entry_table, &key);

	return index == 0 ? 0 : entries[index].spoke;
}

void nexthop_rebind(uint32_t spoke)
{
	struct entry *e;

	/* Replacing the value of a key that is there cannot fail. */
	LIST_FOREACH (e, &by_spoke[spoke], of_spoke)
		entry_publish(e);
}
