/* SPDX-License-Identifier: Apache-2.0 */
/* The memory plan, and what the machine has for it. No EAL. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/eal.h"
#include "dataplane/plan.h"
#include "dataplane/sa.h"

#define MB (1024ULL * 1024)

static const struct dp_conf small = {
	.worker_count = 1,
	.limits = {.tunnels = 4,
		   .spokes = 64,
		   .nexthops = 128,
		   .routes = 1000,
		   .tbl8 = 64,
		   .neighbours = 128,
		   .sas = 256},
	.mtu_max = 1500,
	.descriptors_sum = 2048,
};

static const struct dp_memory_row *row(const struct dp_memory_plan *plan, const char *what)
{
	for (uint32_t i = 0; i < plan->row_count; i++)
		if (strcmp(plan->rows[i].what, what) == 0)
			return &plan->rows[i];
	fail_msg("no row \"%s\"", what);
	return NULL;
}

static void rows_add_up(void **state)
{
	struct dp_memory_plan plan;
	uint64_t sum = 0;

	(void)state;
	dp_memory_plan(&small, &plan);
	assert_in_range(plan.row_count, 1, DP_MEMORY_ROWS_MAX);
	for (uint32_t i = 0; i < plan.row_count; i++) {
		const struct dp_memory_row *r = &plan.rows[i];

		assert_true(r->count > 0 && r->unit_bytes > 0);
		assert_int_equal(r->bytes, r->count * r->unit_bytes);
		sum += r->bytes;
	}
	assert_int_equal(plan.total_bytes, sum);
	assert_int_equal(row(&plan, "FIB first level")->bytes, 64 * MB);
}

/* Every capacity is in the sum: more of it costs more. */
static void capacities_count(void **state)
{
	struct dp_memory_plan before, after;
	struct dp_conf conf;
	uint32_t *const fields[] = {
		&conf.limits.tunnels, &conf.limits.spokes,   &conf.limits.nexthops,
		&conf.limits.routes,  &conf.limits.tbl8,     &conf.limits.neighbours,
		&conf.limits.sas,     &conf.descriptors_sum, &conf.mtu_max,
	};

	(void)state;
	dp_memory_plan(&small, &before);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		conf = small;
		*fields[i] *= 4;
		dp_memory_plan(&conf, &after);
		assert_true(after.total_bytes > before.total_bytes);
	}
	conf = small;
	conf.worker_count = 2;
	dp_memory_plan(&conf, &after);
	assert_int_equal(row(&after, "rings")->bytes, 2 * row(&before, "rings")->bytes);
	assert_int_equal(row(&after, "reassembly tables")->bytes,
			 2 * row(&before, "reassembly tables")->bytes);
	/* A worker's rings and its reassembly can all be full while every descriptor holds a
	 * buffer. */
	assert_true(after.mbuf_count - before.mbuf_count >=
		    DP_PUNT_RING + DP_INJECT_RING + DP_REASS_FRAGMENTS);
	assert_true(before.mbuf_count >=
		    small.descriptors_sum + DP_PUNT_RING + DP_INJECT_RING + DP_REASS_FRAGMENTS);
	/* And the rings between workers: of one there are none. */
	assert_true(after.mbuf_count - 2 * before.mbuf_count + small.descriptors_sum >=
		    handover_mbufs(2) - 1024);
	assert_int_equal(handover_mbufs(1), 0);
	assert_int_equal(handover_mbufs(2), 2 * 2048);
	assert_int_equal(handover_mbufs(16), 16 * 15 * 128);
	assert_true(after.big_mbuf_count - before.big_mbuf_count >= DP_BIG_MBUFS);
	assert_int_equal(row(&after, "large buffers")->count, after.big_mbuf_count);
	assert_true(before.big_mbuf_data_bytes >=
		    DP_ENCAP_HEADROOM + DP_REASS_BYTES_MAX + DP_ENCAP_TAILROOM);
	/* So can its replication jobs, of all tunnels, up to what a worker takes. */
	conf = small;
	conf.limits.tunnels += 10;
	dp_memory_plan(&conf, &after);
	assert_int_equal(after.mbuf_count - before.mbuf_count, 10 * DP_MCAST_JOBS);
	conf.limits.tunnels = 1024;
	dp_memory_plan(&conf, &after);
	assert_int_equal(after.mbuf_count - before.mbuf_count,
			 DP_MCAST_WORKER_JOBS - small.limits.tunnels * DP_MCAST_JOBS);
}

