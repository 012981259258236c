/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_purge: Purge Request and Purge Reply as they come (RFC 2332 sections 5.2.5 and 5.2.6). A
 * client takes back what it registered, an NHS what it told us, nobody anything else: a CIE that
 * names a binding of somebody else costs the packet its effect, before any of it is done. The reply
 * is sent even when nothing was there. What others have to be told of it, nhrp_purge_send.c does.
 * Only the control core calls.
 *
 * Not done: purges in transit to somebody else.
 */
#include "nhrp_priv.h"

/* The client that came to us with this packet is the one that holds the binding: proven by IKE, or
 * from the same place. */
static bool is_holder(const struct nhrp_rx *rx, const struct nhrp_binding *b)
{
	const struct dp_spoke_key *key = &b->spoke->key;

	if (b->type == NHRP_BINDING_STATIC)
		return false;
	if (rx->identity != 0 && rx->identity == b->identity)
		return true;
	return key->tunnel == rx->meta->tunnel && key->natt_port == rx->meta->natt_port &&
	       dp_addr_equal(&key->nbma, &rx->meta->outer_src);
}

/* What an NHS told us it may take back, and nothing else. */
static bool is_teacher(const struct nhrp_server *srv,
		       const struct nhrp_rx *rx,
		       const struct nhrp_binding *b)
{
	return b->type == NHRP_BINDING_DYNAMIC && !(b->flags & NHRP_BINDING_F_REGISTERED) &&
	       nhrp_clients_is_nhs(srv->clients, rx->meta->tunnel, &rx->meta->outer_src);
}

static bool may_speak_for(const struct nhrp_server *srv,
			  const struct nhrp_rx *rx,
			  const struct nhrp_binding *b)
{
	return is_holder(rx, b) || is_teacher(srv, rx, b);
}

/* As on the wire: 0 and 255 mean host. */
static bool is_host(const struct nhrp_cie *cie)
{
	return cie->prefix_len == 0 || cie->prefix_len >= dp_addr_bits(&cie->proto);
}

/* RFC 2332 section 5.2.5: NBMA information narrows the scope. */
static bool matches_nbma(const struct nhrp_cie *cie, const struct nhrp_binding *b)
{
	return !dp_addr_is_set(&cie->nbma) || dp_addr_equal(&cie->nbma, &b->claimed) ||
	       dp_addr_equal(&cie->nbma, &b->spoke->key.nbma);
}

/* A prefix speaks of those bindings in it that the sender holds; a host must be the sender's. */
static bool may_forget(const struct nhrp_server *srv,
		       const struct nhrp_rx *rx,
		       const struct nhrp_cie *cie)
{
	const struct nhrp_binding *b;

	if (!is_host(cie))
		return true;
	b = nhrp_cache_find(srv->cache, rx->meta->tunnel, &cie->proto);
	return !b || may_speak_for(srv, rx, b);
}

static void binding_forget(struct nhrp_server *srv,
			   const struct nhrp_rx *rx,
			   const struct nhrp_cie *cie,
			   struct nhrp_binding *b)
{
	if (may_speak_for(srv, rx, b) && matches_nbma(cie, b))
		nhrp_cache_del(srv->cache, b, EVENT_REG_REMOVED, "purged by the client",
			       rx->now_ms);
}

/* The sender's bindings are few: admission counts them. */
static void prefix_forget(struct nhrp_server *srv,
			  const struct nhrp_rx *rx,
			  const struct nhrp_cie *cie)
{
	const struct dp_prefix cut = {.addr = cie->proto, .len = cie->prefix_len};
	const struct dp_prefix prefix = dp_prefix_network(&cut);
	const struct dp_spoke_key key = {.tunnel = rx->meta->tunnel,
					 .natt_port = rx->meta->natt_port,
					 .nbma = rx->meta->outer_src};
	struct spoke *s = spoke_find(srv->spokes, &key);
	struct nhrp_binding *b, *next;

	for (b = s ? LIST_FIRST(&s->bindings) : NULL; b; b = next) {
		next = LIST_NEXT(b, of_spoke); /* the spoke goes with its last binding */
		if (dp_prefix_contains(&prefix, &b->protocol))
			binding_forget(srv, rx, cie, b);
	}
}

static void cie_forget(struct nhrp_server *srv,
		       const struct nhrp_rx *rx,
		       const struct nhrp_cie *cie)
{
	struct nhrp_binding *b;

	if (!is_host(cie)) {
		prefix_forget(srv, rx, cie);
		return;
	}
	b = nhrp_cache_find(srv->cache, rx->meta->tunnel, &cie->proto);
	if (b)
		binding_forget(srv, rx, cie, b);
}

/* RFC 2332 section 5.2.5: the client protocol address MUST be filled in. */
static bool request_check(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;

	for (unsigned i = 0; i < p->cie_count; i++) {
		if (!dp_addr_is_set(&p->cies[i].proto)) {
			nhrp_server_drop(srv, rx, NHRP_DROP_NO_ADDRESS, NHRP_ADDRS_OFF);
			return false;
		}
		if (!may_forget(srv, rx, &p->cies[i])) {
			nhrp_server_drop(srv, rx, NHRP_DROP_PURGE_OTHERS, NHRP_ADDRS_OFF);
			return false;
		}
	}
	return nhrp_exts_check(srv, rx);
}

/* RFC 2332 section 5.2.5: to us, or to itself by a client that does not know us. */
static bool is_for_us(const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;

	return dp_addr_equal(&p->dst_proto, &p->src_proto) ||
	       nhrp_is_own_protocol(rx->tunnel, &p->dst_proto);
}

void nhrp_purge_request(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;
	struct nhrp_reply reply;

	if (!dp_addr_is_set(&p->src_proto) || !dp_addr_is_set(&p->dst_proto)) {
		nhrp_server_drop(srv, rx, NHRP_DROP_NO_ADDRESS, NHRP_MAND_OFF(src_proto_len));
		return;
	}
	if (!is_for_us(rx)) {
		nhrp_purge_request_transit(srv, rx);
		return;
	}
	if (p->cie_count == 0) {
		nhrp_server_drop(srv, rx, NHRP_DROP_NO_CIE, NHRP_ADDRS_OFF);
		return;
	}
	if (!request_check(srv, rx) || !nhrp_reply_init(srv, rx, NHRP_TYPE_PURGE_REPLY, &reply))
		return;
	for (unsigned i = 0; i < p->cie_count; i++)
		cie_forget(srv, rx, &p->cies[i]);
	if (!(p->flags & NHRP_PURGE_F_NO_REPLY))
		nhrp_server_reply(srv, rx, &reply.packet);
}

/* RFC 2332 section 5.2.5: one that answers nothing of ours must be ignored. */
void nhrp_purge_reply(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	if (!nhrp_is_own_protocol(rx->tunnel, &rx->packet->src_proto)) {
		nhrp_purge_reply_transit(srv, rx);
		return;
	}
	if (!nhrp_purges_answered(srv->purges, rx->meta->tunnel, rx->packet)) {
		nhrp_server_drop(srv, rx, NHRP_DROP_PURGE_REPLY, 0);
		return;
	}
	nhrp_note(srv, NHRP_NOTE_PURGE_ANSWERED);
}
