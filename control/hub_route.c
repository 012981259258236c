/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_route: what the configuration says about addresses and routes, into the forwarding table and
 * into the kernel. For each address of a port or tunnel: the subnet is connected, the address and
 * the subnet's broadcast address are local. Static routes follow.
 *
 * Routes of ours that an earlier run left in the kernel are removed when the configuration does not
 * have them, except host routes into a tunnel: those are of spokes that registered then, and stay
 * for one holding time, so that a restart breaks nothing; what did not come back by then goes.
 *
 * Context: control. Not done: routes and addresses that others put into the kernel.
 */
#include "hub.h"

#include <errno.h>
#include <string.h>

#include <event2/event.h>

#include "control/events.h"
#include "control/log.h"
#include "control/nhrp/nhrp_server.h"
#include "dataplane/dp_fib.h"

#define SWEEP_EXTRA_S 10

static int fib_set(const struct dp_prefix *prefix, const struct dp_route *route)
{
	char text[DP_PREFIX_STRLEN];
	int rc = dp_fib_set(0, prefix, route);

	if (rc < 0)
		log_sys("route %s: %s", dp_prefix_format(prefix, text), dp_error());
	return rc;
}

static int local_set(const struct dp_addr *addr, struct dp_iface iface)
{
	struct dp_route route = {.type = DP_ROUTE_LOCAL, .iface = iface};
	struct dp_prefix host = dp_prefix_host(addr);

	return fib_set(&host, &route);
}

static int address_routes(const struct dp_prefix *address, struct dp_iface iface)
{
	struct dp_route connected = {.type = DP_ROUTE_CONNECTED, .iface = iface};
	struct dp_prefix subnet = dp_prefix_network(address);
	struct dp_addr broadcast = dp_prefix_last(address);
	uint8_t bits = dp_addr_bits(&address->addr);
	int rc = 0;

	if (address->len < bits)
		rc = fib_set(&subnet, &connected);
	/* RFC 3021: a /31 has no broadcast address. */
	if (rc == 0 && address->addr.family == AF_INET && address->len < bits - 1)
		rc = local_set(&broadcast, iface);
	return rc == 0 ? local_set(&address->addr, iface) : rc;
}

static int iface_routes(const struct hub_iface *i)
{
	struct dp_iface iface = {.kind = i->kind == DP_TWIN_PORT ? DP_IFACE_PORT : DP_IFACE_TUNNEL,
				 .id = i->id};
	int rc = 0;

	for (uint32_t a = 0; rc == 0 && a < i->address_count; a++)
		rc = address_routes(&i->addresses[a], iface);
	return rc;
}

static uint32_t route_ifindex(const struct hub *hub, struct dp_iface config_iface)
{
	if (config_iface.kind == DP_IFACE_PORT)
		return hub->ports[config_iface.id].ifindex;
	return hub->tunnels[config_iface.id].ifindex;
}

static int static_route(const struct hub *hub, const struct config_route *conf)
{
	struct dp_route route = {.type = conf->blackhole ? DP_ROUTE_BLACKHOLE : DP_ROUTE_GATEWAY,
				 .iface = hub_iface_dp(hub, conf->iface),
				 .gateway = conf->via};
	int rc;

	rc = fib_set(&conf->prefix, &route);
	if (rc < 0)
		return rc;
	if (conf->blackhole)
		rc = net_route_set(&conf->prefix, NULL, 0, NET_METRIC);
	else
		rc = net_route_set(&conf->prefix, &conf->via, route_ifindex(hub, conf->iface),
				   NET_METRIC);
	if (rc < 0)
		log_sys("%s", net_error());
	return rc;
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

static int stale_remove(const struct net_route *route)
{
	char text[DP_PREFIX_STRLEN];

	log_info("route %s: left by an earlier run, removed",
		 dp_prefix_format(&route->prefix, text));
	if (net_route_del(&route->prefix, route->metric) < 0)
		log_sys("%s", net_error());
	return 0;
}

static int on_old_route(void *ctx, const struct net_route *route)
{
	struct hub *hub = ctx;

	if (is_configured(hub->config, &route->prefix) || host_route_tunnel(hub, route) != NULL)
		return 0;
	return stale_remove(route);
}

static int on_swept_route(void *ctx, const struct net_route *route)
{
	struct hub *hub = ctx;
	const struct hub_iface *tunnel = host_route_tunnel(hub, route);
	const struct nhrp_binding *binding;

	if (tunnel == NULL || is_configured(hub->config, &route->prefix))
		return 0;
	binding = nhrp_cache_find(nhrp_server_cache(hub->nhrp), tunnel->id, &route->prefix.addr);
	return binding != NULL && binding->want_route ? 0 : stale_remove(route);
}

void hub_routes_sweep(struct hub *hub)
{
	if (net_route_list_ours(on_swept_route, hub) < 0)
		log_sys("routes left by an earlier run: %s", net_error());
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

	for (uint32_t i = 0; rc == 0 && i < hub->port_count; i++)
		rc = iface_routes(&hub->ports[i]);
	for (uint32_t i = 0; rc == 0 && i < hub->tunnel_count; i++)
		rc = iface_routes(&hub->tunnels[i]);
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
