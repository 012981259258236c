/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of dmvpn-testpmd: good and bad options; an error names option, value, limits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/testpmd/options.h"

#define ARGS_MAX 16

static char error[OPTIONS_ERROR];

/* `line`: options with one space between them. */
static int parse(struct options *o, const char *line)
{
	static char text[256];
	char *argv[ARGS_MAX + 1] = {(char[]){"dmvpn-testpmd"}}, *rest = text, *word;
	int argc = 1;

	snprintf(text, sizeof(text), "%s", line);
	error[0] = '\0';
	while (*text != '\0' && argc < ARGS_MAX && (word = strsep(&rest, " ")) != NULL)
		argv[argc++] = word;
	return options_parse(o, argc, argv, error);
}

static void good(const char *line, struct options *o)
{
	int rc = parse(o, line);

	if (rc != 0)
		print_message("%s: %s\n", line, error);
	assert_int_equal(rc, 0);
}

static void defaults(void **state)
{
	struct options o;

	(void)state;
	good("", &o);
	assert_int_equal(o.path, PATH_GRE);
	assert_int_equal(o.spokes, 1000);
	assert_int_equal(o.burst, 32);
	assert_true(o.redirect);
	assert_int_equal(o.size_count, 3);
	assert_string_equal(o.sizes[2].name, "1400");
	assert_string_equal(flows_name(&o), "random");
}

static void good_ones(void **state)
{
	static const char *const lines[] = {"--path out",
					    "--path=in",
					    "--cipher aes256-sha256",
					    "--esn --natt",
					    "--window 0",
					    "--window 32",
					    "--window 4096",
					    "--redirect on",
					    "--spokes 1",
					    "--spokes 20000",
					    "--routes 1000000",
					    "--size 40",
					    "--size 1400",
					    "--help",
					    "--burst 1",
					    "--burst 64",
					    "--flows random",
					    "--flows bursty:1",
					    "--flows bursty:1024",
					    "--runs 99",
					    "--cpu 1023",
					    "--json x --any-cpu",
					    "--size 64,64,64,64,64,64,imix,cisco"};
	struct options o;

	(void)state;
	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		good(lines[i], &o);
}

static void values(void **state)
{
	struct options o;

	(void)state;
	good("--redirect off --burst 7 --flows bursty:16 --path hairpin --json out.json", &o);
	assert_false(o.redirect);
	assert_int_equal(o.burst, 7);
	assert_int_equal(o.flow_pkts, 16);
	assert_string_equal(flows_name(&o), "bursty:16");
	assert_string_equal(path_name(o.path), "hairpin");
	assert_string_equal(o.json, "out.json");
}

/* 7:4:1, its mean of 352.0. */
static void imix(void **state)
{
	unsigned count[SIZE_HIGH + 1] = {0};
	struct options o;

	(void)state;
	good("--size 100,imix", &o);
	assert_int_equal(o.size_count, 2);
	assert_int_equal(o.sizes[0].count, 1);
	assert_int_equal(o.sizes[0].bytes[0], 100);
	assert_int_equal(o.sizes[1].count, 12);
	for (unsigned i = 0; i < 12; i++)
		count[o.sizes[1].bytes[i]]++;
	assert_int_equal(count[64], 7);
	assert_int_equal(count[594], 4);
	assert_int_equal(count[1400], 1);
	assert_int_equal((int)mix_bytes(&o.sizes[1]), 352);
}

/* 188 to the branch, 144 from it; spoke to spoke both. The path may come later. */
static void cisco(void **state)
{
	struct options o;

	(void)state;
	good("--size cisco --path out", &o);
	assert_int_equal(o.sizes[0].count, 1);
	assert_int_equal(o.sizes[0].bytes[0], 188);
	good("--size cisco --path in", &o);
	assert_int_equal(o.sizes[0].bytes[0], 144);
	good("--size cisco --path hairpin", &o);
	assert_int_equal(o.sizes[0].count, 2);
	assert_int_equal((int)mix_bytes(&o.sizes[0]), 166);
	assert_string_equal(o.sizes[0].name, "cisco");
}

