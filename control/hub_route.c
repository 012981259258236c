/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_route: the configuration's static routes, into the kernel. The forwarding table gets them, as
 * all others, from there (hub_rib.c): one way, and `ip route` shows and removes what is in force.
 *
 * Routes of ours that an earlier run left in the kernel are removed when the configuration does not
 * have them, except host routes into a tunnel: those are of spokes that registered then, and stay
 * for one holding time, so that a restart breaks nothing; what did not come back by then goes.
 *
 * The kernel drops routes over a twin that somebody sets down: when it is up again, ours come back.
 *
 * Context: control.
 */
#include "hub.h"

#include <errno.h>
#include <string.h>

#include <event2/event.h>

#include "control/log.h"
#include "control/nhrp/nhrp_server.h"
#include "control/rib/rib.h"

#define SWEEP_EXTRA_S   10
#define ROUTES_PER_TURN 64

static uint32_t route_ifindex(const struct hub *hub, struct dp_iface config_iface)
{
	if (config_iface.kind == DP_IFACE_PORT)
		return hub->ports[config_iface.id].ifindex;
	return hub->tunnels[config_iface.id].ifindex;
}

static int static_route(const struct hub *hub, const struct config_route *conf)
{
	int rc;

	if (conf->blackhole)
		rc = net_route_set(&conf->prefix, NULL, 0, NET_METRIC);
	else
		rc = net_route_set(&conf->prefix, dp_addr_is_set(&conf->via) ? &conf->via : NULL,
				   route_ifindex(hub, conf->iface), NET_METRIC);
	if (rc < 0)
		log_sys("%s", net_error());
	return rc;
}

/* ---- after a twin was down ---- */

void hub_routes_restore(struct hub *hub, struct hub_iface *iface)
{
	(void)hub;
	iface->restoring = true;
	iface->restore_static = 0;
	iface->restore_hosts = 0;
}

/* True: there is more. */
static bool restore_turn(struct hub *hub, struct hub_iface *iface)
{
	const struct config *config = hub->config;

	if (!iface->twin_up)
		return false; /* down again: from the beginning, next time */
	for (unsigned n = 0; iface->restore_static < config->route_count; n++) {
		const struct config_route *conf = &config->routes[iface->restore_static];

		if (n == ROUTES_PER_TURN)
			return true;
		if (!conf->blackhole && route_ifindex(hub, conf->iface) == iface->ifindex)
			static_route(hub, conf);
		iface->restore_static++;
	}
	return iface->kind == DP_TWIN_TUNNEL && hub->nhrp != NULL &&
	       nhrp_cache_routes_restore(nhrp_server_cache(hub->nhrp), iface->id,
					 &iface->restore_hosts);
}

/* ---- what an earlier run left in the kernel ---- */

static bool is_configured(const struct config *config, const struct dp_prefix *prefix)
{
	for (uint32_t i = 0; i < config->route_count; i++)
		if (memcmp(&config->routes[i].prefix, prefix, sizeof(*prefix)) == 0)
			return true;
	return false;
}

/* The tunnel that a spoke's host route leads into; NULL: it is no such route. */
static struct hub_iface *host_route_tunnel(struct hub *hub, const struct net_route *route)
{
	struct hub_iface *iface;

	if (route->prefix.len != dp_addr_bits(&route->prefix.addr) || route->nexthop_count != 1)
		return NULL;
	iface = hub_iface_find(hub, route->nexthops[0].ifindex);
	return iface != NULL && iface->kind == DP_TWIN_TUNNEL ? iface : NULL;
}

static void stale_remove(const struct dp_prefix *prefix, uint32_t metric)
{
	char text[DP_PREFIX_STRLEN];

	log_info("route %s: left by an earlier run, removed", dp_prefix_format(prefix, text));
	if (net_route_del(prefix, metric) < 0)
		log_sys("%s", net_error());
}

static int on_old_route(void *ctx, const struct net_route *route)
{
	struct hub *hub = ctx;

	if (!is_configured(hub->config, &route->prefix) && host_route_tunnel(hub, route) == NULL)
		stale_remove(&route->prefix, route->metric);
	return 0;
}

static void sweep_look(struct hub *hub, const struct rib_own_host *host)
{
	const struct hub_iface *tunnel = hub_iface_find(hub, host->ifindex);
	const struct nhrp_binding *binding;

	if (tunnel == NULL || is_configured(hub->config, &host->prefix))
		return;
	binding = nhrp_cache_find(nhrp_server_cache(hub->nhrp), tunnel->id, &host->prefix.addr);
	if (binding == NULL || !binding->want_route)
		stale_remove(&host->prefix, host->metric);
}

/* True: there is more. */
static bool sweep_turn(struct hub *hub)
{
	struct rib_own_host hosts[ROUTES_PER_TURN];
	unsigned n;

	if (!hub->sweeping || hub->nhrp == NULL)
		return false;
	n = rib_own_host_list(hub->rib, &hub->sweep_cursor, hosts, ROUTES_PER_TURN);
	for (unsigned i = 0; i < n; i++)
		sweep_look(hub, &hosts[i]);
	hub->sweeping = hub->sweep_cursor != RIB_LIST_END;
	return hub->sweeping;
}

void hub_routes_sweep(struct hub *hub)
{
	hub->sweeping = true;
	hub->sweep_cursor = 0;
}

bool hub_routes_turn(struct hub *hub)
{
	bool more = sweep_turn(hub);

	for (uint32_t i = 0; i < hub->port_count + hub->tunnel_count; i++) {
		struct hub_iface *iface =
			i < hub->port_count ? &hub->ports[i] : &hub->tunnels[i - hub->port_count];

		if (iface->restoring)
			iface->restoring = restore_turn(hub, iface);
		more = more || iface->restoring;
	}
	return more;
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	hub_routes_sweep(arg);
}

static int sweep_schedule(struct hub *hub)
{
	struct timeval tv = {.tv_sec = SWEEP_EXTRA_S};

	for (uint32_t i = 0; i < hub->config->tunnel_count; i++)
		if (hub->config->tunnels[i].nhrp.holdtime_s + SWEEP_EXTRA_S > tv.tv_sec)
			tv.tv_sec = hub->config->tunnels[i].nhrp.holdtime_s + SWEEP_EXTRA_S;
	hub->sweep = evtimer_new(hub->base, on_sweep, hub);
	return hub->sweep == NULL || evtimer_add(hub->sweep, &tv) < 0 ? -ENOMEM : 0;
}

int hub_routes_init(struct hub *hub)
{
	const struct config *config = hub->config;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < config->route_count; i++)
		rc = static_route(hub, &config->routes[i]);
	if (rc == 0) {
		rc = net_route_list_ours(on_old_route, hub);
		if (rc < 0)
			log_sys("routes left by an earlier run: %s", net_error());
	}
	if (rc == 0)
		rc = sweep_schedule(hub);
	if (rc < 0)
		hub_routes_fini(hub);
	return rc;
}

/* The routes stay: in the kernel until the next start, in the dataplane until it stops. */
void hub_routes_fini(struct hub *hub)
{
	if (hub->sweep != NULL)
		event_free(hub->sweep);
	hub->sweep = NULL;
}
