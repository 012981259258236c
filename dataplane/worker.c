/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: START READING HERE. The main loop of a poll-mode core, and the packet's path as one
 * straight line of stages (dp_line_from_port, line_from_ip).
 *
 * A worker takes no lock and allocates nothing. Its two system calls are here: the idle sleep
 * (`idle: sleep`) and, inside dp_punt_wake, the write that wakes a sleeping control core. It reads
 * tables that the control core writes, and passes a quiescent state once per turn.
 */
#include <errno.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

#include "counters.h"
#include "crypto.h"
#include "defer.h"
#include "dp_priv.h"
#include "mcast.h"
#include "neigh.h"
#include "police.h"
#include "reass.h"
#include "redirect.h"
#include "sa.h"
#include "stages.h"
#include "tunnel.h"

#define IDLE_TURNS_MAX    1000 /* empty turns before the first sleep */
#define IDLE_SLEEP_US     50   /* doubling... */
#define IDLE_SLEEP_MAX_US 500  /* ...to this */

struct dp_worker *dp_workers[DP_WORKERS_MAX];
uint32_t dp_worker_count;

static enum dp_idle idle_mode;
static uint32_t worker_cpus[DP_WORKERS_MAX];
static bool running; /* atomic */

/* The cycles since the last mark belong to this stage. */
static inline void stage_mark(struct dp_worker *w, enum dp_stage stage)
{
	uint64_t now;

	if (likely(w->clock == NULL))
		return;
	now = rte_rdtsc();
	w->clock->cycles[stage] += now - w->clock->last_tsc;
	w->clock->last_tsc = now;
}

/* ---- the packet's path ---- */

void dp_line_out(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	stage_mark(w, DP_STAGE_FORWARD);
	n = stage_gre_out(w, m, n);
	stage_mark(w, DP_STAGE_GRE_OUT);
	if (tunnel_protected_count != 0)
		n = stage_esp_out(w, m, n);
	stage_mark(w, DP_STAGE_ESP_OUT);
	stage_tx(w, m, n);
	stage_mark(w, DP_STAGE_TX);
}

static void line_from_ip(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	n = stage_ip_in(w, m, n);
	stage_mark(w, DP_STAGE_IP_IN);
	n = stage_forward(w, m, n);
	dp_line_out(w, m, n);
}

/* GRE, ESP of it w->esp_n, inner IP. */
static void line_from_outer(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	if (w->esp_n != 0)
		n = stage_esp_in(w, m, n);
	stage_mark(w, DP_STAGE_ESP_IN);
	n = stage_gre_in(w, m, n);
	stage_mark(w, DP_STAGE_GRE_IN);
	line_from_ip(w, m, n);
}

void dp_line_from_reass(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	n = stage_rx_whole(w, m, n);
	line_from_outer(w, m, n);
}

void dp_line_from_handover(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	w->esp_n = n;
	line_from_outer(w, m, n);
}

void dp_line_nhrp(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	n = stage_nhrp_out(w, m, n);
	stage_tx(w, m, n);
}

void dp_line_from_port(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	w->stats.rx_pkts += n;
	n = stage_rx(w, m, n);
	stage_mark(w, DP_STAGE_RX);
	line_from_outer(w, m, n);
	if (unlikely(w->reass_done_n != 0)) {
		/* Outer fragments became packets: behind the others of their burst. */
		n = w->reass_done_n;
		w->reass_done_n = 0;
		dp_line_from_reass(w, w->reass_done, n);
	}
}

/* From the control core: frames of a port's twin, packets of a tunnel's twin, NHRP. */
void dp_line_from_inject(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	struct rte_mbuf *ip[DP_BURST], *nhrp[DP_BURST];
	uint16_t ip_n = 0, nhrp_n = 0;

	w->stats.injected_pkts += n;
	for (uint16_t i = 0; i < n; i++) {
		switch ((enum dp_kind)dp_meta(m[i])->kind) {
		case DP_KIND_FRAME:
			if (unlikely(esp_is_ours(m[i])))
				dp_drop(w, m[i], DP_DROP_ESP_TWIN);
			else
				tx_frame(w, m[i]);
			break;
		case DP_KIND_IP:
		case DP_KIND_GRE: /* never injected; the header checks of the line catch it */
		case DP_KIND_ESP:
			ip[ip_n++] = m[i];
			break;
		case DP_KIND_NHRP:
			nhrp[nhrp_n++] = m[i];
			break;
		}
	}
	line_from_ip(w, ip, ip_n);
	dp_line_nhrp(w, nhrp, nhrp_n);
}

