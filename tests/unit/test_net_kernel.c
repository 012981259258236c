/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the real kernel: links, addresses, routes, neighbours. In namespaces of its own.
 */
#include "tests/unit/net_world.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "control/net/net_twin.h"

static struct seen seen;

static uint32_t h0_index(void)
{
	uint32_t ifindex = 0;

	assert_int_equal(net_link_index("h0", &ifindex), 0);
	return ifindex;
}

static void test_link(void **state)
{
	struct world *w = *state;
	struct net_link link;
	uint32_t ifindex;

	world_run(w->hub, "ip link add d0 mtu 1300 type veth peer name d1");
	assert_int_equal(net_link_get("d0", &link), 0);
	assert_string_equal(link.name, "d0");
	assert_string_equal(link.kind, "veth");
	assert_int_equal(link.mtu, 1300);
	assert_false(link.flags & IFF_UP);
	assert_int_equal(net_link_up("d0"), 0);
	assert_int_equal(net_link_get("d0", &link), 0);
	assert_true(link.flags & IFF_UP);
	assert_int_equal(net_link_up("d0"), 0); /* again: as it is */
	assert_int_equal(net_link_index("nosuch0", &ifindex), -ENODEV);
	assert_non_null(strstr(net_error(), "nosuch0"));
	assert_int_equal(net_link_up("nosuch0"), -ENODEV);
	assert_int_equal(net_link_index("", &ifindex), -EINVAL);
	assert_int_equal(net_link_index("../all", &ifindex), -EINVAL);
	assert_int_equal(net_link_index("a-name-of-16-chr", &ifindex), -EINVAL);
	net_close();
	assert_int_equal(net_link_index("h0", &ifindex), -EBADF);
	assert_non_null(strstr(net_error(), "net_open"));
}

/* Runs net_addr_set and looks at the result through a new feed. */
static void addrs_set(uint32_t ifindex, const char *a, const char *b)
{
	const struct net_feed_conf conf = {0};
	struct dp_prefix prefixes[2];
	struct net_feed *feed;
	unsigned n = 0;

	if (a)
		prefixes[n++] = world_prefix(a);
	if (b)
		prefixes[n++] = world_prefix(b);
	if (net_addr_set(ifindex, prefixes, n) != 0)
		fail_msg("%s", net_error());
	feed = seen_feed_open(&seen, &conf);
	seen_quiet(feed);
	net_feed_close(feed);
}

/* Twice: where the kernel keeps a subnet's other addresses when the first one goes, and where not.
 */
static void test_addresses(void **state)
{
	struct world *w = *state;
	uint32_t h0 = h0_index();

	for (int promote = 1; promote >= 0; promote--) {
		world_run(w->hub, "sysctl -qw net.ipv4.conf.h0.promote_secondaries=%d", promote);
		addrs_set(h0, "192.0.2.1/24", "192.0.2.5/24");
		assert_true(seen_addr(&seen, h0, "192.0.2.1/24"));
		assert_true(seen_addr(&seen, h0, "192.0.2.5/24"));
		world_run(w->hub, "ip addr add 198.51.100.9/24 dev h0");
		addrs_set(h0, "192.0.2.5/24", "203.0.113.1/32");
		assert_false(seen_addr(&seen, h0, "192.0.2.1/24"));
		assert_true(seen_addr(&seen, h0, "192.0.2.5/24"));
		assert_true(seen_addr(&seen, h0, "203.0.113.1/32"));
		assert_true(seen_addr(&seen, h0, "198.51.100.9/24")); /* not ours: stays */
		addrs_set(h0, "198.51.100.9/24", NULL); /* wanted, and serves as it is */
		assert_false(seen_addr(&seen, h0, "192.0.2.5/24"));
		assert_true(seen_addr(&seen, h0, "198.51.100.9/24"));
		addrs_set(h0, NULL, NULL);
		assert_true(seen_addr(&seen, h0, "198.51.100.9/24"));
		world_run(w->hub, "ip addr del 198.51.100.9/24 dev h0");
	}
}

/* Nothing happens the second time: the feed would tell. */
static void test_addresses_idempotent(void **state)
{
	const struct dp_prefix prefixes[2] = {world_prefix("192.0.2.1/24"),
					      world_prefix("192.0.2.5/24")};
	const struct dp_prefix ip6 = world_prefix("2001:db8::1/64");
	const struct net_feed_conf conf = {0};
	uint32_t h0 = h0_index();
	struct net_feed *feed;
	unsigned calls;

	(void)state;
	assert_int_equal(net_addr_set(h0, prefixes, 2), 0);
	feed = seen_feed_open(&seen, &conf);
	seen_quiet(feed);
	calls = seen.calls;
	assert_int_equal(net_addr_set(h0, prefixes, 2), 0);
	seen_quiet(feed);
	assert_int_equal(seen.calls, calls);
	net_feed_close(feed);
	assert_int_equal(net_addr_set(h0, &ip6, 1), -EAFNOSUPPORT);
	assert_non_null(strstr(net_error(), "2001:db8::1/64"));
	assert_int_equal(net_addr_set(9999, prefixes, 1), -ENODEV);
	assert_string_equal(net_error(), "interface 9999: addresses: No such device");
}

