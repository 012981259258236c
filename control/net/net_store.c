/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_store: see net_store.h. A chained hash over a fixed array of slots; a slot keeps the number
 * it got, so that a sweep can go on where it stopped. The seed is random: who chooses addresses on
 * a wire outside must not choose our chains.
 */
#include "net_store.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define NONE UINT32_MAX

struct store_key {
	uint32_t kind;
	uint32_t ifindex;
	struct dp_prefix prefix; /* of an address; of a neighbour: address and length 0 */
};
_Static_assert(sizeof(struct store_key) == 32, "hashed as words: no padding");

struct store_slot {
	struct store_key key;
	uint32_t generation;
	uint32_t next; /* in the chain, or in the list of free slots */
	bool used;
	union {
		struct net_link link;
		struct net_ifaddr addr;
		struct net_neigh neigh;
	};
};

struct net_store {
	uint32_t seed;
	uint32_t count;
	uint32_t max;
	uint32_t mask;    /* buckets - 1 */
	uint32_t free;    /* first free slot that was used before */
	uint32_t touched; /* slots from here on were never used */
	uint32_t *buckets;
	struct store_slot *slots;
};

struct net_store *net_store_new(uint32_t objects_max)
{
	struct net_store *store = calloc(1, sizeof(*store));
	uint32_t buckets = 1;

	if (!store)
		return NULL;
	while (buckets < objects_max && buckets < 1u << 30)
		buckets *= 2;
	store->mask = buckets - 1;
	store->max = objects_max;
	store->free = NONE;
	store->buckets = malloc(buckets * sizeof(*store->buckets));
	store->slots = calloc(objects_max, sizeof(*store->slots));
	if (!store->buckets || !store->slots) {
		net_store_free(store);
		errno = ENOMEM;
		return NULL;
	}
	memset(store->buckets, 0xff, buckets * sizeof(*store->buckets));
	if (getrandom(&store->seed, sizeof(store->seed), 0) < 0)
		store->seed = (uint32_t)(uintptr_t)store;
	return store;
}

void net_store_free(struct net_store *store)
{
	if (!store)
		return;
	free(store->buckets);
	free(store->slots);
	free(store);
}

uint32_t net_store_count(const struct net_store *store)
{
	return store->count;
}

static size_t value_size(enum net_kind kind)
{
	return kind == NET_LINK   ? sizeof(struct net_link)
	       : kind == NET_ADDR ? sizeof(struct net_ifaddr)
				  : sizeof(struct net_neigh);
}

static struct store_key key_of(const struct net_msg *msg)
{
	struct store_key key;

	memset(&key, 0, sizeof(key));
	key.kind = msg->kind;
	if (msg->kind == NET_LINK) {
		key.ifindex = msg->link.ifindex;
	} else if (msg->kind == NET_ADDR) {
		key.ifindex = msg->addr.ifindex;
		key.prefix = msg->addr.prefix;
	} else {
		key.ifindex = msg->neigh.ifindex;
		key.prefix.addr = msg->neigh.addr;
	}
	return key;
}

static uint32_t *bucket_of(struct net_store *store, const struct store_key *key)
{
	uint32_t words[sizeof(*key) / sizeof(uint32_t)];
	uint32_t hash = store->seed;

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		hash = (hash ^ words[i]) * 0x9e3779b1u;
		hash ^= hash >> 15;
	}
	return &store->buckets[hash & store->mask];
}

/* The link that points to the object's slot, or to NONE at the end of its chain. */
static uint32_t *find(struct net_store *store, const struct store_key *key)
{
	uint32_t *link = bucket_of(store, key);

	while (*link != NONE && memcmp(&store->slots[*link].key, key, sizeof(*key)) != 0)
		link = &store->slots[*link].next;
	return link;
}

static uint32_t slot_alloc(struct net_store *store)
{
	uint32_t slot = store->free;

	if (slot != NONE)
		store->free = store->slots[slot].next;
	else if (store->touched < store->max)
		slot = store->touched++;
	return slot;
}

static void slot_remove(struct net_store *store, uint32_t *link, struct net_msg *msg)
{
	uint32_t slot = *link;
	struct store_slot *s = &store->slots[slot];

	memcpy(&msg->link, &s->link, value_size(msg->kind));
	*link = s->next;
	s->used = false;
	s->next = store->free;
	store->free = slot;
	store->count--;
}

enum net_store_result net_store_put(struct net_store *store,
				    const struct net_msg *msg,
				    uint32_t generation)
{
	struct store_key key = key_of(msg);
	size_t size = value_size(msg->kind);
	uint32_t *link = find(store, &key);
	struct store_slot *s;

	if (*link == NONE) {
		uint32_t slot = slot_alloc(store);

		if (slot == NONE)
			return NET_STORE_FULL;
		s = &store->slots[slot];
		s->key = key;
		s->next = NONE;
		s->used = true;
		*link = slot;
		store->count++;
	} else {
		s = &store->slots[*link];
		if (memcmp(&s->link, &msg->link, size) == 0) {
			s->generation = generation;
			return NET_STORE_SAME;
		}
	}
	s->generation = generation;
	memcpy(&s->link, &msg->link, size);
	return NET_STORE_CHANGED;
}

bool net_store_take(struct net_store *store, struct net_msg *msg)
{
	struct store_key key = key_of(msg);
	uint32_t *link = find(store, &key);

	if (*link == NONE)
		return false;
	slot_remove(store, link, msg);
	return true;
}

bool net_store_sweep(struct net_store *store,
		     enum net_kind kind,
		     uint32_t generation,
		     uint32_t *cursor,
		     struct net_msg *msg)
{
	for (; *cursor < store->touched; (*cursor)++) {
		struct store_slot *s = &store->slots[*cursor];

		if (!s->used || s->key.kind != kind || s->generation == generation)
			continue;
		memset(msg, 0, sizeof(*msg));
		msg->kind = kind;
		msg->change = NET_CHANGE_DEL;
		slot_remove(store, find(store, &s->key), msg);
		return true;
	}
	return false;
}
