/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_res: Resolution Requests (RFC 2332 sections 5.2.1 and 5.2.2). Where does the target's way
 * lead? To a spoke of the cloud: the request goes on to it (nhrp_forward.c), or is answered from
 * the cache as the configuration says. Out of the cloud here: we are the answer, with the widest
 * prefix of which that is true (section 6.3). Nowhere: upstream, when there is a hub over us, else
 * no.
 *
 * A requester speaks for itself: for an address that is bound to it, or to nobody and that it might
 * register. One that is not registered and that we answer gets an implicit entry (section 6.2), so
 * that the way back is there. Only the control core calls.
 */
#include "nhrp_priv.h"

static const struct nhrp_binding *requester_of(const struct nhrp_server *srv,
					       const struct nhrp_rx *rx)
{
	return nhrp_cache_find(srv->cache, rx->meta->tunnel, &rx->packet->src_proto);
}

static struct spoke *sender_of(const struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct dp_spoke_key key = nhrp_rx_spoke(rx);

	return spoke_find(srv->spokes, &key);
}

static bool came_straight(const struct nhrp_packet *p)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_FORWARD_RECORD);

	return !e || e->len == 0;
}

/* ---- may it be asked? ---- */

/* Why it could not register its source address. */
static enum nhrp_refusal source_admit(const struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_claim claim = {
		.protocol = rx->packet->src_proto,
		.nbma = rx->packet->src_nbma,
		.prefix_len = NHRP_PREFIX_HOST_0,
		.alone = true,
	};

	return nhrp_admit(srv, rx, &claim);
}

/* Having too many entries is no reason not to be answered. */
static bool is_allowed(const struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	enum nhrp_refusal refusal = source_admit(srv, rx);

	return refusal == NHRP_REFUSAL_NONE || refusal == NHRP_REFUSAL_SPOKE_FULL;
}

static bool is_its_own(const struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_binding *b = requester_of(srv, rx);

	if (nhrp_clients_is_nhs(srv->clients, rx->meta->tunnel, &rx->meta->outer_src))
		return !nhrp_is_own_protocol(rx->tunnel, &rx->packet->src_proto);
	return b ? b->spoke == sender_of(srv, rx) : is_allowed(srv, rx);
}

static bool request_check(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;
	uint16_t offset;
	int ours;

	if (!dp_addr_is_set(&p->src_proto) || !dp_addr_is_set(&p->dst_proto)) {
		nhrp_server_drop(srv, rx, NHRP_DROP_NO_ADDRESS, NHRP_MAND_OFF(src_proto_len));
		return false;
	}
	if (p->nbma_family != rx->meta->outer_src.family) {
		nhrp_server_drop(srv, rx, NHRP_DROP_NBMA_FAMILY, NHRP_OFF(afn_be));
		return false;
	}
	if (!nhrp_exts_check(srv, rx))
		return false;
	ours = nhrp_record_has_us(srv, p, NHRP_EXT_FORWARD_RECORD, &offset);
	if (ours != 0) {
		nhrp_server_drop(srv, rx, ours < 0 ? NHRP_DROP_EXT_VALUE : NHRP_DROP_LOOP, offset);
		return false;
	}
	if (!is_its_own(srv, rx)) {
		nhrp_server_drop(srv, rx, NHRP_DROP_NOT_ITS_OWN, NHRP_ADDRS_OFF);
		return false;
	}
	return true;
}

/* ---- which way? ---- */

/* Without routes: the tunnel's own subnets. */
static void way_by_subnet(const struct nhrp_rx *rx, struct nhrp_way *way)
{
	const struct dp_addr *target = &rx->packet->dst_proto;

	for (uint32_t i = 0; i < rx->tunnel->address_count; i++)
		if (dp_prefix_contains(&rx->tunnel->addresses[i], target))
			*way = (struct nhrp_way){.kind = NHRP_WAY_TUNNEL,
						 .prefix_len = dp_addr_bits(target),
						 .tunnel = rx->meta->tunnel,
						 .next_hop = *target};
}

/* A way into another cloud leaves this one here. */
static struct nhrp_way way_find(const struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct dp_addr *target = &rx->packet->dst_proto;
	struct nhrp_way way = {.kind = NHRP_WAY_NONE};
	const struct nhrp_tunnel *out;

	if (nhrp_is_own_protocol(rx->tunnel, target))
		return (struct nhrp_way){.kind = NHRP_WAY_OURS, .prefix_len = dp_addr_bits(target)};
	if (srv->ways.find && target->family == AF_INET)
		srv->ways.find(srv->ways.ctx, target, &way);
	else
		way_by_subnet(rx, &way);
	if (way.kind != NHRP_WAY_TUNNEL)
		return way;
	out = nhrp_tunnel_of(srv, way.tunnel);
	if (!out || out->conf.nhrp.network_id != rx->tunnel->nhrp.network_id)
		way.kind = NHRP_WAY_OURS;
	return way;
}

