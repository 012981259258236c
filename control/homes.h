/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which peer gets another home worker (invariant 3): the one where its ESP comes in, when that is
 * plainly one other worker. A home is the hash of its peer at first; RSS, or the NIC's lack of it,
 * may deliver elsewhere, and then every packet is handed over once.
 *
 * Pure. Context: control, all of it.
 */
#include <stdint.h>

#include "dataplane/dp_sa.h"

#define HOMES_PKTS_MIN   1000 /* authentic ones in an interval: with fewer it does not matter */
#define HOMES_HANDED_MIN (HOMES_PKTS_MIN / 4 * 3)
#define HOMES_LOAD_MAX   700 /* permille: a worker above that gets no more homes */
#define HOMES_MOVES_MAX  10  /* per second, of all peers */
#define HOMES_REST_MS    30000
#define HOMES_RECENT_LEN (HOMES_MOVES_MAX * (HOMES_REST_MS / 1000 + 1))

struct homes {
	uint32_t load_permille[DP_WORKERS_MAX]; /* of the last second; 0: not known */
	/* The last moves, a ring: none that is within HOMES_REST_MS falls out, there are not so
	 * many. */
	struct {
		uint32_t peer; /* 0: none yet */
		uint64_t at_ms;
	} recent[HOMES_RECENT_LEN];
	uint32_t next;
};

/* Where this peer should be at home after what came since the last look: more than 3/4 of its
 * packets came in on one other worker, and that one has cycles left. Its present home: it stays.
 */
uint32_t homes_judge(const struct homes *homes, const struct dp_sa_home *row, uint64_t now_ms);
/* It moves: it rests for HOMES_REST_MS. */
void homes_note(struct homes *homes, uint32_t peer, uint64_t now_ms);
