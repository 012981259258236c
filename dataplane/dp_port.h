/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Ports: any DPDK device by PCI address or vdev string. Ports are numbered from 0 in the order of
 * dp_port_add; the number is the handle.
 *
 * Context: control, all of it.
 */
#include "dp.h"
#include "dp_addr.h"

enum dp_port_role { DP_PORT_UNDERLAY = 1, DP_PORT_LAN = 2, DP_PORT_BOTH = 3 };

struct dp_port_conf {
	char name[DP_NAME_LEN]; /* also the name of its twin */
	char device[128];       /* "0000:3b:00.0" or "net_af_packet0,iface=veth0" */
	enum dp_port_role role;
	uint16_t mtu;         /* bytes of an IP packet, 576..9190 */
	uint16_t queues;      /* rx queues; 0 = one per worker, as far as the device goes */
	uint16_t descriptors; /* per queue, power of two */
};

struct dp_port_info {
	char name[DP_NAME_LEN];
	char device[128];
	char driver[32];
	enum dp_port_role role;
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t rx_queues;
	uint16_t tx_queues;
	bool link_up;
	uint32_t speed_mbps;   /* 0 = the device does not say */
	char rx_offloads[128]; /* names of what is in use, comma-separated; "" = none */
	char tx_offloads[128];
	uint32_t ifindex; /* of the raw kernel interface behind it, 0 = none (af_packet) */
};

/*
 * Probes the device, checks that it exists by name (a vdev that failed to probe is no error for
 * EAL), configures queues and offered offloads, and starts it. Before dp_workers_start.
 * -ENODEV not found or failed to probe, -EINVAL a value beyond the device's limit (named in
 * dp_error), -ENOSPC more than DP_PORTS_MAX.
 */
int dp_port_add(const struct dp_port_conf *conf, uint16_t *port);
uint16_t dp_port_count(void);
/* The address that ICMP errors about packets from this port come from; NULL: none are sent.
 * -ENOENT, -EAFNOSUPPORT: only IPv4 yet. icmp.c */
int dp_port_address_set(uint16_t port, const struct dp_addr *addr);
int dp_port_info_get(uint16_t port, struct dp_port_info *info);

/*
 * Name of the kernel interface that a kernel-backed vdev string uses (net_af_packet: iface=), so
 * that the control core can silence it before the port is probed. false: not kernel-backed.
 * Pure: no EAL.
 */
bool dp_port_raw_interface(const char *device, char ifname[DP_NAME_LEN]);
