/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_watch: what is looked at again and again. Every 200 ms the ports' links: a change goes to the
 * twin's carrier, to the tunnels that have their source there, and to the event log. And the
 * workers (worker_watch.c): while one does not come round the service manager's watchdog is not
 * fed, so that it restarts us. Every second what the workers hand over (homes.c): who moves.
 *
 * Context: control.
 */
#include "hub.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "control/events.h"
#include "control/log.h"
#include "control/notify.h"
#include "control/spoke.h"
#include "dataplane/dp_port.h"
#include "dataplane/dp_stats.h"

#define TICK_FAST_MS 200
#define HOME_ROWS    32

/* ---- links ---- */

static void tunnels_follow(struct hub *hub, uint32_t port, bool up)
{
	for (uint32_t i = 0; i < hub->tunnel_count; i++)
		if (hub->config->tunnels[i].source_port == port)
			spoke_tunnel_state_set(hub->spokes, hub->tunnels[i].id, up,
					       up ? "the source's port has link"
						  : "the source's port has no link",
					       hub_now_ms());
}

static void link_poll(struct hub *hub, uint32_t i)
{
	struct hub_iface *port = &hub->ports[i];
	struct dp_port_info info;
	int rc;

	if (dp_port_info_get(port->id, &info) < 0 || info.link_up == port->link_up)
		return;
	port->link_up = info.link_up;
	rc = dp_twin_carrier_set(port->kind, port->id, info.link_up);
	if (rc < 0)
		log_sys("twin %s: set carrier: %s", port->name, strerror(-rc));
	if (info.link_up)
		event_emit(EVENT_LINK_UP, port->name, "%u Mbit/s", info.speed_mbps);
	else
		event_emit(EVENT_LINK_DOWN, port->name, "no carrier");
	tunnels_follow(hub, i, info.link_up);
}

void hub_links_look(struct hub *hub)
{
	for (uint32_t i = 0; i < hub->port_count; i++)
		link_poll(hub, i);
}

static void on_tick_fast(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	hub_links_look(arg);
	hub_workers_look(arg);
}

/* ---- workers ---- */

void hub_workers_look(struct hub *hub)
{
	worker_watch_look(&hub->workers, hub_now_ms());
}

int hub_workers_init(struct hub *hub)
{
	struct dp_worker_info info;
	char object[EVENT_OBJECT_LEN];
	int rc;

	hub_neigh_start(hub);
	rc = dp_workers_start();
	if (rc < 0) {
		log_sys("%s", dp_error());
		return rc;
	}
	hub->sources.workers = &hub->workers;
	for (uint32_t i = 0; dp_worker_info_get(i, &info) == 0; i++) {
		snprintf(object, sizeof(object), "worker %u", i);
		event_emit(EVENT_WORKER_UP, object, "CPU %u", info.lcore);
	}
	return 0;
}

void hub_workers_fini(struct hub *hub)
{
	hub->sources.workers = NULL;
	dp_workers_stop();
}

/* ---- homes ---- */

static void home_move(struct hub *hub, const struct dp_sa_home *row, uint32_t to, uint64_t now_ms)
{
	char object[EVENT_OBJECT_LEN], remote[DP_ADDR_STRLEN];

	if (dp_sa_home_set(row, to) < 0)
		return; /* its last move is not over: the next look */
	homes_note(&hub->homes, row->peer, now_ms);
	snprintf(object, sizeof(object), row->natt_port != 0 ? "%s:%u" : "%s",
		 dp_addr_format(&row->remote, remote), row->natt_port);
	event_emit(EVENT_HOME_MOVED, object,
		   "worker %u -> %u, where %lu of its last %lu packets came in", row->home, to,
		   row->handed_pkts[to], row->pkts);
}

void hub_homes_look(struct hub *hub)
{
	struct dp_sa_home rows[HOME_ROWS];
	uint64_t now_ms = hub_now_ms();
	uint32_t cursor = 0, to;
	unsigned n;

	for (uint32_t i = 0; i < DP_WORKERS_MAX; i++)
		hub->homes.load_permille[i] = hub->workers.rows[i].load_permille;
	while ((n = dp_sa_home_look(&cursor, HOMES_HANDED_MIN, rows, HOME_ROWS)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			to = homes_judge(&hub->homes, &rows[i], now_ms);
			if (to != rows[i].home)
				home_move(hub, &rows[i], to, now_ms);
		}
	}
}

/* ---- status and watchdog ---- */

static void status_tell(struct hub *hub)
{
	struct spoke_table_info info;

	spoke_table_info_get(hub->spokes, &info);
	if (info.spokes == hub->spokes_told)
		return;
	hub->spokes_told = info.spokes;
	notify_status("%u ports, %u tunnels, %u spokes", hub->port_count, hub->tunnel_count,
		      info.spokes);
}

static void on_tick_slow(evutil_socket_t fd, short what, void *arg)
{
	struct hub *hub = arg;

	(void)fd;
	(void)what;
	worker_watch_second(&hub->workers);
	hub_homes_look(hub);
	hub_rib_tick(hub);
	hub_neigh_renew(hub);
	spoke_table_tick(hub->spokes);
	status_tell(hub);
}

static void on_tick_watchdog(evutil_socket_t fd, short what, void *arg)
{
	const struct hub *hub = arg;

	(void)fd;
	(void)what;
	if (!hub->workers.stuck)
		notify_watchdog();
}

/* NULL: no memory. */
static struct event *tick_new(struct hub *hub,
			      uint64_t us,
			      void (*fn)(evutil_socket_t, short, void *))
{
	struct timeval tv = {.tv_sec = (time_t)(us / 1000000),
			     .tv_usec = (suseconds_t)(us % 1000000)};
	struct event *tick = event_new(hub->base, -1, EV_PERSIST, fn, hub);

	if (tick != NULL && event_add(tick, &tv) == 0)
		return tick;
	if (tick != NULL)
		event_free(tick);
	return NULL;
}

static void tick_free(struct event **tick)
{
	if (*tick != NULL)
		event_free(*tick);
	*tick = NULL;
}

int hub_watch_init(struct hub *hub)
{
	uint64_t watchdog_us = notify_watchdog_us();

	hub->tick_fast = tick_new(hub, TICK_FAST_MS * 1000, on_tick_fast);
	hub->tick_slow = tick_new(hub, 1000000, on_tick_slow);
	if (watchdog_us > 0)
		hub->tick_watchdog = tick_new(hub, watchdog_us, on_tick_watchdog);
	if (hub->tick_fast != NULL && hub->tick_slow != NULL &&
	    (watchdog_us == 0 || hub->tick_watchdog != NULL))
		return 0;
	hub_watch_fini(hub);
	return -ENOMEM;
}

void hub_watch_fini(struct hub *hub)
{
	tick_free(&hub->tick_fast);
	tick_free(&hub->tick_slow);
	tick_free(&hub->tick_watchdog);
}
