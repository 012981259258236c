/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_pending: forwarded resolution requests, see nhrp_pending.h. An array of fixed capacity with
 * a free list, a chained hash on (network-id, requester, request id), one heap of ends. Each spoke
 * has a share of it, all that are not registered another. Only the control core calls.
 */
#include "nhrp_pending.h"

#include <stddef.h>
#include <stdlib.h>

#include "control/hash.h"

LIST_HEAD(pending_list, nhrp_pending);

struct nhrp_pendings {
	struct nhrp_pending *entries; /* [capacity] */
	struct pending_list *buckets;
	struct pending_list free_list;
	struct deadline_heap ends;
	struct spoke_table *spokes;
	uint32_t capacity, fresh, bucket_mask, used, strangers;
	uint64_t seed, full;
};

struct nhrp_pendings *nhrp_pendings_new(uint32_t capacity, struct spoke_table *spokes)
{
	uint32_t buckets = hash_buckets(capacity);
	struct nhrp_pendings *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->entries = calloc(capacity, sizeof(*t->entries));
	t->buckets = calloc(buckets, sizeof(*t->buckets));
	if (!t->entries || !t->buckets || deadline_heap_init(&t->ends, capacity) < 0) {
		nhrp_pendings_free(t);
		return NULL;
	}
	t->capacity = capacity;
	t->bucket_mask = buckets - 1;
	t->seed = hash_seed();
	t->spokes = spokes;
	return t;
}

void nhrp_pendings_free(struct nhrp_pendings *t)
{
	if (!t)
		return;
	deadline_heap_fini(&t->ends);
	free(t->entries);
	free(t->buckets);
	free(t);
}

static struct pending_list *bucket_of(struct nhrp_pendings *t,
				      uint32_t network_id,
				      const struct dp_addr *requester,
				      uint32_t request_id)
{
	uint64_t h = hash_word(t->seed, (uint64_t)network_id << 32 | request_id);

	return &t->buckets[hash_addr(h, 0, requester) & t->bucket_mask];
}

struct nhrp_pending *nhrp_pending_find(struct nhrp_pendings *t,
				       uint32_t network_id,
				       const struct dp_addr *requester,
				       uint32_t request_id)
{
	struct nhrp_pending *p;

	LIST_FOREACH (p, bucket_of(t, network_id, requester, request_id), bucket)
		if (p->request_id == request_id && p->network_id == network_id &&
		    dp_addr_equal(&p->requester, requester))
			return p;
	return NULL;
}

static struct nhrp_pending *slot_take(struct nhrp_pendings *t)
{
	struct nhrp_pending *p = LIST_FIRST(&t->free_list);

	if (p)
		LIST_REMOVE(p, bucket);
	else if (t->fresh < t->capacity)
		p = &t->entries[t->fresh++];
	return p;
}

/* The sender's share; NULL: it has used it up. */
static uint32_t *share_of(struct nhrp_pendings *t, struct spoke *s)
{
	uint32_t *used = s ? &s->forwards : &t->strangers;

	return *used < (s ? NHRP_PENDING_PER_SPOKE : NHRP_PENDING_PER_STRANGERS) ? used : NULL;
}

struct nhrp_pending *nhrp_pending_add(struct nhrp_pendings *t,
				      const struct nhrp_pending *proto,
				      uint64_t now_ms)
{
	struct spoke *s = spoke_find(t->spokes, &proto->from);
	uint32_t *share = share_of(t, s);
	struct nhrp_pending *p = share ? slot_take(t) : NULL;

	if (!p) {
		t->full++;
		return NULL;
	}
	*p = *proto;
	p->stranger = s == NULL;
	p->end = (struct deadline){0};
	(*share)++;
	t->used++;
	LIST_INSERT_HEAD(bucket_of(t, p->network_id, &p->requester, p->request_id), p, bucket);
	nhrp_pending_refresh(t, p, now_ms);
	return p;
}

void nhrp_pending_refresh(struct nhrp_pendings *t, struct nhrp_pending *p, uint64_t now_ms)
{
	deadline_set(&t->ends, &p->end, now_ms + NHRP_PENDING_MS);
}

/* A spoke that went and came again meanwhile has begun to count anew. */
static void share_give(struct nhrp_pendings *t, const struct nhrp_pending *p)
{
	struct spoke *s;

	if (p->stranger) {
		t->strangers--;
		return;
	}
	s = spoke_find(t->spokes, &p->from);
	if (s && s->forwards > 0)
		s->forwards--;
}

void nhrp_pending_del(struct nhrp_pendings *t, struct nhrp_pending *p)
{
	share_give(t, p);
	deadline_clear(&t->ends, &p->end);
	LIST_REMOVE(p, bucket);
	LIST_INSERT_HEAD(&t->free_list, p, bucket);
	t->used--;
}

unsigned nhrp_pendings_tick(struct nhrp_pendings *t, uint64_t now_ms, unsigned max)
{
	unsigned n = 0;

	for (; n < max && deadline_next_ms(&t->ends) <= now_ms; n++)
		nhrp_pending_del(t, (struct nhrp_pending *)((char *)deadline_first(&t->ends) -
							    offsetof(struct nhrp_pending, end)));
	return n;
}

uint64_t nhrp_pendings_next_ms(const struct nhrp_pendings *t)
{
	return deadline_next_ms(&t->ends);
}

void nhrp_pendings_info_get(const struct nhrp_pendings *t, struct nhrp_pendings_info *info)
{
	*info = (struct nhrp_pendings_info){
		.used = t->used, .capacity = t->capacity, .full = t->full};
}
