/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The hub: what spans the modules. Takes the configuration to the kernel (control/net) and to the
 * dataplane (dp_*.h), and what happens there to those who want to know.
 *
 *   hub.c        ports, tunnels and their twins
 *   hub_iface.c  finds them by the numbers that others have for them
 *   hub_route.c  static routes -> kernel
 *   hub_rib.c    the kernel's routes and addresses -> FIB
 *   hub_underlay.c  the underlay next hop of each spoke
 *   hub_neigh.c  the kernel's neighbours -> dataplane
 *   hub_nhrp.c   spokes, NHRP server and what they need of the others
 *   hub_sas.c    security associations
 *   hub_way.c    where packets for an address go, as NHRP asks it
 *   hub_feed.c   the kernel's news, dispatched
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
#include "control/homes.h"
#include "control/net/net.h"
#include "control/worker_watch.h"
#include "dataplane/dp_twin.h"

#define HUB_DRAIN 64 /* packets of one ring or twin per turn of the loop */

struct event;
struct event_base;
struct hub_underlay;
struct ike_redirect;
struct neigh_note;
struct neighs;
struct nhrp_server;
struct nhrp_way;
struct rib;
struct sa_store;
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
	bool host_prefix; /* the kernel gets the addresses without their subnets */
	uint32_t ifindex; /* of the twin */
	bool link_up;     /* of a port: as told last */
	bool twin_up;     /* as the kernel told last */
	bool twin_carrier;
	bool restoring;                         /* our routes over it, after the twin was down */
	uint32_t restore_static, restore_hosts; /* how far */
	struct dp_addr errors_from;             /* ICMP errors; unset: none */
	struct event *readable;
};

struct state_info;

