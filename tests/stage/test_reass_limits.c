/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassembly at its limits: tables, buffers and time run out, always by name.
 */
#include "fragments.h"

#include <rte_cycles.h>
#include <rte_ip.h>

#include "dataplane/reass.h"

#define LATER_MS (DP_REASS_WAIT_S * 1000 + 100)

/* Fragment `i` of 8 of packet `id`; the eighth is its end. */
static struct stage_packet eighth(uint16_t id, unsigned i)
{
	struct stage_packet whole =
		outer_make("192.0.2.11", id, inner_make("10.1.12.10", 1272, (uint8_t)id));

	return stage_eth(stage.wan, 0x0800, fragment_of(&whole, (uint16_t)(i * 160), 160));
}

struct sums {
	uint64_t full, timeouts, sent;
};

/* Fragments first..last of `packets` packets, in full bursts; what became of them. */
static struct sums flood(unsigned packets, unsigned first, unsigned last)
{
	static struct stage_packet in[DP_BURST];
	struct sums sums = {0};
	unsigned n = 0;

	for (unsigned id = 0; id < packets; id++) {
		for (unsigned i = first; i <= last; i++) {
			const struct stage_result *r;

			in[n++] = eighth((uint16_t)id, i);
			if (n < DP_BURST && (id < packets - 1 || i < last))
				continue;
			r = stage_run(stage.wan, in, n);
			sums.full += r->delta.drops[DP_DROP_REASS_FULL];
			sums.sent += r->wan_n;
			assert_int_equal(drops_sum(r), r->delta.drops[DP_DROP_REASS_FULL]);
			n = 0;
		}
	}
	return sums;
}

/* One death row per turn: it takes several. */
static uint64_t expire_all(void)
{
	uint64_t timeouts = 0;

	while (stage.w->stats.held_pkts != 0) {
		uint64_t n = stage_later(LATER_MS)->delta.drops[DP_DROP_REASS_TIMEOUT];

		assert_true(n > 0);
		timeouts += n;
	}
	assert_int_equal(stage.w->reass_held, 0);
	return timeouts;
}

static void test_table_full(void **state)
{
	struct sums sums = flood(DP_REASS_PACKETS + 100, 0, 0);

	(void)state;
	assert_int_equal(stage.w->stats.held_pkts, DP_REASS_PACKETS);
	assert_int_equal(sums.full, 100);
	/* What is in the table still completes. */
	sums = flood(1, 1, 7);
	assert_int_equal(sums.sent, 1);
	assert_int_equal(sums.full, 0);
	assert_int_equal(expire_all(), DP_REASS_PACKETS - 1);
	sums = flood(1, 0, 7);
	assert_int_equal(sums.sent, 1);
}

/* Full of old packets: new ones take their place even before the next look for old ones. */
static void test_old_makes_room(void **state)
{
	struct stage_packet in = eighth(5000, 0);
	const struct stage_result *r;

	(void)state;
	flood(DP_REASS_PACKETS, 0, 0);
	stage.clock_ms = LATER_MS;
	r = stage_run(stage.wan, &in, 1);
	stage.clock_ms = 0;
	assert_int_equal(r->delta.drops[DP_DROP_REASS_TIMEOUT], 1);
	assert_int_equal(drops_sum(r), 1);
	assert_int_equal(r->delta.held_pkts, DP_REASS_PACKETS);
	while (stage.w->stats.held_pkts != 0)
		stage_later(3 * LATER_MS);
}

static void test_fragments_full(void **state)
{
	unsigned packets = DP_REASS_FRAGMENTS / 7 + 20;
	struct sums sums = flood(packets, 0, 6);

	(void)state;
	assert_int_equal(stage.w->stats.held_pkts, DP_REASS_FRAGMENTS);
	assert_int_equal(sums.full, packets * 7 - DP_REASS_FRAGMENTS);
	assert_int_equal(expire_all(), DP_REASS_FRAGMENTS);
}

/* A fragment that comes when its packet has expired begins anew. */
static void test_too_late(void **state)
{
	struct stage_packet in = eighth(1, 7);
	const struct stage_result *r;

	(void)state;
	assert_int_equal(flood(1, 0, 0).sent, 0);
	for (unsigned i = 1; i < 7; i++)
		flood(1, i, i);
	in = eighth(0, 7);
	stage.clock_ms = LATER_MS;
	r = stage_run(stage.wan, &in, 1);
	stage.clock_ms = 0;
	assert_int_equal(r->wan_n, 0);
	assert_int_equal(r->delta.drops[DP_DROP_REASS_TIMEOUT], 7);
	assert_int_equal(r->delta.held_pkts, 1);
	assert_int_equal(stage_later(3 * LATER_MS)->delta.held_pkts, 0);
}

