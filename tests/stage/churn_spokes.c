/* SPDX-License-Identifier: Apache-2.0 */
/*
 * churn_spokes: changes of neighbours, adjacencies, spokes and tunnels; see churn.h. Handles are
 * given back and taken again all the time, by others than before.
 */
#include "churn.h"

#include <errno.h>

#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"

static uint32_t two_ports_spoke;
static uint16_t tunnel77;

/* The MAC of a way for this neighbour; WAY_DROP: none. */
static int neigh_set(uint16_t port, const char *addr, enum churn_way way)
{
	struct dp_addr a = stage_addr(addr);
	int rc = dp_neigh_set(port, &a, way == WAY_DROP ? NULL : churn_ways[way].mac);

	return rc < 0 ? rc : 1;
}

/* ---- neighbours ---- */

static int mac_step(unsigned phase)
{
	enum churn_way to = phase == 0 ? WAY_MAC2 : WAY_MAC1;

	churn_expect(FLOW_MAC, BIT(WAY_MAC1) | BIT(WAY_MAC2));
	assert_int_equal(neigh_set(churn.wan, churn_ways[to].nbma, to), 1);
	churn_expect(FLOW_MAC, BIT(to));
	return 1;
}

static int lan_host_step(unsigned phase)
{
	enum churn_way to = phase == 0 ? WAY_LAN_HOST : WAY_DROP;
	uint32_t from = (uint32_t)churn_flows[FLOW_LAN_HOST].state;
	int rc;

	churn_expect(FLOW_LAN_HOST, BIT(WAY_LAN_HOST) | BIT(WAY_DROP));
	rc = neigh_set(churn.lan, "10.1.1.30", to);
	churn_expect(FLOW_LAN_HOST, rc < 0 ? from : BIT(to));
	return rc;
}

/* Two neighbours in turn: one is there before the flow moves to it, the other goes after that. A
 * worker that is in the middle finds it gone. */
struct swap {
	enum churn_flow_id flow;
	struct {
		enum churn_way way;
		const char *addr;
	} side[2];
};

static int swap_step(const struct swap *s, int (*move)(unsigned side), unsigned phase)
{
	unsigned new = phase < 3 ? 1 : 0;
	uint32_t from = BIT(s->side[1 - new].way), to = BIT(s->side[new].way);
	int rc;

	if (phase % 3 == 0)
		return neigh_set(churn_ways[s->side[new].way].port, s->side[new].addr,
				 s->side[new].way);
	if (phase % 3 == 2)
		return neigh_set(churn_ways[s->side[1 - new].way].port, s->side[1 - new].addr,
				 WAY_DROP);
	churn_expect(s->flow, from | to | BIT(WAY_DROP));
	rc = move(new);
	churn_expect(s->flow, rc < 0 ? from : to);
	return rc;
}

static const struct swap gateway_swap = {
	FLOW_LAN_GW,
	{{WAY_LAN_GW1, "10.1.1.20"}, {WAY_LAN_GW2, "10.1.1.21"}},
};
static const struct swap port_swap = {
	FLOW_PORT,
	{{WAY_PORT1, "192.0.2.101"}, {WAY_PORT2, "198.51.100.102"}},
};

static int gateway_move(unsigned side)
{
	int rc = churn_route("10.40.0.0/16", churn_port_iface(churn.lan),
			     gateway_swap.side[side].addr);

	return rc < 0 ? rc : 1;
}

/* Another adjacency for the spoke: other neighbour, other port. */
static int port_move(unsigned side)
{
	struct dp_addr addr = stage_addr(port_swap.side[side].addr);
	uint32_t neigh;
	int rc = dp_neigh_get(churn_ways[port_swap.side[side].way].port, &addr, &neigh);

	if (rc < 0)
		return rc;
	rc = dp_spoke_neigh_set(two_ports_spoke, neigh);
	if (rc == 0)
		return 1;
	dp_neigh_put(neigh);
	return rc;
}

static int gateway_step(unsigned phase)
{
	return swap_step(&gateway_swap, gateway_move, phase);
}

static int port_step(unsigned phase)
{
	return swap_step(&port_swap, port_move, phase);
}

/* ---- spokes that come and go ---- */

enum respawn_op {
	OP_NEIGH,
	OP_SPOKE,
	OP_BIND,
	OP_NEXTHOP,
	OP_MEMBER,
	OP_UNNEXTHOP,
	OP_UNSPOKE,
	OP_UNNEIGH,
	OPS
};

static struct {
	uint32_t spoke;
	enum respawn_op next;
} respawned[CHURN_RESPAWNED];

static int respawn_bind(const struct dp_spoke_key *key, uint32_t spoke)
{
	uint32_t neigh;
	int rc = dp_neigh_get(churn.wan, &key->nbma, &neigh);

	if (rc < 0)
		return rc;
	rc = dp_spoke_neigh_set(spoke, neigh);
	if (rc < 0)
		dp_neigh_put(neigh);
	return rc;
}

