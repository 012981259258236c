/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_nets: our own addresses as one array sorted by subnet, the ground on which sources, routes
 * and maps are checked. Subnets either are the same subnet of the same interface or have nothing in
 * common, so a binary search finds the one that an address is in.
 *
 * Context: control; no globals.
 */
#include "config_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int addr_compare(const struct dp_addr *a, const struct dp_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* By the subnet's first address; of those with the same, the larger subnet first. */
static int net_compare(const void *x, const void *y)
{
	const struct config_net *a = x, *b = y;
	int order = addr_compare(&a->subnet.addr, &b->subnet.addr);

	if (order == 0)
		order = (a->subnet.len > b->subnet.len) - (a->subnet.len < b->subnet.len);
	return order != 0 ? order : addr_compare(&a->own, &b->own);
}

static void nets_add(struct config_nets *nets,
		     const struct dp_prefix *addresses,
		     uint32_t count,
		     uint16_t kind,
		     uint32_t id)
{
	struct config_net *row;

	for (uint32_t i = 0; i < count; i++) {
		row = &nets->rows[nets->count++];
		row->subnet = dp_prefix_network(&addresses[i]);
		row->own = addresses[i].addr;
		row->iface = (struct dp_iface){.kind = kind, .id = (uint16_t)id};
		row->address = i;
	}
}

static void net_path(const struct config_net *n, char path[CONFIG_PATH_LEN])
{
	snprintf(path, CONFIG_PATH_LEN, "%s[%u].addresses[%u]",
		 n->iface.kind == DP_IFACE_PORT ? "ports" : "tunnels", n->iface.id, n->address);
}

/* Which of two rows stands later in the document's order of sections: that one is blamed. */
static bool net_is_later(const struct config_net *a, const struct config_net *b)
{
	if (a->iface.kind != b->iface.kind)
		return a->iface.kind > b->iface.kind;
	if (a->iface.id != b->iface.id)
		return a->iface.id > b->iface.id;
	return a->address > b->address;
}

static int fail_pair(struct config_ctx *ctx,
		     const struct config_net *a,
		     const struct config_net *b,
		     const char *what)
{
	char path[CONFIG_PATH_LEN], other[CONFIG_PATH_LEN];

	net_path(net_is_later(a, b) ? a : b, path);
	net_path(net_is_later(a, b) ? b : a, other);
	return config_fail(ctx, path, what, other);
}

/* Sorted, an overlap is between neighbours, or an earlier pair overlaps already. */
static int nets_check(struct config_ctx *ctx, const struct config_nets *nets)
{
	const struct config_net *a, *b;

	for (uint32_t i = 1; i < nets->count; i++) {
		a = &nets->rows[i - 1];
		b = &nets->rows[i];
		if (dp_addr_equal(&a->own, &b->own))
			return fail_pair(ctx, a, b, "an address of its own, %s has this one");
		if (!dp_prefix_contains(&a->subnet, &b->subnet.addr))
			continue;
		if (a->subnet.len != b->subnet.len || a->iface.kind != b->iface.kind ||
		    a->iface.id != b->iface.id)
			return fail_pair(ctx, a, b, "a subnet that does not overlap that of %s");
	}
	return 0;
}

int config_nets_collect(struct config_ctx *ctx, struct config_nets *nets)
{
	const struct config *c = ctx->config;
	size_t room = (size_t)(c->port_count + c->tunnel_count) * CONFIG_ADDRESSES_MAX;

	nets->count = 0;
	nets->rows = calloc(room > 0 ? room : 1, sizeof(*nets->rows));
	if (nets->rows == NULL)
		return config_fail_memory(ctx);
	for (uint32_t i = 0; i < c->port_count; i++)
		nets_add(nets, c->ports[i].addresses, c->ports[i].address_count, DP_IFACE_PORT, i);
	for (uint32_t i = 0; i < c->tunnel_count; i++)
		nets_add(nets, c->tunnels[i].addresses, c->tunnels[i].address_count,
			 DP_IFACE_TUNNEL, i);
	qsort(nets->rows, nets->count, sizeof(*nets->rows), net_compare);
	return nets_check(ctx, nets);
}

const struct config_net *config_nets_find(const struct config_nets *nets, const struct dp_addr *a)
{
	const struct config_net *row;
	uint32_t low = 0, high = nets->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		row = &nets->rows[mid];
		if (dp_prefix_contains(&row->subnet, a))
			return row;
		if (addr_compare(&row->subnet.addr, a) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct config_net *config_nets_own(const struct config_nets *nets, const struct dp_addr *a)
{
	const struct config_net *row = config_nets_find(nets, a);
	uint32_t i;

	if (row == NULL)
		return NULL;
	/* The search may have hit any of the rows of this subnet. */
	i = (uint32_t)(row - nets->rows);
	while (i > 0 && dp_prefix_contains(&nets->rows[i - 1].subnet, a))
		i--;
	for (; i < nets->count && dp_prefix_contains(&nets->rows[i].subnet, a); i++)
		if (dp_addr_equal(&nets->rows[i].own, a))
			return &nets->rows[i];
	return NULL;
}
