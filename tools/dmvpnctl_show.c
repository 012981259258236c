/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmvpnctl_show: the nouns of `show`, each a method and the columns of its rows.
 */
#include <stdint.h>

#include "dmvpnctl.h"

#define WATCH_EVENTS 20 /* newest ones shown on a screen */

static const struct ctl_column spoke_columns[] = {
	{"INTERFACE", "interface", CTL_TEXT},  {"NBMA", "nbma", CTL_TEXT},
	{"NATT-PORT", "natt_port", CTL_COUNT}, {"PROTOCOL", "protocol", CTL_TEXT},
	{"STATE", "state", CTL_TEXT},          {"UPTIME", "uptime_s", CTL_AGE},
	{"ATTR", "attributes", CTL_TEXT},      {"RX-PKTS", "rx_pkts", CTL_COUNT},
	{"TX-PKTS", "tx_pkts", CTL_COUNT},     {"RX-BYTES", "rx_bytes", CTL_BYTES},
	{"TX-BYTES", "tx_bytes", CTL_BYTES},   {"RX-PPS", "rx_pkts", CTL_RATE},
	{"TX-PPS", "tx_pkts", CTL_RATE},       {"RX-BPS", "rx_bytes", CTL_BITS},
	{"TX-BPS", "tx_bytes", CTL_BITS},      {NULL},
};

static const struct ctl_column nhs_columns[] = {
	{"INTERFACE", "interface", CTL_TEXT},
	{"NBMA", "nbma", CTL_TEXT},
	{"PROTOCOL", "protocol", CTL_TEXT},
	{"PRIORITY", "priority", CTL_COUNT},
	{"STATE", "state", CTL_TEXT},
	{"SINCE", "since_s", CTL_AGE},
	{"NEXT-S", "next_s", CTL_COUNT},
	{"SENT", "sent", CTL_COUNT},
	{"ANSWERED", "answered", CTL_COUNT},
	{"REFUSED", "refused", CTL_COUNT},
	{"REFUSAL", "refusal", CTL_TEXT},
	{"SEES-US-AT", "observed_nbma", CTL_TEXT},
	{NULL},
};

static const struct ctl_column route_columns[] = {
	{"PREFIX", "prefix", CTL_TEXT},
	{"TYPE", "type", CTL_TEXT},
	{"INTERFACE", "interface", CTL_TEXT},
	{"GATEWAY", "gateway", CTL_TEXT},
	{"BOUND", "bound", CTL_TEXT},
	{"PATHS", "paths", CTL_TEXT},
	{NULL},
};

static const struct ctl_column refused_columns[] = {
	{"REFUSED", "prefix", CTL_TEXT},
	{"METRIC", "metric", CTL_COUNT},
	{"INTERFACE", "interface", CTL_TEXT},
	{"GATEWAY", "gateway", CTL_TEXT},
	{"PATHS", "paths", CTL_TEXT},
	{"REASON", "reason", CTL_TEXT},
	{NULL},
};

static const struct ctl_column port_columns[] = {
	{"NAME", "name", CTL_TEXT},
	{"ROLE", "role", CTL_TEXT},
	{"LINK", "link", CTL_TEXT},
	{"MTU", "mtu", CTL_COUNT},
	{"RX-PKTS", "rx_pkts", CTL_COUNT},
	{"TX-PKTS", "tx_pkts", CTL_COUNT},
	{"RX-BYTES", "rx_bytes", CTL_BYTES},
	{"TX-BYTES", "tx_bytes", CTL_BYTES},
	{"RX-MISSED", "rx_missed", CTL_COUNT},
	{"RX-ERR", "rx_errors", CTL_COUNT},
	{"RX-NOBUF", "rx_nombuf", CTL_COUNT},
	{"TX-ERR", "tx_errors", CTL_COUNT},
	{"RX-PPS", "rx_pkts", CTL_RATE},
	{"TX-PPS", "tx_pkts", CTL_RATE},
	{"RX-BPS", "rx_bytes", CTL_BITS},
	{"TX-BPS", "tx_bytes", CTL_BITS},
	{NULL},
};
static const struct ctl_column device_columns[] = {
	{"NAME", "name", CTL_TEXT},
	{"MAC", "mac", CTL_TEXT},
	{"ADDRESSES", "addresses", CTL_TEXT},
	{"SPEED-MBPS", "speed_mbps", CTL_COUNT},
	{"RXQ", "rx_queues", CTL_COUNT},
	{"TXQ", "tx_queues", CTL_COUNT},
	{"DRIVER", "driver", CTL_TEXT},
	{"DEVICE", "device", CTL_TEXT},
	{"RX-OFFLOADS", "rx_offloads", CTL_TEXT},
	{"TX-OFFLOADS", "tx_offloads", CTL_TEXT},
	{NULL},
};
static const struct ctl_column twin_columns[] = {
	{"TWIN", "name", CTL_TEXT},
	{"TO-KERNEL", "twin.to_kernel_pkts", CTL_COUNT},
	{"DROPPED", "twin.to_kernel_drops", CTL_COUNT},
	{"FROM-KERNEL", "twin.from_kernel_pkts", CTL_COUNT},
	{"DROPPED", "twin.from_kernel_drops", CTL_COUNT},
	{NULL},
};

