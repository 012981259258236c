/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eal: the arguments of rte_eal_init, made from the configuration and the memory plan.
 *
 * Nothing is shared with other processes on the machine: no telemetry socket, no shared
 * configuration, memory without a name in a file system. So two hubs run side by side on one
 * machine; the run-time directory of their common prefix stays empty.
 * Devices are not given here: dp_port_add probes them one by one, so that a failure has a port's
 * name. The PCI bus is put into allow-list mode by an address that no machine has, otherwise EAL
 * would take every NIC that happens to be bound to VFIO.
 * Thread: control core only; it becomes EAL's main lcore and is pinned to its CPU.
 */
#include "eal.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "dp_priv.h"

#define HUGE_SYSFS    "/sys/kernel/mm/hugepages"
#define PCI_SYSFS     "/sys/bus/pci/devices"
#define MB            (1024UL * 1024)

#define ARGS_MAX      24
#define ARG_BYTES_MAX 512 /* --lcores of DP_WORKERS_MAX is the longest */

/* EAL keeps pointers into its argv. */
static struct {
	int count;
	char *argv[ARGS_MAX + 1];
	char text[ARGS_MAX][ARG_BYTES_MAX];
} args;

static void arg_add(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void arg_add(const char *fmt, ...)
{
	va_list ap;

	RTE_VERIFY(args.count < ARGS_MAX);
	va_start(ap, fmt);
	vsnprintf(args.text[args.count], ARG_BYTES_MAX, fmt, ap);
	va_end(ap);
	args.argv[args.count] = args.text[args.count];
	args.count++;
}

static uint64_t to_mb(uint64_t bytes)
{
	return (bytes + MB - 1) / MB;
}

/* Pages of 2 MB; EAL's heaps take whole pages, hence a few more. */
static uint64_t huge_pages_for(uint64_t bytes)
{
	return bytes / (2 * MB) + 8;
}

/* The first number in a file, 0 when there is none. */
static uint64_t file_number(const char *dir, const char *name, const char *file)
{
	char path[512];
	uint64_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

uint64_t eal_huge_bytes_free(const char *sysfs)
{
	uint64_t bytes = 0, size_kb, pages, reserved;
	struct dirent *e;
	DIR *d = opendir(sysfs);

	if (d == NULL)
		return 0;
	while ((e = readdir(d)) != NULL) {
		if (sscanf(e->d_name, "hugepages-%lukB", &size_kb) != 1)
			continue;
		pages = file_number(sysfs, e->d_name, "free_hugepages");
		/* Promised to another process that has not touched them yet. */
		reserved = file_number(sysfs, e->d_name, "resv_hugepages");
		if (pages > reserved)
			bytes += (pages - reserved) * size_kb * 1024;
	}
	closedir(d);
	return bytes;
}

/* MemAvailable of /proc/meminfo; UINT64_MAX when the kernel does not say. */
static uint64_t memory_bytes_available(void)
{
	uint64_t kb = UINT64_MAX / 1024;
	char line[128];
	FILE *f = fopen("/proc/meminfo", "re");

	if (f == NULL)
		return UINT64_MAX;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %lu kB", &kb) == 1)
			break;
	fclose(f);
	return kb * 1024;
}

/* Chooses the kind of memory, and refuses what does not fit. */
static int memory_choose(const struct dp_conf *conf, uint64_t need, bool *huge)
{
	uint64_t huge_free = conf->huge_pages == DP_HUGE_OFF ? 0 : eal_huge_bytes_free(HUGE_SYSFS);
	uint64_t available = memory_bytes_available();

	*huge = huge_free >= need;
	if (*huge)
		return 0;
	if (conf->huge_pages == DP_HUGE_REQUIRED)
		return dp_error_set(huge_free == 0 ? -ENODEV : -ENOMEM,
				    "huge-pages: required: tables and buffers need %lu MB, %lu MB "
				    "of huge pages are free (sysctl -w vm.nr_hugepages=%lu)",
				    to_mb(need), huge_free / MB, huge_pages_for(need));
	if (need > available)
		return dp_error_set(-ENOMEM,
				    "limits: tables and buffers need %lu MB, but only %lu MB of "
				    "memory are available",
				    to_mb(need), available / MB);
	if (conf->huge_pages == DP_HUGE_AUTO)
		fprintf(stderr,
			"dmvpnd: without huge pages forwarding is slow: %lu MB are needed, %lu MB "
			"are free (sysctl -w vm.nr_hugepages=%lu)\n",
			to_mb(need), huge_free / MB, huge_pages_for(need));
	return 0;
}

/* Whether this thread may run there: the CPU exists, is online, and no cpuset forbids it. */
static bool cpu_usable(uint32_t cpu)
{
	cpu_set_t before, one;
	bool usable;

	if (cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof(before), &before) < 0)
		return false;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	usable = sched_setaffinity(0, sizeof(one), &one) == 0;
	sched_setaffinity(0, sizeof(before), &before);
	return usable;
}

static int cpus_check(const struct dp_conf *conf)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (conf->worker_count < 1 || conf->worker_count > DP_WORKERS_MAX)
		return dp_error_set(-EINVAL, "worker-lcores: %u workers (1 to %u)",
				    conf->worker_count, DP_WORKERS_MAX);
	if (!cpu_usable(conf->control_lcore))
		return dp_error_set(-EINVAL,
				    "control-lcore: %u: no such CPU, or not ours to use (%ld are "
				    "online, from 0)",
				    conf->control_lcore, cpus);
	for (uint32_t i = 0; i < conf->worker_count; i++)
		if (!cpu_usable(conf->worker_lcores[i]))
			return dp_error_set(-EINVAL,
					    "worker-lcores: %u: no such CPU, or not ours to use "
					    "(%ld are online, from 0)",
					    conf->worker_lcores[i], cpus);
	return 0;
}

