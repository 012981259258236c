/* SPDX-License-Identifier: Apache-2.0 */
/* reference: the reference mode, see testpmd.h. */
#include <stdlib.h>

#include <rte_cycles.h>

#include "dataplane/dp_priv.h"
#include "testpmd.h"

#define RUN_BURSTS (RUN_TRAINS * TRAIN_PKTS / BURST)

static void product_burst(struct net *net)
{
	(void)net;
	dp_worker_turn(dp_workers[0]);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Median of the bursts of one run, in cycles per packet. */
static double run(struct net *net, uint32_t size, void (*burst)(struct net *), uint64_t *wrong)
{
	static uint64_t cycles[RUN_BURSTS];
	unsigned n = 0;

	for (unsigned t = 0; t < RUN_TRAINS; t++) {
		train_make(net, size);
		for (unsigned b = 0; b < TRAIN_PKTS / BURST; b++) {
			uint64_t start = rte_rdtsc();

			burst(net);
			cycles[n++] = rte_rdtsc() - start;
		}
		*wrong += train_verify(net, size);
	}
	qsort(cycles, n, sizeof(cycles[0]), compare_u64);
	return (double)cycles[n / 2] / BURST;
}

static struct figure figure(double *medians, uint32_t n)
{
	qsort(medians, n, sizeof(*medians), compare_double);
	return (struct figure){medians[n / 2], medians[0], medians[n - 1]};
}

static uint64_t stage_cycles[DP_STAGE_COUNT][RUN_BURSTS];
static unsigned stage_bursts;

static void staged_burst(struct net *net)
{
	struct dp_stage_clock clock = {0};

	dp_workers[0]->clock = &clock;
	product_burst(net);
	dp_workers[0]->clock = NULL;
	for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
		stage_cycles[s][stage_bursts] = clock.cycles[s];
	stage_bursts++;
}

/* Where the cycles go, in a run of its own: reading the clock costs some. */
static void stages_run(struct net *net, struct result *result)
{
	stage_bursts = 0;
	run(net, result->size, staged_burst, &result->wrong);
	for (unsigned s = 0; s < DP_STAGE_COUNT; s++) {
		qsort(stage_cycles[s], stage_bursts, sizeof(stage_cycles[s][0]), compare_u64);
		result->stages[s] = (double)stage_cycles[s][stage_bursts / 2] / BURST;
	}
}

void reference_run(struct net *net, const struct options *o, struct result *result)
{
	double product[RUNS_MAX], least[RUNS_MAX];

	for (uint32_t i = 0; i < o->runs; i++) {
		least[i] = run(net, result->size, floor_burst, &result->wrong);
		product[i] = run(net, result->size, product_burst, &result->wrong);
	}
	stages_run(net, result);
	result->floor = figure(least, o->runs);
	result->product = figure(product, o->runs);
}
