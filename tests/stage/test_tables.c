/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables behind the line: capacities and their errors, handles that come back only after a
 * grace period, bindings that follow a spoke.
 */
#include "stage.h"

#include <rte_rcu_qsbr.h>

#include "dataplane/defer.h"
#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/fib.h"

#define READER 7 /* QSBR id of a worker that the tests play */

static struct dp_prefix prefix(const char *text)
{
	struct dp_prefix p;

	assert_int_equal(dp_prefix_parse(&p, text), 0);
	return p;
}

static int route_set(const char *text, const char *via)
{
	struct dp_prefix p = prefix(text);
	struct dp_route r = {.type = DP_ROUTE_GATEWAY,
			     .iface = {.kind = DP_IFACE_TUNNEL, .id = stage.tunnel100},
			     .gateway = stage_addr(via)};

	return dp_fib_set(0, &p, &r);
}

static int route_del(const char *text)
{
	struct dp_prefix p = prefix(text);

	return dp_fib_del(0, &p);
}

/* Outer destination of a packet from spoke 11 to `dst`, "" when it is dropped. */
static const char *goes_to(const char *dst)
{
	static char text[DP_ADDR_STRLEN];
	struct stage_packet in = stage_from_spoke(
		"192.0.2.11", stage_ip((struct stage_ip){.src = "10.1.11.1", .dst = dst}));
	const struct stage_result *r = stage_run(stage.wan, &in, 1);
	struct dp_addr nbma;

	if (r->wan_n == 0)
		return "";
	assert_int_equal(dp_addr_from_bytes(&nbma, r->wan[0].bytes + 14 + 16, 4), 0);
	return dp_addr_format(&nbma, text);
}

static void test_longest_prefix(void **state)
{
	static const char *const nested[] = {"172.16.0.0/12", "172.16.5.0/24", "172.16.5.0/25",
					     "172.16.5.4/30", "172.16.5.5/32"};

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(route_set(nested[i], i % 2 ? "10.255.0.12" : "10.255.0.11"), 0);
	assert_string_equal(goes_to("172.16.5.5"), "192.0.2.11");
	assert_string_equal(goes_to("172.16.5.6"), "192.0.2.12");
	assert_string_equal(goes_to("172.16.5.9"), "192.0.2.11");
	assert_string_equal(goes_to("172.16.5.200"), "192.0.2.12");
	assert_string_equal(goes_to("172.16.6.1"), "192.0.2.11");
	for (unsigned i = 5; i-- > 0;)
		assert_int_equal(route_del(nested[i]), 0);
	assert_string_equal(goes_to("172.16.5.5"), "");
	assert_int_equal(route_del("172.16.5.5/32"), -ENOENT);
}

/* Own addresses are inside 192.0.2.0/24 and 10.1.1.0/24, the spokes' LANs in 10.1.0.0/16. */
static void test_longer(void **state)
{
	static const struct {
		const char *prefix;
		bool longer;
	} rows[] = {
		{"172.16.0.0/12", true},  {"172.16.5.0/24", true},   {"172.16.5.4/31", true},
		{"172.16.5.6/31", false}, {"172.16.5.5/32", false},  {"172.16.5.128/25", false},
		{"172.16.4.0/24", false}, {"172.16.4.0/23", true},   {"0.0.0.0/0", true},
		{"192.0.2.0/24", false},  {"192.0.0.0/16", true},    {"10.1.1.0/24", false},
		{"10.1.0.0/16", true},    {"203.0.113.0/24", false},
	};
	struct dp_prefix ip6 = prefix("2001:db8::/32");

	(void)state;
	assert_int_equal(route_set("172.16.5.0/24", "10.255.0.11"), 0);
	assert_int_equal(route_set("172.16.5.5/32", "10.255.0.12"), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dp_prefix p = prefix(rows[i].prefix);

		if (dp_fib_has_longer(0, &p) != rows[i].longer)
			fail_msg("%s", rows[i].prefix);
	}
	assert_false(dp_fib_has_longer(0, &ip6));
	assert_int_equal(route_del("172.16.5.5/32"), 0);
	assert_int_equal(route_del("172.16.5.0/24"), 0);
}

