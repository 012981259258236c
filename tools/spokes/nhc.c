/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhc: NHRP of the emulated spokes over the project's codec: registration with the extensions that
 * real spokes send (responder, both transit records, Cisco's NAT address), checks of the reply,
 * Cisco's authentication both ways, purge of what was registered. The rest is in nhc_resolve.c.
 * RFC 2332 sections 5.2.3 to 5.2.6, 5.3.1, 5.3.4.
 */
#include "nhc_priv.h"
#include "packet.h"

#include <string.h>

#define NHRP_ROOM (PACKET_FRAME_MAX - PACKET_HEAD_MAX)
#define AUTH_ROOM (NHRP_AUTH_LEN + NHRP_AUTH_SECRET_MAX)

/* --- the way out --- */

/* Ours in the place of what a copied request had, else before End. */
static void authenticate(const struct options *opt, struct nhrp_packet *p, uint8_t *room)
{
	const int len = nhrp_auth_encode(opt->authentication, room, AUTH_ROOM);

	if (len < 0)
		return;
	for (unsigned k = 0; k < p->ext_count; k++) {
		if (p->exts[k].type != NHRP_EXT_AUTHENTICATION)
			continue;
		p->exts[k].value = room;
		p->exts[k].len = (uint16_t)len;
		return;
	}
	if (p->ext_count > 0) /* End comes again behind it */
		p->ext_count--;
	nhrp_ext_add(p, NHRP_EXT_AUTHENTICATION, NHRP_EXT_F_COMPULSORY, room, (uint16_t)len);
	nhrp_ext_add(p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
}

void nhc_transmit(struct spokes *s, uint32_t i, uint32_t hub, struct nhrp_packet *p)
{
	uint8_t auth[AUTH_ROOM];
	int len;

	if (s->opt->authentication)
		authenticate(s->opt, p, auth);
	len = nhrp_packet_encode(p, spokes_inner_room(s, i), NHRP_ROOM);
	if (len > 0)
		spokes_send(s, i, s->opt->hubs[hub].nbma, NHRP_GRE_PROTO, (size_t)len);
}

void nhc_begin(
	const struct spokes *s, uint32_t i, uint32_t dst, uint8_t type, struct nhrp_packet *p)
{
	nhrp_packet_init(p, type, AF_INET, AF_INET);
	p->hop_count = NHC_HOPS;
	p->flags = NHRP_F_NAT;
	p->src_nbma = nhc_address(spokes_claimed(s, i));
	p->src_proto = nhc_address(spokes_protocol(s, i));
	p->dst_proto = nhc_address(dst);
	p->cie_count = 1;
}

void nhc_add_records(struct nhrp_packet *p)
{
	nhrp_ext_add(p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(p, NHRP_EXT_FORWARD_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(p, NHRP_EXT_REVERSE_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
}

/* --- registration --- */

void nhc_register(struct spokes *s, uint32_t i, uint32_t hub)
{
	const struct options_hub *to = &s->opt->hubs[hub];
	const struct nhrp_cie cie = {.prefix_len = NHC_HOST,
				     .mtu = s->opt->mtu,
				     .nbma = nhc_address(to->nbma),
				     .proto = nhc_address(to->protocol)};
	uint8_t nat[NHC_CIE_ROOM];
	struct nhrp_packet p;
	int len;

	nhc_begin(s, i, to->protocol, NHRP_TYPE_REGISTRATION_REQUEST, &p);
	p.flags |= s->opt->unique ? NHRP_REG_F_UNIQUE : 0;
	p.request_id = spokes_reg(s, i, hub)->request_id;
	/* Without addresses: those of the header (section 5.2.3). */
	p.cies[0] = (struct nhrp_cie){.prefix_len = NHRP_PREFIX_HOST_255,
				      .mtu = s->opt->mtu,
				      .holding_s = s->opt->holdtime_s};
	nhc_add_records(&p);
	len = nhrp_cies_encode(&p, &cie, 1, nat, sizeof(nat));
	if (len > 0)
		nhrp_ext_add(&p, NHRP_EXT_NAT, 0, nat, (uint16_t)len);
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhc_transmit(s, i, hub, &p);
}

/* Section 5.2.5: what was registered, with the addresses of the binding. */
void nhc_purge(struct spokes *s, uint32_t i, uint32_t hub)
{
	struct nhrp_packet p;

	nhc_begin(s, i, s->opt->hubs[hub].protocol, NHRP_TYPE_PURGE_REQUEST, &p);
	p.flags = 0;
	p.request_id = ++s->next_request_id;
	p.cies[0] = (struct nhrp_cie){.prefix_len = NHRP_PREFIX_HOST_255, .proto = p.src_proto};
	nhc_transmit(s, i, hub, &p);
}

/* The hub tells a spoke behind NAT its public address in a second CIE, and only that one. */
static bool nat_is_right(const struct nhc_rx *rx)
{
	const struct spokes *s = rx->s;
	const struct nhrp_ext *ext = nhrp_ext_find(rx->p, NHRP_EXT_NAT);
	const struct dp_addr nbma = nhc_address(spokes_nbma(s, rx->i));
	const struct dp_addr proto = nhc_address(spokes_protocol(s, rx->i));
	struct nhrp_cie cies[4];
	struct nhrp_fault fault;
	int count;

	if (!ext)
		return !s->opt->nat;
	count = nhrp_ext_cies_decode(rx->p, ext, cies, 4, &fault);
	if (!s->opt->nat)
		return count == 1;
	return count == 2 && dp_addr_equal(&cies[1].nbma, &nbma) &&
	       dp_addr_equal(&cies[1].proto, &proto);
}

static bool is_my_reply(const struct nhc_rx *rx)
{
	const struct nhrp_packet *p = rx->p;
	const struct dp_addr nbma = nhc_address(spokes_claimed(rx->s, rx->i));
	const struct dp_addr proto = nhc_address(spokes_protocol(rx->s, rx->i));
	const struct dp_addr hub = nhc_address(rx->s->opt->hubs[rx->hub].protocol);

	return p->request_id == spokes_reg(rx->s, rx->i, rx->hub)->request_id &&
	       dp_addr_equal(&p->src_nbma, &nbma) && dp_addr_equal(&p->src_proto, &proto) &&
	       dp_addr_equal(&p->dst_proto, &hub) && p->hop_count > 0 && p->cie_count == 1;
}

static void on_registration_reply(const struct nhc_rx *rx)
{
	struct spokes *s = rx->s;
	const struct nhrp_packet *p = rx->p;

	if (!spokes_reg(s, rx->i, rx->hub)->awaiting)
		s->counters.stray++;
	else if (!is_my_reply(rx))
		s->counters.wrong++;
	else if (p->cies[0].code != NHRP_CIE_CODE_OK)
		spokes_refused(s, rx->i, rx->hub, p->cies[0].code);
	else if (!nat_is_right(rx))
		s->counters.wrong++;
	else
		spokes_accepted(s, rx->i, rx->hub, p->cies[0].holding_s, rx->now_ns);
}

/* --- what comes --- */

static bool is_authentic(const struct nhc_rx *rx)
{
	const char *word = rx->s->opt->authentication;
	const struct nhrp_ext *ext = nhrp_ext_find(rx->p, NHRP_EXT_AUTHENTICATION);
	struct nhrp_auth auth;

	if (!word)
		return true;
	return ext && nhrp_ext_count(rx->p, NHRP_EXT_AUTHENTICATION) == 1 &&
	       nhrp_ext_auth_decode(ext, &auth) == 0 && auth.spi == NHRP_AUTH_SPI_CISCO &&
	       auth.secret_len == strlen(word) && memcmp(auth.secret, word, auth.secret_len) == 0;
}

static void dispatch(const struct nhc_rx *rx)
{
	switch (rx->p->type) {
	case NHRP_TYPE_REGISTRATION_REPLY:
		on_registration_reply(rx);
		break;
	case NHRP_TYPE_TRAFFIC_INDICATION:
		nhc_on_traffic_indication(rx);
		break;
	case NHRP_TYPE_RESOLUTION_REQUEST:
		nhc_on_resolution_request(rx);
		break;
	case NHRP_TYPE_RESOLUTION_REPLY:
		nhc_on_resolution_reply(rx);
		break;
	case NHRP_TYPE_PURGE_REQUEST:
		nhc_on_purge_request(rx);
		break;
	case NHRP_TYPE_PURGE_REPLY:
		rx->s->counters.purge_replies++;
		break;
	default: /* a byte from outside, not our enum */
		rx->s->counters.other++;
		break;
	}
}

void nhc_receive(struct spokes *s,
		 uint32_t i,
		 uint32_t hub,
		 const uint8_t *bytes,
		 size_t len,
		 uint64_t now_ns)
{
	struct nhrp_fault fault;
	struct nhrp_packet p;
	const struct nhc_rx rx = {.s = s, .i = i, .hub = hub, .now_ns = now_ns, .p = &p};

	if (nhrp_packet_decode(&p, bytes, len, &fault) < 0) {
		s->counters.undecodable++;
		return;
	}
	/* Also one that cannot be authentic: the word is what it is about. */
	if (p.type == NHRP_TYPE_ERROR_INDICATION) {
		s->counters.errors++;
		s->counters.error_code = p.code;
		return;
	}
	if (!is_authentic(&rx)) {
		s->counters.bad_authentication++;
		return;
	}
	dispatch(&rx);
}
