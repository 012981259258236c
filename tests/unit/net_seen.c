/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_seen: the handlers of a feed keep what they are told (net_world.h), and catch lies on the
 * way: a removal of what was never told, a "new" that is as it was.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "tests/unit/net_world.h"

static void on_link(void *ctx, enum net_change change, const struct net_link *link)
{
	struct seen *seen = ctx;
	unsigned i = 0;

	seen->calls++;
	while (i < seen->link_count && seen->links[i].ifindex != link->ifindex)
		i++;
	if (change == NET_CHANGE_DEL) {
		assert_true(i < seen->link_count);
		seen->links[i] = seen->links[--seen->link_count];
		seen->link_del++;
		return;
	}
	if (i == seen->link_count)
		assert_true(seen->link_count++ < 16);
	else
		assert_memory_not_equal(&seen->links[i], link, sizeof(*link));
	seen->links[i] = *link;
}

static void on_addr(void *ctx, enum net_change change, const struct net_ifaddr *addr)
{
	struct seen *seen = ctx;
	unsigned i = 0;

	seen->calls++;
	while (i < seen->addr_count &&
	       (seen->addrs[i].ifindex != addr->ifindex ||
		memcmp(&seen->addrs[i].prefix, &addr->prefix, sizeof(addr->prefix)) != 0))
		i++;
	if (change == NET_CHANGE_DEL) {
		assert_true(i < seen->addr_count);
		seen->addrs[i] = seen->addrs[--seen->addr_count];
		return;
	}
	if (i == seen->addr_count)
		assert_true(seen->addr_count++ < 64);
	seen->addrs[i] = *addr;
}

static void on_neigh(void *ctx, enum net_change change, const struct net_neigh *neigh)
{
	struct seen *seen = ctx;
	unsigned i = 0;

	seen->calls++;
	while (i < seen->neigh_count && (seen->neighs[i].neigh.ifindex != neigh->ifindex ||
					 !dp_addr_equal(&seen->neighs[i].neigh.addr, &neigh->addr)))
		i++;
	if (change == NET_CHANGE_DEL) {
		assert_true(i < seen->neigh_count);
		seen->neighs[i] = seen->neighs[--seen->neigh_count];
		return;
	}
	if (i == seen->neigh_count) {
		assert_true(seen->neigh_count++ < SEEN_MAX);
		seen->neighs[i].told = 0;
	} else {
		assert_memory_not_equal(&seen->neighs[i].neigh, neigh, sizeof(*neigh));
	}
	seen->neighs[i].neigh = *neigh;
	seen->neighs[i].told++;
}

static void on_route(void *ctx, enum net_change change, const struct net_route *route)
{
	struct seen *seen = ctx;

	seen->calls++;
	if (route->protocol != NET_PROTO)
		return;
	if (change == NET_CHANGE_NEW)
		seen->route_new++;
	else
		seen->route_del++;
}

static void on_nexthop(void *ctx, enum net_change change, const struct net_nexthop_object *object)
{
	struct seen *seen = ctx;

	seen->calls++;
	if (change == NET_CHANGE_NEW)
		seen->nexthop_new++;
	else
		seen->nexthop_del++;
	seen->nexthop = *object;
}

static void on_conf(void *ctx, const struct net_conf *conf)
{
	struct seen *seen = ctx;

	seen->calls++;
	if (conf->ifindex < 64 && conf->forwarding >= 0)
		seen->forwarding[conf->ifindex] = conf->forwarding;
}

static void on_dump(void *ctx, enum net_kind kind, bool end)
{
	struct seen *seen = ctx;

	if (end)
		seen->dumps[kind]++;
}

struct net_feed *seen_feed_open(struct seen *seen, const struct net_feed_conf *conf)
{
	const struct net_feed_handlers handlers = {
		.ctx = seen,
		.on_link = on_link,
		.on_addr = on_addr,
		.on_neigh = on_neigh,
		.on_nexthop = on_nexthop,
		.on_route = on_route,
		.on_conf = on_conf,
		.on_dump = on_dump,
	};
	struct net_feed *feed;

	memset(seen, 0, sizeof(*seen));
	feed = net_feed_open(conf, &handlers);
	if (!feed)
		fail_msg("%s", net_error());
	return feed;
}

/* One turn; waits for the descriptor when there is nothing to do. */
static void turn(struct net_feed *feed, uint64_t end)
{
	struct pollfd p = {.fd = net_feed_fd(feed), .events = POLLIN};
	int rc = net_feed_turn(feed);

	if (rc < 0)
		fail_msg("net_feed_turn: %s", net_error());
	if (rc == 0 && poll(&p, 1, 100) < 0)
		assert_int_equal(errno, EINTR);
	if (world_now_ms() > end)
		fail_msg("the feed did not say it in %d ms", WORLD_DEADLINE_MS);
}

void seen_until(struct net_feed *feed,
		struct seen *seen,
		bool (*done)(const struct seen *seen, const void *arg),
		const void *arg)
{
	uint64_t end = world_now_ms() + WORLD_DEADLINE_MS;

	while (!done(seen, arg))
		turn(feed, end);
}

void seen_quiet(struct net_feed *feed)
{
	uint64_t end = world_now_ms() + WORLD_DEADLINE_MS;
	struct pollfd p = {.fd = net_feed_fd(feed), .events = POLLIN};

	while (net_feed_turn(feed) != 0 || !net_feed_synced(feed) || poll(&p, 1, 0) > 0)
		assert_true(world_now_ms() < end);
}

const struct net_link *seen_link(const struct seen *seen, const char *name)
{
	for (unsigned i = 0; i < seen->link_count; i++) {
		if (strcmp(seen->links[i].name, name) == 0)
			return &seen->links[i];
	}
	return NULL;
}

bool seen_addr(const struct seen *seen, uint32_t ifindex, const char *text)
{
	struct dp_prefix prefix = world_prefix(text);

	for (unsigned i = 0; i < seen->addr_count; i++) {
		if (seen->addrs[i].ifindex == ifindex &&
		    memcmp(&seen->addrs[i].prefix, &prefix, sizeof(prefix)) == 0)
			return true;
	}
	return false;
}

const struct seen_neigh *seen_neigh(const struct seen *seen, const char *text)
{
	struct dp_addr addr = world_addr(text);

	for (unsigned i = 0; i < seen->neigh_count; i++) {
		if (dp_addr_equal(&seen->neighs[i].neigh.addr, &addr))
			return &seen->neighs[i];
	}
	return NULL;
}
