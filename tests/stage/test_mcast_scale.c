/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multicast to 10,000 members while packets are forwarded, in step: the test turns the worker and
 * plays the devices. No forwarded packet is lost while every other holder of buffers has all that
 * the plan counts for it; a turn makes 64 copies at most; members come and go under a packet that
 * is being replicated; copies wait for a busy port.
 */
#include "stage.h"

#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include "dataplane/dp_fib.h"
#include "dataplane/dp_mcast.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/stages.h"

#define MEMBERS      10000
#define HELLOS       10
#define COPIES       64 /* of one turn */
#define DESCRIPTORS  1024
#define FIRST_NBMA   0xc6120000U /* 198.18.0.0 */
#define OUTER_DST_AT (14 + 16)

enum { WAN, LAN, PORTS };

static struct {
	struct dp_worker *w;
	uint16_t port[PORTS], tunnel;
	struct rte_ring *rx[PORTS], *tx[PORTS]; /* as the worker sees them */
	uint32_t spokes[MEMBERS];
	unsigned copies[MEMBERS]; /* received */
	uint64_t forwarded, sent;
	struct rte_mbuf *others[65536]; /* buffers that somebody else holds */
	unsigned others_n;
} net;

/* ---- topology: all spokes behind one gateway ---- */

static void port_add(unsigned i, const char *name, enum dp_port_role role)
{
	struct dp_port_conf conf = {.role = role, .mtu = 1500, .descriptors = 256, .queues = 1};
	unsigned flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
	char ring[32];

	snprintf(ring, sizeof(ring), "rx-%s", name);
	net.rx[i] = rte_ring_create(ring, DESCRIPTORS, SOCKET_ID_ANY, flags);
	snprintf(ring, sizeof(ring), "tx-%s", name);
	net.tx[i] = rte_ring_create(ring, DESCRIPTORS, SOCKET_ID_ANY, flags);
	assert_true(rte_eth_from_rings(name, &net.rx[i], 1, &net.tx[i], 1, 0) >= 0);
	snprintf(conf.name, sizeof(conf.name), "%s0", name);
	snprintf(conf.device, sizeof(conf.device), "net_ring_%s", name);
	assert_int_equal(dp_port_add(&conf, &net.port[i]), 0);
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

static void member_add(unsigned i)
{
	struct dp_spoke_key key = {.tunnel = net.tunnel,
				   .nbma = dp_addr_ip4(htonl(FIRST_NBMA + i))};
	struct dp_addr gateway = stage_addr("192.0.2.254");
	uint32_t neigh;

	assert_int_equal(dp_spoke_add(&key, &net.spokes[i]), 0);
	assert_int_equal(dp_neigh_get(net.port[WAN], &gateway, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(net.spokes[i], neigh), 0);
	assert_int_equal(dp_spoke_multicast_set(net.spokes[i], DP_MCAST_ALL), 0);
}

static void member_del(unsigned i)
{
	assert_int_equal(dp_spoke_del(net.spokes[i]), 0);
	dp_poll();
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
	const uint8_t mac[6] = {2, 0, 0, 0, 1, 1};
	struct dp_addr gateway = stage_addr("192.0.2.254"), host = stage_addr("10.1.1.10");
	struct dp_addr protocol = stage_addr("10.255.0.11");
	struct dp_iface wan, lan, tunnel;

	port_add(WAN, "wan", DP_PORT_UNDERLAY);
	port_add(LAN, "lan", DP_PORT_LAN);
	assert_int_equal(dp_tunnel_add(&conf, &net.tunnel), 0);
	wan = (struct dp_iface){.kind = DP_IFACE_PORT, .id = net.port[WAN]};
	lan = (struct dp_iface){.kind = DP_IFACE_PORT, .id = net.port[LAN]};
	tunnel = (struct dp_iface){.kind = DP_IFACE_TUNNEL, .id = net.tunnel};
	route("192.0.2.1/32", DP_ROUTE_LOCAL, wan, NULL);
	route("192.0.2.0/24", DP_ROUTE_CONNECTED, wan, NULL);
	route("10.1.1.0/24", DP_ROUTE_CONNECTED, lan, NULL);
	assert_int_equal(dp_neigh_set(net.port[WAN], &gateway, mac), 0);
	assert_int_equal(dp_neigh_set(net.port[LAN], &host, mac), 0);
	for (unsigned i = 0; i < MEMBERS; i++)
		member_add(i);
	assert_int_equal(dp_nexthop_set(net.tunnel, &protocol, net.spokes[0]), 0);
	route("10.1.11.0/24", DP_ROUTE_GATEWAY, tunnel, "10.255.0.11");
}

static int setup(void **state)
{
	struct dp_conf conf = {.worker_count = 1,
			       .huge_pages = DP_HUGE_OFF,
			       .limits = {.tunnels = 4,
					  .spokes = MEMBERS + 64,
					  .nexthops = 64,
					  .routes = 1024,
					  .tbl8 = 64,
					  .neighbours = 64},
			       .mtu_max = 1500,
			       .descriptors_sum = 2 * PORTS * DESCRIPTORS};

	(void)state;
	if (dp_start(&conf) < 0)
		fail_msg("dp_start: %s", dp_error());
	net.w = dp_workers[0];
	topology();
	return port_queues_assign();
}

static int teardown(void **state)
{
	uint32_t leaked;

	(void)state;
	dp_stop(&leaked);
	assert_int_equal(leaked, 0);
	return 0;
}

/* ---- the devices ---- */

static void frame_put(unsigned port, const struct stage_packet *frame)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, frame->len), frame->bytes, frame->len);
	assert_int_equal(rte_ring_enqueue(net.rx[port], m), 0);
	net.sent++;
}

