/* SPDX-License-Identifier: Apache-2.0 */
/* setup: the benchmark network in the dataplane's own tables, between two rings. */
#include <stdio.h>
#include <stdlib.h>

#include <rte_eth_ring.h>

#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_priv.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"
#include "testpmd.h"

static void die_if(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "dmvpn-testpmd: %s: %s\n", what, dp_error());
	exit(1);
}

/* xorshift32: the same trains in every run. */
uint32_t net_random(struct net *net)
{
	net->random ^= net->random << 13;
	net->random ^= net->random >> 17;
	net->random ^= net->random << 5;
	return net->random;
}

static void dataplane_start(const struct options *o)
{
	struct dp_conf conf = {
		.control_lcore = o->cpu,
		.worker_lcores = {o->cpu},
		.worker_count = 1,
		.huge_pages = DP_HUGE_REQUIRED,
		.idle = DP_IDLE_SLEEP, /* two lcores on one CPU; the worker's never starts */
		.limits = {.tunnels = 4,
			   .spokes = o->spokes,
			   .nexthops = o->spokes,
			   .routes = o->routes + 64,
			   .tbl8 = 1024,
			   .neighbours = 64},
		.mtu_max = 1500,
		.descriptors_sum = 4096};

	if (dp_start(&conf) < 0) {
		fprintf(stderr, "dmvpn-testpmd: not measured: %s\n", dp_error());
		exit(77); /* skipped, for test drivers */
	}
}

static void port_start(struct net *net)
{
	struct dp_port_conf conf = {.name = "bench0",
				    .device = "net_ring_bench",
				    .role = DP_PORT_UNDERLAY,
				    .mtu = 1500,
				    .queues = 1,
				    .descriptors = 1024};
	unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;

	net->rx = rte_ring_create("bench-rx", 2 * TRAIN_PKTS, SOCKET_ID_ANY, flags);
	net->tx = rte_ring_create("bench-tx", 2 * TRAIN_PKTS, SOCKET_ID_ANY, flags);
	if (net->rx == NULL || net->tx == NULL ||
	    rte_eth_from_rings("bench", &net->rx, 1, &net->tx, 1, 0) < 0) {
		fprintf(stderr, "dmvpn-testpmd: ring port failed\n");
		exit(1);
	}
	die_if(dp_port_add(&conf, &net->port), "port");
	die_if(port_queues_assign(), "queues");
}

static void route_add(uint32_t ip, uint8_t len, struct dp_route route)
{
	struct dp_prefix p = {.addr = dp_addr_ip4(htonl(ip)), .len = len};

	die_if(dp_fib_set(0, &p, &route), "route");
}

static void underlay_setup(struct net *net)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 0xfe};
	struct dp_iface port = {.kind = DP_IFACE_PORT, .id = net->port};
	struct dp_addr gateway = dp_addr_ip4(htonl(GATEWAY));

	route_add(HUB_NBMA, 32, (struct dp_route){.type = DP_ROUTE_LOCAL, .iface = port});
	die_if(dp_neigh_set(net->port, &gateway, mac), "neighbour");
}

static void spoke_setup(struct net *net, uint16_t tunnel, uint32_t i)
{
	struct dp_spoke_key key = {.tunnel = tunnel, .nbma = dp_addr_ip4(htonl(SPOKE_NBMA + i))};
	struct dp_addr protocol = dp_addr_ip4(htonl(SPOKE_PROTO + i));
	struct dp_addr gateway = dp_addr_ip4(htonl(GATEWAY));
	uint32_t spoke, neigh;

	die_if(dp_spoke_add(&key, &spoke), "spoke");
	die_if(dp_neigh_get(net->port, &gateway, &neigh), "neighbour");
	die_if(dp_spoke_neigh_set(spoke, neigh), "spoke");
	die_if(dp_nexthop_set(tunnel, &protocol, spoke), "next hop");
	dp_poll(); /* the adjacency without neighbour is free again */
}

static void overlay_setup(struct net *net)
{
	struct dp_tunnel_conf conf = {.name = "Tunnel100",
				      .source = dp_addr_ip4(htonl(HUB_NBMA)),
				      .has_key = true,
				      .key = GRE_KEY,
				      .mtu = 1400,
				      .ttl = 64,
				      .redirect = true,
				      .redirect_interval_s = 8,
				      .adjust_mss = 1360,
				      .df = DP_DF_COPY,
				      .source_check = DP_SOURCE_CHECK_OWN,
				      .network_id = 1};
	struct dp_route route = {.type = DP_ROUTE_GATEWAY};
	uint16_t tunnel;

	die_if(dp_tunnel_add(&conf, &tunnel), "tunnel");
	for (uint32_t i = 0; i < net->spokes; i++)
		spoke_setup(net, tunnel, i);
	route.iface = (struct dp_iface){.kind = DP_IFACE_TUNNEL, .id = tunnel};
	for (uint32_t r = 0; r < net->routes; r++) {
		net->route_ip[r] = 0x0b000000U + net_random(net) % 0x00700000U * 256U;
		net->route_spoke[r] = r % net->spokes;
		route.gateway = dp_addr_ip4(htonl(SPOKE_PROTO + net->route_spoke[r]));
		route_add(net->route_ip[r], 24, route);
	}
	/* A prefix drawn twice belongs to the later one: ask the table. */
	for (uint32_t r = 0; r < net->routes; r++) {
		struct dp_addr dst = dp_addr_ip4(htonl(net->route_ip[r]));

		die_if(dp_fib_lookup(0, &dst, &route), "look-up");
		net->route_spoke[r] = ntohl(route.gateway.ip4_be) - SPOKE_PROTO;
	}
}

void net_setup(struct net *net, const struct options *o)
{
	*net = (struct net){.spokes = o->spokes, .routes = o->routes, .random = 2463534242U};
	net->route_ip = calloc(o->routes, sizeof(*net->route_ip));
	net->route_spoke = calloc(o->routes, sizeof(*net->route_spoke));
	if (net->route_ip == NULL || net->route_spoke == NULL)
		exit(1);
	dataplane_start(o);
	port_start(net);
	underlay_setup(net);
	overlay_setup(net);
	for (unsigned i = 0; i < TRAIN_PKTS; i++) {
		net->train[i] = rte_pktmbuf_alloc(dp_pool);
		if (net->train[i] == NULL) {
			fprintf(stderr, "dmvpn-testpmd: no buffers\n");
			exit(1);
		}
	}
}
