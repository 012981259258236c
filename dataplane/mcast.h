/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Multicast members of tunnels, and the groups: written by the control core (mcast_members.c),
 * read by the workers (mcast.c).
 */
#include <rte_byteorder.h>

#include "dp_mcast.h"
#include "dp_priv.h"

/* Prefix of groups, network order. */
struct mcast_prefix {
	rte_be32_t addr_be;
	rte_be32_t mask_be;
};

/*
 * Members of a tunnel stand in slots that they keep: a job that goes through them over many turns
 * meets each of them once, whoever comes or goes meanwhile. A slot that became free is the next
 * one's.
 */
struct mcast_tunnel {
	uint64_t *slots;      /* [limits.spokes], atomic: groups << 32 | adjacency; 0: free */
	uint32_t end;         /* atomic: one beyond the last slot in use */
	uint32_t born;        /* atomic: another number for each tunnel that has had this handle */
	uint32_t group_count; /* atomic */
	struct mcast_prefix groups[DP_MCAST_GROUPS_MAX];
	/* control core only */
	uint32_t hint; /* no free slot is below it */
	uint32_t members;
};

/* What is accepted from LAN ports. Written whole while `tunnel` is 0, which nobody reads then. */
struct mcast_lan {
	struct mcast_prefix group;
	uint32_t tunnel;  /* atomic: its handle + 1; 0: free */
	uint32_t leaving; /* control core: free after a grace period */
};

extern struct mcast_tunnel *mcast_tunnels; /* [limits.tunnels] */
extern struct mcast_lan mcast_lans[DP_MCAST_LAN_MAX];
extern uint32_t mcast_lan_end; /* atomic: one beyond the last row in use */

static inline bool mcast_prefix_has(const struct mcast_prefix *p, rte_be32_t addr)
{
	return (addr & p->mask_be) == p->addr_be;
}

static inline uint64_t mcast_slot(uint32_t groups, uint32_t adj)
{
	return (uint64_t)groups << 32 | adj;
}

int mcast_members_init(const struct dp_conf *conf);
void mcast_members_fini(void);
/* A tunnel has come: no members, group 0 only; its counters begin at 0. Context: control. */
void mcast_tunnel_start(uint16_t tunnel);
/* It is going: nothing from LAN ports goes there any more. Context: control. */
void mcast_tunnel_end(uint16_t tunnel);
/*
 * Enters, changes or (adj or groups 0) removes a member. *slot is its place plus 1, 0: none; the
 * spoke keeps it. Cannot fail: a tunnel has a place for every spoke. Context: control.
 */
void mcast_member_set(uint16_t tunnel, uint32_t *slot, uint32_t adj, uint32_t groups);

/* mcast.c: what a worker keeps per tunnel. Context: control. */
int mcast_init(struct dp_worker *w, const struct dp_limits *limits);
void mcast_fini(struct dp_worker *w);
void mcast_counters_reset(struct dp_worker *w, uint16_t tunnel);
void mcast_counters_add(const struct dp_worker *w, uint16_t tunnel, struct dp_mcast_counters *sum);
/* Bytes of that, and how many packets all of a worker's jobs hold at most; for plan.c. */
size_t mcast_worker_bytes(const struct dp_limits *limits);
uint32_t mcast_jobs_max(const struct dp_limits *limits);
