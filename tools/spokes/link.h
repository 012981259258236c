/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The one kernel interface that all spokes share: a raw packet socket, frames in batches both
 * ways.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_BATCH 64

struct link; /* owned by the caller of link_open */

struct link_stats {
	uint64_t rx_frames;
	uint64_t tx_frames;
	uint64_t rx_dropped; /* by the kernel: the ring was full */
	uint64_t tx_failed;  /* the kernel refused for 100 ms: queue full or interface down */
};

/* NULL with errno, and a line on stderr that names what failed. */
struct link *link_open(const char *interface);
void link_close(struct link *link);
int link_fd(const struct link *link);
uint16_t link_mtu(const struct link *link); /* bytes of an IP packet */
/* Ours, not the interface's: the kernel takes no frame that is for a spoke. */
const uint8_t *link_mac(const struct link *link);
void link_stats_get(struct link *link, struct link_stats *stats);

/* Room for one frame (PACKET_FRAME_MAX bytes), valid until link_tx_commit; the same room again
 * when the frame was not committed. */
uint8_t *link_tx_room(struct link *link);
void link_tx_commit(struct link *link, size_t len);
void link_tx_flush(struct link *link);

/* Clears the socket's error; false: the interface is gone for good. */
bool link_recover(struct link *link);

/* Hands at most LINK_BATCH waiting frames to `receive`; returns how many. Never blocks. */
unsigned link_receive(struct link *link,
		      void (*receive)(void *ctx, const uint8_t *frame, size_t len),
		      void *ctx);
