/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub's wiring over fakes of both its ends: what is asked of the dataplane and of the kernel,
 * in which order, and what happens when they refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/events.h"
#include "control/module.h"
#include "control/spoke.h"
#include "hub_fakes.h"

static int setup(void **state)
{
	*state = fake_hub();
	return 0;
}

static int teardown(void **state)
{
	fake_hub_free(*state);
	return 0;
}

#define ON_PORT(n)                             \
	{                                      \
		.kind = DP_IFACE_PORT, .id = n \
	}
#define ON_TUNNEL(n)                             \
	{                                        \
		.kind = DP_IFACE_TUNNEL, .id = n \
	}

/* ---- neighbours ---- */

static void underlay_next_hop(void **state)
{
	struct dp_addr nbma = fake_addr("203.0.113.9");
	uint32_t neigh = 0;

	fake.route = (struct dp_route){.type = DP_ROUTE_CONNECTED, .iface = ON_PORT(1)};
	assert_int_equal(hub_underlay_neigh(*state, &nbma, &neigh), 0);
	assert_int_equal(neigh, 77);
	assert_string_equal(fake_calls(), "neigh get 1 203.0.113.9\nuse 11 203.0.113.9\n");
	fake.route = (struct dp_route){
		.type = DP_ROUTE_GATEWAY, .iface = ON_PORT(0), .gateway = fake_addr("192.0.2.254")};
	assert_int_equal(hub_underlay_neigh(*state, &nbma, &neigh), 0);
	assert_string_equal(fake_calls(), "neigh get 0 192.0.2.254\nuse 10 192.0.2.254\n");
}

static void underlay_over_several_gateways(void **state)
{
	const struct dp_path paths[2] = {
		{.iface = ON_PORT(0), .gateway = fake_addr("192.0.2.253"), .weight = 1},
		{.iface = ON_PORT(1), .gateway = fake_addr("192.0.2.254"), .weight = 1}};
	struct dp_addr even = fake_addr("203.0.113.8"), odd = fake_addr("203.0.113.9");
	uint32_t neigh;

	fake.route = (struct dp_route){.type = DP_ROUTE_MULTIPATH, .paths = paths, .path_count = 2};
	assert_int_equal(hub_underlay_neigh(*state, &even, &neigh), 0);
	assert_int_equal(hub_underlay_neigh(*state, &odd, &neigh), 0);
	assert_string_equal(fake_calls(), "neigh get 0 192.0.2.253\nuse 10 192.0.2.253\n"
					  "neigh get 1 192.0.2.254\nuse 11 192.0.2.254\n");
}

static void underlay_refused(void **state)
{
	struct dp_addr nbma = fake_addr("203.0.113.9");
	uint32_t neigh;

	fake.lookup_rc = -ENOENT;
	assert_int_equal(hub_underlay_neigh(*state, &nbma, &neigh), -ENETUNREACH);
	fake.lookup_rc = 0;
	fake.route.type = DP_ROUTE_LOCAL;
	assert_int_equal(hub_underlay_neigh(*state, &nbma, &neigh), -ENETUNREACH);
	fake.route.type = DP_ROUTE_BLACKHOLE;
	assert_int_equal(hub_underlay_neigh(*state, &nbma, &neigh), -ENETUNREACH);
	fake.route = (struct dp_route){.type = DP_ROUTE_CONNECTED, .iface = ON_TUNNEL(5)};
	assert_int_equal(hub_underlay_neigh(*state, &nbma, &neigh), -ELOOP);
	fake.route.type = DP_ROUTE_GATEWAY;
	assert_int_equal(hub_underlay_neigh(*state, &nbma, &neigh), -ELOOP);
	assert_string_equal(fake_calls(), "");
	fake.route = (struct dp_route){.type = DP_ROUTE_CONNECTED, .iface = ON_PORT(0)};
	fake.neigh_get_rc = -ENOSPC;
	assert_int_equal(hub_underlay_neigh(*state, &nbma, &neigh), -ENOSPC);
	assert_string_equal(fake_calls(), "neigh get 0 203.0.113.9\n");
}

