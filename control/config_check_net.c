/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_check_net: what no single key can say, part two: whose address a tunnel's source is, that
 * gateways and mapped addresses are on subnets of ours, and that no tunnel's outer packets would be
 * routed into a tunnel. Fills what follows: config_tunnel.source, config_route.iface, routes to the
 * subnets of tunnels with host_prefix.
 *
 * Context: control; no globals. Routes and maps may be many: duplicates are found by sorting.
 */
#include "config_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTER_IP4_BYTES 20
#define GRE_BYTES       4
#define GRE_KEY_BYTES   4

static bool port_is_underlay(const struct config_port *port)
{
	return (port->dp.role & DP_PORT_UNDERLAY) != 0;
}

/* A port by its name, else by one of its addresses; -ENOENT, -EADDRNOTAVAIL: port without one. */
static int source_resolve(const struct config *c,
			  const struct config_nets *nets,
			  struct config_tunnel *tunnel)
{
	const struct config_net *own;
	struct dp_addr a;

	for (uint16_t i = 0; i < c->port_count; i++) {
		if (strcmp(c->ports[i].dp.name, tunnel->source_text) != 0)
			continue;
		if (c->ports[i].address_count == 0)
			return -EADDRNOTAVAIL;
		tunnel->source = c->ports[i].addresses[0].addr;
		tunnel->source_port = i;
		return 0;
	}
	if (dp_addr_parse(&a, tunnel->source_text) < 0)
		return -ENOENT;
	own = config_nets_own(nets, &a);
	if (own == NULL || own->iface.kind != DP_IFACE_PORT)
		return -ENOENT;
	tunnel->source = a;
	tunnel->source_port = own->iface.id;
	return 0;
}

static int check_source(struct config_ctx *ctx, const struct config_nets *nets, uint32_t i)
{
	struct config *c = ctx->config;
	struct config_tunnel *t = &c->tunnels[i], *other;
	char path[CONFIG_PATH_LEN];
	int rc;

	snprintf(path, sizeof(path), "tunnels[%u].source", i);
	rc = source_resolve(c, nets, t);
	if (rc == -EADDRNOTAVAIL)
		return config_fail(ctx, path, "a port that has an address");
	if (rc < 0 || !port_is_underlay(&c->ports[t->source_port]))
		return config_fail(ctx, path,
				   "name or address of a port with role underlay or both");
	for (uint32_t j = 0; j < i; j++) {
		other = &c->tunnels[j];
		if (!dp_addr_equal(&other->source, &t->source) || other->has_key != t->has_key ||
		    other->key != t->key)
			continue;
		if (t->has_key)
			snprintf(path, sizeof(path), "tunnels[%u].key", i);
		return config_fail(ctx, path,
				   "a pair of source and key of its own, tunnels[%u] has it", j);
	}
	return 0;
}

static int warn_mtu(struct config_ctx *ctx, uint32_t i)
{
	const struct config_tunnel *t = &ctx->config->tunnels[i];
	const struct config_port *port = &ctx->config->ports[t->source_port];
	unsigned overhead = OUTER_IP4_BYTES + GRE_BYTES + (t->has_key ? GRE_KEY_BYTES : 0);
	char path[CONFIG_PATH_LEN];

	if (t->mtu + overhead <= port->dp.mtu)
		return 0;
	snprintf(path, sizeof(path), "tunnels[%u].mtu", i);
	return config_warn(ctx, path,
			   "warning: %u bytes of headers make it larger than the MTU of %s (%u); "
			   "inner packets over %u bytes are dropped",
			   overhead, port->dp.name, port->dp.mtu, port->dp.mtu - overhead);
}

/* A registration must be of a host in a subnet of the tunnel. */
static int warn_nobody(struct config_ctx *ctx, uint32_t i)
{
	const struct config_tunnel *t = &ctx->config->tunnels[i];
	char path[CONFIG_PATH_LEN];

	for (uint32_t j = 0; j < t->address_count; j++)
		if (t->addresses[j].len < dp_addr_bits(&t->addresses[j].addr))
			return 0;
	if (t->nhrp.allow_count > 0)
		return 0;
	snprintf(path, sizeof(path), "tunnels[%u].addresses", i);
	return config_warn(ctx, path,
			   "warning: no subnet, so that no spoke can register; give the tunnel's "
			   "length, with host-prefix: true where the kernel is to have /32");
}

int config_check_sources(struct config_ctx *ctx, const struct config_nets *nets)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < ctx->config->tunnel_count; i++) {
		rc = check_source(ctx, nets, i);
		if (rc == 0)
			rc = warn_mtu(ctx, i);
		if (rc == 0)
			rc = warn_nobody(ctx, i);
	}
	return rc;
}

static const char *iface_name(const struct config *c, struct dp_iface iface)
{
	return iface.kind == DP_IFACE_PORT ? c->ports[iface.id].dp.name : c->tunnels[iface.id].name;
}

