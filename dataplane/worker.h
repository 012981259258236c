/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A worker: everything one poll-mode core writes. Private to dataplane/. The packet's path is
 * worker_line() in worker.c; each stage has the same shape:
 *
 *     uint16_t stage(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
 *
 * It returns how many packets go on, packed at the front of m; the others went to drop, punt or a
 * queue, each counted.
 */
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "dp.h"
#include "dp_addr.h"
#include "dp_stats.h"
#include "dp_spoke.h"
#include "live.h"

/* What the stages know of a packet: the mbuf's private area. One cache line. */
struct dp_meta {
	uint8_t kind;       /* enum dp_kind */
	uint8_t flags;      /* DP_META_* */
	uint16_t in_port;   /* port it came in on, valid for DP_KIND_GRE and frames */
	uint16_t tunnel;    /* in: tunnel it came from or is injected into */
	uint16_t natt_port; /* host order */
	union {
		uint32_t spoke;         /* in: 0 = unknown or not from a tunnel */
		rte_be32_t nhrp_spi_be; /* out, of NHRP to a protected tunnel: the SA that sends */
	};
	union {
		uint32_t adj;      /* out: adjacency, 0 = not to a tunnel */
		uint32_t identity; /* punted NHRP: of the SA that it came by */
	};
	union {
		uint32_t neigh; /* out: neighbour whose rewrite goes in front */
		uint32_t sa;    /* in, with DP_META_FROM_ESP: until the packet is routed */
	};
	uint16_t out_port; /* out, of whole frames (neigh == 0) */
	uint8_t outer_ecn; /* in: ECN bits of the outer header */
	uint8_t reserved;
	struct dp_addr outer_src;
	struct dp_addr outer_dst;
#ifdef DP_DEBUG
	uint32_t adj_generation, neigh_generation; /* live.h */
#endif
};
#ifndef DP_DEBUG
_Static_assert(sizeof(struct dp_meta) <= 64, "mbuf private area is one cache line");
#endif

enum dp_kind {
	DP_KIND_FRAME, /* Ethernet frame as it came, or from a port's twin */
	DP_KIND_GRE,   /* data starts at the GRE header; outer addresses and ECN are in the meta */
	DP_KIND_ESP,   /* data starts at the outer IP header; ESP, or UDP and ESP */
	DP_KIND_IP,    /* data starts at an (inner) IP header */
	DP_KIND_NHRP,  /* data starts at ar$afn */
};

#define DP_META_FROM_TUNNEL 0x01 /* decapsulated from meta->tunnel */
#define DP_META_FROM_TWIN   0x02 /* from the kernel: ours, not transit */
#define DP_META_COPY        0x04 /* out: one of many (mcast.c) */
#define DP_META_FROM_ESP    0x08 /* in: authenticated by meta->sa */

static inline struct dp_meta *dp_meta(struct rte_mbuf *m)
{
	return (struct dp_meta *)rte_mbuf_to_priv(m);
}

static inline const struct dp_meta *dp_meta_const(const struct rte_mbuf *m)
{
	return (const struct dp_meta *)(m + 1); /* as rte_mbuf_to_priv */
}

/* The packet, one segment, is `len` bytes from `off` on: one store for each field, where
 * rte_pktmbuf_adj, _trim and _prepend read and write them all. */
static inline void dp_data_set(struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	m->data_off = (uint16_t)off;
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
}

/* What was just put into meta->adj or meta->neigh is alive; it still is. Empty without DP_DEBUG. */
static inline void dp_meta_adj_note(struct dp_meta *meta)
{
#ifdef DP_DEBUG
	if (meta->adj != 0)
		meta->adj_generation = live_note(LIVE_ADJ, meta->adj);
#else
	(void)meta;
#endif
}

static inline void dp_meta_neigh_note(struct dp_meta *meta)
{
#ifdef DP_DEBUG
	if (meta->neigh != 0)
		meta->neigh_generation = live_note(LIVE_NEIGH, meta->neigh);
#else
	(void)meta;
#endif
}

static inline void dp_meta_adj_check(const struct dp_meta *meta)
{
#ifdef DP_DEBUG
	if (meta->adj != 0)
		live_check(LIVE_ADJ, meta->adj, meta->adj_generation);
#else
	(void)meta;
#endif
}

static inline void dp_meta_neigh_check(const struct dp_meta *meta)
{
#ifdef DP_DEBUG
	if (meta->neigh != 0)
		live_check(LIVE_NEIGH, meta->neigh, meta->neigh_generation);
#else
	(void)meta;
#endif
}

/* Headroom for the largest encapsulation to come: Ethernet 14 + IPv6 40 + UDP 8 + ESP 8 + IV 16 +
 * GRE 16; tailroom for padding 255 + trailer 2 + ICV 32. */
#define DP_ENCAP_HEADROOM 128
#define DP_ENCAP_TAILROOM 320
_Static_assert(RTE_PKTMBUF_HEADROOM >= DP_ENCAP_HEADROOM, "rx leaves room for the encapsulation");

/* Why a packet is in the punt ring: where the control core brings it. */
enum dp_punt_kind { DP_PUNT_PORT_TWIN, DP_PUNT_TUNNEL_TWIN, DP_PUNT_NHRP };

#define DP_PUNT_RING     4096  /* packets for twins, per worker */
#define DP_NHRP_RING     16384 /* 10,000 spokes that register at once */
#define DP_INJECT_RING   4096
#define DP_REDIRECT_RING 1024
#define DP_WANTED_RING   256
#define DP_NEIGHQ_LEN    64 /* packets of one worker that wait for neighbours */
#define DP_NEIGHQ_WAIT_S 3
#define DP_TX_BUFFER     64

/* Outer fragments, per worker. */
#define DP_REASS_PACKETS   1024 /* incomplete packets */
#define DP_REASS_FRAGMENTS 4096 /* of all of them */
#define DP_REASS_BYTES_MAX 9216 /* the largest outer packet, with its IP header */
#define DP_REASS_WAIT_S    3
#define DP_REASS_BUCKET    4 /* power of two */
#define DP_REASS_SLOTS     2048
#define DP_BIG_MBUFS       256 /* large buffers: on their way, or punted */

struct dp_txq {
	uint16_t port; /* ethdev port id */
	uint16_t queue;
	uint16_t n;
	struct rte_mbuf *m[DP_TX_BUFFER];
};

struct dp_rxq {
	uint16_t port; /* our port number */
	uint16_t dev;  /* ethdev port id */
	uint16_t queue;
};

struct dp_neighq_entry {
	struct rte_mbuf *m; /* NULL: free */
	uint64_t deadline_tsc;
};

/* Packets of one worker that are being replicated: of one tunnel, and of all. */
#define DP_MCAST_JOBS        16
#define DP_MCAST_WORKER_JOBS 1024

struct mcast;           /* mcast.c */
struct redirect_filter; /* redirect.c */
struct police;          /* police.c */
struct reass;           /* reass.c */
struct crypto;          /* crypto.c */

/* A neighbour that a worker needs and the kernel shall resolve, or the
 * destination of a packet whose next hop on a tunnel NHRP shall. A multiple of 4 bytes: ring
 * element. */
struct dp_wanted {
	struct dp_addr addr;
	uint16_t iface; /* port or tunnel */
	uint16_t kind;  /* enum dp_iface_kind */
};

/* The packet without a binding that this worker told of last. */
struct dp_nexthop_want {
	uint32_t dst_be;
	uint16_t tunnel;
	uint64_t tsc;
};

/* Where the cycles of the line go. */
enum dp_stage {
	DP_STAGE_PORT_RX,
	DP_STAGE_RX,
	DP_STAGE_ESP_IN,
	DP_STAGE_GRE_IN,
	DP_STAGE_IP_IN,
	DP_STAGE_FORWARD,
	DP_STAGE_GRE_OUT,
	DP_STAGE_ESP_OUT,
	DP_STAGE_TX,
	DP_STAGE_PORT_TX,
	DP_STAGE_COUNT
};

/* Switched on by a benchmark: one TSC read per stage and burst. */
struct dp_stage_clock {
	uint64_t last_tsc;
	uint64_t cycles[DP_STAGE_COUNT];
};

struct dp_worker {
	uint32_t index;
	uint32_t lcore;
	uint64_t now_tsc;   /* once per turn */
	uint64_t start_tsc; /* its loop began */
	struct dp_worker_stats stats;
	struct dp_spoke_counters *spokes;    /* [limits.spokes + 1]; row 0 is nobody's */
	struct dp_spoke_counters *strangers; /* [limits.tunnels] */
	uint32_t rxq_count;
	uint32_t neighq_used;
	uint32_t mcast_count;  /* replication jobs */
	uint32_t reass_held;   /* fragments in the table */
	uint16_t reass_done_n; /* of reass_done */
	uint16_t esp_n;        /* packets of kind ESP in this burst: stage_rx */
	struct dp_rxq rxq[DP_PORTS_MAX * DP_WORKERS_MAX];
	struct dp_txq txq[DP_PORTS_MAX];
	struct rte_ring *inject;   /* control -> worker, mbufs */
	struct rte_ring *punt;     /* worker -> control, mbufs for the twins */
	struct rte_ring *nhrp;     /* worker -> control, mbufs with NHRP */
	struct rte_ring *redirect; /* worker -> control, struct dp_redirect */
	struct rte_ring *wanted;   /* worker -> control, struct dp_wanted */
	struct rte_ring *sa_notes; /* worker -> control: sa_event.c */
	uint64_t *wanted_tsc;      /* by spoke, when it was told that an SA is wanted */
	uint32_t *sa_handed;       /* [limits.sas + 1], ESP handed over to its home: home.c */
	struct rte_ring *homes;    /* control -> worker: handover.c */
	uint64_t homes_done;       /* orders of those that were carried out */
	struct redirect_filter *filter;
	struct police *police;
	struct crypto *crypto;
	struct dp_stage_clock *clock; /* NULL: off */
	struct dp_neighq_entry neighq[DP_NEIGHQ_LEN];
	struct dp_nexthop_want nexthop_want;
	uint64_t neighq_next_tsc;
	struct mcast *mcast;
	struct reass *reass;
	struct rte_mbuf *reass_done[DP_BURST]; /* packets that this burst has completed */
	uint64_t reass_next_tsc;
} __rte_cache_aligned;

extern struct dp_worker *dp_workers[DP_WORKERS_MAX]; /* [dp_worker_count] */
extern uint32_t dp_worker_count;
extern struct rte_mempool *dp_pool;     /* every packet buffer, but... */
extern struct rte_mempool *dp_big_pool; /* ...for reassembled packets too long for those */
extern struct rte_rcu_qsbr *dp_qsbr;

/* One turn: every rx queue, the inject ring, the wait queues. Context: worker (tests: any). */
void dp_worker_turn(struct dp_worker *w);

/* The ways into the line; all own all n packets from here on. From a port: Ethernet frames,
 * meta->in_port set. From the control core: any kind, meta as dp_inject wants it. Reassembled:
 * data starts at the outer IP header, called by the line itself. Context: worker (tests: any). */
void dp_line_from_port(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
void dp_line_from_inject(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
void dp_line_from_reass(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* ESP from another worker, before its replay check. */
void dp_line_from_handover(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* NHRP of the control core, from another worker. */
void dp_line_nhrp(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* The line's end, for packets whose way is known. Context: worker. */
void dp_line_out(struct dp_worker *w, struct rte_mbuf **m, uint16_t n);
/* A way in, too: an IP packet that the worker made itself, flags DP_META_FROM_TWIN. */
void dp_line_from_worker(struct dp_worker *w, struct rte_mbuf *m);

/* drop.c: the one place where packets die. Context: worker. */
void dp_drop(struct dp_worker *w, struct rte_mbuf *m, enum dp_drop_reason reason);
/* Frees a packet whose bytes the control core has consumed, or one that never entered a worker, or
 * buffers whose bytes have moved on to others. */
void dp_release(struct rte_mbuf *m);

/* punt.c, worker side: queues the packet for the control core, or drops it as punt-full. `kind` and
 * the meta of the packet say where it goes; for a port's twin data starts at the Ethernet header.
 */
void dp_punt(struct dp_worker *w, struct rte_mbuf *m, enum dp_punt_kind kind);
/* Writes the eventfd when the control core sleeps; once per turn with something queued. */
void dp_punt_wake(void);
/* Creates and frees rings, eventfd. Context: control. */
int dp_punt_init(void);
void dp_punt_fini(void);

/* Hands a packet to the worker that sends for this port or tunnel; -ENOSPC. Context: control. */
int dp_inject(struct rte_mbuf *m, uint32_t hash);

/* The error text behind dp_error(); returns `rc`. Context: control. */
int dp_error_set(int rc, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
