/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The netlink parser over messages of a real kernel (tests/vectors/netlink/captured.h), and over
 * the same messages cut and bent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <errno.h>
#include <net/if_arp.h>
#include <net/if.h>

#include "control/net/net.h"
#include "tests/unit/net_fixture.h"

#define parse_ok(name, msg) \
	assert_int_equal(net_parse(netlink_##name, sizeof(netlink_##name), msg), 0)

static void assert_addr(const struct dp_addr *addr, const char *text)
{
	char buf[DP_ADDR_STRLEN];

	assert_string_equal(dp_addr_format(addr, buf), text);
}

static void assert_prefix(const struct dp_prefix *prefix, const char *text)
{
	char buf[DP_PREFIX_STRLEN];

	assert_string_equal(dp_prefix_format(prefix, buf), text);
}

static const struct {
	const char *vector;
	enum net_change change;
	const char *name;
	const char *kind;
	uint16_t type;
	uint32_t mtu;
	uint8_t mac_last; /* of 02:00:00:00:00:xx, 0 = no such MAC */
	bool carrier;
	bool has_master;
} links[] = {
	{"link_lo", NET_CHANGE_NEW, "lo", "", ARPHRD_LOOPBACK, 65536, 0, true, false},
	{"link_veth", NET_CHANGE_NEW, "v0", "veth", ARPHRD_ETHER, 1400, 1, true, false},
	{"link_bridge_port", NET_CHANGE_NEW, "v1", "veth", ARPHRD_ETHER, 1500, 2, true, true},
	{"link_bridge", NET_CHANGE_NEW, "br0", "bridge", ARPHRD_ETHER, 1500, 3, true, false},
	{"link_tun", NET_CHANGE_NEW, "tun0", "tun", ARPHRD_NONE, 1500, 0, false, false},
	{"link_gone", NET_CHANGE_DEL, "v0", "veth", ARPHRD_ETHER, 1400, 1, false, false},
};

static const struct net_vector *vector_find(const char *name)
{
	for (size_t i = 0; i < NET_VECTORS; i++) {
		if (strcmp(net_vectors[i].name, name) == 0)
			return &net_vectors[i];
	}
	fail_msg("no vector %s", name);
	return NULL;
}

static void test_links(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		const struct net_vector *v = vector_find(links[i].vector);
		const uint8_t mac[6] = {0x02, 0, 0, 0, 0, links[i].mac_last};
		struct net_msg msg;

		print_message("%s\n", v->name);
		assert_int_equal(net_parse(v->bytes, v->len, &msg), 0);
		assert_int_equal(msg.kind, NET_LINK);
		assert_int_equal(msg.change, links[i].change);
		assert_true(msg.link.ifindex > 0);
		assert_string_equal(msg.link.name, links[i].name);
		assert_string_equal(msg.link.kind, links[i].kind);
		assert_int_equal(msg.link.type, links[i].type);
		assert_int_equal(msg.link.mtu, links[i].mtu);
		assert_int_equal(msg.link.carrier, links[i].carrier);
		assert_int_equal(msg.link.master != 0, links[i].has_master);
		if (links[i].mac_last) {
			assert_true(msg.link.has_mac);
			assert_memory_equal(msg.link.mac, mac, 6);
		}
		assert_int_equal((msg.link.flags & IFF_UP) != 0, links[i].change == NET_CHANGE_NEW);
	}
}

static const struct {
	const char *vector;
	enum net_change change;
	const char *prefix;
	uint8_t proto;
} addrs[] = {
	{"addr_ours", NET_CHANGE_NEW, "192.0.2.1/24", NET_PROTO},
	{"addr_peer", NET_CHANGE_NEW, "10.9.0.1/32", 0}, /* ours, not the peer's 10.9.0.2 */
	{"addr_ip6", NET_CHANGE_NEW, "2001:db8::1/64", 0},
	{"addr_gone", NET_CHANGE_DEL, "192.0.2.1/24", NET_PROTO},
};

static void test_addrs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addrs) / sizeof(addrs[0]); i++) {
		const struct net_vector *v = vector_find(addrs[i].vector);
		struct net_msg msg;

		print_message("%s\n", v->name);
		assert_int_equal(net_parse(v->bytes, v->len, &msg), 0);
		assert_int_equal(msg.kind, NET_ADDR);
		assert_int_equal(msg.change, addrs[i].change);
		assert_prefix(&msg.addr.prefix, addrs[i].prefix);
		assert_int_equal(msg.addr.proto, addrs[i].proto);
		assert_true(msg.addr.ifindex > 0);
		assert_int_equal(msg.addr.scope, RT_SCOPE_UNIVERSE);
	}
}

