/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_server: from a punted packet to its handler. Decodes, finds the tunnel, counts, looks the
 * handler up in one table by packet type: a further type is a row here and a function declared in
 * nhrp_priv.h. Authentication is checked before. Everything that is not answered goes through one
 * function, with the code and offset that its error indication carries. Only the control core
 * calls. RFC 2332 sections 5.1 and 5.2.
 *
 * Not done: types without a row (a traffic indication to us: we build no shortcuts) are counted by
 * name ("not-served-...") and not answered.
 */
#include "nhrp_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/events.h"
#include "control/hash.h"
#include "control/log.h"

#define TICK_MAX     64
#define PENDINGS_MAX 16384
#define HOLDOFFS_MAX 131072 /* 16 workers tell of 1,000 pairs a second each, for 8 s */

typedef void (*nhrp_handler_fn)(struct nhrp_server *srv, const struct nhrp_rx *rx);

static const nhrp_handler_fn handlers[NHRP_TYPES_END] = {
	[NHRP_TYPE_REGISTRATION_REQUEST] = nhrp_reg_request,
	[NHRP_TYPE_REGISTRATION_REPLY] = nhrp_reg_reply,
	[NHRP_TYPE_ERROR_INDICATION] = nhrp_error_received,
	[NHRP_TYPE_RESOLUTION_REQUEST] = nhrp_res_request,
	[NHRP_TYPE_RESOLUTION_REPLY] = nhrp_res_reply,
	[NHRP_TYPE_PURGE_REQUEST] = nhrp_purge_request,
	[NHRP_TYPE_PURGE_REPLY] = nhrp_purge_reply,
	[NHRP_TYPE_TRAFFIC_INDICATION] = nhrp_indication,
};

struct nhrp_server *nhrp_server_new(const struct nhrp_server_conf *conf)
{
	struct nhrp_server *srv = calloc(1, sizeof(*srv));

	if (!srv)
		return NULL;
	srv->tunnels = calloc(conf->tunnels, sizeof(*srv->tunnels));
	srv->cache = nhrp_cache_new(conf->bindings, conf->spokes, &conf->routes);
	srv->requesters = nhrp_requesters_new(conf->bindings);
	srv->tunnel_count = conf->tunnels;
	srv->spokes = conf->spokes;
	if (srv->cache) {
		srv->purges = nhrp_purges_new(srv, conf->bindings);
		srv->asks = nhrp_asks_new(srv);
	}
	srv->clients = nhrp_clients_new(srv);
	srv->pendings = nhrp_pendings_new(PENDINGS_MAX, conf->spokes);
	srv->holdoffs = nhrp_holdoffs_new(HOLDOFFS_MAX);
	srv->ways = conf->ways;
	if (!srv->tunnels || !srv->cache || !srv->requesters || !srv->purges || !srv->asks ||
	    !srv->clients || !srv->pendings || !srv->holdoffs) {
		nhrp_server_free(srv);
		return NULL;
	}
	srv->peers = conf->peers;
	srv->seed = hash_seed();
	return srv;
}

void nhrp_server_free(struct nhrp_server *srv)
{
	if (!srv)
		return;
	nhrp_asks_free(srv->asks);
	nhrp_clients_free(srv->clients);
	nhrp_holdoffs_free(srv->holdoffs);
	nhrp_pendings_free(srv->pendings);
	nhrp_purges_free(srv->purges);
	nhrp_requesters_free(srv->requesters);
	nhrp_cache_free(srv->cache);
	free(srv->tunnels);
	free(srv);
}

static int map_apply(struct nhrp_server *srv,
		     uint16_t tunnel,
		     const struct config_map *map,
		     uint64_t now_ms)
{
	const struct nhrp_binding_conf conf = {
		.spoke = {.tunnel = tunnel, .nbma = map->nbma},
		.protocol = map->protocol,
		.claimed = map->nbma,
		.type = NHRP_BINDING_STATIC,
		.flags = map->multicast ? NHRP_BINDING_F_MULTICAST : 0,
	};
	char text[DP_ADDR_STRLEN];
	int err = nhrp_cache_set(srv->cache, &conf, now_ms);

	if (err < 0)
		log_sys("%s: static map of %s: %s", spoke_tunnel_name(srv->spokes, tunnel),
			dp_addr_format(&map->protocol, text), strerror(-err));
	return err;
}

int nhrp_server_tunnel_add(struct nhrp_server *srv,
			   uint16_t tunnel,
			   const struct config_tunnel *conf,
			   uint64_t now_ms)
{
	int err;

	if (tunnel >= srv->tunnel_count)
		return -ERANGE;
	srv->tunnels[tunnel] = (struct nhrp_tunnel){.used = true, .conf = *conf};
	err = nhrp_auth_set(&srv->tunnels[tunnel], conf->nhrp.authentication);
	if (err < 0) {
		srv->tunnels[tunnel].used = false;
		return err;
	}
	srv->tunnels[tunnel].conf.nhrp.maps = NULL;
	srv->tunnels[tunnel].conf.nhrp.map_count = 0;
	for (uint32_t i = 0; i < conf->nhrp.map_count; i++) {
		err = map_apply(srv, tunnel, &conf->nhrp.maps[i], now_ms);
		if (err < 0) {
			nhrp_server_tunnel_del(srv, tunnel, now_ms);
			return err;
		}
	}
	err = nhrp_clients_tunnel_add(srv->clients, tunnel, now_ms);
	if (err < 0)
		nhrp_server_tunnel_del(srv, tunnel, now_ms);
	return err;
}

