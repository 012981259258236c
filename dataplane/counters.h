/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp_priv.h"

/* Rows of a worker: spokes from 0 (nobody), then the tunnels' strangers. Context: control. */
static inline uint32_t counters_rows(const struct dp_limits *limits)
{
	return limits->spokes + 1 + limits->tunnels;
}

int counters_init(const struct dp_conf *conf);
void counters_fini(void);

/* A handle is taken, by a spoke or a tunnel: it starts from 0. Context: control. */
void counters_spoke_start(uint32_t spoke);
void counters_tunnel_start(uint16_t tunnel);
/* A spoke's handle is given back, after the grace period. Context: control. */
void counters_spoke_end(uint32_t spoke, uint16_t tunnel);
