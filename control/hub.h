/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The hub: what spans the modules. Takes the configuration to the kernel (control/net) and to the
 * dataplane (dp_*.h), and what happens there to those who want to know.
 *
 *   hub.c        ports, tunnels and their twins
 *   hub_iface.c  finds them by the numbers that others have for them
 *   hub_route.c  addresses and static routes -> FIB and kernel
 *   hub_neigh.c  the kernel's neighbours -> dataplane; the underlay next hop of a spoke
 *   hub_nhrp.c   spokes, NHRP server and what they need of the others
 *   hub_feed.c   the kernel's news: neighbours, twins, their settings
 *   hub_watch.c  links and workers: what is looked at again and again
 *   hub_loop.c   the control loop
 *   hub_remove.c --remove-twins
 *
 * Each *_init is a module of main.c: 0, or -errno logged and nothing left behind.
 * Context: control, all of it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "control/api/api.h"
#include "control/config.h"
#include "control/net/net.h"
#include "dataplane/dp_twin.h"

#define HUB_DRAIN 64 /* packets of one ring or twin per turn of the loop */

struct event;
struct event_base;
struct nhrp_server;
struct spoke;
struct spoke_table;

/* A port or a tunnel, with its twin. */
struct hub_iface {
	struct hub *hub;
	enum dp_twin_kind kind;
	uint16_t id;      /* of the dataplane */
	const char *name; /* of the configuration */
	const struct dp_prefix *addresses;
	uint32_t address_count;
	uint32_t ifindex; /* of the twin */
	bool link_up;     /* of a port: as told last */
	bool twin_up;     /* as the kernel told last */
	struct event *readable;
};

struct hub_workers {
	uint64_t turns[DP_WORKERS_MAX]; /* as seen last */
	uint32_t still_s[DP_WORKERS_MAX];
	bool stuck; /* one of them: the watchdog starves */
};

struct hub {
	struct config *config;
	struct event_base *base;
	struct event *signals[3];
	struct event *punts; /* readable: a worker woke us */
	struct event *tick_fast;
	struct event *tick_slow;
	struct event *tick_watchdog;
	struct event *sweep;
	struct event *feed_readable;
	struct net_feed *feed;
	bool feed_more; /* it has more for us than its descriptor shows */
	uint64_t feed_overruns;
	struct hub_iface ports[DP_PORTS_MAX];
	struct hub_iface *tunnels; /* [config->tunnel_count] */
	uint32_t port_count;
	uint32_t tunnel_count;
	struct spoke_table *spokes;
	struct nhrp_server *nhrp;
	struct api *api;
	struct api_sources sources;
	struct hub_workers workers;
	uint32_t neigh_cursor;
	uint64_t neigh_full_ms; /* when "neighbours are full" was told last */
	uint32_t spokes_told;   /* in the status line */
	bool stop;
	int status; /* of the process */
};

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t hub_now_ms(void);

int hub_ports_init(struct hub *hub);
void hub_ports_fini(struct hub *hub);
int hub_tunnels_init(struct hub *hub);
void hub_tunnels_fini(struct hub *hub);
/* Removes the twins that the configuration names, the filters on raw interfaces and our routes:
 * --remove-twins. All of it is tried; the first error is returned. */
int hub_twins_remove(const struct config *config);
/* By the kernel's number of its twin; NULL when it is none of ours. */
struct hub_iface *hub_iface_find(struct hub *hub, uint32_t ifindex);
/* The dataplane's name of an interface of config.h (where id is an index of the document). */
struct dp_iface hub_iface_dp(const struct hub *hub, struct dp_iface config_iface);

int hub_routes_init(struct hub *hub);
void hub_routes_fini(struct hub *hub);
/* Removes host routes of an earlier run whose spokes did not come back; once, by a timer. */
void hub_routes_sweep(struct hub *hub);

int hub_feed_init(struct hub *hub);
void hub_feed_fini(struct hub *hub);
/* Some of the kernel's news, when there are any. */
void hub_feed_turn(struct hub *hub);
/* The feed's handler for neighbours. */
void hub_neigh_changed(void *ctx, enum net_change change, const struct net_neigh *neigh);
/* Asks the kernel to keep some more neighbours fresh; once per second. */
void hub_neigh_renew(struct hub *hub);
/* Workers' requests for neighbours go to the kernel from now on. */
void hub_neigh_start(struct hub *hub);

/*
 * The neighbour that outer packets to this NBMA address go to, resolved or being resolved; takes a
 * reference for dp_spoke_neigh_set. -ENETUNREACH: no route, a blackhole, or our own address;
 * -ELOOP: the route leads into a tunnel (recursive routing); -ENOSPC.
 */
int hub_underlay_neigh(struct hub *hub, const struct dp_addr *nbma, uint32_t *neigh);
/* spoke_ops.underlay_bind: ctx is the hub. */
void hub_underlay_bind(void *ctx, const struct spoke *spoke);

int hub_nhrp_init(struct hub *hub);
void hub_nhrp_fini(struct hub *hub);

/* The workers' own start and stop, and the watch over them. */
int hub_workers_init(struct hub *hub);
void hub_workers_fini(struct hub *hub);
int hub_watch_init(struct hub *hub);
void hub_watch_fini(struct hub *hub);
/* What the timers do: every 200 ms, every second. */
void hub_links_look(struct hub *hub);
void hub_workers_look(struct hub *hub);

int hub_loop_init(struct hub *hub);
void hub_loop_fini(struct hub *hub);
/* The workers' way to wake the loop. */
int hub_punts_init(struct hub *hub);
void hub_punts_fini(struct hub *hub);
/* Runs until hub->stop. */
void hub_loop_run(struct hub *hub);
