/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replay window against a model that remembers every number (RFC 4303 section 3.4.3), and the
 * inference of 64-bit numbers (appendix A2) against all candidates.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/replay.h"

#define NUMBERS 4000000
#define STEPS   60000

static const uint32_t windows[] = {32, 64, 96, 128, 448, 512, 1024, 4096};

struct ring {
	uint64_t words[256];
	uint32_t mask;
	uint64_t top;
};

static void ring_init(struct ring *r, uint32_t window)
{
	memset(r, 0, sizeof(*r));
	r->mask = replay_words(window) - 1;
	assert_in_range(r->mask + 1, 2, 256);
	assert_int_equal(r->mask & (r->mask + 1), 0);
	assert_true(r->mask * REPLAY_WORD_BITS >= window);
}

static void test_window_is_the_models(void **state)
{
	static uint8_t seen[NUMBERS];

	(void)state;
	srand(4303);
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		uint32_t window = windows[i], accepted = 0;
		struct ring r;

		ring_init(&r, window);
		memset(seen, 0, sizeof(seen));
		for (unsigned step = 0; step < STEPS; step++) {
			/* Around the top, sometimes far ahead, sometimes far behind. */
			int64_t to = (int64_t)r.top + rand() % 8 - 3;
			uint64_t seq;
			bool fresh;

			if (rand() % 50 == 0)
				to = (int64_t)r.top + rand() % (int)(3 * window) -
				     (int)window * 3 / 2;
			seq = to < 1 ? 1 : (uint64_t)to;
			if (seq >= NUMBERS)
				break;
			fresh = !seen[seq] && seq + window > r.top;
			assert_int_equal(replay_check(r.words, r.mask, window, r.top, seq), fresh);
			if (!fresh)
				continue;
			r.top = replay_commit(r.words, r.mask, r.top, seq);
			seen[seq] = 1;
			accepted++;
			assert_true(r.top >= seq);
		}
		assert_true(accepted > 1000);
	}
}

/* The number is never lost sight of, however far the window jumps. */
static void test_jumps(void **state)
{
	static const uint64_t jumps[] = {
		1, 63, 64, 65, 127, 128, 4095, 4096, 4097, 1ULL << 32, (1ULL << 40) + 7};

	(void)state;
	for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
		struct ring r;

		ring_init(&r, windows[w]);
		for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
			uint64_t seq = r.top + jumps[i];

			assert_true(replay_check(r.words, r.mask, windows[w], r.top, seq));
			r.top = replay_commit(r.words, r.mask, r.top, seq);
			assert_int_equal(r.top, seq);
			assert_false(replay_check(r.words, r.mask, windows[w], r.top, seq));
			/* What the jump passed over was not seen, as far as the window reaches. */
			for (uint64_t back = 1; back < windows[w] && back < jumps[i]; back++)
				assert_true(replay_check(r.words, r.mask, windows[w], r.top,
							 seq - back));
			if (seq > windows[w])
				assert_false(replay_check(r.words, r.mask, windows[w], r.top,
							  seq - windows[w]));
		}
	}
}

/* Every number that the window can hold, and those up to 2^31 ahead, come back from their low half.
 */
static void test_infer(void **state)
{
	static const uint64_t tops[] = {0,           1,           31,          1000,
					0x7fffffff,  0xfffffff0,  0xffffffff,  0x100000000,
					0x100000005, 0x1ffffffff, 0x500000000, 0x57fffffff,
					0x580000000};

	(void)state;
	for (size_t t = 0; t < sizeof(tops) / sizeof(tops[0]); t++) {
		for (size_t w = 0; w < sizeof(windows) / sizeof(windows[0]); w++) {
			for (int64_t d = -(int64_t)windows[w] + 1; d <= 5000; d++) {
				uint64_t seq = tops[t] + (uint64_t)d;

				if ((int64_t)seq < 0)
					continue;
				assert_int_equal(
					replay_seq_infer(tops[t], (uint32_t)seq, windows[w]), seq);
			}
			assert_int_equal(replay_seq_infer(tops[t], (uint32_t)(tops[t] + (1U << 31)),
							  windows[w]),
					 tops[t] + (1U << 31));
		}
		/* No window: the nearest. */
		for (int64_t d = -100000; d <= 100000; d += 999) {
			uint64_t seq = tops[t] + (uint64_t)d;

			if ((int64_t)seq >= 0)
				assert_int_equal(replay_seq_infer(tops[t], (uint32_t)seq, 0), seq);
		}
	}
	/* Older than the SA. */
	assert_int_equal(replay_seq_infer(5, 0xfffffff0, 32), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_window_is_the_models),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_infer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
