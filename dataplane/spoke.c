/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoke: (tunnel, peer) with its adjacency, see dp_spoke.h and spoke.h.
 *
 * Workers find a spoke by outer source (spoke_table) and reach it by adjacency index, which they
 * got from a route or an overlay next hop. What an adjacency looks like depends on the spoke's
 * tunnel, its underlay neighbour and its peer (adj.c, peer.c). Writer: control core. Not done:
 * outer IPv6.
 */
#include "spoke.h"

#include <errno.h>

#include <rte_malloc.h>

#include "counters.h"
#include "defer.h"
#include "dp_neigh.h"
#include "dp_priv.h"
#include "mcast.h"
#include "nexthop.h"
#include "peer.h"
#include "pool.h"
#include "source.h"

struct spoke {
	struct dp_spoke_key key;
	bool in_use;
	bool dying; /* deleted, not freed: workers may still count for it */
	uint32_t adj;
	uint32_t nexthops;   /* that point here */
	uint32_t multicast;  /* groups that it is a member of */
	uint32_t mcast_slot; /* mcast_members.c */
};

struct adj *adjs;
struct table *spoke_table;
union spoke_now *spoke_nows;

static struct spoke *spokes; /* [max + 1] */
static struct index_pool ids, adj_ids;

int spoke_init(const struct dp_conf *conf)
{
	uint32_t max = conf->limits.spokes;

	spokes = calloc(max + 1, sizeof(*spokes));
	adjs = rte_zmalloc("adj", (2 * max + 1) * sizeof(*adjs), RTE_CACHE_LINE_SIZE);
	spoke_table = table_create("spokes", max);
	spoke_nows = rte_zmalloc("spoke now", (max + 1) * sizeof(*spoke_nows), RTE_CACHE_LINE_SIZE);
	if (spokes == NULL || adjs == NULL || spoke_table == NULL || spoke_nows == NULL ||
	    index_pool_init(&ids, LIVE_SPOKE, max) < 0 ||
	    index_pool_init(&adj_ids, LIVE_ADJ, 2 * max) < 0)
		return -ENOMEM;
	return 0;
}

void spoke_fini(void)
{
	table_free(spoke_table);
	live_unpoison(adjs, (2 * ids.max + 1) * sizeof(*adjs));
	rte_free(adjs);
	rte_free(spoke_nows);
	free(spokes);
	index_pool_fini(&ids);
	index_pool_fini(&adj_ids);
	spoke_table = NULL;
	adjs = NULL;
	spoke_nows = NULL;
	spokes = NULL;
}

static void adj_free(uint32_t index)
{
	live_poison(&adjs[index], sizeof(adjs[index]));
	index_pool_put(&adj_ids, index);
}

static void now_publish(uint32_t spoke, uint32_t adj, uint32_t generation)
{
	union spoke_now now = {.adj = adj, .generation = generation};

	__atomic_store_n(&spoke_nows[spoke].word, now.word, __ATOMIC_RELEASE);
}

static void spoke_free(uint32_t index)
{
	counters_spoke_end(index, spokes[index].key.tunnel);
	memset(&spokes[index], LIVE_POISON, sizeof(spokes[index]));
	spokes[index].in_use = spokes[index].dying = false;
	now_publish(index, 0, spoke_nows[index].generation + 1);
	index_pool_put(&ids, index);
}

/* To those who find the adjacency by its spoke. */
static void adj_publish(uint32_t spoke)
{
	struct spoke *s = &spokes[spoke];
	uint32_t adj = s->in_use ? s->adj : 0;

	now_publish(spoke, adj, spoke_nows[spoke].generation);
	mcast_member_set(s->key.tunnel, &s->mcast_slot, adj, s->multicast);
}

/* What the spoke's adjacency is by now. */
static void adj_fill(struct adj *adj, uint32_t spoke, uint32_t neigh)
{
	const struct dp_spoke_key *key = &spokes[spoke].key;

	adj_build(adj, key->tunnel, &key->nbma);
	adj->spoke = spoke;
	adj->neigh = neigh;
	peer_adj_fill(adj);
}

/* A new one in memory, not yet published; 0: none left. */
static uint32_t adj_create(const struct adj *adj)
{
	uint32_t index = index_pool_get(&adj_ids);

	if (index == 0)
		return 0;
	live_unpoison(&adjs[index], sizeof(adjs[index]));
	adjs[index] = *adj;
	return index;
}

/* In place of the old one wherever that stands. The reference to the neighbour goes with it. */
static int adj_replace(uint32_t spoke, const struct adj *adj)
{
	uint32_t old = spokes[spoke].adj, index;

	if (!defer_room(1))
		return dp_error_set(-EAGAIN, "spoke %u: a worker is stuck", spoke);
	index = adj_create(adj);
	if (index == 0)
		return dp_error_set(-ENOSPC, "adjacencies: old ones wait for a grace period");
	spokes[spoke].adj = index;
	nexthop_rebind(spoke);
	adj_publish(spoke);
	defer_free(adj_free, old);
	return 0;
}

/* Makes the handle that spoke. Undone when it fails. */
static int spoke_start(uint32_t spoke, const struct dp_spoke_key *k)
{
	struct table_key key = spoke_key(k->tunnel, &k->nbma, k->natt_port);
	struct spoke *s = &spokes[spoke];
	struct adj adj;

	*s = (struct spoke){.key = *k, .in_use = true};
	counters_spoke_start(spoke);
	if (peer_spoke_add(spoke, &tunnels[k->tunnel].conf.source, &k->nbma, k->natt_port) < 0) {
		spoke_free(spoke);
		return dp_error_set(-ENOSPC, "peers: old entries wait for a grace period");
	}
	adj_fill(&adj, spoke, 0);
	s->adj = adj_create(&adj);
	if (s->adj == 0 || table_set(spoke_table, &key, spoke) < 0) {
		if (s->adj != 0)
			adj_free(s->adj);
		peer_spoke_del(spoke);
		spoke_free(spoke);
		return dp_error_set(-ENOSPC, "spoke table: old entries wait for a grace period");
	}
	adj_publish(spoke);
	return 0;
}

