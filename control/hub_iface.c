/* SPDX-License-Identifier: Apache-2.0 */
/* hub_iface: finds ports and tunnels by the numbers that others have for them. Context: control. */
#include "hub.h"

#include <time.h>

uint64_t hub_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
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
