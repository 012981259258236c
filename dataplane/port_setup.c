/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port_setup: configures and starts one device: queues, MTU, offloads as offered. Part of port.c,
 * see there. Thread: control core.
 *
 * Of transmit offloads none is of use: the line computes checksums incrementally from templates and
 * never leaves one open, and asking for one costs the vector transmit path on many NICs.
 */
#include "port.h"

#include <errno.h>

#include <rte_errno.h>
#include <rte_ethdev.h>

#include "dp_priv.h"

/* Wanted, where the device offers it; port.c has the names. */
#define RX_OFFLOADS RTE_ETH_RX_OFFLOAD_IPV4_CKSUM

/* Outer L3 for GRE, ESP and fragments, UDP ports for NAT-T; flows of hosts on a LAN. */
#define RSS_UNDERLAY                                                                 \
	(RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER | \
	 RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 |   \
	 RTE_ETH_RSS_NONFRAG_IPV6_OTHER | RTE_ETH_RSS_NONFRAG_IPV6_UDP)
#define RSS_LAN                                                                        \
	(RSS_UNDERLAY | RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_SCTP | \
	 RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_SCTP)

static int queues_choose(struct port *p, const struct rte_eth_dev_info *info, uint32_t workers)
{
	const struct dp_port_conf *c = &p->conf;

	if (info->max_tx_queues < workers)
		return dp_error_set(-EINVAL,
				    "port %s: %u workers need a transmit queue each, device %s has "
				    "%u",
				    c->name, workers, c->device, info->max_tx_queues);
	if (c->queues > RTE_MIN(info->max_rx_queues, DP_WORKERS_MAX))
		return dp_error_set(-EINVAL, "port %s: queues: %u: at most %u with device %s",
				    c->name, c->queues,
				    RTE_MIN(info->max_rx_queues, DP_WORKERS_MAX), c->device);
	p->tx_queues = (uint16_t)workers;
	p->rx_queues = c->queues ? c->queues : (uint16_t)RTE_MIN(workers, info->max_rx_queues);
	if (!port_device_is_af_packet(c->device))
		return 0;
	/* The kernel spreads over all pairs from the probe on: each must be read. */
	if (c->queues != 0 && c->queues < info->max_rx_queues)
		return dp_error_set(-EINVAL,
				    "port %s: queues: %u: queues of %s come in pairs, %u are there",
				    c->name, c->queues, c->device, info->max_rx_queues);
	p->rx_queues = info->max_rx_queues;
	p->tx_queues = info->max_tx_queues;
	return 0;
}

static int descriptors_check(const struct dp_port_conf *c,
			     const char *way,
			     const struct rte_eth_desc_lim *limit)
{
	if (limit->nb_max != 0 && c->descriptors > limit->nb_max)
		return dp_error_set(
			-EINVAL, "port %s: descriptors: %u: device %s takes %u to %u %s", c->name,
			c->descriptors, c->device, limit->nb_min, limit->nb_max, way);
	return 0;
}

/*
 * What ethdev is told. net_af_packet claims the classic frame size, but takes what its ring and the
 * kernel's interface take: there the MTU beyond it is set on the interface itself.
 */
static int mtu_choose(const struct port *p, const struct rte_eth_dev_info *info, uint32_t *mtu)
{
	const struct dp_port_conf *c = &p->conf;
	uint32_t overhead = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
	uint32_t max = info->max_mtu;

	if (max != UINT16_MAX && info->max_rx_pktlen > max)
		overhead = info->max_rx_pktlen - max; /* as ethdev reckons */
	max = RTE_MIN(max, info->max_rx_pktlen - overhead);
	*mtu = c->mtu;
	if (c->mtu <= max)
		return 0;
	if (!port_device_is_af_packet(c->device))
		return dp_error_set(-EINVAL, "port %s: mtu: %u: device %s takes at most %u",
				    c->name, c->mtu, c->device, max);
	*mtu = max;
	return 0;
}

