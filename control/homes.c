/* SPDX-License-Identifier: Apache-2.0 */
/*
 * homes: see homes.h.
 *
 * Hand-overs are counted before a packet is known to be authentic, the SA's packets after that.
 * Whoever sends garbage to a known SPI must not move a home: there must be enough authentic packets
 * besides, and more packets handed over than authentic ones say nothing.
 *
 * A device with fewer queues than there are workers delivers to some workers only. Hand-over is
 * then what spreads the ciphers' load, so a worker that is busy gets no more homes.
 */
#include "homes.h"

#include <stdbool.h>

static bool is_within(uint64_t at_ms, uint64_t now_ms, uint64_t ms)
{
	return now_ms - at_ms < ms;
}

static bool has_moved(const struct homes *homes, uint32_t peer, uint64_t now_ms)
{
	for (uint32_t i = 0; i < HOMES_RECENT_LEN; i++)
		if (homes->recent[i].peer == peer &&
		    is_within(homes->recent[i].at_ms, now_ms, HOMES_REST_MS))
			return true;
	return false;
}

/* So many moves back was less than a second ago. */
static bool is_too_fast(const struct homes *homes, uint64_t now_ms)
{
	uint32_t i = (homes->next + HOMES_RECENT_LEN - HOMES_MOVES_MAX) % HOMES_RECENT_LEN;

	return homes->recent[i].peer != 0 && is_within(homes->recent[i].at_ms, now_ms, 1000);
}

uint32_t homes_judge(const struct homes *homes, const struct dp_sa_home *row, uint64_t now_ms)
{
	uint64_t sum = 0;
	uint32_t best = 0;

	for (uint32_t i = 0; i < DP_WORKERS_MAX; i++) {
		sum += row->handed_pkts[i];
		if (row->handed_pkts[i] > row->handed_pkts[best])
			best = i;
	}
	if (best == row->home || row->pkts < HOMES_PKTS_MIN)
		return row->home;
	/* A burst may be handed over in one interval and counted in the next: an eighth. */
	if (row->handed_pkts[best] <= row->pkts / 4 * 3 || sum > row->pkts + row->pkts / 8)
		return row->home;
	if (homes->load_permille[best] > HOMES_LOAD_MAX)
		return row->home;
	if (is_too_fast(homes, now_ms) || has_moved(homes, row->peer, now_ms))
		return row->home;
	return best;
}

void homes_note(struct homes *homes, uint32_t peer, uint64_t now_ms)
{
	homes->recent[homes->next].peer = peer;
	homes->recent[homes->next].at_ms = now_ms;
	homes->next = (homes->next + 1) % HOMES_RECENT_LEN;
}
