/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mGRE tunnels: RFC 2784, key of RFC 2890. The handle is a small number; 0 is a valid tunnel.
 *
 * Context: control, all of it.
 */
#include "dp.h"
#include "dp_addr.h"
#include "dp_spoke.h"

/* DF of the outer header. */
enum dp_df {
	DP_DF_SET,   /* always: the underlay's MTU must be known */
	DP_DF_COPY,  /* of the inner header */
	DP_DF_CLEAR, /* never: the underlay may fragment */
};

/* Inner sources that a spoke may use: source.h. */
enum dp_source_check { DP_SOURCE_CHECK_OFF, DP_SOURCE_CHECK_OWN, DP_SOURCE_CHECK_STRICT };

struct dp_tunnel_conf {
	char name[DP_NAME_LEN]; /* also the name of its twin */
	struct dp_addr source;  /* local NBMA address */
	bool has_key;
	uint32_t key; /* host order */
	uint16_t mtu; /* bytes of an inner IP packet */
	uint16_t vrf; /* of the overlay; 0 is the only one yet */
	uint16_t underlay_vrf;
	uint8_t ttl;   /* of the outer header */
	bool redirect; /* detect hairpins inside network_id */
	bool ask;      /* tell of next hops that have no binding: dp_nexthop_wanted_handler_set */
	uint16_t redirect_interval_s;
	uint16_t adjust_mss;  /* bytes, of TCP SYNs in both directions; 0: as they are */
	uint8_t df;           /* enum dp_df */
	uint8_t source_check; /* enum dp_source_check */
	uint32_t network_id;  /* local name of the cloud; 0 = none */
	uint32_t profile;     /* protection: SAs of this profile (dp_sa.h); 0: plain */
};

/* -EEXIST: (source, key) is taken; -ENOSPC: dp_limits.tunnels. */
int dp_tunnel_add(const struct dp_tunnel_conf *conf, uint16_t *tunnel);
/* All its spokes and routes must be gone: -EBUSY. */
int dp_tunnel_del(uint16_t tunnel);
/*
 * Packets by tunnel, as dp_spoke.h counts them: of all its spokes, those that are gone too, and of
 * strangers (outer sources that are no spoke of it), which are told apart as well. Fills
 * counters[0..max) by handle; returns how many there are. Walks all spokes once.
 */
struct dp_tunnel_counters {
	struct dp_spoke_counters all, strangers;
};
uint32_t dp_tunnel_counters_get(struct dp_tunnel_counters *counters, uint32_t max);
int dp_tunnel_conf_get(uint16_t tunnel, struct dp_tunnel_conf *conf);
/* The address that ICMP errors about packets from this tunnel come from; NULL: none are sent.
 * -ENOENT, -EAFNOSUPPORT: only IPv4 yet. icmp.c */
int dp_tunnel_address_set(uint16_t tunnel, const struct dp_addr *addr);