/* ---- answers ---- */

static void answer_no(struct nhrp_server *srv,
		      const struct nhrp_rx *rx,
		      enum nhrp_cie_code code,
		      enum nhrp_note why)
{
	const struct nhrp_cie no = {.code = code};

	nhrp_note(srv, why);
	nhrp_res_answer(srv, rx, &no, NULL);
}

/* A hub over us may know; not when it is the one that asks. */
static bool upstream_ask(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	struct dp_spoke_key nhs;
	struct dp_addr protocol;

	if (!nhrp_clients_upstream(srv->clients, rx->meta->tunnel, &nhs, &protocol) ||
	    spoke_find(srv->spokes, &nhs) == sender_of(srv, rx))
		return false;
	return nhrp_forward_send(srv, rx, &nhs, &protocol) == 0;
}

static void no_way(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	if (!upstream_ask(srv, rx))
		answer_no(srv, rx, NHRP_CIE_CODE_NO_BINDING, NHRP_NOTE_RES_NO_WAY);
}

/* An entry that nobody registered is not a promise: no host route. */
static void requester_learn(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;
	const struct nhrp_binding *b = requester_of(srv, rx);
	const struct nhrp_cie *cie = p->cie_count > 0 ? &p->cies[0] : NULL;
	struct nhrp_binding_conf conf = {
		.spoke = nhrp_rx_spoke(rx),
		.protocol = p->src_proto,
		.claimed = p->src_nbma,
		.type = NHRP_BINDING_DYNAMIC,
		.flags = NHRP_BINDING_F_IMPLICIT,
		.mtu = cie ? cie->mtu : 0,
		.holding_s = nhrp_holding_grant(rx->tunnel, cie ? cie->holding_s : 0),
	};

	if (!came_straight(p) || (b && !(b->flags & NHRP_BINDING_F_IMPLICIT)) ||
	    source_admit(srv, rx) != NHRP_REFUSAL_NONE)
		return;
	if (p->flags & NHRP_RES_F_ROUTER)
		conf.flags |= NHRP_BINDING_F_ROUTER;
	if (dp_addr_is_set(&p->src_nbma) && !dp_addr_equal(&p->src_nbma, &rx->meta->outer_src))
		conf.flags |= NHRP_BINDING_F_NAT;
	nhrp_cache_set(srv->cache, &conf, rx->now_ms); /* full: counted there, the answer stands */
}

/* RFC 2332 section 5.2.2: who cannot be told when it ends must not be told now. */
static bool requester_note(struct nhrp_server *srv,
			   const struct nhrp_rx *rx,
			   const struct nhrp_way *way,
			   const struct nhrp_cie *answer)
{
	const struct nhrp_requester r = {
		.tunnel = way->tunnel,
		.target = {.addr = rx->packet->dst_proto, .len = answer->prefix_len},
		.binding = way->next_hop,
		.requester_protocol = rx->packet->src_proto,
		.requester_nbma = rx->meta->outer_src,
		.requester_natt_port = rx->meta->natt_port,
		.requester_tunnel = rx->meta->tunnel,
		.request_id = rx->packet->request_id,
		.holding_s = answer->holding_s,
	};

	return nhrp_requester_note(srv, &r, rx->now_ms) == 0;
}

static void answer_ours(struct nhrp_server *srv,
			const struct nhrp_rx *rx,
			const struct nhrp_way *way)
{
	const struct nhrp_cie cie = {
		.prefix_len = way->prefix_len,
		.mtu = rx->tunnel->mtu,
		.holding_s = (uint16_t)rx->tunnel->nhrp.holdtime_s,
		.nbma = rx->tunnel->source,
		.proto = nhrp_own_protocol(rx->tunnel, &rx->packet->src_proto),
	};

	nhrp_note(srv, NHRP_NOTE_RES_OURS);
	requester_learn(srv, rx);
	nhrp_res_answer(srv, rx, &cie, NULL);
}

static uint16_t remaining_s(const struct nhrp_rx *rx, const struct nhrp_binding *b)
{
	uint64_t left_ms;

	if (b->expiry.slot == 0)
		return (uint16_t)rx->tunnel->nhrp.holdtime_s;
	left_ms = b->expiry.at_ms > rx->now_ms ? b->expiry.at_ms - rx->now_ms : 0;
	return left_ms < 1000 ? 1 : (uint16_t)(left_ms / 1000); /* 0 would mean no */
}