static const struct {
	const char *vector;
	enum net_change change;
	const char *addr;
	uint16_t state;
	uint8_t mac_last; /* of 02:00:00:00:xx:xx, 0 = none */
	bool usable;
} neighs[] = {
	{"neigh_stale", NET_CHANGE_NEW, "192.0.2.7", NUD_STALE, 7, true},
	{"neigh_failed", NET_CHANGE_NEW, "192.0.2.8", NUD_FAILED, 0, false},
	{"neigh_permanent", NET_CHANGE_NEW, "192.0.2.9", NUD_PERMANENT, 9, true},
	{"neigh_ip6", NET_CHANGE_NEW, "2001:db8::9", NUD_REACHABLE, 9, true},
	{"neigh_gone", NET_CHANGE_DEL, "192.0.2.7", NUD_STALE, 7, true}, /* as it was */
};

static void test_neighs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(neighs) / sizeof(neighs[0]); i++) {
		const struct net_vector *v = vector_find(neighs[i].vector);
		const uint8_t mac[6] = {0x02, 0, 0, 0, neighs[i].mac_last, neighs[i].mac_last};
		struct net_msg msg;

		print_message("%s\n", v->name);
		assert_int_equal(net_parse(v->bytes, v->len, &msg), 0);
		assert_int_equal(msg.kind, NET_NEIGH);
		assert_int_equal(msg.change, neighs[i].change);
		assert_addr(&msg.neigh.addr, neighs[i].addr);
		assert_int_equal(msg.neigh.state, neighs[i].state);
		assert_int_equal(msg.neigh.has_mac, neighs[i].mac_last != 0);
		if (msg.neigh.has_mac)
			assert_memory_equal(msg.neigh.mac, mac, 6);
		assert_int_equal(net_neigh_usable(&msg.neigh), neighs[i].usable);
	}
}

static const struct {
	const char *vector;
	enum net_change change;
	const char *prefix;
	uint32_t table;
	uint8_t type;
	uint8_t protocol;
	uint8_t scope;
	uint32_t metric;
	uint32_t nexthop_id;
	unsigned hops;
	const char *gateway; /* of the first next hop */
	uint16_t weight;
} routes[] = {
	{"route_default", NET_CHANGE_NEW, "0.0.0.0/0", RT_TABLE_MAIN, RTN_UNICAST, NET_PROTO,
	 RT_SCOPE_UNIVERSE, 10, 0, 1, "192.0.2.254", 1},
	{"route_host", NET_CHANGE_NEW, "10.255.0.11/32", RT_TABLE_MAIN, RTN_UNICAST, NET_PROTO,
	 RT_SCOPE_LINK, 10, 0, 1, "-", 1},
	{"route_blackhole", NET_CHANGE_NEW, "10.66.0.0/16", RT_TABLE_MAIN, RTN_BLACKHOLE,
	 RTPROT_BOOT, RT_SCOPE_UNIVERSE, 0, 0, 0, NULL, 0},
	{"route_multipath", NET_CHANGE_NEW, "10.77.0.0/16", 1000, RTN_UNICAST, RTPROT_BOOT,
	 RT_SCOPE_UNIVERSE, 0, 0, 2, "192.0.2.20", 3},
	{"route_via_ip6", NET_CHANGE_NEW, "10.88.0.0/16", RT_TABLE_MAIN, RTN_UNICAST, RTPROT_BOOT,
	 RT_SCOPE_UNIVERSE, 0, 0, 1, "2001:db8::88", 1},
	{"route_nexthop_id", NET_CHANGE_NEW, "10.99.0.0/16", RT_TABLE_MAIN, RTN_UNICAST,
	 RTPROT_BOOT, RT_SCOPE_UNIVERSE, 0, 42, 1, "192.0.2.42", 1},
	{"route_ip6", NET_CHANGE_NEW, "2001:db8:1::/48", RT_TABLE_MAIN, RTN_UNICAST, RTPROT_BOOT,
	 RT_SCOPE_UNIVERSE, 20, 0, 1, "2001:db8::254", 1},
};

