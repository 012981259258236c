/* SPDX-License-Identifier: Apache-2.0 */
/*
 * punt: rings between each worker and the control core, see dp_punt.h.
 *
 *     worker -> punt, nhrp (packets), redirect (records), wanted (neighbours) -> control core
 *     control core -> inject (packets) -> worker
 *
 * Every ring has one producer and one consumer. A packet is counted as punted when it enters the
 * punt ring, as injected when a worker takes it from the inject ring.
 *
 * Sleep. The control core must not sleep while something is queued, and a worker must not make a
 * system call per packet. Both sides write one variable, then read the other's (Dekker):
 *
 *     control: asleep = 1; fence; rings empty?       worker: enqueue; fence; asleep?
 *
 * With sequentially consistent fences at least one of them sees the other's write: the control core
 * finds the packet and stays awake, or the worker finds it asleep and writes the eventfd. The
 * worker that finds it asleep takes the flag down, so that one write wakes, not one per worker.
 *
 * What may enter at which rate is police.c's business. NHRP has a ring of its own: behind thousands
 * of registrations BFD would wait too long.
 */
#include "dp_punt.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_errno.h>

#include "dp_fib.h"
#include "dp_priv.h"
#include "dp_tunnel.h"
#include "peer.h"
#include "pmtu.h"
#include "twin.h"

#define DRAIN_BURST 32

/* Read by workers once per turn with something queued; a line of its own. */
static struct {
	uint32_t asleep;
} __rte_cache_aligned control;

static int wake_fd = -1;
static struct dp_punt_handlers handlers;
static struct dp_punt_stats stats;

/* ---- start and stop ---- */

static struct rte_ring *ring_create(const char *what,
				    uint32_t worker,
				    unsigned size,
				    unsigned count)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "%s-%u", what, worker);
	return rte_ring_create_elem(name, size, count, SOCKET_ID_ANY,
				    RING_F_SP_ENQ | RING_F_SC_DEQ);
}

static int worker_rings_create(struct dp_worker *w)
{
	w->punt = ring_create("punt", w->index, sizeof(void *), DP_PUNT_RING);
	w->nhrp = ring_create("nhrp", w->index, sizeof(void *), DP_NHRP_RING);
	w->inject = ring_create("inject", w->index, sizeof(void *), DP_INJECT_RING);
	w->redirect =
		ring_create("redirect", w->index, sizeof(struct dp_redirect), DP_REDIRECT_RING);
	w->wanted = ring_create("wanted", w->index, sizeof(struct dp_wanted), DP_WANTED_RING);
	if (w->punt == NULL || w->nhrp == NULL || w->inject == NULL || w->redirect == NULL ||
	    w->wanted == NULL)
		return dp_error_set(-rte_errno, "rings of worker %u: %s", w->index,
				    rte_strerror(rte_errno));
	return 0;
}

int dp_punt_init(void)
{
	int rc = 0;

	handlers = (struct dp_punt_handlers){0};
	stats = (struct dp_punt_stats){0};
	__atomic_store_n(&control.asleep, 0, __ATOMIC_RELAXED);
	wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (wake_fd < 0)
		return dp_error_set(-errno, "eventfd: %s", rte_strerror(errno));
	for (uint32_t i = 0; rc == 0 && i < dp_worker_count; i++)
		rc = worker_rings_create(dp_workers[i]);
	if (rc < 0)
		dp_punt_fini();
	return rc;
}

/* Packets in it are either counted as punted or have never entered the worker. */
static void packet_ring_free(struct rte_ring **ring)
{
	void *m;

	while (*ring != NULL && rte_ring_sc_dequeue(*ring, &m) == 0)
		dp_release(m);
	rte_ring_free(*ring);
	*ring = NULL;
}

static void record_ring_free(struct rte_ring **ring)
{
	rte_ring_free(*ring);
	*ring = NULL;
}

void dp_punt_fini(void)
{
	for (uint32_t i = 0; i < dp_worker_count; i++) {
		struct dp_worker *w = dp_workers[i];

		packet_ring_free(&w->punt);
		packet_ring_free(&w->nhrp);
		packet_ring_free(&w->inject);
		record_ring_free(&w->redirect);
		record_ring_free(&w->wanted);
	}
	close(wake_fd);
	wake_fd = -1;
}

/* ---- worker ---- */

