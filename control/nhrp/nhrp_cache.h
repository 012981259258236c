/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * NHRP bindings, the control core's truth: (tunnel, protocol address) -> spoke. What is set here
 * is pushed to the workers (dp_nexthop.h) and, when asked, to the kernel as a host route; it is
 * taken away in the opposite order: route, next hop, spoke.
 *
 * Context: control, all of it. Times are milliseconds of one monotonic clock.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/deadline.h"
#include "control/events.h"
#include "control/spoke.h"

#define NHRP_BINDING_TYPE_LIST(X)                                                    \
	X(STATIC, "static", "from the configuration; never expires")                 \
	X(DYNAMIC, "dynamic", "registered by its owner, or learned by a resolution") \
	X(INCOMPLETE, "incomplete", "asked for, not answered yet: in lists only")    \
	X(LOCAL, "local", "what we answered of our own networks: in lists only")

enum nhrp_binding_type {
#define X(id, name, help) NHRP_BINDING_##id,
	NHRP_BINDING_TYPE_LIST(X)
#undef X
};
const char *nhrp_binding_type_name(enum nhrp_binding_type type);

#define NHRP_BINDING_F_UNIQUE        0x01 /* registered with the U bit */
#define NHRP_BINDING_F_REGISTERED    0x02
#define NHRP_BINDING_F_NAT           0x04  /* claimed address is not the observed one */
#define NHRP_BINDING_F_ROUTE         0x08  /* its host route is in the kernel */
#define NHRP_BINDING_F_MULTICAST     0x10  /* its spoke gets the tunnel's multicast */
#define NHRP_BINDING_F_ROUTER        0x20  /* its resolution said so: Q bit of RFC 2332 5.2.1 */
#define NHRP_BINDING_F_IMPLICIT      0x40  /* a requester that we answered, not registered */
#define NHRP_BINDING_F_AUTHORITATIVE 0x80  /* from its owner; every registered one is */
#define NHRP_USED_MS                 60000 /* "used": forwarded to within the last minute */

struct nhrp_binding {
	uint16_t tunnel;
	uint8_t prefix_len; /* bits: the host length */
	enum nhrp_binding_type type;
	uint32_t flags; /* NHRP_BINDING_F_* */
	struct dp_addr protocol;
	struct dp_addr claimed; /* NBMA address that the client says it has */
	uint32_t identity;      /* of the holder, proven by IKE; 0 = none */
	uint16_t mtu;           /* as registered, 0 = not said */
	uint16_t holding_s;     /* accepted; 0 for static ones */
	uint64_t created_ms;
	uint64_t refreshed_ms;
	struct deadline expiry; /* not set: never */
	struct spoke *spoke;    /* referred to; its NBMA address is the observed one */
	const struct dp_spoke_key *moved_from; /* valid during NHRP_CHANGE_MOVED only */
	/* private to nhrp_cache.c */
	LIST_ENTRY(nhrp_binding) bucket; /* or free */
	LIST_ENTRY(nhrp_binding) of_spoke;
	bool used;
	bool want_route;
	bool leaving; /* the dataplane refused the removal: retried */
	enum event_kind leaving_kind;
	const char *leaving_reason;
};

/* What happened to a binding. */
enum nhrp_change {
	NHRP_CHANGE_ADDED,
	NHRP_CHANGE_REFRESHED,
	NHRP_CHANGE_MOVED, /* to another spoke: b->moved_from is the old one's key */
	NHRP_CHANGE_GONE,  /* everything of it is still there to be read */
};

/* Somebody who wants to know. Called when the change is complete (GONE: right before its memory
 * goes); must not change the cache from inside the call. */
struct nhrp_cache_observer {
	void *ctx;
	void (*changed)(void *ctx, const struct nhrp_binding *b, enum nhrp_change what);
};
#define NHRP_CACHE_OBSERVERS_MAX 4

/* The kernel's host routes on the tunnel's twin. Both idempotent, 0 or -errno. */
struct nhrp_route_ops {
	void *ctx;
	int (*set)(void *ctx, uint16_t tunnel, const struct dp_prefix *host);
	int (*del)(void *ctx, uint16_t tunnel, const struct dp_prefix *host);
};

struct nhrp_cache;

