/* SPDX-License-Identifier: Apache-2.0 */
/*
 * methods_tables: tunnels and routes. Routes are listed from the dataplane's own table: what the
 * workers forward by, not what the kernel or a configuration would like.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/config.h"
#include "dataplane/dp_tunnel.h"
#include "methods.h"

#define CHUNK 64 /* routes copied at once */

static const struct config_tunnel *tunnel_config(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->tunnel_count; i++)
		if (strcmp(config->tunnels[i].name, name) == 0)
			return &config->tunnels[i];
	return NULL;
}

/* What only the configuration knows. */
static void tunnel_config_set(json_t *row, const struct config_tunnel *tunnel)
{
	if (!tunnel)
		return;
	json_object_set_new(row, "addresses",
			    page_prefixes(tunnel->addresses, tunnel->address_count));
	json_object_set_new(row, "holdtime_s", json_integer(tunnel->nhrp.holdtime_s));
	json_object_set_new(row, "install_routes", json_boolean(tunnel->nhrp.install_routes));
	json_object_set_new(row, "static_maps", json_integer(tunnel->nhrp.map_count));
}

static json_t *tunnel_json(const struct api_env *env,
			   uint16_t tunnel,
			   const struct dp_tunnel_conf *conf,
			   const struct method_spoke_count *count)
{
	json_t *row = json_pack(
		"{s:i, s:o, s:o, s:o, s:i, s:i, s:I, s:b, s:i, s:i, s:i}", "tunnel", tunnel, "name",
		page_text(conf->name), "source", page_addr(&conf->source), "key",
		conf->has_key ? json_integer(conf->key) : json_null(), "mtu", conf->mtu, "ttl",
		conf->ttl, "network_id", (json_int_t)conf->network_id, "redirect", conf->redirect,
		"redirect_interval_s", conf->redirect_interval_s, "vrf", conf->vrf, "underlay_vrf",
		conf->underlay_vrf);

	if (!row)
		return NULL;
	json_object_set_new(row, "spokes", json_integer(count->spokes));
	json_object_set_new(row, "spokes_up", json_integer(count->up));
	tunnel_config_set(row, tunnel_config(env->sources->config, conf->name));
	json_object_set_new(row, "twin", method_twin(DP_TWIN_TUNNEL, tunnel));
	return row;
}

json_t *method_tunnel_list(struct rpc_call *call)
{
	const struct api_env *env = method_env(call);
	const uint32_t max = env->sources->config->dataplane.limits.tunnels;
	struct method_spoke_count *counts;
	struct dp_tunnel_conf conf;
	struct page page;
	uint64_t tunnel;

	if (page_cursor_get(call, &tunnel) < 0)
		return page_cursor_refuse(call);
	counts = calloc(max, sizeof(*counts));
	if (!counts)
		return NULL;
	method_spokes_count(env->sources, counts, max);
	page_begin(&page, call, "tunnels");
	for (; page.left > 0 && tunnel < max; tunnel++)
		if (dp_tunnel_conf_get((uint16_t)tunnel, &conf) == 0)
			page_add(&page, tunnel_json(env, (uint16_t)tunnel, &conf, &counts[tunnel]));
	free(counts);
	return page_end_at(&page, tunnel < max, tunnel);
}

static const char *route_type_name(enum dp_route_type type)
{
	switch (type) {
	case DP_ROUTE_LOCAL:
		return "local";
	case DP_ROUTE_CONNECTED:
		return "connected";
	case DP_ROUTE_GATEWAY:
		return "gateway";
	case DP_ROUTE_BLACKHOLE:
		return "blackhole";
	case DP_ROUTE_MULTIPATH:
		return "multipath";
	}
	return "unknown";
}

static json_t *route_paths(const struct dp_route *route)
{
	json_t *paths = json_array();

	for (uint16_t i = 0; i < route->path_count; i++) {
		const struct dp_path *p = &route->paths[i];

		json_array_append_new(paths,
				      json_pack("{s:o, s:o, s:i}", "interface",
						method_iface(&p->iface), "gateway",
						page_addr(&p->gateway), "weight", (int)p->weight));
	}
	return paths;
}

static json_t *route_json(const struct dp_fib_row *row)
{
	const struct dp_route *route = &row->route;
	const bool via = route->type == DP_ROUTE_GATEWAY;

	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "prefix", page_prefix(&row->prefix),
			 "type", route_type_name(route->type), "interface",
			 method_iface(&route->iface), "gateway",
			 via ? page_addr(&route->gateway) : json_null(), "bound",
			 via ? json_boolean(row->bound) : json_null(), "paths",
			 route->type == DP_ROUTE_MULTIPATH ? route_paths(route) : json_null());
}

/* The cursor is the prefix of the last row, so that changes between two pages do not matter. */
static int route_cursor_get(const struct rpc_call *call, struct dp_fib_cursor *cursor)
{
	const char *text = rpc_param_text(call, "cursor");
	struct dp_prefix prefix;

	memset(cursor, 0, sizeof(*cursor));
	if (!text)
		return 0;
	if (dp_prefix_parse(&prefix, text) < 0 || prefix.addr.family != AF_INET)
		return -EINVAL;
	cursor->ip = ntohl(prefix.addr.ip4_be);
	cursor->len = prefix.len;
	cursor->started = true;
	return 0;
}

static json_t *route_info_set(json_t *result)
{
	struct dp_fib_info info;

	if (!result || dp_fib_info_get(0, &info) < 0)
		return result;
	json_object_set_new(result, "vrf", json_integer(0));
	json_object_set_new(result, "routes_used", json_integer(info.routes));
	json_object_set_new(result, "routes_max", json_integer(info.routes_max));
	json_object_set_new(result, "tbl8_used", json_integer(info.tbl8));
	json_object_set_new(result, "tbl8_max", json_integer(info.tbl8_max));
	json_object_set_new(result, "full", json_integer((json_int_t)info.full));
	return result;
}

json_t *method_route_list(struct rpc_call *call)
{
	char next[DP_PREFIX_STRLEN] = "";
	struct dp_fib_row rows[CHUNK];
	struct dp_fib_cursor cursor;
	struct page page;
	unsigned n = 1;

	if (route_cursor_get(call, &cursor) < 0)
		return page_cursor_refuse(call);
	page_begin(&page, call, "routes");
	while (page.left > 0 && n > 0) {
		n = dp_fib_list(0, &cursor, rows, page_room(&page, CHUNK));
		for (unsigned i = 0; i < n; i++)
			page_add(&page, route_json(&rows[i]));
		if (n > 0)
			dp_prefix_format(&rows[n - 1].prefix, next);
	}
	return route_info_set(page_end(&page, n > 0 ? next : NULL));
}
