/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of deadlines against a plain search, with many random sets, moves and clears. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "control/deadline.h"

#define COUNT 200

static uint64_t slowest_first(const struct deadline *d)
{
	uint64_t first = DEADLINE_NEVER;

	for (unsigned i = 0; i < COUNT; i++)
		if (d[i].slot && d[i].at_ms < first)
			first = d[i].at_ms;
	return first;
}

static void test_random(void **state)
{
	static struct deadline d[COUNT];
	struct deadline_heap h;
	unsigned seed = 7;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(deadline_heap_init(&h, COUNT), 0);
	assert_null(deadline_first(&h));
	for (unsigned i = 0; i < 20000; i++) {
		struct deadline *one = &d[(unsigned)rand_r(&seed) % COUNT];

		if (rand_r(&seed) % 3)
			deadline_set(&h, one, (uint64_t)rand_r(&seed) % 1000);
		else
			deadline_clear(&h, one);
		assert_int_equal(deadline_next_ms(&h), slowest_first(d));
	}
	for (unsigned i = 0; i < COUNT; i++)
		deadline_set(&h, &d[i], (uint64_t)rand_r(&seed) % 1000);
	for (unsigned i = 0; i < COUNT; i++) {
		struct deadline *first = deadline_first(&h);

		assert_non_null(first);
		assert_true(first->at_ms >= last);
		last = first->at_ms;
		deadline_clear(&h, first);
		deadline_clear(&h, first); /* again: nothing happens */
	}
	assert_int_equal(deadline_next_ms(&h), DEADLINE_NEVER);
	deadline_heap_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
