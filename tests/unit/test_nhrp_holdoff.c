/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of pairs that had their redirect, and the budget of a spoke.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/budget.h"
#include "control/nhrp/nhrp_holdoff.h"

/* Full of pairs that are on: said; room comes with time. */
static void test_table_full(void **state)
{
	struct nhrp_holdoffs *t = nhrp_holdoffs_new(4);
	struct nhrp_holdoff_key key = {.spoke = 1, .src = dp_addr_ip4(1)};
	struct nhrp_holdoffs_info info;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		key.dst = dp_addr_ip4(i);
		assert_false(nhrp_holdoff_is_on(t, &key, 1000));
		assert_int_equal(nhrp_holdoff_begin(t, &key, 1000 + i, 8000), 0);
		assert_true(nhrp_holdoff_is_on(t, &key, 1000 + i));
	}
	key.dst = dp_addr_ip4(4);
	assert_int_equal(nhrp_holdoff_begin(t, &key, 8999, 8000), -ENOSPC);
	nhrp_holdoffs_info_get(t, &info);
	assert_int_equal(info.full, 1);
	assert_int_equal(info.used, 4);
	assert_int_equal(nhrp_holdoff_begin(t, &key, 9000, 8000), 0); /* the first has ended */
	assert_true(nhrp_holdoff_is_on(t, &key, 16999));
	assert_false(nhrp_holdoff_is_on(t, &key, 17000));
	key.dst = dp_addr_ip4(1);
	assert_true(nhrp_holdoff_is_on(t, &key, 9000));
	assert_false(nhrp_holdoff_is_on(t, &key, 9001));
	assert_int_equal(nhrp_holdoff_begin(t, &key, 9001, 8000), 0); /* its own slot again */
	nhrp_holdoffs_free(t);
}

static void test_budget(void **state)
{
	struct budget b = {0};
	unsigned taken = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		taken += budget_take(&b, 50, 5000000);
	assert_int_equal(taken, 10);
	for (uint64_t ms = 1; ms <= 1000; ms++)
		taken += budget_take(&b, 50, 5000000 + ms);
	assert_int_equal(taken, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_full),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests_name("nhrp_holdoff", tests, NULL, NULL);
}
