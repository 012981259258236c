/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer: who is behind an NBMA address, see peer.h.
 *
 * SAs and spokes find their peer by (local address, remote address, NAT-T port). Which SA sends,
 * where to, and how long a packet may be stands in the adjacencies of its spokes; when one of these
 * changes they are renewed (spoke.c). What finds no room then, because old adjacencies wait for a
 * worker, waits in a queue, and goes on with the SA that it had.
 * Thread: control core. RFC 4301 section 8.2 (path MTU). Not done: IPv6.
 */
#include "peer.h"

#include <errno.h>

#include <rte_cycles.h>
#include <rte_hash_crc.h>

#include "defer.h"
#include "dp_priv.h"
#include "neigh.h"
#include "pool.h"

#define NATT_PORT   4500
#define MTU_MIN     576 /* RFC 791: what every host takes */
#define MTU_AGE_S   600
#define MTU_UNKNOWN UINT16_MAX
#define SCAN_SLICE  256 /* peers per turn */

struct peer *peers;
static struct peer_spoke *spoke_links; /* [limits.spokes + 1] */
static struct table *peer_table;
static struct index_pool ids;
static uint32_t used_end = 1; /* one beyond the highest that was ever used */
static uint32_t scan_next;
static uint32_t mtu_count; /* peers with a path MTU */
static TAILQ_HEAD(, peer) late = TAILQ_HEAD_INITIALIZER(late);

int peer_init(const struct dp_conf *conf)
{
	uint32_t max = conf->limits.spokes + conf->limits.sas;

	peers = calloc((size_t)max + 1, sizeof(*peers));
	spoke_links = calloc((size_t)conf->limits.spokes + 1, sizeof(*spoke_links));
	peer_table = table_create("peers", max);
	used_end = scan_next = 1;
	mtu_count = 0;
	TAILQ_INIT(&late);
	if (peers == NULL || spoke_links == NULL || peer_table == NULL ||
	    index_pool_init(&ids, LIVE_PEER, max) < 0)
		return -ENOMEM;
	return 0;
}

void peer_fini(void)
{
	table_free(peer_table);
	free(peers);
	free(spoke_links);
	index_pool_fini(&ids);
	peer_table = NULL;
	peers = NULL;
	spoke_links = NULL;
}

static struct table_key peer_key(rte_be32_t local_be, rte_be32_t remote_be, uint16_t natt_port)
{
	return table_key_ip4(remote_be, natt_port, 0, local_be);
}

uint32_t peer_find(rte_be32_t local_be, rte_be32_t remote_be, uint16_t natt_port)
{
	struct table_key key = peer_key(local_be, remote_be, natt_port);

	return table_get(peer_table, &key);
}

uint32_t peer_get(rte_be32_t local_be, rte_be32_t remote_be, uint16_t natt_port)
{
	struct table_key key = peer_key(local_be, remote_be, natt_port);
	uint32_t index = table_get(peer_table, &key);
	struct peer *p;

	if (index != 0)
		return index;
	index = index_pool_get(&ids);
	if (index == 0)
		return 0;
	if (table_set(peer_table, &key, index) < 0) {
		index_pool_put(&ids, index);
		return 0;
	}
	p = &peers[index];
	*p = (struct peer){.local_be = local_be, .remote_be = remote_be, .natt_port = natt_port};
	p->home = (uint8_t)(dp_worker_count == 0
				    ? 0
				    : rte_hash_crc_8byte((uint64_t)remote_be << 32 | natt_port,
							 local_be) %
					      dp_worker_count);
	TAILQ_INIT(&p->out);
	used_end = RTE_MAX(used_end, index + 1);
	return index;
}

static void mtu_forget(struct peer *p)
{
	if (p->mtu != 0)
		mtu_count--;
	p->mtu = 0;
}

void peer_put(uint32_t index)
{
	struct peer *p = &peers[index];
	struct table_key key = peer_key(p->local_be, p->remote_be, p->natt_port);

	if (p->spoke_count != 0 || !TAILQ_EMPTY(&p->out) || !LIST_EMPTY(&p->in))
		return;
	if (p->late)
		TAILQ_REMOVE(&late, p, of_late);
	mtu_forget(p);
	table_del(peer_table, &key);
	memset(p, LIVE_POISON, sizeof(*p));
	p->mtu = 0;
	index_pool_put(&ids, index);
}

/* ---- adjacencies ---- */

/* The newest one that has numbers; when none has, the newest: its packets drop by name. */
uint32_t peer_sender(const struct peer *p, uint32_t profile)
{
	const struct sa_ctl *c;
	uint32_t first = 0;

	TAILQ_FOREACH (c, &p->out, of_out) {
		const struct sa *sa = &sas[sa_index(c)];

		if (c->expired || (sa->flags & SA_F_STOP) || sa->profile != profile)
			continue;
		if (sa->seq < sa->bound)
			return sa_index(c);
		if (first == 0)
			first = sa_index(c);
	}
	return first;
}

