/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The client role of a hub under other hubs: its registrations at its next-hop servers (NHS), RFC
 * 2332 sections 5.2.3 and 5.2.4. What it asks them is in nhrp_ask.h.
 *
 * Context: control, all of it. Times are milliseconds of one monotonic clock.
 */
#include <stdbool.h>
#include <stdint.h>

#include "control/config.h"
#include "dataplane/dp_spoke.h"

struct nhrp_server;
struct nhrp_clients;

#define NHRP_NHS_MAX 256 /* over all tunnels */

/* Words of `show dmvpn`. */
#define NHRP_NHS_STATE_LIST(X)                                        \
	X(WAITING, "waiting", "one with a better priority is in use") \
	X(EXPECTING, "expecting", "registrations are not answered")   \
	X(RESPONDING, "responding", "the last registration was taken")

enum nhrp_nhs_state {
#define X(id, name, help) NHRP_NHS_##id,
	NHRP_NHS_STATE_LIST(X)
#undef X
};
const char *nhrp_nhs_state_name(enum nhrp_nhs_state state);

struct nhrp_nhs_info {
	uint16_t tunnel;
	struct config_nhs conf;
	struct dp_addr protocol; /* as configured or learned, else unset */
	struct dp_addr
		observed; /* our NBMA address as it sees it, when that is another; else unset */
	enum nhrp_nhs_state state;
	uint64_t since_ms; /* of the state */
	uint64_t next_ms;  /* next registration, DEADLINE_NEVER: none */
	uint64_t sent, answered, refused;
	uint8_t code;    /* of the last refusal */
	unsigned misses; /* registrations without an answer, in a row */
};

/* NULL: no memory. */
struct nhrp_clients *nhrp_clients_new(struct nhrp_server *srv);
void nhrp_clients_free(struct nhrp_clients *c);

/* The server serves the tunnel already; the NHSs of it are from now on registered at. -ENOSPC:
 * NHRP_NHS_MAX, or what nhrp_cache_set says of an NHS's own entry. */
int nhrp_clients_tunnel_add(struct nhrp_clients *c, uint16_t tunnel, uint64_t now_ms);
void nhrp_clients_tunnel_del(struct nhrp_clients *c, uint16_t tunnel);

/* Does at most max things that are due; returns how many. */
unsigned nhrp_clients_tick(struct nhrp_clients *c, uint64_t now_ms, unsigned max);
uint64_t nhrp_clients_next_ms(const struct nhrp_clients *c);

/* An NHS of this tunnel is at this NBMA address. */
bool nhrp_clients_is_nhs(const struct nhrp_clients *c, uint16_t tunnel, const struct dp_addr *nbma);
/* The best NHS that responds, of this tunnel or else of another one of its network-id: false when
 * there is none. */
bool nhrp_clients_upstream(const struct nhrp_clients *c,
			   uint16_t tunnel,
			   struct dp_spoke_key *key,
			   struct dp_addr *protocol);
/* The others too: the nth of those that respond, the best ones first; beyond the last one it begins
 * anew. How many there are. */
bool nhrp_clients_upstream_nth(const struct nhrp_clients *c,
			       uint16_t tunnel,
			       unsigned nth,
			       struct dp_spoke_key *key,
			       struct dp_addr *protocol);
unsigned nhrp_clients_responding(const struct nhrp_clients *c, uint16_t tunnel);

/* Fills at most max rows from *cursor on (start with 0); returns how many, 0 at the end. */
unsigned nhrp_clients_list(const struct nhrp_clients *c,
			   uint32_t *cursor,
			   struct nhrp_nhs_info *rows,
			   unsigned max);