/* The worker's own turn, without any traffic. */
static void test_idle_turn(void **state)
{
	uint64_t before = stage.w->stats.drops[DP_DROP_REASS_TIMEOUT];

	(void)state;
	stage.w->reass_next_tsc = 0;
	stage.clock_ms = -LATER_MS;
	flood(1, 0, 2);
	stage.clock_ms = 0;
	assert_int_equal(stage.w->stats.held_pkts, 3);
	dp_worker_turn(stage.w);
	assert_int_equal(stage.w->stats.drops[DP_DROP_REASS_TIMEOUT] - before, 3);
	assert_int_equal(stage.w->stats.held_pkts, 0);
	assert_int_equal(dp_worker_balance(&stage.w->stats), 0);
}

static void test_shutdown(void **state)
{
	uint64_t before = stage.w->stats.drops[DP_DROP_SHUTDOWN];

	(void)state;
	flood(400, 0, 1); /* more than one death row */
	assert_int_equal(stage.w->stats.held_pkts, 800);
	reass_flush(stage.w);
	assert_int_equal(stage.w->stats.drops[DP_DROP_SHUTDOWN] - before, 800);
	assert_int_equal(stage.w->stats.held_pkts, 0);
	assert_int_equal(dp_worker_balance(&stage.w->stats), 0);
	assert_int_equal(flood(1, 0, 7).sent, 1);
}

/* Packets that wait for a neighbour and fragments are held at the same time. */
static void test_held_is_a_sum(void **state)
{
	struct stage_packet in = stage_from_spoke(
		"192.0.2.11", stage_ip((struct stage_ip){.src = "10.1.11.10", .dst = "10.1.1.99"}));

	(void)state;
	flood(1, 0, 2);
	assert_int_equal(stage_run(stage.wan, &in, 1)->delta.held_pkts, 4);
	assert_int_equal(flood(1, 3, 7).sent, 1);
	assert_int_equal(stage.w->stats.held_pkts, 1);
	flood(1, 0, 0);
	assert_int_equal(stage.w->stats.held_pkts, 2);
	assert_int_equal(stage_later(LATER_MS)->delta.held_pkts, 0);
}

static void test_too_long(void **state)
{
	struct stage_packet inner = inner_make("10.1.1.10", 9200, 1);
	struct stage_packet outer = outer_make("192.0.2.11", 7, inner);
	const struct stage_result *r = fragments_run(&outer, 1500);

	(void)state;
	assert_int_equal(r->delta.drops[DP_DROP_REASS_TOO_BIG], 1);
	assert_int_equal(expire_all(), 6);
}

/* Fragments of 9,216 bytes in all, but the first one's header is longer than the others'. */
static void test_header_too_long(void **state)
{
	struct stage_packet outer = outer_make("192.0.2.11", 8, inner_make("10.1.1.10", 9188, 1));
	struct stage_packet pieces[7], in[7];
	unsigned n = fragments_cut(&outer, 1500, pieces);

	(void)state;
	assert_int_equal(n, 7);
	options_insert(&pieces[0], 4);
	for (unsigned i = 0; i < n; i++)
		in[i] = stage_eth(stage.wan, 0x0800, pieces[i]);
	assert_int_equal(stage_run(stage.wan, in, n)->delta.drops[DP_DROP_REASS_TOO_BIG], n);
}

static void test_no_large_buffer(void **state)
{
	static struct rte_mbuf *taken[4096];
	static struct stage_packet pieces[DP_BURST];
	struct stage_packet whole = outer_make("192.0.2.11", 3, inner_make("10.255.0.1", 4000, 1));
	unsigned count = 0, n = fragments_cut(&whole, 1500, pieces);
	const struct stage_result *r;

	(void)state;
	for (unsigned i = 0; i < n; i++)
		pieces[i] = stage_eth(stage.wan, 0x0800, pieces[i]);
	while (count < 4096 && (taken[count] = rte_pktmbuf_alloc(dp_big_pool)) != NULL)
		count++;
	assert_in_range(count, DP_BIG_MBUFS, 4095);
	r = stage_run(stage.wan, pieces, n);
	assert_int_equal(r->delta.drops[DP_DROP_NO_BUFFER], n);
	assert_int_equal(r->delta.held_pkts, 0);
	rte_pktmbuf_free_bulk(taken, count);
	assert_int_equal(stage_run(stage.wan, pieces, n)->punted_n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_full),     cmocka_unit_test(test_old_makes_room),
		cmocka_unit_test(test_fragments_full), cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_idle_turn),      cmocka_unit_test(test_shutdown),
		cmocka_unit_test(test_held_is_a_sum),  cmocka_unit_test(test_no_large_buffer),
		cmocka_unit_test(test_too_long),       cmocka_unit_test(test_header_too_long),
	};

	return cmocka_run_group_tests_name("reass_limits", tests, stage_setup, stage_teardown);
}