static const struct ctl_column tunnel_columns[] = {
	{"NAME", "name", CTL_TEXT},
	{"SOURCE", "source", CTL_TEXT},
	{"KEY", "key", CTL_COUNT},
	{"NETWORK-ID", "network_id", CTL_COUNT},
	{"MTU", "mtu", CTL_COUNT},
	{"ADDRESSES", "addresses", CTL_TEXT},
	{"SPOKES", "spokes", CTL_COUNT},
	{"UP", "spokes_up", CTL_COUNT},
	{"HOLDTIME-S", "holdtime_s", CTL_COUNT},
	{"REDIRECT", "redirect", CTL_TEXT},
	{"INSTALL-ROUTES", "install_routes", CTL_TEXT},
	{NULL},
};

static const struct ctl_column tunnel_traffic_columns[] = {
	{"NAME", "name", CTL_TEXT},
	{"RX-PKTS", "rx_pkts", CTL_COUNT},
	{"TX-PKTS", "tx_pkts", CTL_COUNT},
	{"RX-BYTES", "rx_bytes", CTL_BYTES},
	{"TX-BYTES", "tx_bytes", CTL_BYTES},
	{"OF-STRANGERS", "stranger_rx_pkts", CTL_COUNT},
	{"RX-PPS", "rx_pkts", CTL_RATE},
	{"TX-PPS", "tx_pkts", CTL_RATE},
	{"RX-BPS", "rx_bytes", CTL_BITS},
	{"TX-BPS", "tx_bytes", CTL_BITS},
	{NULL},
};

static const struct ctl_column tunnel_mcast_columns[] = {
	{"MULTICAST", "name", CTL_TEXT},
	{"MEMBERS", "mcast_members", CTL_COUNT},
	{"LAN-GROUPS", "mcast_lan_groups", CTL_TEXT},
	{"PKTS", "mcast_pkts", CTL_COUNT},
	{"COPIES", "mcast_copies", CTL_COUNT},
	{"QUEUE-FULL", "mcast_full", CTL_COUNT},
	{"NO-MEMBER", "mcast_nobody", CTL_COUNT},
	{"TOO-LONG", "mcast_too_long", CTL_COUNT},
	{"NO-BUFFER", "mcast_unmade", CTL_COUNT},
	{NULL},
};

