/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* Shared by options.c and options_check.c. */
#include "options.h"

/* "--name value: what is allowed" on stderr; value may be NULL. Returns -EINVAL. */
int options_fail(const char *name, const char *value, const char *allowed);
/* What belongs together; 0 or options_fail. */
int options_check(const struct options *o);
