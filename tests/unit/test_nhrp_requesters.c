/* SPDX-License-Identifier: Apache-2.0 */
/* The table of those who were told something: repeats, ends, bounds, look-ups that do not scan. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "control/deadline.h"
#include "control/nhrp/nhrp_requesters.h"

static struct dp_addr addr(const char *text)
{
	struct dp_addr a;

	assert_int_equal(dp_addr_parse(&a, text), 0);
	return a;
}

static struct nhrp_requester row(const char *target, const char *binding, const char *who)
{
	struct nhrp_requester r = {.requester_protocol = addr(who),
				   .requester_nbma = addr("192.0.2.1"),
				   .request_id = 7,
				   .holding_s = 60};

	assert_int_equal(dp_prefix_parse(&r.target, target), 0);
	if (binding)
		r.binding = addr(binding);
	return r;
}

static unsigned used(const struct nhrp_requesters *t)
{
	struct nhrp_requesters_info info;

	nhrp_requesters_info_get(t, &info);
	return info.used;
}

/* The same requester and target is one entry, whatever else it says now. */
static void test_repeat(void **state)
{
	struct nhrp_requesters *t = nhrp_requesters_new(8);
	const struct dp_addr a = addr("10.0.0.2"), b = addr("10.0.0.3");
	struct nhrp_requester r = row("10.9.0.77/24", "10.0.0.2", "10.0.0.1"), got[2];

	(void)state;
	assert_int_equal(nhrp_requesters_note(t, &r, 0), 0);
	assert_true(nhrp_requesters_has(t, 0, &a));
	assert_false(nhrp_requesters_has(t, 1, &a));
	r = row("10.9.0.5/24", "10.0.0.3", "10.0.0.1");
	r.request_id = 8;
	assert_int_equal(nhrp_requesters_note(t, &r, 10000), 0);
	assert_int_equal(used(t), 1);
	assert_false(nhrp_requesters_has(t, 0, &a));
	assert_int_equal(nhrp_requesters_list(t, 0, &b, got, 2), 1);
	assert_int_equal(got[0].request_id, 8);
	assert_int_equal(nhrp_requesters_next_ms(t), 70000);
	/* Another tunnel, target length or requester is another entry. */
	r.tunnel = 1;
	nhrp_requesters_note(t, &r, 0);
	r.tunnel = 0;
	r.target.len = 25;
	nhrp_requesters_note(t, &r, 0);
	r.requester_tunnel = 1;
	nhrp_requesters_note(t, &r, 0);
	assert_int_equal(used(t), 4);
	assert_int_equal(nhrp_requesters_list(t, 0, &b, got, 2), 3);
	nhrp_requesters_free(t);
}

static void test_ends(void **state)
{
	static const struct {
		uint16_t holding_s;
		uint64_t end_ms;
	} rows[] = {{1, 1000},       {7199, 7199000},  {7200, 7200000},
		    {7201, 7200000}, {65535, 7200000}, {0, 7200000}};
	struct nhrp_requesters *t = nhrp_requesters_new(8);
	struct nhrp_requester r = row("10.0.0.2/32", NULL, "10.0.0.1");

	(void)state;
	assert_int_equal(nhrp_requesters_next_ms(t), DEADLINE_NEVER);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.holding_s = rows[i].holding_s;
		nhrp_requesters_note(t, &r, 0);
		assert_int_equal(nhrp_requesters_next_ms(t), rows[i].end_ms);
	}
	assert_int_equal(nhrp_requesters_tick(t, 7199999, 64), 0);
	assert_int_equal(nhrp_requesters_tick(t, 7200000, 64), 1);
	assert_int_equal(used(t), 0);
	assert_int_equal(nhrp_requesters_next_ms(t), DEADLINE_NEVER);
	nhrp_requesters_free(t);
}

