/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_parse_route: RTM_NEWROUTE and RTM_DELROUTE, with RTA_MULTIPATH. See net_parse.c.
 */
#include "net_parse_priv.h"

#include <errno.h>

/* RTA_VIA: the gateway is of another family than the route. */
static void parse_via(struct net_attrs *it, const struct net_attr *attr, struct dp_addr *gateway)
{
	struct net_attr addr = {0};
	uint16_t family;

	if (attr->len < sizeof(family)) {
		it->bad = true;
		return;
	}
	memcpy(&family, attr->value, sizeof(family));
	if (family != AF_INET && family != AF_INET6) {
		it->bad = true;
		return;
	}
	addr.value = attr->value + sizeof(family);
	addr.len = attr->len - sizeof(family);
	net_attr_addr(it, &addr, (uint8_t)family, gateway);
}

static struct net_nexthop *nexthop_add(struct net_route *route)
{
	struct net_nexthop *hop;

	if (route->nexthop_count == NET_NEXTHOPS_MAX) {
		route->truncated = true;
		return NULL;
	}
	hop = &route->nexthops[route->nexthop_count++];
	hop->weight = 1;
	return hop;
}

static void parse_multipath_entry(struct net_attrs *it,
				  const uint8_t *entry,
				  size_t len,
				  uint8_t family,
				  struct net_route *route)
{
	struct net_attrs attrs = net_attrs_over(entry, len, sizeof(struct rtnexthop));
	struct net_nexthop *hop = nexthop_add(route);
	struct net_nexthop unused = {0};
	struct rtnexthop head;
	struct net_attr attr;

	if (!hop) /* read to the end all the same: a bad length makes the message bad */
		hop = &unused;
	memcpy(&head, entry, sizeof(head));
	hop->flags = head.rtnh_flags;
	hop->weight = (uint16_t)(head.rtnh_hops + 1);
	hop->ifindex = (uint32_t)head.rtnh_ifindex;
	while (net_attrs_next(&attrs, &attr)) {
		if (attr.type == RTA_GATEWAY)
			net_attr_addr(&attrs, &attr, family, &hop->gateway);
		else if (attr.type == RTA_VIA)
			parse_via(&attrs, &attr, &hop->gateway);
		else if (attr.type == RTA_ENCAP_TYPE)
			hop->encap = 1;
	}
	it->bad |= attrs.bad;
}

static void parse_multipath(struct net_attrs *it,
			    const struct net_attr *multipath,
			    uint8_t family,
			    struct net_route *route)
{
	const uint8_t *at = multipath->value;
	size_t left = multipath->len, step;
	struct rtnexthop head;

	while (left > 0 && !it->bad) {
		if (left < sizeof(head)) {
			it->bad = true;
			return;
		}
		memcpy(&head, at, sizeof(head));
		if (head.rtnh_len < sizeof(head) || head.rtnh_len > left) {
			it->bad = true;
			return;
		}
		parse_multipath_entry(it, at, head.rtnh_len, family, route);
		step = RTNH_ALIGN(head.rtnh_len);
		if (step > left)
			step = left;
		at += step;
		left -= step;
	}
}

/* FNV-1a over type and value. */
static void digest(struct net_route *route, const struct net_attr *attr)
{
	uint32_t hash = (route->rest ^ attr->type) * 16777619u;

	for (size_t i = 0; i < attr->len; i++)
		hash = (hash ^ attr->value[i]) * 16777619u;
	route->rest = hash;
}

static void parse_attr(struct net_attrs *it,
		       const struct net_attr *attr,
		       uint8_t family,
		       struct net_route *route,
		       struct net_nexthop *single)
{
	switch (attr->type) {
	case RTA_DST:
		net_attr_addr(it, attr, family, &route->prefix.addr);
		break;
	case RTA_TABLE:
		route->table = net_attr_u32(it, attr);
		break;
	case RTA_PRIORITY:
		route->metric = net_attr_u32(it, attr);
		break;
	case RTA_NH_ID:
		route->nexthop_id = net_attr_u32(it, attr);
		break;
	case RTA_OIF:
		single->ifindex = net_attr_u32(it, attr);
		break;
	case RTA_GATEWAY:
		net_attr_addr(it, attr, family, &single->gateway);
		break;
	case RTA_VIA:
		parse_via(it, attr, &single->gateway);
		break;
	case RTA_ENCAP_TYPE:
		single->encap = 1;
		break;
	case RTA_MULTIPATH:
		parse_multipath(it, attr, family, route);
		break;
	case RTA_PREFSRC:
	case RTA_METRICS:
	case RTA_FLOW:
		digest(route, attr);
		break;
	}
}

int net_parse_route(const uint8_t *body, size_t len, struct net_route *route)
{
	struct net_attrs it = net_attrs_over(body, len, NLMSG_ALIGN(sizeof(struct rtmsg)));
	struct net_nexthop single = {.weight = 1};
	struct net_attr attr;
	struct rtmsg head;

	if (it.bad)
		return -EBADMSG;
	memcpy(&head, body, sizeof(head));
	if (head.rtm_family != AF_INET && head.rtm_family != AF_INET6)
		return -EPROTONOSUPPORT;
	route->prefix.addr.family = head.rtm_family; /* without RTA_DST: the default route */
	route->prefix.len = head.rtm_dst_len;
	route->table = head.rtm_table;
	route->type = head.rtm_type;
	route->scope = head.rtm_scope;
	route->protocol = head.rtm_protocol;
	route->tos = head.rtm_tos;
	route->flags = head.rtm_flags;
	single.flags = head.rtm_flags & 0xff; /* the low byte is the next hop's: RTNH_F_* */
	while (net_attrs_next(&it, &attr))
		parse_attr(&it, &attr, head.rtm_family, route, &single);
	if (it.bad || head.rtm_dst_len > dp_addr_bits(&route->prefix.addr))
		return -EBADMSG;
	if (route->nexthop_count == 0 && (single.ifindex || dp_addr_is_set(&single.gateway)))
		route->nexthops[route->nexthop_count++] = single;
	route->prefix = dp_prefix_network(&route->prefix);
	return 0;
}
