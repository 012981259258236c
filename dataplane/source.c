/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: nobody speaks for another, see source.h and DESIGN invariant 7.
 *
 * `own`: the inner source may be neither an address of ours nor the overlay address of another live
 * spoke. `strict`: the route back to the source must lead to the spoke it came from (RFC 3704
 * section 2.2, strict reverse path). A hub over us forwards for others: it may send what is
 * another's, and an address that is reached by it may also come by a shorter way. The filter has
 * one bit per 16th of an address at full tables, kept right under removal by a counter per bit.
 * Writer: control core; readers: workers.
 */
#include "source.h"

#include <errno.h>

#include <rte_malloc.h>

#include "fib.h"
#include "nexthop.h"
#include "spoke.h"

uint64_t *source_filter;
static uint64_t *transit; /* [limits.spokes + 1] bits: spokes that forward for others */
uint32_t source_filter_mask;
static uint16_t *counts; /* addresses of each bit; 65535 stays */

int source_init(const struct dp_conf *conf)
{
	uint32_t bits = rte_align32pow2(16 * (conf->limits.nexthops + 256));

	source_filter = rte_zmalloc("source", bits / 8, RTE_CACHE_LINE_SIZE);
	counts = calloc(bits, sizeof(*counts));
	transit = rte_zmalloc("source transit", (conf->limits.spokes / 64 + 1) * sizeof(*transit),
			      RTE_CACHE_LINE_SIZE);
	source_filter_mask = bits - 1;
	return source_filter == NULL || counts == NULL || transit == NULL ? -ENOMEM : 0;
}

void source_fini(void)
{
	rte_free(source_filter);
	rte_free(transit);
	transit = NULL;
	free(counts);
	source_filter = NULL;
	counts = NULL;
}

void source_add(const struct dp_addr *addr)
{
	uint32_t bit = source_filter_bit(addr->ip4_be);

	if (counts[bit] != UINT16_MAX)
		counts[bit]++;
	__atomic_or_fetch(&source_filter[bit / 64], 1ULL << bit % 64, __ATOMIC_RELAXED);
}

void source_del(const struct dp_addr *addr)
{
	uint32_t bit = source_filter_bit(addr->ip4_be);

	if (counts[bit] == UINT16_MAX || --counts[bit] > 0)
		return;
	__atomic_and_fetch(&source_filter[bit / 64], ~(1ULL << bit % 64), __ATOMIC_RELAXED);
}

void source_transit_set(uint32_t spoke, bool on)
{
	if (on)
		__atomic_or_fetch(&transit[spoke / 64], 1ULL << spoke % 64, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&transit[spoke / 64], ~(1ULL << spoke % 64), __ATOMIC_RELAXED);
}

static bool is_transit(uint32_t spoke)
{
	uint64_t word = __atomic_load_n(&transit[spoke / 64], __ATOMIC_RELAXED);

	return (word >> spoke % 64 & 1) != 0;
}

static const struct fib_nh *route_to(rte_be32_t ip4_be)
{
	uint32_t dst = rte_be_to_cpu_32(ip4_be);
	uint64_t nh;

	fib_lookup(0, &dst, &nh, 1);
	return nh == FIB_NH_NONE ? NULL : &fib_nhs[nh];
}

static uint32_t adj_spoke(uint32_t adj)
{
	if (adj != 0)
		live_note(LIVE_ADJ, adj);
	return adjs[adj].spoke;
}

/* The spoke that a next hop on a tunnel leads to for this destination; 0: none. */
static uint32_t spoke_behind(const struct fib_nh *nh, rte_be32_t ip4_be)
{
	struct dp_addr addr = dp_addr_ip4(ip4_be);
	struct table_key key;

	if (nh->iface_kind != DP_IFACE_TUNNEL)
		return 0;
	if (nh->type == DP_ROUTE_GATEWAY)
		return adj_spoke(__atomic_load_n(&nh->to, __ATOMIC_ACQUIRE));
	key = nexthop_key(nh->iface, &addr);
	return adj_spoke(table_get(nexthop_table, &key));
}

int source_check_own(const struct dp_meta *meta, rte_be32_t src)
{
	const struct fib_nh *nh = route_to(src);
	uint32_t holder;

	if (nh == NULL)
		return -1;
	if (nh->type == DP_ROUTE_LOCAL)
		return DP_DROP_SOURCE_OURS;
	if (nh->type != DP_ROUTE_CONNECTED)
		return -1;
	holder = spoke_behind(nh, src);
	if (holder == 0 || holder == meta->spoke || is_transit(holder) || is_transit(meta->spoke))
		return -1;
	return DP_DROP_SOURCE_SPOKE;
}

int source_check_strict(const struct dp_meta *meta, rte_be32_t src)
{
	const struct fib_nh *nh = route_to(src);

	if (nh == NULL || meta->spoke == 0)
		return DP_DROP_SOURCE_ROUTE;
	if (nh->type == DP_ROUTE_LOCAL)
		return DP_DROP_SOURCE_OURS;
	if (is_transit(meta->spoke))
		return -1;
	if (nh->type != DP_ROUTE_MULTIPATH)
		return spoke_behind(nh, src) == meta->spoke ? -1 : (int)DP_DROP_SOURCE_ROUTE;
	for (unsigned i = 0; i < FIB_BUCKETS; i++)
		if (spoke_behind(&fib_nhs[fib_groups[nh->to].bucket[i]], src) == meta->spoke)
			return -1;
	return DP_DROP_SOURCE_ROUTE;
}
