/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp_nexthop.h"
#include "table.h"

extern struct table *nexthop_table; /* (tunnel, overlay address) -> adjacency */

static inline struct table_key nexthop_key(uint16_t tunnel, const struct dp_addr *protocol)
{
	struct table_key k = {.addr = *protocol, .a = tunnel};

	return k;
}

/* The spoke has a new adjacency: publish it wherever the old one stood. Context: control. */
void nexthop_rebind(uint32_t spoke);
