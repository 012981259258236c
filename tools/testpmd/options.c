/* SPDX-License-Identifier: Apache-2.0 */
/* options: what the command line of dmvpn-testpmd says, see options.h. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"

#define SPOKES_HIGH 20000

static const char *const path_names[PATH_COUNT] = {
	[PATH_GRE] = "gre", [PATH_HAIRPIN] = "hairpin", [PATH_OUT] = "out", [PATH_IN] = "in"};

const char *path_name(enum path path)
{
	return path_names[path];
}

void options_usage(FILE *to)
{
	fputs("usage: dmvpn-testpmd [OPTIONS]\n"
	      "Cycles per packet of the hub's own pipeline, with the floor measured in the\n"
	      "same run. Needs huge pages: sysctl -w vm.nr_hugepages=512\n"
	      "  --path PATH  gre (plain, spoke to spoke; default), hairpin (ESP, spoke to\n"
	      "               spoke), out (LAN to spoke), in (spoke to LAN)\n"
	      "  --cipher C   of ESP: aes128gcm16 (default), aes256-sha256,\n"
	      "               chacha20poly1305, ...\n"
	      "  --esn        64-bit sequence numbers\n"
	      "  --natt       ESP in UDP\n"
	      "  --window N   replay window, packets: 0, 32 to 4096 (1024)\n"
	      "  --redirect on|off\n"
	      "               the tunnel looks for packets that want a shortcut (on)\n"
	      "  --spokes N   1 to 20000 (1000)\n"
	      "  --routes N   1 to 1000000 (10000)\n"
	      "  --size LIST  comma-separated (64,354,1400): inner IP length, 40 to 1400;\n"
	      "               imix (64, 594 and 1400 as 7:4:1, mixed in one train); cisco\n"
	      "               (188 to spokes, 144 from them, spoke to spoke half of each)\n"
	      "  --burst N    packets that arrive at once, 1 to 64 (32); the hub takes up to\n"
	      "               32 in a turn; of small ones reading the clock is a part of the\n"
	      "               figure\n"
	      "  --flows F    random (default: a flow per packet), bursty:K (K packets of a\n"
	      "               flow in a row, 1 to 1024)\n"
	      "  --sweep [spokes=LIST] [size=LIST]\n"
	      "               measures each size with each number of spokes, up to 16 of\n"
	      "               them, in a process of its own; all into one JSON file\n"
	      "               (sweep.json, or --json) and a chart\n"
	      "  --chart FILE of --sweep: cycles per packet against spokes, as SVG, drawn by\n"
	      "               gnuplot (sweep.svg); none draws nothing\n"
	      "  --runs N     1 to 99 (5); the figure is the median of their medians\n"
	      "  --cpu N      CPU to run on (0)\n"
	      "  --any-cpu    measure without AVX-512, too: the ratio holds, the cycles\n"
	      "               compare with no other machine's\n"
	      "  --json FILE  write the figures as JSON\n"
	      "Exit status: 0 measured, 1 error or wrong packets, 2 wrong option, 77 not\n"
	      "measured (no huge pages, no AVX-512)\n",
	      to);
}

static int refuse(char *error, const char *name, const char *text, const char *limits)
{
	snprintf(error, OPTIONS_ERROR, "--%s: %.40s: %s", name, text, limits);
	return -EINVAL;
}

static int number(
	const char *name, const char *text, uint32_t low, uint32_t high, uint32_t *out, char *error)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long v = strtoul(text, NULL, 10);
	char limits[40];

	snprintf(limits, sizeof(limits), "%u to %u", low, high);
	/* ULONG_MAX, of too many digits, is above every limit. */
	if (digits == 0 || text[digits] != '\0' || v < low || v > high)
		return refuse(error, name, text, limits);
	*out = (uint32_t)v;
	return 0;
}

static int path_set(struct options *o, const char *text, char *error)
{
	for (unsigned i = 0; i < PATH_COUNT; i++)
		if (strcmp(text, path_names[i]) == 0) {
			o->path = (enum path)i;
			return 0;
		}
	return refuse(error, "path", text, "gre, hairpin, out, in");
}

static int cipher_set(struct options *o, const char *text, char *error)
{
	char names[128] = "";

	o->alg = dp_sa_alg_find(text);
	if (o->alg != DP_SA_ALG_COUNT)
		return 0;
	for (unsigned i = 0; i < DP_SA_ALG_COUNT; i++) {
		size_t at = strlen(names);

		snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "",
			 dp_sa_alg_info(i)->name);
	}
	return refuse(error, "cipher", text, names);
}

