/* SPDX-License-Identifier: Apache-2.0 */
/* train: packets as the spokes send them, and what must come back. Never inside the timed part. */
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "dataplane/dp_priv.h"
#include "testpmd.h"

#define OUTER_BYTES 28 /* IPv4, GRE with key */

static void ip_make(
	struct rte_ipv4_hdr *ip, uint16_t len, uint8_t protocol, uint32_t src, uint32_t dst)
{
	*ip = (struct rte_ipv4_hdr){.version_ihl = RTE_IPV4_VHL_DEF,
				    .total_length = rte_cpu_to_be_16(len),
				    .time_to_live = 64,
				    .next_proto_id = protocol,
				    .src_addr = rte_cpu_to_be_32(src),
				    .dst_addr = rte_cpu_to_be_32(dst)};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void packet_make(struct net *net, struct rte_mbuf *m, uint32_t size, uint32_t *expect)
{
	static const uint8_t gre[8] = {0x20, 0, 0x08, 0, 0, 0, 0, GRE_KEY};
	uint32_t r = net_random(net) % net->routes, from = net_random(net) % net->spokes;
	uint32_t host = net_random(net);
	struct rte_ether_hdr *eth;
	struct rte_ipv4_hdr ip;
	uint8_t *p;

	rte_pktmbuf_reset(m);
	p = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(RTE_ETHER_HDR_LEN + OUTER_BYTES + size));
	eth = (struct rte_ether_hdr *)p;
	eth->dst_addr = port_hot[net->port].mac;
	memset(&eth->src_addr, 2, sizeof(eth->src_addr));
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	p += RTE_ETHER_HDR_LEN;
	ip_make(&ip, (uint16_t)(OUTER_BYTES + size), IPPROTO_GRE, SPOKE_NBMA + from, HUB_NBMA);
	memcpy(p, &ip, sizeof(ip));
	memcpy(p + sizeof(ip), gre, sizeof(gre));
	ip_make(&ip, (uint16_t)size, IPPROTO_UDP, 0xac100000U + (host & 0xffffU),
		net->route_ip[r] | (host >> 24));
	memcpy(p + OUTER_BYTES, &ip, sizeof(ip));
	*expect = rte_cpu_to_be_32(SPOKE_NBMA + net->route_spoke[r]);
}

void train_make(struct net *net, uint32_t size)
{
	for (unsigned i = 0; i < TRAIN_PKTS; i++)
		packet_make(net, net->train[i], size, &net->expect[i]);
	rte_ring_sp_enqueue_bulk(net->rx, (void **)net->train, TRAIN_PKTS, NULL);
}

static bool packet_is_right(const struct rte_mbuf *m, uint32_t size, uint32_t expect)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *) + RTE_ETHER_HDR_LEN;
	struct rte_ipv4_hdr outer, inner;

	if (m->data_len != RTE_ETHER_HDR_LEN + OUTER_BYTES + size)
		return false;
	memcpy(&outer, p, sizeof(outer));
	memcpy(&inner, p + OUTER_BYTES, sizeof(inner));
	return outer.dst_addr == expect && rte_raw_cksum(p, sizeof(outer)) == 0xffff &&
	       rte_raw_cksum(p + OUTER_BYTES, sizeof(inner)) == 0xffff && inner.time_to_live == 63;
}

uint32_t train_verify(struct net *net, uint32_t size)
{
	unsigned n = rte_ring_sc_dequeue_burst(net->tx, (void **)net->train, TRAIN_PKTS, NULL);
	uint32_t wrong = TRAIN_PKTS - n;

	for (unsigned i = 0; i < n; i++)
		wrong += !packet_is_right(net->train[i], size, net->expect[i]);
	/* Lost packets are freed by the product: the next train needs as many. */
	for (unsigned i = n; i < TRAIN_PKTS; i++)
		net->train[i] = rte_pktmbuf_alloc(dp_pool);
	return wrong;
}
