/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover: packets on their way to the home worker of their SA, which alone writes sequence
 * number, window and counters (invariant 3).
 *
 * A ring per pair of workers, one writer, one reader. What waits in a ring is seen by no grace
 * period (its reader may be asleep), so nothing in it is an index that may go: ESP is looked up
 * again, an inner packet names its spoke and the spoke's generation (spoke_nows).
 *
 * A home moves like this: the control core tells the present home, by a ring, to let go of an SA,
 * and that does so between two bursts by one compare-and-swap of `home`, behind all that it wrote.
 * Nobody waits; the SA's slot is not reused while such an order is on its way.
 *
 * Threads: as each function says.
 */
#include <errno.h>

#include <rte_ring_elem.h>

#include "peer.h"
#include "stages.h"

#define WAITING_MAX 2048 /* packets for one worker, over all rings to it */
#define HOMES       4096 /* orders */

struct home_order {
	uint32_t sa;
	uint32_t home;
};

static struct rte_ring *rings[DP_WORKERS_MAX][DP_WORKERS_MAX]; /* [from][to] */
static uint64_t orders_sent[DP_WORKERS_MAX];

static uint32_t ring_size(uint32_t workers)
{
	return workers < 2 ? 0 : rte_align32prevpow2(WAITING_MAX / (workers - 1));
}

uint32_t handover_mbufs(uint32_t workers)
{
	return ring_size(workers) * workers * (workers - 1);
}

/* ---- worker ---- */

/* What names the adjacency in the ring: the spoke in its place, the generation instead of a
 * neighbour. The spoke cannot go before this worker's next quiescent state. */
static void names_put(struct dp_meta *meta)
{
	uint32_t spoke = adjs[meta->adj].spoke;

	dp_meta_adj_check(meta);
	meta->neigh = spoke_now(spoke).generation;
	meta->adj = spoke;
}

static bool names_take(struct dp_meta *meta)
{
	union spoke_now now = spoke_now(meta->adj);

	if (now.generation != meta->neigh || now.adj == 0)
		return false;
	meta->adj = now.adj;
	meta->neigh = 0;
	dp_meta_adj_note(meta);
	return true;
}

bool handover(struct dp_worker *w, struct rte_mbuf *m, uint8_t home)
{
	struct dp_meta *meta = dp_meta(m);
	struct rte_ring *ring;

	/* Since the stage looked, the home has let go, to this worker: by way of another one, which
	 * will hand it back. A packet cannot enter its line again from here. */
	if (unlikely(home == w->index))
		home = (uint8_t)((w->index + 1) % dp_worker_count);
	ring = home < dp_worker_count ? rings[w->index][home] : NULL;
	if (meta->kind == DP_KIND_IP)
		names_put(meta);
	if (unlikely(ring == NULL || rte_ring_sp_enqueue(ring, m) != 0)) {
		dp_drop(w, m, DP_DROP_HANDOVER_FULL);
		return false;
	}
	w->stats.handed_over_pkts++;
	return true;
}

void handover_esp(struct dp_worker *w, struct rte_mbuf *m, uint32_t sa)
{
	if (likely(handover(w, m, sas[sa].home)))
		w->sa_handed[sa]++;
}

/* The rest of the line for packets of one kind. */
static void line_go_on(struct dp_worker *w, struct rte_mbuf **m, uint16_t n, uint8_t kind)
{
	if (n == 0)
		return;
	if (kind == DP_KIND_IP)
		dp_line_out(w, m, n);
	else if (kind == DP_KIND_NHRP)
		dp_line_nhrp(w, m, n);
	else
		dp_line_from_handover(w, m, n);
}

/* In runs of one kind: the order of a flow is kept. */
static void take_up(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint16_t run = 0;
	uint8_t kind = DP_KIND_IP;

	w->stats.taken_over_pkts += n;
	for (uint16_t i = 0; i < n; i++) {
		struct dp_meta *meta = dp_meta(m[i]);

		if (meta->kind != kind) {
			line_go_on(w, m, run, kind);
			run = 0;
			kind = meta->kind;
		}
		if (kind == DP_KIND_IP && unlikely(!names_take(meta)))
			dp_drop(w, m[i], DP_DROP_NO_BINDING);
		else
			m[run++] = m[i];
	}
	line_go_on(w, m, run, kind);
}