static void count_wan(const struct rte_mbuf *m)
{
	rte_be32_t dst_be;
	uint32_t i;

	memcpy(&dst_be, rte_pktmbuf_mtod_offset(m, const uint8_t *, OUTER_DST_AT), 4);
	i = rte_be_to_cpu_32(dst_be) - FIRST_NBMA;
	assert_in_range(i, 0, MEMBERS - 1);
	/* A forwarded packet has TTL 63. */
	if (rte_pktmbuf_mtod(m, const uint8_t *)[14 + 28 + 8] == 63)
		net.forwarded++;
	else
		net.copies[i]++;
}

/* What the worker sent, in this turn; returns how many copies it were. */
static unsigned harvest(void)
{
	uint64_t before = net.forwarded;
	unsigned n = 0;
	struct rte_mbuf *m;

	for (unsigned port = 0; port < PORTS; port++) {
		while (rte_ring_dequeue(net.tx[port], (void **)&m) == 0) {
			if (port == WAN)
				count_wan(m);
			else
				net.forwarded++;
			rte_pktmbuf_free(m);
			n++;
		}
	}
	return n - (unsigned)(net.forwarded - before);
}

static unsigned turn(void)
{
	dp_worker_turn(net.w);
	assert_int_equal(dp_worker_balance(&net.w->stats), 0);
	return harvest();
}

static void hello_inject(void)
{
	struct stage_packet hello =
		stage_ip((struct stage_ip){.src = "10.255.0.1", .dst = "224.0.0.5", .ttl = 1});
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, hello.len), hello.bytes, hello.len);
	*dp_meta(m) = (struct dp_meta){
		.kind = DP_KIND_IP, .flags = DP_META_FROM_TWIN, .tunnel = net.tunnel};
	assert_int_equal(dp_inject(m, 0), 0);
}

/* ---- buffers ---- */

/* All that the plan has for rings to and from the control core, reassembly, packets that wait. */
static void others_take(void)
{
	unsigned n =
		DP_PUNT_RING + DP_NHRP_RING + DP_INJECT_RING + DP_REASS_FRAGMENTS + DP_NEIGHQ_LEN;

	assert_int_equal(rte_pktmbuf_alloc_bulk(dp_pool, net.others, n), 0);
	net.others_n = n;
}

static void others_give(void)
{
	rte_pktmbuf_free_bulk(net.others, net.others_n);
	net.others_n = 0;
}

/* Both devices have all their rx descriptors filled. */
static void rx_fill(const struct stage_packet frames[PORTS])
{
	for (unsigned port = 0; port < PORTS; port++)
		while (rte_ring_free_count(net.rx[port]) > 0)
			frame_put(port, &frames[port]);
}