/* An ICMP error. One step deeper when it is about a packet inside the line, and no more: there are
 * no errors about errors. */
void dp_line_from_worker(struct dp_worker *w, struct rte_mbuf *m)
{
	w->stats.generated_pkts++;
	dp_line_out(w, &m, stage_forward(w, &m, 1));
}

/* ---- one turn ---- */

static uint16_t rx_burst(struct dp_worker *w, const struct dp_rxq *q)
{
	struct rte_mbuf *m[DP_BURST];
	uint16_t n = rte_eth_rx_burst(q->dev, q->queue, m, DP_BURST);

	for (uint16_t i = 0; i < n; i++)
		*dp_meta(m[i]) = (struct dp_meta){.kind = DP_KIND_FRAME, .in_port = q->port};
	stage_mark(w, DP_STAGE_PORT_RX);
	if (n > 0)
		dp_line_from_port(w, m, n);
	return n;
}

static uint16_t inject_burst(struct dp_worker *w)
{
	struct rte_mbuf *m[DP_BURST];
	uint16_t n = (uint16_t)rte_ring_sc_dequeue_burst(w->inject, (void **)m, DP_BURST, NULL);

	if (n > 0)
		dp_line_from_inject(w, m, n);
	return n;
}

static void control_wake(const struct dp_worker *w)
{
	if (!rte_ring_empty(w->punt) || !rte_ring_empty(w->nhrp) || !rte_ring_empty(w->redirect) ||
	    !rte_ring_empty(w->wanted) || !rte_ring_empty(w->sa_notes))
		dp_punt_wake();
}

void dp_worker_turn(struct dp_worker *w)
{
	uint32_t n = 0;

	w->now_tsc = rte_rdtsc();
	if (unlikely(w->clock != NULL))
		w->clock->last_tsc = w->now_tsc;
	for (uint32_t i = 0; i < w->rxq_count; i++)
		n += rx_burst(w, &w->rxq[i]);
	n += inject_burst(w);
	n += handover_burst(w);
	if (unlikely(w->neighq_used != 0))
		neigh_queue_run(w);
	if (unlikely(w->mcast_count != 0)) {
		mcast_run(w);
		n++; /* there is work: no sleep before it is done */
	}
	if (unlikely(w->reass_held != 0))
		reass_expire(w);
	tx_flush(w);
	stage_mark(w, DP_STAGE_PORT_TX);
	w->stats.turns++;
	control_wake(w); /* after an idle turn, too: the wait queues may have queued something */
	if (n == 0) {
		w->stats.idle_turns++;
		return;
	}
	w->stats.busy_cycles += rte_rdtsc() - w->now_tsc;
}

/* ---- the loop ---- */

static void idle_sleep(struct dp_worker *w, uint32_t empty_turns)
{
	uint32_t over = (empty_turns - IDLE_TURNS_MAX) / 2;
	uint32_t us =
		over > 3 ? IDLE_SLEEP_MAX_US : RTE_MIN(IDLE_SLEEP_US << over, IDLE_SLEEP_MAX_US);
	struct timespec ts = {.tv_nsec = us * 1000L};

	w->stats.sleeps++;
	rte_rcu_qsbr_thread_offline(dp_qsbr, w->index);
	nanosleep(&ts, NULL);
	rte_rcu_qsbr_thread_online(dp_qsbr, w->index);
}

static int worker_main(void *arg)
{
	struct dp_worker *w = arg;
	uint32_t empty_turns = 0;

	rte_rcu_qsbr_thread_register(dp_qsbr, w->index);
	rte_rcu_qsbr_thread_online(dp_qsbr, w->index);
	while (__atomic_load_n(&running, __ATOMIC_RELAXED)) {
		uint64_t idle_before = w->stats.idle_turns;

		dp_worker_turn(w);
		rte_rcu_qsbr_quiescent(dp_qsbr, w->index);
		empty_turns = w->stats.idle_turns != idle_before ? empty_turns + 1 : 0;
		if (idle_mode == DP_IDLE_SLEEP && empty_turns > IDLE_TURNS_MAX)
			idle_sleep(w, empty_turns);
	}
	rte_rcu_qsbr_thread_offline(dp_qsbr, w->index);
	rte_rcu_qsbr_thread_unregister(dp_qsbr, w->index);
	return 0;
}

