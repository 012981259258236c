/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_gre_in: GRE off, tunnel and spoke found, NHRP to the control core.
 *
 * The outer header is off and its addresses are in the meta. Key and local address choose the
 * tunnel, tunnel and outer source the spoke; a source without a spoke is counted in row 0 and goes
 * on: what it may send is the source check's business. Checksum and sequence bits: RFC 2784
 * section 2.1, RFC 2890 section 2.2 (sequence numbers are not enforced). Not done: IPv6 inside, GRE
 * keep-alives (protocol 0).
 */
#include "police.h"
#include "sa.h"
#include "spoke.h"
#include "stages.h"
#include "wire.h"

/*
 * Scratch of one burst. Three passes, because 1,000 spokes and more do not stay in the cache:
 * between them what belongs to each packet's spoke is on its way.
 */
struct burst {
	struct table_key4 tunnel_key; /* of the packet before */
	uint32_t tunnel_plus1;        /* 0: none yet */
	struct table_key4 keys[DP_BURST];
	const struct table_bucket *buckets[DP_BURST];
	uint32_t spokes[DP_BURST];
	rte_be16_t protocol[DP_BURST];
};

struct gre {
	rte_be16_t protocol;
	uint16_t len;
	bool has_key;
	uint32_t key;
};

/* Another header than flags, protocol and perhaps a key. -1 or a drop reason. */
static __rte_noinline int gre_parse_rare(const struct rte_mbuf *m, struct gre *gre, uint16_t flags)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	rte_be32_t key = 0;

	if (flags & (GRE_VERSION_MASK | GRE_RESERVED_MASK))
		return DP_DROP_GRE_HEADER;
	gre->len = gre_header_len(flags);
	if (m->data_len < gre->len)
		return DP_DROP_GRE_HEADER;
	if ((flags & GRE_FLAG_CHECKSUM) && rte_raw_cksum(p, m->data_len) != 0xffff)
		return DP_DROP_GRE_CHECKSUM;
	gre->has_key = (flags & GRE_FLAG_KEY) != 0;
	if (gre->has_key)
		memcpy(&key, p + (flags & GRE_FLAG_CHECKSUM ? 8 : 4), sizeof(key));
	gre->key = rte_be_to_cpu_32(key);
	return -1;
}

/* -1 or a drop reason. */
static int gre_parse(const struct rte_mbuf *m, struct gre *gre)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	rte_be32_t key = 0;
	rte_be16_t flags;

	if (unlikely(m->data_len < 4))
		return DP_DROP_GRE_HEADER;
	memcpy(&flags, p, sizeof(flags));
	memcpy(&gre->protocol, p + 2, sizeof(gre->protocol));
	if (unlikely(flags & ~RTE_BE16(GRE_FLAG_KEY)))
		return gre_parse_rare(m, gre, rte_be_to_cpu_16(flags));
	gre->has_key = flags != 0;
	gre->len = gre->has_key ? 8 : 4;
	if (unlikely(m->data_len < gre->len))
		return DP_DROP_GRE_HEADER;
	if (gre->has_key)
		memcpy(&key, p + 4, sizeof(key));
	gre->key = rte_be_to_cpu_32(key);
	return -1;
}

/* Fills meta->tunnel; false: no such tunnel. */
static bool tunnel_find(struct burst *b, struct dp_meta *meta, const struct gre *gre)
{
	struct table_key4 key = table_key4(meta->outer_dst.ip4_be, gre->has_key, 0, gre->key);

	if (b->tunnel_plus1 == 0 || !table_key4_equal(key, b->tunnel_key)) {
		b->tunnel_key = key;
		b->tunnel_plus1 = table_get4(tunnel_table, table_bucket(tunnel_table, key), key);
	}
	if (unlikely(b->tunnel_plus1 == 0))
		return false;
	meta->tunnel = (uint16_t)(b->tunnel_plus1 - 1);
	return true;
}

/* A protected tunnel takes only what an SA of its profile has authenticated, any other only GRE in
 * clear. */
