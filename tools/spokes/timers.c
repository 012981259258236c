/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timers: a binary heap with the place of each id beside it, so that a timer can be moved.
 */
#include "timers.h"

#include <errno.h>
#include <stdlib.h>

int timers_init(struct timers *t, uint32_t capacity)
{
	t->capacity = capacity;
	t->count = 0;
	t->heap = calloc(capacity, sizeof(*t->heap));
	t->slot = malloc(capacity * sizeof(*t->slot));
	t->due_ns = calloc(capacity, sizeof(*t->due_ns));
	if (!t->heap || !t->slot || !t->due_ns) {
		timers_free(t);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < capacity; i++)
		t->slot[i] = TIMERS_NONE;
	return 0;
}

void timers_free(struct timers *t)
{
	free(t->heap);
	free(t->slot);
	free(t->due_ns);
	t->heap = t->slot = NULL;
	t->due_ns = NULL;
}

/* By time, then by id: what is due together goes in the spokes' order. */
static bool earlier(const struct timers *t, uint32_t a, uint32_t b)
{
	const uint32_t ia = t->heap[a], ib = t->heap[b];

	return t->due_ns[ia] < t->due_ns[ib] || (t->due_ns[ia] == t->due_ns[ib] && ia < ib);
}

static void swap(struct timers *t, uint32_t a, uint32_t b)
{
	const uint32_t id = t->heap[a];

	t->heap[a] = t->heap[b];
	t->heap[b] = id;
	t->slot[t->heap[a]] = a;
	t->slot[t->heap[b]] = b;
}

static uint32_t sift_up(struct timers *t, uint32_t at)
{
	while (at > 0 && earlier(t, at, (at - 1) / 2)) {
		swap(t, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
	return at;
}

static void sift_down(struct timers *t, uint32_t at)
{
	for (;;) {
		uint32_t least = at;

		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2; child++) {
			if (child < t->count && earlier(t, child, least))
				least = child;
		}
		if (least == at)
			return;
		swap(t, at, least);
		at = least;
	}
}

void timers_set(struct timers *t, uint32_t id, uint64_t due_ns)
{
	t->due_ns[id] = due_ns;
	if (t->slot[id] == TIMERS_NONE) {
		t->slot[id] = t->count;
		t->heap[t->count++] = id;
	}
	sift_down(t, sift_up(t, t->slot[id]));
}

uint64_t timers_next_ns(const struct timers *t)
{
	return t->count ? t->due_ns[t->heap[0]] : UINT64_MAX;
}

uint32_t timers_pop(struct timers *t, uint64_t now_ns)
{
	uint32_t id;

	if (timers_next_ns(t) > now_ns)
		return TIMERS_NONE;
	id = t->heap[0];
	swap(t, 0, t->count - 1);
	t->count--;
	t->slot[id] = TIMERS_NONE;
	sift_down(t, 0);
	return id;
}
