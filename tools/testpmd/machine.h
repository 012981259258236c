/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The machine that figures belong to. No EAL. */
#include <stdbool.h>
#include <stdio.h>

struct machine {
	char cpu[96]; /* model, printable and without quotes */
	long cpus;
	bool avx2, avx512;
	unsigned long huge_pages, huge_page_kb; /* of the default size */
	char date[24];                          /* UTC, ISO 8601 */
};

void machine_get(struct machine *m);
/* Of "key : value" lines the first value; false: no such line. */
bool machine_value(FILE *f, const char *key, char *value, size_t size);
