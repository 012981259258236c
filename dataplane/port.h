/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp_port.h"

#define PORT_DEVARGS_MAX 256

struct port {
	struct dp_port_conf conf;
	uint16_t dev; /* ethdev port id */
	uint16_t rx_queues;
	uint16_t tx_queues;
	uint64_t rx_offloads; /* in use: RTE_ETH_RX_OFFLOAD_* */
	uint64_t rss;         /* in use: RTE_ETH_RSS_*, 0 with one queue */
	bool started;
	struct rte_device *device;
	int ctl;             /* net_af_packet: socket in the namespace of the interface, else -1 */
	uint32_t ifindex;    /* net_af_packet: that interface */
	uint64_t raw_missed; /* net_af_packet: frames that found the ring full */
};

int port_init(const struct dp_conf *conf);
/* Stops and closes every device. */
void port_fini(void);

/* port_raw.c: the kernel interface behind net_af_packet, whose MTU, link and losses the
 * driver of DPDK 22.11 does not follow. In the namespace that the thread was in at port_raw_open.
 * -errno. */
int port_raw_open(struct port *p, uint32_t ifindex);
int port_raw_mtu_set(const struct port *p, uint16_t mtu);
int port_raw_link_up(const struct port *p, bool *up);
/* Frames that found the ring full since start; 0 for other drivers. */
uint64_t port_raw_missed(struct port *p);
/* Before the device is closed. */
void port_raw_close(struct port *p);

/* port_setup.c: configures and starts p->dev for p->conf. -EINVAL with dp_error set. */
int port_device_setup(struct port *p, uint32_t workers);

/*
 * The string that is probed: conf->device, and for net_af_packet what it does not say itself:
 * qpairs, and frames that hold the MTU. -ENAMETOOLONG. Pure.
 */
int port_devargs(const struct dp_port_conf *conf, uint32_t workers, char out[PORT_DEVARGS_MAX]);
/* Name of the device in a PCI address or vdev string, without bus and arguments. Pure. */
int port_device_name(const char *device, char name[64]);
/* net_af_packet and its alias. Pure. */
bool port_device_is_af_packet(const char *device);
