/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neighbours and underlay next hops: what the kernel is asked, what the dataplane is told, and what
 * follows when routes change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "control/events.h"
#include "control/rib/rib.h"
#include "hub_fakes.h"

#define NBMA    "203.0.113.9"
#define NEW     NET_CHANGE_NEW
#define DEL     NET_CHANGE_DEL
#define DEFAULT "0.0.0.0/0"

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

/* A spoke comes, as number `dp` of the dataplane. */
static void spoke_comes(struct hub *hub, uint32_t dp, const char *nbma)
{
	struct spoke spoke = {.key = {.tunnel = 5, .nbma = fake_addr(nbma)}, .dp = dp};

	fake.spokes[fake.spoke_count++] = (struct spoke_info){.key = spoke.key, .dp = dp};
	hub_underlay_bind(hub, &spoke);
}

static const char *event_line(int kind, const char *text)
{
	static char line[256];

	snprintf(line, sizeof(line), "event %d %s\n", kind, text);
	return line;
}

/* ---- the underlay's next hop of a spoke ---- */

static void spoke_is_bound(void **state)
{
	struct hub *hub = *state;

	fake_route(hub, NEW, "203.0.113.0/24", NULL, 11, 0);
	fake_calls();
	spoke_comes(hub, 3, NBMA);
	assert_string_equal(fake_calls(), "neigh get 1 203.0.113.9\nuse 11 203.0.113.9\n"
					  "spoke 3 neigh 77\n");
	fake_route(hub, NEW, DEFAULT, "192.0.2.254", 10, 0);
	fake_calls();
	spoke_comes(hub, 4, "198.51.100.9");
	assert_string_equal(fake_calls(), "neigh get 0 192.0.2.254\nuse 10 192.0.2.254\n"
					  "spoke 4 neigh 77\n");
	/* Refused: the reference goes back, and it is tried again. */
	fake.spoke_neigh_rc = -EAGAIN;
	spoke_comes(hub, 5, "198.51.100.10");
	assert_string_equal(fake_calls(), "neigh get 0 192.0.2.254\nuse 10 192.0.2.254\n"
					  "spoke 5 neigh 77\nneigh put 77\n");
}

static void spoke_without_a_way(void **state)
{
	struct hub *hub = *state;

	spoke_comes(hub, 3, NBMA);
	assert_string_equal(fake_calls(),
			    event_line(EVENT_ROUTE_REFUSED,
				       "Tunnel42 203.0.113.9: no route to its NBMA address"));
	fake_route(hub, NEW, DEFAULT, NULL, 20, 0);
	fake_calls();
	spoke_comes(hub, 4, NBMA);
	assert_string_equal(fake_calls(),
			    event_line(EVENT_ROUTE_REFUSED,
				       "Tunnel42 203.0.113.9: the route to its NBMA address leads "
				       "into a tunnel"));
	fake_route(hub, NEW, "203.0.113.0/24", NULL, 10, 0);
	fake_calls();
	fake.neigh_get_rc = -ENOSPC;
	spoke_comes(hub, 5, NBMA);
	assert_string_equal(fake_calls() + strlen("neigh get 0 203.0.113.9\n"),
			    event_line(EVENT_TABLE_FULL, "Tunnel42 203.0.113.9: dp error"));
}

/* Only who is under the route that changed asks again, once, and only a change is told. */
static void routes_change(void **state)
{
	struct hub *hub = *state;

	fake_route(hub, NEW, DEFAULT, "192.0.2.254", 10, 0);
	spoke_comes(hub, 3, NBMA);
	fake_calls();
	fake_route(hub, NEW, "10.1.0.0/16", "192.0.2.1", 10, 0);
	fake_turns(hub);
	assert_string_equal(fake_calls(), "fib 10.1.0.0/16 gateway port 0 192.0.2.1\n");
	/* The same way after all: the adjacency is not touched. */
	fake_route(hub, NEW, "203.0.0.0/8", "192.0.2.254", 10, 0);
	fake_calls();
	fake_turns(hub);
	assert_string_equal(fake_calls(), "neigh get 0 192.0.2.254\nneigh put 77\n");
	fake.neigh = 78;
	fake_route(hub, NEW, "203.0.113.0/24", "10.1.1.9", 11, 0);
	fake_route(hub, NEW, "203.0.113.0/25", "10.1.1.9", 11, 0);
	fake_calls();
	fake_turns(hub);
	assert_string_equal(fake_calls(),
			    "neigh get 1 10.1.1.9\nuse 11 10.1.1.9\nspoke 3 neigh 78\n");
	/* No way any more: none rather than a wrong one. */
	fake_route(hub, DEL, "203.0.113.0/24", "10.1.1.9", 11, 0);
	fake_route(hub, DEL, "203.0.113.0/25", "10.1.1.9", 11, 0);
	fake_route(hub, DEL, "203.0.0.0/8", "192.0.2.254", 10, 0);
	fake_route(hub, DEL, DEFAULT, "192.0.2.254", 10, 0);
	fake_calls();
	fake_turns(hub);
	assert_string_equal(fake_calls() + strlen("spoke 3 neigh 0\n"),
			    event_line(EVENT_ROUTE_REFUSED,
				       "Tunnel42 203.0.113.9: no route to its NBMA address"));
}

