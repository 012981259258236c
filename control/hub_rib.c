/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_rib: the kernel's routes and addresses, from the feed into the RIB (control/rib), which
 * writes the FIB. All of them come this way, the configuration's too: what it says goes to the
 * kernel (hub.c, hub_route.c) and comes back. Before workers start, the first dump is complete.
 *
 * The kernel drops routes silently when a twin is set down (next-hop objects also when it loses
 * carrier), and routes with a source address when that goes: then the RIB stops using what leads
 * there at once, and a new dump says what is left. When the twin is up again, we put our own
 * routes back; routing daemons see to theirs.
 *
 * Addresses of the loopback interface are ours on every port and tunnel; those of other interfaces
 * are not: they are the host's own business.
 *
 * Context: control.
 */
#include "hub.h"

#include <errno.h>
#include <linux/if.h>
#include <poll.h>

#include <event2/event.h>

#include "control/log.h"
#include "control/neighs.h"
#include "control/rib/rib.h"

#define LOOPBACK_IFINDEX 1 /* in every network namespace */
#define RIB_TURN_US      1000
#define FIRST_DUMP_MS    60000

static struct rib_iface iface_of(void *ctx, uint32_t ifindex)
{
	const struct hub_iface *iface = hub_iface_find(ctx, ifindex);

	if (iface == NULL)
		return (struct rib_iface){.dp = {.kind = DP_IFACE_NONE}};
	return (struct rib_iface){
		.dp = {.kind = iface->kind == DP_TWIN_PORT ? DP_IFACE_PORT : DP_IFACE_TUNNEL,
		       .id = iface->id},
		.up = iface->twin_up,
		.carrier = iface->twin_carrier,
	};
}

static void redump(void *ctx)
{
	struct hub *hub = ctx;

	net_feed_redump(hub->feed);
	hub->feed_more = true;
}

int hub_rib_init(struct hub *hub)
{
	const struct dp_limits *limits = &hub->config->dataplane.limits;
	const struct rib_conf conf = {
		.routes = limits->routes + limits->nexthops, /* our own host routes come back */
		.vias = DP_CONTROL_VIAS(limits),
		.ops = {.ctx = hub,
			.iface = iface_of,
			.changed = hub_underlay_changed,
			.redump = redump},
	};
	int rc = hub_underlay_init(hub);

	if (rc < 0)
		return rc;
	hub->neighs = neighs_new(limits->neighbours);
	hub->rib = rib_new(&conf);
	if (hub->neighs == NULL || hub->rib == NULL) {
		hub_rib_fini(hub);
		return -ENOMEM;
	}
	hub->sources.rib = hub->rib;
	return 0;
}

void hub_rib_fini(struct hub *hub)
{
	hub->sources.rib = NULL;
	hub_underlay_fini(hub);
	neighs_free(hub->neighs);
	rib_free(hub->rib);
	hub->neighs = NULL;
	hub->rib = NULL;
}

/* ---- the feed's handlers ---- */

void hub_rib_route(void *ctx, enum net_change change, const struct net_route *route)
{
	struct hub *hub = ctx;

	rib_route_told(hub->rib, change, route);
}

void hub_rib_nexthop(void *ctx, enum net_change change, const struct net_nexthop_object *object)
{
	struct hub *hub = ctx;

	rib_nexthop_told(hub->rib, change, object);
}

void hub_rib_addr(void *ctx, enum net_change change, const struct net_ifaddr *addr)
{
	struct hub *hub = ctx;
	struct hub_iface *iface = hub_iface_find(hub, addr->ifindex);

	if (addr->prefix.addr.family != AF_INET)
		return;
	if (change == NET_CHANGE_DEL)
		redump(hub);
	if (iface != NULL)
		hub_iface_addr_told(iface, change, &addr->prefix.addr);
	else if (addr->ifindex != LOOPBACK_IFINDEX || dp_addr_is_loopback(&addr->prefix.addr))
		return;
	rib_addr_told(hub->rib, change, &addr->prefix, addr->ifindex);
}

void hub_rib_dump(void *ctx, enum net_kind kind, bool end)
{
	struct hub *hub = ctx;

	rib_dump(hub->rib, kind, end);
}

void hub_rib_link(struct hub *hub, enum net_change change, const struct net_link *link)
{
	bool up = change == NET_CHANGE_NEW && (link->flags & IFF_UP) != 0;
	bool carrier = up && link->carrier;
	struct hub_iface *iface = hub_iface_find(hub, link->ifindex);
	bool was_up;

	if (iface == NULL) {
		if (!up && rib_iface_used(hub->rib, link->ifindex))
			redump(hub);
		return;
	}
	if (iface->twin_up == up && iface->twin_carrier == carrier)
		return;
	was_up = iface->twin_up;
	iface->twin_up = up;
	iface->twin_carrier = carrier;
	rib_iface_changed(hub->rib, link->ifindex);
	if (was_up != up || rib_has_nexthop_objects(hub->rib))
		redump(hub);
	if (up && !was_up)
		hub_routes_restore(hub, iface);
}

/* ---- turns ---- */

bool hub_rib_turn(struct hub *hub)
{
	bool more = hub_underlay_turn(hub);

	more = hub_routes_turn(hub) || more;
	/* Last: the others leave work to it. */
	return rib_turn(hub->rib, RIB_TURN_US) || more;
}

void hub_rib_tick(struct hub *hub)
{
	rib_tick(hub->rib);
	hub_underlay_tick(hub);
}

/* Everything that the kernel has, before anything else begins. A kernel whose routes change without
 * end does not keep us: what is missing comes later. */
int hub_rib_first_dump(struct hub *hub)
{
	struct pollfd p = {.fd = net_feed_fd(hub->feed), .events = POLLIN};
	uint64_t start_ms = hub_now_ms();
	struct rib_info info;
	int rc = 1;

	while (!net_feed_synced(hub->feed) || rc > 0 || rib_turn(hub->rib, RIB_TURN_US)) {
		rc = net_feed_turn(hub->feed);
		if (rc < 0) {
			log_sys("%s", net_error());
			return rc;
		}
		if (rc == 0 && !net_feed_synced(hub->feed))
			poll(&p, 1, 100);
		if (hub_now_ms() - start_ms > FIRST_DUMP_MS) {
			log_sys("netlink feed: the first dump is not complete after %d s",
				FIRST_DUMP_MS / 1000);
			break;
		}
	}
	rib_info_get(hub->rib, &info);
	log_info("kernel: %u routes (%u of others), %u addresses of ours, %u ms", info.kernel,
		 info.ignored, info.local, (unsigned)(hub_now_ms() - start_ms));
	return 0;
}
