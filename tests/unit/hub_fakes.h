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
#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_port.h"
#include "dataplane/dp_stats.h"

struct fake {
	char calls[4096];
	/* dp_fib_lookup */
	int lookup_rc;
	struct dp_route route;
	/* what these return */
	int fib_set_rc, neigh_get_rc, neigh_set_rc, spoke_neigh_rc, route_set_rc;
	struct dp_neigh_info neighs[8];
	uint32_t neigh_count;
	dp_neigh_wanted_fn wanted;
	void *wanted_ctx;
	struct net_route routes[8]; /* "ours" in the kernel */
	uint32_t route_count;
	struct dp_addr bound; /* the one address that has a binding with a route */
	struct dp_port_info port;
	struct dp_worker_info workers[2];
	uint32_t worker_count;
};
extern struct fake fake;

/* Two ports, wan0 (ifindex 10, 192.0.2.1/24) and lan0 (11), and Tunnel42 (20, 10.255.0.1/24) of
 * dataplane number 5. */
struct hub *fake_hub(void);
void fake_hub_free(struct hub *hub);
/* The calls since the last time, one per line. */
const char *fake_calls(void);
struct dp_addr fake_addr(const char *text);
struct dp_prefix fake_prefix(const char *text);
