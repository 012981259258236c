/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The kernel settings of a twin (invariant 2: transit never passes the kernel).
 *
 * Context: control.
 */

/*
 * Sets them and reads each back; idempotent. At start, and again when the feed's on_conf names the
 * twin: `sysctl net.ipv4.ip_forward=1` switches forwarding on for every interface.
 * -ENODEV, -EROFS, -EPERM, -EIO (reads back another value); net_error() names file and value.
 */
int net_twin_setup(const char *ifname);
