/* SPDX-License-Identifier: Apache-2.0 */
/* main: of dmvpn-testpmd, see testpmd.h. */
#include <stdio.h>

#include <rte_cpuflags.h>

#include "testpmd.h"

int main(int argc, char **argv)
{
	char error[OPTIONS_ERROR];
	static struct report report;
	struct options o;
	int rc;

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
	if (o.sweep)
		return sweep_run(&o);
	rc = measure(&o, &report);
	report_text(&o, &report);
	if (o.json != NULL && report_json(&o, &report) < 0)
		return 1;
	return rc < 0;
}
