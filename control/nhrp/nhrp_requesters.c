/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_requesters: the table of those who were told something. An array of fixed capacity with two
 * chained hashes, one by (tunnel, binding) for the purge, one by requester and target for the
 * repeat, and one heap of ends. Only the control core calls. RFC 2332 section 5.2.5.
 */
#include "control/nhrp/nhrp_requesters.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "control/deadline.h"
#include "control/hash.h"
#include "nhrp_priv.h"

struct entry {
	struct nhrp_requester r; /* .binding is always set */
	struct deadline end;
	uint64_t noted_ms;        /* first */
	LIST_ENTRY(entry) by_key; /* or free */
	LIST_ENTRY(entry) by_binding;
};
LIST_HEAD(entry_list, entry);

struct nhrp_requesters {
	struct entry *entries; /* [capacity] */
	struct entry_list *keys, *bindings;
	struct entry_list free_list; /* of those below fresh */
	struct deadline_heap ends;
	uint32_t capacity, bucket_mask, used;
	uint32_t fresh; /* entries from here on were never used: memory not touched yet */
	uint64_t seed, full;
};

struct nhrp_requesters *nhrp_requesters_new(uint32_t capacity)
{
	uint32_t buckets = hash_buckets(capacity);
	struct nhrp_requesters *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->entries = calloc(capacity, sizeof(*t->entries));
	t->keys = calloc(buckets, sizeof(*t->keys));
	t->bindings = calloc(buckets, sizeof(*t->bindings));
	if (!t->entries || !t->keys || !t->bindings || deadline_heap_init(&t->ends, capacity) < 0) {
		nhrp_requesters_free(t);
		return NULL;
	}
	t->capacity = capacity;
	t->bucket_mask = buckets - 1;
	t->seed = hash_seed();
	return t;
}

void nhrp_requesters_free(struct nhrp_requesters *t)
{
	if (!t)
		return;
	deadline_heap_fini(&t->ends);
	free(t->entries);
	free(t->keys);
	free(t->bindings);
	free(t);
}

static struct entry_list *key_bucket(const struct nhrp_requesters *t,
				     const struct nhrp_requester *r)
{
	uint64_t h = hash_addr(t->seed, r->requester_tunnel, &r->requester_protocol);

	h = hash_addr(h, (uint32_t)r->tunnel << 8 | r->target.len, &r->target.addr);
	return &t->keys[h & t->bucket_mask];
}

static struct entry_list *binding_bucket(const struct nhrp_requesters *t,
					 uint16_t tunnel,
					 const struct dp_addr *binding)
{
	return &t->bindings[hash_addr(t->seed, tunnel, binding) & t->bucket_mask];
}

static bool same_key(const struct nhrp_requester *a, const struct nhrp_requester *b)
{
	return a->tunnel == b->tunnel && a->requester_tunnel == b->requester_tunnel &&
	       a->target.len == b->target.len && dp_addr_equal(&a->target.addr, &b->target.addr) &&
	       dp_addr_equal(&a->requester_protocol, &b->requester_protocol);
}

static struct entry *find(const struct nhrp_requesters *t, const struct nhrp_requester *r)
{
	struct entry *e;

	LIST_FOREACH (e, key_bucket(t, r), by_key)
		if (same_key(&e->r, r))
			return e;
	return NULL;
}

static struct entry *find_binding(const struct nhrp_requesters *t,
				  uint16_t tunnel,
				  const struct dp_addr *binding)
{
	struct entry *e;

	LIST_FOREACH (e, binding_bucket(t, tunnel, binding), by_binding)
		if (e->r.tunnel == tunnel && dp_addr_equal(&e->r.binding, binding))
			return e;
	return NULL;
}

static struct entry *slot_take(struct nhrp_requesters *t)
{
	struct entry *e = LIST_FIRST(&t->free_list);

	if (e) {
		LIST_REMOVE(e, by_key);
	} else if (t->fresh < t->capacity) {
		e = &t->entries[t->fresh++];
	} else {
		t->full++;
		return NULL;
	}
	t->used++;
	return e;
}

static void forget(struct nhrp_requesters *t, struct entry *e)
{
	deadline_clear(&t->ends, &e->end);
	LIST_REMOVE(e, by_key);
	LIST_REMOVE(e, by_binding);
	LIST_INSERT_HEAD(&t->free_list, e, by_key);
	t->used--;
}

static uint64_t end_ms(const struct nhrp_requester *r, uint64_t now_ms)
{
	uint16_t s = r->holding_s;

	if (s == 0 || s > NHRP_REQUESTER_HOLDING_MAX_S)
		s = NHRP_REQUESTER_HOLDING_MAX_S;
	return now_ms + s * 1000ull;
}

