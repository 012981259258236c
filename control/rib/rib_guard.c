/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_guard: where the outer packets of a tunnel go, and that no route sends them into a tunnel.
 *
 * The underlay's look-up is the RIB's own, prefix length by prefix length, and not the FIB's: it
 * passes over what leads into a tunnel and finds what is behind it. A route via a gateway in a
 * tunnel that would be the best for the address of a peer is recursive, and is taken out of the FIB
 * for all: what else goes to that prefix follows the route behind it, too. A tunnel's own subnet is
 * never taken out: who claims an address in there is not reachable.
 *
 * Outer packets in flight do not look routes up (an adjacency has its neighbour), so nothing loops
 * between a route's arrival and the round that finds it.
 *
 * Part of rib.c, see there. Context: control.
 */
#include <errno.h>

#include "control/events.h"
#include "control/log.h"
#include "rib_priv.h"

static bool is_into_tunnel(const struct rib_via *via)
{
	const struct rib_meaning *m = &via->meaning;

	for (uint16_t i = 0; i < m->path_count; i++)
		if (via->paths[i].iface.kind == DP_IFACE_TUNNEL)
			return true;
	return m->iface.kind == DP_IFACE_TUNNEL;
}

static void refuse(struct rib *rib, struct rib_entry *e, const struct dp_addr *to)
{
	char text[DP_PREFIX_STRLEN], peer[DP_ADDR_STRLEN];
	struct dp_prefix prefix = rib_prefix(e);

	e->flags = (uint16_t)((e->flags & ~RIB_F_PARITY) | (rib->guard.parity ? RIB_F_PARITY : 0));
	if (e->flags & RIB_F_RECURSIVE)
		return;
	rib_flag_set(rib, e, RIB_F_RECURSIVE);
	rib_fib_apply(rib, e->ip, e->len);
	if (rib->tell_budget == 0)
		return;
	rib->tell_budget--;
	event_emit(EVENT_ROUTE_REFUSED, dp_prefix_format(&prefix, text),
		   "recursive: it would send tunnel packets for %s into a tunnel",
		   dp_addr_format(to, peer));
}

struct search {
	const struct dp_addr *to;
	struct dp_iface *iface;
	struct dp_addr *next;
	bool recursive; /* a route was passed over */
};

/* Of several ways, one peer's packets stay on one. */
static void follow(const struct rib_via *via, const struct search *s)
{
	const struct rib_meaning *m = &via->meaning;
	const struct dp_path *path;

	*s->iface = m->iface;
	*s->next = m->type == DP_ROUTE_CONNECTED ? *s->to : m->gateway;
	if (m->type != DP_ROUTE_MULTIPATH)
		return;
	path = &via->paths[ntohl(s->to->ip4_be) % m->path_count];
	*s->iface = path->iface;
	*s->next = path->gateway;
}

/* The best of one prefix. 1: nothing here, or nothing that may be followed. */
static int search_prefix(struct rib *rib, struct search *s, uint32_t index)
{
	for (; index != RIB_NONE; index = rib_entry_next(rib, index)) {
		struct rib_entry *e = &rib->entries[index];
		const struct rib_via *via = &rib->vias[e->via];

		if ((e->flags & RIB_F_DYING) || via->gone || via->meaning.status != RIB_USABLE)
			continue;
		if (via->meaning.type == DP_ROUTE_LOCAL || via->meaning.type == DP_ROUTE_BLACKHOLE)
			return -ENETUNREACH;
		if (!is_into_tunnel(via)) {
			follow(via, s);
			return 0;
		}
		if (via->meaning.type == DP_ROUTE_CONNECTED)
			return -ELOOP;
		refuse(rib, e, s->to);
		s->recursive = true;
	}
	return 1;
}

int rib_underlay(struct rib *rib,
		 const struct dp_addr *to,
		 struct dp_iface *iface,
		 struct dp_addr *next)
{
	struct search s = {.to = to, .iface = iface, .next = next};
	uint32_t ip = ntohl(to->ip4_be);
	int rc = 1;

	if (to->family != AF_INET)
		return -ENETUNREACH;
	for (int len = 32; rc == 1 && len >= 0; len--) {
		uint32_t mask = len == 0 ? 0 : UINT32_MAX << (32 - len);

		if (rib->len_count[len] > 0)
			rc = search_prefix(rib, &s, *rib_prefix_link(rib, ip & mask, (uint8_t)len));
	}
	if (rc != 1)
		return rc;
	return s.recursive ? -ELOOP : -ENETUNREACH;
}

void rib_guard_begin(struct rib *rib)
{
	rib->guard.parity = !rib->guard.parity;
	rib->guard.restoring = false;
}

void rib_guard_end(struct rib *rib)
{
	if (rib->info.recursive == 0)
		return;
	rib->guard.restoring = true;
	rib_walk_want(rib);
}

bool rib_has_recursive(const struct rib *rib)
{
	return rib->info.recursive > 0;
}
