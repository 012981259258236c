/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hand-over between two workers that the test turns in turn: packets arrive, by what is true when
 * they are taken up; nothing is lost without a name; homes move.
 */
#include "sa_fixture.h"

#include <errno.h>

#include <rte_ethdev.h>

#include "dataplane/defer.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/stages.h"

static struct dp_worker *w0, *w1;

static int setup(void **state)
{
	stage_workers = 2;
	if (stage_setup(state) != 0)
		return -1;
	w0 = dp_workers[0];
	w1 = dp_workers[1];
	return 0;
}

static int teardown(void **state)
{
	handover_flush(w0);
	handover_flush(w1);
	return stage_teardown(state);
}

/* An inner packet whose way is known. */
static struct rte_mbuf *inner_packet(uint32_t spoke)
{
	struct stage_packet p =
		stage_ip((struct stage_ip){.src = "10.1.1.10", .dst = "10.1.11.1", .len = 100});
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, p.len), p.bytes, p.len);
	*dp_meta(m) = (struct dp_meta){.kind = DP_KIND_IP, .adj = spoke_adj(spoke)};
	dp_meta_adj_note(dp_meta(m));
	return m;
}

/* From one to the other; counted as one that came from a port. */
static void hand(struct dp_worker *from, struct rte_mbuf *m, uint8_t to)
{
	from->stats.rx_pkts++;
	handover(from, m, to);
}

static unsigned sent(struct dp_worker *w, uint8_t *last_mac_byte)
{
	struct rte_mbuf *m[DP_BURST];
	uint16_t n;

	tx_flush(w);
	n = rte_eth_rx_burst(port_hot[stage.wan].dev, (uint16_t)w->index, m, DP_BURST);
	for (uint16_t i = 0; i < n; i++) {
		if (last_mac_byte != NULL)
			*last_mac_byte = rte_pktmbuf_mtod(m[i], const uint8_t *)[5];
		rte_pktmbuf_free(m[i]);
	}
	return n;
}

/* Per worker; and over both, what was handed over was taken over. */
static void balance(uint64_t on_the_way)
{
	assert_int_equal(dp_worker_balance(&w0->stats), 0);
	assert_int_equal(dp_worker_balance(&w1->stats), 0);
	assert_int_equal(w0->stats.handed_over_pkts + w1->stats.handed_over_pkts -
				 w0->stats.taken_over_pkts - w1->stats.taken_over_pkts,
			 on_the_way);
}

static void test_arrives(void **state)
{
	uint8_t mac = 0;

	(void)state;
	hand(w0, inner_packet(stage.spoke11), 1);
	balance(1);
	assert_int_equal(handover_burst(w0), 0);
	assert_int_equal(handover_burst(w1), 1);
	assert_int_equal(sent(w1, &mac), 1);
	assert_int_equal(mac, 11);
	assert_int_equal(w1->spokes[stage.spoke11].tx_pkts, 1);
	assert_int_equal(w0->spokes[stage.spoke11].tx_pkts, 0);
	hand(w1, inner_packet(stage.spoke12), 0);
	assert_int_equal(handover_burst(w0), 1);
	assert_int_equal(sent(w0, &mac), 1);
	assert_int_equal(mac, 12);
	assert_int_equal(handover_burst(w1), 0);
	balance(0);
}

