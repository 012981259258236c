/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_way: where packets for an address go, as the next-hop server asks it: out of a port, or to a
 * next hop in a tunnel. The RIB says it.
 *
 * Context: control.
 */
#include "hub.h"

#include "control/nhrp/nhrp_server.h"
#include "control/rib/rib.h"
#include "dataplane/dp_nexthop.h"

static void way_via(struct nhrp_way *way, const struct dp_iface *iface, const struct dp_addr *next)
{
	way->kind = iface->kind == DP_IFACE_TUNNEL ? NHRP_WAY_TUNNEL : NHRP_WAY_OURS;
	way->tunnel = iface->id;
	way->next_hop = *next;
}

/* Of several ways one that leads somewhere; the same for the same address. */
static void way_of_many(struct nhrp_way *way,
			const struct dp_route *route,
			const struct dp_addr *to)
{
	uint32_t first = ntohl(to->ip4_be);

	for (uint16_t i = 0; i < route->path_count; i++) {
		const struct dp_path *p = &route->paths[(first + i) % route->path_count];

		way_via(way, &p->iface, &p->gateway);
		if (way->kind == NHRP_WAY_OURS || dp_nexthop_find(p->iface.id, &p->gateway) != 0)
			return;
	}
}

void hub_way_find(void *ctx, const struct dp_addr *to, struct nhrp_way *way)
{
	const struct hub *hub = ctx;
	struct rib_match match;

	*way = (struct nhrp_way){.kind = NHRP_WAY_NONE};
	if (rib_lookup(hub->rib, to, &match) < 0)
		return;
	way->prefix_len = rib_widest(to, &match);
	switch (match.route.type) {
	case DP_ROUTE_LOCAL:
		way->kind = NHRP_WAY_OURS;
		break;
	case DP_ROUTE_CONNECTED:
		way_via(way, &match.route.iface, to);
		break;
	case DP_ROUTE_GATEWAY:
		way_via(way, &match.route.iface, &match.route.gateway);
		break;
	case DP_ROUTE_MULTIPATH:
		way_of_many(way, &match.route, to);
		break;
	case DP_ROUTE_BLACKHOLE:
		break;
	}
}
