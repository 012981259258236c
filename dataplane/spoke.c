/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoke: (tunnel, peer) with its adjacency, see dp_spoke.h and spoke.h.
 *
 * Workers find a spoke by outer source (spoke_table) and reach it by adjacency index, which they
 * got from a route or an overlay next hop. Writer: control core. RFC 2784 (GRE), RFC 2890 (key),
 * RFC 791. Not done: NAT-T and ESP templates, outer IPv6.
 */
#include "spoke.h"

#include <errno.h>

#include <rte_gre.h>
#include <rte_ip.h>
#include <rte_malloc.h>

#include "counters.h"
#include "defer.h"
#include "dp_neigh.h"
#include "dp_priv.h"
#include "mcast.h"
#include "nexthop.h"
#include "pool.h"

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

static struct spoke *spokes; /* [max + 1] */
static struct index_pool ids, adj_ids;

int spoke_init(const struct dp_conf *conf)
{
	uint32_t max = conf->limits.spokes;

	spokes = calloc(max + 1, sizeof(*spokes));
	adjs = rte_zmalloc("adj", (2 * max + 1) * sizeof(*adjs), RTE_CACHE_LINE_SIZE);
	spoke_table = table_create("spokes", max);
	if (spokes == NULL || adjs == NULL || spoke_table == NULL ||
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
	free(spokes);
	index_pool_fini(&ids);
	index_pool_fini(&adj_ids);
	spoke_table = NULL;
	adjs = NULL;
	spokes = NULL;
}

static uint8_t gre_header_build(uint8_t *p, const struct dp_tunnel_conf *conf)
{
	struct rte_gre_hdr gre = {.k = conf->has_key, .proto = RTE_BE16(RTE_ETHER_TYPE_IPV4)};
	rte_be32_t key = rte_cpu_to_be_32(conf->key);

	memcpy(p, &gre, sizeof(gre));
	if (!conf->has_key)
		return sizeof(gre);
	memcpy(p + sizeof(gre), &key, sizeof(key));
	return sizeof(gre) + sizeof(key);
}

void adj_build(struct adj *adj, uint16_t tunnel, const struct dp_addr *nbma)
{
	const struct dp_tunnel_conf *conf = &tunnels[tunnel].conf;
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.time_to_live = conf->ttl,
		.next_proto_id = IPPROTO_GRE,
		.src_addr = conf->source.ip4_be,
		.dst_addr = nbma->ip4_be,
	};
	uint16_t words[10];

	memset(adj, 0, sizeof(*adj));
	memcpy(adj->header, &ip, sizeof(ip));
	memcpy(words, &ip, sizeof(words));
	for (unsigned i = 0; i < 10; i++)
		adj->ip_sum += words[i];
	adj->header_len = (uint8_t)(sizeof(ip) + gre_header_build(adj->header + sizeof(ip), conf));
	adj->tunnel = tunnel;
	adj->mtu = conf->mtu;
	adj->network_id = conf->network_id;
	adj->df = conf->df;
}

static void adj_free(uint32_t index)
{
	live_poison(&adjs[index], sizeof(adjs[index]));
	index_pool_put(&adj_ids, index);
}

static void spoke_free(uint32_t index)
{
	counters_spoke_end(index, spokes[index].key.tunnel);
	memset(&spokes[index], LIVE_POISON, sizeof(spokes[index]));
	spokes[index].in_use = spokes[index].dying = false;
	index_pool_put(&ids, index);
}

static void member_publish(uint32_t spoke)
{
	struct spoke *s = &spokes[spoke];

	mcast_member_set(s->key.tunnel, &s->mcast_slot, s->in_use ? s->adj : 0, s->multicast);
}

/* A published adjacency for the spoke; 0: none left. */
static uint32_t adj_create(uint32_t spoke, uint32_t neigh)
{
	uint32_t index = index_pool_get(&adj_ids);

	if (index == 0)
		return 0;
	live_unpoison(&adjs[index], sizeof(adjs[index]));
	adj_build(&adjs[index], spokes[spoke].key.tunnel, &spokes[spoke].key.nbma);
	adjs[index].spoke = spoke;
	adjs[index].neigh = neigh;
	return index;
}

int dp_spoke_add(const struct dp_spoke_key *k, uint32_t *spoke)
{
	struct table_key key = spoke_key(k->tunnel, &k->nbma, k->natt_port);
	struct tunnel *t = tunnel_get(k->tunnel);

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
	spokes[*spoke] = (struct spoke){.key = *k, .in_use = true};
	spokes[*spoke].adj = adj_create(*spoke, 0);
	counters_spoke_start(*spoke);
	if (spokes[*spoke].adj == 0 || table_set(spoke_table, &key, *spoke) < 0) {
		if (spokes[*spoke].adj != 0)
			adj_free(spokes[*spoke].adj);
		spoke_free(*spoke);
		return dp_error_set(-ENOSPC, "spoke table: old entries wait for a grace period");
	}
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
	s->in_use = false;
	s->dying = true;
	member_publish(spoke);
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
	uint32_t old, index;

	if (!spoke_exists(spoke))
		return dp_error_set(-ENOENT, "spoke %u: no such spoke", spoke);
	old = spokes[spoke].adj;
	if (adjs[old].neigh == neigh) {
		if (neigh != 0)
			dp_neigh_put(neigh); /* the caller's reference: one per spoke is enough */
		return 0;
	}
	if (!defer_room(1))
		return dp_error_set(-EAGAIN, "spoke %u: a worker is stuck", spoke);
	index = adj_create(spoke, neigh);
	if (index == 0)
		return dp_error_set(-ENOSPC, "adjacencies: old ones wait for a grace period");
	spokes[spoke].adj = index;
	nexthop_rebind(spoke);
	member_publish(spoke);
	if (adjs[old].neigh != 0)
		dp_neigh_put(adjs[old].neigh);
	defer_free(adj_free, old);
	return 0;
}

int dp_spoke_multicast_set(uint32_t spoke, uint32_t groups)
{
	if (!spoke_exists(spoke))
		return dp_error_set(-ENOENT, "spoke %u: no such spoke", spoke);
	spokes[spoke].multicast = groups;
	member_publish(spoke);
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
