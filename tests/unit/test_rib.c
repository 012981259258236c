/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RIB over a fake FIB: which route of a prefix is used, and that the dataplane is called only
 * for what changed.
 */
#include "rib_fixture.h"

#define NET "10.9.0.0/16"

static void test_types(void **state)
{
	(void)state;
	told("10.1.0.0/16 via 192.0.2.9 dev 10");
	told("10.2.0.0/16 dev 11");
	told("10.3.0.0/16 via 10.255.0.9 dev 20");
	told("10.4.0.0/16 type 6");
	told("10.5.0.0/16 type 7");
	told("10.6.0.0/16 type 8");
	told("10.7.0.0/16 dev 20");
	assert_string_equal(in_fib("10.1.0.0/16"), "gateway port 0 192.0.2.9");
	assert_string_equal(in_fib("10.2.0.0/16"), "connected port 1");
	assert_string_equal(in_fib("10.3.0.0/16"), "gateway tunnel 5 10.255.0.9");
	assert_string_equal(in_fib("10.4.0.0/16"), "blackhole");
	assert_string_equal(in_fib("10.5.0.0/16"), "blackhole");
	assert_string_equal(in_fib("10.6.0.0/16"), "blackhole");
	assert_string_equal(in_fib("10.7.0.0/16"), "connected tunnel 5");
	assert_int_equal(info().kernel, 7);
	assert_int_equal(info().ignored, 0);
	assert_int_equal(fib.changed, 7);
}

/* Another interface's, a type we do not do, a gateway of IPv6, an encapsulation. */
static void test_ignored(void **state)
{
	(void)state;
	told("10.1.0.0/16 via 192.0.2.9 dev 99");
	told("10.2.0.0/16 type 9");
	told("10.3.0.0/16 via 2001:db8::1 dev 10");
	told("10.4.0.0/16 via 192.0.2.9 dev 10 encap 1");
	assert_int_equal(fib_rows(), 0);
	assert_int_equal(info().ignored, 4);
	assert_int_equal(info().kernel, 4);
	told("10.1.0.0/16 via 192.0.2.9 dev 10 table 100");
	told("10.1.0.0/16 via 192.0.2.9 dev 10 tos 8");
	assert_int_equal(info().other_tables, 2);
	assert_int_equal(fib_rows(), 0);
	/* They do not stand in the way of ours, whatever their metric. */
	told("10.1.0.0/16 via 192.0.2.7 dev 10 metric 50");
	assert_string_equal(in_fib("10.1.0.0/16"), "gateway port 0 192.0.2.7");
	gone("10.1.0.0/16 via 192.0.2.9 dev 99");
	assert_int_equal(info().ignored, 3);
	assert_int_equal(fib_calls(), 1);
}

static void test_metrics(void **state)
{
	(void)state;
	told(NET " via 192.0.2.30 dev 10 metric 30");
	told(NET " via 192.0.2.10 dev 10 metric 10");
	told(NET " via 192.0.2.20 dev 10 metric 20");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.10");
	assert_int_equal(fib_calls(), 2); /* 20 was not worth a call */
	gone(NET " via 192.0.2.30 dev 10 metric 30");
	assert_int_equal(fib_calls(), 0);
	gone(NET " via 192.0.2.10 dev 10 metric 10");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.20");
	assert_int_equal(fib.sets, 1);
	assert_int_equal(fib_calls(), 1);
	gone(NET " via 192.0.2.20 dev 10 metric 20");
	assert_string_equal(in_fib(NET), "-");
	assert_int_equal(fib_calls(), 1);
	assert_int_equal(info().entries, 0);
	gone(NET " via 192.0.2.20 dev 10 metric 20");
	assert_int_equal(info().unknown_del, 1);
}

