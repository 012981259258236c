/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib: the routes that the kernel has told, see rib.h.
 *
 * One entry per route of the main table and per address of ours. Entries of one prefix are a sorted
 * list inside a hash bucket; the first usable one is in the FIB (rib_fib.c), written as the message
 * comes. What entries say is shared (rib_via.c); a via changes its meaning with interfaces and
 * next-hop objects, and a walk over all entries, a piece per turn, takes that to the FIB.
 *
 * The kernel tells routes apart by prefix, TOS, metric and all that they say: there may be several
 * of one metric (`ip route append`), and order counts. "Replace" means the first of the metric.
 *
 * A dump gives what it shows the generation of that dump; what has an older one at its end is
 * removed by the walk. What has not changed is not touched: no call to the dataplane.
 *
 * Our own host routes (NET_PROTO, a /32 into a tunnel) shadow others of their prefix, but are not
 * in the FIB: the tunnel's subnet and the NHRP hash serve these. Connected subnets are routes of
 * the main table like others, the kernel makes them with an address (or not: noprefixroute).
 *
 * Context: control. Not done: IPv6, other tables than main, routes by TOS.
 */
#include <stdlib.h>

#include "control/events.h"
#include "control/hash.h"
#include "control/net/net.h"
#include "rib_priv.h"

#define TELL_PER_S    8
#define RETRIES_PER_S 256 /* that fail */
#define FULL_TELL_S   60
#define ROOM_AGAIN    16 /* a sixteenth of the capacity */

int rib_pool_init(struct rib_pool *pool, uint32_t max)
{
	uint32_t buckets = hash_buckets(max);

	*pool = (struct rib_pool){.max = max, .mask = buckets - 1};
	pool->buckets = calloc(buckets, sizeof(*pool->buckets));
	return pool->buckets == NULL ? -1 : 0;
}

void rib_pool_fini(struct rib_pool *pool)
{
	free(pool->buckets);
	pool->buckets = NULL;
}

struct rib *rib_new(const struct rib_conf *conf)
{
	struct rib *rib = calloc(1, sizeof(*rib));

	if (rib == NULL)
		return NULL;
	rib->conf = *conf;
	rib->seed = hash_seed();
	rib->tell_budget = TELL_PER_S;
	rib->entries = calloc((size_t)conf->routes + 1, sizeof(*rib->entries));
	if (rib->entries == NULL || rib_pool_init(&rib->entry_pool, conf->routes) < 0 ||
	    rib_vias_init(rib) < 0 || rib_objects_init(rib) < 0) {
		rib_free(rib);
		return NULL;
	}
	return rib;
}

void rib_free(struct rib *rib)
{
	if (rib == NULL)
		return;
	rib_vias_fini(rib);
	rib_objects_fini(rib);
	rib_pool_fini(&rib->entry_pool);
	free(rib->entries);
	free(rib);
}

struct dp_prefix rib_prefix(const struct rib_entry *e)
{
	return (struct dp_prefix){.addr = dp_addr_ip4(htonl(e->ip)), .len = e->len};
}

void rib_full(struct rib *rib, const char *what, const struct rib_pool *pool)
{
	rib->info.full++;
	rib->incomplete = true;
	if (rib->full_told_s > 0)
		return;
	rib->full_told_s = FULL_TELL_S;
	event_emit(EVENT_TABLE_FULL, "routes", "%s: %u of %u: some are lost", what, pool->used,
		   pool->max);
}

/* ---- one message about a route ---- */

static bool is_own_host(const struct rib *rib, const struct net_route *route)
{
	const struct net_nexthop *hop = &route->nexthops[0];

	return route->protocol == NET_PROTO && route->prefix.len == 32 &&
	       route->type == RTN_UNICAST && route->nexthop_count == 1 &&
	       !dp_addr_is_set(&hop->gateway) &&
	       rib->conf.ops.iface(rib->conf.ops.ctx, hop->ifindex).dp.kind == DP_IFACE_TUNNEL;
}

/* What it says is compared, not what the dataplane or the dump made of it. */
static bool same_entry(const struct rib_entry *a, const struct rib_entry *b)
{
	return a->metric == b->metric && a->via == b->via && a->rest == b->rest &&
	       a->protocol == b->protocol && a->scope == b->scope &&
	       ((a->flags ^ b->flags) & RIB_F_LOCAL) == 0 && !(a->flags & RIB_F_DYING);
}

static uint32_t find_same(const struct rib *rib, const struct rib_entry *proto)
{
	uint32_t i = *rib_prefix_link(rib, proto->ip, proto->len);

	while (i != RIB_NONE && !same_entry(&rib->entries[i], proto))
		i = rib_entry_next(rib, i);
	return i;
}

/* The first route of the main table with this metric: what the kernel replaces. */
static uint32_t find_metric(const struct rib *rib, const struct rib_entry *proto)
{
	uint32_t i = *rib_prefix_link(rib, proto->ip, proto->len);

	for (; i != RIB_NONE; i = rib_entry_next(rib, i)) {
		const struct rib_entry *e = &rib->entries[i];

		if (!(e->flags & (RIB_F_LOCAL | RIB_F_DYING)) && e->metric == proto->metric)
			return i;
	}
	return RIB_NONE;
}

/* In its place, so that the FIB goes from the one to the other in one step. */
static void replace(struct rib *rib, uint32_t index, const struct rib_entry *proto)
{
	struct rib_entry *e = &rib->entries[index];
	uint32_t old_via = e->via;

	rib_flag_clear(rib, e, RIB_F_OWN | RIB_F_RECURSIVE);
	rib_flag_set(rib, e, proto->flags);
	if (e->via != proto->via && (e->flags & RIB_F_INSTALLED))
		e->flags |= RIB_F_CHANGED;
	e->via = proto->via;
	e->rest = proto->rest;
	e->protocol = proto->protocol;
	e->scope = proto->scope;
	e->generation = rib->generation;
	rib_fib_apply(rib, e->ip, e->len);
	rib_via_put(rib, old_via);
}

