/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoke: the table of spokes. An array of fixed capacity with a free list, a chained hash on
 * (tunnel, NBMA) so that all ports behind one NAT share a chain, and a list of spokes that nobody
 * refers to any more but that the dataplane did not let go yet. Only the control core calls.
 *
 * Not done: IKE and IPsec as conditions of the state; peers as objects of their own (they come
 * with the first SA).
 */
#include "control/spoke.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/events.h"
#include "control/hash.h"
#include "control/log.h"
#include "dataplane/dp_mcast.h"

#define FULL_TELL_MS 60000 /* an event for "full" at most this often: peers can cause it */

LIST_HEAD(spoke_bucket, spoke);

struct spoke_tunnel {
	char name[DP_NAME_LEN];
	bool up;
	uint32_t multicast; /* groups of registered spokes */
};

struct spoke_table {
	struct spoke *spokes; /* [capacity] */
	struct spoke_bucket *buckets;
	struct spoke **by_dp; /* [capacity + 1]: what the dataplane's handles are of */
	struct spoke_tunnel *tunnels;
	struct spoke_bucket free_list;
	struct spoke_bucket dying;
	uint32_t capacity, bucket_mask, tunnel_count;
	uint32_t used, dying_count;
	uint64_t seed, full, full_told_ms;
	struct spoke_ops ops;
};

struct spoke_table *spoke_table_new(uint32_t capacity,
				    uint32_t tunnels,
				    const struct spoke_ops *ops)
{
	uint32_t buckets = hash_buckets(capacity);
	struct spoke_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->spokes = calloc(capacity, sizeof(*t->spokes));
	t->buckets = calloc(buckets, sizeof(*t->buckets));
	t->by_dp = calloc((size_t)capacity + 1, sizeof(struct spoke *));
	t->tunnels = calloc(tunnels, sizeof(*t->tunnels));
	if (!t->spokes || !t->buckets || !t->by_dp || !t->tunnels) {
		spoke_table_free(t);
		return NULL;
	}
	t->capacity = capacity;
	t->bucket_mask = buckets - 1;
	t->tunnel_count = tunnels;
	t->seed = hash_seed();
	t->ops = *ops;
	for (uint32_t i = capacity; i > 0; i--)
		LIST_INSERT_HEAD(&t->free_list, &t->spokes[i - 1], list);
	return t;
}

void spoke_table_free(struct spoke_table *t)
{
	if (!t)
		return;
	free(t->spokes);
	free(t->buckets);
	free(t->by_dp);
	free(t->tunnels);
	free(t);
}

int spoke_tunnel_add(struct spoke_table *t, uint16_t tunnel, const char *name)
{
	if (tunnel >= t->tunnel_count)
		return -ERANGE;
	snprintf(t->tunnels[tunnel].name, sizeof(t->tunnels[tunnel].name), "%s", name);
	t->tunnels[tunnel].up = true;
	return 0;
}

const char *spoke_tunnel_name(const struct spoke_table *t, uint16_t tunnel)
{
	static char unknown[DP_NAME_LEN];

	if (tunnel < t->tunnel_count && t->tunnels[tunnel].name[0])
		return t->tunnels[tunnel].name;
	snprintf(unknown, sizeof(unknown), "tunnel-%u", tunnel);
	return unknown;
}

static struct spoke_bucket *bucket_of(const struct spoke_table *t, const struct dp_spoke_key *key)
{
	return &t->buckets[hash_addr(t->seed, key->tunnel, &key->nbma) & t->bucket_mask];
}

struct spoke *spoke_find(const struct spoke_table *t, const struct dp_spoke_key *key)
{
	struct spoke *s;

	LIST_FOREACH (s, bucket_of(t, key), bucket)
		if (s->key.tunnel == key->tunnel && s->key.natt_port == key->natt_port &&
		    dp_addr_equal(&s->key.nbma, &key->nbma))
			return s;
	return NULL;
}

struct spoke *spoke_find_dp(const struct spoke_table *t, uint32_t dp)
{
	return dp <= t->capacity ? t->by_dp[dp] : NULL;
}

bool spoke_shares_address(const struct spoke_table *t, const struct spoke *s)
{
	const struct spoke *o;

	LIST_FOREACH (o, bucket_of(t, &s->key), bucket)
		if (o != s && o->refs > 0 && o->key.tunnel == s->key.tunnel &&
		    dp_addr_equal(&o->key.nbma, &s->key.nbma))
			return true;
	return false;
}

