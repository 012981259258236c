/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where packets for an address go, as the next-hop server is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "control/nhrp/nhrp_server.h"
#include "control/rib/rib.h"
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

/* "tunnel 5 10.255.0.11 /24", "ours /24", "none" */
static const char *way_to(struct hub *hub, const char *to)
{
	static char text[80];
	const struct dp_addr addr = fake_addr(to);
	char next_hop[DP_ADDR_STRLEN];
	struct nhrp_way way;

	hub_way_find(hub, &addr, &way);
	switch (way.kind) {
	case NHRP_WAY_NONE:
		return "none";
	case NHRP_WAY_OURS:
		snprintf(text, sizeof(text), "ours /%u", way.prefix_len);
		break;
	case NHRP_WAY_TUNNEL:
		snprintf(text, sizeof(text), "tunnel %u %s /%u", way.tunnel,
			 dp_addr_format(&way.next_hop, next_hop), way.prefix_len);
		break;
	}
	return text;
}

static void routes_make(struct hub *hub)
{
	const struct dp_prefix own = fake_prefix("10.1.1.1/24");
	struct net_route r = {.table = RT_TABLE_MAIN,
			      .type = RTN_BLACKHOLE,
			      .prefix = fake_prefix("10.9.0.0/16")};

	fake_route(hub, NET_CHANGE_NEW, "10.1.1.0/24", NULL, 11, 0);
	rib_addr_told(hub->rib, NET_CHANGE_NEW, &own, 11);
	fake_route(hub, NET_CHANGE_NEW, "10.255.0.0/24", NULL, 20, 0);
	fake_route(hub, NET_CHANGE_NEW, "10.1.12.0/24", "10.255.0.12", 20, 0);
	fake_route(hub, NET_CHANGE_NEW, "10.2.0.0/16", "10.1.1.2", 11, 0);
	hub_rib_route(hub, NET_CHANGE_NEW, &r);
	fake_route(hub, NET_CHANGE_NEW, "0.0.0.0/0", "192.0.2.254", 10, 0);
}

static void test_kinds(void **state)
{
	struct hub *hub = *state;

	assert_string_equal(way_to(hub, "10.1.1.10"), "none");
	routes_make(hub);
	assert_string_equal(way_to(hub, "10.1.1.10"), "ours /24");
	assert_string_equal(way_to(hub, "10.1.1.1"), "ours /32");
	assert_string_equal(way_to(hub, "10.2.3.4"), "ours /16");
	assert_string_equal(way_to(hub, "10.255.0.77"), "tunnel 5 10.255.0.77 /24");
	assert_string_equal(way_to(hub, "10.1.12.10"), "tunnel 5 10.255.0.12 /24");
	assert_string_equal(way_to(hub, "10.9.1.1"), "none");
	assert_string_equal(way_to(hub, "198.51.100.1"), "ours /32");
	fake.longer = 20;
	assert_string_equal(way_to(hub, "10.2.3.4"), "ours /20");
}

/* Of several ways one that leads to somebody; and the same one every time. */
static void test_several(void **state)
{
	static const char *const gateways[] = {"10.255.0.11", "10.255.0.12", "10.255.0.13"};
	struct net_route r = {.table = RT_TABLE_MAIN,
			      .type = RTN_UNICAST,
			      .prefix = fake_prefix("10.4.0.0/16"),
			      .nexthop_count = 3};
	struct hub *hub = *state;
	char text[64];

	for (unsigned i = 0; i < 3; i++)
		r.nexthops[i] = (struct net_nexthop){
			.ifindex = 20, .weight = 1, .gateway = fake_addr(gateways[i])};
	hub_rib_route(hub, NET_CHANGE_NEW, &r);
	for (unsigned i = 0; i < 3; i++) {
		fake.bound = fake_addr(gateways[i]);
		snprintf(text, sizeof(text), "tunnel 5 %s /16", gateways[i]);
		for (unsigned host = 1; host < 9; host++) {
			char to[16];

			snprintf(to, sizeof(to), "10.4.0.%u", host);
			assert_string_equal(way_to(hub, to), text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_several, setup, teardown),
	};

	return cmocka_run_group_tests_name("hub_way", tests, NULL, NULL);
}