static void test_route_errors(void **state)
{
	struct dp_prefix host_bits = prefix("172.16.0.1/12"), ip6 = prefix("2001:db8::/32");
	struct dp_route r = {.type = DP_ROUTE_BLACKHOLE};
	struct dp_fib_info before, after;
	char text[32];

	(void)state;
	assert_int_equal(dp_fib_set(0, &host_bits, &r), -EINVAL);
	assert_int_equal(dp_fib_set(0, &ip6, &r), -EAFNOSUPPORT);
	assert_int_equal(dp_fib_set(1, &ip6, &r), -EINVAL);
	/* Groups: as many /24 with longer prefixes as limits.tbl8 says, then a named refusal that
	 * leaves everything as it was. */
	dp_fib_info_get(0, &before);
	for (unsigned i = 0; i < before.tbl8_max - before.tbl8; i++) {
		snprintf(text, sizeof(text), "172.17.%u.0/25", i);
		assert_int_equal(route_set(text, "10.255.0.12"), 0);
	}
	assert_int_equal(route_set("172.18.0.0/25", "10.255.0.12"), -ENOSPC);
	assert_non_null(strstr(dp_error(), "limits.tbl8"));
	assert_string_equal(goes_to("172.18.0.1"), "");
	assert_int_equal(route_set("172.17.0.128/25", "10.255.0.11"), 0); /* group is there */
	dp_fib_info_get(0, &after);
	assert_int_equal(after.full, before.full + 1);
	assert_int_equal(after.tbl8, after.tbl8_max);
	for (unsigned i = 0; i < before.tbl8_max - before.tbl8; i++) {
		snprintf(text, sizeof(text), "172.17.%u.0/25", i);
		assert_int_equal(route_del(text), 0);
	}
	assert_int_equal(route_del("172.17.0.128/25"), 0);
	dp_fib_info_get(0, &after);
	assert_int_equal(after.tbl8, before.tbl8);
	assert_int_equal(after.routes, before.routes);
}

static void test_route_capacity(void **state)
{
	struct dp_fib_info info;
	char text[32];
	uint32_t n;

	(void)state;
	dp_fib_info_get(0, &info);
	n = info.routes_max - info.routes;
	for (uint32_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "11.%u.%u.0/24", i >> 8, i & 255);
		assert_int_equal(route_set(text, "10.255.0.12"), 0);
	}
	assert_int_equal(route_set("12.0.0.0/24", "10.255.0.12"), -ENOSPC);
	assert_non_null(strstr(dp_error(), "limits.routes"));
	assert_int_equal(route_set("11.0.0.0/24", "10.255.0.11"), 0); /* replace needs no room */
	for (uint32_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "11.%u.%u.0/24", i >> 8, i & 255);
		assert_int_equal(route_del(text), 0);
	}
}

static void test_route_list(void **state)
{
	struct dp_fib_cursor cursor = {0};
	struct dp_fib_row rows[3];
	struct dp_fib_info info;
	char last[DP_PREFIX_STRLEN] = "";
	unsigned n, total = 0;

	(void)state;
	assert_int_equal(route_set("0.0.0.0/0", "10.255.0.12"), 0);
	while ((n = dp_fib_list(0, &cursor, rows, 3)) > 0) {
		if (total == 0)
			assert_int_equal(rows[0].prefix.len, 0);
		total += n;
		dp_prefix_format(&rows[n - 1].prefix, last);
	}
	dp_fib_info_get(0, &info);
	assert_int_equal(total, info.routes);
	assert_string_equal(last, "192.0.2.0/24"); /* after its own 192.0.2.1/32 */
	assert_int_equal(route_del("0.0.0.0/0"), 0);
}

/* Tells the whole list one by one into texts[]; deletes the row of number `victim` when it was
 * told. */
