/* SPDX-License-Identifier: Apache-2.0 */
/*
 * churn_actors: changes of routes and of overlay next hops; see churn.h. An actor goes round its
 * phases; a change that is refused because an old object waits for its grace period is tried again.
 */
#include "churn.h"

#include <errno.h>

#include "dataplane/dp_fib.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_spoke.h"

#define VIA_A "10.255.0.11"
#define VIA_B "10.255.0.12"
#define VIA_C "10.255.0.13"
#define VIA_D "10.255.0.14"

/* A route via a spoke that stays; NULL: deleted. */
static int to_spoke(const char *prefix, const char *via)
{
	int rc = via == NULL ? churn_route_del(prefix)
			     : churn_route(prefix, churn_tunnel_iface(), via);

	return rc < 0 ? rc : 1;
}

/* One flow goes another way by one change of a route. */
static int flow_moves(enum churn_flow_id flow, uint32_t to, const char *prefix, const char *via)
{
	uint32_t from = (uint32_t)churn_flows[flow].state;
	int rc;

	churn_expect(flow, from | to);
	rc = to_spoke(prefix, via);
	churn_expect(flow, rc < 0 ? from : to);
	return rc;
}

/* A /32 beside FLOW_BESIDE: another next hop than the /24's, the same one, another one, none. */
static int host_step(unsigned phase)
{
	static const struct {
		uint32_t to;
		const char *via;
	} steps[] = {{BIT(WAY_B), VIA_B}, {BIT(WAY_A), VIA_A}, {BIT(WAY_C), VIA_C},
		     {BIT(WAY_A), NULL},  {BIT(WAY_A), VIA_A}, {BIT(WAY_A), NULL}};

	return flow_moves(FLOW_HOST, steps[phase].to, "10.20.0.5/32", steps[phase].via);
}

/* Two halves of a /24 that are alike for a while: the group is freed and taken again by adds,
 * replaces and deletes of all lengths. */
static int halves_step(unsigned phase)
{
	static const struct {
		uint32_t low, high;
		const char *prefix, *via;
	} steps[] = {
		{BIT(WAY_B), BIT(WAY_A), "10.21.0.0/25", VIA_B},
		{BIT(WAY_B), BIT(WAY_B), "10.21.0.128/25", VIA_B},
		{BIT(WAY_B), BIT(WAY_B), "10.21.0.0/24", VIA_C},
		{BIT(WAY_C), BIT(WAY_B), "10.21.0.0/25", NULL},
		{BIT(WAY_B), BIT(WAY_B), "10.21.0.0/25", VIA_B},
		{BIT(WAY_B), BIT(WAY_C), "10.21.0.128/25", NULL},
		{BIT(WAY_C), BIT(WAY_C), "10.21.0.0/25", NULL},
		{BIT(WAY_A), BIT(WAY_A), "10.21.0.0/24", VIA_A},
	};
	uint32_t low = (uint32_t)churn_flows[FLOW_HALF_LOW].state;
	uint32_t high = (uint32_t)churn_flows[FLOW_HALF_HIGH].state;
	int rc;

	churn_expect(FLOW_HALF_LOW, low | steps[phase].low);
	churn_expect(FLOW_HALF_HIGH, high | steps[phase].high);
	rc = to_spoke(steps[phase].prefix, steps[phase].via);
	churn_expect(FLOW_HALF_LOW, rc < 0 ? low : steps[phase].low);
	churn_expect(FLOW_HALF_HIGH, rc < 0 ? high : steps[phase].high);
	return rc;
}

/* A /16 over a /24 over longer ones; FLOW_COVERED never moves. */
static int covering_step(unsigned phase)
{
	switch (phase) {
	case 0:
		return to_spoke("10.22.0.4/30", VIA_C);
	case 1:
		return flow_moves(FLOW_COVERING, BIT(WAY_B), "10.22.0.0/16", VIA_B);
	case 2:
		return to_spoke("10.22.0.4/32", VIA_A);
	case 3:
		return to_spoke("10.22.0.4/30", NULL);
	case 4:
		return flow_moves(FLOW_COVERING, BIT(WAY_C), "10.22.0.0/16", VIA_C);
	default:
		return to_spoke("10.22.0.4/32", NULL);
	}
}