int nhrp_requesters_note(struct nhrp_requesters *t, const struct nhrp_requester *r, uint64_t now_ms)
{
	struct nhrp_requester all = *r;
	struct entry *e;

	all.target = dp_prefix_network(&r->target);
	if (!dp_addr_is_set(&all.binding))
		all.binding = r->target.addr;
	e = find(t, &all);
	if (e) {
		LIST_REMOVE(e, by_binding);
		e->r = all;
	} else {
		e = slot_take(t);
		if (!e)
			return -ENOSPC;
		e->r = all;
		e->noted_ms = now_ms;
		LIST_INSERT_HEAD(key_bucket(t, &all), e, by_key);
	}
	LIST_INSERT_HEAD(binding_bucket(t, all.tunnel, &all.binding), e, by_binding);
	deadline_set(&t->ends, &e->end, end_ms(&all, now_ms));
	return 0;
}

int nhrp_requester_note(struct nhrp_server *srv, const struct nhrp_requester *r, uint64_t now_ms)
{
	int err = nhrp_requesters_note(srv->requesters, r, now_ms);

	if (err < 0)
		nhrp_note(srv, NHRP_NOTE_REQUESTER_LOST);
	return err;
}

bool nhrp_requesters_find(const struct nhrp_requesters *t, struct nhrp_requester *r)
{
	const struct entry *e;

	r->target = dp_prefix_network(&r->target);
	e = find(t, r);
	if (e)
		*r = e->r;
	return e != NULL;
}

bool nhrp_requesters_has(const struct nhrp_requesters *t,
			 uint16_t tunnel,
			 const struct dp_addr *binding)
{
	return find_binding(t, tunnel, binding) != NULL;
}

bool nhrp_requesters_take(struct nhrp_requesters *t,
			  uint16_t tunnel,
			  const struct dp_addr *binding,
			  struct nhrp_requester *r)
{
	struct entry *e = find_binding(t, tunnel, binding);

	if (!e)
		return false;
	*r = e->r;
	forget(t, e);
	return true;
}

bool nhrp_requesters_take_next(struct nhrp_requesters *t,
			       uint16_t requester_tunnel,
			       uint32_t *cursor,
			       struct nhrp_requester *r)
{
	while (*cursor < t->fresh) {
		struct entry *e = &t->entries[(*cursor)++];

		if (e->end.slot == 0 || e->r.requester_tunnel != requester_tunnel)
			continue;
		*r = e->r;
		forget(t, e);
		return true;
	}
	return false;
}

unsigned nhrp_requesters_list(const struct nhrp_requesters *t,
			      uint16_t tunnel,
			      const struct dp_addr *binding,
			      struct nhrp_requester *rows,
			      unsigned max)
{
	const struct entry *e;
	unsigned n = 0;

	LIST_FOREACH (e, binding_bucket(t, tunnel, binding), by_binding) {
		if (e->r.tunnel != tunnel || !dp_addr_equal(&e->r.binding, binding))
			continue;
		if (n < max)
			rows[n] = e->r;
		n++;
	}
	return n;
}

bool nhrp_requesters_walk(const struct nhrp_requesters *t,
			  uint32_t *cursor,
			  struct nhrp_requester *r,
			  uint64_t *noted_ms,
			  uint64_t *end_ms)
{
	while (*cursor < t->fresh) {
		const struct entry *e = &t->entries[(*cursor)++];

		if (e->end.slot == 0 || find_binding(t, e->r.tunnel, &e->r.binding) != e)
			continue;
		*r = e->r;
		*noted_ms = e->noted_ms;
		*end_ms = e->end.at_ms;
		return true;
	}
	return false;
}

unsigned nhrp_requesters_tick(struct nhrp_requesters *t, uint64_t now_ms, unsigned max)
{
	unsigned n = 0;

	while (n < max && deadline_next_ms(&t->ends) <= now_ms) {
		forget(t, (struct entry *)((char *)deadline_first(&t->ends) -
					   offsetof(struct entry, end)));
		n++;
	}
	return n;
}

uint64_t nhrp_requesters_next_ms(const struct nhrp_requesters *t)
{
	return deadline_next_ms(&t->ends);
}

void nhrp_requesters_info_get(const struct nhrp_requesters *t, struct nhrp_requesters_info *info)
{
	*info = (struct nhrp_requesters_info){
		.used = t->used, .capacity = t->capacity, .full = t->full};
}
