/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhc: NHRP of the emulated spokes over the project's codec: registration with the extensions that
 * real spokes send (responder, both transit records, Cisco's NAT address), checks of the reply,
 * answers to resolution requests and purges, counters for the rest. RFC 2332 sections 5.2.1 to
 * 5.2.5, 5.3.1; draft-detienne-dmvpn for traffic indications. Not done: acting on a traffic
 * indication (no shortcuts: the hub is what is tested), replies straight to the asker.
 */
#include "nhc.h"

#include "bytes.h"
#include "packet.h"
#include "spoke.h"

#include "control/nhrp/nhrp_codec.h"

#include <string.h>

#define HOPS       255 /* Cisco's; 0 is refused by some */
#define NHRP_ROOM  (PACKET_FRAME_MAX - PACKET_HEAD_MAX)
#define CIE_ROOM   64
#define PREFIX_ALL 32
#define AUTH_ROOM  (4 + NHRP_AUTH_SECRET_MAX)

static struct dp_addr address(uint32_t ip)
{
	return dp_addr_ip4(htonl(ip));
}

/* What is echoed has the hub's already, which is the same; else before End. */
static void authenticate(const struct spokes *s, struct nhrp_packet *p, uint8_t value[AUTH_ROOM])
{
	int len;

	if (!s->opt->authentication || nhrp_ext_find(p, NHRP_EXT_AUTHENTICATION))
		return;
	len = nhrp_auth_encode(s->opt->authentication, value, AUTH_ROOM);
	if (p->ext_count > 0 && p->exts[p->ext_count - 1].type == NHRP_EXT_END)
		p->ext_count--;
	nhrp_ext_add(p, NHRP_EXT_AUTHENTICATION, NHRP_EXT_F_COMPULSORY, value, (uint16_t)len);
	nhrp_ext_add(p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
}

static bool is_authentic(const struct spokes *s, const struct nhrp_packet *p)
{
	const struct nhrp_ext *e = nhrp_ext_find(p, NHRP_EXT_AUTHENTICATION);
	const char *word = s->opt->authentication;
	struct nhrp_auth auth;

	if (!word || (!e && p->type == NHRP_TYPE_ERROR_INDICATION))
		return true;
	return e && nhrp_ext_count(p, NHRP_EXT_AUTHENTICATION) == 1 &&
	       nhrp_ext_auth_decode(e, &auth) == 0 && auth.spi == NHRP_AUTH_SPI_CISCO &&
	       auth.secret_len == strlen(word) && memcmp(auth.secret, word, strlen(word)) == 0;
}

static void transmit(struct spokes *s, uint32_t i, struct nhrp_packet *p)
{
	uint8_t word[AUTH_ROOM];
	int len;

	authenticate(s, p, word);
	len = nhrp_packet_encode(p, spokes_inner_room(s, i), NHRP_ROOM);
	if (len > 0)
		spokes_send(s, i, NHRP_GRE_PROTO, (size_t)len);
}

static void add_records(struct nhrp_packet *p)
{
	nhrp_ext_add(p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(p, NHRP_EXT_FORWARD_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(p, NHRP_EXT_REVERSE_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
}

void nhc_register(struct spokes *s, uint32_t i)
{
	const struct nhrp_cie hub = {.prefix_len = PREFIX_ALL,
				     .mtu = s->opt->mtu,
				     .nbma = address(s->opt->hub_nbma),
				     .proto = address(s->opt->hub_protocol)};
	uint8_t nat[CIE_ROOM];
	struct nhrp_packet p;
	int len;

	nhrp_packet_init(&p, NHRP_TYPE_REGISTRATION_REQUEST, AF_INET, AF_INET);
	p.hop_count = HOPS;
	p.flags = (uint16_t)(NHRP_F_NAT | (s->opt->unique ? NHRP_REG_F_UNIQUE : 0));
	p.request_id = s->v[i].request_id;
	p.src_nbma = address(spokes_claimed(s, i));
	p.src_proto = address(spokes_protocol(s, i));
	p.dst_proto = address(s->opt->hub_protocol);
	p.cie_count = 1; /* without addresses: those of the header (section 5.2.3) */
	p.cies[0] = (struct nhrp_cie){.prefix_len = NHRP_PREFIX_HOST_255,
				      .mtu = s->opt->mtu,
				      .holding_s = s->opt->holdtime_s};
	add_records(&p);
	len = nhrp_cies_encode(&p, &hub, 1, nat, sizeof(nat));
	if (len > 0)
		nhrp_ext_add(&p, NHRP_EXT_NAT, 0, nat, (uint16_t)len);
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	transmit(s, i, &p);
}

/* The hub tells a spoke behind NAT its public address in a second CIE, and only that one. */
static bool nat_is_right(const struct spokes *s, uint32_t i, const struct nhrp_packet *p)
{
	const struct nhrp_ext *ext = nhrp_ext_find(p, NHRP_EXT_NAT);
	const struct dp_addr nbma = address(spokes_nbma(s, i));
	const struct dp_addr proto = address(spokes_protocol(s, i));
	struct nhrp_cie cies[4];
	struct nhrp_fault fault;
	int count;

	if (!ext)
		return !s->opt->nat;
	count = nhrp_ext_cies_decode(p, ext, cies, 4, &fault);
	if (!s->opt->nat)
		return count == 1;
	return count == 2 && dp_addr_equal(&cies[1].nbma, &nbma) &&
	       dp_addr_equal(&cies[1].proto, &proto);
}

static bool is_my_reply(const struct spokes *s, uint32_t i, const struct nhrp_packet *p)
{
	const struct dp_addr nbma = address(spokes_claimed(s, i));
	const struct dp_addr proto = address(spokes_protocol(s, i));
	const struct dp_addr hub = address(s->opt->hub_protocol);

	return p->request_id == s->v[i].request_id && dp_addr_equal(&p->src_nbma, &nbma) &&
	       dp_addr_equal(&p->src_proto, &proto) && dp_addr_equal(&p->dst_proto, &hub) &&
	       p->hop_count > 0 && p->cie_count == 1;
}

static void on_registration_reply(struct spokes *s,
				  uint32_t i,
				  const struct nhrp_packet *p,
				  uint64_t now_ns)
{
	if (!s->v[i].awaiting)
		s->counters.stray++;
	else if (!is_my_reply(s, i, p))
		s->counters.wrong++;
	else if (p->cies[0].code != NHRP_CIE_CODE_OK)
		spokes_refused(s, i, p->cies[0].code);
	else if (!nat_is_right(s, i, p))
		s->counters.wrong++;
	else
		spokes_accepted(s, i, p->cies[0].holding_s, now_ns);
}

static void on_traffic_indication(struct spokes *s, const uint32_t i, const struct nhrp_packet *p)
{
	/* The packet may be cut short, so only its header is looked at. */
	const bool header = p->payload_len >= PACKET_IP4_LEN && p->payload[0] >> 4 == 4;

	s->counters.traffic_indications++;
	if (p->hop_count == 0 || !header || !spokes_owns(s, i, bytes_u32(p->payload + 12)))
		s->counters.bad_indications++;
}

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

/* By way of the hub: a spoke-to-spoke tunnel is not what this emulates. */
static void on_resolution_request(struct spokes *s, uint32_t i, const struct nhrp_packet *request)
{
	struct nhrp_packet reply = *request;
	uint8_t responder[CIE_ROOM];
	uint32_t wanted;
	int len;

	s->counters.resolution_requests++;
	if (request->dst_proto.family != AF_INET || request->nbma_family != AF_INET)
		return;
	wanted = ntohl(request->dst_proto.ip4_be);
	if (!spokes_owns(s, i, wanted))
		return;
	reply.type = NHRP_TYPE_RESOLUTION_REPLY;
	reply.hop_count = HOPS;
	reply.flags = (request->flags & (NHRP_RES_F_ROUTER | NHRP_RES_F_SRC_STABLE | NHRP_F_NAT)) |
		      NHRP_RES_F_AUTHORITATIVE | NHRP_RES_F_DST_STABLE;
	reply.cie_count = 1;
	reply.cies[0] = (struct nhrp_cie){
		.prefix_len = wanted == spokes_protocol(s, i) ? PREFIX_ALL : s->opt->lan_len,
		.mtu = s->opt->mtu,
		.holding_s = s->opt->holdtime_s,
		.nbma = address(spokes_claimed(s, i)),
		.proto = address(spokes_protocol(s, i))};
	len = nhrp_cies_encode(&reply, reply.cies, 1, responder, sizeof(responder));
	if (len > 0)
		answer_extensions(&reply, responder, (uint16_t)len);
	transmit(s, i, &reply);
}

static void on_purge_request(struct spokes *s, uint32_t i, const struct nhrp_packet *request)
{
	struct nhrp_packet reply = *request;

	s->counters.purges++;
	if (request->flags & NHRP_PURGE_F_NO_REPLY)
		return;
	reply.type = NHRP_TYPE_PURGE_REPLY;
	reply.hop_count = HOPS;
	transmit(s, i, &reply);
}

void nhc_receive(struct spokes *s, uint32_t i, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
	struct nhrp_fault fault;
	struct nhrp_packet p;

	if (nhrp_packet_decode(&p, bytes, len, &fault) < 0) {
		s->counters.undecodable++;
		return;
	}
	if (!is_authentic(s, &p)) {
		s->counters.unauthenticated++;
		return;
	}
	switch (p.type) {
	case NHRP_TYPE_REGISTRATION_REPLY:
		on_registration_reply(s, i, &p, now_ns);
		break;
	case NHRP_TYPE_TRAFFIC_INDICATION:
		on_traffic_indication(s, i, &p);
		break;
	case NHRP_TYPE_RESOLUTION_REQUEST:
		on_resolution_request(s, i, &p);
		break;
	case NHRP_TYPE_PURGE_REQUEST:
		on_purge_request(s, i, &p);
		break;
	case NHRP_TYPE_ERROR_INDICATION:
		s->counters.errors++;
		s->counters.error_code = p.code;
		break;
	default: /* a byte from outside, not our enum */
		s->counters.other++;
		break;
	}
}
