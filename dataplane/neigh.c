/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neigh: neighbours of our ports, see dp_neigh.h.
 *
 * A neighbour exists while the kernel knows its MAC or somebody holds a reference (a spoke's
 * adjacency, a gateway route). Writer: control core; workers read neigh_rewrites under QSBR and
 * find connected hosts by neigh_table. Resolution is the kernel's: ARP goes through the port's
 * twin.
 */
#include "neigh.h"

#include <errno.h>

#include <rte_malloc.h>

#include "defer.h"
#include "dp_priv.h"
#include "pool.h"

struct neigh {
	struct dp_addr addr;
	uint16_t port;
	bool in_use;
	bool known; /* the kernel's own reference */
	uint32_t refs;
};

union neigh_rewrite *neigh_rewrites;
struct table *neigh_table;

static struct neigh *neighs; /* [max + 1] */
static struct index_pool ids;
static struct {
	dp_neigh_wanted_fn fn;
	void *ctx;
} wanted_handler;

int neigh_init(const struct dp_conf *conf)
{
	uint32_t max = conf->limits.neighbours;

	neighs = calloc(max + 1, sizeof(*neighs));
	neigh_rewrites =
		rte_zmalloc("neigh", (max + 1) * sizeof(*neigh_rewrites), RTE_CACHE_LINE_SIZE);
	neigh_table = table_create("neighbours", max);
	if (neighs == NULL || neigh_rewrites == NULL || neigh_table == NULL ||
	    index_pool_init(&ids, LIVE_NEIGH, max) < 0)
		return -ENOMEM;
	neigh_rewrites[0].port = NEIGH_UNRESOLVED; /* "no neighbour" holds the packet, too */
	return 0;
}

void neigh_fini(void)
{
	table_free(neigh_table);
	live_unpoison(neigh_rewrites, (ids.max + 1) * sizeof(*neigh_rewrites));
	rte_free(neigh_rewrites);
	free(neighs);
	index_pool_fini(&ids);
	neigh_table = NULL;
	neigh_rewrites = NULL;
	neighs = NULL;
}

static void rewrite_store(uint32_t neigh, const union neigh_rewrite *r)
{
	*(volatile xmm_t *)&neigh_rewrites[neigh].xmm.x = r->xmm.x;
}

static void rewrite_clear(uint32_t neigh)
{
	union neigh_rewrite r = {.port = NEIGH_UNRESOLVED};

	rewrite_store(neigh, &r);
}

static void neigh_free(uint32_t index)
{
	memset(&neighs[index], LIVE_POISON, sizeof(neighs[index]));
	neighs[index].in_use = false;
	live_poison(&neigh_rewrites[index], sizeof(neigh_rewrites[index]));
	index_pool_put(&ids, index);
}

/* Finds or creates. 0: table full. */
static uint32_t neigh_find(uint16_t port, const struct dp_addr *addr, bool create)
{
	struct table_key key = neigh_key(port, addr);
	uint32_t index = table_get(neigh_table, &key);

	if (index != 0 || !create)
		return index;
	index = index_pool_get(&ids);
	if (index == 0)
		return 0;
	neighs[index] = (struct neigh){.addr = *addr, .port = port, .in_use = true};
	live_unpoison(&neigh_rewrites[index], sizeof(neigh_rewrites[index]));
	rewrite_clear(index);
	if (table_set(neigh_table, &key, index) < 0) {
		neigh_free(index);
		return 0;
	}
	return index;
}

static void neigh_remove_unused(uint32_t index)
{
	struct neigh *n = &neighs[index];
	struct table_key key = neigh_key(n->port, &n->addr);

	/* Without room it stays, unresolved and findable, and the next change tries again. */
	if (n->known || n->refs != 0 || !defer_room(1))
		return;
	table_del(neigh_table, &key);
	n->in_use = false;
	defer_free(neigh_free, index);
}

int dp_neigh_get(uint16_t port, const struct dp_addr *addr, uint32_t *neigh)
{
	*neigh = neigh_find(port, addr, true);
	if (*neigh == 0)
		return dp_error_set(-ENOSPC,
				    "all %u neighbours are in use (dataplane.limits.neighbours)",
				    ids.max);
	neighs[*neigh].refs++;
	return 0;
}

void dp_neigh_put(uint32_t neigh)
{
	neighs[neigh].refs--;
	neigh_remove_unused(neigh);
}

int dp_neigh_set(uint16_t port, const struct dp_addr *addr, const uint8_t mac[6])
{
	uint32_t index = neigh_find(port, addr, mac != NULL);
	union neigh_rewrite r = {.port = port};

	if (mac == NULL) {
		if (index == 0)
			return 0;
		neighs[index].known = false;
		rewrite_clear(index);
		neigh_remove_unused(index);
		return 0;
	}
	if (index == 0)
		return dp_error_set(-ENOSPC,
				    "all %u neighbours are in use (dataplane.limits.neighbours)",
				    ids.max);
	neighs[index].known = true;
	memcpy(&r.eth.dst_addr, mac, 6);
	r.eth.src_addr = port_hot[port].mac;
	r.eth.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	rewrite_store(index, &r);
	return 0;
}

void neigh_identity(uint32_t neigh, uint16_t *port, struct dp_addr *addr)
{
	*port = neighs[neigh].port;
	*addr = neighs[neigh].addr;
}

void dp_neigh_wanted_handler_set(dp_neigh_wanted_fn fn, void *ctx)
{
	wanted_handler.fn = fn;
	wanted_handler.ctx = ctx;
}

void neigh_wanted_dispatch(const struct dp_wanted *wanted)
{
	if (wanted_handler.fn != NULL)
		wanted_handler.fn(wanted_handler.ctx, wanted->iface, &wanted->addr);
}

unsigned dp_neigh_list(uint32_t *cursor, struct dp_neigh_info *rows, unsigned max)
{
	unsigned n = 0;
	uint32_t i;

	for (i = *cursor == 0 ? 1 : *cursor; i <= ids.max && n < max; i++) {
		union neigh_rewrite r;

		if (!neighs[i].in_use)
			continue;
		r = neigh_rewrite_load(i);
		rows[n] = (struct dp_neigh_info){.port = neighs[i].port,
						 .resolved = r.port != NEIGH_UNRESOLVED,
						 .addr = neighs[i].addr};
		memcpy(rows[n++].mac, &r.eth.dst_addr, 6);
	}
	*cursor = i;
	return n;
}
