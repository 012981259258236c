/* SPDX-License-Identifier: Apache-2.0 */
/* flood_net: topology of the flood tests, see flood.h. */
#include "flood.h"

#include <sched.h>

#include <rte_eth_ring.h>

#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"

struct flood_net flood;

static bool cpus_find(uint32_t cpu[2])
{
	unsigned found = 0;
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (uint32_t i = 0; i < CPU_SETSIZE && found < 2; i++)
		if (CPU_ISSET(i, &set))
			cpu[found++] = i;
	return found == 2;
}

static void port_add(enum flood_port i, const char *name, enum dp_port_role role)
{
	struct dp_port_conf conf = {.role = role, .mtu = 1500, .descriptors = 256, .queues = 1};
	unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
	char ring[32];

	snprintf(ring, sizeof(ring), "rx-%s", name);
	flood.rx[i] = rte_ring_create(ring, FLOOD_RING, SOCKET_ID_ANY, flags);
	snprintf(ring, sizeof(ring), "tx-%s", name);
	flood.tx[i] = rte_ring_create(ring, FLOOD_RING, SOCKET_ID_ANY, flags);
	assert_true(rte_eth_from_rings(name, &flood.rx[i], 1, &flood.tx[i], 1, 0) >= 0);
	snprintf(conf.name, sizeof(conf.name), "%s0", name);
	snprintf(conf.device, sizeof(conf.device), "net_ring_%s", name);
	assert_int_equal(dp_port_add(&conf, &flood.port[i]), 0);
	port_hot[flood.port[i]].mac = (struct rte_ether_addr){{2, 0, 0, 0, 0, (uint8_t)i}};
}

static void route(const char *text, enum dp_route_type type, struct dp_iface iface, const char *via)
{
	struct dp_route r = {.type = type, .iface = iface};
	struct dp_prefix p;

	assert_int_equal(dp_prefix_parse(&p, text), 0);
	if (via != NULL)
		r.gateway = stage_addr(via);
	assert_int_equal(dp_fib_set(0, &p, &r), 0);
}

static void neigh_add(enum flood_port port, struct dp_addr addr)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, addr.bytes[3]};

	assert_int_equal(dp_neigh_set(flood.port[port], &addr, mac), 0);
}

static void spoke_add(unsigned n)
{
	struct dp_spoke_key key = {.tunnel = flood.tunnel};
	struct dp_iface tunnel = {.kind = DP_IFACE_TUNNEL, .id = flood.tunnel};
	char protocol[32], behind[32];
	struct dp_addr addr;
	uint32_t spoke, neigh;

	key.nbma = dp_addr_ip4(htonl(0xc0000200 + n));
	snprintf(protocol, sizeof(protocol), "10.255.0.%u", n);
	snprintf(behind, sizeof(behind), "10.1.%u.0/24", n);
	addr = stage_addr(protocol);
	neigh_add(FLOOD_WAN, key.nbma);
	assert_int_equal(dp_spoke_add(&key, &spoke), 0);
	assert_int_equal(dp_neigh_get(flood.port[FLOOD_WAN], &key.nbma, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(spoke, neigh), 0);
	assert_int_equal(dp_nexthop_set(flood.tunnel, &addr, spoke), 0);
	route(behind, DP_ROUTE_GATEWAY, tunnel, protocol);
}

static void topology(void)
{
	struct dp_tunnel_conf conf = {.name = "Tunnel100",
				      .source = stage_addr("192.0.2.1"),
				      .has_key = true,
				      .key = 42,
				      .mtu = 1400,
				      .ttl = 64,
				      .network_id = 1};
	struct dp_iface wan, lan;

	port_add(FLOOD_WAN, "wan", DP_PORT_UNDERLAY);
	port_add(FLOOD_LAN, "lan", DP_PORT_LAN);
	assert_int_equal(dp_tunnel_add(&conf, &flood.tunnel), 0);
	wan = (struct dp_iface){.kind = DP_IFACE_PORT, .id = flood.port[FLOOD_WAN]};
	lan = (struct dp_iface){.kind = DP_IFACE_PORT, .id = flood.port[FLOOD_LAN]};
	route("192.0.2.1/32", DP_ROUTE_LOCAL, wan, NULL);
	route("10.1.1.1/32", DP_ROUTE_LOCAL, lan, NULL);
	route("192.0.2.0/24", DP_ROUTE_CONNECTED, wan, NULL);
	route("10.1.1.0/24", DP_ROUTE_CONNECTED, lan, NULL);
	neigh_add(FLOOD_LAN, stage_addr("10.1.1.10"));
	for (unsigned i = 0; i < FLOOD_SPOKES; i++)
		spoke_add(11 + i);
}

bool flood_net_start(void)
{
	struct dp_conf conf = {.worker_count = 1,
			       .huge_pages = DP_HUGE_OFF,
			       .idle = DP_IDLE_POLL,
			       .limits = {.tunnels = 4,
					  .spokes = 64,
					  .nexthops = 64,
					  .routes = 1024,
					  .tbl8 = 64,
					  .neighbours = 64},
			       .mtu_max = 1500,
			       .descriptors_sum = 4 * FLOOD_RING};
	uint32_t cpu[2];

	if (!cpus_find(cpu))
		return false;
	conf.control_lcore = cpu[0];
	conf.worker_lcores[0] = cpu[1];
	if (dp_start(&conf) < 0)
		fail_msg("dp_start: %s", dp_error());
	flood.w = dp_workers[0];
	topology();
	assert_int_equal(dp_workers_start(), 0);
	return true;
}

void flood_net_stop(void)
{
	uint32_t leaked;

	dp_workers_stop();
	for (unsigned i = 0; i < FLOOD_PORTS; i++) {
		assert_true(rte_ring_empty(flood.rx[i]));
		assert_true(rte_ring_empty(flood.tx[i]));
	}
	dp_stop(&leaked);
	assert_int_equal(leaked, 0);
}

/* ---- the ends of the rings ---- */

bool flood_room(enum flood_port port, unsigned n)
{
	return rte_ring_free_count(flood.rx[port]) >= n;
}

void flood_send(enum flood_port port, const struct stage_packet *frame)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, frame->len), frame->bytes, frame->len);
	assert_int_equal(rte_ring_enqueue(flood.rx[port], m), 0);
	flood.sent++;
}

struct rte_mbuf *flood_receive(enum flood_port port)
{
	struct rte_mbuf *m;

	return rte_ring_dequeue(flood.tx[port], (void **)&m) == 0 ? m : NULL;
}
