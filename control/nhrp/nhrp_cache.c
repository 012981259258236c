/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_cache: the table of bindings. An array of fixed capacity with a free list, a chained hash
 * on (tunnel, protocol address), a list per spoke, one heap of expiries. Only the control core
 * calls. RFC 2332 section 6.2.
 *
 * Order of things: a binding comes as spoke, next hop, route, and goes as route, next hop, spoke:
 * what routes to an address is told first that it is going, so that nothing is sent into a hole.
 *
 * Elsewhere: who was told of a binding (nhrp_requesters.c), what is asked for (nhrp_client.c), the
 * list that shows all of it (nhrp_list.c).
 */
#include "nhrp_cache_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"
#include "control/log.h"
#include "dataplane/dp_nexthop.h"

#define RETRY_MS     1000
#define RESTORE_MAX  256   /* bindings per call; a route is 10 us */
#define FULL_TELL_MS 60000 /* an event for "full" at most this often: peers can cause it */

struct nhrp_cache *nhrp_cache_new(uint32_t capacity,
				  struct spoke_table *spokes,
				  const struct nhrp_route_ops *routes)
{
	uint32_t buckets = hash_buckets(capacity);
	struct nhrp_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->bindings = calloc(capacity, sizeof(*c->bindings));
	c->buckets = calloc(buckets, sizeof(*c->buckets));
	if (!c->bindings || !c->buckets || deadline_heap_init(&c->expiries, capacity) < 0) {
		nhrp_cache_free(c);
		return NULL;
	}
	c->capacity = capacity;
	c->bucket_mask = buckets - 1;
	c->seed = hash_seed();
	c->spokes = spokes;
	c->routes = *routes;
	for (uint32_t i = capacity; i > 0; i--)
		LIST_INSERT_HEAD(&c->free_list, &c->bindings[i - 1], bucket);
	return c;
}

void nhrp_cache_free(struct nhrp_cache *c)
{
	if (!c)
		return;
	deadline_heap_fini(&c->expiries);
	free(c->bindings);
	free(c->buckets);
	free(c);
}

static struct nhrp_binding_list *bucket_of(const struct nhrp_cache *c,
					   uint16_t tunnel,
					   const struct dp_addr *protocol)
{
	return &c->buckets[hash_addr(c->seed, tunnel, protocol) & c->bucket_mask];
}

struct nhrp_binding *nhrp_cache_find(const struct nhrp_cache *c,
				     uint16_t tunnel,
				     const struct dp_addr *protocol)
{
	struct nhrp_binding *b;

	LIST_FOREACH (b, bucket_of(c, tunnel, protocol), bucket)
		if (b->tunnel == tunnel && dp_addr_equal(&b->protocol, protocol))
			return b;
	return NULL;
}

static void event_of(const struct nhrp_cache *c,
		     const struct nhrp_binding *b,
		     enum event_kind kind,
		     const char *reason)
{
	char protocol[DP_ADDR_STRLEN], nbma[DP_ADDR_STRLEN], object[EVENT_OBJECT_LEN];

	if (!event_due(kind))
		return;
	snprintf(object, sizeof(object), "%s %s", spoke_tunnel_name(c->spokes, b->tunnel),
		 dp_addr_format(&b->protocol, protocol));
	event_emit(kind, object, "%s, NBMA %s", reason, dp_addr_format(&b->spoke->key.nbma, nbma));
}

int nhrp_cache_observe(struct nhrp_cache *c, const struct nhrp_cache_observer *observer)
{
	if (c->observer_count == NHRP_CACHE_OBSERVERS_MAX)
		return -ENOSPC;
	c->observers[c->observer_count++] = *observer;
	return 0;
}

static void tell(struct nhrp_cache *c, const struct nhrp_binding *b, enum nhrp_change what)
{
	for (unsigned i = 0; i < c->observer_count; i++)
		c->observers[i].changed(c->observers[i].ctx, b, what);
}

static void route_set(struct nhrp_cache *c, struct nhrp_binding *b)
{
	struct dp_prefix host = dp_prefix_host(&b->protocol);
	char text[DP_PREFIX_STRLEN];
	int err;

	if (!b->want_route || (b->flags & NHRP_BINDING_F_ROUTE))
		return;
	err = c->routes.set(c->routes.ctx, b->tunnel, &host);
	if (err < 0) {
		c->route_failed++;
		log_sys("%s: host route %s: %s", spoke_tunnel_name(c->spokes, b->tunnel),
			dp_prefix_format(&host, text), strerror(-err));
		return;
	}
	b->flags |= NHRP_BINDING_F_ROUTE;
}

