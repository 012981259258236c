/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Start, stop and size of the dataplane. Order of calls: dp_memory_plan, dp_start, dp_port_add for
 * each port, dp_workers_start, ... dp_workers_stop, dp_stop.
 *
 * Context: control, all of it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DP_NAME_LEN \
	32 /* names of ports and tunnels, with the NUL; the kernel's limit is 15 + NUL */
#define DP_WORKERS_MAX 16
#define DP_PORTS_MAX   16
#define DP_BURST       32 /* packets a stage handles at once; PERFORMANCE: 32 to 64 is the flat part */

enum dp_huge_pages { DP_HUGE_AUTO, DP_HUGE_REQUIRED, DP_HUGE_OFF };
enum dp_idle { DP_IDLE_POLL, DP_IDLE_SLEEP };

/* Fixed capacities: every table has one, is checked against it, and counts "full". */
struct dp_limits {
	uint32_t tunnels;
	uint32_t spokes;     /* (tunnel, peer) pairs */
	uint32_t nexthops;   /* NHRP entries: overlay next hops over all tunnels */
	uint32_t routes;     /* per VRF */
	uint32_t tbl8;       /* groups of 256 for prefixes longer than /24, per VRF */
	uint32_t neighbours; /* underlay and LAN neighbours */
	uint32_t sas;        /* security associations, each one direction */
};

struct dp_conf {
	uint32_t control_lcore;                 /* CPU of the control core */
	uint32_t worker_lcores[DP_WORKERS_MAX]; /* CPUs of the workers */
	uint32_t worker_count;
	enum dp_huge_pages huge_pages;
	enum dp_idle idle;
	struct dp_limits limits;
	/* From the ports, known before EAL starts: they size the buffer pool. */
	uint32_t mtu_max;         /* bytes, largest port MTU */
	uint32_t descriptors_sum; /* rx + tx descriptors over all queues of all ports */
	bool debug;               /* EAL and PMD log lines at debug level */
};

/* One row of the memory table of DESIGN section 5. */
struct dp_memory_row {
	const char *what;
	uint64_t count;
	uint64_t unit_bytes;
	uint64_t bytes; /* count x unit_bytes */
};
#define DP_MEMORY_ROWS_MAX 40

/* What the control core keeps per route of the kernel and per thing that routes say
 * (control/rib): in the plan like everything else. */
#define DP_CONTROL_ROUTE_BYTES 36
#define DP_CONTROL_VIA_BYTES   256
/* How many of the latter there can be: gateways of all kinds, and combinations of them. */
#define DP_CONTROL_VIAS(limits) ((limits)->nexthops + (limits)->neighbours + 8192)

struct dp_memory_plan {
	struct dp_memory_row rows[DP_MEMORY_ROWS_MAX];
	uint32_t row_count;
	uint64_t total_bytes;
	uint32_t mbuf_count;
	uint32_t mbuf_data_bytes; /* headroom + data room of one buffer */
	uint32_t big_mbuf_count;  /* for reassembled packets that these do not hold */
	uint32_t big_mbuf_data_bytes;
};

struct dp_info {
	bool huge_pages;
	uint32_t worker_count;
	uint64_t tsc_hz;
	uint32_t mbuf_count;
	uint32_t mbuf_in_use;
	uint64_t defer_pending;     /* objects waiting for a grace period */
	uint64_t defer_full;        /* changes refused because that queue was full */
	bool keys_locked;           /* memory with keys is not swapped, and in no core dump */
	uint64_t sa_keys_forgotten; /* deleted keys whose last number there was no room for */
	const char *dpdk_version;
};

/* Text of the last error of a dp_* call: "port wan0: ...". Valid until the next call. */
const char *dp_error(void);

/* Fills the table from capacities alone; no EAL. */
void dp_memory_plan(const struct dp_conf *conf, struct dp_memory_plan *plan);

/*
 * Starts EAL on the calling thread (which becomes the control core) and creates every table.
 * -ENOMEM when the plan does not fit (dp_error names sum and what there is), -ENODEV when huge
 * pages are required and missing, -EINVAL for a CPU that does not exist.
 */
int dp_start(const struct dp_conf *conf);

int dp_workers_start(void);
void dp_workers_stop(void);

/*
 * Stops ports, frees every table, and reports buffers that are still in use in *leaked_mbufs:
 * anything but 0 is a bug of ours.
 */
void dp_stop(uint32_t *leaked_mbufs);

void dp_info_get(struct dp_info *info);

/* Housekeeping, once per turn of the control loop: deferred frees, grace periods. */
void dp_poll(void);
