/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fib: prefix -> next-hop object, on rte_fib (DIR24_8), see dp_fib.h.
 *
 * rte_fib 22.11 frees a group of 256 entries (tbl8) as soon as all of them are alike, and allocates
 * one when that ends: adds and deletes beyond /24 do both, and so do those of a shorter prefix that
 * covers such ones. It clears a group that it frees, so a reader may see next hop 0, or, when the
 * group is used again at once, a foreign one. Rule: index 0 is never stored and means "look up once
 * more"; between two calls that can touch a group a grace period must pass. Groups are accounted
 * for before the call, because a replace that runs out of them returns 0 and a half-failed add
 * leaks one.
 *
 * Its own count of groups goes wrong: an add beyond /24 with the next hop of what covers it does
 * not count, its delete does, and below 0 every further add is refused. So the two are never alike:
 * FIB_NH_LONG is in what is stored for a prefix longer than /24, and fib_lookup takes it off.
 *
 * What a route says is a shared object of fib_nh.c.
 * Writer: control core; readers: workers under QSBR.
 * Not done: more VRFs than 0, IPv6 (rte_fib6).
 */
#include "fib.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_rib.h>

#include "defer.h"
#include "dp_priv.h"
#include "source.h"
#include "table.h"

#define GRACE_MS 100

struct rte_fib *fibs[FIB_VRFS];

static struct table *group_table; /* /24 with longer prefixes -> how many */
static struct dp_fib_info info;
static uint32_t *longer_in_16; /* [65536] by /16: prefixes longer than /24 */
static uint64_t touched_token; /* of the last call that may have freed a group; 0: waited for */
static bool waited_in_vain;    /* for that one: not again, or a thousand changes take minutes */

static int fib_create(const struct dp_limits *limits)
{
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		.default_nh = FIB_NH_NONE,
		.max_routes = (int)limits->routes,
		/* One more: a range that ends inside two groups asks for two free ones. */
		.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = limits->tbl8 + 1},
	};

	fibs[0] = rte_fib_create("vrf0", (int)rte_socket_id(), &conf);
	if (fibs[0] == NULL)
		return dp_error_set(-ENOMEM, "FIB of %u routes and %u tbl8 groups: %s",
				    limits->routes, limits->tbl8, rte_strerror(rte_errno));
	/* Refused where AVX-512 is not there or not allowed: the default look-up stays. */
	rte_fib_select_lookup(fibs[0], RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512);
	return 0;
}

int fib_init(const struct dp_conf *conf)
{
	/* As many next-hop objects as routes may differ, but no more than there are next hops,
	 * neighbours and interfaces to point to. */
	uint32_t max = conf->limits.nexthops + conf->limits.neighbours +
		       2 * (conf->limits.tunnels + DP_PORTS_MAX) + 1;
	int rc;

	info = (struct dp_fib_info){.routes_max = conf->limits.routes,
				    .tbl8_max = conf->limits.tbl8};
	touched_token = 0;
	waited_in_vain = false;
	longer_in_16 = calloc(1 << 16, sizeof(*longer_in_16));
	group_table = table_create("fib groups", conf->limits.tbl8);
	if (group_table == NULL || longer_in_16 == NULL)
		return -ENOMEM;
	rc = fib_nh_init(max);
	if (rc < 0)
		return rc;
	return fib_create(&conf->limits);
}

void fib_fini(void)
{
	rte_fib_free(fibs[0]);
	table_free(group_table);
	fib_nh_fini();
	free(longer_in_16);
	fibs[0] = NULL;
	group_table = NULL;
	longer_in_16 = NULL;
}

/* ---- tbl8 groups ---- */

static struct table_key group_key(uint32_t ip)
{
	return (struct table_key){.c = ip >> 8, .a = 1};
}

/* Whether a change of this prefix may free or allocate a group: it or what it covers is longer than
 * /24. Between /16 and /24 it may say yes for a neighbour's sake. */
static bool groups_touched(uint32_t ip, uint8_t len)
{
	const uint32_t first = ip >> 16, count = len < 16 ? 1U << (16 - len) : 1;
	struct table_key key = group_key(ip);

	if (len > 24)
		return true;
	if (len == 24)
		return table_get(group_table, &key) != 0;
	for (uint32_t i = first; i < first + count; i++)
		if (longer_in_16[i] != 0)
			return true;
	return false;
}

/* Before a call that may touch a group: no worker may still look into one that was freed. */
static int group_grace(void)
{
	if (touched_token == 0)
		return 0;
	if (defer_wait(touched_token, waited_in_vain ? 0 : GRACE_MS) < 0) {
		waited_in_vain = true;
		return dp_error_set(-EAGAIN, "FIB: no grace period within %d ms: a worker is stuck",
				    GRACE_MS);
	}
	waited_in_vain = false;
	touched_token = 0;
	return 0;
}

/* Before an add beyond /24: room for the group it may need. */
static int group_reserve(uint32_t ip)
{
	struct table_key key = group_key(ip);
	uint32_t longer = table_get(group_table, &key);

	if (longer == 0 && info.tbl8 == info.tbl8_max) {
		info.full++;
		return dp_error_set(-ENOSPC,
				    "all %u tbl8 groups are in use (dataplane.limits.tbl8)",
				    info.tbl8_max);
	}
	if (table_set(group_table, &key, longer + 1) < 0)
		return dp_error_set(-ENOSPC, "tbl8 groups: old entries wait for a grace period");
	longer_in_16[ip >> 16]++;
	if (longer == 0)
		info.tbl8++;
	return 0;
}

