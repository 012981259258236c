/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp_sa.h"

/*
 * Outbound counters by key (invariant 8 of DESIGN): what number a key has come to, while its SA
 * lives and after that. The key itself is not kept, but a keyed hash of it.
 * Context: control, all of it.
 */
struct sa_print {
	uint64_t w[2];
};

/* `sas`: how many live at most; several times as many are remembered, the oldest go first. -ENOMEM.
 */
int sa_counter_init(uint32_t sas);
void sa_counter_fini(void);
/* Bytes per SA of all that. Pure. */
uint64_t sa_counter_bytes(void);

void sa_print_make(struct sa_print *print, const struct dp_sa_conf *conf);
static inline bool sa_print_equal(const struct sa_print *a, const struct sa_print *b)
{
	return a->w[0] == b->w[0] && a->w[1] == b->w[1];
}

/* The SA that has the key now, 0: none; *seq: the last number that is known of it, 0: a new key. */
uint32_t sa_counter_find(const struct sa_print *print, uint64_t *seq);
/* From now on the key is this SA's. */
void sa_counter_take(const struct sa_print *print, uint32_t sa);
/* The SA is gone, and this was its last number. Nothing when the key is another's by now. */
void sa_counter_give(const struct sa_print *print, uint32_t sa, uint64_t seq);
/* Keys forgotten because there was no room. */
uint64_t sa_counter_full(void);

/* SipHash-2-4. Pure. */
uint64_t sa_siphash(const uint64_t key[2], const uint8_t *bytes, size_t len);
