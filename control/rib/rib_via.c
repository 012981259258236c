/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_via: what routes say behind "prefix": a type and next hops, or the id of a next-hop object.
 * Shared by all entries that say the same, found by content, counted. With it goes what that means
 * now (rib_meaning.c), so that a million routes over ten gateways look at ten interfaces.
 * Part of rib.c, see there. Context: control.
 */
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"
#include "rib_priv.h"

/* What a via says, before there is one. */
struct said {
	uint8_t type;
	uint8_t hop_count;
	uint32_t nexthop_id;
	uint32_t hash;
	struct rib_hop hops[NET_NEXTHOPS_MAX];
};

int rib_vias_init(struct rib *rib)
{
	rib->vias = calloc((size_t)rib->conf.vias + 1, sizeof(*rib->vias));
	return rib->vias == NULL ? -1 : rib_pool_init(&rib->via_pool, rib->conf.vias);
}

void rib_vias_fini(struct rib *rib)
{
	for (uint32_t i = 1; rib->vias != NULL && i <= rib->via_pool.touched; i++) {
		free(rib->vias[i].hops);
		free(rib->vias[i].paths);
	}
	free(rib->vias);
	rib_pool_fini(&rib->via_pool);
}

struct rib_hop rib_hop_of(const struct net_nexthop *hop)
{
	bool has_gateway = dp_addr_is_set(&hop->gateway);

	return (struct rib_hop){
		.gateway_be = hop->gateway.family == AF_INET ? hop->gateway.ip4_be : 0,
		.ifindex = hop->ifindex,
		.weight = hop->weight,
		.unsupported = hop->encap || (has_gateway && hop->gateway.family != AF_INET),
	};
}

static void said_hash(const struct rib *rib, struct said *said)
{
	uint64_t h = hash_word(rib->seed, (uint64_t)said->type << 32 | said->nexthop_id);

	for (uint8_t i = 0; i < said->hop_count; i++) {
		const struct rib_hop *hop = &said->hops[i];

		h = hash_word(h, (uint64_t)hop->gateway_be << 32 | hop->ifindex);
		h = hash_word(h, (uint64_t)hop->weight << 32 | hop->unsupported);
	}
	said->hash = (uint32_t)h;
}

/* With an object, type and next hops in the message are only its copy: it is told by itself. */
static void said_fill(const struct rib *rib, const struct net_route *route, struct said *said)
{
	said->type = route->nexthop_id != 0 ? RTN_UNICAST : route->type;
	said->nexthop_id = route->nexthop_id;
	said->hop_count = route->nexthop_id != 0 ? 0 : route->nexthop_count;
	for (uint8_t i = 0; i < said->hop_count; i++)
		said->hops[i] = rib_hop_of(&route->nexthops[i]);
	said_hash(rib, said);
}

static uint32_t said_find(const struct rib *rib, const struct said *said)
{
	uint32_t i = rib->via_pool.buckets[said->hash & rib->via_pool.mask];

	for (; i != RIB_NONE; i = rib->vias[i].next) {
		const struct rib_via *via = &rib->vias[i];

		if (via->hash == said->hash && via->type == said->type &&
		    via->nexthop_id == said->nexthop_id && via->hop_count == said->hop_count &&
		    (said->hop_count == 0 ||
		     memcmp(via->hops, said->hops, said->hop_count * sizeof(said->hops[0])) == 0))
			return i;
	}
	return RIB_NONE;
}

static bool same_paths(const struct dp_path *a, const struct dp_path *b, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++)
		if (a[i].iface.kind != b[i].iface.kind || a[i].iface.id != b[i].iface.id ||
		    a[i].weight != b[i].weight || !dp_addr_equal(&a[i].gateway, &b[i].gateway))
			return false;
	return true;
}

static bool same_meaning(const struct rib_meaning *a, const struct rib_meaning *b)
{
	return a->status == b->status && a->type == b->type && a->iface.kind == b->iface.kind &&
	       a->iface.id == b->iface.id && dp_addr_equal(&a->gateway, &b->gateway) &&
	       a->path_count == b->path_count;
}

