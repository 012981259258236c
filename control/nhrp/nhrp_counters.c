/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_counters: names of the server's counters, one group after the other. Constant data; any
 * thread.
 */
#include "control/nhrp/nhrp_server.h"

/* clang-format off */
static const char *const names[NHRP_COUNTER_COUNT] = {
#define X(id, value, name) [NHRP_COUNTER_RX + NHRP_TYPE_##id] = "rx-" name,
	NHRP_TYPE_LIST(X)
#undef X
#define X(id, value, name) [NHRP_COUNTER_TX + NHRP_TYPE_##id] = "tx-" name,
	NHRP_TYPE_LIST(X)
#undef X
#define X(id, value, name) [NHRP_COUNTER_UNSERVED + NHRP_TYPE_##id] = "not-served-" name,
	NHRP_TYPE_LIST(X)
#undef X
#define X(id, err, code, name) [NHRP_COUNTER_BAD + NHRP_BAD_##id] = "bad-" name,
	NHRP_BAD_LIST(X)
#undef X
#define X(id, code, name, help) [NHRP_COUNTER_DROP + NHRP_DROP_##id] = "dropped-" name,
	NHRP_DROP_LIST(X)
#undef X
#define X(id, code, name, help) [NHRP_COUNTER_REFUSED + NHRP_REFUSAL_##id] = "refused-" name,
	NHRP_REFUSAL_LIST(X)
#undef X
#define X(id, value, name) [NHRP_COUNTER_ERRORS_RX + (value)] = "error-rx-" name,
	NHRP_ERROR_CODE_LIST(X)
#undef X
	[NHRP_COUNTER_ERRORS_RX] = "error-rx-other",
#define X(id, value, name) [NHRP_COUNTER_ERRORS_TX + (value)] = "error-tx-" name,
	NHRP_ERROR_CODE_LIST(X)
#undef X
#define X(id, name, help) [NHRP_COUNTER_NOTE + NHRP_NOTE_##id] = name,
	NHRP_NOTE_LIST(X)
#undef X
#define X(id, name, help) \
	[NHRP_COUNTER_SUPPRESSED + NHRP_SUPPRESS_##id] = "redirect-suppressed-" name,
	NHRP_SUPPRESS_LIST(X)
#undef X
};
/* clang-format on */

const char *nhrp_counter_name(unsigned counter)
{
	return names[counter];
}
