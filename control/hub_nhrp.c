/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_nhrp: the table of spokes and the NHRP server, and what they need of the others: punted
 * packets and hairpins from the dataplane, host routes in the kernel, the underlay next hop of a
 * spoke, what is ours and what can be reached. (Routes of the RIB: hub_way.c.)
 *
 * Context: control.
 */
#include "hub.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "control/log.h"
#include "control/multicast.h"
#include "control/nhrp/nhrp_server.h"
#include "control/rib/rib.h"
#include "control/spoke.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_punt.h"

#define FAREWELL_SLICES   1000
#define FAREWELL_SLICE_US 1000

static void on_punt(void *ctx, const struct dp_punt_meta *meta, const uint8_t *bytes, size_t len)
{
	struct hub *hub = ctx;

	nhrp_server_receive(hub->nhrp, hub_now_ms(), meta, bytes, len);
}

/* A packet to this destination had a next hop without a binding: which one, the RIB says. */
static void on_wanted(void *ctx, uint16_t tunnel, const struct dp_addr *destination)
{
	struct hub *hub = ctx;
	struct rib_match match;
	const struct dp_route *r = &match.route;

	(void)tunnel;
	if (rib_lookup(hub->rib, destination, &match) < 0)
		return;
	if (r->type == DP_ROUTE_CONNECTED && r->iface.kind == DP_IFACE_TUNNEL)
		nhrp_server_wanted(hub->nhrp, hub_now_ms(), r->iface.id, destination);
	if (r->type == DP_ROUTE_GATEWAY && r->iface.kind == DP_IFACE_TUNNEL)
		nhrp_server_wanted(hub->nhrp, hub_now_ms(), r->iface.id, &r->gateway);
	for (uint16_t i = 0; r->type == DP_ROUTE_MULTIPATH && i < r->path_count; i++)
		if (r->paths[i].iface.kind == DP_IFACE_TUNNEL)
			nhrp_server_wanted(hub->nhrp, hub_now_ms(), r->paths[i].iface.id,
					   &r->paths[i].gateway);
}

static void on_redirect(void *ctx, const struct dp_redirect *redirect)
{
	struct hub *hub = ctx;

	nhrp_server_redirect(hub->nhrp, hub_now_ms(), redirect);
}

static const struct hub_iface *tunnel_of(const struct hub *hub, uint16_t tunnel)
{
	for (uint32_t i = 0; i < hub->tunnel_count; i++)
		if (hub->tunnels[i].id == tunnel)
			return &hub->tunnels[i];
	return NULL;
}

static int host_route_set(void *ctx, uint16_t tunnel, const struct dp_prefix *host)
{
	const struct hub_iface *iface = tunnel_of(ctx, tunnel);
	int rc = iface == NULL ? -ENODEV : net_route_set(host, NULL, iface->ifindex, NET_METRIC);

	if (rc < 0 && iface != NULL)
		log_debug("%s", net_error()); /* the cache says it in its own words */
	return rc;
}

static int host_route_del(void *ctx, uint16_t tunnel, const struct dp_prefix *host)
{
	(void)ctx;
	(void)tunnel;
	return net_route_del(host, NET_METRIC);
}

static bool has_addr(const struct hub_iface *ifaces, uint32_t count, const struct dp_addr *a)
{
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < ifaces[i].address_count; j++)
			if (dp_addr_equal(&ifaces[i].addresses[j].addr, a))
				return true;
	return false;
}

/* What the SA says that it came by. */
static uint32_t identity_of(void *ctx, const struct dp_punt_meta *meta)
{
	(void)ctx;
	return meta->identity;
}

static bool is_ours(void *ctx, const struct dp_addr *a)
{
	const struct hub *hub = ctx;

	return has_addr(hub->ports, hub->port_count, a) ||
	       has_addr(hub->tunnels, hub->tunnel_count, a);
}

static int reachable(void *ctx, const struct dp_addr *nbma)
{
	struct hub *hub = ctx;
	struct dp_iface iface;
	struct dp_addr next;

	return rib_underlay(hub->rib, nbma, &iface, &next);
}

static int tables_new(struct hub *hub)
{
	const struct dp_limits *limits = &hub->config->dataplane.limits;
	struct spoke_ops ops = {.ctx = hub, .underlay_bind = hub_underlay_bind};
	struct nhrp_server_conf conf = {
		.tunnels = limits->tunnels,
		.bindings = limits->nexthops,
		.ways = {.ctx = hub, .find = hub_way_find},
		.routes = {.ctx = hub, .set = host_route_set, .del = host_route_del},
		.peers = {.ctx = hub,
			  .identity = identity_of,
			  .is_ours = is_ours,
			  .reachable = reachable},
	};

	hub->spokes = spoke_table_new(limits->spokes, limits->tunnels, &ops);
	if (hub->spokes == NULL)
		return -ENOMEM;
	conf.spokes = hub->spokes;
	hub->nhrp = nhrp_server_new(&conf);
	return hub->nhrp == NULL ? -ENOMEM : 0;
}

static int tunnel_serve(struct hub *hub, uint32_t i)
{
	const struct config_tunnel *conf = &hub->config->tunnels[i];
	uint16_t id = hub->tunnels[i].id;
	int rc;

	rc = spoke_tunnel_add(hub->spokes, id, conf->name);
	if (rc == 0)
		rc = multicast_tunnel_add(hub->spokes, id, conf, hub_now_ms());
	if (rc == 0)
		rc = nhrp_server_tunnel_add(hub->nhrp, id, conf, hub_now_ms());
	if (rc < 0)
		log_sys("tunnel %s: NHRP: %s", conf->name, strerror(-rc));
	return rc;
}

int hub_nhrp_init(struct hub *hub)
{
	struct dp_punt_handlers handlers = {.nhrp = on_punt, .redirect = on_redirect, .ctx = hub};
	int rc = tables_new(hub);

	for (uint32_t i = 0; rc == 0 && i < hub->tunnel_count; i++)
		rc = tunnel_serve(hub, i);
	if (rc < 0) {
		hub_nhrp_fini(hub);
		return rc;
	}
	dp_punt_handlers_set(&handlers);
	dp_nexthop_wanted_handler_set(on_wanted, hub);
	hub->sources.spokes = hub->spokes;
	hub->sources.nhrp = hub->nhrp;
	return 0;
}

static bool farewell_slice(struct hub *hub)
{
	bool more = false;

	for (uint32_t i = 0; i < hub->tunnel_count; i++)
		if (hub->config->tunnels[i].nhrp.purge_on_shutdown)
			more |= nhrp_server_farewell(hub->nhrp, hub->tunnels[i].id, HUB_DRAIN);
	return more;
}

/* Workers still run: they send it. What does not go out within the time is counted. */
void hub_nhrp_farewell(struct hub *hub)
{
	for (unsigned i = 0; i < FAREWELL_SLICES && farewell_slice(hub); i++)
		usleep(FAREWELL_SLICE_US);
}

void hub_nhrp_fini(struct hub *hub)
{
	static const struct dp_punt_handlers none;

	dp_punt_handlers_set(&none);
	dp_nexthop_wanted_handler_set(NULL, NULL);
	hub->sources.spokes = NULL;
	hub->sources.nhrp = NULL;
	nhrp_server_free(hub->nhrp);
	spoke_table_free(hub->spokes);
	hub->nhrp = NULL;
	hub->spokes = NULL;
}
