/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadline: binary heap with back references, so that a refresh moves its entry in place. Only the
 * control core calls. Entries with the same time come in no particular order.
 */
#include "control/deadline.h"

#include <errno.h>
#include <stdlib.h>

int deadline_heap_init(struct deadline_heap *h, uint32_t capacity)
{
	*h = (struct deadline_heap){.capacity = capacity};
	h->items = calloc((size_t)capacity + 1, sizeof(struct deadline *));
	return h->items ? 0 : -ENOMEM;
}

void deadline_heap_fini(struct deadline_heap *h)
{
	for (uint32_t i = 1; i <= h->count; i++)
		h->items[i]->slot = 0;
	free(h->items);
	*h = (struct deadline_heap){0};
}

static void place(struct deadline_heap *h, struct deadline *d, uint32_t slot)
{
	h->items[slot] = d;
	d->slot = slot;
}

/* Moves d from the hole at `slot` to where it belongs. */
static void sift(struct deadline_heap *h, struct deadline *d, uint32_t slot)
{
	uint32_t child;

	while (slot > 1 && h->items[slot / 2]->at_ms > d->at_ms) {
		place(h, h->items[slot / 2], slot);
		slot /= 2;
	}
	while ((child = slot * 2) <= h->count) {
		if (child < h->count && h->items[child + 1]->at_ms < h->items[child]->at_ms)
			child++;
		if (h->items[child]->at_ms >= d->at_ms)
			break;
		place(h, h->items[child], slot);
		slot = child;
	}
	place(h, d, slot);
}

void deadline_set(struct deadline_heap *h, struct deadline *d, uint64_t at_ms)
{
	if (d->slot == 0) {
		if (h->count == h->capacity)
			abort(); /* a bug of the caller: its table is the bound */
		d->slot = ++h->count;
	}
	d->at_ms = at_ms;
	sift(h, d, d->slot);
}

void deadline_clear(struct deadline_heap *h, struct deadline *d)
{
	struct deadline *last;
	uint32_t slot = d->slot;

	if (slot == 0)
		return;
	last = h->items[h->count--];
	d->slot = 0;
	if (last != d)
		sift(h, last, slot);
}

struct deadline *deadline_first(const struct deadline_heap *h)
{
	return h->count > 0 ? h->items[1] : NULL;
}

uint64_t deadline_next_ms(const struct deadline_heap *h)
{
	return h->count > 0 ? h->items[1]->at_ms : DEADLINE_NEVER;
}
