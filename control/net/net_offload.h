/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Offloads of a kernel interface, by ethtool. Private to control/net/. Context: control.
 */

/*
 * Switches receive merging (GRO, LRO, in software and hardware) off: merged frames are larger than
 * the MTU and do not fit a buffer. Logs what it changed, and what the driver keeps on.
 * -errno with net_error() only when the interface cannot be asked.
 */
int net_offload_merge_off(const char *ifname);