/* From one to the other in one call: there is no moment without. */
static void test_replace(void **state)
{
	(void)state;
	told(NET " via 192.0.2.1 dev 10 metric 20");
	told(NET " via 192.0.2.5 dev 10 metric 40");
	fib_calls();
	told_replace(NET " via 192.0.2.2 dev 10 metric 20");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.2");
	assert_int_equal(fib.sets, 1);
	assert_int_equal(fib_calls(), 1);
	assert_int_equal(info().entries, 2);
	/* Another protocol, or a route's MTU: nothing for the dataplane. */
	told_replace(NET " via 192.0.2.2 dev 10 metric 20 proto 11 rest 3");
	assert_int_equal(fib_calls(), 0);
	/* By one that is not ours to forward: the next metric steps in, and out again. */
	told_replace(NET " via 192.0.2.2 dev 99 metric 20");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.5");
	told_replace(NET " type 6 metric 20");
	assert_string_equal(in_fib(NET), "blackhole");
	assert_int_equal(fib_calls(), 2);
	assert_int_equal(info().entries, 2);
	gone(NET " type 6 metric 20");
	gone(NET " via 192.0.2.5 dev 10 metric 40");
	assert_int_equal(fib_rows(), 0);
}

/* Several of one metric: `ip route prepend` and `append`; replace means the first. */
static void test_order_of_one_metric(void **state)
{
	(void)state;
	told(NET " via 192.0.2.2 dev 10 metric 20");
	told_append(NET " via 192.0.2.3 dev 10 metric 20");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.2");
	told(NET " via 192.0.2.1 dev 10 metric 20");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.1");
	told_replace(NET " via 192.0.2.9 dev 10 metric 20");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.9");
	assert_int_equal(info().entries, 3);
	gone(NET " via 192.0.2.9 dev 10 metric 20");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.2");
	gone(NET " via 192.0.2.2 dev 10 metric 20");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.3");
	/* The same but for what we do not understand: two routes. */
	told_append(NET " via 192.0.2.3 dev 10 metric 20 rest 5");
	gone(NET " via 192.0.2.3 dev 10 metric 20");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.3");
	gone(NET " via 192.0.2.3 dev 10 metric 20 rest 5");
	assert_string_equal(in_fib(NET), "-");
}

static void test_multipath(void **state)
{
	(void)state;
	told(NET " via 192.0.2.1 dev 10 weight 3 via 10.1.1.2 dev 11 weight 1");
	assert_string_equal(in_fib(NET), "multipath port 0 192.0.2.1*3 port 1 10.1.1.2*1");
	/* What is not ours, or has no gateway, is left out. */
	told("10.2.0.0/16 via 192.0.2.1 dev 10 via 198.51.100.1 dev 99");
	assert_string_equal(in_fib("10.2.0.0/16"), "gateway port 0 192.0.2.1");
	told("10.3.0.0/16 dev 11 via 192.0.2.1 dev 10");
	assert_string_equal(in_fib("10.3.0.0/16"), "gateway port 0 192.0.2.1");
	told("10.4.0.0/16 dev 11 dev 10");
	assert_string_equal(in_fib("10.4.0.0/16"), "connected port 1");
	assert_int_equal(info().truncated, 0);
	gone(NET " via 192.0.2.1 dev 10 weight 3 via 10.1.1.2 dev 11 weight 1");
	assert_string_equal(in_fib(NET), "-");
}

static void test_multipath_truncated(void **state)
{
	struct net_route r = route_of(NET);

	(void)state;
	for (unsigned i = 0; i < DP_PATHS_MAX + 2; i++) {
		r.nexthops[i] = (struct net_nexthop){
			.ifindex = WAN, .weight = 1, .gateway = dp_addr_ip4(htonl(0xc0000201 + i))};
		r.nexthop_count++;
	}
	rib_route_told(rib, NET_CHANGE_NEW, &r);
	assert_string_not_equal(in_fib(NET), "-");
	assert_int_equal(info().truncated, 1);
}

static void addr_told(enum net_change change, const char *text, uint32_t ifindex)
{
	struct dp_prefix address;

	assert_int_equal(dp_prefix_parse(&address, text), 0);
	rib_addr_told(rib, change, &address, ifindex);
}

