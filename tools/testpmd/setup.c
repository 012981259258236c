/* SPDX-License-Identifier: Apache-2.0 */
/* setup: the benchmark network in the dataplane's own tables, between two rings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eth_ring.h>

#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_priv.h"
#include "dataplane/dp_sa.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"
#include "testpmd.h"

#define PROFILE 1

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

static struct dp_conf conf_of(const struct options *o)
{
	return (struct dp_conf){
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
			   .neighbours = 64,
			   .sas = o->path == PATH_GRE ? 0 : 2 * o->spokes},
		.mtu_max = 1500,
		.descriptors_sum = 4096};
}

static void dataplane_start(const struct options *o)
{
	struct dp_conf conf = conf_of(o);

	if (dp_start(&conf) < 0) {
		fprintf(stderr, "dmvpn-testpmd: not measured: %s\n", dp_error());
		exit(77); /* skipped, for test drivers */
	}
}

void net_memory(const struct options *o, struct report *report)
{
	struct dp_conf conf = conf_of(o);
	struct dp_memory_plan full, empty;

	dp_memory_plan(&conf, &full);
	conf.limits.spokes = conf.limits.nexthops = conf.limits.sas = 0;
	dp_memory_plan(&conf, &empty);
	report->memory_bytes = full.total_bytes;
	report->spoke_bytes = (full.total_bytes - empty.total_bytes) / o->spokes;
}

static struct rte_ring *ring_make(const char *name)
{
	struct rte_ring *r =
		rte_ring_create(name, 2 * TRAIN_PKTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);

	if (r == NULL) {
		fprintf(stderr, "dmvpn-testpmd: ring %s failed\n", name);
		exit(1);
	}
	return r;
}

struct port_names {
	const char *port, *device, *ethdev, *rx, *tx;
};

static uint16_t port_start(const struct port_names *names,
			   enum dp_port_role role,
			   struct rte_ring **rx,
			   struct rte_ring **tx)
{
	struct dp_port_conf conf = {.role = role, .mtu = 1500, .queues = 1, .descriptors = 1024};
	uint16_t port;

	snprintf(conf.name, sizeof(conf.name), "%s", names->port);
	snprintf(conf.device, sizeof(conf.device), "%s", names->device);
	*rx = ring_make(names->rx);
	*tx = ring_make(names->tx);
	if (rte_eth_from_rings(names->ethdev, rx, 1, tx, 1, 0) < 0) {
		fprintf(stderr, "dmvpn-testpmd: ring port failed\n");
		exit(1);
	}
	die_if(dp_port_add(&conf, &port), "port");
	return port;
}

