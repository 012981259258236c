/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Punt and inject rings: who gets what, what happens when one is full, and that no wake-up is lost.
 */
#include "stage.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "dataplane/dp_neigh.h"
#include "dataplane/dp_punt.h"
#include "dataplane/neigh.h"
#include "netns.h"

/* ---- what the handlers saw ---- */

static struct {
	unsigned nhrp, redirects, wanted;
	struct dp_punt_meta meta;
	struct dp_redirect redirect;
	uint8_t bytes[64];
	size_t len;
	uint16_t wanted_port;
	struct dp_addr wanted_addr;
} seen;

static void on_nhrp(void *ctx, const struct dp_punt_meta *meta, const uint8_t *bytes, size_t len)
{
	assert_ptr_equal(ctx, &seen);
	seen.nhrp++;
	seen.meta = *meta;
	seen.len = len;
	memcpy(seen.bytes, bytes, RTE_MIN(len, sizeof(seen.bytes)));
}

static void on_redirect(void *ctx, const struct dp_redirect *redirect)
{
	assert_ptr_equal(ctx, &seen);
	seen.redirects++;
	seen.redirect = *redirect;
}

static void on_wanted(void *ctx, uint16_t port, const struct dp_addr *addr)
{
	assert_ptr_equal(ctx, &seen);
	seen.wanted_port = port;
	seen.wanted_addr = *addr;
	__atomic_store_n(&seen.wanted, seen.wanted + 1, __ATOMIC_RELEASE);
}

static int handlers_set(void **state)
{
	const struct dp_punt_handlers h = {.nhrp = on_nhrp, .redirect = on_redirect, .ctx = &seen};

	(void)state;
	memset(&seen, 0, sizeof(seen));
	dp_punt_handlers_set(&h);
	dp_neigh_wanted_handler_set(on_wanted, &seen);
	return 0;
}

/* Nothing of a test is left in a ring, and no buffer is lost. */
static int rings_empty(void **state)
{
	struct dp_worker *w = stage.w;
	struct rte_mbuf *m;

	(void)state;
	dp_punt_awake();
	while (dp_punt_drain(1024) > 0)
		;
	while (rte_ring_sc_dequeue(w->inject, (void **)&m) == 0)
		dp_release(m);
	assert_int_equal(rte_mempool_in_use_count(dp_pool), 0);
	assert_int_equal(dp_worker_balance(&w->stats), 0);
	return 0;
}

/* A packet of the worker's, counted as received. */
static struct rte_mbuf *packet(uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);
	uint8_t *bytes;

	assert_non_null(m);
	bytes = (uint8_t *)rte_pktmbuf_append(m, len);
	for (uint16_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i + 1);
	*dp_meta(m) = (struct dp_meta){.tunnel = stage.tunnel100};
	stage.w->stats.rx_pkts++;
	return m;
}

static struct dp_punt_stats punt_stats(void)
{
	struct dp_punt_stats s;

	dp_punt_stats_get(&s);
	return s;
}

static void record_send(void)
{
	struct dp_redirect r = {.tunnel = 1, .spoke = 7, .len = 3, .header = {1, 2, 3}};

	assert_int_equal(rte_ring_sp_enqueue_elem(stage.w->redirect, &r, sizeof(r)), 0);
}

static int wanted_send(void)
{
	struct dp_wanted r = {.addr = dp_addr_ip4(0x0100a8c0), .iface = 3};

	return rte_ring_sp_enqueue_elem(stage.w->wanted, &r, sizeof(r));
}

/* ---- delivery ---- */

