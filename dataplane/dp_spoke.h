/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Spokes: (tunnel, peer), with peer = (local address, NBMA address, NAT-T port). A spoke owns its
 * adjacency (outer header template and underlay neighbour) and its counters.
 * The handle is a number >= 1; 0 means "unknown spoke". Handles are reused after a grace period.
 *
 * Context: control, all of it.
 */
#include "dp.h"
#include "dp_addr.h"

struct dp_spoke_key {
	uint16_t tunnel;
	uint16_t natt_port; /* host order; 0 = plain GRE or ESP */
	struct dp_addr nbma;
};

struct dp_spoke_counters {
	uint64_t rx_pkts;
	uint64_t rx_bytes; /* inner IP bytes */
	uint64_t tx_pkts;
	uint64_t tx_bytes;
};

/* -EEXIST (and *spoke is the existing one), -ENOSPC: dp_limits.spokes, -ENOENT: no such tunnel. */
int dp_spoke_add(const struct dp_spoke_key *key, uint32_t *spoke);
/* -EBUSY while next hops point to it: remove those first (routes before the adjacency). */
int dp_spoke_del(uint32_t spoke);
/* 0 when there is none. */
uint32_t dp_spoke_find(const struct dp_spoke_key *key);
/*
 * Where the outer packets of this spoke go: a neighbour of dp_neigh.h, or 0 when the underlay has
 * no route to it (its packets drop by name). Takes over the caller's reference to the neighbour
 * when it returns 0. -ENOENT, -EAGAIN, -ENOSPC.
 */
int dp_spoke_neigh_set(uint32_t spoke, uint32_t neigh);
/* The multicast groups that the spoke gets (`map multicast`): bits of dp_mcast.h, 0: none. -ENOENT.
 */
int dp_spoke_multicast_set(uint32_t spoke, uint32_t groups);
/* A hub over us, which forwards for others: the source check lets it. Off for a new spoke. -ENOENT.
 */
int dp_spoke_transit_set(uint32_t spoke, bool on);
/* 0: strangers of all tunnels. -ENOENT. */
int dp_spoke_counters_get(uint32_t spoke, struct dp_spoke_counters *counters);
