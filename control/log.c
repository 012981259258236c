/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line per call to stderr, each by one write(2) so that lines of threads and children do
 * not mix. Lines about peers pass a token bucket: a hostile or broken spoke must not fill the disk,
 * and what was swallowed is told when there is room again.
 *
 * What peers send may be quoted in a line, so everything that is not printable ASCII becomes '?'.
 *
 * Context: control. One logger per process, as stderr is.
 */
#include "log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PEER_LINES_PER_S 20
#define PEER_BURST       100
#define LINE_MAX_BYTES   1024

static struct {
	bool debug;
	bool journal;
	uint64_t suppressed;
	uint64_t told; /* of suppressed, those that a line has spoken of */
	double tokens;
	uint64_t refill_ns;
} logger = {.tokens = PEER_BURST};

/* How a class begins: for journald the priority of syslog(3), for people a word. */
static const struct {
	const char *journal;
	const char *plain;
} prefixes[] = {
	[LOG_CLASS_PEER] = {"<5>peer: ", "peer: "}, [LOG_CLASS_SYS] = {"<3>", "error: "},
	[LOG_CLASS_BUG] = {"<2>BUG: ", "BUG: "},    [LOG_CLASS_INFO] = {"<6>", ""},
	[LOG_CLASS_DEBUG] = {"<7>", "debug: "},
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool peer_allowed(void)
{
	uint64_t now = now_ns();

	if (logger.refill_ns != 0)
		logger.tokens += (double)(now - logger.refill_ns) * PEER_LINES_PER_S / 1e9;
	if (logger.tokens > PEER_BURST)
		logger.tokens = PEER_BURST;
	logger.refill_ns = now;
	if (logger.tokens < 1) {
		logger.suppressed++;
		return false;
	}
	logger.tokens -= 1;
	return true;
}

static void line_write(enum log_class cls, const char *fmt, va_list args)
{
	const char *prefix = logger.journal ? prefixes[cls].journal : prefixes[cls].plain;
	char line[LINE_MAX_BYTES];
	size_t n, start;
	int len;

	n = start = (size_t)snprintf(line, sizeof(line), "%s", prefix);
	len = vsnprintf(line + n, sizeof(line) - n - 1, fmt, args);
	if (len < 0)
		return;
	n += (size_t)len < sizeof(line) - n - 1 ? (size_t)len : sizeof(line) - n - 2;
	for (size_t i = start; i < n; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	line[n++] = '\n';
	/* A log that nobody can take is no reason to stop. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

static __attribute__((format(printf, 2, 3))) void line_now(enum log_class cls, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	line_write(cls, fmt, args);
	va_end(args);
}

void log_init(bool debug, bool journal)
{
	memset(&logger, 0, sizeof(logger));
	logger.debug = debug;
	logger.journal = journal;
	logger.tokens = PEER_BURST;
}

void log_line(enum log_class cls, const char *fmt, ...)
{
	va_list args;

	if (cls == LOG_CLASS_DEBUG && !logger.debug)
		return;
	if (cls == LOG_CLASS_PEER) {
		if (!peer_allowed())
			return;
		if (logger.told != logger.suppressed)
			line_now(cls, "%" PRIu64 " lines left out (limit %u/s)",
				 logger.suppressed - logger.told, PEER_LINES_PER_S);
		logger.told = logger.suppressed;
	}
	va_start(args, fmt);
	line_write(cls, fmt, args);
	va_end(args);
}

uint64_t log_suppressed(void)
{
	return logger.suppressed;
}
