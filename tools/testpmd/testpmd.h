/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * dmvpn-testpmd: benchmark of the product's own pipeline. Reference mode: one lcore alternates
 * between making a train of packets, the worker's own burst function timed by TSC burst by burst,
 * and verifying the train outside the timed part; the floor runs on the same train in the same
 * process.
 */
#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/worker.h"

#define TRAIN_PKTS 1024 /* packets of a train */
#define RUN_TRAINS 100  /* trains of a run: 3,200 bursts, one median */
#define RUNS_MAX   99
#define SIZES_MAX  8
#define BURST      32

struct options {
	uint32_t spokes;
	uint32_t routes;
	uint32_t sizes[SIZES_MAX]; /* inner IP length, bytes */
	uint32_t size_count;
	uint32_t runs;
	uint32_t cpu;
	bool any_cpu;
	const char *json; /* file, NULL: none */
};

/* What the benchmark network looks like: spoke i at nbma_be(i), route r to spoke route_spoke[r]. */
struct net {
	uint32_t spokes, routes;
	uint32_t *route_ip;       /* [routes] host order, /24 */
	uint32_t *route_spoke;    /* [routes] */
	uint16_t port;            /* underlay port, our number */
	uint32_t random;          /* state of net_random */
	struct rte_ring *rx, *tx; /* behind the port */
	struct rte_mbuf *train[TRAIN_PKTS];
	uint32_t expect[TRAIN_PKTS]; /* outer destination of each, network order */
};

#define HUB_NBMA    0xc0000201U /* 192.0.2.1 */
#define GATEWAY     0xc00002feU /* 192.0.2.254 */
#define SPOKE_NBMA  0x64400000U /* 100.64.0.0 + i */
#define SPOKE_PROTO 0x0a800000U /* 10.128.0.0 + i */
#define GRE_KEY     42

/* setup.c: EAL, tables, rings; prints and exits on failure. */
void net_setup(struct net *net, const struct options *o);
uint32_t net_random(struct net *net);

/* train.c */
void train_make(struct net *net, uint32_t size);
/* Takes all packets back from the tx ring; how many are missing or wrong. */
uint32_t train_verify(struct net *net, uint32_t size);

/* floor.c: the least code that forwards keyed GRE with header checks, per-spoke counters, redirect
 * filter and MSS check; its own tables. */
void floor_setup(const struct net *net);
void floor_burst(struct net *net);

/* Cycles per packet. */
struct figure {
	double median, low, high; /* over the medians of the runs */
};

struct result {
	uint32_t size;
	struct figure product, floor;
	struct figure ratio;           /* of the two medians of each run */
	double stages[DP_STAGE_COUNT]; /* of one more run, timed stage by stage: medians */
	uint64_t wrong;                /* packets that did not come back as they should */
};

/* reference.c */
void reference_run(struct net *net, const struct options *o, struct result *result);

/* report.c */
void report_text(const struct options *o, const struct result *results);
void report_stages(const struct options *o, const struct result *results);
/* What the product dropped, by name. */
void report_drops(void);
int report_json(const struct options *o, const struct result *results);
