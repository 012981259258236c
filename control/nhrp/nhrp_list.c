/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_list: everything that an operator expects in `show ip nhrp`, from where it is kept: the
 * bindings of the cache, then what we answered of our own networks (local entries), read from the
 * table of requesters, then what we ask for ourselves (incomplete entries). Only the control core
 * calls.
 *
 * A cursor counts through the tables one after the other.
 */
#include "nhrp_priv.h"

/* Of our own: it hangs on no binding. A forwarded one does, until its purge is on the way. */
static bool is_local(const struct nhrp_server *srv, const struct nhrp_requester *r)
{
	return nhrp_tunnel_of(srv, r->tunnel) != NULL &&
	       nhrp_cache_find(srv->cache, r->tunnel, &r->binding) == NULL;
}

static unsigned locals_list(const struct nhrp_server *srv,
			    uint32_t *cursor,
			    struct nhrp_binding_info *rows,
			    unsigned max)
{
	uint64_t noted_ms, end_ms;
	struct nhrp_requester r;
	unsigned n = 0;

	while (n < max && nhrp_requesters_walk(srv->requesters, cursor, &r, &noted_ms, &end_ms)) {
		const struct config_tunnel *t;

		if (!is_local(srv, &r))
			continue;
		t = &nhrp_tunnel_of(srv, r.tunnel)->conf;
		rows[n++] = (struct nhrp_binding_info){
			.tunnel = r.tunnel,
			.target = r.target,
			.type = NHRP_BINDING_LOCAL,
			.flags = NHRP_BINDING_F_ROUTER | NHRP_BINDING_F_AUTHORITATIVE,
			.protocol = nhrp_own_protocol(t, &r.target.addr),
			.spoke = {.tunnel = r.tunnel, .nbma = t->source},
			.holding_s = r.holding_s,
			.created_ms = noted_ms,
			.refreshed_ms = noted_ms,
			.expires_ms = end_ms,
		};
	}
	return n;
}

static uint32_t locals_size(const struct nhrp_server *srv)
{
	struct nhrp_requesters_info info;

	nhrp_requesters_info_get(srv->requesters, &info);
	return info.capacity;
}

static unsigned bindings_list(const struct nhrp_server *srv,
			      uint32_t *cursor,
			      struct nhrp_binding_info *rows,
			      unsigned max)
{
	return nhrp_cache_list(srv->cache, cursor, rows, max);
}

static uint32_t bindings_size(const struct nhrp_server *srv)
{
	struct nhrp_cache_info info;

	nhrp_cache_info_get(srv->cache, &info);
	return info.capacity;
}

static unsigned asks_list(const struct nhrp_server *srv,
			  uint32_t *cursor,
			  struct nhrp_binding_info *rows,
			  unsigned max)
{
	return nhrp_asks_list(srv->asks, cursor, rows, max);
}

static uint32_t asks_size(const struct nhrp_server *srv)
{
	(void)srv;
	return NHRP_ASKS_MAX;
}

unsigned nhrp_server_list(const struct nhrp_server *srv,
			  uint32_t *cursor,
			  struct nhrp_binding_info *rows,
			  unsigned max)
{
	static const struct {
		unsigned (*list)(const struct nhrp_server *srv,
				 uint32_t *cursor,
				 struct nhrp_binding_info *rows,
				 unsigned max);
		uint32_t (*size)(const struct nhrp_server *srv);
	} tables[] = {
		{bindings_list, bindings_size},
		{locals_list, locals_size},
		{asks_list, asks_size},
	};
	uint32_t start = 0;
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && n < max; i++) {
		uint32_t end = start + tables[i].size(srv);
		uint32_t inside = *cursor - start;

		if (*cursor < end) {
			n += tables[i].list(srv, &inside, rows + n, max - n);
			*cursor = n < max ? end : start + inside;
		}
		start = end;
	}
	return n;
}

unsigned nhrp_server_nhs_list(const struct nhrp_server *srv,
			      uint32_t *cursor,
			      struct nhrp_nhs_info *rows,
			      unsigned max)
{
	return nhrp_clients_list(srv->clients, cursor, rows, max);
}

unsigned nhrp_server_requesters(const struct nhrp_server *srv,
				const struct nhrp_binding_info *row,
				struct nhrp_requester *rows,
				unsigned max)
{
	const struct dp_addr *binding =
		row->type == NHRP_BINDING_LOCAL ? &row->target.addr : &row->protocol;

	return nhrp_requesters_list(srv->requesters, row->tunnel, binding, rows, max);
}
