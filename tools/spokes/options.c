/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options: the command line. One table (name, how to read it, where it goes, limits), one pass
 * over argv, then one check of what belongs together (options_check.c). Nothing of the run starts
 * before all of it is valid.
 */
#include "options.h"

#include "help.h"
#include "options_priv.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
	KIND_TEXT,
	KIND_ADDRESS,
	KIND_U16,
	KIND_U32,
	KIND_SECONDS, /* decimal fraction allowed, kept in ms */
	KIND_FLAG,
	KIND_SPECIAL,
};

#define AT(field) offsetof(struct options, field)

struct field {
	const char *name;
	enum kind kind;
	size_t at;
	uint32_t min;
	uint32_t max;
	bool required;
};

static const struct field fields[] = {
	{"interface", KIND_TEXT, AT(interface), .required = true},
	{"count", KIND_U32, AT(count), 1, OPTIONS_SPOKES_MAX, true},
	{"hub-nbma", KIND_ADDRESS, AT(hubs[0].nbma), .required = true},
	{"hub-protocol", KIND_ADDRESS, AT(hubs[0].protocol), .required = true},
	{"hub", KIND_SPECIAL},
	{"nbma-base", KIND_ADDRESS, AT(nbma_base), .required = true},
	{"protocol-base", KIND_ADDRESS, AT(protocol_base), .required = true},
	{"lan-base", KIND_SPECIAL},
	{"gateway", KIND_ADDRESS, AT(gateway)},
	{"router", KIND_ADDRESS, AT(router)},
	{"key", KIND_SPECIAL},
	{"gre-checksum", KIND_FLAG, AT(gre_checksum)},
	{"gre-sequence", KIND_FLAG, AT(gre_sequence)},
	{"holdtime", KIND_U16, AT(holdtime_s), 3, 65535},
	{"mtu", KIND_U16, AT(mtu), 576, 65535},
	{"unique", KIND_FLAG, AT(unique)},
	{"authentication", KIND_SPECIAL},
	{"shortcut", KIND_FLAG, AT(shortcut)},
	{"purge", KIND_FLAG, AT(purge)},
	{"nat", KIND_FLAG, AT(nat)},
	{"private-base", KIND_ADDRESS, AT(private_base)},
	{"register-burst", KIND_SPECIAL},
	{"register-rate", KIND_U32, AT(register_rate), 1, 1000000},
	{"register-timeout", KIND_U32, AT(register_timeout_s), 0, 86400},
	{"rate", KIND_U32, AT(rate_pps), 0, 10000000},
	{"traffic", KIND_SPECIAL},
	{"size", KIND_U16, AT(size), 64, 9000},
	{"ping-hub", KIND_SPECIAL},
	{"duration", KIND_SPECIAL},
	{"max-loss", KIND_SPECIAL},
	{"stats-period", KIND_SECONDS, AT(stats_period_ms), 0, 3600},
	{"json", KIND_FLAG, AT(json)},
	{"help", KIND_SPECIAL},
	{"version", KIND_SPECIAL},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static int read_address(const char *text, uint32_t *ip)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1 || in.s_addr == 0)
		return -EINVAL;
	*ip = ntohl(in.s_addr);
	return 0;
}

static int read_number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	if (errno || *end || end == text || text[0] == '-' || *value > max)
		return -EINVAL;
	return 0;
}

/* Non-negative decimal, times scale. */
static int read_decimal(const char *text, double max, double scale, int64_t *value)
{
	char *end;
	double d = strtod(text, &end);

	if (*end || end == text || !(d >= 0 && d <= max))
		return -EINVAL;
	*value = (int64_t)(d * scale + 0.5);
	return 0;
}

static int parse_number(const struct field *f, const char *text, void *to)
{
	char allowed[64];
	uint64_t n;

	snprintf(allowed, sizeof(allowed), "a number from %u to %u", f->min, f->max);
	if (read_number(text, f->max, &n) < 0 || n < f->min)
		return options_fail(f->name, text, allowed);
	if (f->kind == KIND_U16)
		*(uint16_t *)to = (uint16_t)n;
	else
		*(uint32_t *)to = (uint32_t)n;
	return 0;
}

