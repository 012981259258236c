/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_remove: --remove-twins. Undoes what outlives the daemon: twins, filters on raw interfaces,
 * routes of ours. No EAL, no dataplane; refused by the kernel while a daemon has a twin open.
 *
 * Context: control.
 */
#include "hub.h"

#include <errno.h>

#include "control/log.h"
#include "control/net/net_guard.h"
#include "dataplane/dp_port.h"

static int twin_remove(const char *name)
{
	int rc = dp_twin_remove(name);

	if (rc == 0)
		log_info("twin %s: removed", name);
	else if (rc != -ENOENT)
		log_sys("%s", dp_error());
	return rc == -ENOENT ? 0 : rc;
}

static int guard_remove(const struct config_port *port)
{
	char raw[DP_NAME_LEN];
	int rc;

	if (!dp_port_raw_interface(port->dp.device, raw))
		return 0;
	rc = net_guard_remove(raw);
	if (rc < 0)
		log_sys("port %s: %s", port->dp.name, net_error());
	return rc;
}

static int route_remove(void *ctx, const struct net_route *route)
{
	(void)ctx;
	return net_route_del(&route->prefix, route->metric);
}

int hub_twins_remove(const struct config *config)
{
	int rc, first = 0;

	/* Ports first: when a daemon runs, the first one says so and the rest stays as it is. */
	for (uint32_t i = 0; i < config->port_count; i++) {
		rc = twin_remove(config->ports[i].dp.name);
		if (rc == 0)
			rc = guard_remove(&config->ports[i]);
		if (rc == -EBUSY)
			return rc;
		first = first == 0 ? rc : first;
	}
	for (uint32_t i = 0; i < config->tunnel_count; i++) {
		rc = twin_remove(config->tunnels[i].name);
		first = first == 0 ? rc : first;
	}
	rc = net_route_list_ours(route_remove, NULL);
	if (rc < 0)
		log_sys("%s", net_error());
	return first == 0 ? rc : first;
}
