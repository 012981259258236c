/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main: START READING HERE for the control core. Options, the table of modules, and the end.
 *
 * The daemon is one process with two kinds of threads: this one, which runs the control loop
 * (hub_loop.c), and a poll-mode worker per configured CPU (dataplane/worker.c). Start-up is the
 * table below, in order; it is undone in reverse, also when it fails half-way.
 *
 * Not done: reload, more than one instance per process.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/events.h"
#include "control/hub.h"
#include "control/log.h"
#include "control/module.h"
#include "control/notify.h"

#define MB (1024.0 * 1024.0)

/* Documented in dmvpnd(8). */
enum exit_status { EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_CONFIG };

/* ---- modules that are one call ---- */

static int notify_init(struct hub *hub)
{
	int rc = notify_open();

	(void)hub;
	if (rc < 0)
		log_sys("NOTIFY_SOCKET: %s", strerror(-rc));
	return rc;
}

static void notify_fini(struct hub *hub)
{
	(void)hub;
	notify_close();
}

static int net_init(struct hub *hub)
{
	int rc = net_open();

	(void)hub;
	if (rc < 0)
		log_sys("%s", net_error());
	return rc;
}

static void net_fini(struct hub *hub)
{
	(void)hub;
	net_close();
}

/* Early: a second daemon on the same socket is refused before it touches anything. Clients wait
 * for the loop to run. */
static int api_init(struct hub *hub)
{
	hub->api = api_start(hub->base, &hub->sources);
	return hub->api == NULL ? -errno : 0;
}

static void api_fini(struct hub *hub)
{
	api_stop(hub->api);
	hub->api = NULL;
}

static void memory_plan_log(const struct dp_conf *conf)
{
	struct dp_memory_plan plan;

	dp_memory_plan(conf, &plan);
	log_info("memory: %-36s %10s %10s %10s", "what", "count", "bytes", "MB");
	for (uint32_t i = 0; i < plan.row_count; i++)
		log_info("memory: %-36s %10llu %10llu %10.1f", plan.rows[i].what,
			 (unsigned long long)plan.rows[i].count,
			 (unsigned long long)plan.rows[i].unit_bytes,
			 (double)plan.rows[i].bytes / MB);
	log_info("memory: %-36s %10s %10s %10.1f", "sum", "", "", (double)plan.total_bytes / MB);
}

static int dataplane_init(struct hub *hub)
{
	struct dp_info info;
	int rc;

	memory_plan_log(&hub->config->dataplane);
	rc = dp_start(&hub->config->dataplane);
	if (rc < 0) {
		log_sys("%s", dp_error());
		return rc;
	}
	dp_info_get(&info);
	log_info("dataplane: %s, %u workers, huge pages %s", info.dpdk_version, info.worker_count,
		 info.huge_pages ? "in use" : "not in use");
	if (!info.keys_locked)
		log_sys("keys of SAs may be swapped out: their memory could not be locked "
			"(LimitMEMLOCK)");
	return 0;
}

static void dataplane_fini(struct hub *hub)
{
	uint32_t leaked;

	dp_stop(&leaked);
	if (leaked == 0) {
		log_info("dataplane: stopped, no mbuf leaked");
		return;
	}
	log_bug("dataplane: stopped, %u mbufs leaked", leaked);
	hub->status = EXIT_FAILED;
}

static int nothing_init(struct hub *hub)
{
	(void)hub;
	return 0;
}

static int ready_init(struct hub *hub)
{
	event_emit(EVENT_DAEMON_START, NULL, "%u ports, %u tunnels", hub->port_count,
		   hub->tunnel_count);
	notify_ready("serving");
	return 0;
}

static void ready_fini(struct hub *hub)
{
	(void)hub;
	notify_stopping("stopping");
}

/* Our routes go to the kernel before the feed brings all that the kernel has into the FIB, and that
 * comes before NHRP: static maps look for the underlay next hop of their spokes. What an earlier
 * run had registered is there before workers begin. Workers come after everything that they read,
 * and stop before it goes. */