static void homes_let_go(struct dp_worker *w)
{
	struct home_order order;

	while (rte_ring_sc_dequeue_elem(w->homes, &order, sizeof(order)) == 0) {
		uint8_t mine = (uint8_t)w->index;

		__atomic_compare_exchange_n(&sas[order.sa].home, &mine, (uint8_t)order.home, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
		__atomic_store_n(&w->homes_done, w->homes_done + 1, __ATOMIC_RELEASE);
	}
}

uint16_t handover_burst(struct dp_worker *w)
{
	struct rte_mbuf *m[DP_BURST];
	uint16_t n, sum = 0;

	if (likely(dp_worker_count == 1))
		return 0;
	if (unlikely(!rte_ring_empty(w->homes)))
		homes_let_go(w);
	for (uint32_t from = 0; from < dp_worker_count; from++) {
		if (from == w->index)
			continue;
		n = (uint16_t)rte_ring_sc_dequeue_burst(rings[from][w->index], (void **)m, DP_BURST,
							NULL);
		if (n > 0)
			take_up(w, m, n);
		sum += n;
	}
	return sum;
}

/* ---- control ---- */

void handover_flush(struct dp_worker *w)
{
	struct rte_mbuf *m;

	homes_let_go(w);
	for (uint32_t from = 0; from < dp_worker_count; from++) {
		struct rte_ring *ring = rings[from][w->index];

		while (ring != NULL && rte_ring_sc_dequeue(ring, (void **)&m) == 0) {
			w->stats.taken_over_pkts++;
			dp_drop(w, m, DP_DROP_SHUTDOWN);
		}
	}
}

static int order_send(uint32_t sa, uint8_t home)
{
	struct home_order order = {.sa = sa, .home = home};
	uint8_t present = __atomic_load_n(&sas[sa].home, __ATOMIC_ACQUIRE);

	if (present == home)
		return 0;
	if (rte_ring_sp_enqueue_elem(dp_workers[present]->homes, &order, sizeof(order)) != 0)
		return -EAGAIN;
	sa_ctls[sa].home_worker = present;
	sa_ctls[sa].home_order = ++orders_sent[present];
	return 0;
}

bool handover_is_pending(uint32_t sa)
{
	const struct sa_ctl *c = &sa_ctls[sa];
	const struct dp_worker *w = dp_workers[c->home_worker];

	return c->home_order != 0 && w != NULL &&
	       __atomic_load_n(&w->homes_done, __ATOMIC_ACQUIRE) < c->home_order;
}

static bool is_moving(const struct peer *p)
{
	const struct sa_ctl *c;

	TAILQ_FOREACH (c, &p->out, of_out)
		if (handover_is_pending(sa_index(c)))
			return true;
	LIST_FOREACH (c, &p->in, of_in)
		if (handover_is_pending(sa_index(c)))
			return true;
	return false;
}

int handover_home_set(uint32_t peer, uint8_t home)
{
	struct peer *p = &peers[peer];
	const struct sa_ctl *c;
	int rc = 0;

	if (home >= dp_worker_count)
		return dp_error_set(-ENOENT, "home: worker %u: no such worker", home);
	if (is_moving(p))
		return dp_error_set(-EAGAIN, "home: the last move is not over");
	TAILQ_FOREACH (c, &p->out, of_out)
		rc |= order_send(sa_index(c), home);
	LIST_FOREACH (c, &p->in, of_in)
		rc |= order_send(sa_index(c), home);
	if (rc < 0) /* what has moved is passed over the next time */
		return dp_error_set(-EAGAIN, "home: too many moves at once");
	p->home = home;
	return 0;
}

static int ring_create(struct rte_ring **ring, const char *what, uint32_t a, uint32_t b, uint32_t n)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s-%u-%u", what, a, b);
	*ring = rte_ring_create_elem(name, sizeof(void *), n, (int)rte_socket_id(),
				     RING_F_SP_ENQ | RING_F_SC_DEQ);
	return *ring == NULL ? dp_error_set(-ENOMEM, "ring %s of %u", name, n) : 0;
}

int handover_init(const struct dp_conf *conf)
{
	uint32_t n = conf->worker_count, size = ring_size(n);
	int rc = 0;

	_Static_assert(sizeof(struct home_order) == sizeof(void *), "one kind of ring");
	memset(orders_sent, 0, sizeof(orders_sent));
	for (uint32_t to = 0; rc == 0 && to < n; to++) {
		rc = ring_create(&dp_workers[to]->homes, "homes", to, 0, HOMES);
		for (uint32_t from = 0; rc == 0 && from < n; from++)
			if (from != to)
				rc = ring_create(&rings[from][to], "handover", from, to, size);
	}
	return rc;
}

void handover_fini(void)
{
	for (uint32_t to = 0; to < dp_worker_count; to++) {
		rte_ring_free(dp_workers[to]->homes);
		dp_workers[to]->homes = NULL;
		for (uint32_t from = 0; from < dp_worker_count; from++) {
			rte_ring_free(rings[from][to]);
			rings[from][to] = NULL;
		}
	}
}
