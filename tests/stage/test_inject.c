/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other entries of the line: from twins, from NHRP, and packets that wait for a neighbour; the
 * redirect filter; counters per spoke.
 */
#include "stage.h"

#include <rte_ip.h>

#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_punt.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/stages.h"
#include "dataplane/tunnel.h"

#define IP(...) stage_ip((struct stage_ip){__VA_ARGS__})

static void test_from_port_twin(void **state)
{
	struct stage_packet frame = stage_eth(stage.wan, 0x0806, (struct stage_packet){.len = 28});
	const struct stage_result *r = stage_inject(DP_KIND_FRAME, stage.wan, &frame);

	(void)state;
	assert_int_equal(r->wan_n, 1);
	assert_int_equal(r->wan[0].len, frame.len);
	assert_memory_equal(r->wan[0].bytes, frame.bytes, frame.len);
	assert_int_equal(r->delta.injected_pkts, 1);
}

/* What the kernel sends into a tunnel's twin is ours: TTL stays, no hairpin, no source check. */
static void test_from_tunnel_twin(void **state)
{
	static const struct {
		const char *src, *dst;
		uint8_t ttl;
		unsigned wan;
		enum dp_drop_reason reason;
	} rows[] = {
		{"10.255.0.1", "10.255.0.11", 1, 1, 0}, /* eBGP */
		{"10.255.0.1", "10.1.12.10", 64, 1, 0},
		{"127.0.0.9", "10.255.0.11", 64, 1, 0},
		{"10.255.0.1", "10.255.0.77", 64, 0, DP_DROP_NO_BINDING},
		{"10.255.0.1", "10.255.0.1", 64, 0, DP_DROP_TWIN_LOOP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage_packet p =
			IP(.src = rows[i].src, .dst = rows[i].dst, .ttl = rows[i].ttl);
		const struct stage_result *r = stage_inject(DP_KIND_IP, stage.tunnel100, &p);

		assert_int_equal(r->wan_n, rows[i].wan);
		assert_int_equal(r->delta.hairpin_pkts, 0);
		if (rows[i].wan)
			assert_memory_equal(r->wan[0].bytes + 14 + 28, p.bytes, p.len);
		else
			assert_int_equal(r->delta.drops[rows[i].reason], 1);
	}
}

static const struct stage_result *nhrp_send(const char *nbma)
{
	struct stage_packet nhrp = {.bytes = {0, 1, 8}, .len = 40};
	struct dp_addr addr = stage_addr(nbma);
	struct rte_mbuf *m = NULL;

	assert_int_equal(dp_inject_nhrp(stage.tunnel100, &addr, 0, nhrp.bytes, nhrp.len), 0);
	assert_int_equal(rte_ring_sc_dequeue(stage.w->inject, (void **)&m), 0);
	return stage_inject_mbuf(m);
}

static void test_nhrp_out(void **state)
{
	static const uint8_t gre[] = {0x20, 0, 0x20, 0x01, 0, 0, 0, 42, 0, 1, 8};
	const struct stage_result *r = nhrp_send("192.0.2.11");

	(void)state;
	assert_int_equal(r->wan_n, 1);
	assert_int_equal(r->wan[0].len, 14 + 28 + 40);
	assert_int_equal(r->wan[0].bytes[5], 11);
	assert_memory_equal(r->wan[0].bytes + 34, gre, sizeof(gre));
	/* Nobody's adjacency, but a neighbour (192.0.2.21 is a spoke of the other tunnel). */
	r = nhrp_send("192.0.2.21");
	assert_int_equal(r->wan_n, 1);
	assert_int_equal(r->wan[0].bytes[5], 21);
	assert_memory_equal(r->wan[0].bytes + 34, gre, sizeof(gre));
	/* Not behind any port. */
	r = nhrp_send("198.51.100.1");
	assert_int_equal(r->delta.drops[DP_DROP_NO_UNDERLAY_ROUTE], 1);
}

static unsigned wanted_drain(const char *addr)
{
	struct dp_addr a = stage_addr(addr);
	struct dp_wanted wanted;
	unsigned n = 0;

	while (rte_ring_sc_dequeue_elem(stage.w->wanted, &wanted, sizeof(wanted)) == 0)
		n += dp_addr_equal(&wanted.addr, &a);
	return n;
}

static void test_neighbour_queue(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, 55};
	struct dp_addr host = stage_addr("10.1.1.55");
	struct stage_packet in[10];
	const struct stage_result *r;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		in[i] = stage_from_spoke("192.0.2.11", IP(.src = "10.1.11.1", .dst = "10.1.1.55"));
	r = stage_run(stage.wan, in, 10);
	assert_int_equal(r->lan_n, 0);
	assert_int_equal(r->delta.held_pkts, 8);
	assert_int_equal(r->delta.drops[DP_DROP_NEIGH_QUEUE_FULL], 2);
	assert_int_equal(wanted_drain("10.1.1.55"), 1);
	assert_int_equal(stage_later(10)->lan_n, 0);
	assert_int_equal(dp_neigh_set(stage.lan, &host, mac), 0);
	r = stage_later(20);
	assert_int_equal(r->lan_n, 8);
	assert_int_equal(r->delta.held_pkts, 0);
	assert_memory_equal(r->lan[0].bytes, mac, 6);
	/* Forgotten again: the next one waits, asks, and dies by name. */
	assert_int_equal(dp_neigh_set(stage.lan, &host, NULL), 0);
	r = stage_run(stage.wan, in, 1);
	assert_int_equal(r->delta.held_pkts, 1);
	assert_int_equal(wanted_drain("10.1.1.55"), 1);
	r = stage_later(DP_NEIGHQ_WAIT_S * 1000 + 100);
	assert_int_equal(r->delta.drops[DP_DROP_NEIGH_UNRESOLVED], 1);
	assert_int_equal(r->delta.held_pkts, 0);
}