static void test_addresses(void **state)
{
	(void)state;
	told("10.1.1.1/32 via 192.0.2.1 dev 10");
	addr_told(NET_CHANGE_NEW, "10.1.1.1/24", LAN);
	assert_string_equal(in_fib("10.1.1.1/32"), "local port 1");
	assert_string_equal(in_fib("10.1.1.255/32"), "local port 1");
	assert_string_equal(in_fib("10.1.1.0/24"), "-"); /* a route of the kernel's */
	assert_int_equal(info().local, 2);
	assert_int_equal(info().kernel, 1);
	/* Two in one subnet: its broadcast address stays with the last. */
	addr_told(NET_CHANGE_NEW, "10.1.1.2/24", LAN);
	addr_told(NET_CHANGE_DEL, "10.1.1.2/24", LAN);
	assert_string_equal(in_fib("10.1.1.2/32"), "-");
	assert_string_equal(in_fib("10.1.1.255/32"), "local port 1");
	/* On a second interface, too: it stays while one has it. */
	addr_told(NET_CHANGE_NEW, "10.1.1.1/32", TUN);
	addr_told(NET_CHANGE_NEW, "10.1.1.1/32", TUN);
	addr_told(NET_CHANGE_DEL, "10.1.1.1/24", LAN);
	assert_string_equal(in_fib("10.1.1.1/32"), "local tunnel 5");
	assert_string_equal(in_fib("10.1.1.255/32"), "-");
	addr_told(NET_CHANGE_DEL, "10.1.1.1/32", TUN);
	assert_string_equal(in_fib("10.1.1.1/32"), "gateway port 0 192.0.2.1");
	addr_told(NET_CHANGE_DEL, "10.1.1.1/32", TUN);
	assert_int_equal(info().local, 0);
	addr_told(NET_CHANGE_NEW, "10.1.2.0/31", LAN);
	assert_string_equal(in_fib("10.1.2.1/32"), "-");
	/* Of the loopback interface: ours, wherever it comes in. */
	addr_told(NET_CHANGE_NEW, "10.99.0.1/32", 1);
	assert_string_equal(in_fib("10.99.0.1/32"), "local none 0");
	/* Dumps of routes are not about addresses. */
	rib_dump(rib, NET_ROUTE, false);
	rib_dump(rib, NET_ROUTE, true);
	settle();
	assert_string_equal(in_fib("10.99.0.1/32"), "local none 0");
}

static void test_gateway_used(void **state)
{
	const struct dp_iface wan = {.kind = DP_IFACE_PORT, .id = 0};
	struct dp_addr gateway = dp_addr_ip4(htonl(0xc0000209));

	(void)state;
	told(NET " via 192.0.2.9 dev 11");
	assert_false(rib_gateway_used(rib, wan, &gateway));
	told(NET " via 192.0.2.8 dev 10 via 192.0.2.9 dev 10 metric 5");
	assert_true(rib_gateway_used(rib, wan, &gateway));
	gone(NET " via 192.0.2.8 dev 10 via 192.0.2.9 dev 10 metric 5");
	told(NET " via 192.0.2.9 dev 10 metric 6");
	assert_true(rib_gateway_used(rib, wan, &gateway));
}

/* Ours, coming back from the kernel: not in the FIB, and nothing worse of its prefix either. */
static void test_own_host_routes(void **state)
{
	(void)state;
	told("10.255.0.11/32 dev 20 metric 10 proto 233");
	assert_int_equal(info().own_hosts, 1);
	told("10.255.0.11/32 via 192.0.2.1 dev 10 metric 20");
	assert_int_equal(fib_rows(), 0);
	gone("10.255.0.11/32 dev 20 metric 10 proto 233");
	assert_string_equal(in_fib("10.255.0.11/32"), "gateway port 0 192.0.2.1");
	told("10.255.0.11/32 dev 20 metric 10 proto 233");
	assert_string_equal(in_fib("10.255.0.11/32"), "-");
	assert_int_equal(info().own_hosts, 1);
	/* Configured static routes are ours as well, and like any other. */
	told("10.77.0.0/16 via 192.0.2.1 dev 10 metric 10 proto 233");
	told("10.77.0.1/32 via 192.0.2.1 dev 10 metric 10 proto 233");
	told("10.77.0.2/32 dev 10 metric 10 proto 233");
	told("10.255.0.12/32 dev 20 metric 10 proto 11");
	assert_int_equal(fib_rows(), 4);
	assert_int_equal(info().own_hosts, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rib_setup, rib_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_types),
		TEST(test_ignored),
		TEST(test_metrics),
		TEST(test_replace),
		TEST(test_order_of_one_metric),
		TEST(test_multipath),
		TEST(test_multipath_truncated),
		TEST(test_addresses),
		TEST(test_gateway_used),
		TEST(test_own_host_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
