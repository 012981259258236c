/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Handlers of the method table in methods.c, and what they share. call->ctx is a struct api_env.
 * Private to control/api/. Context: control.
 */
#include "api_priv.h"
#include "dataplane/dp_fib.h"
#include "dataplane/dp_twin.h"
#include "page.h"

static inline const struct api_env *method_env(const struct rpc_call *call)
{
	return call->ctx;
}

/* Name of a port or tunnel, null for neither. */
json_t *method_iface(const struct dp_iface *iface);
json_t *method_tunnel_name(uint16_t tunnel);
/* Twin of a port or tunnel, null when it has none. */
json_t *method_twin(enum dp_twin_kind kind, uint16_t id);

/* Spokes by tunnel: fills counts[0..tunnels). Walks all spokes, once per answer. */
struct method_spoke_count {
	uint32_t spokes;
	uint32_t up;
};
void method_spokes_count(const struct api_sources *sources,
			 struct method_spoke_count *counts,
			 uint32_t tunnels);

/* methods_system.c */
json_t *method_system_info(struct rpc_call *call);
json_t *method_system_methods(struct rpc_call *call);
json_t *method_event_list(struct rpc_call *call);
/* methods_sas.c */
extern const struct rpc_param sa_add_params[], sa_delete_params[];
json_t *method_sa_add(struct rpc_call *call);
json_t *method_sa_delete(struct rpc_call *call);
json_t *method_sa_list(struct rpc_call *call);
/* methods_stats.c */
json_t *method_port_list(struct rpc_call *call);
json_t *method_worker_list(struct rpc_call *call);
json_t *method_drop_list(struct rpc_call *call);
/* methods_tunnels.c */
json_t *method_tunnel_list(struct rpc_call *call);
/* methods_routes.c */
json_t *method_route_list(struct rpc_call *call);
/* methods_nhrp.c */
json_t *method_spoke_list(struct rpc_call *call);
json_t *method_nhrp_list(struct rpc_call *call);
json_t *method_nhrp_traffic(struct rpc_call *call);
/* methods_nhs.c */
json_t *method_nhs_list(struct rpc_call *call);
