/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets through twins, both ways, against the real kernel.
 *
 *     UDP socket - kernel - twin (TAP, TUN) - inject ring - line - port
 *                                           - punt ring <- worker
 */
#include "twin_fixture.h"

#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "dataplane/dp_punt.h"

/* ---- from the kernel ---- */

static struct rte_mbuf *injected(void)
{
	struct rte_mbuf *m = NULL;

	assert_int_equal(rte_ring_sc_dequeue(stage.w->inject, (void **)&m), 0);
	assert_int_equal(m->nb_segs, 1);
	assert_true(rte_pktmbuf_headroom(m) >= DP_ENCAP_HEADROOM);
	assert_true(rte_pktmbuf_tailroom(m) >= DP_ENCAP_TAILROOM);
	return m;
}

static void assert_tail(const struct rte_mbuf *m, const char *text)
{
	size_t len = strlen(text);

	assert_true(m->data_len > len);
	assert_memory_equal(rte_pktmbuf_mtod_offset(m, const char *, m->data_len - len), text, len);
}

static void from_tunnel_twin(void **state)
{
	int s = netns_udp_socket("10.255.0.1", 0);
	struct rte_mbuf *m;

	(void)state;
	netns_udp_send(s, "10.255.0.77", "hello spoke", 11);
	assert_true(netns_readable(dp_twin_fd(DP_TWIN_TUNNEL, stage.tunnel100)));
	assert_int_equal(dp_twin_drain(DP_TWIN_TUNNEL, stage.tunnel100, 64), 1);
	m = injected();
	assert_int_equal(dp_meta(m)->kind, DP_KIND_IP);
	assert_int_equal(dp_meta(m)->tunnel, stage.tunnel100);
	assert_int_equal(dp_meta(m)->flags, DP_META_FROM_TWIN);
	assert_int_equal(dp_meta(m)->spoke, 0);
	assert_int_equal(*rte_pktmbuf_mtod(m, uint8_t *), RTE_IPV4_VHL_DEF);
	assert_int_equal(m->data_len, 20 + 8 + 11);
	assert_int_equal(m->pkt_len, 20 + 8 + 11);
	assert_tail(m, "hello spoke");
	dp_release(m);
	assert_int_equal(stats_of(DP_TWIN_TUNNEL, stage.tunnel100).from_kernel_pkts, 1);
	close(s);
}

static void from_port_twin(void **state)
{
	static const uint8_t broadcast[6] = {255, 255, 255, 255, 255, 255};
	int s = netns_udp_socket("192.0.2.1", 0);
	struct rte_mbuf *m;

	(void)state;
	netns_udp_send(s, "192.0.2.255", "hello wan", 9);
	assert_true(netns_readable(dp_twin_fd(DP_TWIN_PORT, stage.wan)));
	assert_int_equal(dp_twin_drain(DP_TWIN_PORT, stage.wan, 64), 1);
	m = injected();
	assert_int_equal(dp_meta(m)->kind, DP_KIND_FRAME);
	assert_int_equal(dp_meta(m)->out_port, stage.wan);
	assert_int_equal(dp_meta(m)->neigh, 0);
	assert_int_equal(dp_meta(m)->flags, DP_META_FROM_TWIN);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *), broadcast, 6);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *) + 6, twin_mac, 6);
	assert_tail(m, "hello wan");
	dp_release(m);
	close(s);
}

static void drain_is_bounded(void **state)
{
	int s = netns_udp_socket("10.255.0.1", 0);

	(void)state;
	for (int i = 0; i < 5; i++)
		netns_udp_send(s, "10.255.0.77", "x", 1);
	assert_int_equal(dp_twin_drain(DP_TWIN_TUNNEL, stage.tunnel100, 3), 3);
	assert_int_equal(rte_ring_count(stage.w->inject), 3);
	assert_int_equal(dp_twin_drain(DP_TWIN_TUNNEL, stage.tunnel100, 3), 2);
	assert_int_equal(dp_twin_drain(DP_TWIN_TUNNEL, stage.tunnel100, 3), 0);
	assert_int_equal(dp_twin_drain(DP_TWIN_TUNNEL, stage.tunnel200, 3), 0);
	close(s);
}

