/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_error: Error Indications, out and in (RFC 2332 section 5.2.7).
 *
 * Out: to where the packet in error came from, with the beginning of that packet; never about an
 * error, never about so few bytes that they could have been one, one per packet, at most RATE_MAX
 * in any second to each registered spoke and as many to all others together. Not the RFC's: a hop
 * count over 0 (Cisco drops others), and authentication for those who have it (Cisco wants it).
 * Who did not show the word is told so without it.
 *
 * In: counted by code and told; then those who send requests look whether it is about theirs. Only
 * the control core calls.
 */
#include "nhrp_priv.h"

#include "control/events.h"

#define QUOTE_MAX 448 /* bytes of the packet in error: fits every tunnel's MTU with what we add */

/* Others' interest in errors about what they sent; the first that knows the packet has it. */
static const nhrp_error_taker_fn takers[] = {
	nhrp_ask_error,
	nhrp_forward_error,
	NULL,
};

static bool is_answerable(const struct nhrp_rx *rx)
{
	if (rx->len <= NHRP_OFF(type) || rx->bytes[NHRP_OFF(type)] == NHRP_TYPE_ERROR_INDICATION)
		return false;
	return !dp_addr_equal(&rx->meta->outer_src, &rx->tunnel->source);
}

static bool rate_ok(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct dp_spoke_key key = nhrp_rx_spoke(rx);
	struct spoke *s = spoke_find(srv->spokes, &key);
	bool registered = s && s->binding_count > 0;

	if (rate_take(registered ? &s->errors : &srv->stranger_errors, rx->now_ms))
		return true;
	nhrp_note(srv, registered ? NHRP_NOTE_ERRORS_HELD : NHRP_NOTE_ERRORS_HELD_STRANGERS);
	return false;
}

/* From us to the packet's source, as far as the packet says who that is. */
static void head_fill(struct nhrp_packet *e, const struct nhrp_rx *rx)
{
	const struct config_tunnel *tunnel = rx->tunnel;
	struct nhrp_packet about;

	nhrp_packet_init(e, NHRP_TYPE_ERROR_INDICATION, tunnel->source.family,
			 tunnel->addresses[0].addr.family);
	e->src_nbma = tunnel->source;
	if (nhrp_head_decode(&about, rx->bytes, rx->len) == 0) {
		e->proto_family = about.proto_family;
		e->dst_proto = about.src_proto;
	}
	e->src_proto = nhrp_own_protocol(tunnel, &e->dst_proto);
	if (e->src_proto.family != e->proto_family)
		e->src_proto = (struct dp_addr){0};
}

void nhrp_error_send(struct nhrp_server *srv,
		     const struct nhrp_rx *rx,
		     enum nhrp_error_code code,
		     uint16_t offset)
{
	bool authentic = rx->packet && code != NHRP_ERROR_AUTHENTICATION;
	struct nhrp_packet e;
	int err;

	if (!rx->tunnel || code == NHRP_ERROR_NONE || !is_answerable(rx) || !rate_ok(srv, rx))
		return;
	head_fill(&e, rx);
	e.hop_count = NHRP_HOP_COUNT;
	e.code = code;
	e.code_offset = offset;
	e.payload = rx->bytes;
	e.payload_len = (uint16_t)(rx->len < QUOTE_MAX ? rx->len : QUOTE_MAX);
	err = (authentic ? nhrp_send : nhrp_send_bare)(srv, rx->meta->tunnel, &rx->meta->outer_src,
						       rx->meta->natt_port, &e);
	if (err == 0)
		srv->counters[NHRP_COUNTER_ERRORS_TX + nhrp_error_row(code)]++;
}

unsigned nhrp_error_row(unsigned code)
{
	return code < NHRP_ERROR_ROWS ? code : 0;
}

static void tell(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;
	unsigned counter = NHRP_COUNTER_ERRORS_RX + nhrp_error_row(p->code);
	char from[DP_ADDR_STRLEN], code[NHRP_NAME_LEN];

	srv->counters[counter]++;
	if (nhrp_tell_due(srv, rx, counter))
		event_emit(EVENT_NHRP_ERROR, spoke_tunnel_name(srv->spokes, rx->meta->tunnel),
			   "%s at byte %u, from %s", nhrp_error_code_name(p->code, code),
			   p->code_offset, dp_addr_format(&rx->meta->outer_src, from));
}

void nhrp_error_received(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;
	struct nhrp_packet about;
	bool readable;

	tell(srv, rx);
	/* RFC 2332 section 5.2.7: our own, come round in a loop. */
	if (dp_addr_equal(&p->src_nbma, &rx->tunnel->source) &&
	    nhrp_is_own_protocol(rx->tunnel, &p->src_proto)) {
		nhrp_server_drop(srv, rx, NHRP_DROP_OWN_ERROR, 0);
		return;
	}
	readable = nhrp_head_decode(&about, p->payload, p->payload_len) == 0;
	for (unsigned i = 0; readable && takers[i]; i++)
		if (takers[i](srv, rx, &about))
			return;
	if (dp_addr_is_set(&p->dst_proto) && !nhrp_is_own_protocol(rx->tunnel, &p->dst_proto))
		nhrp_server_drop(srv, rx, NHRP_DROP_ERROR_FOREIGN, NHRP_ADDRS_OFF);
}
