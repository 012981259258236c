/* SPDX-License-Identifier: Apache-2.0 */
/*
 * methods_stats: ports, workers, drop reasons, as the dataplane counts them. Numbers are totals
 * since start under the names that the dataplane's structs have; rates are the reader's
 * subtraction.
 */
#include "control/config.h"
#include "control/worker_watch.h"
#include "dataplane/dp_port.h"
#include "dataplane/dp_stats.h"
#include "methods.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct page_counter port_counters[] = {
	PAGE_COUNTER(dp_port_stats, rx_pkts),
	PAGE_COUNTER(dp_port_stats, rx_bytes),
	PAGE_COUNTER(dp_port_stats, tx_pkts),
	PAGE_COUNTER(dp_port_stats, tx_bytes),
	PAGE_COUNTER(dp_port_stats, rx_missed),
	PAGE_COUNTER(dp_port_stats, rx_errors),
	PAGE_COUNTER(dp_port_stats, rx_nombuf),
	PAGE_COUNTER(dp_port_stats, tx_errors),
	{NULL},
};
_Static_assert(sizeof(struct dp_port_stats) == (COUNT_OF(port_counters) - 1) * 8,
	       "a new counter of a port goes into port_counters");

static const struct page_counter worker_counters[] = {
	PAGE_COUNTER(dp_worker_stats, rx_pkts),
	PAGE_COUNTER(dp_worker_stats, injected_pkts),
	PAGE_COUNTER(dp_worker_stats, generated_pkts),
	PAGE_COUNTER(dp_worker_stats, copied_pkts),
	PAGE_COUNTER(dp_worker_stats, tx_pkts),
	PAGE_COUNTER(dp_worker_stats, punted_pkts),
	PAGE_COUNTER(dp_worker_stats, absorbed_pkts),
	PAGE_COUNTER(dp_worker_stats, handed_over_pkts),
	PAGE_COUNTER(dp_worker_stats, taken_over_pkts),
	PAGE_COUNTER(dp_worker_stats, held_pkts),
	PAGE_COUNTER(dp_worker_stats, hairpin_pkts),
	PAGE_COUNTER(dp_worker_stats, redirects),
	PAGE_COUNTER(dp_worker_stats, redirects_suppressed),
	PAGE_COUNTER(dp_worker_stats, redirect_ring_full),
	PAGE_COUNTER(dp_worker_stats, keepalives),
	PAGE_COUNTER(dp_worker_stats, mcast_no_buffer),
	PAGE_COUNTER(dp_worker_stats, icmp_sent),
	PAGE_COUNTER(dp_worker_stats, icmp_suppressed),
	PAGE_COUNTER(dp_worker_stats, sa_notes_full),
	PAGE_COUNTER(dp_worker_stats, turns),
	PAGE_COUNTER(dp_worker_stats, idle_turns),
	PAGE_COUNTER(dp_worker_stats, busy_cycles),
	PAGE_COUNTER(dp_worker_stats, sleeps),
	{NULL},
};
_Static_assert(sizeof(struct dp_worker_stats) ==
		       (COUNT_OF(worker_counters) - 1 + DP_DROP_COUNT) * 8,
	       "a new counter of a worker goes into worker_counters");

static const char *role_name(enum dp_port_role role)
{
	switch (role) {
	case DP_PORT_UNDERLAY:
		return "underlay";
	case DP_PORT_LAN:
		return "lan";
	case DP_PORT_BOTH:
		return "both";
	}
	return "unknown";
}

/* Addresses come from the configuration: the twin has more when others add some. */
static json_t *port_addresses(const struct api_env *env, const char *name)
{
	const struct config *config = env->sources->config;

	for (uint32_t i = 0; i < config->port_count; i++)
		if (strcmp(config->ports[i].dp.name, name) == 0)
			return page_prefixes(config->ports[i].addresses,
					     config->ports[i].address_count);
	return json_array();
}

static json_t *port_json(const struct api_env *env, uint16_t port)
{
	struct dp_port_info info;
	struct dp_port_stats stats = {0};
	json_t *row;

	if (dp_port_info_get(port, &info) < 0)
		return NULL;
	dp_port_stats_get(port, &stats);
	row = json_pack("{s:i, s:o, s:s, s:s, s:i, s:o, s:i, s:o, s:o, s:o, s:i, s:i, s:o, s:o}",
			"port", port, "name", page_text(info.name), "role", role_name(info.role),
			"link", info.link_up ? "up" : "down", "speed_mbps", (int)info.speed_mbps,
			"mac", page_mac(info.mac), "mtu", info.mtu, "addresses",
			port_addresses(env, info.name), "device", page_text(info.device), "driver",
			page_text(info.driver), "rx_queues", info.rx_queues, "tx_queues",
			info.tx_queues, "rx_offloads", page_words(info.rx_offloads), "tx_offloads",
			page_words(info.tx_offloads));
	if (row) {
		page_counters_set(row, port_counters, &stats);
		json_object_set_new(row, "twin", method_twin(DP_TWIN_PORT, port));
	}
	return row;
}