/* The whole queue: 64 packets, 8 for each of 8 neighbours, the 65th dies by name. */
static void test_neighbour_queue_full(void **state)
{
	char dst[32];
	const struct stage_result *r;

	(void)state;
	for (unsigned i = 0; i < 65; i++) {
		struct stage_packet in;

		snprintf(dst, sizeof(dst), "10.1.1.%u", 100 + i / 8);
		in = stage_from_spoke("192.0.2.11", IP(.src = "10.1.11.1", .dst = dst));
		r = stage_run(stage.wan, &in, 1);
		assert_int_equal(r->delta.drops[DP_DROP_NEIGH_QUEUE_FULL], i == 64);
	}
	r = stage_later(DP_NEIGHQ_WAIT_S * 1000 + 100);
	assert_int_equal(r->delta.drops[DP_DROP_NEIGH_UNRESOLVED], 64);
	wanted_drain("10.1.1.100");
}

/* One record per pair and hold-off, whatever the number of packets; none back to the sender. */
static void test_redirect_filter(void **state)
{
	struct stage_packet in[DP_BURST], back;
	const struct stage_result *r;
	struct dp_redirect record;

	(void)state;
	while (rte_ring_sc_dequeue_elem(stage.w->redirect, &record, sizeof(record)) == 0)
		;
	for (unsigned i = 0; i < DP_BURST; i++)
		in[i] = stage_from_spoke("192.0.2.12", IP(.src = "10.1.12.7", .dst = "10.1.11.7"));
	r = stage_run(stage.wan, in, DP_BURST);
	assert_int_equal(r->wan_n, DP_BURST); /* each forwarded at once */
	assert_int_equal(r->delta.hairpin_pkts, DP_BURST);
	assert_int_equal(r->delta.redirects, 1);
	assert_int_equal(r->delta.redirects_suppressed, DP_BURST - 1);
	assert_int_equal(rte_ring_sc_dequeue_elem(stage.w->redirect, &record, sizeof(record)), 0);
	assert_int_equal(record.spoke, stage.spoke12);
	assert_int_equal(record.out_spoke, stage.spoke11);
	assert_int_equal(record.tunnel, stage.tunnel100);
	assert_int_equal(record.outer_src.ip4_be, stage_addr("192.0.2.12").ip4_be);
	assert_int_equal(record.len, 84);
	assert_memory_equal(record.header + 12, in[0].bytes + 14 + 28 + 12, 84 - 12);
	back = stage_from_spoke("192.0.2.12", IP(.src = "10.1.12.7", .dst = "10.1.12.8"));
	r = stage_run(stage.wan, &back, 1);
	assert_int_equal(r->delta.hairpin_pkts, 1);
	assert_int_equal(r->delta.redirects + r->delta.redirects_suppressed, 0);
}

/* A million packets of one pair within a hold-off are one record; the next comes after it, and a
 * little, so that it does not come too early for the control core. */
static void test_redirect_million(void **state)
{
	struct stage_packet in[DP_BURST];
	uint64_t packets = 0, redirects = 0, suppressed = 0;
	const struct stage_result *r;

	(void)state;
	for (unsigned i = 0; i < DP_BURST; i++)
		in[i] = stage_from_spoke("192.0.2.12", IP(.src = "10.1.12.9", .dst = "10.1.11.9"));
	for (; packets < 1000000; packets += DP_BURST) {
		r = stage_run(stage.wan, in, DP_BURST);
		redirects += r->delta.redirects;
		suppressed += r->delta.redirects_suppressed;
		stage_clock_move(DP_BURST * 8); /* 8 s in all */
	}
	assert_int_equal(redirects, 1);
	assert_int_equal(suppressed, packets - 1);
	r = stage_run(stage.wan, in, 1);
	assert_int_equal(r->delta.redirects, 0);
	stage_clock_move(125000);
	r = stage_run(stage.wan, in, 1);
	assert_int_equal(r->delta.redirects, 1);
}

