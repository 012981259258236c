/* SPDX-License-Identifier: Apache-2.0 */
/* Peers: what their SAs, their path and their address do to the adjacencies of their spokes. */
#include "sa_fixture.h"

#include <errno.h>

#include <rte_cycles.h>

#include "dataplane/defer.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/esp_size.h"

#define PEER "192.0.2.51"
#define NAT  "192.0.2.61"
#define PORT 40001

static uint16_t tunnel, other_tunnel;
static uint32_t spoke, nat_spoke;

static int setup(void **state)
{
	if (stage_setup(state) != 0)
		return -1;
	tunnel = sa_tunnel_add(300, SA_PROFILE);
	other_tunnel = sa_tunnel_add(400, SA_PROFILE);
	spoke = sa_spoke_add(tunnel, PEER, 0);
	nat_spoke = sa_spoke_add(tunnel, NAT, PORT);
	return 0;
}

static void del(uint32_t sa)
{
	assert_int_equal(dp_sa_del(sa), 0);
	defer_poll();
}

static uint16_t sum_of(const struct adj *a)
{
	uint16_t words[10];
	uint32_t sum = 0;

	memcpy(words, a->header, sizeof(words));
	for (unsigned i = 0; i < 10; i++)
		sum += words[i];
	assert_int_equal(sum, a->ip_sum);
	return (uint16_t)sum;
}

/* UDP between IPv4 and GRE, with the SA's ports and no checksum. */
static void test_natt_header(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, NAT, 0x2000, 1);
	static const uint8_t gre[8] = {0x20, 0, 8, 0, 0, 0, 1, 0x2c};
	const struct adj *a = sa_adj(nat_spoke);
	uint32_t sa;

	(void)state;
	assert_true(a->is_protected && a->sa == 0 && a->outer_len == 28);
	conf.natt_port = PORT;
	conf.natt_local_port = 4501;
	sa = sa_add(&conf);
	a = sa_adj(nat_spoke);
	assert_int_equal(a->sa, sa);
	assert_int_equal(a->header[9], IPPROTO_UDP);
	assert_true(a->header[20] == 4501 >> 8 && a->header[21] == (4501 & 255));
	assert_true(a->header[22] == PORT >> 8 && a->header[23] == (PORT & 255));
	assert_true(a->header[24] == 0 && a->header[25] == 0 && a->header[26] == 0);
	assert_memory_equal(a->header + 28, gre, sizeof(gre));
	assert_true(a->gre_len == 8 && a->header_len == 36);
	assert_int_equal(a->mtu, 1430);
	sum_of(a);
	del(sa);
	conf.natt_local_port = 0;
	sa = sa_add(&conf);
	a = sa_adj(nat_spoke);
	assert_true(a->header[20] == 4500 >> 8 && a->header[21] == (4500 & 255));
	/* Not the peer without NAT. */
	assert_int_equal(sa_adj(spoke)->sa, 0);
	del(sa);
}

/* What fits, by algorithm, with and without NAT-T. */
static void test_mtu_of_algorithm(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < DP_SA_ALG_COUNT; alg++) {
		for (unsigned natt = 0; natt < 2; natt++) {
			struct dp_sa_conf conf = sa_conf(DP_SA_OUT, natt ? NAT : PEER, 0x2000, 1);
			const struct dp_sa_alg_info *info = dp_sa_alg_info(alg);
			uint32_t s = natt ? nat_spoke : spoke, sa;
			uint8_t outer = natt ? 28 : 20;

			conf.alg = (enum dp_sa_alg)alg;
			conf.natt_port = natt ? PORT : 0;
			sa = sa_add(&conf);
			assert_true(esp_outer_bytes(info, outer, 8, sa_adj(s)->mtu) <= 1500);
			assert_true(esp_outer_bytes(info, outer, 8, sa_adj(s)->mtu + 1U) > 1500);
			del(sa);
			assert_int_equal(sa_adj(s)->mtu, 1500 - outer - 8);
		}
	}
}

static int mtu_set(const char *remote, uint16_t port, uint16_t mtu)
{
	struct dp_addr local = stage_addr("192.0.2.1"), addr = stage_addr(remote);

	return dp_peer_mtu_set(&local, &addr, port, mtu);
}

