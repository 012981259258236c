/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where packets for an address go, and how far around it the same is true: what a next-hop server
 * tells who asks.
 */
#include "rib_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const routes[] = {
	"0.0.0.0/0 via 192.0.2.254 dev 10",
	"64.0.0.0/4 via 10.1.1.2 dev 11",
	"10.255.0.0/24 dev 20",
	"10.1.1.0/24 dev 11",
	"10.1.0.0/16 via 10.1.1.2 dev 11",
	"10.1.12.0/24 via 10.255.0.12 dev 20",
	"10.2.0.0/16 via 10.1.1.2 dev 11",
	"10.2.128.0/17 via 10.255.0.13 dev 20",
	"10.2.64.7/32 via 10.255.0.13 dev 20",
	"10.3.0.0/24 via 10.1.1.2 dev 11",
	"10.3.0.0/16 type 6",
	"10.4.0.0/16 via 10.255.0.11 dev 20 via 10.255.0.12 dev 20",
	"10.5.0.0/16 via 10.1.1.2 dev 11",
	"10.5.1.0/24 via 10.9.9.9 dev 99", /* over an interface that is not ours */
	"10.255.0.12/32 dev 20 proto 233", /* our own host route: not in the FIB */
	"172.16.0.0/12 via 10.255.0.11 dev 20 metric 20",
	"172.16.0.0/12 via 10.1.1.2 dev 11 metric 10",
};

struct row {
	const char *to, *prefix, *text;
	uint8_t widest;
};

static const char *text_of(const struct rib_match *m)
{
	static char text[96];
	char gateway[DP_ADDR_STRLEN];
	static const char *const types[] = {"local", "connected", "gateway", "blackhole",
					    "multipath"};
	static const char *const kinds[] = {"none", "port", "tunnel"};

	snprintf(text, sizeof(text), "%s %s %u %s", types[m->route.type],
		 kinds[m->route.iface.kind], m->route.iface.id,
		 dp_addr_format(&m->route.gateway, gateway));
	return text;
}

static void setup_routes(void)
{
	struct dp_prefix own;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		told(routes[i]);
	assert_int_equal(dp_prefix_parse(&own, "10.1.1.1/24"), 0);
	rib_addr_told(rib, NET_CHANGE_NEW, &own, LAN);
	settle();
}

static void test_lookup(void **state)
{
	static const struct row rows[] = {
		{"10.1.1.10", "10.1.1.0/24", "connected port 1 -", 24},
		{"10.1.1.1", "10.1.1.1/32", "local port 1 -", 32},
		{"10.255.0.77", "10.255.0.0/24", "connected tunnel 5 -", 24},
		{"10.1.12.10", "10.1.12.0/24", "gateway tunnel 5 10.255.0.12", 24},
		/* .1 and .12 are elsewhere: what is left around .200 begins at .128 */
		{"10.1.200.1", "10.1.0.0/16", "gateway port 1 10.1.1.2", 17},
		{"10.1.13.1", "10.1.0.0/16", "gateway port 1 10.1.1.2", 24},
		{"10.2.1.1", "10.2.0.0/16", "gateway port 1 10.1.1.2", 18},
		{"10.2.64.6", "10.2.0.0/16", "gateway port 1 10.1.1.2", 32},
		{"10.2.129.1", "10.2.128.0/17", "gateway tunnel 5 10.255.0.13", 17},
		{"10.3.1.1", "10.3.0.0/16", "blackhole none 0 -", 24},
		{"10.3.0.1", "10.3.0.0/24", "gateway port 1 10.1.1.2", 24},
		{"10.4.1.1", "10.4.0.0/16", "multipath none 0 -", 16},
		{"10.5.1.1", "10.5.0.0/16", "gateway port 1 10.1.1.2", 16},
		{"172.16.1.1", "172.16.0.0/12", "gateway port 1 10.1.1.2", 12},
		{"198.51.100.1", "0.0.0.0/0", "gateway port 0 192.0.2.254", 32},
		{"65.1.1.1", "64.0.0.0/4", "gateway port 1 10.1.1.2", 8},
	};

	(void)state;
	setup_routes();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char prefix[DP_PREFIX_STRLEN];
		struct rib_match m;
		struct dp_addr to;

		assert_int_equal(dp_addr_parse(&to, rows[i].to), 0);
		assert_int_equal(rib_lookup(rib, &to, &m), 0);
		assert_string_equal(dp_prefix_format(&m.prefix, prefix), rows[i].prefix);
		assert_string_equal(text_of(&m), rows[i].text);
		if (rib_widest(&to, &m) != rows[i].widest)
			fail_msg("%s: /%u, not /%u", rows[i].to, rib_widest(&to, &m),
				 rows[i].widest);
	}
}

static void test_none(void **state)
{
	struct dp_addr to, ip6;
	struct rib_match m;

	(void)state;
	assert_int_equal(dp_addr_parse(&to, "10.1.1.10"), 0);
	assert_int_equal(dp_addr_parse(&ip6, "2001:db8::1"), 0);
	assert_int_equal(rib_lookup(rib, &to, &m), -ENETUNREACH);
	told("10.1.1.0/24 dev 11");
	assert_int_equal(rib_lookup(rib, &to, &m), 0);
	assert_int_equal(rib_lookup(rib, &ip6, &m), -ENETUNREACH);
	gone("10.1.1.0/24 dev 11");
	settle();
	assert_int_equal(rib_lookup(rib, &to, &m), -ENETUNREACH);
}

/* What the dataplane refused is not where packets go. */
static void test_refused(void **state)
{
	char prefix[DP_PREFIX_STRLEN];
	struct rib_match m;
	struct dp_addr to;

	(void)state;
	assert_int_equal(dp_addr_parse(&to, "10.1.1.10"), 0);
	told("10.0.0.0/8 via 192.0.2.9 dev 10");
	fib.set_rc = -ENOSPC;
	told("10.1.1.0/24 dev 11");
	assert_int_equal(rib_lookup(rib, &to, &m), 0);
	assert_string_equal(dp_prefix_format(&m.prefix, prefix), "10.0.0.0/8");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lookup, rib_setup, rib_teardown),
		cmocka_unit_test_setup_teardown(test_none, rib_setup, rib_teardown),
		cmocka_unit_test_setup_teardown(test_refused, rib_setup, rib_teardown),
	};

	return cmocka_run_group_tests_name("rib_lookup", tests, NULL, NULL);
}
