/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_client: a hub's registrations at its next-hop servers (RFC 2332 sections 5.2.3 and 5.2.4).
 *
 * Each NHS is waiting, expecting or responding. Those that are expected or responding have a
 * deadline: the next registration, a third of the holding time after one that was answered, or 1,
 * 2, 4 ... 64 s after one that was not. Three in a row without an answer, or a refusal, and it has
 * failed. An NHS is tried while all those with a better priority have failed, and left (what was
 * registered there is purged) when one of them is back. Its own address is a static entry of the
 * cache, so that routes may lead there. Only the control core calls.
 *
 * Not done: more than one of our addresses per tunnel; NHSs behind a NAT with port translation.
 */
#include "nhrp_client_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/events.h"
#include "control/log.h"

#define FAILED      3 /* registrations without an answer, in a row */
#define BACKOFF_MAX 6 /* 2^6 s */
#define MS          1000ull

struct nhrp_clients *nhrp_clients_new(struct nhrp_server *srv)
{
	struct nhrp_clients *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->srv = srv;
	c->tunnels = calloc(srv->tunnel_count, sizeof(*c->tunnels));
	if (!c->tunnels || deadline_heap_init(&c->due, NHRP_NHS_MAX) < 0) {
		nhrp_clients_free(c);
		return NULL;
	}
	for (uint32_t i = NHRP_NHS_MAX; i > 0; i--)
		LIST_INSERT_HEAD(&c->free_list, &c->nhs[i - 1], list);
	return c;
}

void nhrp_clients_free(struct nhrp_clients *c)
{
	if (!c)
		return;
	deadline_heap_fini(&c->due);
	free(c->tunnels);
	free(c);
}

static void state_set(struct nhrp_clients *c,
		      struct nhs *n,
		      enum nhrp_nhs_state state,
		      const char *reason,
		      uint64_t now_ms)
{
	char nbma[DP_ADDR_STRLEN], object[EVENT_OBJECT_LEN];
	enum nhrp_nhs_state before = n->info.state;

	if (before == state)
		return;
	n->info.state = state;
	n->info.since_ms = now_ms;
	if (before != NHRP_NHS_RESPONDING && state != NHRP_NHS_RESPONDING)
		return;
	snprintf(object, sizeof(object), "%s %s", nhs_tunnel(c, n)->name,
		 dp_addr_format(&n->info.conf.nbma, nbma));
	event_emit(state == NHRP_NHS_RESPONDING ? EVENT_NHS_UP : EVENT_NHS_DOWN, object,
		   "%s, priority %u", reason, n->info.conf.priority);
}

/* ---- who is tried ---- */

static bool has_failed(const struct nhs *n)
{
	return n->info.state == NHRP_NHS_EXPECTING && n->info.misses >= FAILED;
}

static bool is_wanted(const struct nhs_list *list, const struct nhs *n)
{
	const struct nhs *o;

	LIST_FOREACH (o, list, list)
		if (o->info.conf.priority < n->info.conf.priority && !has_failed(o))
			return false;
	return true;
}

static void try_or_leave(struct nhrp_clients *c, struct nhs *n, bool wanted, uint64_t now_ms)
{
	if (wanted == (n->info.state != NHRP_NHS_WAITING))
		return;
	n->info.misses = 0;
	n->asked = false;
	if (wanted) {
		state_set(c, n, NHRP_NHS_EXPECTING, "", now_ms);
		deadline_set(&c->due, &n->due, now_ms);
		return;
	}
	if (n->info.state == NHRP_NHS_RESPONDING)
		nhs_withdraw(c, n);
	state_set(c, n, NHRP_NHS_WAITING, "one with a better priority is back", now_ms);
	deadline_clear(&c->due, &n->due);
}

/* Something has changed: who is to be tried now? By priority, so that one pass is enough. */
static void elect(struct nhrp_clients *c, uint16_t tunnel, uint64_t now_ms)
{
	const struct nhs_list *list = &c->tunnels[tunnel];
	struct nhs *n;

	LIST_FOREACH (n, list, list)
		try_or_leave(c, n, is_wanted(list, n), now_ms);
}

static uint64_t backoff_ms(const struct nhs *n)
{
	return MS << (n->info.misses < BACKOFF_MAX ? n->info.misses : BACKOFF_MAX);
}

