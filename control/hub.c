/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub: ports and tunnels. A port is the raw interface silenced (when there is one), the DPDK
 * device, and a TAP twin; a tunnel is the mGRE interface of the dataplane and a TUN twin. A twin's
 * descriptor comes from systemd's store when an earlier run left it there, and goes into it.
 *
 * Twins stay when we stop. Context: control.
 */
#include "hub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "control/events.h"
#include "control/log.h"
#include "control/net/net_guard.h"
#include "control/net/net_twin.h"
#include "control/notify.h"
#include "dataplane/dp_port.h"
#include "dataplane/dp_tunnel.h"

/* ---- twins ---- */

static void on_twin_readable(evutil_socket_t fd, short what, void *arg)
{
	const struct hub_iface *iface = arg;

	(void)fd;
	(void)what;
	dp_twin_drain(iface->kind, iface->id, HUB_DRAIN);
}

static int fail_net(const struct hub_iface *iface, int rc)
{
	log_sys("%s: %s", iface->name, net_error());
	return rc;
}

static int addresses_set(const struct hub_iface *iface)
{
	struct dp_prefix hosts[CONFIG_ADDRESSES_MAX];

	if (!iface->host_prefix)
		return net_addr_set(iface->ifindex, iface->addresses, iface->address_count);
	for (uint32_t i = 0; i < iface->address_count; i++)
		hosts[i] = dp_prefix_host(&iface->addresses[i].addr);
	return net_addr_set(iface->ifindex, hosts, iface->address_count);
}

/* The kernel's half of an open twin: settings before it is up, addresses after. */
static int twin_kernel_setup(struct hub_iface *iface)
{
	int rc;

	rc = net_twin_setup(iface->name);
	if (rc == 0)
		rc = net_link_index(iface->name, &iface->ifindex);
	if (rc == 0)
		rc = net_link_up(iface->name);
	if (rc == 0)
		rc = addresses_set(iface);
	return rc < 0 ? fail_net(iface, rc) : 0;
}

static int twin_watch(struct hub_iface *iface)
{
	iface->readable = event_new(iface->hub->base, dp_twin_fd(iface->kind, iface->id),
				    EV_READ | EV_PERSIST, on_twin_readable, iface);
	if (iface->readable == NULL || event_add(iface->readable, NULL) < 0)
		return -ENOMEM;
	return 0;
}

static void twin_unwatch(struct hub_iface *iface)
{
	if (iface->readable != NULL)
		event_free(iface->readable);
	iface->readable = NULL;
	dp_twin_close(iface->kind, iface->id);
}

static int twin_start(struct hub_iface *iface, const uint8_t *mac, uint16_t mtu)
{
	int kept = notify_fd_take(iface->name);
	int rc;

	rc = dp_twin_open(iface->kind, iface->id, iface->name, mac, mtu, kept);
	if (rc < 0) {
		log_sys("%s", dp_error());
		return rc;
	}
	rc = dp_twin_carrier_set(iface->kind, iface->id, iface->link_up);
	if (rc < 0)
		log_sys("twin %s: set carrier: %s", iface->name, strerror(-rc));
	rc = twin_kernel_setup(iface);
	if (rc == 0)
		rc = twin_watch(iface);
	if (rc < 0) {
		twin_unwatch(iface);
		return rc;
	}
	iface->twin_up = true;
	rc = notify_fd_store(iface->name, dp_twin_fd(iface->kind, iface->id));
	if (rc < 0)
		log_sys("twin %s: store its descriptor: %s", iface->name, strerror(-rc));
	event_emit(EVENT_TWIN_UP, iface->name,
		   kept >= 0 ? "descriptor came from the service manager" : "opened");
	return 0;
}

/* ---- ports ---- */

static int raw_interface_silence(const struct config_port *conf)
{
	char raw[DP_NAME_LEN];
	int rc;

	if (!dp_port_raw_interface(conf->dp.device, raw))
		return 0;
	rc = net_guard_install(raw);
	if (rc < 0)
		log_sys("port %s: %s", conf->dp.name, net_error());
	return rc;
}

