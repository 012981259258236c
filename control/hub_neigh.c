/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_neigh: neighbours are the kernel's. Its feed says which MAC addresses it knows on our ports'
 * twins; workers ask for those they miss, and the kernel asks the wire by ARP through the twin.
 *
 * Workers forward past the kernel, so it would never look again at a neighbour that it once found.
 * What it calls STALE stays in use and is renewed (NTF_USE: one unicast ARP), some per second: the
 * underlay's next hops while a spoke sends there, others (hosts and gateways of a LAN) always. One
 * that does not answer is FAILED: its packets wait a moment and drop by name, and when a route or a
 * spoke is behind it, that is an event.
 *
 * Context: control. IPv4 only, as the dataplane.
 */
#include "hub.h"

#include <errno.h>
#include <stdio.h>

#include "control/events.h"
#include "control/log.h"
#include "control/neighs.h"
#include "control/rib/rib.h"
#include "dataplane/dp_neigh.h"

#define LOOKS_PER_S  8192
#define RENEW_PER_S  64
#define FULL_TELL_MS 60000

static struct hub_iface *port_of(struct hub *hub, uint16_t port)
{
	for (uint32_t i = 0; i < hub->port_count; i++)
		if (hub->ports[i].id == port)
			return &hub->ports[i];
	return NULL;
}

void hub_neigh_resolve(struct hub *hub, uint16_t port, const struct dp_addr *addr)
{
	const struct hub_iface *iface = port_of(hub, port);

	/* Without link the kernel cannot ask either; the worker's packets expire by name. */
	if (iface != NULL && net_neigh_use(iface->ifindex, addr) < 0)
		log_debug("%s", net_error());
}

static void on_wanted(void *ctx, uint16_t port, const struct dp_addr *addr)
{
	hub_neigh_resolve(ctx, port, addr);
}

void hub_neigh_start(struct hub *hub)
{
	dp_neigh_wanted_handler_set(on_wanted, hub);
}

void hub_neigh_full(struct hub *hub, const char *object)
{
	uint64_t now_ms = hub_now_ms();

	/* Hosts on a LAN can cause it at will. */
	if (hub->neigh_full_ms != 0 && now_ms - hub->neigh_full_ms < FULL_TELL_MS)
		return;
	hub->neigh_full_ms = now_ms;
	event_emit(EVENT_TABLE_FULL, object, "%s", dp_error());
}

static void tell_failed(const struct hub *hub,
			const struct hub_iface *iface,
			const struct neigh_note *note)
{
	const struct dp_iface port = {.kind = DP_IFACE_PORT, .id = iface->id};
	const struct dp_addr addr = dp_addr_ip4(note->ip_be);
	char object[EVENT_OBJECT_LEN], text[DP_ADDR_STRLEN];
	bool underlay = hub_underlay_uses(hub, note);

	if (!underlay && !rib_gateway_used(hub->rib, port, &addr))
		return;
	snprintf(object, sizeof(object), "%s %s", iface->name, dp_addr_format(&addr, text));
	event_emit(EVENT_NEIGHBOUR_FAILED, object, "%s",
		   underlay ? "next hop of spokes: it does not answer"
			    : "gateway of routes: it does not answer");
}

/* What is remembered of it for its renewal. */
static void note_take(struct hub *hub,
		      const struct hub_iface *iface,
		      const struct net_neigh *neigh,
		      bool usable)
{
	struct neigh_note *note;

	if (usable) {
		note = neighs_get(hub->neighs, iface->id, &neigh->addr);
		if (note != NULL)
			note->stale = (neigh->state & NUD_STALE) != 0;
		return;
	}
	note = neighs_find(hub->neighs, iface->id, &neigh->addr);
	if (note == NULL)
		return;
	if (neigh->state & NUD_FAILED)
		tell_failed(hub, iface, note);
	neighs_remove(hub->neighs, note);
}

void hub_neigh_changed(void *ctx, enum net_change change, const struct net_neigh *neigh)
{
	struct hub *hub = ctx;
	const struct hub_iface *iface = hub_iface_find(hub, neigh->ifindex);
	bool usable;
	int rc;

	if (iface == NULL || iface->kind != DP_TWIN_PORT || neigh->addr.family != AF_INET)
		return;
	usable = change == NET_CHANGE_NEW && neigh->has_mac && net_neigh_usable(neigh);
	note_take(hub, iface, neigh, usable);
	rc = dp_neigh_set(iface->id, &neigh->addr, usable ? neigh->mac : NULL);
	if (rc == -ENOSPC)
		hub_neigh_full(hub, "neighbours");
	else if (rc < 0)
		log_sys("%s", dp_error());
}

static bool is_renewed(const struct hub *hub, const struct neigh_note *note)
{
	return note->stale && (note->used || !hub_underlay_uses(hub, note));
}

void hub_neigh_renew(struct hub *hub)
{
	unsigned renewed = 0;

	for (unsigned looks = 0; looks < LOOKS_PER_S && renewed < RENEW_PER_S; looks++) {
		struct neigh_note *note = neighs_next(hub->neighs, &hub->neigh_cursor);
		struct dp_addr addr;

		if (note == NULL)
			return;
		if (!is_renewed(hub, note))
			continue;
		addr = dp_addr_ip4(note->ip_be);
		hub_neigh_resolve(hub, note->port, &addr);
		note->used = false;
		renewed++;
	}
}
