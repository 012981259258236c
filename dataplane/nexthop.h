/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp_nexthop.h"
#include "table.h"
#include "worker.h"

extern struct table *nexthop_table; /* (tunnel, overlay address) -> adjacency */

static inline struct table_key nexthop_key(uint16_t tunnel, const struct dp_addr *protocol)
{
	struct table_key k = {.addr = *protocol, .a = tunnel};

	return k;
}

/* A packet to dst has no binding on this tunnel: tells the control core, now and then. Context:
 * worker. */
void nexthop_want(struct dp_worker *w, uint16_t tunnel, rte_be32_t dst);

/* The spoke has a new adjacency: publish it wherever the old one stood. Context: control. */
void nexthop_rebind(uint32_t spoke);
