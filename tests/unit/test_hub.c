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

/* Worker 0 always comes round. */
static void look(struct hub *hub, uint64_t ms, bool turns, bool passes)
{
	fake.workers[0].stats.turns++;
	fake.workers[1].stats.turns += turns;
	fake.passed[0] = fake.token;
	if (passes)
		fake.passed[1] = fake.token;
	worker_watch_look(&hub->workers, ms);
}

static void check_event(const char *fmt, enum event_kind kind)
{
	char want[200];

	snprintf(want, sizeof(want), fmt, kind);
	assert_string_equal(fake_calls(), want);
}

/* Each that should move does, also beyond one page of them; a move that must wait is neither told
 * nor rests. */
static void homes_move(void **state)
{
	struct hub *hub = *state;

	fake.home_count = 40;
	for (uint32_t i = 0; i < fake.home_count; i++)
		fake.homes[i] = (struct dp_sa_home){
			.peer = i + 1,
			.remote = fake_addr("198.51.100.9"),
			.natt_port = 4500,
			.home = 1,
			.pkts = 2000,
			.handed_pkts = {1000},
		};
	hub_homes_look(hub);
	assert_string_equal(fake_calls(), "");
	fake.homes[35].handed_pkts[0] = 1800;
	hub->workers.rows[0].load_permille = 900;
	hub_homes_look(hub);
	assert_string_equal(fake_calls(), "");
	hub->workers.rows[0].load_permille = 100;
	fake.home_set_rc = -EAGAIN;
	hub_homes_look(hub);
	assert_string_equal(fake_calls(), "home of 36: 0\n");
	fake.home_set_rc = 0;
	hub_homes_look(hub);
	check_event("home of 36: 0\nevent %d 198.51.100.9:4500: worker 1 -> 0, where "
		    "1800 of its last 2000 packets came in\n",
		    EVENT_HOME_MOVED);
	hub_homes_look(hub);
	assert_string_equal(fake_calls(), "");
}

/* It may turn without passing a quiescent state, pass without turning (asleep), or neither. */
static void stuck_worker_starves_the_watchdog(void **state)
{
	static const struct {
		bool turns, passes;
	} ways[] = {{false, false}, {true, false}, {false, true}};
	struct hub *hub = *state;
	uint64_t ms = 100000;

	fake.worker_count = 2;
	fake.workers[1].lcore = 3;
	look(hub, ms, true, true);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		look(hub, ms += 200, true, true);
		for (unsigned n = 0; n < 4; n++) {
			look(hub, ms += 200, ways[i].turns, ways[i].passes);
			assert_false(hub->workers.stuck);
		}
		assert_string_equal(fake_calls(), "");
		look(hub, ms += 200, ways[i].turns, ways[i].passes);
		assert_true(hub->workers.stuck);
		check_event("event %d worker 1: CPU 3: has not come round for 1000 ms; watchdog "
			    "not fed\n",
			    EVENT_WORKER_STUCK);
		look(hub, ms += 200, ways[i].turns, ways[i].passes);
		assert_true(hub->workers.stuck);
		assert_string_equal(fake_calls(), "");
		look(hub, ms += 200, true, true);
		assert_false(hub->workers.stuck);
		check_event("event %d worker 1: CPU 3: comes round again, after 1400 ms\n",
			    EVENT_WORKER_UP);
	}
}

/* All of us stood still: nobody is to blame. */
static void long_pause_is_no_stuck_worker(void **state)
{
	struct hub *hub = *state;

	fake.worker_count = 2;
	look(hub, 1000, true, true);
	look(hub, 9000, false, false);
	look(hub, 9200, false, false);
	assert_false(hub->workers.stuck);
	look(hub, 9400, true, true);
	assert_false(hub->workers.stuck);
	assert_string_equal(fake_calls(), "");
}

static void worker_second(struct hub *hub, uint64_t up, uint64_t busy, uint64_t pkts)
{
	fake.workers[0].up_cycles += up;
	fake.workers[0].stats.busy_cycles += busy;
	fake.workers[0].stats.rx_pkts += pkts;
	worker_watch_second(&hub->workers);
}

static void worker_load(void **state)
{
	struct hub *hub = *state;
	const struct worker_watch_row *row = &hub->workers.rows[0];

	fake.worker_count = 1;
	worker_second(hub, 1000, 900, 3);
	assert_false(row->measured); /* nothing before */
	worker_second(hub, 10000, 2500, 10);
	assert_true(row->measured);
	assert_int_equal(row->load_permille, 250);
	assert_int_equal(row->cycles_per_pkt, 250);
	worker_second(hub, 10000, 0, 0);
	assert_int_equal(row->load_permille, 0);
	assert_int_equal(row->cycles_per_pkt, 0);
	worker_second(hub, 10000, 10050, 1); /* read a turn apart */
	assert_int_equal(row->load_permille, 1000);
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
		TEST(static_routes),
		TEST(refused_route_ends_the_start),
		TEST(old_routes),
		TEST(errors_source),
		TEST(link_flap),
		TEST(homes_move),
		TEST(stuck_worker_starves_the_watchdog),
		TEST(long_pause_is_no_stuck_worker),
		TEST(worker_load),
		TEST(modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
