/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash table of the dataplane: more keys than its front has room for, so that every test meets
 * keys that stand in the front and keys that do not; both ways of asking must say the same.
 */
#include "stage.h"

#include "dataplane/table.h"

#define ROOM 16 /* as announced: 8 buckets of 4 */
#define KEYS 48 /* rte_hash takes 64 at least: a third of these find no room in the front */

static struct table *table;

static struct table_key key_of(uint32_t i)
{
	return table_key_ip4(htonl(0x0a000000 + i), (uint16_t)(i % 3), (uint16_t)(4500 * (i % 2)),
			     i / 7);
}

static uint32_t get4(const struct table_key *k)
{
	struct table_key4 key = table_key4(k->addr.ip4_be, k->a, k->b, k->c);

	return table_get4(table, table_bucket(table, key), key);
}

static bool in_front(const struct table_key *k)
{
	struct table_key4 key = table_key4(k->addr.ip4_be, k->a, k->b, k->c);

	return table_bucket_get(table_bucket(table, key), key) != 0;
}

static void key_is(uint32_t i, uint32_t value)
{
	struct table_key key = key_of(i);

	assert_int_equal(table_get(table, &key), value);
	assert_int_equal(get4(&key), value);
}

static int setup(void **state)
{
	(void)state;
	table = table_create("test", ROOM);
	assert_non_null(table);
	for (uint32_t i = 0; i < KEYS; i++) {
		struct table_key key = key_of(i);

		assert_int_equal(table_set(table, &key, 100 + i), 0);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	table_free(table);
	return 0;
}

static void test_both_places(void **state)
{
	uint32_t front = 0;

	(void)state;
	for (uint32_t i = 0; i < KEYS; i++) {
		struct table_key key = key_of(i);

		key_is(i, 100 + i);
		front += in_front(&key);
	}
	assert_true(front > 0 && front <= 32);
	key_is(KEYS, 0);
}

static void test_replace(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < KEYS; i++) {
		struct table_key key = key_of(i);

		assert_int_equal(table_set(table, &key, 1000 + i), 0);
		key_is(i, 1000 + i);
	}
}

static void test_delete(void **state)
{
	struct table_key waiting, gone = {0};

	(void)state;
	for (uint32_t i = 0; i < KEYS; i += 2) {
		gone = key_of(i);
		assert_int_equal(table_del(table, &gone), 0);
		assert_int_equal(table_del(table, &gone), -ENOENT);
		key_is(i, 0);
	}
	for (uint32_t i = 0; i < KEYS; i++)
		key_is(i, i % 2 ? 100 + i : 0);
	for (uint32_t i = 1; i < KEYS; i += 2) {
		waiting = key_of(i);
		assert_int_equal(table_set(table, &waiting, 200 + i), 0);
		key_is(i, 200 + i);
	}
}

/* Keys that differ in one part only; IPv6 never stands in the front, whatever its words are. */
static void test_other_keys(void **state)
{
	struct table_key key = key_of(5), other = key;

	(void)state;
	other.a ^= 1;
	assert_int_equal(table_get(table, &other), 0);
	other = key;
	other.b ^= 1;
	assert_int_equal(table_get(table, &other), 0);
	other = key;
	other.c ^= 1;
	assert_int_equal(table_get(table, &other), 0);
	other = key;
	other.addr.family = AF_INET6;
	assert_int_equal(table_get(table, &other), 0);
	assert_int_equal(table_set(table, &other, 7), 0);
	assert_int_equal(table_get(table, &other), 7);
	key_is(5, 105);
	assert_int_equal(table_del(table, &other), 0);
	key_is(5, 105);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_both_places, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_keys, setup, teardown),
	};

	return cmocka_run_group_tests_name("table", tests, stage_setup, stage_teardown);
}
