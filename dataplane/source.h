/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <rte_hash_crc.h>
#include <rte_ip.h>

#include "dp_priv.h"

/*
 * Source check of packets that came by a tunnel: who may not be spoken for. Our own addresses and
 * the overlay addresses of live spokes stand in a bit filter; only a packet whose source hits a bit
 * pays for a look-up.
 */
extern uint64_t *source_filter;
extern uint32_t source_filter_mask; /* bits - 1 */

static inline uint32_t source_filter_bit(rte_be32_t ip4_be)
{
	return rte_hash_crc_4byte(ip4_be, 0) & source_filter_mask;
}

/* May be one of those addresses. Context: worker. */
static inline bool source_is_suspect(rte_be32_t ip4_be)
{
	uint32_t bit = source_filter_bit(ip4_be);

	return (source_filter[bit / 64] >> (bit % 64) & 1) != 0;
}

/* An address of ours or of a spoke appears, goes. Context: control. */
void source_add(const struct dp_addr *addr);
void source_del(const struct dp_addr *addr);

/* This spoke forwards for others, or not any more. Context: control. */
void source_transit_set(uint32_t spoke, bool on);

/*
 * Whether the sender of a packet that hit the filter may use this source. Returns -1 when it may,
 * else the reason to drop it. Context: worker.
 */
int source_check_own(const struct dp_meta *meta, rte_be32_t src);
/* Whether the route back to this source leads to the sender: the same return values. */
int source_check_strict(const struct dp_meta *meta, rte_be32_t src);
