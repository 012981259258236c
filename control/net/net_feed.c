/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_feed: what the kernel has, and each change of it.
 *
 * One rtnetlink socket carries both: the multicast groups' events and, one after the other, a dump
 * per kind (net_feed_dump.c). This file has the socket and the messages.
 *
 * Context: control. rtnetlink(7), netlink(7).
 * Not done: a store of routes and next-hop objects: their user has one (net.h, on_dump).
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>

#include "control/clock.h"
#include "control/log.h"
#include "net_feed_priv.h"

#define TURN_MESSAGES  64 /* between two looks at the clock */
#define RCVBUF_BYTES   (4u << 20)
#define OBJECTS_MAX    65536
#define GROUP(rtnlgrp) (1u << ((rtnlgrp)-1))

static int feed_socket(struct net_feed *feed)
{
	uint32_t groups = GROUP(RTNLGRP_LINK) | GROUP(RTNLGRP_IPV4_IFADDR) | GROUP(RTNLGRP_NEIGH) |
			  GROUP(RTNLGRP_IPV4_NETCONF);
	int rcvbuf = (int)feed->conf.rcvbuf_bytes;
	int fd, on = 1;

	if (feed->conf.routes)
		groups |= GROUP(RTNLGRP_IPV4_ROUTE) | GROUP(RTNLGRP_NEXTHOP);
	feed->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!feed->nl)
		return -errno;
	fd = mnl_socket_get_fd(feed->nl);
	/* FORCE goes beyond net.core.rmem_max and needs CAP_NET_ADMIN, as most of what we do. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcvbuf, sizeof(rcvbuf)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	/* Dumps of one table only (net_feed_dump.c); without it the kernel shows all of them. */
	mnl_socket_setsockopt(feed->nl, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return mnl_socket_bind(feed->nl, groups, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

static void buffer_reset(struct net_feed *feed)
{
	feed->got = feed->current = 0;
	feed->at = 0;
	net_feed_dump_reset(feed);
}

struct net_feed *net_feed_open(const struct net_feed_conf *conf,
			       const struct net_feed_handlers *handlers)
{
	struct net_feed *feed = calloc(1, sizeof(*feed));
	int rc = -ENOMEM;

	if (!feed)
		goto err;
	feed->conf = *conf;
	feed->on = *handlers;
	if (feed->conf.rcvbuf_bytes == 0)
		feed->conf.rcvbuf_bytes = RCVBUF_BYTES;
	if (feed->conf.objects_max == 0)
		feed->conf.objects_max = OBJECTS_MAX;
	buffer_reset(feed);
	feed->store = net_store_new(feed->conf.objects_max);
	if (!feed->store)
		goto err;
	rc = feed_socket(feed);
	if (rc < 0)
		goto err;
	return feed;
err:
	net_feed_close(feed);
	net_error_set(rc, "netlink feed: open: %s", strerror(-rc));
	errno = -rc;
	return NULL;
}

int net_feed_reopen(struct net_feed *feed)
{
	struct mnl_socket *broken = feed->nl;
	int rc = feed_socket(feed);

	if (rc < 0) {
		if (feed->nl && feed->nl != broken)
			mnl_socket_close(feed->nl);
		feed->nl = broken;
		return net_error_set(rc, "netlink feed: open again: %s", strerror(-rc));
	}
	mnl_socket_close(broken);
	buffer_reset(feed);
	feed->stats.reopened++;
	return 0;
}

void net_feed_close(struct net_feed *feed)
{
	if (!feed)
		return;
	if (feed->nl)
		mnl_socket_close(feed->nl);
	net_store_free(feed->store);
	free(feed);
}

int net_feed_fd(const struct net_feed *feed)
{
	return mnl_socket_get_fd(feed->nl);
}

void net_feed_stats_get(const struct net_feed *feed, struct net_feed_stats *stats)
{
	*stats = feed->stats;
	stats->objects = net_store_count(feed->store);
}

void net_feed_tell(struct net_feed *feed, const struct net_msg *msg)
{
	const struct net_feed_handlers *on = &feed->on;

	switch (msg->kind) {
	case NET_LINK:
		if (on->on_link)
			on->on_link(on->ctx, msg->change, &msg->link);
		break;
	case NET_ADDR:
		if (on->on_addr)
			on->on_addr(on->ctx, msg->change, &msg->addr);
		break;
	case NET_NEIGH:
		if (on->on_neigh)
			on->on_neigh(on->ctx, msg->change, &msg->neigh);
		break;
	case NET_NEXTHOP:
		if (on->on_nexthop)
			on->on_nexthop(on->ctx, msg->change, &msg->nexthop);
		break;
	case NET_ROUTE:
		if (on->on_route)
			on->on_route(on->ctx, msg->change, &msg->route);
		break;
	case NET_CONF:
		if (on->on_conf && msg->change == NET_CHANGE_NEW)
			on->on_conf(on->ctx, &msg->conf);
		break;
	}
}

/* Neighbours of both families share a group; IPv6 is not dumped, so its events are no truth. */
static bool is_ours(const struct net_msg *msg)
{
	return msg->kind != NET_NEIGH || msg->neigh.addr.family == AF_INET;
}

static void handle_object(struct net_feed *feed, struct net_msg *msg)
{
	enum net_store_result result;

	if (!is_ours(msg))
		return;
	if (msg->kind == NET_ROUTE || msg->kind == NET_NEXTHOP || msg->kind == NET_CONF) {
		net_feed_tell(feed, msg);
		return;
	}
	if (msg->change == NET_CHANGE_DEL) {
		net_store_take(feed->store, msg);
		net_feed_tell(feed, msg);
		return;
	}
	result = net_store_put(feed->store, msg, feed->seq);
	if (result == NET_STORE_FULL && feed->stats.full++ == 0)
		log_sys("netlink feed: table is full: %u objects (limit %u)",
			net_store_count(feed->store), feed->conf.objects_max);
	if (result != NET_STORE_SAME)
		net_feed_tell(feed, msg);
}

static int handle_end(struct net_feed *feed, const uint8_t *bytes, size_t len)
{
	struct net_ack ack;

	if (net_parse_ack(bytes, len, &ack) < 0) {
		feed->stats.malformed++;
		ack.error = -EBADMSG;
	}
	return net_feed_dump_end(feed, &ack);
}

static int handle_message(struct net_feed *feed, const uint8_t *bytes, const struct nlmsghdr *head)
{
	bool of_dump = feed->dumping != NET_FEED_NO_KIND && head->nlmsg_seq == feed->seq &&
		       head->nlmsg_pid == mnl_socket_get_portid(feed->nl);
	struct net_msg msg;
	int rc;

	feed->stats.messages++;
	if (of_dump && (head->nlmsg_flags & NLM_F_DUMP_INTR))
		feed->dump_void = true;
	if (head->nlmsg_type == NLMSG_OVERRUN)
		net_feed_dump_overrun(feed);
	if (head->nlmsg_type == NLMSG_DONE || head->nlmsg_type == NLMSG_ERROR)
		return of_dump ? handle_end(feed, bytes, head->nlmsg_len) : 0;
	rc = net_parse(bytes, head->nlmsg_len, &msg);
	if (rc == 0)
		handle_object(feed, &msg);
	else if (rc != -EPROTONOSUPPORT)
		feed->stats.malformed++;
	return 0;
}

/* Datagrams left in the buffer; the current one is then neither void nor read to its end. */
static bool has_datagram(struct net_feed *feed)
{
	while (feed->current < feed->got && feed->at >= feed->len[feed->current]) {
		feed->current++;
		feed->at = 0;
	}
	return feed->current < feed->got;
}

/* One message of the current datagram. */
static int next_message(struct net_feed *feed)
{
	const uint8_t *bytes = feed->buf[feed->current] + feed->at;
	size_t left = feed->len[feed->current] - feed->at;
	struct nlmsghdr head;

	if (left >= NLMSG_HDRLEN)
		memcpy(&head, bytes, sizeof(head));
	if (left < NLMSG_HDRLEN || head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > left) {
		feed->stats.malformed++;
		feed->at += left;
		return 0;
	}
	feed->at += NLMSG_ALIGN((size_t)head.nlmsg_len);
	return handle_message(feed, bytes, &head);
}

/* The datagram's length, 0 when it is not to be read. */
static size_t accept_datagram(struct net_feed *feed, const struct mmsghdr *m)
{
	const struct sockaddr_nl *from = m->msg_hdr.msg_name;

	if (from->nl_pid != 0) /* only the kernel speaks here */
		return 0;
	if (m->msg_hdr.msg_flags & MSG_TRUNC) {
		feed->stats.malformed++;
		log_sys("netlink feed: a message is larger than %zu bytes: not read",
			sizeof(feed->buf[0]));
		return 0;
	}
	return m->msg_len;
}

static int receive_error(struct net_feed *feed, int error)
{
	if (error == EAGAIN)
		return 0;
	if (error == EINTR)
		return 1;
	if (error != ENOBUFS)
		return net_error_set(-error, "netlink feed: receive: %s", strerror(error));
	net_feed_dump_overrun(feed);
	return 1;
}

/* 1: datagrams, or something else happened: look again; 0: the queue is empty. */
static int receive(struct net_feed *feed)
{
	/* Each of a dump makes the kernel prepare the next part: one at a time. */
	const unsigned max = feed->dumping == NET_FEED_NO_KIND ? NET_FEED_BATCH : 1;
	struct sockaddr_nl from[NET_FEED_BATCH] = {0};
	struct mmsghdr msgs[NET_FEED_BATCH] = {0};
	struct iovec iov[NET_FEED_BATCH];
	int n;

	feed->got = feed->current = 0;
	feed->at = 0;
	for (unsigned i = 0; i < max; i++) {
		iov[i] = (struct iovec){.iov_base = feed->buf[i], .iov_len = sizeof(feed->buf[i])};
		msgs[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
						  .msg_namelen = sizeof(from[i]),
						  .msg_iov = &iov[i],
						  .msg_iovlen = 1};
	}
	n = recvmmsg(mnl_socket_get_fd(feed->nl), msgs, max, 0, NULL);
	if (n < 0)
		return receive_error(feed, errno);
	for (int i = 0; i < n; i++)
		feed->len[i] = accept_datagram(feed, &msgs[i]);
	feed->got = (unsigned)n;
	return 1;
}

/* At most TURN_MESSAGES, and with a time limit not many more than one system call brings: each may
 * make the kernel prepare the next part of a dump. As net_feed_turn. */
static int turn(struct net_feed *feed, uint64_t end_us)
{
	int rc;

	for (unsigned handled = 0; handled < TURN_MESSAGES; handled++) {
		if (feed->sweeping != NET_FEED_NO_KIND) {
			net_feed_dump_sweep(feed);
			continue;
		}
		if (has_datagram(feed)) {
			rc = next_message(feed);
			if (rc < 0)
				return rc;
			continue;
		}
		rc = receive(feed);
		if (rc == 0)
			rc = net_feed_dump_next(feed);
		if (rc <= 0)
			return rc;
		if (feed->conf.turn_us > 0 && clock_us(CLOCK_MONOTONIC) >= end_us)
			return 1;
	}
	return 1;
}

int net_feed_turn(struct net_feed *feed)
{
	uint64_t end_us = clock_us(CLOCK_MONOTONIC) + feed->conf.turn_us;
	int rc;

	do {
		rc = turn(feed, end_us);
	} while (rc == 1 && clock_us(CLOCK_MONOTONIC) < end_us);
	return rc;
}
