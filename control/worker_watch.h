/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The watch over the workers: who does not come round, and how busy each was in the last second.
 * Context: control, all of it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dp.h"

#define WORKER_STUCK_MS 1000

struct worker_watch_row {
	uint64_t token;    /* since_ms: this one was not there yet, and neither was the next turn */
	uint64_t turns;    /* at since_ms */
	uint64_t since_ms; /* it came round last; 0: not looked at yet */
	uint32_t missed;   /* looks since then */
	bool stuck;
	/* at the last worker_watch_second */
	uint64_t up_cycles, busy_cycles, pkts;
	/* of the second before that */
	bool measured;
	uint32_t load_permille;  /* of its cycles that went into turns with work */
	uint32_t cycles_per_pkt; /* 0: there was none */
};

struct worker_watch {
	struct worker_watch_row rows[DP_WORKERS_MAX];
	bool stuck; /* one of them is */
};

/* Every 200 ms: a worker that has not come round for WORKER_STUCK_MS is told (an event), and again
 * when it does. */
void worker_watch_look(struct worker_watch *watch, uint64_t now_ms);
/* Every second: measures. */
void worker_watch_second(struct worker_watch *watch);