/* A packet that no buffer holds is counted, not cut. */
static void too_large(void **state)
{
	static const uint8_t bytes[3000];
	int s = netns_udp_socket("10.255.0.1", 0);
	unsigned in_use = rte_mempool_in_use_count(dp_pool);

	(void)state;
	netns_ip("link set " TUN " mtu 4000");
	netns_udp_send(s, "10.255.0.77", bytes, sizeof(bytes));
	assert_int_equal(dp_twin_drain(DP_TWIN_TUNNEL, stage.tunnel100, 64), 1);
	assert_true(rte_ring_empty(stage.w->inject));
	assert_int_equal(stats_of(DP_TWIN_TUNNEL, stage.tunnel100).from_kernel_drops, 1);
	assert_int_equal(stats_of(DP_TWIN_TUNNEL, stage.tunnel100).from_kernel_pkts, 0);
	assert_int_equal(rte_mempool_in_use_count(dp_pool), in_use);
	close(s);
}

static void ring_full(void **state)
{
	int s = netns_udp_socket("10.255.0.1", 0);
	struct rte_mbuf *m;
	unsigned n = 0, in_use;

	(void)state;
	for (; (m = rte_pktmbuf_alloc(dp_pool)) != NULL && dp_inject(m, 0) == 0; n++)
		;
	assert_non_null(m);
	assert_int_equal(dp_inject(m, 0), -ENOSPC);
	dp_release(m);
	assert_int_equal(n, rte_ring_get_capacity(stage.w->inject));
	in_use = rte_mempool_in_use_count(dp_pool);
	netns_udp_send(s, "10.255.0.77", "x", 1);
	assert_int_equal(dp_twin_drain(DP_TWIN_TUNNEL, stage.tunnel100, 64), 1);
	assert_int_equal(stats_of(DP_TWIN_TUNNEL, stage.tunnel100).from_kernel_drops, 1);
	assert_int_equal(rte_mempool_in_use_count(dp_pool), in_use);
	close(s);
}

/* The packet must leave the kernel's queue all the same, or the event loop would spin. */
static void no_buffer(void **state)
{
	int s = netns_udp_socket("10.255.0.1", 0);
	struct rte_mbuf **all = calloc(dp_pool->size + 1, sizeof(struct rte_mbuf *));
	unsigned n = 0;

	(void)state;
	assert_non_null(all);
	while ((all[n] = rte_pktmbuf_alloc(dp_pool)) != NULL)
		n++;
	netns_udp_send(s, "10.255.0.77", "x", 1);
	assert_int_equal(dp_twin_drain(DP_TWIN_TUNNEL, stage.tunnel100, 64), 1);
	assert_false(netns_readable_now(dp_twin_fd(DP_TWIN_TUNNEL, stage.tunnel100)));
	assert_int_equal(stats_of(DP_TWIN_TUNNEL, stage.tunnel100).from_kernel_drops, 1);
	assert_true(rte_ring_empty(stage.w->inject));
	while (n > 0)
		dp_release(all[--n]);
	free(all);
	close(s);
}

/* All the way: socket, TUN, worker, GRE, port. */
static void kernel_to_spoke(void **state)
{
	int s = netns_udp_socket("10.255.0.1", 0);
	struct dp_addr spoke11 = stage_addr("192.0.2.11");
	uint64_t injected_before = stage.w->stats.injected_pkts;
	struct rte_mbuf *m;

	(void)state;
	netns_udp_send(s, "10.255.0.11", "hello spoke 11", 14);
	assert_int_equal(dp_twin_drain(DP_TWIN_TUNNEL, stage.tunnel100, 64), 1);
	stage.w->rxq_count = 0; /* a ring port gives back what was sent: that is for us */
	dp_worker_turn(stage.w);
	assert_int_equal(rte_eth_rx_burst(port_hot[stage.wan].dev, 0, &m, 1), 1);
	assert_int_equal(m->data_len, 14 + 20 + 8 + 20 + 8 + 14);
	assert_memory_equal(rte_pktmbuf_mtod(m, uint8_t *) + 14 + 16, &spoke11.ip4_be, 4);
	assert_tail(m, "hello spoke 11");
	dp_release(m);
	assert_int_equal(stage.w->stats.injected_pkts, injected_before + 1);
	assert_int_equal(dp_worker_balance(&stage.w->stats), 0);
	close(s);
}

