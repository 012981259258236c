/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_reg: Registration Request -> bindings -> Registration Reply (RFC 2332 sections 5.2.3 and
 * 5.2.4). Each CIE is admitted by itself (nhrp_admit.c) and answered with its own code; an
 * accepted one carries the holding time that we granted, a refused one 0. The reply goes straight
 * back to where the request came from. Only the control core calls.
 *
 * Not done: registrations for another server, or that came through one, are dropped, not forwarded
 * (5.2.3): a binding points to where its packets come from.
 */
#include "nhrp_priv.h"

#include <errno.h>
#include <stdio.h>

#include "control/events.h"

uint16_t nhrp_holding_grant(const struct config_tunnel *tunnel, uint16_t asked_s)
{
	if (asked_s == 0)
		return (uint16_t)tunnel->nhrp.holdtime_s;
	return asked_s < NHRP_HOLDING_MIN_S ? NHRP_HOLDING_MIN_S : asked_s;
}

static void refusal_count(struct nhrp_server *srv,
			  const struct nhrp_rx *rx,
			  const struct nhrp_claim *claim,
			  enum nhrp_refusal refusal)
{
	unsigned counter = NHRP_COUNTER_REFUSED + refusal;
	char protocol[DP_ADDR_STRLEN], from[DP_ADDR_STRLEN], object[EVENT_OBJECT_LEN];

	srv->counters[counter]++;
	/* Whatever the reason: a spoke asks again and again. */
	if (!nhrp_tell_due(srv, rx, NHRP_COUNTER_REFUSED))
		return;
	snprintf(object, sizeof(object), "%s %s", rx->tunnel->name,
		 dp_addr_format(&claim->protocol, protocol));
	event_emit(EVENT_REG_REFUSED, object, "%s, from %s", nhrp_counter_name(counter),
		   dp_addr_format(&rx->meta->outer_src, from));
}

static enum nhrp_cie_code refusal_code(enum nhrp_refusal refusal)
{
	static const enum nhrp_cie_code codes[] = {[NHRP_REFUSAL_NONE] = NHRP_CIE_CODE_OK,
#define X(id, code, name, help) [NHRP_REFUSAL_##id] = code,
						   NHRP_REFUSAL_LIST(X)
#undef X
	};

	return codes[refusal];
}

static enum nhrp_refusal binding_set(struct nhrp_server *srv,
				     const struct nhrp_rx *rx,
				     const struct nhrp_claim *claim,
				     const struct nhrp_cie *cie)
{
	const struct dp_addr *outer = &rx->meta->outer_src;
	struct nhrp_binding_conf conf = {
		.spoke = nhrp_rx_spoke(rx),
		.protocol = claim->protocol,
		.claimed = claim->nbma,
		.identity = rx->identity,
		.type = NHRP_BINDING_DYNAMIC,
		.flags = NHRP_BINDING_F_REGISTERED,
		.mtu = cie->mtu,
		.holding_s = nhrp_holding_grant(rx->tunnel, cie->holding_s),
		.want_route = rx->tunnel->nhrp.install_routes,
	};
	int err;

	if (rx->tunnel->nhrp.multicast_dynamic)
		conf.flags |= NHRP_BINDING_F_MULTICAST;
	if (claim->unique)
		conf.flags |= NHRP_BINDING_F_UNIQUE;
	if (dp_addr_is_set(&claim->nbma) && !dp_addr_equal(&claim->nbma, outer))
		conf.flags |= NHRP_BINDING_F_NAT;
	err = nhrp_cache_set(srv->cache, &conf, rx->now_ms);
	if (err == 0)
		return NHRP_REFUSAL_NONE;
	return err == -ENOSPC ? NHRP_REFUSAL_TABLE_FULL : NHRP_REFUSAL_DATAPLANE;
}

static void cie_answer(struct nhrp_server *srv, const struct nhrp_rx *rx, struct nhrp_cie *cie)
{
	const struct nhrp_packet *p = rx->packet;
	/* RFC 2332 section 5.2.3: lengths of 0 mean "as in the common header". */
	const struct nhrp_claim claim = {
		.protocol = dp_addr_is_set(&cie->proto) ? cie->proto : p->src_proto,
		.nbma = dp_addr_is_set(&cie->nbma) ? cie->nbma : p->src_nbma,
		.prefix_len = cie->prefix_len,
		.unique = p->flags & NHRP_REG_F_UNIQUE,
		.alone = p->cie_count == 1,
	};
	enum nhrp_refusal refusal = nhrp_admit(srv, rx, &claim);

	if (refusal == NHRP_REFUSAL_NONE)
		refusal = binding_set(srv, rx, &claim, cie);
	cie->code = (uint8_t)refusal_code(refusal);
	if (refusal == NHRP_REFUSAL_NONE) {
		cie->holding_s = nhrp_holding_grant(rx->tunnel, cie->holding_s);
	} else {
		cie->holding_s = 0;
		refusal_count(srv, rx, &claim, refusal);
	}
}

void nhrp_reg_request(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;
	const struct nhrp_ext *record = nhrp_ext_find(p, NHRP_EXT_FORWARD_RECORD);
	struct nhrp_reply reply;

	if (!dp_addr_is_set(&p->src_proto) || !dp_addr_is_set(&p->dst_proto)) {
		nhrp_server_drop(srv, rx, NHRP_DROP_NO_ADDRESS, NHRP_MAND_OFF(src_proto_len));
		return;
	}
	if (p->nbma_family != rx->meta->outer_src.family) {
		nhrp_server_drop(srv, rx, NHRP_DROP_NBMA_FAMILY, NHRP_OFF(afn_be));
		return;
	}
	/* RFC 2332 section 5.2.3: to us, or to itself by a client that does not know us. */
	if (!dp_addr_equal(&p->dst_proto, &p->src_proto) &&
	    !nhrp_is_own_protocol(rx->tunnel, &p->dst_proto)) {
		nhrp_server_drop(srv, rx, NHRP_DROP_NOT_FOR_US, NHRP_ADDRS_OFF);
		return;
	}
	/* A client speaks for itself: what came through another server is nobody's binding here. */
	if (record && record->len > 0) {
		nhrp_server_drop(srv, rx, NHRP_DROP_REG_FORWARDED, record->offset);
		return;
	}
	if (p->cie_count == 0) {
		nhrp_server_drop(srv, rx, NHRP_DROP_NO_CIE, NHRP_ADDRS_OFF);
		return;
	}
	if (!nhrp_exts_check(srv, rx) ||
	    !nhrp_reply_init(srv, rx, NHRP_TYPE_REGISTRATION_REPLY, &reply))
		return;
	for (unsigned i = 0; i < p->cie_count; i++)
		cie_answer(srv, rx, &reply.packet.cies[i]);
	nhrp_server_reply(srv, rx, &reply.packet);
}
