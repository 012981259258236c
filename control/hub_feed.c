/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_feed: the kernel's news, dispatched: routes, next-hop objects and addresses to hub_rib.c,
 * neighbours to hub_neigh.c; twins that somebody sets down or removes are told; settings of twins
 * that somebody changes are put back, so that transit never passes the kernel (DESIGN, invariant
 * 2), whatever sysctl writes.
 *
 * Context: control.
 */
#include "hub.h"

#include <errno.h>
#include <linux/if.h>
#include <string.h>

#include <event2/event.h>

#include "control/events.h"
#include "control/log.h"
#include "control/net/net_twin.h"

#define RCVBUF_BYTES (16u << 20) /* routes come in bursts */
#define TURN_US      1000
#define PAUSE_US     1000

static void on_link(void *ctx, enum net_change change, const struct net_link *link)
{
	const struct hub_iface *iface = hub_iface_find(ctx, link->ifindex);
	bool was_up = iface != NULL && iface->twin_up;

	hub_rib_link(ctx, change, link);
	if (iface == NULL || iface->twin_up == was_up)
		return;
	if (iface->twin_up)
		event_emit(EVENT_TWIN_UP, iface->name, "set up again");
	else
		event_emit(EVENT_TWIN_DOWN, iface->name,
			   change == NET_CHANGE_DEL ? "removed by somebody; restart the daemon"
						    : "set down by somebody");
}

static void twin_settings_restore(struct hub_iface *iface)
{
	if (net_twin_setup(iface->name) < 0)
		log_sys("%s: %s", iface->name, net_error());
}

/* "all" concerns every twin. Our own changes come by here, too, and find nothing to do. */
static void on_conf(void *ctx, const struct net_conf *conf)
{
	struct hub *hub = ctx;
	struct hub_iface *iface = hub_iface_find(hub, conf->ifindex);

	if (conf->family != AF_INET)
		return;
	if (iface != NULL) {
		if (conf->forwarding == 1)
			event_emit(EVENT_TWIN_SETTING, iface->name,
				   "forwarding was switched on by somebody: off again");
		twin_settings_restore(iface);
		return;
	}
	if (conf->ifindex != NET_CONF_ALL)
		return;
	for (uint32_t i = 0; i < hub->port_count; i++)
		twin_settings_restore(&hub->ports[i]);
	for (uint32_t i = 0; i < hub->tunnel_count; i++)
		twin_settings_restore(&hub->tunnels[i]);
}

static void on_feed_readable(evutil_socket_t fd, short what, void *arg)
{
	struct hub *hub = arg;

	(void)fd;
	(void)what;
	hub->feed_more = true;
}

static int feed_watch(struct hub *hub)
{
	hub->feed_more = true; /* a dump starts in the first turn */
	hub->feed_readable =
		event_new(hub->base, net_feed_fd(hub->feed), EV_READ, on_feed_readable, hub);
	hub->feed_pause = evtimer_new(hub->base, on_feed_readable, hub);
	if (hub->feed_readable == NULL || hub->feed_pause == NULL ||
	    event_add(hub->feed_readable, NULL) < 0)
		return -ENOMEM;
	return 0;
}

static void feed_unwatch(struct hub *hub)
{
	if (hub->feed_readable != NULL)
		event_free(hub->feed_readable);
	if (hub->feed_pause != NULL)
		event_free(hub->feed_pause);
	hub->feed_readable = NULL;
	hub->feed_pause = NULL;
}

/* The queue is empty. When there was something, more is likely: a look in a millisecond brings all
 * of it, where the descriptor would wake us, and be told to by who sends, for each message. */
static void feed_wait(struct hub *hub, bool was_idle)
{
	static const struct timeval pause = {.tv_usec = PAUSE_US};

	if (was_idle) {
		event_add(hub->feed_readable, NULL);
		return;
	}
	event_del(hub->feed_readable);
	event_add(hub->feed_pause, &pause);
}

int hub_feed_init(struct hub *hub)
{
	static const struct net_feed_conf conf = {
		.routes = true, .turn_us = TURN_US, .rcvbuf_bytes = RCVBUF_BYTES};
	struct net_feed_handlers handlers = {
		.ctx = hub,
		.on_link = on_link,
		.on_addr = hub_rib_addr,
		.on_neigh = hub_neigh_changed,
		.on_nexthop = hub_rib_nexthop,
		.on_route = hub_rib_route,
		.on_conf = on_conf,
		.on_dump = hub_rib_dump,
	};
	int rc;

	hub->feed_overruns = 0;
	hub->feed = net_feed_open(&conf, &handlers);
	if (hub->feed == NULL) {
		log_sys("%s", net_error());
		return -errno;
	}
	rc = hub_rib_first_dump(hub);
	if (rc == 0)
		rc = feed_watch(hub);
	if (rc < 0)
		hub_feed_fini(hub);
	return rc;
}

void hub_feed_fini(struct hub *hub)
{
	feed_unwatch(hub);
	net_feed_close(hub->feed);
	hub->feed = NULL;
}

/* What to do about a socket that is broken: without the feed routes and neighbours would rot. */
static void feed_reopen(struct hub *hub)
{
	log_sys("%s; opened again", net_error());
	feed_unwatch(hub);
	if (net_feed_reopen(hub->feed) == 0 && feed_watch(hub) == 0)
		return;
	log_sys("%s", net_error());
	hub->stop = true;
	hub->status = 1;
}

static void tell_overruns(struct hub *hub, uint64_t overruns)
{
	if (overruns == hub->feed_overruns)
		return;
	hub->feed_overruns = overruns;
	event_emit(EVENT_NETLINK_RESYNC, "kernel", "%llu overruns so far",
		   (unsigned long long)overruns);
}

void hub_feed_turn(struct hub *hub)
{
	struct net_feed_stats before, after;
	int rc;

	if (!hub->feed_more)
		return;
	net_feed_stats_get(hub->feed, &before);
	rc = net_feed_turn(hub->feed);
	hub->feed_more = rc > 0;
	if (rc < 0) {
		feed_reopen(hub);
		return;
	}
	net_feed_stats_get(hub->feed, &after);
	tell_overruns(hub, after.overruns);
	if (rc == 0)
		feed_wait(hub, after.messages == before.messages);
}
