/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The service manager, by the protocol of sd_notify(3) and sd_listen_fds(3): states, watchdog, and
 * its store of descriptors, which keeps the twins open while the daemon is not there. Without a
 * manager every call does nothing and returns 0.
 *
 * Context: control.
 */
#include <stdbool.h>
#include <stdint.h>

/* Reads NOTIFY_SOCKET, WATCHDOG_*, LISTEN_* from the environment and removes them from it, so that
 * children do not answer for us. -errno: NOTIFY_SOCKET is there but cannot be used. */
int notify_open(void);
/* Closes what notify_open took and nobody fetched. */
void notify_close(void);
/* Is there a manager that listens? */
bool notify_active(void);

int notify_ready(const char *status);
int notify_stopping(const char *status);
int notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How often notify_watchdog must be called at least, 0 = never: half of the manager's limit. */
uint64_t notify_watchdog_us(void);
int notify_watchdog(void);

/* Stores a descriptor under a name (printable ASCII without ':', at most 255 characters, else
 * -EINVAL), or removes all that are stored under it. */
int notify_fd_store(const char *name, int fd);
int notify_fd_remove(const char *name);
/* Hands out, once, a descriptor that was stored by an earlier run; -1 when there is none. The
 * caller owns it. */
int notify_fd_take(const char *name);
/* Closes and forgets (at the manager, too) those that nobody took; returns how many. */
unsigned notify_fd_sweep(void);
