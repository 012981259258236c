/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: how much memory the configured capacities cost, before EAL is started with that much.
 *
 * The rows follow what the modules allocate in their init; a module that grows changes its row.
 * Rows are what the tables take when they are full, so what starts once also runs. Pure: arithmetic
 * over struct dp_conf and the size functions of DPDK, which need no EAL. Any thread may call.
 */
#include "plan.h"

#include <rte_mempool.h>

#include "counters.h"
#include "dp_punt.h"
#include "mcast.h"
#include "neigh.h"
#include "peer.h"
#include "replay.h"
#include "spoke.h"

#define KB 1024ULL
#define MB (1024ULL * KB)

/* DIR24_8: 2^24 next hops of 4 bytes, then groups of 256. */
#define FIB_TBL24_BYTES (64 * MB)
#define FIB_TBL8_BYTES  (1 * KB)
/* rte_fib takes two nodes of its tree (rte_rib) per route at the start; sizeof(struct
 * rte_rib_node). */
#define RIB_NODE_BYTES 48
#define PAGE_BYTES     4096

/* Hold-off filter of redirects, buckets of police.c and the like, per worker. */
#define WORKER_TABLES_BYTES (1 * MB)

/* Control-side structs of a module, private to it: an allowance per object. */
#define CONTROL_OBJECT_BYTES 64

/* What a device keeps per descriptor: the descriptor (16 to 64 bytes) and the driver's own ring. */
#define DESCRIPTOR_BYTES 128

/* EAL's own: lcores, heaps, log history, ethdev tables, drivers, alignment of the big tables. */
#define EAL_BYTES (32 * MB)

/* sizeof(struct ip_frag_pkt), private to rte_ip_frag, and what comes on top of the slots. */
#define REASS_SLOT_BYTES  256
#define REASS_EXTRA_BYTES (4 * KB)

/* 10,000 registrations at once fit into the rings; the rest are the small queues of a worker. */
#define WORKER_MBUFS                                                                         \
	(DP_PUNT_RING + DP_NHRP_RING + DP_INJECT_RING + DP_NEIGHQ_LEN + DP_REASS_FRAGMENTS + \
	 DP_TX_BUFFER * DP_PORTS_MAX + 4 * DP_BURST)
/* A mempool cache is flushed at 1.5 times its size. */
#define CACHE_MBUFS     (PLAN_MBUF_CACHE * 3 / 2)
#define BIG_CACHE_MBUFS (PLAN_BIG_MBUF_CACHE * 3 / 2)

static void row_add(struct dp_memory_plan *plan,
		    const char *what,
		    uint64_t count,
		    uint64_t unit_bytes)
{
	plan->rows[plan->row_count++] = (struct dp_memory_row){
		.what = what,
		.count = count,
		.unit_bytes = unit_bytes,
		.bytes = count * unit_bytes,
	};
	plan->total_bytes += count * unit_bytes;
}

/*
 * Bytes per key of table_create(): a quarter more entries than keys; 8 entries per bucket of one
 * cache line, a power of two of them, as many extendable ones; key slots; the ring of free slots;
 * the front.
 */
static uint64_t table_key_bytes(uint32_t keys)
{
	uint64_t entries = RTE_MAX(keys + (uint64_t)keys / 4, 64U);
	uint64_t buckets = rte_align64pow2(entries) / 8;
	uint64_t slot = RTE_ALIGN_CEIL(sizeof(void *) + sizeof(struct table_key), 16);
	uint64_t bytes = 2 * buckets * RTE_CACHE_LINE_SIZE + entries * slot +
			 2 * rte_align64pow2(entries + 1) * sizeof(uint32_t) +
			 table_front_bytes(keys);

	return bytes / RTE_MAX(keys, 1U) + 1;
}

uint16_t plan_mbuf_data_bytes(uint32_t mtu)
{
	/* Two VLAN tags: a driver may leave room for them when it judges whether a frame fits. */
	uint32_t frame = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 2 * RTE_VLAN_HLEN + mtu;

	/* Some NICs (ixgbe) round the buffer size down to 1 KB and scatter what does not fit. */
	return (uint16_t)(RTE_PKTMBUF_HEADROOM +
			  RTE_ALIGN_CEIL(frame + DP_ENCAP_TAILROOM, (uint32_t)KB));
}

static uint64_t mbuf_bytes(uint32_t data_bytes)
{
	uint32_t element = sizeof(struct rte_mbuf) + sizeof(struct dp_meta) + data_bytes;

	return rte_mempool_calc_obj_size(RTE_ALIGN_CEIL(element, RTE_MBUF_PRIV_ALIGN), 0, NULL);
}

/* Elements of a mempool do not cross pages of 4 KB; its ring has up to two slots for each. */
static uint64_t route_bytes(void)
{
	uint32_t element = rte_mempool_calc_obj_size(RIB_NODE_BYTES, 0, NULL);

	return 2 * (PAGE_BYTES / (PAGE_BYTES / element) + 2 * sizeof(void *) + 1);
}

static uint64_t ring_bytes(void)
{
	return (uint64_t)rte_ring_get_memsize(DP_PUNT_RING) +
	       (uint64_t)rte_ring_get_memsize(DP_NHRP_RING) +
	       (uint64_t)rte_ring_get_memsize(DP_INJECT_RING) +
	       (uint64_t)rte_ring_get_memsize_elem(sizeof(struct dp_redirect), DP_REDIRECT_RING) +
	       (uint64_t)rte_ring_get_memsize_elem(sizeof(struct dp_wanted), DP_WANTED_RING);
}