static void test_routes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct net_vector *v = vector_find(routes[i].vector);
		struct net_msg msg;

		print_message("%s\n", v->name);
		assert_int_equal(net_parse(v->bytes, v->len, &msg), 0);
		assert_int_equal(msg.kind, NET_ROUTE);
		assert_int_equal(msg.change, routes[i].change);
		assert_prefix(&msg.route.prefix, routes[i].prefix);
		assert_int_equal(msg.route.table, routes[i].table);
		assert_int_equal(msg.route.type, routes[i].type);
		assert_int_equal(msg.route.protocol, routes[i].protocol);
		assert_int_equal(msg.route.scope, routes[i].scope);
		assert_int_equal(msg.route.metric, routes[i].metric);
		assert_int_equal(msg.route.nexthop_id, routes[i].nexthop_id);
		assert_int_equal(msg.route.nexthop_count, routes[i].hops);
		assert_false(msg.route.truncated);
		if (routes[i].hops > 0) {
			assert_addr(&msg.route.nexthops[0].gateway, routes[i].gateway);
			assert_int_equal(msg.route.nexthops[0].weight, routes[i].weight);
			assert_true(msg.route.nexthops[0].ifindex > 0);
		}
	}
}

static void test_route_second_hop(void **state)
{
	struct net_msg msg;

	(void)state;
	parse_ok(route_multipath, &msg);
	assert_addr(&msg.route.nexthops[1].gateway, "192.0.2.21");
	assert_int_equal(msg.route.nexthops[1].weight, 1);
	assert_int_equal(msg.route.nexthops[1].flags & RTNH_F_ONLINK, RTNH_F_ONLINK);
	parse_ok(route_gone, &msg);
	assert_int_equal(msg.change, NET_CHANGE_DEL);
}

static void test_route_how(void **state)
{
	struct net_msg first, second;

	(void)state;
	parse_ok(route_replaced, &first);
	assert_int_equal(first.route.how, NLM_F_REPLACE);
	assert_int_equal(first.route.nexthops[0].encap, 0);
	parse_ok(route_appended, &second);
	assert_int_equal(second.route.how, NLM_F_APPEND);
	assert_int_equal(second.route.nexthops[0].encap, 1);
	/* A route's own MTU is of the digest. */
	assert_int_not_equal(first.route.rest, second.route.rest);
	parse_ok(route_default, &first);
	assert_int_equal(first.route.how, NLM_F_MULTI);
}

