/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor: what the same work costs in the least code that does it: keyed GRE hairpin with header
 * checks, per-spoke counters, redirect filter, MSS check, in one pass with bulk look-ups and
 * prefetches. No exceptions, no drops, no second tunnel; tables of its own.
 */
#include <string.h>

#include <rte_ether.h>
#include <rte_fib.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_ip.h>
#include <rte_malloc.h>

#include "testpmd.h"

struct floor_adj {
	uint8_t header[42]; /* Ethernet, IPv4, GRE with key */
	uint16_t mtu;
	uint32_t ip_sum;
} __rte_cache_aligned;

struct floor_key {
	uint32_t tunnel, nbma_be;
};

struct floor_counters {
	uint64_t pkts, bytes;
};

struct floor_slot {
	uint32_t src, dst, spoke, time;
};

#define SLOTS 65536

static struct {
	struct rte_fib *fib;
	struct rte_hash *hash;
	struct floor_adj *adjs;
	struct floor_counters *rx, *tx;
	struct floor_slot *slots;
	bool redirect;
	uint64_t bad; /* keeps the checks alive */
} fl;

static void adj_setup(struct floor_adj *a, uint32_t nbma)
{
	static const uint8_t gre[8] = {0x20, 0, 0x08, 0, 0, 0, 0, GRE_KEY};
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
				  .time_to_live = 64,
				  .next_proto_id = IPPROTO_GRE,
				  .src_addr = rte_cpu_to_be_32(HUB_NBMA),
				  .dst_addr = rte_cpu_to_be_32(nbma)};
	uint16_t words[10];

	a->header[12] = 8;
	memcpy(a->header + 14, &ip, sizeof(ip));
	memcpy(a->header + 34, gre, sizeof(gre));
	memcpy(words, &ip, sizeof(words));
	for (unsigned i = 0; i < 10; i++)
		a->ip_sum += words[i];
	a->mtu = 1400;
}

void floor_setup(const struct net *net)
{
	struct rte_fib_conf fib = {.type = RTE_FIB_DIR24_8,
				   .max_routes = (int)net->routes + 16,
				   .dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = 256}};
	struct rte_hash_parameters hash = {.name = "floor",
					   .entries = net->spokes + net->spokes / 4 + 64,
					   .key_len = sizeof(struct floor_key),
					   .hash_func = rte_hash_crc,
					   .extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF};

	fl.redirect = net->redirect;
	fl.fib = rte_fib_create("floor", 0, &fib);
	fl.hash = rte_hash_create(&hash);
	fl.adjs = rte_zmalloc(NULL, net->spokes * sizeof(*fl.adjs), RTE_CACHE_LINE_SIZE);
	fl.rx = rte_zmalloc(NULL, net->spokes * sizeof(*fl.rx), RTE_CACHE_LINE_SIZE);
	fl.tx = rte_zmalloc(NULL, net->spokes * sizeof(*fl.tx), RTE_CACHE_LINE_SIZE);
	fl.slots = rte_zmalloc(NULL, SLOTS * sizeof(*fl.slots), RTE_CACHE_LINE_SIZE);
	if (fl.fib == NULL || fl.hash == NULL || fl.slots == NULL)
		rte_exit(1, "dmvpn-testpmd: memory for the floor\n");
	rte_fib_select_lookup(fl.fib, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512);
	for (uint32_t i = 0; i < net->spokes; i++) {
		struct floor_key key = {GRE_KEY, rte_cpu_to_be_32(SPOKE_NBMA + i)};

		adj_setup(&fl.adjs[i], SPOKE_NBMA + i);
		rte_hash_add_key_data(fl.hash, &key, (void *)(uintptr_t)i);
	}
	for (uint32_t r = 0; r < net->routes; r++)
		rte_fib_add(fl.fib, net->route_ip[r], 24, net->route_spoke[r]);
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void headers_check(struct rte_mbuf *m, struct floor_key *key, uint32_t *dst, uint8_t **inner)
{
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);
	const struct rte_ipv4_hdr *outer = (struct rte_ipv4_hdr *)(p + 14);
	const struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(p + 42);

	fl.bad += *(uint16_t *)(p + 12) != 8 || outer->version_ihl != 0x45 ||
		  outer->next_proto_id != IPPROTO_GRE || (outer->fragment_offset & 0xff3f) ||
		  rte_ipv4_cksum(outer) != 0 || *(uint32_t *)(p + 34) != 0x00080020 ||
		  ip->version_ihl != 0x45 || ip->time_to_live < 2 || rte_ipv4_cksum(ip) != 0;
	key->tunnel = rte_be_to_cpu_32(*(uint32_t *)(p + 38));
	key->nbma_be = outer->src_addr;
	*dst = rte_be_to_cpu_32(ip->dst_addr);
	*inner = p + 42;
}