static void spoke_is_bound(void **state)
{
	struct spoke spoke = {.key = {.tunnel = 5, .nbma = fake_addr("203.0.113.9")}, .dp = 3};
	char want[200];

	fake.route = (struct dp_route){.type = DP_ROUTE_CONNECTED, .iface = ON_PORT(0)};
	hub_underlay_bind(*state, &spoke);
	assert_string_equal(fake_calls(), "neigh get 0 203.0.113.9\nuse 10 203.0.113.9\n"
					  "spoke 3 neigh 77\n");
	/* Refused: the reference goes back. */
	fake.spoke_neigh_rc = -EAGAIN;
	hub_underlay_bind(*state, &spoke);
	assert_string_equal(fake_calls(), "neigh get 0 203.0.113.9\nuse 10 203.0.113.9\n"
					  "spoke 3 neigh 77\nneigh put 77\n");
	fake.route.iface.kind = DP_IFACE_TUNNEL;
	hub_underlay_bind(*state, &spoke);
	snprintf(want, sizeof(want),
		 "event %d Tunnel42 203.0.113.9: the route to its NBMA address leads into a "
		 "tunnel\n",
		 EVENT_ROUTE_REFUSED);
	assert_string_equal(fake_calls(), want);
}

static void kernel_neighbours(void **state)
{
	struct net_neigh n = {.ifindex = 11,
			      .state = NUD_STALE,
			      .has_mac = true,
			      .mac = {2, 0, 0, 0, 0, 9},
			      .addr = fake_addr("10.1.1.7")};

	hub_neigh_changed(*state, NET_CHANGE_NEW, &n);
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 9\n");
	n.state = NUD_FAILED;
	hub_neigh_changed(*state, NET_CHANGE_NEW, &n);
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 -1\n");
	n.state = NUD_REACHABLE;
	hub_neigh_changed(*state, NET_CHANGE_DEL, &n);
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 -1\n");
	n.has_mac = false;
	hub_neigh_changed(*state, NET_CHANGE_NEW, &n);
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 -1\n");
	/* A tunnel has no neighbours, and other interfaces are not ours. */
	n.ifindex = 20;
	hub_neigh_changed(*state, NET_CHANGE_NEW, &n);
	n.ifindex = 99;
	hub_neigh_changed(*state, NET_CHANGE_NEW, &n);
	assert_string_equal(fake_calls(), "");
}

static void full_is_told_once(void **state)
{
	struct net_neigh n = {.ifindex = 11,
			      .state = NUD_REACHABLE,
			      .has_mac = true,
			      .addr = fake_addr("10.1.1.7")};
	char want[200];

	fake.neigh_set_rc = -ENOSPC;
	snprintf(want, sizeof(want), "neigh set 1 10.1.1.7 0\nevent %d neighbours: dp error\n",
		 EVENT_TABLE_FULL);
	hub_neigh_changed(*state, NET_CHANGE_NEW, &n);
	assert_string_equal(fake_calls(), want);
	hub_neigh_changed(*state, NET_CHANGE_NEW, &n);
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 0\n");
}

static void wanted_and_renewed(void **state)
{
	struct dp_addr addr = fake_addr("10.1.1.7");

	hub_neigh_start(*state);
	fake.wanted(fake.wanted_ctx, 1, &addr);
	assert_string_equal(fake_calls(), "use 11 10.1.1.7\n");
	fake.wanted(fake.wanted_ctx, 9, &addr);
	assert_string_equal(fake_calls(), "");
	fake.neigh_count = 2;
	fake.neighs[0] = (struct dp_neigh_info){.port = 0, .addr = fake_addr("192.0.2.254")};
	fake.neighs[1] = (struct dp_neigh_info){.port = 1, .addr = addr, .resolved = true};
	for (int round = 0; round < 2; round++) {
		hub_neigh_renew(*state);
		assert_string_equal(fake_calls(), "use 10 192.0.2.254\nuse 11 10.1.1.7\n");
	}
}

