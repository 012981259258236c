/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <rte_common.h>

#include "dp_sa.h"
#include "dp_spoke.h"
#include "table.h"
#include "tunnel.h"

/* Outer IPv4 header, UDP header of NAT-T, GRE header with key: what an adjacency puts in front of
 * an inner packet. */
#define ADJ_HEADER_MAX 36
#define ADJ_HEADER_MIN 24 /* without UDP and key; with a key 4 more */

/*
 * Adjacency: how a packet reaches a spoke. One cache line, immutable once published: a change is a
 * new object, the index swapped wherever it is bound, the old one deferred.
 *
 * Of a protected tunnel: ESP goes between the outer headers (protocol ESP, or UDP with its ports
 * and no checksum) and GRE. Without an SA nothing may be sent.
 */
struct adj {
	uint8_t header[ADJ_HEADER_MAX]; /* IPv4 and UDP length, TOS, ID, flags, checksums are 0 */
	uint32_t ip_sum; /* of the IPv4 header as it stands in `header`, not folded */
	uint32_t neigh;  /* underlay neighbour; 0 = no route */
	uint32_t spoke;
	uint32_t network_id;
	uint32_t sa; /* that sends; 0: none */
	uint16_t tunnel;
	uint16_t mtu;       /* largest inner packet */
	uint8_t header_len; /* outer_len + gre_len */
	uint8_t outer_len;  /* IPv4, and UDP */
	uint8_t gre_len;
	uint8_t df : 4; /* enum dp_df */
	uint8_t is_protected : 1;
} __rte_cache_aligned;
_Static_assert(sizeof(struct adj) == 64, "one load per packet");

#define ADJ_GRE_PROTOCOL_OFFSET (20 + 2) /* in `header`: IPv4 without options, then GRE flags */

extern struct adj *adjs; /* [2 x limits.spokes + 1]: a change needs a second one for a while */
extern struct table *spoke_table;

/*
 * What may not be carried from one worker to another by index, because the other one may be asleep
 * for longer than a grace period: by spoke, its adjacency as it is now (0: it goes) and a number
 * that changes when the handle is given to another spoke. One load.
 */
union spoke_now {
	struct {
		uint32_t adj;
		uint32_t generation;
	};
	uint64_t word;
};
extern union spoke_now *spoke_nows; /* [limits.spokes + 1] */

/* Context: worker. */
static inline union spoke_now spoke_now(uint32_t spoke)
{
	return (union spoke_now){
		.word = __atomic_load_n(&spoke_nows[spoke].word, __ATOMIC_ACQUIRE)};
}

static inline struct table_key spoke_key(uint16_t tunnel,
					 const struct dp_addr *nbma,
					 uint16_t natt_port)
{
	struct table_key k = {.addr = *nbma, .a = tunnel, .b = natt_port};

	return k;
}

/* adj.c. Fills headers, lengths, ip_sum and the tunnel's values for packets to `nbma`; neigh, spoke
 * and sa stay 0. Pure but for the tunnel table. Context: any. */
void adj_build(struct adj *adj, uint16_t tunnel, const struct dp_addr *nbma);
/* The UDP header of RFC 3948 in front of ESP. Ports in host order. Context: any. */
void adj_natt(struct adj *adj, uint16_t local_port, uint16_t remote_port);
/* Inner packets shall fit into outer ones of so many bytes; alg of adj->sa, when it has one. */
void adj_fit(struct adj *adj, uint16_t outer_mtu, enum dp_sa_alg alg);

/* Current adjacency of a spoke, 0: none. Context: control. */
uint32_t spoke_adj(uint32_t spoke);
/* Next hops that point to it, counted by nexthop.c. Context: control. */
void spoke_ref(uint32_t spoke, int delta);
bool spoke_exists(uint32_t spoke);
/* The tunnel that packets are counted for under this handle; -1: free. Context: control. */
int spoke_tunnel(uint32_t spoke);

/* ---- for peer.c. Context: control ---- */

/* So many adjacencies can be renewed at once. */
bool spoke_adj_room(uint32_t n);
/* Gives the spoke the adjacency that it should have by now, unless it has it. -EAGAIN: no room. */
int spoke_adj_renew(uint32_t spoke);
/* The peer moves: the spoke is found by the new address, too (on), or not after all. -EAGAIN. */
int spoke_address_set(uint32_t spoke, const struct dp_addr *nbma, uint16_t natt_port, bool on);
/* And then by the new one alone. Its adjacency is renewed later. */
void spoke_moved(uint32_t spoke, const struct dp_addr *nbma, uint16_t natt_port);
