/* SPDX-License-Identifier: Apache-2.0 */
/* nhrp_cache_list: the table of bindings to be read, a piece at a time. Only the control core
 * calls. */
#include "nhrp_cache_priv.h"

const char *nhrp_binding_type_name(enum nhrp_binding_type type)
{
	static const char *const names[] = {
#define X(id, name, help) [NHRP_BINDING_##id] = name,
		NHRP_BINDING_TYPE_LIST(X)
#undef X
	};

	return names[type];
}

unsigned nhrp_cache_list(const struct nhrp_cache *c,
			 uint32_t *cursor,
			 struct nhrp_binding_info *rows,
			 unsigned max)
{
	unsigned n = 0;

	for (; *cursor < c->capacity && n < max; (*cursor)++) {
		const struct nhrp_binding *b = &c->bindings[*cursor];

		if (!b->used)
			continue;
		rows[n++] = (struct nhrp_binding_info){
			.tunnel = b->tunnel,
			.target = {.addr = b->protocol, .len = b->prefix_len},
			.type = b->type,
			.flags = b->flags,
			.protocol = b->protocol,
			.claimed = b->claimed,
			.spoke = b->spoke->key,
			.dp_spoke = b->spoke->dp,
			.mtu = b->mtu,
			.holding_s = b->holding_s,
			.used_ms = b->spoke->used_ms,
			.created_ms = b->created_ms,
			.refreshed_ms = b->refreshed_ms,
			.expires_ms = b->expiry.slot ? b->expiry.at_ms : DEADLINE_NEVER,
		};
	}
	return n;
}

void nhrp_cache_info_get(const struct nhrp_cache *c, struct nhrp_cache_info *info)
{
	*info = (struct nhrp_cache_info){.bindings = c->used,
					 .capacity = c->capacity,
					 .full = c->full,
					 .route_failed = c->route_failed,
					 .del_retried = c->del_retried};
}
