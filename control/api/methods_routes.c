/* SPDX-License-Identifier: Apache-2.0 */
/*
 * methods_routes: routes are listed from the dataplane's own table: what the workers forward by,
 * not what the kernel or a configuration would like. Beside them the totals of what the kernel has,
 * and what of that is refused, with the reason.
 */
#include <errno.h>
#include <string.h>

#include "control/rib/rib.h"
#include "methods.h"

#define CHUNK       64 /* routes copied at once */
#define REFUSED_MAX 32

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

static json_t *route_json(const struct dp_prefix *prefix, const struct dp_route *route)
{
	const bool via = route->type == DP_ROUTE_GATEWAY;

	return json_pack("{s:o, s:s, s:o, s:o, s:o}", "prefix", page_prefix(prefix), "type",
			 route_type_name(route->type), "interface", method_iface(&route->iface),
			 "gateway", via ? page_addr(&route->gateway) : json_null(), "paths",
			 route->type == DP_ROUTE_MULTIPATH ? route_paths(route) : json_null());
}

static json_t *row_json(const struct dp_fib_row *row)
{
	json_t *json = route_json(&row->prefix, &row->route);
	const bool via = row->route.type == DP_ROUTE_GATEWAY;

	if (json)
		json_object_set_new(json, "bound", via ? json_boolean(row->bound) : json_null());
	return json;
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

/* Routes of the kernel that should be in the table above and are not. */
static json_t *refused_json(const struct rib *rib)
{
	struct rib_refused rows[REFUSED_MAX];
	json_t *list = json_array();
	uint32_t cursor = 0;
	unsigned n = rib_refused_list(rib, &cursor, rows, REFUSED_MAX);

	for (unsigned i = 0; i < n; i++) {
		json_t *row = route_json(&rows[i].prefix, &rows[i].route);

		if (row) {
			json_object_set_new(row, "metric", json_integer(rows[i].metric));
			json_object_set_new(row, "reason",
					    json_string(rib_refusal_name(rows[i].refusal)));
		}
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *kernel_json(const struct rib *rib)
{
	struct rib_info info;

	rib_info_get(rib, &info);
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"routes", (json_int_t)info.kernel, "own_hosts", (json_int_t)info.own_hosts,
		"ignored", (json_int_t)info.ignored, "down", (json_int_t)info.down, "recursive",
		(json_int_t)info.recursive, "failed", (json_int_t)info.failed, "truncated",
		(json_int_t)info.truncated, "addresses", (json_int_t)info.local, "nexthop_objects",
		(json_int_t)info.nexthop_objects, "entries_used", (json_int_t)info.entries,
		"entries_max", (json_int_t)info.capacity, "full", (json_int_t)info.full,
		"other_tables", (json_int_t)info.other_tables, "unknown_deleted",
		(json_int_t)info.unknown_del, "resyncs", (json_int_t)info.resyncs, "swept",
		(json_int_t)info.swept);
}

static json_t *kernel_set(json_t *result, const struct rpc_call *call)
{
	const struct rib *rib = method_env(call)->sources->rib;

	if (!result || !rib)
		return result;
	json_object_set_new(result, "kernel", kernel_json(rib));
	json_object_set_new(result, "refused", refused_json(rib));
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
			page_add(&page, row_json(&rows[i]));
		if (n > 0)
			dp_prefix_format(&rows[n - 1].prefix, next);
	}
	return kernel_set(route_info_set(page_end(&page, n > 0 ? next : NULL)), call);
}
