/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_feed_dump: the feed's dumps, one kind after the other. Part of net_feed.c, see there.
 *
 * What was told is remembered (net_store.h) with the generation of its dump; after a dump what has
 * an older generation is gone, and is told so. So start and resync are the same thing.
 *
 * When events are lost (ENOBUFS) the kernel stays "congested", and goes on losing them without
 * another word, until the receive queue was empty once. Hence a dump is started only on an empty
 * queue; one that was running when events were lost is void and comes again.
 *
 * Context: control.
 */
#include "net_feed_priv.h"

#include <errno.h>
#include <libmnl/libmnl.h>

#define DUMP_FAILURES_MAX 3
#define NO_KIND           NET_FEED_NO_KIND

static void want_all(struct net_feed *feed)
{
	for (unsigned kind = 0; kind < NET_KINDS; kind++)
		feed->wanted[kind] =
			(kind != NET_ROUTE && kind != NET_NEXTHOP) || feed->conf.routes;
}

void net_feed_dump_reset(struct net_feed *feed)
{
	feed->dumping = NO_KIND;
	feed->dump_failures = 0;
	feed->sweeping = NO_KIND;
	want_all(feed);
}

void net_feed_redump(struct net_feed *feed)
{
	if (!feed->conf.routes)
		return;
	feed->wanted[NET_NEXTHOP] = true;
	feed->wanted[NET_ROUTE] = true;
}

bool net_feed_synced(const struct net_feed *feed)
{
	for (unsigned kind = 0; kind < NET_KINDS; kind++) {
		if (feed->wanted[kind])
			return false;
	}
	return feed->dumping == NO_KIND && feed->sweeping == NO_KIND;
}

static void tell_dump(struct net_feed *feed, unsigned kind, bool end)
{
	if (feed->on.on_dump)
		feed->on.on_dump(feed->on.ctx, (enum net_kind)kind, end);
}

static int dump_failed(struct net_feed *feed, unsigned kind, const struct net_ack *ack)
{
	feed->dumping = NO_KIND;
	feed->wanted[kind] = true;
	if (++feed->dump_failures < DUMP_FAILURES_MAX)
		return 0;
	return net_error_ack(ack, "netlink feed: dump of kind %u", kind);
}

static void dump_done(struct net_feed *feed)
{
	unsigned kind = feed->dumping;

	feed->dumping = NO_KIND;
	if (feed->dump_void) {
		feed->wanted[kind] = true;
		return;
	}
	feed->dump_failures = 0;
	feed->stats.dumps++;
	feed->sweeping = kind;
	feed->sweep_cursor = 0;
}

static int dump_start(struct net_feed *feed, unsigned kind)
{
	struct net_request request;
	struct net_ack ack = {0};
	struct nlmsghdr *head;

	head = net_request_dump(&request, (enum net_kind)kind,
				kind == NET_LINK || kind == NET_NEXTHOP ? AF_UNSPEC : AF_INET);
	/* The kernel keeps the local table in the same tree as the main one: to find its few routes
	 * among a million it walks for 70 ms, in one system call. */
	if (kind == NET_ROUTE)
		((struct rtmsg *)mnl_nlmsg_get_payload(head))->rtm_table = RT_TABLE_MAIN;
	head->nlmsg_seq = ++feed->seq;
	if (mnl_socket_sendto(feed->nl, head, head->nlmsg_len) < 0) {
		ack.error = -errno;
		return dump_failed(feed, kind, &ack);
	}
	feed->wanted[kind] = false;
	feed->dumping = kind;
	feed->dump_void = false;
	tell_dump(feed, kind, false);
	return 0;
}

int net_feed_dump_next(struct net_feed *feed)
{
	int rc;

	if (feed->dumping != NO_KIND)
		return 0;
	for (unsigned kind = 0; kind < NET_KINDS; kind++) {
		if (!feed->wanted[kind])
			continue;
		rc = dump_start(feed, kind);
		return rc < 0 ? rc : 1;
	}
	return 0;
}

void net_feed_dump_overrun(struct net_feed *feed)
{
	feed->stats.overruns++;
	feed->dump_void = true;
	feed->sweeping = NO_KIND; /* what it would remove may be there again */
	want_all(feed);
}

int net_feed_dump_end(struct net_feed *feed, const struct net_ack *ack)
{
	if (ack->error)
		return dump_failed(feed, feed->dumping, ack);
	dump_done(feed);
	return 0;
}

void net_feed_dump_sweep(struct net_feed *feed)
{
	struct net_msg msg;

	if (net_store_sweep(feed->store, (enum net_kind)feed->sweeping, feed->seq,
			    &feed->sweep_cursor, &msg)) {
		net_feed_tell(feed, &msg);
		return;
	}
	tell_dump(feed, feed->sweeping, true);
	feed->sweeping = NO_KIND;
}