/* BGP over the tunnel brings the spoke's own underlay: out of the FIB; the spoke keeps its way. */
static void recursive_route(void **state)
{
	struct hub *hub = *state;
	char want[512];

	fake_route(hub, NEW, DEFAULT, "192.0.2.254", 10, 0);
	spoke_comes(hub, 3, NBMA);
	fake_calls();
	fake_route(hub, NEW, "203.0.113.0/24", "10.255.0.9", 20, 20);
	fake_turns(hub);
	snprintf(want, sizeof(want),
		 "fib 203.0.113.0/24 gateway tunnel 5 10.255.0.9\nfib del 203.0.113.0/24\n%s"
		 "neigh get 0 192.0.2.254\nneigh put 77\n",
		 event_line(EVENT_ROUTE_REFUSED,
			    "203.0.113.0/24: recursive: it would send tunnel packets for "
			    "203.0.113.9 into a tunnel"));
	assert_true(strncmp(fake_calls(), want, strlen(want)) == 0);
	assert_true(rib_has_recursive(hub->rib));
	hub_rib_tick(hub);
	fake_turns(hub);
	assert_string_equal(fake_calls(), "neigh get 0 192.0.2.254\nneigh put 77\n");
	/* The spoke is gone: nobody minds. */
	fake.spoke_count = 0;
	hub_rib_tick(hub);
	fake_turns(hub);
	assert_string_equal(fake_calls(), "fib 203.0.113.0/24 gateway tunnel 5 10.255.0.9\n");
	assert_false(rib_has_recursive(hub->rib));
}

/* More than one turn's worth, more than one round's worth of events. */
static void many_spokes(void **state)
{
	struct hub *hub = *state;
	unsigned events = 0;
	char nbma[32];

	fake_route(hub, NEW, DEFAULT, "192.0.2.254", 10, 0);
	for (uint32_t i = 1; i <= 80; i++) {
		snprintf(nbma, sizeof(nbma), "203.0.113.%u", i);
		spoke_comes(hub, i, nbma);
		fake_calls();
	}
	fake_route(hub, DEL, DEFAULT, "192.0.2.254", 10, 0);
	fake_turns(hub);
	for (const char *at = fake_calls(); (at = strstr(at, "event")) != NULL; at++)
		events++;
	assert_int_equal(events, 8);
	for (uint32_t i = 1; i <= 80; i++)
		fake.neigh = 78;
	fake_route(hub, NEW, DEFAULT, "192.0.2.253", 10, 0);
	fake_turns(hub);
	assert_non_null(strstr(fake_calls(), "spoke 80 neigh 78\n"));
}

/* ---- twins ---- */

static struct net_link link_of(uint32_t ifindex, bool up, bool carrier)
{
	return (struct net_link){.ifindex = ifindex, .flags = up ? IFF_UP : 0, .carrier = carrier};
}

