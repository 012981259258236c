/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <rte_common.h>

#include "dp_spoke.h"
#include "table.h"
#include "tunnel.h"

/* Outer IPv4 header and GRE header with key: what an adjacency puts in front of an inner packet. */
#define ADJ_HEADER_MAX 32
#define ADJ_HEADER_MIN 24 /* without key; with it 4 more */

/*
 * Adjacency: how a packet reaches a spoke. One cache line, immutable once published: a change is a
 * new object, the index swapped wherever it is bound, the old one deferred.
 */
struct adj {
	uint8_t header[ADJ_HEADER_MAX]; /* IPv4 length, TOS, ID, flags and checksum are 0 */
	uint32_t ip_sum; /* of the IPv4 header as it stands in `header`, not folded */
	uint32_t neigh;  /* underlay neighbour; 0 = no route */
	uint32_t spoke;
	uint32_t network_id;
	uint16_t tunnel;
	uint16_t mtu; /* largest inner packet */
	uint8_t header_len;
	uint8_t df; /* enum dp_df */
} __rte_cache_aligned;
_Static_assert(sizeof(struct adj) == 64, "one load per packet");

#define ADJ_GRE_PROTOCOL_OFFSET (20 + 2) /* in `header`: IPv4 without options, then GRE flags */

extern struct adj *adjs; /* [2 x limits.spokes + 1]: a change needs a second one for a while */
extern struct table *spoke_table;

static inline struct table_key spoke_key(uint16_t tunnel,
					 const struct dp_addr *nbma,
					 uint16_t natt_port)
{
	struct table_key k = {.addr = *nbma, .a = tunnel, .b = natt_port};

	return k;
}

/* Fills header, header_len, ip_sum and the tunnel's values for packets to `nbma`; neigh and spoke
 * stay 0. Pure but for the tunnel table. Context: any. */
void adj_build(struct adj *adj, uint16_t tunnel, const struct dp_addr *nbma);

/* Current adjacency of a spoke, 0: none. Context: control. */
uint32_t spoke_adj(uint32_t spoke);
/* Next hops that point to it, counted by nexthop.c. Context: control. */
void spoke_ref(uint32_t spoke, int delta);
bool spoke_exists(uint32_t spoke);
/* The tunnel that packets are counted for under this handle; -1: free. Context: control. */
int spoke_tunnel(uint32_t spoke);
