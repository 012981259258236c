/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_list: everything that an operator expects in `show ip nhrp`, from where it is kept: the
 * bindings of the cache, then what we answered of our own networks (local entries), read from the
 * table of requesters. Only the control core calls.
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

unsigned nhrp_server_list(const struct nhrp_server *srv,
			  uint32_t *cursor,
			  struct nhrp_binding_info *rows,
			  unsigned max)
{
	struct nhrp_cache_info info;
	uint32_t behind;
	unsigned n = 0;

	nhrp_cache_info_get(srv->cache, &info);
	if (*cursor < info.capacity) {
		n = nhrp_cache_list(srv->cache, cursor, rows, max);
		if (n == max)
			return n;
	}
	behind = *cursor - info.capacity;
	n += locals_list(srv, &behind, rows + n, max - n);
	*cursor = info.capacity + behind;
	return n;
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
