/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_purge_transit: purges that other hubs send to spokes of ours, or through us to theirs, and
 * the replies (RFC 2332 section 5.2.5; DESIGN invariant 7: nobody speaks for another). A request
 * goes on
 *   - from an NHS of ours to a client that is registered here;
 *   - from the holder of a binding to somebody whose resolution request for this very target we
 *     sent on to that holder.
 * A reply goes on from a client or NHS to where its request came from: a binding here, else an NHS.
 * Only the control core calls.
 */
#include "nhrp_priv.h"

static int transit_send(struct nhrp_server *srv,
			const struct nhrp_rx *rx,
			const struct dp_spoke_key *to)
{
	struct nhrp_packet p = *rx->packet;

	if (p.hop_count == 0) {
		nhrp_server_drop(srv, rx, NHRP_DROP_HOP_COUNT, NHRP_OFF(hop_count));
		return -1;
	}
	p.hop_count--;
	nhrp_note(srv, NHRP_NOTE_PURGE_FORWARDED);
	return nhrp_send(srv, to->tunnel, &to->nbma, to->natt_port, &p);
}

static bool same_spoke(const struct dp_spoke_key *a, const struct dp_spoke_key *b)
{
	return a->tunnel == b->tunnel && a->natt_port == b->natt_port &&
	       dp_addr_equal(&a->nbma, &b->nbma);
}

/* Whoever holds this address in the cloud of rx, but not its sender. */
static bool holder_of(const struct nhrp_server *srv,
		      const struct nhrp_rx *rx,
		      const struct dp_addr *protocol,
		      struct dp_spoke_key *key)
{
	const struct dp_spoke_key sender = nhrp_rx_spoke(rx);
	const struct nhrp_binding *b;

	for (uint16_t i = 0; i < srv->tunnel_count; i++) {
		const struct nhrp_tunnel *t = nhrp_tunnel_of(srv, i);

		if (!t || t->conf.nhrp.network_id != rx->tunnel->nhrp.network_id)
			continue;
		b = nhrp_cache_find(srv->cache, i, protocol);
		if (b && !same_spoke(&b->spoke->key, &sender)) {
			*key = b->spoke->key;
			return true;
		}
	}
	return false;
}

/* We sent that requester's question for the CIE's target to the sender, who holds what it hangs
 * on. */
static bool was_told(const struct nhrp_server *srv,
		     const struct nhrp_rx *rx,
		     const struct nhrp_cie *cie,
		     struct dp_spoke_key *to)
{
	const struct dp_spoke_key sender = nhrp_rx_spoke(rx);
	struct nhrp_requester r = {
		.tunnel = sender.tunnel,
		.requester_protocol = rx->packet->dst_proto,
		.target = {.addr = cie->proto, .len = cie->prefix_len},
	};
	const struct nhrp_binding *b;

	if (r.target.len == 0 || r.target.len > dp_addr_bits(&cie->proto))
		r.target.len = dp_addr_bits(&cie->proto);
	for (r.requester_tunnel = 0; r.requester_tunnel < srv->tunnel_count; r.requester_tunnel++) {
		struct nhrp_requester found = r;

		if (!nhrp_requesters_find(srv->requesters, &found))
			continue;
		b = nhrp_cache_find(srv->cache, found.tunnel, &found.binding);
		if (!b || !same_spoke(&b->spoke->key, &sender))
			continue;
		*to = (struct dp_spoke_key){.tunnel = found.requester_tunnel,
					    .natt_port = found.requester_natt_port,
					    .nbma = found.requester_nbma};
		return true;
	}
	return false;
}

/* Each CIE must be one that the sender may speak of to this destination; `to` is of the last. */
static bool all_were_told(const struct nhrp_server *srv,
			  const struct nhrp_rx *rx,
			  struct dp_spoke_key *to)
{
	for (unsigned i = 0; i < rx->packet->cie_count; i++)
		if (!was_told(srv, rx, &rx->packet->cies[i], to))
			return false;
	return rx->packet->cie_count > 0;
}

void nhrp_purge_request_transit(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;
	bool nhs = nhrp_clients_is_nhs(srv->clients, rx->meta->tunnel, &rx->meta->outer_src);
	struct dp_spoke_key to, moved;

	if (nhs ? holder_of(srv, rx, &p->dst_proto, &to) : all_were_told(srv, rx, &to)) {
		if (!nhs && holder_of(srv, rx, &p->dst_proto, &moved))
			to = moved; /* it registered here since */
		transit_send(srv, rx, &to);
		return;
	}
	nhrp_server_drop(srv, rx, NHRP_DROP_NOT_FOR_US, NHRP_ADDRS_OFF);
}

void nhrp_purge_reply_transit(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct dp_spoke_key sender = nhrp_rx_spoke(rx);
	struct dp_addr protocol;
	struct dp_spoke_key to;

	if (spoke_find(srv->spokes, &sender) &&
	    (holder_of(srv, rx, &rx->packet->src_proto, &to) ||
	     (nhrp_clients_upstream(srv->clients, rx->meta->tunnel, &to, &protocol) &&
	      !same_spoke(&to, &sender))))
		transit_send(srv, rx, &to);
	else
		nhrp_server_drop(srv, rx, NHRP_DROP_PURGE_REPLY, 0);
}
