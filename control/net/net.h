/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The kernel beside us, by rtnetlink, in the network namespace of the calling thread.
 *
 * Requests (net_link_*, net_addr_*, net_route_*, net_neigh_*) are synchronous: one message, one
 * acknowledgement, about 10 us; each is idempotent. They return 0 or -errno, and net_error() then
 * says what failed, in the kernel's own words where it gives some.
 *
 * The feed (net_feed_*) tells what the kernel has: everything that is there at the start, then each
 * change, whoever made it.
 *
 * Context: control, all of it.
 */
#include "net_parse.h"

/* Who put a route or an address there. 233 is used by no daemon that is known to us: zebra's own
 * numbers (11, 186..198) would be taken for its own and swept away when it starts. */
#define NET_PROTO 233
/* Below what FRR (20) and BIRD (32) install, above what the kernel does (0). */
#define NET_METRIC 10

/* Opens the request socket. Once, before any other call but those of net_feed_*. */
int net_open(void);
void net_close(void);
/* Text of the last error of a net_* call: "route 10.0.0.0/8: ...". Valid until the next call. */
const char *net_error(void);

/* -ENODEV. */
int net_link_index(const char *ifname, uint32_t *ifindex);
int net_link_get(const char *ifname, struct net_link *link);
int net_link_up(const char *ifname);

/*
 * Makes exactly these addresses be those of ours on the interface: adds what is missing, removes
 * what an earlier call (of this or an earlier process) put there and is not in the list. Addresses
 * that others put there stay; one of theirs that is in the list serves as it is.
 */
int net_addr_set(uint32_t ifindex, const struct dp_prefix *prefixes, unsigned count);

/*
 * A route of ours in the main table. (prefix, metric) is its identity in the kernel, so a route of
 * someone else with the same metric would be replaced: use NET_METRIC.
 *   via and ifindex   via a gateway on that interface (ifindex 0: the kernel finds it)
 *   via NULL          on the link: scope link, for host routes on a tunnel's twin
 *   neither           blackhole
 * Host bits of the prefix must be zero.
 */
int net_route_set(const struct dp_prefix *prefix,
		  const struct dp_addr *via,
		  uint32_t ifindex,
		  uint32_t metric);
/* Removes ours only; 0 too when there is none. */
int net_route_del(const struct dp_prefix *prefix, uint32_t metric);
/* Calls `fn` for each route of ours in the main table; fn may call net_route_del. A negative
 * return of fn ends the walk and is returned. */
typedef int (*net_route_fn)(void *ctx, const struct net_route *route);
int net_route_list_ours(net_route_fn fn, void *ctx);

/* Asks the kernel to resolve, or to keep fresh, this neighbour: the answer comes by the feed. */
int net_neigh_use(uint32_t ifindex, const struct dp_addr *addr);

/* ---- the feed ---- */

/*
 * NET_CHANGE_NEW: appeared or changed; never for one that is as it was. NET_CHANGE_DEL: gone; the
 * struct is what was known last. Handlers may be NULL, and may call the requests above; they must
 * not close the feed.
 *
 * Of routes and next-hop objects the feed keeps no copy (there are too many, and who uses them has
 * them): those come as the kernel sends them, also unchanged ones, and on_dump brackets a walk over
 * all of them (of routes: of the main table): what was not told between begin and end is gone. A
 * walk that begins anew makes the one before it void.
 *
 * The kernel drops routes and next-hop objects without a word when their interface goes down or
 * their source address goes: net_feed_redump is for who learns of that.
 */
struct net_feed_handlers {
	void *ctx;
	void (*on_link)(void *ctx, enum net_change change, const struct net_link *link);
	void (*on_addr)(void *ctx, enum net_change change, const struct net_ifaddr *addr);
	void (*on_neigh)(void *ctx, enum net_change change, const struct net_neigh *neigh);
	void (*on_nexthop)(void *ctx,
			   enum net_change change,
			   const struct net_nexthop_object *object);
	void (*on_route)(void *ctx, enum net_change change, const struct net_route *route);
	/* Someone changed forwarding or rp_filter: when it is a twin's (or NET_CONF_ALL), call
	 * net_twin_setup again. */
	void (*on_conf)(void *ctx, const struct net_conf *conf);
	void (*on_dump)(void *ctx, enum net_kind kind, bool end);
};

struct net_feed_conf {
	bool routes;           /* IPv4 routes and next-hop objects, too */
	uint32_t turn_us;      /* time that a turn may take, 0: 64 messages */
	uint32_t rcvbuf_bytes; /* socket's receive buffer, 0 = 4 MB */
	uint32_t objects_max;  /* links + addresses + neighbours remembered, 0 = 65536 */
};

struct net_feed_stats {
	uint64_t messages;
	uint64_t malformed; /* dropped */
	uint64_t overruns;  /* ENOBUFS: the kernel lost events, everything was dumped again */
	uint64_t reopened;
	uint64_t dumps; /* completed, one per kind */
	uint64_t full;  /* objects that found no room: told, but not remembered */
	uint32_t objects;
};

struct net_feed;

/* NULL with errno; net_error says more. Starts the first dump; nothing is told before the first
 * net_feed_turn. */
struct net_feed *net_feed_open(const struct net_feed_conf *conf,
			       const struct net_feed_handlers *handlers);
void net_feed_close(struct net_feed *feed);
/* Non-blocking; readable when net_feed_turn has something to do. */
int net_feed_fd(const struct net_feed *feed);
/* Dumps routes and next-hop objects again: after the dump that runs, when one does. */
void net_feed_redump(struct net_feed *feed);
/* A new socket for a broken one; what was told is kept, so that only differences are told. -errno
 * as net_feed_open: the feed is as broken as before. */
int net_feed_reopen(struct net_feed *feed);
/*
 * Handles at most 64 messages, or as many as conf.turn_us allows. 1: more is
 * waiting, perhaps in memory, so the descriptor need not be readable: call again in the next turn
 * of the loop. 0: wait for the descriptor. -errno: the socket is broken.
 */
int net_feed_turn(struct net_feed *feed);
/* All dumps are complete; false again after an overrun until the new ones are. */
bool net_feed_synced(const struct net_feed *feed);
void net_feed_stats_get(const struct net_feed *feed, struct net_feed_stats *stats);
