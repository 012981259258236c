/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state file on disk: written whole, over what is there, by a thread; kept aside; and when it
 * is due. What stands in it: test_state.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/state/state.h"

static char folder[] = "/tmp/test_state_file.XXXXXX";
static char path[PATH_MAX], other[PATH_MAX + 16];

static int folder_make(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/state.json", folder);
	return 0;
}

static const char *beside(const char *suffix)
{
	snprintf(other, sizeof(other), "%s%s", path, suffix);
	return other;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(path);
	unlink(beside(".tmp"));
	for (char n[] = ".bad-1"; n[5] <= '0' + STATE_BAD_MAX; n[5]++)
		unlink(beside(n));
	return rmdir(folder);
}

static void holds(const char *file, const char *text)
{
	size_t len = 0;
	char *bytes;

	assert_int_equal(state_file_read(file, &bytes, &len), 0);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(bytes, text, len);
	free(bytes);
}

static void writes_whole(void **state)
{
	struct stat st;
	char *bytes;
	size_t len;

	(void)state;
	assert_int_equal(state_file_check(path), 0);
	assert_int_equal(state_file_read(path, &bytes, &len), -ENOENT);
	assert_int_equal(state_file_write(path, "one", 3), 0);
	holds(path, "one");
	assert_int_equal(chmod(path, 0644), 0);
	/* What a crash left. */
	assert_int_equal(symlink("/dev/null", beside(".tmp")), 0);
	assert_int_equal(state_file_write(path, "second", 6), 0);
	holds(path, "second");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(beside(".tmp"), F_OK), -1);
}

static void says_why_not(void **state)
{
	char *bytes;
	size_t len;

	(void)state;
	assert_int_equal(state_file_check("/nowhere/state.json"), -ENOENT);
	assert_int_equal(state_file_write("/nowhere/state.json", "x", 1), -ENOENT);
	assert_int_equal(state_file_read(folder, &bytes, &len), -EINVAL);
	assert_int_equal(state_file_write(path, "x", 1), 0);
	assert_int_equal(truncate(path, (off_t)STATE_BYTES_MAX + 1), 0);
	assert_int_equal(state_file_read(path, &bytes, &len), -EFBIG);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(state_file_read(path, &bytes, &len), -EINVAL);
	unlink(path);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_int_equal(state_file_read(path, &bytes, &len), -ELOOP);
	unlink(path);
}

static void keeps_aside(void **state)
{
	char kept[PATH_MAX], text[2] = "1";

	(void)state;
	for (unsigned n = 1; n <= STATE_BAD_MAX; n++, text[0]++) {
		assert_int_equal(state_file_write(path, text, 1), 0);
		assert_int_equal(state_file_set_aside(path, kept, sizeof(kept)), 0);
		assert_int_equal(kept[strlen(kept) - 1], text[0]);
		holds(kept, text);
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_int_equal(state_file_write(path, "last", 4), 0);
	assert_int_equal(state_file_set_aside(path, kept, sizeof(kept)), 0);
	holds(beside(".bad-9"), "last");
	holds(beside(".bad-1"), "1");
	assert_int_equal(state_file_set_aside(path, kept, sizeof(kept)), -ENOENT);
	assert_int_equal(state_file_set_aside(path, kept, strlen(path) + 3), -ENAMETOOLONG);
}

static int result_wait(struct state_writer *w)
{
	struct pollfd p = {.fd = state_writer_fd(w), .events = POLLIN};
	int rc = 1;

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_true(state_writer_done(w, &rc));
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_false(state_writer_done(w, &rc));
	return rc;
}

static void thread_writes(void **state)
{
	struct state_writer *w = state_writer_new(path);
	char *second = strdup("second");

	(void)state;
	assert_non_null(w);
	assert_true(state_writer_start(w, strdup("first"), 5));
	/* Writing, or its result is not fetched: not taken. */
	assert_false(state_writer_start(w, second, 6));
	assert_int_equal(result_wait(w), 0);
	holds(path, "first");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(state_writer_start(w, second, 6));
	assert_int_equal(result_wait(w), -EISDIR);
	rmdir(path);
	/* The end waits for what is under way. */
	assert_true(state_writer_start(w, strdup("third"), 5));
	state_writer_free(w);
	holds(path, "third");
	state_writer_free(NULL);
}

/* ---- when ---- */

static void due(void **state)
{
	struct state_pace p;

	(void)state;
	state_pace_init(&p);
	assert_true(state_pace_due_ms(&p) == DEADLINE_NEVER);
	state_pace_changed(&p, 5000);
	state_pace_changed(&p, 5900);
	assert_int_equal(state_pace_due_ms(&p), 6000); /* after the first, not after the last */
	state_pace_refreshed(&p, 5000, 10);
	assert_int_equal(state_pace_due_ms(&p), 6000);
	state_pace_begun(&p);
	assert_true(state_pace_due_ms(&p) == DEADLINE_NEVER);
	/* A refresh waits for a tenth of the holding time, from 1 to 30 s. */
	state_pace_refreshed(&p, 10000, 65535);
	assert_int_equal(state_pace_due_ms(&p), 40000);
	state_pace_refreshed(&p, 10000, 60);
	assert_int_equal(state_pace_due_ms(&p), 16000);
	state_pace_refreshed(&p, 10000, 1);
	assert_int_equal(state_pace_due_ms(&p), 11000);
	state_pace_begun(&p);
	/* 150 ms of work: not again for 3 s. */
	state_pace_took(&p, 20000, 150000);
	state_pace_changed(&p, 20000);
	assert_int_equal(state_pace_due_ms(&p), 23000);
	state_pace_begun(&p);
	assert_true(state_pace_due_ms(&p) == DEADLINE_NEVER);
	state_pace_failed(&p, 30000);
	state_pace_changed(&p, 30000);
	assert_int_equal(state_pace_due_ms(&p), 40000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_whole), cmocka_unit_test(says_why_not),
		cmocka_unit_test(keeps_aside),  cmocka_unit_test(thread_writes),
		cmocka_unit_test(due),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
