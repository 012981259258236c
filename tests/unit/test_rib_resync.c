/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RIB when messages were lost, when there is no room, and when the dataplane refuses.
 */
#include "rib_fixture.h"

#include <errno.h>
#include <stdio.h>

#include "control/events.h"

#define NET "10.9.0.0/16"

/* ---- resync ---- */

static const char *const dumped[] = {
	"0.0.0.0/0 via 192.0.2.254 dev 10 metric 10",
	"10.1.0.0/16 via 10.255.0.11 dev 20 metric 20 proto 11",
	"10.1.0.0/16 via 10.255.0.12 dev 20 metric 30 proto 11",
	"10.2.0.0/16 via 192.0.2.1 dev 10 weight 1 via 192.0.2.2 dev 10 weight 2",
	"10.3.0.0/16 via 192.0.2.3 dev 10",
	"10.3.0.0/16 via 192.0.2.4 dev 10",
	"10.255.0.11/32 dev 20 metric 10 proto 233",
	"198.51.100.0/24 dev 99",
};
#define DUMPED (sizeof(dumped) / sizeof(dumped[0]))

static void dump_of(const char *const *routes, size_t count)
{
	rib_dump(rib, NET_ROUTE, false);
	for (size_t i = 0; i < count; i++)
		told_dump(routes[i]);
	rib_dump(rib, NET_ROUTE, true);
	settle();
}

static void test_resync_touches_nothing(void **state)
{
	(void)state;
	dump_of(dumped, DUMPED);
	assert_int_equal(fib_rows(), 4);
	assert_string_equal(in_fib("10.3.0.0/16"), "gateway port 0 192.0.2.3");
	assert_int_equal(fib_calls(), 4);
	fib.changed = 0;
	for (unsigned i = 0; i < 3; i++)
		dump_of(dumped, DUMPED);
	assert_int_equal(fib_calls(), 0);
	assert_int_equal(fib.changed, 0);
	assert_int_equal(info().entries, DUMPED);
	assert_int_equal(info().resyncs, 4);
	assert_int_equal(info().swept, 0);
}

/* What was lost meanwhile: one came, one went, one is another, one was the worse one. */
static void test_resync_by_difference(void **state)
{
	const char *later[] = {
		"0.0.0.0/0 via 192.0.2.253 dev 10 metric 10",
		"10.1.0.0/16 via 10.255.0.12 dev 20 metric 30 proto 11",
		"10.2.0.0/16 via 192.0.2.1 dev 10 weight 1 via 192.0.2.2 dev 10 weight 2",
		"10.3.0.0/16 via 192.0.2.3 dev 10",
		"10.4.0.0/16 via 192.0.2.3 dev 10",
		"10.255.0.11/32 dev 20 metric 10 proto 233",
		"198.51.100.0/24 dev 99",
	};

	(void)state;
	dump_of(dumped, DUMPED);
	fib_calls();
	dump_of(later, 7);
	assert_string_equal(in_fib("0.0.0.0/0"), "gateway port 0 192.0.2.253");
	assert_string_equal(in_fib("10.1.0.0/16"), "gateway tunnel 5 10.255.0.12");
	assert_string_equal(in_fib("10.3.0.0/16"), "gateway port 0 192.0.2.3");
	assert_string_equal(in_fib("10.4.0.0/16"), "gateway port 0 192.0.2.3");
	assert_int_equal(fib.dels, 0);
	assert_int_equal(fib_calls(), 3);
	assert_int_equal(info().swept, 3);
	assert_int_equal(info().entries, 7);
	dump_of(NULL, 0);
	assert_int_equal(fib_rows(), 0);
	assert_int_equal(info().entries, 0);
}

/* The kernel's order of one metric changed while nobody listened. */
static void test_resync_takes_the_order(void **state)
{
	const char *turned[] = {"10.3.0.0/16 via 192.0.2.4 dev 10",
				"10.3.0.0/16 via 192.0.2.3 dev 10"};

	(void)state;
	dump_of(dumped, DUMPED);
	dump_of(turned, 2);
	assert_string_equal(in_fib("10.3.0.0/16"), "gateway port 0 192.0.2.4");
}

/* A dump that is void sweeps nothing; events in the middle of one are the truth as well. */
static void test_resync_begun_anew(void **state)
{
	(void)state;
	dump_of(dumped, DUMPED);
	fib_calls();
	rib_dump(rib, NET_ROUTE, false);
	told_dump(dumped[0]);
	rib_dump(rib, NET_ROUTE, false);
	told_dump(dumped[3]);
	told("10.5.0.0/16 via 192.0.2.5 dev 10");
	gone(dumped[0]);
	rib_dump(rib, NET_ROUTE, true);
	rib_dump(rib, NET_ROUTE, false); /* before the sweep began */
	settle();
	assert_int_equal(info().swept, 0);
	rib_dump(rib, NET_ROUTE, false);
	told_dump(dumped[3]);
	told("10.6.0.0/16 via 192.0.2.5 dev 10");
	rib_dump(rib, NET_ROUTE, true);
	settle();
	assert_int_equal(fib_rows(), 2);
	assert_string_not_equal(in_fib("10.2.0.0/16"), "-");
	assert_string_not_equal(in_fib("10.6.0.0/16"), "-");
}