int dp_spoke_add(const struct dp_spoke_key *k, uint32_t *spoke)
{
	struct table_key key = spoke_key(k->tunnel, &k->nbma, k->natt_port);
	struct tunnel *t = tunnel_get(k->tunnel);
	int rc;

	if (t == NULL)
		return dp_error_set(-ENOENT, "tunnel %u: no such tunnel", k->tunnel);
	if (k->nbma.family != t->conf.source.family)
		return dp_error_set(-EINVAL, "tunnel %s: NBMA address of the other family",
				    t->conf.name);
	*spoke = table_get(spoke_table, &key);
	if (*spoke != 0)
		return -EEXIST;
	*spoke = index_pool_get(&ids);
	if (*spoke == 0)
		return dp_error_set(-ENOSPC, "all %u spokes are in use (dataplane.limits.spokes)",
				    ids.max);
	rc = spoke_start(*spoke, k);
	if (rc < 0)
		return rc;
	t->spokes++;
	return 0;
}

bool spoke_exists(uint32_t spoke)
{
	return spoke != 0 && spoke <= ids.max && spokes[spoke].in_use;
}

int dp_spoke_del(uint32_t spoke)
{
	struct table_key key;
	struct spoke *s;

	if (!spoke_exists(spoke))
		return dp_error_set(-ENOENT, "spoke %u: no such spoke", spoke);
	s = &spokes[spoke];
	if (s->nexthops != 0)
		return dp_error_set(-EBUSY, "spoke %u: %u next hops point to it", spoke,
				    s->nexthops);
	if (!defer_room(2))
		return dp_error_set(-EAGAIN, "spoke %u: a worker is stuck", spoke);
	key = spoke_key(s->key.tunnel, &s->key.nbma, s->key.natt_port);
	table_del(spoke_table, &key);
	tunnels[s->key.tunnel].spokes--;
	source_transit_set(spoke, false);
	s->in_use = false;
	s->dying = true;
	adj_publish(spoke);
	peer_spoke_del(spoke);
	if (adjs[s->adj].neigh != 0)
		dp_neigh_put(adjs[s->adj].neigh);
	defer_free(adj_free, s->adj);
	defer_free(spoke_free, spoke);
	return 0;
}

uint32_t dp_spoke_find(const struct dp_spoke_key *k)
{
	struct table_key key = spoke_key(k->tunnel, &k->nbma, k->natt_port);

	return table_get(spoke_table, &key);
}

int dp_spoke_neigh_set(uint32_t spoke, uint32_t neigh)
{
	struct adj adj;
	uint32_t old;
	int rc;

	if (!spoke_exists(spoke))
		return dp_error_set(-ENOENT, "spoke %u: no such spoke", spoke);
	old = adjs[spokes[spoke].adj].neigh;
	if (old == neigh) {
		if (neigh != 0)
			dp_neigh_put(neigh); /* the caller's reference: one per spoke is enough */
		return 0;
	}
	adj_fill(&adj, spoke, neigh);
	rc = adj_replace(spoke, &adj);
	if (rc == 0 && old != 0)
		dp_neigh_put(old);
	return rc;
}

bool spoke_adj_room(uint32_t n)
{
	if (adj_ids.used + n <= adj_ids.max)
		return true;
	defer_poll();
	return adj_ids.used + n <= adj_ids.max;
}

int spoke_adj_renew(uint32_t spoke)
{
	const struct adj *old = &adjs[spokes[spoke].adj];
	struct adj adj;

	adj_fill(&adj, spoke, old->neigh);
	if (memcmp(&adj, old, sizeof(adj)) == 0)
		return 0;
	return adj_replace(spoke, &adj) == 0 ? 0 : -EAGAIN;
}

int spoke_address_set(uint32_t spoke, const struct dp_addr *nbma, uint16_t natt_port, bool on)
{
	struct table_key key = spoke_key(spokes[spoke].key.tunnel, nbma, natt_port);

	if (!on)
		return table_del(spoke_table, &key);
	return table_set(spoke_table, &key, spoke) < 0 ? -EAGAIN : 0;
}

void spoke_moved(uint32_t spoke, const struct dp_addr *nbma, uint16_t natt_port)
{
	struct dp_spoke_key *k = &spokes[spoke].key;

	spoke_address_set(spoke, &k->nbma, k->natt_port, false);
	k->nbma = *nbma;
	k->natt_port = natt_port;
}

int dp_spoke_multicast_set(uint32_t spoke, uint32_t groups)
{
	if (!spoke_exists(spoke))
		return dp_error_set(-ENOENT, "spoke %u: no such spoke", spoke);
	spokes[spoke].multicast = groups;
	adj_publish(spoke);
	return 0;
}

int dp_spoke_transit_set(uint32_t spoke, bool on)
{
	if (!spoke_exists(spoke))
		return dp_error_set(-ENOENT, "spoke %u: no such spoke", spoke);
	source_transit_set(spoke, on);
	return 0;
}

int spoke_tunnel(uint32_t spoke)
{
	return spokes[spoke].in_use || spokes[spoke].dying ? spokes[spoke].key.tunnel : -1;
}

uint32_t spoke_adj(uint32_t spoke)
{
	return spokes[spoke].adj;
}

void spoke_ref(uint32_t spoke, int delta)
{
	spokes[spoke].nexthops += (uint32_t)delta;
}
