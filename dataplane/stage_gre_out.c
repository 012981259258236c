/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_gre_out: GRE and the outer IPv4 header in front of packets to a spoke, from its adjacency:
 * one copy, one length, one checksum fold. RFC 2784, RFC 2890. Those to a protected one are left to
 * stage_esp_out, or die here when it has no SA.
 * stage_nhrp_out does the same for NHRP from the control core, which may also go to an address that
 * is no spoke's (a refused registration).
 */
#include "fib.h"
#include "icmp.h"
#include "neigh.h"
#include "outer.h"
#include "sa.h"
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

/* The control core hears of it. */
static void no_sa(struct dp_worker *w, struct rte_mbuf *m, const struct dp_meta *meta)
{
	sa_tell_wanted(w, meta->adj);
	icmp_refuse(w, m, DP_DROP_ESP_NO_SA);
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
		else if (unlikely(a->is_protected && a->sa == 0))
			no_sa(w, m[i], meta);
		else if (a->is_protected || unlikely(!plain_send(w, m[i], meta, a)))
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

/* The SA that the control core has chosen by its SPI; it may be gone by now. */
static void bare_protect(struct adj *bare, const struct dp_meta *meta)
{
	struct table_key key =
		sa_out_key(meta->outer_src.ip4_be, meta->outer_dst.ip4_be, meta->nhrp_spi_be);

	bare->sa = table_get(sa_out_table, &key);
	if (meta->natt_port != 0 && bare->sa != 0)
		adj_natt(bare, sas[bare->sa].natt_local_port, meta->natt_port);
}

/* The adjacency of the spoke, or `bare` for an address that is no spoke's; NULL: no way there. */
static const struct adj *nhrp_adj(struct dp_meta *meta, struct adj *bare)
{
	struct table_key key = spoke_key(meta->tunnel, &meta->outer_dst, meta->natt_port);
	uint32_t spoke = table_get(spoke_table, &key);
	const struct adj *a = &adjs[spoke_adj(spoke)];

	if (spoke != 0 && a->neigh != 0 && (!a->is_protected || a->sa != 0)) {
		meta->neigh = a->neigh;
		dp_meta_neigh_note(meta);
		return a;
	}
	if (!underlay_find(meta))
		return NULL;
	adj_build(bare, meta->tunnel, &meta->outer_dst);
	bare->neigh = meta->neigh;
	if (bare->is_protected)
		bare_protect(bare, meta);
	return bare;
}

static bool nhrp_encapsulate(struct dp_worker *w, struct rte_mbuf *m)
{
	struct dp_meta *meta = dp_meta(m);
	rte_be16_t protocol = RTE_BE16(GRE_PROTO_NHRP);
	const struct adj *a;
	struct adj bare;
	uint8_t *p;

	a = nhrp_adj(meta, &bare);
	if (a == NULL) {
		dp_drop(w, m, DP_DROP_NO_UNDERLAY_ROUTE);
		return false;
	}
	if (a->is_protected)
		return esp_out_nhrp(w, m, a);
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
	}
	return good;
}