static enum rib_place place_of(const struct net_route *route)
{
	if (route->how & NLM_F_MULTI)
		return RIB_OF_DUMP;
	return route->how & NLM_F_APPEND ? RIB_LAST : RIB_FIRST;
}

/* Takes over proto's reference to its via. */
static void set(struct rib *rib, const struct rib_entry *proto, const struct net_route *route)
{
	uint32_t i = find_same(rib, proto);

	if (i != RIB_NONE) {
		bool moved = (route->how & NLM_F_MULTI) && rib_entry_move(rib, i, RIB_OF_DUMP);

		rib->entries[i].generation = rib->generation;
		rib_via_put(rib, proto->via);
		if (moved)
			rib_fib_apply(rib, proto->ip, proto->len);
		return;
	}
	i = route->how & NLM_F_REPLACE ? find_metric(rib, proto) : RIB_NONE;
	if (i != RIB_NONE)
		replace(rib, i, proto);
	else if (rib_entry_add(rib, proto, place_of(route)) != RIB_NONE)
		rib_fib_apply(rib, proto->ip, proto->len);
}

/* The kernel's word for what goes may differ from that for what came (a digest that we do not
 * understand): then prefix and metric decide, when they are one route's alone. */
static void del(struct rib *rib, const struct rib_entry *proto)
{
	uint32_t i = find_same(rib, proto);

	if (i == RIB_NONE)
		i = find_metric(rib, proto);
	if (i == RIB_NONE)
		rib->info.unknown_del++;
	else
		rib_fib_remove(rib, i);
}

static bool is_of_main(const struct net_route *route)
{
	return route->prefix.addr.family == AF_INET && route->table == RT_TABLE_MAIN &&
	       route->tos == 0 && !(route->flags & RTM_F_CLONED);
}

void rib_route_told(struct rib *rib, enum net_change change, const struct net_route *route)
{
	struct rib_entry proto = {
		.ip = ntohl(route->prefix.addr.ip4_be),
		.len = route->prefix.len,
		.metric = route->metric,
		.rest = route->rest,
		.protocol = route->protocol,
		.scope = route->scope,
		.generation = rib->generation,
	};

	if (!is_of_main(route)) {
		rib->info.other_tables++;
		return;
	}
	if (change == NET_CHANGE_DEL) {
		proto.via = rib_via_find(rib, route);
		del(rib, &proto);
		return;
	}
	proto.via = rib_via_get(rib, route);
	if (proto.via == RIB_NONE)
		return;
	if (is_own_host(rib, route))
		proto.flags |= RIB_F_OWN;
	set(rib, &proto, route);
}

static void local_told(struct rib *rib, enum net_change change, struct rib_entry *proto)
{
	uint32_t i = find_same(rib, proto);

	if (change == NET_CHANGE_NEW && i == RIB_NONE) {
		if (rib_entry_add(rib, proto, RIB_LAST) != RIB_NONE)
			rib_fib_apply(rib, proto->ip, proto->len);
		return;
	}
	rib_via_put(rib, proto->via);
	if (change == NET_CHANGE_DEL && i != RIB_NONE)
		rib_fib_remove(rib, i);
}

void rib_addr_told(struct rib *rib,
		   enum net_change change,
		   const struct dp_prefix *address,
		   uint32_t ifindex)
{
	struct dp_addr broadcast = dp_prefix_last(address);
	/* One address in two subnets, two addresses in one: entries of their own. */
	struct rib_entry own = {.ip = ntohl(address->addr.ip4_be),
				.len = 32,
				.rest = address->len,
				.flags = RIB_F_LOCAL};
	struct rib_entry last = {
		.ip = ntohl(broadcast.ip4_be), .len = 32, .rest = own.ip, .flags = RIB_F_LOCAL};

	if (address->addr.family != AF_INET)
		return;
	own.via = rib_via_local(rib, ifindex);
	if (own.via != RIB_NONE)
		local_told(rib, change, &own);
	/* RFC 3021: a /31 has no broadcast address. */
	if (address->len > 30)
		return;
	last.via = rib_via_local(rib, ifindex);
	if (last.via != RIB_NONE)
		local_told(rib, change, &last);
}

/* ---- dumps, time, numbers ---- */

void rib_dump(struct rib *rib, enum net_kind kind, bool end)
{
	if (kind == NET_NEXTHOP && !end)
		rib->object_generation++;
	else if (kind == NET_NEXTHOP)
		rib_objects_sweep(rib);
	if (kind != NET_ROUTE)
		return;
	if (!end) {
		rib->generation++;
		rib->walk.sweeping = false;
		return;
	}
	rib->info.resyncs++;
	rib_walk_sweep(rib);
}

void rib_tick(struct rib *rib)
{
	rib->tell_budget = TELL_PER_S;
	if (rib->full_told_s > 0)
		rib->full_told_s--;
	if (rib->retry.left > 0)
		rib->retry.from = 0;
	rib->retry.left = RETRIES_PER_S;
	if (rib->info.failed > 0)
		rib_walk_want(rib);
	if (rib->incomplete &&
	    rib->entry_pool.used + rib->entry_pool.max / ROOM_AGAIN < rib->entry_pool.max &&
	    rib->via_pool.used < rib->via_pool.max &&
	    rib->object_pool.used < rib->object_pool.max) {
		rib->incomplete = false;
		if (rib->conf.ops.redump != NULL)
			rib->conf.ops.redump(rib->conf.ops.ctx);
	}
}