static void largest_is_within_reason(void **state)
{
	struct dp_conf conf = {
		.worker_count = DP_WORKERS_MAX,
		.limits = {.tunnels = 1024,
			   .spokes = 20000,
			   .nexthops = 100000,
			   .routes = 1000000,
			   .tbl8 = 65536,
			   .neighbours = 65536,
			   .sas = 80000},
		.mtu_max = 9190,
		.descriptors_sum = DP_PORTS_MAX * 2 * DP_WORKERS_MAX * 1024,
	};
	struct dp_memory_plan plan;

	(void)state;
	dp_memory_plan(&conf, &plan);
	/* 64-bit sums: 680,000 buffers of 10 KB alone are beyond 4 GB. */
	assert_true(plan.total_bytes > 6000 * MB && plan.total_bytes < 12000 * MB);
	assert_true(row(&plan, "routes")->bytes < 500 * MB);
}

/* Headroom, frame and tailroom fit, in the step of 1 KB that NICs round down to. */
static void data_room(void **state)
{
	static const uint32_t mtus[] = {576, 1400, 1500, 1682, 1683, 2000, 4000, 9000, 9190};

	(void)state;
	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		uint16_t room = plan_mbuf_data_bytes(mtus[i]) - RTE_PKTMBUF_HEADROOM;

		assert_int_equal(room % 1024, 0);
		assert_true(room >= mtus[i] + 14 + 4 + DP_ENCAP_TAILROOM);
		assert_true(room < mtus[i] + 14 + 4 + 8 + DP_ENCAP_TAILROOM + 1024);
	}
	assert_int_equal(plan_mbuf_data_bytes(1500), RTE_PKTMBUF_HEADROOM + 2048);
}

static void put(const char *dir, const char *size, const char *file, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, size);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/%s", dir, size, file);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void huge_pages_free(void **state)
{
	char dir[] = "/tmp/hugepages.XXXXXX", command[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(eal_huge_bytes_free("/nonexistent"), 0);
	assert_int_equal(eal_huge_bytes_free(dir), 0);
	put(dir, "hugepages-2048kB", "free_hugepages", "5\n");
	put(dir, "hugepages-2048kB", "resv_hugepages", "2\n");
	assert_int_equal(eal_huge_bytes_free(dir), 3 * 2 * MB);
	put(dir, "hugepages-1048576kB", "free_hugepages", "1\n");
	put(dir, "hugepages-1048576kB", "resv_hugepages", "0\n");
	assert_int_equal(eal_huge_bytes_free(dir), 3 * 2 * MB + 1024 * MB);
	/* All of them promised, and a file that says nothing. */
	put(dir, "hugepages-2048kB", "resv_hugepages", "5\n");
	put(dir, "hugepages-1048576kB", "free_hugepages", "\n");
	assert_int_equal(eal_huge_bytes_free(dir), 0);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
}

/* Refused before EAL starts, with numbers. */
static void start_refused(void **state)
{
	struct dp_conf conf = small;

	(void)state;
	conf.huge_pages = DP_HUGE_OFF;
	conf.worker_lcores[0] = 4095;
	assert_int_equal(dp_start(&conf), -EINVAL);
	assert_non_null(strstr(dp_error(), "worker-lcores: 4095: no such CPU"));
	conf.worker_lcores[0] = 0;
	conf.control_lcore = 1023;
	assert_int_equal(dp_start(&conf), -EINVAL);
	assert_non_null(strstr(dp_error(), "control-lcore: 1023: no such CPU"));
	conf.control_lcore = 0;
	conf.worker_count = 0;
	assert_int_equal(dp_start(&conf), -EINVAL);
	conf.worker_count = 1;
	conf.limits.routes = UINT32_MAX; /* 1.7 TB */
	assert_int_equal(dp_start(&conf), -ENOMEM);
	assert_non_null(strstr(dp_error(), "tables and buffers need 1"));
	conf.huge_pages = DP_HUGE_REQUIRED;
	assert_true(dp_start(&conf) < 0);
	assert_non_null(strstr(dp_error(), "huge-pages: required"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_add_up),
		cmocka_unit_test(capacities_count),
		cmocka_unit_test(largest_is_within_reason),
		cmocka_unit_test(data_room),
		cmocka_unit_test(huge_pages_free),
		cmocka_unit_test(start_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