static int respawn_do(unsigned i, enum respawn_op op)
{
	const enum churn_way way = WAY_RESPAWNED + i;
	struct dp_spoke_key key = {.tunnel = churn.tunnel,
				   .nbma = stage_addr(churn_ways[way].nbma)};
	struct dp_addr protocol = dp_addr_ip4(htonl(0x0aff0000 + 60 + i));

	switch (op) {
	case OP_NEIGH:
		return neigh_set(churn.wan, churn_ways[way].nbma, way);
	case OP_SPOKE:
		return dp_spoke_add(&key, &respawned[i].spoke);
	case OP_BIND:
		return respawn_bind(&key, respawned[i].spoke);
	case OP_NEXTHOP:
		churn_expect(FLOW_RESPAWNED + i, BIT(way) | BIT(WAY_DROP));
		return dp_nexthop_set(churn.tunnel, &protocol, respawned[i].spoke);
	case OP_MEMBER:
		churn_expect(FLOW_RESPAWNED + i, BIT(way));
		return dp_spoke_multicast_set(respawned[i].spoke, true);
	case OP_UNNEXTHOP:
		churn_expect(FLOW_RESPAWNED + i, BIT(way) | BIT(WAY_DROP));
		return dp_nexthop_del(churn.tunnel, &protocol);
	case OP_UNSPOKE:
		churn_expect(FLOW_RESPAWNED + i, BIT(WAY_DROP));
		return dp_spoke_del(respawned[i].spoke);
	case OP_UNNEIGH:
		return neigh_set(churn.wan, churn_ways[way].nbma, WAY_DROP);
	case OPS:
		break;
	}
	return -EINVAL;
}

static int respawn_next(unsigned i)
{
	int rc = respawn_do(i, respawned[i].next);

	if (rc < 0)
		return rc;
	respawned[i].next = (respawned[i].next + 1) % OPS;
	return 1;
}

/* Not in step: some are up while others go, and take each other's handles. */
static int respawn_step(unsigned phase)
{
	static uint32_t random = 2463534242U;

	(void)phase;
	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	return respawn_next(random % CHURN_RESPAWNED);
}

/* ---- a tunnel that comes and goes ---- */

static int tunnel_step(unsigned phase)
{
	struct dp_tunnel_conf conf = {.name = "Tunnel77",
				      .source = stage_addr("192.0.2.1"),
				      .has_key = true,
				      .key = 77,
				      .mtu = 1400,
				      .ttl = 64};
	uint32_t from = (uint32_t)churn_flows[FLOW_TUNNEL].state;
	uint32_t to = phase == 0 ? BIT(WAY_LAN) : BIT(WAY_DROP);
	int rc;

	churn_expect(FLOW_TUNNEL, BIT(WAY_LAN) | BIT(WAY_DROP));
	rc = phase == 0 ? dp_tunnel_add(&conf, &tunnel77) : dp_tunnel_del(tunnel77);
	churn_expect(FLOW_TUNNEL, rc < 0 ? from : to);
	return rc < 0 ? rc : 1;
}

/* ---- multicast ---- */

static void mcast_inject(void)
{
	const struct churn_flow *f = &churn_flows[FLOW_MCAST];
	const struct {
		uint32_t magic, flow;
		uint64_t turn;
	} stamp = {0x43484e21U, FLOW_MCAST, 0};
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);
	uint8_t *p;

	assert_non_null(m);
	p = (uint8_t *)rte_pktmbuf_append(m, f->frame.len - f->inner);
	memcpy(p, f->frame.bytes + f->inner, f->frame.len - f->inner);
	memcpy(p + 32, &stamp, sizeof(stamp));
	*dp_meta(m) = (struct dp_meta){
		.kind = DP_KIND_IP, .flags = DP_META_FROM_TWIN, .tunnel = churn.tunnel};
	if (dp_inject(m, 0) < 0)
		dp_release(m);
}

static int member_step(unsigned phase)
{
	struct dp_spoke_key key = {.tunnel = churn.tunnel,
				   .nbma = stage_addr(churn_ways[WAY_A + phase % 4].nbma)};
	int rc = dp_spoke_multicast_set(dp_spoke_find(&key), phase >= 4);

	if (phase == 2 && rte_ring_empty(churn.w->inject))
		mcast_inject();
	return rc < 0 ? rc : 1;
}

/* ---- start, finish ---- */

void churn_spokes_start(void)
{
	struct dp_spoke_key key = {.tunnel = churn.tunnel,
				   .nbma = stage_addr(churn_ways[WAY_PORT1].nbma)};
	struct dp_addr protocol = stage_addr("10.255.0.16");
	uint32_t all = 0;

	assert_int_equal(dp_spoke_add(&key, &two_ports_spoke), 0);
	assert_int_equal(port_move(0), 1);
	assert_int_equal(dp_nexthop_set(churn.tunnel, &protocol, two_ports_spoke), 0);
	for (unsigned way = WAY_A; way <= WAY_MAC2; way++)
		all |= BIT(way);
	for (unsigned i = 0; i < CHURN_RESPAWNED; i++)
		all |= BIT(WAY_RESPAWNED + i);
	churn_expect(FLOW_MCAST, all);
}

/* No worker runs any more. */
void churn_spokes_finish(void)
{
	for (unsigned i = 0; i < CHURN_RESPAWNED; i++)
		while (respawned[i].next != OP_NEIGH) {
			assert_int_equal(respawn_next(i), 1);
			dp_poll();
		}
}

struct churn_actor churn_spoke_actors[] = {
	{.name = "MAC", .step = mac_step, .phases = 2},
	{.name = "LAN host", .step = lan_host_step, .phases = 2},
	{.name = "LAN gateway", .step = gateway_step, .phases = 6},
	{.name = "port", .step = port_step, .phases = 6},
	{.name = "respawn", .step = respawn_step, .phases = 1},
	{.name = "tunnel", .step = tunnel_step, .phases = 2},
	{.name = "member", .step = member_step, .phases = 8},
	{0},
};