/* The adjacency that is true when the packet is taken up, however old the packet. */
static void test_new_adjacency(void **state)
{
	struct dp_addr other = stage_addr("192.0.2.21"), own = stage_addr("192.0.2.12");
	uint32_t neigh, old = spoke_adj(stage.spoke12);
	uint8_t mac = 0;

	(void)state;
	hand(w0, inner_packet(stage.spoke12), 1);
	assert_int_equal(dp_neigh_get(stage.wan, &other, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(stage.spoke12, neigh), 0);
	defer_poll(); /* nobody is online: the old one is freed, and poisoned */
	assert_int_not_equal(spoke_adj(stage.spoke12), old);
	assert_int_equal(handover_burst(w1), 1);
	assert_int_equal(sent(w1, &mac), 1);
	assert_int_equal(mac, 21);
	assert_int_equal(dp_neigh_get(stage.wan, &own, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(stage.spoke12, neigh), 0);
	defer_poll();
	balance(0);
}

/* The spoke is gone, or its handle is another's by now: not to that one. */
static void test_spoke_gone(void **state)
{
	uint64_t dropped = w1->stats.drops[DP_DROP_NO_BINDING];
	struct dp_addr own = stage_addr("192.0.2.12");
	struct dp_spoke_key key = {.tunnel = stage.tunnel100, .nbma = stage_addr("192.0.2.51")};
	uint32_t spoke, again, neigh;

	(void)state;
	assert_int_equal(dp_spoke_add(&key, &spoke), 0);
	hand(w0, inner_packet(spoke), 1);
	assert_int_equal(dp_spoke_del(spoke), 0);
	assert_int_equal(handover_burst(w1), 1); /* deleted, not yet freed */
	assert_int_equal(w1->stats.drops[DP_DROP_NO_BINDING], dropped + 1);
	defer_poll();

	assert_int_equal(dp_spoke_add(&key, &spoke), 0);
	hand(w0, inner_packet(spoke), 1);
	assert_int_equal(dp_spoke_del(spoke), 0);
	defer_poll();
	key.nbma = stage_addr("192.0.2.52");
	assert_int_equal(dp_spoke_add(&key, &again), 0);
	assert_int_equal(again, spoke);
	assert_int_equal(dp_neigh_get(stage.wan, &own, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(again, neigh), 0);
	assert_int_equal(handover_burst(w1), 1);
	assert_int_equal(w1->stats.drops[DP_DROP_NO_BINDING], dropped + 2);
	assert_int_equal(sent(w1, NULL), 0);
	assert_int_equal(dp_spoke_del(again), 0);
	defer_poll();
	balance(0);
}

/* Nobody comes for them: the last ones are dropped by name. Order is kept. */
static void test_full(void **state)
{
	uint64_t full = w0->stats.drops[DP_DROP_HANDOVER_FULL];
	uint32_t room = handover_mbufs(2) / 2 - 1; /* a ring holds one less than its size */
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 0; i < room + 5; i++)
		hand(w0, inner_packet(stage.spoke11), 1);
	assert_int_equal(w0->stats.drops[DP_DROP_HANDOVER_FULL], full + 5);
	hand(w0, inner_packet(stage.spoke11), 7); /* no such worker */
	assert_int_equal(w0->stats.drops[DP_DROP_HANDOVER_FULL], full + 6);
	balance(room);
	while (handover_burst(w1) != 0)
		n += sent(w1, NULL);
	assert_int_equal(n, room);
	balance(0);
}

/* The home that was looked up has let go in between, to us: nothing is lost. */
static void test_home_is_here(void **state)
{
	uint64_t full = w0->stats.drops[DP_DROP_HANDOVER_FULL];

	(void)state;
	hand(w0, inner_packet(stage.spoke11), 0);
	assert_int_equal(w0->stats.drops[DP_DROP_HANDOVER_FULL], full);
	balance(1);
	assert_int_equal(handover_burst(w1), 1);
	assert_int_equal(sent(w1, NULL), 1);
	balance(0);
}

static void test_flush(void **state)
{
	uint64_t dropped = w1->stats.drops[DP_DROP_SHUTDOWN];

	(void)state;
	hand(w0, inner_packet(stage.spoke11), 1);
	handover_flush(w1);
	assert_int_equal(w1->stats.drops[DP_DROP_SHUTDOWN], dropped + 1);
	balance(0);
}

/* ---- homes ---- */

static void test_home_moves(void **state)
{
	struct dp_sa_conf in = sa_conf(DP_SA_IN, "192.0.2.51", 0x1000, 1);
	struct dp_sa_conf out = sa_conf(DP_SA_OUT, "192.0.2.51", 0x2000, 2);
	uint32_t sa_in = sa_add(&in), sa_out = sa_add(&out), more;
	uint32_t peer = peer_find(in.local.ip4_be, in.remote.ip4_be, 0);
	uint8_t from = sas[sa_in].home, to = 1 - from;

	(void)state;
	assert_int_equal(sas[sa_out].home, from);
	assert_int_equal(handover_home_set(peer, 2), -ENOENT);
	assert_int_equal(handover_home_set(peer, to), 0);
	assert_true(sas[sa_in].home == from && sas[sa_out].home == from); /* it decides */
	handover_burst(dp_workers[to]);
	assert_true(sas[sa_in].home == from && sas[sa_out].home == from);
	assert_int_equal(handover_home_set(peer, from), -EAGAIN); /* one after the other */
	handover_burst(dp_workers[from]);
	assert_true(sas[sa_in].home == to && sas[sa_out].home == to);
	out = sa_conf(DP_SA_OUT, "192.0.2.51", 0x2001, 3);
	more = sa_add(&out);
	assert_int_equal(sa_info(more).home, to);
	assert_int_equal(handover_home_set(peer, from), 0);
	handover_burst(dp_workers[to]);
	assert_int_equal(sa_info(more).home, from);
	assert_int_equal(dp_sa_del(sa_in), 0);
	assert_int_equal(dp_sa_del(sa_out), 0);
	assert_int_equal(dp_sa_del(more), 0);
	defer_poll();
}

/* ESP of the SA comes in on a worker that is not its home. */
static void esp_came(struct dp_worker *w, uint32_t sa, unsigned n)
{
	for (; n > 0; n--) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);

		assert_non_null(m);
		*dp_meta(m) = (struct dp_meta){.kind = DP_KIND_ESP};
		w->stats.rx_pkts++;
		handover_esp(w, m, sa);
	}
}

