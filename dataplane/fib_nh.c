/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fib_nh: what routes say, as objects that routes share. Part of fib.c, see there.
 *
 * An object is found by what it says (nh_table), counted by the routes that use it, and freed after
 * a grace period. A gateway on a tunnel carries the adjacency that its NHRP binding has now; a
 * gateway on a port its neighbour. A multipath object owns a group: 64 buckets, dealt out to its
 * members by weight; a flow's hash picks the bucket, so that a flow stays on its path while the
 * group lives.
 *
 * Writer: control core; readers: workers under QSBR.
 */
#include <errno.h>

#include <rte_hash_crc.h>
#include <rte_malloc.h>

#include "defer.h"
#include "dp_neigh.h"
#include "dp_priv.h"
#include "fib.h"
#include "nexthop.h"
#include "pool.h"

#define GROUPS_MAX 4096

struct nh_control {
	struct table_key key;
	struct dp_addr gateway;
	uint32_t refs; /* routes and groups */
};

/* The control core's side of a group. */
struct group_control {
	struct dp_path paths[DP_PATHS_MAX];
	uint32_t members[DP_PATHS_MAX]; /* next-hop objects, one reference each */
	uint16_t count;
};

struct fib_nh *fib_nhs;
struct fib_group *fib_groups;

static struct nh_control *controls;          /* [ids.max + 2] */
static struct group_control *group_controls; /* [GROUPS_MAX + 1] */
static struct table *nh_table;               /* what a route says -> index */
static struct index_pool ids;                /* + 1: index 1 is FIB_NH_NONE */
static struct index_pool group_ids;

int fib_nh_init(uint32_t max)
{
	max += GROUPS_MAX;
	controls = calloc(max + 2, sizeof(*controls));
	group_controls = calloc(GROUPS_MAX + 1, sizeof(*group_controls));
	fib_nhs = rte_zmalloc("fib_nh", (max + 2) * sizeof(*fib_nhs), RTE_CACHE_LINE_SIZE);
	fib_groups = rte_zmalloc("fib_group", (GROUPS_MAX + 1) * sizeof(*fib_groups),
				 RTE_CACHE_LINE_SIZE);
	nh_table = table_create("fib next hops", max);
	if (controls == NULL || group_controls == NULL || fib_nhs == NULL || fib_groups == NULL ||
	    nh_table == NULL || index_pool_init(&ids, LIVE_FIB_NH, max) < 0 ||
	    index_pool_init(&group_ids, LIVE_FIB_GROUP, GROUPS_MAX) < 0)
		return -ENOMEM;
	return 0;
}

void fib_nh_fini(void)
{
	table_free(nh_table);
	live_unpoison(fib_nhs, (ids.max + 2) * sizeof(*fib_nhs));
	live_unpoison(fib_groups, (GROUPS_MAX + 1) * sizeof(*fib_groups));
	rte_free(fib_nhs);
	rte_free(fib_groups);
	free(controls);
	free(group_controls);
	index_pool_fini(&ids);
	index_pool_fini(&group_ids);
	nh_table = NULL;
	fib_nhs = NULL;
	fib_groups = NULL;
	controls = NULL;
	group_controls = NULL;
}

/* ---- groups ---- */

static void group_free(uint32_t group)
{
	struct group_control *g = &group_controls[group];

	for (uint16_t i = 0; i < g->count; i++)
		fib_nh_put(g->members[i]);
	g->count = 0;
	live_poison(&fib_groups[group], sizeof(fib_groups[group]));
	index_pool_put(&group_ids, group);
}

/* Buckets in proportion to the weights, each member at least one. */
static void group_deal(struct fib_group *group, const struct group_control *g)
{
	uint32_t weights = 0, before = 0, bucket = 0;

	for (uint16_t i = 0; i < g->count; i++)
		weights += g->paths[i].weight;
	for (uint16_t i = 0; i < g->count; i++) {
		uint32_t end;

		before += g->paths[i].weight;
		end = before * FIB_BUCKETS / weights;
		end = RTE_MAX(end, bucket + 1);
		end = RTE_MIN(end, (uint32_t)FIB_BUCKETS - (g->count - 1U - i));
		while (bucket < end)
			group->bucket[bucket++] = g->members[i];
	}
}

static int group_create(const struct dp_route *route, uint32_t *group)
{
	struct group_control *g;
	int rc = 0;

	*group = index_pool_get(&group_ids);
	if (*group == 0)
		return dp_error_set(-ENOSPC, "all %u multipath groups are in use", GROUPS_MAX);
	g = &group_controls[*group];
	g->count = 0;
	for (uint16_t i = 0; rc == 0 && i < route->path_count; i++) {
		struct dp_route member = {.type = DP_ROUTE_GATEWAY,
					  .iface = route->paths[i].iface,
					  .gateway = route->paths[i].gateway};

		g->paths[i] = route->paths[i];
		rc = fib_nh_get(&member, &g->members[i]);
		if (rc == 0)
			g->count++;
	}
	if (rc < 0) {
		group_free(*group);
		return rc;
	}
	live_unpoison(&fib_groups[*group], sizeof(fib_groups[*group]));
	group_deal(&fib_groups[*group], g);
	return 0;
}

/* Two digests of the paths: what tells groups apart in nh_table. */
static void group_key(const struct dp_route *route, struct table_key *key)
{
	for (uint16_t i = 0; i < route->path_count; i++) {
		const struct dp_path *p = &route->paths[i];
		uint64_t a =
			(uint64_t)p->iface.kind << 48 | (uint64_t)p->iface.id << 32 | p->weight;

		for (unsigned w = 0; w < 4; w++) {
			a = a * 0x9e3779b97f4a7c15ULL + p->gateway.words_be[w];
			key->addr.words_be[w] ^= (uint32_t)(a >> 32);
			key->addr.words_be[w] = key->addr.words_be[w] * 31 + (uint32_t)a;
		}
	}
	key->c = route->path_count;
}

