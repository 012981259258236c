/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The RIB: the routes that the kernel has told, and, of each prefix, which of them the dataplane
 * forwards by. Fed with what control/net tells; writes the FIB (dp_fib.h), nothing else.
 *
 * Of one prefix the best usable route is in the FIB: our own addresses first, then by metric, then
 * in the kernel's order. What cannot be used stays here and steps in, or back, when it can.
 *
 * Context: control, all of it.
 */
#include "control/net/net_parse.h"
#include "dataplane/dp_fib.h"

struct rib;

/* An interface of the kernel as routes need it. */
struct rib_iface {
	struct dp_iface dp; /* kind NONE: none of ours, routes over it are ignored */
	bool up;
	bool carrier;
};

struct rib_ops {
	void *ctx;
	struct rib_iface (*iface)(void *ctx, uint32_t ifindex);
	/* The FIB has become another for this prefix. May be NULL. */
	void (*changed)(void *ctx, const struct dp_prefix *prefix);
	/* Routes were lost for lack of room, and there is room again: dump them. May be NULL. */
	void (*redump)(void *ctx);
};

struct rib_conf {
	uint32_t routes; /* capacity: routes, our own host routes and addresses included */
	uint32_t vias;   /* different things that routes say, and next-hop objects */
	struct rib_ops ops;
};

/* NULL: no memory. */
struct rib *rib_new(const struct rib_conf *conf);
/* Memory only: the FIB stays as it is. */
void rib_free(struct rib *rib);

/* ---- what the kernel tells; see net_feed_handlers ---- */

/* Routes of the main table count; others, and those of a TOS, are not ours. */
void rib_route_told(struct rib *rib, enum net_change change, const struct net_route *route);
void rib_nexthop_told(struct rib *rib,
		      enum net_change change,
		      const struct net_nexthop_object *object);
/* An address of ours, with the length of its subnet: it is local, and so is the subnet's broadcast
 * address. (The subnet is a route of the main table.) */
void rib_addr_told(struct rib *rib,
		   enum net_change change,
		   const struct dp_prefix *address,
		   uint32_t ifindex);
/* A dump of routes or next-hop objects begins or ends: what it did not show is gone. */
void rib_dump(struct rib *rib, enum net_kind kind, bool end);
/* What ops.iface says of it has changed. */
void rib_iface_changed(struct rib *rib, uint32_t ifindex);
/* Some route leads over this interface. */
bool rib_iface_used(const struct rib *rib, uint32_t ifindex);
/* Some route has this gateway. */
bool rib_gateway_used(const struct rib *rib, struct dp_iface iface, const struct dp_addr *gateway);
bool rib_has_nexthop_objects(const struct rib *rib);

/* Some of what is left to do after a change that concerns many routes: about so much time. True:
 * call again. */
bool rib_turn(struct rib *rib, uint32_t budget_us);
/* Once per second: tries what the dataplane refused again. */
void rib_tick(struct rib *rib);

/* ---- the underlay, and the guard against recursive routing ---- */

/*
 * Where an outer packet to `to` goes. A route via a gateway in a tunnel that it would follow is
 * taken out of the FIB ("recursive"): the next best route steps in, and so on.
 * -ENETUNREACH: no route, a blackhole, or our own address. -ELOOP: a tunnel's own subnet, or there
 * are recursive routes only.
 */
int rib_underlay(struct rib *rib,
		 const struct dp_addr *to,
		 struct dp_iface *iface,
		 struct dp_addr *next);
/* Around a round of rib_underlay for all there is to reach: a recursive route that nobody's packet
 * would follow any more comes back into the FIB. */
void rib_guard_begin(struct rib *rib);
void rib_guard_end(struct rib *rib);
bool rib_has_recursive(const struct rib *rib);

/* ---- where packets for an address go ---- */

struct rib_match {
	struct dp_prefix prefix;
	struct dp_route route; /* its paths are valid until the next change */
};
/* What the workers do with a packet for `to`: the route in the FIB, with its prefix. -ENETUNREACH:
 * none. O(prefix lengths). */
int rib_lookup(const struct rib *rib, const struct dp_addr *to, struct rib_match *match);
/* RFC 2332 section 6.3: the length of the widest prefix around `to` that goes all where `to` goes:
 * not wider than the route, nor than /8; no other route inside (our own addresses do not count).
 * Of a default route: the host. O(prefix lengths squared). */
uint8_t rib_widest(const struct dp_addr *to, const struct rib_match *match);

/* ---- what there is ---- */

struct rib_info {
	uint32_t entries, capacity;
	uint32_t kernel;    /* routes of the kernel's main table */
	uint32_t own_hosts; /* of these: our own host routes; not in the FIB, NHRP serves them */
	uint32_t ignored; /* of these: over interfaces that are not ours, or of a type we do not do
			   */
	uint32_t down;    /* of these: no interface of theirs is up, or no next-hop object */
	uint32_t recursive; /* of these: refused by the guard */
	uint32_t failed;    /* of these: refused by the dataplane, tried again every second */
	uint32_t truncated; /* of these: with more than DP_PATHS_MAX gateways, the rest is not used
			     */
	uint32_t local;     /* our addresses, and broadcast addresses of our subnets */
	uint32_t nexthop_objects;
	uint64_t full;         /* routes and next-hop objects lost for lack of room */
	uint64_t other_tables; /* messages about routes of other tables, or of a TOS */
	uint64_t unknown_del;  /* deletions of routes that were not here */
	uint64_t resyncs;      /* dumps of routes completed */
	uint64_t swept;        /* routes that such a dump did not show any more */
};
void rib_info_get(const struct rib *rib, struct rib_info *info);

/* Our own host routes. Fills at most `max` rows from *cursor on (start with 0); returns how many,
 * perhaps none; *cursor is RIB_LIST_END after the last. */
#define RIB_LIST_END UINT32_MAX
struct rib_own_host {
	struct dp_prefix prefix;
	uint32_t metric;
	uint32_t ifindex;
};
unsigned rib_own_host_list(const struct rib *rib,
			   uint32_t *cursor,
			   struct rib_own_host *rows,
			   unsigned max);

/* Why a route of the kernel is not in the FIB though it should be. */
enum rib_refusal { RIB_RECURSIVE, RIB_FAILED };
const char *rib_refusal_name(enum rib_refusal refusal);
struct rib_refused {
	struct dp_prefix prefix;
	uint32_t metric;
	struct dp_route route; /* its paths are valid until the next change */
	enum rib_refusal refusal;
};
/* Fills at most `max` rows from *cursor on (start with 0); returns how many, 0 at the end. */
unsigned rib_refused_list(const struct rib *rib,
			  uint32_t *cursor,
			  struct rib_refused *rows,
			  unsigned max);
