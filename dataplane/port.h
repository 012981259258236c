/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp_port.h"

#define PORT_DEVARGS_MAX 256

int port_init(const struct dp_conf *conf);
/* Stops and closes every device. */
void port_fini(void);

/*
 * The string that is probed: conf->device, and for net_af_packet what it does not say itself:
 * qpairs, and frames that hold the MTU. -ENAMETOOLONG. Pure.
 */
int port_devargs(const struct dp_port_conf *conf, uint32_t workers, char out[PORT_DEVARGS_MAX]);
/* Name of the device in a PCI address or vdev string, without bus and arguments. Pure. */
int port_device_name(const char *device, char name[64]);
/* net_af_packet and its alias. Pure. */
bool port_device_is_af_packet(const char *device);
