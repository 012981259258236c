/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Churn: a worker on a CPU of its own forwards a train without end while the control core changes
 * routes, overlay next hops, neighbours, adjacencies, spokes and tunnels as fast as it can. No
 * packet goes a way that it may not go at that moment, none is lost that must not be, nothing
 * leaks, and the rate is what was promised. See churn.h.
 *
 * DMVPN_CHURN_SECONDS says how long (default 3; 120 when DMVPN_LONG is 1).
 */
#include "churn.h"

#include <sched.h>
#include <stdlib.h>

#include <rte_launch.h>

#include "dataplane/defer.h"
#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_punt.h"
#include "dataplane/dp_spoke.h"

#define CHANGES_PER_S_MIN 100000

#if defined(DP_DEBUG) || defined(__SANITIZE_ADDRESS__)
#define RATE_COUNTS false
#else
#define RATE_COUNTS true
#endif

/* The first two CPUs that we may use. */
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

static unsigned seconds(void)
{
	const char *wanted = getenv("DMVPN_CHURN_SECONDS"), *is_long = getenv("DMVPN_LONG");

	if (wanted != NULL)
		return (unsigned)strtoul(wanted, NULL, 10);
	return is_long != NULL && strcmp(is_long, "1") == 0 ? 120 : 3;
}

static void actors_step(struct churn_actor *actors)
{
	for (struct churn_actor *a = actors; a->name != NULL; a++) {
		int rc = a->step(a->phase);

		if (rc < 0) {
			/* Old objects wait for the worker; nothing else may go wrong. */
			if (rc != -EAGAIN && rc != -ENOSPC)
				fail_msg("%s, phase %u: %d (%s)", a->name, a->phase, rc,
					 dp_error());
			a->refused++;
			continue;
		}
		a->changes += (unsigned)rc;
		a->phase = (a->phase + 1) % a->phases;
	}
}

static void housekeeping(void)
{
	dp_poll();
	dp_punt_drain(64);
}

static void actors_finish(struct churn_actor *actors)
{
	for (struct churn_actor *a = actors; a->name != NULL; a++)
		while (a->phase != 0) {
			assert_int_equal(a->step(a->phase), 1);
			a->phase = (a->phase + 1) % a->phases;
			housekeeping();
		}
}

static uint64_t actors_print(const struct churn_actor *actors)
{
	uint64_t sum = 0;

	for (const struct churn_actor *a = actors; a->name != NULL; a++) {
		print_message("  %-12s %9lu changes, %lu put off\n", a->name, a->changes,
			      a->refused);
		sum += a->changes;
	}
	return sum;
}

/* ---- what there is ---- */

struct inventory {
	uint32_t routes, tbl8;
	unsigned neighs;
};

static struct inventory inventory(void)
{
	struct dp_neigh_info rows[256];
	struct dp_fib_info fib;
	uint32_t cursor = 0;

	assert_int_equal(dp_fib_info_get(0, &fib), 0);
	return (struct inventory){fib.routes, fib.tbl8, dp_neigh_list(&cursor, rows, 256)};
}

/* Every spoke slot and both adjacencies of each can still be had. */
static void slots_are_all_there(unsigned spokes_used)
{
	struct dp_spoke_key key = {.tunnel = churn.tunnel};
	uint32_t spokes[64];
	unsigned n;

	for (n = 0; n < 64 - spokes_used; n++) {
		key.nbma = dp_addr_ip4(htonl(0xc6336401 + n));
		assert_int_equal(dp_spoke_add(&key, &spokes[n]), 0);
	}
	key.nbma = dp_addr_ip4(htonl(0xc6336401 + n));
	assert_int_equal(dp_spoke_add(&key, &spokes[n - 1]), -ENOSPC);
	for (unsigned i = 0; i < n; i++) {
		key.nbma = dp_addr_ip4(htonl(0xc6336401 + i));
		assert_int_equal(dp_spoke_del(dp_spoke_find(&key)), 0);
	}
	housekeeping();
}