/* ---- to the kernel ---- */

/* A UDP datagram with this payload; its frame when `eth`. */
static struct rte_mbuf *datagram(const char *from, const char *to, const char *text, bool eth)
{
	struct rte_udp_hdr udp = {.src_port = RTE_BE16(9), .dst_port = RTE_BE16(5000)};
	uint16_t len = (uint16_t)strlen(text), ip_len = (uint16_t)(20 + sizeof(udp) + len);
	struct stage_packet p = stage_ip((struct stage_ip){.src = from, .dst = to, .len = ip_len});
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);

	assert_non_null(m);
	udp.dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(udp) + len));
	memcpy(p.bytes + 20, &udp, sizeof(udp));
	memcpy(p.bytes + 28, text, len);
	if (eth) {
		p = stage_eth(stage.wan, 0x0800, p);
		memcpy(p.bytes, twin_mac, 6);
	}
	memcpy(rte_pktmbuf_append(m, p.len), p.bytes, p.len);
	*dp_meta(m) = (struct dp_meta){.in_port = stage.wan, .tunnel = stage.tunnel100};
	return m;
}

static void assert_received(int s, const char *text)
{
	char bytes[256];

	assert_true(netns_readable(s));
	assert_int_equal(recv(s, bytes, sizeof(bytes), 0), strlen(text));
	assert_memory_equal(bytes, text, strlen(text));
}

static void to_tunnel_twin(void **state)
{
	int s = netns_udp_socket("10.255.0.1", 5000);
	unsigned in_use = rte_mempool_in_use_count(dp_pool);

	(void)state;
	dp_punt(stage.w, datagram("10.255.0.11", "10.255.0.1", "hello hub", false),
		DP_PUNT_TUNNEL_TWIN);
	assert_int_equal(dp_punt_drain(64), 1);
	assert_received(s, "hello hub");
	assert_int_equal(stats_of(DP_TWIN_TUNNEL, stage.tunnel100).to_kernel_pkts, 1);
	assert_int_equal(rte_mempool_in_use_count(dp_pool), in_use);
	close(s);
}

static void to_port_twin(void **state)
{
	int s = netns_udp_socket("192.0.2.1", 5000);

	(void)state;
	dp_punt(stage.w, datagram("192.0.2.11", "192.0.2.1", "hello ike", true), DP_PUNT_PORT_TWIN);
	assert_int_equal(dp_punt_drain(64), 1);
	assert_received(s, "hello ike");
	assert_int_equal(stats_of(DP_TWIN_PORT, stage.wan).to_kernel_pkts, 1);
	close(s);
}

static void to_twin_refused(void **state)
{
	unsigned in_use = rte_mempool_in_use_count(dp_pool);
	const uint16_t tunnels_to[] = {
		stage.tunnel100, /* down */
		stage.tunnel200, /* not open */
		1000,            /* no such tunnel */
	};
	struct rte_mbuf *m;

	(void)state;
	netns_ip("link set " TUN " down");
	for (size_t i = 0; i < RTE_DIM(tunnels_to); i++) {
		m = datagram("10.255.0.11", "10.255.0.1", "x", false);
		dp_meta(m)->tunnel = tunnels_to[i];
		dp_punt(stage.w, m, DP_PUNT_TUNNEL_TWIN);
	}
	assert_int_equal(dp_punt_drain(64), 3);
	assert_int_equal(stats_of(DP_TWIN_TUNNEL, stage.tunnel100).to_kernel_drops, 1);
	assert_int_equal(stats_of(DP_TWIN_TUNNEL, stage.tunnel200).to_kernel_drops, 1);
	assert_int_equal(rte_mempool_in_use_count(dp_pool), in_use);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWIN_TEST(from_tunnel_twin), TWIN_TEST(from_port_twin), TWIN_TEST(drain_is_bounded),
		TWIN_TEST(too_large),        TWIN_TEST(ring_full),      TWIN_TEST(no_buffer),
		TWIN_TEST(kernel_to_spoke),  TWIN_TEST(to_tunnel_twin), TWIN_TEST(to_port_twin),
		TWIN_TEST(to_twin_refused),
	};

	return cmocka_run_group_tests(tests, twin_setup, stage_teardown);
}