static unsigned list_all(char texts[][DP_PREFIX_STRLEN], unsigned max, unsigned victim)
{
	struct dp_fib_cursor cursor = {0};
	struct dp_fib_row row;
	unsigned n = 0;

	while (dp_fib_list(0, &cursor, &row, 1) == 1) {
		assert_true(n < max);
		dp_prefix_format(&row.prefix, texts[n]);
		if (n++ == victim)
			assert_int_equal(dp_fib_del(0, &row.prefix), 0);
	}
	return n;
}

/* The row that a listing stands at goes away: the rest is told all the same, each once. */
static void test_route_list_deleted(void **state)
{
	static const char *const routes[] = {"0.0.0.0/0",       "128.0.0.0/1",   "172.16.0.0/12",
					     "172.30.0.0/16",   "172.30.0.0/24", "172.30.1.0/24",
					     "172.30.1.128/25", "172.30.1.9/32", "172.31.0.0/16",
					     "192.0.0.0/2",     "255.0.0.0/8"};
	char before[64][DP_PREFIX_STRLEN], texts[64][DP_PREFIX_STRLEN];
	unsigned total;

	(void)state;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		assert_int_equal(route_set(routes[i], "10.255.0.12"), 0);
	total = list_all(before, 64, UINT32_MAX);
	for (unsigned victim = 0; victim < total; victim++) {
		bool ours = false;

		for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
			ours |= strcmp(routes[i], before[victim]) == 0;
		if (!ours)
			continue;
		assert_int_equal(list_all(texts, 64, victim), total);
		for (unsigned i = 0; i < total; i++)
			assert_string_equal(texts[i], before[i]);
		assert_int_equal(route_set(before[victim], "10.255.0.12"), 0);
	}
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		assert_int_equal(route_del(routes[i]), 0);
}

/* A route via an overlay address follows that address: bound ahead, unbound, moved. */
static void test_gateway_binding(void **state)
{
	struct dp_addr gateway = stage_addr("10.255.0.50");

	(void)state;
	assert_int_equal(route_set("172.20.0.0/16", "10.255.0.50"), 0);
	assert_string_equal(goes_to("172.20.1.1"), "");
	assert_int_equal(dp_nexthop_set(stage.tunnel100, &gateway, stage.spoke12), 0);
	assert_string_equal(goes_to("172.20.1.1"), "192.0.2.12");
	assert_string_equal(goes_to("10.255.0.50"), "192.0.2.12");
	assert_int_equal(dp_nexthop_set(stage.tunnel100, &gateway, stage.spoke11), 0);
	assert_string_equal(goes_to("172.20.1.1"), "192.0.2.11");
	assert_int_equal(dp_nexthop_find(stage.tunnel100, &gateway), stage.spoke11);
	assert_int_equal(dp_nexthop_del(stage.tunnel100, &gateway), 0);
	assert_string_equal(goes_to("172.20.1.1"), "");
	assert_int_equal(dp_nexthop_del(stage.tunnel100, &gateway), -ENOENT);
	assert_int_equal(route_del("172.20.0.0/16"), 0);
}

