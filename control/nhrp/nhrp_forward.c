/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_forward: resolution requests that go on to the spoke that knows (RFC 2332 sections 2.2 and
 * 5.2.1), and what comes back: replies and errors go to where the request came from. Only from
 * where it was sent to, and once for each time that it was: nobody answers for another (DESIGN,
 * invariant 7). An answer may as well go straight to the requester; then we see none. Only the
 * control core calls.
 */
#include "nhrp_priv.h"

#include <errno.h>
#include <string.h>

static bool key_equal(const struct dp_spoke_key *a, const struct dp_spoke_key *b)
{
	return a->tunnel == b->tunnel && a->natt_port == b->natt_port &&
	       dp_addr_equal(&a->nbma, &b->nbma);
}

static int transit_send(struct nhrp_server *srv,
			const struct nhrp_rx *rx,
			const struct dp_spoke_key *to,
			uint16_t record,
			const struct nhrp_binding *client)
{
	const struct nhrp_tunnel *out = nhrp_tunnel_of(srv, to->tunnel);
	struct nhrp_transit t;
	int err = out ? 0 : -ENOENT;

	if (rx->packet->hop_count == 0) {
		nhrp_server_drop(srv, rx, NHRP_DROP_HOP_COUNT, NHRP_OFF(hop_count));
		return -ETIMEDOUT;
	}
	if (err == 0)
		err = nhrp_transit_init(&t, rx->packet, &out->conf, record, client);
	if (err < 0) {
		nhrp_server_drop(srv, rx, NHRP_DROP_TOO_BIG, 0);
		return err;
	}
	err = nhrp_send(srv, to->tunnel, &to->nbma, to->natt_port, &t.packet);
	if (err == -EMSGSIZE)
		nhrp_error_send(srv, rx, NHRP_ERROR_SIZE_EXCEEDED, 0);
	return err;
}

/* ---- requests ---- */

/* The same question again goes the way that it went, as long as there is somebody. */
static bool is_repeat(const struct nhrp_server *srv,
		      const struct nhrp_pending *p,
		      const struct nhrp_rx *rx)
{
	return p && dp_addr_equal(&p->target, &rx->packet->dst_proto) &&
	       spoke_find(srv->spokes, &p->to);
}

static struct nhrp_pending *remember(struct nhrp_server *srv,
				     const struct nhrp_rx *rx,
				     const struct dp_spoke_key *to,
				     const struct dp_addr *binding)
{
	const struct nhrp_pending fresh = {
		.network_id = rx->tunnel->nhrp.network_id,
		.request_id = rx->packet->request_id,
		.requester = rx->packet->src_proto,
		.target = rx->packet->dst_proto,
		.from = nhrp_rx_spoke(rx),
		.to = *to,
		.binding = *binding,
	};
	struct nhrp_pending *p = nhrp_pending_find(srv->pendings, fresh.network_id,
						   &fresh.requester, fresh.request_id);

	if (is_repeat(srv, p, rx)) {
		p->from = fresh.from;
		nhrp_pending_refresh(srv->pendings, p, rx->now_ms);
		nhrp_note(srv, NHRP_NOTE_RES_REPEATED);
		return p;
	}
	if (p)
		nhrp_pending_del(srv->pendings, p);
	return nhrp_pending_add(srv->pendings, &fresh, rx->now_ms);
}

/* The answer may pass us by, so its prefix and holding time are not known. */
static void requester_note(struct nhrp_server *srv,
			   const struct nhrp_rx *rx,
			   const struct nhrp_pending *p,
			   const struct nhrp_cie *answer)
{
	struct nhrp_requester r = {
		.tunnel = p->to.tunnel,
		.target = dp_prefix_host(&p->target),
		.binding = p->binding,
		.requester_protocol = p->requester,
		.requester_nbma = p->from.nbma,
		.requester_natt_port = p->from.natt_port,
		.requester_tunnel = p->from.tunnel,
		.request_id = p->request_id,
	};

	if (answer) {
		r.holding_s = answer->holding_s;
		if (answer->prefix_len > 0 && answer->prefix_len < r.target.len)
			r.target.len = answer->prefix_len;
	}
	if (nhrp_requester_note(srv, &r, rx->now_ms) < 0)
		nhrp_note(srv, NHRP_NOTE_REQUESTER_LOST);
}