static void test_spoke_counters(void **state)
{
	struct dp_spoke_counters in0, in1, out0, out1;
	struct stage_packet p[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		p[i] = stage_from_spoke("192.0.2.11", IP(.src = "10.1.11.1", .dst = "10.1.12.1"));
	dp_spoke_counters_get(stage.spoke11, &in0);
	dp_spoke_counters_get(stage.spoke12, &out0);
	stage_run(stage.wan, p, 3);
	dp_spoke_counters_get(stage.spoke11, &in1);
	dp_spoke_counters_get(stage.spoke12, &out1);
	assert_int_equal(in1.rx_pkts - in0.rx_pkts, 3);
	assert_int_equal(in1.rx_bytes - in0.rx_bytes, 3 * 84);
	assert_int_equal(in1.tx_pkts - in0.tx_pkts, 0);
	assert_int_equal(out1.tx_pkts - out0.tx_pkts, 3);
	assert_int_equal(out1.tx_bytes - out0.tx_bytes, 3 * 84);
}

/* A spoke without a way to it: dropped by name, not sent to a wrong place. */
static void test_no_underlay_route(void **state)
{
	struct dp_spoke_key key = {.tunnel = stage.tunnel100, .nbma = stage_addr("198.51.100.9")};
	struct dp_addr protocol = stage_addr("10.255.0.99");
	struct stage_packet in =
		stage_from_spoke("192.0.2.11", IP(.src = "10.1.11.1", .dst = "10.255.0.99"));
	const struct stage_result *r;
	uint32_t spoke;

	(void)state;
	assert_int_equal(dp_spoke_add(&key, &spoke), 0);
	assert_int_equal(dp_nexthop_set(stage.tunnel100, &protocol, spoke), 0);
	r = stage_run(stage.wan, &in, 1);
	assert_int_equal(r->delta.drops[DP_DROP_NO_UNDERLAY_ROUTE], 1);
	assert_int_equal(dp_spoke_del(spoke), -EBUSY);
	assert_int_equal(dp_nexthop_del(stage.tunnel100, &protocol), 0);
	assert_int_equal(dp_spoke_del(spoke), 0);
	r = stage_run(stage.wan, &in, 1);
	assert_int_equal(r->delta.drops[DP_DROP_NO_BINDING], 1);
}

/* How many records of a destination without a binding came, and no other ones. */
static unsigned nexthops_wanted(const char *dst)
{
	const struct dp_addr a = stage_addr(dst);
	struct dp_wanted wanted;
	unsigned n = 0;

	while (rte_ring_sc_dequeue_elem(stage.w->wanted, &wanted, sizeof(wanted)) == 0) {
		assert_int_equal(wanted.kind, DP_IFACE_TUNNEL);
		assert_int_equal(wanted.iface, stage.tunnel100);
		assert_true(dp_addr_equal(&wanted.addr, &a));
		n++;
	}
	return n;
}

/* Where NHRP can ask, the control core hears of next hops without binding, at a rate. */
static void test_nexthop_wanted(void **state)
{
	static const struct {
		bool ask;
		unsigned later_us;
		const char *dst;
		unsigned records;
	} rows[] = {
		{false, 5000, "10.255.0.77", 0}, {true, 0, "10.255.0.77", 1},
		{true, 0, "10.255.0.77", 0},     {true, 0, "10.1.13.1", 0},
		{true, 1100, "10.1.13.1", 1}, /* by its route's gateway: the RIB knows it */
		{true, 1100, "10.1.13.1", 0},    {true, 1000000, "10.1.13.1", 1},
		{true, 1100, "10.1.11.1", 0}, /* bound */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage_packet in =
			stage_from_spoke("192.0.2.12", IP(.src = "10.1.12.1", .dst = rows[i].dst));

		tunnels[stage.tunnel100].conf.ask = rows[i].ask;
		stage_clock_move(rows[i].later_us);
		stage_run(stage.wan, &in, 1);
		assert_int_equal(nexthops_wanted(rows[i].dst), rows[i].records);
	}
	tunnels[stage.tunnel100].conf.ask = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_port_twin),
		cmocka_unit_test(test_from_tunnel_twin),
		cmocka_unit_test(test_nhrp_out),
		cmocka_unit_test(test_neighbour_queue),
		cmocka_unit_test(test_neighbour_queue_full),
		cmocka_unit_test(test_redirect_filter),
		cmocka_unit_test(test_redirect_million),
		cmocka_unit_test(test_spoke_counters),
		cmocka_unit_test(test_no_underlay_route),
		cmocka_unit_test(test_nexthop_wanted),
	};

	return cmocka_run_group_tests_name("inject", tests, stage_setup, stage_teardown);
}
