/* SPDX-License-Identifier: Apache-2.0 */
/* The chart of a sweep: what gnuplot is told, and that it is not there. No EAL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/testpmd/testpmd.h"

static struct report reports[2];
static char script[8192];

static void script_make(enum path path, double least, double raw)
{
	struct options o = {.path = path,
			    .burst = 32,
			    .flow_pkts = 1,
			    .sweep_spokes = {1, 1000},
			    .sweep_count = 2,
			    .sizes = {{.name = "64"}, {.name = "imix"}},
			    .size_count = 2};
	FILE *f = fmemopen(script, sizeof(script), "w");

	assert_non_null(f);
	for (unsigned i = 0; i < 4; i++) {
		struct result *r = &reports[i / 2].results[i % 2];

		r->product.median = 100.5 + i;
		r->floor.median = least;
		r->raw.median = raw;
	}
	chart_script(f, &o, reports);
	fclose(f);
}

static void assert_has(const char *text)
{
	if (strstr(script, text) == NULL)
		fail_msg("no \"%s\" in:\n%s", text, script);
}

static void all_lines(void **state)
{
	(void)state;
	script_make(PATH_HAIRPIN, 80, 40);
	assert_has("$size0 << END\n1 100.5 80.0 40.0\n1000 102.5 80.0 40.0\nEND\n");
	assert_has("$size1 << END\n1 101.5 80.0 40.0\n1000 103.5 80.0 40.0\nEND\n");
	assert_has("path hairpin aes128gcm16");
	assert_has("title '64: hub'");
	assert_has("title 'imix: floor'");
	assert_has("title 'imix: raw crypto'");
}

/* Plain GRE has no cipher, some ciphers no floor. */
static void missing_lines(void **state)
{
	(void)state;
	script_make(PATH_GRE, 80, 0);
	assert_null(strstr(script, "raw crypto"));
	script_make(PATH_HAIRPIN, 0, 40);
	assert_null(strstr(script, "floor"));
}

static void no_gnuplot(void **state)
{
	(void)state;
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(chart_check(), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lines),
		cmocka_unit_test(missing_lines),
		cmocka_unit_test(no_gnuplot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
