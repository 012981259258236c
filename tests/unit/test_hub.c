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

/* ---- routes ---- */

static void static_routes(void **state)
{
	struct hub *hub = *state;
	struct config_route routes[3] = {
		{fake_prefix("0.0.0.0/0"), fake_addr("192.0.2.254"), ON_PORT(0), false},
		{fake_prefix("10.1.31.0/24"), fake_addr("10.255.0.31"), ON_TUNNEL(0), false},
		{.prefix = fake_prefix("10.0.0.0/8"), .blackhole = true}};

	hub->config->routes = routes;
	hub->config->route_count = 3;
	assert_int_equal(hub_routes_init(hub), 0);
	/* To the kernel only: the FIB gets them from there. */
	assert_string_equal(fake_calls(), "kernel 0.0.0.0/0 via 192.0.2.254 dev 10 metric 10\n"
					  "kernel 10.1.31.0/24 via 10.255.0.31 dev 20 metric 10\n"
					  "kernel 10.0.0.0/8 via - dev 0 metric 10\n");
	/* A twin was set down, and is up again. */
	fake.restores = 1;
	hub_routes_restore(hub, &hub->tunnels[0]);
	while (hub_routes_turn(hub)) {
	}
	assert_string_equal(fake_calls(), "kernel 10.1.31.0/24 via 10.255.0.31 dev 20 metric 10\n"
					  "restore hosts of tunnel 5 from 0\n"
					  "restore hosts of tunnel 5 from 1\n");
	hub_routes_restore(hub, &hub->ports[0]);
	hub->ports[0].twin_up = false; /* down once more before we came to it */
	assert_false(hub_routes_turn(hub));
	assert_string_equal(fake_calls(), "");
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
}

static struct net_route kernel_route(const char *prefix, uint32_t ifindex)
{
	struct net_route r = {.prefix = fake_prefix(prefix),
			      .metric = NET_METRIC,
			      .protocol = NET_PROTO,
			      .table = RT_TABLE_MAIN,
			      .type = RTN_UNICAST};

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
	assert_string_equal(fake_calls(), "kernel 10.0.0.0/8 via - dev 0 metric 10\n"
					  "kernel del 10.9.0.0/16 metric 10\n"
					  "kernel del 10.255.0.13/32 metric 10\n");
	for (unsigned i = 0; i < 4; i++)
		hub_rib_route(hub, NET_CHANGE_NEW, &fake.routes[i]);
	fake_calls();
	fake.bound = fake_addr("10.255.0.12");
	hub_routes_sweep(hub);
	while (hub_routes_turn(hub)) {
	}
	assert_string_equal(fake_calls(), "kernel del 10.255.0.11/32 metric 10\n");
}

/* ICMP errors come from the configuration's first address, and from what there is without it. */
static void errors_source(void **state)
{
	struct hub_iface *lan = &((struct hub *)*state)->ports[1];
	struct dp_prefix conf[] = {fake_prefix("2001:db8::1/64"), fake_prefix("10.1.1.1/24"),
				   fake_prefix("10.1.2.1/24")};
	struct dp_addr first = conf[1].addr, second = conf[2].addr, other = fake_addr("10.9.9.9");

	lan->addresses = conf;
	lan->address_count = 3;
	hub_iface_addr_told(lan, NET_CHANGE_NEW, &other);
	assert_string_equal(fake_calls(), "errors port 1 from 10.9.9.9\n");
	hub_iface_addr_told(lan, NET_CHANGE_NEW, &second);
	assert_string_equal(fake_calls(), "");
	hub_iface_addr_told(lan, NET_CHANGE_NEW, &first);
	assert_string_equal(fake_calls(), "errors port 1 from 10.1.1.1\n");
	hub_iface_addr_told(lan, NET_CHANGE_NEW, &first);
	hub_iface_addr_told(lan, NET_CHANGE_DEL, &other);
	assert_string_equal(fake_calls(), "");
	hub_iface_addr_told(lan, NET_CHANGE_DEL, &first);
	assert_string_equal(fake_calls(), "errors port 1 from 10.1.2.1\n");
	lan->address_count = 0;
	hub_iface_addr_told(lan, NET_CHANGE_DEL, &second);
	assert_string_equal(fake_calls(), "errors port 1 from -\n");
	hub_iface_addr_told(&((struct hub *)*state)->tunnels[0], NET_CHANGE_NEW, &other);
	assert_string_equal(fake_calls(), "errors tunnel 5 from 10.9.9.9\n");
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
		TEST(static_routes), TEST(refused_route_ends_the_start),
		TEST(old_routes),    TEST(errors_source),
		TEST(link_flap),     TEST(stuck_worker_starves_the_watchdog),
		TEST(modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
