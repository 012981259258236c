/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_tx: the Ethernet header of the next neighbour in front, and out by its port; or into the
 * queue of those that wait for the neighbour.
 *
 * Packets gather in one buffer per port and leave at the end of the turn, or when it is full. What
 * the port does not take is dropped by name.
 */
#include <rte_ethdev.h>

#include "neigh.h"
#include "stages.h"

void txq_flush(struct dp_worker *w, struct dp_txq *q)
{
	uint16_t sent = rte_eth_tx_burst(q->port, q->queue, q->m, q->n);

	w->stats.tx_pkts += sent;
	for (uint16_t i = sent; i < q->n; i++)
		dp_drop(w, q->m[i], DP_DROP_TX_FULL);
	q->n = 0;
}

void tx_flush(struct dp_worker *w)
{
	for (uint16_t i = 0; i < dp_port_count(); i++)
		if (w->txq[i].n != 0)
			txq_flush(w, &w->txq[i]);
}

void tx_frame(struct dp_worker *w, struct rte_mbuf *m)
{
	tx_put(w, dp_meta(m)->out_port, m);
}

void stage_tx(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		union neigh_rewrite r = neigh_rewrite_load(dp_meta(m[i])->neigh);

		dp_meta_neigh_check(dp_meta(m[i]));
		if (unlikely(r.port == NEIGH_UNRESOLVED)) {
			neigh_hold(w, m[i]);
			continue;
		}
		memcpy(rte_pktmbuf_prepend(m[i], RTE_ETHER_HDR_LEN), &r.eth, RTE_ETHER_HDR_LEN);
		tx_put(w, r.port, m[i]);
	}
}
