/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_underlay: the underlay next hop of each spoke, kept true while routes change.
 *
 * A spoke's outer packets go to a neighbour that its adjacency knows (dp_spoke_neigh_set); which
 * one the RIB says. When a route changes that some spoke's NBMA address may be under, a round over
 * all spokes asks again, a piece per turn of the loop, 20 ms after the first change, so that many
 * are one. Only a spoke whose next hop is another gets a new adjacency. Such a round is also what
 * the guard against recursive routing needs (rib.h), so while a route is refused there is one per
 * second: the spoke that it would have cut off may be gone.
 *
 * Most routes are of no spoke's underlay: a bit per /16 tells.
 *
 * Context: control. IPv4 only, as the dataplane.
 */
#include "hub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "control/events.h"
#include "control/log.h"
#include "control/neighs.h"
#include "control/rib/rib.h"
#include "control/spoke.h"
#include "dataplane/dp_neigh.h"

#define SPOKES_PER_TURN 64
#define USAGE_PER_S     2048
#define DELAY_US        20000
#define RETRY_US        1000000
#define TELL_PER_ROUND  8
#define NETS            65536 /* /16s */

/* What a spoke of the dataplane is bound to. */
struct binding {
	uint32_t neigh; /* 0: none */
	uint32_t next_be;
	uint32_t tx_pkts; /* as seen last */
	uint16_t port;
	int16_t rc; /* of the last look-up: 0 or -errno, as told */
};

struct nets {
	uint64_t bits[NETS / 64];
};

struct hub_underlay {
	struct binding *bindings;    /* [limits.spokes + 1], by the dataplane's handle */
	struct nets nets, nets_next; /* with a spoke's NBMA address; as the round finds them */
	struct event *timer;
	bool scheduled, walking, again;
	uint32_t cursor;
	unsigned told, failed; /* in this round */
	uint32_t usage_cursor;
	uint8_t usage_round; /* 1..255 */
};

static void net_add(struct nets *nets, const struct dp_addr *addr)
{
	uint32_t net = ntohl(addr->ip4_be) >> 16;

	nets->bits[net / 64] |= 1ULL << (net % 64);
}

static bool net_has(const struct nets *nets, const struct dp_prefix *prefix)
{
	uint32_t first = ntohl(prefix->addr.ip4_be) >> 16;
	uint32_t count = prefix->len >= 16 ? 1 : 1u << (16 - prefix->len);

	if (count < 64)
		return (nets->bits[first / 64] >> (first % 64) & ((1ULL << count) - 1)) != 0;
	for (uint32_t i = first / 64; i < (first + count) / 64; i++)
		if (nets->bits[i] != 0)
			return true;
	return false;
}

/* ---- one spoke ---- */

static void tell(struct hub *hub, const struct dp_spoke_key *key, int rc)
{
	char object[EVENT_OBJECT_LEN], text[DP_ADDR_STRLEN];

	snprintf(object, sizeof(object), "%s %s", spoke_tunnel_name(hub->spokes, key->tunnel),
		 dp_addr_format(&key->nbma, text));
	if (rc == -ELOOP)
		event_emit(EVENT_ROUTE_REFUSED, object,
			   "the route to its NBMA address leads into a tunnel");
	else if (rc == -ENETUNREACH)
		event_emit(EVENT_ROUTE_REFUSED, object, "no route to its NBMA address");
	else if (rc == -ENOSPC)
		hub_neigh_full(hub, object);
}

/* Binds it to that neighbour, 0: to none. Takes over the reference. */
static int rebind(struct hub *hub, uint32_t dp, uint32_t neigh)
{
	struct binding *b = &hub->underlay->bindings[dp];
	int rc = 0;

	if (b->neigh != neigh)
		rc = dp_spoke_neigh_set(dp, neigh);
	else if (neigh != 0)
		dp_neigh_put(neigh); /* it has one */
	if (rc == 0) {
		b->neigh = neigh;
		return 0;
	}
	log_sys("spoke %u: underlay next hop: %s", dp, dp_error());
	if (neigh != 0)
		dp_neigh_put(neigh);
	return rc;
}

/* What -EAGAIN or -ENOSPC refuse is tried again by a round. */
static int resolve(struct hub *hub, uint32_t dp, const struct dp_spoke_key *key)
{
	struct binding *b = &hub->underlay->bindings[dp];
	struct dp_iface iface;
	struct dp_addr next;
	uint32_t neigh = 0;
	int rc;

	rc = rib_underlay(hub->rib, &key->nbma, &iface, &next);
	if (rc < 0) {
		rebind(hub, dp, 0);
		return rc;
	}
	rc = dp_neigh_get(iface.id, &next, &neigh);
	if (rc < 0) {
		rebind(hub, dp, 0);
		return rc;
	}
	if (b->neigh != neigh)
		hub_neigh_resolve(hub, iface.id, &next);
	b->port = iface.id;
	b->next_be = next.ip4_be;
	return rebind(hub, dp, neigh);
}

/* ---- rounds ---- */

static void schedule(struct hub_underlay *u, long us)
{
	const struct timeval tv = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};

	if (u->walking)
		u->again = true;
	if (u->walking || u->scheduled)
		return;
	u->scheduled = evtimer_add(u->timer, &tv) == 0;
}

/* The routes say that there is no way; all else may be better in a second. */
static bool is_final(int rc)
{
	return rc == 0 || rc == -ENETUNREACH || rc == -ELOOP;
}

