/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dataplane says of itself: packets by spoke and tunnel, also of spokes that are gone, and
 * whether a worker comes round.
 */
#include "stage.h"

#include <rte_rcu_qsbr.h>

#include "dataplane/defer.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"

#define LEN 84

static struct dp_tunnel_counters tunnel_counters(uint16_t tunnel)
{
	struct dp_tunnel_counters all[4];

	assert_int_equal(dp_tunnel_counters_get(all, 4), 4);
	return all[tunnel];
}

static void from(const char *nbma, const char *src, const char *dst, unsigned wan_out)
{
	struct stage_packet in = stage_from_spoke(
		nbma, stage_ip((struct stage_ip){.src = src, .dst = dst, .len = LEN}));

	assert_int_equal(stage_run(stage.wan, &in, 1)->wan_n, wan_out);
}

static void check_spoke(uint32_t spoke, uint64_t rx_pkts, uint64_t tx_pkts)
{
	struct dp_spoke_counters c;

	assert_int_equal(dp_spoke_counters_get(spoke, &c), 0);
	assert_int_equal(c.rx_pkts, rx_pkts);
	assert_int_equal(c.tx_pkts, tx_pkts);
	assert_int_equal(c.rx_bytes, rx_pkts * LEN);
	assert_int_equal(c.tx_bytes, tx_pkts * LEN);
}

static void check_tunnel(uint16_t tunnel, uint64_t rx, uint64_t tx, uint64_t strangers)
{
	struct dp_tunnel_counters c = tunnel_counters(tunnel);

	assert_int_equal(c.all.rx_pkts, rx);
	assert_int_equal(c.all.tx_pkts, tx);
	assert_int_equal(c.all.rx_bytes, rx * LEN);
	assert_int_equal(c.all.tx_bytes, tx * LEN);
	assert_int_equal(c.strangers.rx_pkts, strangers);
	assert_int_equal(c.strangers.rx_bytes, strangers * LEN);
	assert_int_equal(c.strangers.tx_pkts, 0);
}

static void spokes_and_tunnels(void **state)
{
	struct dp_spoke_key key = {.tunnel = stage.tunnel100, .nbma = stage_addr("192.0.2.12")};
	struct dp_addr protocol = stage_addr("10.255.0.12");
	uint32_t again;

	(void)state;
	from("192.0.2.11", "10.1.11.1", "10.1.12.1", 1);
	from("192.0.2.11", "10.1.11.1", "10.1.12.1", 1);
	from("192.0.2.12", "10.1.12.1", "10.1.11.1", 1);
	from("192.0.2.77", "10.1.77.1", "10.1.12.1", 1); /* nobody's */
	check_spoke(stage.spoke11, 2, 1);
	check_spoke(stage.spoke12, 1, 3);
	check_spoke(0, 1, 0);
	check_tunnel(stage.tunnel100, 4, 4, 1);
	check_tunnel(stage.tunnel200, 0, 0, 0);
	/* A spoke goes: its packets stay its tunnel's, while workers may still count and after. */
	rte_rcu_qsbr_thread_register(dp_qsbr, 0);
	rte_rcu_qsbr_thread_online(dp_qsbr, 0);
	assert_int_equal(dp_nexthop_del(stage.tunnel100, &protocol), 0);
	assert_int_equal(dp_spoke_del(stage.spoke12), 0);
	check_tunnel(stage.tunnel100, 4, 4, 1);
	rte_rcu_qsbr_thread_offline(dp_qsbr, 0);
	rte_rcu_qsbr_thread_unregister(dp_qsbr, 0);
	defer_poll();
	check_tunnel(stage.tunnel100, 4, 4, 1);
	/* Its handle is another's, who starts from 0. */
	assert_int_equal(dp_spoke_add(&key, &again), 0);
	assert_int_equal(again, stage.spoke12);
	check_spoke(again, 0, 0);
	check_tunnel(stage.tunnel100, 4, 4, 1);
	assert_int_equal(dp_spoke_del(again), 0);
}

static void tunnel_starts_from_zero(void **state)
{
	struct dp_tunnel_conf conf = {.name = "Tunnel9",
				      .source = stage_addr("192.0.2.1"),
				      .has_key = true,
				      .key = 9,
				      .mtu = 1400,
				      .ttl = 64};
	struct stage_packet in;
	uint16_t tunnel;

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(dp_tunnel_add(&conf, &tunnel), 0);
		check_tunnel(tunnel, 0, 0, 0);
		in = stage_ip((struct stage_ip){.src = "10.9.0.1", .dst = "10.1.1.10", .len = LEN});
		in = stage_eth(
			stage.wan, 0x0800,
			stage_outer("192.0.2.99", "192.0.2.1", stage_gre(0x2000, 9, 0x0800, in)));
		assert_int_equal(stage_run(stage.wan, &in, 1)->lan_n, 1);
		check_tunnel(tunnel, 1, 0, 1);
		assert_int_equal(dp_tunnel_del(tunnel), 0);
		defer_poll();
	}
}

static void worker_comes_round(void **state)
{
	uint64_t token;

	(void)state;
	assert_true(dp_worker_passed(0, dp_worker_token())); /* its loop does not run */
	rte_rcu_qsbr_thread_register(dp_qsbr, 0);
	rte_rcu_qsbr_thread_online(dp_qsbr, 0);
	token = dp_worker_token();
	assert_false(dp_worker_passed(0, token));
	rte_rcu_qsbr_quiescent(dp_qsbr, 0);
	assert_true(dp_worker_passed(0, token));
	token = dp_worker_token();
	assert_false(dp_worker_passed(0, token));
	rte_rcu_qsbr_thread_offline(dp_qsbr, 0); /* asleep: it holds nothing */
	assert_true(dp_worker_passed(0, token));
	rte_rcu_qsbr_thread_unregister(dp_qsbr, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spokes_and_tunnels),
		cmocka_unit_test(tunnel_starts_from_zero),
		cmocka_unit_test(worker_comes_round),
	};

	return cmocka_run_group_tests_name("counters", tests, stage_setup, stage_teardown);
}
