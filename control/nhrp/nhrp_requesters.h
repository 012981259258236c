/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Who was told what: each address resolution that we answered, or whose request we forwarded, so
 * that the requester can be told when it is no longer true (RFC 2332 section 5.2.5). Found by the
 * binding that the answer hangs on and, for a repeat, by requester and target.
 *
 * Context: control, all of it. Times are milliseconds of one monotonic clock.
 */
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dp_addr.h"

struct nhrp_server;

#define NHRP_REQUESTER_HOLDING_MAX_S 7200

struct nhrp_requester {
	uint16_t tunnel;         /* of the target */
	struct dp_prefix target; /* as answered; forwarded: the host that was asked for */
	/* The overlay address whose binding the answer hangs on: of the spoke that the target is
	 * behind. Unset: the target's own address. */
	struct dp_addr binding;
	struct dp_addr requester_protocol, requester_nbma; /* observed */
	uint16_t requester_natt_port;
	uint16_t requester_tunnel; /* where the request came in */
	uint32_t request_id;       /* of the last request */
	uint16_t holding_s;        /* of the answer; 0: not known, NHRP_REQUESTER_HOLDING_MAX_S */
};

/* Notes who was told, until min(holding_s, NHRP_REQUESTER_HOLDING_MAX_S) from now. The same
 * requester and target again: updated. -ENOSPC: full, counted. */
int nhrp_requester_note(struct nhrp_server *srv, const struct nhrp_requester *r, uint64_t now_ms);

struct nhrp_requesters;

/* NULL: no memory. */
struct nhrp_requesters *nhrp_requesters_new(uint32_t capacity);
void nhrp_requesters_free(struct nhrp_requesters *t);
/* As nhrp_requester_note. */
int nhrp_requesters_note(struct nhrp_requesters *t,
			 const struct nhrp_requester *r,
			 uint64_t now_ms);

/* The entry of this tunnel, target, requester and its tunnel, completed. O(1). */
bool nhrp_requesters_find(const struct nhrp_requesters *t, struct nhrp_requester *r);
/* Somebody was told of this binding. O(1). */
bool nhrp_requesters_has(const struct nhrp_requesters *t,
			 uint16_t tunnel,
			 const struct dp_addr *binding);
/* Takes one of those out whose answer hangs on the binding of this address; false: none is left.
 * O(1). */
bool nhrp_requesters_take(struct nhrp_requesters *t,
			  uint16_t tunnel,
			  const struct dp_addr *binding,
			  struct nhrp_requester *r);
/* Takes the next one out whose request came in on this tunnel, from *cursor on (start with 0). */
bool nhrp_requesters_take_next(struct nhrp_requesters *t,
			       uint16_t requester_tunnel,
			       uint32_t *cursor,
			       struct nhrp_requester *r);
/* Up to max of those of a binding are copied into rows; returns how many there are in all. */
unsigned nhrp_requesters_list(const struct nhrp_requesters *t,
			      uint16_t tunnel,
			      const struct dp_addr *binding,
			      struct nhrp_requester *rows,
			      unsigned max);

/* The next binding that somebody was told of, from *cursor on (start with 0), by the one who was
 * told last; noted_ms is when that was first, end_ms when it ends. False: that was the last. */
bool nhrp_requesters_walk(const struct nhrp_requesters *t,
			  uint32_t *cursor,
			  struct nhrp_requester *r,
			  uint64_t *noted_ms,
			  uint64_t *end_ms);

/* Forgets at most max whose time is over; returns how many. */
unsigned nhrp_requesters_tick(struct nhrp_requesters *t, uint64_t now_ms, unsigned max);
/* When there is something to forget next, or DEADLINE_NEVER. */
uint64_t nhrp_requesters_next_ms(const struct nhrp_requesters *t);

struct nhrp_requesters_info {
	uint32_t used, capacity;
	uint64_t full; /* not noted for lack of room: will not be purged */
};
void nhrp_requesters_info_get(const struct nhrp_requesters *t, struct nhrp_requesters_info *info);