static int window_set(struct options *o, const char *text, char *error)
{
	uint32_t v;

	if (number("window", text, 0, DP_SA_WINDOW_MAX, &v, error) < 0 || (v != 0 && v < 32))
		return refuse(error, "window", text, "0, or 32 to 4096");
	o->window = (uint16_t)v;
	return 0;
}

static int redirect_set(struct options *o, const char *text, char *error)
{
	o->redirect = strcmp(text, "on") == 0;
	if (o->redirect || strcmp(text, "off") == 0)
		return 0;
	return refuse(error, "redirect", text, "on, off");
}

static int flows_set(struct options *o, const char *text, char *error)
{
	o->flow_pkts = 1;
	if (strcmp(text, "random") == 0)
		return 0;
	if (strncmp(text, "bursty:", 7) != 0 ||
	    number("flows", text + 7, 1, FLOW_PKTS_MAX, &o->flow_pkts, error) < 0)
		return refuse(error, "flows", text, "random, bursty:1 to bursty:1024");
	return 0;
}

const char *flows_name(const struct options *o)
{
	static char name[24];

	if (o->flow_pkts == 1)
		return "random";
	snprintf(name, sizeof(name), "bursty:%u", o->flow_pkts);
	return name;
}

static const struct mix imix = {.name = "imix",
				.count = 12,
				.bytes = {64, 64, 64, 64, 64, 64, 64, 594, 594, 594, 594, 1400}};
static const struct mix cisco = {.name = "cisco", .count = 2, .bytes = {188, 144}};

double mix_bytes(const struct mix *mix)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < mix->count; i++)
		sum += mix->bytes[i];
	return (double)sum / mix->count;
}

static int size_add(struct options *o, const char *text, char *error)
{
	struct mix *mix = &o->sizes[o->size_count];
	uint32_t bytes;

	if (o->size_count == SIZES_MAX)
		return refuse(error, "size", text, "at most 8 sizes");
	o->size_count++;
	if (strcmp(text, imix.name) == 0) {
		*mix = imix;
	} else if (strcmp(text, cisco.name) == 0) {
		*mix = cisco;
	} else {
		if (number("size", text, SIZE_LOW, SIZE_HIGH, &bytes, error) < 0)
			return refuse(error, "size", text, "40 to 1400, imix, cisco");
		*mix = (struct mix){.count = 1, .bytes = {(uint16_t)bytes}};
		snprintf(mix->name, sizeof(mix->name), "%u", bytes);
	}
	return 0;
}

static int sizes_set(struct options *o, const char *text, char *error)
{
	char list[128], *rest = list, *s;

	if (snprintf(list, sizeof(list), "%s", text) >= (int)sizeof(list))
		return refuse(error, "size", text, "at most 8 sizes");
	o->size_count = 0;
	while ((s = strsep(&rest, ",")) != NULL)
		if (size_add(o, s, error) < 0)
			return -EINVAL;
	return 0;
}

static int sweep_spokes_set(struct options *o, char *list, char *error)
{
	char *s;

	o->sweep_count = 0;
	while ((s = strsep(&list, ",")) != NULL) {
		if (o->sweep_count == SWEEP_MAX)
			return refuse(error, "sweep", s, "spokes: at most 16 numbers");
		if (number("sweep", s, 1, SPOKES_HIGH, &o->sweep_spokes[o->sweep_count++], error) <
		    0)
			return refuse(error, "sweep", s, "spokes: 1 to 20000");
	}
	return 0;
}

/* "spokes=LIST", "size=LIST", or both with a blank between them. */
static int sweep_set(struct options *o, const char *text, char *error)
{
	char words[256], *rest = words, *word;
	int rc = 0;

	if (snprintf(words, sizeof(words), "%s", text) >= (int)sizeof(words))
		return refuse(error, "sweep", text, "at most 255 characters");
	o->sweep = true;
	while (rc == 0 && (word = strsep(&rest, " ")) != NULL) {
		if (strncmp(word, "spokes=", 7) == 0)
			rc = sweep_spokes_set(o, word + 7, error);
		else if (strncmp(word, "size=", 5) == 0)
			rc = sizes_set(o, word + 5, error);
		else
			rc = refuse(error, "sweep", word, "spokes=LIST, size=LIST");
	}
	return rc;
}