/* ---- routes ---- */

#define IFACE_FIB                               \
	"fib 192.0.2.0/24 connected port 0 -\n" \
	"fib 192.0.2.255/32 local port 0 -\n"   \
	"fib 192.0.2.1/32 local port 0 -\n"     \
	"fib 10.1.1.0/31 connected port 1 -\n"  \
	"fib 10.1.1.1/32 local port 1 -\n"      \
	"fib 10.255.0.1/32 local tunnel 5 -\n"

static void address_and_static_routes(void **state)
{
	struct hub *hub = *state;
	struct config_route routes[3] = {
		{fake_prefix("0.0.0.0/0"), fake_addr("192.0.2.254"), ON_PORT(0), false},
		{fake_prefix("10.1.31.0/24"), fake_addr("10.255.0.31"), ON_TUNNEL(0), false},
		{.prefix = fake_prefix("10.0.0.0/8"), .blackhole = true}};

	hub->config->routes = routes;
	hub->config->route_count = 3;
	assert_int_equal(hub_routes_init(hub), 0);
	/* Tunnel 0 of the document is tunnel 5 of the dataplane. */
	assert_string_equal(fake_calls(),
			    IFACE_FIB "fib 0.0.0.0/0 gateway port 0 192.0.2.254\n"
				      "kernel 0.0.0.0/0 via 192.0.2.254 dev 10 metric 10\n"
				      "fib 10.1.31.0/24 gateway tunnel 5 10.255.0.31\n"
				      "kernel 10.1.31.0/24 via 10.255.0.31 dev 20 metric 10\n"
				      "fib 10.0.0.0/8 blackhole none 0 -\n"
				      "kernel 10.0.0.0/8 via - dev 0 metric 10\n");
}

static void refused_route_ends_the_start(void **state)
{
	struct hub *hub = *state;
	struct config_route route = {fake_prefix("0.0.0.0/0"), fake_addr("192.0.2.254"), ON_PORT(0),
				     false};

	hub->config->routes = &route;
	hub->config->route_count = 1;
	fake.route_set_rc = -EEXIST;
	assert_int_equal(hub_routes_init(hub), -EEXIST);
	fake.route_set_rc = 0;
	fake.fib_set_rc = -ENOSPC;
	fake_calls();
	assert_int_equal(hub_routes_init(hub), -ENOSPC);
	assert_string_equal(fake_calls(), "fib 192.0.2.0/24 connected port 0 -\n");
}

static struct net_route kernel_route(const char *prefix, uint32_t ifindex)
{
	struct net_route r = {.prefix = fake_prefix(prefix), .metric = NET_METRIC};

	r.nexthop_count = 1;
	r.nexthops[0].ifindex = ifindex;
	return r;
}

/* What an earlier run left: configured ones stay, host routes into the tunnel wait for the sweep.
 */
static void old_routes(void **state)
{
	struct hub *hub = *state;
	struct config_route route = {.prefix = fake_prefix("10.0.0.0/8"), .blackhole = true};

	hub->config->routes = &route;
	hub->config->route_count = 1;
	fake.routes[0] = kernel_route("10.0.0.0/8", 0);
	fake.routes[1] = kernel_route("10.9.0.0/16", 10);
	fake.routes[2] = kernel_route("10.255.0.11/32", 20);
	fake.routes[3] = kernel_route("10.255.0.12/32", 20);
	fake.routes[4] = kernel_route("10.255.0.13/32", 10);
	fake.route_count = 5;
	assert_int_equal(hub_routes_init(hub), 0);
	assert_string_equal(fake_calls(), IFACE_FIB "fib 10.0.0.0/8 blackhole none 0 -\n"
						    "kernel 10.0.0.0/8 via - dev 0 metric 10\n"
						    "kernel del 10.9.0.0/16 metric 10\n"
						    "kernel del 10.255.0.13/32 metric 10\n");
	fake.bound = fake_addr("10.255.0.12");
	fake.route_count = 4;
	hub_routes_sweep(hub);
	assert_string_equal(fake_calls(), "kernel del 10.255.0.11/32 metric 10\n");
}

