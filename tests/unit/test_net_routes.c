/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed with the real kernel: routes and next-hop objects, of which it keeps no copy.
 */
#include "tests/unit/net_world.h"

static struct seen seen;

static bool routes_told(const struct seen *s, const void *count)
{
	return s->route_new >= *(const unsigned *)count;
}

static bool routes_gone(const struct seen *s, const void *count)
{
	return s->route_del >= *(const unsigned *)count;
}

static void test_routes_when_asked(void **state)
{
	const struct net_feed_conf conf = {.routes = true};
	const unsigned one = 1, two = 2;
	struct world *w = *state;
	struct net_feed *feed;

	world_run(w->hub, "ip route add 10.1.0.0/16 dev h0 proto 233");
	feed = seen_feed_open(&seen, &conf);
	seen_quiet(feed);
	assert_true(routes_told(&seen, &one));
	assert_int_equal(seen.dumps[NET_ROUTE], 1);
	world_run(w->hub, "ip route add 10.2.0.0/16 dev h0 proto 233");
	seen_until(feed, &seen, routes_told, &two);
	world_run(w->hub, "ip route del 10.2.0.0/16 dev h0");
	seen_until(feed, &seen, routes_gone, &one);
	net_feed_close(feed);
}

static bool nexthops_told(const struct seen *s, const void *count)
{
	return s->nexthop_new >= *(const unsigned *)count;
}

static bool nexthops_gone(const struct seen *s, const void *count)
{
	return s->nexthop_del >= *(const unsigned *)count;
}

static void test_nexthop_objects(void **state)
{
	const struct net_feed_conf conf = {.routes = true};
	const unsigned one = 1, two = 2, three = 3;
	struct world *w = *state;
	struct net_feed *feed;

	world_run(w->hub, "ip addr add 192.0.2.1/24 dev h0 && "
			  "ip nexthop add id 7 via 192.0.2.7 dev h0");
	feed = seen_feed_open(&seen, &conf);
	seen_until(feed, &seen, nexthops_told, &one);
	assert_int_equal(seen.nexthop.id, 7);
	world_run(w->hub, "ip nexthop add id 8 group 7,5");
	seen_until(feed, &seen, nexthops_told, &two);
	assert_int_equal(seen.nexthop.id, 8);
	assert_int_equal(seen.nexthop.member_count, 1);
	assert_int_equal(seen.nexthop.members[0].weight, 5);
	world_run(w->hub, "ip nexthop replace id 7 via 192.0.2.9 dev h0");
	seen_until(feed, &seen, nexthops_told, &three);
	assert_int_equal(seen.nexthop.hop.gateway.bytes[3], 9);
	world_run(w->hub, "ip nexthop del id 8");
	seen_until(feed, &seen, nexthops_gone, &one);
	assert_int_equal(seen.nexthop.id, 8);
	net_feed_close(feed);
}

/* A link that goes down takes routes and next-hop objects with it, and the kernel says nothing. */
static void test_redump(void **state)
{
	const struct net_feed_conf conf = {.routes = true};
	struct world *w = *state;
	struct net_feed *feed;

	world_run(w->hub, "ip addr add 192.0.2.1/24 dev h0 && "
			  "ip nexthop add id 7 via 192.0.2.7 dev h0 && "
			  "ip route add 10.1.0.0/16 via 192.0.2.7 proto 233");
	feed = seen_feed_open(&seen, &conf);
	seen_quiet(feed);
	assert_int_equal(seen.route_new, 1);
	world_run(w->hub, "ip link set h0 down");
	seen_quiet(feed);
	assert_int_equal(seen.route_del, 0);
	assert_int_equal(seen.dumps[NET_ROUTE], 1);
	net_feed_redump(feed);
	assert_false(net_feed_synced(feed));
	seen_quiet(feed);
	assert_int_equal(seen.dumps[NET_ROUTE], 2);
	assert_int_equal(seen.dumps[NET_NEXTHOP], 2);
	assert_int_equal(seen.dumps[NET_LINK], 1);
	assert_int_equal(seen.route_new, 1);
	assert_int_equal(seen.nexthop_new, 1);
	net_feed_close(feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_routes_when_asked, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_nexthop_objects, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_redump, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
