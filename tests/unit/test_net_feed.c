/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed with the real kernel: what is there, what changes, and that it comes right again after
 * events were lost. net_seen.c checks on the way that nothing is told twice.
 */
#include "tests/unit/net_world.h"

#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

static struct seen seen;

static const struct net_feed_conf plain_conf = {0};

static bool has_link(const struct seen *s, const void *name)
{
	return seen_link(s, name) != NULL;
}

static bool has_no_link(const struct seen *s, const void *name)
{
	return seen_link(s, name) == NULL;
}

static bool has_neigh(const struct seen *s, const void *addr)
{
	return seen_neigh(s, addr) != NULL;
}

static bool has_no_neigh(const struct seen *s, const void *addr)
{
	return seen_neigh(s, addr) == NULL;
}

static bool has_no_carrier(const struct seen *s, const void *name)
{
	const struct net_link *link = seen_link(s, name);

	return link && !link->carrier;
}

static void test_start(void **state)
{
	struct world *w = *state;
	const struct net_link *h0;
	struct net_feed *feed;

	world_run(w->hub,
		  "ip addr add 192.0.2.1/24 dev h0 && "
		  "ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev h0 nud permanent && "
		  "ip neigh add 2001:db8::7 lladdr 02:00:00:00:00:07 dev h0 nud permanent && "
		  "ip route add 10.1.0.0/16 via 192.0.2.7 proto 233");
	feed = seen_feed_open(&seen, &plain_conf);
	assert_false(net_feed_synced(feed));
	assert_int_equal(seen.calls, 0);
	seen_quiet(feed);
	assert_true(net_feed_synced(feed));
	h0 = seen_link(&seen, "h0");
	assert_non_null(h0);
	assert_true(h0->carrier);
	assert_non_null(seen_link(&seen, "lo"));
	assert_true(seen_addr(&seen, h0->ifindex, "192.0.2.1/24"));
	assert_non_null(seen_neigh(&seen, "192.0.2.7"));
	assert_null(seen_neigh(&seen, "2001:db8::7")); /* IPv6 comes later, as a whole */
	assert_int_equal(seen.route_new, 0);           /* not asked for */
	for (unsigned kind = 0; kind < NET_KINDS; kind++)
		assert_int_equal(seen.dumps[kind], kind != NET_ROUTE && kind != NET_NEXTHOP);
	net_feed_close(feed);
}

static void test_changes(void **state)
{
	struct world *w = *state;
	struct net_feed *feed = seen_feed_open(&seen, &plain_conf);

	seen_quiet(feed);
	world_run(w->peer, "ip link set p0 down");
	seen_until(feed, &seen, has_no_carrier, "h0");
	world_run(w->hub, "ip link add d0 type veth peer name d1 && ip link set d0 up && "
			  "ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev d0 nud permanent");
	seen_until(feed, &seen, has_neigh, "192.0.2.7");
	assert_true(has_link(&seen, "d0"));
	world_run(w->hub, "ip neigh del 192.0.2.7 dev d0");
	seen_until(feed, &seen, has_no_neigh, "192.0.2.7");
	world_run(w->hub, "ip link set d1 name other1");
	seen_until(feed, &seen, has_link, "other1");
	assert_true(has_no_link(&seen, "d1"));
	world_run(w->hub, "ip neigh add 192.0.2.8 lladdr 02:00:00:00:00:08 dev d0 nud permanent && "
			  "ip link del d0");
	seen_until(feed, &seen, has_no_link, "d0");
	assert_true(has_no_neigh(&seen, "192.0.2.8"));
	net_feed_close(feed);
}

/* Leaving a bridge is told as RTM_DELLINK of family AF_BRIDGE. */
static void test_bridge_port_stays(void **state)
{
	struct world *w = *state;
	struct net_feed *feed = seen_feed_open(&seen, &plain_conf);

	world_run(w->hub, "ip link add d0 type veth peer name d1 && ip link add br0 type bridge && "
			  "ip link set d0 master br0 && ip link set d0 nomaster && ip link add "
			  "end0 type bridge");
	seen_until(feed, &seen, has_link, "end0");
	assert_int_equal(seen_link(&seen, "d0")->master, 0);
	assert_int_equal(seen.link_del, 0);
	net_feed_close(feed);
}

