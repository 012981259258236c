/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmvpnctl: the command line over the control socket. `show NOUN` reads one result and prints it as
 * a table or as the JSON that came; `call` is any method as it is. Nothing is known here that the
 * socket does not say.
 */
#include "dmvpnctl.h"

#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_S_DEFAULT 10

struct command {
	const char *socket;
	unsigned timeout_s;
	struct ctl_options options;
};

static void usage(FILE *out)
{
	fputs("usage: dmvpnctl [OPTION...] show NOUN\n"
	      "       dmvpnctl [OPTION...] call METHOD [PARAMS]\n"
	      "                        PARAMS: a JSON object, or - for one on standard input\n"
	      "\n"
	      "nouns:\n",
	      out);
	for (const struct ctl_noun *noun = ctl_nouns; noun->name; noun++)
		fprintf(out, "  %-10s %s\n", noun->name, noun->help);
	fprintf(out,
		"\n"
		"options:\n"
		"  -s SOCKET   control socket of the daemon (%s)\n"
		"  -t SECONDS  how long to wait for an answer (%d)\n"
		"  -j          print the result as JSON\n"
		"  -a          print counters that are 0 too\n"
		"  -w SECONDS  print again and again, with rates\n"
		"  -V, -h      version; this text\n",
		CTL_SOCKET_DEFAULT, TIMEOUT_S_DEFAULT);
}

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "dmvpnctl: %s: %s (dmvpnctl -h says what there is)\n", what, value);
	return CTL_USAGE;
}

static int seconds_parse(const char *option, const char *text, unsigned *seconds)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || value < 1 || value > 3600) {
		fprintf(stderr, "dmvpnctl: %s %s: must be 1..3600 seconds\n", option, text);
		return CTL_USAGE;
	}
	*seconds = (unsigned)value;
	return CTL_OK;
}

static int json_print(FILE *out, const json_t *value, size_t flags)
{
	if (json_dumpf(value, out, flags | JSON_ENCODE_ANY) < 0 || fputc('\n', out) == EOF ||
	    fflush(out) == EOF) {
		fprintf(stderr, "dmvpnctl: cannot write the result\n");
		return CTL_INTERNAL;
	}
	return CTL_OK;
}

/* ---- show ---- */

static int noun_fetch(struct ctl_client *client, const struct ctl_noun *noun, json_t **result)
{
	json_t *second = NULL;
	int rc = ctl_fetch(client, noun->method, noun->key, result);

	if (rc != CTL_OK || !noun->method2)
		return rc;
	rc = ctl_fetch(client, noun->method2, noun->key2, &second);
	if (rc == CTL_OK)
		json_object_set(*result, noun->key2, json_object_get(second, noun->key2));
	json_decref(second);
	return rc;
}

/* As much as fits; each line wipes what was there before, so that nothing flickers. */
static void screen_print(const char *text)
{
	struct winsize size = {0};
	unsigned row = 0;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0) {
		printf("%s\n", text);
		return;
	}
	fputs("\033[H", stdout);
	while (*text && ++row < size.ws_row) {
		const size_t len = strcspn(text, "\n");

		printf("%.*s\033[K\n", (int)(len < size.ws_col ? len : size.ws_col), text);
		text += len + (text[len] == '\n');
	}
	fputs("\033[J", stdout);
}

static int watch_print(const struct ctl_noun *noun,
		       const json_t *result,
		       const struct ctl_options *options,
		       struct ctl_rates *rates)
{
	char *text = NULL, now[32];
	size_t len = 0;
	FILE *out;
	const time_t t = time(NULL);

	if (options->json)
		return json_print(stdout, result, JSON_COMPACT);
	out = open_memstream(&text, &len);
	if (!out)
		return CTL_INTERNAL;
	strftime(now, sizeof(now), "%H:%M:%S", localtime(&t));
	fprintf(out, "%s  %s\n\n", noun->name, now);
	noun->print(out, result, options, rates);
	fclose(out);
	screen_print(text);
	free(text);
	return fflush(stdout) == EOF ? CTL_INTERNAL : CTL_OK;
}

