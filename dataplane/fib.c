/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fib: prefix -> next-hop object, on rte_fib (DIR24_8), see dp_fib.h.
 *
 * rte_fib 22.11 frees a group of 256 entries (tbl8) inside a delete, and inside an add that makes a
 * group uniform; it clears the group first, so a reader may see next hop 0, or, when the group is
 * used again at once, a foreign one. Rule: index 0 is never stored and means "look up once more";
 * after any call that can free a group, no call that can allocate one before a grace period. Groups
 * are accounted for before the call, because a replace that runs out of them returns 0 and a
 * half-failed add leaks one.
 *
 * What a route says is a shared object of fib_nh.c.
 * Writer: control core; readers: workers under QSBR.
 * Not done: more VRFs than 0, IPv6 (rte_fib6).
 */
#include "fib.h"

#include <errno.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_rib.h>

#include "defer.h"
#include "dp_priv.h"
#include "source.h"
#include "table.h"

#define GRACE_MS 100

struct rte_fib *fibs[FIB_VRFS];

static struct rte_hash *group_table; /* /24 with longer prefixes -> how many */
static struct dp_fib_info info;
static uint64_t freed_token; /* of the last call that may have freed a group; 0: waited for */

static int fib_create(const struct dp_limits *limits)
{
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		.default_nh = FIB_NH_NONE,
		.max_routes = (int)limits->routes,
		.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = limits->tbl8},
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
	freed_token = 0;
	group_table = table_create("fib groups", conf->limits.tbl8);
	if (group_table == NULL)
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
	fibs[0] = NULL;
	group_table = NULL;
}

/* ---- tbl8 groups ---- */

static struct table_key group_key(uint32_t ip)
{
	return (struct table_key){.c = ip >> 8, .a = 1};
}

/* Waits until no worker can still look into a group that was freed. */
static int group_grace(void)
{
	if (freed_token == 0)
		return 0;
	if (defer_wait(freed_token, GRACE_MS) < 0)
		return dp_error_set(-EAGAIN, "FIB: no grace period within %d ms: a worker is stuck",
				    GRACE_MS);
	freed_token = 0;
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
	if (longer == 0)
		info.tbl8++;
	return 0;
}

static void group_release(uint32_t ip)
{
	struct table_key key = group_key(ip);
	uint32_t longer = table_get(group_table, &key);

	if (longer > 1) {
		table_set(group_table, &key, longer - 1);
		return;
	}
	table_del(group_table, &key);
	info.tbl8--;
}

/* ---- routes ---- */

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
	int rc = 0;

	if (prefix->len > 24) {
		/* An add may allocate a group, and free one that becomes uniform. */
		rc = group_grace();
		if (rc == 0 && is_new)
			rc = group_reserve(ip);
		if (rc < 0)
			return rc;
	}
	rc = rte_fib_add(fibs[0], ip, prefix->len, nh);
	freed_token = defer_token();
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
	uint64_t old = FIB_NH_NONE;
	uint32_t nh;
	int rc = route_check(vrf, prefix);

	if (rc == 0)
		rc = paths_check(route);
	if (rc < 0)
		return rc;
	node = rte_rib_lookup_exact(rte_fib_get_rib(fibs[vrf]), ntohl(prefix->addr.ip4_be),
				    prefix->len);
	if (node != NULL)
		rte_rib_get_nh(node, &old);
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
	route_forget(prefix, (uint32_t)old);
	return 0;
}

int dp_fib_del(uint16_t vrf, const struct dp_prefix *prefix)
{
	struct rte_rib_node *node;
	uint32_t ip = ntohl(prefix->addr.ip4_be);
	uint64_t nh;
	int rc = route_check(vrf, prefix);

	if (rc < 0)
		return rc;
	node = rte_rib_lookup_exact(rte_fib_get_rib(fibs[vrf]), ip, prefix->len);
	if (node == NULL)
		return -ENOENT;
	rte_rib_get_nh(node, &nh);
	rc = rte_fib_delete(fibs[vrf], ip, prefix->len);
	if (rc < 0)
		return dp_error_set(rc, "FIB: delete: %s", rte_strerror(-rc));
	freed_token = defer_token();
	if (prefix->len > 24)
		group_release(ip);
	info.routes--;
	route_forget(prefix, (uint32_t)nh);
	return 0;
}

