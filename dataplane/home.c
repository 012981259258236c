/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home: whose inbound ESP comes in on other workers than its home (invariant 3); who moves is the
 * control core's policy.
 *
 * Each worker counts what it hands over, by SA, in an array of its own, on the hand-over path only.
 * The control core keeps what it has seen of these, so that a look is a walk over arrays in order;
 * SAs and peers are touched only where enough was handed over. A slot that another SA gets in
 * between carries some old hand-overs into one look; the SA's own packets, which begin from 0, are
 * what the policy measures them by.
 *
 * Not counted: inner packets on their way out. They come in where RSS puts their flows, all over
 * the workers; no home is right for them.
 *
 * Threads: the array of a worker is written by that worker; all functions: control core.
 */
#include <errno.h>

#include <rte_malloc.h>

#include "peer.h"

static uint32_t *seen[DP_WORKERS_MAX]; /* [limits.sas + 1], of the workers' sa_handed */

int home_init(const struct dp_conf *conf)
{
	size_t n = (size_t)conf->limits.sas + 1;

	for (uint32_t i = 0; i < dp_worker_count; i++) {
		struct dp_worker *w = dp_workers[i];

		w->sa_handed = rte_zmalloc("hand-overs by SA", n * sizeof(*w->sa_handed),
					   RTE_CACHE_LINE_SIZE);
		seen[i] = calloc(n, sizeof(*seen[i]));
		if (w->sa_handed == NULL || seen[i] == NULL)
			return dp_error_set(-ENOMEM, "worker %u: hand-overs by SA", i);
	}
	return 0;
}

void home_fini(void)
{
	for (uint32_t i = 0; i < dp_worker_count; i++) {
		rte_free(dp_workers[i]->sa_handed);
		free(seen[i]);
		dp_workers[i]->sa_handed = NULL;
		seen[i] = NULL;
	}
}

/* What each worker has handed over for the SA since the last look; returns the sum. */
static uint64_t handed_take(uint32_t sa, uint32_t handed[DP_WORKERS_MAX])
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < dp_worker_count; i++) {
		uint32_t now = __atomic_load_n(&dp_workers[i]->sa_handed[sa], __ATOMIC_RELAXED);

		handed[i] = now - seen[i][sa];
		seen[i][sa] = now;
		sum += handed[i];
	}
	return sum;
}

static void row_add(struct dp_sa_home *row, uint32_t sa, const uint32_t handed[DP_WORKERS_MAX])
{
	uint64_t pkts = sas[sa].pkts;

	row->pkts += pkts - sa_ctls[sa].pkts_seen;
	sa_ctls[sa].pkts_seen = pkts;
	for (uint32_t i = 0; i < dp_worker_count; i++)
		row->handed_pkts[i] += handed[i];
}

/* `handed` was taken of `first`, the others' is taken here. */
static void row_fill(struct dp_sa_home *row, uint32_t first, const uint32_t handed[DP_WORKERS_MAX])
{
	uint32_t peer = sa_ctls[first].peer;
	const struct peer *p = &peers[peer];
	uint32_t more[DP_WORKERS_MAX];
	const struct sa_ctl *c;

	*row = (struct dp_sa_home){
		.peer = peer,
		.local = dp_addr_ip4(p->local_be),
		.remote = dp_addr_ip4(p->remote_be),
		.natt_port = p->natt_port,
		.home = p->home,
	};
	row_add(row, first, handed);
	LIST_FOREACH (c, &p->in, of_in) {
		if (sa_index(c) == first)
			continue;
		handed_take(sa_index(c), more);
		row_add(row, sa_index(c), more);
	}
}

unsigned dp_sa_home_look(uint32_t *cursor, uint32_t min_pkts, struct dp_sa_home *rows, unsigned max)
{
	uint32_t handed[DP_WORKERS_MAX], i = *cursor + 1;
	unsigned n = 0;

	if (dp_worker_count < 2)
		return 0;
	for (; i <= sa_max && n < max; i++)
		if (handed_take(i, handed) >= min_pkts && sa_is_live(i) && !sa_is_out(i))
			row_fill(&rows[n++], i, handed);
	*cursor = i - 1;
	return n;
}

int dp_sa_home_set(const struct dp_sa_home *row, uint32_t worker)
{
	uint32_t peer = peer_find(row->local.ip4_be, row->remote.ip4_be, row->natt_port);

	if (peer == 0)
		return dp_error_set(-ENOENT, "home: no such peer");
	if (worker >= dp_worker_count)
		return dp_error_set(-ENOENT, "home: worker %u: no such worker", worker);
	return handover_home_set(peer, (uint8_t)worker);
}
