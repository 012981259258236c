/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Anti-replay window of an inbound SA: RFC 4303 section 3.4.3 and appendix A, in the layout of RFC
 * 6479: a ring of 64-bit words, one more than the window needs, so that moving on clears whole
 * words. Pure but for the ring. Context: the SA's home worker.
 */
#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>

#define REPLAY_WORD_BITS 64

/* Words (a power of two) for a window of so many packets. */
static inline uint32_t replay_words(uint32_t window)
{
	uint32_t words = 2;

	while ((words - 1) * REPLAY_WORD_BITS < window)
		words *= 2;
	return words;
}

/*
 * The 64-bit number of a packet that shows only the low half (RFC 4303 appendix A2.1): the one that
 * fits the window below `top`. `window` 0 (no replay check) takes the nearest one. 0: there is
 * none, the packet is older than the SA.
 */
static inline uint64_t replay_seq_infer(uint64_t top, uint32_t low, uint32_t window)
{
	uint32_t span = window == 0 ? 1U << 31 : window;
	uint32_t bottom = (uint32_t)top - span + 1;
	uint64_t high = top >> 32;

	if ((uint32_t)top >= span - 1) {
		if (unlikely(low < bottom))
			high++;
	} else if (unlikely(low >= bottom)) {
		/* The window reaches back into the numbers before the last roll-over. */
		if (high == 0)
			return 0;
		high--;
	}
	return high << 32 | low;
}

/* Not seen, and not older than the window. */
static inline bool replay_check(
	const uint64_t *ring, uint32_t mask, uint32_t window, uint64_t top, uint64_t seq)
{
	if (likely(seq > top))
		return true;
	if (top - seq >= window)
		return false;
	return (ring[seq / REPLAY_WORD_BITS & mask] >> seq % REPLAY_WORD_BITS & 1) == 0;
}

/* Marks an authenticated packet that replay_check has let through; returns the new top. */
static inline uint64_t replay_commit(uint64_t *ring, uint32_t mask, uint64_t top, uint64_t seq)
{
	if (seq > top) {
		uint64_t from = top / REPLAY_WORD_BITS, steps = seq / REPLAY_WORD_BITS - from;

		if (unlikely(steps > mask))
			steps = mask + 1ULL;
		for (uint64_t i = 1; i <= steps; i++)
			ring[(from + i) & mask] = 0;
		top = seq;
	}
	ring[seq / REPLAY_WORD_BITS & mask] |= 1ULL << seq % REPLAY_WORD_BITS;
	return top;
}
