/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the operator sees: a line per period on stderr, the verdict on stdout.
 */
#include <stdbool.h>
#include <stdint.h>

struct run;

void report_live(struct run *run, uint64_t now_ns);
/* Text or one JSON object, as the options say; returns whether the run was a success. */
bool report_final(struct run *run, uint64_t now_ns);
