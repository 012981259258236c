/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <rte_byteorder.h>

#include "dp_tunnel.h"
#include "table.h"

/* What the stages read of a tunnel. */
struct tunnel {
	struct dp_tunnel_conf conf;
	bool in_use;
	rte_be32_t address_be; /* ICMP errors come from it; 0: none */
	uint32_t spokes;       /* control: how many use it */
};

/* Tunnels with a profile: 0 spares the line its ESP stages. */
extern uint32_t tunnel_protected_count;
extern struct tunnel *tunnels; /* [limits.tunnels] */
extern struct table *tunnel_table;

static inline struct table_key tunnel_key(const struct dp_addr *source, bool has_key, uint32_t key)
{
	struct table_key k = {.addr = *source, .a = has_key, .c = key};

	return k;
}

/* NULL: no such tunnel. Context: control. */
struct tunnel *tunnel_get(uint16_t id);
