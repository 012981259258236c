/* SPDX-License-Identifier: Apache-2.0 */
/* reference: the reference mode, see testpmd.h. */
#include <stdlib.h>

#include <rte_cycles.h>

#include "dataplane/dp_priv.h"
#include "testpmd.h"

static void product_burst(struct net *net)
{
	for (uint32_t i = 0; i < net->burst; i += BURST)
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

void samples_reset(struct samples *s, const struct net *net)
{
	s->pkts = net->mix->count == 1 ? net->burst : net->train_pkts;
	s->n = 0;
}

void samples_add(struct samples *s, uint32_t at, uint64_t cycles)
{
	if (at % s->pkts == 0)
		s->cycles[s->n++] = 0;
	s->cycles[s->n - 1] += cycles;
}

double samples_median(struct samples *s)
{
	qsort(s->cycles, s->n, sizeof(s->cycles[0]), compare_u64);
	return (double)s->cycles[s->n / 2] / s->pkts;
}

/* One train through `burst`. */
static void train_run(struct net *net,
		      struct result *result,
		      void (*burst)(struct net *),
		      struct samples *samples)
{
	train_make(net);
	for (uint32_t at = 0; at < net->train_pkts; at += net->burst) {
		uint64_t start;

		train_burst(net, at);
		start = rte_rdtsc();
		burst(net);
		samples_add(samples, at, rte_rdtsc() - start);
	}
	result->wrong += train_verify(net);
}

/* NULL: there is none for these options. */
static void (*floor_of(const struct net *net))(struct net *)
{
	if (net->path == PATH_GRE)
		return floor_burst;
	return floor_esp_can(net) ? floor_esp_burst : NULL;
}

/* One run: floor and product take turns on the same trains, so that whatever else the machine does
 * meets both alike. */
static void run(struct net *net, struct result *result, double *least, double *product)
{
	static struct samples floor_samples, product_samples;
	void (*floor)(struct net *) = floor_of(net);

	samples_reset(&floor_samples, net);
	samples_reset(&product_samples, net);
	for (unsigned t = 0; t < RUN_TRAINS; t++) {
		uint32_t random = net->random;

		if (floor != NULL)
			train_run(net, result, floor, &floor_samples);
		net->random = random;
		train_run(net, result, product_burst, &product_samples);
	}
	*least = floor != NULL ? samples_median(&floor_samples) : 0;
	*product = samples_median(&product_samples);
}

static struct figure figure(double *medians, uint32_t n)
{
	qsort(medians, n, sizeof(*medians), compare_double);
	return (struct figure){medians[n / 2], medians[0], medians[n - 1]};
}

static struct samples stage_samples[DP_STAGE_COUNT];
static uint32_t stage_at;

static void staged_burst(struct net *net)
{
	struct dp_stage_clock clock = {0};

	dp_workers[0]->clock = &clock;
	product_burst(net);
	dp_workers[0]->clock = NULL;
	for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
		samples_add(&stage_samples[s], stage_at, clock.cycles[s]);
	stage_at += net->burst;
}

/* Where the cycles go, in a run of its own: reading the clock costs some. */
static void stages_run(struct net *net, struct result *result)
{
	static struct samples ignored;

	samples_reset(&ignored, net);
	for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
		samples_reset(&stage_samples[s], net);
	for (unsigned t = 0; t < RUN_TRAINS; t++) {
		stage_at = 0;
		train_run(net, result, staged_burst, &ignored);
	}
	for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
		result->stages[s] = samples_median(&stage_samples[s]);
}

/* What the hub has dropped since `before` was read. */
static void drops_count(const struct dp_worker_stats *before, struct result *result)
{
	struct dp_worker_info now;

	dp_worker_info_get(0, &now);
	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		result->drops[i] = now.stats.drops[i] - before->drops[i];
}

void reference_run(struct net *net, const struct options *o, struct result *result)
{
	struct dp_worker_info before;
	double product[RUNS_MAX], least[RUNS_MAX], ratio[RUNS_MAX], raw[RUNS_MAX] = {0};

	dp_worker_info_get(0, &before);
	for (uint32_t i = 0; i < o->runs; i++) {
		run(net, result, &least[i], &product[i]);
		ratio[i] = least[i] != 0 ? product[i] / least[i] : 0;
		if (net->path != PATH_GRE)
			raw[i] = raw_run(net);
	}
	stages_run(net, result);
	drops_count(&before.stats, result);
	result->floor = figure(least, o->runs);
	result->product = figure(product, o->runs);
	result->ratio = figure(ratio, o->runs);
	result->raw = figure(raw, o->runs);
}
