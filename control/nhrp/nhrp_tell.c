/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_tell: what senders do wrong is told once per sender, matter and minute; counters have the
 * rest. A direct-mapped table of those told last: of two senders in one place each may be told
 * again earlier, which the event log's own limit bounds. Only the control core calls.
 */
#include "nhrp_priv.h"

#include "control/hash.h"

#define TELL_MS 60000

bool nhrp_tell_due(struct nhrp_server *srv, const struct nhrp_rx *rx, unsigned matter)
{
	const struct dp_punt_meta *meta = rx->meta;
	uint64_t key = hash_addr(srv->seed, (uint32_t)meta->tunnel << 16 | meta->natt_port,
				 &meta->outer_src);
	struct nhrp_told *t;

	key = hash_word(key, matter);
	t = &srv->told[key % NHRP_TOLD_MAX];
	if (t->key == key && rx->now_ms - t->at_ms < TELL_MS)
		return false;
	*t = (struct nhrp_told){.key = key, .at_ms = rx->now_ms};
	return true;
}
