/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_parse: rtnetlink messages as values.
 *
 * One function per kind of message: the fixed header, then a walk over the attributes with a sticky
 * error (net_attr.h); unknown attributes are skipped, known ones must have their length. Routes are
 * in net_parse_route.c, next-hop objects in net_parse_nexthop.c. Pure: any thread; fuzzed by
 * tests/fuzz/fuzz_netlink.c.
 *
 * Layouts: rtnetlink(7) and the kernel's uapi headers.
 * XFRM is in control/ike/xfrm_parse.c.
 */
#include "net_parse_priv.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netconf.h>
#include <net/if.h>
#include <stdio.h>

#define MAC_LEN 6

/* <linux/if.h> has it, <net/if.h> of glibc does not, and the two do not mix. */
#define LINK_FLAG_LOWER_UP (1u << 16)

static bool family_is_ip(uint8_t family)
{
	return family == AF_INET || family == AF_INET6;
}

void net_attr_addr(struct net_attrs *it,
		   const struct net_attr *attr,
		   uint8_t family,
		   struct dp_addr *addr)
{
	if (attr->len != (family == AF_INET ? 4 : 16)) {
		it->bad = true;
		return;
	}
	if (dp_addr_from_bytes(addr, attr->value, (uint8_t)attr->len) < 0)
		it->bad = true;
}

static void parse_link_info(struct net_attrs *outer, const struct net_attr *info, char *kind)
{
	struct net_attrs it = net_attrs_over(info->value, info->len, 0);
	struct net_attr attr;

	while (net_attrs_next(&it, &attr)) {
		if (attr.type == IFLA_INFO_KIND)
			net_attr_text(&attr, kind, NET_NAME_LEN);
	}
	outer->bad |= it.bad;
}

static void parse_link_attr(struct net_attrs *it,
			    const struct net_attr *attr,
			    struct net_link *link)
{
	switch (attr->type) {
	case IFLA_IFNAME:
		net_attr_text(attr, link->name, sizeof(link->name));
		break;
	case IFLA_MTU:
		link->mtu = net_attr_u32(it, attr);
		break;
	case IFLA_MASTER:
		link->master = net_attr_u32(it, attr);
		break;
	case IFLA_CARRIER:
		link->carrier = net_attr_u8(it, attr) != 0;
		break;
	case IFLA_ADDRESS: /* other lengths are other media: no MAC for us */
		if (attr->len == MAC_LEN) {
			link->has_mac = true;
			memcpy(link->mac, attr->value, MAC_LEN);
		}
		break;
	case IFLA_LINKINFO:
		parse_link_info(it, attr, link->kind);
		break;
	}
}

static int parse_link(const uint8_t *body, size_t len, struct net_link *link)
{
	struct net_attrs it = net_attrs_over(body, len, NLMSG_ALIGN(sizeof(struct ifinfomsg)));
	struct net_attr attr;
	struct ifinfomsg head;
	bool wireless = false;

	if (it.bad)
		return -EBADMSG;
	memcpy(&head, body, sizeof(head));
	/* AF_BRIDGE speaks of a bridge's port: its RTM_DELLINK means "left the bridge". */
	if (head.ifi_family != AF_UNSPEC)
		return -EPROTONOSUPPORT;
	if (head.ifi_index <= 0)
		return -EBADMSG;
	link->ifindex = (uint32_t)head.ifi_index;
	link->flags = head.ifi_flags;
	link->type = head.ifi_type;
	link->carrier = (head.ifi_flags & LINK_FLAG_LOWER_UP) != 0;
	while (net_attrs_next(&it, &attr)) {
		wireless |= attr.type == IFLA_WIRELESS;
		parse_link_attr(&it, &attr, link);
	}
	if (it.bad || link->name[0] == '\0')
		return -EBADMSG;
	/* A wireless event says nothing of the link itself. */
	return wireless ? -EPROTONOSUPPORT : 0;
}