/* ---- routes ---- */

struct listing {
	unsigned count;
	unsigned stale; /* on_list_remove */
	struct net_route routes[4];
};

static int on_list(void *ctx, const struct net_route *route)
{
	struct listing *l = ctx;

	if (l->count < 4)
		l->routes[l->count] = *route;
	l->count++;
	return 0;
}

static struct listing list_ours(void)
{
	struct listing l;

	memset(&l, 0, sizeof(l));
	if (net_route_list_ours(on_list, &l) != 0)
		fail_msg("%s", net_error());
	return l;
}

static void test_routes(void **state)
{
	const struct dp_prefix subnet = world_prefix("192.0.2.1/24"),
			       host = world_prefix("10.255.0.11/32");
	const struct dp_prefix net = world_prefix("10.1.0.0/16"),
			       hole = world_prefix("10.66.0.0/16");
	const struct dp_addr via = world_addr("192.0.2.254"), other = world_addr("192.0.2.253");
	struct world *w = *state;
	uint32_t h0 = h0_index();
	struct listing l;

	assert_int_equal(net_addr_set(h0, &subnet, 1), 0);
	world_run(w->hub, "ip route add 10.1.0.0/16 via 192.0.2.77 metric 50");
	assert_int_equal(net_route_set(&host, NULL, h0, NET_METRIC), 0);
	assert_int_equal(net_route_set(&net, &via, h0, NET_METRIC), 0);
	assert_int_equal(net_route_set(&hole, NULL, 0, NET_METRIC), 0);
	for (int again = 0; again < 2; again++) {
		l = list_ours();
		assert_int_equal(l.count, 3);
		assert_int_equal(net_route_set(&host, NULL, h0, NET_METRIC), 0);
		assert_int_equal(net_route_set(&net, &via, 0, NET_METRIC), 0);
	}
	assert_int_equal(l.routes[0].type, RTN_UNICAST); /* in the order of the prefixes */
	assert_true(dp_addr_equal(&l.routes[0].nexthops[0].gateway, &via));
	assert_int_equal(l.routes[1].type, RTN_BLACKHOLE);
	assert_int_equal(l.routes[2].scope, RT_SCOPE_LINK);
	assert_int_equal(l.routes[2].nexthops[0].ifindex, h0);
	assert_int_equal(l.routes[2].metric, NET_METRIC);
	assert_int_equal(net_route_set(&net, &other, h0, NET_METRIC), 0); /* replaces */
	l = list_ours();
	assert_int_equal(l.count, 3);
	assert_true(dp_addr_equal(&l.routes[0].nexthops[0].gateway, &other));
	assert_int_equal(net_route_del(&net, NET_METRIC), 0);
	assert_int_equal(net_route_del(&host, NET_METRIC), 0);
	assert_int_equal(net_route_del(&hole, NET_METRIC), 0);
	assert_int_equal(net_route_del(&hole, NET_METRIC), 0); /* gone already */
	assert_int_equal(list_ours().count, 0);
	world_run(w->hub, "ip route show 10.1.0.0/16 | grep -q 192.0.2.77");
}

static void test_route_of_others_stays(void **state)
{
	const struct dp_prefix net = world_prefix("10.1.0.0/16");
	struct world *w = *state;

	world_run(w->hub, "ip addr add 192.0.2.1/24 dev h0 && ip route add 10.1.0.0/16 via "
			  "192.0.2.77 metric 10");
	assert_int_equal(net_route_del(&net, NET_METRIC), 0);
	world_run(w->hub, "ip route show 10.1.0.0/16 | grep -q 192.0.2.77");
	assert_int_equal(list_ours().count, 0);
}

/* A tunnel's twin while nobody has it open: up, no carrier, and its routes can be there. */
static void test_tun(void **state)
{
	const struct dp_prefix ours = world_prefix("10.255.0.1/24"),
			       host = world_prefix("10.255.0.11/32");
	struct world *w = *state;
	uint32_t tun;

	world_run(w->hub, "ip tuntap add Tunnel100 mode tun");
	assert_int_equal(net_link_index("Tunnel100", &tun), 0);
	assert_int_equal(net_twin_setup("Tunnel100"), 0);
	assert_int_equal(net_route_set(&host, NULL, tun, NET_METRIC), -ENETDOWN);
	assert_int_equal(net_link_up("Tunnel100"), 0);
	assert_int_equal(net_addr_set(tun, &ours, 1), 0);
	assert_int_equal(net_route_set(&host, NULL, tun, NET_METRIC), 0);
	assert_int_equal(list_ours().count, 1);
	world_run(w->hub, "ip route show 10.255.0.11 | grep -q 'dev Tunnel100 proto 233 scope link "
			  "metric 10'");
}