/* What was told is kept: after a new socket only differences come, also what went meanwhile. */
static void test_reopen(void **state)
{
	struct world *w = *state;
	struct net_feed_stats stats;
	struct net_feed *feed;

	world_run(w->hub,
		  "ip addr add 192.0.2.1/24 dev h0 && ip addr add 198.51.100.1/24 dev h0 && "
		  "ip neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev h0 nud permanent && "
		  "ip neigh add 192.0.2.8 lladdr 02:00:00:00:00:08 dev h0 nud permanent");
	feed = seen_feed_open(&seen, &plain_conf);
	seen_quiet(feed);
	world_run(w->hub, "ip neigh del 192.0.2.8 dev h0 && ip addr del 198.51.100.1/24 dev h0 && "
			  "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev h0 nud permanent");
	assert_int_equal(net_feed_reopen(feed), 0);
	assert_false(net_feed_synced(feed));
	seen_quiet(feed);
	assert_non_null(seen_neigh(&seen, "192.0.2.7"));
	assert_int_equal(seen_neigh(&seen, "192.0.2.7")->told, 1);
	assert_null(seen_neigh(&seen, "192.0.2.8"));
	assert_non_null(seen_neigh(&seen, "192.0.2.9"));
	assert_int_equal(seen.addr_count, 2); /* and 127.0.0.1 */
	net_feed_stats_get(feed, &stats);
	assert_int_equal(stats.reopened, 1);
	net_feed_close(feed);
}

static void neighs_make(struct world *w, const char *verb, unsigned from, unsigned to)
{
	world_run(w->hub,
		  "i=%u; while [ $i -lt %u ]; do echo neigh %s 10.9.$((i / 250)).$((i %% 250 + 1)) "
		  "lladdr "
		  "02:00:00:00:00:07 dev h0 nud permanent; i=$((i+1)); done | ip -batch -",
		  from, to, verb);
}

#define NEIGHS 2000

/* A turn handles at most 64, says that there is more, and comes to all of them. */
static void test_turns_are_short(void **state)
{
	struct world *w = *state;
	struct net_feed *feed;
	unsigned turns = 0, before;
	int rc;

	neighs_make(w, "add", 0, NEIGHS);
	feed = seen_feed_open(&seen, &plain_conf);
	do {
		before = seen.calls;
		rc = net_feed_turn(feed);
		assert_true(seen.calls - before <= 64);
		turns++;
	} while (rc == 1);
	assert_int_equal(rc, 0);
	assert_true(net_feed_synced(feed));
	assert_int_equal(seen.neigh_count, NEIGHS);
	assert_true(turns >= NEIGHS / 64);
	net_feed_close(feed);
}

/* The kernel's own count, so that the feed is compared with the truth. */
static void assert_as_kernel_says(struct world *w)
{
	char line[128];

	snprintf(line, sizeof(line), "[ $(ip -4 neigh show nud all dev h0 | wc -l) -eq %u ]",
		 seen.neigh_count);
	world_run(w->hub, "%s", line);
	snprintf(line, sizeof(line), "[ $(ip -o link | wc -l) -eq %u ]", seen.link_count);
	world_run(w->hub, "%s", line);
	snprintf(line, sizeof(line), "[ $(ip -o -4 addr | wc -l) -eq %u ]", seen.addr_count);
	world_run(w->hub, "%s", line);
}

/* A budget in time instead: all of it in one turn when there is time, else a system call's worth.
 */
static void test_turns_by_time(void **state)
{
	struct net_feed_conf conf = {.turn_us = 10 * 1000 * 1000};
	struct world *w = *state;
	struct net_feed *feed;
	unsigned turns = 0;

	neighs_make(w, "add", 0, NEIGHS);
	feed = seen_feed_open(&seen, &conf);
	assert_int_equal(net_feed_turn(feed), 0);
	assert_int_equal(seen.neigh_count, NEIGHS);
	net_feed_close(feed);
	conf.turn_us = 1;
	feed = seen_feed_open(&seen, &conf);
	while (net_feed_turn(feed) == 1)
		turns++;
	assert_int_equal(seen.neigh_count, NEIGHS);
	assert_true(turns > 10);
	net_feed_close(feed);
}

/*
 * A small buffer, and far more events than it holds while nobody reads: what came is learned, what
 * went is taken back, what stayed is not told again.
 */
static void test_overrun(void **state)
{
	const struct net_feed_conf conf = {.rcvbuf_bytes = 4096};
	struct world *w = *state;
	struct net_feed_stats stats;
	struct net_feed *feed;

	world_run(w->hub,
		  "ip link add d0 type veth peer name d1 && ip addr add 192.0.2.1/24 dev h0 && "
		  "ip addr add 198.51.100.1/24 dev h0");
	neighs_make(w, "add", 0, 1000);
	feed = seen_feed_open(&seen, &conf);
	seen_quiet(feed);
	net_feed_stats_get(feed, &stats);
	assert_int_equal(seen.neigh_count, 1000);
	assert_int_equal(stats.overruns, 0);
	neighs_make(w, "del", 0, 500);
	neighs_make(w, "add", 1000, 2000);
	world_run(w->hub, "ip link add n0 type bridge && ip addr del 198.51.100.1/24 dev h0 && "
			  "ip addr add 203.0.113.1/24 dev h0 && ip link del d0 && "
			  "ip neigh change 10.9.3.1 lladdr 02:00:00:00:00:99 dev h0 nud permanent");
	seen_quiet(feed);
	net_feed_stats_get(feed, &stats);
	assert_true(stats.overruns > 0);
	assert_true(net_feed_synced(feed));
	assert_as_kernel_says(w);
	assert_int_equal(seen.neigh_count, 1500);
	assert_null(seen_neigh(&seen, "10.9.0.1"));               /* number 0: went */
	assert_non_null(seen_neigh(&seen, "10.9.7.250"));         /* number 1999: came */
	assert_int_equal(seen_neigh(&seen, "10.9.2.1")->told, 1); /* number 500: stayed */
	assert_int_equal(seen_neigh(&seen, "10.9.3.1")->neigh.mac[5], 0x99); /* changed */
	assert_null(seen_link(&seen, "d0"));
	assert_non_null(seen_link(&seen, "n0"));
	assert_false(seen_addr(&seen, seen_link(&seen, "h0")->ifindex, "198.51.100.1/24"));
	assert_true(seen_addr(&seen, seen_link(&seen, "h0")->ifindex, "203.0.113.1/24"));
	assert_int_equal(stats.objects, seen.neigh_count + seen.link_count + seen.addr_count);
	net_feed_close(feed);
}