static int parse_addr(const uint8_t *body, size_t len, struct net_ifaddr *addr)
{
	struct net_attrs it = net_attrs_over(body, len, NLMSG_ALIGN(sizeof(struct ifaddrmsg)));
	struct dp_addr local = {0}, address = {0};
	struct net_attr attr;
	struct ifaddrmsg head;

	if (it.bad)
		return -EBADMSG;
	memcpy(&head, body, sizeof(head));
	if (!family_is_ip(head.ifa_family))
		return -EPROTONOSUPPORT;
	addr->ifindex = head.ifa_index;
	addr->flags = head.ifa_flags;
	addr->scope = head.ifa_scope;
	while (net_attrs_next(&it, &attr)) {
		if (attr.type == IFA_LOCAL)
			net_attr_addr(&it, &attr, head.ifa_family, &local);
		else if (attr.type == IFA_ADDRESS)
			net_attr_addr(&it, &attr, head.ifa_family, &address);
		else if (attr.type == IFA_FLAGS)
			addr->flags = net_attr_u32(&it, &attr);
		else if (attr.type == IFA_PROTO)
			addr->proto = net_attr_u8(&it, &attr);
	}
	/* With both, IFA_ADDRESS is the other end of a point-to-point link. */
	addr->prefix.addr = dp_addr_is_set(&local) ? local : address;
	addr->prefix.len = head.ifa_prefixlen;
	if (it.bad || head.ifa_index == 0 || !dp_addr_is_set(&addr->prefix.addr) ||
	    head.ifa_prefixlen > dp_addr_bits(&addr->prefix.addr))
		return -EBADMSG;
	return 0;
}

static int parse_neigh(const uint8_t *body, size_t len, struct net_neigh *neigh)
{
	struct net_attrs it = net_attrs_over(body, len, NLMSG_ALIGN(sizeof(struct ndmsg)));
	struct net_attr attr;
	struct ndmsg head;

	if (it.bad)
		return -EBADMSG;
	memcpy(&head, body, sizeof(head));
	/* AF_BRIDGE is a bridge's table of MACs; a proxy entry is what we answer for. */
	if (!family_is_ip(head.ndm_family) || (head.ndm_flags & NTF_PROXY))
		return -EPROTONOSUPPORT;
	neigh->ifindex = (uint32_t)head.ndm_ifindex;
	neigh->state = head.ndm_state;
	neigh->flags = head.ndm_flags;
	while (net_attrs_next(&it, &attr)) {
		if (attr.type == NDA_DST) {
			net_attr_addr(&it, &attr, head.ndm_family, &neigh->addr);
		} else if (attr.type == NDA_LLADDR && attr.len == MAC_LEN) {
			neigh->has_mac = true;
			memcpy(neigh->mac, attr.value, MAC_LEN);
		}
	}
	if (it.bad || head.ndm_ifindex <= 0 || !dp_addr_is_set(&neigh->addr))
		return -EBADMSG;
	return 0;
}

static int parse_conf(const uint8_t *body, size_t len, struct net_conf *conf)
{
	struct net_attrs it = net_attrs_over(body, len, NLMSG_ALIGN(sizeof(struct netconfmsg)));
	struct net_attr attr;

	if (it.bad)
		return -EBADMSG;
	conf->family = body[0];
	conf->forwarding = -1;
	conf->rp_filter = -1;
	if (!family_is_ip(conf->family))
		return -EPROTONOSUPPORT;
	while (net_attrs_next(&it, &attr)) {
		if (attr.type == NETCONFA_IFINDEX)
			conf->ifindex = net_attr_u32(&it, &attr);
		else if (attr.type == NETCONFA_FORWARDING)
			conf->forwarding = (int32_t)net_attr_u32(&it, &attr);
		else if (attr.type == NETCONFA_RP_FILTER)
			conf->rp_filter = (int32_t)net_attr_u32(&it, &attr);
	}
	return it.bad || conf->ifindex == 0 ? -EBADMSG : 0;
}

/* Bounds of the message itself; *len becomes its own length. */
static int parse_header(const uint8_t *bytes, size_t *len, struct nlmsghdr *head)
{
	if (*len < NLMSG_HDRLEN)
		return -EBADMSG;
	memcpy(head, bytes, sizeof(*head));
	if (head->nlmsg_len < NLMSG_HDRLEN || head->nlmsg_len > *len)
		return -EBADMSG;
	*len = head->nlmsg_len;
	return 0;
}

static int kind_of_type(uint16_t type, struct net_msg *msg)
{
	static const struct {
		uint16_t type;
		enum net_kind kind;
		enum net_change change;
	} kinds[] = {
		{RTM_NEWLINK, NET_LINK, NET_CHANGE_NEW},
		{RTM_DELLINK, NET_LINK, NET_CHANGE_DEL},
		{RTM_NEWADDR, NET_ADDR, NET_CHANGE_NEW},
		{RTM_DELADDR, NET_ADDR, NET_CHANGE_DEL},
		{RTM_NEWNEIGH, NET_NEIGH, NET_CHANGE_NEW},
		{RTM_DELNEIGH, NET_NEIGH, NET_CHANGE_DEL},
		{RTM_NEWNEXTHOP, NET_NEXTHOP, NET_CHANGE_NEW},
		{RTM_DELNEXTHOP, NET_NEXTHOP, NET_CHANGE_DEL},
		{RTM_NEWROUTE, NET_ROUTE, NET_CHANGE_NEW},
		{RTM_DELROUTE, NET_ROUTE, NET_CHANGE_DEL},
		{RTM_NEWNETCONF, NET_CONF, NET_CHANGE_NEW},
		{RTM_DELNETCONF, NET_CONF, NET_CHANGE_DEL},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].type == type) {
			msg->kind = kinds[i].kind;
			msg->change = kinds[i].change;
			return 0;
		}
	}
	return -EPROTONOSUPPORT;
}