static bool group_says(uint32_t index, const struct dp_route *route)
{
	const struct group_control *g = &group_controls[fib_nhs[index].to];

	if (g->count != route->path_count)
		return false;
	for (uint16_t i = 0; i < g->count; i++)
		if (g->paths[i].iface.kind != route->paths[i].iface.kind ||
		    g->paths[i].iface.id != route->paths[i].iface.id ||
		    g->paths[i].weight != route->paths[i].weight ||
		    !dp_addr_equal(&g->paths[i].gateway, &route->paths[i].gateway))
			return false;
	return true;
}

/* ---- objects ---- */

static struct table_key nh_key(const struct dp_route *route)
{
	struct table_key k = {.a = (uint16_t)(route->type << 8)};

	if (route->type == DP_ROUTE_MULTIPATH) {
		group_key(route, &k);
		return k;
	}
	if (route->type == DP_ROUTE_BLACKHOLE)
		return k;
	k.a |= route->iface.kind;
	k.b = route->iface.id;
	if (route->type == DP_ROUTE_GATEWAY)
		k.addr = route->gateway;
	return k;
}

static void nh_free(uint32_t index)
{
	const struct fib_nh *nh = &fib_nhs[index];

	if (nh->type == DP_ROUTE_GATEWAY && nh->iface_kind == DP_IFACE_PORT)
		dp_neigh_put(nh->to);
	if (nh->type == DP_ROUTE_MULTIPATH)
		group_free(nh->to);
	live_poison(&fib_nhs[index], sizeof(fib_nhs[index]));
	memset(&controls[index], LIVE_POISON, sizeof(controls[index]));
	index_pool_put(&ids, index - 1);
}

void fib_nh_put(uint32_t index)
{
	if (index <= FIB_NH_NONE || --controls[index].refs != 0)
		return;
	table_del(nh_table, &controls[index].key);
	defer_free(nh_free, index);
}

/* What `to` is now: neighbour, adjacency, or group. */
static int nh_bind(struct fib_nh *nh, const struct dp_route *route)
{
	struct table_key key;

	if (route->type == DP_ROUTE_MULTIPATH)
		return group_create(route, &nh->to);
	if (route->type != DP_ROUTE_GATEWAY)
		return 0;
	if (route->iface.kind == DP_IFACE_PORT)
		return dp_neigh_get(route->iface.id, &route->gateway, &nh->to);
	key = nexthop_key(route->iface.id, &route->gateway);
	nh->to = table_get(nexthop_table, &key);
	return 0;
}

static int nh_create(const struct dp_route *route, const struct table_key *key, uint32_t *index)
{
	struct fib_nh nh = {.type = (uint8_t)route->type,
			    .iface_kind = (uint8_t)route->iface.kind,
			    .iface = route->iface.id};
	int rc = nh_bind(&nh, route);

	if (rc < 0)
		return rc;
	*index = index_pool_get(&ids);
	if (*index == 0) {
		if (nh.type == DP_ROUTE_GATEWAY && nh.iface_kind == DP_IFACE_PORT)
			dp_neigh_put(nh.to);
		if (nh.type == DP_ROUTE_MULTIPATH)
			group_free(nh.to);
		return dp_error_set(-ENOSPC, "all %u next-hop objects are in use", ids.max);
	}
	*index += 1;
	live_unpoison(&fib_nhs[*index], sizeof(fib_nhs[*index]));
	fib_nhs[*index] = nh;
	controls[*index] = (struct nh_control){.key = *key, .gateway = route->gateway, .refs = 1};
	if (table_set(nh_table, key, *index) < 0) {
		nh_free(*index);
		return dp_error_set(-ENOSPC, "next-hop objects wait for a grace period");
	}
	return 0;
}

int fib_nh_get(const struct dp_route *route, uint32_t *index)
{
	struct table_key key = nh_key(route);

	*index = table_get(nh_table, &key);
	if (*index == 0)
		return nh_create(route, &key, index);
	/* Digests of other paths may meet, in theory: no sharing then would need a second key. */
	if (route->type == DP_ROUTE_MULTIPATH && !group_says(*index, route))
		return dp_error_set(-EEXIST, "multipath route: its digest is another's");
	controls[*index].refs++;
	return 0;
}

void fib_nh_fill(uint32_t index, struct dp_route *route)
{
	const struct fib_nh *nh = &fib_nhs[index];

	*route = (struct dp_route){
		.type = nh->type,
		.iface = {.kind = nh->iface_kind, .id = nh->iface},
		.gateway = controls[index].gateway,
	};
	if (nh->type == DP_ROUTE_MULTIPATH) {
		route->paths = group_controls[nh->to].paths;
		route->path_count = group_controls[nh->to].count;
	}
}

void fib_gateway_bind(uint16_t tunnel, const struct dp_addr *gateway, uint32_t adj)
{
	struct dp_route route = {.type = DP_ROUTE_GATEWAY,
				 .iface = {.kind = DP_IFACE_TUNNEL, .id = tunnel},
				 .gateway = *gateway};
	struct table_key key = nh_key(&route);
	uint32_t index = table_get(nh_table, &key);

	if (index != 0)
		__atomic_store_n(&fib_nhs[index].to, adj, __ATOMIC_RELEASE);
}