static void on_due(struct nhrp_clients *c, struct nhs *n, uint64_t now_ms)
{
	if (n->asked)
		n->info.misses++;
	deadline_set(&c->due, &n->due, now_ms + backoff_ms(n));
	nhs_register(c, n);
	if (n->info.misses == FAILED) {
		state_set(c, n, NHRP_NHS_EXPECTING, "three registrations unanswered", now_ms);
		elect(c, n->info.tunnel, now_ms);
	}
}

/* ---- what comes ---- */

static uint64_t interval_ms(const struct config_tunnel *t, uint16_t granted_s)
{
	uint32_t s = t->nhrp.registration_timeout_s;

	if (s == 0)
		s = t->nhrp.holdtime_s / 3;
	if (granted_s > 0 && s > granted_s / 3u)
		s = granted_s / 3u;
	return s > 0 ? s * MS : MS;
}

/* The entry for the NHS itself. */
static int entry_bind(struct nhrp_clients *c, const struct nhs *n, uint64_t now_ms)
{
	const struct config_tunnel *t = nhs_tunnel(c, n);
	const struct nhrp_binding_conf conf = {
		.spoke = {.tunnel = n->info.tunnel, .nbma = n->info.conf.nbma},
		.protocol = n->info.protocol,
		.claimed = n->info.conf.nbma,
		.type = NHRP_BINDING_STATIC,
		.flags = t->nhrp.multicast == CONFIG_MULTICAST_DYNAMIC ? NHRP_BINDING_F_MULTICAST
								       : 0,
	};
	char text[DP_ADDR_STRLEN];
	int err = nhrp_cache_set(c->srv->cache, &conf, now_ms);

	if (err == 0)
		err = dp_spoke_transit_set(spoke_find(c->srv->spokes, &conf.spoke)->dp, true);
	if (err < 0)
		log_sys("%s: NHS %s: %s", t->name, dp_addr_format(&n->info.conf.nbma, text),
			strerror(-err));
	return err;
}

/* RFC 2332 section 5.2.4: the destination is the NHS, also when we did not know it. */
static void protocol_learn(struct nhrp_clients *c, struct nhs *n, const struct nhrp_rx *rx)
{
	const struct dp_addr *said = &rx->packet->dst_proto;
	struct nhrp_binding *old;

	if (dp_addr_is_set(&n->info.conf.protocol) || dp_addr_equal(said, &n->info.protocol) ||
	    dp_addr_is_any(said) || dp_addr_is_multicast(said) || dp_addr_is_broadcast(said) ||
	    nhrp_is_own_protocol(rx->tunnel, said))
		return;
	if (nhrp_cache_find(c->srv->cache, n->info.tunnel, said))
		return; /* somebody else's */
	old = dp_addr_is_set(&n->info.protocol)
		      ? nhrp_cache_find(c->srv->cache, n->info.tunnel, &n->info.protocol)
		      : NULL;
	n->info.protocol = *said;
	if (entry_bind(c, n, rx->now_ms) < 0)
		n->info.protocol = (struct dp_addr){0};
	if (old) /* last, so that its spoke does not go in between */
		nhrp_cache_del(c->srv->cache, old, EVENT_REG_REMOVED, "the NHS has another address",
			       rx->now_ms);
}

/* The CIE with our protocol address is how the NHS sees us. */
static void observed_learn(struct nhs *n, const struct nhrp_packet *p)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_NAT);
	struct nhrp_cie cies[NHRP_EXT_CIES_MAX];
	struct nhrp_fault fault;
	int count = e && nhrp_ext_is_nat(e)
			    ? nhrp_ext_cies_decode(p, e, cies, NHRP_EXT_CIES_MAX, &fault)
			    : 0;

	n->info.observed = (struct dp_addr){0};
	for (int i = 0; i < count; i++)
		if (dp_addr_equal(&cies[i].proto, &p->src_proto))
			n->info.observed = cies[i].nbma;
}

static void taken(struct nhrp_clients *c, struct nhs *n, const struct nhrp_rx *rx)
{
	n->info.answered++;
	n->info.misses = 0;
	protocol_learn(c, n, rx);
	observed_learn(n, rx->packet);
	deadline_set(&c->due, &n->due,
		     rx->now_ms + interval_ms(rx->tunnel, rx->packet->cies[0].holding_s));
	state_set(c, n, NHRP_NHS_RESPONDING, "registered", rx->now_ms);
	elect(c, n->info.tunnel, rx->now_ms);
}

