/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mcast: a packet to a group, or to broadcast, goes to every spoke of a tunnel that is a member
 * (`map multicast`), as deep copies: encryption is in place. It is the kernel's, from the tunnel's
 * twin, or comes in by a LAN port and its group is configured; the latter is forwarded, hence its
 * TTL is less by one. One that is longer than the way out is cut, or dies by DF; nobody is told
 * (RFC 1812 section 4.3.2.7).
 *
 * A packet becomes a job, at most 16 of one tunnel and 1,024 in all; one more is dropped by name.
 * Each turn makes at most 64 copies and looks at 1,024 members at most, so that 10,000 copies never
 * stall the line; jobs of several tunnels take turns. The buffers that jobs hold are in
 * the plan (plan.c), what copies pass through is there anyway: there is a buffer for each. While
 * the queue of an underlay port is more than half full jobs wait: copies do not push out packets
 * that are forwarded.
 *
 * The original is held while its job lasts, then absorbed, or dropped by name when nobody wanted
 * it. Thread: worker; mcast_init, mcast_fini, mcast_counters_*: control. Not done: groups from
 * spokes (RFC 4601 and the like).
 */
#include "mcast.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>

#include "frag.h"
#include "spoke.h"
#include "stages.h"
#include "wire.h"

#define COPIES_PER_TURN 64
#define LOOKS_PER_TURN  1024
#define BUSY_WAIT_MS    100 /* a port that sends nothing cannot hold up the others for longer */

struct job {
	struct rte_mbuf *m;
	uint32_t next; /* slot to look at next */
	uint32_t groups;
	uint32_t born; /* of the tunnel */
	uint32_t copies;
};

struct queue {
	struct job jobs[DP_MCAST_JOBS]; /* ring */
	uint32_t head, count;
	struct dp_mcast_counters counters;
};

struct mcast {
	struct queue *queues; /* [limits.tunnels] */
	uint16_t *active;     /* [limits.tunnels], ring: tunnels with jobs */
	uint32_t active_head, active_count;
	uint32_t tunnels_max, jobs_max;
	uint32_t copies_left, looks_left; /* in this turn */
	uint64_t busy_tsc;                /* a port has been busy since; 0: none is */
};

/* ---- state of a worker ---- */

uint32_t mcast_jobs_max(const struct dp_limits *limits)
{
	return RTE_MIN(limits->tunnels * DP_MCAST_JOBS, (uint32_t)DP_MCAST_WORKER_JOBS);
}

size_t mcast_worker_bytes(const struct dp_limits *limits)
{
	return sizeof(struct mcast) + limits->tunnels * (sizeof(struct queue) + sizeof(uint16_t));
}

static void budget_renew(struct mcast *mc)
{
	mc->copies_left = COPIES_PER_TURN;
	mc->looks_left = LOOKS_PER_TURN;
}

int mcast_init(struct dp_worker *w, const struct dp_limits *limits)
{
	struct mcast *mc = rte_zmalloc("mcast", mcast_worker_bytes(limits), RTE_CACHE_LINE_SIZE);

	if (mc == NULL)
		return -1;
	mc->queues = (struct queue *)(mc + 1);
	mc->active = (uint16_t *)(mc->queues + limits->tunnels);
	mc->tunnels_max = limits->tunnels;
	mc->jobs_max = mcast_jobs_max(limits);
	budget_renew(mc);
	w->mcast = mc;
	return 0;
}

void mcast_fini(struct dp_worker *w)
{
	rte_free(w->mcast);
	w->mcast = NULL;
}

void mcast_counters_reset(struct dp_worker *w, uint16_t tunnel)
{
	w->mcast->queues[tunnel].counters = (struct dp_mcast_counters){0};
}

void mcast_counters_add(const struct dp_worker *w, uint16_t tunnel, struct dp_mcast_counters *sum)
{
	const struct dp_mcast_counters *c = &w->mcast->queues[tunnel].counters;

	sum->packets += c->packets;
	sum->copies += c->copies;
	sum->full += c->full;
	sum->nobody += c->nobody;
	sum->unmade += c->unmade;
	sum->too_long += c->too_long;
}

static void active_push(struct mcast *mc, uint16_t tunnel)
{
	mc->active[(mc->active_head + mc->active_count++) % mc->tunnels_max] = tunnel;
}

static uint16_t active_pop(struct mcast *mc)
{
	uint16_t tunnel = mc->active[mc->active_head];

	mc->active_head = (mc->active_head + 1) % mc->tunnels_max;
	mc->active_count--;
	return tunnel;
}

/* ---- copies ---- */

