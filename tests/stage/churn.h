/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of test_churn share. A worker forwards a train without end while the control core
 * changes every table under it. Each packet belongs to a flow, each flow has the ways that it may
 * take at this moment: what comes out is compared with them, and what does not come out is a loss
 * unless the flow may be dropped.
 *
 *   churn_net.c      ports, tunnels, spokes that stay; ways and flows
 *   churn_traffic.c  the worker's side: train, verification
 *   churn_actors.c   the control core's side: changes of routes
 *   churn_spokes.c   ... and of spokes, neighbours, tunnels
 */
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dp_fib.h"
#include "stage.h"

/* ---- ways: how a packet can leave ---- */

#define CHURN_RESPAWNED 8 /* spokes that come and go */

enum churn_way {
	WAY_DROP, /* not at all, or later */
	WAY_A,
	WAY_B,
	WAY_C,
	WAY_D, /* spokes that stay */
	WAY_MAC1,
	WAY_MAC2, /* one spoke, whose neighbour has one MAC or the other */
	WAY_PORT1,
	WAY_PORT2, /* one spoke, over one port or the other */
	WAY_LAN,
	WAY_LAN_GW1,
	WAY_LAN_GW2,
	WAY_LAN_HOST,
	WAY_RESPAWNED,
	WAY_COUNT = WAY_RESPAWNED + CHURN_RESPAWNED
};
#define BIT(way) (1U << (way))

/* Its last byte is in the MAC, so that a rewrite of two halves shows. */
struct churn_way_frame {
	uint16_t port;
	uint8_t mac[6];
	const char *nbma; /* NULL: not through a tunnel */
	rte_be32_t nbma_be;
};

/* ---- flows ---- */

enum churn_flow_id {
	/* churn_actors.c */
	FLOW_BESIDE,
	FLOW_HOST, /* in a /24; a /32 comes and goes beside one of them */
	FLOW_HALF_LOW,
	FLOW_HALF_HIGH, /* /25s over a /24, alike at times */
	FLOW_COVERED,
	FLOW_COVERING, /* behind a /24 in a /16 that changes */
	FLOW_LAN_GW,
	FLOW_WITHDRAWN,             /* over gateways on the LAN */
	FLOW_ECMP,                  /* 4 of them */
	FLOW_MOVED = FLOW_ECMP + 4, /* an overlay next hop itself */
	FLOW_MOVED_NET,             /* a route via it */
	/* churn_spokes.c */
	FLOW_MAC,
	FLOW_PORT,
	FLOW_LAN_HOST,
	FLOW_TUNNEL,    /* from a spoke, through a tunnel that comes and goes */
	FLOW_MCAST,     /* from the tunnel's twin to all members */
	FLOW_RESPAWNED, /* to a spoke that comes and goes */
	FLOW_FROM_RESPAWNED = FLOW_RESPAWNED + CHURN_RESPAWNED, /* from it to the LAN */
	FLOW_HAIRPIN = FLOW_FROM_RESPAWNED + CHURN_RESPAWNED,   /* from it to FLOW_BESIDE's /24 */
	FLOW_COUNT = FLOW_HAIRPIN + CHURN_RESPAWNED
};

struct churn_flow {
	const char *name;
	struct stage_packet frame;
	uint16_t in_port;
	uint16_t inner; /* offset in the frame */
	bool loose;     /* it has no packets of its own in a train */
	uint32_t ever;  /* bits: all ways that it may ever take */
	uint64_t state; /* atomic: changes << 32 | bits of the ways that it may take now */
};
extern struct churn_flow churn_flows[FLOW_COUNT];
extern struct churn_way_frame churn_ways[WAY_COUNT];

struct churn_net {
	struct dp_worker *w;
	uint16_t wan, wan2, lan;
	uint16_t tunnel;
};
extern struct churn_net churn;

/* The ways that the flow may take from now on. Before a change: old and new; after it: new.
 * Context: control. */
void churn_expect(enum churn_flow_id flow, uint32_t ways);

/* Starts the dataplane with control core and worker on these CPUs, fills churn. */
void churn_net_start(uint32_t control_cpu, uint32_t worker_cpu);
/* A route via `gateway` on an interface; 0 or what dp_fib_set says. */
int churn_route(const char *prefix, struct dp_iface iface, const char *gateway);
int churn_route_del(const char *prefix);
struct dp_iface churn_tunnel_iface(void);
struct dp_iface churn_port_iface(uint16_t port);

/* ---- traffic ---- */

struct churn_report {
	uint64_t turns, sent, checked, strict; /* strict: nothing changed meanwhile */
	uint64_t by_way[WAY_COUNT];
	uint64_t errors; /* ICMP, of the worker itself */
	double share;    /* of its CPU that the thread had; the machine may have others to serve */
	uint64_t wrong;
	char first_wrong[512];
};
extern struct churn_report churn_report;

/* CPU time of the calling thread, seconds. */
double churn_cpu_time(void);

/* A lcore's main function: turns the worker until churn_traffic_stop, then until nothing is held.
 * Context: worker. */
int churn_traffic_main(void *arg);
void churn_traffic_stop(void);

/* ---- actors ---- */

struct churn_actor {
	const char *name;
	/* One step: how many changes it made, or -errno when it was told to come again. */
	int (*step)(unsigned phase);
	unsigned phases;
	unsigned phase;
	uint64_t changes;
	uint64_t refused;
};
extern struct churn_actor churn_route_actors[]; /* end with name NULL */
extern struct churn_actor churn_spoke_actors[];

/* churn_spokes.c: adds what its actors change; removes what they left. */
void churn_spokes_start(void);
void churn_spokes_finish(void);
