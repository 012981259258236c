/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_ask: our own Resolution Requests (RFC 2332 sections 5.2.1, 5.2.2 and 6.2). A packet's next
 * hop is in nobody's registration; when an NHS responds it is asked:
 *
 *   ASKING   sent, and again after 1, 2, 4 and 8 s, to the NHSs in turn; a no sends it to the next
 *            one at once. Packets go by the NHS meanwhile: the dataplane's next hop points to its
 *            spoke, the cache has no entry ("incomplete").
 *   HELD     no, or no answer: not asked again for two minutes; packets still go by the NHS, which
 *            drops what it does not know, and forwards what only it can reach.
 *   KNOWN    an entry of the cache. At two thirds of its time:
 *   REFRESH  asked again if it was used since; the old entry stays until the answer.
 *
 * Only the control core calls.
 *
 * Not done: prefixes (a next hop is a host).
 */
#include "nhrp_ask.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "control/hash.h"
#include "dataplane/dp_nexthop.h"
#include "nhrp_client.h"
#include "nhrp_priv.h"

#define TRIES    5
#define FIRST_MS 1000
#define HELD_MS  120000
#define RES_FLAGS \
	(NHRP_RES_F_ROUTER | NHRP_RES_F_AUTHORITATIVE | NHRP_RES_F_SRC_STABLE | NHRP_F_NAT)

enum state { ASKING, HELD, KNOWN, REFRESH };

struct ask {
	uint16_t tunnel;
	struct dp_addr target;
	enum state state;
	bool by_nhs; /* the dataplane's next hop is ours, not the cache's */
	uint32_t request_id;
	unsigned tries;
	unsigned refusals; /* NHSs that said no */
	uint64_t created_ms;
	struct deadline due;
	LIST_ENTRY(ask) bucket; /* or free */
};
LIST_HEAD(ask_list, ask);

struct nhrp_asks {
	struct nhrp_server *srv;
	struct ask asks[NHRP_ASKS_MAX];
	struct ask_list buckets[NHRP_ASKS_MAX];
	struct ask_list free_list;
	struct deadline_heap due;
	uint64_t seed;
};

static struct ask_list *bucket_of(struct nhrp_asks *a,
				  uint16_t tunnel,
				  const struct dp_addr *target)
{
	return &a->buckets[hash_addr(a->seed, tunnel, target) % NHRP_ASKS_MAX];
}

static struct ask *find(struct nhrp_asks *a, uint16_t tunnel, const struct dp_addr *target)
{
	struct ask *k;

	LIST_FOREACH (k, bucket_of(a, tunnel, target), bucket)
		if (k->tunnel == tunnel && dp_addr_equal(&k->target, target))
			return k;
	return NULL;
}

/* ---- the way by the NHS ---- */

/* The NHS's spoke stays as long as its static entry. */
static void detour_begin(struct nhrp_asks *a, struct ask *k, const struct dp_spoke_key *nhs)
{
	const struct spoke *s = spoke_find(a->srv->spokes, nhs);

	if (s && !k->by_nhs && nhs->tunnel == k->tunnel)
		k->by_nhs = dp_nexthop_set(k->tunnel, &k->target, s->dp) == 0;
}

static void detour_end(struct ask *k)
{
	if (k->by_nhs)
		dp_nexthop_del(k->tunnel, &k->target);
	k->by_nhs = false;
}

/* ---- life of one ---- */

static void ask_end(struct nhrp_asks *a, struct ask *k)
{
	detour_end(k);
	deadline_clear(&a->due, &k->due);
	LIST_REMOVE(k, bucket);
	LIST_INSERT_HEAD(&a->free_list, k, bucket);
}

static void request_send(struct nhrp_asks *a, const struct ask *k, const struct dp_spoke_key *nhs)
{
	const struct config_tunnel *t = &a->srv->tunnels[nhs->tunnel].conf;
	struct nhrp_packet p;

	nhrp_packet_init(&p, NHRP_TYPE_RESOLUTION_REQUEST, t->source.family, k->target.family);
	p.hop_count = NHRP_HOP_COUNT;
	p.flags = RES_FLAGS;
	p.request_id = k->request_id;
	p.src_nbma = t->source;
	p.src_proto = nhrp_own_protocol(t, &k->target);
	p.dst_proto = k->target;
	p.cie_count = 1;
	p.cies[0] = (struct nhrp_cie){.prefix_len = dp_addr_bits(&k->target),
				      .mtu = t->mtu,
				      .holding_s = (uint16_t)t->nhrp.holdtime_s};
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_FORWARD_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_REVERSE_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_NAT, 0, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_send(a->srv, nhs->tunnel, &nhs->nbma, nhs->natt_port, &p);
}

/* No, or no answer. An old entry runs out by itself. */
static void give_up(struct nhrp_asks *a, struct ask *k, enum nhrp_note why, uint64_t now_ms)
{
	nhrp_note(a->srv, why);
	if (k->state == REFRESH) {
		ask_end(a, k);
		return;
	}
	k->state = HELD;
	deadline_set(&a->due, &k->due, now_ms + HELD_MS);
}

