/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_admit: who may register what (RFC 2332 sections 5.2.3 and 5.2.4; what "policy" means there
 * is decided here). Reads tables, changes nothing. Only the control core calls.
 *
 * A binding always points to the observed outer source, never to the claimed one: a client speaks
 * for itself only. Another NAT-T port of one address is another client behind that NAT, unless IKE
 * has proven it the same.
 *
 * A refresh by the holder is not asked again whether it can be reached: its underlay next hop is
 * watched by others (hub_underlay.c), and a route that is away for a moment is no reason to lose
 * the binding.
 */
#include "nhrp_priv.h"

#include <errno.h>

static const struct dp_prefix *subnet_of(const struct config_tunnel *tunnel,
					 const struct dp_addr *a)
{
	for (uint32_t i = 0; i < tunnel->address_count; i++)
		if (dp_prefix_contains(&tunnel->addresses[i], a))
			return &tunnel->addresses[i];
	return NULL;
}

bool nhrp_is_own_protocol(const struct config_tunnel *tunnel, const struct dp_addr *a)
{
	for (uint32_t i = 0; i < tunnel->address_count; i++)
		if (dp_addr_equal(&tunnel->addresses[i].addr, a))
			return true;
	return false;
}

struct dp_addr nhrp_own_protocol(const struct config_tunnel *tunnel, const struct dp_addr *other)
{
	const struct dp_prefix *subnet = subnet_of(tunnel, other);

	if (subnet)
		return subnet->addr;
	for (uint32_t i = 0; i < tunnel->address_count; i++)
		if (tunnel->addresses[i].addr.family == other->family)
			return tunnel->addresses[i].addr;
	return (struct dp_addr){0};
}

/* The first and the last address of a subnet name no host, except in /31 and /32 (RFC 3021); IPv6
 * has only the first, the routers' anycast address (RFC 4291 section 2.6.1). */
static bool names_subnet(const struct dp_prefix *subnet, const struct dp_addr *a)
{
	struct dp_prefix network = dp_prefix_network(subnet);
	struct dp_addr last = dp_prefix_last(subnet);

	if (subnet->len + 1 >= dp_addr_bits(a))
		return false;
	return dp_addr_equal(&network.addr, a) || (a->family == AF_INET && dp_addr_equal(&last, a));
}

static bool allowed(const struct config_nhrp *nhrp, const struct dp_addr *a)
{
	for (uint32_t i = 0; i < nhrp->allow_count; i++)
		if (dp_prefix_contains(&nhrp->allow[i], a))
			return true;
	return false;
}

/* What nhrp.allow lets in may be ours elsewhere. */
static bool is_ours(const struct nhrp_server *srv, const struct dp_addr *a)
{
	return srv->peers.is_ours && srv->peers.is_ours(srv->peers.ctx, a);
}

static enum nhrp_refusal protocol_check(const struct nhrp_server *srv,
					const struct config_tunnel *tunnel,
					const struct dp_addr *a)
{
	const struct dp_prefix *subnet;

	if (!dp_addr_is_set(a) || dp_addr_is_any(a) || dp_addr_is_multicast(a) ||
	    dp_addr_is_loopback(a) || dp_addr_is_broadcast(a))
		return NHRP_REFUSAL_NOT_UNICAST;
	if (nhrp_is_own_protocol(tunnel, a))
		return NHRP_REFUSAL_OURS;
	subnet = subnet_of(tunnel, a);
	if (!subnet && !allowed(&tunnel->nhrp, a))
		return NHRP_REFUSAL_OUTSIDE;
	if (!subnet)
		return is_ours(srv, a) ? NHRP_REFUSAL_OURS : NHRP_REFUSAL_NONE;
	return names_subnet(subnet, a) ? NHRP_REFUSAL_SUBNET : NHRP_REFUSAL_NONE;
}

static bool is_host_prefix(const struct nhrp_claim *claim)
{
	return claim->prefix_len == NHRP_PREFIX_HOST_0 ||
	       claim->prefix_len == NHRP_PREFIX_HOST_255 ||
	       claim->prefix_len == dp_addr_bits(&claim->protocol);
}

/* b is somebody else's and not static. */
static bool may_take_over(const struct nhrp_rx *rx,
			  const struct nhrp_claim *claim,
			  const struct nhrp_binding *b)
{
	if (rx->identity != 0 && rx->identity == b->identity)
		return true;
	if (!(b->flags & NHRP_BINDING_F_UNIQUE))
		return true;
	switch (rx->tunnel->nhrp.takeover) {
	case CONFIG_TAKEOVER_STRICT:
		return false;
	case CONFIG_TAKEOVER_RFC: /* RFC 2332 section 5.2.3 */
		return !claim->unique;
	case CONFIG_TAKEOVER_ALLOW:
		return true;
	}
	return false;
}

static enum nhrp_refusal nbma_check(const struct nhrp_server *srv, const struct dp_addr *nbma)
{
	if (!srv->peers.reachable)
		return NHRP_REFUSAL_NONE;
	switch (srv->peers.reachable(srv->peers.ctx, nbma)) {
	case -ELOOP:
		return NHRP_REFUSAL_NBMA_TUNNEL;
	case -ENETUNREACH:
		return NHRP_REFUSAL_NBMA_ROUTE;
	}
	return NHRP_REFUSAL_NONE;
}

/* Take-over and limits, compared by the observed address. */
static enum nhrp_refusal holder_check(const struct nhrp_server *srv,
				      const struct nhrp_rx *rx,
				      const struct nhrp_claim *claim)
{
	const struct dp_spoke_key key = nhrp_rx_spoke(rx);
	const struct spoke *s = spoke_find(srv->spokes, &key);
	const struct nhrp_binding *b =
		nhrp_cache_find(srv->cache, rx->meta->tunnel, &claim->protocol);

	if (b && b->type == NHRP_BINDING_STATIC)
		return NHRP_REFUSAL_STATIC;
	if (b && b->spoke == s)
		return NHRP_REFUSAL_NONE;
	if (b && !may_take_over(rx, claim, b))
		return NHRP_REFUSAL_HELD;
	if (s && s->binding_count >= rx->tunnel->nhrp.max_bindings_per_spoke)
		return NHRP_REFUSAL_SPOKE_FULL;
	return nbma_check(srv, &rx->meta->outer_src);
}

enum nhrp_refusal nhrp_admit(const struct nhrp_server *srv,
			     const struct nhrp_rx *rx,
			     const struct nhrp_claim *claim)
{
	const struct dp_addr *outer = &rx->meta->outer_src;
	enum nhrp_refusal refusal;

	if (claim->unique && !claim->alone)
		return NHRP_REFUSAL_UNIQUE_MANY;
	refusal = protocol_check(srv, rx->tunnel, &claim->protocol);
	if (refusal != NHRP_REFUSAL_NONE)
		return refusal;
	if (!is_host_prefix(claim))
		return NHRP_REFUSAL_PREFIX;
	if (dp_addr_equal(outer, &rx->tunnel->source) || subnet_of(rx->tunnel, outer))
		return NHRP_REFUSAL_NBMA;
	return holder_check(srv, rx, claim);
}