static bool protection_agrees(const struct dp_meta *meta)
{
	uint32_t profile = tunnels[meta->tunnel].conf.profile;

	if (likely(meta->flags & DP_META_FROM_ESP))
		return profile == sas[meta->sa].profile;
	return profile == 0;
}

/* First pass: GRE header off, tunnel found, the spoke's bucket on its way; `at`: of the burst. -1
 * or a drop reason. */
static int decapsulate(struct burst *b, struct rte_mbuf *m, uint16_t at)
{
	struct dp_meta *meta = dp_meta(m);
	struct table_key4 key;
	struct gre gre;
	int reason = gre_parse(m, &gre);

	if (unlikely(reason >= 0))
		return reason;
	if (unlikely(!tunnel_find(b, meta, &gre)))
		return DP_DROP_GRE_NO_TUNNEL;
	if (unlikely(!protection_agrees(meta)))
		return meta->flags & DP_META_FROM_ESP ? DP_DROP_ESP_WRONG_TUNNEL
						      : DP_DROP_ESP_CLEAR;
	key = table_key4(meta->outer_src.ip4_be, meta->tunnel, meta->natt_port, 0);
	b->keys[at] = key;
	b->buckets[at] = table_bucket(spoke_table, key);
	rte_prefetch0(b->buckets[at]);
	b->protocol[at] = gre.protocol;
	dp_data_set(m, m->data_off + (uint32_t)gre.len, m->data_len - (uint32_t)gre.len);
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

		if (likely(dp_meta(m[i])->kind == DP_KIND_GRE))
			reason = decapsulate(b, m[i], good);
		else
			b->buckets[good] = NULL;
		if (likely(reason == -1))
			m[good++] = m[i];
		else
			dp_drop(w, m[i], (enum dp_drop_reason)reason);
	}
	return good;
}

/* Second pass: the spokes; their counters are on their way. */
static void spokes_find(struct dp_worker *w, struct burst *b, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		if (unlikely(b->buckets[i] == NULL))
			continue; /* not GRE */
		b->spokes[i] = table_get4(spoke_table, b->buckets[i], b->keys[i]);
		if (likely(b->spokes[i] != 0))
			live_note(LIVE_SPOKE, b->spokes[i]);
		rte_prefetch0(&w->spokes[b->spokes[i]]);
	}
}

/* Third pass. -1: go on with the inner packet; -2: punted; else a drop reason. */
static int deliver(struct dp_worker *w, struct rte_mbuf *m, uint32_t spoke, rte_be16_t protocol)
{
	struct dp_meta *meta = dp_meta(m);
	struct dp_spoke_counters *counters =
		likely(spoke != 0) ? &w->spokes[spoke] : &w->strangers[meta->tunnel];

	meta->spoke = spoke;
	if (likely(protocol == RTE_BE16(RTE_ETHER_TYPE_IPV4))) {
		meta->kind = DP_KIND_IP;
		meta->flags |= DP_META_FROM_TUNNEL;
		counters->rx_pkts++;
		counters->rx_bytes += m->data_len;
		return -1;
	}
	if (protocol == RTE_BE16(GRE_PROTO_NHRP)) {
		police_punt(w, m, DP_PUNT_NHRP);
		return -2;
	}
	return protocol == RTE_BE16(RTE_ETHER_TYPE_IPV6) ? DP_DROP_IP6_UNSUPPORTED
							 : DP_DROP_GRE_PROTOCOL;
}

uint16_t stage_gre_in(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint16_t good = 0;
	struct burst b;

	b.tunnel_plus1 = 0;
	n = decapsulate_burst(w, &b, m, n);
	spokes_find(w, &b, n);
	for (uint16_t i = 0; i < n; i++) {
		int verdict = -1;

		if (likely(b.buckets[i] != NULL))
			verdict = deliver(w, m[i], b.spokes[i], b.protocol[i]);
		if (likely(verdict == -1))
			m[good++] = m[i];
		else if (verdict >= 0)
			dp_drop(w, m[i], (enum dp_drop_reason)verdict);
	}
	return good;
}