static const struct ctl_column worker_columns[] = {
	{"WORKER", "worker", CTL_COUNT},          {"LCORE", "lcore", CTL_COUNT},
	{"ONLINE", "online", CTL_TEXT},           {"RX", "rx_pkts", CTL_COUNT},
	{"INJECTED", "injected_pkts", CTL_COUNT}, {"GENERATED", "generated_pkts", CTL_COUNT},
	{"COPIED", "copied_pkts", CTL_COUNT},     {"TX", "tx_pkts", CTL_COUNT},
	{"PUNTED", "punted_pkts", CTL_COUNT},     {"ABSORBED", "absorbed_pkts", CTL_COUNT},
	{"DROPPED", "dropped_pkts", CTL_COUNT},   {"HELD", "held_pkts", CTL_COUNT},
	{"BALANCE", "balance", CTL_COUNT},        {"RX-PPS", "rx_pkts", CTL_RATE},
	{"TX-PPS", "tx_pkts", CTL_RATE},          {NULL},
};
static const struct ctl_column worker_work_columns[] = {
	{"WORKER", "worker", CTL_COUNT},
	{"LOAD-%", "load_pct", CTL_COUNT},
	{"CYCLES/PKT-1S", "cycles_per_pkt_1s", CTL_COUNT},
	{"STUCK", "stuck", CTL_TEXT},
	{"HANDED-OVER", "handed_over_pkts", CTL_COUNT},
	{"TAKEN-OVER", "taken_over_pkts", CTL_COUNT},
	{"HAIRPIN", "hairpin_pkts", CTL_COUNT},
	{"REDIRECTS", "redirects", CTL_COUNT},
	{"SUPPRESSED", "redirects_suppressed", CTL_COUNT},
	{"RING-FULL", "redirect_ring_full", CTL_COUNT},
	{"TURNS", "turns", CTL_BYTES},
	{"BUSY-TURNS", "busy_turns", CTL_BYTES},
	{"CYCLES/TURN", "cycles_per_busy_turn", CTL_COUNT},
	{"PKTS/TURN", "pkts_per_busy_turn", CTL_COUNT},
	{"CYCLES/PKT", "cycles_per_pkt", CTL_COUNT},
	{"SLEEPS", "sleeps", CTL_COUNT},
	{"HAIRPIN-PPS", "hairpin_pkts", CTL_RATE},
	{NULL},
};

static const struct ctl_column drop_columns[] = {
	{"REASON", "reason", CTL_TEXT},      {"PKTS", "pkts", CTL_COUNT},
	{"PPS", "pkts", CTL_RATE},           {"BY WORKER", "workers_pkts", CTL_TEXT},
	{"WHAT IT MEANS", "help", CTL_TEXT}, {NULL},
};
static const struct ctl_column traffic_columns[] = {
	{"COUNTER", "counter", CTL_TEXT},
	{"PKTS", "pkts", CTL_COUNT},
	{"PPS", "pkts", CTL_RATE},
	{NULL},
};
static const struct ctl_column event_columns[] = {
	{"TIME", "time", CTL_TEXT},
	{"EVENT", "kind", CTL_TEXT},
	{"OBJECT", "object", CTL_TEXT},
	{"TEXT", "text", CTL_TEXT},
	{NULL},
};
static const struct ctl_column method_columns[] = {
	{"METHOD", "name", CTL_TEXT},
	{"HELP", "help", CTL_TEXT},
	{NULL},
};

/* ---- printing ---- */

static void spokes_print(FILE *out,
			 const json_t *result,
			 const struct ctl_options *options,
			 struct ctl_rates *rates)
{
	const json_t *rows = json_object_get(result, "spokes");

	(void)options;
	*rates = (struct ctl_rates){
		rates->previous, rates->seconds, {"interface", "nbma", "natt_port"}};
	ctl_table_print(out, rows, spoke_columns, rates);
	fprintf(out, "%zu spokes (at most %s)\n", json_array_size(rows),
		ctl_member_text(result, "spokes_max"));
}

static void routes_print(FILE *out,
			 const json_t *result,
			 const struct ctl_options *options,
			 struct ctl_rates *rates)
{
	(void)options;
	ctl_table_print(out, json_object_get(result, "routes"), route_columns, rates);
	fprintf(out, "%s routes ", ctl_member_text(result, "routes_used"));
	fprintf(out, "(at most %s), ", ctl_member_text(result, "routes_max"));
	fprintf(out, "%s groups of prefixes longer than /24 ",
		ctl_member_text(result, "tbl8_used"));
	fprintf(out, "(at most %s)\n", ctl_member_text(result, "tbl8_max"));
	if (!ctl_member(result, "kernel"))
		return;
	fprintf(out, "kernel: %s routes, ", ctl_member_text(result, "kernel.routes"));
	fprintf(out, "%s host routes of ours, ", ctl_member_text(result, "kernel.own_hosts"));
	fprintf(out, "%s over other interfaces, ", ctl_member_text(result, "kernel.ignored"));
	fprintf(out, "%s down, ", ctl_member_text(result, "kernel.down"));
	fprintf(out, "%s recursive, ", ctl_member_text(result, "kernel.recursive"));
	fprintf(out, "%s failed\n", ctl_member_text(result, "kernel.failed"));
	if (json_array_size(json_object_get(result, "refused")) > 0)
		ctl_table_print(out, json_object_get(result, "refused"), refused_columns, rates);
}

