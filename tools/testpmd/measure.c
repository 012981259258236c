/* SPDX-License-Identifier: Apache-2.0 */
/* measure: from the options to a report, in this process. */
#include <errno.h>
#include <stdio.h>

#include <rte_cycles.h>

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

int measure(const struct options *o, struct report *report)
{
	static struct net net;
	uint64_t wrong = 0;

	tables_setup(&net, o);
	*report = (struct report){.tsc_hz = rte_get_tsc_hz()};
	net_memory(o, report);
	snprintf(report->crypto, sizeof(report->crypto), "%s",
		 crypto_arch_name(dp_workers[0]->crypto));
	for (uint32_t i = 0; i < o->size_count; i++) {
		fprintf(stderr, "measuring %s bytes, %u spokes, %u runs\n", o->sizes[i].name,
			o->spokes, o->runs);
		net.mix = &o->sizes[i];
		reference_run(&net, o, &report->results[i]);
		wrong += report->results[i].wrong;
	}
	return wrong == 0 ? 0 : -EIO;
}