static void route_del(struct nhrp_cache *c, struct nhrp_binding *b)
{
	struct dp_prefix host = dp_prefix_host(&b->protocol);
	char text[DP_PREFIX_STRLEN];
	int err;

	if (!(b->flags & NHRP_BINDING_F_ROUTE))
		return;
	b->flags &= ~(uint32_t)NHRP_BINDING_F_ROUTE;
	err = c->routes.del(c->routes.ctx, b->tunnel, &host);
	if (err < 0) {
		c->route_failed++;
		log_sys("%s: removing host route %s: %s", spoke_tunnel_name(c->spokes, b->tunnel),
			dp_prefix_format(&host, text), strerror(-err));
	}
}

bool nhrp_cache_routes_restore(struct nhrp_cache *c, uint16_t tunnel, uint32_t *cursor)
{
	for (unsigned i = 0; i < RESTORE_MAX && *cursor < c->capacity; i++) {
		struct nhrp_binding *b = &c->bindings[(*cursor)++];

		if (!b->used || b->tunnel != tunnel || b->leaving)
			continue;
		b->flags &= ~(uint32_t)NHRP_BINDING_F_ROUTE;
		route_set(c, b);
	}
	return *cursor < c->capacity;
}

/* A spoke is a multicast member while one of its bindings wants it. */
static void multicast_count(struct nhrp_cache *c, const struct nhrp_binding *b, int delta)
{
	struct spoke *s = b->spoke;

	if ((b->flags & NHRP_BINDING_F_MULTICAST) == 0)
		return;
	if (b->type == NHRP_BINDING_STATIC)
		s->multicast_maps += (uint32_t)delta;
	else
		s->multicast_count += (uint32_t)delta;
	spoke_multicast_update(c->spokes, s);
}

static void spoke_link(struct nhrp_cache *c,
		       struct nhrp_binding *b,
		       struct spoke *s,
		       const char *reason,
		       uint64_t now_ms)
{
	b->spoke = s;
	LIST_INSERT_HEAD(&s->bindings, b, of_spoke);
	s->binding_count++;
	multicast_count(c, b, +1);
	spoke_state_update(c->spokes, s, reason, now_ms);
}

static void spoke_unlink(struct nhrp_cache *c,
			 struct nhrp_binding *b,
			 const char *reason,
			 uint64_t now_ms)
{
	struct spoke *s = b->spoke;

	LIST_REMOVE(b, of_spoke);
	s->binding_count--;
	multicast_count(c, b, -1);
	spoke_put(c->spokes, s, reason, now_ms);
}

static void fields_set(struct nhrp_cache *c,
		       struct nhrp_binding *b,
		       const struct nhrp_binding_conf *conf,
		       uint64_t now_ms)
{
	b->type = conf->type;
	b->flags = conf->flags | (b->flags & NHRP_BINDING_F_ROUTE);
	if (conf->flags & NHRP_BINDING_F_REGISTERED)
		b->flags |= NHRP_BINDING_F_AUTHORITATIVE;
	b->claimed = conf->claimed;
	b->identity = conf->identity;
	b->mtu = conf->mtu;
	b->holding_s = conf->holding_s;
	b->want_route = conf->want_route;
	b->refreshed_ms = now_ms;
	b->leaving = false;
	if (conf->expires_ms > 0)
		deadline_set(&c->expiries, &b->expiry, conf->expires_ms);
	else if (conf->holding_s > 0)
		deadline_set(&c->expiries, &b->expiry, now_ms + conf->holding_s * 1000ull);
	else
		deadline_clear(&c->expiries, &b->expiry);
}

static struct nhrp_binding *slot_take(struct nhrp_cache *c,
				      const struct nhrp_binding_conf *conf,
				      uint64_t now_ms)
{
	struct nhrp_binding *b = LIST_FIRST(&c->free_list);

	LIST_REMOVE(b, bucket);
	*b = (struct nhrp_binding){.tunnel = conf->spoke.tunnel,
				   .protocol = conf->protocol,
				   .prefix_len = dp_addr_bits(&conf->protocol),
				   .created_ms = conf->created_ms ? conf->created_ms : now_ms,
				   .used = true};
	LIST_INSERT_HEAD(bucket_of(c, b->tunnel, &b->protocol), b, bucket);
	c->used++;
	return b;
}

/* Everything is in place but the route, or nothing has changed. */
static int point_to(struct nhrp_cache *c,
		    const struct nhrp_binding_conf *conf,
		    uint64_t now_ms,
		    struct spoke **spoke)
{
	int err = spoke_get(c->spokes, &conf->spoke, now_ms, spoke);

	if (err < 0)
		return err;
	err = dp_nexthop_set(conf->spoke.tunnel, &conf->protocol, (*spoke)->dp);
	if (err < 0)
		spoke_put(c->spokes, *spoke, "the dataplane took no next hop", now_ms);
	return err;
}

