/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_record: a packet that only passes by here (RFC 2332 sections 5.3.2 and 5.3.3): one hop less,
 * one entry more in its transit record, and, where a client is behind a NAT and its own hub did not
 * know, the address that we see in the NAT extension. Extensions keep their order. Only the control
 * core calls.
 */
#include "nhrp_priv.h"

#include <errno.h>
#include <string.h>

static bool is_ours(const struct nhrp_server *srv, const struct dp_addr *protocol)
{
	for (uint32_t i = 0; i < srv->tunnel_count; i++)
		if (srv->tunnels[i].used && nhrp_is_own_protocol(&srv->tunnels[i].conf, protocol))
			return true;
	return false;
}

int nhrp_record_has_us(const struct nhrp_server *srv,
		       const struct nhrp_packet *p,
		       uint16_t type,
		       uint16_t *offset)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, type);
	struct nhrp_cie cies[NHRP_EXT_CIES_MAX];
	struct nhrp_fault fault;
	int n;

	*offset = e ? e->offset : 0;
	if (!e || e->len == 0)
		return 0;
	n = nhrp_ext_cies_decode(p, e, cies, NHRP_EXT_CIES_MAX, &fault);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		if (is_ours(srv, &cies[i].proto))
			return 1;
	return 0;
}

static int record_add(struct nhrp_transit *t, struct nhrp_ext *e, const struct config_tunnel *out)
{
	const struct nhrp_cie us = {
		.holding_s = (uint16_t)out->nhrp.holdtime_s,
		.nbma = out->source,
		.proto = nhrp_own_protocol(out, &t->packet.src_proto),
	};
	int len;

	if (e->len > sizeof(t->record))
		return -EMSGSIZE;
	if (e->len > 0)
		memcpy(t->record, e->value, e->len);
	len = nhrp_cies_encode(&t->packet, &us, 1, t->record + e->len, sizeof(t->record) - e->len);
	if (len < 0)
		return len;
	e->value = t->record;
	e->len = (uint16_t)(e->len + len);
	return 0;
}

/* Empty: its own hub, or the client itself, would have filled it. */
static int nat_fill(struct nhrp_transit *t, struct nhrp_ext *e, const struct nhrp_binding *client)
{
	struct nhrp_cie cie;
	int len;

	if (e->len > 0 || !client || !(client->flags & NHRP_BINDING_F_NAT))
		return 0;
	cie = (struct nhrp_cie){.prefix_len = client->prefix_len,
				.nbma = client->spoke->key.nbma,
				.proto = client->protocol};
	len = nhrp_cies_encode(&t->packet, &cie, 1, t->nat, sizeof(t->nat));
	if (len < 0)
		return len;
	e->value = t->nat;
	e->len = (uint16_t)len;
	return 0;
}

int nhrp_transit_init(struct nhrp_transit *t,
		      const struct nhrp_packet *p,
		      const struct config_tunnel *out,
		      uint16_t record,
		      const struct nhrp_binding *client)
{
	int err = 0;

	t->packet = *p;
	t->packet.hop_count--;
	for (unsigned i = 0; err == 0 && i < t->packet.ext_count; i++) {
		struct nhrp_ext *e = &t->packet.exts[i];

		if (e->type == record)
			err = record_add(t, e, out);
		else if (nhrp_ext_is_nat(e))
			err = nat_fill(t, e, client);
	}
	return err;
}
