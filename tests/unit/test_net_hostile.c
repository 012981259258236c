/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The netlink parser over messages that are cut, bent, or say what cannot be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <errno.h>
#include <linux/nexthop.h>
#include <linux/if_addr.h>

#include "control/net/net_parse.h"
#include "tests/unit/net_fixture.h"

static struct dp_addr addr_of(const char *text)
{
	struct dp_addr addr;

	assert_int_equal(dp_addr_parse(&addr, text), 0);
	return addr;
}

static int parse_any(const uint8_t *bytes, size_t len)
{
	struct net_msg msg;
	struct net_ack ack;
	int rc = net_parse(bytes, len, &msg);

	return rc == -EPROTONOSUPPORT ? net_parse_ack(bytes, len, &ack) : rc;
}

/* Every cut is an error, whether the header's length says so or not; the copy has no byte to spare,
 * so that the sanitizers see one read too many. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < NET_VECTORS; i++) {
		for (size_t len = 0; len < net_vectors[i].len; len++) {
			uint8_t *copy = malloc(len ? len : 1);

			assert_non_null(copy);
			memcpy(copy, net_vectors[i].bytes, len);
			assert_int_equal(parse_any(copy, len), -EBADMSG);
			if (len >= NLMSG_HDRLEN) {
				uint32_t claimed = (uint32_t)len;

				memcpy(copy, &claimed, sizeof(claimed));
				parse_any(copy, len); /* may end where an attribute ended */
			}
			free(copy);
		}
	}
}

/* Each byte in turn becomes 0, 1, 0x7f, 0xff. */
static void test_bent(void **state)
{
	static const uint8_t values[] = {0, 1, 0x7f, 0xff};

	(void)state;
	for (size_t i = 0; i < NET_VECTORS; i++) {
		uint8_t *copy = malloc(net_vectors[i].len);

		assert_non_null(copy);
		for (size_t at = 0; at < net_vectors[i].len; at++) {
			for (size_t v = 0; v < sizeof(values); v++) {
				memcpy(copy, net_vectors[i].bytes, net_vectors[i].len);
				copy[at] = values[v];
				parse_any(copy, net_vectors[i].len);
			}
		}
		free(copy);
	}
}

/* A message that is built here: header, fixed part, attributes. */
struct built {
	uint8_t bytes[4096];
	size_t len;
};

static void built_add(struct built *b, const void *bytes, size_t len)
{
	memcpy(b->bytes + b->len, bytes, len);
	b->len += NLMSG_ALIGN(len);
	memcpy(b->bytes, &(uint32_t){(uint32_t)b->len}, sizeof(uint32_t));
}

static void built_start(struct built *b, uint16_t type, const void *body, size_t len)
{
	const struct nlmsghdr head = {.nlmsg_type = type};

	memset(b, 0, sizeof(*b));
	built_add(b, &head, sizeof(head));
	built_add(b, body, len);
}

static void built_attr(struct built *b, uint16_t type, const void *value, size_t len)
{
	const struct nlattr head = {.nla_type = type, .nla_len = (uint16_t)(sizeof(head) + len)};
	uint8_t attr[2048];

	memcpy(attr, &head, sizeof(head));
	memcpy(attr + sizeof(head), value, len);
	built_add(b, attr, sizeof(head) + len);
}

static int built_parse(const struct built *b, struct net_msg *msg)
{
	return net_parse(b->bytes, b->len, msg);
}

static void test_values_that_cannot_be(void **state)
{
	const struct dp_addr ip4 = addr_of("192.0.2.7");
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_dst_len = 33};
	struct ifaddrmsg addr = {.ifa_family = AF_INET, .ifa_prefixlen = 33, .ifa_index = 1};
	struct ndmsg neigh = {.ndm_family = AF_INET, .ndm_ifindex = 1};
	struct ifinfomsg link = {.ifi_index = 1};
	struct net_msg msg;
	struct built b;

	(void)state;
	built_start(&b, RTM_NEWROUTE, &route, sizeof(route));
	assert_int_equal(built_parse(&b, &msg), -EBADMSG); /* prefix length */
	route.rtm_dst_len = 32;
	built_start(&b, RTM_NEWROUTE, &route, sizeof(route));
	built_attr(&b, RTA_DST, ip4.bytes, 3);
	assert_int_equal(built_parse(&b, &msg), -EBADMSG); /* short address */
	built_start(&b, RTM_NEWADDR, &addr, sizeof(addr));
	built_attr(&b, IFA_LOCAL, ip4.bytes, 4);
	assert_int_equal(built_parse(&b, &msg), -EBADMSG); /* prefix length */
	addr.ifa_prefixlen = 24;
	built_start(&b, RTM_NEWADDR, &addr, sizeof(addr));
	assert_int_equal(built_parse(&b, &msg), -EBADMSG); /* no address */
	built_start(&b, RTM_NEWNEIGH, &neigh, sizeof(neigh));
	assert_int_equal(built_parse(&b, &msg), -EBADMSG); /* no address */
	built_start(&b, RTM_NEWLINK, &link, sizeof(link));
	assert_int_equal(built_parse(&b, &msg), -EBADMSG); /* no name */
	built_attr(&b, IFLA_IFNAME, "0123456789abcdefghij", 20);
	assert_int_equal(built_parse(&b, &msg), 0); /* cut, with its NUL */
	assert_string_equal(msg.link.name, "0123456789abcde");
	neigh.ndm_flags = NTF_PROXY;
	built_start(&b, RTM_NEWNEIGH, &neigh, sizeof(neigh));
	built_attr(&b, NDA_DST, ip4.bytes, 4);
	assert_int_equal(built_parse(&b, &msg), -EPROTONOSUPPORT);
}

