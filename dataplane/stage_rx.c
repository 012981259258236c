/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_rx: what came from a port, told apart.
 *
 * On an underlay port only packets for our own addresses are accepted: GRE and, where a tunnel is
 * protected, ESP go on, everything else for us goes to the port's twin, transit is dropped. On a
 * LAN port IPv4 goes on as inner packet. ARP, broadcast and link-local multicast go to the twin.
 * Headers: RFC 894, RFC 1812 section 5.2.2; ESP in UDP: RFC 3948 section 2.
 * Of GRE the outer header is off already: what it says is in the meta.
 * Fragments of GRE and ESP to us go to reass.c, where there is ESP also those of UDP, which may be
 * ESP; fragments of anything else are the kernel's business.
 * Not done: IPv6.
 */
#include <rte_udp.h>

#include "esp.h"
#include "fib.h"
#include "police.h"
#include "reass.h"
#include "stages.h"
#include "tunnel.h"
#include "wire.h"

/* Verdicts of classify(), or one of the drop reasons. */
#define INNER_IP      (-1)
#define GRE           (-2)
#define PUNT          (-3)
#define REASSEMBLE    (-4)
#define ESP           (-5)
#define ABSORB        (-6)

#define DATA_PREFETCH 6 /* packets ahead */

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

/* `len` bytes of a UDP datagram to us. IKE and ESP share a port: ESP has no SPI of 0. */
static int classify_udp(const uint8_t *p, uint32_t len)
{
	struct rte_udp_hdr udp;
	rte_be32_t spi_be;

	if (len <= sizeof(udp))
		return PUNT;
	memcpy(&udp, p, sizeof(udp));
	if (udp.dst_port != RTE_BE16(ESP_UDP_PORT))
		return PUNT;
	if (len == sizeof(udp) + 1 && p[sizeof(udp)] == ESP_KEEPALIVE)
		return ABSORB;
	if (len < sizeof(udp) + sizeof(spi_be))
		return PUNT;
	memcpy(&spi_be, p + sizeof(udp), sizeof(spi_be));
	return spi_be == 0 ? PUNT : ESP;
}

/* To us, whole, and not GRE. */
static int classify_to_us(const struct rte_ipv4_hdr *ip)
{
	uint32_t ihl = rte_ipv4_hdr_len(ip);

	if (tunnel_protected_count == 0)
		return PUNT;
	if (ip->next_proto_id == IPPROTO_ESP)
		return ESP;
	if (ip->next_proto_id == IPPROTO_UDP)
		return classify_udp((const uint8_t *)ip + ihl,
				    (uint32_t)rte_be_to_cpu_16(ip->total_length) - ihl);
	return PUNT;
}

static bool may_be_esp(const struct rte_ipv4_hdr *ip)
{
	return tunnel_protected_count != 0 &&
	       (ip->next_proto_id == IPPROTO_ESP || ip->next_proto_id == IPPROTO_UDP);
}

/* IPv4 on an underlay port, header checked. */
static int classify_underlay(const struct rte_ipv4_hdr *ip, bool lan, rte_be32_t *last)
{
	if (ip->next_proto_id == IPPROTO_GRE && is_local(ip->dst_addr, last))
		return unlikely(ip4_is_fragment(ip)) ? REASSEMBLE : GRE;
	if (may_be_esp(ip) && is_local(ip->dst_addr, last))
		return unlikely(ip4_is_fragment(ip)) ? REASSEMBLE : classify_to_us(ip);
	if (lan)
		return INNER_IP;
	return is_local(ip->dst_addr, last) ? PUNT : DP_DROP_TRANSIT_UNDERLAY;
}

static int classify_ip4(struct rte_mbuf *m, const struct port_hot *port, rte_be32_t *last)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	uint32_t len = m->data_len - (uint32_t)RTE_ETHER_HDR_LEN;
	uint16_t total = ip4_header_check(ip, len);

	if (unlikely(total == 0))
		return DP_DROP_OUTER_IP_HEADER;
	/* Ethernet pads short frames: the IP length rules. */
	if (unlikely(total != len))
		rte_pktmbuf_trim(m, (uint16_t)(len - total));
	if (unlikely(ip->dst_addr == IP4_BROADCAST || ip4_is_link_local_multicast(ip->dst_addr)))
		return PUNT;
	if (port->role & DP_PORT_UNDERLAY)
		return classify_underlay(ip, (port->role & DP_PORT_LAN) != 0, last);
	return INNER_IP;
}

