/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_ip_in: an inner IPv4 packet is looked at before it may go anywhere.
 *
 * Header (RFC 1812 section 5.2.2), congestion mark of the outer header (RFC 6040 section 4.2),
 * broadcast and multicast, martians (RFC 1812 section 5.3.7), source check of packets from a
 * tunnel. A GRE keep-alive of a point-to-point spoke, a packet of ours to the spoke inside the
 * tunnel, goes back where it came from. Packets that the kernel sent into a twin are ours: only
 * their header is checked, and their multicast is replicated, as is that of configured groups from
 * LAN ports (mcast.c).
 */
#include "police.h"
#include "source.h"
#include "stages.h"
#include "tunnel.h"
#include "wire.h"

#define GO_ON     (-1)
#define PUNT      (-2)
#define REPLICATE (-3)
#define SEND_BACK (-4)

#define ECN_MASK  0x03
#define ECN_ECT1  0x01
#define ECN_ECT0  0x02
#define ECN_CE    0x03

void punt_to_twin(struct dp_worker *w, struct rte_mbuf *m, const struct dp_meta *meta)
{
	if (meta->flags & DP_META_FROM_TUNNEL) {
		police_punt(w, m, DP_PUNT_TUNNEL_TWIN);
		return;
	}
	/* stage_rx took the Ethernet header off; its bytes are still there. */
	rte_pktmbuf_prepend(m, RTE_ETHER_HDR_LEN);
	police_punt(w, m, DP_PUNT_PORT_TWIN);
}

/* RFC 6040 figure 4, the rows where the outer mark changes something. -1 or a drop reason. */
static int ecn_decapsulate(struct rte_ipv4_hdr *ip, uint8_t outer)
{
	uint8_t inner = ip->type_of_service & ECN_MASK;

	if (outer == ECN_CE && inner == 0)
		return DP_DROP_ECN;
	if (outer == ECN_CE || (outer == ECN_ECT1 && inner == ECN_ECT0))
		ip4_tos_set(ip, (uint8_t)((ip->type_of_service & ~ECN_MASK) | outer));
	return GO_ON;
}

/* From us, to the router that sent it, GRE with protocol type 0. It would go back in clear: not by
 * a protected tunnel. */
static bool is_keepalive(const struct rte_mbuf *m, const struct dp_meta *meta)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t ihl = rte_ipv4_hdr_len(ip);
	rte_be16_t protocol;

	if (meta->flags & DP_META_FROM_ESP)
		return false;
	if (ip->next_proto_id != IPPROTO_GRE || ip->dst_addr != meta->outer_src.ip4_be ||
	    ip->src_addr != tunnels[meta->tunnel].conf.source.ip4_be || m->data_len < ihl + 4)
		return false;
	memcpy(&protocol, (const uint8_t *)ip + ihl + 2, sizeof(protocol));
	return protocol == 0;
}

static int source_check(const struct rte_mbuf *m, const struct dp_meta *meta, rte_be32_t src)
{
	int reason = GO_ON;

	switch ((enum dp_source_check)tunnels[meta->tunnel].conf.source_check) {
	case DP_SOURCE_CHECK_OFF:
		return GO_ON;
	case DP_SOURCE_CHECK_OWN:
		if (unlikely(source_is_suspect(src)))
			reason = source_check_own(meta, src);
		break;
	case DP_SOURCE_CHECK_STRICT:
		reason = source_check_strict(meta, src);
		break;
	}
	if (unlikely(reason == DP_DROP_SOURCE_OURS) && is_keepalive(m, meta))
		return SEND_BACK;
	return reason;
}

static int multicast_verdict(const struct rte_ipv4_hdr *ip, const struct dp_meta *meta)
{
	if (meta->flags & DP_META_FROM_TWIN)
		return REPLICATE;
	if (ip->dst_addr == IP4_BROADCAST || ip4_is_link_local_multicast(ip->dst_addr))
		return PUNT;
	if ((meta->flags & DP_META_FROM_TUNNEL) || !mcast_lan_takes(ip->dst_addr))
		return DP_DROP_NO_MROUTE;
	if (ip4_is_martian_source(ip->src_addr))
		return DP_DROP_MARTIAN;
	return ip->time_to_live <= 1 ? (int)DP_DROP_TTL_EXPIRED : REPLICATE;
}

/* Packets between ordinary unicast addresses are on their way without them. */
static int addresses_check(const struct rte_ipv4_hdr *ip, const struct dp_meta *meta)
{
	if (likely(ip4_is_unicast(ip->src_addr) && ip4_is_unicast(ip->dst_addr)))
		return GO_ON;
	if (ip4_is_multicast(ip->dst_addr) || ip->dst_addr == IP4_BROADCAST)
		return multicast_verdict(ip, meta);
	if (meta->flags & DP_META_FROM_TWIN)
		return GO_ON;
	return DP_DROP_MARTIAN;
}

static int check(struct rte_mbuf *m, const struct dp_meta *meta)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	uint16_t total = ip4_header_check(ip, m->data_len);
	int verdict;

	if (unlikely(total == 0)) {
		if ((meta->flags & DP_META_FROM_TWIN) && m->data_len > 0 &&
		    (ip->version_ihl >> 4) == 6)
			return DP_DROP_IP6_UNSUPPORTED;
		return DP_DROP_INNER_IP_HEADER;
	}
	if (unlikely(total != m->data_len))
		dp_data_set(m, m->data_off, total);
	if (unlikely(meta->outer_ecn != 0) && ecn_decapsulate(ip, meta->outer_ecn) != GO_ON)
		return DP_DROP_ECN;
	verdict = addresses_check(ip, meta);
	if (likely(verdict == GO_ON) && (meta->flags & DP_META_FROM_TUNNEL))
		return source_check(m, meta, ip->src_addr);
	return verdict;
}

/* A keep-alive: straight to the underlay, as any router would forward it. */
static void send_back(struct dp_worker *w, struct rte_mbuf *m, struct dp_meta *meta)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);

	meta->outer_dst = meta->outer_src;
	if (ip->time_to_live <= 1 || !underlay_find(meta)) {
		dp_drop(w, m, DP_DROP_NO_UNDERLAY_ROUTE);
		return;
	}
	/* A real one has 24 bytes; reassembly lets much longer ones come this far. */
	if (m->data_len > port_hot[meta->out_port].mtu) {
		dp_drop(w, m, DP_DROP_TOO_BIG);
		return;
	}
	ip4_ttl_decrement(ip);
	w->stats.keepalives++;
	stage_tx(w, &m, 1);
}

static void exception(struct dp_worker *w, struct rte_mbuf *m, int verdict)
{
	struct dp_meta *meta = dp_meta(m);

	switch (verdict) {
	case PUNT:
		punt_to_twin(w, m, meta);
		break;
	case REPLICATE:
		if (meta->flags & DP_META_FROM_TWIN)
			mcast_add(w, m);
		else
			mcast_add_lan(w, m);
		break;
	case SEND_BACK:
		send_back(w, m, meta);
		break;
	default:
		dp_drop(w, m, (enum dp_drop_reason)verdict);
		break;
	}
}

uint16_t stage_ip_in(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint16_t good = 0;

	for (uint16_t i = 0; i < n; i++) {
		int verdict = check(m[i], dp_meta(m[i]));

		if (likely(verdict == GO_ON))
			m[good++] = m[i];
		else
			exception(w, m[i], verdict);
	}
	return good;
}
