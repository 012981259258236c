/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the kernel said of the IPv4 neighbours on our ports, beside what the dataplane needs (their
 * MAC address): who wants renewal. Fixed capacity; what finds no room is not renewed.
 *
 * Context: control, all of it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dp_addr.h"

struct neigh_note {
	uint32_t ip_be;
	uint16_t port;
	uint8_t round; /* of the look at the spokes that met it as their underlay next hop; 0: never
			*/
	bool used;     /* a spoke sends there: since it was renewed last */
	bool stale;    /* the kernel has not heard of it for a while */
	/* private to neighs.c */
	bool listed;
	uint32_t next;
};

struct neighs;

/* NULL: no memory. */
struct neighs *neighs_new(uint32_t capacity);
void neighs_free(struct neighs *n);
/* NULL: not there. Valid until it is removed. */
struct neigh_note *neighs_find(struct neighs *n, uint16_t port, const struct dp_addr *addr);
/* Finds or makes; NULL: full, or not IPv4. */
struct neigh_note *neighs_get(struct neighs *n, uint16_t port, const struct dp_addr *addr);
void neighs_remove(struct neighs *n, struct neigh_note *note);
/* The next one from *cursor on (start with 0); NULL at the end, and it starts over. */
struct neigh_note *neighs_next(struct neighs *n, uint32_t *cursor);
