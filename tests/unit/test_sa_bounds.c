/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds on disk: what was told is there again, whatever ended the process, and a damaged file is
 * refused. Files in a directory of the test's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/sa/sa_bounds.h"

#define MAX    64
#define HEADER 56
#define RECORD 32

static char dir[] = "/tmp/sa-bounds-XXXXXX";
static char path[64];

static int dir_make(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/bounds", dir);
	return 0;
}

static int dir_remove(void **state)
{
	char other[80];

	(void)state;
	unlink(path);
	snprintf(other, sizeof(other), "%s.lock", path);
	unlink(other);
	return rmdir(dir);
}

static int file_remove(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static struct sa_bounds *open_ok(void)
{
	char error[256] = "";
	struct sa_bounds *b = NULL;
	int rc = sa_bounds_open(path, MAX, &b, error);

	if (rc < 0)
		fail_msg("%d: %s", rc, error);
	return b;
}

static const uint8_t *print_of(unsigned n)
{
	static uint8_t print[SA_BOUNDS_PRINT_BYTES];

	memset(print, 0, sizeof(print));
	memcpy(print, &n, sizeof(n));
	return print;
}

static void test_comes_back(void **state)
{
	struct sa_bounds *b = open_ok();
	uint8_t salt[SA_BOUNDS_SALT_BYTES];
	struct stat st;

	(void)state;
	memcpy(salt, sa_bounds_salt(b), sizeof(salt));
	assert_int_equal(sa_bounds_get(b, print_of(1)), 0);
	assert_int_equal(sa_bounds_put(b, print_of(1), 1000), 0);
	assert_int_equal(sa_bounds_put(b, print_of(2), 5), 0);
	assert_int_equal(sa_bounds_put(b, print_of(1), 3000), 0);
	assert_int_equal(sa_bounds_put(b, print_of(1), 2000), 0); /* never falls */
	sa_bounds_close(b);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	b = open_ok();
	assert_memory_equal(salt, sa_bounds_salt(b), sizeof(salt));
	assert_int_equal(sa_bounds_get(b, print_of(1)), 3000);
	assert_int_equal(sa_bounds_get(b, print_of(2)), 5);
	assert_int_equal(sa_bounds_get(b, print_of(3)), 0);
	sa_bounds_close(b);
}

/* Two processes would both believe they know. */
static void test_one_process(void **state)
{
	struct sa_bounds *b = open_ok(), *other;
	char error[256];

	(void)state;
	assert_int_equal(sa_bounds_open(path, MAX, &other, error), -EWOULDBLOCK);
	assert_non_null(strstr(error, "another process has it"));
	sa_bounds_close(b);
	sa_bounds_close(open_ok());
}

/* Far more records than keys: the file does not grow without end, and nothing is lost. */
static void test_written_anew(void **state)
{
	struct sa_bounds *b = open_ok();
	struct stat st;

	(void)state;
	for (unsigned i = 1; i <= 600; i++)
		assert_int_equal(sa_bounds_put(b, print_of(i % 7), i), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= HEADER + RECORD * (MAX * 4 + 8));
	sa_bounds_close(b);
	b = open_ok();
	for (unsigned i = 594; i <= 600; i++)
		assert_int_equal(sa_bounds_get(b, print_of(i % 7)), i);
	sa_bounds_close(b);
}

/* Keys that somebody has stay; of the others the oldest go. */
static void test_full(void **state)
{
	struct sa_bounds *b = open_ok();
	struct sa_bounds_info info;

	(void)state;
	for (unsigned i = 0; i < MAX; i++)
		assert_int_equal(sa_bounds_put(b, print_of(i), 10 + i), 0);
	assert_int_equal(sa_bounds_put(b, print_of(MAX), 1), -ENOSPC);
	sa_bounds_release(b, print_of(5));
	sa_bounds_release(b, print_of(3));
	assert_int_equal(sa_bounds_put(b, print_of(MAX), 1), 0);
	assert_int_equal(sa_bounds_get(b, print_of(5)), 0);
	assert_int_equal(sa_bounds_get(b, print_of(3)), 13);
	/* It has come again. */
	assert_int_equal(sa_bounds_put(b, print_of(3), 14), 0);
	assert_int_equal(sa_bounds_put(b, print_of(MAX + 1), 1), -ENOSPC);
	sa_bounds_info_get(b, &info);
	assert_int_equal(info.forgotten, 1);
	assert_int_equal(info.keys, MAX);
	sa_bounds_close(b);
}

static void file_cut(off_t size)
{
	assert_int_equal(truncate(path, size), 0);
}

static void file_flip(off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Three records behind the header. */
static const struct damage {
	off_t cut, flip;   /* -1: not */
	const char *error; /* NULL: the last record is lost, no more */
} damages[] = {
	{HEADER + 2 * RECORD + 31, -1, NULL},
	{HEADER + 2 * RECORD + 1, -1, NULL},
	{-1, HEADER + 2 * RECORD + 17, NULL},
	{-1, HEADER + RECORD + 3, "record at byte 88 is damaged"},
	{-1, HEADER + 20, "record at byte 56 is damaged"},
	{HEADER - 1, -1, "not a file of sequence number bounds"},
	{0, -1, "not a file of sequence number bounds"},
	{-1, 0, "not a file of sequence number bounds"},
	{-1, 8, "written by another version"},
	{-1, 30, "header is damaged"},
};

static void test_damage(void **state)
{
	struct sa_bounds *b;
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct damage *d = &damages[i];

		unlink(path);
		b = open_ok();
		for (unsigned n = 1; n <= 3; n++)
			assert_int_equal(sa_bounds_put(b, print_of(n), n * 100), 0);
		sa_bounds_close(b);
		if (d->cut >= 0)
			file_cut(d->cut);
		if (d->flip >= 0)
			file_flip(d->flip);
		if (d->error != NULL) {
			assert_int_equal(sa_bounds_open(path, MAX, &b, error), -EBADMSG);
			assert_non_null(strstr(error, d->error));
			assert_non_null(strstr(error, path));
			continue;
		}
		b = open_ok();
		assert_int_equal(sa_bounds_get(b, print_of(2)), 200);
		assert_int_equal(sa_bounds_get(b, print_of(3)), 0);
		sa_bounds_close(b);
	}
}

/* The disk is full: the number may not be used, and is once there is room again. */
static void test_no_room_on_disk(void **state)
{
	struct sa_bounds *b = open_ok();
	struct rlimit old, limit;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(sa_bounds_put(b, print_of(1), 100), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){.rlim_cur = HEADER + RECORD + 7, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(sa_bounds_put(b, print_of(2), 200), -EFBIG);
	assert_int_equal(sa_bounds_put(b, print_of(2), 200), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(sa_bounds_put(b, print_of(2), 200), 0);
	sa_bounds_close(b);
	b = open_ok();
	assert_int_equal(sa_bounds_get(b, print_of(1)), 100);
	assert_int_equal(sa_bounds_get(b, print_of(2)), 200);
	sa_bounds_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_comes_back, file_remove),
		cmocka_unit_test_setup(test_one_process, file_remove),
		cmocka_unit_test_setup(test_written_anew, file_remove),
		cmocka_unit_test_setup(test_full, file_remove),
		cmocka_unit_test_setup(test_damage, file_remove),
		cmocka_unit_test_setup(test_no_room_on_disk, file_remove),
	};

	return cmocka_run_group_tests(tests, dir_make, dir_remove);
}
