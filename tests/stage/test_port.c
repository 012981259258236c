/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports: probing by name, limits, queues for two workers, and net_af_packet on veth with jumbo
 * frames.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_ethdev.h>

#include "dataplane/dp_priv.h"
#include "netns.h"

#define WORKERS 2
#define MTU     9000

static uint16_t wan; /* net_af_packet on veth wan0, its peer is wan1 */

static struct dp_port_conf conf_of(const char *name, const char *device)
{
	struct dp_port_conf conf = {.role = DP_PORT_UNDERLAY, .mtu = 1500, .descriptors = 256};

	snprintf(conf.name, sizeof(conf.name), "%s", name);
	snprintf(conf.device, sizeof(conf.device), "%s", device);
	return conf;
}

/* The port must be refused with this code, in words that name it and say this. */
static void assert_refused(struct dp_port_conf conf, int rc, const char *text)
{
	uint16_t before = dp_port_count(), port;

	assert_int_equal(dp_port_add(&conf, &port), rc);
	assert_non_null(strstr(dp_error(), conf.name));
	assert_non_null(strstr(dp_error(), text));
	assert_int_equal(dp_port_count(), before);
}

static int setup(void **state)
{
	struct dp_conf conf = {.worker_count = WORKERS,
			       .huge_pages = DP_HUGE_OFF,
			       .idle = DP_IDLE_SLEEP,
			       .limits = {.tunnels = 4,
					  .spokes = 64,
					  .nexthops = 64,
					  .routes = 64,
					  .tbl8 = 64,
					  .neighbours = 64},
			       .mtu_max = MTU,
			       .descriptors_sum = 8192};
	struct dp_port_conf port = conf_of("wan", "net_af_packet0,iface=wan0");

	(void)state;
	netns_enter();
	netns_ip("link add wan0 type veth peer name wan1");
	netns_ip("link set wan1 mtu %u up", MTU);
	netns_ip("link set wan0 up");
	if (dp_start(&conf) < 0)
		fail_msg("%s", dp_error());
	port.mtu = MTU;
	if (dp_port_add(&port, &wan) < 0)
		fail_msg("%s", dp_error());
	return 0;
}

static int teardown(void **state)
{
	uint32_t leaked;

	(void)state;
	dp_stop(&leaked);
	assert_int_equal(leaked, 0);
	return 0;
}

/* ---- errors ---- */

static void device_missing(void **state)
{
	(void)state;
	assert_refused(conf_of("lan0", "net_nosuch0"), -ENODEV, "net_nosuch0");
	assert_refused(conf_of("lan0", "net_af_packet7,iface=nosuch"), -ENODEV,
		       "there is no interface nosuch");
	assert_refused(conf_of("lan0", "net_af_packet8"), -ENODEV, "net_af_packet8");
	assert_refused(conf_of("lan0", "fffe:00:00.0"), -ENODEV, "fffe:00:00.0");
	assert_refused(conf_of("lan0", ""), -ENODEV, "not a device name");
	/* EAL takes the second probe of a device for a success. */
	assert_refused(conf_of("lan0", "net_af_packet0,iface=wan0"), -ENODEV, "another port");
}

static void limits(void **state)
{
	struct dp_port_conf conf = conf_of("lan0", "net_null7");

	(void)state;
	conf.mtu = MTU + 1;
	assert_refused(conf, -EINVAL, "mtu: 9001: buffers were made for 9000");
	conf = conf_of("lan0", "net_null7");
	conf.queues = DP_WORKERS_MAX + 1;
	assert_refused(conf, -EINVAL, "queues: 17: at most 16");
	/* The same device is free again after each refusal. */
	conf.queues = 3;
	assert_int_equal(dp_port_add(&conf, &(uint16_t){0}), 0);
	/* One pair of queues, two workers. */
	assert_refused(conf_of("lan1", "net_pcap0,iface=lo"), -EINVAL,
		       "2 workers need a transmit queue each");
	/* A TAP of DPDK takes the classic frame size only. */
	conf = conf_of("lan1", "net_tap0,iface=dtap0");
	conf.mtu = MTU;
	assert_refused(conf, -EINVAL, "mtu: 9000: device");
	conf = conf_of("lan1", "net_af_packet1,iface=lo");
	conf.queues = 1;
	assert_refused(conf, -EINVAL, "come in pairs");
}

/* ---- queues ---- */

static void queues_are_dealt_out(void **state)
{
	bool taken[DP_PORTS_MAX][DP_WORKERS_MAX] = {0};
	struct dp_port_info info;
	uint32_t sum = 0, least = UINT32_MAX, most = 0;

	(void)state;
	assert_int_equal(port_queues_assign(), 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		const struct dp_worker *w = dp_workers[i];

		least = RTE_MIN(least, w->rxq_count);
		most = RTE_MAX(most, w->rxq_count);
		for (uint32_t q = 0; q < w->rxq_count; q++) {
			assert_false(taken[w->rxq[q].port][w->rxq[q].queue]);
			taken[w->rxq[q].port][w->rxq[q].queue] = true;
			assert_int_equal(w->rxq[q].dev, port_hot[w->rxq[q].port].dev);
		}
		for (uint16_t p = 0; p < dp_port_count(); p++) {
			assert_int_equal(w->txq[p].port, port_hot[p].dev);
			assert_int_equal(w->txq[p].queue, i);
			assert_int_equal(w->txq[p].n, 0);
		}
	}
	for (uint16_t p = 0; p < dp_port_count(); p++) {
		assert_int_equal(dp_port_info_get(p, &info), 0);
		assert_true(info.tx_queues >= WORKERS);
		sum += info.rx_queues;
		for (uint16_t q = 0; q < info.rx_queues; q++)
			assert_true(taken[p][q]);
	}
	assert_int_equal(dp_workers[0]->rxq_count + dp_workers[1]->rxq_count, sum);
	assert_true(most - least <= 1);
}