/* Without memory for the paths it cannot be used: better than half of it. */
static void paths_keep(struct rib_via *via,
		       struct rib_meaning *meaning,
		       const struct dp_path *paths)
{
	size_t bytes = meaning->path_count * sizeof(*paths);

	free(via->paths);
	via->paths = NULL;
	if (bytes == 0)
		return;
	via->paths = malloc(bytes);
	if (via->paths != NULL) {
		memcpy(via->paths, paths, bytes);
		return;
	}
	*meaning = (struct rib_meaning){.status = RIB_DOWN};
}

/* True: it means something else than before. */
static bool look(const struct rib *rib, struct rib_via *via)
{
	struct dp_path paths[DP_PATHS_MAX];
	struct rib_meaning now;

	rib_meaning_get(rib, via, &now, paths);
	if (same_meaning(&now, &via->meaning) &&
	    (now.path_count == 0 || same_paths(paths, via->paths, now.path_count)))
		return false;
	paths_keep(via, &now, paths);
	via->meaning = now;
	return true;
}

void rib_via_look(struct rib *rib, struct rib_via *via)
{
	if (!look(rib, via))
		return;
	via->dirty = true;
	rib_walk_want(rib);
}

static uint32_t via_new(struct rib *rib, const struct said *said)
{
	uint32_t *bucket = &rib->via_pool.buckets[said->hash & rib->via_pool.mask];
	uint32_t index = rib_pool_peek(&rib->via_pool);
	size_t bytes = said->hop_count * sizeof(said->hops[0]);
	struct rib_via *via = &rib->vias[index];
	struct rib_hop *hops = NULL;

	if (bytes > 0 && index != RIB_NONE)
		hops = malloc(bytes);
	if (index == RIB_NONE || (bytes > 0 && hops == NULL)) {
		rib_full(rib, "next hops", &rib->via_pool);
		return RIB_NONE;
	}
	rib_pool_take(&rib->via_pool, index, via->next);
	if (bytes > 0)
		memcpy(hops, said->hops, bytes);
	*via = (struct rib_via){.refs = 1,
				.next = *bucket,
				.hash = said->hash,
				.nexthop_id = said->nexthop_id,
				.type = said->type,
				.hop_count = said->hop_count,
				.hops = hops};
	*bucket = index;
	look(rib, via);
	return index;
}

static uint32_t via_get(struct rib *rib, const struct said *said)
{
	uint32_t index = said_find(rib, said);

	if (index == RIB_NONE)
		return via_new(rib, said);
	rib->vias[index].refs++;
	return index;
}

uint32_t rib_via_get(struct rib *rib, const struct net_route *route)
{
	struct said said;

	said_fill(rib, route, &said);
	return via_get(rib, &said);
}

uint32_t rib_via_find(const struct rib *rib, const struct net_route *route)
{
	struct said said;

	said_fill(rib, route, &said);
	return said_find(rib, &said);
}

uint32_t rib_via_local(struct rib *rib, uint32_t ifindex)
{
	struct said said = {
		.type = RTN_LOCAL, .hop_count = 1, .hops[0] = {.ifindex = ifindex, .weight = 1}};

	said_hash(rib, &said);
	return via_get(rib, &said);
}

/* Out of the hash: nobody finds it any more. */
static void unhash(struct rib *rib, uint32_t index)
{
	uint32_t *link = &rib->via_pool.buckets[rib->vias[index].hash & rib->via_pool.mask];

	while (*link != index)
		link = &rib->vias[*link].next;
	*link = rib->vias[index].next;
}

void rib_via_put(struct rib *rib, uint32_t index)
{
	struct rib_via *via = &rib->vias[index];

	if (--via->refs > 0)
		return;
	if (!via->gone)
		unhash(rib, index);
	free(via->hops);
	free(via->paths);
	*via = (struct rib_via){.next = rib_pool_give(&rib->via_pool, index)};
}

void rib_via_gone(struct rib *rib, uint32_t nexthop_id)
{
	struct said said = {.type = RTN_UNICAST, .nexthop_id = nexthop_id};
	uint32_t index;

	said_hash(rib, &said);
	index = said_find(rib, &said);
	if (index == RIB_NONE)
		return;
	unhash(rib, index);
	rib->vias[index].gone = true;
	rib_walk_want(rib);
}

void rib_via_route(const struct rib_via *via, struct dp_route *route)
{
	const struct rib_meaning *m = &via->meaning;

	*route = (struct dp_route){.type = m->type,
				   .iface = m->iface,
				   .gateway = m->gateway,
				   .paths = via->paths,
				   .path_count = m->path_count};
}
