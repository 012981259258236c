/* SPDX-License-Identifier: Apache-2.0 */
/* nhrp_client_list: next-hop servers to be chosen from, and to be read. Only the control core
 * calls. */
#include "nhrp_client_priv.h"

static bool is_usable(const struct nhs *n)
{
	return n->info.state == NHRP_NHS_RESPONDING && dp_addr_is_set(&n->info.protocol);
}

/* How many of the tunnel would be asked before this one: by priority, then as configured. */
static unsigned rank_of(const struct nhs_list *list, const struct nhs *n)
{
	const struct nhs *o;
	bool before = true; /* n, in the list */
	unsigned rank = 0;

	LIST_FOREACH (o, list, list) {
		if (o == n)
			before = false;
		else if (is_usable(o) &&
			 (o->info.conf.priority < n->info.conf.priority ||
			  (before && o->info.conf.priority == n->info.conf.priority)))
			rank++;
	}
	return rank;
}

static unsigned count_of(const struct nhs_list *list)
{
	const struct nhs *n;
	unsigned count = 0;

	LIST_FOREACH (n, list, list)
		count += is_usable(n);
	return count;
}

/* The tunnel itself, or another one of its cloud whose NHSs respond; NULL: none. */
static const struct nhs_list *list_of(const struct nhrp_clients *c, uint16_t tunnel)
{
	const struct nhrp_tunnel *t = c->srv->tunnels;

	if (count_of(&c->tunnels[tunnel]) > 0)
		return &c->tunnels[tunnel];
	for (uint32_t i = 0; i < c->srv->tunnel_count; i++)
		if (t[i].used && t[i].conf.nhrp.network_id == t[tunnel].conf.nhrp.network_id &&
		    count_of(&c->tunnels[i]) > 0)
			return &c->tunnels[i];
	return NULL;
}

unsigned nhrp_clients_responding(const struct nhrp_clients *c, uint16_t tunnel)
{
	const struct nhs_list *list = list_of(c, tunnel);

	return list ? count_of(list) : 0;
}

bool nhrp_clients_upstream_nth(const struct nhrp_clients *c,
			       uint16_t tunnel,
			       unsigned nth,
			       struct dp_spoke_key *key,
			       struct dp_addr *protocol)
{
	const struct nhs_list *list = list_of(c, tunnel);
	const struct nhs *n;

	if (!list)
		return false;
	nth %= count_of(list);
	LIST_FOREACH (n, list, list)
		if (is_usable(n) && rank_of(list, n) == nth)
			break;
	*key = (struct dp_spoke_key){.tunnel = n->info.tunnel, .nbma = n->info.conf.nbma};
	*protocol = n->info.protocol;
	return true;
}

bool nhrp_clients_upstream(const struct nhrp_clients *c,
			   uint16_t tunnel,
			   struct dp_spoke_key *key,
			   struct dp_addr *protocol)
{
	return nhrp_clients_upstream_nth(c, tunnel, 0, key, protocol);
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