static void nhrp(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5};
	struct rte_mbuf *m = packet(sizeof(bytes));

	(void)state;
	dp_meta(m)->natt_port = 4500;
	dp_meta(m)->spoke = stage.spoke12;
	dp_meta(m)->outer_src = stage_addr("192.0.2.12");
	dp_meta(m)->outer_dst = stage_addr("192.0.2.1");
	dp_punt(stage.w, m, DP_PUNT_NHRP);
	assert_int_equal(seen.nhrp, 0);
	assert_int_equal(dp_punt_drain(64), 1);
	assert_int_equal(seen.nhrp, 1);
	assert_int_equal(seen.len, sizeof(bytes));
	assert_memory_equal(seen.bytes, bytes, sizeof(bytes));
	assert_int_equal(seen.meta.tunnel, stage.tunnel100);
	assert_int_equal(seen.meta.natt_port, 4500);
	assert_int_equal(seen.meta.spoke, stage.spoke12);
	assert_int_equal(seen.meta.outer_src.ip4_be, stage_addr("192.0.2.12").ip4_be);
	assert_int_equal(seen.meta.outer_dst.ip4_be, stage_addr("192.0.2.1").ip4_be);
	assert_int_equal(dp_punt_drain(64), 0);
}

static void records(void **state)
{
	(void)state;
	record_send();
	assert_int_equal(wanted_send(), 0);
	assert_int_equal(dp_punt_drain(64), 2);
	assert_int_equal(seen.redirects, 1);
	assert_int_equal(seen.redirect.spoke, 7);
	assert_memory_equal(seen.redirect.header, "\1\2\3", 3);
	assert_int_equal(seen.wanted, 1);
	assert_int_equal(seen.wanted_port, 3);
	assert_int_equal(seen.wanted_addr.ip4_be, 0x0100a8c0);
}

static void nobody_listens(void **state)
{
	const struct dp_punt_handlers none = {0};
	uint64_t unhandled = punt_stats().unhandled;

	(void)state;
	dp_punt_handlers_set(&none);
	dp_punt(stage.w, packet(40), DP_PUNT_NHRP);
	record_send();
	assert_int_equal(dp_punt_drain(64), 2);
	assert_int_equal(punt_stats().unhandled, unhandled + 1);
}

/* `max` bounds each ring: a flood of one kind does not starve the others. */
static void drain_is_bounded(void **state)
{
	(void)state;
	for (int i = 0; i < 70; i++)
		dp_punt(stage.w, packet(40), DP_PUNT_NHRP);
	record_send();
	assert_int_equal(dp_punt_drain(64), 65);
	assert_int_equal(seen.nhrp, 64);
	assert_int_equal(seen.redirects, 1);
	assert_int_equal(dp_punt_drain(64), 6);
	assert_int_equal(seen.nhrp, 70);
}

static void punt_full(void **state)
{
	uint64_t punted = stage.w->stats.punted_pkts;
	uint64_t dropped = stage.w->stats.drops[DP_DROP_PUNT_FULL];
	unsigned capacity = rte_ring_get_capacity(stage.w->nhrp);

	(void)state;
	for (unsigned i = 0; i < capacity + 3; i++)
		dp_punt(stage.w, packet(40), DP_PUNT_NHRP);
	assert_int_equal(stage.w->stats.punted_pkts, punted + capacity);
	assert_int_equal(stage.w->stats.drops[DP_DROP_PUNT_FULL], dropped + 3);
	assert_int_equal(rte_mempool_in_use_count(dp_pool), capacity);
	while (dp_punt_drain(64) > 0)
		;
	assert_int_equal(seen.nhrp, capacity);
}

/* ---- inject ---- */