/* NULL: no buffer. */
static struct rte_mbuf *packet_copy(struct dp_worker *w, const struct rte_mbuf *m)
{
	struct rte_mbuf *copy = rte_pktmbuf_alloc(dp_pool);
	void *bytes = copy != NULL ? rte_pktmbuf_append(copy, m->data_len) : NULL;

	if (bytes == NULL) {
		if (copy != NULL)
			dp_release(copy);
		w->stats.mcast_no_buffer++;
		return NULL;
	}
	memcpy(bytes, rte_pktmbuf_mtod(m, const void *), m->data_len);
	*dp_meta(copy) = *dp_meta_const(m);
	w->stats.copied_pkts++;
	return copy;
}

struct batch {
	struct rte_mbuf *m[DP_BURST];
	uint16_t n;
	uint32_t left; /* packets that may still be made */
};

static void batch_send(struct dp_worker *w, struct batch *b)
{
	dp_line_out(w, b->m, b->n);
	b->n = 0;
}

/* What is longer than the way of this spoke leaves in pieces. */
static void copy_cut(struct dp_worker *w, struct queue *q, struct rte_mbuf *copy, struct batch *b)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(copy, const struct rte_ipv4_hdr *);

	if (ip4_must_not_be_cut(ip)) {
		q->counters.too_long++;
		dp_drop(w, copy, DP_DROP_TOO_BIG);
		return;
	}
	b->left -= RTE_MIN(b->left, frag_send(w, copy, adjs[dp_meta(copy)->adj].mtu));
}

static void copy_send(
	struct dp_worker *w, struct queue *q, struct job *job, uint32_t adj, struct batch *b)
{
	struct rte_mbuf *copy = packet_copy(w, job->m);

	b->left--;
	if (copy == NULL) {
		q->counters.unmade++;
		return;
	}
	job->copies++;
	q->counters.copies++;
	dp_meta(copy)->flags |= DP_META_COPY;
	dp_meta(copy)->adj = adj;
	dp_meta_adj_note(dp_meta(copy));
	if (unlikely(copy->data_len > adjs[adj].mtu)) {
		copy_cut(w, q, copy, b);
		return;
	}
	b->m[b->n++] = copy;
	if (b->n == DP_BURST)
		batch_send(w, b);
}

/* true: every member has had its copy. */
static bool job_run(struct dp_worker *w, uint16_t tunnel, struct queue *q, struct job *job)
{
	const struct mcast_tunnel *t = &mcast_tunnels[tunnel];
	uint32_t end = __atomic_load_n(&t->end, __ATOMIC_ACQUIRE);
	uint32_t first = job->next, stop = RTE_MIN(first + w->mcast->looks_left, end);
	struct batch b = {.left = w->mcast->copies_left};

	/* Its tunnel went, and another one has its handle. */
	if (__atomic_load_n(&t->born, __ATOMIC_ACQUIRE) != job->born)
		return true;
	for (; job->next < stop && b.left > 0; job->next++) {
		uint64_t slot = __atomic_load_n(&t->slots[job->next], __ATOMIC_ACQUIRE);

		if ((slot >> 32 & job->groups) != 0)
			copy_send(w, q, job, (uint32_t)slot, &b);
	}
	batch_send(w, &b);
	w->mcast->copies_left = b.left;
	w->mcast->looks_left -= job->next - first;
	return job->next >= end;
}

static void job_end(struct dp_worker *w, struct queue *q, struct job *job)
{
	w->stats.held_pkts--;
	w->mcast_count--;
	if (job->copies != 0) {
		w->stats.absorbed_pkts++;
		dp_release(job->m);
	} else {
		q->counters.nobody++;
		dp_drop(w, job->m, DP_DROP_MCAST_NOBODY);
	}
	q->head = (q->head + 1) % DP_MCAST_JOBS;
	q->count--;
}

/* ---- the jobs of a turn ---- */

/* The queue of an underlay port is more than half full; a device that cannot say is not. */
static bool port_busy(const struct dp_worker *w)
{
	for (uint16_t i = 0; i < dp_port_count(); i++)
		if ((port_hot[i].role & DP_PORT_UNDERLAY) &&
		    rte_eth_tx_descriptor_status(w->txq[i].port, w->txq[i].queue,
						 port_hot[i].tx_half) == RTE_ETH_TX_DESC_FULL)
			return true;
	return false;
}

static bool must_wait(struct dp_worker *w)
{
	struct mcast *mc = w->mcast;

	if (likely(!port_busy(w))) {
		mc->busy_tsc = 0;
		return false;
	}
	if (mc->busy_tsc == 0)
		mc->busy_tsc = w->now_tsc;
	return w->now_tsc - mc->busy_tsc < rte_get_tsc_hz() / 1000 * BUSY_WAIT_MS;
}