static void full_tell(struct nhrp_cache *c, uint16_t tunnel, uint64_t now_ms)
{
	if (c->full++ > 0 && now_ms - c->full_told_ms < FULL_TELL_MS)
		return;
	c->full_told_ms = now_ms;
	event_emit(EVENT_TABLE_FULL, spoke_tunnel_name(c->spokes, tunnel),
		   "NHRP bindings: %u (limit %u)", c->used, c->capacity);
}

static int add(struct nhrp_cache *c, const struct nhrp_binding_conf *conf, uint64_t now_ms)
{
	const char *reason = conf->type == NHRP_BINDING_STATIC ? "static map"
			     : conf->expires_ms > 0            ? "restored"
							       : "registered";
	struct nhrp_binding *b;
	struct spoke *s;
	int err;

	if (LIST_EMPTY(&c->free_list)) {
		full_tell(c, conf->spoke.tunnel, now_ms);
		return -ENOSPC;
	}
	err = point_to(c, conf, now_ms, &s);
	if (err < 0)
		return err;
	b = slot_take(c, conf, now_ms);
	fields_set(c, b, conf, now_ms);
	spoke_link(c, b, s, reason, now_ms);
	route_set(c, b);
	event_of(c, b, EVENT_REG_ADDED, reason);
	tell(c, b, NHRP_CHANGE_ADDED);
	return 0;
}

static int move(struct nhrp_cache *c,
		struct nhrp_binding *b,
		const struct nhrp_binding_conf *conf,
		uint64_t now_ms)
{
	const struct dp_spoke_key from = b->spoke->key;
	struct spoke *s;
	int err = point_to(c, conf, now_ms, &s);

	if (err < 0)
		return err;
	spoke_unlink(c, b, "its last binding moved", now_ms);
	fields_set(c, b, conf, now_ms);
	spoke_link(c, b, s, "registered", now_ms);
	route_set(c, b);
	event_of(c, b, EVENT_REG_MOVED, "moved");
	b->moved_from = &from;
	tell(c, b, NHRP_CHANGE_MOVED);
	b->moved_from = NULL;
	return 0;
}

int nhrp_cache_set(struct nhrp_cache *c, const struct nhrp_binding_conf *conf, uint64_t now_ms)
{
	struct nhrp_binding *b = nhrp_cache_find(c, conf->spoke.tunnel, &conf->protocol);

	if (!b)
		return add(c, conf, now_ms);
	if (b->spoke != spoke_find(c->spokes, &conf->spoke))
		return move(c, b, conf, now_ms);
	fields_set(c, b, conf, now_ms);
	route_set(c, b);
	tell(c, b, NHRP_CHANGE_REFRESHED);
	return 0;
}

void nhrp_cache_del(struct nhrp_cache *c,
		    struct nhrp_binding *b,
		    enum event_kind kind,
		    const char *reason,
		    uint64_t now_ms)
{
	int err;

	route_del(c, b);
	err = dp_nexthop_del(b->tunnel, &b->protocol);
	if (err < 0 && err != -ENOENT) {
		c->del_retried++;
		b->leaving = true;
		b->leaving_kind = kind;
		b->leaving_reason = reason;
		deadline_set(&c->expiries, &b->expiry, now_ms + RETRY_MS);
		return;
	}
	deadline_clear(&c->expiries, &b->expiry);
	event_of(c, b, kind, reason);
	tell(c, b, NHRP_CHANGE_GONE);
	spoke_unlink(c, b, reason, now_ms);
	LIST_REMOVE(b, bucket);
	b->used = false;
	c->used--;
	LIST_INSERT_HEAD(&c->free_list, b, bucket);
}

void nhrp_cache_tunnel_del(struct nhrp_cache *c, uint16_t tunnel, uint64_t now_ms)
{
	for (uint32_t i = 0; i < c->capacity; i++)
		if (c->bindings[i].used && c->bindings[i].tunnel == tunnel)
			nhrp_cache_del(c, &c->bindings[i], EVENT_REG_REMOVED, "tunnel removed",
				       now_ms);
}

unsigned nhrp_cache_tick(struct nhrp_cache *c, uint64_t now_ms, unsigned max)
{
	unsigned n = 0;

	while (n < max && deadline_next_ms(&c->expiries) <= now_ms) {
		struct nhrp_binding *b =
			(struct nhrp_binding *)((char *)deadline_first(&c->expiries) -
						offsetof(struct nhrp_binding, expiry));

		nhrp_cache_del(c, b, b->leaving ? b->leaving_kind : EVENT_REG_EXPIRED,
			       b->leaving ? b->leaving_reason : "holding time over", now_ms);
		n++;
	}
	return n;
}

uint64_t nhrp_cache_next_ms(const struct nhrp_cache *c)
{
	return deadline_next_ms(&c->expiries);
}