void dp_punt(struct dp_worker *w, struct rte_mbuf *m, enum dp_punt_kind kind)
{
	static const uint8_t kinds[] = {
		[DP_PUNT_PORT_TWIN] = DP_KIND_FRAME,
		[DP_PUNT_TUNNEL_TWIN] = DP_KIND_IP,
		[DP_PUNT_NHRP] = DP_KIND_NHRP,
	};

	RTE_ASSERT(m->nb_segs == 1);
	if (kind == DP_PUNT_NHRP)
		/* Now: the SA may be gone when the control core comes to the packet. */
		dp_meta(m)->identity =
			dp_meta(m)->flags & DP_META_FROM_ESP ? sas[dp_meta(m)->sa].identity : 0;
	dp_meta(m)->kind = kinds[kind];
	if (rte_ring_sp_enqueue(kind == DP_PUNT_NHRP ? w->nhrp : w->punt, m) != 0) {
		dp_drop(w, m, DP_DROP_PUNT_FULL);
		return;
	}
	w->stats.punted_pkts++;
}

void dp_punt_wake(void)
{
	const uint64_t one = 1;

	/* Between our enqueue and the look at the flag; see the head of this file. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&control.asleep, __ATOMIC_RELAXED) == 0)
		return;
	if (__atomic_exchange_n(&control.asleep, 0, __ATOMIC_RELAXED) == 0)
		return;
	/* Fails only when 2^64 - 2 writes were not read: then it is readable anyway. */
	(void)!write(wake_fd, &one, sizeof(one));
}

/* ---- control core: sleep ---- */

int dp_punt_fd(void)
{
	return wake_fd;
}

static bool rings_are_empty(void)
{
	for (uint32_t i = 0; i < dp_worker_count; i++) {
		const struct dp_worker *w = dp_workers[i];

		if (!rte_ring_empty(w->punt) || !rte_ring_empty(w->nhrp) ||
		    !rte_ring_empty(w->redirect) || !rte_ring_empty(w->wanted))
			return false;
	}
	return true;
}

bool dp_punt_sleep(void)
{
	__atomic_store_n(&control.asleep, 1, __ATOMIC_RELAXED);
	/* Between the flag and the look at the rings; see the head of this file. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (rings_are_empty())
		return true;
	__atomic_store_n(&control.asleep, 0, __ATOMIC_RELAXED);
	return false;
}

void dp_punt_awake(void)
{
	uint64_t count;

	__atomic_store_n(&control.asleep, 0, __ATOMIC_RELAXED);
	/* EAGAIN: something else woke us. */
	if (read(wake_fd, &count, sizeof(count)) == sizeof(count))
		stats.wakeups++;
}

/* ---- control core: what workers queued ---- */

void dp_punt_handlers_set(const struct dp_punt_handlers *h)
{
	handlers = *h;
}

