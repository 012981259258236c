/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Spokes as the control core sees them: (tunnel, peer), with peer = (local address, NBMA address,
 * NAT-T port); the local address is the tunnel's source. A spoke owns its dataplane spoke
 * (adjacency, counters) and lives as long as somebody refers to it: each NHRP binding does.
 *
 * The state is derived, worst condition first: INTF the tunnel is down, NHRP no binding, UP.
 * Each transition is an event with its reason.
 *
 * Context: control, all of it. Times are milliseconds of one monotonic clock.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "control/budget.h"
#include "control/rate.h"
#include "dataplane/dp_spoke.h"

#define SPOKE_STATE_LIST(X)                            \
	X(INTF, "INTF", "the tunnel is down")          \
	X(NHRP, "NHRP", "no NHRP binding points here") \
	X(UP, "UP", "registered, or statically mapped")

enum spoke_state {
#define X(id, name, help) SPOKE_##id,
	SPOKE_STATE_LIST(X)
#undef X
};

struct nhrp_binding;
LIST_HEAD(nhrp_binding_list, nhrp_binding);

struct spoke {
	struct dp_spoke_key key;
	uint32_t dp; /* handle of the dataplane's spoke, owned */
	uint32_t refs;
	enum spoke_state state;
	uint64_t created_ms;
	uint64_t since_ms;                 /* of the state */
	uint64_t used_ms;                  /* when it was seen to be sent to, 0: never */
	const char *reason;                /* of the state; a literal */
	struct nhrp_binding_list bindings; /* of nhrp_cache.c */
	uint32_t binding_count;
	uint32_t multicast_count;  /* of them, that get the groups of registered spokes */
	uint32_t multicast_maps;   /* of them, static ones that get all */
	uint32_t multicast_static; /* groups by the multicast map: bits of dp_mcast.h */
	uint32_t multicast_told;   /* to the dataplane */
	struct rate errors;        /* error indications sent to it */
	struct budget redirects;   /* traffic indications sent to it */
	uint32_t forwards;         /* its requests that nhrp_pending.c remembers */
	/* private to spoke.c */
	LIST_ENTRY(spoke) bucket;
	LIST_ENTRY(spoke) list; /* free or dying */
	bool used;
};

struct spoke_ops {
	void *ctx;
	/* A spoke has come: find its underlay neighbour and call dp_spoke_neigh_set. May be NULL.
	 */
	void (*underlay_bind)(void *ctx, const struct spoke *spoke);
};

struct spoke_table;

/* Fixed capacities (dp_limits.spokes, .tunnels). NULL: no memory. */
struct spoke_table *spoke_table_new(uint32_t capacity,
				    uint32_t tunnels,
				    const struct spoke_ops *ops);
/* Memory only: the dataplane's spokes go with dp_stop. */
void spoke_table_free(struct spoke_table *t);

/* Names a tunnel (for events) and says that it is up. -ERANGE. */
int spoke_tunnel_add(struct spoke_table *t, uint16_t tunnel, const char *name);
/* Its name, or "tunnel-3". Valid as long as the tunnel, or until the next call. */
const char *spoke_tunnel_name(const struct spoke_table *t, uint16_t tunnel);
/* The tunnel went up or down: its spokes' states follow. reason is a literal. */
void spoke_tunnel_state_set(
	struct spoke_table *t, uint16_t tunnel, bool up, const char *reason, uint64_t now_ms);

/* Takes a reference; creates the spoke if there is none. -ENOSPC: table full here or in the
 * dataplane (counted here), or what dp_spoke_add says. */
int spoke_get(struct spoke_table *t,
	      const struct dp_spoke_key *key,
	      uint64_t now_ms,
	      struct spoke **spoke);
/* Drops a reference; the last one removes the spoke, in the dataplane too. */
void spoke_put(struct spoke_table *t, struct spoke *s, const char *reason, uint64_t now_ms);
/* NULL when there is none. O(1). */
struct spoke *spoke_find(const struct spoke_table *t, const struct dp_spoke_key *key);
/* By the dataplane's handle. NULL when there is none. O(1). */
struct spoke *spoke_find_dp(const struct spoke_table *t, uint32_t dp);
/* Another spoke of its tunnel has the same NBMA address, with another port: both are behind one
 * NAT. */
bool spoke_shares_address(const struct spoke_table *t, const struct spoke *s);

/* Looks at binding_count and the tunnel again; an event if the state changes. */
void spoke_state_update(struct spoke_table *t,
			struct spoke *s,
			const char *reason,
			uint64_t now_ms);
/* Packets were forwarded to it since this was told last. O(1). */
void spoke_used_note(struct spoke_table *t, const struct dp_spoke_key *key, uint64_t now_ms);
const char *spoke_state_name(enum spoke_state state);

/* The groups of registered spokes of a tunnel (bits of dp_mcast.h); before it has spokes. */
void spoke_tunnel_multicast_set(struct spoke_table *t, uint16_t tunnel, uint32_t groups);
/* Looks at the multicast_* of the spoke again and tells the dataplane what is new. */
void spoke_multicast_update(struct spoke_table *t, struct spoke *s);
/* The peer (local address, remote address, NAT-T port) is elsewhere now, in the dataplane already:
 * its spokes are found by the new address, all else stays. O(tunnels). */
void spoke_peer_move(struct spoke_table *t,
		     const struct dp_addr *remote,
		     uint16_t natt_port,
		     const struct dp_addr *to,
		     uint16_t to_port);

/* Retries removals that the dataplane refused for the moment; true while some are left (call
 * again in a second). */
bool spoke_table_tick(struct spoke_table *t);

struct spoke_info {
	struct dp_spoke_key key;
	uint32_t dp;
	enum spoke_state state;
	uint64_t created_ms;
	uint64_t since_ms;
	const char *reason;
	uint32_t binding_count;
};
/* Fills at most max rows from *cursor on (start with 0); returns how many, 0 at the end. */
unsigned spoke_list(const struct spoke_table *t,
		    uint32_t *cursor,
		    struct spoke_info *rows,
		    unsigned max);

struct spoke_table_info {
	uint32_t spokes, capacity;
	uint32_t dying; /* waiting for the dataplane to let go */
	uint64_t full;  /* spokes refused for lack of room */
};
void spoke_table_info_get(const struct spoke_table *t, struct spoke_table_info *info);
