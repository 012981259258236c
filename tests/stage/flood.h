/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of test_flood share: a hub between two pairs of rings, its worker's own loop on a
 * CPU of its own, and the other CPU for everybody else: those who send, those who receive, and the
 * control core.
 *
 *   flood_net.c    topology, the ends of the rings
 *   flood_kinds.c  what the floods consist of
 *   test_flood.c   what must come out all the same
 */
#include "dataplane/police.h"
#include "stage.h"

#define FLOOD_SPOKES 3 /* 192.0.2.11.., 10.255.0.11.., 10.1.11.0/24.. behind them */
#define FLOOD_RING   16384

enum flood_port { FLOOD_WAN, FLOOD_LAN, FLOOD_PORTS };

struct flood_net {
	struct dp_worker *w;
	uint16_t port[FLOOD_PORTS];
	struct rte_ring *rx[FLOOD_PORTS], *tx[FLOOD_PORTS]; /* as the worker sees them */
	uint16_t tunnel;
	uint64_t sent; /* frames into the rings */
};
extern struct flood_net flood;

/* Starts dataplane and worker; false: there are no two CPUs. */
bool flood_net_start(void);
void flood_net_stop(void);

/* Room for n frames in front of the port. */
bool flood_room(enum flood_port port, unsigned n);
void flood_send(enum flood_port port, const struct stage_packet *frame);
/* What the worker sent, one at a time; NULL: nothing now. The caller's to free. */
struct rte_mbuf *flood_receive(enum flood_port port);

enum flood_vary { FLOOD_VARY_NOTHING, FLOOD_VARY_MAC, FLOOD_VARY_IP };

struct flood_kind {
	const char *name;
	enum flood_port port;
	enum flood_vary vary; /* the source: one, or invented ones */
	enum dp_drop_reason reason;
	enum police_class class; /* POLICE_CLASSES: nothing of it is punted */
	struct stage_packet (*make)(void);
};
extern const struct flood_kind flood_kinds[]; /* ends with name NULL */

/* Another source in the frame. */
void flood_source_invent(struct stage_packet *frame, enum flood_vary vary);
