/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neighq: packets that wait until the kernel has resolved their neighbour.
 *
 * A small array per worker. An entry names its neighbour by (port, address), kept in the packet's
 * meta, never by handle: it outlives grace periods. Looked through every millisecond while it is
 * not empty. One request to the control core per neighbour that packets wait for; the kernel
 * repeats its ARP requests by itself. Who waited in vain is told: ICMP host unreachable.
 */
#include <rte_cycles.h>

#include "dp_fib.h"
#include "icmp.h"
#include "neigh.h"
#include "stages.h"
#include "wire.h"

#define PER_NEIGHBOUR_MAX 8                   /* one dead neighbour cannot take the queue */
#define COPIES_MAX        (DP_NEIGHQ_LEN / 2) /* nor can multicast */

static bool waits_for(const struct dp_neighq_entry *e, const struct dp_meta *meta)
{
	const struct dp_meta *other = e->m != NULL ? dp_meta(e->m) : NULL;

	return other != NULL && other->out_port == meta->out_port &&
	       dp_addr_equal(&other->outer_dst, &meta->outer_dst);
}

static void want(struct dp_worker *w, const struct dp_meta *meta)
{
	struct dp_wanted wanted = {
		.addr = meta->outer_dst, .iface = meta->out_port, .kind = DP_IFACE_PORT};

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
	if ((meta->flags & DP_META_COPY) && w->neighq_used >= COPIES_MAX)
		slot = NULL;
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

static struct rte_mbuf *entry_take(struct dp_worker *w, struct dp_neighq_entry *e)
{
	struct rte_mbuf *m = e->m;

	e->m = NULL;
	w->neighq_used--;
	w->stats.held_pkts--;
	return m;
}

/* Bytes in front of the inner packet: the outer header that stage_gre_out made. 0: it is encrypted
 * by now. */
static uint16_t outer_len(const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)p;
	uint16_t ihl = rte_ipv4_hdr_len(ip);
	rte_be16_t flags;

	if (ip->next_proto_id != IPPROTO_GRE)
		return 0;
	memcpy(&flags, p + ihl, sizeof(flags));
	return (uint16_t)(ihl + gre_header_len(rte_be_to_cpu_16(flags)));
}

/* Of NHRP and what else has only a header of ours there is nobody to tell, and icmp.c knows. */
static void unresolved(struct dp_worker *w, struct rte_mbuf *m)
{
	uint16_t outer = dp_meta(m)->adj != 0 ? outer_len(m) : 0;

	if (dp_meta(m)->adj != 0 && outer == 0) {
		dp_drop(w, m, DP_DROP_NEIGH_UNRESOLVED);
		return;
	}
	rte_pktmbuf_adj(m, outer);
	icmp_refuse(w, m, DP_DROP_NEIGH_UNRESOLVED);
}

static void entry_run(struct dp_worker *w, struct dp_neighq_entry *e)
{
	struct dp_meta *meta = dp_meta(e->m);
	struct table_key key = neigh_key(meta->out_port, &meta->outer_dst);
	struct rte_mbuf *m;

	meta->neigh = table_get(neigh_table, &key);
	dp_meta_neigh_note(meta);
	if (neigh_rewrite_load(meta->neigh).port != NEIGH_UNRESOLVED) {
		m = entry_take(w, e);
		stage_tx(w, &m, 1);
		return;
	}
	meta->neigh = 0;
	if (w->now_tsc >= e->deadline_tsc)
		unresolved(w, entry_take(w, e));
}

void neigh_queue_run(struct dp_worker *w)
{
	if (w->now_tsc < w->neighq_next_tsc)
		return;
	w->neighq_next_tsc = w->now_tsc + rte_get_tsc_hz() / 1000;
	for (unsigned i = 0; i < DP_NEIGHQ_LEN; i++)
		if (w->neighq[i].m != NULL)
			entry_run(w, &w->neighq[i]);
}

void neigh_queue_flush(struct dp_worker *w)
{
	for (unsigned i = 0; i < DP_NEIGHQ_LEN; i++)
		if (w->neighq[i].m != NULL)
			dp_drop(w, entry_take(w, &w->neighq[i]), DP_DROP_SHUTDOWN);
}
