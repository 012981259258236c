/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: the hub's memory of what changed. One ring of EVENT_RING_LEN structs, overwritten from
 * the oldest; seq numbers let a reader see that it missed some. Every kind has a counter that never
 * forgets. Kinds that boxes outside can cause at will share one token bucket, for ring and log.
 *
 * Only the control core calls; nothing here allocates. Not done: subscriptions (a client polls
 * event.list with its cursor), events that survive a restart (journald has them).
 */
#include "control/events.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "control/log.h"

#define PEER_RATE_PER_S 20
#define PEER_BURST      100

struct event_kind_info {
	const char *name;
	const char *help;
	enum log_class cls;
};

static const struct event_kind_info kinds[EVENT_KIND_COUNT] = {
#define X(id, name, cls, help) [EVENT_##id] = {name, help, LOG_CLASS_##cls},
	EVENT_KIND_LIST(X)
#undef X
};

static struct event_record ring[EVENT_RING_LEN]; /* [seq % EVENT_RING_LEN] */
static uint64_t last_seq;
static uint64_t counts[EVENT_KIND_COUNT];
static uint64_t suppressed[EVENT_KIND_COUNT];
static uint64_t bucket_us = PEER_BURST * (1000000 / PEER_RATE_PER_S); /* tokens, as time */
static uint64_t bucket_last_us;

static uint64_t clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static bool peer_token_take(void)
{
	const uint64_t cost_us = 1000000 / PEER_RATE_PER_S;
	const uint64_t now_us = clock_us(CLOCK_MONOTONIC);

	bucket_us += now_us - bucket_last_us;
	if (bucket_us > PEER_BURST * cost_us)
		bucket_us = PEER_BURST * cost_us;
	bucket_last_us = now_us;
	if (bucket_us < cost_us)
		return false;
	bucket_us -= cost_us;
	return true;
}

/* Printable ASCII only: safe for a terminal, for the log's lines and for JSON. */
static void text_clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void event_emit(enum event_kind kind, const char *object, const char *fmt, ...)
{
	struct event_record *e;
	va_list ap;

	if ((unsigned)kind >= EVENT_KIND_COUNT) {
		log_bug("event: kind %u (below %u)", (unsigned)kind, EVENT_KIND_COUNT);
		return;
	}
	counts[kind]++;
	if (kinds[kind].cls == LOG_CLASS_PEER && !peer_token_take()) {
		suppressed[kind]++;
		return;
	}
	e = &ring[++last_seq % EVENT_RING_LEN];
	e->seq = last_seq;
	e->time_us = clock_us(CLOCK_REALTIME);
	e->kind = kind;
	snprintf(e->object, sizeof(e->object), "%s", object ? object : "");
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	text_clean(e->object);
	text_clean(e->text);
	log_line(kinds[kind].cls, "%s%s%s: %s", e->object, e->object[0] ? ": " : "",
		 kinds[kind].name, e->text);
}

const char *event_kind_name(enum event_kind kind)
{
	static char unknown[24];

	if ((unsigned)kind < EVENT_KIND_COUNT)
		return kinds[kind].name;
	snprintf(unknown, sizeof(unknown), "kind-%u", (unsigned)kind);
	return unknown;
}

const char *event_kind_help(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KIND_COUNT ? kinds[kind].help : "";
}

uint64_t event_count(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KIND_COUNT ? counts[kind] : 0;
}

uint64_t event_suppressed(enum event_kind kind)
{
	return (unsigned)kind < EVENT_KIND_COUNT ? suppressed[kind] : 0;
}

uint64_t event_last_seq(void)
{
	return last_seq;
}

unsigned event_list(uint64_t *seq, struct event_record *rows, unsigned max)
{
	const uint64_t oldest = last_seq > EVENT_RING_LEN ? last_seq - EVENT_RING_LEN : 0;
	unsigned n = 0;

	if (*seq < oldest)
		*seq = oldest;
	while (n < max && *seq < last_seq)
		rows[n++] = ring[++*seq % EVENT_RING_LEN];
	return n;
}

void event_reset(void)
{
	memset(ring, 0, sizeof(ring));
	memset(counts, 0, sizeof(counts));
	memset(suppressed, 0, sizeof(suppressed));
	last_seq = 0;
	bucket_us = PEER_BURST * (1000000 / PEER_RATE_PER_S);
}