/* ---- the test ---- */

static double churn_for(unsigned s, double *share)
{
	uint64_t start = rte_rdtsc(), end = start + s * rte_get_tsc_hz();
	double cpu = churn_cpu_time(), elapsed;

	while (rte_rdtsc() < end) {
		actors_step(churn_route_actors);
		actors_step(churn_spoke_actors);
		housekeeping();
		if (__atomic_load_n(&churn_report.wrong, __ATOMIC_RELAXED) != 0)
			break;
	}
	elapsed = (double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz();
	*share = (churn_cpu_time() - cpu) / elapsed;
	return elapsed;
}

/* Changes per second: by the clock, and of the time in which both threads had their CPU. Neither
 * ever sleeps, so what they miss of it the machine gave to others. */
static double rate_print(double elapsed, double share, uint64_t changes)
{
	const struct churn_report *r = &churn_report;
	double rate = (double)changes / elapsed, given = rate / (share * r->share);

	print_message("%.0f changes/s over %.1f s, %.0f/s of the time that both had a CPU (%.0f %% "
		      "and %.0f %%)\n",
		      rate, elapsed, given, 100 * share, 100 * r->share);
	print_message("%lu turns, %lu packets in, %lu out and checked, %lu of them against what "
		      "stood before and after\n",
		      r->turns, r->sent, r->checked, r->strict);
	return given;
}

static void all_ways_were_taken(void)
{
	for (unsigned i = 0; i < WAY_COUNT; i++)
		if (churn_report.by_way[i] == 0)
			fail_msg("no packet ever took way %u: the test does not test", i);
	if (churn_report.errors == 0)
		fail_msg("no ICMP error was ever sent");
}

static void churn_test(void **state)
{
	struct inventory first, last;
	uint64_t changes;
	double elapsed, share, rate;

	(void)state;
	if (churn.w == NULL) {
		print_message("not tested: needs two CPUs\n");
		skip();
	}
	first = inventory();
	assert_int_equal(rte_eal_remote_launch(churn_traffic_main, NULL, churn.w->lcore), 0);
	elapsed = churn_for(seconds(), &share);
	churn_traffic_stop();
	rte_eal_wait_lcore(churn.w->lcore);
	changes = actors_print(churn_route_actors);
	changes += actors_print(churn_spoke_actors);
	rate = rate_print(elapsed, share, changes);
	if (churn_report.wrong != 0)
		fail_msg("%lu wrong; the first: %s", churn_report.wrong, churn_report.first_wrong);
	all_ways_were_taken();
	if (RATE_COUNTS && rate < CHANGES_PER_S_MIN)
		fail_msg("%.0f changes/s, at least %u were promised", rate, CHANGES_PER_S_MIN);
	assert_int_equal(churn.w->stats.held_pkts, 0);
	assert_int_equal(dp_worker_balance(&churn.w->stats), 0);
	housekeeping();
	assert_int_equal(rte_mempool_in_use_count(dp_pool), 0);
	actors_finish(churn_route_actors);
	actors_finish(churn_spoke_actors);
	churn_spokes_finish();
	housekeeping();
	housekeeping(); /* groups free their members */
	assert_int_equal(defer_pending(), 0);
	last = inventory();
	assert_int_equal(last.routes, first.routes);
	assert_int_equal(last.tbl8, first.tbl8);
	assert_int_equal(last.neighs, first.neighs);
	slots_are_all_there(6);
}

static int setup(void **state)
{
	uint32_t cpu[2];

	(void)state;
	if (!cpus_find(cpu))
		return 0;
	churn_net_start(cpu[0], cpu[1]);
	churn_spokes_start();
	return 0;
}

static int teardown(void **state)
{
	uint32_t leaked;

	(void)state;
	if (churn.w == NULL)
		return 0;
	dp_stop(&leaked);
	assert_int_equal(leaked, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(churn_test)};

	return cmocka_run_group_tests_name("churn", tests, setup, teardown);
}
