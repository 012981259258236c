/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_gre_in: outer IPv4 + GRE off, tunnel and spoke found, NHRP to the control core.
 *
 * The outer header was checked by stage_rx. Key and local address choose the tunnel, tunnel and
 * outer source the spoke; a source without a spoke is counted in row 0 and goes on: what it may
 * send is the source check's business. Checksum and sequence bits: RFC 2784 section 2.1, RFC 2890
 * section 2.2 (sequence numbers are not enforced). Not done: IPv6 inside, GRE keep-alives (protocol
 * 0).
 */
#include "police.h"
#include "spoke.h"
#include "stages.h"
#include "wire.h"

/*
 * Scratch of one burst. Two passes, because the spokes are looked up in bulk: 1,000 spokes and more
 * do not stay in the cache, and only a bulk look-up overlaps its misses. A packet with the same
 * tunnel and source as the one before it adds no key.
 */
struct burst {
	struct table_key tunnel_key; /* of the packet before */
	uint32_t tunnel_plus1;       /* 0: none yet */
	uint16_t key_count;
	struct table_key keys[DP_BURST];
	const void *key_ptrs[DP_BURST];
	void *spokes[DP_BURST]; /* found, by key */
	uint16_t key_of[DP_BURST];
	uint16_t protocol[DP_BURST];
};

struct gre {
	uint16_t flags;
	uint16_t protocol;
	uint16_t len; /* outer IP header + GRE header */
	uint32_t key;
};

/* -1 or a drop reason. */
static int gre_parse(const struct rte_mbuf *m, struct gre *gre)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t ihl = rte_ipv4_hdr_len((const struct rte_ipv4_hdr *)p);
	uint16_t key_at = (uint16_t)(ihl + 4);
	rte_be16_t be16[2];
	rte_be32_t be32;

	if (unlikely(m->data_len < ihl + 4))
		return DP_DROP_GRE_HEADER;
	memcpy(be16, p + ihl, sizeof(be16));
	gre->flags = rte_be_to_cpu_16(be16[0]);
	gre->protocol = rte_be_to_cpu_16(be16[1]);
	gre->len = (uint16_t)(ihl + gre_header_len(gre->flags));
	if (unlikely(gre->flags & (GRE_VERSION_MASK | GRE_RESERVED_MASK)))
		return DP_DROP_GRE_HEADER;
	if (unlikely(m->data_len < gre->len))
		return DP_DROP_GRE_HEADER;
	gre->key = 0;
	if (gre->flags & GRE_FLAG_CHECKSUM) {
		key_at += 4;
		if (rte_raw_cksum(p + ihl, (size_t)(m->data_len - ihl)) != 0xffff)
			return DP_DROP_GRE_CHECKSUM;
	}
	if (gre->flags & GRE_FLAG_KEY) {
		memcpy(&be32, p + key_at, sizeof(be32));
		gre->key = rte_be_to_cpu_32(be32);
	}
	return -1;
}

/* Fills meta->tunnel; false: no such tunnel. */
static bool tunnel_find(struct burst *b, struct dp_meta *meta, const struct gre *gre)
{
	struct table_key key = table_key_ip4(meta->outer_dst.ip4_be,
					     (gre->flags & GRE_FLAG_KEY) != 0, 0, gre->key);

	if (b->tunnel_plus1 == 0 || !table_key_equal(&key, &b->tunnel_key)) {
		b->tunnel_key = key;
		b->tunnel_plus1 = table_get(tunnel_table, &key);
	}
	if (unlikely(b->tunnel_plus1 == 0))
		return false;
	meta->tunnel = (uint16_t)(b->tunnel_plus1 - 1);
	return true;
}

/* The key of this packet's spoke; returns its number in the burst. */
static uint16_t key_add(struct burst *b, const struct dp_meta *meta)
{
	struct table_key key =
		table_key_ip4(meta->outer_src.ip4_be, meta->tunnel, meta->natt_port, 0);

	if (b->key_count > 0 && table_key_equal(&key, &b->keys[b->key_count - 1]))
		return (uint16_t)(b->key_count - 1);
	b->keys[b->key_count] = key;
	b->key_ptrs[b->key_count] = &b->keys[b->key_count];
	return b->key_count++;
}