static int port_start(struct hub *hub, const struct config_port *conf)
{
	struct hub_iface *iface = &hub->ports[hub->port_count];
	struct dp_port_info info;
	int rc;

	*iface = (struct hub_iface){.hub = hub,
				    .kind = DP_TWIN_PORT,
				    .name = conf->dp.name,
				    .addresses = conf->addresses,
				    .address_count = conf->address_count};
	rc = raw_interface_silence(conf);
	if (rc < 0)
		return rc;
	rc = dp_port_add(&conf->dp, &iface->id);
	if (rc < 0) {
		log_sys("%s", dp_error());
		return rc;
	}
	rc = dp_port_info_get(iface->id, &info);
	if (rc < 0)
		return rc;
	iface->link_up = info.link_up;
	rc = twin_start(iface, info.mac, conf->dp.mtu);
	if (rc < 0)
		return rc;
	log_info("port %s: %s, %s, link %s, %u rx and %u tx queues", info.name, info.device,
		 info.driver, info.link_up ? "up" : "down", info.rx_queues, info.tx_queues);
	hub->port_count++;
	return 0;
}

int hub_ports_init(struct hub *hub)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < hub->config->port_count; i++)
		rc = port_start(hub, &hub->config->ports[i]);
	if (rc < 0)
		hub_ports_fini(hub);
	return rc;
}

/* The devices themselves go with the dataplane. */
void hub_ports_fini(struct hub *hub)
{
	while (hub->port_count > 0)
		twin_unwatch(&hub->ports[--hub->port_count]);
}

/* ---- tunnels ---- */

#define TCP_IP4_HEADERS 40 /* bytes, without options */

static struct dp_tunnel_conf tunnel_conf(const struct config_tunnel *conf)
{
	struct dp_tunnel_conf dp = {
		.source = conf->source,
		.has_key = conf->has_key,
		.key = conf->key,
		.mtu = conf->mtu,
		.ttl = conf->ttl,
		.redirect = conf->nhrp.redirect,
		.ask = conf->nhrp.nhs_count > 0,
		.redirect_interval_s = conf->nhrp.redirect_interval_s,
		.network_id = conf->nhrp.network_id,
		.adjust_mss = conf->has_adjust_mss ? conf->adjust_mss
						   : (uint16_t)(conf->mtu - TCP_IP4_HEADERS),
		.df = (uint8_t)conf->df,
		.source_check = (uint8_t)conf->source_check,
		.profile = conf->profile,
	};

	memcpy(dp.name, conf->name, sizeof(dp.name));
	return dp;
}

static int tunnel_start(struct hub *hub, const struct config_tunnel *conf)
{
	struct hub_iface *iface = &hub->tunnels[hub->tunnel_count];
	struct dp_tunnel_conf dp = tunnel_conf(conf);
	int rc;

	*iface = (struct hub_iface){.hub = hub,
				    .kind = DP_TWIN_TUNNEL,
				    .name = conf->name,
				    .addresses = conf->addresses,
				    .address_count = conf->address_count,
				    .host_prefix = conf->host_prefix,
				    .link_up = true};
	rc = dp_tunnel_add(&dp, &iface->id);
	if (rc < 0) {
		log_sys("%s", dp_error());
		return rc;
	}
	rc = twin_start(iface, NULL, conf->mtu);
	if (rc < 0)
		return rc;
	hub->tunnel_count++;
	return 0;
}

int hub_tunnels_init(struct hub *hub)
{
	uint32_t count = hub->config->tunnel_count;
	int rc = 0;

	hub->tunnels = calloc(count > 0 ? count : 1, sizeof(*hub->tunnels));
	if (hub->tunnels == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = tunnel_start(hub, &hub->config->tunnels[i]);
	if (rc < 0)
		hub_tunnels_fini(hub);
	else
		notify_fd_sweep(); /* twins that the configuration does not name any more */
	return rc;
}

void hub_tunnels_fini(struct hub *hub)
{
	while (hub->tunnel_count > 0)
		twin_unwatch(&hub->tunnels[--hub->tunnel_count]);
	free(hub->tunnels);
	hub->tunnels = NULL;
}
