/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port: DPDK devices, see dp_port.h.
 *
 * A device is probed by hot-plug when its port is added, so that a failure has the port's name.
 * Each worker sends by a queue of its own on every port (no lock in tx); receive queues are dealt
 * out to the workers one after the other over all ports. port_setup.c configures a device,
 * port_device.c reads device strings.
 * Threads: control; port_hot is read by workers and does not change once they run.
 * Not done: device removal, LSC interrupts (the control loop polls dp_port_info_get), choice of a
 * worker by the device's NUMA node.
 */
#include "port.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include "dp_priv.h"

struct port_hot port_hot[DP_PORTS_MAX];

static struct port ports[DP_PORTS_MAX];
static uint16_t port_count;
static uint32_t workers;
static uint32_t mtu_max; /* that the buffers were made for */

int port_init(const struct dp_conf *conf)
{
	port_count = 0;
	workers = conf->worker_count;
	mtu_max = conf->mtu_max;
	return 0;
}

static void device_close(struct port *p)
{
	if (p->started)
		rte_eth_dev_stop(p->dev);
	port_raw_close(p);
	rte_eth_dev_close(p->dev);
	/* Or its name would be taken for the rest of the process. */
	if (p->device != NULL)
		rte_dev_remove(p->device);
}

void port_fini(void)
{
	while (port_count > 0)
		device_close(&ports[--port_count]);
}

static bool device_is_taken(uint16_t dev)
{
	for (uint16_t i = 0; i < port_count; i++)
		if (ports[i].dev == dev)
			return true;
	return false;
}

/* Most drivers name the ethdev after the device; some append to it (representors). */
static int device_find(const char *name, uint16_t *dev)
{
	struct rte_eth_dev_info info;
	uint16_t i;

	if (rte_eth_dev_get_port_by_name(name, dev) == 0)
		return 0;
	RTE_ETH_FOREACH_DEV (i) {
		if (rte_eth_dev_info_get(i, &info) == 0 && info.device != NULL &&
		    strcmp(rte_dev_name(info.device), name) == 0) {
			*dev = i;
			return 0;
		}
	}
	return -ENODEV;
}

static int device_probe(struct port *p)
{
	const struct dp_port_conf *c = &p->conf;
	char devargs[PORT_DEVARGS_MAX], name[64], ifname[DP_NAME_LEN];

	if (port_devargs(c, workers, devargs) < 0 || port_device_name(c->device, name) < 0)
		return dp_error_set(-ENODEV, "port %s: device: %s: not a device name", c->name,
				    c->device);
	if (dp_port_raw_interface(c->device, ifname) && if_nametoindex(ifname) == 0)
		return dp_error_set(-ENODEV, "port %s: device: %s: there is no interface %s",
				    c->name, c->device, ifname);
	/* Its error code says next to nothing; driver and EAL have logged why. */
	if (rte_dev_probe(devargs) < 0)
		return dp_error_set(-ENODEV,
				    "port %s: device: %s: not found, or its driver failed (see the "
				    "lines before this one)",
				    c->name, devargs);
	/* A second probe of a device that is there is no error for EAL. */
	if (device_find(name, &p->dev) < 0)
		return dp_error_set(-ENODEV, "port %s: device: %s: no network device came of it",
				    c->name, devargs);
	if (device_is_taken(p->dev))
		return dp_error_set(-ENODEV, "port %s: device: %s: another port has it", c->name,
				    c->device);
	return 0;
}

int dp_port_add(const struct dp_port_conf *conf, uint16_t *port)
{
	struct port *p = &ports[port_count];
	struct port_hot *hot = &port_hot[port_count];
	int rc;

	if (port_count == DP_PORTS_MAX)
		return dp_error_set(-ENOSPC, "port %s: there are %u ports already (limit %u)",
				    conf->name, port_count, DP_PORTS_MAX);
	if (conf->mtu > mtu_max)
		return dp_error_set(-EINVAL, "port %s: mtu: %u: buffers were made for %u",
				    conf->name, conf->mtu, mtu_max);
	*p = (struct port){.conf = *conf, .ctl = -1};
	rc = device_probe(p);
	if (rc < 0)
		return rc;
	rc = port_device_setup(p, workers);
	if (rc < 0) {
		device_close(p);
		return rc;
	}
	*hot = (struct port_hot){.role = (uint8_t)conf->role,
				 .mtu = conf->mtu,
				 .dev = p->dev,
				 .tx_half = (uint16_t)(p->conf.descriptors / 2)};
	rte_eth_macaddr_get(p->dev, &hot->mac);
	*port = port_count++;
	return 0;
}

