/* SPDX-License-Identifier: Apache-2.0 */
#include "control/wipe.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void wipe_free(void *p)
{
	if (p)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* Never in place: the C library's would leave the old bytes where they were. */
void *wipe_realloc(void *p, size_t size)
{
	size_t old = p ? malloc_usable_size(p) : 0;
	void *fresh = malloc(size);

	if (!fresh)
		return NULL;
	if (p)
		memcpy(fresh, p, old < size ? old : size);
	wipe_free(p);
	return fresh;
}
