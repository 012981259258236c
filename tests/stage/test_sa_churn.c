/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SA churn: two workers on two CPUs encrypt and decrypt without end while 40,000 SAs of 10,000
 * other peers come, then those of the peers in use are rekeyed, deleted and added again, moved to
 * other addresses and homes, then all of it goes. See sa_churn.h for what is checked; at the end
 * nothing is left: no packet, no buffer, no SA, nothing deferred.
 *
 * DMVPN_CHURN_SECONDS says how long the middle part takes (default 3; 120 when DMVPN_LONG is 1).
 */
#include "sa_churn.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_launch.h>

#include "dataplane/defer.h"
#include "dataplane/dp_stats.h"

#define BULK_PEERS 10000
#define BULK_SAS   (4 * BULK_PEERS)

static uint32_t bulk[BULK_SAS];
static bool two_cpus; /* no more: this thread turns worker 0 */

/* How many of the first three CPUs that we may use. */
static unsigned cpus_find(uint32_t cpu[3])
{
	unsigned found = 0;
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	for (uint32_t i = 0; i < CPU_SETSIZE && found < 3; i++)
		if (CPU_ISSET(i, &set))
			cpu[found++] = i;
	return found;
}

static void housekeeping(void)
{
	dp_poll();
	if (two_cpus)
		churn_side_turn(0);
}

static unsigned seconds(void)
{
	const char *wanted = getenv("DMVPN_CHURN_SECONDS"), *is_long = getenv("DMVPN_LONG");

	if (wanted != NULL)
		return (unsigned)strtoul(wanted, NULL, 10);
	return is_long != NULL && strcmp(is_long, "1") == 0 ? 120 : 3;
}

static void sides_check(void)
{
	for (unsigned i = 0; i < 2; i++)
		if (__atomic_load_n(&churn_sides[i].wrong, __ATOMIC_RELAXED) != 0)
			fail_msg("%s", churn_sides[i].first_wrong);
}