/* The kernel says nothing of the routes that it drops. */
static void twin_down_and_up(void **state)
{
	struct hub *hub = *state;
	struct net_link l = link_of(20, false, false);

	fake_route(hub, NEW, "10.9.0.0/16", "10.255.0.9", 20, 20);
	fake_route(hub, NEW, "10.8.0.0/16", NULL, 99, 0);
	fake_calls();
	hub_rib_link(hub, NEW, &l);
	fake_turns(hub);
	assert_string_equal(fake_calls(), "redump\nfib del 10.9.0.0/16\n");
	hub_rib_link(hub, NEW, &l);
	assert_string_equal(fake_calls(), "");
	l = link_of(20, true, true);
	hub_rib_link(hub, NEW, &l);
	fake_turns(hub);
	assert_string_equal(fake_calls(), "redump\nrestore hosts of tunnel 5 from 0\n"
					  "fib 10.9.0.0/16 gateway tunnel 5 10.255.0.9\n");
	/* One of others matters when routes lead there. */
	l = link_of(98, false, false);
	hub_rib_link(hub, NEW, &l);
	assert_string_equal(fake_calls(), "");
	l = link_of(99, false, false);
	hub_rib_link(hub, DEL, &l);
	assert_string_equal(fake_calls(), "redump\n");
	/* Carrier alone: the kernel drops next-hop objects, if there are any. */
	l = link_of(10, true, false);
	hub_rib_link(hub, NEW, &l);
	assert_string_equal(fake_calls(), "");
	hub_rib_nexthop(hub, NEW, &(struct net_nexthop_object){.id = 7, .hop = {.ifindex = 10}});
	l = link_of(10, true, true);
	hub_rib_link(hub, NEW, &l);
	assert_string_equal(fake_calls(), "redump\n");
}

static void addresses(void **state)
{
	struct hub *hub = *state;
	struct net_ifaddr a = {.ifindex = 11, .prefix = fake_prefix("10.1.1.1/24")};

	hub_rib_addr(hub, NEW, &a);
	assert_string_equal(fake_calls(),
			    "errors port 1 from 10.1.1.1\n"
			    "fib 10.1.1.1/32 local port 1 -\nfib 10.1.1.255/32 local port 1 -\n");
	hub_rib_addr(hub, DEL, &a);
	assert_string_equal(
		fake_calls(),
		"redump\nerrors port 1 from -\nfib del 10.1.1.1/32\nfib del 10.1.1.255/32\n");
	a = (struct net_ifaddr){.ifindex = 1, .prefix = fake_prefix("127.0.0.1/8")};
	hub_rib_addr(hub, NEW, &a);
	a = (struct net_ifaddr){.ifindex = 99, .prefix = fake_prefix("172.17.0.1/16")};
	hub_rib_addr(hub, NEW, &a);
	assert_string_equal(fake_calls(), "");
	a = (struct net_ifaddr){.ifindex = 1, .prefix = fake_prefix("10.99.0.1/32")};
	hub_rib_addr(hub, NEW, &a);
	assert_string_equal(fake_calls(), "fib 10.99.0.1/32 local none 0 -\n");
}

static void first_dump(void **state)
{
	struct hub *hub = *state;

	fake.feed_turns = 100;
	assert_int_equal(hub_rib_first_dump(hub), 0);
	assert_int_equal(fake.feed_turns, 0);
}

/* ---- neighbours ---- */

static void neigh_told(struct hub *hub, enum net_change change, const char *addr, uint16_t nud)
{
	const struct net_neigh n = {.ifindex = 11,
				    .state = nud,
				    .has_mac = true,
				    .mac = {2, 0, 0, 0, 0, 9},
				    .addr = fake_addr(addr)};

	hub_neigh_changed(hub, change, &n);
}

static void kernel_neighbours(void **state)
{
	struct net_neigh n = {.ifindex = 11, .state = NUD_REACHABLE, .addr = fake_addr("10.1.1.7")};

	neigh_told(*state, NEW, "10.1.1.7", NUD_STALE);
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 9\n");
	neigh_told(*state, NEW, "10.1.1.7", NUD_FAILED);
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 -1\n");
	neigh_told(*state, DEL, "10.1.1.7", NUD_REACHABLE);
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 -1\n");
	hub_neigh_changed(*state, NEW, &n); /* without a MAC address */
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 -1\n");
	/* A tunnel has no neighbours, and other interfaces are not ours. */
	n.ifindex = 20;
	hub_neigh_changed(*state, NEW, &n);
	n.ifindex = 99;
	hub_neigh_changed(*state, NEW, &n);
	assert_string_equal(fake_calls(), "");
}