static int parse_seconds(const struct field *f, const char *text, uint32_t *to_ms)
{
	char allowed[64];
	int64_t ms;

	snprintf(allowed, sizeof(allowed), "seconds from %u to %u", f->min, f->max);
	if (read_decimal(text, f->max, 1000, &ms) < 0)
		return options_fail(f->name, text, allowed);
	*to_ms = (uint32_t)ms;
	return 0;
}

static int parse_lan_base(struct options *opt, const char *text)
{
	static const char allowed[] = "an IPv4 prefix, length 8 to 32, such as 10.128.0.0/24";
	const char *slash = strchr(text, '/');
	char addr[INET_ADDRSTRLEN];
	uint64_t len;

	if (!slash || (size_t)(slash - text) >= sizeof(addr) ||
	    read_number(slash + 1, 32, &len) < 0)
		return options_fail("lan-base", text, allowed);
	memcpy(addr, text, (size_t)(slash - text));
	addr[slash - text] = '\0';
	if (read_address(addr, &opt->lan_base) < 0 || len < 8)
		return options_fail("lan-base", text, allowed);
	if (opt->lan_base & (uint32_t)((1ULL << (32 - len)) - 1))
		return options_fail("lan-base", text, "host bits must be zero");
	opt->lan_len = (uint8_t)len;
	return 0;
}

/* NBMA,PROTOCOL of one more hub. */
static int parse_hub(struct options *opt, const char *text)
{
	static const char allowed[] = "an underlay and a tunnel address, such as "
				      "192.0.2.2,10.255.0.2; at most 3 times";
	struct options_hub *hub = &opt->hubs[opt->hub_count];
	const char *comma = strchr(text, ',');
	char addr[INET_ADDRSTRLEN];

	if (opt->hub_count == OPTIONS_HUBS_MAX || !comma || (size_t)(comma - text) >= sizeof(addr))
		return options_fail("hub", text, allowed);
	memcpy(addr, text, (size_t)(comma - text));
	addr[comma - text] = '\0';
	if (read_address(addr, &hub->nbma) < 0 || read_address(comma + 1, &hub->protocol) < 0)
		return options_fail("hub", text, allowed);
	opt->hub_count++;
	return 0;
}

static int parse_authentication(struct options *opt, const char *text)
{
	const size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return options_fail("authentication", "(not shown)",
					    "printable characters, no space");
	if (len < 1 || len > OPTIONS_WORD_MAX)
		return options_fail("authentication", "(not shown)", "a word of 1 to 8 characters");
	opt->authentication = text;
	return 0;
}

static int parse_key(struct options *opt, const char *text)
{
	uint64_t n;

	opt->has_key = strcmp(text, "none") != 0;
	if (!opt->has_key)
		return 0;
	if (read_number(text, UINT32_MAX, &n) < 0)
		return options_fail("key", text, "a number from 0 to 4294967295, or none");
	opt->key = (uint32_t)n;
	return 0;
}

static int parse_traffic(struct options *opt, const char *text)
{
	if (strcmp(text, "icmp") == 0)
		opt->traffic = OPTIONS_TRAFFIC_ICMP;
	else if (strcmp(text, "udp") == 0)
		opt->traffic = OPTIONS_TRAFFIC_UDP;
	else
		return options_fail("traffic", text, "icmp or udp");
	return 0;
}

static int parse_ping_hub(struct options *opt, const char *text)
{
	uint64_t n = 10;

	if (text && (read_number(text, 1000000, &n) < 0 || n < 1))
		return options_fail("ping-hub", text, "pings per second from 1 to 1000000");
	opt->ping_hub_pps = (uint32_t)n;
	return 0;
}

static int parse_duration(struct options *opt, const char *text)
{
	if (read_decimal(text, 1e9, 1000, &opt->duration_ms) < 0)
		return options_fail("duration", text, "seconds from 0 to 1000000000");
	return 0;
}

static int parse_max_loss(struct options *opt, const char *text)
{
	int64_t ppm;

	if (read_decimal(text, 100, 1e4, &ppm) < 0)
		return options_fail("max-loss", text, "a percentage from 0 to 100");
	opt->max_loss_ppm = (uint32_t)ppm;
	return 0;
}

