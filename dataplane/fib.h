/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_fib.h>
#include <rte_prefetch.h>

#include "dp_fib.h"
#include "live.h"

#define FIB_VRFS     1

#define FIB_NH_RETRY 0 /* never stored: a reader that sees it looked into a group being freed */
#define FIB_NH_NONE  1 /* default: no route */
/* In the FIB and its tree only, with the index of a prefix longer than /24: see fib.c. */
#define FIB_NH_LONG (1U << 30)

/* What a route says, 8 bytes; the FIB stores its index. */
struct fib_nh {
	uint8_t type;       /* enum dp_route_type */
	uint8_t iface_kind; /* enum dp_iface_kind */
	uint16_t iface;
	uint32_t to; /* GATEWAY: adjacency on a tunnel (0: no binding), neighbour on a port;
		      * MULTIPATH: group */
};
_Static_assert(sizeof(struct fib_nh) == 8, "eight to a cache line");

#define FIB_BUCKETS 64 /* power of two */

/* Next-hop objects of an ECMP route, by the low bits of the flow's hash. */
struct fib_group {
	uint32_t bucket[FIB_BUCKETS];
};

extern struct fib_nh *fib_nhs;
extern struct fib_group *fib_groups;
extern struct rte_fib *fibs[FIB_VRFS];

/* Next hop of each destination (host order) of the burst. Context: worker. */
static inline void fib_lookup(uint16_t vrf, uint32_t *dst, uint64_t *nh, uint16_t n)
{
	rte_fib_lookup_bulk(fibs[vrf], dst, nh, n);
	/* See fib.c: a group may be cleared under us; the next look-up sees the table after it. */
	for (uint16_t i = 0; i < n; i++) {
		while (unlikely(nh[i] == FIB_NH_RETRY))
			rte_fib_lookup_bulk(fibs[vrf], &dst[i], &nh[i], 1);
		nh[i] &= ~(uint64_t)FIB_NH_LONG;
		rte_prefetch0(&fib_nhs[nh[i]]);
	}
}

/* One of our addresses, or the broadcast address of one of our subnets. Context: worker. */
static inline bool fib_is_local(rte_be32_t addr)
{
	uint32_t dst = rte_be_to_cpu_32(addr);
	uint64_t nh;

	fib_lookup(0, &dst, &nh, 1);
	return nh != FIB_NH_NONE && fib_nhs[nh].type == DP_ROUTE_LOCAL;
}

/* What a look-up found is alive; it still is (live.h). Empty without DP_DEBUG. Context: worker. */
struct fib_notes {
#ifdef DP_DEBUG
	uint32_t generation[DP_BURST];
#endif
};

static inline void fib_note(struct fib_notes *notes, const uint64_t *nh, uint16_t n)
{
#ifdef DP_DEBUG
	for (uint16_t i = 0; i < n; i++)
		if (nh[i] != FIB_NH_NONE)
			notes->generation[i] = live_note(LIVE_FIB_NH, (uint32_t)nh[i] - 1);
#else
	(void)notes;
	(void)nh;
	(void)n;
#endif
}

static inline void fib_check(const struct fib_notes *notes, uint16_t i, uint64_t nh)
{
#ifdef DP_DEBUG
	if (nh != FIB_NH_NONE)
		live_check(LIVE_FIB_NH, (uint32_t)nh - 1, notes->generation[i]);
#else
	(void)notes;
	(void)i;
	(void)nh;
#endif
}

/* Routes via (tunnel, gateway) use this adjacency from now on; 0: none. Context: control. */
void fib_gateway_bind(uint16_t tunnel, const struct dp_addr *gateway, uint32_t adj);

/* What is stored for a prefix: the index of its object. Context: control. */
struct rte_rib_node;
uint32_t fib_node_nh(const struct rte_rib_node *node);

/* fib_nh.c: objects, at most `max` besides multipath ones. Context: control. */
int fib_nh_init(uint32_t max);
void fib_nh_fini(void);
/* Takes a reference to the object that says what the route says. -ENOSPC, -EEXIST, dp_error set. */
int fib_nh_get(const struct dp_route *route, uint32_t *index);
/* Drops one; index 0 and FIB_NH_NONE are nobody's. */
void fib_nh_put(uint32_t index);
void fib_nh_fill(uint32_t index, struct dp_route *route);
