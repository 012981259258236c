/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker_watch: see worker_watch.h.
 *
 * A worker comes round when it has passed a grace period that began after the last look, and has
 * made a turn: the first alone would be true of one that hangs while it sleeps, the second alone of
 * one that turns without ever letting go of what was deleted. Time alone does not make it stuck:
 * whoever stops the whole process for a while (a debugger, a laptop's lid) stops the looks, too.
 *
 * Context: control.
 */
#include "worker_watch.h"

#include <stdio.h>

#include "control/events.h"
#include "dataplane/dp_stats.h"

#define MISSED_MIN 4 /* looks, besides the time */

static void tell(enum event_kind kind,
		 uint32_t worker,
		 const struct dp_worker_info *info,
		 uint64_t ms)
{
	char object[EVENT_OBJECT_LEN];

	snprintf(object, sizeof(object), "worker %u", worker);
	if (kind == EVENT_WORKER_STUCK)
		event_emit(kind, object, "CPU %u: has not come round for %lu ms; watchdog not fed",
			   info->lcore, ms);
	else
		event_emit(kind, object, "CPU %u: comes round again, after %lu ms", info->lcore,
			   ms);
}

static void row_look(struct worker_watch_row *row,
		     uint32_t worker,
		     const struct dp_worker_info *info,
		     uint64_t now_ms)
{
	uint64_t still_ms = now_ms - row->since_ms;

	if (row->since_ms == 0 ||
	    (dp_worker_passed(worker, row->token) && info->stats.turns != row->turns)) {
		if (row->stuck)
			tell(EVENT_WORKER_UP, worker, info, still_ms);
		row->stuck = false;
		row->since_ms = now_ms;
		row->turns = info->stats.turns;
		row->token = dp_worker_token();
		row->missed = 0;
		return;
	}
	row->missed++;
	if (row->stuck || still_ms < WORKER_STUCK_MS || row->missed < MISSED_MIN)
		return;
	row->stuck = true;
	tell(EVENT_WORKER_STUCK, worker, info, still_ms);
}

void worker_watch_look(struct worker_watch *watch, uint64_t now_ms)
{
	struct dp_worker_info info;

	watch->stuck = false;
	for (uint32_t i = 0; dp_worker_info_get(i, &info) == 0; i++) {
		row_look(&watch->rows[i], i, &info, now_ms);
		watch->stuck |= watch->rows[i].stuck;
	}
}

static void row_measure(struct worker_watch_row *row, const struct dp_worker_info *info)
{
	const struct dp_worker_stats *s = &info->stats;
	uint64_t pkts = s->rx_pkts + s->injected_pkts;
	uint64_t up = info->up_cycles - row->up_cycles, busy = s->busy_cycles - row->busy_cycles;

	/* The first time there is nothing before. */
	row->measured = row->up_cycles != 0 && up != 0;
	if (row->measured) {
		row->load_permille = (uint32_t)(busy >= up ? 1000 : busy * 1000 / up);
		row->cycles_per_pkt = pkts == row->pkts ? 0 : (uint32_t)(busy / (pkts - row->pkts));
	}
	row->up_cycles = info->up_cycles;
	row->busy_cycles = s->busy_cycles;
	row->pkts = pkts;
}

void worker_watch_second(struct worker_watch *watch)
{
	struct dp_worker_info info;

	for (uint32_t i = 0; dp_worker_info_get(i, &info) == 0; i++)
		row_measure(&watch->rows[i], &info);
}
