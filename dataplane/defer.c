/* SPDX-License-Identifier: Apache-2.0 */
/*
 * defer: one FIFO of {token, free function, object} over rte_rcu_qsbr_start/check.
 *
 * The control core takes an object out of every table first and defers its free here; tokens grow
 * with the FIFO, so only its head is ever checked. Objects are indices into pools, not pointers:
 * what a worker may hold is an index, and a pool slot may be used again exactly when its index is
 * freed. Full means that a worker does not come round: callers refuse the change (defer_room).
 * Thread: control core only. rte_rcu_qsbr_dq would do this, but is experimental in 22.11.
 */
#include "defer.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include "dp_priv.h"

#define DEFER_MAX     65536 /* power of two */
#define DEFER_RESERVE 1024  /* for what a free defers in its turn */

struct entry {
	uint64_t token;
	defer_free_fn free_fn;
	uint32_t object;
};

static struct {
	struct entry *fifo;
	uint32_t head, tail; /* free running */
	uint64_t full;
} defer;

struct rte_rcu_qsbr *dp_qsbr;

int defer_init(const struct dp_conf *conf)
{
	size_t bytes = rte_rcu_qsbr_get_memsize(DP_WORKERS_MAX);

	(void)conf;
	defer.fifo = calloc(DEFER_MAX, sizeof(*defer.fifo));
	dp_qsbr = rte_zmalloc("qsbr", bytes, RTE_CACHE_LINE_SIZE);
	if (defer.fifo == NULL || dp_qsbr == NULL)
		return dp_error_set(-ENOMEM, "defer queue of %u objects", DEFER_MAX);
	defer.head = defer.tail = 0;
	defer.full = 0;
	return -rte_rcu_qsbr_init(dp_qsbr, DP_WORKERS_MAX);
}

void defer_fini(void)
{
	/* Workers are gone: everything is due. */
	defer_poll();
	rte_free(dp_qsbr);
	free(defer.fifo);
	dp_qsbr = NULL;
	defer.fifo = NULL;
}

bool defer_room(uint32_t n)
{
	if (defer.tail - defer.head + n <= DEFER_MAX - DEFER_RESERVE)
		return true;
	defer_poll();
	if (defer.tail - defer.head + n <= DEFER_MAX - DEFER_RESERVE)
		return true;
	defer.full++;
	return false;
}

void defer_free(defer_free_fn free_fn, uint32_t object)
{
	struct entry *e = &defer.fifo[defer.tail % DEFER_MAX];

	e->token = rte_rcu_qsbr_start(dp_qsbr);
	e->free_fn = free_fn;
	e->object = object;
	defer.tail++;
}

void defer_poll(void)
{
	while (defer.head != defer.tail) {
		struct entry e = defer.fifo[defer.head % DEFER_MAX];

		if (rte_rcu_qsbr_check(dp_qsbr, e.token, false) != 1)
			return;
		defer.head++; /* first: freeing a group defers its members */
		e.free_fn(e.object);
	}
}

uint64_t defer_token(void)
{
	return rte_rcu_qsbr_start(dp_qsbr);
}

int defer_wait(uint64_t token, unsigned timeout_ms)
{
	uint64_t deadline = rte_rdtsc() + rte_get_tsc_hz() / 1000 * timeout_ms;

	while (rte_rcu_qsbr_check(dp_qsbr, token, false) != 1) {
		if (rte_rdtsc() > deadline)
			return -EAGAIN;
		rte_pause();
	}
	return 0;
}

uint64_t defer_pending(void)
{
	return defer.tail - defer.head;
}

uint64_t defer_full_count(void)
{
	return defer.full;
}