int dp_fib_lookup(uint16_t vrf, const struct dp_addr *addr, struct dp_route *route)
{
	struct rte_rib_node *node;
	uint64_t nh;

	if (vrf >= FIB_VRFS || addr->family != AF_INET)
		return -EINVAL;
	node = rte_rib_lookup(rte_fib_get_rib(fibs[vrf]), ntohl(addr->ip4_be));
	if (node == NULL)
		return -ENOENT;
	rte_rib_get_nh(node, &nh);
	fib_nh_fill((uint32_t)nh, route);
	return 0;
}

static void row_fill(struct rte_rib_node *node,
		     struct dp_fib_row *row,
		     struct dp_fib_cursor *cursor)
{
	uint64_t nh;

	rte_rib_get_ip(node, &cursor->ip);
	rte_rib_get_depth(node, &cursor->len);
	rte_rib_get_nh(node, &nh);
	row->prefix =
		(struct dp_prefix){.addr = dp_addr_ip4(htonl(cursor->ip)), .len = cursor->len};
	row->bound = fib_nhs[nh].to != 0;
	fib_nh_fill((uint32_t)nh, &row->route);
}

/* The first node of the listing in ip/len: what is longer comes before what covers it. */
static struct rte_rib_node *subtree_first(struct rte_rib *rib, uint32_t ip, uint8_t len)
{
	struct rte_rib_node *node = rte_rib_get_nxt(rib, ip, len, NULL, RTE_RIB_GET_NXT_ALL);

	return node != NULL ? node : rte_rib_lookup_exact(rib, ip, len);
}

/* The node after a prefix that was deleted: what is to the right of it at each length upwards, then
 * what covered both. */
static struct rte_rib_node *row_after(struct rte_rib *rib, uint32_t ip, uint8_t len)
{
	struct rte_rib_node *node = NULL;

	for (; len > 0 && node == NULL; len--) {
		const uint32_t bit = 1u << (32 - len);

		if ((ip & bit) == 0)
			node = subtree_first(rib, ip | bit, len);
		ip &= ~(bit | (bit - 1));
		if (node == NULL && len > 1)
			node = rte_rib_lookup_exact(rib, ip, len - 1);
	}
	return node;
}

/* The node after the cursor's. rte_rib_get_nxt never returns 0.0.0.0/0 itself: it comes first. */
static struct rte_rib_node *row_next(struct rte_rib *rib, const struct dp_fib_cursor *cursor)
{
	struct rte_rib_node *node = NULL;

	if (!cursor->started) {
		node = rte_rib_lookup_exact(rib, 0, 0);
		if (node != NULL)
			return node;
	} else if (cursor->len != 0) {
		node = rte_rib_lookup_exact(rib, cursor->ip, cursor->len);
		if (node == NULL)
			return row_after(rib, cursor->ip, cursor->len);
	}
	return rte_rib_get_nxt(rib, 0, 0, node, RTE_RIB_GET_NXT_ALL);
}

unsigned dp_fib_list(uint16_t vrf,
		     struct dp_fib_cursor *cursor,
		     struct dp_fib_row *rows,
		     unsigned max)
{
	unsigned n = 0;

	if (vrf >= FIB_VRFS)
		return 0;
	while (n < max && !cursor->done) {
		struct rte_rib_node *node = row_next(rte_fib_get_rib(fibs[vrf]), cursor);

		if (node == NULL)
			cursor->done = true;
		else
			row_fill(node, &rows[n++], cursor);
		cursor->started = true;
	}
	return n;
}

int dp_fib_info_get(uint16_t vrf, struct dp_fib_info *out)
{
	if (vrf >= FIB_VRFS)
		return -EINVAL;
	*out = info;
	return 0;
}
