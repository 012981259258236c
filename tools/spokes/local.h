/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Frames from one spoke straight to another: both are here, so nothing goes over the link. A queue,
 * because the other one may answer while it receives.
 */
#include <stddef.h>
#include <stdint.h>

#define LOCAL_FRAMES 256

struct local {
	uint8_t *bytes; /* [LOCAL_FRAMES * PACKET_FRAME_MAX]; owned; NULL: off */
	size_t len[LOCAL_FRAMES];
	unsigned head, count;
	uint64_t frames; /* passed on */
	uint64_t full;   /* dropped */
};

/* -ENOMEM. */
int local_init(struct local *l);
void local_free(struct local *l);
void local_put(struct local *l, const uint8_t *frame, size_t len);
/* Hands over what is there now; what comes meanwhile is for the next call. */
void local_receive(struct local *l,
		   void (*receive)(void *ctx, const uint8_t *frame, size_t len),
		   void *ctx);