/* capacity: dp_limits.nexthops. NULL: no memory. */
struct nhrp_cache *nhrp_cache_new(uint32_t capacity,
				  struct spoke_table *spokes,
				  const struct nhrp_route_ops *routes);
/* Memory only: what is in the kernel and in the dataplane stays. */
void nhrp_cache_free(struct nhrp_cache *c);

/* The observer is copied. -ENOSPC: NHRP_CACHE_OBSERVERS_MAX are there. */
int nhrp_cache_observe(struct nhrp_cache *c, const struct nhrp_cache_observer *observer);

/* NULL when there is none. O(1). */
struct nhrp_binding *nhrp_cache_find(const struct nhrp_cache *c,
				     uint16_t tunnel,
				     const struct dp_addr *protocol);

struct nhrp_binding_conf {
	struct dp_spoke_key spoke; /* tunnel, observed NBMA address and port */
	struct dp_addr protocol;
	struct dp_addr claimed;
	uint32_t identity;
	enum nhrp_binding_type type;
	uint32_t flags; /* all but ROUTE */
	uint16_t mtu;
	uint16_t holding_s; /* 0: never expires */
	bool want_route;
	/* Of one that an earlier run had; 0: it begins now, and lasts for its holding time. */
	uint64_t created_ms;
	uint64_t expires_ms;
};

/* Adds, refreshes, or moves to another spoke (make before break). Who may is the caller's
 * business. -ENOSPC: full here, or as spoke_get and dp_nexthop_set say; nothing has changed then.
 * A route that the kernel refuses is logged, counted and tried again at the next refresh. */
int nhrp_cache_set(struct nhrp_cache *c, const struct nhrp_binding_conf *conf, uint64_t now_ms);

/* Removes: kind is the event, reason (a literal) its text. When the dataplane refuses for the
 * moment, the binding stays without its route and is retried by nhrp_cache_tick. */
void nhrp_cache_del(struct nhrp_cache *c,
		    struct nhrp_binding *b,
		    enum event_kind kind,
		    const char *reason,
		    uint64_t now_ms);
/* The kernel dropped the host routes of a tunnel, because its twin was down: sets those of some
 * more bindings from *cursor on (start with 0). False: that was the last one. */
bool nhrp_cache_routes_restore(struct nhrp_cache *c, uint16_t tunnel, uint32_t *cursor);
/* All bindings of a tunnel, static ones too. O(capacity). */
void nhrp_cache_tunnel_del(struct nhrp_cache *c, uint16_t tunnel, uint64_t now_ms);

/* Removes at most max bindings whose time is over; returns how many were handled. */
unsigned nhrp_cache_tick(struct nhrp_cache *c, uint64_t now_ms, unsigned max);
/* When nhrp_cache_tick has something to do next, or DEADLINE_NEVER. O(1). */
uint64_t nhrp_cache_next_ms(const struct nhrp_cache *c);

struct nhrp_binding_info {
	uint16_t tunnel;
	struct dp_prefix target; /* the protocol address, or a network behind it */
	enum nhrp_binding_type type;
	uint32_t flags;
	struct dp_addr protocol;
	struct dp_addr claimed;
	struct dp_spoke_key spoke; /* nbma: the observed address */
	uint32_t dp_spoke;         /* handle in dp_spoke.h */
	uint16_t mtu;
	uint16_t holding_s;
	uint64_t created_ms;
	uint64_t refreshed_ms;
	uint64_t used_ms;    /* when its spoke was seen to be sent to, 0: never */
	uint64_t expires_ms; /* DEADLINE_NEVER: static */
};
/* Fills at most max rows from *cursor on (start with 0); returns how many, 0 at the end. */
unsigned nhrp_cache_list(const struct nhrp_cache *c,
			 uint32_t *cursor,
			 struct nhrp_binding_info *rows,
			 unsigned max);

struct nhrp_cache_info {
	uint32_t bindings, capacity;
	uint64_t full;         /* bindings refused for lack of room here */
	uint64_t route_failed; /* host routes that the kernel refused */
	uint64_t del_retried;  /* removals that the dataplane refused for the moment */
};
void nhrp_cache_info_get(const struct nhrp_cache *c, struct nhrp_cache_info *info);
