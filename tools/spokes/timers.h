/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One timer per id (0 .. capacity - 1) in a binary heap. Setting a timer that is set moves it.
 */
#include <stdbool.h>
#include <stdint.h>

struct timers {
	uint32_t capacity;
	uint32_t count;
	uint32_t *heap;   /* ids, the earliest first; owned */
	uint32_t *slot;   /* by id: place in the heap, or TIMERS_NONE; owned */
	uint64_t *due_ns; /* by id; owned */
};

#define TIMERS_NONE UINT32_MAX

/* -ENOMEM. */
int timers_init(struct timers *t, uint32_t capacity);
void timers_free(struct timers *t);
void timers_set(struct timers *t, uint32_t id, uint64_t due_ns);
/* The earliest; UINT64_MAX when none is set. */
uint64_t timers_next_ns(const struct timers *t);
/* Takes one timer that is due out of the heap; TIMERS_NONE when there is none. */
uint32_t timers_pop(struct timers *t, uint64_t now_ns);