void nhrp_server_tunnel_del(struct nhrp_server *srv, uint16_t tunnel, uint64_t now_ms)
{
	if (tunnel >= srv->tunnel_count)
		return;
	nhrp_asks_tunnel_del(srv->asks, tunnel);
	nhrp_clients_tunnel_del(srv->clients, tunnel);
	srv->tunnels[tunnel].used = false;
	nhrp_cache_tunnel_del(srv->cache, tunnel, now_ms);
}

/* The one place of packets that get no reply. */
static void refuse(struct nhrp_server *srv,
		   const struct nhrp_rx *rx,
		   unsigned counter,
		   enum nhrp_error_code code,
		   uint16_t offset)
{
	char from[DP_ADDR_STRLEN], error[NHRP_NAME_LEN];

	srv->counters[counter]++;
	if (nhrp_tell_due(srv, rx, counter))
		event_emit(EVENT_NHRP_DROPPED, spoke_tunnel_name(srv->spokes, rx->meta->tunnel),
			   "%s at byte %u (%s) from %s", nhrp_counter_name(counter), offset,
			   code == NHRP_ERROR_NONE ? "no error sent"
						   : nhrp_error_code_name(code, error),
			   dp_addr_format(&rx->meta->outer_src, from));
	nhrp_error_send(srv, rx, code, offset);
}

void nhrp_server_drop(struct nhrp_server *srv,
		      const struct nhrp_rx *rx,
		      enum nhrp_drop drop,
		      uint16_t offset)
{
	static const enum nhrp_error_code codes[] = {
#define X(id, code, name, help) [NHRP_DROP_##id] = code,
		NHRP_DROP_LIST(X)
#undef X
	};

	refuse(srv, rx, NHRP_COUNTER_DROP + drop, codes[drop], offset);
}

void nhrp_server_reply(struct nhrp_server *srv, const struct nhrp_rx *rx, struct nhrp_packet *reply)
{
	int err =
		nhrp_send(srv, rx->meta->tunnel, &rx->meta->outer_src, rx->meta->natt_port, reply);

	if (err == -EMSGSIZE)
		nhrp_error_send(srv, rx, NHRP_ERROR_SIZE_EXCEEDED, 0);
}

void nhrp_server_receive(struct nhrp_server *srv,
			 uint64_t now_ms,
			 const struct dp_punt_meta *meta,
			 const uint8_t *bytes,
			 size_t len)
{
	struct nhrp_packet p;
	struct nhrp_fault fault;
	struct nhrp_rx rx = {.now_ms = now_ms, .meta = meta, .bytes = bytes, .len = len};
	const struct nhrp_tunnel *t = nhrp_tunnel_of(srv, meta->tunnel);

	if (!t) {
		nhrp_server_drop(srv, &rx, NHRP_DROP_TUNNEL, 0);
		return;
	}
	rx.tunnel = &t->conf;
	if (nhrp_packet_decode(&p, bytes, len, &fault) < 0) {
		refuse(srv, &rx, NHRP_COUNTER_BAD + fault.bad, nhrp_bad_error_code(fault.bad),
		       fault.offset);
		return;
	}
	rx.packet = &p;
	srv->counters[NHRP_COUNTER_RX + p.type]++;
	if (!nhrp_auth_check(srv, &rx))
		return;
	if (srv->peers.identity)
		rx.identity = srv->peers.identity(srv->peers.ctx, meta);
	if (handlers[p.type])
		handlers[p.type](srv, &rx);
	else
		srv->counters[NHRP_COUNTER_UNSERVED + p.type]++;
}

void nhrp_server_wanted(struct nhrp_server *srv,
			uint64_t now_ms,
			uint16_t tunnel,
			const struct dp_addr *nexthop)
{
	nhrp_ask(srv->asks, tunnel, nexthop, now_ms); /* what it does not ask for is counted, or not
							 to be asked for */
}

bool nhrp_server_farewell(struct nhrp_server *srv, uint16_t tunnel, unsigned max)
{
	uint32_t cursor = 0;

	return nhrp_purges_farewell(srv->purges, tunnel, &cursor, max) == max;
}

bool nhrp_server_tick(struct nhrp_server *srv, uint64_t now_ms)
{
	nhrp_cache_tick(srv->cache, now_ms, TICK_MAX);
	nhrp_requesters_tick(srv->requesters, now_ms, TICK_MAX);
	nhrp_purges_tick(srv->purges, now_ms, TICK_MAX);
	nhrp_clients_tick(srv->clients, now_ms, TICK_MAX);
	nhrp_asks_tick(srv->asks, now_ms, TICK_MAX);
	nhrp_pendings_tick(srv->pendings, now_ms, TICK_MAX);
	return nhrp_server_next_ms(srv) <= now_ms;
}

uint64_t nhrp_server_next_ms(const struct nhrp_server *srv)
{
	const uint64_t due[] = {
		nhrp_cache_next_ms(srv->cache),   nhrp_requesters_next_ms(srv->requesters),
		nhrp_purges_next_ms(srv->purges), nhrp_clients_next_ms(srv->clients),
		nhrp_asks_next_ms(srv->asks),     nhrp_pendings_next_ms(srv->pendings),
	};
	uint64_t first = due[0];

	for (size_t i = 1; i < sizeof(due) / sizeof(due[0]); i++)
		first = due[i] < first ? due[i] : first;
	return first;
}

struct nhrp_cache *nhrp_server_cache(struct nhrp_server *srv)
{
	return srv->cache;
}

uint64_t nhrp_server_counter(const struct nhrp_server *srv, unsigned counter)
{
	return srv->counters[counter];
}
