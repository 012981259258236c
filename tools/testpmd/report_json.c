/* SPDX-License-Identifier: Apache-2.0 */
/* report_json: the figures as JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/dp_stats.h"
#include "machine.h"
#include "testpmd.h"

static const char *const stage_names[DP_STAGE_COUNT] = {
	[DP_STAGE_PORT_RX] = "port_rx", [DP_STAGE_RX] = "rx",
	[DP_STAGE_ESP_IN] = "esp_in",   [DP_STAGE_ESP_OUT] = "esp_out",
	[DP_STAGE_GRE_IN] = "gre_in",   [DP_STAGE_IP_IN] = "ip_in",
	[DP_STAGE_FORWARD] = "forward", [DP_STAGE_GRE_OUT] = "gre_out",
	[DP_STAGE_TX] = "tx",           [DP_STAGE_PORT_TX] = "port_tx"};

const char *stage_name(enum dp_stage stage)
{
	return stage_names[stage];
}

static const char *boolean(bool value)
{
	return value ? "true" : "false";
}

static void json_machine(FILE *f)
{
	struct machine m;

	machine_get(&m);
	fprintf(f,
		"\"machine\":{\"cpu\":\"%s\",\"cpus\":%ld,\"avx2\":%s,\"avx512\":%s,"
		"\"huge_pages\":%lu,\"huge_page_kb\":%lu,\"date\":\"%s\"}",
		m.cpu, m.cpus, boolean(m.avx2), boolean(m.avx512), m.huge_pages, m.huge_page_kb,
		m.date);
}

static void json_options(FILE *f, const struct options *o)
{
	fprintf(f,
		"\"path\":\"%s\",\"cipher\":\"%s\",\"esn\":%s,\"natt\":%s,\"window\":%u,"
		"\"redirect\":%s,\"spokes\":%u,\"routes\":%u,\"burst\":%u,\"flows\":\"%s\","
		"\"runs\":%u",
		path_name(o->path), o->path == PATH_GRE ? "" : dp_sa_alg_info(o->alg)->name,
		boolean(o->esn), boolean(o->natt), o->window, boolean(o->redirect), o->spokes,
		o->routes, o->burst, flows_name(o), o->runs);
}

static void json_size(FILE *f, const struct mix *mix, const struct result *r, uint64_t tsc_hz)
{
	double pps = (double)tsc_hz / r->product.median;
	const char *comma = "";

	fprintf(f,
		"{\"size\":\"%s\",\"bytes\":%.0f,\"cycles_per_packet\":%.1f,"
		"\"cycles_lowest\":%.1f,\"cycles_highest\":%.1f,"
		"\"packets_per_second\":%.0f,\"gbit_per_second\":%.3f,\"raw_cycles\":%.1f,"
		"\"wrong\":%llu,",
		mix->name, mix_bytes(mix), r->product.median, r->product.low, r->product.high, pps,
		pps * mix_bytes(mix) * 8 / 1e9, r->raw.median, (unsigned long long)r->wrong);
	if (r->floor.median != 0)
		fprintf(f, "\"floor_cycles\":%.1f,\"ratio\":%.3f,\"ratio_lowest\":%.3f,",
			r->floor.median, r->ratio.median, r->ratio.low);
	fprintf(f, "\"drops\":{");
	for (unsigned i = 0; i < DP_DROP_COUNT; i++) {
		if (r->drops[i] == 0)
			continue;
		fprintf(f, "%s\"%s\":%llu", comma, dp_drop_key(i), (unsigned long long)r->drops[i]);
		comma = ",";
	}
	fprintf(f, "},\"stages\":{");
	for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
		fprintf(f, "%s\"%s\":%.1f", s ? "," : "", stage_names[s], r->stages[s]);
	fprintf(f, "}}");
}

/* Without the braces around it. */
static void json_run(FILE *f, const struct options *o, const struct report *report)
{
	json_options(f, o);
	fprintf(f,
		",\"tsc_hz\":%llu,\"memory_bytes\":%llu,\"memory_bytes_per_spoke\":%llu,"
		"\"instructions\":\"%s\",\"sizes\":[",
		(unsigned long long)report->tsc_hz, (unsigned long long)report->memory_bytes,
		(unsigned long long)report->spoke_bytes, report->crypto);
	for (uint32_t i = 0; i < o->size_count; i++) {
		fprintf(f, "%s", i ? "," : "");
		json_size(f, &o->sizes[i], &report->results[i], report->tsc_hz);
	}
	fprintf(f, "]");
}

static FILE *json_open(const struct options *o)
{
	FILE *f = fopen(o->json, "w");

	if (f == NULL)
		fprintf(stderr, "dmvpn-testpmd: --json: %s: %s\n", o->json, strerror(errno));
	return f;
}

static int json_close(FILE *f, const struct options *o)
{
	bool failed = ferror(f) != 0;

	if (fclose(f) == 0 && !failed)
		return 0;
	fprintf(stderr, "dmvpn-testpmd: --json: %s: not written\n", o->json);
	return -EIO;
}

int report_json(const struct options *o, const struct report *report)
{
	FILE *f = json_open(o);

	if (f == NULL)
		return -EIO;
	fprintf(f, "{");
	json_machine(f);
	fprintf(f, ",");
	json_run(f, o, report);
	fprintf(f, "}\n");
	return json_close(f, o);
}

int report_json_sweep(const struct options *o, const struct report *reports)
{
	struct options one = *o;
	FILE *f = json_open(o);

	if (f == NULL)
		return -EIO;
	fprintf(f, "{");
	json_machine(f);
	fprintf(f, ",\"results\":[");
	for (uint32_t i = 0; i < o->sweep_count; i++) {
		one.spokes = o->sweep_spokes[i];
		fprintf(f, "%s{", i ? ",\n" : "\n");
		json_run(f, &one, &reports[i]);
		fprintf(f, "}");
	}
	fprintf(f, "]}\n");
	return json_close(f, o);
}
