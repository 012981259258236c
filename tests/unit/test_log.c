/* SPDX-License-Identifier: Apache-2.0 */
/* control/log: what really arrives at stderr, read back from a pipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "control/log.h"

static int saved = -1, reader = -1;

static int setup(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	reader = ends[0];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(reader);
	return 0;
}

/* Everything that was written since the last call. */
static const char *output(void)
{
	static char text[65536];
	ssize_t n = read(reader, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void plain(void **state)
{
	(void)state;
	log_init(false, false);
	log_info("port wan0: link up");
	assert_string_equal(output(), "port wan0: link up\n");
	log_sys("%s: %d", "x", 3);
	log_bug("a");
	log_peer("b");
	log_debug("not shown");
	assert_string_equal(output(), "error: x: 3\nBUG: a\npeer: b\n");
	log_init(true, false);
	log_debug("shown");
	assert_string_equal(output(), "debug: shown\n");
}

static void journal(void **state)
{
	(void)state;
	log_init(true, true);
	log_info("i");
	log_sys("s");
	log_bug("b");
	log_peer("p");
	log_debug("d");
	assert_string_equal(output(), "<6>i\n<3>s\n<2>BUG: b\n<5>peer: p\n<7>d\n");
}

static void one_printable_line(void **state)
{
	char big[3000];

	(void)state;
	log_init(false, false);
	log_peer("name '%s'", "a\nerror: forged\x1b[2J\xff");
	assert_string_equal(output(), "peer: name 'a?error: forged?[2J?'\n");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info("%s", big);
	assert_int_equal(strlen(output()), 1023);
}

static void peers_are_limited(void **state)
{
	const char *text;
	unsigned lines = 0;

	(void)state;
	log_init(false, false);
	for (int i = 0; i < 1000; i++)
		log_peer("x");
	text = output();
	for (const char *c = text; *c != '\0'; c++)
		lines += *c == '\n';
	/* The burst, and what a slow machine was given meanwhile. */
	assert_in_range(lines, 100, 900);
	assert_int_equal(log_suppressed(), 1000 - lines);
	/* Other classes are not. */
	log_info("y");
	assert_string_equal(output(), "y\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plain, setup, teardown),
		cmocka_unit_test_setup_teardown(journal, setup, teardown),
		cmocka_unit_test_setup_teardown(one_printable_line, setup, teardown),
		cmocka_unit_test_setup_teardown(peers_are_limited, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
