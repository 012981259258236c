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
#include "spoke.h"
#include "stages.h"
#include "wire.h"

/* The last tunnel and spoke: bursts of one flow skip both look-ups. */
struct last {
	struct table_key tunnel_key, spoke_key;
	uint32_t tunnel_plus1; /* 0: nothing remembered */
	uint32_t spoke;
	bool spoke_valid;
	uint64_t pkts, bytes; /* of `spoke`, not yet in its counters */
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

static bool key_equal(const struct table_key *a, const struct table_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Fills meta->tunnel; false: no such tunnel. */
static bool tunnel_find(struct dp_meta *meta, const struct gre *gre, struct last *last)
{
	struct table_key key =
		tunnel_key(&meta->outer_dst, (gre->flags & GRE_FLAG_KEY) != 0, gre->key);

	if (last->tunnel_plus1 == 0 || !key_equal(&key, &last->tunnel_key)) {
		last->tunnel_key = key;
		last->tunnel_plus1 = table_get(tunnel_table, &key);
	}
	if (unlikely(last->tunnel_plus1 == 0))
		return false;
	meta->tunnel = (uint16_t)(last->tunnel_plus1 - 1);
	return true;
}

static void counters_flush(struct dp_worker *w, struct last *last)
{
	w->spokes[last->spoke].rx_pkts += last->pkts;
	w->spokes[last->spoke].rx_bytes += last->bytes;
	last->pkts = last->bytes = 0;
}

static void spoke_find(struct dp_worker *w, struct dp_meta *meta, struct last *last)
{
	struct table_key key = spoke_key(meta->tunnel, &meta->outer_src, meta->natt_port);

	if (!last->spoke_valid || !key_equal(&key, &last->spoke_key)) {
		counters_flush(w, last);
		last->spoke_key = key;
		last->spoke = table_get(spoke_table, &key);
		last->spoke_valid = true;
	}
	meta->spoke = last->spoke;
}

/* -1: go on with the inner packet; -2: punted; else a drop reason. */
static int decapsulate(struct dp_worker *w, struct rte_mbuf *m, struct last *last)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct dp_meta *meta = dp_meta(m);
	struct gre gre;
	int reason = gre_parse(m, &gre);

	if (unlikely(reason >= 0))
		return reason;
	meta->outer_src = dp_addr_ip4(ip->src_addr);
	meta->outer_dst = dp_addr_ip4(ip->dst_addr);
	meta->natt_port = 0;
	if (!tunnel_find(meta, &gre, last))
		return DP_DROP_GRE_NO_TUNNEL;
	spoke_find(w, meta, last);
	rte_pktmbuf_adj(m, gre.len);
	if (likely(gre.protocol == RTE_ETHER_TYPE_IPV4)) {
		meta->kind = DP_KIND_IP;
		meta->flags = DP_META_FROM_TUNNEL;
		last->pkts++;
		last->bytes += m->data_len;
		return -1;
	}
	if (gre.protocol == GRE_PROTO_NHRP) {
		dp_punt(w, m, DP_PUNT_NHRP);
		return -2;
	}
	return gre.protocol == RTE_ETHER_TYPE_IPV6 ? DP_DROP_IP6_UNSUPPORTED : DP_DROP_GRE_PROTOCOL;
}

uint16_t stage_gre_in(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	struct last last = {0};
	uint16_t good = 0;

	for (uint16_t i = 0; i < n; i++) {
		int verdict = -1;

		if (dp_meta(m[i])->kind == DP_KIND_GRE)
			verdict = decapsulate(w, m[i], &last);
		if (likely(verdict == -1))
			m[good++] = m[i];
		else if (verdict >= 0)
			dp_drop(w, m[i], (enum dp_drop_reason)verdict);
	}
	counters_flush(w, &last);
	return good;
}
