/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counters: packets of spokes and tunnels, see dp_spoke.h and dp_tunnel.h.
 *
 * Each worker has a row per spoke, and one per tunnel for those who are no spokes of it; only it
 * writes them. A tunnel's numbers are sums of these, and of spokes that are gone: their rows are
 * added up here after the grace period, when no worker counts for them any more.
 * Thread: control core; readers may be a burst behind.
 */
#include "counters.h"

#include <errno.h>
#include <stdlib.h>

#include "spoke.h"

static struct dp_spoke_counters *gone; /* [limits.tunnels] */
static uint32_t spokes_max, tunnels_max;

int counters_init(const struct dp_conf *conf)
{
	spokes_max = conf->limits.spokes;
	tunnels_max = conf->limits.tunnels;
	gone = calloc(tunnels_max, sizeof(*gone));
	return gone == NULL ? -ENOMEM : 0;
}

void counters_fini(void)
{
	free(gone);
	gone = NULL;
}

static void add(struct dp_spoke_counters *sum, const struct dp_spoke_counters *c)
{
	sum->rx_pkts += c->rx_pkts;
	sum->rx_bytes += c->rx_bytes;
	sum->tx_pkts += c->tx_pkts;
	sum->tx_bytes += c->tx_bytes;
}

static void add_spoke(struct dp_spoke_counters *sum, uint32_t spoke)
{
	for (uint32_t i = 0; i < dp_worker_count; i++)
		add(sum, &dp_workers[i]->spokes[spoke]);
}

static void add_strangers(struct dp_spoke_counters *sum, uint16_t tunnel)
{
	for (uint32_t i = 0; i < dp_worker_count; i++)
		add(sum, &dp_workers[i]->strangers[tunnel]);
}

void counters_spoke_start(uint32_t spoke)
{
	for (uint32_t i = 0; i < dp_worker_count; i++)
		dp_workers[i]->spokes[spoke] = (struct dp_spoke_counters){0};
}

void counters_spoke_end(uint32_t spoke, uint16_t tunnel)
{
	add_spoke(&gone[tunnel], spoke);
}

void counters_tunnel_start(uint16_t tunnel)
{
	gone[tunnel] = (struct dp_spoke_counters){0};
	for (uint32_t i = 0; i < dp_worker_count; i++)
		dp_workers[i]->strangers[tunnel] = (struct dp_spoke_counters){0};
}

int dp_spoke_counters_get(uint32_t spoke, struct dp_spoke_counters *counters)
{
	*counters = (struct dp_spoke_counters){0};
	if (spoke == 0) {
		for (uint32_t t = 0; t < tunnels_max; t++)
			add_strangers(counters, (uint16_t)t);
		return 0;
	}
	if (!spoke_exists(spoke))
		return -ENOENT;
	add_spoke(counters, spoke);
	return 0;
}

uint32_t dp_tunnel_counters_get(struct dp_tunnel_counters *counters, uint32_t max)
{
	max = max < tunnels_max ? max : tunnels_max;
	for (uint32_t t = 0; t < max; t++) {
		counters[t] = (struct dp_tunnel_counters){.all = gone[t]};
		add_strangers(&counters[t].strangers, (uint16_t)t);
		add(&counters[t].all, &counters[t].strangers);
	}
	for (uint32_t i = 1; i <= spokes_max; i++) {
		int tunnel = spoke_tunnel(i);

		if (tunnel >= 0 && (uint32_t)tunnel < max)
			add_spoke(&counters[tunnel].all, i);
	}
	return max;
}