/* ECMP: a flow stays on its path, flows spread by weight, and paths go with their route. */
static void test_multipath(void **state)
{
	struct dp_iface iface = {.kind = DP_IFACE_TUNNEL, .id = stage.tunnel100};
	struct dp_path paths[2] = {{iface, stage_addr("10.255.0.11"), 1},
				   {iface, stage_addr("10.255.0.12"), 3}};
	struct dp_route r = {.type = DP_ROUTE_MULTIPATH, .paths = paths, .path_count = 2};
	struct dp_prefix p = prefix("172.22.0.0/16"), q = prefix("172.23.0.0/16");
	unsigned to_12 = 0;
	char dst[32];

	(void)state;
	assert_int_equal(dp_fib_set(0, &p, &r), 0);
	assert_int_equal(dp_fib_set(0, &q, &r), 0); /* shares the group */
	for (unsigned i = 0; i < 512; i++) {
		const char *first;

		snprintf(dst, sizeof(dst), "172.22.%u.%u", i >> 8, i & 255);
		first = goes_to(dst);
		to_12 += strcmp(first, "192.0.2.12") == 0;
		assert_true(strcmp(first, "192.0.2.12") == 0 || strcmp(first, "192.0.2.11") == 0);
		if (strcmp(first, "192.0.2.12") == 0)
			assert_string_equal(goes_to(dst), "192.0.2.12");
	}
	assert_in_range(to_12, 512 * 65 / 100, 512 * 85 / 100);
	r.path_count = 1;
	assert_int_equal(dp_fib_set(0, &p, &r), -EINVAL);
	r.path_count = 2;
	paths[0].weight = 0;
	assert_int_equal(dp_fib_set(0, &p, &r), -EINVAL);
	paths[0].weight = 65535; /* the other one still gets a bucket */
	assert_int_equal(dp_fib_set(0, &p, &r), 0);
	to_12 = 0;
	for (unsigned i = 0; i < 512; i++) {
		snprintf(dst, sizeof(dst), "172.22.%u.%u", i >> 8, i & 255);
		to_12 += strcmp(goes_to(dst), "192.0.2.12") == 0;
	}
	assert_in_range(to_12, 1, 40);
	assert_int_equal(dp_fib_del(0, &p), 0);
	assert_int_equal(dp_fib_del(0, &q), 0);
	defer_poll(); /* groups, then */
	defer_poll(); /* their members */
	assert_int_equal(defer_pending(), 0);
	assert_string_equal(goes_to("172.23.1.1"), "");
}

