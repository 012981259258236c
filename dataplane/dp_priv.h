/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the modules of dataplane/ show each other and nobody else: init and fini (dp.c has the table
 * that runs them), hot-path look-ups. All init and fini: context control.
 */
#include <rte_branch_prediction.h>

#include "dp_port.h"
#include "worker.h"

int defer_init(const struct dp_conf *conf);
void defer_fini(void);
int source_init(const struct dp_conf *conf);
void source_fini(void);
int tunnel_init(const struct dp_conf *conf);
void tunnel_fini(void);
int neigh_init(const struct dp_conf *conf);
void neigh_fini(void);
int spoke_init(const struct dp_conf *conf);
void spoke_fini(void);
int nexthop_init(const struct dp_conf *conf);
void nexthop_fini(void);
int fib_init(const struct dp_conf *conf);
void fib_fini(void);
/* Allocates dp_workers[] with counters, filter; not the rings (dp_punt_init does, after this). */
int worker_init(const struct dp_conf *conf);
void worker_fini(void);

/* neigh.c: calls the handler of dp_neigh_wanted_handler_set. Context: control. */
void neigh_wanted_dispatch(const struct dp_wanted *wanted);
/* nexthop.c: that of dp_nexthop_wanted_handler_set. Context: control. */
void nexthop_wanted_dispatch(const struct dp_wanted *wanted);

/* port.c: what the stages read of a port. Context: any. */
struct port_hot {
	struct rte_ether_addr mac;
	uint8_t role; /* enum dp_port_role */
	uint16_t mtu;
	uint16_t dev;          /* ethdev port id */
	uint16_t tx_half;      /* half of the descriptors of a tx queue */
	rte_be32_t address_be; /* ICMP errors come from it; 0: none */
};
extern struct port_hot port_hot[DP_PORTS_MAX];
/* port.c: fills rxq and txq of every worker from the ports' queues. Context: control, at start. */
int port_queues_assign(void);
