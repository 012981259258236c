/* SPDX-License-Identifier: Apache-2.0 */
/* report: the figures as text and as JSON. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>

#include "dataplane/dp_stats.h"
#include "testpmd.h"

static void headline(const struct options *o)
{
	static const char *const texts[] = {[PATH_GRE] = "plain keyed GRE, spoke to spoke",
					    [PATH_HAIRPIN] = "ESP, spoke to spoke",
					    [PATH_OUT] = "ESP, LAN to spoke",
					    [PATH_IN] = "ESP, spoke to LAN"};

	printf("%s", texts[o->path]);
	if (o->path != PATH_GRE)
		printf(" (%s, %u-bit numbers%s, window %u, %s)", dp_sa_alg_info(o->alg)->name,
		       o->esn ? 64 : 32, o->natt ? ", UDP" : "", o->window,
		       crypto_arch_name(dp_workers[0]->crypto));
	printf(", redirect %s, %u spokes, %u routes, bursts of %u, flows %s; TSC cycles per "
	       "packet, "
	       "median of %u runs (lowest..highest)\n",
	       o->redirect ? "on" : "off", o->spokes, o->routes, o->burst, flows_name(o), o->runs);
	printf("%6s %26s %26s %18s %8s %7s %7s %7s\n", "bytes", "hub", "floor", "ratio", "raw",
	       "Mpps", "Gbit/s", "wrong");
}

void report_text(const struct options *o, const struct result *results)
{
	headline(o);
	for (uint32_t i = 0; i < o->size_count; i++) {
		const struct result *r = &results[i];
		double pps = (double)rte_get_tsc_hz() / r->product.median;

		printf("%6s %8.1f (%6.1f..%6.1f) ", r->mix->name, r->product.median, r->product.low,
		       r->product.high);
		if (r->floor.median != 0)
			printf("%8.1f (%6.1f..%6.1f) %5.2f (%4.2f..%4.2f) ", r->floor.median,
			       r->floor.low, r->floor.high, r->ratio.median, r->ratio.low,
			       r->ratio.high);
		else
			printf("%26s %18s ", "-", "-");
		printf("%8.1f %7.2f %7.2f %7llu\n", r->raw.median, pps / 1e6,
		       pps * mix_bytes(r->mix) * 8 / 1e9, (unsigned long long)r->wrong);
	}
}

static const char *const stage_names[DP_STAGE_COUNT] = {
	[DP_STAGE_PORT_RX] = "port_rx", [DP_STAGE_RX] = "rx",
	[DP_STAGE_ESP_IN] = "esp_in",   [DP_STAGE_ESP_OUT] = "esp_out",
	[DP_STAGE_GRE_IN] = "gre_in",   [DP_STAGE_IP_IN] = "ip_in",
	[DP_STAGE_FORWARD] = "forward", [DP_STAGE_GRE_OUT] = "gre_out",
	[DP_STAGE_TX] = "tx",           [DP_STAGE_PORT_TX] = "port_tx"};

void report_stages(const struct options *o, const struct result *results)
{
	printf("per stage, median of one run:\n%6s", "bytes");
	for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
		printf(" %8s", stage_names[s]);
	for (uint32_t i = 0; i < o->size_count; i++) {
		printf("\n%6s", results[i].mix->name);
		for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
			printf(" %8.1f", results[i].stages[s]);
	}
	printf("\n");
}

void report_drops(void)
{
	struct dp_worker_info info;

	dp_worker_info_get(0, &info);
	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		if (info.stats.drops[i] != 0)
			printf("dropped %llu: %s\n", (unsigned long long)info.stats.drops[i],
			       dp_drop_help(i));
}

int report_json(const struct options *o, const struct result *results)
{
	FILE *f = fopen(o->json, "w");

	if (f == NULL) {
		fprintf(stderr, "dmvpn-testpmd: --json: %s: %s\n", o->json, strerror(errno));
		return -errno;
	}
	fprintf(f,
		"{\"path\":\"%s\",\"cipher\":\"%s\",\"esn\":%s,\"natt\":%s,\"window\":%u,"
		"\"redirect\":%s,\"spokes\":%u,\"routes\":%u,\"burst\":%u,\"flows\":\"%s\","
		"\"runs\":%u,\"sizes\":[",
		path_name(o->path), o->path == PATH_GRE ? "" : dp_sa_alg_info(o->alg)->name,
		o->esn ? "true" : "false", o->natt ? "true" : "false", o->window,
		o->redirect ? "true" : "false", o->spokes, o->routes, o->burst, flows_name(o),
		o->runs);
	for (uint32_t i = 0; i < o->size_count; i++) {
		const struct result *r = &results[i];

		fprintf(f,
			"%s{\"size\":\"%s\",\"bytes\":%.0f,\"cycles_per_packet\":%.1f,\"raw_"
			"cycles\":%.1f,"
			"\"wrong\":%llu,",
			i ? "," : "", r->mix->name, mix_bytes(r->mix), r->product.median,
			r->raw.median, (unsigned long long)r->wrong);
		if (r->floor.median != 0)
			fprintf(f, "\"floor_cycles\":%.1f,\"ratio\":%.3f,\"ratio_lowest\":%.3f,",
				r->floor.median, r->ratio.median, r->ratio.low);
		fprintf(f, "\"stages\":{");
		for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
			fprintf(f, "%s\"%s\":%.1f", s ? "," : "", stage_names[s], r->stages[s]);
		fprintf(f, "}}");
	}
	fprintf(f, "]}\n");
	return fclose(f) == 0 ? 0 : -errno;
}
