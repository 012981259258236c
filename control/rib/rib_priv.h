/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of the RIB share. Indices, not pointers: 28 bytes per route; index 0 is nothing.
 *
 *   rib.c         what the kernel tells, entry by entry
 *   rib_entry.c   the table of entries
 *   rib_fib.c     which entry of a prefix is in the FIB
 *   rib_walk.c    changes that concern many entries, a piece per turn
 *   rib_guard.c   the underlay's look-up, recursive routing
 *   rib_lookup.c  the workers' look-up, what else is inside a prefix
 *   rib_via.c     what routes say, shared
 *   rib_meaning.c what that means, given interfaces and next-hop objects
 *   rib_object.c  the kernel's next-hop objects
 *
 * Context: control.
 */
#include "dataplane/dp.h"
#include "rib.h"

#define RIB_NONE        0

#define RIB_F_USED      0x0001
#define RIB_F_LOCAL     0x0002 /* an address of ours; all others are the main table's */
#define RIB_F_OWN       0x0004 /* a host route of ours for a spoke: wins, but is not in the FIB */
#define RIB_F_INSTALLED 0x0008 /* the FIB has this one */
#define RIB_F_CHANGED   0x0010 /* says something else than what was installed */
#define RIB_F_RECURSIVE 0x0020
#define RIB_F_PARITY    0x0040 /* of the guard's round that found it recursive last */
#define RIB_F_FAILED    0x0080 /* the dataplane refused: try again */
#define RIB_F_DYING     0x0100 /* gone, but the dataplane could not take it out yet */

struct rib_entry {
	uint32_t ip; /* host order */
	uint32_t metric;
	uint32_t via;
	uint32_t next; /* in its bucket; those of one prefix are neighbours, best first */
	uint32_t rest; /* net_route.rest */
	uint16_t generation;
	uint16_t flags; /* RIB_F_* */
	uint8_t len;
	uint8_t protocol;
	uint8_t scope;
	uint8_t zero;
};
_Static_assert(sizeof(struct rib_entry) + 2 * sizeof(uint32_t) <= DP_CONTROL_ROUTE_BYTES,
	       "with its share of the buckets: what the memory plan says");

/* One next hop as routes and next-hop objects say it. No padding: hashed as words. */
struct rib_hop {
	uint32_t gateway_be; /* 0: the destination itself is on the link */
	uint32_t ifindex;
	uint32_t weight;
	uint32_t unsupported; /* a gateway that is not IPv4, an encapsulation */
};

enum rib_status {
	RIB_USABLE,
	RIB_DOWN,        /* no interface is up, or the next-hop object is not known (yet) */
	RIB_FOREIGN,     /* interfaces of others */
	RIB_UNSUPPORTED, /* a type or next hop that we do not do */
};

/* What a via means now: given interfaces and next-hop objects. */
struct rib_meaning {
	enum rib_status status;
	enum dp_route_type type;
	struct dp_iface iface;
	struct dp_addr gateway;
	uint16_t path_count; /* > 0: several, in via->paths */
	bool truncated;      /* to DP_PATHS_MAX of them */
};

struct rib_via {
	uint32_t refs; /* entries; 0: free */
	uint32_t next; /* in its bucket, or free */
	uint32_t hash;
	uint32_t nexthop_id; /* != 0: says nothing but this */
	uint8_t type;        /* RTN_* */
	uint8_t hop_count;
	bool dirty; /* its meaning changed: a walk takes that to the FIB */
	bool gone;  /* its next-hop object is: so are its routes, says the kernel by being silent */
	struct rib_hop *hops; /* owned */
	struct rib_meaning meaning;
	struct dp_path *paths; /* owned */
};

struct rib_object {
	uint32_t id; /* 0: free */
	uint32_t next;
	uint16_t generation;
	bool changed; /* since the last rib_objects_settle */
	bool blackhole;
	bool unsupported;
	uint8_t member_count;
	struct rib_hop hop;
	struct net_nexthop_member *members; /* owned */
};

_Static_assert(sizeof(struct rib_via) + sizeof(struct rib_object) + 4 * sizeof(uint32_t) +
			       2 * sizeof(struct rib_hop) <=
		       DP_CONTROL_VIA_BYTES,
	       "with buckets and a next hop each: what the memory plan says");

/* Chained hash over a fixed array of slots. */
struct rib_pool {
	uint32_t *buckets;
	uint32_t mask;
	uint32_t max, used;
	uint32_t touched; /* slots 1..touched were used once */
	uint32_t free;    /* first free one of these */
};

struct rib {
	struct rib_conf conf;
	uint64_t seed;
	struct rib_pool entry_pool, via_pool, object_pool;
	struct rib_entry *entries;
	struct rib_via *vias;
	struct rib_object *objects;
	uint32_t len_count[33]; /* entries of each prefix length */
	uint16_t generation;    /* of the dump of routes */
	uint16_t object_generation;
	bool objects_changed;
	bool incomplete; /* routes were lost for lack of room */
	struct {
		bool active, again, sweeping;
		uint32_t cursor;
	} walk;
	struct {
		bool parity;
		bool restoring; /* a round ended: the walk takes back what it did not confirm */
	} guard;
	struct {
		unsigned left; /* failures that this second's walk may still see */
		uint32_t from; /* entry where it goes on after so many */
	} retry;
	unsigned tell_budget; /* events left in this second */
	unsigned full_told_s; /* seconds until "full" is told again */
	struct rib_info info; /* what is counted as it happens */
};