static int withdraw_step(unsigned phase)
{
	uint32_t to = phase == 0 ? BIT(WAY_LAN) : BIT(WAY_DROP);
	uint32_t from = (uint32_t)churn_flows[FLOW_WITHDRAWN].state;
	int rc;

	churn_expect(FLOW_WITHDRAWN, from | to);
	rc = phase == 0 ? churn_route("10.41.0.0/16", churn_port_iface(churn.lan), "10.1.1.10")
			: churn_route_del("10.41.0.0/16");
	churn_expect(FLOW_WITHDRAWN, rc < 0 ? from : to);
	return rc < 0 ? rc : 1;
}

/* ---- ECMP ---- */

static int multipath(const char *const *via, uint16_t count, uint16_t weight)
{
	struct dp_path paths[4];
	struct dp_route r = {.type = DP_ROUTE_MULTIPATH, .paths = paths, .path_count = count};
	struct dp_prefix p;
	int rc;

	assert_int_equal(dp_prefix_parse(&p, "10.60.0.0/16"), 0);
	for (uint16_t i = 0; i < count; i++)
		paths[i] = (struct dp_path){.iface = churn_tunnel_iface(),
					    .gateway = stage_addr(via[i]),
					    .weight = i == 0 ? weight : 1};
	rc = dp_fib_set(0, &p, &r);
	return rc < 0 ? rc : 1;
}

static int ecmp_step(unsigned phase)
{
	static const char *const via[] = {VIA_A, VIA_B, VIA_C, VIA_D};
	static const struct {
		uint32_t to;
		uint16_t first, count, weight;
	} steps[] = {
		{BIT(WAY_A) | BIT(WAY_B), 0, 2, 1},
		{BIT(WAY_C) | BIT(WAY_D), 2, 2, 3},
		{BIT(WAY_A) | BIT(WAY_B), 0, 2, 7},
		{BIT(WAY_B) | BIT(WAY_C) | BIT(WAY_D), 1, 3, 1},
		{BIT(WAY_D), 3, 1, 1},
	};
	uint32_t from = (uint32_t)churn_flows[FLOW_ECMP].state, to = steps[phase].to;
	int rc;

	for (unsigned i = 0; i < 4; i++)
		churn_expect(FLOW_ECMP + i, from | to);
	rc = steps[phase].count == 1
		     ? to_spoke("10.60.0.0/16", via[steps[phase].first])
		     : multipath(&via[steps[phase].first], steps[phase].count, steps[phase].weight);
	for (unsigned i = 0; i < 4; i++)
		churn_expect(FLOW_ECMP + i, rc < 0 ? from : to);
	return rc;
}

/* ---- an overlay next hop moves between two spokes ---- */

static int moved_step(unsigned phase)
{
	struct dp_spoke_key key = {.tunnel = churn.tunnel,
				   .nbma = stage_addr(churn_ways[phase == 0 ? WAY_B : WAY_A].nbma)};
	struct dp_addr protocol = stage_addr("10.255.0.50");
	uint32_t to = phase == 0 ? BIT(WAY_B) : BIT(WAY_A);
	int rc;

	churn_expect(FLOW_MOVED, BIT(WAY_A) | BIT(WAY_B));
	churn_expect(FLOW_MOVED_NET, BIT(WAY_A) | BIT(WAY_B));
	rc = dp_nexthop_set(churn.tunnel, &protocol, dp_spoke_find(&key));
	assert_int_equal(rc, 0);
	churn_expect(FLOW_MOVED, to);
	churn_expect(FLOW_MOVED_NET, to);
	return 1;
}

struct churn_actor churn_route_actors[] = {
	{.name = "host route", .step = host_step, .phases = 6},
	{.name = "halves", .step = halves_step, .phases = 8},
	{.name = "covering", .step = covering_step, .phases = 6},
	{.name = "withdraw", .step = withdraw_step, .phases = 2},
	{.name = "ECMP", .step = ecmp_step, .phases = 5},
	{.name = "next hop", .step = moved_step, .phases = 2},
	{0},
};
