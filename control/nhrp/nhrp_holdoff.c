/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_holdoff: pairs of addresses that had their redirect, see nhrp_holdoff.h. An array of fixed
 * capacity, a chained hash, one heap of ends. Nothing happens when a hold-off ends: the entry waits
 * until somebody wants a new one, and so needs no timer. Only the control core calls.
 */
#include "nhrp_holdoff.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "control/deadline.h"
#include "control/hash.h"

struct holdoff {
	struct nhrp_holdoff_key key;
	struct deadline end;
	LIST_ENTRY(holdoff) bucket;
};
LIST_HEAD(holdoff_list, holdoff);

struct nhrp_holdoffs {
	struct holdoff *entries; /* [capacity] */
	struct holdoff_list *buckets;
	struct deadline_heap ends;
	uint32_t capacity, bucket_mask, used;
	uint64_t seed, full;
};

struct nhrp_holdoffs *nhrp_holdoffs_new(uint32_t capacity)
{
	uint32_t buckets = hash_buckets(capacity);
	struct nhrp_holdoffs *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->entries = calloc(capacity, sizeof(*t->entries));
	t->buckets = calloc(buckets, sizeof(*t->buckets));
	if (!t->entries || !t->buckets || deadline_heap_init(&t->ends, capacity) < 0) {
		nhrp_holdoffs_free(t);
		return NULL;
	}
	t->capacity = capacity;
	t->bucket_mask = buckets - 1;
	t->seed = hash_seed();
	return t;
}

void nhrp_holdoffs_free(struct nhrp_holdoffs *t)
{
	if (!t)
		return;
	deadline_heap_fini(&t->ends);
	free(t->entries);
	free(t->buckets);
	free(t);
}

static struct holdoff_list *bucket_of(const struct nhrp_holdoffs *t,
				      const struct nhrp_holdoff_key *key)
{
	uint64_t h = hash_addr(hash_word(t->seed, key->spoke), key->tunnel, &key->src);

	return &t->buckets[hash_addr(h, 0, &key->dst) & t->bucket_mask];
}

static struct holdoff *find(const struct nhrp_holdoffs *t, const struct nhrp_holdoff_key *key)
{
	struct holdoff *h;

	LIST_FOREACH (h, bucket_of(t, key), bucket)
		if (memcmp(&h->key, key, sizeof(*key)) == 0)
			return h;
	return NULL;
}

bool nhrp_holdoff_is_on(const struct nhrp_holdoffs *t,
			const struct nhrp_holdoff_key *key,
			uint64_t now_ms)
{
	const struct holdoff *h = find(t, key);

	return h && h->end.at_ms > now_ms;
}

/* A fresh slot, or that of the pair whose hold-off ended first. */
static struct holdoff *slot_take(struct nhrp_holdoffs *t, uint64_t now_ms)
{
	struct holdoff *h;

	if (deadline_next_ms(&t->ends) <= now_ms) {
		h = (struct holdoff *)((char *)deadline_first(&t->ends) -
				       offsetof(struct holdoff, end));
		LIST_REMOVE(h, bucket);
		return h;
	}
	if (t->used == t->capacity) {
		t->full++;
		return NULL;
	}
	return &t->entries[t->used++];
}

int nhrp_holdoff_begin(struct nhrp_holdoffs *t,
		       const struct nhrp_holdoff_key *key,
		       uint64_t now_ms,
		       uint32_t hold_ms)
{
	struct holdoff *h = find(t, key);

	if (!h) {
		h = slot_take(t, now_ms);
		if (!h)
			return -ENOSPC;
		h->key = *key;
		LIST_INSERT_HEAD(bucket_of(t, key), h, bucket);
	}
	deadline_set(&t->ends, &h->end, now_ms + hold_ms);
	return 0;
}

void nhrp_holdoffs_info_get(const struct nhrp_holdoffs *t, struct nhrp_holdoffs_info *info)
{
	*info = (struct nhrp_holdoffs_info){
		.used = t->used, .capacity = t->capacity, .full = t->full};
}