/* A unicast packet in a broadcast frame is not forwarded (RFC 1812 section 5.3.4), hence never the
 * subject of an ICMP error. `verdict`: what it would be otherwise. */
static int broadcast_verdict(const struct rte_mbuf *m, int verdict, rte_be32_t *last)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);

	if (verdict != INNER_IP || ip4_is_multicast(ip->dst_addr) || is_local(ip->dst_addr, last))
		return verdict;
	return DP_DROP_LINK_BROADCAST;
}

static int classify(struct rte_mbuf *m, rte_be32_t *last)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct port_hot *port = &port_hot[dp_meta(m)->in_port];
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
		verdict = classify_ip4(m, port, last);
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

/* The outer IPv4 header, `at` bytes behind the start of the packet, into the meta and off. */
static __rte_always_inline void header_off(struct rte_mbuf *m, uint32_t at)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, at);
	struct dp_meta *meta = dp_meta(m);

	meta->kind = DP_KIND_GRE;
	meta->outer_ecn = ip->type_of_service & RTE_IPV4_HDR_ECN_MASK;
	addr_store_ip4(&meta->outer_src, ip->src_addr);
	addr_store_ip4(&meta->outer_dst, ip->dst_addr);
	at += rte_ipv4_hdr_len(ip);
	dp_data_set(m, m->data_off + at, m->data_len - at);
}

static void exception(struct dp_worker *w, struct rte_mbuf *m, int verdict)
{
	switch (verdict) {
	case PUNT:
		police_punt(w, m, DP_PUNT_PORT_TWIN);
		break;
	case REASSEMBLE:
		rte_pktmbuf_adj(m, RTE_ETHER_HDR_LEN);
		reass_fragment(w, m);
		break;
	case ABSORB:
		w->stats.absorbed_pkts++;
		dp_release(m);
		break;
	default:
		dp_drop(w, m, (enum dp_drop_reason)verdict);
		break;
	}
}

uint16_t stage_rx(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	rte_be32_t last_local = 0; /* 0.0.0.0 is nobody's */
	uint16_t good = 0, esp = 0;

	for (uint16_t i = 0; i < n; i++) {
		int verdict;

		if (i + DATA_PREFETCH < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + DATA_PREFETCH], void *));
		verdict = classify(m[i], &last_local);
		if (likely(verdict == GRE)) {
			header_off(m[i], RTE_ETHER_HDR_LEN);
		} else if (verdict == INNER_IP || verdict == ESP) {
			dp_meta(m[i])->kind = verdict == ESP ? DP_KIND_ESP : DP_KIND_IP;
			esp += verdict == ESP;
			dp_data_set(m[i], m[i]->data_off + (uint32_t)RTE_ETHER_HDR_LEN,
				    m[i]->data_len - (uint32_t)RTE_ETHER_HDR_LEN);
		} else {
			exception(w, m[i], verdict);
			continue;
		}
		m[good++] = m[i];
	}
	w->esp_n = esp;
	return good;
}

/* Put together for nothing: the kernel's after all. It wants a frame, and a header that is right
 * again. */
static void punt_whole(struct dp_worker *w, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct rte_ether_hdr eth = {.dst_addr = port_hot[dp_meta(m)->in_port].mac,
				    .src_addr = {.addr_bytes = {RTE_ETHER_LOCAL_ADMIN_ADDR}},
				    .ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4)};

	ip->hdr_checksum = 0;
	ip->hdr_checksum = (rte_be16_t)~rte_raw_cksum(ip, rte_ipv4_hdr_len(ip));
	memcpy(rte_pktmbuf_prepend(m, RTE_ETHER_HDR_LEN), &eth, sizeof(eth));
	police_punt(w, m, DP_PUNT_PORT_TWIN);
}

uint16_t stage_rx_whole(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint16_t good = 0, esp = 0;

	for (uint16_t i = 0; i < n; i++) {
		const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m[i], const struct rte_ipv4_hdr *);
		int verdict = ip->next_proto_id == IPPROTO_GRE ? GRE : classify_to_us(ip);

		if (verdict == PUNT) {
			punt_whole(w, m[i]);
			continue;
		}
		if (verdict == GRE) {
			header_off(m[i], 0);
		} else if (verdict == ESP) {
			dp_meta(m[i])->kind = DP_KIND_ESP;
			esp++;
		} else {
			exception(w, m[i], verdict);
			continue;
		}
		m[good++] = m[i];
	}
	w->esp_n = esp;
	return good;
}
