/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Neighbours on ports: (port, address) -> MAC. The kernel resolves (ARP through the twin); what it
 * found is set here. The handle is a number >= 1.
 *
 * Context: control, all of it.
 */
#include "dp.h"
#include "dp_addr.h"

/* Creates the neighbour in state unresolved, or takes another reference. -ENOSPC: limits. */
int dp_neigh_get(uint16_t port, const struct dp_addr *addr, uint32_t *neigh);
/* Drops a reference; the last one removes it. */
void dp_neigh_put(uint32_t neigh);
/* mac == NULL: unresolved again (packets wait a while in a small queue, then drop by name). */
int dp_neigh_set(uint16_t port, const struct dp_addr *addr, const uint8_t mac[6]);

/* Workers ask for the resolution of a neighbour: called once per neighbour and second while packets
 * wait or a connected host is unknown. */
typedef void (*dp_neigh_wanted_fn)(void *ctx, uint16_t port, const struct dp_addr *addr);
void dp_neigh_wanted_handler_set(dp_neigh_wanted_fn fn, void *ctx);

struct dp_neigh_info {
	uint16_t port;
	bool resolved;
	uint8_t mac[6];
	struct dp_addr addr;
};
/* Fills at most `max` rows from handle *cursor on (start with 0); returns how many. */
unsigned dp_neigh_list(uint32_t *cursor, struct dp_neigh_info *rows, unsigned max);