static int device_configure(struct port *p, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf ec = {0};
	uint64_t rss = p->conf.role == DP_PORT_UNDERLAY ? RSS_UNDERLAY : RSS_LAN;
	int rc = mtu_choose(p, info, &ec.rxmode.mtu);

	if (rc < 0)
		return rc;
	p->rx_offloads = RX_OFFLOADS & info->rx_offload_capa;
	p->rss = p->rx_queues > 1 ? rss & info->flow_type_rss_offloads : 0;
	ec.rxmode.offloads = p->rx_offloads;
	if (p->rss != 0) {
		ec.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		ec.rx_adv_conf.rss_conf.rss_hf = p->rss;
	}
	rc = rte_eth_dev_configure(p->dev, p->rx_queues, p->tx_queues, &ec);
	if (rc < 0)
		return dp_error_set(-EINVAL,
				    "port %s: device %s refuses %u rx and %u tx queues, MTU %u: %s",
				    p->conf.name, p->conf.device, p->rx_queues, p->tx_queues,
				    ec.rxmode.mtu, rte_strerror(-rc));
	rc = rte_eth_dev_set_mtu(p->dev, (uint16_t)ec.rxmode.mtu);
	/* Some devices have no MTU of their own (rings, pcap). */
	if (rc < 0 && rc != -ENOTSUP)
		return dp_error_set(-EINVAL, "port %s: mtu: %u: device %s: %s", p->conf.name,
				    ec.rxmode.mtu, p->conf.device, rte_strerror(-rc));
	return 0;
}

static int raw_setup(struct port *p, uint32_t ifindex)
{
	int rc = port_raw_open(p, ifindex);

	if (rc == 0)
		rc = port_raw_mtu_set(p, p->conf.mtu);
	if (rc < 0)
		return dp_error_set(-EINVAL, "port %s: mtu: %u: interface of %s: %s", p->conf.name,
				    p->conf.mtu, p->conf.device, rte_strerror(-rc));
	return 0;
}

static int rx_queue_setup(const struct port *p, uint16_t q, uint16_t desc, int socket)
{
	struct rte_eth_dev_info info;
	struct rte_eth_rxq_info used;
	int rc = rte_eth_dev_info_get(p->dev, &info);

	if (rc < 0)
		return rc;
	info.default_rxconf.offloads = p->rx_offloads;
	rc = rte_eth_rx_queue_setup(p->dev, q, desc, (unsigned)socket, &info.default_rxconf,
				    dp_pool);
	if (rc < 0)
		return rc;
	/* The line takes packets of one segment only. */
	if (rte_eth_rx_queue_info_get(p->dev, q, &used) == 0 && used.scattered_rx)
		return -EMSGSIZE;
	return 0;
}

static int queues_setup(const struct port *p)
{
	const struct dp_port_conf *c = &p->conf;
	int socket = rte_eth_dev_socket_id(p->dev);
	uint16_t rx_desc = c->descriptors, tx_desc = c->descriptors;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(p->dev, &rx_desc, &tx_desc);

	for (uint16_t q = 0; rc == 0 && q < p->rx_queues; q++)
		rc = rx_queue_setup(p, q, rx_desc, socket);
	if (rc < 0)
		return dp_error_set(-EINVAL, "port %s: receive queues of device %s: %s", c->name,
				    c->device, rte_strerror(-rc));
	for (uint16_t q = 0; rc == 0 && q < p->tx_queues; q++)
		rc = rte_eth_tx_queue_setup(p->dev, q, tx_desc, (unsigned)socket, NULL);
	if (rc < 0)
		return dp_error_set(-EINVAL, "port %s: transmit queues of device %s: %s", c->name,
				    c->device, rte_strerror(-rc));
	return 0;
}

static int device_start(struct port *p)
{
	int rc = rte_eth_dev_start(p->dev);

	if (rc < 0)
		return dp_error_set(-EINVAL, "port %s: device %s does not start: %s", p->conf.name,
				    p->conf.device, rte_strerror(-rc));
	p->started = true;
	/* Routing protocols of the twin join groups that the device does not hear of. Devices
	 * without a filter (software ports) do not know the call. */
	rte_eth_allmulticast_enable(p->dev);
	return 0;
}

int port_device_setup(struct port *p, uint32_t workers)
{
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(p->dev, &info);

	if (rc < 0)
		return dp_error_set(-ENODEV, "port %s: device %s: %s", p->conf.name, p->conf.device,
				    rte_strerror(-rc));
	p->device = info.device;
	rc = queues_choose(p, &info, workers);
	if (rc == 0)
		rc = descriptors_check(&p->conf, "to receive", &info.rx_desc_lim);
	if (rc == 0)
		rc = descriptors_check(&p->conf, "to send", &info.tx_desc_lim);
	if (rc == 0)
		rc = device_configure(p, &info);
	if (rc == 0 && port_device_is_af_packet(p->conf.device))
		rc = raw_setup(p, info.if_index);
	if (rc == 0)
		rc = queues_setup(p);
	if (rc == 0)
		rc = device_start(p);
	return rc;
}
