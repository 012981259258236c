/* SPDX-License-Identifier: Apache-2.0 */
/* The machine that dmvpn-testpmd names with its figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/testpmd/machine.h"

static bool value_of(const char *text, const char *key, char *value, size_t size)
{
	char copy[512];
	bool found;
	FILE *f;

	snprintf(copy, sizeof(copy), "%s", text);
	f = fmemopen(copy, strlen(copy), "r");
	assert_non_null(f);
	found = machine_value(f, key, value, size);
	fclose(f);
	return found;
}

static void values(void **state)
{
	static const char cpuinfo[] =
		"processor\t: 0\nmodel\t\t: 1\nmodel name\t: Some CPU @ 2 GHz\n"
		"model name\t: another\n";
	char value[32];

	(void)state;
	assert_true(value_of(cpuinfo, "model name", value, sizeof(value)));
	assert_string_equal(value, "Some CPU @ 2 GHz");
	assert_true(value_of(cpuinfo, "model", value, sizeof(value)));
	assert_string_equal(value, "1");
	assert_false(value_of(cpuinfo, "mode", value, sizeof(value)));
	assert_true(value_of("a:", "a", value, sizeof(value)));
	assert_string_equal(value, "");
}

/* What a hypervisor may put there neither ends a JSON string nor overflows. */
static void hostile(void **state)
{
	char value[8];

	(void)state;
	assert_true(value_of("model name: a\"b\\c'\x01\n", "model name", value, sizeof(value)));
	assert_string_equal(value, "a b c  ");
	assert_true(value_of("model name: 0123456789\n", "model name", value, sizeof(value)));
	assert_string_equal(value, "0123456");
}

static void this_one(void **state)
{
	struct machine m;

	(void)state;
	machine_get(&m);
	assert_true(m.cpus >= 1);
	assert_int_not_equal(m.cpu[0], '\0');
	assert_int_equal(strlen(m.date), strlen("2026-01-01T00:00:00Z"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(hostile),
		cmocka_unit_test(this_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
