/* SPDX-License-Identifier: Apache-2.0 */
/* train: packets as the spokes or the LAN send them, and what must come back. Never inside the
 * timed part. */
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>

#include "dataplane/dp_priv.h"
#include "testpmd.h"

static const uint8_t gre_header[GRE_BYTES] = {0x20, 0, 0x08, 0, 0, 0, 0, GRE_KEY};

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

/* A packet to route r; on the LAN it comes from a host behind it. */
static void inner_make(struct net *net, struct rte_mbuf *m, uint32_t size, uint32_t r)
{
	uint32_t host = net_random(net);
	struct rte_ipv4_hdr ip;

	rte_pktmbuf_reset(m);
	ip_make(&ip, (uint16_t)size, IPPROTO_UDP, 0xac100000U + (host & 0xffffU),
		net->route_ip[r] | (host >> 24));
	memcpy(rte_pktmbuf_append(m, (uint16_t)size), &ip, sizeof(ip));
}

static void gre_prepend(struct rte_mbuf *m)
{
	memcpy(rte_pktmbuf_prepend(m, GRE_BYTES), gre_header, GRE_BYTES);
}

static void outer_prepend(struct rte_mbuf *m, uint32_t from)
{
	struct rte_ipv4_hdr ip;

	ip_make(&ip, (uint16_t)(sizeof(ip) + m->data_len), IPPROTO_GRE, SPOKE_NBMA + from,
		HUB_NBMA);
	memcpy(rte_pktmbuf_prepend(m, sizeof(ip)), &ip, sizeof(ip));
}

static void eth_prepend(struct rte_mbuf *m, uint16_t port)
{
	struct rte_ether_hdr *eth =
		(struct rte_ether_hdr *)rte_pktmbuf_prepend(m, RTE_ETHER_HDR_LEN);

	eth->dst_addr = port_hot[port].mac;
	memset(&eth->src_addr, 2, sizeof(eth->src_addr));
	eth->ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
}

void train_make(struct net *net, uint32_t size)
{
	uint32_t from[TRAIN_PKTS];

	for (unsigned i = 0; i < TRAIN_PKTS; i++) {
		uint32_t r = net_random(net) % net->routes;

		from[i] = net_random(net) % net->spokes;
		inner_make(net, net->train[i], size, r);
		net->expect[i] = net->route_spoke[r];
		if (!path_from_lan(net->path))
			gre_prepend(net->train[i]);
		if (net->path == PATH_GRE)
			outer_prepend(net->train[i], from[i]);
	}
	if (net->path == PATH_HAIRPIN || net->path == PATH_IN)
		side_encrypt(net, net->train, from, TRAIN_PKTS);
	for (unsigned i = 0; i < TRAIN_PKTS; i++)
		eth_prepend(net->train[i], path_from_lan(net->path) ? net->lan : net->port);
	rte_ring_sp_enqueue_bulk(net->rx, (void **)net->train, TRAIN_PKTS, NULL);
}

static bool inner_is_right(const struct rte_mbuf *m, uint32_t size)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct rte_ipv4_hdr ip;

	memcpy(&ip, p, sizeof(ip));
	return m->data_len == size && rte_raw_cksum(p, sizeof(ip)) == 0xffff &&
	       ip.time_to_live == 63;
}

/* The outer header is right and goes to this spoke; m starts at GRE then. */
static bool outer_remove(const struct net *net, struct rte_mbuf *m, uint32_t expect)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	struct rte_ipv4_hdr outer;

	memcpy(&outer, p, sizeof(outer));
	if (outer.dst_addr != rte_cpu_to_be_32(SPOKE_NBMA + expect) ||
	    rte_raw_cksum(p, sizeof(outer)) != 0xffff ||
	    rte_be_to_cpu_16(outer.total_length) != m->data_len)
		return false;
	if (net->path != PATH_GRE)
		return side_decrypt(net, m, expect);
	rte_pktmbuf_adj(m, sizeof(outer));
	return true;
}

static bool packet_is_right(const struct net *net,
			    struct rte_mbuf *m,
			    uint32_t size,
			    uint32_t expect)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

	if (m->data_len < RTE_ETHER_HDR_LEN + size)
		return false;
	if (path_to_lan(net->path)) {
		if (p[5] != expect)
			return false;
		rte_pktmbuf_adj(m, RTE_ETHER_HDR_LEN);
		return inner_is_right(m, size);
	}
	rte_pktmbuf_adj(m, RTE_ETHER_HDR_LEN);
	if (!outer_remove(net, m, expect) ||
	    memcmp(rte_pktmbuf_mtod(m, const uint8_t *), gre_header, GRE_BYTES) != 0)
		return false;
	rte_pktmbuf_adj(m, GRE_BYTES);
	return inner_is_right(m, size);
}

uint32_t train_verify(struct net *net, uint32_t size)
{
	unsigned n = rte_ring_sc_dequeue_burst(net->tx, (void **)net->train, TRAIN_PKTS, NULL);
	uint32_t wrong = TRAIN_PKTS - n;

	for (unsigned i = 0; i < n; i++)
		wrong += !packet_is_right(net, net->train[i], size, net->expect[i]);
	/* Lost packets are freed by the product: the next train needs as many. */
	for (unsigned i = n; i < TRAIN_PKTS; i++)
		net->train[i] = rte_pktmbuf_alloc(dp_pool);
	return wrong;
}