bool peer_room(const struct peer *p)
{
	return defer_room(p->spoke_count) && spoke_adj_room(p->spoke_count);
}

void peer_refresh(struct peer *p)
{
	const struct peer_spoke *s;
	bool done = true;

	LIST_FOREACH (s, &p->spokes, of_peer)
		if (spoke_adj_renew((uint32_t)(s - spoke_links)) < 0)
			done = false;
	if (p->late == !done)
		return;
	p->late = !done;
	if (done)
		TAILQ_REMOVE(&late, p, of_late);
	else
		TAILQ_INSERT_TAIL(&late, p, of_late);
}

/* Bytes of an outer packet to this neighbour. */
static uint16_t outer_mtu(const struct peer *p, uint32_t neigh)
{
	uint16_t mtu = p->mtu != 0 ? p->mtu : MTU_UNKNOWN, port;
	struct dp_addr addr;

	if (neigh == 0)
		return mtu;
	neigh_identity(neigh, &port, &addr);
	return port < DP_PORTS_MAX && port_hot[port].mtu != 0 ? RTE_MIN(mtu, port_hot[port].mtu)
							      : mtu;
}

void peer_adj_fill(struct adj *adj)
{
	const struct peer *p = &peers[spoke_links[adj->spoke].peer];
	uint16_t local_port = NATT_PORT;
	const struct sa *sa;

	if (adj->is_protected)
		adj->sa = peer_sender(p, tunnels[adj->tunnel].conf.profile);
	sa = &sas[adj->sa];
	if (adj->sa != 0)
		local_port = sa->natt_local_port;
	if (adj->is_protected && p->natt_port != 0)
		adj_natt(adj, local_port, p->natt_port);
	/* A plain tunnel has the MTU that it was given, unless the path is known to have less. */
	if (adj->is_protected || p->mtu != 0)
		adj_fit(adj, outer_mtu(p, adj->neigh), adj->sa != 0 ? sa->alg : 0);
}

/* ---- spokes ---- */

int peer_spoke_add(uint32_t spoke,
		   const struct dp_addr *local,
		   const struct dp_addr *nbma,
		   uint16_t natt_port)
{
	struct peer_spoke *s = &spoke_links[spoke];

	s->peer = peer_get(local->ip4_be, nbma->ip4_be, natt_port);
	if (s->peer == 0)
		return -ENOSPC;
	LIST_INSERT_HEAD(&peers[s->peer].spokes, s, of_peer);
	peers[s->peer].spoke_count++;
	return 0;
}

void peer_spoke_del(uint32_t spoke)
{
	struct peer_spoke *s = &spoke_links[spoke];

	LIST_REMOVE(s, of_peer);
	peers[s->peer].spoke_count--;
	peer_put(s->peer);
}

/* ---- another address ---- */

struct place {
	rte_be32_t remote_be;
	uint16_t natt_port;
};

/* Everything of the peer is found in another place, too (on), or not after all. Outbound SAs are
 * found by the address alone: not when only the port is another. -EAGAIN. */
static int places_set(const struct peer *p, struct place at, bool sas_too, bool on)
{
	struct table_key key = peer_key(p->local_be, at.remote_be, at.natt_port);
	struct dp_addr nbma = dp_addr_ip4(at.remote_be);
	const struct peer_spoke *s;
	const struct sa_ctl *c;
	int rc = on ? table_set(peer_table, &key, (uint32_t)(p - peers))
		    : table_del(peer_table, &key);

	TAILQ_FOREACH (c, &p->out, of_out) {
		if (!sas_too)
			break;
		key = sa_out_key(p->local_be, at.remote_be, sas[sa_index(c)].spi_be);
		rc |= on ? table_set(sa_out_table, &key, sa_index(c))
			 : table_del(sa_out_table, &key);
	}
	LIST_FOREACH (s, &p->spokes, of_peer)
		rc |= spoke_address_set((uint32_t)(s - spoke_links), &nbma, at.natt_port, on);
	return rc < 0 ? -EAGAIN : 0;
}

