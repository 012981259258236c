/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fib_list: routes in order, and what lies inside a prefix: walks over the tree that rte_fib keeps
 * beside its tables. Part of fib.c, see there. Context: control.
 */
#include "fib.h"

#include <rte_rib.h>

bool dp_fib_has_longer(uint16_t vrf, const struct dp_prefix *prefix)
{
	struct rte_rib_node *node = NULL;
	struct dp_route route;
	struct rte_rib *rib;

	if (vrf >= FIB_VRFS || prefix->addr.family != AF_INET)
		return false;
	rib = rte_fib_get_rib(fibs[vrf]);
	do {
		node = rte_rib_get_nxt(rib, ntohl(prefix->addr.ip4_be), prefix->len, node,
				       RTE_RIB_GET_NXT_ALL);
		if (node != NULL)
			fib_nh_fill(fib_node_nh(node), &route);
	} while (node != NULL && route.type == DP_ROUTE_LOCAL);
	return node != NULL;
}

static void row_fill(struct rte_rib_node *node,
		     struct dp_fib_row *row,
		     struct dp_fib_cursor *cursor)
{
	uint32_t nh = fib_node_nh(node);

	rte_rib_get_ip(node, &cursor->ip);
	rte_rib_get_depth(node, &cursor->len);
	row->prefix =
		(struct dp_prefix){.addr = dp_addr_ip4(htonl(cursor->ip)), .len = cursor->len};
	row->bound = fib_nhs[nh].to != 0;
	fib_nh_fill(nh, &row->route);
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
