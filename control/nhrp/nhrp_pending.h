/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Resolution requests that we forwarded: whose they are and where they went, for the answers that
 * come back and for repeats (RFC 2332 section 5.2.0.1: source and request id name a request).
 *
 * Context: control, all of it. Times are milliseconds of one monotonic clock.
 */
#include <sys/queue.h>

#include "control/deadline.h"
#include "control/spoke.h"

#define NHRP_PENDING_MS            30000 /* since it was sent last */
#define NHRP_PENDING_PER_SPOKE     512
#define NHRP_PENDING_PER_STRANGERS 64 /* requesters that are not registered, all together */

struct nhrp_pending {
	uint32_t network_id;
	uint32_t request_id;
	struct dp_addr requester; /* protocol address */
	struct dp_addr target;
	struct dp_spoke_key from; /* where it came from: where answers go */
	struct dp_spoke_key to;   /* where it went: who may answer */
	struct dp_addr binding;   /* the answer hangs on, in to.tunnel */
	uint16_t unanswered;      /* times that it went there, without the answers */
	/* private to nhrp_pending.c */
	bool stranger;
	struct deadline end;
	LIST_ENTRY(nhrp_pending) bucket; /* or free */
};

struct nhrp_pendings;

/* NULL: no memory. */
struct nhrp_pendings *nhrp_pendings_new(uint32_t capacity, struct spoke_table *spokes);
void nhrp_pendings_free(struct nhrp_pendings *t);

/* NULL when there is none. O(1). */
struct nhrp_pending *nhrp_pending_find(struct nhrp_pendings *t,
				       uint32_t network_id,
				       const struct dp_addr *requester,
				       uint32_t request_id);
/* Takes a copy of what is not private. NULL: full, for all or for this sender; counted. */
struct nhrp_pending *nhrp_pending_add(struct nhrp_pendings *t,
				      const struct nhrp_pending *proto,
				      uint64_t now_ms);
/* It was sent once more. */
void nhrp_pending_refresh(struct nhrp_pendings *t, struct nhrp_pending *p, uint64_t now_ms);
void nhrp_pending_del(struct nhrp_pendings *t, struct nhrp_pending *p);

/* Forgets at most max whose time is over; returns how many. */
unsigned nhrp_pendings_tick(struct nhrp_pendings *t, uint64_t now_ms, unsigned max);
/* When there is something to forget next, or DEADLINE_NEVER. */
uint64_t nhrp_pendings_next_ms(const struct nhrp_pendings *t);

struct nhrp_pendings_info {
	uint32_t used, capacity;
	uint64_t full;
};
void nhrp_pendings_info_get(const struct nhrp_pendings *t, struct nhrp_pendings_info *info);