json_t *method_port_list(struct rpc_call *call)
{
	struct page page;
	uint64_t port;

	if (page_cursor_get(call, &port) < 0)
		return page_cursor_refuse(call);
	page_begin(&page, call, "ports");
	for (; page.left > 0 && port < dp_port_count(); port++)
		page_add(&page, port_json(method_env(call), (uint16_t)port));
	return page_end_at(&page, port < dp_port_count(), port);
}

static json_t *ratio_json(uint64_t a, uint64_t b)
{
	return b ? json_real((double)(a * 10 / b) / 10) : json_null();
}

/* Of the last second. */
static void worker_watch_set(json_t *row, const struct worker_watch *watch, uint32_t worker)
{
	const struct worker_watch_row *w = watch ? &watch->rows[worker] : NULL;
	const bool measured = w && w->measured;

	json_object_set_new(row, "stuck", json_boolean(w && w->stuck));
	json_object_set_new(row, "load_pct",
			    measured ? json_real(w->load_permille / 10.0) : json_null());
	json_object_set_new(row, "cycles_per_pkt_1s",
			    measured && w->cycles_per_pkt ? json_integer(w->cycles_per_pkt)
							  : json_null());
}

static json_t *worker_json(const struct api_env *env,
			   uint32_t worker,
			   const struct dp_worker_info *info)
{
	const struct dp_worker_stats *s = &info->stats;
	const uint64_t busy_turns = s->turns - s->idle_turns;
	json_t *row = json_pack("{s:i, s:i, s:b}", "worker", (int)worker, "lcore", (int)info->lcore,
				"online", info->online);
	uint64_t dropped = 0;

	if (!row)
		return NULL;
	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		dropped += s->drops[i];
	worker_watch_set(row, env->sources->workers, worker);
	json_object_set_new(row, "up_cycles", json_integer((json_int_t)info->up_cycles));
	page_counters_set(row, worker_counters, s);
	json_object_set_new(row, "dropped_pkts", json_integer((json_int_t)dropped));
	/* 0 after a drain: every packet that came in went somewhere that has a name. */
	json_object_set_new(row, "balance", json_integer(dp_worker_balance(s)));
	json_object_set_new(row, "busy_turns", json_integer((json_int_t)busy_turns));
	json_object_set_new(row, "cycles_per_busy_turn", ratio_json(s->busy_cycles, busy_turns));
	json_object_set_new(row, "cycles_per_pkt",
			    ratio_json(s->busy_cycles, s->rx_pkts + s->injected_pkts));
	json_object_set_new(row, "pkts_per_busy_turn",
			    ratio_json(s->rx_pkts + s->injected_pkts, busy_turns));
	return row;
}

json_t *method_worker_list(struct rpc_call *call)
{
	struct dp_worker_info info;
	struct page page;
	uint64_t worker;

	if (page_cursor_get(call, &worker) < 0)
		return page_cursor_refuse(call);
	page_begin(&page, call, "workers");
	for (; page.left > 0 && worker < DP_WORKERS_MAX; worker++) {
		if (dp_worker_info_get((uint32_t)worker, &info) < 0)
			return page_end(&page, NULL);
		page_add(&page, worker_json(method_env(call), (uint32_t)worker, &info));
	}
	return page_end_at(
		&page, worker < DP_WORKERS_MAX && dp_worker_info_get((uint32_t)worker, &info) == 0,
		worker);
}

static json_t *drop_json(enum dp_drop_reason reason)
{
	json_t *workers = json_array();
	struct dp_worker_info info;
	uint64_t total = 0;

	for (uint32_t i = 0; dp_worker_info_get(i, &info) == 0; i++) {
		total += info.stats.drops[reason];
		json_array_append_new(workers, json_integer((json_int_t)info.stats.drops[reason]));
	}
	return json_pack("{s:s, s:I, s:o, s:s}", "reason", dp_drop_key(reason), "pkts",
			 (json_int_t)total, "workers_pkts", workers, "help", dp_drop_help(reason));
}

json_t *method_drop_list(struct rpc_call *call)
{
	struct page page;
	uint64_t reason;

	if (page_cursor_get(call, &reason) < 0)
		return page_cursor_refuse(call);
	page_begin(&page, call, "drops");
	for (; page.left > 0 && reason < DP_DROP_COUNT; reason++)
		page_add(&page, drop_json((enum dp_drop_reason)reason));
	return page_end_at(&page, reason < DP_DROP_COUNT, reason);
}
