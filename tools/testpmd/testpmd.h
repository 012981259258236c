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

#include "dataplane/crypto.h"
#include "dataplane/worker.h"

#define TRAIN_PKTS 1024 /* packets of a train */
#define RUN_TRAINS 100  /* trains of a run: 3,200 bursts, one median */
#define RUNS_MAX   99
#define SIZES_MAX  8
#define BURST      32

/* Where the packets come from and go to. */
enum path {
	PATH_GRE,     /* spoke to spoke, plain GRE */
	PATH_HAIRPIN, /* spoke to spoke, ESP both ways */
	PATH_OUT,     /* LAN to spoke, ESP */
	PATH_IN,      /* spoke to LAN, ESP */
};

struct options {
	enum path path;
	enum dp_sa_alg alg;
	bool esn, natt;
	uint16_t window; /* of the hub's inbound SAs, packets */
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
	uint32_t *route_ip;    /* [routes] host order, /24 */
	uint32_t *route_spoke; /* [routes] */
	enum path path;
	enum dp_sa_alg alg;
	bool esn, natt;
	uint16_t port;            /* underlay port, our number */
	uint16_t lan;             /* LAN port, of the paths that have one */
	uint32_t random;          /* state of net_random */
	struct rte_ring *rx, *tx; /* the train goes in and comes out here */
	struct rte_mbuf *train[TRAIN_PKTS];
	uint32_t expect[TRAIN_PKTS]; /* spoke or LAN neighbour that each must go to */
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
uint32_t net_random(struct net *net);

/* train.c */
void train_make(struct net *net, uint32_t size);
/* Takes all packets back from the tx ring; how many are missing or wrong. */
uint32_t train_verify(struct net *net, uint32_t size);

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
double raw_run(struct net *net, uint32_t size);

/* floor_esp.c: the least code that forwards keyed GRE in ESP by AES-GCM: out, in and both in one
 * pass; its own tables. */
bool floor_esp_can(const struct net *net);
void floor_esp_setup(const struct net *net);
void floor_esp_burst(struct net *net);

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
	struct figure product;
	struct figure floor;           /* 0: none for these options */
	struct figure ratio;           /* of the two medians of each run */
	struct figure raw;             /* one encryption */
	double stages[DP_STAGE_COUNT]; /* of one more run, timed stage by stage: medians */
	uint64_t wrong;                /* packets that did not come back as they should */
};

/* reference.c. Of bursts, in cycles per packet; sorts them. */
double cycles_median(uint64_t *cycles, unsigned n);
void reference_run(struct net *net, const struct options *o, struct result *result);

/* report.c */
void report_text(const struct options *o, const struct result *results);
void report_stages(const struct options *o, const struct result *results);
/* What the product dropped, by name. */
void report_drops(void);
int report_json(const struct options *o, const struct result *results);
