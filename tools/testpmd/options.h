/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Options of dmvpn-testpmd: plain data, no EAL, so that they are tested without it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/dp_sa.h"

#define RUNS_MAX      99
#define SIZES_MAX     8
#define SWEEP_MAX     16
#define MIX_MAX       12
#define BURST_MAX     64
#define FLOW_PKTS_MAX 1024
#define SIZE_LOW      40 /* inner IP length, bytes */
#define SIZE_HIGH     1400
#define OPTIONS_ERROR 192 /* bytes of an error text */

/* Where the packets come from and go to. */
enum path {
	PATH_GRE,     /* spoke to spoke, plain GRE */
	PATH_HAIRPIN, /* spoke to spoke, ESP both ways */
	PATH_OUT,     /* LAN to spoke, ESP */
	PATH_IN,      /* spoke to LAN, ESP */
	PATH_COUNT
};

/* Packet sizes of one train: every `count` packets in a row have these, in random order. */
struct mix {
	char name[8];
	uint32_t count;
	uint16_t bytes[MIX_MAX]; /* inner IP length */
};

struct options {
	enum path path;
	enum dp_sa_alg alg;
	bool esn, natt;
	bool redirect;      /* the tunnel's */
	uint16_t window;    /* of the hub's inbound SAs, packets */
	uint32_t burst;     /* packets that arrive at once */
	uint32_t flow_pkts; /* in a row of one flow; 1: each has a flow of its own */
	uint32_t spokes;
	uint32_t routes;
	struct mix sizes[SIZES_MAX];
	uint32_t size_count;
	uint32_t runs;
	uint32_t cpu;
	bool any_cpu;
	bool help;
	const char *json;                 /* file, NULL: none */
	bool sweep;                       /* one measurement for each of... */
	uint32_t sweep_spokes[SWEEP_MAX]; /* ...these instead of spokes */
	uint32_t sweep_count;
	const char *chart; /* file, NULL: none */
};

void options_usage(FILE *to);
/* 0, or -EINVAL with what is wrong in error[OPTIONS_ERROR]. Strings of argv stay in use. */
int options_parse(struct options *o, int argc, char **argv, char *error);
const char *path_name(enum path path);
/* "random", "bursty:K": the next call overwrites it. */
const char *flows_name(const struct options *o);
/* The mean. */
double mix_bytes(const struct mix *mix);