/* The old place is forgotten, SAs and spokes say the new one. */
static void place_take(struct peer *p, struct place at)
{
	struct place old = {p->remote_be, p->natt_port};
	struct dp_addr nbma = dp_addr_ip4(at.remote_be);
	const struct peer_spoke *s;
	const struct sa_ctl *c;

	LIST_FOREACH (s, &p->spokes, of_peer)
		spoke_moved((uint32_t)(s - spoke_links), &nbma, at.natt_port);
	places_set(p, old, old.remote_be != at.remote_be, false);
	p->remote_be = at.remote_be;
	p->natt_port = at.natt_port;
	TAILQ_FOREACH (c, &p->out, of_out)
		sa_slot_remote_set(&sas[sa_index(c)], at.remote_be, at.natt_port,
				   sas[sa_index(c)].natt_local_port);
	LIST_FOREACH (c, &p->in, of_in)
		sa_slot_remote_set(&sas[sa_index(c)], at.remote_be, at.natt_port,
				   sas[sa_index(c)].natt_local_port);
	mtu_forget(p); /* another path */
	peer_refresh(p);
}

static bool is_taken(const struct peer *p, struct place at)
{
	const struct sa_ctl *c;

	if (peer_find(p->local_be, at.remote_be, at.natt_port) != 0)
		return true;
	TAILQ_FOREACH (c, &p->out, of_out) {
		struct table_key key =
			sa_out_key(p->local_be, at.remote_be, sas[sa_index(c)].spi_be);

		/* Another port of the same address: that is itself. */
		if (at.remote_be != p->remote_be && table_get(sa_out_table, &key) != 0)
			return true;
	}
	return false;
}

int dp_sa_peer_move(uint32_t sa, const struct dp_addr *remote, uint16_t natt_port)
{
	struct place at = {remote->ip4_be, natt_port};
	char text[DP_ADDR_STRLEN];
	struct peer *p;
	bool sas_too;

	if (!sa_is_live(sa))
		return dp_error_set(-ENOENT, "SA %u: no such SA", sa);
	p = &peers[sa_ctls[sa].peer];
	if (!sa_address_is_good(remote))
		return dp_error_set(-EINVAL, "peer: %s: no IPv4 unicast address",
				    dp_addr_format(remote, text));
	if ((natt_port != 0) != (p->natt_port != 0))
		return dp_error_set(-EINVAL, "peer: NAT-T port %u: it was %u", natt_port,
				    p->natt_port);
	if (at.remote_be == p->remote_be && at.natt_port == p->natt_port)
		return 0;
	if (is_taken(p, at))
		return dp_error_set(-EEXIST, "peer: %s port %u is another one",
				    dp_addr_format(remote, text), natt_port);
	sas_too = at.remote_be != p->remote_be;
	if (!peer_room(p) || places_set(p, at, sas_too, true) < 0) {
		places_set(p, at, sas_too, false);
		return dp_error_set(-EAGAIN, "peer: old entries wait for a grace period");
	}
	place_take(p, at);
	return 0;
}

/* ---- path MTU ---- */

/* What packets to this peer may have now. */
static uint16_t mtu_now(const struct peer *p)
{
	const struct peer_spoke *s;
	uint16_t mtu = p->mtu != 0 ? p->mtu : MTU_UNKNOWN;

	LIST_FOREACH (s, &p->spokes, of_peer) {
		uint32_t neigh = adjs[spoke_adj((uint32_t)(s - spoke_links))].neigh;

		mtu = RTE_MIN(mtu, outer_mtu(p, neigh));
	}
	return mtu;
}

int dp_peer_mtu_set(const struct dp_addr *local,
		    const struct dp_addr *remote,
		    uint16_t natt_port,
		    uint16_t mtu)
{
	uint32_t index = peer_find(local->ip4_be, remote->ip4_be, natt_port);
	struct peer *p = &peers[index];

	if (index == 0 || local->family != AF_INET || remote->family != AF_INET)
		return dp_error_set(-ENOENT, "path MTU: no such peer");
	if (mtu < MTU_MIN || mtu >= mtu_now(p))
		return dp_error_set(-EINVAL, "path MTU: %u: from %u to %u", mtu, MTU_MIN,
				    mtu_now(p) - 1);
	if (p->mtu == 0)
		mtu_count++;
	p->mtu = mtu;
	p->mtu_tsc = rte_rdtsc();
	peer_refresh(p);
	return 0;
}

static void mtu_age(uint64_t now_tsc)
{
	uint64_t age = MTU_AGE_S * rte_get_tsc_hz();

	for (unsigned i = 0; i < SCAN_SLICE && i < used_end; i++) {
		struct peer *p = &peers[scan_next];

		if (++scan_next >= used_end)
			scan_next = 1;
		if (p->mtu == 0 || (int64_t)(now_tsc - p->mtu_tsc) < (int64_t)age)
			continue;
		mtu_forget(p);
		peer_refresh(p);
	}
}

void peer_poll(uint64_t now_tsc)
{
	struct peer *p = TAILQ_FIRST(&late);

	if (p != NULL && peer_room(p))
		peer_refresh(p);
	if (mtu_count != 0)
		mtu_age(now_tsc);
}