static void ask_try(struct nhrp_asks *a, struct ask *k, uint64_t now_ms)
{
	struct dp_spoke_key nhs;
	struct dp_addr protocol;

	if (k->tries == TRIES ||
	    !nhrp_clients_upstream_nth(a->srv->clients, k->tunnel, k->tries, &nhs, &protocol)) {
		give_up(a, k, NHRP_NOTE_ASK_UNANSWERED, now_ms);
		return;
	}
	if (k->state == ASKING)
		detour_begin(a, k, &nhs);
	deadline_set(&a->due, &k->due, now_ms + (FIRST_MS << k->tries));
	k->tries++;
	nhrp_note(a->srv, NHRP_NOTE_ASKED);
	request_send(a, k, &nhs);
}

static void ask_begin(struct nhrp_asks *a, struct ask *k, enum state state, uint64_t now_ms)
{
	k->state = state;
	k->tries = k->refusals = 0;
	(void)!getrandom(&k->request_id, sizeof(k->request_id), 0);
	ask_try(a, k, now_ms);
}

/* Two thirds of the time are over. */
static void refresh(struct nhrp_asks *a, struct ask *k, uint64_t now_ms)
{
	const struct nhrp_binding *b = nhrp_cache_find(a->srv->cache, k->tunnel, &k->target);

	if (b && b->spoke->used_ms >= b->refreshed_ms)
		ask_begin(a, k, REFRESH, now_ms);
	else
		ask_end(a, k);
}

static void on_due(struct nhrp_asks *a, struct ask *k, uint64_t now_ms)
{
	switch (k->state) {
	case ASKING:
	case REFRESH:
		ask_try(a, k, now_ms);
		return;
	case HELD:
		ask_end(a, k);
		return;
	case KNOWN:
		refresh(a, k, now_ms);
		return;
	}
}

/* ---- what comes ---- */

static void yes(struct nhrp_asks *a,
		struct ask *k,
		const struct nhrp_rx *rx,
		const struct nhrp_cie *cie)
{
	int err = nhrp_ask_learn(a->srv, k->tunnel, &k->target, rx, cie);

	if (err == -EEXIST) {
		ask_end(a, k);
		return;
	}
	if (err < 0) {
		give_up(a, k, NHRP_NOTE_ASK_REFUSED, rx->now_ms);
		return;
	}
	k->by_nhs = false; /* the next hop is the cache's now */
	k->state = KNOWN;
	deadline_set(&a->due, &k->due, rx->now_ms + cie->holding_s * 1000ull * 2 / 3);
	nhrp_note(a->srv, NHRP_NOTE_ASK_ANSWERED);
}

/* A reply says that what we know is no longer so; an error says nothing of it. */
static void no(struct nhrp_asks *a, struct ask *k, bool reply, uint64_t now_ms)
{
	struct nhrp_binding *b = nhrp_cache_find(a->srv->cache, k->tunnel, &k->target);

	if (++k->refusals < nhrp_clients_responding(a->srv->clients, k->tunnel)) {
		detour_end(k); /* to the next one, as the question */
		ask_try(a, k, now_ms);
		return;
	}
	if (k->state != REFRESH || !reply || !b) {
		give_up(a, k, NHRP_NOTE_ASK_REFUSED, now_ms);
		return;
	}
	nhrp_note(a->srv, NHRP_NOTE_ASK_REFUSED);
	nhrp_cache_del(a->srv->cache, b, EVENT_REG_REMOVED, "the NHS has it no longer", now_ms);
}

bool nhrp_asks_answered(struct nhrp_asks *a, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;
	struct nhrp_packet about = *p;
	const struct nhrp_cie *cie;
	struct ask *k;

	if (p->type == NHRP_TYPE_ERROR_INDICATION &&
	    nhrp_head_decode(&about, p->payload, p->payload_len) < 0)
		return false;
	k = find(a, rx->meta->tunnel, &about.dst_proto);
	if (!k || (k->state != ASKING && k->state != REFRESH) || k->request_id != about.request_id)
		return false;
	cie = p->type == NHRP_TYPE_RESOLUTION_REPLY ? nhrp_ask_best(p) : NULL;
	if (cie)
		yes(a, k, rx, cie);
	else
		no(a, k, p->type == NHRP_TYPE_RESOLUTION_REPLY, rx->now_ms);
	return true;
}

void nhrp_ask_reply(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	if (!nhrp_is_own_protocol(rx->tunnel, &rx->packet->src_proto) ||
	    !nhrp_asks_answered(srv->asks, rx))
		nhrp_server_drop(srv, rx, NHRP_DROP_RES_REPLY, 0);
}

bool nhrp_ask_error(struct nhrp_server *srv,
		    const struct nhrp_rx *rx,
		    const struct nhrp_packet *about)
{
	return about->type == NHRP_TYPE_RESOLUTION_REQUEST && nhrp_asks_answered(srv->asks, rx);
}

/* ---- the cache's side ---- */