static void test_forwarding(void **state)
{
	struct stage_packet to_lan =
		stage_ip((struct stage_ip){.src = "10.1.11.5", .dst = "10.1.1.10"});
	struct stage_packet to_spoke =
		stage_ip((struct stage_ip){.src = "10.1.1.10", .dst = "10.1.11.5"});
	struct stage_packet frames[PORTS];
	unsigned made, turns = 0, hellos = 0;
	uint64_t busy;

	(void)state;
	to_lan = stage_outer("198.18.0.0", "192.0.2.1", stage_gre(0x2000, 42, 0x0800, to_lan));
	frames[WAN] = stage_eth(net.port[WAN], 0x0800, to_lan);
	frames[LAN] = stage_eth(net.port[LAN], 0x0800, to_spoke);
	others_take();
	busy = net.w->stats.busy_cycles;
	for (; hellos < HELLOS || net.w->mcast_count > 0; turns++) {
		rx_fill(frames);
		if (hellos < HELLOS && turns % 16 == 0) {
			hello_inject();
			hellos++;
		}
		made = turn();
		assert_in_range(made, 0, COPIES);
	}
	busy = net.w->stats.busy_cycles - busy;
	while (net.forwarded < net.sent && turns++ < 100000)
		turn();
	others_give();
	assert_int_equal(net.forwarded, net.sent);
	for (unsigned i = 0; i < MEMBERS; i++)
		assert_int_equal(net.copies[i], HELLOS);
	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		assert_int_equal(net.w->stats.drops[i], 0);
	assert_int_equal(net.w->stats.mcast_no_buffer, 0);
	print_message("%u turns, %lu forwarded, %u copies, %lu cycles per packet of both kinds\n",
		      turns, net.forwarded, HELLOS * MEMBERS,
		      busy / (net.forwarded + HELLOS * MEMBERS));
}

/* Whoever is a member from the first turn to the last gets one copy, whoever else comes or goes. */
static void test_churn(void **state)
{
	unsigned gone = 0, turns = 0;

	(void)state;
	memset(net.copies, 0, sizeof(net.copies));
	hello_inject();
	do {
		unsigned i = turns % 2 == 0 ? 2 + turns * 7 : MEMBERS - 1 - turns * 11;

		assert_in_range(turn(), 0, COPIES);
		member_del(i);
		member_del(i ^ 1); /* both sides of where the worker is */
		member_add(i);
		net.copies[i] = net.copies[i ^ 1] = 1000;
		turns++;
	} while (net.w->mcast_count > 0);
	for (unsigned i = 0; i < MEMBERS; i++) {
		if (net.copies[i] >= 1000)
			gone++;
		else
			assert_int_equal(net.copies[i], 1);
	}
	assert_in_range(turns, MEMBERS / COPIES - 4, MEMBERS / COPIES + 4);
	assert_in_range(gone, turns, 2 * turns);
}

/* ---- a busy port ---- */

static int tx_descriptor;

static int fake_descriptor_status(void *queue, uint16_t offset)
{
	(void)queue;
	assert_int_equal(offset, 128);
	return tx_descriptor;
}

static void test_busy_port(void **state)
{
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[port_hot[net.port[WAN]].dev];
	const struct rte_eth_fp_ops saved = *ops;
	uint64_t deadline;

	(void)state;
	ops->tx_descriptor_status = fake_descriptor_status;
	tx_descriptor = RTE_ETH_TX_DESC_FULL;
	hello_inject();
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(turn(), 0);
	tx_descriptor = RTE_ETH_TX_DESC_DONE;
	assert_int_equal(turn(), COPIES);
	tx_descriptor = RTE_ETH_TX_DESC_FULL;
	assert_int_equal(turn(), 0);
	/* A port that is stuck holds nothing up for good. */
	deadline = rte_rdtsc() + 5 * rte_get_tsc_hz();
	while (turn() == 0)
		assert_true(rte_rdtsc() < deadline);
	while (net.w->mcast_count > 0)
		assert_in_range(turn(), 0, COPIES);
	*ops = saved;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forwarding),
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_busy_port),
	};

	return cmocka_run_group_tests_name("mcast_scale", tests, setup, teardown);
}
