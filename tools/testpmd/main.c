/* SPDX-License-Identifier: Apache-2.0 */
/* main: of dmvpn-testpmd, see testpmd.h. */
#include <stdio.h>

#include <rte_cpuflags.h>

#include "testpmd.h"

static void tables_setup(struct net *net, const struct options *o)
{
	net_setup(net, o);
	if (net->path == PATH_GRE) {
		floor_setup(net);
		return;
	}
	side_setup(net);
	raw_setup(net);
	if (floor_esp_can(net))
		floor_esp_setup(net);
}

int main(int argc, char **argv)
{
	struct result results[SIZES_MAX] = {0};
	char error[OPTIONS_ERROR];
	static struct net net;
	struct options o;
	uint64_t wrong = 0;

	if (options_parse(&o, argc, argv, error) < 0) {
		fprintf(stderr, "dmvpn-testpmd: %s\n", error);
		return 2;
	}
	if (o.help) {
		options_usage(stdout);
		return 0;
	}
	if (!o.any_cpu && rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512F) != 1) {
		fprintf(stderr, "dmvpn-testpmd: not measured: no AVX-512 (see --any-cpu)\n");
		return 77;
	}
	tables_setup(&net, &o);
	for (uint32_t i = 0; i < o.size_count; i++) {
		results[i].mix = &o.sizes[i];
		fprintf(stderr, "measuring %s bytes, %u spokes, %u runs\n", o.sizes[i].name,
			o.spokes, o.runs);
		reference_run(&net, &o, &results[i]);
		wrong += results[i].wrong;
	}
	report_text(&o, results);
	report_stages(&o, results);
	report_drops();
	if (o.json != NULL && report_json(&o, results) < 0)
		return 1;
	return wrong != 0;
}
