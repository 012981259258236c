/* SPDX-License-Identifier: Apache-2.0 */
/*
 * methods_tunnels: tunnels, with the packets of all their spokes and of strangers: outer sources
 * that are no spoke.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/config.h"
#include "dataplane/dp_mcast.h"
#include "dataplane/dp_tunnel.h"
#include "methods.h"

static const struct config_tunnel *tunnel_config(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->tunnel_count; i++)
		if (strcmp(config->tunnels[i].name, name) == 0)
			return &config->tunnels[i];
	return NULL;
}

/* What only the configuration knows. */
static void tunnel_config_set(json_t *row, const struct config_tunnel *tunnel)
{
	if (!tunnel)
		return;
	json_object_set_new(row, "addresses",
			    page_prefixes(tunnel->addresses, tunnel->address_count));
	json_object_set_new(row, "holdtime_s", json_integer(tunnel->nhrp.holdtime_s));
	json_object_set_new(row, "install_routes", json_boolean(tunnel->nhrp.install_routes));
	json_object_set_new(row, "static_maps", json_integer(tunnel->nhrp.map_count));
	json_object_set_new(row, "mcast_dynamic", json_boolean(tunnel->nhrp.multicast_dynamic));
	json_object_set_new(
		row, "mcast_lan_groups",
		page_prefixes(tunnel->nhrp.multicast_groups, tunnel->nhrp.multicast_group_count));
}

static const struct page_counter tunnel_counters[] = {
	{"rx_pkts", offsetof(struct dp_tunnel_counters, all.rx_pkts)},
	{"rx_bytes", offsetof(struct dp_tunnel_counters, all.rx_bytes)},
	{"tx_pkts", offsetof(struct dp_tunnel_counters, all.tx_pkts)},
	{"tx_bytes", offsetof(struct dp_tunnel_counters, all.tx_bytes)},
	{"stranger_rx_pkts", offsetof(struct dp_tunnel_counters, strangers.rx_pkts)},
	{"stranger_rx_bytes", offsetof(struct dp_tunnel_counters, strangers.rx_bytes)},
	{NULL},
};

static const struct page_counter mcast_counters[] = {
	{"mcast_pkts", offsetof(struct dp_mcast_info, counters.packets)},
	{"mcast_copies", offsetof(struct dp_mcast_info, counters.copies)},
	{"mcast_full", offsetof(struct dp_mcast_info, counters.full)},
	{"mcast_nobody", offsetof(struct dp_mcast_info, counters.nobody)},
	{"mcast_unmade", offsetof(struct dp_mcast_info, counters.unmade)},
	{"mcast_too_long", offsetof(struct dp_mcast_info, counters.too_long)},
	{NULL},
};
_Static_assert(sizeof(struct dp_mcast_counters) ==
		       (sizeof(mcast_counters) / sizeof(mcast_counters[0]) - 1) * 8,
	       "a new counter of multicast goes into mcast_counters");

static void mcast_set(json_t *row, uint16_t tunnel)
{
	struct dp_mcast_info info;

	if (dp_mcast_info_get(tunnel, &info) < 0)
		return;
	json_object_set_new(row, "mcast_members", json_integer(info.members));
	page_counters_set(row, mcast_counters, &info);
}

/* What is known of all tunnels after one walk over their spokes. */
struct tunnel_sums {
	uint32_t max;
	struct method_spoke_count *spokes;   /* [max] */
	struct dp_tunnel_counters *counters; /* [max] */
};

static int sums_get(struct tunnel_sums *sums, const struct api_sources *sources)
{
	sums->max = sources->config->dataplane.limits.tunnels;
	sums->spokes = calloc(sums->max, sizeof(*sums->spokes));
	sums->counters = calloc(sums->max, sizeof(*sums->counters));
	if (!sums->spokes || !sums->counters)
		return -ENOMEM;
	method_spokes_count(sources, sums->spokes, sums->max);
	dp_tunnel_counters_get(sums->counters, sums->max);
	return 0;
}

static void sums_free(struct tunnel_sums *sums)
{
	free(sums->spokes);
	free(sums->counters);
}

static json_t *tunnel_json(const struct api_env *env,
			   uint16_t tunnel,
			   const struct dp_tunnel_conf *conf,
			   const struct tunnel_sums *sums)
{
	json_t *row = json_pack(
		"{s:i, s:o, s:o, s:o, s:i, s:i, s:I, s:b, s:i, s:i, s:i}", "tunnel", tunnel, "name",
		page_text(conf->name), "source", page_addr(&conf->source), "key",
		conf->has_key ? json_integer(conf->key) : json_null(), "mtu", conf->mtu, "ttl",
		conf->ttl, "network_id", (json_int_t)conf->network_id, "redirect", conf->redirect,
		"redirect_interval_s", conf->redirect_interval_s, "vrf", conf->vrf, "underlay_vrf",
		conf->underlay_vrf);

	if (!row)
		return NULL;
	json_object_set_new(row, "spokes", json_integer(sums->spokes[tunnel].spokes));
	json_object_set_new(row, "spokes_up", json_integer(sums->spokes[tunnel].up));
	page_counters_set(row, tunnel_counters, &sums->counters[tunnel]);
	mcast_set(row, tunnel);
	tunnel_config_set(row, tunnel_config(env->sources->config, conf->name));
	json_object_set_new(row, "twin", method_twin(DP_TWIN_TUNNEL, tunnel));
	return row;
}

json_t *method_tunnel_list(struct rpc_call *call)
{
	const struct api_env *env = method_env(call);
	struct dp_tunnel_conf conf;
	struct tunnel_sums sums;
	struct page page;
	uint64_t tunnel;

	if (page_cursor_get(call, &tunnel) < 0)
		return page_cursor_refuse(call);
	if (sums_get(&sums, env->sources) < 0) {
		sums_free(&sums);
		return NULL;
	}
	page_begin(&page, call, "tunnels");
	for (; page.left > 0 && tunnel < sums.max; tunnel++)
		if (dp_tunnel_conf_get((uint16_t)tunnel, &conf) == 0)
			page_add(&page, tunnel_json(env, (uint16_t)tunnel, &conf, &sums));
	sums_free(&sums);
	return page_end_at(&page, tunnel < sums.max, tunnel);
}
