/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live: generations of the slots that workers use by index, see live.h. Empty without DP_DEBUG.
 *
 * A generation changes when the control core takes a slot and when it gives it back, which it does
 * after a grace period: so it cannot change between two uses in one turn of a worker, unless that
 * grace period was none. Writer: control core; readers: workers.
 */
#include "live.h"

#ifdef DP_DEBUG

#include <stdlib.h>

#include <rte_debug.h>

static struct {
	uint32_t *generations; /* [max + 1] */
	uint32_t max;
} kinds[LIVE_KINDS];

static const char *name(enum live_kind kind)
{
	switch (kind) {
	case LIVE_ADJ:
		return "adjacency";
	case LIVE_NEIGH:
		return "neighbour";
	case LIVE_SPOKE:
		return "spoke";
	case LIVE_NEXTHOP:
		return "next hop";
	case LIVE_TUNNEL:
		return "tunnel";
	case LIVE_FIB_NH:
		return "next-hop object";
	case LIVE_FIB_GROUP:
		return "multipath group";
	case LIVE_PEER:
		return "peer";
	case LIVE_SA:
		return "SA";
	case LIVE_KINDS:
		break;
	}
	return "object";
}

int live_init(enum live_kind kind, uint32_t max)
{
	kinds[kind].max = max;
	kinds[kind].generations = calloc((size_t)max + 1, sizeof(uint32_t));
	return kinds[kind].generations == NULL ? -1 : 0;
}

void live_fini(enum live_kind kind)
{
	free(kinds[kind].generations);
	kinds[kind].generations = NULL;
	kinds[kind].max = 0;
}

static uint32_t generation_get(enum live_kind kind, uint32_t index)
{
	if (index == 0 || index > kinds[kind].max)
		rte_panic("BUG: %s %u of %u: no such slot\n", name(kind), index, kinds[kind].max);
	return __atomic_load_n(&kinds[kind].generations[index], __ATOMIC_RELAXED);
}

static void generation_end(enum live_kind kind, uint32_t index, uint32_t was_odd)
{
	uint32_t generation = generation_get(kind, index);

	if (generation % 2 != was_odd)
		rte_panic("BUG: %s %u: generation %u: %s\n", name(kind), index, generation,
			  was_odd ? "freed twice" : "taken twice");
	__atomic_store_n(&kinds[kind].generations[index], generation + 1, __ATOMIC_RELAXED);
}

void live_born(enum live_kind kind, uint32_t index)
{
	generation_end(kind, index, 0);
}

void live_died(enum live_kind kind, uint32_t index)
{
	generation_end(kind, index, 1);
}

uint32_t live_note(enum live_kind kind, uint32_t index)
{
	uint32_t generation = generation_get(kind, index);

	if (generation % 2 == 0)
		rte_panic("BUG: %s %u: generation %u: free, and still in a table\n", name(kind),
			  index, generation);
	return generation;
}

void live_check(enum live_kind kind, uint32_t index, uint32_t generation)
{
	uint32_t now = generation_get(kind, index);

	if (now != generation)
		rte_panic("BUG: %s %u: generation %u, was %u: freed while a worker uses it\n",
			  name(kind), index, now, generation);
}

#endif
