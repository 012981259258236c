/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The captured netlink messages as a table. */
#include <stddef.h>

#include "tests/vectors/netlink/captured.h"

/* clang-format off */
#define NET_VECTOR(name) { #name, netlink_##name, sizeof(netlink_##name) }
/* clang-format on */

struct net_vector {
	const char *name;
	const uint8_t *bytes;
	size_t len;
};

static const struct net_vector net_vectors[] = {
	NET_VECTOR(link_lo),          NET_VECTOR(link_veth),        NET_VECTOR(link_bridge_port),
	NET_VECTOR(link_bridge),      NET_VECTOR(link_tun),         NET_VECTOR(link_as_bridge_sees),
	NET_VECTOR(link_left_bridge), NET_VECTOR(link_gone),        NET_VECTOR(addr_ours),
	NET_VECTOR(addr_peer),        NET_VECTOR(addr_ip6),         NET_VECTOR(addr_gone),
	NET_VECTOR(neigh_stale),      NET_VECTOR(neigh_failed),     NET_VECTOR(neigh_permanent),
	NET_VECTOR(neigh_ip6),        NET_VECTOR(neigh_gone),       NET_VECTOR(route_default),
	NET_VECTOR(route_host),       NET_VECTOR(route_blackhole),  NET_VECTOR(route_multipath),
	NET_VECTOR(route_via_ip6),    NET_VECTOR(route_nexthop_id), NET_VECTOR(route_ip6),
	NET_VECTOR(route_gone),       NET_VECTOR(route_replaced),   NET_VECTOR(route_appended),
	NET_VECTOR(nexthop_single),   NET_VECTOR(nexthop_group),    NET_VECTOR(nexthop_blackhole),
	NET_VECTOR(nexthop_gone),     NET_VECTOR(conf_dump),        NET_VECTOR(conf_forwarding),
	NET_VECTOR(ack_no_device),    NET_VECTOR(ack_words),        NET_VECTOR(ack_done),
};
#define NET_VECTORS (sizeof(net_vectors) / sizeof(net_vectors[0]))
