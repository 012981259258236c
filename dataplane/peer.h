/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <sys/queue.h>

#include "sa_priv.h"
#include "spoke.h"

/*
 * (local address, remote address, NAT-T port): owns its SAs, their home worker and the path MTU;
 * spokes of any number of tunnels hang on it. It exists while it has one or the other. Workers do
 * not see it. Context: control, all of it.
 */
struct peer_spoke {
	LIST_ENTRY(peer_spoke) of_peer;
	uint32_t peer;
};

struct peer {
	rte_be32_t local_be, remote_be;
	uint16_t natt_port; /* host order */
	uint16_t mtu;       /* of the path, 0: not known */
	uint8_t home;       /* worker */
	bool late;          /* its adjacencies could not be renewed yet */
	uint32_t spoke_count;
	uint64_t mtu_tsc;               /* when mtu was told */
	uint64_t moved_tsc, wanted_tsc; /* last events */
	TAILQ_HEAD(, sa_ctl) out;       /* newest first */
	LIST_HEAD(, sa_ctl) in;
	LIST_HEAD(, peer_spoke) spokes;
	TAILQ_ENTRY(peer) of_late;
};

extern struct peer *peers; /* [limits.spokes + limits.sas + 1] */

int peer_init(const struct dp_conf *conf);
void peer_fini(void);

/* 0: none. */
uint32_t peer_find(rte_be32_t local_be, rte_be32_t remote_be, uint16_t natt_port);
/* Of there is none, makes one, that goes with peer_put unless something was hung on it. 0: full. */
uint32_t peer_get(rte_be32_t local_be, rte_be32_t remote_be, uint16_t natt_port);
void peer_put(uint32_t peer);

/* The SA that sends for tunnels of this profile; 0: none. */
uint32_t peer_sender(const struct peer *p, uint32_t profile);
/* Room to renew the adjacencies of all its spokes. */
bool peer_room(const struct peer *p);
/* Its SAs, its address or its path MTU have changed: renews the adjacencies; what finds no room
 * is renewed later. */
void peer_refresh(struct peer *p);

/* A spoke comes and goes: -ENOSPC. */
int peer_spoke_add(uint32_t spoke,
		   const struct dp_addr *local,
		   const struct dp_addr *nbma,
		   uint16_t natt_port);
void peer_spoke_del(uint32_t spoke);
/* What its spoke's peer adds to an adjacency: SA, UDP header, MTU. */
void peer_adj_fill(struct adj *adj);

/* What is late, path MTUs that are too old; once per turn of the control loop. */
void peer_poll(uint64_t now_tsc);
