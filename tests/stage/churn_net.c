/* SPDX-License-Identifier: Apache-2.0 */
/* churn_net: what stays while everything else changes; see churn.h. */
#include "churn.h"

#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"

#define MAC(last)                               \
	{                                       \
		2, last, last, last, last, last \
	}
#define UNDER(last, nbma_)             \
	{                              \
		0, MAC(last), nbma_, 0 \
	}
#define ON_LAN(last)                  \
	{                             \
		2, MAC(last), NULL, 0 \
	}

struct churn_way_frame churn_ways[WAY_COUNT] = {
	[WAY_A] = UNDER(0x11, "192.0.2.11"),
	[WAY_B] = UNDER(0x12, "192.0.2.12"),
	[WAY_C] = UNDER(0x13, "192.0.2.13"),
	[WAY_D] = UNDER(0x14, "192.0.2.14"),
	[WAY_MAC1] = UNDER(0xe1, "192.0.2.15"),
	[WAY_MAC2] = UNDER(0xe2, "192.0.2.15"),
	[WAY_PORT1] = UNDER(0xf1, "203.0.113.16"),
	[WAY_PORT2] = {1, MAC(0xf2), "203.0.113.16", 0},
	[WAY_LAN] = ON_LAN(0x31),
	[WAY_LAN_GW1] = ON_LAN(0x32),
	[WAY_LAN_GW2] = ON_LAN(0x33),
	[WAY_LAN_HOST] = ON_LAN(0x34),
	[WAY_RESPAWNED] = UNDER(0x60, "192.0.2.60"),
	UNDER(0x61, "192.0.2.61"),
	UNDER(0x62, "192.0.2.62"),
	UNDER(0x63, "192.0.2.63"),
	UNDER(0x64, "192.0.2.64"),
	UNDER(0x65, "192.0.2.65"),
	UNDER(0x66, "192.0.2.66"),
	UNDER(0x67, "192.0.2.67"),
};

struct churn_flow churn_flows[FLOW_COUNT];
struct churn_net churn;

void churn_expect(enum churn_flow_id flow, uint32_t ways)
{
	struct churn_flow *f = &churn_flows[flow];
	uint64_t changes = (f->state >> 32) + 1;

	f->ever |= ways;
	__atomic_store_n(&f->state, changes << 32 | ways, __ATOMIC_RELEASE);
}

/* ---- topology ---- */

struct dp_iface churn_tunnel_iface(void)
{
	return (struct dp_iface){.kind = DP_IFACE_TUNNEL, .id = churn.tunnel};
}

struct dp_iface churn_port_iface(uint16_t port)
{
	return (struct dp_iface){.kind = DP_IFACE_PORT, .id = port};
}

static struct dp_prefix prefix(const char *text)
{
	struct dp_prefix p;

	assert_int_equal(dp_prefix_parse(&p, text), 0);
	return p;
}

int churn_route(const char *text, struct dp_iface iface, const char *gateway)
{
	struct dp_prefix p = prefix(text);
	struct dp_route r = {
		.type = DP_ROUTE_GATEWAY, .iface = iface, .gateway = stage_addr(gateway)};

	return dp_fib_set(0, &p, &r);
}

int churn_route_del(const char *text)
{
	struct dp_prefix p = prefix(text);

	return dp_fib_del(0, &p);
}

static void own_route(const char *text, enum dp_route_type type, struct dp_iface iface)
{
	struct dp_prefix p = prefix(text);
	struct dp_route r = {.type = type, .iface = iface};

	assert_int_equal(dp_fib_set(0, &p, &r), 0);
}

static uint16_t port_add(const char *name, const char *device, enum dp_port_role role, uint8_t last)
{
	struct dp_port_conf conf = {.role = role, .mtu = 1500, .descriptors = 256, .queues = 1};
	uint16_t port;

	snprintf(conf.name, sizeof(conf.name), "%s", name);
	snprintf(conf.device, sizeof(conf.device), "%s", device);
	assert_int_equal(dp_port_add(&conf, &port), 0);
	/* Rings have none: a source MAC of another port must show. */
	port_hot[port].mac = (struct rte_ether_addr){MAC(last)};
	return port;
}

static void neigh_add(enum churn_way way, const char *addr)
{
	struct dp_addr a = stage_addr(addr);

	assert_int_equal(dp_neigh_set(churn_ways[way].port, &a, churn_ways[way].mac), 0);
}

