/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neighs: see neighs.h. A chained hash over an array; index 0 is nothing. Context: control.
 */
#include "control/neighs.h"

#include <stdlib.h>

#include "control/hash.h"

struct neighs {
	struct neigh_note *notes; /* [capacity + 1] */
	uint32_t *buckets;
	uint32_t capacity, mask;
	uint32_t free;    /* of those that were used once */
	uint32_t touched; /* 1..touched were */
	uint64_t seed;
};

struct neighs *neighs_new(uint32_t capacity)
{
	struct neighs *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	n->capacity = capacity;
	n->mask = hash_buckets(capacity) - 1;
	n->seed = hash_seed();
	n->notes = calloc((size_t)capacity + 1, sizeof(*n->notes));
	n->buckets = calloc((size_t)n->mask + 1, sizeof(*n->buckets));
	if (n->notes != NULL && n->buckets != NULL)
		return n;
	neighs_free(n);
	return NULL;
}

void neighs_free(struct neighs *n)
{
	if (n == NULL)
		return;
	free(n->notes);
	free(n->buckets);
	free(n);
}

/* The link that points to it, or to where it would be. */
static uint32_t *link_to(const struct neighs *n, uint16_t port, uint32_t ip_be)
{
	uint32_t *link = &n->buckets[hash_word(n->seed, (uint64_t)port << 32 | ip_be) & n->mask];

	while (*link != 0 && (n->notes[*link].ip_be != ip_be || n->notes[*link].port != port))
		link = &n->notes[*link].next;
	return link;
}

struct neigh_note *neighs_find(struct neighs *n, uint16_t port, const struct dp_addr *addr)
{
	uint32_t index = addr->family == AF_INET ? *link_to(n, port, addr->ip4_be) : 0;

	return index == 0 ? NULL : &n->notes[index];
}

struct neigh_note *neighs_get(struct neighs *n, uint16_t port, const struct dp_addr *addr)
{
	struct neigh_note *note = neighs_find(n, port, addr);
	uint32_t index = n->free;

	if (note != NULL || addr->family != AF_INET)
		return note;
	if (index == 0 && n->touched == n->capacity)
		return NULL;
	if (index == 0)
		index = ++n->touched;
	else
		n->free = n->notes[index].next;
	note = &n->notes[index];
	*note = (struct neigh_note){.ip_be = addr->ip4_be, .port = port, .listed = true};
	*link_to(n, port, addr->ip4_be) = index;
	return note;
}

void neighs_remove(struct neighs *n, struct neigh_note *note)
{
	uint32_t *link = link_to(n, note->port, note->ip_be), index = *link;

	*link = note->next;
	*note = (struct neigh_note){.next = n->free};
	n->free = index;
}

struct neigh_note *neighs_next(struct neighs *n, uint32_t *cursor)
{
	while (*cursor < n->touched) {
		struct neigh_note *note = &n->notes[++*cursor];

		if (note->listed)
			return note;
	}
	*cursor = 0;
	return NULL;
}
