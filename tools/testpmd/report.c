/* SPDX-License-Identifier: Apache-2.0 */
/* report: the figures as text. */
#include <stdio.h>

#include "dataplane/dp_stats.h"
#include "testpmd.h"

static void headline(const struct options *o, const struct report *report)
{
	static const char *const texts[] = {[PATH_GRE] = "plain keyed GRE, spoke to spoke",
					    [PATH_HAIRPIN] = "ESP, spoke to spoke",
					    [PATH_OUT] = "ESP, LAN to spoke",
					    [PATH_IN] = "ESP, spoke to LAN"};

	printf("%s", texts[o->path]);
	if (o->path != PATH_GRE)
		printf(" (%s, %u-bit numbers%s, window %u, %s)", dp_sa_alg_info(o->alg)->name,
		       o->esn ? 64 : 32, o->natt ? ", UDP" : "", o->window, report->crypto);
	printf(", redirect %s, %u spokes, %u routes, bursts of %u, flows %s; TSC cycles per "
	       "packet, "
	       "median of %u runs (lowest..highest)\n",
	       o->redirect ? "on" : "off", o->spokes, o->routes, o->burst, flows_name(o), o->runs);
	printf("memory: %.1f MB planned, %llu bytes per spoke\n",
	       (double)report->memory_bytes / 1e6, (unsigned long long)report->spoke_bytes);
	printf("%6s %26s %26s %18s %8s %7s %7s %7s\n", "bytes", "hub", "floor", "ratio", "raw",
	       "Mpps", "Gbit/s", "wrong");
}

static void row(const struct mix *mix, const struct result *r, uint64_t tsc_hz)
{
	double pps = (double)tsc_hz / r->product.median;

	printf("%6s %8.1f (%6.1f..%6.1f) ", mix->name, r->product.median, r->product.low,
	       r->product.high);
	if (r->floor.median != 0)
		printf("%8.1f (%6.1f..%6.1f) %5.2f (%4.2f..%4.2f) ", r->floor.median, r->floor.low,
		       r->floor.high, r->ratio.median, r->ratio.low, r->ratio.high);
	else
		printf("%26s %18s ", "-", "-");
	printf("%8.1f %7.2f %7.2f %7llu\n", r->raw.median, pps / 1e6,
	       pps * mix_bytes(mix) * 8 / 1e9, (unsigned long long)r->wrong);
}

static void stages(const struct options *o, const struct report *report)
{
	printf("per stage, median of one run:\n%6s", "bytes");
	for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
		printf(" %8s", stage_name(s));
	for (uint32_t i = 0; i < o->size_count; i++) {
		printf("\n%6s", o->sizes[i].name);
		for (unsigned s = 0; s < DP_STAGE_COUNT; s++)
			printf(" %8.1f", report->results[i].stages[s]);
	}
	printf("\n");
}

static void drops(const struct mix *mix, const struct result *r)
{
	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		if (r->drops[i] != 0)
			printf("%s bytes: dropped %llu: %s: %s\n", mix->name,
			       (unsigned long long)r->drops[i], dp_drop_key(i), dp_drop_help(i));
}

void report_text(const struct options *o, const struct report *report)
{
	headline(o, report);
	for (uint32_t i = 0; i < o->size_count; i++)
		row(&o->sizes[i], &report->results[i], report->tsc_hz);
	stages(o, report);
	for (uint32_t i = 0; i < o->size_count; i++)
		drops(&o->sizes[i], &report->results[i]);
}
