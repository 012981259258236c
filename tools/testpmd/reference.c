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

/* One train through `burst`; cycles of each burst from *n on. */
static void train_run(struct net *net,
		      uint32_t size,
		      void (*burst)(struct net *),
		      uint64_t *cycles,
		      unsigned *n,
		      uint64_t *wrong)
{
	train_make(net, size);
	for (unsigned b = 0; b < TRAIN_PKTS / BURST; b++) {
		uint64_t start = rte_rdtsc();

		burst(net);
		cycles[(*n)++] = rte_rdtsc() - start;
	}
	*wrong += train_verify(net, size);
}

double cycles_median(uint64_t *cycles, unsigned n)
{
	qsort(cycles, n, sizeof(cycles[0]), compare_u64);
	return (double)cycles[n / 2] / BURST;
}

/* NULL: there is none for these options. */
static void (*floor_of(const struct net *net))(struct net *)
{
	if (net->path == PATH_GRE)
		return floor_burst;
	return floor_esp_can(net) ? floor_esp_burst : NULL;
}

/* One run: floor and product take turns, train by train, so that whatever else the machine does
 * meets both alike. */
static void run(struct net *net, struct result *result, double *least, double *product)
{
	static uint64_t floor_cycles[RUN_BURSTS], product_cycles[RUN_BURSTS];
	void (*floor)(struct net *) = floor_of(net);
	unsigned floor_n = 0, product_n = 0;

	for (unsigned t = 0; t < RUN_TRAINS; t++) {
		if (floor != NULL)
			train_run(net, result->size, floor, floor_cycles, &floor_n, &result->wrong);
		train_run(net, result->size, product_burst, product_cycles, &product_n,
			  &result->wrong);
	}
	*least = floor_n != 0 ? cycles_median(floor_cycles, floor_n) : 0;
	*product = cycles_median(product_cycles, product_n);
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
	uint64_t ignored[TRAIN_PKTS / BURST];

	stage_bursts = 0;
	for (unsigned t = 0; t < RUN_TRAINS; t++) {
		unsigned n = 0;

		train_run(net, result->size, staged_burst, ignored, &n, &result->wrong);
	}
	for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
		result->stages[s] = cycles_median(stage_cycles[s], stage_bursts);
}

void reference_run(struct net *net, const struct options *o, struct result *result)
{
	double product[RUNS_MAX], least[RUNS_MAX], ratio[RUNS_MAX], raw[RUNS_MAX] = {0};

	for (uint32_t i = 0; i < o->runs; i++) {
		run(net, result, &least[i], &product[i]);
		ratio[i] = least[i] != 0 ? product[i] / least[i] : 0;
		if (net->path != PATH_GRE)
			raw[i] = raw_run(net, result->size);
	}
	stages_run(net, result);
	result->floor = figure(least, o->runs);
	result->product = figure(product, o->runs);
	result->ratio = figure(ratio, o->runs);
	result->raw = figure(raw, o->runs);
}
