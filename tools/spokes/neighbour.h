/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ARP for all spokes: finds the MAC of the hub (or of the gateway to it), answers for every
 * address that the spokes have on the link.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;
struct options;

struct neighbour {
	const struct options *opt;
	struct link *link;
	bool known;
	uint8_t mac[6];
	uint64_t next_query_ns;
	uint64_t answered; /* requests of others */
	uint64_t queries;
};

void neighbour_init(struct neighbour *n, const struct options *opt, struct link *link);
/* An ARP frame. */
void neighbour_receive(struct neighbour *n, const uint8_t *frame, size_t len);
/* Asks when it is time to: five times a second until known, then every 30 s. */
void neighbour_poll(struct neighbour *n, uint64_t now_ns);