/* ---- no room, no luck ---- */

static void test_dataplane_refuses(void **state)
{
	struct rib_refused row;
	uint32_t cursor = 0;

	(void)state;
	told(NET " via 192.0.2.1 dev 10");
	fib.set_rc = -ENOSPC;
	told_replace(NET " via 192.0.2.2 dev 10");
	/* Rather nothing than what is not true any more. */
	assert_string_equal(in_fib(NET), "-");
	assert_int_equal(info().failed, 1);
	assert_int_equal(event_count(EVENT_ROUTE_REFUSED), 1);
	assert_int_equal(rib_refused_list(rib, &cursor, &row, 1), 1);
	assert_int_equal(row.refusal, RIB_FAILED);
	rib_tick(rib);
	settle();
	assert_int_equal(event_count(EVENT_ROUTE_REFUSED), 1); /* told once */
	fib.set_rc = 0;
	rib_tick(rib);
	settle();
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.2");
	assert_int_equal(info().failed, 0);
}

static void test_dataplane_keeps(void **state)
{
	(void)state;
	told(NET " via 192.0.2.1 dev 10");
	fib.del_rc = -EAGAIN;
	gone(NET " via 192.0.2.1 dev 10");
	assert_string_not_equal(in_fib(NET), "-");
	assert_int_equal(info().failed, 1);
	/* It comes again meanwhile: it is in use, and the dead one leaves without a call. */
	told(NET " via 192.0.2.1 dev 10");
	fib.del_rc = 0;
	fib_calls();
	rib_tick(rib);
	settle();
	assert_int_equal(fib_calls(), 0);
	assert_int_equal(info().entries, 1);
	assert_int_equal(info().failed, 0);
	fib.del_rc = -EAGAIN;
	gone(NET " via 192.0.2.1 dev 10");
	fib.del_rc = 0;
	rib_tick(rib);
	settle();
	assert_string_equal(in_fib(NET), "-");
	assert_int_equal(info().entries, 0);
	assert_int_equal(info().failed, 0);
}

/* Many that the dataplane refuses: so many tries per second, and each gets its turn. */
static void test_retries_are_bounded(void **state)
{
	char text[64];

	(void)state;
	fib.max = 10;
	for (unsigned i = 0; i < 900; i++) {
		snprintf(text, sizeof(text), "10.%u.%u.0/24 via 192.0.2.1 dev 10", i / 250,
			 i % 250);
		told(text);
	}
	assert_int_equal(info().failed, 890);
	assert_true(event_count(EVENT_ROUTE_REFUSED) < 20);
	fib.max = 0;
	for (unsigned i = 0; i < 2; i++) {
		rib_tick(rib);
		settle();
	}
	assert_int_equal(info().failed, 0);
	assert_int_equal(fib_rows(), 900);
}

static void test_full(void **state)
{
	char text[64];

	(void)state;
	rib_setup_sized(100, 64);
	for (unsigned i = 0; i < 120; i++) {
		snprintf(text, sizeof(text), "10.1.%u.0/24 via 192.0.2.1 dev 10", i);
		told(text);
	}
	assert_int_equal(info().entries, 100);
	assert_int_equal(info().full, 20);
	assert_int_equal(event_count(EVENT_TABLE_FULL), 1);
	rib_tick(rib);
	assert_int_equal(fib.redumps, 0);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "10.1.%u.0/24 via 192.0.2.1 dev 10", i);
		gone(text);
	}
	rib_tick(rib);
	assert_int_equal(fib.redumps, 1);
	rib_tick(rib);
	assert_int_equal(fib.redumps, 1);
}

static void test_vias_full(void **state)
{
	char text[64];

	(void)state;
	rib_setup_sized(100, 8);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "10.1.%u.0/24 via 192.0.2.%u dev 10", i, i + 1);
		told(text);
	}
	assert_int_equal(info().entries, 8);
	assert_int_equal(info().full, 2);
	for (unsigned i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "10.1.%u.0/24 via 192.0.2.%u dev 10", i, i + 1);
		gone(text);
	}
	told("10.1.0.0/24 via 192.0.2.100 dev 10");
	assert_int_equal(info().entries, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rib_setup, rib_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resync_touches_nothing),
		TEST(test_resync_by_difference),
		TEST(test_resync_takes_the_order),
		TEST(test_resync_begun_anew),
		TEST(test_dataplane_refuses),
		TEST(test_dataplane_keeps),
		TEST(test_retries_are_bounded),
		TEST(test_full),
		TEST(test_vias_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
