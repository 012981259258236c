/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_lookup: what the workers do with a packet for an address, and how far around that address the
 * same is true. Found in the RIB's own table, prefix length by prefix length, because the FIB does
 * not say which prefix matched; what lies inside a prefix is found in the FIB, because only that is
 * ordered. Part of rib.c, see there.
 *
 * Context: control. Not done: IPv6.
 */
#include <errno.h>

#include "rib_priv.h"

#define HOST_LEN   32
#define WIDEST_LEN 8 /* what spokes take from us: FRR refuses more */

static uint32_t mask_of(uint8_t len)
{
	return len == 0 ? 0 : UINT32_MAX << (HOST_LEN - len);
}

static const struct rib_entry *installed(const struct rib *rib, uint32_t ip, uint8_t len)
{
	uint32_t i = *rib_prefix_link(rib, ip, len);

	while (i != RIB_NONE && !(rib->entries[i].flags & RIB_F_INSTALLED))
		i = rib_entry_next(rib, i);
	return i != RIB_NONE ? &rib->entries[i] : NULL;
}

int rib_lookup(const struct rib *rib, const struct dp_addr *to, struct rib_match *match)
{
	const struct rib_entry *e;
	uint32_t ip = ntohl(to->ip4_be);

	if (to->family != AF_INET)
		return -ENETUNREACH;
	for (int len = HOST_LEN; len >= 0; len--) {
		if (rib->len_count[len] == 0)
			continue;
		e = installed(rib, ip & mask_of((uint8_t)len), (uint8_t)len);
		if (e == NULL)
			continue;
		match->prefix = rib_prefix(e);
		rib_via_route(&rib->vias[e->via], &match->route);
		return 0;
	}
	return -ENETUNREACH;
}

uint8_t rib_widest(const struct dp_addr *to, const struct rib_match *match)
{
	struct dp_prefix around = {.addr = *to, .len = match->prefix.len};

	if (around.len == 0)
		return HOST_LEN;
	for (around.len = around.len < WIDEST_LEN ? WIDEST_LEN : around.len; around.len < HOST_LEN;
	     around.len++) {
		const struct dp_prefix network = dp_prefix_network(&around);

		if (!dp_fib_has_longer(0, &network))
			break;
	}
	return around.len;
}
