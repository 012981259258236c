/* SPDX-License-Identifier: Apache-2.0 */
/*
 * methods_system: the daemon itself and how full its tables are, the method table, the event log.
 */
#include <time.h>
#include <unistd.h>

#include "control/clock.h"
#include "control/config.h"
#include "control/events.h"
#include "control/state/state_info.h"
#include "control/log.h"
#include "control/nhrp/nhrp_server.h"
#include "control/spoke.h"
#include "dataplane/dp.h"
#include "methods.h"

#define CHUNK 32 /* events copied at once */

static json_t *limits_json(const struct dp_limits *limits)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "tunnels", (json_int_t)limits->tunnels,
			 "spokes", (json_int_t)limits->spokes, "nexthops",
			 (json_int_t)limits->nexthops, "routes", (json_int_t)limits->routes, "tbl8",
			 (json_int_t)limits->tbl8, "neighbours", (json_int_t)limits->neighbours);
}

static json_t *table_json(uint64_t used, uint64_t max, uint64_t full)
{
	return json_pack("{s:I, s:I, s:I}", "used", (json_int_t)used, "max", (json_int_t)max,
			 "full", (json_int_t)full);
}

/* How full the tables are, and how often one was too full. */
static json_t *tables_json(const struct api_sources *src)
{
	struct spoke_table_info spokes = {0};
	struct nhrp_cache_info nhrp = {0};
	struct dp_fib_info fib = {0};

	if (src->spokes)
		spoke_table_info_get(src->spokes, &spokes);
	if (src->nhrp)
		nhrp_cache_info_get(nhrp_server_cache(src->nhrp), &nhrp);
	dp_fib_info_get(0, &fib);
	return json_pack("{s:o, s:o, s:o, s:o}", "spokes",
			 table_json(spokes.spokes, spokes.capacity, spokes.full), "nhrp",
			 table_json(nhrp.bindings, nhrp.capacity, nhrp.full), "routes",
			 table_json(fib.routes, fib.routes_max, fib.full), "tbl8",
			 table_json(fib.tbl8, fib.tbl8_max, fib.full));
}

static json_t *dataplane_json(const struct dp_conf *conf)
{
	struct dp_info info = {0};

	dp_info_get(&info);
	return json_pack("{s:o, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "dpdk_version",
			 page_text(info.dpdk_version ? info.dpdk_version : ""), "huge_pages",
			 info.huge_pages, "idle", conf->idle == DP_IDLE_SLEEP ? "sleep" : "poll",
			 "workers", (json_int_t)info.worker_count, "tsc_hz",
			 (json_int_t)info.tsc_hz, "mbufs", (json_int_t)info.mbuf_count,
			 "mbufs_in_use", (json_int_t)info.mbuf_in_use, "defer_pending",
			 (json_int_t)info.defer_pending, "defer_full", (json_int_t)info.defer_full,
			 "limits", limits_json(&conf->limits));
}

static json_t *state_json(const struct state_info *info)
{
	json_t *dropped;

	if (!info)
		return json_null();
	dropped = json_object();
	if (info->no_tunnel > 0)
		json_object_set_new(dropped, "no-tunnel", json_integer(info->no_tunnel));
	for (unsigned i = 0; i < NHRP_REFUSAL_COUNT; i++)
		if (info->refused[i] > 0)
			json_object_set_new(dropped, nhrp_counter_name(NHRP_COUNTER_REFUSED + i),
					    json_integer(info->refused[i]));
	return json_pack("{s:o, s:I, s:I, s:o, s:I, s:I, s:o, s:I, s:I, s:I}", "path",
			 page_text(info->path), "restored", (json_int_t)info->restored, "expired",
			 (json_int_t)info->expired, "dropped", dropped, "written",
			 (json_int_t)info->written, "failed", (json_int_t)info->failed,
			 "last_written",
			 info->written_us ? page_time(info->written_us) : json_null(), "bindings",
			 (json_int_t)info->bindings, "bytes", (json_int_t)info->bytes, "work_us",
			 (json_int_t)info->work_us);
}

