/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of an IPv4 header that every fragment carries: never more than there were, whole words,
 * and all of them once more when they are asked for again.
 */
#include <stdlib.h>
#include <string.h>

#include "dataplane/ip4_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t len = (uint32_t)(size > IP4_OPTIONS_MAX ? IP4_OPTIONS_MAX : size / 4 * 4);
	uint8_t *from, *to, *again; /* of exactly that size, for the sanitizer */
	uint32_t copied;

	if (len == 0)
		return 0;
	from = malloc(len);
	to = malloc(len);
	again = malloc(len);
	memcpy(from, data, len);
	copied = ip4_options_copied(from, len, to);
	if (copied > len || copied % 4 != 0)
		abort();
	if (ip4_options_copied(to, copied, again) != copied || memcmp(to, again, copied) != 0)
		abort();
	free(from);
	free(to);
	free(again);
	return 0;
}
