/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* What writing and reading the state file share. Context: any. */
#include "state.h"

#define STATE_FORMAT    "dmvpn-hub state"
#define STATE_SUM_START 0xcbf29ce484222325ULL

/* FNV-1a. */
static inline uint64_t state_sum(uint64_t sum, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ (uint8_t)bytes[i]) * 0x100000001b3ULL;
	return sum;
}
