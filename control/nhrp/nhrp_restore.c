/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_restore: a registration of an earlier run, as if its client had just asked for it: what the
 * configuration says today decides whether it may be, gets multicast and a host route. Only the
 * control core calls.
 *
 * Not done: the identity that IKE had proven; until the client comes again only its address speaks
 * for it.
 */
#include <errno.h>

#include "nhrp_priv.h"

static enum nhrp_refusal admit(const struct nhrp_server *srv,
			       const struct config_tunnel *tunnel,
			       const struct nhrp_restored *r,
			       uint64_t now_ms)
{
	const struct dp_punt_meta meta = {.tunnel = r->spoke.tunnel,
					  .natt_port = r->spoke.natt_port,
					  .outer_src = r->spoke.nbma};
	const struct nhrp_rx rx = {.now_ms = now_ms, .meta = &meta, .tunnel = tunnel};
	const struct nhrp_claim claim = {.protocol = r->protocol,
					 .nbma = r->claimed,
					 .prefix_len = dp_addr_bits(&r->protocol),
					 .unique = r->flags & NHRP_BINDING_F_UNIQUE,
					 .alone = true};

	enum nhrp_refusal refusal = nhrp_admit(srv, &rx, &claim);

	/* After a boot the way to it may come later than we do: the spoke waits for that. */
	return refusal == NHRP_REFUSAL_NBMA_ROUTE ? NHRP_REFUSAL_NONE : refusal;
}

enum nhrp_refusal nhrp_server_restore(struct nhrp_server *srv,
				      const struct nhrp_restored *r,
				      uint64_t now_ms)
{
	const struct nhrp_tunnel *t = nhrp_tunnel_of(srv, r->spoke.tunnel);
	struct nhrp_binding_conf conf = {
		.spoke = r->spoke,
		.protocol = r->protocol,
		.claimed = r->claimed,
		.type = NHRP_BINDING_DYNAMIC,
		.flags = r->flags | NHRP_BINDING_F_REGISTERED,
		.mtu = r->mtu,
		.holding_s = r->holding_s,
		.created_ms = r->created_ms,
		.expires_ms = r->expires_ms,
	};
	enum nhrp_refusal refusal;
	int err;

	if (!t)
		return NHRP_REFUSAL_OUTSIDE;
	refusal = admit(srv, &t->conf, r, now_ms);
	if (refusal != NHRP_REFUSAL_NONE)
		return refusal;
	conf.want_route = t->conf.nhrp.install_routes;
	conf.flags &= ~(uint32_t)NHRP_BINDING_F_MULTICAST;
	if (t->conf.nhrp.multicast == CONFIG_MULTICAST_DYNAMIC)
		conf.flags |= NHRP_BINDING_F_MULTICAST;
	err = nhrp_cache_set(srv->cache, &conf, now_ms);
	if (err == 0)
		return NHRP_REFUSAL_NONE;
	return err == -ENOSPC ? NHRP_REFUSAL_TABLE_FULL : NHRP_REFUSAL_DATAPLANE;
}
