/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Overlay next hops: the NHRP cache of the workers, (tunnel, overlay address) -> spoke. Routes via
 * such an address are bound to the spoke's adjacency ahead of time; the hash itself serves
 * connected hosts and misses.
 *
 * Context: control, all of it.
 */
#include "dp.h"
#include "dp_addr.h"

/* Adds or moves. -ENOSPC: dp_limits.nexthops, -ENOENT: no such tunnel or spoke. */
int dp_nexthop_set(uint16_t tunnel, const struct dp_addr *protocol, uint32_t spoke);
/* -ENOENT. */
int dp_nexthop_del(uint16_t tunnel, const struct dp_addr *protocol);
/*
 * A packet to this destination had a next hop without a binding, on a tunnel with `ask`; it was
 * dropped as no-binding. A worker tells of one packet per millisecond, of one destination once per
 * second when it is the same as before.
 */
typedef void (*dp_nexthop_wanted_fn)(void *ctx, uint16_t tunnel, const struct dp_addr *destination);
void dp_nexthop_wanted_handler_set(dp_nexthop_wanted_fn fn, void *ctx);
/* 0 when there is none. */
uint32_t dp_nexthop_find(uint16_t tunnel, const struct dp_addr *protocol);