static void sweep(void **state)
{
	struct options o;

	(void)state;
	good("--sweep spokes=1,100,20000 size=64,imix --path out --any-cpu", &o);
	assert_true(o.sweep && o.any_cpu);
	assert_int_equal(o.sweep_count, 3);
	assert_int_equal(o.sweep_spokes[2], 20000);
	assert_int_equal(o.size_count, 2);
	assert_string_equal(o.sizes[1].name, "imix");
	assert_string_equal(o.json, "sweep.json");
	assert_string_equal(o.chart, "sweep.svg");
	good("--json a --chart none --spokes 7 --sweep size=cisco --path out", &o);
	assert_int_equal(o.sweep_count, 1);
	assert_int_equal(o.sweep_spokes[0], 7);
	assert_int_equal(o.sizes[0].bytes[0], 188);
	assert_string_equal(o.json, "a");
	assert_null(o.chart);
}

/* A shell's word with a blank in it. */
static void sweep_quoted(void **state)
{
	char *argv[] = {(char[]){"dmvpn-testpmd"}, (char[]){"--sweep"},
			(char[]){"spokes=1,2 size=50"}, NULL};
	struct options o;

	(void)state;
	assert_int_equal(options_parse(&o, 3, argv, error), 0);
	assert_int_equal(o.sweep_count, 2);
	assert_int_equal(o.sizes[0].bytes[0], 50);
}

static void bad_ones(void **state)
{
	static const char *const rows[][2] = {
		{"--path up", "--path: up: gre, hairpin, out, in"},
		{"--cipher rot13", "--cipher: rot13: aes128gcm16, "},
		{"--window 31", "--window: 31: 0, or 32 to 4096"},
		{"--window 4097", "--window: 4097: 0, or 32 to 4096"},
		{"--redirect maybe", "--redirect: maybe: on, off"},
		{"--spokes 0", "--spokes: 0: 1 to 20000"},
		{"--spokes 20001", "--spokes: 20001: 1 to 20000"},
		{"--spokes -1", "--spokes: -1: 1 to 20000"},
		{"--spokes +5", "--spokes: +5: 1 to 20000"},
		{"--spokes 5x", "--spokes: 5x: 1 to 20000"},
		{"--spokes=", "--spokes: : 1 to 20000"},
		{"--routes 1000001", "--routes: 1000001: 1 to 1000000"},
		{"--routes 99999999999999999999999", "--routes: 99999999999999999999999: 1 to"},
		{"--size 39", "--size: 39: 40 to 1400, imix, cisco"},
		{"--size 1401", "--size: 1401: 40 to 1400, imix, cisco"},
		{"--size 64,,354", "--size: : 40 to 1400, imix, cisco"},
		{"--size 64,imax", "--size: imax: 40 to 1400, imix, cisco"},
		{"--size 50,50,50,50,50,50,50,50,77", "--size: 77: at most 8 sizes"},
		{"--burst 0", "--burst: 0: 1 to 64"},
		{"--burst 65", "--burst: 65: 1 to 64"},
		{"--flows bursty", "--flows: bursty: random, bursty:1 to bursty:1024"},
		{"--flows bursty:0", "--flows: bursty:0: random, bursty:1 to bursty:1024"},
		{"--flows bursty:1025", "--flows: bursty:1025: random"},
		{"--runs 100", "--runs: 100: 1 to 99"},
		{"--cpu 1024", "--cpu: 1024: 0 to 1023"},
		{"--sizze 64", "--sizze: no such option, see --help"},
		{"--sweep", "--sweep: needs a value"},
		{"--sweep cpus=1", "--sweep: cpus=1: spokes=LIST, size=LIST"},
		{"--sweep spokes=1,0", "--sweep: 0: spokes: 1 to 20000"},
		{"--sweep spokes=", "--sweep: : spokes: 1 to 20000"},
		{"--sweep spokes=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
		 "--sweep: 17: spokes: at most 16 numbers"},
		{"--sweep size=64,39", "--size: 39: 40 to 1400, imix, cisco"},
		{"--sweep spokes=1 64", "--sweep: 64: spokes=LIST, size=LIST"},
		{"size=64 --sweep spokes=1", "size=64: unexpected argument"},
		{"--chart x.svg", "--chart: x.svg: only with --sweep"},
		{"--burst", "--burst: needs a value"},
		{"64", "64: unexpected argument"}};
	struct options o;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(&o, rows[i][0]), -EINVAL);
		if (strncmp(error, rows[i][1], strlen(rows[i][1])) != 0)
			fail_msg("%s: %s, not %s", rows[i][0], error, rows[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(good_ones),
		cmocka_unit_test(values),   cmocka_unit_test(imix),
		cmocka_unit_test(cisco),    cmocka_unit_test(bad_ones),
		cmocka_unit_test(sweep),    cmocka_unit_test(sweep_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
