/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_redirect: a packet came from a spoke and went to another of the same cloud: the first is
 * told by a Traffic Indication (draft-detienne-dmvpn) that there is a shorter way, and will ask for
 * it. The packet itself went on long ago. Workers tell of a few packets only
 * (dataplane/redirect.c); here is what counts exactly: once per pair and hold-off, and not more
 * than NHRP_REDIRECTS_PER_S to one spoke. Only the control core calls.
 *
 * A hub under another hub is told, too: of packets that it sent there for a spoke of its own. That
 * spoke hears of it from us, in our words and by the same limits, and asks us.
 *
 * Layout as FRR sends and Cisco accepts it: source us, destination the packet's source (the draft
 * says its destination), hop count 1, the packet from its IP header on as far as the worker copied
 * it.
 */
#include "nhrp_priv.h"

#define HOP_COUNT   1
#define IP4_SRC_OFF 12
#define IP4_DST_OFF 16
#define IP4_LEN     20

/* The pair of addresses; false: not a packet to one host. */
static bool pair_read(const struct dp_redirect *r, struct nhrp_holdoff_key *key)
{
	*key = (struct nhrp_holdoff_key){.spoke = r->spoke, .tunnel = r->tunnel};
	if (r->len < IP4_LEN || r->len > sizeof(r->header) || r->header[0] >> 4 != 4)
		return false;
	dp_addr_from_bytes(&key->src, r->header + IP4_SRC_OFF, 4);
	dp_addr_from_bytes(&key->dst, r->header + IP4_DST_OFF, 4);
	return !dp_addr_is_multicast(&key->dst) && !dp_addr_is_broadcast(&key->dst);
}

static enum nhrp_suppress ends_check(const struct nhrp_server *srv,
				     const struct config_nhrp *conf,
				     const struct spoke *in,
				     const struct spoke *out)
{
	struct nhrp_end a, b;

	if (!in || !out || LIST_EMPTY(&in->bindings))
		return NHRP_SUPPRESS_STRANGER;
	if (in == out)
		return NHRP_SUPPRESS_SAME_SPOKE;
	a = nhrp_end_of(srv, in);
	b = nhrp_end_of(srv, out);
	return nhrp_meet(conf->redirect_nat, &a, &b);
}

/* Begins the hold-off when it returns NHRP_SUPPRESS_NONE. */
static enum nhrp_suppress rate_check(struct nhrp_server *srv,
				     uint64_t now_ms,
				     const struct config_nhrp *conf,
				     struct spoke *in,
				     const struct nhrp_holdoff_key *key)
{
	if (nhrp_holdoff_is_on(srv->holdoffs, key, now_ms))
		return NHRP_SUPPRESS_HOLD_OFF;
	if (!budget_take(&in->redirects, NHRP_REDIRECTS_PER_S, now_ms))
		return NHRP_SUPPRESS_SPOKE_RATE;
	if (nhrp_holdoff_begin(srv->holdoffs, key, now_ms, conf->redirect_interval_s * 1000u) < 0)
		return NHRP_SUPPRESS_TABLE_FULL;
	return NHRP_SUPPRESS_NONE;
}

static void indication_send(struct nhrp_server *srv,
			    const struct config_tunnel *tunnel,
			    const uint8_t *header,
			    size_t len,
			    const struct spoke *in,
			    const struct dp_addr *src)
{
	struct nhrp_packet p;

	nhrp_packet_init(&p, NHRP_TYPE_TRAFFIC_INDICATION, tunnel->source.family, src->family);
	p.hop_count = HOP_COUNT;
	p.code = NHRP_TRAFFIC_REDIRECT;
	p.src_nbma = tunnel->source;
	p.src_proto = nhrp_own_protocol(tunnel, &LIST_FIRST(&in->bindings)->protocol);
	p.dst_proto = *src;
	p.payload = header;
	p.payload_len = (uint16_t)len;
	nhrp_send(srv, in->key.tunnel, &in->key.nbma, in->key.natt_port, &p);
}

