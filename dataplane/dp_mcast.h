/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Multicast of a tunnel (`map multicast`): what the kernel sends to a group or to broadcast in the
 * tunnel's twin, and groups that come from LAN ports, goes to the spokes that are members.
 *
 * A tunnel knows up to DP_MCAST_GROUPS_MAX prefixes of groups. Number 0 is always there: every
 * group, and broadcast. A spoke is a member of a set of them, one bit for each: it gets a packet
 * once when one of its prefixes holds the packet's destination (dp_spoke_multicast_set).
 *
 * Context: control, all of it.
 */
#include "dp.h"
#include "dp_addr.h"

#define DP_MCAST_GROUPS_MAX 32
#define DP_MCAST_ALL        1U  /* the bit of number 0 */
#define DP_MCAST_LAN_MAX    256 /* prefixes accepted from LAN ports, over all tunnels */

/*
 * The bit of a prefix, a new one if need be. -EINVAL: not a prefix of multicast addresses;
 * -ENOSPC: DP_MCAST_GROUPS_MAX; -ENOENT: no such tunnel.
 */
int dp_mcast_group_add(uint16_t tunnel, const struct dp_prefix *group, uint32_t *bit);

/*
 * Packets to this prefix that come in by a LAN port are replicated to the tunnel's members, TTL
 * and MTU as for any packet that is forwarded. -EINVAL: not multicast, or link-local (224.0.0.0/24
 * stays on its link); -EEXIST: overlaps with one that the tunnel has; -ENOSPC: DP_MCAST_LAN_MAX;
 * -ENOENT: no such tunnel. They go with the tunnel.
 */
int dp_mcast_lan_add(uint16_t tunnel, const struct dp_prefix *group);

struct dp_mcast_counters {
	uint64_t packets;  /* accepted for replication */
	uint64_t copies;   /* made of them */
	uint64_t full;     /* packets dropped: DP_MCAST_JOBS of the tunnel wait already */
	uint64_t nobody;   /* packets that no member wanted */
	uint64_t unmade;   /* copies not made for lack of buffers */
	uint64_t too_long; /* packets or copies dropped: longer than the MTU, and DF */
};

struct dp_mcast_info {
	uint32_t members; /* spokes */
	uint32_t groups;  /* prefixes, number 0 included */
	struct dp_mcast_counters counters;
};

/* Counters are sums over the workers since the tunnel was added. -ENOENT: no such tunnel. */
int dp_mcast_info_get(uint16_t tunnel, struct dp_mcast_info *info);
