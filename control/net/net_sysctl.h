/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Settings under /proc/sys/net/<family>/conf/<interface>/, of the calling thread's network
 * namespace. Private to control/net/. Context: control.
 */

/* -ENODEV: no such interface. net_error() names the file. */
int net_sysctl_get(const char *family, const char *ifname, const char *name, int *value);
/* Writes only what differs, and reads it back. 1: changed, 0: was so, -errno. */
int net_sysctl_set(const char *family, const char *ifname, const char *name, int value);
/* 0 too where there is no IPv6: in this kernel, or on this interface. It must exist. */
int net_sysctl_ipv6_disable(const char *ifname);
/* disable_ipv6 as conf/default has it. */
int net_sysctl_ipv6_restore(const char *ifname);
