/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Histogram of times: 16 steps per power of two, so a percentile is right within 6 %. Pure.
 */
#include <stdint.h>

#define LATENCY_STEPS   16
#define LATENCY_BUCKETS (40 * LATENCY_STEPS)

struct latency {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t min_ns;
	uint64_t max_ns;
	uint32_t buckets[LATENCY_BUCKETS];
};

void latency_add(struct latency *l, uint64_t ns);
uint64_t latency_mean_ns(const struct latency *l);
/* 0 to 100; the upper edge of the bucket, at most the maximum. 0 when empty. */
uint64_t latency_percentile_ns(const struct latency *l, double percent);