uint16_t dp_port_count(void)
{
	return port_count;
}

int port_queues_assign(void)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < dp_worker_count; i++)
		dp_workers[i]->rxq_count = 0;
	for (uint16_t p = 0; p < port_count; p++) {
		for (uint16_t q = 0; q < ports[p].rx_queues; q++) {
			struct dp_worker *w = dp_workers[next++ % dp_worker_count];

			w->rxq[w->rxq_count++] =
				(struct dp_rxq){.port = p, .dev = ports[p].dev, .queue = q};
		}
		for (uint32_t i = 0; i < dp_worker_count; i++)
			dp_workers[i]->txq[p] =
				(struct dp_txq){.port = ports[p].dev, .queue = (uint16_t)i};
	}
	return 0;
}

static struct port *port_get(uint16_t port)
{
	return port < port_count ? &ports[port] : NULL;
}

/* rte_eth_dev_rx_offload_name() would give "IPV4_CKSUM" and knows no RSS. */
static void rx_offloads_name(const struct port *p, char out[128])
{
	snprintf(out, 128, "%s%s%s",
		 p->rx_offloads & RTE_ETH_RX_OFFLOAD_IPV4_CKSUM ? "ipv4-cksum" : "",
		 p->rx_offloads != 0 && p->rss != 0 ? "," : "", p->rss != 0 ? "rss" : "");
}

static bool link_is_up(const struct port *p, const struct rte_eth_link *link)
{
	bool up;

	if (p->ctl < 0)
		return link->link_status == RTE_ETH_LINK_UP;
	/* Removed: the ioctl fails, the link is down. */
	port_raw_link_up(p, &up);
	return up;
}

int dp_port_info_get(uint16_t port, struct dp_port_info *info)
{
	const struct port *p = port_get(port);
	struct rte_eth_dev_info dev = {0};
	struct rte_eth_link link = {0};

	if (p == NULL)
		return -ENOENT;
	rte_eth_dev_info_get(p->dev, &dev);
	rte_eth_link_get_nowait(p->dev, &link);
	*info = (struct dp_port_info){
		.role = p->conf.role,
		.mtu = p->conf.mtu,
		.rx_queues = p->rx_queues,
		.tx_queues = p->tx_queues,
		.link_up = link_is_up(p, &link),
		.speed_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed,
		.ifindex = dev.if_index,
	};
	memcpy(info->mac, port_hot[port].mac.addr_bytes, sizeof(info->mac));
	snprintf(info->name, sizeof(info->name), "%s", p->conf.name);
	snprintf(info->device, sizeof(info->device), "%s", p->conf.device);
	snprintf(info->driver, sizeof(info->driver), "%s", dev.driver_name ? dev.driver_name : "");
	rx_offloads_name(p, info->rx_offloads);
	return 0;
}

int dp_port_stats_get(uint16_t port, struct dp_port_stats *stats)
{
	struct port *p = port_get(port);
	struct rte_eth_stats s = {0};

	if (p == NULL)
		return -ENOENT;
	rte_eth_stats_get(p->dev, &s);
	*stats = (struct dp_port_stats){
		.rx_pkts = s.ipackets,
		.rx_bytes = s.ibytes,
		.tx_pkts = s.opackets,
		.tx_bytes = s.obytes,
		.rx_missed = s.imissed + port_raw_missed(p),
		.rx_errors = s.ierrors,
		.rx_nombuf = s.rx_nombuf,
		.tx_errors = s.oerrors,
	};
	return 0;
}