/* It registered here meanwhile, or its entry is gone: nothing to ask, or to ask again when a packet
 * wants it. Not from inside: the cache is in the middle of the change, its next hop is its own. */
static void on_change(void *ctx, const struct nhrp_binding *b, enum nhrp_change what)
{
	struct nhrp_asks *a = ctx;
	struct ask *k = find(a, b->tunnel, &b->protocol);

	if (!k)
		return;
	k->by_nhs = false;
	if (what == NHRP_CHANGE_GONE || (b->flags & NHRP_BINDING_F_REGISTERED))
		ask_end(a, k);
}

/* ---- the others' side ---- */

struct nhrp_asks *nhrp_asks_new(struct nhrp_server *srv)
{
	struct nhrp_asks *a = calloc(1, sizeof(*a));
	const struct nhrp_cache_observer observer = {.ctx = a, .changed = on_change};

	if (!a)
		return NULL;
	a->srv = srv;
	a->seed = hash_seed();
	if (deadline_heap_init(&a->due, NHRP_ASKS_MAX) < 0 ||
	    nhrp_cache_observe(srv->cache, &observer) < 0) {
		nhrp_asks_free(a);
		return NULL;
	}
	for (uint32_t i = NHRP_ASKS_MAX; i > 0; i--)
		LIST_INSERT_HEAD(&a->free_list, &a->asks[i - 1], bucket);
	return a;
}

void nhrp_asks_free(struct nhrp_asks *a)
{
	if (!a)
		return;
	deadline_heap_fini(&a->due);
	free(a);
}

/* A host of one of the tunnel's subnets, and not we ourselves. */
static bool is_host_of(const struct config_tunnel *t, const struct dp_addr *a)
{
	for (uint32_t i = 0; i < t->address_count; i++) {
		const struct dp_prefix subnet = dp_prefix_network(&t->addresses[i]);
		const struct dp_addr last = dp_prefix_last(&subnet);

		if (dp_prefix_contains(&subnet, a))
			return !dp_addr_equal(a, &subnet.addr) && !dp_addr_equal(a, &last) &&
			       !nhrp_is_own_protocol(t, a);
	}
	return false;
}

int nhrp_ask(struct nhrp_asks *a, uint16_t tunnel, const struct dp_addr *target, uint64_t now_ms)
{
	const struct nhrp_tunnel *t = nhrp_tunnel_of(a->srv, tunnel);
	struct dp_spoke_key nhs;
	struct dp_addr protocol;
	struct ask *k;

	if (!t || !is_host_of(&t->conf, target))
		return -EADDRNOTAVAIL;
	if (find(a, tunnel, target))
		return 0;
	if (nhrp_cache_find(a->srv->cache, tunnel, target))
		return -EEXIST;
	if (!nhrp_clients_upstream(a->srv->clients, tunnel, &nhs, &protocol))
		return -ENETUNREACH;
	k = LIST_FIRST(&a->free_list);
	if (!k) {
		nhrp_note(a->srv, NHRP_NOTE_ASK_FULL);
		return -ENOSPC;
	}
	LIST_REMOVE(k, bucket);
	*k = (struct ask){.tunnel = tunnel, .target = *target, .created_ms = now_ms};
	LIST_INSERT_HEAD(bucket_of(a, tunnel, target), k, bucket);
	ask_begin(a, k, ASKING, now_ms);
	return 0;
}

void nhrp_asks_tunnel_del(struct nhrp_asks *a, uint16_t tunnel)
{
	for (uint32_t i = 0; i < NHRP_ASKS_MAX; i++)
		if (a->asks[i].due.slot && a->asks[i].tunnel == tunnel)
			ask_end(a, &a->asks[i]);
}

unsigned nhrp_asks_tick(struct nhrp_asks *a, uint64_t now_ms, unsigned max)
{
	unsigned n = 0;

	for (; n < max && deadline_next_ms(&a->due) <= now_ms; n++)
		on_due(a,
		       (struct ask *)((char *)deadline_first(&a->due) - offsetof(struct ask, due)),
		       now_ms);
	return n;
}

uint64_t nhrp_asks_next_ms(const struct nhrp_asks *a)
{
	return deadline_next_ms(&a->due);
}

unsigned nhrp_asks_list(const struct nhrp_asks *a,
			uint32_t *cursor,
			struct nhrp_binding_info *rows,
			unsigned max)
{
	unsigned n = 0;

	for (; *cursor < NHRP_ASKS_MAX && n < max; (*cursor)++) {
		const struct ask *k = &a->asks[*cursor];

		if (k->due.slot && (k->state == ASKING || k->state == HELD))
			rows[n++] = (struct nhrp_binding_info){
				.tunnel = k->tunnel,
				.target = dp_prefix_host(&k->target),
				.type = NHRP_BINDING_INCOMPLETE,
				.protocol = k->target,
				.spoke = {.tunnel = k->tunnel},
				.created_ms = k->created_ms,
				.refreshed_ms = k->created_ms,
				.expires_ms = k->due.at_ms,
			};
	}
	return n;
}
