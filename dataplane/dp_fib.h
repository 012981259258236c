/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Forwarding tables, one per VRF: prefix -> what to do. Next-hop objects are shared between routes
 * that say the same, and freed after a grace period.
 *
 * Context: control, all of it.
 */
#include "dp.h"
#include "dp_addr.h"

enum dp_route_type {
	DP_ROUTE_LOCAL,     /* our own address: to the twin of the interface it came in on */
	DP_ROUTE_CONNECTED, /* subnet of a port or tunnel: the destination is the next hop */
	DP_ROUTE_GATEWAY,   /* via an address on a port or tunnel */
	DP_ROUTE_BLACKHOLE, /* dropped by name */
	DP_ROUTE_MULTIPATH, /* via one of several gateways, chosen by flow (ECMP) */
};
enum dp_iface_kind { DP_IFACE_NONE, DP_IFACE_PORT, DP_IFACE_TUNNEL };

struct dp_iface {
	uint16_t kind; /* enum dp_iface_kind */
	uint16_t id;   /* port or tunnel number */
};

/* One of several ways of an ECMP route. */
struct dp_path {
	struct dp_iface iface;
	struct dp_addr gateway;
	uint16_t weight; /* >= 1 */
};
#define DP_PATHS_MAX 16

struct dp_route {
	enum dp_route_type type;
	struct dp_iface
		iface; /* CONNECTED, GATEWAY; for LOCAL: the interface that has the address */
	struct dp_addr gateway; /* GATEWAY */
	/* MULTIPATH: 2..DP_PATHS_MAX gateways; flows are spread by weight. What dp_fib_lookup and
	 * dp_fib_list give points into the table: valid until the next change. */
	const struct dp_path *paths;
	uint16_t path_count;
};

/*
 * Adds or replaces. Host bits of the prefix must be zero.
 * -ENOSPC: dp_limits.routes or tbl8 (dp_error says which, with the limit), -EAFNOSUPPORT: IPv6 is
 * not forwarded yet, -EAGAIN: a grace period did not end within 100 ms (a worker is stuck).
 */
int dp_fib_set(uint16_t vrf, const struct dp_prefix *prefix, const struct dp_route *route);
/* -ENOENT. */
int dp_fib_del(uint16_t vrf, const struct dp_prefix *prefix);
/* Longest match; -ENOENT when no route covers it. */
int dp_fib_lookup(uint16_t vrf, const struct dp_addr *addr, struct dp_route *route);
/* Some longer prefix inside this one has a route; our own addresses do not count. IPv4 only, else
 * false. A few steps per bit, and one per own address inside. */
bool dp_fib_has_longer(uint16_t vrf, const struct dp_prefix *prefix);

struct dp_fib_info {
	uint32_t routes, routes_max;
	uint32_t tbl8, tbl8_max;
	uint64_t full; /* changes refused for lack of room */
};
int dp_fib_info_get(uint16_t vrf, struct dp_fib_info *info);

struct dp_fib_row {
	struct dp_prefix prefix;
	struct dp_route route;
	bool bound; /* GATEWAY: the tunnel's next hop has an NHRP binding, the port's a neighbour
		       entry */
};
/* Where a listing stands: the row told last, which may be deleted meanwhile. Start with all zero.
 */
struct dp_fib_cursor {
	uint32_t ip; /* host order */
	uint8_t len;
	bool started;
	bool done; /* at the end */
};
/* Fills at most `max` rows, the default route first, then ascending with longer prefixes before
 * what covers them; returns how many, 0 at the end. */
unsigned dp_fib_list(uint16_t vrf,
		     struct dp_fib_cursor *cursor,
		     struct dp_fib_row *rows,
		     unsigned max);
