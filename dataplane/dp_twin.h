/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Twins: the kernel interface that mirrors one of ours. A port's twin is a TAP with the same MAC, a
 * tunnel's twin a TUN. Persistent: closing the descriptor leaves the interface in place. The
 * control core writes punted packets into them and injects what the kernel sends.
 *
 * Context: control, all of it.
 */
#include "dp.h"

enum dp_twin_kind { DP_TWIN_PORT, DP_TWIN_TUNNEL };

struct dp_twin_stats {
	uint64_t to_kernel_pkts;
	uint64_t to_kernel_drops;   /* the kernel refused: interface down, or its queue is full */
	uint64_t from_kernel_pkts;  /* injected */
	uint64_t from_kernel_drops; /* no buffer, or the worker's ring was full */
};

/*
 * Opens (creating it when absent) the twin `ifname` of port or tunnel `id`. `fd` >= 0 is a
 * descriptor that systemd kept for us: used when it really is that interface, else closed. `mac`
 * for ports only. Sets persistence, MAC and MTU; does not bring it up and sets no address
 * (control/net does). -EBUSY: another process has it; -EEXIST: an interface of that name is no
 * TAP/TUN.
 */
int dp_twin_open(enum dp_twin_kind kind,
		 uint16_t id,
		 const char *ifname,
		 const uint8_t mac[6],
		 uint16_t mtu,
		 int fd);
/* The descriptor, for the event loop and for systemd's fd store; -1 when not open. */
int dp_twin_fd(enum dp_twin_kind kind, uint16_t id);
/* Carrier as the port's link; a tunnel's is up while it is configured. */
int dp_twin_carrier_set(enum dp_twin_kind kind, uint16_t id, bool up);
/* Reads at most `max` packets from the kernel and injects them; returns how many. */
unsigned dp_twin_drain(enum dp_twin_kind kind, uint16_t id, unsigned max);
int dp_twin_stats_get(enum dp_twin_kind kind, uint16_t id, struct dp_twin_stats *stats);
/* Closes the descriptor; the interface stays. */
void dp_twin_close(enum dp_twin_kind kind, uint16_t id);
/* Removes a persistent TAP/TUN by name, without EAL (--remove-twins). -ENOENT, -EBUSY. */
int dp_twin_remove(const char *ifname);