int nhrp_forward_send(struct nhrp_server *srv,
		      const struct nhrp_rx *rx,
		      const struct dp_spoke_key *to,
		      const struct dp_addr *binding)
{
	const struct nhrp_packet *q = rx->packet;
	struct nhrp_pending *p = remember(srv, rx, to, binding);
	int err;

	if (!p)
		return -ENOSPC;
	err = transit_send(srv, rx, &p->to, NHRP_EXT_FORWARD_RECORD,
			   nhrp_cache_find(srv->cache, rx->meta->tunnel, &q->src_proto));
	if (err < 0)
		return 0; /* counted; a repeat may fare better */
	if (p->unanswered < UINT16_MAX)
		p->unanswered++;
	requester_note(srv, rx, p, NULL);
	nhrp_note(srv, NHRP_NOTE_RES_FORWARDED);
	return 0;
}

/* ---- what comes back ---- */

/* It may have registered from another address or port since it was asked. */
static bool is_the_asked(const struct nhrp_server *srv,
			 const struct nhrp_pending *p,
			 const struct nhrp_rx *rx)
{
	const struct dp_spoke_key sender = nhrp_rx_spoke(rx);
	const struct nhrp_binding *b;

	if (key_equal(&sender, &p->to))
		return true;
	b = nhrp_cache_find(srv->cache, p->to.tunnel, &p->binding);
	return b && key_equal(&sender, &b->spoke->key);
}

/* The request that is answered, and not yet as often as it was sent; NULL: there is none. */
static struct nhrp_pending *asked_find(struct nhrp_server *srv,
				       const struct nhrp_rx *rx,
				       const struct nhrp_packet *about)
{
	struct nhrp_pending *p = nhrp_pending_find(srv->pendings, rx->tunnel->nhrp.network_id,
						   &about->src_proto, about->request_id);

	return p && p->unanswered > 0 && dp_addr_equal(&about->dst_proto, &p->target) ? p : NULL;
}

static void relay(struct nhrp_server *srv,
		  const struct nhrp_rx *rx,
		  struct nhrp_pending *p,
		  const struct nhrp_binding *client)
{
	if (transit_send(srv, rx, &p->from, NHRP_EXT_REVERSE_RECORD, client) < 0)
		return;
	p->unanswered--;
	nhrp_note(srv, NHRP_NOTE_RES_RELAYED);
}

static const struct nhrp_binding *answerer_of(const struct nhrp_server *srv,
					      const struct nhrp_rx *rx,
					      const struct nhrp_cie *cie)
{
	return cie ? nhrp_cache_find(srv->cache, rx->meta->tunnel, &cie->proto) : NULL;
}

void nhrp_res_reply(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *q = rx->packet;
	const struct nhrp_cie *cie = q->cie_count > 0 ? &q->cies[0] : NULL;
	struct nhrp_pending *p;
	uint16_t offset;
	int ours;

	if (nhrp_is_own_protocol(rx->tunnel, &q->src_proto)) {
		nhrp_ask_reply(srv, rx);
		return;
	}
	p = asked_find(srv, rx, q);
	if (!p || !is_the_asked(srv, p, rx)) {
		nhrp_server_drop(srv, rx, p ? NHRP_DROP_NOT_THE_ASKED : NHRP_DROP_RES_REPLY,
				 NHRP_ADDRS_OFF);
		return;
	}
	ours = nhrp_record_has_us(srv, q, NHRP_EXT_REVERSE_RECORD, &offset);
	if (ours != 0) {
		nhrp_server_drop(srv, rx, ours < 0 ? NHRP_DROP_EXT_VALUE : NHRP_DROP_LOOP, offset);
		return;
	}
	relay(srv, rx, p, answerer_of(srv, rx, cie));
	if (cie && cie->code == NHRP_CIE_CODE_OK)
		requester_note(srv, rx, p, cie);
}

bool nhrp_forward_error(struct nhrp_server *srv,
			const struct nhrp_rx *rx,
			const struct nhrp_packet *about)
{
	struct nhrp_pending *p;

	if (about->type != NHRP_TYPE_RESOLUTION_REQUEST)
		return false;
	p = asked_find(srv, rx, about);
	if (!p || !is_the_asked(srv, p, rx))
		return false;
	relay(srv, rx, p, NULL);
	return true;
}