static void multipath_build(struct built *b, unsigned hops, uint16_t last_len)
{
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_dst_len = 0, .rtm_table = RT_TABLE_MAIN};
	struct rtnexthop hop[64];

	memset(hop, 0, sizeof(hop));
	for (unsigned i = 0; i < hops; i++) {
		hop[i].rtnh_len = i + 1 < hops ? sizeof(hop[i]) : last_len;
		hop[i].rtnh_hops = 255;
		hop[i].rtnh_ifindex = (int)i + 1;
	}
	built_start(b, RTM_NEWROUTE, &route, sizeof(route));
	built_attr(b, RTA_MULTIPATH, hop, hops * sizeof(hop[0]));
}

static void test_multipath_limits(void **state)
{
	struct net_msg msg;
	struct built b;

	(void)state;
	multipath_build(&b, NET_NEXTHOPS_MAX, sizeof(struct rtnexthop));
	assert_int_equal(built_parse(&b, &msg), 0);
	assert_int_equal(msg.route.nexthop_count, NET_NEXTHOPS_MAX);
	assert_false(msg.route.truncated);
	assert_int_equal(msg.route.nexthops[NET_NEXTHOPS_MAX - 1].weight, 256);
	multipath_build(&b, NET_NEXTHOPS_MAX + 1, sizeof(struct rtnexthop));
	assert_int_equal(built_parse(&b, &msg), 0);
	assert_int_equal(msg.route.nexthop_count, NET_NEXTHOPS_MAX);
	assert_true(msg.route.truncated);
	multipath_build(&b, NET_NEXTHOPS_MAX + 1, sizeof(struct rtnexthop) + 4);
	assert_int_equal(built_parse(&b, &msg),
			 -EBADMSG); /* beyond the attribute, also when cut off */
	multipath_build(&b, 2, 7);
	assert_int_equal(built_parse(&b, &msg), -EBADMSG);
	multipath_build(&b, 2, 0); /* must not turn on the spot */
	assert_int_equal(built_parse(&b, &msg), -EBADMSG);
}

static void test_nexthop_groups(void **state)
{
	struct nhmsg head = {.nh_family = AF_UNSPEC};
	struct nexthop_grp group[NET_NEXTHOPS_MAX + 1];
	const uint32_t id = 7;
	struct net_msg msg;
	struct built b;

	(void)state;
	for (unsigned i = 0; i <= NET_NEXTHOPS_MAX; i++)
		group[i] = (struct nexthop_grp){.id = i + 1, .weight = 255, .resvd1 = 255};
	built_start(&b, RTM_NEWNEXTHOP, &head, sizeof(head));
	built_attr(&b, NHA_GROUP, group, sizeof(group[0]));
	assert_int_equal(built_parse(&b, &msg), -EBADMSG); /* no id */
	built_attr(&b, NHA_ID, &id, sizeof(id));
	assert_int_equal(built_parse(&b, &msg), 0);
	assert_int_equal(msg.nexthop.members[0].weight, 65536); /* 16 bits of "weight - 1" */
	built_start(&b, RTM_NEWNEXTHOP, &head, sizeof(head));
	built_attr(&b, NHA_ID, &id, sizeof(id));
	built_attr(&b, NHA_GROUP, group, sizeof(group));
	assert_int_equal(built_parse(&b, &msg), 0);
	assert_int_equal(msg.nexthop.member_count, NET_NEXTHOPS_MAX);
	assert_true(msg.nexthop.truncated);
	built_start(&b, RTM_NEWNEXTHOP, &head, sizeof(head));
	built_attr(&b, NHA_ID, &id, sizeof(id));
	built_attr(&b, NHA_GROUP, group, sizeof(group[0]) + 4);
	assert_int_equal(built_parse(&b, &msg), -EBADMSG);
	built_start(&b, RTM_NEWNEXTHOP, &head, sizeof(head));
	built_attr(&b, NHA_ID, &id, sizeof(id));
	built_attr(&b, NHA_GROUP, group, 0);
	assert_int_equal(built_parse(&b, &msg), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bent),
		cmocka_unit_test(test_values_that_cannot_be),
		cmocka_unit_test(test_multipath_limits),
		cmocka_unit_test(test_nexthop_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