static void spoke_add(const char *nbma, const char *protocol)
{
	struct dp_spoke_key key = {.tunnel = churn.tunnel, .nbma = stage_addr(nbma)};
	struct dp_addr p = stage_addr(protocol);
	uint32_t spoke, neigh;

	assert_int_equal(dp_spoke_add(&key, &spoke), 0);
	assert_int_equal(dp_neigh_get(churn.wan, &key.nbma, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(spoke, neigh), 0);
	assert_int_equal(dp_nexthop_set(churn.tunnel, &p, spoke), 0);
	assert_int_equal(dp_spoke_multicast_set(spoke, true), 0);
}

static void interfaces_add(void)
{
	struct dp_tunnel_conf conf = {.name = "Tunnel100",
				      .source = stage_addr("192.0.2.1"),
				      .has_key = true,
				      .key = 42,
				      .mtu = 1400,
				      .ttl = 64,
				      .redirect = true,
				      .redirect_interval_s = 1,
				      .network_id = 1,
				      .source_check = DP_SOURCE_CHECK_OWN};
	struct dp_addr own;

	churn.wan = port_add("wan0", "net_ring0", DP_PORT_UNDERLAY, 0x01);
	churn.wan2 = port_add("wan1", "net_ring1", DP_PORT_UNDERLAY, 0x02);
	churn.lan = port_add("lan0", "net_ring2", DP_PORT_LAN, 0x03);
	assert_int_equal(dp_tunnel_add(&conf, &churn.tunnel), 0);
	own = stage_addr("10.1.1.1");
	assert_int_equal(dp_port_address_set(churn.lan, &own), 0);
	own_route("192.0.2.1/32", DP_ROUTE_LOCAL, churn_port_iface(churn.wan));
	own_route("10.1.1.1/32", DP_ROUTE_LOCAL, churn_port_iface(churn.lan));
	own_route("10.255.0.1/32", DP_ROUTE_LOCAL, churn_tunnel_iface());
	own_route("192.0.2.0/24", DP_ROUTE_CONNECTED, churn_port_iface(churn.wan));
	own_route("10.1.1.0/24", DP_ROUTE_CONNECTED, churn_port_iface(churn.lan));
	own_route("10.255.0.0/24", DP_ROUTE_CONNECTED, churn_tunnel_iface());
}

static void spokes_add(void)
{
	struct dp_spoke_key key = {.tunnel = churn.tunnel};
	struct dp_addr moved;
	char protocol[32];

	for (unsigned i = 0; i < 5; i++) {
		enum churn_way way = i < 4 ? WAY_A + i : WAY_MAC1;

		neigh_add(way, churn_ways[way].nbma);
		snprintf(protocol, sizeof(protocol), "10.255.0.%u", 11 + i);
		spoke_add(churn_ways[way].nbma, protocol);
	}
	moved = stage_addr("10.255.0.50");
	key.nbma = stage_addr(churn_ways[WAY_A].nbma);
	assert_int_equal(dp_nexthop_set(churn.tunnel, &moved, dp_spoke_find(&key)), 0);
	neigh_add(WAY_LAN, "10.1.1.10");
	neigh_add(WAY_LAN_GW1, "10.1.1.20");
	neigh_add(WAY_PORT1, "192.0.2.101");
}

/* ---- flows ---- */

#define INNER_LEN    64
#define INNER_OFFSET (14 + 20 + 8) /* Ethernet, outer IPv4, GRE with key */

static void flow_from_lan(unsigned id, const char *name, const char *dst, uint32_t ways)
{
	struct churn_flow *f = &churn_flows[id];

	f->name = name;
	f->frame = stage_eth(
		churn.lan, 0x0800,
		stage_ip((struct stage_ip){.src = "10.1.1.10", .dst = dst, .len = INNER_LEN}));
	f->in_port = churn.lan;
	f->inner = 14;
	churn_expect(id, ways);
}

static void flow_from_spoke(unsigned id,
			    const char *name,
			    const char *nbma,
			    uint32_t key,
			    struct stage_ip ip,
			    uint32_t ways)
{
	struct churn_flow *f = &churn_flows[id];
	struct stage_packet gre;

	ip.len = INNER_LEN;
	gre = stage_gre(0x2000, key, 0x0800, stage_ip(ip));
	f->name = name;
	f->frame = stage_eth(churn.wan, 0x0800, stage_outer(nbma, "192.0.2.1", gre));
	f->in_port = churn.wan;
	f->inner = INNER_OFFSET;
	churn_expect(id, ways);
}

static void flows_respawned_add(void)
{
	for (unsigned i = 0; i < CHURN_RESPAWNED; i++) {
		const char *nbma = churn_ways[WAY_RESPAWNED + i].nbma;
		char own[32];

		snprintf(own, sizeof(own), "10.50.%u.9", i);
		flow_from_lan(FLOW_RESPAWNED + i, "to a spoke that comes and goes", own,
			      BIT(WAY_DROP));
		flow_from_spoke(FLOW_FROM_RESPAWNED + i, "from a spoke that comes and goes", nbma,
				42, (struct stage_ip){.src = own, .dst = "10.1.1.10"},
				BIT(WAY_LAN));
		flow_from_spoke(FLOW_HAIRPIN + i, "hairpin beside a /32", nbma, 42,
				(struct stage_ip){.src = own, .dst = "10.20.0.8"}, BIT(WAY_A));
	}
}

static void flows_add(void)
{
	static const char *const ecmp[4] = {"10.60.0.1", "10.60.0.2", "10.60.1.3", "10.60.1.4"};

	flow_from_lan(FLOW_BESIDE, "beside a /32", "10.20.0.7", BIT(WAY_A));
	flow_from_lan(FLOW_HOST, "the /32", "10.20.0.5", BIT(WAY_A));
	flow_from_lan(FLOW_HALF_LOW, "lower /25", "10.21.0.1", BIT(WAY_A));
	flow_from_lan(FLOW_HALF_HIGH, "upper /25", "10.21.0.200", BIT(WAY_A));
	flow_from_lan(FLOW_COVERED, "/24 in a /16", "10.22.0.9", BIT(WAY_D));
	flow_from_lan(FLOW_COVERING, "/16 that changes", "10.22.99.1", BIT(WAY_C));
	flow_from_lan(FLOW_LAN_GW, "LAN gateway that changes", "10.40.0.1", BIT(WAY_LAN_GW1));
	flow_from_lan(FLOW_WITHDRAWN, "route that comes and goes", "10.41.0.1", BIT(WAY_DROP));
	for (unsigned i = 0; i < 4; i++)
		flow_from_lan(FLOW_ECMP + i, "ECMP", ecmp[i], BIT(WAY_D));
	flow_from_lan(FLOW_MOVED, "next hop that moves", "10.255.0.50", BIT(WAY_A));
	flow_from_lan(FLOW_MOVED_NET, "route via a next hop that moves", "10.30.0.1", BIT(WAY_A));
	flow_from_lan(FLOW_MAC, "neighbour of two MACs", "10.35.0.1", BIT(WAY_MAC1));
	flow_from_lan(FLOW_PORT, "spoke over two ports", "10.36.0.1", BIT(WAY_PORT1));
	flow_from_lan(FLOW_LAN_HOST, "LAN host that comes and goes", "10.1.1.30", BIT(WAY_DROP));
	flow_from_spoke(FLOW_TUNNEL, "tunnel that comes and goes", "192.0.2.11", 77,
			(struct stage_ip){.src = "10.99.0.1", .dst = "10.1.1.10"}, BIT(WAY_DROP));
	flow_from_lan(FLOW_MCAST, "multicast", "224.0.0.5", 0);
	churn_flows[FLOW_MCAST].loose = true;
	flows_respawned_add();
}

static void routes_add(void)
{
	struct dp_iface t = churn_tunnel_iface();

	assert_int_equal(churn_route("10.20.0.0/24", t, "10.255.0.11"), 0);
	assert_int_equal(churn_route("10.21.0.0/24", t, "10.255.0.11"), 0);
	assert_int_equal(churn_route("10.22.0.0/24", t, "10.255.0.14"), 0);
	assert_int_equal(churn_route("10.22.0.0/16", t, "10.255.0.13"), 0);
	assert_int_equal(churn_route("10.40.0.0/16", churn_port_iface(churn.lan), "10.1.1.20"), 0);
	assert_int_equal(churn_route("10.60.0.0/16", t, "10.255.0.14"), 0);
	assert_int_equal(churn_route("10.30.0.0/16", t, "10.255.0.50"), 0);
	assert_int_equal(churn_route("10.35.0.0/16", t, "10.255.0.15"), 0);
	assert_int_equal(churn_route("10.36.0.0/16", t, "10.255.0.16"), 0);
	for (unsigned i = 0; i < CHURN_RESPAWNED; i++) {
		char net[32], via[32];

		snprintf(net, sizeof(net), "10.50.%u.0/24", i);
		snprintf(via, sizeof(via), "10.255.0.%u", 60 + i);
		assert_int_equal(churn_route(net, t, via), 0);
	}
}

void churn_net_start(uint32_t control_cpu, uint32_t worker_cpu)
{
	struct dp_conf conf = {.control_lcore = control_cpu,
			       .worker_lcores = {worker_cpu},
			       .worker_count = 1,
			       .huge_pages = DP_HUGE_OFF,
			       .idle = DP_IDLE_POLL,
			       .limits = {.tunnels = 4,
					  .spokes = 64,
					  .nexthops = 256,
					  .routes = 1024,
					  .tbl8 = 64,
					  .neighbours = 256,
					  .sas = 64},
			       .mtu_max = 1500,
			       .descriptors_sum = 4096};

	if (dp_start(&conf) < 0)
		fail_msg("dp_start: %s", dp_error());
	churn.w = dp_workers[0];
	for (unsigned i = 0; i < WAY_COUNT; i++)
		if (churn_ways[i].nbma != NULL)
			churn_ways[i].nbma_be = stage_addr(churn_ways[i].nbma).ip4_be;
	interfaces_add();
	spokes_add();
	routes_add();
	flows_add();
	assert_int_equal(port_queues_assign(), 0);
}
