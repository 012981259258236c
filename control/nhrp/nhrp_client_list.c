/* SPDX-License-Identifier: Apache-2.0 */
/* nhrp_client_list: next-hop servers to be chosen from, and to be read. Only the control core
 * calls. */
#include "nhrp_client_priv.h"

static const struct nhs *best_of(const struct nhrp_clients *c, uint16_t tunnel)
{
	const struct nhs *n, *best = NULL;

	LIST_FOREACH (n, &c->tunnels[tunnel], list)
		if (n->info.state == NHRP_NHS_RESPONDING && dp_addr_is_set(&n->info.protocol) &&
		    (!best || n->info.conf.priority < best->info.conf.priority))
			best = n;
	return best;
}

bool nhrp_clients_upstream(const struct nhrp_clients *c,
			   uint16_t tunnel,
			   struct dp_spoke_key *key,
			   struct dp_addr *protocol)
{
	uint32_t network_id = c->srv->tunnels[tunnel].conf.nhrp.network_id;
	const struct nhs *n = best_of(c, tunnel);

	for (uint16_t i = 0; !n && i < c->srv->tunnel_count; i++)
		if (c->srv->tunnels[i].used &&
		    c->srv->tunnels[i].conf.nhrp.network_id == network_id)
			n = best_of(c, i);
	if (!n)
		return false;
	*key = (struct dp_spoke_key){.tunnel = n->info.tunnel, .nbma = n->info.conf.nbma};
	*protocol = n->info.protocol;
	return true;
}

const char *nhrp_nhs_state_name(enum nhrp_nhs_state state)
{
	static const char *const names[] = {
#define X(id, name, help) [NHRP_NHS_##id] = name,
		NHRP_NHS_STATE_LIST(X)
#undef X
	};

	return names[state];
}

unsigned nhrp_clients_list(const struct nhrp_clients *c,
			   uint32_t *cursor,
			   struct nhrp_nhs_info *rows,
			   unsigned max)
{
	unsigned n = 0;

	for (; *cursor < NHRP_NHS_MAX && n < max; (*cursor)++) {
		const struct nhs *s = &c->nhs[*cursor];

		if (!dp_addr_is_set(&s->info.conf.nbma))
			continue;
		rows[n] = s->info;
		rows[n++].next_ms = s->due.slot ? s->due.at_ms : DEADLINE_NEVER;
	}
	return n;
}
