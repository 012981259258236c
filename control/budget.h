/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * At most so many in any second, for rates that are too high for rate.h. A token bucket that keeps
 * what is spent rather than what is left, so that zeroed memory is a full one. A fifth of the rate
 * may come at once; that is taken off the refill, or a second that begins with a full bucket would
 * see more.
 *
 * Times are milliseconds of any clock that does not go back. Context: any; one owner.
 */
#include <stdbool.h>
#include <stdint.h>

struct budget {
	uint64_t at_ms;
	uint64_t spent; /* thousandths */
};

/* per_s: at least 5. False: not this one. */
static inline bool budget_take(struct budget *r, uint32_t per_s, uint64_t now_ms)
{
	const uint64_t burst = per_s / 5, back = (now_ms - r->at_ms) * (per_s - burst);

	r->spent -= back < r->spent ? back : r->spent;
	r->at_ms = now_ms;
	if (r->spent + 1000 > burst * 1000)
		return false;
	r->spent += 1000;
	return true;
}