int rib_pool_init(struct rib_pool *pool, uint32_t max);
void rib_pool_fini(struct rib_pool *pool);

/* Flags that rib_info counts. */
void rib_flag_set(struct rib *rib, struct rib_entry *e, uint16_t flag);
void rib_flag_clear(struct rib *rib, struct rib_entry *e, uint16_t flag);
struct dp_prefix rib_prefix(const struct rib_entry *e);
/* Counts; an event now and then. */
void rib_full(struct rib *rib, const char *what, const struct rib_pool *pool);

/* The slot that rib_pool_take would take; RIB_NONE: full. */
static inline uint32_t rib_pool_peek(const struct rib_pool *pool)
{
	if (pool->free != RIB_NONE)
		return pool->free;
	return pool->touched < pool->max ? pool->touched + 1 : RIB_NONE;
}

/* `next` is what the slot's own `next` says. */
static inline void rib_pool_take(struct rib_pool *pool, uint32_t slot, uint32_t next)
{
	if (slot == pool->free)
		pool->free = next;
	else
		pool->touched++;
	pool->used++;
}

/* Returns what belongs into the slot's `next` from now on. */
static inline uint32_t rib_pool_give(struct rib_pool *pool, uint32_t slot)
{
	uint32_t next = pool->free;

	pool->free = slot;
	pool->used--;
	return next;
}

/* rib_entry.c: which entries there are. */

/* Where an entry goes among those of its prefix and metric. */
enum rib_place { RIB_FIRST, RIB_LAST, RIB_OF_DUMP };
/* The link (a bucket, or the `next` of an entry) that points to the first entry of the prefix, or
 * to where it would be. */
uint32_t *rib_prefix_link(const struct rib *rib, uint32_t ip, uint8_t len);
/* The next entry of the same prefix; RIB_NONE. */
uint32_t rib_entry_next(const struct rib *rib, uint32_t index);
/* Takes a copy; RIB_NONE: full, and counted. Takes over the reference to the via. */
uint32_t rib_entry_add(struct rib *rib, const struct rib_entry *proto, enum rib_place place);
/* Puts it where it would be now; true: that is another place. */
bool rib_entry_move(struct rib *rib, uint32_t index, enum rib_place place);
/* Out of the table; gives the via back. */
void rib_entry_free(struct rib *rib, uint32_t index);

/* rib_fib.c */

/* Puts the best entry of the prefix into the FIB. */
void rib_fib_apply(struct rib *rib, uint32_t ip, uint8_t len);
/* The entry is no more, in the FIB neither; when the dataplane refuses, later. */
void rib_fib_remove(struct rib *rib, uint32_t index);
bool rib_entry_usable(const struct rib *rib, const struct rib_entry *e);

/* rib_walk.c */
void rib_walk_want(struct rib *rib);
void rib_walk_sweep(struct rib *rib);

/* rib_via.c */
int rib_vias_init(struct rib *rib);
void rib_vias_fini(struct rib *rib);
/* The via of what the route says, with a reference; RIB_NONE: full. */
uint32_t rib_via_get(struct rib *rib, const struct net_route *route);
/* Of an address on an interface. */
uint32_t rib_via_local(struct rib *rib, uint32_t ifindex);
void rib_via_put(struct rib *rib, uint32_t via);
/* Only for what there is: RIB_NONE, no reference. */
uint32_t rib_via_find(const struct rib *rib, const struct net_route *route);
/* Looks at interfaces and objects again; a walk is wanted when that changes its meaning. */
void rib_via_look(struct rib *rib, struct rib_via *via);
/* The next-hop object is gone. */
void rib_via_gone(struct rib *rib, uint32_t nexthop_id);
void rib_via_route(const struct rib_via *via, struct dp_route *route);
struct rib_hop rib_hop_of(const struct net_nexthop *hop);

/* rib_meaning.c: what the via means now; `paths` has room for DP_PATHS_MAX. */
void rib_meaning_get(const struct rib *rib,
		     const struct rib_via *via,
		     struct rib_meaning *meaning,
		     struct dp_path *paths);
/* The via, or an object that it names, leads over this interface. */
bool rib_via_uses(const struct rib *rib, const struct rib_via *via, uint32_t ifindex);

/* rib_object.c */
int rib_objects_init(struct rib *rib);
void rib_objects_fini(struct rib *rib);
/* NULL: not known. */
const struct rib_object *rib_object_find(const struct rib *rib, uint32_t id);
/* Takes what changed to the vias. */
void rib_objects_settle(struct rib *rib);
void rib_objects_sweep(struct rib *rib);
