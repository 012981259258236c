/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Which pairs of addresses had their redirect and must not get another yet: exact, where the
 * workers' filter (dataplane/redirect.c) only lowers the rate.
 *
 * Context: control, all of it. Times are milliseconds of one monotonic clock.
 */
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/dp_addr.h"

struct nhrp_holdoffs;

/* A pair has one direction, and the spoke that it came from. No padding: hashed and compared. */
struct nhrp_holdoff_key {
	uint32_t spoke; /* the dataplane's handle */
	uint16_t tunnel;
	uint16_t zero;
	struct dp_addr src, dst;
};
_Static_assert(sizeof(struct nhrp_holdoff_key) == 48, "compared as bytes: no padding");

/* NULL: no memory. */
struct nhrp_holdoffs *nhrp_holdoffs_new(uint32_t capacity);
void nhrp_holdoffs_free(struct nhrp_holdoffs *t);

/* It had its redirect, less than a hold-off ago. */
bool nhrp_holdoff_is_on(const struct nhrp_holdoffs *t,
			const struct nhrp_holdoff_key *key,
			uint64_t now_ms);
/* It has it now. -ENOSPC: full of pairs that are on, counted. */
int nhrp_holdoff_begin(struct nhrp_holdoffs *t,
		       const struct nhrp_holdoff_key *key,
		       uint64_t now_ms,
		       uint32_t hold_ms);

struct nhrp_holdoffs_info {
	uint32_t used, capacity; /* used: those whose time is over are in it until their room is
				    needed */
	uint64_t full;
};
void nhrp_holdoffs_info_get(const struct nhrp_holdoffs *t, struct nhrp_holdoffs_info *info);