/* A new adjacency (other underlay neighbour) reaches host next hops and routes alike. */
static void test_rebind(void **state)
{
	struct dp_addr other = stage_addr("192.0.2.21"), own = stage_addr("192.0.2.12");
	uint32_t neigh;

	(void)state;
	assert_int_equal(dp_neigh_get(stage.wan, &other, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(stage.spoke12, neigh), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct stage_packet in = stage_from_spoke(
			"192.0.2.11",
			stage_ip((struct stage_ip){.src = "10.1.11.1",
						   .dst = i ? "10.255.0.12" : "10.1.12.1"}));
		const struct stage_result *r = stage_run(stage.wan, &in, 1);

		assert_int_equal(r->wan_n, 1);
		assert_int_equal(r->wan[0].bytes[5], 21);           /* MAC of the gateway */
		assert_int_equal(r->wan[0].bytes[14 + 16 + 3], 12); /* address of the spoke */
	}
	assert_int_equal(dp_neigh_get(stage.wan, &own, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(stage.spoke12, neigh), 0);
}

/* While a worker may still hold an old handle it is not given out again. */
static void test_grace_period(void **state)
{
	struct dp_spoke_key key = {.tunnel = stage.tunnel100, .nbma = stage_addr("192.0.2.99")};
	uint32_t first, second;

	(void)state;
	defer_poll();
	assert_int_equal(defer_pending(), 0);
	rte_rcu_qsbr_thread_register(dp_qsbr, READER);
	rte_rcu_qsbr_thread_online(dp_qsbr, READER);
	assert_int_equal(dp_spoke_add(&key, &first), 0);
	assert_int_equal(dp_spoke_del(first), 0);
	defer_poll();
	assert_int_equal(defer_pending(), 2);
	assert_int_equal(dp_spoke_add(&key, &second), 0);
	assert_int_not_equal(second, first);
	/* FIB: a delete may have freed a group; an add that may take one waits, then refuses. */
	assert_int_equal(route_set("172.21.0.0/25", "10.255.0.12"), 0);
	assert_int_equal(route_del("172.21.0.0/25"), -EAGAIN);
	rte_rcu_qsbr_quiescent(dp_qsbr, READER);
	assert_int_equal(route_del("172.21.0.0/25"), 0);
	assert_int_equal(route_set("172.21.0.0/25", "10.255.0.12"), -EAGAIN);
	assert_non_null(strstr(dp_error(), "stuck"));
	rte_rcu_qsbr_quiescent(dp_qsbr, READER);
	rte_rcu_qsbr_thread_offline(dp_qsbr, READER);
	rte_rcu_qsbr_thread_unregister(dp_qsbr, READER);
	defer_poll();
	assert_int_equal(defer_pending(), 0);
	assert_int_equal(route_set("172.21.0.0/25", "10.255.0.12"), 0);
	assert_int_equal(route_del("172.21.0.0/25"), 0);
	assert_int_equal(dp_spoke_del(second), 0);
	assert_int_equal(dp_spoke_del(second), -ENOENT);
}

static void test_spoke_capacity(void **state)
{
	struct dp_spoke_key key = {.tunnel = stage.tunnel200};
	uint32_t spokes[64], again;
	unsigned n = 0;
	int rc;

	(void)state;
	defer_poll();
	for (;; n++) {
		key.nbma = dp_addr_ip4(htonl(0xc6336401 + n));
		rc = dp_spoke_add(&key, &spokes[n]);
		if (rc < 0)
			break;
		assert_in_range(n, 0, 63);
	}
	assert_int_equal(rc, -ENOSPC);
	assert_non_null(strstr(dp_error(), "limits.spokes"));
	assert_int_equal(n, 64 - 3); /* the topology has three */
	key.nbma = dp_addr_ip4(htonl(0xc6336401));
	assert_int_equal(dp_spoke_add(&key, &again), -EEXIST);
	assert_int_equal(again, spokes[0]);
	assert_int_equal(dp_tunnel_del(stage.tunnel200), -EBUSY);
	while (n-- > 0)
		assert_int_equal(dp_spoke_del(spokes[n]), 0);
	defer_poll();
	assert_int_equal(defer_pending(), 0);
}

static void test_neighbour_references(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, 77};
	struct dp_addr addr = stage_addr("10.1.1.77");
	struct dp_neigh_info rows[128];
	uint32_t cursor = 0, neigh;
	unsigned n, before;

	(void)state;
	before = dp_neigh_list(&cursor, rows, 128);
	assert_int_equal(dp_neigh_set(stage.lan, &addr, NULL), 0); /* unknown: nothing happens */
	assert_int_equal(dp_neigh_get(stage.lan, &addr, &neigh), 0);
	assert_int_equal(dp_neigh_set(stage.lan, &addr, mac), 0);
	assert_int_equal(dp_neigh_set(stage.lan, &addr, NULL), 0); /* held by the reference */
	cursor = 0;
	n = dp_neigh_list(&cursor, rows, 128);
	assert_int_equal(n, before + 1);
	assert_false(rows[n - 1].resolved);
	dp_neigh_put(neigh);
	cursor = 0;
	assert_int_equal(dp_neigh_list(&cursor, rows, 128), before);
	defer_poll();
}

static void test_tunnel_errors(void **state)
{
	struct dp_tunnel_conf conf = {
		.name = "TunnelX", .source = stage_addr("192.0.2.1"), .has_key = true, .key = 42};
	uint16_t tunnel;

	(void)state;
	assert_int_equal(dp_tunnel_add(&conf, &tunnel), -EEXIST);
	assert_non_null(strstr(dp_error(), "Tunnel100"));
	for (conf.key = 1000; conf.key < 1002; conf.key++)
		assert_int_equal(dp_tunnel_add(&conf, &tunnel), 0);
	assert_int_equal(dp_tunnel_add(&conf, &tunnel), -ENOSPC);
	assert_int_equal(dp_tunnel_del(2), 0);
	assert_int_equal(dp_tunnel_del(3), 0);
	assert_int_equal(dp_tunnel_del(3), -ENOENT);
	defer_poll();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_longest_prefix),  cmocka_unit_test(test_longer),
		cmocka_unit_test(test_route_errors),    cmocka_unit_test(test_route_capacity),
		cmocka_unit_test(test_route_list),      cmocka_unit_test(test_route_list_deleted),
		cmocka_unit_test(test_gateway_binding), cmocka_unit_test(test_multipath),
		cmocka_unit_test(test_rebind),          cmocka_unit_test(test_grace_period),
		cmocka_unit_test(test_spoke_capacity),  cmocka_unit_test(test_neighbour_references),
		cmocka_unit_test(test_tunnel_errors),
	};

	return cmocka_run_group_tests_name("tables", tests, stage_setup, stage_teardown);
}
