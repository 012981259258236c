/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drop: the one place where packets die, each with a reason from drop_reasons.def.
 */
#include "dp_priv.h"

void dp_drop(struct dp_worker *w, struct rte_mbuf *m, enum dp_drop_reason reason)
{
	w->stats.drops[reason]++;
	rte_pktmbuf_free(m);
}

void dp_release(struct rte_mbuf *m)
{
	rte_pktmbuf_free(m);
}
