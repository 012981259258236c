/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <rte_branch_prediction.h>
#include <rte_hash_crc.h>
#include <rte_ip.h>

#include "spoke.h"
#include "worker.h"

/* Direct-mapped: a pair of addresses and the spoke it comes from have one slot. */
#define REDIRECT_SLOTS 4096 /* power of two */

struct redirect_filter {
	uint64_t filled_tsc;
	uint64_t token_tsc; /* cycles per token */
	uint32_t tokens;
	uint64_t until_tsc[REDIRECT_SLOTS]; /* end of the slot's hold-off */
};

/* The slot of a packet whose tunnel and spoke are known: prefetch it as soon as they are. */
static inline uint64_t *redirect_slot(struct dp_worker *w, const struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct dp_meta *meta = dp_meta_const(m);
	uint64_t inner = (uint64_t)ip->src_addr << 32 | ip->dst_addr;
	uint64_t from = (uint64_t)meta->spoke << 32 | meta->tunnel;

	/* Word by word: rte_hash_crc over a struct would read it through the wrong type. */
	return &w->filter->until_tsc[rte_hash_crc_8byte(from, rte_hash_crc_8byte(inner, 0)) %
				     REDIRECT_SLOTS];
}

int redirect_init(struct dp_worker *w);
void redirect_fini(struct dp_worker *w);
/* The slot is free: a record for the control core, if the bucket allows. Context: worker. */
void redirect_record(struct dp_worker *w,
		     const struct rte_mbuf *m,
		     const struct adj *out,
		     uint64_t *slot);

/* A packet left by the network-id it came in on: one record per pair and hold-off, at most.
 * Context: worker. */
static inline void redirect_notice(struct dp_worker *w,
				   const struct rte_mbuf *m,
				   const struct adj *out,
				   uint64_t *slot)
{
	if (likely(*slot > w->now_tsc))
		w->stats.redirects_suppressed++;
	else
		redirect_record(w, m, out, slot);
}