void nhrp_server_redirect(struct nhrp_server *srv, uint64_t now_ms, const struct dp_redirect *r)
{
	const struct nhrp_tunnel *t = nhrp_tunnel_of(srv, r->tunnel);
	struct spoke *in = spoke_find_dp(srv->spokes, r->spoke);
	enum nhrp_suppress why = NHRP_SUPPRESS_NONE;
	struct nhrp_holdoff_key key;

	if (!t || !t->conf.nhrp.redirect)
		why = NHRP_SUPPRESS_OFF;
	else if (!pair_read(r, &key))
		why = NHRP_SUPPRESS_PACKET;
	if (why == NHRP_SUPPRESS_NONE)
		why = ends_check(srv, &t->conf.nhrp, in, spoke_find_dp(srv->spokes, r->out_spoke));
	if (why == NHRP_SUPPRESS_NONE)
		why = rate_check(srv, now_ms, &t->conf.nhrp, in, &key);
	if (why == NHRP_SUPPRESS_NONE)
		indication_send(srv, &t->conf, r->header, r->len, in, &key.src);
	else
		srv->counters[NHRP_COUNTER_SUPPRESSED + why]++;
}

/* The spoke of ours, in the same cloud, that such packets come from. */
static struct spoke *spoke_behind(const struct nhrp_server *srv,
				  const struct nhrp_rx *rx,
				  const struct dp_addr *src)
{
	struct nhrp_way way = {.kind = NHRP_WAY_NONE};
	const struct nhrp_binding *b;
	const struct nhrp_tunnel *t;

	if (srv->ways.find)
		srv->ways.find(srv->ways.ctx, src, &way);
	t = way.kind == NHRP_WAY_TUNNEL ? nhrp_tunnel_of(srv, way.tunnel) : NULL;
	if (!t || t->conf.nhrp.network_id != rx->tunnel->nhrp.network_id)
		return NULL;
	b = nhrp_cache_find(srv->cache, way.tunnel, &way.next_hop);
	return b ? b->spoke : NULL;
}

void nhrp_indication(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_packet *p = rx->packet;
	const struct nhrp_tunnel *t = NULL;
	enum nhrp_suppress why = NHRP_SUPPRESS_NONE;
	struct nhrp_holdoff_key key;
	struct dp_redirect r = {.len = sizeof(r.header)};
	struct spoke *in = NULL;

	if (!nhrp_clients_is_nhs(srv->clients, rx->meta->tunnel, &rx->meta->outer_src)) {
		nhrp_server_drop(srv, rx, NHRP_DROP_INDICATION, 0);
		return;
	}
	if (p->payload_len < r.len)
		r.len = p->payload_len;
	memcpy(r.header, p->payload, r.len);
	if (p->code != NHRP_TRAFFIC_REDIRECT || !pair_read(&r, &key))
		why = NHRP_SUPPRESS_PACKET;
	if (why == NHRP_SUPPRESS_NONE) {
		in = spoke_behind(srv, rx, &key.src);
		t = in ? nhrp_tunnel_of(srv, in->key.tunnel) : NULL;
		if (!t || LIST_EMPTY(&in->bindings))
			why = NHRP_SUPPRESS_STRANGER;
		else if (!t->conf.nhrp.redirect)
			why = NHRP_SUPPRESS_OFF;
	}
	if (why == NHRP_SUPPRESS_NONE) {
		key.spoke = in->dp;
		key.tunnel = in->key.tunnel;
		why = rate_check(srv, rx->now_ms, &t->conf.nhrp, in, &key);
	}
	if (why == NHRP_SUPPRESS_NONE)
		indication_send(srv, &t->conf, r.header, r.len, in, &key.src);
	else
		srv->counters[NHRP_COUNTER_SUPPRESSED + why]++;
}