static void test_route_errors(void **state)
{
	const struct dp_prefix net = world_prefix("10.1.0.0/16"),
			       bits = world_prefix("10.1.0.1/16");
	const struct dp_prefix ip6 = world_prefix("2001:db8::/32");
	const struct dp_addr via = world_addr("203.0.113.9"), via6 = world_addr("2001:db8::1");

	(void)state;
	assert_int_equal(net_route_set(&net, &via, 0, NET_METRIC), -ENETUNREACH);
	assert_string_equal(net_error(),
			    "route 10.1.0.0/16 via 203.0.113.9 interface 0 metric 10: Network is "
			    "unreachable (Nexthop has invalid gateway)");
	assert_int_equal(net_route_set(&net, NULL, 9999, NET_METRIC), -ENODEV);
	assert_int_equal(net_route_set(&bits, NULL, h0_index(), NET_METRIC), -EINVAL);
	assert_non_null(strstr(net_error(), "host bits"));
	assert_int_equal(net_route_set(&ip6, NULL, h0_index(), NET_METRIC), -EAFNOSUPPORT);
	assert_int_equal(net_route_del(&ip6, NET_METRIC), -EAFNOSUPPORT);
	assert_int_equal(net_route_set(&net, &via6, h0_index(), NET_METRIC), -EAFNOSUPPORT);
}

/* What a restart does: takes away what it finds and does not want. */
static int on_list_remove(void *ctx, const struct net_route *route)
{
	struct listing *l = ctx;

	l->stale++;
	return net_route_del(&route->prefix, route->metric);
}

#define HOST_ROUTES 10000

static void test_host_routes(void **state)
{
	uint32_t h0 = h0_index();
	struct listing l = {0};
	uint64_t start, spent;

	(void)state;
	start = world_now_ms();
	for (uint32_t i = 0; i < HOST_ROUTES; i++) {
		struct dp_addr addr = dp_addr_ip4(htonl(0x0aff0000 + i));
		struct dp_prefix host = dp_prefix_host(&addr);

		assert_int_equal(net_route_set(&host, NULL, h0, NET_METRIC), 0);
	}
	spent = world_now_ms() - start;
	print_message("%u host routes in %llu ms: %llu per second\n", HOST_ROUTES,
		      (unsigned long long)spent, HOST_ROUTES * 1000ull / (spent ? spent : 1));
	assert_int_equal(list_ours().count, HOST_ROUTES);
	assert_int_equal(net_route_list_ours(on_list_remove, &l), 0);
	assert_int_equal(l.stale, HOST_ROUTES);
	assert_int_equal(list_ours().count, 0);
}

/* ---- neighbours ---- */

static bool is_resolved(const struct seen *s, const void *addr)
{
	const struct seen_neigh *n = seen_neigh(s, addr);

	return n && net_neigh_usable(&n->neigh);
}

static bool is_failed(const struct seen *s, const void *addr)
{
	const struct seen_neigh *n = seen_neigh(s, addr);

	return n && n->neigh.state == NUD_FAILED;
}

static void test_neighbours(void **state)
{
	const uint8_t p0_mac[6] = {0x02, 0, 0, 0, 0, 0x02};
	const struct dp_prefix ours = world_prefix("192.0.2.1/24");
	const struct dp_addr there = world_addr("192.0.2.2"), nobody = world_addr("192.0.2.3");
	const struct net_feed_conf conf = {0};
	struct world *w = *state;
	uint32_t h0 = h0_index();
	struct net_feed *feed;

	world_run(w->peer, "ip addr add 192.0.2.2/24 dev p0");
	world_run(w->hub, "sysctl -qw net.ipv4.neigh.h0.retrans_time_ms=20");
	assert_int_equal(net_addr_set(h0, &ours, 1), 0);
	feed = seen_feed_open(&seen, &conf);
	seen_quiet(feed);
	assert_int_equal(net_neigh_use(h0, &there), 0);
	seen_until(feed, &seen, is_resolved, "192.0.2.2");
	assert_memory_equal(seen_neigh(&seen, "192.0.2.2")->neigh.mac, p0_mac, 6);
	assert_int_equal(seen_neigh(&seen, "192.0.2.2")->neigh.ifindex, h0);
	assert_int_equal(net_neigh_use(h0, &there), 0); /* known: as it is */
	assert_int_equal(net_neigh_use(h0, &nobody), 0);
	seen_until(feed, &seen, is_failed, "192.0.2.3");
	world_run(w->peer, "ip addr add 192.0.2.3/24 dev p0");
	assert_int_equal(net_neigh_use(h0, &nobody), 0); /* a failed one is asked for again */
	seen_until(feed, &seen, is_resolved, "192.0.2.3");
	net_feed_close(feed);
	assert_int_equal(net_neigh_use(9999, &there), -ENODEV);
	assert_non_null(strstr(net_error(), "192.0.2.2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_link, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_addresses, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_addresses_idempotent, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_routes, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_route_of_others_stays, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_tun, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_route_errors, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_host_routes, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_neighbours, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
