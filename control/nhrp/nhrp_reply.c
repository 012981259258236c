/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_reply: a request turned into its reply (RFC 2332 sections 5.2.4, 5.2.6, 5.3). Extensions
 * keep their order and, but for these, their bytes: Responder Address gets our CIE (5.3.1), the
 * NAT extension of a client that is not where it says it is gets a second CIE with the address we
 * see (Cisco). The transit records are not ours to touch when we respond (5.3.2, 5.3.3).
 * Authentication is renewed as the reply is sent (nhrp_send.c); where none is configured it goes
 * back as it came. Only the control core calls.
 */
#include "nhrp_priv.h"

static bool ext_known(uint16_t type)
{
	switch (type) {
	case NHRP_EXT_END:
	case NHRP_EXT_RESPONDER:
	case NHRP_EXT_FORWARD_RECORD:
	case NHRP_EXT_REVERSE_RECORD:
	case NHRP_EXT_AUTHENTICATION:
	case NHRP_EXT_VENDOR:
	case NHRP_EXT_NAT:
		return true;
	}
	return false;
}

bool nhrp_exts_check(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;

	for (unsigned i = 0; i < p->ext_count; i++) {
		const struct nhrp_ext *e = &p->exts[i];

		if ((e->flags & NHRP_EXT_F_COMPULSORY) && !ext_known(e->type)) {
			nhrp_server_drop(srv, rx, NHRP_DROP_EXT_UNKNOWN, e->offset);
			return false;
		}
		if (e->type != NHRP_EXT_VENDOR && nhrp_ext_find(p, e->type) != e) {
			nhrp_server_drop(srv, rx, NHRP_DROP_EXT_TWICE, e->offset);
			return false;
		}
	}
	return true;
}

/* The forward record is empty: the request came straight from its source. */
static bool is_first_hop(const struct nhrp_packet *p)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_FORWARD_RECORD);

	return !e || e->len == 0;
}

/* RFC 2332 section 5.3.1: prefix length 0, our addresses. */
static int responder_fill(const struct nhrp_rx *rx, struct nhrp_reply *reply, struct nhrp_ext *e)
{
	const struct nhrp_packet *p = rx->packet;
	const struct nhrp_cie cie = {
		.holding_s = (uint16_t)rx->tunnel->nhrp.holdtime_s,
		.nbma = rx->tunnel->source,
		.proto = nhrp_is_own_protocol(rx->tunnel, &p->dst_proto)
				 ? p->dst_proto
				 : nhrp_own_protocol(rx->tunnel, &p->src_proto),
	};
	int len = nhrp_cies_encode(&reply->packet, &cie, 1, reply->responder,
				   sizeof(reply->responder));

	e->value = reply->responder;
	e->len = len < 0 ? 0 : (uint16_t)len;
	return len;
}

/* Adds {observed address, client} behind what the client sent, when it is behind a NAT. */
static int nat_fill(const struct nhrp_rx *rx, struct nhrp_reply *reply, struct nhrp_ext *e)
{
	const struct nhrp_packet *p = rx->packet;
	struct nhrp_cie cies[NHRP_EXT_CIES_MAX];
	struct nhrp_fault fault;
	int count, len;

	if (dp_addr_equal(&p->src_nbma, &rx->meta->outer_src) || !is_first_hop(p))
		return 0;
	count = nhrp_ext_cies_decode(p, e, cies, NHRP_EXT_CIES_MAX - 1, &fault);
	if (count < 0)
		return count;
	cies[count] = (struct nhrp_cie){.prefix_len = dp_addr_bits(&p->src_proto),
					.nbma = rx->meta->outer_src,
					.proto = p->src_proto};
	len = nhrp_cies_encode(p, cies, (unsigned)count + 1, reply->nat, sizeof(reply->nat));
	if (len < 0)
		return len;
	e->value = reply->nat;
	e->len = (uint16_t)len;
	return 0;
}

bool nhrp_reply_init(struct nhrp_server *srv,
		     const struct nhrp_rx *rx,
		     uint8_t type,
		     struct nhrp_reply *reply)
{
	struct nhrp_packet *p = &reply->packet;

	*p = *rx->packet;
	p->type = type;
	p->hop_count = NHRP_HOP_COUNT;
	/* A client that did not know us (destination = source) learns our address here. */
	if (type == NHRP_TYPE_REGISTRATION_REPLY &&
	    !nhrp_is_own_protocol(rx->tunnel, &p->dst_proto))
		p->dst_proto = nhrp_own_protocol(rx->tunnel, &p->src_proto);
	for (unsigned i = 0; i < p->ext_count; i++) {
		struct nhrp_ext *e = &p->exts[i];
		int err = 0;

		if (e->type == NHRP_EXT_RESPONDER)
			err = responder_fill(rx, reply, e);
		else if (nhrp_ext_is_nat(e) && type == NHRP_TYPE_REGISTRATION_REPLY)
			err = nat_fill(rx, reply, e);
		else if (nhrp_ext_is_nat(e)) /* it was about the requester */
			e->len = 0;
		if (err < 0) {
			nhrp_server_drop(srv, rx, NHRP_DROP_EXT_VALUE, e->offset);
			return false;
		}
	}
	return true;
}
