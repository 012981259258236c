/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What there is to say about the state file of a running hub, for the API. Context: control.
 */
#include <stdint.h>

#include "control/nhrp/nhrp_server.h"

struct state_info {
	const char *path;
	/* of the start */
	uint32_t restored;
	uint32_t expired;   /* while we were down */
	uint32_t no_tunnel; /* their tunnel is not in the configuration any more */
	uint32_t refused[NHRP_REFUSAL_COUNT];
	/* since then */
	uint64_t written;    /* files */
	uint64_t written_us; /* CLOCK_REALTIME of the last one, 0: none yet */
	uint64_t failed;     /* attempts */
	uint64_t work_us;    /* of the control core, for the last one */
	uint64_t bytes;      /* of the last one */
	uint32_t bindings;
};
