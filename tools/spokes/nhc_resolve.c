/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhc_resolve: a traffic indication is a reason to ask for the way, a resolution reply is the way,
 * a purge request ends it; and answers to the requests of others, by way of the hub. RFC 2332
 * sections 5.2.1, 5.2.2, 5.2.5, 5.2.6; draft-detienne-dmvpn. Not done: answers straight to the
 * asker, ways learned from the requests of others.
 */
#include "nhc_priv.h"

#include "bytes.h"
#include "packet.h"

/* --- asking --- */

static void resolution_request(const struct nhc_rx *rx, const struct shortcut *sc)
{
	struct nhrp_packet p;

	nhc_begin(rx->s, rx->i, sc->prefix, NHRP_TYPE_RESOLUTION_REQUEST, &p);
	p.flags |= NHRP_RES_F_ROUTER | NHRP_RES_F_AUTHORITATIVE | NHRP_RES_F_SRC_STABLE;
	p.request_id = sc->request_id;
	p.cies[0] = (struct nhrp_cie){.prefix_len = NHRP_PREFIX_HOST_255,
				      .mtu = rx->s->opt->mtu,
				      .holding_s = rx->s->opt->holdtime_s};
	nhc_add_records(&p);
	nhrp_ext_add(&p, NHRP_EXT_NAT, 0, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhc_transmit(rx->s, rx->i, rx->hub, &p);
	rx->s->counters.resolutions_sent++;
}

void nhc_on_traffic_indication(const struct nhc_rx *rx)
{
	struct spokes *s = rx->s;
	const uint8_t *ip = rx->p->payload;
	/* The packet may be cut short, so only its header is looked at. */
	const bool header = rx->p->payload_len >= PACKET_IP4_LEN && ip[0] >> 4 == 4;
	struct shortcut *sc;

	s->counters.traffic_indications++;
	if (rx->p->hop_count == 0 || !header || !spokes_owns(s, rx->i, bytes_u32(ip + 12))) {
		s->counters.bad_indications++;
		return;
	}
	sc = shortcut_ask(&s->shortcuts, rx->i, bytes_u32(ip + 16), rx->now_ns);
	if (!sc)
		return;
	if (sc->request_id == 0)
		sc->request_id = ++s->next_request_id;
	resolution_request(rx, sc);
}

/* The NBMA address that leads to the client: of its NAT extension when it is behind one. */
static uint32_t client_nbma(const struct nhrp_packet *p)
{
	const struct nhrp_ext *ext = nhrp_ext_find(p, NHRP_EXT_NAT);
	const struct nhrp_cie *client = &p->cies[0];
	uint32_t nbma = ntohl(client->nbma.ip4_be);
	struct nhrp_cie cies[4];
	struct nhrp_fault fault;
	int count = ext ? nhrp_ext_cies_decode(p, ext, cies, 4, &fault) : 0;

	for (int k = 0; k < count; k++)
		if (dp_addr_equal(&cies[k].proto, &client->proto) && cies[k].nbma.family == AF_INET)
			nbma = ntohl(cies[k].nbma.ip4_be);
	return nbma;
}

static bool is_answer(const struct nhc_rx *rx, const struct shortcut *sc)
{
	const struct nhrp_packet *p = rx->p;
	const struct dp_addr me = nhc_address(spokes_protocol(rx->s, rx->i));
	const struct dp_addr asked = nhc_address(sc->prefix);

	return dp_addr_equal(&p->src_proto, &me) && dp_addr_equal(&p->dst_proto, &asked) &&
	       p->hop_count > 0 && p->cie_count >= 1;
}

void nhc_on_resolution_reply(const struct nhc_rx *rx)
{
	struct spokes_counters *c = &rx->s->counters;
	struct shortcuts *all = &rx->s->shortcuts;
	struct shortcut *sc = shortcut_asked(all, rx->i, rx->p->request_id);
	const struct nhrp_cie *cie = &rx->p->cies[0];
	uint32_t nbma;

	if (!sc || !is_answer(rx, sc)) {
		c->resolutions_wrong++;
		return;
	}
	if (cie->code != NHRP_CIE_CODE_OK) {
		c->resolutions_refused++;
		c->unresolved_code = cie->code;
		shortcut_forget(all, sc);
		return;
	}
	nbma = cie->nbma.family == AF_INET ? client_nbma(rx->p) : 0;
	/* Spokes of other processes are not reached from here: by the hub, as before. */
	if (nbma - rx->s->opt->nbma_base >= rx->s->opt->count) {
		c->resolutions_elsewhere++;
		shortcut_forget(all, sc);
		return;
	}
	c->resolution_replies++;
	shortcut_make(all, sc, cie->prefix_len, nbma, cie->holding_s, rx->now_ns);
}

/* --- answering --- */

/* Copies the extensions of a request into its reply, the responder filled in. */
static void answer_extensions(struct nhrp_packet *reply, const uint8_t *cie, uint16_t cie_len)
{
	for (unsigned k = 0; k < reply->ext_count; k++) {
		if (reply->exts[k].type != NHRP_EXT_RESPONDER)
			continue;
		reply->exts[k].value = cie;
		reply->exts[k].len = cie_len;
	}
}

void nhc_on_resolution_request(const struct nhc_rx *rx)
{
	const struct nhrp_packet *request = rx->p;
	struct spokes *s = rx->s;
	struct nhrp_packet reply = *request;
	uint8_t responder[NHC_CIE_ROOM];
	uint32_t wanted;
	int len;

	s->counters.resolution_requests++;
	if (request->dst_proto.family != AF_INET || request->nbma_family != AF_INET)
		return;
	wanted = ntohl(request->dst_proto.ip4_be);
	if (!spokes_owns(s, rx->i, wanted))
		return;
	reply.type = NHRP_TYPE_RESOLUTION_REPLY;
	reply.hop_count = NHC_HOPS;
	reply.flags = (request->flags & (NHRP_RES_F_ROUTER | NHRP_RES_F_SRC_STABLE | NHRP_F_NAT)) |
		      NHRP_RES_F_AUTHORITATIVE | NHRP_RES_F_DST_STABLE;
	reply.cie_count = 1;
	reply.cies[0] = (struct nhrp_cie){
		.prefix_len = wanted == spokes_protocol(s, rx->i) ? NHC_HOST : s->opt->lan_len,
		.mtu = s->opt->mtu,
		.holding_s = s->opt->holdtime_s,
		.nbma = nhc_address(spokes_claimed(s, rx->i)),
		.proto = nhc_address(spokes_protocol(s, rx->i))};
	len = nhrp_cies_encode(&reply, reply.cies, 1, responder, sizeof(responder));
	if (len > 0)
		answer_extensions(&reply, responder, (uint16_t)len);
	nhc_transmit(s, rx->i, rx->hub, &reply);
	s->counters.resolutions_answered++;
}

void nhc_on_purge_request(const struct nhc_rx *rx)
{
	const struct nhrp_packet *request = rx->p;
	struct nhrp_packet reply = *request;

	rx->s->counters.purges++;
	for (unsigned k = 0; k < request->cie_count; k++) {
		const struct nhrp_cie *cie = &request->cies[k];

		if (cie->proto.family == AF_INET)
			shortcut_purge(&rx->s->shortcuts, rx->i, ntohl(cie->proto.ip4_be),
				       cie->prefix_len);
	}
	if (request->flags & NHRP_PURGE_F_NO_REPLY)
		return;
	reply.type = NHRP_TYPE_PURGE_REPLY;
	reply.hop_count = NHC_HOPS;
	nhc_transmit(rx->s, rx->i, rx->hub, &reply);
}