static void test_full(void **state)
{
	struct nhrp_requesters *t = nhrp_requesters_new(4);
	struct nhrp_requester r = row("10.0.0.2/32", NULL, "10.0.0.1");
	struct nhrp_requesters_info info;
	const struct dp_addr a = addr("10.0.0.2");

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		r.requester_protocol.bytes[3] = (uint8_t)(10 + i);
		assert_int_equal(nhrp_requesters_note(t, &r, i), 0);
	}
	r.requester_protocol.bytes[3] = 99;
	assert_int_equal(nhrp_requesters_note(t, &r, 5), -ENOSPC);
	nhrp_requesters_info_get(t, &info);
	assert_int_equal(info.full, 1);
	r.requester_protocol.bytes[3] = 10;
	assert_int_equal(nhrp_requesters_note(t, &r, 6), 0); /* a repeat needs no room */
	assert_int_equal(nhrp_requesters_tick(t, 70000, 3), 3);
	assert_int_equal(used(t), 1);
	r.requester_protocol.bytes[3] = 99;
	assert_int_equal(nhrp_requesters_note(t, &r, 70000), 0);
	assert_true(nhrp_requesters_take(t, 0, &a, &r));
	assert_true(nhrp_requesters_take(t, 0, &a, &r));
	assert_false(nhrp_requesters_take(t, 0, &a, &r));
	assert_int_equal(used(t), 0);
	nhrp_requesters_free(t);
}

/* One tunnel's, wherever they are. */
static void test_take_next(void **state)
{
	struct nhrp_requesters *t = nhrp_requesters_new(8);
	struct nhrp_requester r = row("10.0.0.2/32", NULL, "10.0.0.1");
	uint32_t cursor = 0;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		r.requester_protocol.bytes[3] = (uint8_t)(10 + i);
		r.requester_tunnel = i % 2;
		nhrp_requesters_note(t, &r, 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_true(nhrp_requesters_take_next(t, 1, &cursor, &r));
		assert_int_equal(r.requester_protocol.bytes[3], 11 + 2 * i);
	}
	assert_false(nhrp_requesters_take_next(t, 1, &cursor, &r));
	assert_int_equal(used(t), 3);
	nhrp_requesters_free(t);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A repeat costs about the same among 1,000 and among 100,000, also when all want the same. */
static uint64_t repeat_ns(uint32_t count, bool one_target)
{
	struct nhrp_requesters *t = nhrp_requesters_new(count);
	struct nhrp_requester r = row("10.0.0.2/32", NULL, "10.0.0.1");
	uint64_t start, ns;

	for (uint32_t i = 0; i < count; i++) {
		r.requester_protocol.ip4_be = htonl(0x0a100000 + i);
		if (!one_target)
			r.target.addr.ip4_be = htonl(0x0b000000 + i);
		assert_int_equal(nhrp_requesters_note(t, &r, 0), 0);
	}
	start = now_ns();
	for (uint32_t i = 0; i < 1000; i++) {
		r.requester_protocol.ip4_be = htonl(0x0a100000 + i * (count / 1000));
		if (!one_target)
			r.target.addr.ip4_be = htonl(0x0b000000 + i * (count / 1000));
		assert_int_equal(nhrp_requesters_note(t, &r, 1), 0);
	}
	ns = (now_ns() - start) / 1000;
	assert_int_equal(used(t), count);
	nhrp_requesters_free(t);
	return ns;
}

static void test_scale(void **state)
{
	static const uint32_t counts[] = {1000, 10000, 100000};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (int one = 0; one < 2; one++) {
			uint64_t ns = repeat_ns(counts[i], one);

			print_message("%u %s: %llu ns\n", counts[i], one ? "of one" : "of many",
				      (unsigned long long)ns);
			/* A scan of 100,000 takes hundreds of microseconds. */
			assert_true(ns < 50000);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeat), cmocka_unit_test(test_ends),
		cmocka_unit_test(test_full),   cmocka_unit_test(test_take_next),
		cmocka_unit_test(test_scale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