static void inject_nhrp(void **state)
{
	struct dp_addr nbma = stage_addr("192.0.2.99");
	struct rte_mbuf *m = NULL;

	(void)state;
	assert_int_equal(dp_inject_nhrp(stage.tunnel200, &nbma, 4501, (const uint8_t *)"nhrp", 4),
			 0);
	assert_int_equal(rte_ring_sc_dequeue(stage.w->inject, (void **)&m), 0);
	assert_int_equal(dp_meta(m)->kind, DP_KIND_NHRP);
	assert_int_equal(dp_meta(m)->tunnel, stage.tunnel200);
	assert_int_equal(dp_meta(m)->natt_port, 4501);
	assert_int_equal(dp_meta(m)->spoke, 0);
	assert_int_equal(dp_meta(m)->adj, 0);
	assert_true(dp_addr_equal(&dp_meta(m)->outer_dst, &nbma));
	assert_int_equal(dp_meta(m)->outer_src.ip4_be, stage_addr("192.0.2.1").ip4_be);
	assert_true(rte_pktmbuf_headroom(m) >= DP_ENCAP_HEADROOM);
	assert_int_equal(m->data_len, 4);
	assert_memory_equal(rte_pktmbuf_mtod(m, char *), "nhrp", 4);
	dp_release(m);
}

static void inject_nhrp_refused(void **state)
{
	static const uint8_t bytes[1401];
	struct dp_addr nbma = stage_addr("192.0.2.99");
	uint64_t drops = punt_stats().inject_drops;

	(void)state;
	assert_int_equal(dp_inject_nhrp(3, &nbma, 0, bytes, 4), -ENOENT);
	assert_int_equal(dp_inject_nhrp(UINT16_MAX, &nbma, 0, bytes, 4), -ENOENT);
	assert_int_equal(dp_inject_nhrp(stage.tunnel100, &nbma, 0, bytes, 1401), -EMSGSIZE);
	assert_non_null(strstr(dp_error(), "1401 bytes (MTU 1400)"));
	assert_int_equal(dp_inject_nhrp(stage.tunnel100, &nbma, 0, bytes, 1400), 0);
	while (dp_inject_nhrp(stage.tunnel100, &nbma, 0, bytes, 40) == 0)
		;
	assert_int_equal(dp_inject_nhrp(stage.tunnel100, &nbma, 0, bytes, 40), -ENOSPC);
	assert_int_equal(punt_stats().inject_drops, drops + 2);
	assert_int_equal(rte_mempool_in_use_count(dp_pool), rte_ring_get_capacity(stage.w->inject));
}

static void inject_nhrp_no_buffer(void **state)
{
	struct dp_addr nbma = stage_addr("192.0.2.99");
	struct rte_mbuf **all = calloc(dp_pool->size + 1, sizeof(struct rte_mbuf *));
	unsigned n = 0;

	(void)state;
	assert_non_null(all);
	while ((all[n] = rte_pktmbuf_alloc(dp_pool)) != NULL)
		n++;
	assert_int_equal(dp_inject_nhrp(stage.tunnel100, &nbma, 0, (const uint8_t *)"x", 1),
			 -ENOBUFS);
	while (n > 0)
		dp_release(all[--n]);
	free(all);
}

/* ---- sleep ---- */

static void sleep_and_wake(void **state)
{
	uint64_t wakeups = punt_stats().wakeups;

	(void)state;
	/* Awake: a worker writes nothing. */
	dp_punt_wake();
	assert_false(netns_readable_now(dp_punt_fd()));
	assert_true(dp_punt_sleep());
	dp_punt(stage.w, packet(40), DP_PUNT_NHRP);
	dp_punt_wake();
	dp_punt_wake();
	assert_true(netns_readable_now(dp_punt_fd()));
	dp_punt_awake();
	assert_false(netns_readable_now(dp_punt_fd()));
	assert_int_equal(punt_stats().wakeups, wakeups + 1);
	/* Something is queued in any of the rings: no sleep, and no write either. */
	assert_false(dp_punt_sleep());
	dp_punt_wake();
	assert_false(netns_readable_now(dp_punt_fd()));
	assert_int_equal(dp_punt_drain(64), 1);
	record_send();
	assert_false(dp_punt_sleep());
	assert_int_equal(dp_punt_drain(64), 1);
	assert_int_equal(wanted_send(), 0);
	assert_false(dp_punt_sleep());
	assert_int_equal(dp_punt_drain(64), 1);
	assert_true(dp_punt_sleep());
	dp_punt_awake();
	/* Something else ended the sleep. */
	dp_punt_wake();
	assert_false(netns_readable_now(dp_punt_fd()));
}