static int parse_special(const char *name, struct options *opt, const char *text)
{
	if (strcmp(name, "lan-base") == 0)
		return parse_lan_base(opt, text);
	if (strcmp(name, "hub") == 0)
		return parse_hub(opt, text);
	if (strcmp(name, "authentication") == 0)
		return parse_authentication(opt, text);
	if (strcmp(name, "key") == 0)
		return parse_key(opt, text);
	if (strcmp(name, "traffic") == 0)
		return parse_traffic(opt, text);
	if (strcmp(name, "ping-hub") == 0)
		return parse_ping_hub(opt, text);
	if (strcmp(name, "duration") == 0)
		return parse_duration(opt, text);
	if (strcmp(name, "max-loss") == 0)
		return parse_max_loss(opt, text);
	opt->register_rate = 0; /* register-burst */
	return 0;
}

static int parse_field(const struct field *f, struct options *opt, char *text)
{
	void *to = (char *)opt + f->at;

	switch (f->kind) {
	case KIND_TEXT:
		*(const char **)to = text;
		return 0;
	case KIND_ADDRESS:
		if (read_address(text, to) < 0)
			return options_fail(f->name, text, "an IPv4 address");
		return 0;
	case KIND_U16:
	case KIND_U32:
		return parse_number(f, text, to);
	case KIND_SECONDS:
		return parse_seconds(f, text, to);
	case KIND_FLAG:
		*(bool *)to = true;
		return 0;
	case KIND_SPECIAL:
		return parse_special(f->name, opt, text);
	}
	return 0;
}

static int check_required(const bool seen[FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (fields[i].required && !seen[i])
			return options_fail(fields[i].name, "", "is required (see --help)");
	}
	return 0;
}

static void set_defaults(struct options *opt)
{
	memset(opt, 0, sizeof(*opt));
	opt->lan_base = 0x0a800000; /* 10.128.0.0/24: room for 20,000 in 10.0.0.0/8 */
	opt->lan_len = 24;
	opt->hub_count = 1;
	opt->private_base = 0xac100002; /* 172.16.0.2 */
	opt->holdtime_s = 7200;
	opt->mtu = 1400;
	opt->register_rate = 1000;
	opt->register_timeout_s = 60;
	opt->size = 128;
	opt->duration_ms = -1;
	opt->stats_period_ms = 1000;
}

static void long_options_fill(struct option *out)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const char *name = fields[i].name;
		const bool none = fields[i].kind == KIND_FLAG || !strcmp(name, "register-burst") ||
				  !strcmp(name, "help") || !strcmp(name, "version");

		out[i].name = name;
		out[i].has_arg = none                        ? no_argument
				 : !strcmp(name, "ping-hub") ? optional_argument
							     : required_argument;
		out[i].val = 256 + (int)i;
	}
}

static int value_of_short(int c)
{
	const char *name = c == 'h'   ? "help"
			   : c == 'V' ? "version"
			   : c == 'i' ? "interface"
				      : "count";

	for (size_t i = 0; i < FIELDS; i++) {
		if (strcmp(fields[i].name, name) == 0)
			return (int)i;
	}
	return 0;
}

enum options_result options_parse(struct options *opt, int argc, char **argv)
{
	struct option long_options[FIELDS + 1] = {0};
	bool seen[FIELDS] = {false};
	int c;

	set_defaults(opt);
	long_options_fill(long_options);
	while ((c = getopt_long(argc, argv, "i:n:hV", long_options, NULL)) != -1) {
		const int i = c >= 256 ? c - 256 : value_of_short(c);

		if (c == '?')
			return OPTIONS_ERROR;
		if (strcmp(fields[i].name, "help") == 0) {
			fputs(help_text, stdout);
			return OPTIONS_EXIT;
		}
		if (strcmp(fields[i].name, "version") == 0) {
			puts("dmvpn-spokes " DMVPN_VERSION);
			return OPTIONS_EXIT;
		}
		if (parse_field(&fields[i], opt, optarg) < 0)
			return OPTIONS_ERROR;
		seen[i] = true;
	}
	if (optind < argc) {
		fprintf(stderr, "dmvpn-spokes: %s: only options are allowed (see --help)\n",
			argv[optind]);
		return OPTIONS_ERROR;
	}
	if (check_required(seen) < 0 || options_check(opt) < 0)
		return OPTIONS_ERROR;
	return OPTIONS_RUN;
}
