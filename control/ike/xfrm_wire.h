/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What an IKE daemon's preloaded library (control/ike/preload) and dmvpnd say to each other over a
 * UNIX SOCK_SEQPACKET socket, on which dmvpnd plays the kernel's NETLINK_XFRM. Each NETLINK_XFRM
 * socket of the IKE daemon is a connection of its own. Every message begins with its kind:
 *
 *   N  both ways     one datagram of netlink messages (one message in each to dmvpnd)
 *   G  to dmvpnd     struct xfrm_wire_groups: the multicast groups, all of them, when they change
 *   B  both ways     struct xfrm_wire_bound: sequence numbers up to `bound` may have been used
 *   R  to dmvpnd     the NEWSA or UPDSA that made an SA which exists, its nlmsg_seq 0, what is
 *                    left of its lifetime in lft.*_add_expires_seconds (at least 1)
 *   E  to dmvpnd     end of what this connection replays
 *
 * A connection begins with G when it has groups and B, R for each SA made on it (B before the R of
 * the same SA, only where a bound is known). Connections without groups, the ones that requests
 * come over, then send E; N from the IKE daemon follows. R of an SA that dmvpnd has is no error.
 * Answers to R are ignored.
 */
#include <stdint.h>

#define XFRM_WIRE_PATH      "/run/dmvpn-hub/xfrm.sock"
#define XFRM_WIRE_PATH_ENV  "DMVPN_XFRM_SOCKET"

#define XFRM_WIRE_MSG_BYTES 65536 /* most that follows a kind */

enum xfrm_wire_kind {
	XFRM_WIRE_NETLINK = 'N',
	XFRM_WIRE_GROUPS = 'G',
	XFRM_WIRE_BOUND = 'B',
	XFRM_WIRE_REPLAY = 'R',
	XFRM_WIRE_END = 'E',
};

struct xfrm_wire_groups {
	uint8_t kind;
	uint32_t groups; /* as sockaddr_nl.nl_groups */
} __attribute__((packed));

/* Of an outbound ESP SA. An IPv4 address is followed by zeros. */
struct xfrm_wire_bound {
	uint8_t kind;
	uint32_t spi_be;
	uint8_t daddr[16];
	uint16_t family;
	uint64_t bound;
} __attribute__((packed));
