/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_link: requests about links, their addresses and their neighbours; see net.h.
 *
 * Which addresses are ours is written in the kernel (IFA_PROTO, Linux 5.18), so it outlives us.
 * Context: control. rtnetlink(7). Not done: IPv6 addresses (the twins have IPv6 off).
 */
#include "net_priv.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>

int net_link_get(const char *ifname, struct net_link *link)
{
	struct net_request request;
	struct nlmsghdr *head;
	struct net_msg msg;
	struct net_ack ack;
	int rc;

	rc = net_ifname_check(ifname);
	if (rc < 0)
		return rc;
	head = net_request_start(&request, RTM_GETLINK, 0);
	mnl_nlmsg_put_extra_header(head, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(head, IFLA_IFNAME, ifname);
	mnl_attr_put_u32(head, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	memset(&msg, 0, sizeof(msg));
	rc = net_request_reply(head, &ack, &msg);
	if (rc < 0)
		return rc;
	if (ack.error)
		return net_error_ack(&ack, "interface %s", ifname);
	if (msg.kind != NET_LINK || msg.link.ifindex == 0)
		return net_error_set(-EBADMSG, "interface %s: the kernel's answer has no link",
				     ifname);
	*link = msg.link;
	return 0;
}

int net_link_index(const char *ifname, uint32_t *ifindex)
{
	struct net_link link;
	int rc = net_link_get(ifname, &link);

	if (rc == 0)
		*ifindex = link.ifindex;
	return rc;
}

int net_link_up(const char *ifname)
{
	struct net_request request;
	struct ifinfomsg *info;
	struct nlmsghdr *head;
	struct net_link link;
	struct net_ack ack;
	int rc;

	rc = net_link_get(ifname, &link);
	if (rc < 0 || (link.flags & IFF_UP))
		return rc;
	head = net_request_start(&request, RTM_NEWLINK, 0);
	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->ifi_index = (int)link.ifindex;
	info->ifi_flags = IFF_UP;
	info->ifi_change = IFF_UP;
	rc = net_request_ack(head, &ack);
	if (rc < 0)
		return rc;
	return ack.error ? net_error_ack(&ack, "interface %s: set up", ifname) : 0;
}

static int addr_request(uint16_t type,
			uint16_t flags,
			uint32_t ifindex,
			const struct dp_prefix *prefix)
{
	uint8_t len = dp_addr_len(&prefix->addr);
	char text[DP_PREFIX_STRLEN];
	struct net_request request;
	struct ifaddrmsg *info;
	struct nlmsghdr *head;
	struct net_ack ack;
	int rc;

	head = net_request_start(&request, type, flags);
	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->ifa_family = (uint8_t)prefix->addr.family;
	info->ifa_prefixlen = prefix->len;
	info->ifa_index = ifindex;
	info->ifa_scope = RT_SCOPE_UNIVERSE;
	mnl_attr_put(head, IFA_LOCAL, len, prefix->addr.bytes);
	mnl_attr_put(head, IFA_ADDRESS, len, prefix->addr.bytes);
	if (type == RTM_NEWADDR)
		mnl_attr_put_u8(head, IFA_PROTO, NET_PROTO);
	rc = net_request_ack(head, &ack);
	if (rc < 0)
		return rc;
	/* Already there, perhaps by someone else; or gone before we asked: as it should be. */
	if (ack.error == (type == RTM_NEWADDR ? -EEXIST : -EADDRNOTAVAIL))
		return 0;
	if (ack.error)
		return net_error_ack(&ack, "interface %u: address %s", ifindex,
				     dp_prefix_format(prefix, text));
	return 0;
}

static bool prefix_in(const struct dp_prefix *prefix, const struct dp_prefix *list, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (list[i].len == prefix->len && dp_addr_equal(&list[i].addr, &prefix->addr))
			return true;
	}
	return false;
}

static int addr_dump(uint32_t ifindex, struct net_dump *dump)
{
	struct net_request request;
	struct nlmsghdr *head = net_request_dump(&request, NET_ADDR, AF_INET);
	struct ifaddrmsg *info = mnl_nlmsg_get_payload(head);

	info->ifa_index = ifindex; /* the kernel filters */
	return net_dump_get(head, dump);
}

/* What we put there once and nobody wants any more. */
static int addr_remove_stale(uint32_t ifindex, const struct dp_prefix *wanted, unsigned count)
{
	struct net_dump dump;
	struct net_msg msg;
	int rc;

	rc = addr_dump(ifindex, &dump);
	if (rc < 0)
		return net_error_set(rc, "interface %u: addresses: %s", ifindex, strerror(-rc));
	while (rc == 0 && net_dump_next(&dump, NET_ADDR, &msg)) {
		if (msg.addr.ifindex != ifindex || msg.addr.proto != NET_PROTO ||
		    prefix_in(&msg.addr.prefix, wanted, count))
			continue;
		rc = addr_request(RTM_DELADDR, 0, ifindex, &msg.addr.prefix);
	}
	net_dump_free(&dump);
	return rc;
}

int net_addr_set(uint32_t ifindex, const struct dp_prefix *prefixes, unsigned count)
{
	char text[DP_PREFIX_STRLEN];
	int rc;

	for (unsigned i = 0; i < count; i++) {
		if (prefixes[i].addr.family != AF_INET)
			return net_error_set(-EAFNOSUPPORT,
					     "interface %u: address %s: IPv4 only so far", ifindex,
					     dp_prefix_format(&prefixes[i], text));
	}
	/* Removing comes first: where promote_secondaries is off, the kernel takes a subnet's other
	 * addresses away together with its first one; the additions below bring those back. */
	rc = addr_remove_stale(ifindex, prefixes, count);
	for (unsigned i = 0; rc == 0 && i < count; i++)
		rc = addr_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, &prefixes[i]);
	return rc;
}

int net_neigh_use(uint32_t ifindex, const struct dp_addr *addr)
{
	char text[DP_ADDR_STRLEN];
	struct net_request request;
	struct nlmsghdr *head;
	struct net_ack ack;
	struct ndmsg *info;
	int rc;

	head = net_request_start(&request, RTM_NEWNEIGH, NLM_F_CREATE);
	info = mnl_nlmsg_put_extra_header(head, sizeof(*info));
	info->ndm_family = (uint8_t)addr->family;
	info->ndm_ifindex = (int)ifindex;
	info->ndm_state = NUD_NONE;
	info->ndm_flags = NTF_USE;
	mnl_attr_put(head, NDA_DST, dp_addr_len(addr), addr->bytes);
	rc = net_request_ack(head, &ack);
	if (rc < 0)
		return rc;
	if (ack.error)
		return net_error_ack(&ack, "interface %u: neighbour %s", ifindex,
				     dp_addr_format(addr, text));
	return 0;
}
