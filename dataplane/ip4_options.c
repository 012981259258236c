/* SPDX-License-Identifier: Apache-2.0 */
/* ip4_options: options of an IPv4 header, see ip4_options.h. Any thread. RFC 791 section 3.1. */
#include "ip4_options.h"

#include <string.h>

#define OPTION_COPIED 0x80
#define OPTION_END    0
#define OPTION_NOP    1

/* Length of the option at `at`; 0: it runs over the end, so nothing behind it can be read. */
static uint32_t option_len(const uint8_t *from, uint32_t len, uint32_t at)
{
	if (from[at] == OPTION_NOP)
		return 1;
	if (at + 1 >= len || from[at + 1] < 2 || at + from[at + 1] > len)
		return 0;
	return from[at + 1];
}

uint32_t ip4_options_copied(const uint8_t *from, uint32_t len, uint8_t *to)
{
	uint32_t copied = 0, at = 0;

	while (at < len && from[at] != OPTION_END) {
		uint32_t option = option_len(from, len, at);

		if (option == 0)
			break;
		if (from[at] & OPTION_COPIED) {
			memcpy(to + copied, from + at, option);
			copied += option;
		}
		at += option;
	}
	while (copied % 4 != 0)
		to[copied++] = OPTION_END;
	return copied;
}