int net_parse(const uint8_t *bytes, size_t len, struct net_msg *msg)
{
	const uint8_t *body;
	struct nlmsghdr head;
	int rc;

	rc = parse_header(bytes, &len, &head);
	if (rc < 0)
		return rc;
	memset(msg, 0, sizeof(*msg));
	rc = kind_of_type(head.nlmsg_type, msg);
	if (rc < 0)
		return rc;
	body = bytes + NLMSG_HDRLEN;
	len -= NLMSG_HDRLEN;
	switch (msg->kind) {
	case NET_LINK:
		return parse_link(body, len, &msg->link);
	case NET_ADDR:
		return parse_addr(body, len, &msg->addr);
	case NET_NEIGH:
		return parse_neigh(body, len, &msg->neigh);
	case NET_NEXTHOP:
		return net_parse_nexthop(body, len, &msg->nexthop);
	case NET_ROUTE:
		msg->route.how = head.nlmsg_flags & (NLM_F_REPLACE | NLM_F_APPEND | NLM_F_MULTI);
		return net_parse_route(body, len, &msg->route);
	case NET_CONF:
		return parse_conf(body, len, &msg->conf);
	}
	return -EPROTONOSUPPORT;
}

/* Where the attributes of an NLMSG_ERROR begin: after the number and as much of the request as the
 * kernel sent back. */
static size_t ack_attrs_offset(const uint8_t *body, size_t len, const struct nlmsghdr *head)
{
	struct nlmsghdr request;
	size_t offset = sizeof(int32_t) + sizeof(request);

	if (head->nlmsg_type == NLMSG_DONE)
		return sizeof(int32_t);
	if (len < offset || (head->nlmsg_flags & NLM_F_CAPPED))
		return offset;
	memcpy(&request, body + sizeof(int32_t), sizeof(request));
	if (request.nlmsg_len > sizeof(request))
		offset += NLMSG_ALIGN((size_t)request.nlmsg_len) - sizeof(request);
	return offset;
}

int net_parse_ack(const uint8_t *bytes, size_t len, struct net_ack *ack)
{
	const uint8_t *body;
	struct net_attrs it;
	struct net_attr attr;
	struct nlmsghdr head;
	int32_t error = 0;

	memset(ack, 0, sizeof(*ack));
	if (parse_header(bytes, &len, &head) < 0)
		return -EBADMSG;
	if (head.nlmsg_type != NLMSG_ERROR && head.nlmsg_type != NLMSG_DONE)
		return -EPROTONOSUPPORT;
	body = bytes + NLMSG_HDRLEN;
	len -= NLMSG_HDRLEN;
	if (len < sizeof(error))
		return -EBADMSG;
	memcpy(&error, body, sizeof(error));
	if (error > 0 || error < -4095) /* the kernel's MAX_ERRNO */
		return -EBADMSG;
	ack->error = error;
	if (!(head.nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	it = net_attrs_over(body, len, ack_attrs_offset(body, len, &head));
	while (net_attrs_next(&it, &attr)) {
		if (attr.type == NLMSGERR_ATTR_MSG)
			net_attr_text(&attr, ack->text, sizeof(ack->text));
	}
	return it.bad ? -EBADMSG : 0;
}

bool net_neigh_usable(const struct net_neigh *neigh)
{
	const uint16_t valid =
		NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;

	return neigh->has_mac && (neigh->state & valid);
}

const char *net_neigh_state_format(uint16_t state, char buf[NET_NEIGH_STATE_STRLEN])
{
	static const char *const names[] = {
		"INCOMPLETE", "REACHABLE", "STALE", "DELAY",
		"PROBE",      "FAILED",    "NOARP", "PERMANENT",
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (state == 1u << i) {
			snprintf(buf, NET_NEIGH_STATE_STRLEN, "%s", names[i]);
			return buf;
		}
	}
	if (state == NUD_NONE)
		snprintf(buf, NET_NEIGH_STATE_STRLEN, "NONE");
	else
		snprintf(buf, NET_NEIGH_STATE_STRLEN, "state-0x%02x", state);
	return buf;
}