/* The worker has a LAN port only where the path does: an empty queue costs its turn something. */
static void ports_start(struct net *net)
{
	static const struct port_names wan = {"bench0", "net_ring_bench", "bench", "bench-rx",
					      "bench-tx"};
	static const struct port_names lan = {"bench1", "net_ring_lan", "lan", "lan-rx", "lan-tx"};
	struct rte_ring *lan_rx, *lan_tx;

	net->port = port_start(&wan, DP_PORT_UNDERLAY, &net->rx, &net->tx);
	if (path_from_lan(net->path) || path_to_lan(net->path)) {
		net->lan = port_start(&lan, DP_PORT_LAN, &lan_rx, &lan_tx);
		if (path_from_lan(net->path))
			net->rx = lan_rx;
		else
			net->tx = lan_tx;
	}
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

static void lan_setup(struct net *net)
{
	for (uint8_t i = 0; path_to_lan(net->path) && i < LAN_NEIGHS; i++) {
		struct dp_addr neigh = dp_addr_ip4(htonl(LAN_NEIGH + i));
		const uint8_t mac[6] = {2, 0, 0, 0, 1, i};

		die_if(dp_neigh_set(net->lan, &neigh, mac), "neighbour");
	}
}

/* One direction of a spoke's pair. */
static void sa_add(const struct net *net, const struct options *o, uint32_t i, enum dp_sa_dir dir)
{
	struct dp_sa_conf conf = {.dir = dir,
				  .alg = net->alg,
				  .local = dp_addr_ip4(htonl(HUB_NBMA)),
				  .remote = dp_addr_ip4(htonl(SPOKE_NBMA + i)),
				  .natt_port = net->natt ? NATT_PORT : 0,
				  .spi = (dir == DP_SA_IN ? SPI_IN : SPI_OUT) + i,
				  .profile = PROFILE,
				  .esn = net->esn,
				  .replay_window = dir == DP_SA_IN ? o->window : 0,
				  .bound = UINT32_MAX};
	struct side_keys k = side_keys_of(i, dir);
	uint32_t sa;

	memcpy(conf.key, k.key, sizeof(conf.key));
	memcpy(conf.auth_key, k.auth_key, sizeof(conf.auth_key));
	die_if(dp_sa_add(&conf, &sa), "SA");
}

static void spoke_setup(struct net *net, const struct options *o, uint16_t tunnel, uint32_t i)
{
	struct dp_spoke_key key = {.tunnel = tunnel,
				   .nbma = dp_addr_ip4(htonl(SPOKE_NBMA + i)),
				   .natt_port = net->natt ? NATT_PORT : 0};
	struct dp_addr protocol = dp_addr_ip4(htonl(SPOKE_PROTO + i));
	struct dp_addr gateway = dp_addr_ip4(htonl(GATEWAY));
	uint32_t spoke, neigh;

	die_if(dp_spoke_add(&key, &spoke), "spoke");
	die_if(dp_neigh_get(net->port, &gateway, &neigh), "neighbour");
	die_if(dp_spoke_neigh_set(spoke, neigh), "spoke");
	die_if(dp_nexthop_set(tunnel, &protocol, spoke), "next hop");
	if (net->path != PATH_GRE) {
		sa_add(net, o, i, DP_SA_IN);
		sa_add(net, o, i, DP_SA_OUT);
	}
	dp_poll(); /* the adjacency without neighbour is free again */
}

static void routes_setup(struct net *net, uint16_t tunnel)
{
	bool lan = path_to_lan(net->path);
	struct dp_route route = {.type = DP_ROUTE_GATEWAY,
				 .iface = {.kind = lan ? DP_IFACE_PORT : DP_IFACE_TUNNEL,
					   .id = lan ? net->lan : tunnel}};
	uint32_t count = lan ? LAN_NEIGHS : net->spokes, first = lan ? LAN_NEIGH : SPOKE_PROTO;

	for (uint32_t r = 0; r < net->routes; r++) {
		net->route_ip[r] = 0x0b000000U + net_random(net) % 0x00700000U * 256U;
		route.gateway = dp_addr_ip4(htonl(first + r % count));
		route_add(net->route_ip[r], 24, route);
	}
	/* A prefix drawn twice belongs to the later one: ask the table. */
	for (uint32_t r = 0; r < net->routes; r++) {
		struct dp_addr dst = dp_addr_ip4(htonl(net->route_ip[r]));

		die_if(dp_fib_lookup(0, &dst, &route), "look-up");
		net->route_spoke[r] = ntohl(route.gateway.ip4_be) - first;
	}
}

static void overlay_setup(struct net *net, const struct options *o)
{
	struct dp_tunnel_conf conf = {.name = "Tunnel100",
				      .source = dp_addr_ip4(htonl(HUB_NBMA)),
				      .has_key = true,
				      .key = GRE_KEY,
				      .mtu = 1400,
				      .ttl = 64,
				      .redirect = net->redirect,
				      .redirect_interval_s = 8,
				      .adjust_mss = 1360,
				      .df = DP_DF_COPY,
				      .source_check = DP_SOURCE_CHECK_OWN,
				      .network_id = 1,
				      .profile = net->path == PATH_GRE ? 0 : PROFILE};
	uint16_t tunnel;

	die_if(dp_tunnel_add(&conf, &tunnel), "tunnel");
	for (uint32_t i = 0; i < net->spokes; i++)
		spoke_setup(net, o, tunnel, i);
	routes_setup(net, tunnel);
}

void net_setup(struct net *net, const struct options *o)
{
	*net = (struct net){.path = o->path,
			    .alg = o->alg,
			    .esn = o->esn,
			    .natt = o->natt,
			    .redirect = o->redirect,
			    .burst = o->burst,
			    .flow_pkts = o->flow_pkts,
			    .train_pkts = TRAIN_PKTS / o->burst * o->burst,
			    .spokes = o->spokes,
			    .routes = o->routes,
			    .random = 2463534242U};
	net->route_ip = calloc(o->routes, sizeof(*net->route_ip));
	net->route_spoke = calloc(o->routes, sizeof(*net->route_spoke));
	if (net->route_ip == NULL || net->route_spoke == NULL)
		exit(1);
	dataplane_start(o);
	ports_start(net);
	underlay_setup(net);
	lan_setup(net);
	overlay_setup(net, o);
	for (unsigned i = 0; i < TRAIN_PKTS; i++) {
		net->train[i] = rte_pktmbuf_alloc(dp_pool);
		if (net->train[i] == NULL) {
			fprintf(stderr, "dmvpn-testpmd: no buffers\n");
			exit(1);
		}
	}
}
