/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_parse_nexthop: RTM_NEWNEXTHOP and RTM_DELNEXTHOP. See net_parse.c.
 */
#include "net_parse_priv.h"

#include <errno.h>
#include <linux/nexthop.h>

/* An array of struct nexthop_grp; the kernel's word for "weight - 1" got its high byte in 6.12. */
static void parse_group(struct net_attrs *it,
			const struct net_attr *attr,
			struct net_nexthop_object *object)
{
	struct nexthop_grp entry;

	if (attr->len == 0 || attr->len % sizeof(entry) != 0) {
		it->bad = true;
		return;
	}
	object->member_count = 0;
	for (size_t at = 0; at < attr->len; at += sizeof(entry)) {
		if (object->member_count == NET_NEXTHOPS_MAX) {
			object->truncated = true;
			return;
		}
		memcpy(&entry, attr->value + at, sizeof(entry));
		object->members[object->member_count++] = (struct net_nexthop_member){
			.id = entry.id,
			.weight = ((uint32_t)entry.resvd1 << 8 | entry.weight) + 1,
		};
	}
}

static void parse_attr(struct net_attrs *it,
		       const struct net_attr *attr,
		       struct net_nexthop_object *object)
{
	switch (attr->type) {
	case NHA_ID:
		object->id = net_attr_u32(it, attr);
		break;
	case NHA_GROUP:
		parse_group(it, attr, object);
		break;
	case NHA_BLACKHOLE:
		object->blackhole = true;
		break;
	case NHA_OIF:
		object->hop.ifindex = net_attr_u32(it, attr);
		break;
	case NHA_GATEWAY:
		net_attr_addr(it, attr, object->family, &object->hop.gateway);
		break;
	case NHA_ENCAP_TYPE:
		object->hop.encap = 1;
		break;
	case NHA_FDB:
		object->fdb = true;
		break;
	}
}

int net_parse_nexthop(const uint8_t *body, size_t len, struct net_nexthop_object *object)
{
	struct net_attrs it = net_attrs_over(body, len, NLMSG_ALIGN(sizeof(struct nhmsg)));
	struct net_attr attr;
	struct nhmsg head;

	if (it.bad)
		return -EBADMSG;
	memcpy(&head, body, sizeof(head));
	object->family = head.nh_family;
	object->protocol = head.nh_protocol;
	object->hop.flags = (uint8_t)head.nh_flags;
	object->hop.weight = 1;
	while (net_attrs_next(&it, &attr))
		parse_attr(&it, &attr, object);
	return it.bad || object->id == 0 ? -EBADMSG : 0;
}