static void group_release(uint32_t ip)
{
	struct table_key key = group_key(ip);
	uint32_t longer = table_get(group_table, &key);

	longer_in_16[ip >> 16]--;
	if (longer > 1) {
		table_set(group_table, &key, longer - 1);
		return;
	}
	table_del(group_table, &key);
	info.tbl8--;
}

/* ---- routes ---- */

uint32_t fib_node_nh(const struct rte_rib_node *node)
{
	uint64_t nh;

	rte_rib_get_nh(node, &nh);
	return (uint32_t)nh & ~FIB_NH_LONG;
}

static int route_check(uint16_t vrf, const struct dp_prefix *prefix)
{
	struct dp_prefix net = dp_prefix_network(prefix);

	if (vrf >= FIB_VRFS)
		return dp_error_set(-EINVAL, "VRF %u: only VRF 0 is available", vrf);
	if (prefix->addr.family != AF_INET)
		return dp_error_set(-EAFNOSUPPORT, "IPv6 routes are not available yet");
	if (!dp_addr_equal(&net.addr, &prefix->addr))
		return dp_error_set(-EINVAL, "prefix has host bits");
	if (!defer_room(1))
		return dp_error_set(-EAGAIN, "FIB: a worker is stuck");
	return 0;
}

static int paths_check(const struct dp_route *route)
{
	if (route->type != DP_ROUTE_MULTIPATH)
		return 0;
	if (route->path_count < 2 || route->path_count > DP_PATHS_MAX)
		return dp_error_set(-EINVAL, "multipath route: %u paths (2 to %u)",
				    route->path_count, DP_PATHS_MAX);
	for (uint16_t i = 0; i < route->path_count; i++)
		if (route->paths[i].weight == 0)
			return dp_error_set(-EINVAL, "multipath route: weight 0 (1 to 65535)");
	return 0;
}

static int route_write(const struct dp_prefix *prefix, bool is_new, uint32_t nh)
{
	uint32_t ip = ntohl(prefix->addr.ip4_be);
	bool touched = groups_touched(ip, prefix->len);
	int rc = touched ? group_grace() : 0;

	if (rc == 0 && prefix->len > 24 && is_new)
		rc = group_reserve(ip);
	if (rc < 0)
		return rc;
	rc = rte_fib_add(fibs[0], ip, prefix->len, prefix->len > 24 ? nh | FIB_NH_LONG : nh);
	if (touched)
		touched_token = defer_token();
	if (rc < 0) {
		if (prefix->len > 24 && is_new)
			group_release(ip);
		return dp_error_set(rc, "FIB: route of length %u: %s", prefix->len,
				    rte_strerror(-rc));
	}
	return 0;
}

/* What an old route stood for goes, once the new one is in its place. */
static void route_forget(const struct dp_prefix *prefix, uint32_t nh)
{
	if (nh > FIB_NH_NONE && fib_nhs[nh].type == DP_ROUTE_LOCAL)
		source_del(&prefix->addr);
	fib_nh_put(nh);
}

int dp_fib_set(uint16_t vrf, const struct dp_prefix *prefix, const struct dp_route *route)
{
	struct rte_rib_node *node;
	uint32_t nh, old = FIB_NH_NONE;
	int rc = route_check(vrf, prefix);

	if (rc == 0)
		rc = paths_check(route);
	if (rc < 0)
		return rc;
	node = rte_rib_lookup_exact(rte_fib_get_rib(fibs[vrf]), ntohl(prefix->addr.ip4_be),
				    prefix->len);
	if (node != NULL)
		old = fib_node_nh(node);
	else if (info.routes == info.routes_max) {
		info.full++;
		return dp_error_set(-ENOSPC, "all %u routes are in use (dataplane.limits.routes)",
				    info.routes_max);
	}
	rc = fib_nh_get(route, &nh);
	if (rc < 0)
		return rc;
	rc = route_write(prefix, node == NULL, nh);
	if (rc < 0) {
		fib_nh_put(nh);
		return rc;
	}
	if (node == NULL)
		info.routes++;
	if (route->type == DP_ROUTE_LOCAL)
		source_add(&prefix->addr);
	route_forget(prefix, old);
	return 0;
}

int dp_fib_del(uint16_t vrf, const struct dp_prefix *prefix)
{
	struct rte_rib_node *node;
	uint32_t nh, ip = ntohl(prefix->addr.ip4_be);
	bool touched = groups_touched(ip, prefix->len);
	int rc = route_check(vrf, prefix);

	if (rc < 0)
		return rc;
	node = rte_rib_lookup_exact(rte_fib_get_rib(fibs[vrf]), ip, prefix->len);
	if (node == NULL)
		return -ENOENT;
	rc = touched ? group_grace() : 0;
	if (rc < 0)
		return rc;
	nh = fib_node_nh(node);
	rc = rte_fib_delete(fibs[vrf], ip, prefix->len);
	if (touched)
		touched_token = defer_token();
	if (rc < 0)
		return dp_error_set(rc, "FIB: delete: %s", rte_strerror(-rc));
	if (prefix->len > 24)
		group_release(ip);
	info.routes--;
	route_forget(prefix, nh);
	return 0;
}

int dp_fib_lookup(uint16_t vrf, const struct dp_addr *addr, struct dp_route *route)
{
	struct rte_rib_node *node;

	if (vrf >= FIB_VRFS || addr->family != AF_INET)
		return -EINVAL;
	node = rte_rib_lookup(rte_fib_get_rib(fibs[vrf]), ntohl(addr->ip4_be));
	if (node == NULL)
		return -ENOENT;
	fib_nh_fill(fib_node_nh(node), route);
	return 0;
}

int dp_fib_info_get(uint16_t vrf, struct dp_fib_info *out)
{
	if (vrf >= FIB_VRFS)
		return -EINVAL;
	*out = info;
	return 0;
}