/* ---- links and workers ---- */

static void link_flap(void **state)
{
	struct hub *hub = *state;
	char want[300];

	hub->ports[0].link_up = hub->ports[1].link_up = true;
	fake.port.link_up = false;
	hub_links_look(hub);
	snprintf(want, sizeof(want),
		 "carrier port 0 down\nevent %d wan0: no carrier\n"
		 "tunnel 5 down: the source's port has no link\n",
		 EVENT_LINK_DOWN);
	assert_string_equal(fake_calls(), want);
	hub_links_look(hub);
	assert_string_equal(fake_calls(), "");
	fake.port.link_up = true;
	fake.port.speed_mbps = 10000;
	hub_links_look(hub);
	snprintf(want, sizeof(want),
		 "carrier port 0 up\nevent %d wan0: 10000 Mbit/s\n"
		 "tunnel 5 up: the source's port has link\n",
		 EVENT_LINK_UP);
	assert_string_equal(fake_calls(), want);
}

static void stuck_worker_starves_the_watchdog(void **state)
{
	struct hub *hub = *state;
	char want[200];

	fake.worker_count = 2;
	fake.workers[1].lcore = 3;
	for (int s = 0; s < 10; s++) {
		fake.workers[0].stats.turns += 1000;
		fake.workers[1].stats.turns += s < 3;
		assert_false(hub->workers.stuck);
		hub_workers_look(hub);
		if (s == 7)
			break;
	}
	assert_true(hub->workers.stuck);
	snprintf(want, sizeof(want),
		 "event %d worker 1: CPU 3: no turn for 5 s; watchdog not fed\n",
		 EVENT_WORKER_STUCK);
	assert_string_equal(fake_calls(), want);
	hub_workers_look(hub);
	assert_true(hub->workers.stuck);
	assert_string_equal(fake_calls(), "");
	fake.workers[1].stats.turns++;
	fake.workers[0].stats.turns++;
	hub_workers_look(hub);
	assert_false(hub->workers.stuck);
}

/* ---- the table of modules ---- */

static char order[100];

static int init_ok(struct hub *hub)
{
	(void)hub;
	strcat(order, "+");
	return 0;
}

static int init_fails(struct hub *hub)
{
	(void)hub;
	strcat(order, "!");
	return -EIO;
}

static void fini_a(struct hub *hub)
{
	(void)hub;
	strcat(order, "a");
}

static void fini_b(struct hub *hub)
{
	(void)hub;
	strcat(order, "b");
}

static void modules(void **state)
{
	const struct module table[] = {{"a", init_ok, fini_a},
				       {"none", init_ok, NULL},
				       {"b", init_ok, fini_b},
				       {"c", init_fails, fini_a},
				       {"d", init_ok, fini_b}};

	order[0] = '\0';
	assert_int_equal(modules_start(table, 3, *state), 0);
	modules_stop(table, 3, *state);
	assert_string_equal(order, "+++ba");
	/* Half-way: what had been started is stopped, the one that failed and the rest are not. */
	order[0] = '\0';
	assert_int_equal(modules_start(table, 5, *state), -EIO);
	assert_string_equal(order, "+++!ba");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(underlay_next_hop),
		TEST(underlay_over_several_gateways),
		TEST(underlay_refused),
		TEST(spoke_is_bound),
		TEST(kernel_neighbours),
		TEST(full_is_told_once),
		TEST(wanted_and_renewed),
		TEST(address_and_static_routes),
		TEST(refused_route_ends_the_start),
		TEST(old_routes),
		TEST(link_flap),
		TEST(stuck_worker_starves_the_watchdog),
		TEST(modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