static void lcores_add(const struct dp_conf *conf)
{
	char map[ARG_BYTES_MAX];
	int n = snprintf(map, sizeof(map), "0@%u", conf->control_lcore);

	for (uint32_t i = 0; i < conf->worker_count; i++)
		n += snprintf(map + n, sizeof(map) - (size_t)n, ",%u@%u", EAL_WORKER_LCORE(i),
			      conf->worker_lcores[i]);
	arg_add("--lcores");
	arg_add("%s", map);
	arg_add("--main-lcore");
	arg_add("0");
}

static void memory_add(uint64_t need, bool huge)
{
	if (huge) {
		/* IOVA mode is EAL's choice: physical addresses where there is no IOMMU. */
		arg_add("--in-memory");
		return;
	}
	arg_add("--no-huge");
	arg_add("--no-shconf");
	arg_add("--iova-mode=va");
	arg_add("-m");
	arg_add("%lu", to_mb(need));
}

static void args_build(const struct dp_conf *conf, uint64_t need, bool huge)
{
	args.count = 0;
	arg_add("dmvpnd");
	lcores_add(conf);
	memory_add(need, huge);
	arg_add("--no-telemetry");
	arg_add("--file-prefix=dmvpn-hub");
	/* rte_fib's AVX-512 look-up is refused otherwise. */
	arg_add("--force-max-simd-bitwidth=512");
	arg_add("--log-level=%s", conf->debug ? "*:info" : "*:error");
	if (access(PCI_SYSFS, F_OK) == 0) {
		arg_add("-a");
		arg_add("ffff:ff:1f.7");
	} else {
		arg_add("--no-pci");
	}
	args.argv[args.count] = NULL;
}

int eal_start(const struct dp_conf *conf, const struct dp_memory_plan *plan, bool *huge)
{
	uint64_t need = plan->total_bytes;
	sigset_t all, before;
	int rc = cpus_check(conf);

	if (rc < 0)
		return rc;
	rc = memory_choose(conf, need, huge);
	if (rc < 0)
		return rc;
	args_build(conf, need, *huge);
	/* EAL would copy each line to syslog. */
	rte_openlog_stream(stderr);
	/* Threads that EAL makes inherit the mask: signals stay with the control core. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = rte_eal_init(args.count, args.argv);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc < 0)
		return dp_error_set(rte_errno ? -rte_errno : -EIO, "EAL: %s",
				    rte_strerror(rte_errno));
	return 0;
}

void eal_stop(void)
{
	rte_eal_cleanup();
}
