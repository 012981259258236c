/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_entry: the table of entries: a chained hash by prefix over an array. Entries of one prefix
 * are neighbours in their chain: addresses of ours first, then by metric, then in the kernel's
 * order. Part of rib.c, see there. Context: control.
 */
#include "control/hash.h"
#include "rib_priv.h"

static uint32_t *bucket_of(const struct rib *rib, uint32_t ip, uint8_t len)
{
	uint64_t h = hash_word(rib->seed, (uint64_t)ip << 8 | len);

	return &rib->entry_pool.buckets[h & rib->entry_pool.mask];
}

static bool is_of(const struct rib_entry *e, uint32_t ip, uint8_t len)
{
	return e->ip == ip && e->len == len;
}

uint32_t *rib_prefix_link(const struct rib *rib, uint32_t ip, uint8_t len)
{
	uint32_t *link = bucket_of(rib, ip, len);

	while (*link != RIB_NONE && !is_of(&rib->entries[*link], ip, len))
		link = &rib->entries[*link].next;
	return link;
}

uint32_t rib_entry_next(const struct rib *rib, uint32_t index)
{
	const struct rib_entry *e = &rib->entries[index];
	uint32_t next = e->next;

	return next != RIB_NONE && is_of(&rib->entries[next], e->ip, e->len) ? next : RIB_NONE;
}

static uint64_t rank(const struct rib_entry *e)
{
	return (e->flags & RIB_F_LOCAL ? 0 : 1ULL << 32) | e->metric;
}

/* Does `o` stay before the new one? Both are of one prefix. A dump comes in the kernel's order:
 * behind what it showed already, before what it may not show any more. */
static bool is_before(const struct rib *rib,
		      const struct rib_entry *o,
		      const struct rib_entry *e,
		      enum rib_place place)
{
	if (rank(o) != rank(e))
		return rank(o) < rank(e);
	switch (place) {
	case RIB_FIRST:
		return false;
	case RIB_LAST:
		return true;
	case RIB_OF_DUMP:
		return o->generation == rib->generation;
	}
	return true;
}

static uint32_t *link_for(const struct rib *rib, const struct rib_entry *e, enum rib_place place)
{
	uint32_t *link = rib_prefix_link(rib, e->ip, e->len);

	while (*link != RIB_NONE && is_of(&rib->entries[*link], e->ip, e->len) &&
	       is_before(rib, &rib->entries[*link], e, place))
		link = &rib->entries[*link].next;
	return link;
}

static uint32_t *link_to(const struct rib *rib, uint32_t index)
{
	uint32_t *link = bucket_of(rib, rib->entries[index].ip, rib->entries[index].len);

	while (*link != index)
		link = &rib->entries[*link].next;
	return link;
}

/* The field of rib_info that counts a flag; NULL: none does. */
static uint32_t *counter_of(struct rib *rib, uint16_t flag)
{
	switch (flag) {
	case RIB_F_LOCAL:
		return &rib->info.local;
	case RIB_F_OWN:
		return &rib->info.own_hosts;
	case RIB_F_RECURSIVE:
		return &rib->info.recursive;
	case RIB_F_FAILED:
		return &rib->info.failed;
	default:
		return NULL;
	}
}

void rib_flag_set(struct rib *rib, struct rib_entry *e, uint16_t flags)
{
	for (uint16_t flag = 1; flag != 0 && flag <= flags; flag = (uint16_t)(flag << 1)) {
		uint32_t *counter = counter_of(rib, flag);

		if ((flags & flag) && !(e->flags & flag) && counter != NULL)
			(*counter)++;
	}
	e->flags |= flags;
}

void rib_flag_clear(struct rib *rib, struct rib_entry *e, uint16_t flags)
{
	flags &= e->flags;
	for (uint16_t flag = 1; flag != 0 && flag <= flags; flag = (uint16_t)(flag << 1)) {
		uint32_t *counter = counter_of(rib, flag);

		if ((flags & flag) && counter != NULL)
			(*counter)--;
	}
	e->flags = (uint16_t)(e->flags & ~flags);
}

uint32_t rib_entry_add(struct rib *rib, const struct rib_entry *proto, enum rib_place place)
{
	uint32_t index = rib_pool_peek(&rib->entry_pool);
	struct rib_entry *e = &rib->entries[index];
	uint32_t *link;

	if (index == RIB_NONE) {
		rib_full(rib, "entries", &rib->entry_pool);
		rib_via_put(rib, proto->via);
		return RIB_NONE;
	}
	rib_pool_take(&rib->entry_pool, index, e->next);
	*e = *proto;
	e->flags = 0;
	rib_flag_set(rib, e, (uint16_t)(proto->flags | RIB_F_USED));
	link = link_for(rib, e, place);
	e->next = *link;
	*link = index;
	rib->len_count[e->len]++;
	return index;
}

bool rib_entry_move(struct rib *rib, uint32_t index, enum rib_place place)
{
	struct rib_entry *e = &rib->entries[index];
	uint32_t *from, *to;

	if (*rib_prefix_link(rib, e->ip, e->len) == index && rib_entry_next(rib, index) == RIB_NONE)
		return false; /* alone */
	from = link_to(rib, index);
	*from = e->next;
	to = link_for(rib, e, place);
	e->next = *to;
	*to = index;
	return from != to;
}

void rib_entry_free(struct rib *rib, uint32_t index)
{
	struct rib_entry *e = &rib->entries[index];

	rib_via_put(rib, e->via);
	*link_to(rib, index) = e->next;
	rib->len_count[e->len]--;
	rib_flag_clear(rib, e, e->flags);
	e->next = rib_pool_give(&rib->entry_pool, index);
}