static void ports_print(FILE *out,
			const json_t *result,
			const struct ctl_options *options,
			struct ctl_rates *rates)
{
	const json_t *rows = json_object_get(result, "ports");

	(void)options;
	rates->id[0] = "name";
	ctl_table_print(out, rows, port_columns, rates);
	fputc('\n', out);
	ctl_table_print(out, rows, device_columns, rates);
	fputc('\n', out);
	ctl_table_print(out, rows, twin_columns, rates);
}

static void tunnels_print(FILE *out,
			  const json_t *result,
			  const struct ctl_options *options,
			  struct ctl_rates *rates)
{
	const json_t *rows = json_object_get(result, "tunnels");

	(void)options;
	rates->id[0] = "name";
	ctl_table_print(out, rows, tunnel_columns, rates);
	fputc('\n', out);
	ctl_table_print(out, rows, tunnel_traffic_columns, rates);
	fputc('\n', out);
	ctl_table_print(out, rows, tunnel_mcast_columns, rates);
	fputc('\n', out);
	ctl_table_print(out, rows, twin_columns, rates);
}

static void workers_print(FILE *out,
			  const json_t *result,
			  const struct ctl_options *options,
			  struct ctl_rates *rates)
{
	const json_t *rows = json_object_get(result, "workers");

	(void)options;
	rates->id[0] = "worker";
	ctl_table_print(out, rows, worker_columns, rates);
	fputc('\n', out);
	ctl_table_print(out, rows, worker_work_columns, rates);
}

/* Rows whose `pkts` is not 0, and how many are. */
static void counters_print(FILE *out,
			   const json_t *rows,
			   const struct ctl_column *columns,
			   const struct ctl_options *options,
			   const struct ctl_rates *rates)
{
	json_t *shown = json_array();
	size_t zeros = 0;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		if (options->all || json_integer_value(json_object_get(row, "pkts")) != 0)
			json_array_append(shown, row);
		else
			zeros++;
	}
	ctl_table_print(out, shown, columns, rates);
	if (zeros > 0)
		fprintf(out, "%zu more are 0 (-a shows them)\n", zeros);
	json_decref(shown);
}

static void drops_print(FILE *out,
			const json_t *result,
			const struct ctl_options *options,
			struct ctl_rates *rates)
{
	rates->id[0] = "reason";
	counters_print(out, json_object_get(result, "drops"), drop_columns, options, rates);
}

static void traffic_print(FILE *out,
			  const json_t *result,
			  const struct ctl_options *options,
			  struct ctl_rates *rates)
{
	rates->id[0] = "counter";
	counters_print(out, json_object_get(result, "counters"), traffic_columns, options, rates);
}

static void nhs_print(FILE *out,
		      const json_t *result,
		      const struct ctl_options *options,
		      struct ctl_rates *rates)
{
	(void)options;
	ctl_table_print(out, json_object_get(result, "nhs"), nhs_columns, rates);
}

static void events_print(FILE *out,
			 const json_t *result,
			 const struct ctl_options *options,
			 struct ctl_rates *rates)
{
	const json_t *rows = json_object_get(result, "events");
	const size_t count = json_array_size(rows);
	json_t *newest;

	if (options->watch_s == 0 || count <= WATCH_EVENTS) {
		ctl_table_print(out, rows, event_columns, rates);
		return;
	}
	newest = json_array();
	for (size_t i = count - WATCH_EVENTS; i < count; i++)
		json_array_append(newest, json_array_get(rows, i));
	ctl_table_print(out, newest, event_columns, rates);
	json_decref(newest);
}

