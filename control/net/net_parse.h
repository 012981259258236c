/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Rtnetlink messages as values. Pure functions over (bytes, length): no socket, no clock, no
 * globals, any alignment, any thread. The same functions read the kernel's feed and, later, FRR's
 * FPM stream. Numbers keep the kernel's meaning (IFF_*, NUD_*, RTN_*, RT_SCOPE_*: <linux/...>).
 */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/dp_addr.h"

#define NET_NAME_LEN     16 /* the kernel's IFNAMSIZ, with the NUL */
#define NET_NEXTHOPS_MAX 32 /* of one route; more are cut off, `truncated` says so */

/* Structs below are zeroed before they are filled: two equal ones are equal as bytes. */

struct net_link {
	uint32_t ifindex;
	uint32_t flags;  /* IFF_UP, IFF_LOWER_UP, ... */
	uint32_t mtu;    /* bytes */
	uint32_t master; /* ifindex of the bridge or bond that it is a port of, 0 = none */
	uint16_t type;   /* ARPHRD_* */
	bool carrier;
	bool has_mac;
	uint8_t mac[6];
	char name[NET_NAME_LEN];
	char kind[NET_NAME_LEN]; /* "veth", "tun", "bridge"; "" for hardware */
};

struct net_ifaddr {
	uint32_t ifindex;
	uint32_t flags;          /* IFA_F_* */
	struct dp_prefix prefix; /* our address and the length of its subnet: host bits kept */
	uint8_t scope;           /* RT_SCOPE_* */
	uint8_t proto;           /* who put it there: NET_PROTO is us, 0 = nobody said */
};

struct net_neigh {
	uint32_t ifindex;
	uint16_t state; /* NUD_* */
	uint8_t flags;  /* NTF_* */
	bool has_mac;
	uint8_t mac[6];
	struct dp_addr addr;
};

struct net_nexthop {
	struct dp_addr gateway; /* unset: the destination itself is on the link */
	uint32_t ifindex;       /* 0 = none */
	uint16_t weight;        /* 1..256 */
	uint8_t flags;          /* RTNH_F_DEAD, RTNH_F_LINKDOWN, RTNH_F_ONLINK, ... */
	uint8_t encap;          /* 1: the kernel puts a header on (MPLS, SRv6, ...) */
};

struct net_route {
	uint32_t table; /* RT_TABLE_MAIN = 254 */
	uint32_t metric;
	uint32_t nexthop_id; /* next-hop object that the route names, 0 = none */
	struct dp_prefix prefix;
	uint8_t type;     /* RTN_UNICAST, RTN_LOCAL, RTN_BLACKHOLE, ... */
	uint8_t scope;    /* RT_SCOPE_* */
	uint8_t protocol; /* RTPROT_*, NET_PROTO for ours */
	uint8_t tos;
	uint32_t flags; /* RTM_F_CLONED: a cache entry, not a route */
	uint32_t rest;  /* digest of what else tells routes apart in the kernel: source, metrics */
	uint16_t how;   /* of the message: NLM_F_REPLACE, NLM_F_APPEND, NLM_F_MULTI (in a dump) */
	bool truncated; /* more next hops than NET_NEXTHOPS_MAX */
	uint8_t nexthop_count;
	struct net_nexthop nexthops[NET_NEXTHOPS_MAX];
};

/* A next-hop object: one next hop, a blackhole, or a group of others. Routes name it by its id. */
struct net_nexthop_member {
	uint32_t id;
	uint32_t weight; /* 1..65536 */
};
struct net_nexthop_object {
	uint32_t id;
	uint8_t family;   /* AF_UNSPEC for a group */
	uint8_t protocol; /* RTPROT_* */
	bool blackhole;
	bool fdb;               /* of a bridge: no route can use it */
	bool truncated;         /* more members than NET_NEXTHOPS_MAX */
	uint8_t member_count;   /* > 0: a group */
	struct net_nexthop hop; /* of an object that is neither group nor blackhole */
	struct net_nexthop_member members[NET_NEXTHOPS_MAX];
};

/* IPv4 settings of an interface that someone changed. */
#define NET_CONF_ALL     UINT32_MAX       /* conf/all */
#define NET_CONF_DEFAULT (UINT32_MAX - 1) /* conf/default */
struct net_conf {
	uint32_t ifindex;   /* or NET_CONF_ALL, NET_CONF_DEFAULT */
	uint8_t family;     /* AF_INET, AF_INET6 */
	int32_t forwarding; /* -1 = not in this message */
	int32_t rp_filter;  /* -1 = not in this message */
};

/* Dumped in this order: what others refer to comes first. */
enum net_kind { NET_LINK, NET_ADDR, NET_NEIGH, NET_NEXTHOP, NET_ROUTE, NET_CONF };
#define NET_KINDS (NET_CONF + 1)
enum net_change { NET_CHANGE_NEW, NET_CHANGE_DEL };

struct net_msg {
	enum net_kind kind;
	enum net_change change;
	union {
		struct net_link link;
		struct net_ifaddr addr;
		struct net_neigh neigh;
		struct net_nexthop_object nexthop;
		struct net_route route;
		struct net_conf conf;
	};
};

/*
 * Reads the one message at `bytes` (header included; what follows it is not looked at).
 * -EBADMSG: lengths that do not fit, or a value that its kind cannot have.
 * -EPROTONOSUPPORT: well-formed, but nothing of ours: another type, a bridge's view of a link or
 *  neighbour, a family that is neither IPv4 nor IPv6. *msg is undefined after an error.
 */
int net_parse(const uint8_t *bytes, size_t len, struct net_msg *msg);

/* What the kernel says to a request: NLMSG_ERROR (0 = done) or NLMSG_DONE of a dump. */
struct net_ack {
	int error;      /* 0 or -errno */
	char text[128]; /* the kernel's own words (extended ACK), "" = none */
};
int net_parse_ack(const uint8_t *bytes, size_t len, struct net_ack *ack);

/* A MAC that may be used for sending: everything but INCOMPLETE, FAILED and NONE. STALE counts. */
bool net_neigh_usable(const struct net_neigh *neigh);
/* "REACHABLE", "STALE"; "state-0x.." for a mix. Returns buf. */
#define NET_NEIGH_STATE_STRLEN 16
const char *net_neigh_state_format(uint16_t state, char buf[NET_NEIGH_STATE_STRLEN]);
