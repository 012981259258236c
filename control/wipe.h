/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Memory that is zero when it is given back: keys come in as JSON, and what parses them and carries
 * them leaves copies. For the allocator hooks of jansson and libevent. Any thread.
 */
#include <stddef.h>

void wipe_free(void *p);
void *wipe_realloc(void *p, size_t size);