static const struct ctl_column sa_columns[] = {
	{"SA", "sa", CTL_COUNT},
	{"DIR", "direction", CTL_TEXT},
	{"LOCAL", "local", CTL_TEXT},
	{"REMOTE", "remote", CTL_TEXT},
	{"NATT-PORT", "natt_port", CTL_COUNT},
	{"SPI", "spi", CTL_TEXT},
	{"PROTECTION", "protection", CTL_TEXT},
	{"ALGORITHM", "algorithm", CTL_TEXT},
	{"STATE", "state", CTL_TEXT},
	{"SENDER", "sender", CTL_TEXT},
	{"AGE", "age_s", CTL_AGE},
	{"IDLE", "idle_s", CTL_AGE},
	{"SEQUENCE", "sequence", CTL_COUNT},
	{"PKTS", "pkts", CTL_COUNT},
	{"BYTES", "bytes", CTL_BYTES},
	{"BAD-ICV", "bad_icv", CTL_COUNT},
	{"REPLAYED", "replayed", CTL_COUNT},
	{"WORKER", "worker", CTL_COUNT},
	{"PPS", "pkts", CTL_RATE},
	{"BPS", "bytes", CTL_BITS},
	{NULL},
};

static void sas_print(FILE *out,
		      const json_t *result,
		      const struct ctl_options *options,
		      struct ctl_rates *rates)
{
	(void)options;
	rates->id[0] = "sa";
	ctl_table_print(out, json_object_get(result, "sas"), sa_columns, rates);
}

static void methods_print(FILE *out,
			  const json_t *result,
			  const struct ctl_options *options,
			  struct ctl_rates *rates)
{
	(void)options;
	ctl_table_print(out, json_object_get(result, "methods"), method_columns, rates);
}

/* Members one per line, those of objects under the object's name. */
static void members_print(FILE *out, const json_t *object, const char *prefix)
{
	const char *name;
	json_t *value;
	char path[128];

	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", name);
		if (json_is_object(value))
			members_print(out, value, path);
		else
			fprintf(out, "%-36s %s\n", path, ctl_member_text(object, name));
	}
}

static void system_print(FILE *out,
			 const json_t *result,
			 const struct ctl_options *options,
			 struct ctl_rates *rates)
{
	(void)options;
	(void)rates;
	members_print(out, result, "");
}

const struct ctl_noun ctl_nouns[] = {
	{"spokes", "spokes with state and counters", "spoke.list", "spokes", NULL, NULL,
	 spokes_print},
	{"dmvpn", "spokes per tunnel, as in `show dmvpn`", "spoke.list", "spokes", "tunnel.list",
	 "tunnels", ctl_dmvpn_print},
	{"nhrp", "the NHRP cache, as in `show ip nhrp`", "nhrp.list", "entries", NULL, NULL,
	 ctl_nhrp_print},
	{"nhs", "hubs that this hub is a client of", "nhs.list", "nhs", NULL, NULL, nhs_print},
	{"traffic", "NHRP packets by type, refusals and drops by reason", "nhrp.traffic",
	 "counters", NULL, NULL, traffic_print},
	{"routes", "routes that the workers forward by", "route.list", "routes", NULL, NULL,
	 routes_print},
	{"ports", "ports, their devices and twins", "port.list", "ports", NULL, NULL, ports_print},
	{"tunnels", "tunnels and their twins", "tunnel.list", "tunnels", NULL, NULL, tunnels_print},
	{"drops", "why packets were dropped", "drop.list", "drops", NULL, NULL, drops_print},
	{"workers", "worker cores and the balance of their packets", "worker.list", "workers", NULL,
	 NULL, workers_print},
	{"sas", "ESP security associations", "sa.list", "sas", NULL, NULL, sas_print},
	{"events", "what changed lately", "event.list", "events", NULL, NULL, events_print},
	{"system", "version, uptime, capacities", "system.info", NULL, NULL, NULL, system_print},
	{"methods", "methods of the control socket", "system.methods", NULL, NULL, NULL,
	 methods_print},
	{NULL},
};
