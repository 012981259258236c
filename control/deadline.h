/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Many deadlines behind one timer: a binary heap of deadlines embedded in their owners. Set, move
 * and clear are O(log n), the first one O(1). Times are milliseconds of any clock that does not go
 * back; the caller brings them. Context: control; one heap belongs to one module.
 */
#include <stdint.h>

#define DEADLINE_NEVER UINT64_MAX

struct deadline {
	uint64_t at_ms;
	uint32_t slot; /* place in the heap from 1; 0 = not set. Zeroed memory is a cleared one. */
};

struct deadline_heap {
	struct deadline **items; /* owned; [1] is the first */
	uint32_t count;
	uint32_t capacity;
};

/* -ENOMEM. */
int deadline_heap_init(struct deadline_heap *h, uint32_t capacity);
/* Forgets all deadlines; those themselves are their owners'. */
void deadline_heap_fini(struct deadline_heap *h);
/* Sets or moves. The caller sees to it that no more than capacity are set. */
void deadline_set(struct deadline_heap *h, struct deadline *d, uint64_t at_ms);
void deadline_clear(struct deadline_heap *h, struct deadline *d);
/* The earliest, or NULL. */
struct deadline *deadline_first(const struct deadline_heap *h);
/* When the earliest is due, or DEADLINE_NEVER. */
uint64_t deadline_next_ms(const struct deadline_heap *h);
