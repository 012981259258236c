/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_check_map: static NHRP entries, and the hubs that we are a client of. The protocol address
 * must be a host of the tunnel, once; the NBMA address must not be ours, nor lead into a tunnel by
 * what the document says (recursive routing; what other daemons add later is the hub's to watch).
 *
 * Context: control; no globals.
 */
#include "config_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tunnel that the document's own routes send this address into; NULL for any other way. */
static const struct config_tunnel *tunnel_towards(const struct config *c,
						  const struct config_nets *nets,
						  const struct dp_addr *a)
{
	const struct config_net *net = config_nets_find(nets, a);
	const struct config_route *best = NULL;
	struct dp_iface iface = {0};

	for (uint32_t i = 0; net == NULL && i < c->route_count; i++)
		if (dp_prefix_contains(&c->routes[i].prefix, a) &&
		    (best == NULL || c->routes[i].prefix.len > best->prefix.len))
			best = &c->routes[i];
	if (net != NULL)
		iface = net->iface;
	else if (best != NULL)
		iface = best->iface;
	return iface.kind == DP_IFACE_TUNNEL ? &c->tunnels[iface.id] : NULL;
}

static bool is_host_of_tunnel(const struct config_nets *nets,
			      uint32_t tunnel,
			      const struct dp_addr *a)
{
	const struct config_net *net = config_nets_find(nets, a);

	return net != NULL && net->iface.kind == DP_IFACE_TUNNEL && net->iface.id == tunnel &&
	       config_host_in_subnet(a, &net->subnet) && config_nets_own(nets, a) == NULL;
}

int config_check_nbma(struct config_ctx *ctx,
		      const struct config_nets *nets,
		      const char *path,
		      const struct dp_addr *nbma)
{
	const struct config_tunnel *loop;

	if (config_nets_own(nets, nbma) != NULL)
		return config_fail(ctx, path, "not our own address");
	loop = tunnel_towards(ctx->config, nets, nbma);
	if (loop != NULL)
		return config_fail(ctx, path, "not an address that is routed into %s", loop->name);
	return 0;
}

static int check_map(struct config_ctx *ctx, const struct config_nets *nets, uint32_t t, uint32_t i)
{
	const struct config_map *map = &ctx->config->tunnels[t].nhrp.maps[i];
	char path[CONFIG_PATH_LEN];

	snprintf(path, sizeof(path), "tunnels[%u].nhrp.map[%u].protocol", t, i);
	if (!is_host_of_tunnel(nets, t, &map->protocol))
		return config_fail(ctx, path, "a host in the subnet of %s, not ourselves",
				   ctx->config->tunnels[t].name);
	snprintf(path, sizeof(path), "tunnels[%u].nhrp.map[%u].nbma", t, i);
	return config_check_nbma(ctx, nets, path, &map->nbma);
}

static int map_compare(const void *x, const void *y)
{
	const struct config_map *const *a = x, *const *b = y;
	int order = memcmp(&(*a)->protocol, &(*b)->protocol, sizeof((*a)->protocol));

	return order != 0 ? order : (*a > *b) - (*a < *b);
}

static int check_map_twins(struct config_ctx *ctx, uint32_t t)
{
	const struct config_nhrp *nhrp = &ctx->config->tunnels[t].nhrp;
	const struct config_map **sorted;
	char path[CONFIG_PATH_LEN];
	int rc = 0;

	sorted = calloc(nhrp->map_count + 1, sizeof(const struct config_map *));
	if (sorted == NULL)
		return config_fail_memory(ctx);
	for (uint32_t i = 0; i < nhrp->map_count; i++)
		sorted[i] = &nhrp->maps[i];
	qsort(sorted, nhrp->map_count, sizeof(const struct config_map *), map_compare);
	for (uint32_t i = 1; rc == 0 && i < nhrp->map_count; i++) {
		if (!dp_addr_equal(&sorted[i - 1]->protocol, &sorted[i]->protocol))
			continue;
		snprintf(path, sizeof(path), "tunnels[%u].nhrp.map[%zu].protocol", t,
			 (size_t)(sorted[i] - nhrp->maps));
		rc = config_fail(ctx, path, "each address once, map[%zu] has this one",
				 (size_t)(sorted[i - 1] - nhrp->maps));
	}
	free(sorted);
	return rc;
}

/* The same place as a static entry, so the same rules; one of them is enough. */
static int check_nhs_protocol(struct config_ctx *ctx,
			      const struct config_nets *nets,
			      uint32_t t,
			      uint32_t i)
{
	const struct config_nhrp *nhrp = &ctx->config->tunnels[t].nhrp;
	const struct config_nhs *nhs = &nhrp->nhs[i];
	char path[CONFIG_PATH_LEN];

	if (!dp_addr_is_set(&nhs->protocol))
		return 0;
	snprintf(path, sizeof(path), "tunnels[%u].nhrp.nhs[%u].protocol", t, i);
	if (!is_host_of_tunnel(nets, t, &nhs->protocol))
		return config_fail(ctx, path, "a host in the subnet of %s, not ourselves",
				   ctx->config->tunnels[t].name);
	for (uint32_t m = 0; m < nhrp->map_count; m++)
		if (dp_addr_equal(&nhrp->maps[m].protocol, &nhs->protocol))
			return config_fail(ctx, path, "each address once, map[%u] has this one", m);
	for (uint32_t k = 0; k < i; k++)
		if (dp_addr_equal(&nhrp->nhs[k].protocol, &nhs->protocol))
			return config_fail(ctx, path, "each address once, nhs[%u] has this one", k);
	return 0;
}

static int check_nhs(struct config_ctx *ctx, const struct config_nets *nets, uint32_t t, uint32_t i)
{
	const struct config_nhrp *nhrp = &ctx->config->tunnels[t].nhrp;
	const struct config_tunnel *loop;
	char path[CONFIG_PATH_LEN];

	snprintf(path, sizeof(path), "tunnels[%u].nhrp.nhs[%u].nbma", t, i);
	if (config_nets_own(nets, &nhrp->nhs[i].nbma) != NULL)
		return config_fail(ctx, path, "not our own address");
	loop = tunnel_towards(ctx->config, nets, &nhrp->nhs[i].nbma);
	if (loop != NULL)
		return config_fail(ctx, path, "not an address that is routed into %s", loop->name);
	for (uint32_t k = 0; k < i; k++)
		if (dp_addr_equal(&nhrp->nhs[k].nbma, &nhrp->nhs[i].nbma))
			return config_fail(ctx, path, "each hub once, nhs[%u] is this one", k);
	return check_nhs_protocol(ctx, nets, t, i);
}

int config_check_maps(struct config_ctx *ctx, const struct config_nets *nets)
{
	const struct config *c = ctx->config;
	int rc = 0;

	for (uint32_t t = 0; rc == 0 && t < c->tunnel_count; t++) {
		for (uint32_t i = 0; rc == 0 && i < c->tunnels[t].nhrp.map_count; i++)
			rc = check_map(ctx, nets, t, i);
		for (uint32_t i = 0; rc == 0 && i < c->tunnels[t].nhrp.nhs_count; i++)
			rc = check_nhs(ctx, nets, t, i);
		if (rc == 0)
			rc = check_map_twins(ctx, t);
	}
	return rc;
}
