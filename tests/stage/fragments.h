/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fragments of IPv4 packets, made and joined by the tests themselves (RFC 791 section 3.2). Packets
 * here start at their IP header.
 */
#include "stage.h"

/* A UDP packet from behind spoke 11 whose bytes depend on their place and on `mark`. */
struct stage_packet inner_make(const char *dst, uint16_t len, uint8_t mark);
/* Outer header with this ID, GRE with key 42, inner packet. */
struct stage_packet outer_make(const char *from, uint16_t id, struct stage_packet inner);
/* From `at` on there is the inner packet as it was sent, but for its TTL. */
void inner_sent_check(const struct stage_packet *out, unsigned at, struct stage_packet inner);
/* Sum over all reasons. */
uint64_t drops_sum(const struct stage_result *r);

/* `len` bytes of payload from `offset`, the header as it is; MF unless they are its end. Payload
 * beyond the packet's end is 0. */
struct stage_packet fragment_of(const struct stage_packet *whole, uint16_t offset, uint16_t len);
/* All fragments for an MTU, in order; returns how many: 1 for a packet that fits. */
unsigned fragments_cut(const struct stage_packet *whole, uint16_t mtu, struct stage_packet *out);
/*
 * The packet whose pieces the frames carry at `at`, in order: each has a right header and is no
 * longer than `mtu`, all but the last no shorter than they could be. Identity, flags and offset of
 * the result are the first piece's, MF the last one's; its header is the first piece's.
 */
struct stage_packet fragments_join(const struct stage_packet *frames,
				   unsigned n,
				   unsigned at,
				   uint16_t mtu);
/* Smallest number of fragments for this packet. */
unsigned pieces_needed(const struct stage_packet *p, unsigned mtu);
/* Joins the frames: as few as can be, together the inner packet that was sent. */
void fragments_check(const struct stage_packet *frames,
		     unsigned n,
		     unsigned at,
		     uint16_t mtu,
		     const struct stage_packet *inner);
/* Inserts `len` bytes of options that say nothing. */
void options_insert(struct stage_packet *p, uint16_t len);
/* Sends an outer packet to the hub by wan0, in fragments for this MTU, as one burst. */
const struct stage_result *fragments_run(const struct stage_packet *outer, uint16_t mtu);
/* The IPv4 header at `at`. */
struct rte_ipv4_hdr ip_header(const struct stage_packet *p, unsigned at);
