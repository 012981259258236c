/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <rte_branch_prediction.h>
#include <rte_fib.h>

#include "dp_fib.h"

#define FIB_VRFS     1

#define FIB_NH_RETRY 0 /* never stored: a reader that sees it looked into a group being freed */
#define FIB_NH_NONE  1 /* default: no route */

/* What a route says, 8 bytes; the FIB stores its index. */
struct fib_nh {
	uint8_t type;       /* enum dp_route_type */
	uint8_t iface_kind; /* enum dp_iface_kind */
	uint16_t iface;
	uint32_t to; /* GATEWAY: adjacency on a tunnel (0: no binding), neighbour on a port */
};
_Static_assert(sizeof(struct fib_nh) == 8, "eight to a cache line");

extern struct fib_nh *fib_nhs;
extern struct rte_fib *fibs[FIB_VRFS];

/* Next hop of each destination (host order) of the burst. Context: worker. */
static inline void fib_lookup(uint16_t vrf, uint32_t *dst, uint64_t *nh, uint16_t n)
{
	rte_fib_lookup_bulk(fibs[vrf], dst, nh, n);
	/* See fib.c: a group may be cleared under us; the next look-up sees the table after it. */
	for (uint16_t i = 0; i < n; i++)
		while (unlikely(nh[i] == FIB_NH_RETRY))
			rte_fib_lookup_bulk(fibs[vrf], &dst[i], &nh[i], 1);
}

/* Routes via (tunnel, gateway) use this adjacency from now on; 0: none. Context: control. */
void fib_gateway_bind(uint16_t tunnel, const struct dp_addr *gateway, uint32_t adj);
