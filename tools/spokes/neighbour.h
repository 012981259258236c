/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ARP for all spokes: finds the MACs of the hubs (or of the gateway to them), answers for every
 * address that the spokes have on the link.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

struct link;

struct neighbour {
	const struct options *opt;
	struct link *link;
	bool known; /* one at least */
	bool known_hubs[OPTIONS_HUBS_MAX];
	uint8_t macs[OPTIONS_HUBS_MAX][6]; /* by hub */
	uint64_t next_query_ns;
	uint64_t answered; /* requests of others */
	uint64_t queries;
};

void neighbour_init(struct neighbour *n, const struct options *opt, struct link *link);
/* An ARP frame. */
void neighbour_receive(struct neighbour *n, const uint8_t *frame, size_t len);
/* Asks when it is time to: five times a second until all are known, then every 30 s. */
void neighbour_poll(struct neighbour *n, uint64_t now_ns);
