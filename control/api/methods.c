/* SPDX-License-Identifier: Apache-2.0 */
/*
 * methods: the table of the API, one row per method. Help and parameters are data here, so that
 * system.methods, the checks in rpc.c and the man page speak of the same things.
 */
#include "methods.h"

#include "dataplane/dp_port.h"
#include "dataplane/dp_tunnel.h"

const struct rpc_method api_methods[] = {
	{"system.info", "version, uptime, capacities and how full they are", NULL,
	 method_system_info},
	{"system.methods", "this list: name, help and parameters of each method", NULL,
	 method_system_methods},
	{"spoke.list", "spokes: NBMA and protocol addresses, state, counters", page_params,
	 method_spoke_list},
	{"nhrp.list", "NHRP cache: protocol address to NBMA address", page_params,
	 method_nhrp_list},
	{"nhs.list", "hubs that this hub is a client of: state of the registration", page_params,
	 method_nhs_list},
	{"nhrp.traffic", "NHRP packets received, sent, refused and dropped, by reason", page_params,
	 method_nhrp_traffic},
	{"route.list", "routes that the workers forward by", page_params, method_route_list},
	{"port.list", "ports: device, link, offloads, counters, twin", page_params,
	 method_port_list},
	{"tunnel.list", "mGRE tunnels: configuration, spokes, twin", page_params,
	 method_tunnel_list},
	{"drop.list", "every reason to drop a packet, with its counters", page_params,
	 method_drop_list},
	{"worker.list", "worker cores: packets by where they came from and went", page_params,
	 method_worker_list},
	{"sa.list", "ESP security associations, without their keys", page_params, method_sa_list},
	{"sa.add", "adds an ESP security association, or replaces it", sa_add_params,
	 method_sa_add},
	{"sa.delete", "deletes an ESP security association", sa_delete_params, method_sa_delete},
	{"event.list", "what changed lately, oldest first", page_params, method_event_list},
	{NULL},
};

json_t *method_tunnel_name(uint16_t tunnel)
{
	struct dp_tunnel_conf conf;

	return dp_tunnel_conf_get(tunnel, &conf) < 0 ? json_null() : page_text(conf.name);
}

json_t *method_iface(const struct dp_iface *iface)
{
	struct dp_port_info port;

	switch ((enum dp_iface_kind)iface->kind) {
	case DP_IFACE_NONE:
		return json_null();
	case DP_IFACE_PORT:
		return dp_port_info_get(iface->id, &port) < 0 ? json_null() : page_text(port.name);
	case DP_IFACE_TUNNEL:
		return method_tunnel_name(iface->id);
	}
	return json_null();
}

json_t *method_twin(enum dp_twin_kind kind, uint16_t id)
{
	static const struct page_counter counters[] = {
		PAGE_COUNTER(dp_twin_stats, to_kernel_pkts),
		PAGE_COUNTER(dp_twin_stats, to_kernel_drops),
		PAGE_COUNTER(dp_twin_stats, from_kernel_pkts),
		PAGE_COUNTER(dp_twin_stats, from_kernel_drops),
		{NULL},
	};
	struct dp_twin_stats stats;
	json_t *twin;

	_Static_assert(sizeof(stats) == (sizeof(counters) / sizeof(counters[0]) - 1) * 8,
		       "a new counter of a twin goes into the list above");
	if (dp_twin_stats_get(kind, id, &stats) < 0)
		return json_null();
	twin = json_object();
	page_counters_set(twin, counters, &stats);
	return twin;
}
