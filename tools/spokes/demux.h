/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * From a frame on the link to the spoke and the layer it is for.
 */
#include <stddef.h>
#include <stdint.h>

struct spokes;
struct traffic;

struct demux {
	struct spokes *spokes;
	struct traffic *traffic;
	uint64_t now_ns;         /* of the batch; set by the caller of demux_frame */
	uint64_t foreign_frames; /* not for a spoke, or not from the hub */
	uint64_t fragments;
	uint64_t bad_frames; /* truncated or wrong checksum in the outer headers */
	uint64_t wrong_key;  /* key, or its absence, is not what was configured */
	uint64_t unknown_proto;
};

/* `demux` is a struct demux: the signature is link_receive's. */
void demux_frame(void *demux, const uint8_t *frame, size_t len);
