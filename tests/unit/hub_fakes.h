/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What hub_*.c calls of the dataplane, the kernel and the NHRP server, as a script: each call is
 * one line of fake.calls, results are what the test sets.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/hub.h"
#include "control/spoke.h"
#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_port.h"
#include "dataplane/dp_stats.h"

struct fake {
	char calls[8192];
	/* what these return */
	int fib_set_rc, neigh_get_rc, neigh_set_rc, spoke_neigh_rc, route_set_rc;
	uint32_t neigh; /* the handle that dp_neigh_get gives, 0: 77 */
	dp_neigh_wanted_fn wanted;
	void *wanted_ctx;
	struct net_route routes[8]; /* "ours" in the kernel */
	uint32_t route_count;
	struct dp_addr bound; /* the one address that has a binding with a route */
	uint8_t longer;       /* there are routes inside every prefix that is shorter */
	uint32_t restores;    /* calls of nhrp_cache_routes_restore that say "more" */
	struct spoke_info spokes[80];
	uint32_t spoke_count;
	uint64_t spoke_tx_pkts;
	unsigned used_notes; /* spokes seen to be sent to */
	unsigned feed_turns; /* until its dump is complete */
	struct dp_port_info port;
	struct dp_worker_info workers[2];
	uint64_t passed[2], token; /* the last token that a worker has passed, that there is */
	uint32_t worker_count;
	struct dp_sa_home homes[48]; /* what each look finds */
	uint32_t home_count;
	int home_set_rc;
};
extern struct fake fake;

/* Two ports, wan0 (ifindex 10) and lan0 (11), and Tunnel42 (20) of dataplane number 5; all twins
 * up, no addresses, no routes. */
struct hub *fake_hub(void);
void fake_hub_free(struct hub *hub);
/* A route of the main table, told by the feed: "via" and "dev" as in rib_fixture.h. */
void fake_route(struct hub *hub,
		enum net_change change,
		const char *prefix,
		const char *via,
		uint32_t ifindex,
		uint32_t metric);
/* Runs what is left to do, and timers. */
void fake_turns(struct hub *hub);
/* The calls since the last time, one per line. */
const char *fake_calls(void);
struct dp_addr fake_addr(const char *text);
struct dp_prefix fake_prefix(const char *text);
