/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <rte_vect.h>

#include "dp_neigh.h"
#include "table.h"
#include "worker.h"

#define NEIGH_UNRESOLVED 0xffff

/*
 * The Ethernet header that goes in front, and the port it leaves by: one aligned 16-byte unit. The
 * control core replaces it by one store and workers take it by one load; aligned 16-byte accesses
 * are single on every CPU with AVX (Intel SDM vol. 3A, 9.1.1; AMD APM vol. 2, 7.3.2), which DPDK's
 * x86-64 builds for this appliance require anyway.
 */
union neigh_rewrite {
	struct {
		struct rte_ether_hdr eth;
		uint16_t port; /* number of the port, NEIGH_UNRESOLVED: not known yet */
	};
	rte_xmm_t xmm;
};
_Static_assert(sizeof(union neigh_rewrite) == 16, "replaced by one store");

extern union neigh_rewrite *neigh_rewrites; /* [limits.neighbours + 1] */
extern struct table *neigh_table;

static inline union neigh_rewrite neigh_rewrite_load(uint32_t neigh)
{
	union neigh_rewrite r;

	r.xmm.x = *(volatile const xmm_t *)&neigh_rewrites[neigh].xmm.x;
	return r;
}

static inline struct table_key neigh_key(uint16_t port, const struct dp_addr *addr)
{
	struct table_key k = {.addr = *addr, .a = port};

	return k;
}

/* Whom a handle stands for. Context: worker, until its next quiescent state. */
void neigh_identity(uint32_t neigh, uint16_t *port, struct dp_addr *addr);

/*
 * Keeps a packet until its neighbour is known, or drops it as neigh-queue-full. The packet's data
 * starts at the IP header; meta->neigh, or when that is 0 out_port and outer_dst, name it. neighq.c
 * Context: worker.
 */
void neigh_hold(struct dp_worker *w, struct rte_mbuf *m);
/* Sends what has become possible, drops what waited too long. Context: worker, once per turn while
 * w->neighq_used. */
void neigh_queue_run(struct dp_worker *w);
/* Drops everything that waits. Context: control, worker stopped. */
void neigh_queue_flush(struct dp_worker *w);
