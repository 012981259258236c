/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_meaning: what a via means for the dataplane, given which interfaces are ours and up, and what
 * its next-hop object says. Part of rib.c, see there. Context: control.
 *
 * Several next hops: those over interfaces of others, or that are down, are left out, and those
 * without carrier while there are some with it. The kernel goes on using the latter; we need not
 * lose packets. Of gateways and on-link next hops together the gateways are used.
 */
#include "rib_priv.h"

/* What is found among the next hops. */
struct found {
	struct dp_path *paths; /* [DP_PATHS_MAX]: gateways */
	unsigned gateways;
	struct dp_iface connected;
	bool has_connected;
	unsigned foreign, down, unsupported;
	bool want_carrier;
	bool over; /* more gateways than there is room for */
};

static void hop_add(const struct rib *rib,
		    struct found *f,
		    const struct rib_hop *hop,
		    uint32_t weight)
{
	struct rib_iface iface = rib->conf.ops.iface(rib->conf.ops.ctx, hop->ifindex);

	if (hop->unsupported)
		f->unsupported++;
	else if (iface.dp.kind == DP_IFACE_NONE)
		f->foreign++;
	else if (!iface.up || (f->want_carrier && !iface.carrier))
		f->down++;
	else if (hop->gateway_be == 0 && !f->has_connected) {
		f->connected = iface.dp;
		f->has_connected = true;
	} else if (hop->gateway_be != 0 && f->gateways == DP_PATHS_MAX)
		f->over = true;
	else if (hop->gateway_be != 0)
		f->paths[f->gateways++] = (struct dp_path){
			.iface = iface.dp,
			.gateway = dp_addr_ip4(hop->gateway_be),
			.weight = (uint16_t)(weight < UINT16_MAX ? weight : UINT16_MAX),
		};
}

static void object_add(const struct rib *rib,
		       struct found *f,
		       const struct rib_object *object,
		       uint32_t weight)
{
	if (object->unsupported)
		f->unsupported++;
	else
		hop_add(rib, f, &object->hop, weight);
}

static void hops_look(const struct rib *rib, const struct rib_via *via, struct found *f)
{
	const struct rib_object *object, *member;

	for (uint8_t i = 0; i < via->hop_count; i++)
		hop_add(rib, f, &via->hops[i], via->hops[i].weight);
	if (via->nexthop_id == 0)
		return;
	object = rib_object_find(rib, via->nexthop_id);
	if (object == NULL) {
		f->down++;
		return;
	}
	if (object->member_count == 0)
		object_add(rib, f, object, 1);
	for (uint8_t i = 0; i < object->member_count; i++) {
		member = rib_object_find(rib, object->members[i].id);
		if (member == NULL)
			f->down++;
		else
			object_add(rib, f, member, object->members[i].weight);
	}
}

static void found_mean(const struct found *f, struct rib_meaning *m)
{
	m->truncated = f->over;
	if (f->gateways > 1) {
		m->type = DP_ROUTE_MULTIPATH;
		m->path_count = (uint16_t)f->gateways;
	} else if (f->gateways == 1) {
		m->type = DP_ROUTE_GATEWAY;
		m->iface = f->paths[0].iface;
		m->gateway = f->paths[0].gateway;
	} else if (f->has_connected) {
		m->type = DP_ROUTE_CONNECTED;
		m->iface = f->connected;
	} else {
		m->status = f->down > 0          ? RIB_DOWN
			    : f->unsupported > 0 ? RIB_UNSUPPORTED
						 : RIB_FOREIGN;
	}
}

static bool is_blackhole(const struct rib *rib, const struct rib_via *via)
{
	const struct rib_object *object;

	if (via->type == RTN_BLACKHOLE || via->type == RTN_UNREACHABLE || via->type == RTN_PROHIBIT)
		return true;
	object = via->nexthop_id != 0 ? rib_object_find(rib, via->nexthop_id) : NULL;
	return object != NULL && object->blackhole;
}

void rib_meaning_get(const struct rib *rib,
		     const struct rib_via *via,
		     struct rib_meaning *meaning,
		     struct dp_path *paths)
{
	struct found found = {.paths = paths, .want_carrier = true};

	*meaning = (struct rib_meaning){.status = RIB_USABLE};
	if (is_blackhole(rib, via)) {
		meaning->type = DP_ROUTE_BLACKHOLE;
		return;
	}
	if (via->type == RTN_LOCAL && via->nexthop_id == 0 && via->hop_count == 1) {
		meaning->type = DP_ROUTE_LOCAL;
		meaning->iface = rib->conf.ops.iface(rib->conf.ops.ctx, via->hops[0].ifindex).dp;
		return;
	}
	if (via->type != RTN_UNICAST) {
		meaning->status = RIB_UNSUPPORTED;
		return;
	}
	hops_look(rib, via, &found);
	/* Next-hop objects need carrier: the kernel drops those that lose it. */
	if (found.gateways == 0 && !found.has_connected && via->nexthop_id == 0) {
		found = (struct found){.paths = paths};
		hops_look(rib, via, &found);
	}
	found_mean(&found, meaning);
}

static bool object_uses(const struct rib_object *object, uint32_t ifindex)
{
	return object != NULL && object->member_count == 0 && object->hop.ifindex == ifindex;
}

bool rib_via_uses(const struct rib *rib, const struct rib_via *via, uint32_t ifindex)
{
	const struct rib_object *object;

	for (uint8_t i = 0; i < via->hop_count; i++)
		if (via->hops[i].ifindex == ifindex)
			return true;
	if (via->nexthop_id == 0)
		return false;
	object = rib_object_find(rib, via->nexthop_id);
	if (object_uses(object, ifindex))
		return true;
	for (uint8_t i = 0; object != NULL && i < object->member_count; i++)
		if (object_uses(rib_object_find(rib, object->members[i].id), ifindex))
			return true;
	return false;
}

bool rib_iface_used(const struct rib *rib, uint32_t ifindex)
{
	for (uint32_t i = 1; i <= rib->via_pool.touched; i++)
		if (rib->vias[i].refs > 0 && rib->vias[i].type != RTN_LOCAL &&
		    rib_via_uses(rib, &rib->vias[i], ifindex))
			return true;
	return false;
}

static bool meaning_uses(const struct rib_via *via,
			 struct dp_iface iface,
			 const struct dp_addr *gateway)
{
	const struct rib_meaning *m = &via->meaning;

	for (uint16_t i = 0; i < m->path_count; i++)
		if (via->paths[i].iface.kind == iface.kind && via->paths[i].iface.id == iface.id &&
		    dp_addr_equal(&via->paths[i].gateway, gateway))
			return true;
	return m->type == DP_ROUTE_GATEWAY && m->iface.kind == iface.kind &&
	       m->iface.id == iface.id && dp_addr_equal(&m->gateway, gateway);
}

bool rib_gateway_used(const struct rib *rib, struct dp_iface iface, const struct dp_addr *gateway)
{
	for (uint32_t i = 1; i <= rib->via_pool.touched; i++)
		if (rib->vias[i].refs > 0 && rib->vias[i].meaning.status == RIB_USABLE &&
		    meaning_uses(&rib->vias[i], iface, gateway))
			return true;
	return false;
}

void rib_iface_changed(struct rib *rib, uint32_t ifindex)
{
	for (uint32_t i = 1; i <= rib->via_pool.touched; i++)
		if (rib->vias[i].refs > 0 && rib_via_uses(rib, &rib->vias[i], ifindex))
			rib_via_look(rib, &rib->vias[i]);
}