void hub_underlay_bind(void *ctx, const struct spoke *spoke)
{
	struct hub *hub = ctx;
	struct hub_underlay *u = hub->underlay;
	struct binding *b = &u->bindings[spoke->dp];

	*b = (struct binding){0}; /* the handle may have been another's */
	net_add(&u->nets, &spoke->key.nbma);
	net_add(&u->nets_next, &spoke->key.nbma);
	b->rc = (int16_t)resolve(hub, spoke->dp, &spoke->key);
	if (b->rc < 0)
		tell(hub, &spoke->key, b->rc);
	if (!is_final(b->rc))
		schedule(u, RETRY_US);
}

void hub_underlay_changed(void *ctx, const struct dp_prefix *prefix)
{
	struct hub *hub = ctx;

	if (net_has(&hub->underlay->nets, prefix))
		schedule(hub->underlay, DELAY_US);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct hub *hub = arg;
	struct hub_underlay *u = hub->underlay;

	(void)fd;
	(void)what;
	u->scheduled = false;
	u->walking = true;
	u->again = false;
	u->cursor = 0;
	u->told = 0;
	u->failed = 0;
	u->nets_next = (struct nets){0};
	rib_guard_begin(hub->rib);
}

static void look_again(struct hub *hub, const struct spoke_info *info)
{
	struct hub_underlay *u = hub->underlay;
	struct binding *b = &u->bindings[info->dp];
	int rc = resolve(hub, info->dp, &info->key);

	net_add(&u->nets_next, &info->key.nbma);
	if (rc < 0 && rc != b->rc && u->told++ < TELL_PER_ROUND)
		tell(hub, &info->key, rc);
	if (!is_final(rc))
		u->failed++;
	b->rc = (int16_t)rc;
}

static void round_end(struct hub *hub)
{
	struct hub_underlay *u = hub->underlay;

	rib_guard_end(hub->rib);
	u->walking = false;
	u->nets = u->nets_next;
	if (u->told > TELL_PER_ROUND)
		log_sys("underlay: %u more spokes without a route to their NBMA address",
			u->told - TELL_PER_ROUND);
	if (u->again)
		schedule(u, DELAY_US);
	else if (u->failed > 0)
		schedule(u, RETRY_US);
}

bool hub_underlay_turn(struct hub *hub)
{
	struct spoke_info rows[SPOKES_PER_TURN];
	struct hub_underlay *u = hub->underlay;
	unsigned n;

	if (!u->walking || hub->spokes == NULL)
		return false;
	n = spoke_list(hub->spokes, &u->cursor, rows, SPOKES_PER_TURN);
	for (unsigned i = 0; i < n; i++)
		look_again(hub, &rows[i]);
	if (n == 0)
		round_end(hub);
	return u->walking;
}

/* ---- which next hops are in use ---- */

static void usage_note(struct hub *hub, const struct spoke_info *info)
{
	struct hub_underlay *u = hub->underlay;
	struct binding *b = &u->bindings[info->dp];
	const struct dp_addr next = dp_addr_ip4(b->next_be);
	struct dp_spoke_counters counters;
	struct neigh_note *note;
	bool used;

	if (b->neigh == 0 || dp_spoke_counters_get(info->dp, &counters) < 0)
		return;
	used = (uint32_t)counters.tx_pkts != b->tx_pkts;
	b->tx_pkts = (uint32_t)counters.tx_pkts;
	if (used)
		spoke_used_note(hub->spokes, &info->key, hub_now_ms());
	note = neighs_find(hub->neighs, b->port, &next);
	if (note == NULL)
		return;
	note->round = u->usage_round;
	note->used |= used;
}

void hub_underlay_tick(struct hub *hub)
{
	struct spoke_info rows[SPOKES_PER_TURN];
	struct hub_underlay *u = hub->underlay;
	unsigned n = SPOKES_PER_TURN;

	if (rib_has_recursive(hub->rib))
		schedule(u, DELAY_US);
	for (unsigned seen = 0; n == SPOKES_PER_TURN && seen < USAGE_PER_S; seen += n) {
		n = spoke_list(hub->spokes, &u->usage_cursor, rows, SPOKES_PER_TURN);
		for (unsigned i = 0; i < n; i++)
			usage_note(hub, &rows[i]);
	}
	if (n == SPOKES_PER_TURN)
		return;
	u->usage_cursor = 0;
	u->usage_round = u->usage_round == UINT8_MAX ? 1 : u->usage_round + 1;
}

bool hub_underlay_uses(const struct hub *hub, const struct neigh_note *note)
{
	uint8_t before = (uint8_t)(hub->underlay->usage_round - note->round);

	return note->round != 0 && before <= 1;
}

int hub_underlay_init(struct hub *hub)
{
	struct hub_underlay *u = calloc(1, sizeof(*u));

	hub->underlay = u;
	if (u == NULL)
		return -ENOMEM;
	u->usage_round = 1;
	u->bindings =
		calloc((size_t)hub->config->dataplane.limits.spokes + 1, sizeof(*u->bindings));
	u->timer = evtimer_new(hub->base, on_timer, hub);
	if (u->bindings != NULL && u->timer != NULL)
		return 0;
	hub_underlay_fini(hub);
	return -ENOMEM;
}

void hub_underlay_fini(struct hub *hub)
{
	struct hub_underlay *u = hub->underlay;

	if (u == NULL)
		return;
	if (u->timer != NULL)
		event_free(u->timer);
	free(u->bindings);
	free(u);
	hub->underlay = NULL;
}