/* First pass: GRE header off, tunnel found. -1 or a drop reason. */
static int decapsulate(struct burst *b, struct rte_mbuf *m, uint16_t *protocol)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct dp_meta *meta = dp_meta(m);
	struct gre gre;
	int reason = gre_parse(m, &gre);

	if (unlikely(reason >= 0))
		return reason;
	addr_store_ip4(&meta->outer_src, ip->src_addr);
	addr_store_ip4(&meta->outer_dst, ip->dst_addr);
	meta->outer_ecn = ip->type_of_service & 3;
	if (!tunnel_find(b, meta, &gre))
		return DP_DROP_GRE_NO_TUNNEL;
	*protocol = gre.protocol;
	rte_pktmbuf_adj(m, gre.len);
	return -1;
}

static uint16_t decapsulate_burst(struct dp_worker *w,
				  struct burst *b,
				  struct rte_mbuf **m,
				  uint16_t n)
{
	uint16_t good = 0;

	for (uint16_t i = 0; i < n; i++) {
		int reason = -1;

		if (likely(dp_meta(m[i])->kind == DP_KIND_GRE)) {
			reason = decapsulate(b, m[i], &b->protocol[good]);
			if (likely(reason == -1))
				b->key_of[good] = key_add(b, dp_meta(m[i]));
		}
		if (likely(reason == -1))
			m[good++] = m[i];
		else
			dp_drop(w, m[i], (enum dp_drop_reason)reason);
	}
	return good;
}

static void spokes_find(struct dp_worker *w, struct burst *b)
{
	uint64_t hits = 0;

	if (b->key_count == 0)
		return;
	rte_hash_lookup_bulk_data(spoke_table, b->key_ptrs, b->key_count, &hits, b->spokes);
	for (uint16_t i = 0; i < b->key_count; i++) {
		if (unlikely((hits & 1ULL << i) == 0))
			b->spokes[i] = NULL;
		else
			live_note(LIVE_SPOKE, (uint32_t)(uintptr_t)b->spokes[i]);
		rte_prefetch0(&w->spokes[(uintptr_t)b->spokes[i]]);
	}
}

/* Second pass. -1: go on with the inner packet; -2: punted; else a drop reason. */
static int deliver(struct dp_worker *w, struct rte_mbuf *m, uint32_t spoke, uint16_t protocol)
{
	struct dp_meta *meta = dp_meta(m);
	struct dp_spoke_counters *counters =
		likely(spoke != 0) ? &w->spokes[spoke] : &w->strangers[meta->tunnel];

	meta->spoke = spoke;
	if (likely(protocol == RTE_ETHER_TYPE_IPV4)) {
		meta->kind = DP_KIND_IP;
		meta->flags = DP_META_FROM_TUNNEL;
		counters->rx_pkts++;
		counters->rx_bytes += m->data_len;
		return -1;
	}
	if (protocol == GRE_PROTO_NHRP) {
		police_punt(w, m, DP_PUNT_NHRP);
		return -2;
	}
	return protocol == RTE_ETHER_TYPE_IPV6 ? DP_DROP_IP6_UNSUPPORTED : DP_DROP_GRE_PROTOCOL;
}

uint16_t stage_gre_in(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint16_t good = 0;
	struct burst b;

	b.tunnel_plus1 = 0;
	b.key_count = 0;
	n = decapsulate_burst(w, &b, m, n);
	spokes_find(w, &b);
	for (uint16_t i = 0; i < n; i++) {
		int verdict = -1;

		if (likely(dp_meta(m[i])->kind == DP_KIND_GRE))
			verdict = deliver(w, m[i], (uint32_t)(uintptr_t)b.spokes[b.key_of[i]],
					  b.protocol[i]);
		if (likely(verdict == -1))
			m[good++] = m[i];
		else if (verdict >= 0)
			dp_drop(w, m[i], (enum dp_drop_reason)verdict);
	}
	return good;
}
