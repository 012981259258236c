/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_neigh: neighbours are the kernel's. Its feed says which MAC addresses it knows on our ports'
 * twins; workers ask for those they miss, and the kernel asks the wire by ARP through the twin.
 *
 * Workers forward past the kernel, so it would never look again at a neighbour that it once found:
 * a few of them per second are renewed (NTF_USE: nothing for a fresh one, one unicast ARP for a
 * stale one). Renewal goes over all neighbours, in use or not; following the counters of spokes
 * would spare some ARP and is not done.
 *
 * The underlay next hop of a spoke is found once, when the spoke appears: routes do not change
 * while we run. Context: control. IPv4 only, as the dataplane.
 */
#include "hub.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/events.h"
#include "control/log.h"
#include "control/spoke.h"
#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"

#define RENEW_PER_S  64
#define FULL_TELL_MS 60000

static struct hub_iface *port_of(struct hub *hub, uint16_t port)
{
	for (uint32_t i = 0; i < hub->port_count; i++)
		if (hub->ports[i].id == port)
			return &hub->ports[i];
	return NULL;
}

static void resolve(struct hub *hub, uint16_t port, const struct dp_addr *addr)
{
	const struct hub_iface *iface = port_of(hub, port);

	/* Without link the kernel cannot ask either; the worker's packets expire by name. */
	if (iface != NULL && net_neigh_use(iface->ifindex, addr) < 0)
		log_debug("%s", net_error());
}

static void on_wanted(void *ctx, uint16_t port, const struct dp_addr *addr)
{
	resolve(ctx, port, addr);
}

void hub_neigh_start(struct hub *hub)
{
	dp_neigh_wanted_handler_set(on_wanted, hub);
}

static void tell_full(struct hub *hub)
{
	uint64_t now_ms = hub_now_ms();

	/* Hosts on a LAN can cause it at will. */
	if (hub->neigh_full_ms != 0 && now_ms - hub->neigh_full_ms < FULL_TELL_MS)
		return;
	hub->neigh_full_ms = now_ms;
	event_emit(EVENT_TABLE_FULL, "neighbours", "%s", dp_error());
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
	rc = dp_neigh_set(iface->id, &neigh->addr, usable ? neigh->mac : NULL);
	if (rc == -ENOSPC)
		tell_full(hub);
	else if (rc < 0)
		log_sys("%s", dp_error());
}

void hub_neigh_renew(struct hub *hub)
{
	struct dp_neigh_info rows[RENEW_PER_S];
	unsigned n = dp_neigh_list(&hub->neigh_cursor, rows, RENEW_PER_S);

	for (unsigned i = 0; i < n; i++)
		resolve(hub, rows[i].port, &rows[i].addr);
	if (n < RENEW_PER_S)
		hub->neigh_cursor = 0;
}

/* The interface and the address on it that a packet to `to` goes to; -ENETUNREACH. */
static int next_hop(const struct dp_addr *to, struct dp_iface *iface, struct dp_addr *next)
{
	const struct dp_path *path;
	struct dp_route route;

	if (dp_fib_lookup(0, to, &route) < 0)
		return -ENETUNREACH;
	*iface = route.iface;
	switch (route.type) {
	case DP_ROUTE_LOCAL:
	case DP_ROUTE_BLACKHOLE:
		return -ENETUNREACH;
	case DP_ROUTE_CONNECTED:
		*next = *to;
		return 0;
	case DP_ROUTE_GATEWAY:
		*next = route.gateway;
		return 0;
	case DP_ROUTE_MULTIPATH:
		/* Outer packets of one spoke stay on one way. */
		path = &route.paths[ntohl(to->words_be[0]) % route.path_count];
		*iface = path->iface;
		*next = path->gateway;
		return 0;
	}
	return -ENETUNREACH;
}

int hub_underlay_neigh(struct hub *hub, const struct dp_addr *nbma, uint32_t *neigh)
{
	struct dp_iface iface;
	struct dp_addr next;
	int rc;

	rc = next_hop(nbma, &iface, &next);
	if (rc < 0)
		return rc;
	if (iface.kind == DP_IFACE_TUNNEL)
		return -ELOOP;
	rc = dp_neigh_get(iface.id, &next, neigh);
	if (rc == 0)
		resolve(hub, iface.id, &next);
	return rc;
}

void hub_underlay_bind(void *ctx, const struct spoke *spoke)
{
	struct hub *hub = ctx;
	char object[EVENT_OBJECT_LEN], text[DP_ADDR_STRLEN];
	uint32_t neigh = 0;
	int rc;

	snprintf(object, sizeof(object), "%s %s", spoke_tunnel_name(hub->spokes, spoke->key.tunnel),
		 dp_addr_format(&spoke->key.nbma, text));
	rc = hub_underlay_neigh(hub, &spoke->key.nbma, &neigh);
	if (rc == -ELOOP)
		event_emit(EVENT_ROUTE_REFUSED, object,
			   "the route to its NBMA address leads into a tunnel");
	else if (rc == -ENETUNREACH)
		event_emit(EVENT_ROUTE_REFUSED, object, "no route to its NBMA address");
	else if (rc < 0)
		tell_full(hub);
	if (rc < 0)
		return;
	rc = dp_spoke_neigh_set(spoke->dp, neigh);
	if (rc < 0) {
		log_sys("%s: %s", object, dp_error());
		dp_neigh_put(neigh);
	}
}
