/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_route: our routes in the kernel's main table; see net.h.
 *
 * They carry protocol NET_PROTO, which is how a later process finds them again and how a deletion
 * cannot hit another program's route. Context: control. Not done: IPv6, several next hops.
 */
#include "net_priv.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>

static struct nlmsghdr *route_request(struct net_request *request,
				      uint16_t type,
				      uint16_t flags,
				      const struct dp_prefix *prefix,
				      uint32_t metric)
{
	struct nlmsghdr *head = net_request_start(request, type, flags);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(head, sizeof(*info));

	info->rtm_family = (uint8_t)prefix->addr.family;
	info->rtm_dst_len = prefix->len;
	info->rtm_table = RT_TABLE_MAIN;
	info->rtm_protocol = NET_PROTO;
	info->rtm_type = RTN_UNICAST;
	mnl_attr_put(head, RTA_DST, dp_addr_len(&prefix->addr), prefix->addr.bytes);
	mnl_attr_put_u32(head, RTA_PRIORITY, metric);
	return head;
}

static int prefix_check(const struct dp_prefix *prefix)
{
	struct dp_prefix network = dp_prefix_network(prefix);
	char text[DP_PREFIX_STRLEN];

	if (prefix->addr.family != AF_INET)
		return net_error_set(-EAFNOSUPPORT, "route %s: IPv4 only so far",
				     dp_prefix_format(prefix, text));
	if (!dp_addr_equal(&network.addr, &prefix->addr))
		return net_error_set(-EINVAL, "route %s: host bits are not zero",
				     dp_prefix_format(prefix, text));
	return 0;
}

/* "route 10.0.0.0/8 via 192.0.2.1 interface 3 metric 10: ..." */
static int route_error(const struct net_ack *ack,
		       const struct dp_prefix *prefix,
		       const struct dp_addr *via,
		       uint32_t ifindex,
		       uint32_t metric)
{
	char text[DP_PREFIX_STRLEN], gateway[DP_ADDR_STRLEN];

	dp_prefix_format(prefix, text);
	if (via)
		return net_error_ack(ack, "route %s via %s interface %u metric %u", text,
				     dp_addr_format(via, gateway), ifindex, metric);
	return net_error_ack(ack, "route %s interface %u metric %u", text, ifindex, metric);
}

int net_route_set(const struct dp_prefix *prefix,
		  const struct dp_addr *via,
		  uint32_t ifindex,
		  uint32_t metric)
{
	struct net_request request;
	struct nlmsghdr *head;
	struct net_ack ack;
	struct rtmsg *info;
	int rc;

	rc = prefix_check(prefix);
	if (rc < 0)
		return rc;
	if (via && via->family != AF_INET)
		return net_error_set(-EAFNOSUPPORT, "route: gateway: IPv4 only so far");
	head = route_request(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, prefix, metric);
	info = mnl_nlmsg_get_payload(head);
	if (via)
		mnl_attr_put(head, RTA_GATEWAY, dp_addr_len(via), via->bytes);
	else if (ifindex)
		info->rtm_scope = RT_SCOPE_LINK;
	else
		info->rtm_type = RTN_BLACKHOLE;
	if (ifindex)
		mnl_attr_put_u32(head, RTA_OIF, ifindex);
	rc = net_request_ack(head, &ack);
	if (rc < 0)
		return rc;
	return ack.error ? route_error(&ack, prefix, via, ifindex, metric) : 0;
}

int net_route_del(const struct dp_prefix *prefix, uint32_t metric)
{
	struct net_request request;
	struct nlmsghdr *head;
	struct net_ack ack;
	struct rtmsg *info;
	int rc;

	rc = prefix_check(prefix);
	if (rc < 0)
		return rc;
	head = route_request(&request, RTM_DELROUTE, 0, prefix, metric);
	/* Any scope and type: prefix, metric and protocol say enough. */
	info = mnl_nlmsg_get_payload(head);
	info->rtm_scope = RT_SCOPE_NOWHERE;
	info->rtm_type = RTN_UNSPEC;
	rc = net_request_ack(head, &ack);
	if (rc < 0)
		return rc;
	if (ack.error && ack.error != -ESRCH)
		return route_error(&ack, prefix, NULL, 0, metric);
	return 0;
}

int net_route_list_ours(net_route_fn fn, void *ctx)
{
	struct net_request request;
	struct nlmsghdr *head = net_request_dump(&request, NET_ROUTE, AF_INET);
	struct rtmsg *info = mnl_nlmsg_get_payload(head);
	struct net_dump dump;
	struct net_msg msg;
	int rc;

	info->rtm_table = RT_TABLE_MAIN; /* the kernel filters */
	info->rtm_protocol = NET_PROTO;
	rc = net_dump_get(head, &dump);
	while (rc == 0 && net_dump_next(&dump, NET_ROUTE, &msg)) {
		if (msg.route.protocol == NET_PROTO && msg.route.table == RT_TABLE_MAIN)
			rc = fn(ctx, &msg.route);
	}
	net_dump_free(&dump);
	return rc < 0 ? rc : 0;
}