/* As many jobs as the turn's budget allows. */
static void jobs_run(struct dp_worker *w)
{
	struct mcast *mc = w->mcast;

	while (mc->active_count > 0 && mc->copies_left > 0 && mc->looks_left > 0) {
		uint16_t tunnel = active_pop(mc);
		struct queue *q = &mc->queues[tunnel];

		if (job_run(w, tunnel, q, &q->jobs[q->head]))
			job_end(w, q, &q->jobs[q->head]);
		if (q->count > 0)
			active_push(mc, tunnel);
	}
}

void mcast_run(struct dp_worker *w)
{
	if (!must_wait(w))
		jobs_run(w);
	budget_renew(w->mcast);
}

void mcast_flush(struct dp_worker *w)
{
	struct mcast *mc = w->mcast;

	while (mc->active_count > 0) {
		struct queue *q = &mc->queues[active_pop(mc)];

		for (; q->count > 0; q->count--) {
			dp_drop(w, q->jobs[q->head].m, DP_DROP_SHUTDOWN);
			q->head = (q->head + 1) % DP_MCAST_JOBS;
			w->stats.held_pkts--;
			w->mcast_count--;
		}
	}
}

/* ---- a packet becomes a job ---- */

static uint32_t groups_of(const struct mcast_tunnel *t, rte_be32_t dst)
{
	uint32_t count = __atomic_load_n(&t->group_count, __ATOMIC_ACQUIRE), groups = 0;

	for (uint32_t i = 0; i < count; i++)
		if (mcast_prefix_has(&t->groups[i], dst))
			groups |= 1U << i;
	return groups;
}

static void job_add(struct dp_worker *w, uint16_t tunnel, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const struct mcast_tunnel *t = &mcast_tunnels[tunnel];
	struct queue *q = &w->mcast->queues[tunnel];

	if (m->data_len > tunnels[tunnel].conf.mtu && ip4_must_not_be_cut(ip)) {
		q->counters.too_long++;
		dp_drop(w, m, DP_DROP_TOO_BIG);
		return;
	}
	/* Many packets to few members: some more in this turn. */
	if (q->count == DP_MCAST_JOBS && w->mcast->copies_left > 0 && !must_wait(w))
		jobs_run(w);
	if (q->count == DP_MCAST_JOBS || w->mcast_count == w->mcast->jobs_max) {
		q->counters.full++;
		dp_drop(w, m, DP_DROP_MCAST_FULL);
		return;
	}
	q->jobs[(q->head + q->count++) % DP_MCAST_JOBS] =
		(struct job){.m = m,
			     .groups = groups_of(t, ip->dst_addr),
			     .born = __atomic_load_n(&t->born, __ATOMIC_ACQUIRE)};
	if (q->count == 1)
		active_push(w->mcast, tunnel);
	q->counters.packets++;
	w->mcast_count++;
	w->stats.held_pkts++;
}

/* The tunnel after row *row that takes this group from LAN ports; -1: no further one. */
static int lan_tunnel_next(rte_be32_t dst, uint32_t *row)
{
	uint32_t end = __atomic_load_n(&mcast_lan_end, __ATOMIC_ACQUIRE), tunnel;

	while (*row < end) {
		const struct mcast_lan *lan = &mcast_lans[(*row)++];

		tunnel = __atomic_load_n(&lan->tunnel, __ATOMIC_ACQUIRE);
		if (tunnel != 0 && mcast_prefix_has(&lan->group, dst))
			return (int)tunnel - 1;
	}
	return -1;
}

bool mcast_lan_takes(rte_be32_t dst)
{
	uint32_t row = 0;

	return lan_tunnel_next(dst, &row) >= 0;
}

void mcast_add_lan(struct dp_worker *w, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	uint32_t row = 0;
	int tunnel = lan_tunnel_next(ip->dst_addr, &row), next;

	ip4_ttl_decrement(ip);
	/* Each tunnel has a packet of its own to hold, the last one this. */
	for (; tunnel >= 0; tunnel = next) {
		struct rte_mbuf *own = m;

		next = lan_tunnel_next(ip->dst_addr, &row);
		if (next >= 0)
			own = packet_copy(w, m);
		if (own != NULL)
			job_add(w, (uint16_t)tunnel, own);
		else
			w->mcast->queues[tunnel].counters.unmade++;
		if (next < 0)
			return;
	}
	dp_drop(w, m, DP_DROP_NO_MROUTE); /* its row went a moment ago */
}

void mcast_add(struct dp_worker *w, struct rte_mbuf *m)
{
	job_add(w, dp_meta(m)->tunnel, m);
}