static void count_and_filter(const struct rte_ipv4_hdr *ip,
			     uint32_t from,
			     uint32_t to,
			     uint16_t len,
			     uint32_t slot,
			     uint32_t now)
{
	struct floor_slot *s = &fl.slots[slot];

	fl.rx[from].pkts++;
	fl.rx[from].bytes += len;
	fl.tx[to].pkts++;
	fl.tx[to].bytes += len;
	if (!fl.redirect)
		return;
	if (s->src != ip->src_addr || s->dst != ip->dst_addr || s->spoke != from)
		if (now - s->time > 100000)
			*s = (struct floor_slot){ip->src_addr, ip->dst_addr, from, now};
}

static void packet_send(struct rte_mbuf *m, uint8_t *inner, const struct floor_adj *a)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)inner;
	uint16_t len = rte_be_to_cpu_16(ip->total_length);
	uint16_t total = rte_cpu_to_be_16((uint16_t)(28 + len));
	uint32_t sum = ip->hdr_checksum + 1U;
	uint8_t *out = inner - 42;

	fl.bad += (ip->next_proto_id == IPPROTO_TCP && (inner[33] & 2)) || len > a->mtu + 1000;
	ip->time_to_live--;
	ip->hdr_checksum = (uint16_t)(sum + (sum >> 16));
	memcpy(out, a->header, sizeof(a->header));
	*(uint16_t *)(out + 16) = total;
	*(uint16_t *)(out + 24) = fold(a->ip_sum + total);
	m->data_len = (uint16_t)(14 + 28 + len);
	m->pkt_len = m->data_len;
}

static void pass(struct net *net)
{
	struct rte_mbuf *m[BURST];
	struct floor_key keys[BURST];
	const void *key_ptrs[BURST];
	void *from[BURST];
	uint32_t dst[BURST], slot[BURST], now;
	uint64_t nh[BURST], hits;
	uint8_t *inner[BURST];
	unsigned n = rte_ring_sc_dequeue_burst(net->rx, (void **)m, BURST, NULL);

	for (unsigned i = 0; i < n; i++) {
		if (i + 6 < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + 6], void *));
		headers_check(m[i], &keys[i], &dst[i], &inner[i]);
		key_ptrs[i] = &keys[i];
	}
	rte_hash_lookup_bulk_data(fl.hash, key_ptrs, n, &hits, from);
	fl.bad += hits != (1ULL << n) - 1;
	rte_fib_lookup_bulk(fl.fib, dst, nh, (int)n);
	now = (uint32_t)(rte_rdtsc() >> 20);
	for (unsigned i = 0; i < n; i++) {
		const struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)inner[i];
		uint64_t pair = (uint64_t)ip->src_addr << 32 | ip->dst_addr;

		rte_prefetch0(&fl.adjs[nh[i]]);
		rte_prefetch0(&fl.rx[(uintptr_t)from[i]]);
		rte_prefetch0(&fl.tx[nh[i]]);
		slot[i] = rte_hash_crc_8byte(pair, (uint32_t)(uintptr_t)from[i]) % SLOTS;
		rte_prefetch0(&fl.slots[slot[i]]);
	}
	for (unsigned i = 0; i < n; i++) {
		const struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)inner[i];

		count_and_filter(ip, (uint32_t)(uintptr_t)from[i], (uint32_t)nh[i],
				 rte_be_to_cpu_16(ip->total_length), slot[i], now);
		packet_send(m[i], inner[i], &fl.adjs[nh[i]]);
	}
	rte_ring_sp_enqueue_bulk(net->tx, (void **)m, n, NULL);
}

void floor_burst(struct net *net)
{
	for (uint32_t i = 0; i < net->burst; i += BURST)
		pass(net);
}
