/* SPDX-License-Identifier: Apache-2.0 */
/* nhrp_client_send: what a hub sends to its next-hop servers. Only the control core calls. */
#include <sys/random.h>

#include "nhrp_client_priv.h"

static struct dp_addr own_of(const struct nhrp_clients *c, const struct nhs *n)
{
	const struct config_tunnel *t = nhs_tunnel(c, n);

	return dp_addr_is_set(&n->info.protocol) ? nhrp_own_protocol(t, &n->info.protocol)
						 : t->addresses[0].addr;
}

static void head_fill(const struct nhrp_clients *c,
		      const struct nhs *n,
		      struct nhrp_packet *p,
		      uint8_t type)
{
	const struct config_tunnel *t = nhs_tunnel(c, n);
	const struct dp_addr own = own_of(c, n);

	nhrp_packet_init(p, type, t->source.family, own.family);
	p->hop_count = NHRP_HOP_COUNT;
	(void)!getrandom(&p->request_id, sizeof(p->request_id), 0);
	p->src_nbma = t->source;
	p->src_proto = own;
	/* RFC 2332 section 5.2.3: to itself when the NHS is not known. */
	p->dst_proto = dp_addr_is_set(&n->info.protocol) ? n->info.protocol : own;
	p->cie_count = 1;
}

static void packet_send(struct nhrp_clients *c, const struct nhs *n, struct nhrp_packet *p)
{
	nhrp_ext_add(p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_send(c->srv, n->info.tunnel, &n->info.conf.nbma, 0, p);
}

/* Cisco's extension: who we think the NHS is; it adds how it sees us when that differs. */
static int nat_add(const struct nhs *n, struct nhrp_packet *p, uint8_t *buf, size_t cap)
{
	const struct nhrp_cie cie = {.prefix_len = dp_addr_bits(&p->dst_proto),
				     .nbma = n->info.conf.nbma,
				     .proto = n->info.protocol};
	int len = nhrp_cies_encode(p, &cie, 1, buf, cap);

	return len < 0 ? len : nhrp_ext_add(p, NHRP_EXT_NAT, 0, buf, (uint16_t)len);
}

/* Not unique: after a move to another address we must not lock ourselves out. */
void nhs_register(struct nhrp_clients *c, struct nhs *n)
{
	const struct config_tunnel *t = nhs_tunnel(c, n);
	uint8_t nat[NHRP_CIE_LEN + 2 * sizeof(struct in6_addr)];
	struct nhrp_packet p;

	head_fill(c, n, &p, NHRP_TYPE_REGISTRATION_REQUEST);
	p.flags = NHRP_F_NAT;
	p.cies[0] = (struct nhrp_cie){.prefix_len = dp_addr_bits(&p.src_proto),
				      .mtu = t->mtu,
				      .holding_s = (uint16_t)t->nhrp.holdtime_s};
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_FORWARD_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_REVERSE_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nat_add(n, &p, nat, sizeof(nat));
	n->request_id = p.request_id;
	n->asked = true;
	n->info.sent++;
	packet_send(c, n, &p);
}

/* RFC 2332 section 5.2.5: what we registered is no longer true there. */
void nhs_withdraw(struct nhrp_clients *c, const struct nhs *n)
{
	struct nhrp_packet p;

	head_fill(c, n, &p, NHRP_TYPE_PURGE_REQUEST);
	p.flags = NHRP_PURGE_F_NO_REPLY;
	p.cies[0] =
		(struct nhrp_cie){.prefix_len = dp_addr_bits(&p.src_proto), .proto = p.src_proto};
	packet_send(c, n, &p);
}
