/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes routes without a message about them: next-hop objects and interfaces.
 */
#include "rib_fixture.h"

#include <stdio.h>

#define NET "10.9.0.0/16"

/* ---- next-hop objects ---- */

static struct net_nexthop_object object_of(uint32_t id, const char *gateway, uint32_t ifindex)
{
	struct net_nexthop_object o = {.id = id, .hop = {.ifindex = ifindex, .weight = 1}};

	if (gateway)
		assert_int_equal(dp_addr_parse(&o.hop.gateway, gateway), 0);
	return o;
}

static void object_told(uint32_t id, const char *gateway, uint32_t ifindex)
{
	struct net_nexthop_object o = object_of(id, gateway, ifindex);

	rib_nexthop_told(rib, NET_CHANGE_NEW, &o);
}

static void group_told(uint32_t id, uint32_t a, uint32_t weight_a, uint32_t b, uint32_t weight_b)
{
	struct net_nexthop_object o = {.id = id, .member_count = b ? 2 : 1};

	o.members[0] = (struct net_nexthop_member){.id = a, .weight = weight_a};
	o.members[1] = (struct net_nexthop_member){.id = b, .weight = weight_b};
	rib_nexthop_told(rib, NET_CHANGE_NEW, &o);
}

static void object_gone(uint32_t id)
{
	struct net_nexthop_object o = {.id = id};

	rib_nexthop_told(rib, NET_CHANGE_DEL, &o);
}

static void test_object(void **state)
{
	(void)state;
	object_told(7, "192.0.2.1", WAN);
	/* The copy in the message does not count: it may be an old one. */
	told(NET " nhid 7 via 192.0.2.99 dev 10");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.1");
	object_told(7, "192.0.2.2", WAN);
	settle();
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.2");
	fib_calls();
	object_told(7, "192.0.2.2", WAN);
	settle();
	assert_int_equal(fib_calls(), 0);
	gone(NET " nhid 7");
	assert_string_equal(in_fib(NET), "-");
	assert_int_equal(info().nexthop_objects, 1);
}

static void test_object_comes_later(void **state)
{
	(void)state;
	told(NET " nhid 7");
	told(NET " via 192.0.2.9 dev 10 metric 50");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.9");
	assert_int_equal(info().down, 1);
	object_told(7, "192.0.2.1", WAN);
	settle();
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.1");
	assert_int_equal(info().down, 0);
}

static void test_group(void **state)
{
	(void)state;
	object_told(1, "192.0.2.1", WAN);
	object_told(2, "10.1.1.2", LAN);
	group_told(3, 1, 3, 2, 300);
	told(NET " nhid 3");
	assert_string_equal(in_fib(NET), "multipath port 0 192.0.2.1*3 port 1 10.1.1.2*300");
	settle();
	object_told(2, "10.1.1.9", LAN); /* a member is another: the group is, too */
	settle();
	assert_string_equal(in_fib(NET), "multipath port 0 192.0.2.1*3 port 1 10.1.1.9*300");
	group_told(3, 1, 1, 0, 0);
	settle();
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.1");
	group_told(3, 1, 1, 77, 1); /* one that is not known */
	settle();
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.1");
}

static void test_object_kinds(void **state)
{
	struct net_nexthop_object o = {.id = 7, .blackhole = true};

	(void)state;
	rib_nexthop_told(rib, NET_CHANGE_NEW, &o);
	told(NET " nhid 7 type 6");
	assert_string_equal(in_fib(NET), "blackhole");
	object_told(7, "192.0.2.1", WAN);
	settle();
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.1");
	o = object_of(7, "192.0.2.1", WAN);
	o.fdb = true;
	rib_nexthop_told(rib, NET_CHANGE_NEW, &o);
	settle();
	assert_string_equal(in_fib(NET), "-");
	object_told(7, "192.0.2.1", OTHER);
	settle();
	assert_string_equal(in_fib(NET), "-");
	assert_int_equal(info().ignored, 1);
	object_told(7, NULL, LAN);
	settle();
	assert_string_equal(in_fib(NET), "connected port 1");
}

/* The kernel removes an object's routes with it, and does not say so. */
static void test_object_takes_its_routes(void **state)
{
	(void)state;
	object_told(7, "192.0.2.1", WAN);
	told(NET " nhid 7");
	told("10.8.0.0/16 nhid 7 metric 20");
	told("10.8.0.0/16 via 192.0.2.9 dev 10 metric 30");
	object_gone(7);
	settle();
	assert_string_equal(in_fib(NET), "-");
	assert_string_equal(in_fib("10.8.0.0/16"), "gateway port 0 192.0.2.9");
	assert_int_equal(info().entries, 1);
	/* The id comes back: they do not. */
	object_told(7, "192.0.2.1", WAN);
	settle();
	assert_int_equal(fib_rows(), 1);
	told(NET " nhid 7");
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.1");
	/* At once, before the walk has come round. */
	object_gone(7);
	object_told(7, "192.0.2.2", WAN);
	told("10.7.0.0/16 nhid 7");
	settle();
	assert_string_equal(in_fib(NET), "-");
	assert_string_equal(in_fib("10.7.0.0/16"), "gateway port 0 192.0.2.2");
}