static void event_of(const struct spoke_table *t,
		     const struct spoke *s,
		     enum event_kind kind,
		     const char *from,
		     const char *to,
		     const char *reason)
{
	char nbma[DP_ADDR_STRLEN], object[EVENT_OBJECT_LEN], port[8] = "";

	if (!event_due(kind))
		return;
	if (s->key.natt_port)
		snprintf(port, sizeof(port), ":%u", s->key.natt_port);
	snprintf(object, sizeof(object), "%s %s%s", spoke_tunnel_name(t, s->key.tunnel),
		 dp_addr_format(&s->key.nbma, nbma), port);
	event_emit(kind, object, "%s -> %s: %s", from, to, reason);
}

static void state_set(struct spoke_table *t,
		      struct spoke *s,
		      enum spoke_state state,
		      const char *reason,
		      uint64_t now_ms)
{
	enum event_kind kind = state == SPOKE_UP      ? EVENT_SPOKE_UP
			       : s->state == SPOKE_UP ? EVENT_SPOKE_DOWN
						      : EVENT_SPOKE_STATE;

	if (state == s->state)
		return;
	event_of(t, s, kind, spoke_state_name(s->state), spoke_state_name(state), reason);
	s->state = state;
	s->reason = reason;
	s->since_ms = now_ms;
}

void spoke_state_update(struct spoke_table *t, struct spoke *s, const char *reason, uint64_t now_ms)
{
	if (!t->tunnels[s->key.tunnel].up)
		state_set(t, s, SPOKE_INTF, reason, now_ms);
	else if (s->binding_count == 0)
		state_set(t, s, SPOKE_NHRP, reason, now_ms);
	else
		state_set(t, s, SPOKE_UP, reason, now_ms);
}

void spoke_tunnel_state_set(
	struct spoke_table *t, uint16_t tunnel, bool up, const char *reason, uint64_t now_ms)
{
	if (tunnel >= t->tunnel_count || t->tunnels[tunnel].up == up)
		return;
	t->tunnels[tunnel].up = up;
	for (uint32_t i = 0; i < t->capacity; i++)
		if (t->spokes[i].used && t->spokes[i].key.tunnel == tunnel)
			spoke_state_update(t, &t->spokes[i], reason, now_ms);
}

/* Nobody refers to it: gone at once, or on the list of the dying when the dataplane is not ready.
 */
static void release(struct spoke_table *t, struct spoke *s)
{
	int err = dp_spoke_del(s->dp);

	if (err < 0 && err != -ENOENT) {
		log_sys("spoke %u: removing it from the dataplane: %s", s->dp, strerror(-err));
		LIST_INSERT_HEAD(&t->dying, s, list);
		t->dying_count++;
		return;
	}
	LIST_REMOVE(s, bucket);
	if (spoke_find_dp(t, s->dp) == s)
		t->by_dp[s->dp] = NULL;
	s->used = false;
	t->used--;
	LIST_INSERT_HEAD(&t->free_list, s, list);
}

/* Taken back before the dataplane let go of it. */
static void revive(struct spoke_table *t, struct spoke *s, uint64_t now_ms)
{
	LIST_REMOVE(s, list);
	t->dying_count--;
	s->created_ms = now_ms;
}

static void full_tell(struct spoke_table *t, uint16_t tunnel, uint64_t now_ms)
{
	if (t->full++ > 0 && now_ms - t->full_told_ms < FULL_TELL_MS)
		return;
	t->full_told_ms = now_ms;
	event_emit(EVENT_TABLE_FULL, spoke_tunnel_name(t, tunnel), "spokes: %u (limit %u)", t->used,
		   t->capacity);
}

static int create(struct spoke_table *t,
		  const struct dp_spoke_key *key,
		  uint64_t now_ms,
		  struct spoke **spoke)
{
	struct spoke *s = LIST_FIRST(&t->free_list);
	uint32_t dp;
	int err;

	if (key->tunnel >= t->tunnel_count)
		return -ENOENT;
	err = s ? dp_spoke_add(key, &dp) : -ENOSPC;
	if (err == -ENOSPC)
		full_tell(t, key->tunnel, now_ms);
	/* -EEXIST: left over from a removal that half failed; it is ours all the same. */
	if (err < 0 && err != -EEXIST)
		return err;
	LIST_REMOVE(s, list);
	*s = (struct spoke){.key = *key,
			    .dp = dp,
			    .created_ms = now_ms,
			    .since_ms = now_ms,
			    .state = t->tunnels[key->tunnel].up ? SPOKE_NHRP : SPOKE_INTF,
			    .reason = "new",
			    .used = true};
	LIST_INSERT_HEAD(bucket_of(t, key), s, bucket);
	if (dp <= t->capacity)
		t->by_dp[dp] = s;
	t->used++;
	if (t->ops.underlay_bind)
		t->ops.underlay_bind(t->ops.ctx, s);
	*spoke = s;
	return 0;
}