/* The subnet of ours that this host is in, when it is a host and not ourselves. */
static const struct config_net *host_net(const struct config_nets *nets, const struct dp_addr *host)
{
	const struct config_net *net = config_nets_find(nets, host);

	if (net == NULL || config_nets_own(nets, host) != NULL ||
	    !config_host_in_subnet(host, &net->subnet))
		return NULL;
	return net;
}

static int check_route(struct config_ctx *ctx, const struct config_nets *nets, uint32_t i)
{
	struct config_route *r = &ctx->config->routes[i];
	const struct config_net *net = config_nets_find(nets, &r->prefix.addr);
	char path[CONFIG_PATH_LEN];

	snprintf(path, sizeof(path), "routes[%u].prefix", i);
	if (net != NULL && net->subnet.len == r->prefix.len)
		return config_fail(ctx, path, "not the subnet of %s itself",
				   iface_name(ctx->config, net->iface));
	if (r->prefix.len == dp_addr_bits(&r->prefix.addr) &&
	    config_nets_own(nets, &r->prefix.addr) != NULL)
		return config_fail(ctx, path, "not our own address");
	snprintf(path, sizeof(path), "routes[%u].via", i);
	if (r->blackhole == dp_addr_is_set(&r->via))
		return config_fail(ctx, path, "either via or blackhole: true");
	if (r->blackhole)
		return 0;
	net = host_net(nets, &r->via);
	if (net == NULL)
		return config_fail(ctx, path,
				   "a host in the subnet of a port or a tunnel, not ourselves");
	r->iface = net->iface;
	return 0;
}

static int route_compare(const void *x, const void *y)
{
	const struct config_route *const *a = x, *const *b = y;
	int order = memcmp(&(*a)->prefix, &(*b)->prefix, sizeof((*a)->prefix));

	/* The place in the document decides among equals, so that the later one is blamed. */
	return order != 0 ? order : (*a > *b) - (*a < *b);
}

static int check_route_twins(struct config_ctx *ctx)
{
	const struct config *c = ctx->config;
	const struct config_route **sorted;
	char path[CONFIG_PATH_LEN];
	int rc = 0;

	sorted = calloc(c->route_count + 1, sizeof(const struct config_route *));
	if (sorted == NULL)
		return config_fail_memory(ctx);
	for (uint32_t i = 0; i < c->route_count; i++)
		sorted[i] = &c->routes[i];
	qsort(sorted, c->route_count, sizeof(const struct config_route *), route_compare);
	for (uint32_t i = 1; rc == 0 && i < c->route_count; i++) {
		if (memcmp(&sorted[i - 1]->prefix, &sorted[i]->prefix, sizeof(struct dp_prefix)))
			continue;
		snprintf(path, sizeof(path), "routes[%zu].prefix", (size_t)(sorted[i] - c->routes));
		rc = config_fail(ctx, path, "each prefix once, routes[%zu] has this one",
				 (size_t)(sorted[i - 1] - c->routes));
	}
	free(sorted);
	return rc;
}

int config_check_routes(struct config_ctx *ctx, const struct config_nets *nets)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < ctx->config->route_count; i++)
		rc = check_route(ctx, nets, i);
	return rc == 0 ? check_route_twins(ctx) : rc;
}

static uint32_t subnet_routes(const struct config_tunnel *t, uint16_t id, struct config_route *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; t->host_prefix && i < t->address_count; i++)
		if (t->addresses[i].len < dp_addr_bits(&t->addresses[i].addr))
			out[n++] = (struct config_route){
				.prefix = dp_prefix_network(&t->addresses[i]),
				.iface = {.kind = DP_IFACE_TUNNEL, .id = id},
			};
	return n;
}

/* What the kernel would have by itself with the prefix of the address. First of all, as other
 * routes have their gateways there. */
static int add_subnet_routes(struct config_ctx *ctx)
{
	struct config *c = ctx->config;
	struct config_route *routes;
	uint32_t max = 0, n = 0;

	for (uint32_t i = 0; i < c->tunnel_count; i++)
		max += c->tunnels[i].host_prefix ? c->tunnels[i].address_count : 0;
	if (max == 0)
		return 0;
	routes = calloc((size_t)max + c->route_count, sizeof(*routes));
	if (routes == NULL)
		return config_fail_memory(ctx);
	for (uint32_t i = 0; i < c->tunnel_count; i++)
		n += subnet_routes(&c->tunnels[i], (uint16_t)i, &routes[n]);
	if (c->route_count > 0)
		memcpy(&routes[n], c->routes, c->route_count * sizeof(*routes));
	free(c->routes);
	c->routes = routes;
	c->route_count += n;
	return 0;
}

int config_check_addresses(struct config_ctx *ctx)
{
	struct config_nets nets = {0};
	int rc;

	rc = config_nets_collect(ctx, &nets);
	if (rc == 0)
		rc = config_check_sources(ctx, &nets);
	if (rc == 0)
		rc = config_check_routes(ctx, &nets);
	if (rc == 0)
		rc = config_check_maps(ctx, &nets);
	if (rc == 0)
		rc = config_check_multicast(ctx, &nets);
	if (rc == 0)
		rc = add_subnet_routes(ctx);
	free(nets.rows);
	return rc;
}
