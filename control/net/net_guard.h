/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Kernel-backed ports (af_packet): makes the kernel deaf and mute on the raw interface, so that
 * only the dataplane answers. AF_PACKET sockets see every frame as before.
 *
 * Context: control. net_open first.
 */

/*
 * Idempotent; what it sets survives a stop and a crash. In this order: refuses an interface that
 * has an IP address (IPv6 link-local ones go away) or is a port of a bridge or bond, disables IPv6,
 * drops everything at ingress (nftables, table "netdev dmvpn-hub"), switches receive merging
 * (GRO, LRO) off, brings it up.
 * -EADDRINUSE has an address, -EBUSY has a master, -ENODEV, -EOPNOTSUPP no nftables for netdev in
 * this kernel; net_error() says it in words.
 */
int net_guard_install(const char *ifname);
/* Gives the interface back to the kernel: removes the filter, IPv6 as for a new interface. The
 * offloads stay off. 0 too when there is nothing to remove. */
int net_guard_remove(const char *ifname);
