/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Log lines of the control core, classed by whose fault it is. To stderr (journald adds the rest);
 * under systemd each line carries its <priority> prefix. Text: instance: what failed: value
 * (limit): strerror.
 *
 * Context: control.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_class {
	LOG_CLASS_PEER,  /* a spoke or another box did something wrong; rate-limited */
	LOG_CLASS_SYS,   /* the operating system or the configuration failed us */
	LOG_CLASS_BUG,   /* we are wrong */
	LOG_CLASS_INFO,  /* state changes an operator wants to see */
	LOG_CLASS_DEBUG, /* only with -d */
};

void log_init(bool debug, bool journal);
void log_line(enum log_class cls, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Lines of LOG_CLASS_PEER that the rate limit (20/s, burst 100) swallowed since start. */
uint64_t log_suppressed(void);

#define log_peer(...)  log_line(LOG_CLASS_PEER, __VA_ARGS__)
#define log_sys(...)   log_line(LOG_CLASS_SYS, __VA_ARGS__)
#define log_bug(...)   log_line(LOG_CLASS_BUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_CLASS_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_CLASS_DEBUG, __VA_ARGS__)
