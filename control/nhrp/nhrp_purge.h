/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Purges that we send (RFC 2332 section 5.2.5): a binding that goes or moves is taken back from
 * everyone in nhrp_requesters.h. Follows the cache as its observer; works in slices.
 *
 * Context: control, all of it. Times are milliseconds of one monotonic clock.
 */
#include <stdint.h>

#include "control/nhrp/nhrp_codec.h"

struct nhrp_server;
struct nhrp_purges;

/* Watches the server's cache from now on. capacity: bindings that wait for their turn; as many as
 * there can be requesters, and none is lost. NULL: no memory. */
struct nhrp_purges *nhrp_purges_new(struct nhrp_server *srv, uint32_t capacity);
void nhrp_purges_free(struct nhrp_purges *u);

/* Does at most max things that are due; returns how many. */
unsigned nhrp_purges_tick(struct nhrp_purges *u, uint64_t now_ms, unsigned max);
/* When nhrp_purges_tick has something to do next, 0 = now, or DEADLINE_NEVER. O(1). */
uint64_t nhrp_purges_next_ms(const struct nhrp_purges *u);

/* This reply came; false: it answers nothing that we wait for. O(1). */
bool nhrp_purges_answered(struct nhrp_purges *u, uint16_t tunnel, const struct nhrp_packet *reply);

/* Takes back, at once and without waiting for an answer, what was answered on the tunnel: at most
 * max packets, *cursor is 0 at first; returns how many were sent, 0 when nobody is left. */
unsigned nhrp_purges_farewell(struct nhrp_purges *u,
			      uint16_t tunnel,
			      uint32_t *cursor,
			      unsigned max);

struct nhrp_purges_info {
	uint32_t waiting;    /* bindings whose requesters are not told yet */
	uint32_t unanswered; /* sent, not answered, not given up */
};
void nhrp_purges_info_get(const struct nhrp_purges *u, struct nhrp_purges_info *info);