static void test_nexthops(void **state)
{
	struct net_msg msg;

	(void)state;
	parse_ok(nexthop_single, &msg);
	assert_int_equal(msg.kind, NET_NEXTHOP);
	assert_int_equal(msg.change, NET_CHANGE_NEW);
	assert_int_equal(msg.nexthop.id, 42);
	assert_int_equal(msg.nexthop.family, AF_INET);
	assert_int_equal(msg.nexthop.member_count, 0);
	assert_false(msg.nexthop.blackhole);
	assert_addr(&msg.nexthop.hop.gateway, "192.0.2.42");
	assert_true(msg.nexthop.hop.ifindex > 0);
	parse_ok(nexthop_group, &msg);
	assert_int_equal(msg.nexthop.id, 44);
	assert_int_equal(msg.nexthop.member_count, 2);
	assert_int_equal(msg.nexthop.members[0].id, 42);
	assert_int_equal(msg.nexthop.members[0].weight, 3);
	assert_int_equal(msg.nexthop.members[1].id, 43);
	assert_int_equal(msg.nexthop.members[1].weight, 256);
	parse_ok(nexthop_blackhole, &msg);
	assert_int_equal(msg.nexthop.id, 45);
	assert_true(msg.nexthop.blackhole);
	parse_ok(nexthop_gone, &msg);
	assert_int_equal(msg.change, NET_CHANGE_DEL);
	assert_int_equal(msg.nexthop.id, 43);
}

static void test_conf(void **state)
{
	struct net_msg msg;

	(void)state;
	parse_ok(conf_dump, &msg);
	assert_int_equal(msg.kind, NET_CONF);
	assert_int_equal(msg.conf.forwarding, 0);
	assert_int_equal(msg.conf.rp_filter, 0);
	parse_ok(conf_forwarding, &msg);
	assert_int_equal(msg.conf.ifindex, NET_CONF_ALL);
	assert_int_equal(msg.conf.family, AF_INET);
	assert_int_equal(msg.conf.forwarding, 1);
	assert_int_equal(msg.conf.rp_filter, -1);
}

/* A bridge speaks of its port: neither a link of ours, nor, above all, the link's end. */
static void test_bridge_is_not_ours(void **state)
{
	struct net_msg msg;

	(void)state;
	assert_int_equal(
		net_parse(netlink_link_as_bridge_sees, sizeof(netlink_link_as_bridge_sees), &msg),
		-EPROTONOSUPPORT);
	assert_int_equal(
		net_parse(netlink_link_left_bridge, sizeof(netlink_link_left_bridge), &msg),
		-EPROTONOSUPPORT);
}

static void test_acks(void **state)
{
	struct net_ack ack;
	struct net_msg msg;

	(void)state;
	assert_int_equal(net_parse_ack(netlink_ack_no_device, sizeof(netlink_ack_no_device), &ack),
			 0);
	assert_int_equal(ack.error, -ENODEV);
	assert_string_equal(ack.text, "");
	assert_int_equal(net_parse_ack(netlink_ack_words, sizeof(netlink_ack_words), &ack), 0);
	assert_int_equal(ack.error, -ENETUNREACH);
	assert_string_equal(ack.text, "Nexthop has invalid gateway");
	assert_int_equal(net_parse_ack(netlink_ack_done, sizeof(netlink_ack_done), &ack), 0);
	assert_int_equal(ack.error, 0);
	assert_int_equal(net_parse_ack(netlink_link_lo, sizeof(netlink_link_lo), &ack),
			 -EPROTONOSUPPORT);
	assert_int_equal(net_parse(netlink_ack_done, sizeof(netlink_ack_done), &msg),
			 -EPROTONOSUPPORT);
}

static void test_state_names(void **state)
{
	char buf[NET_NEIGH_STATE_STRLEN];

	(void)state;
	assert_string_equal(net_neigh_state_format(NUD_STALE, buf), "STALE");
	assert_string_equal(net_neigh_state_format(NUD_PERMANENT, buf), "PERMANENT");
	assert_string_equal(net_neigh_state_format(NUD_NONE, buf), "NONE");
	assert_string_equal(net_neigh_state_format(NUD_STALE | NUD_FAILED, buf), "state-0x24");
	assert_string_equal(net_neigh_state_format(0xffff, buf), "state-0xffff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_addrs),
		cmocka_unit_test(test_neighs),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_route_second_hop),
		cmocka_unit_test(test_route_how),
		cmocka_unit_test(test_nexthops),
		cmocka_unit_test(test_conf),
		cmocka_unit_test(test_bridge_is_not_ours),
		cmocka_unit_test(test_acks),
		cmocka_unit_test(test_state_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
