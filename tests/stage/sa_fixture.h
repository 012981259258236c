/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the tests of SAs share: a protected tunnel beside those of stage.h, spokes on it, SAs with
 * keys that follow from a number.
 */
#include "dataplane/dp_sa.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/peer.h"
#include "stage.h"

#define SA_PROFILE 7

/* Tunnel300: protected, key 300, MTU 1400, 192.0.2.1. */
uint16_t sa_tunnel_add(uint32_t key, uint32_t profile);
/* A spoke with an underlay neighbour. */
uint32_t sa_spoke_add(uint16_t tunnel, const char *nbma, uint16_t natt_port);
/* Between 192.0.2.1 and `remote`; AES-GCM-128, 32-bit numbers, bound 1,000,000, window 64. */
struct dp_sa_conf sa_conf(enum dp_sa_dir dir, const char *remote, uint32_t spi, uint32_t key);
/* dp_sa_add, which must work. */
uint32_t sa_add(const struct dp_sa_conf *conf);
struct dp_sa_info sa_info(uint32_t sa);
/* The spoke's adjacency as it is now. */
const struct adj *sa_adj(uint32_t spoke);