static void tables_add(const struct dp_limits *l, struct dp_memory_plan *plan)
{
	uint64_t spoke = 2 * sizeof(struct adj) + 2 * CONTROL_OBJECT_BYTES +
			 table_key_bytes(l->spokes) + sizeof(uint64_t);
	uint32_t peer_count = l->spokes + l->sas;
	uint64_t sa = sizeof(struct sa) + sizeof(struct sa_ctl) + sa_counter_bytes() +
		      3 * table_key_bytes(l->sas);
	uint64_t nexthop = 2 * CONTROL_OBJECT_BYTES + table_key_bytes(l->nexthops);
	uint64_t neigh =
		sizeof(union neigh_rewrite) + CONTROL_OBJECT_BYTES + table_key_bytes(l->neighbours);
	/* fib.c shares next-hop objects between routes: at most what there is to point to. */
	uint64_t shared =
		(uint64_t)l->nexthops + l->neighbours + 2 * (l->tunnels + DP_PORTS_MAX) + 1;

	row_add(plan, "FIB first level", 1, FIB_TBL24_BYTES);
	row_add(plan, "FIB groups (tbl8)", (uint64_t)l->tbl8 + 1,
		FIB_TBL8_BYTES + table_key_bytes(l->tbl8));
	row_add(plan, "routes", l->routes, route_bytes());
	row_add(plan, "route next hops", shared,
		2 * CONTROL_OBJECT_BYTES + table_key_bytes((uint32_t)shared));
	row_add(plan, "kernel's routes", (uint64_t)l->routes + l->nexthops, DP_CONTROL_ROUTE_BYTES);
	row_add(plan, "kernel's next hops", DP_CONTROL_VIAS(l), DP_CONTROL_VIA_BYTES);
	row_add(plan, "tunnels", l->tunnels,
		sizeof(struct tunnel) + sizeof(struct mcast_tunnel) + PAGE_BYTES +
			table_key_bytes(l->tunnels));
	row_add(plan, "spokes and adjacencies", l->spokes, spoke);
	row_add(plan, "peers", peer_count, sizeof(struct peer) + table_key_bytes(peer_count));
	row_add(plan, "SAs", l->sas + 1ULL, sa);
	row_add(plan, "replay windows", l->sas + 1ULL,
		sa_window_bytes(replay_words(DP_SA_WINDOW_MAX)));
	row_add(plan, "SA hints", SA_HINTS, sizeof(*sa_hints));
	row_add(plan, "NHRP next hops", l->nexthops, nexthop);
	row_add(plan, "neighbours", l->neighbours, neigh);
}

void dp_memory_plan(const struct dp_conf *conf, struct dp_memory_plan *plan)
{
	uint32_t workers = conf->worker_count;

	*plan = (struct dp_memory_plan){
		.mbuf_count =
			conf->descriptors_sum +
			workers * (WORKER_MBUFS + mcast_jobs_max(&conf->limits) + CACHE_MBUFS) +
			CACHE_MBUFS + DP_BURST + handover_mbufs(workers),
		.mbuf_data_bytes = plan_mbuf_data_bytes(conf->mtu_max),
		.big_mbuf_count = workers * (DP_BIG_MBUFS + BIG_CACHE_MBUFS) + BIG_CACHE_MBUFS,
		.big_mbuf_data_bytes = PLAN_BIG_MBUF_BYTES,
	};
	tables_add(&conf->limits, plan);
	row_add(plan, "spoke counters", (uint64_t)counters_rows(&conf->limits) * workers,
		sizeof(struct dp_spoke_counters));
	row_add(plan, "hand-over rings", handover_mbufs(workers) + workers * 4096ULL,
		sizeof(void *));
	row_add(plan, "hand-overs by SA", (conf->limits.sas + 1ULL) * workers,
		2 * sizeof(uint32_t));
	row_add(plan, "wanted SAs", (conf->limits.spokes + 1ULL) * workers, sizeof(uint64_t));
	row_add(plan, "workers", workers, sizeof(struct dp_worker) + WORKER_TABLES_BYTES);
	row_add(plan, "multicast queues", workers, mcast_worker_bytes(&conf->limits));
	row_add(plan, "reassembly tables", workers,
		DP_REASS_SLOTS * REASS_SLOT_BYTES + REASS_EXTRA_BYTES);
	row_add(plan, "rings", workers, ring_bytes());
	row_add(plan, "packet buffers", plan->mbuf_count, mbuf_bytes(plan->mbuf_data_bytes));
	row_add(plan, "large buffers", plan->big_mbuf_count, mbuf_bytes(PLAN_BIG_MBUF_BYTES));
	/* The rings of free buffers hold a power of two. */
	row_add(plan, "free buffers",
		rte_align32pow2(plan->mbuf_count + 1) + rte_align32pow2(plan->big_mbuf_count + 1),
		sizeof(void *));
	row_add(plan, "device descriptors", conf->descriptors_sum, DESCRIPTOR_BYTES);
	row_add(plan, "EAL and drivers", 1, EAL_BYTES);
}
