/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where outer packets go, and the guard against recursive routing.
 */
#include "rib_fixture.h"

#include <errno.h>
#include <stdio.h>

#include "control/events.h"

/* "port 0 192.0.2.9" or the error. */
static const char *underlay(const char *to)
{
	static const char *const kinds[] = {"none", "port", "tunnel"};
	static char text[64];
	struct dp_addr addr, next;
	struct dp_iface iface;
	char next_text[DP_ADDR_STRLEN];
	int rc;

	assert_int_equal(dp_addr_parse(&addr, to), 0);
	rc = rib_underlay(rib, &addr, &iface, &next);
	if (rc == -ENETUNREACH)
		return "unreachable";
	if (rc == -ELOOP)
		return "loop";
	assert_int_equal(rc, 0);
	snprintf(text, sizeof(text), "%s %u %s", kinds[iface.kind], iface.id,
		 dp_addr_format(&next, next_text));
	return text;
}

static void guard_round(const char *const *peers)
{
	rib_guard_begin(rib);
	for (; *peers; peers++)
		underlay(*peers);
	rib_guard_end(rib);
	settle();
}

static void test_underlay(void **state)
{
	struct dp_prefix own;

	(void)state;
	assert_string_equal(underlay("203.0.113.9"), "unreachable");
	told("0.0.0.0/0 via 192.0.2.254 dev 10");
	told("192.0.2.0/24 dev 10");
	told("203.0.113.0/24 via 10.1.1.9 dev 11");
	told("203.0.113.128/25 type 7");
	told("10.255.0.0/24 dev 20");
	dp_prefix_parse(&own, "192.0.2.1/24");
	rib_addr_told(rib, NET_CHANGE_NEW, &own, WAN);
	assert_string_equal(underlay("198.51.100.1"), "port 0 192.0.2.254");
	assert_string_equal(underlay("192.0.2.77"), "port 0 192.0.2.77");
	assert_string_equal(underlay("203.0.113.9"), "port 1 10.1.1.9");
	assert_string_equal(underlay("203.0.113.200"), "unreachable");
	assert_string_equal(underlay("192.0.2.1"), "unreachable");
	assert_string_equal(underlay("10.255.0.9"), "loop");
	told("172.16.0.0/12 via 192.0.2.2 dev 10 via 10.1.1.3 dev 11");
	assert_string_equal(underlay("172.16.0.2"), "port 0 192.0.2.2");
	assert_string_equal(underlay("172.16.0.3"), "port 1 10.1.1.3");
	/* The best of a prefix that is in use, not the first. */
	told("198.51.100.0/24 via 198.18.0.1 dev 99");
	told("198.51.100.0/24 via 192.0.2.3 dev 10 metric 5");
	assert_string_equal(underlay("198.51.100.1"), "port 0 192.0.2.3");
	assert_int_equal(info().recursive, 0);
}

/* BGP over the tunnel brings the underlay's own prefix: it is not used, and comes back when the
 * underlay has something better. */
static void test_recursive(void **state)
{
	static const char *const peers[] = {"203.0.113.9", "192.0.2.77", NULL};
	struct rib_refused rows[4];
	uint32_t cursor = 0;

	(void)state;
	told("0.0.0.0/0 via 192.0.2.254 dev 10 metric 10");
	told("192.0.2.0/24 dev 10");
	told("203.0.113.0/24 via 10.255.0.9 dev 20 metric 20");
	assert_string_equal(in_fib("203.0.113.0/24"), "gateway tunnel 5 10.255.0.9");
	assert_string_equal(underlay("203.0.113.9"), "port 0 192.0.2.254");
	assert_string_equal(in_fib("203.0.113.0/24"), "-");
	assert_int_equal(event_count(EVENT_ROUTE_REFUSED), 1);
	assert_int_equal(info().recursive, 1);
	assert_int_equal(rib_refused_list(rib, &cursor, rows, 4), 1);
	assert_int_equal(rows[0].refusal, RIB_RECURSIVE);
	assert_int_equal(rows[0].metric, 20);
	assert_int_equal(rows[0].route.type, DP_ROUTE_GATEWAY);
	assert_int_equal(rib_refused_list(rib, &cursor, rows, 4), 0);
	fib_calls();
	guard_round(peers);
	guard_round(peers);
	assert_int_equal(fib_calls(), 0); /* it does not flap */
	assert_int_equal(event_count(EVENT_ROUTE_REFUSED), 1);
	told("203.0.113.8/30 via 192.0.2.253 dev 10");
	guard_round(peers);
	assert_string_equal(in_fib("203.0.113.0/24"), "gateway tunnel 5 10.255.0.9");
	assert_int_equal(info().recursive, 0);
	gone("203.0.113.8/30 via 192.0.2.253 dev 10");
	guard_round(peers);
	assert_string_equal(in_fib("203.0.113.0/24"), "-");
	/* The peer leaves. */
	guard_round(peers + 1);
	assert_string_equal(in_fib("203.0.113.0/24"), "gateway tunnel 5 10.255.0.9");
	assert_string_equal(in_fib("0.0.0.0/0"), "gateway port 0 192.0.2.254");
}

/* A default route over the tunnel with the better metric; also as one of several ways. */
static void test_recursive_next_metric(void **state)
{
	static const char *const peers[] = {"203.0.113.9", NULL};

	(void)state;
	told("0.0.0.0/0 via 192.0.2.254 dev 10 metric 20");
	told("0.0.0.0/0 via 10.255.0.9 dev 20 metric 5");
	assert_string_equal(in_fib("0.0.0.0/0"), "gateway tunnel 5 10.255.0.9");
	guard_round(peers);
	assert_string_equal(in_fib("0.0.0.0/0"), "gateway port 0 192.0.2.254");
	assert_string_equal(underlay("203.0.113.9"), "port 0 192.0.2.254");
	told_replace("0.0.0.0/0 via 10.255.0.8 dev 21 via 192.0.2.9 dev 10 metric 5");
	guard_round(peers);
	assert_string_equal(in_fib("0.0.0.0/0"), "gateway port 0 192.0.2.254");
	assert_int_equal(info().recursive, 1);
	/* Nothing else: then there is no way, for the peers neither. */
	gone("0.0.0.0/0 via 192.0.2.254 dev 10 metric 20");
	assert_string_equal(underlay("203.0.113.9"), "loop");
	assert_string_equal(in_fib("0.0.0.0/0"), "-");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rib_setup, rib_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_underlay),
		TEST(test_recursive),
		TEST(test_recursive_next_metric),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
