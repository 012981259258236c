/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What workers may hold is an index, and a slot is used again once its index was freed. A slot that
 * is free is filled with 0xdb. Built with -Ddebug-checks=true (DP_DEBUG) each slot also has a
 * generation, odd while its object lives: a worker notes it when it picks an index up and checks it
 * where it uses the object; what was freed under it ends the process with a message. Off, all of
 * this is empty.
 */
#include <stdint.h>
#include <string.h>

enum live_kind {
	LIVE_ADJ,
	LIVE_NEIGH,
	LIVE_SPOKE,
	LIVE_NEXTHOP,
	LIVE_TUNNEL,
	LIVE_FIB_NH, /* number of its pool: index - 1 */
	LIVE_FIB_GROUP,
	LIVE_PEER,
	LIVE_SA,
	LIVE_KINDS
};

#ifdef DP_DEBUG

/* Called by pool.h. -1: no memory. Context: control. */
int live_init(enum live_kind kind, uint32_t max);
void live_fini(enum live_kind kind);
void live_born(enum live_kind kind, uint32_t index);
void live_died(enum live_kind kind, uint32_t index);

/* The generation of what stands in a table now; it must be alive. Context: worker. */
uint32_t live_note(enum live_kind kind, uint32_t index);
/* It is still the one that was noted. Context: worker. */
void live_check(enum live_kind kind, uint32_t index, uint32_t generation);

#else

static inline int live_init(enum live_kind kind, uint32_t max)
{
	(void)kind;
	(void)max;
	return 0;
}

static inline void live_fini(enum live_kind kind)
{
	(void)kind;
}

static inline void live_born(enum live_kind kind, uint32_t index)
{
	(void)kind;
	(void)index;
}

static inline void live_died(enum live_kind kind, uint32_t index)
{
	(void)kind;
	(void)index;
}

static inline uint32_t live_note(enum live_kind kind, uint32_t index)
{
	(void)kind;
	(void)index;
	return 0;
}

static inline void live_check(enum live_kind kind, uint32_t index, uint32_t generation)
{
	(void)kind;
	(void)index;
	(void)generation;
}

#endif

/* ---- poison: AddressSanitizer does not see into DPDK's memory by itself ---- */

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, bytes)   ((void)(p), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(p, bytes) ((void)(p), (void)(bytes))
#endif

#define LIVE_POISON 0xdb

/* A slot whose object is freed, after the grace period. Context: control. */
static inline void live_poison(void *slot, size_t bytes)
{
	memset(slot, LIVE_POISON, bytes);
	ASAN_POISON_MEMORY_REGION(slot, bytes);
}

/* A slot that is filled again, or an array that is given back. NULL is allowed. */
static inline void live_unpoison(void *slot, size_t bytes)
{
	if (slot != NULL)
		ASAN_UNPOISON_MEMORY_REGION(slot, bytes);
}
