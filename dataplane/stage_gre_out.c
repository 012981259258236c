/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_gre_out: GRE and the outer IPv4 header in front of packets to a spoke, from its adjacency:
 * one copy, one length, one checksum fold. RFC 2784, RFC 2890.
 * stage_nhrp_out does the same for NHRP from the control core, which may also go to an address that
 * is no spoke's (a refused registration).
 */
#include "fib.h"
#include "icmp.h"
#include "neigh.h"
#include "outer.h"
#include "spoke.h"
#include "stages.h"
#include "wire.h"

/* The header in front of `inner`; returns where it begins. */
static __rte_always_inline uint8_t *header_write(uint8_t *inner,
						 uint16_t len,
						 const struct adj *a,
						 struct outer_marks marks)
{
	uint8_t *p = inner - a->header_len;

	/* By fixed lengths: a variable one would be a call. */
	memcpy(p, a->header, ADJ_HEADER_MIN);
	if (likely(a->header_len == ADJ_HEADER_MIN + 4))
		memcpy(p + ADJ_HEADER_MIN, a->header + ADJ_HEADER_MIN, 4);
	outer_finish((struct rte_ipv4_hdr *)p, (uint16_t)(a->header_len + len), a->ip_sum, marks);
	return p;
}

/* All headers at once; false: the neighbour is not known yet, stage_tx takes the packet up. */
static __rte_always_inline bool plain_send(struct dp_worker *w,
					   struct rte_mbuf *m,
					   struct dp_meta *meta,
					   const struct adj *a)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	union neigh_rewrite r = neigh_rewrite_load(a->neigh);
	struct dp_spoke_counters *counters = &w->spokes[a->spoke];
	uint32_t front = a->header_len;

	RTE_ASSERT(rte_pktmbuf_headroom(m) >= front + RTE_ETHER_HDR_LEN);
	live_note(LIVE_SPOKE, a->spoke);
	counters->tx_pkts++;
	counters->tx_bytes += m->data_len;
	p = header_write(
		p, m->data_len, a,
		outer_marks_ip(a, (const struct rte_ipv4_hdr *)p, (uint16_t)counters->tx_pkts));
	meta->neigh = a->neigh;
	dp_meta_neigh_note(meta);
	if (unlikely(r.port == NEIGH_UNRESOLVED)) {
		dp_data_set(m, m->data_off - front, m->data_len + front);
		return false;
	}
	memcpy(p - RTE_ETHER_HDR_LEN, &r.eth, RTE_ETHER_HDR_LEN);
	front += RTE_ETHER_HDR_LEN;
	dp_data_set(m, m->data_off - front, m->data_len + front);
	tx_put(w, r.port, m);
	return true;
}

uint16_t stage_gre_out(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint16_t good = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct dp_meta *meta = dp_meta(m[i]);
		const struct adj *a = &adjs[meta->adj];

		if (unlikely(meta->adj == 0)) {
			m[good++] = m[i];
			continue;
		}
		dp_meta_adj_check(meta);
		if (unlikely(a->neigh == 0))
			icmp_refuse(w, m[i], DP_DROP_NO_UNDERLAY_ROUTE);
		else if (unlikely(!plain_send(w, m[i], meta, a)))
			m[good++] = m[i];
	}
	return good;
}

bool underlay_find(struct dp_meta *meta)
{
	uint32_t dst = rte_be_to_cpu_32(meta->outer_dst.ip4_be);
	const struct fib_nh *nh;
	struct table_key key;
	uint64_t index;

	fib_lookup(0, &dst, &index, 1);
	nh = &fib_nhs[index];
	if (index == FIB_NH_NONE || nh->iface_kind != DP_IFACE_PORT || nh->type == DP_ROUTE_LOCAL)
		return false;
	meta->out_port = nh->iface;
	if (nh->type == DP_ROUTE_GATEWAY) {
		meta->neigh = nh->to;
		dp_meta_neigh_note(meta);
		return true;
	}
	key = neigh_key(nh->iface, &meta->outer_dst);
	meta->neigh = table_get(neigh_table, &key);
	dp_meta_neigh_note(meta);
	return true;
}

static bool nhrp_encapsulate(struct dp_worker *w, struct rte_mbuf *m)
{
	struct dp_meta *meta = dp_meta(m);
	struct table_key key = spoke_key(meta->tunnel, &meta->outer_dst, meta->natt_port);
	uint32_t spoke = table_get(spoke_table, &key);
	const struct adj *a = &adjs[spoke_adj(spoke)];
	rte_be16_t protocol = RTE_BE16(GRE_PROTO_NHRP);
	struct adj bare;
	uint8_t *p;

	if (spoke != 0 && a->neigh != 0) {
		meta->neigh = a->neigh;
		dp_meta_neigh_note(meta);
	} else {
		if (!underlay_find(meta))
			return false;
		adj_build(&bare, meta->tunnel, &meta->outer_dst);
		a = &bare;
	}
	p = header_write(rte_pktmbuf_mtod(m, uint8_t *), m->data_len, a,
			 outer_marks_nhrp(a, (uint16_t)w->stats.injected_pkts));
	dp_data_set(m, m->data_off - (uint32_t)a->header_len,
		    m->data_len + (uint32_t)a->header_len);
	memcpy(p + ADJ_GRE_PROTOCOL_OFFSET, &protocol, sizeof(protocol));
	return true;
}

uint16_t stage_nhrp_out(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint16_t good = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (likely(nhrp_encapsulate(w, m[i])))
			m[good++] = m[i];
		else
			dp_drop(w, m[i], DP_DROP_NO_UNDERLAY_ROUTE);
	}
	return good;
}
