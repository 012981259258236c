/* SPDX-License-Identifier: Apache-2.0 */
/* Who moves where: a table of intervals, and what holds moves back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/homes.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct homes nobody_moved;

static void test_judge(void **state)
{
	static const struct {
		const char *what;
		uint64_t pkts;
		uint64_t handed[4]; /* by worker; home is 1 */
		uint32_t to;
	} cases[] = {
		{"nothing came", 0, {0}, 1},
		{"all came home", 100000, {0}, 1},
		{"too few", 999, {999}, 1},
		{"just enough, all on one", 1000, {1000}, 0},
		{"on the last worker", 1000, {0, 0, 0, 1000}, 3},
		{"3/4 are not more than 3/4", 1000, {0, 0, 750}, 1},
		{"one more is", 1000, {0, 0, 751}, 2},
		{"much, but most came home", 1000000, {0, 0, 200000}, 1},
		{"spread over the others", 9000, {3000, 0, 3000, 3000}, 1},
		{"spread, one has most of it", 10000, {7600, 0, 1200, 1200}, 0},
		{"a burst was counted late", 1600, {0, 0, 1800}, 2},
		{"more handed over than authentic", 1600, {0, 0, 1801}, 1},
		{"garbage alone", 0, {0, 0, 1000000}, 1},
		{"garbage to a peer with little", 999, {0, 0, 1000000}, 1},
		{"garbage on two workers", 2000, {1600, 0, 1600}, 1},
		{"its home cannot hand over to itself", 1000, {0, 1000}, 1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dp_sa_home row = {.peer = 7, .home = 1, .pkts = cases[i].pkts};
		uint32_t to;

		for (unsigned w = 0; w < 4; w++)
			row.handed_pkts[w] = cases[i].handed[w];
		to = homes_judge(&nobody_moved, &row, 0);
		if (to != cases[i].to)
			fail_msg("%s: to %u instead of %u", cases[i].what, to, cases[i].to);
	}
}

/* One queue for all workers: the one that polls it takes homes until it has enough to do. */
static void test_busy(void **state)
{
	struct dp_sa_home row = {.peer = 7, .home = 1, .pkts = 5000, .handed_pkts = {5000}};
	struct homes homes = {.load_permille = {HOMES_LOAD_MAX, 1000}};

	(void)state;
	assert_int_equal(homes_judge(&homes, &row, 0), 0);
	homes.load_permille[0]++;
	assert_int_equal(homes_judge(&homes, &row, 0), 1);
}

/* All of it comes in on the worker that it has just left. */
static void test_rest(void **state)
{
	struct dp_sa_home row = {.peer = 7, .home = 1, .pkts = 5000, .handed_pkts = {5000}};
	struct dp_sa_home other = row;
	struct homes homes = {0};

	(void)state;
	other.peer = 8;
	homes_note(&homes, 7, 50000);
	assert_int_equal(homes_judge(&homes, &row, 50000), 1);
	assert_int_equal(homes_judge(&homes, &other, 50000), 0);
	assert_int_equal(homes_judge(&homes, &row, 50000 + HOMES_REST_MS - 1), 1);
	assert_int_equal(homes_judge(&homes, &row, 50000 + HOMES_REST_MS), 0);
}

static void test_rate(void **state)
{
	struct dp_sa_home row = {.home = 1, .pkts = 5000, .handed_pkts = {5000}};
	struct homes homes = {0};

	(void)state;
	for (row.peer = 1; row.peer <= HOMES_MOVES_MAX; row.peer++) {
		assert_int_equal(homes_judge(&homes, &row, 100), 0);
		homes_note(&homes, row.peer, 100);
	}
	assert_int_equal(homes_judge(&homes, &row, 100), 1);
	assert_int_equal(homes_judge(&homes, &row, 1099), 1);
	assert_int_equal(homes_judge(&homes, &row, 1100), 0);
}

/* As fast as it goes, nobody is forgotten before the end of its rest. */
static void test_all_rest(void **state)
{
	struct dp_sa_home row = {.home = 1, .pkts = 5000, .handed_pkts = {5000}};
	uint64_t moved_ms[1001] = {0}, moves = 0;
	struct homes homes = {0};

	(void)state;
	for (uint64_t now_ms = 1; now_ms < 200000; now_ms += 250) {
		for (row.peer = 1; row.peer < COUNT_OF(moved_ms); row.peer++) {
			if (homes_judge(&homes, &row, now_ms) == row.home)
				continue;
			assert_true(moved_ms[row.peer] == 0 ||
				    now_ms - moved_ms[row.peer] >= HOMES_REST_MS);
			moved_ms[row.peer] = now_ms;
			homes_note(&homes, row.peer, now_ms);
			moves++;
		}
	}
	assert_int_equal(moves, 200 * HOMES_MOVES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),    cmocka_unit_test(test_busy),
		cmocka_unit_test(test_rest),     cmocka_unit_test(test_rate),
		cmocka_unit_test(test_all_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
