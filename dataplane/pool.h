/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdint.h>
#include <stdlib.h>

/* Free indices 1..max of a fixed array; 0 is "none" everywhere. Context: control. */
struct index_pool {
	uint32_t max;
	uint32_t used;
	uint32_t *free; /* stack */
};

static inline int index_pool_init(struct index_pool *p, uint32_t max)
{
	p->max = max;
	p->used = 0;
	p->free = malloc(max * sizeof(*p->free));
	if (p->free == NULL)
		return -1;
	for (uint32_t i = 0; i < max; i++)
		p->free[i] = max - i; /* lowest first */
	return 0;
}

static inline void index_pool_fini(struct index_pool *p)
{
	free(p->free);
	p->free = NULL;
}

/* 0 when all are in use. */
static inline uint32_t index_pool_get(struct index_pool *p)
{
	if (p->used == p->max)
		return 0;
	return p->free[p->max - ++p->used];
}

static inline void index_pool_put(struct index_pool *p, uint32_t index)
{
	p->free[p->max - p->used--] = index;
}