static const struct module modules[] = {
	{"service manager", notify_init, notify_fini},
	{"event loop", hub_loop_init, hub_loop_fini},
	{"netlink", net_init, net_fini},
	{"control socket", api_init, api_fini},
	{"dataplane", dataplane_init, dataplane_fini},
	{"punts", hub_punts_init, hub_punts_fini},
	{"ports", hub_ports_init, hub_ports_fini},
	{"tunnels", hub_tunnels_init, hub_tunnels_fini},
	{"routes", hub_routes_init, hub_routes_fini},
	{"kernel's routes", hub_rib_init, hub_rib_fini},
	{"netlink feed", hub_feed_init, hub_feed_fini},
	{"NHRP", hub_nhrp_init, hub_nhrp_fini},
	{"SAs", hub_sas_init, hub_sas_fini},
	{"state file", hub_state_init, hub_state_fini},
	{"workers", hub_workers_init, hub_workers_fini},
	{"farewell", nothing_init, hub_nhrp_farewell},
	{"watch", hub_watch_init, hub_watch_fini},
	{"ready", ready_init, ready_fini},
};
#define MODULES (sizeof(modules) / sizeof(modules[0]))

/* ---- what the options ask for ---- */

struct options {
	const char *config;
	bool check;
	bool debug;
	bool remove_twins;
};

static int run(struct config *config)
{
	struct hub hub = {.config = config, .sources = {.config = config}};

	if (modules_start(modules, MODULES, &hub) < 0)
		return EXIT_FAILED;
	hub_loop_run(&hub);
	modules_stop(modules, MODULES, &hub);
	return hub.status;
}

static int remove_twins(const struct config *config)
{
	int rc = net_open();

	if (rc < 0) {
		log_sys("%s", net_error());
		return EXIT_FAILED;
	}
	rc = hub_twins_remove(config);
	net_close();
	return rc < 0 ? EXIT_FAILED : EXIT_OK;
}

static void usage(FILE *to)
{
	fputs("usage: dmvpnd -c FILE [-d]          run in the foreground\n"
	      "       dmvpnd -n -c FILE            check the configuration, touch nothing\n"
	      "       dmvpnd --remove-twins -c FILE\n"
	      "       dmvpnd -V | -h\n"
	      "  -c, --config FILE   configuration, see dmvpnd.conf(5)\n"
	      "  -n, --check         print \"configuration OK\" or the first error\n"
	      "  -d, --debug         log debug lines\n"
	      "      --remove-twins  remove twins, filters on raw interfaces, routes\n"
	      "  -V, --version       print the version\n"
	      "  -h, --help          print this\n"
	      "exit status: 0 stopped or done, 1 failed, 2 usage, 3 configuration error\n",
	      to);
}

/* -1: go on; else the exit status. */
static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, 'n'},
		{"debug", no_argument, NULL, 'd'},
		{"version", no_argument, NULL, 'V'},
		{"remove-twins", no_argument, NULL, 'R'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:ndVh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'n':
			o->check = true;
			break;
		case 'd':
			o->debug = true;
			break;
		case 'R':
			o->remove_twins = true;
			break;
		case 'V':
			puts("dmvpnd " DMVPN_VERSION);
			return EXIT_OK;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (o->config != NULL && optind == argc)
		return -1;
	usage(stderr);
	return EXIT_USAGE;
}

/* journald's stream is told by its device and inode, so that a redirected stderr is not taken for
 * it. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

/* A descriptor per twin: 1,024 tunnels do not fit the usual soft limit. */
static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct config_error err;
	struct config *config;
	int status;

	status = options_parse(argc, argv, &o);
	if (status >= 0)
		return status;
	log_init(o.debug, stderr_is_journal());
	config = config_load(o.config, &err);
	if (config == NULL) {
		log_sys("%s", err.text);
		return EXIT_CONFIG;
	}
	for (uint32_t i = 0; i < config->warning_count; i++)
		log_sys("%s", config->warnings[i]);
	config->dataplane.debug = o.debug;
	descriptors_raise();
	if (o.check)
		puts("configuration OK");
	else if (o.remove_twins)
		status = remove_twins(config);
	else
		status = run(config);
	config_free(config);
	return o.check ? EXIT_OK : status;
}