/* Until it does not say that old objects wait. */
#define PATIENTLY(call)                                        \
	do {                                                   \
		int rc_;                                       \
		while ((rc_ = (call)) == -EAGAIN)              \
			housekeeping();                        \
		if (rc_ < 0)                                   \
			fail_msg("%s: %s", #call, dp_error()); \
	} while (0)

/* ---- many ---- */

/* Two pairs for each of 10,000 peers, as while they rekey. */
static void bulk_add(void)
{
	uint64_t start = rte_rdtsc();

	for (uint32_t i = 0; i < BULK_SAS; i++) {
		struct dp_sa_conf conf = churn_conf(i & 1 ? DP_SA_OUT : DP_SA_IN, 0);

		conf.remote = dp_addr_ip4(htonl(0xac100000 + i / 4));
		conf.natt_port = 0;
		conf.spi = 0x80000000 + i;
		memcpy(conf.key, &i, sizeof(i));
		PATIENTLY(dp_sa_add(&conf, &bulk[i]));
		if (i % 32 == 0)
			housekeeping();
	}
	print_message("%u SAs added: %.1f us each\n", BULK_SAS,
		      (double)(rte_rdtsc() - start) * 1e6 / (double)rte_get_tsc_hz() / BULK_SAS);
	sides_check();
}

static void bulk_find(void)
{
	struct dp_addr local = stage_addr("192.0.2.1");

	for (uint32_t i = 0; i < BULK_SAS; i++) {
		struct dp_addr remote = dp_addr_ip4(htonl(0xac100000 + i / 4));

		assert_int_equal(
			dp_sa_find(i & 1 ? DP_SA_OUT : DP_SA_IN, &local, &remote, 0x80000000 + i),
			bulk[i]);
	}
}

static void bulk_del(void)
{
	uint64_t start = rte_rdtsc();

	for (uint32_t i = 0; i < BULK_SAS; i++) {
		PATIENTLY(dp_sa_del(bulk[i]));
		if (i % 32 == 0)
			housekeeping();
	}
	print_message("%u SAs deleted: %.1f us each\n", BULK_SAS,
		      (double)(rte_rdtsc() - start) * 1e6 / (double)rte_get_tsc_hz() / BULK_SAS);
	sides_check();
}

/* ---- churn ---- */

static void actors_run(unsigned s)
{
	uint64_t end = rte_rdtsc() + s * rte_get_tsc_hz();

	for (unsigned round = 0; rte_rdtsc() < end; round++) {
		for (struct churn_actor *a = churn_actors; a->name != NULL; a++) {
			unsigned peer =
				(round * 7 + (unsigned)(a - churn_actors) * 5) % CHURN_PEERS;
			int rc = a->step(peer);

			if (rc < 0 && rc != -EAGAIN && rc != -ENOSPC)
				fail_msg("%s: %d (%s)", a->name, rc, dp_error());
			a->done += rc == 0;
			a->refused += rc < 0;
		}
		housekeeping();
		sides_check();
	}
}

static void actors_print(void)
{
	for (const struct churn_actor *a = churn_actors; a->name != NULL; a++) {
		print_message("%12s: %lu done, %lu told to come again\n", a->name, a->done,
			      a->refused);
		if (a->done == 0)
			fail_msg("%s: never done: the test does not test", a->name);
	}
}

/* What was dropped, by names that may be. */
static void drops_check(void)
{
	static const enum dp_drop_reason fine[] = {DP_DROP_ESP_UNKNOWN_SPI, DP_DROP_ESP_REPLAY,
						   DP_DROP_ESP_NO_SA,       DP_DROP_ESP_NO_NUMBER,
						   DP_DROP_NO_BINDING,      DP_DROP_HANDOVER_FULL,
						   DP_DROP_ESP_WRONG_TUNNEL};

	for (unsigned r = 0; r < DP_DROP_COUNT; r++) {
		uint64_t n = churn_world.w[0]->stats.drops[r] + churn_world.w[1]->stats.drops[r];
		bool may_be = n == 0;

		for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
			may_be |= fine[i] == r;
		if (n != 0)
			print_message("%12lu dropped: %s\n", n, dp_drop_key(r));
		if (!may_be)
			fail_msg("%lu dropped: %s", n, dp_drop_key(r));
	}
}

static void traffic_check(void)
{
	const struct churn_side *a = &churn_sides[0], *b = &churn_sides[1];
	uint64_t opened = a->opened + b->opened, came_in = a->came_in + b->came_in;
	uint64_t handed = 0, full = 0;

	print_message("%lu + %lu turns; out: %lu sent, %lu opened; in: %lu sent, %lu replayed, "
		      "%lu came in\n",
		      a->turns, b->turns, a->sent_out + b->sent_out, opened,
		      a->sent_in + b->sent_in, a->replayed + b->replayed, came_in);
	for (unsigned i = 0; i < 2; i++) {
		const struct dp_worker_stats *stats = &churn_world.w[i]->stats;

		assert_int_equal(dp_worker_balance(stats), 0);
		assert_int_equal(stats->held_pkts, 0);
		handed += stats->handed_over_pkts - stats->taken_over_pkts;
		full += stats->drops[DP_DROP_HANDOVER_FULL];
		assert_true(stats->handed_over_pkts > 0 && stats->taken_over_pkts > 0);
	}
	assert_int_equal(handed, 0);
	assert_true(a->replayed + b->replayed > 0);
	/* A worker that the machine does not let run is full; of the rest most must come through.
	 */
	assert_true(opened + full > (a->sent_out + b->sent_out) / 2);
	assert_true(came_in + full > (a->sent_in + b->sent_in) / 2);
	assert_true(opened > 0 && came_in > 0);
	assert_true(came_in <= a->sent_in + b->sent_in);
}

static void all_is_gone(void)
{
	churn_sas_finish();
	for (unsigned i = 0; i < 4; i++)
		dp_poll();
	assert_int_equal(dp_sa_count(), 0);
	assert_int_equal(defer_pending(), 0);
	assert_int_equal(rte_mempool_in_use_count(dp_pool), 0);
}

static void sa_churn(void **state)
{
	(void)state;
	if (churn_world.w[0] == NULL) {
		print_message("not tested: needs two CPUs\n");
		skip();
	}
	churn_sas_start();
	if (two_cpus)
		churn_side_begin(0);
	for (uintptr_t i = two_cpus; i < 2; i++)
		assert_int_equal(
			rte_eal_remote_launch(churn_side_main, (void *)i, churn_world.w[i]->lcore),
			0);
	bulk_add();
	bulk_find();
	actors_run(seconds());
	bulk_find();
	bulk_del();
	churn_sides_stop();
	if (two_cpus)
		churn_side_end(0);
	rte_eal_mp_wait_lcore();
	sides_check();
	actors_print();
	drops_check();
	traffic_check();
	all_is_gone();
}

static int setup(void **state)
{
	uint32_t cpu[3];
	unsigned found = cpus_find(cpu);

	(void)state;
	two_cpus = found == 2;
	if (found >= 2)
		churn_world_start(cpu[0], two_cpus ? cpu : cpu + 1);
	return 0;
}

static int teardown(void **state)
{
	uint32_t leaked;

	(void)state;
	if (churn_world.w[0] == NULL)
		return 0;
	dp_stop(&leaked);
	assert_int_equal(leaked, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sa_churn)};

	return cmocka_run_group_tests_name("sa_churn", tests, setup, teardown);
}
