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

struct flow {
	uint32_t from, route, host;
};

/* A packet of the flow; on the LAN it comes from a host behind it. */
static void inner_make(struct net *net, struct rte_mbuf *m, uint16_t size, const struct flow *flow)
{
	struct rte_ipv4_hdr ip;

	rte_pktmbuf_reset(m);
	ip_make(&ip, size, IPPROTO_UDP, 0xac100000U + (flow->host & 0xffffU),
		net->route_ip[flow->route] | (flow->host >> 24));
	memcpy(rte_pktmbuf_append(m, size), &ip, sizeof(ip));
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

static struct flow flow_draw(struct net *net)
{
	struct flow flow = {.route = net_random(net) % net->routes};

	flow.from = net_random(net) % net->spokes;
	flow.host = net_random(net);
	return flow;
}

/* A size out of `deck`, which holds those of the mix that are still to come. */
static uint16_t size_draw(struct net *net, struct mix *deck)
{
	const struct mix *mix = net->mix;
	uint16_t bytes;
	uint32_t i;

	if (mix->count == 1)
		return mix->bytes[0];
	if (deck->count == 0)
		*deck = *mix;
	i = net_random(net) % deck->count;
	bytes = deck->bytes[i];
	deck->bytes[i] = deck->bytes[--deck->count];
	return bytes;
}

void train_make(struct net *net)
{
	uint32_t from[TRAIN_PKTS];
	struct mix deck = {0};
	struct flow flow;

	for (unsigned i = 0; i < net->train_pkts; i++) {
		if (i % net->flow_pkts == 0)
			flow = flow_draw(net);
		from[i] = flow.from;
		net->bytes[i] = size_draw(net, &deck);
		inner_make(net, net->train[i], net->bytes[i], &flow);
		net->expect[i] = net->route_spoke[flow.route];
		if (!path_from_lan(net->path))
			gre_prepend(net->train[i]);
		if (net->path == PATH_GRE)
			outer_prepend(net->train[i], flow.from);
	}
	if (net->path == PATH_HAIRPIN || net->path == PATH_IN)
		side_encrypt(net, net->train, from, net->train_pkts);
	for (unsigned i = 0; i < net->train_pkts; i++)
		eth_prepend(net->train[i], path_from_lan(net->path) ? net->lan : net->port);
}

void train_burst(struct net *net, uint32_t at)
{
	rte_ring_sp_enqueue_bulk(net->rx, (void **)&net->train[at], net->burst, NULL);
}

static bool inner_is_right(const struct rte_mbuf *m, uint16_t size)
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
			    uint16_t size,
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

uint32_t train_verify(struct net *net)
{
	unsigned n = rte_ring_sc_dequeue_burst(net->tx, (void **)net->train, net->train_pkts, NULL);
	uint32_t wrong = net->train_pkts - n;

	for (unsigned i = 0; i < n; i++)
		wrong += !packet_is_right(net, net->train[i], net->bytes[i], net->expect[i]);
	/* Lost packets are freed by the product: the next train needs as many. */
	for (unsigned i = n; i < net->train_pkts; i++)
		net->train[i] = rte_pktmbuf_alloc(dp_pool);
	return wrong;
}
