/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: names of drop reasons and the balance of invariant 5. Pure; any thread.
 */
#include "dp_stats.h"

static const char *const drop_keys[] = {
#define DP_DROP(id, key, help) [DP_DROP_##id] = key,
#include "drop_reasons.def"
#undef DP_DROP
};

static const char *const drop_helps[] = {
#define DP_DROP(id, key, help) [DP_DROP_##id] = help,
#include "drop_reasons.def"
#undef DP_DROP
};

const char *dp_drop_key(enum dp_drop_reason reason)
{
	return reason < DP_DROP_COUNT ? drop_keys[reason] : NULL;
}

const char *dp_drop_help(enum dp_drop_reason reason)
{
	return reason < DP_DROP_COUNT ? drop_helps[reason] : NULL;
}

int64_t dp_worker_balance(const struct dp_worker_stats *s)
{
	uint64_t in = s->rx_pkts + s->injected_pkts + s->generated_pkts + s->copied_pkts +
		      s->taken_over_pkts;
	uint64_t out =
		s->tx_pkts + s->punted_pkts + s->absorbed_pkts + s->held_pkts + s->handed_over_pkts;

	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		out += s->drops[i];
	return (int64_t)(in - out);
}
