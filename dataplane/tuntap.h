/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/*
 * Persistent TAP and TUN interfaces of the kernel. Errors are -errno, without a text.
 * Context: control, all of it.
 */

/* Opens the interface, creating it when absent, and makes it persistent; a non-blocking descriptor.
 * -EBUSY: another process has it, -EEXIST: the name is taken by another kind of interface. */
int tuntap_open(const char *ifname, bool tap);
/* Whether an inherited descriptor is that interface, in our network namespace. */
bool tuntap_is(int fd, const char *ifname, bool tap);
/* Sets what differs. */
int tuntap_mac_set(const char *ifname, const uint8_t mac[6]);
int tuntap_mtu_set(const char *ifname, uint16_t mtu);
int tuntap_carrier_set(int fd, bool up);
/* -ENOENT, -EBUSY, -EEXIST: not a TAP or TUN. */
int tuntap_remove(const char *ifname);
