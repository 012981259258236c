/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Resolutions that we ask for ourselves, as client of other hubs (nhrp_client.h): overlay next hops
 * that nobody registered here. RFC 2332 sections 5.2.1 and 5.2.2.
 *
 * Context: control, all of it. Times are milliseconds of one monotonic clock.
 */
#include <stdbool.h>
#include <stdint.h>

#include "control/nhrp/nhrp_cache.h"

struct nhrp_rx;
struct nhrp_server;
struct nhrp_asks;

#define NHRP_ASKS_MAX 4096

/* Watches the server's cache from now on. NULL: no memory. */
struct nhrp_asks *nhrp_asks_new(struct nhrp_server *srv);
void nhrp_asks_free(struct nhrp_asks *a);

/* A packet wanted this next hop. 0: asked, now or before; -EEXIST: it is known; -EADDRNOTAVAIL: no
 * host of the tunnel; -ENETUNREACH: no NHS responds; -ENOSPC: full, counted. */
int nhrp_ask(struct nhrp_asks *a, uint16_t tunnel, const struct dp_addr *target, uint64_t now_ms);

/* A resolution reply to us, or an error about a resolution request of ours. False: nothing that we
 * asked for. */
bool nhrp_asks_answered(struct nhrp_asks *a, const struct nhrp_rx *rx);

/* Forgets what was asked for on a tunnel that goes. */
void nhrp_asks_tunnel_del(struct nhrp_asks *a, uint16_t tunnel);

unsigned nhrp_asks_tick(struct nhrp_asks *a, uint64_t now_ms, unsigned max);
uint64_t nhrp_asks_next_ms(const struct nhrp_asks *a);

/* Those without an entry yet, as rows of the list of entries: from *cursor on (start with 0);
 * returns how many, 0 at the end. */
unsigned nhrp_asks_list(const struct nhrp_asks *a,
			uint32_t *cursor,
			struct nhrp_binding_info *rows,
			unsigned max);
