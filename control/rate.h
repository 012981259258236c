/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * At most RATE_MAX of something in any second, exactly: the times of the last ones. All zero is a
 * rate that has seen nothing. Context: any.
 */
#include <stdbool.h>
#include <stdint.h>

#define RATE_MAX 10

struct rate {
	uint64_t at_ms[RATE_MAX];
	uint32_t next; /* the oldest */
};

static inline bool rate_take(struct rate *r, uint64_t now_ms)
{
	uint64_t *oldest_ms = &r->at_ms[r->next];

	if (*oldest_ms != 0 && now_ms - *oldest_ms < 1000)
		return false;
	*oldest_ms = now_ms;
	r->next = (r->next + 1) % RATE_MAX;
	return true;
}