/* ---- net_af_packet ---- */

static void info(void **state)
{
	struct dp_port_info i;
	uint8_t mac[6];

	(void)state;
	netns_mac("wan0", mac);
	assert_int_equal(dp_port_info_get(wan, &i), 0);
	assert_string_equal(i.name, "wan");
	assert_string_equal(i.driver, "net_af_packet");
	assert_memory_equal(i.mac, mac, 6);
	assert_memory_equal(port_hot[wan].mac.addr_bytes, mac, 6);
	assert_int_equal(port_hot[wan].mtu, MTU);
	assert_int_equal(i.rx_queues, WORKERS);
	assert_int_equal(i.tx_queues, WORKERS);
	assert_true(i.ifindex > 1);
	/* The interface follows the port. */
	assert_int_equal(i.mtu, MTU);
	assert_int_equal(netns_mtu("wan0"), MTU);
	assert_int_equal(dp_port_info_get(DP_PORTS_MAX, &i), -ENOENT);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void link_flap(void **state)
{
	uint64_t deadline = now_ms() + 5000;
	struct dp_port_info i;

	(void)state;
	netns_ip("link set wan1 down");
	do
		assert_int_equal(dp_port_info_get(wan, &i), 0);
	while (i.link_up && now_ms() < deadline);
	assert_false(i.link_up);
	netns_ip("link set wan1 up");
	do
		assert_int_equal(dp_port_info_get(wan, &i), 0);
	while (!i.link_up && now_ms() < deadline);
	assert_true(i.link_up);
}

/* An Ethernet frame for the port, of an ethertype nobody else uses. */
static void frame_fill(uint8_t *frame, uint16_t len)
{
	memcpy(frame, port_hot[wan].mac.addr_bytes, 6);
	memcpy(frame + 6, "\2\0\0\0\0\1\x88\xb5", 8);
	for (uint16_t i = 14; i < len; i++)
		frame[i] = (uint8_t)i;
}

static struct rte_mbuf *receive(void)
{
	uint64_t deadline = now_ms() + 5000;
	struct rte_mbuf *m;

	while (now_ms() < deadline)
		for (uint16_t q = 0; q < WORKERS; q++)
			if (rte_eth_rx_burst(port_hot[wan].dev, q, &m, 1) == 1)
				return m;
	fail_msg("no frame within 5 s");
	return NULL;
}

/* The largest frame comes in whole, in one segment, with room for what is still to be added. */
static void jumbo_rx(void **state)
{
	uint8_t frame[14 + MTU];
	int s = netns_packet_socket("wan1");
	struct dp_port_stats stats;
	struct rte_mbuf *m;

	(void)state;
	frame_fill(frame, sizeof(frame));
	assert_int_equal(send(s, frame, sizeof(frame), 0), sizeof(frame));
	m = receive();
	assert_int_equal(m->nb_segs, 1);
	assert_int_equal(m->data_len, sizeof(frame));
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), frame, sizeof(frame));
	assert_true(rte_pktmbuf_headroom(m) >= DP_ENCAP_HEADROOM);
	assert_true(rte_pktmbuf_tailroom(m) >= DP_ENCAP_TAILROOM);
	dp_release(m);
	assert_int_equal(dp_port_stats_get(wan, &stats), 0);
	assert_true(stats.rx_pkts >= 1 && stats.rx_bytes >= sizeof(frame));
	assert_int_equal(dp_port_stats_get(DP_PORTS_MAX, &stats), -ENOENT);
	close(s);
}

static void jumbo_tx(void **state)
{
	uint8_t frame[14 + MTU], seen[14 + MTU + 1];
	int s = netns_packet_socket("wan1");
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);

	(void)state;
	frame_fill(frame, sizeof(frame));
	memcpy(rte_pktmbuf_append(m, sizeof(frame)), frame, sizeof(frame));
	assert_int_equal(rte_eth_tx_burst(port_hot[wan].dev, 1, &m, 1), 1);
	assert_true(netns_readable(s));
	assert_int_equal(recv(s, seen, sizeof(seen), 0), sizeof(frame));
	assert_memory_equal(seen, frame, sizeof(frame));
	close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_missing), cmocka_unit_test(limits),
		cmocka_unit_test(info),           cmocka_unit_test(queues_are_dealt_out),
		cmocka_unit_test(link_flap),      cmocka_unit_test(jumbo_rx),
		cmocka_unit_test(jumbo_tx),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