/* What depends on several options. */
static int sweep_fit(struct options *o, char *error)
{
	if (!o->sweep) {
		if (o->chart != NULL)
			return refuse(error, "chart", o->chart, "only with --sweep");
		return 0;
	}
	if (o->sweep_count == 0)
		o->sweep_spokes[o->sweep_count++] = o->spokes;
	if (o->json == NULL)
		o->json = "sweep.json";
	if (o->chart == NULL)
		o->chart = "sweep.svg";
	else if (strcmp(o->chart, "none") == 0)
		o->chart = NULL;
	return 0;
}

/* What the cisco mix means depends on the path, which may come later on the command line. */
static void cisco_fit(struct options *o)
{
	for (uint32_t i = 0; i < o->size_count; i++) {
		struct mix *mix = &o->sizes[i];

		if (strcmp(mix->name, cisco.name) != 0 ||
		    (o->path != PATH_OUT && o->path != PATH_IN))
			continue;
		mix->count = 1;
		mix->bytes[0] = o->path == PATH_OUT ? cisco.bytes[0] : cisco.bytes[1];
	}
}

static int option_set(struct options *o, int c, const char *arg, char *error)
{
	switch (c) {
	case 'p':
		return path_set(o, arg, error);
	case 'C':
		return cipher_set(o, arg, error);
	case 'w':
		return window_set(o, arg, error);
	case 'R':
		return redirect_set(o, arg, error);
	case 'l':
		return sizes_set(o, arg, error);
	case 'f':
		return flows_set(o, arg, error);
	case 'b':
		return number("burst", arg, 1, BURST_MAX, &o->burst, error);
	case 's':
		return number("spokes", arg, 1, SPOKES_HIGH, &o->spokes, error);
	case 'r':
		return number("routes", arg, 1, 1000000, &o->routes, error);
	case 'n':
		return number("runs", arg, 1, RUNS_MAX, &o->runs, error);
	case 'c':
		return number("cpu", arg, 0, 1023, &o->cpu, error);
	case 'S':
		return sweep_set(o, arg, error);
	case 1: /* no option: the second word of --sweep */
		if (o->sweep)
			return sweep_set(o, arg, error);
		snprintf(error, OPTIONS_ERROR, "%.80s: unexpected argument", arg);
		return -EINVAL;
	case 'g':
		o->chart = arg;
		break;
	case 'e':
		o->esn = true;
		break;
	case 'N':
		o->natt = true;
		break;
	case 'j':
		o->json = arg;
		break;
	case 'a':
		o->any_cpu = true;
		break;
	case 'h':
		o->help = true;
		break;
	}
	return 0;
}

int options_parse(struct options *o, int argc, char **argv, char *error)
{
	static const struct option longs[] = {{"path", required_argument, NULL, 'p'},
					      {"cipher", required_argument, NULL, 'C'},
					      {"esn", no_argument, NULL, 'e'},
					      {"natt", no_argument, NULL, 'N'},
					      {"window", required_argument, NULL, 'w'},
					      {"redirect", required_argument, NULL, 'R'},
					      {"spokes", required_argument, NULL, 's'},
					      {"routes", required_argument, NULL, 'r'},
					      {"size", required_argument, NULL, 'l'},
					      {"burst", required_argument, NULL, 'b'},
					      {"flows", required_argument, NULL, 'f'},
					      {"runs", required_argument, NULL, 'n'},
					      {"cpu", required_argument, NULL, 'c'},
					      {"json", required_argument, NULL, 'j'},
					      {"sweep", required_argument, NULL, 'S'},
					      {"chart", required_argument, NULL, 'g'},
					      {"any-cpu", no_argument, NULL, 'a'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	static char sizes[] = "64,354,1400";
	int c;

	*o = (struct options){.spokes = 1000,
			      .routes = 10000,
			      .runs = 5,
			      .window = 1024,
			      .burst = 32,
			      .flow_pkts = 1,
			      .redirect = true};
	sizes_set(o, sizes, error);
	optind = 0; /* from the start, in tests many times */
	while ((c = getopt_long(argc, argv, "-:h", longs, NULL)) != -1) {
		if (c == '?' || c == ':') {
			snprintf(error, OPTIONS_ERROR, "%.80s: %s", argv[optind - 1],
				 c == ':' ? "needs a value" : "no such option, see --help");
			return -EINVAL;
		}
		if (option_set(o, c, optarg, error) < 0)
			return -EINVAL;
	}
	if (optind < argc) {
		snprintf(error, OPTIONS_ERROR, "%.80s: unexpected argument", argv[optind]);
		return -EINVAL;
	}
	cisco_fit(o);
	return sweep_fit(o, error);
}