static void refused(struct nhrp_clients *c, struct nhs *n, const struct nhrp_rx *rx)
{
	n->info.refused++;
	n->info.code = rx->packet->cies[0].code;
	n->info.misses = n->info.misses < FAILED ? FAILED : n->info.misses + 1;
	deadline_set(&c->due, &n->due, rx->now_ms + backoff_ms(n));
	state_set(c, n, NHRP_NHS_EXPECTING, "registration refused", rx->now_ms);
	elect(c, n->info.tunnel, rx->now_ms);
}

static struct nhs *find(const struct nhrp_clients *c, uint16_t tunnel, const struct dp_addr *nbma)
{
	struct nhs *n;

	LIST_FOREACH (n, &c->tunnels[tunnel], list)
		if (dp_addr_equal(&n->info.conf.nbma, nbma))
			return n;
	return NULL;
}

/* Only from the NHS itself, to the last registration. */
void nhrp_reg_reply(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	struct nhs *n = find(srv->clients, rx->meta->tunnel, &rx->meta->outer_src);
	const struct nhrp_packet *p = rx->packet;

	if (!n || !n->asked || p->request_id != n->request_id || p->cie_count == 0 ||
	    !nhrp_is_own_protocol(rx->tunnel, &p->src_proto)) {
		nhrp_server_drop(srv, rx, NHRP_DROP_REG_REPLY, 0);
		return;
	}
	n->asked = false;
	if (p->cies[0].code == NHRP_CIE_CODE_OK)
		taken(srv->clients, n, rx);
	else
		refused(srv->clients, n, rx);
}

/* ---- the others' side ---- */

static int nhs_add(struct nhrp_clients *c,
		   uint16_t tunnel,
		   const struct config_nhs *conf,
		   uint64_t now_ms)
{
	struct nhs *n = LIST_FIRST(&c->free_list);

	if (!n)
		return -ENOSPC;
	LIST_REMOVE(n, list);
	*n = (struct nhs){.info = {.tunnel = tunnel,
				   .conf = *conf,
				   .protocol = conf->protocol,
				   .since_ms = now_ms}};
	LIST_INSERT_HEAD(&c->tunnels[tunnel], n, list);
	return dp_addr_is_set(&n->info.protocol) ? entry_bind(c, n, now_ms) : 0;
}

int nhrp_clients_tunnel_add(struct nhrp_clients *c, uint16_t tunnel, uint64_t now_ms)
{
	const struct config_nhrp *nhrp = &c->srv->tunnels[tunnel].conf.nhrp;
	int err = 0;

	for (uint32_t i = nhrp->nhs_count; err == 0 && i > 0; i--) /* to stand as configured */
		err = nhs_add(c, tunnel, &nhrp->nhs[i - 1], now_ms);
	if (err < 0)
		nhrp_clients_tunnel_del(c, tunnel);
	else
		elect(c, tunnel, now_ms);
	return err;
}

void nhrp_clients_tunnel_del(struct nhrp_clients *c, uint16_t tunnel)
{
	struct nhs *n;

	while ((n = LIST_FIRST(&c->tunnels[tunnel]))) {
		deadline_clear(&c->due, &n->due);
		LIST_REMOVE(n, list);
		*n = (struct nhs){0};
		LIST_INSERT_HEAD(&c->free_list, n, list);
	}
}

unsigned nhrp_clients_tick(struct nhrp_clients *c, uint64_t now_ms, unsigned max)
{
	unsigned n = 0;

	for (; n < max && deadline_next_ms(&c->due) <= now_ms; n++)
		on_due(c,
		       (struct nhs *)((char *)deadline_first(&c->due) - offsetof(struct nhs, due)),
		       now_ms);
	return n;
}

uint64_t nhrp_clients_next_ms(const struct nhrp_clients *c)
{
	return deadline_next_ms(&c->due);
}

bool nhrp_clients_is_nhs(const struct nhrp_clients *c, uint16_t tunnel, const struct dp_addr *nbma)
{
	return find(c, tunnel, nbma) != NULL;
}
