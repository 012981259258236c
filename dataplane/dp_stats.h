/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Counters: plain structs, summed or copied from the workers. Reading never disturbs a worker;
 * a snapshot taken while packets move may be off by a burst.
 *
 * Balance (DESIGN invariant 5), exact after a drain:
 *   rx + injected + generated + copied = tx + punted + absorbed + dropped + held
 * per worker with what it handed over to others and took over from them; over all workers the
 * difference of these is held in the rings between them.
 *
 * Context: any.
 */
#include "dp.h"

enum dp_drop_reason {
#define DP_DROP(id, key, help) DP_DROP_##id,
#include "drop_reasons.def"
#undef DP_DROP
	DP_DROP_COUNT
};

struct dp_worker_stats {
	uint64_t rx_pkts;        /* from ports */
	uint64_t injected_pkts;  /* from twins and the control core */
	uint64_t generated_pkts; /* made by the worker itself (ICMP errors) */
	uint64_t copied_pkts;    /* extra packets: fragmentation, replication */
	uint64_t tx_pkts;
	uint64_t punted_pkts;      /* handed to the control core */
	uint64_t absorbed_pkts;    /* merged fragments, keep-alives, dummy packets */
	uint64_t handed_over_pkts; /* to their home worker... */
	uint64_t taken_over_pkts;  /* ...and by it */
	uint64_t held_pkts;        /* now: waiting for a neighbour, in rings */
	uint64_t drops[DP_DROP_COUNT];
	uint64_t hairpin_pkts;         /* left by the network-id they came in on */
	uint64_t redirects;            /* records queued for the control core */
	uint64_t redirects_suppressed; /* inside the hold-off of their pair */
	uint64_t redirect_ring_full;
	uint64_t keepalives;      /* GRE keep-alives sent back */
	uint64_t mcast_no_buffer; /* copies not made for lack of buffers */
	uint64_t icmp_sent;       /* errors made */
	uint64_t icmp_suppressed; /* not made: beyond the rate, no buffer, no address of ours */
	uint64_t sa_notes_full;   /* words about SAs to the control core that found no room */
	uint64_t turns;
	uint64_t idle_turns;  /* nothing received, nothing injected */
	uint64_t busy_cycles; /* TSC cycles of turns that had work */
	uint64_t sleeps;
};

struct dp_worker_info {
	uint32_t lcore;
	bool online;        /* its loop runs */
	uint64_t up_cycles; /* TSC cycles since that began */
	struct dp_worker_stats stats;
};

struct dp_port_stats {
	uint64_t rx_pkts, rx_bytes;
	uint64_t tx_pkts, tx_bytes;
	uint64_t rx_missed, rx_errors, rx_nombuf, tx_errors; /* as the device counts them */
};

/* Key and help sentence of a reason; NULL beyond the last. */
const char *dp_drop_key(enum dp_drop_reason reason);
const char *dp_drop_help(enum dp_drop_reason reason);

/* -ENOENT: no such worker. */
int dp_worker_info_get(uint32_t worker, struct dp_worker_info *info);
/*
 * A token of now, and whether the worker has come round since: it has passed a quiescent state, or
 * is outside of its loop (asleep, or stopped). A worker that stays behind holds back what was
 * deleted. Context: control.
 */
uint64_t dp_worker_token(void);
bool dp_worker_passed(uint32_t worker, uint64_t token);
/* rx + injected + generated + copied + taken over - (tx + punted + absorbed + dropped + handed over
 * + held). */
int64_t dp_worker_balance(const struct dp_worker_stats *stats);
int dp_port_stats_get(uint16_t port, struct dp_port_stats *stats);
