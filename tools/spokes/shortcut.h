/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shortcuts of the spokes: what a spoke has asked for after a traffic indication, and the way that
 * it was told. A few per spoke, looked through one by one. Pure: no I/O, the caller has the clock.
 * Addresses are in host order.
 */
#include <stdbool.h>
#include <stdint.h>

#define SHORTCUTS_MAX 16 /* of one spoke */

struct shortcut {
	uint32_t prefix; /* host bits zero; while it is asked for, the address asked for */
	uint8_t len;     /* bits; 0: free */
	bool ready;
	uint32_t nbma; /* the way */
	uint32_t request_id;
	uint64_t asked_ns;
	uint64_t valid_until_ns;
};

struct shortcuts_counters {
	uint64_t made;
	uint64_t expired;
	uint64_t purged;
	uint64_t full; /* not asked for: the spoke has SHORTCUTS_MAX */
};

struct shortcuts {
	struct shortcut *v; /* [count * SHORTCUTS_MAX]; owned; NULL: off */
	uint32_t count;
	uint32_t ready;
	struct shortcuts_counters counters;
};

/* Off when `on` is false: nothing is found, nothing may be asked. -ENOMEM. */
int shortcuts_init(struct shortcuts *sc, uint32_t count, bool on);
void shortcuts_free(struct shortcuts *sc);

/* The way of spoke i to `dst`; 0: none. */
uint32_t shortcut_way(struct shortcuts *sc, uint32_t i, uint32_t dst, uint64_t now_ns);
/* A traffic indication came: what to ask for now, with a request id when it was asked before; NULL
 * when there is a way, when the last request is younger than two seconds, or no room. */
struct shortcut *shortcut_ask(struct shortcuts *sc, uint32_t i, uint32_t dst, uint64_t now_ns);
/* The answer to a request: found by its id, NULL when nobody waits for it. */
struct shortcut *shortcut_asked(struct shortcuts *sc, uint32_t i, uint32_t request_id);
/* nbma leads to the prefix of this length around what was asked for. */
void shortcut_make(struct shortcuts *sc,
		   struct shortcut *s,
		   uint8_t len,
		   uint32_t nbma,
		   uint16_t hold_s,
		   uint64_t now_ns);
void shortcut_forget(struct shortcuts *sc, struct shortcut *s);
/* Forgets the ways into this prefix; returns how many. */
unsigned shortcut_purge(struct shortcuts *sc, uint32_t i, uint32_t prefix, uint8_t len);