int spoke_get(struct spoke_table *t,
	      const struct dp_spoke_key *key,
	      uint64_t now_ms,
	      struct spoke **spoke)
{
	struct spoke *s = spoke_find(t, key);
	int err;

	if (s && s->refs == 0)
		revive(t, s, now_ms);
	if (!s) {
		err = create(t, key, now_ms, &s);
		if (err < 0)
			return err;
	}
	s->refs++;
	*spoke = s;
	return 0;
}

void spoke_put(struct spoke_table *t, struct spoke *s, const char *reason, uint64_t now_ms)
{
	spoke_state_update(t, s, reason, now_ms);
	if (--s->refs == 0)
		release(t, s);
}

void spoke_used_note(struct spoke_table *t, const struct dp_spoke_key *key, uint64_t now_ms)
{
	struct spoke *s = spoke_find(t, key);

	if (s)
		s->used_ms = now_ms;
}

void spoke_tunnel_multicast_set(struct spoke_table *t, uint16_t tunnel, uint32_t groups)
{
	if (tunnel < t->tunnel_count)
		t->tunnels[tunnel].multicast = groups;
}

void spoke_multicast_update(struct spoke_table *t, struct spoke *s)
{
	uint32_t groups = s->multicast_static;

	if (s->multicast_maps > 0)
		groups |= DP_MCAST_ALL;
	if (s->multicast_count > 0)
		groups |= t->tunnels[s->key.tunnel].multicast;
	if (groups != s->multicast_told && dp_spoke_multicast_set(s->dp, groups) == 0)
		s->multicast_told = groups;
}

void spoke_peer_move(struct spoke_table *t,
		     const struct dp_addr *remote,
		     uint16_t natt_port,
		     const struct dp_addr *to,
		     uint16_t to_port)
{
	struct dp_spoke_key key = {.natt_port = natt_port, .nbma = *remote};

	for (key.tunnel = 0; key.tunnel < t->tunnel_count; key.tunnel++) {
		struct spoke *s = spoke_find(t, &key);

		if (!s)
			continue;
		LIST_REMOVE(s, bucket);
		s->key.nbma = *to;
		s->key.natt_port = to_port;
		LIST_INSERT_HEAD(bucket_of(t, &s->key), s, bucket);
		if (t->ops.underlay_bind)
			t->ops.underlay_bind(t->ops.ctx, s);
	}
}

const char *spoke_state_name(enum spoke_state state)
{
	static const char *const names[] = {
#define X(id, name, help) [SPOKE_##id] = name,
		SPOKE_STATE_LIST(X)
#undef X
	};

	return names[state];
}

bool spoke_table_tick(struct spoke_table *t)
{
	struct spoke_bucket again = t->dying;
	struct spoke *s;

	/* release() puts those that are refused once more on the list. */
	LIST_INIT(&t->dying);
	if (LIST_FIRST(&again))
		LIST_FIRST(&again)->list.le_prev = &LIST_FIRST(&again);
	while ((s = LIST_FIRST(&again)) != NULL) {
		LIST_REMOVE(s, list);
		t->dying_count--;
		release(t, s);
	}
	return t->dying_count > 0;
}

unsigned spoke_list(const struct spoke_table *t,
		    uint32_t *cursor,
		    struct spoke_info *rows,
		    unsigned max)
{
	unsigned n = 0;

	for (; *cursor < t->capacity && n < max; (*cursor)++) {
		const struct spoke *s = &t->spokes[*cursor];

		if (!s->used)
			continue;
		rows[n++] = (struct spoke_info){.key = s->key,
						.dp = s->dp,
						.state = s->state,
						.created_ms = s->created_ms,
						.since_ms = s->since_ms,
						.reason = s->reason,
						.binding_count = s->binding_count};
	}
	return n;
}

void spoke_table_info_get(const struct spoke_table *t, struct spoke_table_info *info)
{
	*info = (struct spoke_table_info){.spokes = t->used,
					  .capacity = t->capacity,
					  .dying = t->dying_count,
					  .full = t->full};
}