/* Who came in where is told once, of all inbound SAs of a peer, and moves it. */
static void test_home_look(void **state)
{
	struct dp_sa_conf a = sa_conf(DP_SA_IN, "192.0.2.51", 0x1000, 1);
	struct dp_sa_conf b = sa_conf(DP_SA_IN, "192.0.2.51", 0x1001, 2);
	struct dp_sa_conf out = sa_conf(DP_SA_OUT, "192.0.2.51", 0x2000, 3);
	uint32_t sa_a = sa_add(&a), sa_b = sa_add(&b), sa_out = sa_add(&out), cursor = 0;
	uint8_t home = sas[sa_a].home, other = 1 - home;
	uint32_t first = RTE_MIN(sa_a, sa_b), last = RTE_MAX(sa_a, sa_b);
	struct dp_sa_home rows[4];

	(void)state;
	while (dp_sa_home_look(&cursor, 1, rows, 4) > 0)
		; /* what came before */
	cursor = 0;
	esp_came(dp_workers[other], first, 30);
	esp_came(dp_workers[other], last, 5);
	sas[first].pkts += 40; /* as its home counts what is authentic */
	sas[last].pkts += 10;
	assert_int_equal(dp_sa_home_look(&cursor, 30, rows, 4), 1);
	assert_int_equal(rows[0].home, home);
	assert_int_equal(rows[0].pkts, 50);
	assert_int_equal(rows[0].handed_pkts[other], 35);
	assert_int_equal(rows[0].handed_pkts[home], 0);
	assert_int_equal(dp_sa_home_look(&cursor, 30, rows, 4), 0);
	cursor = 0;
	assert_int_equal(dp_sa_home_look(&cursor, 1, &rows[1], 3), 0); /* seen */

	assert_int_equal(dp_sa_home_set(&rows[0], 2), -ENOENT);
	assert_int_equal(dp_sa_home_set(&rows[0], other), 0);
	handover_flush(dp_workers[home]); /* and lets go */
	assert_true(sas[sa_a].home == other && sas[sa_b].home == other &&
		    sas[sa_out].home == other);
	assert_int_equal(dp_sa_del(sa_a), 0);
	assert_int_equal(dp_sa_del(sa_b), 0);
	assert_int_equal(dp_sa_del(sa_out), 0);
	defer_poll();
	assert_int_equal(dp_sa_home_set(&rows[0], home), -ENOENT); /* gone */
	balance(0);
}

/* What the ring has no room for was not handed over. */
static void test_home_full(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_IN, "192.0.2.51", 0x1000, 1);
	uint32_t sa = sa_add(&conf), room = handover_mbufs(2) / 2 - 1, cursor = 0;
	uint8_t home = sas[sa].home;
	struct dp_sa_home row;

	(void)state;
	esp_came(dp_workers[1 - home], sa, room + 7);
	sas[sa].pkts += room;
	assert_int_equal(dp_sa_home_look(&cursor, 1, &row, 1), 1);
	assert_int_equal(row.handed_pkts[1 - home], room);
	assert_int_equal(dp_sa_del(sa), 0);
	handover_flush(dp_workers[home]);
	defer_poll();
	balance(0);
}

/* A slot whose home was told to let go, and sleeps, is nobody else's before it did. */
static void test_slot_waits(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_IN, "192.0.2.51", 0x1000, 1);
	uint32_t sa = sa_add(&conf), again;
	uint8_t from = sas[sa].home;

	(void)state;
	assert_int_equal(
		handover_home_set(peer_find(conf.local.ip4_be, conf.remote.ip4_be, 0), 1 - from),
		0);
	assert_int_equal(dp_sa_del(sa), 0);
	dp_poll();
	dp_poll();
	conf = sa_conf(DP_SA_IN, "192.0.2.52", 0x1001, 2);
	again = sa_add(&conf);
	assert_int_not_equal(again, sa);
	assert_int_equal(sas[sa].spi_be, rte_cpu_to_be_32(0x1000)); /* not wiped yet */
	handover_burst(dp_workers[from]);
	dp_poll();
	assert_int_equal(dp_sa_del(again), 0);
	conf = sa_conf(DP_SA_IN, "192.0.2.53", 0x1002, 3);
	again = sa_add(&conf);
	assert_int_equal(again, sa);
	assert_int_equal(dp_sa_del(again), 0);
	dp_poll();
	assert_int_equal(defer_pending(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrives),      cmocka_unit_test(test_new_adjacency),
		cmocka_unit_test(test_spoke_gone),   cmocka_unit_test(test_full),
		cmocka_unit_test(test_flush),        cmocka_unit_test(test_home_moves),
		cmocka_unit_test(test_slot_waits),   cmocka_unit_test(test_home_look),
		cmocka_unit_test(test_home_is_here), cmocka_unit_test(test_home_full),
	};

	return cmocka_run_group_tests_name("handover", tests, setup, teardown);
}