static json_t *api_json(const struct api_stats *stats)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "clients", (json_int_t)stats->clients,
			 "clients_max", (json_int_t)API_CLIENTS_MAX, "connections",
			 (json_int_t)stats->connections, "requests", (json_int_t)stats->requests,
			 "refused", (json_int_t)stats->refused, "closed",
			 (json_int_t)stats->closed);
}

static uint64_t uptime_us(const struct api_env *env)
{
	return clock_us(CLOCK_MONOTONIC) - env->start_us;
}

json_t *method_system_info(struct rpc_call *call)
{
	const struct api_env *env = method_env(call);
	const uint64_t up_us = uptime_us(env);
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return json_pack(
		"{s:s, s:s, s:i, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I}", "name", "dmvpn-hub",
		"version", DMVPN_VERSION, "pid", (int)getpid(), "uptime_s",
		(json_int_t)(up_us / 1000000), "started",
		page_time((uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000 - up_us),
		"config", page_text(env->sources->config->path), "dataplane",
		dataplane_json(&env->sources->config->dataplane), "tables",
		tables_json(env->sources), "state_file", state_json(env->sources->state), "api",
		api_json(env->stats), "log_suppressed_lines", (json_int_t)log_suppressed());
}

static json_t *param_json(const struct rpc_param *p)
{
	switch (p->type) {
	case RPC_UINT:
		return json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "name", p->name, "type",
				 "integer", "min", (json_int_t)p->min, "max", (json_int_t)p->max,
				 "default", (json_int_t)p->fallback, "help", p->help);
	case RPC_BOOL:
		return json_pack("{s:s, s:s, s:b, s:s}", "name", p->name, "type", "boolean",
				 "default", (int)p->fallback, "help", p->help);
	case RPC_TEXT:
	case RPC_SECRET:
		return json_pack("{s:s, s:s, s:I, s:I, s:s}", "name", p->name, "type", "string",
				 "min_bytes", (json_int_t)p->min, "max_bytes", (json_int_t)p->max,
				 "help", p->help);
	}
	return NULL;
}

static json_t *method_json(const struct rpc_method *method)
{
	json_t *params = json_array();

	for (const struct rpc_param *p = method->params; p && p->name; p++)
		json_array_append_new(params, param_json(p));
	return json_pack("{s:s, s:s, s:o}", "name", method->name, "help", method->help, "params",
			 params);
}

json_t *method_system_methods(struct rpc_call *call)
{
	struct page page;

	page_begin(&page, call, "methods");
	for (const struct rpc_method *m = api_methods; m->name; m++)
		page_add(&page, method_json(m));
	return page_end(&page, NULL);
}

static json_t *event_json(const struct event_record *e)
{
	return json_pack("{s:I, s:o, s:s, s:o, s:o}", "seq", (json_int_t)e->seq, "time",
			 page_time(e->time_us), "kind", event_kind_name(e->kind), "object",
			 page_text(e->object), "text", page_text(e->text));
}

/* Kinds that there were, with their numbers. */
static json_t *event_counters_json(void)
{
	json_t *counters = json_object();

	for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++)
		if (event_count(kind) > 0)
			json_object_set_new(counters, event_kind_name(kind),
					    json_pack("{s:I, s:I}", "count",
						      (json_int_t)event_count(kind), "suppressed",
						      (json_int_t)event_suppressed(kind)));
	return counters;
}

json_t *method_event_list(struct rpc_call *call)
{
	struct event_record rows[CHUNK];
	struct page page;
	json_t *result;
	uint64_t seq;
	unsigned n;

	if (page_cursor_get(call, &seq) < 0)
		return page_cursor_refuse(call);
	page_begin(&page, call, "events");
	while (page.left > 0) {
		n = event_list(&seq, rows, page_room(&page, CHUNK));
		for (unsigned i = 0; i < n; i++)
			page_add(&page, event_json(&rows[i]));
		if (n == 0)
			break;
	}
	result = page_end_at(&page, seq < event_last_seq(), seq);
	/* Who polls goes on from here: a cursor for the next call, also when `next` is null. */
	json_object_set_new(result, "last_seq", json_integer((json_int_t)event_last_seq()));
	json_object_set_new(result, "counters", event_counters_json());
	return result;
}