struct hub {
	struct config *config;
	struct event_base *base;
	struct event *signals[3];
	struct event *punts; /* readable: a worker woke us */
	struct event *tick_fast;
	struct event *tick_slow;
	struct event *tick_watchdog;
	struct event *sweep;
	bool sweeping;
	uint32_t sweep_cursor;
	struct event *feed_readable;
	struct event *feed_pause; /* instead of it for a moment */
	struct net_feed *feed;
	bool feed_more; /* it has more for us than its descriptor shows */
	uint64_t feed_overruns;
	struct hub_iface ports[DP_PORTS_MAX];
	struct hub_iface *tunnels; /* [config->tunnel_count] */
	uint32_t port_count;
	uint32_t tunnel_count;
	struct rib *rib;
	struct neighs *neighs;
	struct hub_underlay *underlay;
	struct spoke_table *spokes;
	struct nhrp_server *nhrp;
	struct hub_state *state; /* NULL: no state file */
	struct sa_store *sas;
	struct ike_redirect *ike; /* NULL: no protection takes its SAs that way */
	struct api *api;
	struct api_sources sources;
	struct worker_watch workers;
	struct homes homes;
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
/* The kernel has, or has no longer, this IPv4 address on the interface: ICMP errors come from the
 * configuration's first, else from the one told first. */
void hub_iface_addr_told(struct hub_iface *iface,
			 enum net_change change,
			 const struct dp_addr *addr);

int hub_routes_init(struct hub *hub);
void hub_routes_fini(struct hub *hub);
/* Begins to remove host routes of an earlier run whose spokes did not come back; once, by a timer.
 */
void hub_routes_sweep(struct hub *hub);
/* Some of what the two below began; true: there is more. */
bool hub_routes_turn(struct hub *hub);

/* The twin is up again: begins to set our routes over it, which the kernel had dropped. */
void hub_routes_restore(struct hub *hub, struct hub_iface *iface);

/* The RIB, and what hangs on it; before the feed. */
int hub_rib_init(struct hub *hub);
void hub_rib_fini(struct hub *hub);
/* Handlers of the feed. */
void hub_rib_link(struct hub *hub, enum net_change change, const struct net_link *link);
void hub_rib_addr(void *ctx, enum net_change change, const struct net_ifaddr *addr);
void hub_rib_route(void *ctx, enum net_change change, const struct net_route *route);
void hub_rib_nexthop(void *ctx, enum net_change change, const struct net_nexthop_object *object);
void hub_rib_dump(void *ctx, enum net_kind kind, bool end);
/* Turns the feed until its first dump is complete. -errno, logged: the feed is broken. */
int hub_rib_first_dump(struct hub *hub);
/* Some of what routes left to do; true: there is more. */
bool hub_rib_turn(struct hub *hub);
/* Once per second. */
void hub_rib_tick(struct hub *hub);

int hub_feed_init(struct hub *hub);
void hub_feed_fini(struct hub *hub);
/* Some of the kernel's news, when there are any. */
void hub_feed_turn(struct hub *hub);
/* The feed's handler for neighbours. */
void hub_neigh_changed(void *ctx, enum net_change change, const struct net_neigh *neigh);
/* Asks the kernel to keep neighbours fresh that are in use; once per second. */
void hub_neigh_renew(struct hub *hub);
/* Asks the kernel to find a neighbour. */
void hub_neigh_resolve(struct hub *hub, uint16_t port, const struct dp_addr *addr);
/* The table of neighbours is full: an event, now and then. */
void hub_neigh_full(struct hub *hub, const char *object);
/* Workers' requests for neighbours go to the kernel from now on. */
void hub_neigh_start(struct hub *hub);

int hub_underlay_init(struct hub *hub);
void hub_underlay_fini(struct hub *hub);
/* spoke_ops.underlay_bind: ctx is the hub. Binds a new spoke to its underlay next hop, and tells
 * when there is none: no route, a blackhole, our own address, or a way into a tunnel. */
void hub_underlay_bind(void *ctx, const struct spoke *spoke);
/* rib_ops.changed: ctx is the hub. */
void hub_underlay_changed(void *ctx, const struct dp_prefix *prefix);
bool hub_underlay_turn(struct hub *hub);
/* Once per second: notes which next hops spokes send to. */
void hub_underlay_tick(struct hub *hub);
/* Some spoke has it as its underlay next hop. */
bool hub_underlay_uses(const struct hub *hub, const struct neigh_note *note);

/* SAs and where they come from, behind spokes. */
int hub_sas_init(struct hub *hub);
void hub_sas_fini(struct hub *hub);
/* nhrp_way_ops.find: ctx is the hub. */
void hub_way_find(void *ctx, const struct dp_addr *to, struct nhrp_way *way);

int hub_nhrp_init(struct hub *hub);
void hub_nhrp_fini(struct hub *hub);
/* Takes back what was answered, where the configuration says so; before the workers stop. */
void hub_nhrp_farewell(struct hub *hub);

/* The state file: read at start, after NHRP; written after changes and at the end. */
int hub_state_init(struct hub *hub);
void hub_state_fini(struct hub *hub);
/* Reads the file info->path; what is not as it should be is kept aside. -errno, logged: it cannot
 * be read. */
int hub_state_load(struct hub *hub, struct state_info *info);
/* Some of the text that is to be written; true: there is more. */
bool hub_state_turn(struct hub *hub);

/* The workers' own start and stop, and the watch over them. */
int hub_workers_init(struct hub *hub);
void hub_workers_fini(struct hub *hub);
int hub_watch_init(struct hub *hub);
void hub_watch_fini(struct hub *hub);
/* What the timer does every 200 ms. */
void hub_links_look(struct hub *hub);
void hub_workers_look(struct hub *hub);
/* Once per second: peers whose ESP comes in on one other worker get their home there. */
void hub_homes_look(struct hub *hub);

int hub_loop_init(struct hub *hub);
void hub_loop_fini(struct hub *hub);
/* The workers' way to wake the loop. */
int hub_punts_init(struct hub *hub);
void hub_punts_fini(struct hub *hub);
/* Runs until hub->stop. */
void hub_loop_run(struct hub *hub);
