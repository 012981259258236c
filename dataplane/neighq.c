/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neighq: packets that wait until the kernel has resolved their neighbour.
 *
 * A small array per worker. An entry names its neighbour by (port, address), kept in the packet's
 * meta, never by handle: it outlives grace periods. Looked through every millisecond while it is
 * not empty. One request to the control core per neighbour that packets wait for; the kernel
 * repeats its ARP requests by itself.
 */
#include <rte_cycles.h>

#include "neigh.h"
#include "stages.h"

#define PER_NEIGHBOUR_MAX 8 /* so that one dead neighbour cannot take the queue */

static bool waits_for(const struct dp_neighq_entry *e, const struct dp_meta *meta)
{
	const struct dp_meta *other = e->m != NULL ? dp_meta(e->m) : NULL;

	return other != NULL && other->out_port == meta->out_port &&
	       dp_addr_equal(&other->outer_dst, &meta->outer_dst);
}

static void want(struct dp_worker *w, const struct dp_meta *meta)
{
	struct dp_wanted wanted = {.addr = meta->outer_dst, .port = meta->out_port};

	/* Full: the packet times out, and the next one asks again. */
	rte_ring_sp_enqueue_elem(w->wanted, &wanted, sizeof(wanted));
}

void neigh_hold(struct dp_worker *w, struct rte_mbuf *m)
{
	struct dp_meta *meta = dp_meta(m);
	struct dp_neighq_entry *slot = NULL;
	unsigned same = 0;

	dp_meta_neigh_check(meta);
	if (meta->neigh != 0)
		neigh_identity(meta->neigh, &meta->out_port, &meta->outer_dst);
	for (unsigned i = 0; i < DP_NEIGHQ_LEN; i++) {
		if (w->neighq[i].m == NULL)
			slot = &w->neighq[i];
		same += waits_for(&w->neighq[i], meta);
	}
	if (slot == NULL || same == PER_NEIGHBOUR_MAX) {
		dp_drop(w, m, DP_DROP_NEIGH_QUEUE_FULL);
		return;
	}
	if (same == 0)
		want(w, meta);
	meta->neigh = 0;
	*slot = (struct dp_neighq_entry){
		.m = m, .deadline_tsc = w->now_tsc + DP_NEIGHQ_WAIT_S * rte_get_tsc_hz()};
	w->neighq_used++;
	w->stats.held_pkts++;
}

/* true: the entry is free again. */
static bool entry_run(struct dp_worker *w, struct dp_neighq_entry *e)
{
	struct dp_meta *meta = dp_meta(e->m);
	struct table_key key = neigh_key(meta->out_port, &meta->outer_dst);

	meta->neigh = table_get(neigh_table, &key);
	dp_meta_neigh_note(meta);
	if (neigh_rewrite_load(meta->neigh).port != NEIGH_UNRESOLVED) {
		stage_tx(w, &e->m, 1);
		return true;
	}
	meta->neigh = 0;
	if (w->now_tsc < e->deadline_tsc)
		return false;
	dp_drop(w, e->m, DP_DROP_NEIGH_UNRESOLVED);
	return true;
}

void neigh_queue_run(struct dp_worker *w)
{
	if (w->now_tsc < w->neighq_next_tsc)
		return;
	w->neighq_next_tsc = w->now_tsc + rte_get_tsc_hz() / 1000;
	for (unsigned i = 0; i < DP_NEIGHQ_LEN; i++) {
		if (w->neighq[i].m == NULL || !entry_run(w, &w->neighq[i]))
			continue;
		w->neighq[i].m = NULL;
		w->neighq_used--;
		w->stats.held_pkts--;
	}
}

void neigh_queue_flush(struct dp_worker *w)
{
	for (unsigned i = 0; i < DP_NEIGHQ_LEN; i++) {
		if (w->neighq[i].m == NULL)
			continue;
		dp_drop(w, w->neighq[i].m, DP_DROP_SHUTDOWN);
		w->neighq[i].m = NULL;
		w->neighq_used--;
		w->stats.held_pkts--;
	}
}
