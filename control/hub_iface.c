/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_iface: finds ports and tunnels by the numbers that others have for them; chooses the address
 * that ICMP errors of the dataplane come from. Context: control.
 */
#include "hub.h"

#include "control/clock.h"
#include "dataplane/dp_port.h"
#include "dataplane/dp_tunnel.h"

uint64_t hub_now_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

struct hub_iface *hub_iface_find(struct hub *hub, uint32_t ifindex)
{
	for (uint32_t i = 0; i < hub->port_count; i++)
		if (hub->ports[i].ifindex == ifindex)
			return &hub->ports[i];
	for (uint32_t i = 0; i < hub->tunnel_count; i++)
		if (hub->tunnels[i].ifindex == ifindex)
			return &hub->tunnels[i];
	return NULL;
}

static void errors_from(struct hub_iface *iface, struct dp_addr addr)
{
	const struct dp_addr *set = dp_addr_is_set(&addr) ? &addr : NULL;

	iface->errors_from = addr;
	if (iface->kind == DP_TWIN_PORT)
		dp_port_address_set(iface->id, set);
	else
		dp_tunnel_address_set(iface->id, set);
}

/* The first one of the configuration that is IPv4, and is not this one. */
static struct dp_addr configured_address(const struct hub_iface *iface, const struct dp_addr *but)
{
	for (uint32_t i = 0; i < iface->address_count; i++) {
		const struct dp_addr *addr = &iface->addresses[i].addr;

		if (addr->family == AF_INET && (but == NULL || !dp_addr_equal(addr, but)))
			return *addr;
	}
	return (struct dp_addr){0};
}

void hub_iface_addr_told(struct hub_iface *iface,
			 enum net_change change,
			 const struct dp_addr *addr)
{
	struct dp_addr first = configured_address(iface, NULL);
	bool used = dp_addr_equal(&iface->errors_from, addr);

	if (change == NET_CHANGE_DEL) {
		if (used)
			errors_from(iface, configured_address(iface, addr));
	} else if (!used && (!dp_addr_is_set(&iface->errors_from) || dp_addr_equal(&first, addr))) {
		errors_from(iface, *addr);
	}
}
