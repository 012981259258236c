/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What nhrp_cache.c and nhrp_cache_list.c share. Context: control. */
#include "control/nhrp/nhrp_cache.h"

struct nhrp_cache {
	struct nhrp_binding *bindings; /* [capacity] */
	struct nhrp_binding_list *buckets;
	struct nhrp_binding_list free_list;
	struct deadline_heap expiries;
	uint32_t capacity, bucket_mask, used;
	uint64_t seed, full, full_told_ms, route_failed, del_retried;
	struct spoke_table *spokes;
	struct nhrp_route_ops routes;
	struct nhrp_cache_observer observers[NHRP_CACHE_OBSERVERS_MAX];
	unsigned observer_count;
};
