/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The dataplane and the kernel's routes as the control core's unit tests need them: every call is
 * written down in order, any of them can be told to fail, and a spoke with next hops cannot be
 * removed (as the real one's cannot).
 */
#include <stdint.h>

#include "control/nhrp/nhrp_cache.h"

#define FAKE_DP_CALLS    256
#define FAKE_DP_SPOKES   64
#define FAKE_DP_NEXTHOPS 128
#define FAKE_DP_PACKET   2048
#define FAKE_DP_PACKETS  16

struct fake_dp {
	char calls[FAKE_DP_CALLS][64]; /* "nexthop_set 10.255.0.11 1" */
	unsigned call_count;
	/* What the next calls return instead of doing it; 0 = do it. */
	int fail_spoke_add, fail_spoke_del, fail_nexthop_set, fail_nexthop_del, fail_inject;
	int fail_route_set, fail_route_del, fail_mcast;
	/* The last packet injected. */
	uint8_t packet[FAKE_DP_PACKET];
	size_t packet_len;
	struct dp_addr packet_nbma;
	uint16_t packet_port;
	unsigned packets;
	struct {
		struct dp_addr nbma;
		uint8_t type;          /* of NHRP */
		uint32_t request_id;   /* of types that have one */
	} packet_log[FAKE_DP_PACKETS]; /* the first of them */
	unsigned spokes, nexthops;     /* there now */
};

extern struct fake_dp fake_dp;

void fake_dp_reset(void);
/* Forgets the calls only. */
void fake_dp_calls_clear(void);
/* All calls since the last clear, "a; b; c". */
const char *fake_dp_calls(void);
const struct nhrp_route_ops *fake_dp_routes(void);
