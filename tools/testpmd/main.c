/* SPDX-License-Identifier: Apache-2.0 */
/* main: options of dmvpn-testpmd, see testpmd.h. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cpuflags.h>

#include "testpmd.h"

static void usage(FILE *to)
{
	fputs("usage: dmvpn-testpmd [OPTIONS]\n"
	      "Cycles per packet of the hub's own pipeline, with the floor measured in the same "
	      "run.\n"
	      "Needs huge pages: sysctl -w vm.nr_hugepages=512\n"
	      "  --path PATH  gre (plain, spoke to spoke; default), hairpin (ESP, spoke to "
	      "spoke),\n"
	      "               out (LAN to spoke), in (spoke to LAN)\n"
	      "  --cipher C   of ESP: aes128gcm16 (default), aes256-sha256, chacha20poly1305, ...\n"
	      "  --esn        64-bit sequence numbers\n"
	      "  --natt       ESP in UDP\n"
	      "  --window N   replay window, packets: 0, 32 to 4096 (1024)\n"
	      "  --spokes N   1 to 20000 (1000)\n"
	      "  --routes N   1 to 1000000 (10000)\n"
	      "  --size LIST  inner IP length, 40 to 1400, comma-separated (64,354,1400)\n"
	      "  --runs N     1 to 99 (5); the figure is the median of their medians\n"
	      "  --cpu N      CPU to run on (0)\n"
	      "  --any-cpu    measure without AVX-512, too: the ratio holds, the cycles compare "
	      "with\n"
	      "               no other machine's\n"
	      "  --json FILE  write the figures as JSON\n"
	      "Exit status: 0 measured, 1 error or wrong packets, 77 not measured (no huge pages, "
	      "no\n"
	      "AVX-512)\n",
	      to);
}

static uint32_t number(const char *name, const char *text, uint32_t low, uint32_t high)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < low || v > high) {
		fprintf(stderr, "dmvpn-testpmd: --%s: %s: %u to %u\n", name, text, low, high);
		exit(2);
	}
	return (uint32_t)v;
}

static void sizes_parse(struct options *o, char *text)
{
	char *save = NULL;

	o->size_count = 0;
	for (char *s = strtok_r(text, ",", &save); s != NULL; s = strtok_r(NULL, ",", &save)) {
		if (o->size_count == SIZES_MAX) {
			fprintf(stderr, "dmvpn-testpmd: --size: at most %d\n", SIZES_MAX);
			exit(2);
		}
		o->sizes[o->size_count++] = number("size", s, 40, 1400);
	}
}

static enum path path_parse(const char *text)
{
	static const char *const names[] = {[PATH_GRE] = "gre",
					    [PATH_HAIRPIN] = "hairpin",
					    [PATH_OUT] = "out",
					    [PATH_IN] = "in"};

	for (unsigned i = 0; i < RTE_DIM(names); i++)
		if (strcmp(text, names[i]) == 0)
			return (enum path)i;
	fprintf(stderr, "dmvpn-testpmd: --path: %s: gre, hairpin, out, in\n", text);
	exit(2);
}

static enum dp_sa_alg cipher_parse(const char *text)
{
	enum dp_sa_alg alg = dp_sa_alg_find(text);

	if (alg != DP_SA_ALG_COUNT)
		return alg;
	fprintf(stderr, "dmvpn-testpmd: --cipher: %s:", text);
	for (unsigned i = 0; i < DP_SA_ALG_COUNT; i++)
		fprintf(stderr, " %s", dp_sa_alg_info(i)->name);
	fprintf(stderr, "\n");
	exit(2);
}

static void option_set(struct options *o, int c, char *arg)
{
	switch (c) {
	case 'p':
		o->path = path_parse(arg);
		break;
	case 'C':
		o->alg = cipher_parse(arg);
		break;
	case 'e':
		o->esn = true;
		break;
	case 'N':
		o->natt = true;
		break;
	case 'w':
		o->window = (uint16_t)number("window", arg, 0, DP_SA_WINDOW_MAX);
		break;
	case 's':
		o->spokes = number("spokes", arg, 1, 20000);
		break;
	case 'r':
		o->routes = number("routes", arg, 1, 1000000);
		break;
	case 'l':
		sizes_parse(o, arg);
		break;
	case 'n':
		o->runs = number("runs", arg, 1, RUNS_MAX);
		break;
	case 'c':
		o->cpu = number("cpu", arg, 0, 1023);
		break;
	case 'j':
		o->json = arg;
		break;
	case 'a':
		o->any_cpu = true;
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

static void options_parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"path", required_argument, NULL, 'p'},   {"cipher", required_argument, NULL, 'C'},
		{"esn", no_argument, NULL, 'e'},          {"natt", no_argument, NULL, 'N'},
		{"window", required_argument, NULL, 'w'}, {"spokes", required_argument, NULL, 's'},
		{"routes", required_argument, NULL, 'r'}, {"size", required_argument, NULL, 'l'},
		{"runs", required_argument, NULL, 'n'},   {"cpu", required_argument, NULL, 'c'},
		{"json", required_argument, NULL, 'j'},   {"any-cpu", no_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'},         {0}};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1)
		option_set(o, c, optarg);
	if (optind < argc) {
		fprintf(stderr, "dmvpn-testpmd: unexpected argument: %s\n", argv[optind]);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options o = {.spokes = 1000,
			    .routes = 10000,
			    .sizes = {64, 354, 1400},
			    .size_count = 3,
			    .runs = 5,
			    .window = 1024};
	struct result results[SIZES_MAX] = {0};
	static struct net net;
	uint64_t wrong = 0;

	options_parse(&o, argc, argv);
	if (!o.any_cpu && rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512F) != 1) {
		fprintf(stderr, "dmvpn-testpmd: not measured: no AVX-512 (see --any-cpu)\n");
		return 77;
	}
	net_setup(&net, &o);
	if (net.path == PATH_GRE) {
		floor_setup(&net);
	} else {
		side_setup(&net);
		raw_setup(&net);
		if (floor_esp_can(&net))
			floor_esp_setup(&net);
	}
	for (uint32_t i = 0; i < o.size_count; i++) {
		results[i].size = o.sizes[i];
		fprintf(stderr, "measuring %u bytes, %u spokes, %u runs\n", o.sizes[i], o.spokes,
			o.runs);
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
