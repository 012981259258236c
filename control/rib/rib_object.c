/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_object: the kernel's next-hop objects, by id: a next hop, a blackhole, or a group of others
 * with weights. Routes that name one get what it says now; changes are collected and taken to the
 * vias once per turn, because a daemon that starts makes thousands. Part of rib.c, see there.
 *
 * Context: control. Not done: the buckets of resilient groups (the dataplane has its own).
 */
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"
#include "rib_priv.h"

int rib_objects_init(struct rib *rib)
{
	rib->objects = calloc((size_t)rib->conf.vias + 1, sizeof(*rib->objects));
	return rib->objects == NULL ? -1 : rib_pool_init(&rib->object_pool, rib->conf.vias);
}

void rib_objects_fini(struct rib *rib)
{
	for (uint32_t i = 1; rib->objects != NULL && i <= rib->object_pool.touched; i++)
		free(rib->objects[i].members);
	free(rib->objects);
	rib_pool_fini(&rib->object_pool);
}

/* The link that points to the object, or to where it would be. */
static uint32_t *link_to(const struct rib *rib, uint32_t id)
{
	uint64_t h = hash_word(rib->seed, id);
	uint32_t *link = &rib->object_pool.buckets[h & rib->object_pool.mask];

	while (*link != RIB_NONE && rib->objects[*link].id != id)
		link = &rib->objects[*link].next;
	return link;
}

const struct rib_object *rib_object_find(const struct rib *rib, uint32_t id)
{
	uint32_t index = *link_to(rib, id);

	return index == RIB_NONE ? NULL : &rib->objects[index];
}

bool rib_has_nexthop_objects(const struct rib *rib)
{
	return rib->object_pool.used > 0;
}

static struct rib_object *object_get(struct rib *rib, uint32_t id)
{
	uint32_t *link = link_to(rib, id);
	uint32_t index = *link;
	struct rib_object *object;

	if (index != RIB_NONE)
		return &rib->objects[index];
	index = rib_pool_peek(&rib->object_pool);
	if (index == RIB_NONE) {
		rib_full(rib, "next-hop objects", &rib->object_pool);
		return NULL;
	}
	object = &rib->objects[index];
	rib_pool_take(&rib->object_pool, index, object->next);
	*object = (struct rib_object){.id = id, .changed = true};
	*link = index;
	return object;
}

static bool same(const struct rib_object *object,
		 const struct net_nexthop_object *told,
		 const struct rib_hop *hop,
		 bool unsupported)
{
	return object->blackhole == told->blackhole && object->unsupported == unsupported &&
	       object->member_count == told->member_count &&
	       memcmp(&object->hop, hop, sizeof(*hop)) == 0 &&
	       (told->member_count == 0 ||
		memcmp(object->members, told->members,
		       told->member_count * sizeof(told->members[0])) == 0);
}

/* False: no memory. */
static bool members_keep(struct rib_object *object, const struct net_nexthop_object *told)
{
	size_t bytes = told->member_count * sizeof(told->members[0]);

	free(object->members);
	object->members = bytes > 0 ? malloc(bytes) : NULL;
	object->member_count = object->members != NULL ? told->member_count : 0;
	if (object->members != NULL)
		memcpy(object->members, told->members, bytes);
	return bytes == 0 || object->members != NULL;
}

static void object_set(struct rib *rib, const struct net_nexthop_object *told)
{
	struct rib_object *object = object_get(rib, told->id);
	struct rib_hop hop = rib_hop_of(&told->hop);
	bool unsupported = told->fdb;

	if (object == NULL)
		return;
	object->generation = rib->object_generation;
	if (!object->changed && same(object, told, &hop, unsupported))
		return;
	object->blackhole = told->blackhole;
	object->hop = hop;
	object->unsupported = !members_keep(object, told) || unsupported;
	object->changed = true;
	rib->objects_changed = true;
}

static void object_free(struct rib *rib, uint32_t index)
{
	struct rib_object *object = &rib->objects[index];
	uint32_t id = object->id;

	*link_to(rib, id) = object->next;
	free(object->members);
	*object = (struct rib_object){.next = rib_pool_give(&rib->object_pool, index)};
	rib_via_gone(rib, id);
}

void rib_nexthop_told(struct rib *rib,
		      enum net_change change,
		      const struct net_nexthop_object *object)
{
	uint32_t index;

	if (change == NET_CHANGE_NEW) {
		object_set(rib, object);
		return;
	}
	index = *link_to(rib, object->id);
	if (index != RIB_NONE)
		object_free(rib, index);
}

void rib_objects_sweep(struct rib *rib)
{
	for (uint32_t i = 1; i <= rib->object_pool.touched; i++)
		if (rib->objects[i].id != 0 && rib->objects[i].generation != rib->object_generation)
			object_free(rib, i);
}

static bool names_changed(const struct rib *rib, uint32_t id)
{
	const struct rib_object *member, *object = rib_object_find(rib, id);

	if (object == NULL || object->changed)
		return object != NULL;
	for (uint8_t i = 0; i < object->member_count; i++) {
		member = rib_object_find(rib, object->members[i].id);
		if (member != NULL && member->changed)
			return true;
	}
	return false;
}

void rib_objects_settle(struct rib *rib)
{
	for (uint32_t i = 1; i <= rib->via_pool.touched; i++) {
		struct rib_via *via = &rib->vias[i];

		if (via->refs > 0 && via->nexthop_id != 0 && !via->gone &&
		    names_changed(rib, via->nexthop_id))
			rib_via_look(rib, via);
	}
	for (uint32_t i = 1; i <= rib->object_pool.touched; i++)
		rib->objects[i].changed = false;
	rib->objects_changed = false;
}
