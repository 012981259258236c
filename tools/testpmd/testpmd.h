/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * dmvpn-testpmd: benchmark of the product's own pipeline. Reference mode: one lcore alternates
 * between making a train of packets, the worker's own burst function timed by TSC burst by burst,
 * and verifying the train outside the timed part; the floor runs on the same train in the same
 * process. A burst of more than 32 packets takes the hub, and the floor, more than one turn.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/crypto.h"
#include "dataplane/dp_stats.h"
#include "dataplane/worker.h"
#include "options.h"

#define TRAIN_PKTS 1024 /* packets of a train */
#define RUN_TRAINS 100  /* trains of a run: 3,200 bursts of 32, one median */
#define BURST      32   /* packets that the hub, the floor and the cipher take at once */

/* What the benchmark network looks like: spoke i at nbma_be(i), route r to spoke route_spoke[r]. */
struct net {
	uint32_t spokes, routes;
	uint32_t *route_ip;    /* [routes] host order, /24 */
	uint32_t *route_spoke; /* [routes] */
	enum path path;
	enum dp_sa_alg alg;
	bool esn, natt, redirect;
	uint32_t burst, flow_pkts;
	uint16_t port;            /* underlay port, our number */
	uint16_t lan;             /* LAN port, of the paths that have one */
	uint32_t random;          /* state of net_random */
	struct rte_ring *rx, *tx; /* the train goes in and comes out here */
	struct rte_mbuf *train[TRAIN_PKTS];
	const struct mix *mix;       /* sizes of the next train */
	uint32_t train_pkts;         /* whole bursts of them */
	uint32_t expect[TRAIN_PKTS]; /* spoke or LAN neighbour that each must go to */
	uint16_t bytes[TRAIN_PKTS];  /* inner IP length of each */
};

/* Cycles per packet. */
struct figure {
	double median, low, high; /* over the medians of the runs */
};

/* Of one size. */
struct result {
	struct figure product;
	struct figure floor;           /* 0: none for these options */
	struct figure ratio;           /* of the two medians of each run */
	struct figure raw;             /* one encryption; 0: no cipher */
	double stages[DP_STAGE_COUNT]; /* of one more run, timed stage by stage: medians */
	uint64_t wrong;                /* packets that did not come back as they should */
	uint64_t drops[DP_DROP_COUNT]; /* by the hub */
};

/* All that a measurement found: plain data, also from one process to another. */
struct report {
	uint64_t tsc_hz;
	uint64_t memory_bytes, spoke_bytes; /* of the plan: all, per spoke */
	char crypto[16];                    /* the cipher's instructions */
	struct result results[SIZES_MAX];   /* [size_count] of the options */
};

#define HUB_NBMA    0xc0000201U /* 192.0.2.1 */
#define GATEWAY     0xc00002feU /* 192.0.2.254 */
#define SPOKE_NBMA  0x64400000U /* 100.64.0.0 + i */
#define SPOKE_PROTO 0x0a800000U /* 10.128.0.0 + i */
#define GRE_KEY     42
#define LAN_NEIGH   0x0a010180U /* 10.1.1.128 + i */
#define LAN_NEIGHS  16
#define SPI_IN      0x00010000U /* + i: what spoke i sends with */
#define SPI_OUT     0x20000000U
#define NATT_PORT   4500
#define GRE_BYTES   8
#define OUTER_BYTES (20 + GRE_BYTES)

static inline bool path_from_lan(enum path path)
{
	return path == PATH_OUT;
}

static inline bool path_to_lan(enum path path)
{
	return path == PATH_IN;
}

/* setup.c: EAL, tables, rings; prints and exits on failure. */
void net_setup(struct net *net, const struct options *o);
/* Of the hub's plan for these options, and how much less it would be without spokes, per spoke. */
void net_memory(const struct options *o, struct report *report);
uint32_t net_random(struct net *net);

/* train.c: makes net->train; the same one from the same net->random. */
void train_make(struct net *net);
/* The next burst of the train, from packet `at` on, arrives. */
void train_burst(struct net *net, uint32_t at);
/* Takes all packets back from the tx ring; how many are missing or wrong. */
uint32_t train_verify(struct net *net);

/* side.c: the spokes' ends of the SAs, in memory of their own. */
struct side_keys {
	uint8_t key[DP_SA_KEY_MAX], auth_key[DP_SA_AUTH_KEY_MAX];
};
struct side_keys side_keys_of(uint32_t spoke, enum dp_sa_dir dir); /* as the hub sees it */
void side_setup(const struct net *net);
/* ESP, and UDP, around GRE, with the outer header. m starts at GRE. */
void side_encrypt(const struct net *net, struct rte_mbuf **m, const uint32_t *from, unsigned n);
/* From the outer header to GRE; false: not an authentic packet to this spoke. */
bool side_decrypt(const struct net *net, struct rte_mbuf *m, uint32_t to);
/* Bytes in front of GRE, without Ethernet. */
uint32_t side_front_bytes(const struct net *net);

/* raw.c: the cipher alone, over the train's bytes with the keys of spokes in random order. */
void raw_setup(const struct net *net);
double raw_run(struct net *net);

/* floor_esp.c: the least code that forwards keyed GRE in ESP by AES-GCM: out, in and both in one
 * pass; its own tables. */
bool floor_esp_can(const struct net *net);
void floor_esp_setup(const struct net *net);
void floor_esp_burst(struct net *net);

/* floor.c: the least code that forwards keyed GRE with header checks, per-spoke counters, redirect
 * filter and MSS check; its own tables. */
void floor_setup(const struct net *net);
void floor_burst(struct net *net);

/* Cycles of a run, one sample per burst; where the sizes are mixed, per train: a burst of few
 * packets has not all of them. */
struct samples {
	uint32_t pkts; /* of one sample */
	uint32_t n;
	uint64_t cycles[RUN_TRAINS * TRAIN_PKTS];
};

/* reference.c */
void samples_reset(struct samples *s, const struct net *net);
/* Of the burst from packet `at` of its train on. */
void samples_add(struct samples *s, uint32_t at, uint64_t cycles);
/* In cycles per packet; sorts them. */
double samples_median(struct samples *s);
void reference_run(struct net *net, const struct options *o, struct result *result);

/* measure.c: sets up and measures all sizes; 0, or -EIO when packets came back wrong. Exits when
 * nothing can be measured. Once per process: EAL does not start twice. */
int measure(const struct options *o, struct report *report);

/* report.c */
void report_text(const struct options *o, const struct report *report);
/* report_json.c */
const char *stage_name(enum dp_stage stage);
/* One measurement, with the machine. */
int report_json(const struct options *o, const struct report *report);
/* All of a sweep, reports[o->sweep_count]. */
int report_json_sweep(const struct options *o, const struct report *reports);

/* sweep.c: exit status of the program. */
int sweep_run(const struct options *o);

/* chart.c: lines of cycles per packet against spokes. Neither starts EAL. */
/* Tells stderr what is missing. */
int chart_check(void);
void chart_script(FILE *f, const struct options *o, const struct report *reports);
int chart_draw(const struct options *o, const struct report *reports);
