/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as configuration: a result or an error of one printable line, never a crash or a leak.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_error err;
	struct config *config = config_parse("f", (const char *)data, size, &err);

	if ((config == NULL) != (err.text[0] != '\0'))
		abort();
	for (const char *c = err.text; *c != '\0'; c++)
		if (!isprint((unsigned char)*c))
			abort();
	config_free(config);
	return 0;
}