static void test_path_mtu(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x2000, 1);
	uint32_t sa = sa_add(&conf);
	uint64_t s = rte_get_tsc_hz(), now = rte_rdtsc();

	(void)state;
	assert_int_equal(sa_adj(spoke)->mtu, 1438);
	assert_int_equal(mtu_set("192.0.2.99", 0, 1400), -ENOENT);
	assert_int_equal(mtu_set(PEER, 4500, 1400), -ENOENT);
	assert_int_equal(mtu_set(PEER, 0, 575), -EINVAL);
	assert_string_equal(dp_error(), "path MTU: 575: from 576 to 1499");
	assert_int_equal(mtu_set(PEER, 0, 1500), -EINVAL);
	assert_int_equal(mtu_set(PEER, 0, 1400), 0);
	assert_int_equal(sa_adj(spoke)->mtu, 1338);
	assert_int_equal(mtu_set(PEER, 0, 1400), -EINVAL); /* no news */
	assert_int_equal(mtu_set(PEER, 0, 576), 0);
	assert_int_equal(sa_adj(spoke)->mtu, 514);
	assert_int_equal(sa_adj(nat_spoke)->mtu, 1500 - 28 - 8); /* another peer */
	peer_poll(now + 590 * s);
	assert_int_equal(sa_adj(spoke)->mtu, 514);
	peer_poll(now + 601 * s);
	assert_int_equal(sa_adj(spoke)->mtu, 1438);
	/* A plain tunnel's peer has one, too. */
	assert_int_equal(adjs[spoke_adj(stage.spoke11)].mtu, 1400);
	assert_int_equal(mtu_set("192.0.2.11", 0, 1300), 0);
	assert_int_equal(adjs[spoke_adj(stage.spoke11)].mtu, 1300 - 28);
	peer_poll(rte_rdtsc() + 601 * s);
	assert_int_equal(adjs[spoke_adj(stage.spoke11)].mtu, 1400);
	del(sa);
}

/* Two tunnels share the SAs of a peer. */
static void test_spoke_of_sa(void **state)
{
	struct dp_sa_conf in = sa_conf(DP_SA_IN, PEER, 0x1000, 1);
	struct dp_sa_conf out = sa_conf(DP_SA_OUT, PEER, 0x2000, 2);
	uint32_t sa_in = sa_add(&in), sa_out = sa_add(&out), second;

	(void)state;
	assert_int_equal(spoke_tunnel(spoke), tunnel);
	second = sa_spoke_add(other_tunnel, PEER, 0);
	assert_true(sa_adj(second)->sa == sa_out && sa_adj(spoke)->sa == sa_out);
	assert_int_equal(spoke_tunnel(second), other_tunnel);
	assert_int_equal(dp_spoke_del(second), 0);
	assert_int_equal(sas[sa_in].home, sas[sa_out].home);
	del(sa_in);
	del(sa_out);
}

/* ---- moves ---- */

/* Spoke, next hop, SAs, counters stay what they are; everything says the new address. */
static void test_move(void **state)
{
	struct dp_sa_conf in = sa_conf(DP_SA_IN, NAT, 0x1000, 1);
	struct dp_sa_conf out = sa_conf(DP_SA_OUT, NAT, 0x2000, 2);
	struct dp_addr to = stage_addr("192.0.2.62"), overlay = stage_addr("10.99.0.1"), old;
	struct dp_spoke_key key = {.tunnel = tunnel, .nbma = to, .natt_port = 50000};
	uint32_t sa_in, sa_out;

	(void)state;
	old = stage_addr(NAT);
	in.natt_port = out.natt_port = PORT;
	sa_in = sa_add(&in);
	sa_out = sa_add(&out);
	sas[sa_out].seq = 33;
	assert_int_equal(dp_nexthop_set(tunnel, &overlay, nat_spoke), 0);
	assert_int_equal(mtu_set(NAT, PORT, 1000), 0);

	assert_int_equal(dp_sa_peer_move(sa_in, &to, 50000), 0);
	assert_int_equal(dp_spoke_find(&key), nat_spoke);
	key.nbma = old;
	key.natt_port = PORT;
	assert_int_equal(dp_spoke_find(&key), 0);
	assert_int_equal(dp_nexthop_find(tunnel, &overlay), nat_spoke);
	assert_memory_equal(sa_adj(nat_spoke)->header + 16, &to.ip4_be, 4);
	assert_true(sa_adj(nat_spoke)->header[22] == 50000 >> 8);
	assert_int_equal(sa_adj(nat_spoke)->mtu, 1430); /* another path */
	assert_int_equal(sa_adj(nat_spoke)->sa, sa_out);
	assert_int_equal(sa_info(sa_in).natt_port, 50000);
	assert_int_equal(sa_info(sa_in).remote.ip4_be, to.ip4_be);
	assert_int_equal(sa_info(sa_out).natt_local_port, 4500);
	assert_int_equal(sa_info(sa_out).seq, 33);
	assert_int_equal(dp_sa_find(DP_SA_OUT, &out.local, &to, 0x2000), sa_out);
	assert_int_equal(dp_sa_find(DP_SA_OUT, &out.local, &old, 0x2000), 0);
	/* Only the port, and there again. */
	assert_int_equal(dp_sa_peer_move(sa_out, &to, 50001), 0);
	assert_int_equal(dp_sa_find(DP_SA_OUT, &out.local, &to, 0x2000), sa_out);
	assert_int_equal(dp_sa_peer_move(sa_out, &to, 50001), 0);
	assert_int_equal(dp_sa_peer_move(sa_out, &old, PORT), 0);
	assert_int_equal(dp_spoke_find(&key), nat_spoke);
	assert_int_equal(dp_nexthop_del(tunnel, &overlay), 0);
	del(sa_in);
	del(sa_out);
	defer_poll();
	assert_int_equal(defer_pending(), 0);
}

