/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcast: what the kernel sends to a link-local group or to broadcast in a tunnel goes to every
 * spoke that is a multicast member (`map multicast dynamic`), as deep copies: encryption is in
 * place.
 *
 * A packet becomes a job; each turn makes at most 64 copies and looks at at most 1,024 spokes, so
 * that 10,000 copies never stall the line. A worker keeps 16 jobs; one more is dropped by name.
 * Members are an array by spoke, 0 or the adjacency; the control core writes it.
 * The original is held while its job lasts, then absorbed.
 */
#include "spoke.h"
#include "stages.h"

#define COPIES_PER_TURN 64
#define SPOKES_PER_TURN 1024

void mcast_add(struct dp_worker *w, struct rte_mbuf *m)
{
	if (w->mcast_count == DP_MCAST_JOBS) {
		dp_drop(w, m, DP_DROP_MCAST_FULL);
		return;
	}
	w->mcast[(w->mcast_head + w->mcast_count++) % DP_MCAST_JOBS] =
		(struct dp_mcast_job){.m = m, .next = 1};
	w->stats.held_pkts++;
}

static struct rte_mbuf *copy_make(struct dp_worker *w, const struct rte_mbuf *m, uint32_t adj)
{
	struct rte_mbuf *copy = rte_pktmbuf_alloc(dp_pool);
	void *bytes = copy != NULL ? rte_pktmbuf_append(copy, m->data_len) : NULL;

	if (bytes == NULL) {
		if (copy != NULL)
			dp_release(copy);
		w->stats.mcast_no_buffer++;
		return NULL;
	}
	memcpy(bytes, rte_pktmbuf_mtod(m, const void *), m->data_len);
	*dp_meta(copy) = *dp_meta_const(m);
	dp_meta(copy)->adj = adj;
	dp_meta_adj_note(dp_meta(copy));
	w->stats.copied_pkts++;
	return copy;
}

static void copies_send(struct dp_worker *w, struct rte_mbuf **copies, uint16_t n)
{
	n = stage_gre_out(w, copies, n);
	stage_tx(w, copies, n);
}

/* true: every spoke has had its copy. */
static bool job_run(struct dp_worker *w, struct dp_mcast_job *job)
{
	struct rte_mbuf *copies[DP_BURST];
	uint32_t end = RTE_MIN(job->next + SPOKES_PER_TURN, mcast_members_end);
	unsigned made = 0;
	uint16_t n = 0;

	for (; job->next < end && made < COPIES_PER_TURN; job->next++) {
		uint32_t adj = __atomic_load_n(&mcast_members[job->next], __ATOMIC_ACQUIRE);

		if (adj == 0 || adjs[adj].tunnel != dp_meta(job->m)->tunnel)
			continue;
		made++;
		copies[n] = copy_make(w, job->m, adj);
		if (copies[n] != NULL && ++n == DP_BURST) {
			copies_send(w, copies, n);
			n = 0;
		}
	}
	copies_send(w, copies, n);
	return job->next >= mcast_members_end;
}

void mcast_run(struct dp_worker *w)
{
	struct dp_mcast_job *job = &w->mcast[w->mcast_head];

	if (!job_run(w, job))
		return;
	w->stats.absorbed_pkts++;
	dp_release(job->m);
	w->mcast_head = (w->mcast_head + 1) % DP_MCAST_JOBS;
	w->mcast_count--;
	w->stats.held_pkts--;
}

void mcast_flush(struct dp_worker *w)
{
	for (; w->mcast_count > 0; w->mcast_count--) {
		dp_drop(w, w->mcast[w->mcast_head].m, DP_DROP_SHUTDOWN);
		w->mcast_head = (w->mcast_head + 1) % DP_MCAST_JOBS;
		w->stats.held_pkts--;
	}
}