static void nhrp_handle(const struct rte_mbuf *m, const struct dp_meta *meta)
{
	const struct dp_punt_meta shown = {
		.tunnel = meta->tunnel,
		.natt_port = meta->natt_port,
		.spoke = meta->spoke,
		.authenticated = (meta->flags & DP_META_FROM_ESP) != 0,
		.identity = meta->identity,
		.outer_src = meta->outer_src,
		.outer_dst = meta->outer_dst,
	};

	if (handlers.nhrp == NULL) {
		stats.unhandled++;
		return;
	}
	stats.nhrp_pkts++;
	handlers.nhrp(handlers.ctx, &shown, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
}

static void pmtu_look(const uint8_t *frame, size_t len)
{
	int rc = pmtu_icmp(frame, len);

	stats.pmtu_taken += rc > 0;
	stats.pmtu_refused += rc < 0;
}

static void packet_handle(struct rte_mbuf *m)
{
	const struct dp_meta *meta = dp_meta(m);
	const uint8_t *bytes = rte_pktmbuf_mtod(m, const uint8_t *);

	switch ((enum dp_kind)meta->kind) {
	case DP_KIND_FRAME:
		pmtu_look(bytes, m->data_len);
		twin_send(DP_TWIN_PORT, meta->in_port, bytes, m->data_len);
		break;
	case DP_KIND_IP:
		twin_send(DP_TWIN_TUNNEL, meta->tunnel, bytes, m->data_len);
		break;
	case DP_KIND_NHRP:
		nhrp_handle(m, meta);
		break;
	case DP_KIND_GRE: /* dp_punt makes none */
	case DP_KIND_ESP:
		break;
	}
	dp_release(m);
}

static unsigned packets_drain(struct rte_ring *ring, unsigned max)
{
	struct rte_mbuf *burst[DRAIN_BURST];
	unsigned n, done = 0;

	while (done < max) {
		n = rte_ring_sc_dequeue_burst(ring, (void **)burst,
					      RTE_MIN(max - done, DRAIN_BURST), NULL);
		if (n == 0)
			break;
		for (unsigned i = 0; i < n; i++)
			packet_handle(burst[i]);
		done += n;
	}
	return done;
}

static unsigned redirects_drain(struct rte_ring *ring, unsigned max)
{
	struct dp_redirect redirect;
	unsigned done;

	for (done = 0; done < max; done++) {
		if (rte_ring_sc_dequeue_elem(ring, &redirect, sizeof(redirect)) != 0)
			break;
		stats.redirects++;
		if (handlers.redirect != NULL)
			handlers.redirect(handlers.ctx, &redirect);
	}
	return done;
}

static unsigned wanted_drain(struct rte_ring *ring, unsigned max)
{
	struct dp_wanted wanted;
	unsigned done;

	for (done = 0; done < max; done++) {
		if (rte_ring_sc_dequeue_elem(ring, &wanted, sizeof(wanted)) != 0)
			break;
		stats.wanted++;
		if (wanted.kind == DP_IFACE_TUNNEL)
			nexthop_wanted_dispatch(&wanted);
		else
			neigh_wanted_dispatch(&wanted);
	}
	return done;
}

unsigned dp_punt_drain(unsigned max)
{
	unsigned done = 0;

	for (uint32_t i = 0; i < dp_worker_count; i++) {
		struct dp_worker *w = dp_workers[i];

		done += packets_drain(w->punt, max);
		done += packets_drain(w->nhrp, max);
		done += redirects_drain(w->redirect, max);
		done += wanted_drain(w->wanted, max);
	}
	return done;
}

void dp_punt_stats_get(struct dp_punt_stats *s)
{
	*s = stats;
}

/* ---- control core: inject ---- */

int dp_inject(struct rte_mbuf *m, uint32_t hash)
{
	struct dp_worker *w = dp_workers[hash % dp_worker_count];

	return rte_ring_sp_enqueue(w->inject, m) == 0 ? 0 : -ENOSPC;
}

/* The SPI of the SA that sends to this peer, for an NHRP packet that may have to go to somebody who
 * is no spoke. Not the SA itself: it may be gone when the worker comes to the packet. */
static int sender_spi(const struct dp_tunnel_conf *conf,
		      const struct dp_addr *nbma,
		      uint16_t natt_port,
		      rte_be32_t *spi_be)
{
	uint32_t peer, sa = 0;

	*spi_be = 0;
	if (conf->profile == 0)
		return 0;
	peer = peer_find(conf->source.ip4_be, nbma->ip4_be, natt_port);
	if (peer != 0)
		sa = peer_sender(&peers[peer], conf->profile);
	if (sa == 0)
		return dp_error_set(-ENOENT, "tunnel %s: no SA to send an NHRP packet by",
				    conf->name);
	*spi_be = sas[sa].spi_be;
	return 0;
}

static void nhrp_meta_fill(struct rte_mbuf *m,
			   const struct dp_tunnel_conf *conf,
			   uint16_t tunnel,
			   const struct dp_addr *nbma,
			   uint16_t natt_port,
			   rte_be32_t spi_be)
{
	*dp_meta(m) = (struct dp_meta){
		.kind = DP_KIND_NHRP,
		.tunnel = tunnel,
		.natt_port = natt_port,
		.nhrp_spi_be = spi_be,
		.outer_src = conf->source,
		.outer_dst = *nbma,
	};
}

int dp_inject_nhrp(uint16_t tunnel,
		   const struct dp_addr *nbma,
		   uint16_t natt_port,
		   const uint8_t *bytes,
		   size_t len)
{
	struct dp_tunnel_conf conf;
	struct rte_mbuf *m;
	rte_be32_t spi_be;
	int rc;

	if (dp_tunnel_conf_get(tunnel, &conf) < 0)
		return dp_error_set(-ENOENT, "NHRP packet: there is no tunnel %u", tunnel);
	if (len > conf.mtu)
		return dp_error_set(-EMSGSIZE, "tunnel %s: NHRP packet of %zu bytes (MTU %u)",
				    conf.name, len, conf.mtu);
	rc = sender_spi(&conf, nbma, natt_port, &spi_be);
	if (rc < 0)
		return rc;
	m = rte_pktmbuf_alloc(dp_pool);
	if (m == NULL) {
		stats.inject_drops++;
		return dp_error_set(-ENOBUFS, "tunnel %s: no buffer for an NHRP packet", conf.name);
	}
	if (len + DP_ENCAP_TAILROOM > rte_pktmbuf_tailroom(m)) {
		dp_release(m);
		return dp_error_set(-EMSGSIZE,
				    "tunnel %s: NHRP packet of %zu bytes: a buffer is "
				    "too small",
				    conf.name, len);
	}
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), bytes, len);
	nhrp_meta_fill(m, &conf, tunnel, nbma, natt_port, spi_be);
	/* The same worker as for the tunnel's twin. */
	rc = dp_inject(m, tunnel);
	if (rc == 0)
		return 0;
	dp_release(m);
	stats.inject_drops++;
	return dp_error_set(rc, "tunnel %s: the worker's ring is full", conf.name);
}
