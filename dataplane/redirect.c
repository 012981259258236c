/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redirect: which hairpinning packets are worth a word to the control core.
 *
 * The filter only lowers the rate: direct-mapped on (tunnel, source spoke, inner source, inner
 * destination); a live slot is not overwritten before its hold-off ends, so a collision costs a
 * late redirect, never a storm. A slot is held a little longer than the interval: the control core,
 * which saw the record a little later, would else find that the next one comes too soon. A token
 * bucket per worker bounds the ring. The exact hold-off per pair is the control core's. The packet
 * itself is always forwarded, at once.
 */
#include <rte_cycles.h>
#include <rte_malloc.h>

#include "dp_punt.h"
#include "redirect.h"
#include "spoke.h"
#include "stages.h"

#define BUCKET_RATE  1000 /* records per second */
#define BUCKET_BURST 256
#define LATE         8 /* an eighth of a second */

int redirect_init(struct dp_worker *w)
{
	/* 32 KiB of slots: they stay in L2. */
	w->filter = rte_zmalloc("redirect", sizeof(*w->filter), RTE_CACHE_LINE_SIZE);
	if (w->filter == NULL)
		return -ENOMEM;
	w->filter->tokens = BUCKET_BURST;
	w->filter->token_tsc = rte_get_tsc_hz() / BUCKET_RATE;
	w->filter->filled_tsc = rte_rdtsc();
	return 0;
}

void redirect_fini(struct dp_worker *w)
{
	rte_free(w->filter);
	w->filter = NULL;
}

static bool bucket_take(struct redirect_filter *f, uint64_t now_tsc)
{
	if (now_tsc - f->filled_tsc >= f->token_tsc) {
		uint64_t fresh = (now_tsc - f->filled_tsc) / f->token_tsc;

		f->tokens = (uint32_t)RTE_MIN(f->tokens + fresh, (uint64_t)BUCKET_BURST);
		f->filled_tsc += fresh * f->token_tsc;
	}
	if (f->tokens == 0)
		return false;
	f->tokens--;
	return true;
}

static void record_send(struct dp_worker *w, const struct rte_mbuf *m, const struct adj *out)
{
	const struct dp_meta *meta = dp_meta_const(m);
	struct dp_redirect r = {
		.tunnel = meta->tunnel,
		.out_tunnel = out->tunnel,
		.natt_port = meta->natt_port,
		.len = (uint16_t)RTE_MIN(m->data_len, sizeof(r.header)),
		.spoke = meta->spoke,
		.out_spoke = out->spoke,
		.outer_src = meta->outer_src,
	};

	memcpy(r.header, rte_pktmbuf_mtod(m, const void *), r.len);
	if (rte_ring_sp_enqueue_elem(w->redirect, &r, sizeof(r)) == 0)
		w->stats.redirects++;
	else
		w->stats.redirect_ring_full++;
}

void redirect_record(struct dp_worker *w,
		     const struct rte_mbuf *m,
		     const struct adj *out,
		     uint64_t *slot)
{
	const struct dp_meta *meta = dp_meta_const(m);
	uint64_t interval_s = tunnels[meta->tunnel].conf.redirect_interval_s;

	if (!bucket_take(w->filter, w->now_tsc)) {
		w->stats.redirects_suppressed++;
		return;
	}
	*slot = w->now_tsc + interval_s * rte_get_tsc_hz() + rte_get_tsc_hz() / LATE;
	record_send(w, m, out);
}