/* What waits in the socket's queue, in the kernel's own bytes. */
static uint32_t queue_bytes(const struct net_feed *feed)
{
	uint32_t meminfo[SK_MEMINFO_VARS];
	socklen_t len = sizeof(meminfo);

	assert_int_equal(getsockopt(net_feed_fd(feed), SOL_SOCKET, SO_MEMINFO, meminfo, &len), 0);
	return meminfo[SK_MEMINFO_RMEM_ALLOC];
}

/*
 * After a loss the kernel is mute about further ones until the queue was empty once. What happens
 * in that time must be in the dump, so the dump must not begin earlier. (The kernel itself makes a
 * dump wait while the queue is more than half full: so less than that is left here.)
 */
static void test_overrun_loses_more(void **state)
{
	const struct net_feed_conf conf = {.rcvbuf_bytes = 131072};
	struct world *w = *state;
	struct net_feed_stats stats;
	struct net_feed *feed = seen_feed_open(&seen, &conf);

	seen_quiet(feed);
	neighs_make(w, "add", 0, 1000);
	do {
		assert_int_equal(net_feed_turn(feed), 1);
	} while (queue_bytes(feed) > conf.rcvbuf_bytes); /* it counts double */
	net_feed_stats_get(feed, &stats);
	assert_int_equal(stats.overruns, 1);
	assert_true(queue_bytes(feed) > 0);
	world_run(w->hub, "ip link add z0 type bridge && ip addr add 192.0.2.1/24 dev h0");
	seen_quiet(feed);
	net_feed_stats_get(feed, &stats);
	assert_int_equal(stats.overruns, 1);
	assert_non_null(seen_link(&seen, "z0"));
	assert_as_kernel_says(w);
	net_feed_close(feed);
}

/* Events are lost again and again while the dumps run; in the end it is right all the same. */
static void test_overrun_while_dumping(void **state)
{
	const struct net_feed_conf conf = {.rcvbuf_bytes = 4096};
	struct world *w = *state;
	struct net_feed_stats stats;
	struct net_feed *feed;

	neighs_make(w, "add", 0, 1000);
	feed = seen_feed_open(&seen, &conf);
	for (unsigned i = 0; i < 10; i++) {
		assert_true(net_feed_turn(feed) >= 0); /* one turn: not to the end of the dump */
		if (i % 2 == 0)
			neighs_make(w, "del", 100 * i, 100 * i + 100);
		neighs_make(w, "add", 1000 + 100 * i, 1100 + 100 * i);
	}
	seen_quiet(feed);
	net_feed_stats_get(feed, &stats);
	assert_true(stats.overruns > 0);
	assert_int_equal(seen.neigh_count, 1500);
	assert_as_kernel_says(w);
	assert_null(seen_neigh(&seen, "10.9.0.1"));
	net_feed_close(feed);
}

static void test_table_is_bounded(void **state)
{
	const struct net_feed_conf conf = {.objects_max = 100};
	struct world *w = *state;
	struct net_feed_stats stats;
	struct net_feed *feed;

	neighs_make(w, "add", 0, 200);
	feed = seen_feed_open(&seen, &conf);
	seen_quiet(feed);
	net_feed_stats_get(feed, &stats);
	assert_int_equal(stats.objects, 100);
	assert_int_equal(seen.neigh_count, 200); /* told all the same */
	assert_int_equal(stats.full, 200 + seen.link_count + seen.addr_count - 100);
	neighs_make(w, "del", 0, 200);
	seen_quiet(feed);
	assert_int_equal(seen.neigh_count, 0);
	net_feed_stats_get(feed, &stats);
	assert_int_equal(stats.objects, seen.link_count + seen.addr_count); /* room again */
	net_feed_close(feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_start, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_changes, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_bridge_port_stays, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_reopen, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_turns_are_short, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_turns_by_time, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_overrun, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_overrun_loses_more, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_overrun_while_dumping, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(test_table_is_bounded, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
