/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dp: starts and stops the dataplane, see dp.h. The table below is the order of its modules; it is
 * undone from the end. Thread: control core.
 */
#include "dp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_version.h>

#include "counters.h"
#include "defer.h"
#include "dp_priv.h"
#include "eal.h"
#include "mcast.h"
#include "plan.h"
#include "peer.h"
#include "port.h"
#include "twin.h"

struct module {
	const char *name;
	int (*init)(const struct dp_conf *conf);
	void (*fini)(void);
};

static int punt_init(const struct dp_conf *conf)
{
	(void)conf;
	return dp_punt_init();
}

/* defer first: every table below frees through it. Ports last: they hold buffers of all others. */
static const struct module modules[] = {
	{"defer", defer_init, defer_fini},
	{"source", source_init, source_fini},
	{"counters", counters_init, counters_fini},
	{"tunnel", tunnel_init, tunnel_fini},
	{"multicast", mcast_members_init, mcast_members_fini},
	{"neigh", neigh_init, neigh_fini},
	{"peer", peer_init, peer_fini},
	{"sa", sa_init, sa_fini},
	{"foreign SPIs", sa_foreign_init, sa_foreign_fini},
	{"spoke", spoke_init, spoke_fini},
	{"nexthop", nexthop_init, nexthop_fini},
	{"fib", fib_init, fib_fini},
	{"worker", worker_init, worker_fini},
	{"SA events", sa_event_init, sa_event_fini},
	{"handover", handover_init, handover_fini},
	{"homes", home_init, home_fini},
	{"punt", punt_init, dp_punt_fini},
	{"twin", twin_init, twin_fini},
	{"port", port_init, port_fini},
};
#define MODULES (sizeof(modules) / sizeof(modules[0]))

struct rte_mempool *dp_pool;
struct rte_mempool *dp_big_pool;

static char error[256];
static bool huge_pages;

const char *dp_error(void)
{
	return error;
}

int dp_error_set(int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, sizeof(error), fmt, ap);
	va_end(ap);
	return rc;
}

/* rte_pktmbuf_pool_create, but for the flag: with 4 KB pages buffers would not cross them, and half
 * of the memory would stay empty. Without huge pages IOVAs are virtual, hence contiguous anyway. */
static int pool_create(struct rte_mempool **pool,
		       const char *name,
		       uint32_t count,
		       uint32_t data_bytes,
		       uint32_t cache)
{
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = (uint16_t)data_bytes,
		.mbuf_priv_size = sizeof(struct dp_meta),
	};
	unsigned size = sizeof(struct rte_mbuf) + sizeof(struct dp_meta) + data_bytes;
	int socket = huge_pages ? (int)rte_lcore_to_socket_id(EAL_WORKER_LCORE(0)) : SOCKET_ID_ANY;
	struct rte_mempool *mp =
		rte_mempool_create_empty(name, count, size, cache, sizeof(priv), socket,
					 huge_pages ? 0 : RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	int rc;

	if (mp == NULL)
		return -rte_errno;
	rc = rte_mempool_set_ops_byname(mp, rte_mbuf_best_mempool_ops(), NULL);
	if (rc == 0) {
		rte_pktmbuf_pool_init(mp, &priv);
		rc = rte_mempool_populate_default(mp);
	}
	if (rc < 0) {
		rte_mempool_free(mp);
		return rc;
	}
	rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
	*pool = mp;
	return 0;
}

static void pools_free(void)
{
	rte_mempool_free(dp_pool);
	rte_mempool_free(dp_big_pool);
	dp_pool = dp_big_pool = NULL;
}

static int pools_create(const struct dp_memory_plan *p)
{
	int rc = pool_create(&dp_pool, "packets", p->mbuf_count, p->mbuf_data_bytes,
			     PLAN_MBUF_CACHE);

	if (rc < 0)
		return dp_error_set(rc, "packet buffers: %u of %u bytes: %s", p->mbuf_count,
				    p->mbuf_data_bytes, rte_strerror(-rc));
	rc = pool_create(&dp_big_pool, "large packets", p->big_mbuf_count, p->big_mbuf_data_bytes,
			 PLAN_BIG_MBUF_CACHE);
	if (rc == 0)
		return 0;
	pools_free();
	return dp_error_set(rc, "large packet buffers: %u of %u bytes: %s", p->big_mbuf_count,
			    p->big_mbuf_data_bytes, rte_strerror(-rc));
}

static void modules_fini(size_t count)
{
	while (count-- > 0)
		modules[count].fini();
}

static int modules_init(const struct dp_conf *conf)
{
	int rc;

	for (size_t i = 0; i < MODULES; i++) {
		rc = modules[i].init(conf);
		if (rc == 0)
			continue;
		if (error[0] == '\0')
			dp_error_set(rc, "dataplane: %s: %s", modules[i].name, rte_strerror(-rc));
		modules_fini(i);
		return rc;
	}
	return 0;
}

int dp_start(const struct dp_conf *conf)
{
	struct dp_memory_plan plan;
	int rc;

	error[0] = '\0';
	dp_memory_plan(conf, &plan);
	rc = eal_start(conf, &plan, &huge_pages);
	if (rc < 0)
		return rc;
	rc = pools_create(&plan);
	if (rc < 0)
		goto err_eal;
	rc = modules_init(conf);
	if (rc == 0)
		return 0;
	pools_free();
err_eal:
	eal_stop();
	return rc;
}

void dp_stop(uint32_t *leaked_mbufs)
{
	/* No worker is online: all that was deferred is due, while its tables are still there. */
	defer_poll();
	modules_fini(MODULES);
	*leaked_mbufs = rte_mempool_in_use_count(dp_pool) + rte_mempool_in_use_count(dp_big_pool);
	pools_free();
	eal_stop();
}

void dp_poll(void)
{
	uint64_t now_tsc = rte_rdtsc();

	defer_poll();
	sa_poll();
	sa_event_poll(now_tsc);
	peer_poll(now_tsc);
}

void dp_info_get(struct dp_info *info)
{
	*info = (struct dp_info){
		.huge_pages = huge_pages,
		.worker_count = dp_worker_count,
		.tsc_hz = rte_get_tsc_hz(),
		.mbuf_count = dp_pool->size,
		.mbuf_in_use = rte_mempool_in_use_count(dp_pool),
		.defer_pending = defer_pending(),
		.defer_full = defer_full_count(),
		.keys_locked = sa_memory_is_locked(),
		.sa_keys_forgotten = sa_counter_full(),
		.dpdk_version = rte_version(),
	};
}