/* What a worker does in a turn of its own core. */
static void turn(void)
{
	stage.w->rxq_count = 0;
	dp_worker_turn(stage.w);
}

/* The turn that queued something ends with the wake-up. */
static void turn_wakes(void **state)
{
	struct rte_mbuf *m = packet(40);

	(void)state;
	stage.w->stats.rx_pkts--; /* it comes in by the inject ring */
	dp_meta(m)->kind = DP_KIND_IP;
	dp_meta(m)->flags = DP_META_FROM_TWIN;
	memcpy(rte_pktmbuf_mtod(m, void *),
	       stage_ip((struct stage_ip){.src = "10.1.1.1", .dst = "10.1.1.77", .len = 40}).bytes,
	       40);
	assert_int_equal(dp_inject(m, 0), 0);
	assert_true(dp_punt_sleep());
	turn();
	/* No MAC is known for that LAN host: it was asked for. */
	assert_true(netns_readable_now(dp_punt_fd()));
	dp_punt_awake();
	assert_int_equal(dp_punt_drain(64), 1);
	assert_int_equal(seen.wanted, 1);
	assert_int_equal(seen.wanted_port, stage.lan);
	neigh_queue_flush(stage.w);
}

#define STRESS 20000

/* One record at a time, so that no later one makes up for a lost wake-up; it comes while the
 * control core is on its way to sleep, each time at another moment of that. */
static void *stress_worker(void *arg)
{
	cpu_set_t others;

	/* Threads inherit that EAL pinned this one to CPU 0; without a second CPU it is no race. */
	memset(&others, 0xff, sizeof(others));
	CPU_CLR(0, &others);
	sched_setaffinity(0, sizeof(others), &others);
	for (unsigned sent = 0; sent < STRESS;) {
		if (wanted_send() == 0)
			sent++;
		dp_punt_wake();
		while (__atomic_load_n(&seen.wanted, __ATOMIC_ACQUIRE) < sent)
			;
	}
	return arg;
}

/* A lost wake-up would leave the control core asleep with something queued: the wait would end only
 * by its deadline. */
static void no_wakeup_is_lost(void **state)
{
	pthread_t worker;
	unsigned sleeps = 0;

	(void)state;
	assert_int_equal(pthread_create(&worker, NULL, stress_worker, NULL), 0);
	while (seen.wanted < STRESS) {
		if (dp_punt_drain(64) > 0)
			continue;
		/* The next record is on its way: each time it comes at another moment of this. */
		for (volatile unsigned delay = seen.wanted % 128; delay > 0; delay--)
			;
		if (!dp_punt_sleep())
			continue;
		sleeps++;
		assert_true(netns_readable(dp_punt_fd()));
		dp_punt_awake();
	}
	assert_int_equal(pthread_join(worker, NULL), 0);
	assert_int_equal(seen.wanted, STRESS);
	print_message("%u records, %u sleeps\n", seen.wanted, sleeps);
}

#define PUNT_TEST(f) cmocka_unit_test_setup_teardown(f, handlers_set, rings_empty)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PUNT_TEST(nhrp),
		PUNT_TEST(records),
		PUNT_TEST(nobody_listens),
		PUNT_TEST(drain_is_bounded),
		PUNT_TEST(punt_full),
		PUNT_TEST(inject_nhrp),
		PUNT_TEST(inject_nhrp_refused),
		PUNT_TEST(inject_nhrp_no_buffer),
		PUNT_TEST(sleep_and_wake),
		PUNT_TEST(turn_wakes),
		PUNT_TEST(no_wakeup_is_lost),
	};

	return cmocka_run_group_tests(tests, stage_setup, stage_teardown);
}
