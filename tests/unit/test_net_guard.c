/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of twins and the guard of raw interfaces, judged by what the real kernel does with
 * packets. Each "nothing comes" has its "something came" before, over the same path.
 */
#include "tests/unit/net_world.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "control/net/net_guard.h"
#include "control/net/net_twin.h"

#define ANSWER_MS 3000
/* A reply is made within the arrival of its request, in the same softirq: once a later request was
 * seen, this is only for the scheduler. */
#define SILENCE_MS 50

static struct seen seen;

#define ok(call)                                                \
	do {                                                    \
		if ((call) != 0)                                \
			fail_msg("%s: %s", #call, net_error()); \
	} while (0)

/* ---- twins ---- */

static const struct {
	const char *path;
	int value;
} twin_values[] = {
	{"ipv4/conf/h0/forwarding", 0},        {"ipv4/conf/h0/rp_filter", 0},
	{"ipv4/conf/h0/send_redirects", 0},    {"ipv4/conf/h0/accept_redirects", 0},
	{"ipv4/conf/all/accept_redirects", 0}, {"ipv4/conf/h0/arp_ignore", 1},
	{"ipv4/conf/h0/arp_announce", 2},      {"ipv4/conf/h0/promote_secondaries", 1},
	{"ipv6/conf/h0/disable_ipv6", 1},
};

static void test_twin_values(void **state)
{
	struct world *w = *state;

	world_run(w->hub, "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.h0.rp_filter=1 "
			  "net.ipv6.conf.h0.disable_ipv6=0 net.ipv4.conf.all.accept_redirects=1 "
			  "net.ipv4.conf.h0.accept_redirects=1");
	assert_int_equal(world_sysctl("ipv4/conf/h0/forwarding"), 1);
	for (int again = 0; again < 2; again++) {
		ok(net_twin_setup("h0"));
		for (size_t i = 0; i < sizeof(twin_values) / sizeof(twin_values[0]); i++) {
			print_message("%s\n", twin_values[i].path);
			assert_int_equal(world_sysctl(twin_values[i].path), twin_values[i].value);
		}
	}
	assert_int_equal(world_sysctl("ipv4/conf/all/forwarding"), 1); /* not ours to switch */
	world_run(w->hub, "[ -z \"$(ip -6 addr show dev h0)\" ]");
}

/* all/ and the interface: the larger counts, so loose (2) is what we can have beside strict (1). */
static void test_twin_rp_filter_of_all(void **state)
{
	struct world *w = *state;

	world_run(w->hub, "sysctl -qw net.ipv4.conf.all.rp_filter=1");
	ok(net_twin_setup("h0"));
	assert_int_equal(world_sysctl("ipv4/conf/h0/rp_filter"), 2);
	assert_int_equal(world_sysctl("ipv4/conf/all/rp_filter"), 1);
	world_run(w->hub, "sysctl -qw net.ipv4.conf.all.rp_filter=0");
	ok(net_twin_setup("h0"));
	assert_int_equal(world_sysctl("ipv4/conf/h0/rp_filter"), 0);
}

static void test_twin_errors(void **state)
{
	struct world *w = *state;

	assert_int_equal(net_twin_setup("nosuch0"), -ENODEV);
	assert_non_null(strstr(net_error(), "/proc/sys/net/ipv4/conf/nosuch0/forwarding"));
	assert_int_equal(net_twin_setup("../all"), -EINVAL);
	/* No IPv6 on an interface below its smallest MTU: nothing to switch off. */
	world_run(w->hub, "ip link set h0 mtu 1200");
	ok(net_twin_setup("h0"));
}

/*
 *  peer: p0 --- h0 :hub: g0 --- q0 :peer      p0 sends to 203.0.113.9, which is behind g0
 */
static void transit_topology(struct world *w)
{
	world_run(
		w->hub,
		"ip link add g0 type veth peer name q0 netns /proc/%d/fd/%d && ip link set g0 up "
		"&& "
		"ip addr add 192.0.2.1/24 dev h0 && ip addr add 198.51.100.1/24 dev g0 && "
		"ip route add 203.0.113.0/24 via 198.51.100.9 && sysctl -qw net.ipv4.ip_forward=1",
		getpid(), w->peer);
	world_run(w->peer, "ip link set q0 up && ip addr add 192.0.2.2/24 dev p0 && "
			   "ip route add 203.0.113.0/24 via 192.0.2.1");
	world_run(w->hub,
		  "ip neigh replace 198.51.100.9 lladdr 02:00:00:00:00:09 dev g0 nud permanent");
}

/* Does a packet from p0 with this number come out of q0? A ping of the hub itself goes the same way
 * in behind it, and a last one from the hub the same way out. */
static bool transit_passes(struct world *w, int icmp, int q0, uint16_t number, int timeout_ms)
{
	int out = world_socket(w->hub, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	bool passed;

	world_ping_send(icmp, "203.0.113.9", number);
	world_ping_send(icmp, "192.0.2.1", number);
	assert_true(world_pong_wait(icmp, number, ANSWER_MS));
	passed = world_request_seen(q0, number, timeout_ms);
	world_ping_send(out, "203.0.113.9", (uint16_t)(number + 1));
	assert_true(world_request_seen(q0, (uint16_t)(number + 1), ANSWER_MS));
	close(out);
	return passed;
}

static bool forwarding_told(const struct seen *s, const void *ifindex)
{
	return s->forwarding[*(const uint32_t *)ifindex] == 1;
}

static void test_transit_stops_at_a_twin(void **state)
{
	const struct net_feed_conf conf = {0};
	struct world *w = *state;
	struct net_feed *feed;
	uint32_t h0;
	int icmp, q0;

	transit_topology(w);
	icmp = world_socket(w->peer, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	q0 = world_sniffer(w->peer, "q0");
	assert_true(transit_passes(w, icmp, q0, 10, ANSWER_MS));
	ok(net_twin_setup("h0"));
	ok(net_twin_setup("g0"));
	assert_false(transit_passes(w, icmp, q0, 20, SILENCE_MS));
	/* Writing ip_forward once more sets every interface; the feed tells, and we set it back. */
	feed = seen_feed_open(&seen, &conf);
	seen_quiet(feed);
	ok(net_link_index("h0", &h0));
	assert_int_equal(seen.forwarding[h0], 0);
	world_run(w->hub, "sysctl -qw net.ipv4.ip_forward=0 net.ipv4.ip_forward=1 && ip addr add "
			  "192.0.2.77/24 dev g0");
	seen_until(feed, &seen, forwarding_told, &h0);
	assert_true(transit_passes(w, icmp, q0, 30, ANSWER_MS));
	ok(net_twin_setup("h0"));
	assert_false(transit_passes(w, icmp, q0, 40, SILENCE_MS));
	net_feed_close(feed);
	close(icmp);
	close(q0);
}

/* The kernel answers ARP for any of its addresses on any interface; a twin only for its own. */
static void test_twin_answers_arp_for_its_own(void **state)
{
	struct world *w = *state;
	int icmp;

	world_run(w->hub, "ip addr add 192.0.2.1/24 dev h0 && ip addr add 198.51.100.1/32 dev lo");
	world_run(w->peer,
		  "ip addr add 192.0.2.2/24 dev p0 && ip route add 198.51.100.1/32 dev p0 && "
		  "sysctl -qw net.ipv4.neigh.p0.retrans_time_ms=20");
	icmp = world_socket(w->peer, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	world_ping_send(icmp, "198.51.100.1", 1);
	assert_true(world_pong_wait(icmp, 1, ANSWER_MS));
	ok(net_twin_setup("h0"));
	world_run(w->peer, "ip neigh flush dev p0");
	world_ping_send(icmp, "198.51.100.1", 2);
	world_ping_send(icmp, "192.0.2.1", 3);
	assert_true(world_pong_wait(icmp, 3, ANSWER_MS));
	world_until(w->peer, "ip neigh show 198.51.100.1 nud failed | grep -q p0");
	assert_false(world_pong_wait(icmp, 2, 0));
	close(icmp);
}

/* ---- the guard ---- */

/* The raw interface has no address; the hub has one elsewhere, for which its kernel would answer.
 */
static void guard_topology(struct world *w)
{
	world_run(w->hub, "ip addr add 198.51.100.1/32 dev lo && ip route add 192.0.2.2/32 dev h0 "
			  "src 198.51.100.1");
	world_run(w->peer,
		  "ip addr add 192.0.2.2/32 dev p0 && ip route add 198.51.100.1/32 dev p0 && "
		  "ip neigh replace 198.51.100.1 lladdr 02:00:00:00:00:01 dev p0 nud permanent");
}

static bool kernel_answers(int icmp, int raw, uint16_t number, int timeout_ms)
{
	for (uint16_t i = 0; i < 3; i++)
		world_ping_send(icmp, "198.51.100.1", (uint16_t)(number + i));
	/* AF_PACKET sees them, filter or not. */
	assert_true(world_request_seen(raw, (uint16_t)(number + 2), ANSWER_MS));
	return world_pong_wait(icmp, number, timeout_ms);
}

static void test_guard_silences(void **state)
{
	struct world *w = *state;
	int icmp, raw;

	guard_topology(w);
	icmp = world_socket(w->peer, AF_INET, SOCK_RAW, IPPROTO_ICMP);
	raw = world_sniffer(w->hub, "h0");
	assert_true(kernel_answers(icmp, raw, 10, ANSWER_MS));
	ok(net_guard_install("h0"));
	assert_false(kernel_answers(icmp, raw, 20, SILENCE_MS));
	ok(net_guard_install("h0")); /* again */
	assert_false(kernel_answers(icmp, raw, 30, SILENCE_MS));
	/* Someone opens it, by a rule or by putting the table to sleep: it is shut again. */
	world_run(w->hub, "nft add rule netdev dmvpn-hub in-h0 accept");
	assert_true(kernel_answers(icmp, raw, 40, ANSWER_MS));
	ok(net_guard_install("h0"));
	assert_false(kernel_answers(icmp, raw, 50, SILENCE_MS));
	world_run(w->hub, "nft add table netdev dmvpn-hub '{ flags dormant; }'");
	assert_true(kernel_answers(icmp, raw, 60, ANSWER_MS));
	ok(net_guard_install("h0"));
	assert_false(kernel_answers(icmp, raw, 70, SILENCE_MS));
	net_close(); /* a crash leaves it as it is */
	assert_false(kernel_answers(icmp, raw, 80, SILENCE_MS));
	assert_int_equal(net_open(), 0);
	ok(net_guard_remove("h0"));
	assert_true(kernel_answers(icmp, raw, 90, ANSWER_MS));
	ok(net_guard_remove("h0"));
	close(icmp);
	close(raw);
}

static void test_guard_of_several(void **state)
{
	struct world *w = *state;
	struct net_link link;

	world_run(w->hub, "ip link add h1 type veth peer name h2");
	ok(net_guard_install("h0"));
	ok(net_guard_install("h1"));
	ok(net_link_get("h1", &link));
	assert_true(link.flags & IFF_UP);
	world_run(w->hub, "nft list chain netdev dmvpn-hub in-h0 | grep -q 'policy drop'");
	world_run(w->hub, "nft list chain netdev dmvpn-hub in-h1 | grep -q 'policy drop'");
	ok(net_guard_remove("h0"));
	world_run(w->hub, "nft list chain netdev dmvpn-hub in-h1 | grep -q 'policy drop'");
	assert_int_not_equal(world_try(w->hub, "nft list chain netdev dmvpn-hub in-h0 2>/dev/null"),
			     0);
	/* The interface goes and comes again under its name. */
	world_run(w->hub, "ip link del h1 && ip link add h1 type veth peer name h2");
	ok(net_guard_install("h1"));
	world_run(w->hub, "nft list chain netdev dmvpn-hub in-h1 | grep -q 'policy drop'");
	world_run(w->hub, "ip link del h1");
	ok(net_guard_remove("h1")); /* its interface is gone already */
	assert_int_not_equal(world_try(w->hub, "nft list table netdev dmvpn-hub 2>/dev/null"), 0);
	ok(net_guard_remove("nosuch0"));
}

static void test_guard_refuses(void **state)
{
	struct world *w = *state;

	world_run(w->hub, "sysctl -qw net.ipv6.conf.h0.accept_dad=0");
	world_run(w->hub, "ip addr add 192.0.2.1/24 dev h0");
	assert_int_equal(net_guard_install("h0"), -EADDRINUSE);
	assert_non_null(strstr(net_error(), "interface h0: has address 192.0.2.1/24"));
	world_run(w->hub, "ip addr flush dev h0 && ip -6 addr add 2001:db8::1/64 dev h0");
	assert_int_equal(net_guard_install("h0"), -EADDRINUSE);
	assert_non_null(strstr(net_error(), "2001:db8::1/64"));
	world_run(w->hub, "ip -6 addr flush dev h0 && ip link add br0 type bridge && ip link set "
			  "h0 master br0");
	assert_int_equal(net_guard_install("h0"), -EBUSY);
	assert_non_null(strstr(net_error(), "bridge"));
	assert_int_equal(net_guard_install("nosuch0"), -ENODEV);
	assert_non_null(strstr(net_error(), "nosuch0"));
	assert_int_equal(net_guard_install("../all"), -EINVAL);
	/* What is refused is not touched. */
	assert_int_not_equal(world_try(w->hub, "nft list table netdev dmvpn-hub 2>/dev/null"), 0);
	assert_int_equal(world_sysctl("ipv6/conf/h0/disable_ipv6"), 0);
}

static void test_guard_ends_ip6(void **state)
{
	struct world *w = *state;

	world_run(w->hub, "sysctl -qw net.ipv6.conf.h0.accept_dad=0 && ip link set h0 down && ip "
			  "link set h0 up");
	world_until(w->hub, "ip -6 addr show dev h0 | grep -q fe80");
	ok(net_guard_install("h0"));
	world_run(w->hub, "[ -z \"$(ip -6 addr show dev h0)\" ]");
	ok(net_guard_remove("h0"));
	assert_int_equal(world_sysctl("ipv6/conf/h0/disable_ipv6"), 0);
}

static uint32_t gro(struct world *w, uint32_t cmd, uint32_t on)
{
	struct ethtool_value value = {.cmd = cmd, .data = on};
	struct ifreq ifr = {.ifr_name = "h0", .ifr_data = (char *)&value};
	int fd = world_socket(w->hub, AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(ioctl(fd, SIOCETHTOOL, &ifr), 0);
	close(fd);
	return value.data;
}

static void test_guard_ends_merging(void **state)
{
	struct world *w = *state;

	gro(w, ETHTOOL_SGRO, 1);
	assert_int_equal(gro(w, ETHTOOL_GGRO, 0), 1);
	ok(net_guard_install("h0"));
	assert_int_equal(gro(w, ETHTOOL_GGRO, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_twin_values, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_twin_rp_filter_of_all, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_twin_errors, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_transit_stops_at_a_twin, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_twin_answers_arp_for_its_own, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_guard_silences, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_guard_of_several, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_guard_refuses, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_guard_ends_ip6, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_guard_ends_merging, world_setup,
						world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
