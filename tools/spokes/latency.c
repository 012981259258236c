/* SPDX-License-Identifier: Apache-2.0 */
/*
 * latency: a log-linear histogram. Bucket of v: below 16 v itself, else the highest bit gives the
 * row and the next four bits the step in it.
 */
#include "latency.h"

static unsigned bucket_of(uint64_t ns)
{
	unsigned row;

	if (ns < LATENCY_STEPS)
		return (unsigned)ns;
	row = 63 - (unsigned)__builtin_clzll(ns) - 3;
	if (row >= LATENCY_BUCKETS / LATENCY_STEPS)
		return LATENCY_BUCKETS - 1;
	return row * LATENCY_STEPS + (unsigned)(ns >> (row - 1)) % LATENCY_STEPS;
}

static uint64_t bucket_end_ns(unsigned bucket)
{
	const unsigned row = bucket / LATENCY_STEPS, step = bucket % LATENCY_STEPS;

	if (row == 0)
		return step;
	return ((uint64_t)(LATENCY_STEPS + step + 1) << (row - 1)) - 1;
}

void latency_add(struct latency *l, uint64_t ns)
{
	if (l->count == 0 || ns < l->min_ns)
		l->min_ns = ns;
	if (ns > l->max_ns)
		l->max_ns = ns;
	l->count++;
	l->sum_ns += ns;
	l->buckets[bucket_of(ns)]++;
}

uint64_t latency_mean_ns(const struct latency *l)
{
	return l->count ? l->sum_ns / l->count : 0;
}

uint64_t latency_percentile_ns(const struct latency *l, double percent)
{
	const uint64_t wanted = (uint64_t)((double)l->count * percent / 100);
	uint64_t seen = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		seen += l->buckets[i];
		if (seen > wanted || (seen && seen == l->count))
			return bucket_end_ns(i) < l->max_ns ? bucket_end_ns(i) : l->max_ns;
	}
	return 0;
}
