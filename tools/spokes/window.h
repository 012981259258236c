/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which of the last 1,024 sequence numbers of a flow have come back. Pure.
 */
#include <stdint.h>
#include <string.h>

#define WINDOW_BITS 1024

struct window {
	uint32_t top; /* one more than the highest seen */
	uint64_t seen[WINDOW_BITS / 64];
};

enum window_verdict { WINDOW_NEW, WINDOW_DUPLICATE, WINDOW_LATE };

static inline void window_advance(struct window *w, uint32_t top)
{
	if (top - w->top >= WINDOW_BITS)
		memset(w->seen, 0, sizeof(w->seen));
	else
		for (uint32_t i = w->top; i < top; i++)
			w->seen[i / 64 % (WINDOW_BITS / 64)] &= ~(1ULL << i % 64);
	w->top = top;
}

static inline enum window_verdict window_mark(struct window *w, uint32_t sequence)
{
	uint64_t *word = &w->seen[sequence / 64 % (WINDOW_BITS / 64)];
	const uint64_t bit = 1ULL << sequence % 64;

	if (sequence >= w->top)
		window_advance(w, sequence + 1);
	else if (w->top - sequence > WINDOW_BITS)
		return WINDOW_LATE;
	else if (*word & bit)
		return WINDOW_DUPLICATE;
	*word |= bit;
	return WINDOW_NEW;
}
