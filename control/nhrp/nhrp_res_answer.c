/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_res_answer: a resolution reply of our own (RFC 2332 section 5.2.2): one CIE. What is behind
 * a NAT is told as itself says it is, with the address that we see in the NAT extension, as its own
 * replies would; to who does not do that extension, as we see it. Only the control core calls.
 */
#include "nhrp_priv.h"

#define KEPT_FLAGS (NHRP_RES_F_ROUTER | NHRP_RES_F_SRC_STABLE | NHRP_F_NAT)

static uint16_t flags_of(const struct nhrp_packet *request, const struct nhrp_binding *b)
{
	uint16_t flags = NHRP_RES_F_AUTHORITATIVE | NHRP_RES_F_DST_STABLE;

	/* What is ours is nobody else's. */
	if (b ? b->flags & NHRP_BINDING_F_UNIQUE : request->flags & NHRP_RES_F_UNIQUE)
		flags |= NHRP_RES_F_UNIQUE;
	return flags;
}

static void nat_tell(struct nhrp_reply *reply, const struct nhrp_binding *b)
{
	struct nhrp_packet *p = &reply->packet;
	const struct nhrp_cie seen = {
		.prefix_len = b->prefix_len, .nbma = b->spoke->key.nbma, .proto = b->protocol};
	int len;

	if (!(b->flags & NHRP_BINDING_F_NAT) || b->claimed.family != p->nbma_family)
		return;
	for (unsigned i = 0; i < p->ext_count; i++) {
		struct nhrp_ext *e = &p->exts[i];

		if (!nhrp_ext_is_nat(e) || e->type != NHRP_EXT_NAT)
			continue;
		len = nhrp_cies_encode(p, &seen, 1, reply->nat, sizeof(reply->nat));
		if (len < 0)
			return;
		e->value = reply->nat;
		e->len = (uint16_t)len;
		p->cies[0].nbma = b->claimed;
		return;
	}
}

void nhrp_res_answer(struct nhrp_server *srv,
		     const struct nhrp_rx *rx,
		     const struct nhrp_cie *cie,
		     const struct nhrp_binding *b)
{
	struct nhrp_packet *p;
	struct nhrp_reply reply;

	if (!nhrp_reply_init(srv, rx, NHRP_TYPE_RESOLUTION_REPLY, &reply))
		return;
	p = &reply.packet;
	p->flags &= KEPT_FLAGS;
	p->cie_count = 1;
	p->cies[0] = *cie;
	if (cie->code == NHRP_CIE_CODE_OK)
		p->flags |= flags_of(rx->packet, b);
	if (b)
		nat_tell(&reply, b);
	nhrp_server_reply(srv, rx, p);
}
