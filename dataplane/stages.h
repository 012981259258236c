/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The stages of the straight line, in order. Each takes n packets, returns how many go on, packed
 * at the front of m. Context: worker, all of them.
 */
#include "dp_priv.h"

/* Ethernet frames of one port -> GRE, inner IP; the rest to the twin or dropped. */
uint16_t stage_rx(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* The same for packets put together again, which start at their outer IP header. */
uint16_t stage_rx_whole(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* ESP -> GRE with the SA that it came by. Other kinds pass. */
uint16_t stage_esp_in(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* GRE -> inner IP with tunnel and spoke; NHRP punted. Packets of kind IP pass. */
uint16_t stage_gre_in(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* Inner IP -> inner IP that may be forwarded; multicast replicated or to the twin. */
uint16_t stage_ip_in(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* Inner IP -> adjacency or neighbour; our own addresses to the twin; hairpins noticed. */
uint16_t stage_forward(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* Puts GRE and the outer header in front of packets with an adjacency, unless it is protected, and
 * sends those whose neighbour is known. */
uint16_t stage_gre_out(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* The same for protected ones, and ESP around them. */
uint16_t stage_esp_out(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* Ethernet header and port; takes all. */
void stage_tx(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);

/* NHRP from the control core: outer header for an adjacency or for a bare NBMA address. */
uint16_t stage_nhrp_out(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
struct adj;
/* A frame of the kernel: ESP by one of our outbound SAs. */
bool esp_is_ours(const struct rte_mbuf *m);
/* stage_esp_out for one NHRP packet; false: dropped, or handed over to another worker. */
bool esp_out_nhrp(struct dp_worker *w, struct rte_mbuf *m, const struct adj *a);

/* Sends what tx_put buffered; once per turn. */
void tx_flush(struct dp_worker *w);
void txq_flush(struct dp_worker *w, struct dp_txq *q);

/* A whole frame into the buffer of its port. */
static inline void tx_put(struct dp_worker *w, uint16_t port, struct rte_mbuf *m)
{
	struct dp_txq *q = &w->txq[port];

	q->m[q->n++] = m;
	if (unlikely(q->n == DP_TX_BUFFER))
		txq_flush(w, q);
}

/* One whole frame to a port (from its twin). */
void tx_frame(struct dp_worker *w, struct rte_mbuf *m);

/* To the twin of the interface that the packet came in on. */
void punt_to_twin(struct dp_worker *w, struct rte_mbuf *m, const struct dp_meta *meta);
/* Fills neigh or out_port for meta->outer_dst, an NBMA address; false: no route over a port. */
bool underlay_find(struct dp_meta *meta);

/* mcast.c: takes a packet of the kernel for the members of meta->tunnel, one that a LAN port
 * received (TTL more than 1) for those of the tunnels that take its group; works on the next job.
 */
void mcast_add(struct dp_worker *w, struct rte_mbuf *m);
void mcast_add_lan(struct dp_worker *w, struct rte_mbuf *m);
bool mcast_lan_takes(rte_be32_t dst);
void mcast_run(struct dp_worker *w);
void mcast_flush(struct dp_worker *w);
