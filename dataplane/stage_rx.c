/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_rx: what came from a port, told apart.
 *
 * On an underlay port only packets for our own addresses are accepted: GRE goes on, everything else
 * for us goes to the port's twin, transit is dropped. On a LAN port IPv4 goes on as inner packet.
 * ARP, broadcast and link-local multicast go to the twin. Headers: RFC 894, RFC 1812 section 5.2.2.
 * Fragments of GRE to us go to reass.c; fragments of anything else are the kernel's business.
 * Not done: IPv6, ESP.
 */
#include "fib.h"
#include "police.h"
#include "reass.h"
#include "stages.h"
#include "wire.h"

/* Verdicts of classify(), or one of the drop reasons. */
#define GO_ON      (-1)
#define PUNT       (-2)
#define REASSEMBLE (-3)

/* One of our addresses? Asked for each packet that came by an underlay port, and nearly always for
 * the same address: `last` remembers it over the burst. */
static bool is_local(rte_be32_t addr, rte_be32_t *last)
{
	if (likely(addr == *last))
		return true;
	if (!fib_is_local(addr))
		return false;
	*last = addr;
	return true;
}

/* IPv4 on an underlay port, header checked. */
static int classify_underlay(const struct rte_ipv4_hdr *ip,
			     struct dp_meta *meta,
			     bool lan,
			     rte_be32_t *last)
{
	if (ip->next_proto_id == IPPROTO_GRE && is_local(ip->dst_addr, last)) {
		meta->kind = DP_KIND_GRE;
		return unlikely(ip4_is_fragment(ip)) ? REASSEMBLE : GO_ON;
	}
	if (lan)
		return GO_ON;
	return is_local(ip->dst_addr, last) ? PUNT : DP_DROP_TRANSIT_UNDERLAY;
}

static int classify_ip4(struct rte_mbuf *m,
			struct dp_meta *meta,
			const struct port_hot *port,
			rte_be32_t *last)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	uint16_t total = ip4_header_check(ip, m->data_len - RTE_ETHER_HDR_LEN);

	if (unlikely(total == 0))
		return DP_DROP_OUTER_IP_HEADER;
	/* Ethernet pads short frames: the IP length rules. */
	rte_pktmbuf_trim(m, (uint16_t)(m->data_len - RTE_ETHER_HDR_LEN - total));
	if (unlikely(ip->dst_addr == IP4_BROADCAST || ip4_is_link_local_multicast(ip->dst_addr)))
		return PUNT;
	meta->kind = DP_KIND_IP;
	if (port->role & DP_PORT_UNDERLAY)
		return classify_underlay(ip, meta, (port->role & DP_PORT_LAN) != 0, last);
	return GO_ON;
}

/* A unicast packet in a broadcast frame is not forwarded (RFC 1812 section 5.3.4), hence never the
 * subject of an ICMP error. `verdict`: what it would be otherwise. */
static int broadcast_verdict(const struct rte_mbuf *m, int verdict, rte_be32_t *last)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);

	if (verdict != GO_ON || ip4_is_multicast(ip->dst_addr) || is_local(ip->dst_addr, last))
		return verdict;
	return DP_DROP_LINK_BROADCAST;
}

static int classify(struct rte_mbuf *m, struct dp_meta *meta, rte_be32_t *last)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct port_hot *port = &port_hot[meta->in_port];
	bool broadcast;
	int verdict;

	if (unlikely(m->data_len < sizeof(*eth)))
		return DP_DROP_RUNT;
	if (unlikely(m->ol_flags & RTE_MBUF_F_RX_VLAN))
		return DP_DROP_VLAN;
	broadcast = unlikely(!rte_is_same_ether_addr(&eth->dst_addr, &port->mac));
	if (broadcast && !rte_is_multicast_ether_addr(&eth->dst_addr))
		return DP_DROP_NOT_OUR_MAC;
	switch (rte_be_to_cpu_16(eth->ether_type)) {
	case RTE_ETHER_TYPE_IPV4:
		verdict = classify_ip4(m, meta, port, last);
		return unlikely(broadcast) ? broadcast_verdict(m, verdict, last) : verdict;
	case RTE_ETHER_TYPE_ARP:
		return PUNT;
	case RTE_ETHER_TYPE_IPV6:
		return DP_DROP_IP6_UNSUPPORTED;
	case RTE_ETHER_TYPE_VLAN:
	case RTE_ETHER_TYPE_QINQ:
		return DP_DROP_VLAN;
	default:
		return DP_DROP_ETHERTYPE;
	}
}

uint16_t stage_rx(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	rte_be32_t last_local = 0; /* 0.0.0.0 is nobody's */
	uint16_t good = 0;

	for (uint16_t i = 0; i < n; i++) {
		int verdict;

		if (i + 6 < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + 6], void *));
		verdict = classify(m[i], dp_meta(m[i]), &last_local);
		if (likely(verdict == GO_ON)) {
			rte_pktmbuf_adj(m[i], RTE_ETHER_HDR_LEN);
			m[good++] = m[i];
		} else if (verdict == PUNT) {
			police_punt(w, m[i], DP_PUNT_PORT_TWIN);
		} else if (verdict == REASSEMBLE) {
			rte_pktmbuf_adj(m[i], RTE_ETHER_HDR_LEN);
			reass_fragment(w, m[i]);
		} else {
			dp_drop(w, m[i], (enum dp_drop_reason)verdict);
		}
	}
	return good;
}