/* ---- start and stop: control core ---- */

static void worker_free(struct dp_worker *w)
{
	police_fini(w);
	mcast_fini(w);
	crypto_destroy(w->crypto);
	reass_fini(w);
	redirect_fini(w);
	rte_free(w->spokes);
	rte_free(w);
}

static struct dp_worker *worker_create(uint32_t index, const struct dp_conf *conf)
{
	struct dp_worker *w = rte_zmalloc("worker", sizeof(*w), RTE_CACHE_LINE_SIZE);

	if (w == NULL)
		return NULL;
	w->index = index;
	w->lcore = index + 1; /* dp.c: lcore 0 is the control core */
	w->spokes = rte_zmalloc("spoke counters", counters_rows(&conf->limits) * sizeof(*w->spokes),
				RTE_CACHE_LINE_SIZE);
	w->strangers = w->spokes + conf->limits.spokes + 1;
	w->crypto = crypto_create();
	if (w->crypto == NULL || w->spokes == NULL || redirect_init(w) < 0 || reass_init(w) < 0 ||
	    police_init(w) < 0 || mcast_init(w, &conf->limits) < 0) {
		worker_free(w);
		return NULL;
	}
	return w;
}

int worker_init(const struct dp_conf *conf)
{
	idle_mode = conf->idle;
	for (uint32_t i = 0; i < conf->worker_count; i++) {
		worker_cpus[i] = conf->worker_lcores[i];
		dp_workers[i] = worker_create(i, conf);
		if (dp_workers[i] == NULL)
			return dp_error_set(-ENOMEM, "worker %u: counters of %u spokes", i,
					    conf->limits.spokes);
		dp_worker_count = i + 1;
	}
	return 0;
}

void worker_fini(void)
{
	for (uint32_t i = 0; i < dp_worker_count; i++) {
		worker_free(dp_workers[i]);
		dp_workers[i] = NULL;
	}
	dp_worker_count = 0;
}

int dp_workers_start(void)
{
	int rc = port_queues_assign();

	if (rc < 0)
		return rc;
	__atomic_store_n(&running, true, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < dp_worker_count; i++) {
		dp_workers[i]->start_tsc = rte_rdtsc();
		rc = rte_eal_remote_launch(worker_main, dp_workers[i], dp_workers[i]->lcore);
		if (rc < 0) {
			dp_workers_stop();
			return dp_error_set(rc, "worker %u on CPU %u: launch failed", i,
					    worker_cpus[i]);
		}
	}
	return 0;
}

void dp_workers_stop(void)
{
	__atomic_store_n(&running, false, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < dp_worker_count; i++) {
		rte_eal_wait_lcore(dp_workers[i]->lcore);
		neigh_queue_flush(dp_workers[i]);
		mcast_flush(dp_workers[i]);
		reass_flush(dp_workers[i]);
		handover_flush(dp_workers[i]);
		tx_flush(dp_workers[i]);
	}
}

int dp_worker_info_get(uint32_t worker, struct dp_worker_info *info)
{
	if (worker >= dp_worker_count)
		return -ENOENT;
	info->lcore = worker_cpus[worker];
	info->online = rte_eal_get_lcore_state(dp_workers[worker]->lcore) == RUNNING;
	info->up_cycles = info->online ? rte_rdtsc() - dp_workers[worker]->start_tsc : 0;
	info->stats = dp_workers[worker]->stats;
	return 0;
}

uint64_t dp_worker_token(void)
{
	return rte_rcu_qsbr_start(dp_qsbr);
}

/* As rte_rcu_qsbr_check looks at each thread. */
bool dp_worker_passed(uint32_t worker, uint64_t token)
{
	uint64_t cnt = __atomic_load_n(&dp_qsbr->qsbr_cnt[worker].cnt, __ATOMIC_ACQUIRE);

	return cnt == __RTE_QSBR_CNT_THR_OFFLINE || cnt >= token;
}
