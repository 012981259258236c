/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The netlink parser: a stream of messages, as the feed walks it, each parsed as everything it
 * could be; what parses must hold what net_parse.h promises.
 */
#include <linux/netlink.h>
#include <stdlib.h>

#include "control/net/net_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void prefix_check(const struct dp_prefix *prefix)
{
	char text[DP_PREFIX_STRLEN];

	if (prefix->len > dp_addr_bits(&prefix->addr) || dp_addr_bits(&prefix->addr) == 0)
		abort();
	dp_prefix_format(prefix, text);
}

static void route_check(const struct net_route *route)
{
	struct dp_prefix network = dp_prefix_network(&route->prefix);

	prefix_check(&route->prefix);
	if (!dp_addr_equal(&network.addr, &route->prefix.addr))
		abort();
	if (route->nexthop_count > NET_NEXTHOPS_MAX)
		abort();
	for (unsigned i = 0; i < route->nexthop_count; i++)
		if (route->nexthops[i].weight == 0)
			abort();
}

static void msg_check(const struct net_msg *msg)
{
	char text[NET_NEIGH_STATE_STRLEN];

	switch (msg->kind) {
	case NET_LINK:
		if (strnlen(msg->link.name, NET_NAME_LEN) - 1 >= NET_NAME_LEN - 1 ||
		    strnlen(msg->link.kind, NET_NAME_LEN) == NET_NAME_LEN)
			abort();
		break;
	case NET_ADDR:
		prefix_check(&msg->addr.prefix);
		break;
	case NET_NEIGH:
		if (!dp_addr_is_set(&msg->neigh.addr))
			abort();
		net_neigh_state_format(msg->neigh.state, text);
		break;
	case NET_NEXTHOP:
		if (msg->nexthop.id == 0 || msg->nexthop.member_count > NET_NEXTHOPS_MAX)
			abort();
		for (unsigned i = 0; i < msg->nexthop.member_count; i++)
			if (msg->nexthop.members[i].weight - 1 > UINT16_MAX)
				abort();
		break;
	case NET_ROUTE:
		route_check(&msg->route);
		break;
	case NET_CONF:
		if (msg->conf.ifindex == 0)
			abort();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr head;
	struct net_msg msg;
	struct net_ack ack;
	size_t step;

	for (;; data += step, size -= step) {
		if (net_parse(data, size, &msg) == 0)
			msg_check(&msg);
		if (net_parse_ack(data, size, &ack) == 0 &&
		    (ack.error > 0 || strnlen(ack.text, sizeof(ack.text)) == sizeof(ack.text)))
			abort();
		if (size < sizeof(head))
			return 0;
		memcpy(&head, data, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > size)
			return 0;
		step = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (step > size)
			step = size;
	}
}