static void test_move_refused(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_IN, NAT, 0x1000, 1);
	struct dp_addr to = stage_addr("192.0.2.62"), bad = stage_addr("224.0.0.1");
	struct dp_sa_conf other = sa_conf(DP_SA_IN, "192.0.2.62", 0x1001, 2);
	uint32_t sa, sa_other;

	(void)state;
	conf.natt_port = PORT;
	other.natt_port = 50000;
	sa = sa_add(&conf);
	sa_other = sa_add(&other);
	assert_int_equal(dp_sa_peer_move(sa + 20, &to, 50000), -ENOENT);
	assert_int_equal(dp_sa_peer_move(sa, &to, 50000), -EEXIST);
	assert_string_equal(dp_error(), "peer: 192.0.2.62 port 50000 is another one");
	assert_int_equal(dp_sa_peer_move(sa, &to, 0), -EINVAL);
	assert_int_equal(dp_sa_peer_move(sa, &bad, 50000), -EINVAL);
	assert_int_equal(sa_info(sa).natt_port, PORT);
	del(sa_other);
	assert_int_equal(dp_sa_peer_move(sa, &to, 50000), 0);
	assert_int_equal(dp_sa_peer_move(sa, &conf.remote, PORT), 0);
	del(sa);
}

/* A worker does not come round: what needs new adjacencies is refused or late, and nothing is sent
 * by an SA that is gone. */
static void test_stuck(void **state)
{
	const unsigned reader = DP_WORKERS_MAX - 1;
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x2000, 1);
	uint32_t sa, more, n = 0;

	(void)state;
	sa = sa_add(&conf);
	defer_poll();
	rte_rcu_qsbr_thread_register(dp_qsbr, reader);
	rte_rcu_qsbr_thread_online(dp_qsbr, reader);
	/* Each one a new adjacency, until there is none. */
	while (spoke_adj_room(1))
		assert_int_equal(mtu_set(PEER, 0, (uint16_t)(1499 - 4 * n++)), 0);
	assert_true(n > 20);
	assert_int_equal(mtu_set(PEER, 0, 700), 0); /* late */
	assert_true(sa_adj(spoke)->mtu > 800);
	conf = sa_conf(DP_SA_OUT, PEER, 0x2001, 2);
	assert_int_equal(dp_sa_add(&conf, &more), -EAGAIN);
	assert_string_equal(dp_error(), "SA 0x2001: a worker is stuck");
	assert_int_equal(dp_sa_count(), 1);
	assert_int_equal(dp_sa_del(sa), -EAGAIN);
	assert_int_equal(sa_adj(spoke)->sa, sa);
	rte_rcu_qsbr_quiescent(dp_qsbr, reader);
	dp_poll();
	assert_true(sa_adj(spoke)->mtu < 700);
	more = sa_add(&conf);
	assert_int_equal(sa_adj(spoke)->sa, more);
	rte_rcu_qsbr_thread_offline(dp_qsbr, reader);
	rte_rcu_qsbr_thread_unregister(dp_qsbr, reader);
	peer_poll(rte_rdtsc() + 601 * rte_get_tsc_hz());
	del(more);
	del(sa);
	dp_poll();
	assert_int_equal(defer_pending(), 0);
}

/* A peer is there as long as something hangs on it. */
static void test_peer_goes(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_IN, "192.0.2.70", 0x1000, 1);
	uint32_t sa = sa_add(&conf), s;

	(void)state;
	assert_int_not_equal(peer_find(conf.local.ip4_be, conf.remote.ip4_be, 0), 0);
	s = sa_spoke_add(tunnel, "192.0.2.70", 0);
	del(sa);
	assert_int_not_equal(peer_find(conf.local.ip4_be, conf.remote.ip4_be, 0), 0);
	assert_int_equal(dp_spoke_del(s), 0);
	assert_int_equal(peer_find(conf.local.ip4_be, conf.remote.ip4_be, 0), 0);
	defer_poll();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_natt_header), cmocka_unit_test(test_mtu_of_algorithm),
		cmocka_unit_test(test_path_mtu),    cmocka_unit_test(test_spoke_of_sa),
		cmocka_unit_test(test_move),        cmocka_unit_test(test_move_refused),
		cmocka_unit_test(test_peer_goes),   cmocka_unit_test(test_stuck),
	};

	return cmocka_run_group_tests_name("sa_peer", tests, setup, stage_teardown);
}
