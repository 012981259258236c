/* SPDX-License-Identifier: Apache-2.0 */
/* The preload library's table of SAs: its limit, what it wipes, and where its pages do not go. */
#include "control/ike/preload/xfrm_kept.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const uint8_t key[32] = {"a key that must not be anywhere"};

static struct kept *sa_new(uint32_t spi)
{
	const xfrm_address_t daddr = {.a4 = htonl(0xc0000201)};
	struct kept *k = kept_new(key, sizeof(key), 0);

	if (k)
		k->key = kept_key_of(&daddr, htonl(spi), AF_INET, IPPROTO_ESP);
	return k;
}

static void test_wipe(void **state)
{
	struct kept *k = sa_new(1);
	struct kept_key name;

	(void)state;
	assert_non_null(k);
	name = k->key;
	assert_int_equal(kept_put(k, false, 0), 0);
	assert_ptr_equal(kept_find(&name), k);
	assert_memory_equal(k->msg, key, sizeof(key));
	kept_remove(&name);
	assert_null(kept_find(&name));
	/* A slot is never given back to the system: it may be read. */
	for (size_t i = offsetof(struct kept, key); i < sizeof(*k); i++)
		assert_int_equal(((const uint8_t *)k)[i], 0);
}

static void test_pages(void **state)
{
	const void *k = sa_new(1);
	char line[512];
	bool here = false, seen = false;
	FILE *f = fopen("/proc/self/smaps", "r");

	(void)state;
	assert_non_null(k);
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long from, to;

		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (unsigned long)k >= from && (unsigned long)k < to;
		if (!here || strncmp(line, "VmFlags:", 8) != 0)
			continue;
#ifndef __SANITIZE_ADDRESS__                          /* its mlock does nothing */
		assert_non_null(strstr(line, " lo")); /* locked */
#endif
		assert_non_null(strstr(line, " dd")); /* not dumped */
		assert_non_null(strstr(line, " wf")); /* wiped on fork */
		seen = true;
	}
	fclose(f);
	assert_true(seen);
}

static void test_full(void **state)
{
	uint32_t spi, cursor = 0, n = 0;
	struct kept *k = NULL;

	(void)state;
	kept_flush(0);
	for (spi = 1; spi <= KEPT_MAX_SAS; spi++) {
		k = sa_new(spi);
		if (!k && errno == ENOMEM)
			skip(); /* RLIMIT_MEMLOCK */
		assert_non_null(k);
		assert_int_equal(kept_put(k, false, 0), 0);
	}
	k = sa_new(spi);
	assert_non_null(k); /* in flight, there is room */
	assert_int_equal(kept_put(k, false, 0), -ENOSPC);
	while (kept_next(&cursor, 0))
		n++;
	assert_int_equal(n, KEPT_MAX_SAS);

	/* In place of another, there is. */
	assert_int_equal(kept_put(sa_new(7), true, 0), 0);
	kept_flush(IPPROTO_AH);
	cursor = 0;
	assert_non_null(kept_next(&cursor, 0));
	kept_flush(255);
	cursor = 0;
	assert_null(kept_next(&cursor, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