static void test_objects_resync(void **state)
{
	(void)state;
	object_told(1, "192.0.2.1", WAN);
	object_told(2, "192.0.2.2", WAN);
	group_told(3, 1, 1, 2, 1);
	told(NET " nhid 3");
	told("10.8.0.0/16 nhid 2");
	fib_calls();
	rib_dump(rib, NET_NEXTHOP, false);
	object_told(1, "192.0.2.1", WAN);
	object_told(2, "192.0.2.2", WAN);
	group_told(3, 1, 1, 2, 1);
	rib_dump(rib, NET_NEXTHOP, true);
	settle();
	assert_int_equal(fib_calls(), 0);
	rib_dump(rib, NET_NEXTHOP, false);
	object_told(1, "192.0.2.1", WAN);
	group_told(3, 1, 1, 0, 0);
	rib_dump(rib, NET_NEXTHOP, true);
	settle();
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.1");
	assert_string_equal(in_fib("10.8.0.0/16"), "-");
	assert_int_equal(info().nexthop_objects, 2);
}

static void test_objects_full(void **state)
{
	(void)state;
	for (uint32_t id = 1; id <= 70; id++)
		object_told(id, "192.0.2.1", WAN);
	assert_int_equal(info().nexthop_objects, 64);
	assert_int_equal(info().full, 6);
	for (uint32_t id = 1; id <= 70; id++)
		object_gone(id);
	assert_int_equal(info().nexthop_objects, 0);
}

/* ---- interfaces ---- */

static void iface_set(uint32_t ifindex, bool up, bool carrier)
{
	fake_ifaces[ifindex].up = up;
	fake_ifaces[ifindex].carrier = carrier;
	rib_iface_changed(rib, ifindex);
	settle();
}

static void test_interface_down(void **state)
{
	(void)state;
	told(NET " via 192.0.2.1 dev 10 via 10.1.1.2 dev 11");
	told("10.8.0.0/16 via 192.0.2.1 dev 10");
	told("10.8.0.0/16 via 10.1.1.2 dev 11 metric 9");
	told("10.7.0.0/16 via 10.1.1.2 dev 11");
	fib_calls();
	iface_set(WAN, false, false);
	assert_string_equal(in_fib(NET), "gateway port 1 10.1.1.2");
	assert_string_equal(in_fib("10.8.0.0/16"), "gateway port 1 10.1.1.2");
	assert_int_equal(info().down, 1);
	assert_int_equal(fib_calls(), 2);
	/* The kernel dropped what led only there: the dump that is asked for says so. */
	rib_dump(rib, NET_ROUTE, false);
	told_dump(NET " via 192.0.2.1 dev 10 via 10.1.1.2 dev 11");
	told_dump("10.8.0.0/16 via 10.1.1.2 dev 11 metric 9");
	told_dump("10.7.0.0/16 via 10.1.1.2 dev 11");
	rib_dump(rib, NET_ROUTE, true);
	settle();
	assert_int_equal(fib_calls(), 0);
	iface_set(WAN, true, true);
	assert_string_equal(in_fib(NET), "multipath port 0 192.0.2.1*1 port 1 10.1.1.2*1");
	assert_string_equal(in_fib("10.8.0.0/16"), "gateway port 1 10.1.1.2");
	assert_true(rib_iface_used(rib, WAN));
	assert_false(rib_iface_used(rib, OTHER));
}

/* What changes while the walk is under way may concern what it has seen already. */
static void test_walk_goes_again(void **state)
{
	char text[64];

	(void)state;
	told(NET " via 10.1.1.2 dev 11");
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "10.8.%u.0/24 via 192.0.2.1 dev 10", i);
		told(text);
	}
	fake_ifaces[WAN].up = false;
	rib_iface_changed(rib, WAN);
	assert_true(rib_turn(rib, 0)); /* a piece of it */
	assert_int_not_equal(fib_rows(), 101);
	assert_int_not_equal(fib_rows(), 1);
	fake_ifaces[LAN].up = false;
	rib_iface_changed(rib, LAN);
	settle();
	assert_int_equal(fib_rows(), 0);
}

/* Without carrier: another way if there is one, else as the kernel does. */
static void test_carrier(void **state)
{
	(void)state;
	told(NET " via 192.0.2.1 dev 10 via 10.1.1.2 dev 11");
	told("10.8.0.0/16 via 192.0.2.1 dev 10");
	object_told(7, "192.0.2.1", WAN);
	told("10.7.0.0/16 nhid 7");
	iface_set(WAN, true, false);
	assert_string_equal(in_fib(NET), "gateway port 1 10.1.1.2");
	assert_string_equal(in_fib("10.8.0.0/16"), "gateway port 0 192.0.2.1");
	assert_string_equal(in_fib("10.7.0.0/16"), "-");
	iface_set(LAN, true, false);
	assert_string_equal(in_fib(NET), "multipath port 0 192.0.2.1*1 port 1 10.1.1.2*1");
	iface_set(WAN, true, true);
	assert_string_equal(in_fib(NET), "gateway port 0 192.0.2.1");
	assert_string_equal(in_fib("10.7.0.0/16"), "gateway port 0 192.0.2.1");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rib_setup, rib_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_object),
		TEST(test_object_comes_later),
		TEST(test_group),
		TEST(test_object_kinds),
		TEST(test_object_takes_its_routes),
		TEST(test_objects_resync),
		TEST(test_objects_full),
		TEST(test_interface_down),
		TEST(test_walk_goes_again),
		TEST(test_carrier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