static void answer_cached(struct nhrp_server *srv,
			  const struct nhrp_rx *rx,
			  const struct nhrp_way *way,
			  const struct nhrp_binding *b)
{
	const struct nhrp_cie cie = {
		.prefix_len = b->prefix_len,
		.mtu = b->mtu,
		.holding_s = remaining_s(rx, b),
		.nbma = b->spoke->key.nbma,
		.proto = b->protocol,
	};

	if ((rx->packet->flags & NHRP_RES_F_UNIQUE) && !(b->flags & NHRP_BINDING_F_UNIQUE)) {
		answer_no(srv, rx, NHRP_CIE_CODE_NOT_UNIQUE, NHRP_NOTE_RES_NOT_UNIQUE);
		return;
	}
	if (!requester_note(srv, rx, way, &cie)) {
		answer_no(srv, rx, NHRP_CIE_CODE_NO_RESOURCES, NHRP_NOTE_RES_FULL);
		return;
	}
	nhrp_note(srv, NHRP_NOTE_RES_CACHE);
	requester_learn(srv, rx);
	nhrp_res_answer(srv, rx, &cie, b);
}

/* ---- a spoke's ---- */

/* Of a requester behind another hub we know what its hub wrote into the NAT extension. */
static struct nhrp_end requester_end(const struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_NAT);
	const struct spoke *s = sender_of(srv, rx);

	if (!came_straight(p))
		return (struct nhrp_end){.nat = e && nhrp_ext_is_nat(e) && e->len > 0};
	if (s)
		return nhrp_end_of(srv, s);
	return (struct nhrp_end){.nat = !dp_addr_equal(&p->src_nbma, &rx->meta->outer_src)};
}

/* What another hub told us is not ours to tell. */
static bool is_known_first_hand(const struct nhrp_binding *b)
{
	return b->type == NHRP_BINDING_STATIC || (b->flags & NHRP_BINDING_F_REGISTERED);
}

static bool is_cached(const struct nhrp_rx *rx,
		      const struct nhrp_binding *b,
		      const struct nhrp_end *in,
		      const struct nhrp_end *out)
{
	const struct config_nhrp *conf = &rx->tunnel->nhrp;

	if (!dp_addr_equal(&b->protocol, &rx->packet->dst_proto) || !is_known_first_hand(b))
		return false;
	switch (conf->resolution) {
	case CONFIG_RESOLUTION_AUTO:
		return !conf->redirect && !in->nat && !out->nat;
	case CONFIG_RESOLUTION_FORWARD:
		return false;
	case CONFIG_RESOLUTION_CACHE:
		break;
	}
	return true;
}

static void spoke_resolve(struct nhrp_server *srv,
			  const struct nhrp_rx *rx,
			  const struct nhrp_way *way,
			  const struct nhrp_binding *b)
{
	struct nhrp_end in = requester_end(srv, rx), out = nhrp_end_of(srv, b->spoke);

	if (b->spoke == sender_of(srv, rx)) {
		answer_no(srv, rx, NHRP_CIE_CODE_NO_BINDING, NHRP_NOTE_RES_OWN_WAY);
		return;
	}
	if (nhrp_meet(rx->tunnel->nhrp.redirect_nat, &in, &out) != NHRP_SUPPRESS_NONE) {
		answer_no(srv, rx, NHRP_CIE_CODE_NO_BINDING, NHRP_NOTE_RES_CANNOT_MEET);
		return;
	}
	if (is_cached(rx, b, &in, &out))
		answer_cached(srv, rx, way, b);
	else if (nhrp_forward_send(srv, rx, &b->spoke->key, &b->protocol) < 0)
		answer_no(srv, rx, NHRP_CIE_CODE_NO_RESOURCES, NHRP_NOTE_RES_FULL);
}

void nhrp_res_request(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_binding *b;
	struct nhrp_way way;

	if (!request_check(srv, rx))
		return;
	way = way_find(srv, rx);
	if (way.kind == NHRP_WAY_OURS) {
		answer_ours(srv, rx, &way);
		return;
	}
	b = way.kind == NHRP_WAY_TUNNEL ? nhrp_cache_find(srv->cache, way.tunnel, &way.next_hop)
					: NULL;
	if (b)
		spoke_resolve(srv, rx, &way, b);
	else
		no_way(srv, rx);
}
