/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The clocks of the control core: CLOCK_MONOTONIC for what waits, CLOCK_REALTIME for what is told
 * to people, CLOCK_THREAD_CPUTIME_ID for what work costs. Context: any but workers.
 */
#include <stdint.h>
#include <time.h>

static inline uint64_t clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static inline uint64_t clock_ms(clockid_t clock)
{
	return clock_us(clock) / 1000;
}
