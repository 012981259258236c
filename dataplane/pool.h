/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>
#include <stdlib.h>

#include "live.h"

/* Free indices 1..max of a fixed array; 0 is "none" everywhere. Context: control. */
struct index_pool {
	enum live_kind kind;
	uint32_t max;
	uint32_t used;
	uint32_t *free; /* stack */
};

static inline int index_pool_init(struct index_pool *p, enum live_kind kind, uint32_t max)
{
	p->kind = kind;
	p->max = max;
	p->used = 0;
	p->free = malloc(max * sizeof(*p->free));
	if (p->free == NULL || live_init(kind, max) < 0)
		return -1;
	for (uint32_t i = 0; i < max; i++)
		p->free[i] = max - i; /* lowest first */
	return 0;
}

static inline void index_pool_fini(struct index_pool *p)
{
	live_fini(p->kind);
	free(p->free);
	p->free = NULL;
}

/* 0 when all are in use. */
static inline uint32_t index_pool_get(struct index_pool *p)
{
	uint32_t index;

	if (p->used == p->max)
		return 0;
	index = p->free[p->max - ++p->used];
	live_born(p->kind, index);
	return index;
}

static inline void index_pool_put(struct index_pool *p, uint32_t index)
{
	live_died(p->kind, index);
	p->free[p->max - p->used--] = index;
}
