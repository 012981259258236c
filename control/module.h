/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The daemon's start as a table: modules are started in order and stopped in reverse.
 *
 * Context: control.
 */
#include <stddef.h>

struct hub;

struct module {
	const char *name;
	/* 0 or -errno; logs what failed, and leaves nothing behind when it fails. */
	int (*init)(struct hub *hub);
	void (*fini)(struct hub *hub); /* NULL: nothing to undo */
};

/* Starts all, or none: those that had been started are stopped again. */
int modules_start(const struct module *modules, size_t count, struct hub *hub);
void modules_stop(const struct module *modules, size_t count, struct hub *hub);
