/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: the hub's memory of what changed. One ring of EVENT_RING_LEN structs, overwritten from
 * the oldest; seq numbers let a reader see that it missed some. Every kind has a counter that never
 * forgets. Kinds that boxes outside can cause at will share one token bucket, for ring and log;
 * each kind that comes once per spoke has one of its own.
 *
 * Only the control core calls; nothing here allocates. Not done: subscriptions (a client polls
 * event.list with its cursor), events that survive a restart (journald has them).
 */
#include "control/clock.h"
#include "control/events.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "control/log.h"

enum event_class { EVENT_CLASS_INFO, EVENT_CLASS_SYS, EVENT_CLASS_PEER, EVENT_CLASS_SPOKE };

/* per_s 0: no limit. */
static const struct {
	enum log_class log;
	uint32_t per_s, burst;
} classes[] = {
	[EVENT_CLASS_INFO] = {LOG_CLASS_INFO, 0, 0},
	[EVENT_CLASS_SYS] = {LOG_CLASS_SYS, 0, 0},
	[EVENT_CLASS_PEER] = {LOG_CLASS_PEER, 20, 100},
	[EVENT_CLASS_SPOKE] = {LOG_CLASS_INFO, 50, 200},
};

struct event_kind_info {
	const char *name;
	const char *help;
	enum event_class cls;
};

static const struct event_kind_info kinds[EVENT_KIND_COUNT] = {
#define X(id, name, cls, help) [EVENT_##id] = {name, help, EVENT_CLASS_##cls},
	EVENT_KIND_LIST(X)
#undef X
};

static struct event_record ring[EVENT_RING_LEN]; /* [seq % EVENT_RING_LEN] */
static uint64_t last_seq;
static uint64_t counts[EVENT_KIND_COUNT];
static uint64_t suppressed[EVENT_KIND_COUNT];
static uint64_t untold[EVENT_KIND_COUNT]; /* of suppressed, since one was kept */
/* When the bucket is full again; the kinds of class PEER share the first one's. */
static uint64_t full_us[EVENT_KIND_COUNT];

static uint64_t *bucket_of(enum event_kind kind)
{
	return &full_us[kinds[kind].cls == EVENT_CLASS_PEER ? EVENT_REG_REFUSED : kind];
}

/* What a bucket would be after one token more; 0: it has none. */
static uint64_t after_token(enum event_kind kind)
{
	const uint32_t per_s = classes[kinds[kind].cls].per_s;
	const uint64_t cost_us = per_s > 0 ? 1000000 / per_s : 0;
	const uint64_t now_us = clock_us(CLOCK_MONOTONIC);
	uint64_t full = *bucket_of(kind) > now_us ? *bucket_of(kind) : now_us;

	full += cost_us;
	return full - now_us > cost_us * classes[kinds[kind].cls].burst ? 0 : full;
}

static void suppress(enum event_kind kind)
{
	counts[kind]++;
	suppressed[kind]++;
	untold[kind]++;
}

bool event_due(enum event_kind kind)
{
	if (after_token(kind) != 0)
		return true;
	suppress(kind);
	return false;
}

/* Printable ASCII only: safe for a terminal, for the log's lines and for JSON. */
static void text_clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static void untold_append(struct event_record *e)
{
	size_t n = strlen(e->text);

	snprintf(e->text + n, sizeof(e->text) - n, " (%llu more before it)",
		 (unsigned long long)untold[e->kind]);
}

void event_emit(enum event_kind kind, const char *object, const char *fmt, ...)
{
	struct event_record *e;
	uint64_t full;
	va_list ap;

	if ((unsigned)kind >= EVENT_KIND_COUNT) {
		log_bug("event: kind %u (below %u)", (unsigned)kind, EVENT_KIND_COUNT);
		return;
	}
	full = after_token(kind);
	if (full == 0) {
		suppress(kind);
		return;
	}
	*bucket_of(kind) = full;
	counts[kind]++;
	e = &ring[++last_seq % EVENT_RING_LEN];
	e->seq = last_seq;
	e->time_us = clock_us(CLOCK_REALTIME);
	e->kind = kind;
	snprintf(e->object, sizeof(e->object), "%s", object ? object : "");
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	if (kinds[kind].cls == EVENT_CLASS_SPOKE && untold[kind] > 0)
		untold_append(e);
	untold[kind] = 0;
	text_clean(e->object);
	text_clean(e->text);
	log_line(classes[kinds[kind].cls].log, "%s%s%s: %s", e->object, e->object[0] ? ": " : "",
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
	memset(untold, 0, sizeof(untold));
	memset(full_us, 0, sizeof(full_us));
	last_seq = 0;
}