static void full_is_told_once(void **state)
{
	char want[512];

	fake.neigh_set_rc = -ENOSPC;
	snprintf(want, sizeof(want), "neigh set 1 10.1.1.7 9\n%s",
		 event_line(EVENT_TABLE_FULL, "neighbours: dp error"));
	neigh_told(*state, NEW, "10.1.1.7", NUD_REACHABLE);
	assert_string_equal(fake_calls(), want);
	neigh_told(*state, NEW, "10.1.1.7", NUD_REACHABLE);
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 9\n");
}

static void workers_want(void **state)
{
	struct dp_addr addr = fake_addr("10.1.1.7");

	hub_neigh_start(*state);
	fake.wanted(fake.wanted_ctx, 1, &addr);
	assert_string_equal(fake_calls(), "use 11 10.1.1.7\n");
	fake.wanted(fake.wanted_ctx, 9, &addr);
	assert_string_equal(fake_calls(), "");
}

/* STALE ones: all but underlay next hops that no spoke sends to. */
static void renewal(void **state)
{
	struct hub *hub = *state;

	neigh_told(hub, NEW, "10.1.1.7", NUD_STALE);
	neigh_told(hub, NEW, "10.1.1.8", NUD_REACHABLE);
	neigh_told(hub, NEW, "10.1.1.9", NUD_STALE);
	fake_route(hub, NEW, DEFAULT, "10.1.1.9", 11, 0);
	spoke_comes(hub, 3, NBMA);
	hub_rib_tick(hub);
	fake_calls();
	for (int round = 0; round < 2; round++) {
		hub_neigh_renew(hub);
		assert_string_equal(fake_calls(), "use 11 10.1.1.7\n");
		hub_rib_tick(hub);
	}
	assert_int_equal(fake.used_notes, 0);
	fake.spoke_tx_pkts = 100;
	hub_rib_tick(hub);
	assert_int_equal(fake.used_notes, 1);
	hub_neigh_renew(hub);
	assert_string_equal(fake_calls(), "use 11 10.1.1.7\nuse 11 10.1.1.9\n");
	hub_rib_tick(hub);
	hub_neigh_renew(hub);
	assert_string_equal(fake_calls(), "use 11 10.1.1.7\n");
	/* Fresh, or gone: nothing to ask. */
	neigh_told(hub, NEW, "10.1.1.7", NUD_REACHABLE);
	neigh_told(hub, DEL, "10.1.1.9", NUD_STALE);
	fake_calls();
	hub_neigh_renew(hub);
	assert_string_equal(fake_calls(), "");
}

static void failed_neighbour(void **state)
{
	struct hub *hub = *state;
	char want[512];

	fake_route(hub, NEW, DEFAULT, "10.1.1.9", 11, 0);
	neigh_told(hub, NEW, "10.1.1.7", NUD_REACHABLE);
	neigh_told(hub, NEW, "10.1.1.9", NUD_REACHABLE);
	fake_calls();
	neigh_told(hub, NEW, "10.1.1.7", NUD_FAILED); /* a host switched off */
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.7 -1\n");
	neigh_told(hub, NEW, "10.1.1.9", NUD_FAILED);
	snprintf(want, sizeof(want), "%sneigh set 1 10.1.1.9 -1\n",
		 event_line(EVENT_NEIGHBOUR_FAILED,
			    "lan0 10.1.1.9: gateway of routes: it does not answer"));
	assert_string_equal(fake_calls(), want);
	neigh_told(hub, NEW, "10.1.1.9", NUD_FAILED);
	assert_string_equal(fake_calls(), "neigh set 1 10.1.1.9 -1\n");
	neigh_told(hub, NEW, "10.1.1.9", NUD_REACHABLE);
	spoke_comes(hub, 3, NBMA);
	hub_rib_tick(hub);
	fake_calls();
	neigh_told(hub, NEW, "10.1.1.9", NUD_FAILED);
	snprintf(want, sizeof(want), "%sneigh set 1 10.1.1.9 -1\n",
		 event_line(EVENT_NEIGHBOUR_FAILED,
			    "lan0 10.1.1.9: next hop of spokes: it does not answer"));
	assert_string_equal(fake_calls(), want);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(spoke_is_bound),    TEST(spoke_without_a_way), TEST(routes_change),
		TEST(recursive_route),   TEST(many_spokes),         TEST(twin_down_and_up),
		TEST(addresses),         TEST(first_dump),          TEST(kernel_neighbours),
		TEST(full_is_told_once), TEST(workers_want),        TEST(renewal),
		TEST(failed_neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
