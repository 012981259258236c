/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_ask_learn: from a Resolution Reply to an entry of the cache (RFC 2332 sections 5.2.0.1 and
 * 5.2.2). Only the control core calls.
 */
#include <errno.h>

#include "nhrp_priv.h"

/* An answer of several entries: the one that is preferred, RFC 2332 section 5.2.0.1. */
const struct nhrp_cie *nhrp_ask_best(const struct nhrp_packet *p)
{
	const struct nhrp_cie *best = NULL;

	for (unsigned i = 0; i < p->cie_count; i++)
		if (p->cies[i].code == NHRP_CIE_CODE_OK && p->cies[i].holding_s > 0 &&
		    dp_addr_is_set(&p->cies[i].nbma) &&
		    (!best || p->cies[i].preference > best->preference))
			best = &p->cies[i];
	return best;
}

/* Where it is seen: what somebody on the way added to Cisco's extension, else what it says. */
static struct dp_addr nbma_of(const struct nhrp_packet *p, const struct nhrp_cie *cie)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_NAT);
	struct nhrp_cie cies[NHRP_EXT_CIES_MAX];
	struct nhrp_fault fault;
	int count = e && nhrp_ext_is_nat(e)
			    ? nhrp_ext_cies_decode(p, e, cies, NHRP_EXT_CIES_MAX, &fault)
			    : 0;

	for (int i = 0; i < count; i++)
		if (dp_addr_equal(&cies[i].proto, &cie->proto) && dp_addr_is_set(&cies[i].nbma))
			return cies[i].nbma;
	return cie->nbma;
}

/* Not ours, and not by a tunnel. */
static bool is_usable(const struct nhrp_server *srv, uint16_t tunnel, const struct dp_addr *nbma)
{
	const struct nhrp_peer_ops *peers = &srv->peers;

	return !dp_addr_equal(nbma, &srv->tunnels[tunnel].conf.source) &&
	       !(peers->is_ours && peers->is_ours(peers->ctx, nbma)) && !dp_addr_is_any(nbma) &&
	       !dp_addr_is_multicast(nbma) &&
	       (!peers->reachable || peers->reachable(peers->ctx, nbma) == 0);
}

/* The entry. What is registered here, or static, is better than any answer. */
int nhrp_ask_learn(struct nhrp_server *srv,
		   uint16_t tunnel,
		   const struct dp_addr *target,
		   const struct nhrp_rx *rx,
		   const struct nhrp_cie *cie)
{
	const struct nhrp_binding *b = nhrp_cache_find(srv->cache, tunnel, target);
	struct nhrp_binding_conf conf = {
		.spoke = {.tunnel = tunnel, .nbma = nbma_of(rx->packet, cie)},
		.protocol = *target,
		.claimed = cie->nbma,
		.type = NHRP_BINDING_DYNAMIC,
		.flags = NHRP_BINDING_F_ROUTER,
		.mtu = cie->mtu,
		.holding_s =
			cie->holding_s < NHRP_HOLDING_MIN_S ? NHRP_HOLDING_MIN_S : cie->holding_s,
	};

	if (b && (b->type == NHRP_BINDING_STATIC || (b->flags & NHRP_BINDING_F_REGISTERED)))
		return -EEXIST;
	if (!is_usable(srv, tunnel, &conf.spoke.nbma))
		return -ENETUNREACH;
	if (rx->packet->flags & NHRP_RES_F_AUTHORITATIVE)
		conf.flags |= NHRP_BINDING_F_AUTHORITATIVE;
	if (!dp_addr_equal(&conf.spoke.nbma, &cie->nbma))
		conf.flags |= NHRP_BINDING_F_NAT;
	return nhrp_cache_set(srv->cache, &conf, rx->now_ms);
}