static double clock_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Until an error or a signal. */
static int noun_watch(struct ctl_client *client,
		      const struct ctl_noun *noun,
		      const struct ctl_options *options)
{
	json_t *result = NULL, *previous = NULL;
	double read_at, before = 0;
	int rc;

	if (isatty(STDOUT_FILENO) && !options->json)
		fputs("\033[2J", stdout);
	for (;;) {
		struct ctl_rates rates = {0};

		read_at = clock_s();
		rc = noun_fetch(client, noun, &result);
		if (rc != CTL_OK)
			break;
		if (noun->key && previous)
			rates.previous = json_object_get(previous, noun->key);
		rates.seconds = read_at - before;
		rc = watch_print(noun, result, options, &rates);
		if (rc != CTL_OK)
			break;
		json_decref(previous);
		previous = result;
		result = NULL;
		before = read_at;
		poll(NULL, 0, (int)options->watch_s * 1000);
	}
	json_decref(result);
	json_decref(previous);
	return rc;
}

static int noun_show(struct ctl_client *client,
		     const struct ctl_noun *noun,
		     const struct ctl_options *options)
{
	struct ctl_rates rates = {0};
	json_t *result = NULL;
	int rc = noun_fetch(client, noun, &result);

	if (rc == CTL_OK && options->json)
		rc = json_print(stdout, result, JSON_INDENT(2));
	else if (rc == CTL_OK)
		noun->print(stdout, result, options, &rates);
	if (rc == CTL_OK && fflush(stdout) == EOF)
		rc = CTL_INTERNAL;
	json_decref(result);
	return rc;
}

static int show(const struct command *command, const char *name)
{
	const struct ctl_noun *noun = ctl_nouns;
	struct ctl_client client;
	int rc;

	while (noun->name && strcmp(noun->name, name) != 0)
		noun++;
	if (!noun->name)
		return usage_error("show: no such noun", name);
	rc = ctl_open(&client, command->socket, command->timeout_s);
	if (rc == CTL_OK && command->options.watch_s > 0)
		rc = noun_watch(&client, noun, &command->options);
	else if (rc == CTL_OK)
		rc = noun_show(&client, noun, &command->options);
	ctl_close(&client);
	return rc;
}

/* ---- call ---- */

static int call(const struct command *command, const char *method, const char *text)
{
	json_t *params = NULL, *result = NULL;
	struct ctl_client client;
	json_error_t err;
	int rc;

	if (text) {
		/* Keys do not belong on a command line: everybody sees it. */
		if (strcmp(text, "-") == 0)
			params = json_loadf(stdin, JSON_REJECT_DUPLICATES, &err);
		else
			params = json_loads(text, JSON_REJECT_DUPLICATES, &err);
		if (!params) {
			fprintf(stderr, "dmvpnctl: PARAMS: column %d: %s\n", err.column, err.text);
			return CTL_USAGE;
		}
	}
	rc = ctl_open(&client, command->socket, command->timeout_s);
	if (rc == CTL_OK)
		rc = ctl_call(&client, method, params, &result);
	else
		json_decref(params);
	if (rc == CTL_OK)
		rc = json_print(stdout, result, JSON_INDENT(2));
	json_decref(result);
	ctl_close(&client);
	return rc;
}

/* CTL_OK with *done: there is nothing more to do. */
static int options_parse(struct command *command, int argc, char **argv, bool *done)
{
	int c, rc = CTL_OK;

	*done = false;
	while (rc == CTL_OK && !*done && (c = getopt(argc, argv, "s:t:w:jahV")) != -1) {
		switch (c) {
		case 's':
			command->socket = optarg;
			break;
		case 't':
			rc = seconds_parse("-t", optarg, &command->timeout_s);
			break;
		case 'w':
			rc = seconds_parse("-w", optarg, &command->options.watch_s);
			break;
		case 'j':
			command->options.json = true;
			break;
		case 'a':
			command->options.all = true;
			break;
		case 'V':
			printf("dmvpnctl %s\n", DMVPN_VERSION);
			*done = true;
			break;
		case 'h':
			usage(stdout);
			*done = true;
			break;
		default:
			rc = CTL_USAGE;
		}
	}
	return rc;
}

int main(int argc, char **argv)
{
	struct command command = {.socket = CTL_SOCKET_DEFAULT, .timeout_s = TIMEOUT_S_DEFAULT};
	bool done;
	int rc = options_parse(&command, argc, argv, &done);

	if (rc != CTL_OK || done)
		return rc;
	argc -= optind;
	argv += optind;
	if (argc == 2 && strcmp(argv[0], "show") == 0)
		return show(&command, argv[1]);
	if ((argc == 2 || argc == 3) && strcmp(argv[0], "call") == 0)
		return call(&command, argv[1], argv[2]);
	usage(stderr);
	return CTL_USAGE;
}
