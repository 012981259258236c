/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_state: registrations survive a restart. At start the state file is read and checked as a
 * whole, then each binding is taken over with the time that is left to it, before workers run: they
 * forward at once, and no spoke has to do anything. From then on the file follows the cache: a
 * change is written a second later, as text made a piece per turn, by a thread (control/state).
 *
 * A file that is damaged, or of another version, is not used and kept aside: the hub starts without
 * it, as its spokes register again by themselves. One that cannot be read or written at all is an
 * error of the start: the operator asked for it.
 *
 * Between the pieces the cache changes; each line is true by itself, and a change brings a new
 * file.
 *
 * Context: control.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "control/events.h"
#include "control/log.h"
#include "control/spoke.h"
#include "control/state/state.h"
#include "control/state/state_info.h"
#include "hub.h"

#define TURN_ROWS 256 /* about 300 us */
#define TELL_ROWS 8   /* of what is not taken over, by name */

struct hub_state {
	struct hub *hub;
	struct state_writer *writer;
	struct event *due;     /* timer: write */
	struct event *written; /* the writer is done */
	struct state_pace pace;
	uint64_t armed_ms; /* what the timer is set to; DEADLINE_NEVER: it is not */
	bool making, writing;
	struct state_text text; /* while making */
	uint32_t cursor;
	uint64_t work_us;
	uint64_t real_ms; /* CLOCK_REALTIME - CLOCK_MONOTONIC at the begin of the text */
	bool failing;     /* told */
	struct state_info info;
};

static uint64_t clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t real_now_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}

/* ---- at start ---- */

/* A clock that went back does not make a binding live longer than it was granted for. */
static uint64_t left_ms(const struct state_doc *doc,
			const struct state_binding *b,
			uint64_t real_ms)
{
	uint64_t from_ms = real_ms > doc->written_ms ? real_ms : doc->written_ms;
	uint64_t granted_ms = b->holding_s * 1000ull, left;

	left = b->expires_ms > from_ms ? b->expires_ms - from_ms : 0;
	return left < granted_ms ? left : granted_ms;
}

static const struct hub_iface *tunnel_by_name(const struct hub *hub, const char *name)
{
	for (uint32_t i = 0; i < hub->tunnel_count; i++)
		if (strcmp(hub->tunnels[i].name, name) == 0)
			return &hub->tunnels[i];
	return NULL;
}

static void dropped_tell(const struct hub_state *s, const struct state_binding *b, const char *why)
{
	const struct state_info *info = &s->info;
	char protocol[DP_ADDR_STRLEN];
	uint32_t dropped = info->no_tunnel;

	for (unsigned i = 0; i < NHRP_REFUSAL_COUNT; i++)
		dropped += info->refused[i];
	if (dropped <= TELL_ROWS)
		log_info("%s: %s %s is not taken over: %s%s", info->path, b->tunnel,
			 dp_addr_format(&b->protocol, protocol), why,
			 dropped == TELL_ROWS ? " (further ones are only counted)" : "");
}

static void binding_apply(struct hub_state *s,
			  const struct state_doc *doc,
			  const struct state_binding *b)
{
	const struct hub_iface *tunnel = tunnel_by_name(s->hub, b->tunnel);
	const uint64_t now_ms = hub_now_ms(), real_ms = real_now_ms();
	const uint64_t age_ms = real_ms > b->created_ms ? real_ms - b->created_ms : 0;
	struct nhrp_restored r = {.protocol = b->protocol,
				  .claimed = b->claimed,
				  .flags = b->flags,
				  .mtu = b->mtu,
				  .holding_s = b->holding_s,
				  .created_ms = age_ms < now_ms ? now_ms - age_ms : 1,
				  .expires_ms = left_ms(doc, b, real_ms)};
	enum nhrp_refusal refusal;

	if (r.expires_ms == 0) {
		s->info.expired++;
		return;
	}
	r.expires_ms += now_ms;
	if (tunnel == NULL) {
		s->info.no_tunnel++;
		dropped_tell(s, b, "no such tunnel");
		return;
	}
	r.spoke = (struct dp_spoke_key){
		.tunnel = tunnel->id, .natt_port = b->natt_port, .nbma = b->nbma};
	refusal = nhrp_server_restore(s->hub->nhrp, &r, now_ms);
	if (refusal == NHRP_REFUSAL_NONE) {
		s->info.restored++;
		return;
	}
	s->info.refused[refusal]++;
	dropped_tell(s, b, nhrp_counter_name(NHRP_COUNTER_REFUSED + refusal));
}

static void doc_apply(struct hub_state *s, const struct state_doc *doc)
{
	const uint64_t start_us = clock_us(CLOCK_MONOTONIC);

	for (uint32_t i = 0; i < doc->count; i++)
		binding_apply(s, doc, &doc->bindings[i]);
	event_emit(EVENT_STATE_RESTORED, NULL,
		   "%u of %u registrations, %u expired meanwhile, %u do not fit any more; %llu ms",
		   s->info.restored, doc->count, s->info.expired,
		   doc->count - s->info.restored - s->info.expired,
		   (unsigned long long)(clock_us(CLOCK_MONOTONIC) - start_us) / 1000);
}

/* 0: it is out of the way. */
static int set_aside(const char *path, const char *why)
{
	char kept[PATH_MAX];
	int rc = state_file_set_aside(path, kept, sizeof(kept));

	if (rc < 0) {
		log_sys("control.state-file: %s: %s; keeping it aside: %s", path, why,
			strerror(-rc));
		return rc;
	}
	event_emit(EVENT_STATE_REFUSED, NULL, "%s: not used", why);
	log_sys("control.state-file: %s: %s; nothing of it is used, kept as %s", path, why, kept);
	return 0;
}

static int load(struct hub_state *s)
{
	struct state_error err;
	struct state_doc doc;
	char *bytes;
	size_t len;
	int rc = state_file_read(s->info.path, &bytes, &len);

	if (rc == -ENOENT)
		return 0;
	if (rc == -EFBIG) {
		snprintf(err.text, sizeof(err.text), "more than %zu bytes", STATE_BYTES_MAX);
		return set_aside(s->info.path, err.text);
	}
	if (rc < 0) {
		log_sys("control.state-file: %s: read: %s", s->info.path,
			rc == -EINVAL ? "not a regular file" : strerror(-rc));
		return rc;
	}
	rc = state_doc_parse(&doc, bytes, len, &err);
	free(bytes);
	if (rc == -EINVAL)
		return set_aside(s->info.path, err.text);
	if (rc < 0) {
		log_sys("control.state-file: %s: %s", s->info.path, err.text);
		return rc;
	}
	doc_apply(s, &doc);
	state_doc_free(&doc);
	return 0;
}

/* ---- making the text ---- */

static void row_put(struct hub_state *s, const struct nhrp_binding_info *row)
{
	struct state_binding b = {.protocol = row->protocol,
				  .nbma = row->spoke.nbma,
				  .claimed = row->claimed,
				  .natt_port = row->spoke.natt_port,
				  .mtu = row->mtu,
				  .holding_s = row->holding_s,
				  .flags = row->flags,
				  .created_ms = row->created_ms + s->real_ms,
				  .expires_ms = row->expires_ms + s->real_ms};

	if (row->type != NHRP_BINDING_DYNAMIC || !(row->flags & NHRP_BINDING_F_REGISTERED) ||
	    row->expires_ms == DEADLINE_NEVER)
		return;
	snprintf(b.tunnel, sizeof(b.tunnel), "%s", spoke_tunnel_name(s->hub->spokes, row->tunnel));
	state_text_binding(&s->text, &b);
}

static void text_begin(struct hub_state *s)
{
	const uint64_t real_ms = real_now_ms();

	s->real_ms = real_ms - hub_now_ms();
	s->cursor = 0;
	s->work_us = 0;
	state_text_begin(&s->text, real_ms);
}

/* True: there is more. */
static bool text_rows(struct hub_state *s)
{
	static struct nhrp_binding_info rows[TURN_ROWS];
	const uint64_t start_us = clock_us(CLOCK_THREAD_CPUTIME_ID);
	unsigned n = nhrp_cache_list(nhrp_server_cache(s->hub->nhrp), &s->cursor, rows, TURN_ROWS);

	for (unsigned i = 0; i < n; i++)
		row_put(s, &rows[i]);
	s->work_us += clock_us(CLOCK_THREAD_CPUTIME_ID) - start_us;
	return n > 0;
}

/* ---- the writer's turn ---- */

static void timer_arm(struct hub_state *s)
{
	uint64_t now_ms = hub_now_ms(), due_ms = state_pace_due_ms(&s->pace), wait_ms;
	struct timeval tv;

	if (s->making || s->writing || due_ms >= s->armed_ms)
		return;
	wait_ms = due_ms > now_ms ? due_ms - now_ms : 0;
	tv = (struct timeval){.tv_sec = (time_t)(wait_ms / 1000),
			      .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000)};
	event_add(s->due, &tv);
	s->armed_ms = due_ms;
}

/* One line per outage, not per attempt. */
static void result_note(struct hub_state *s, int rc)
{
	if (rc == 0) {
		if (s->failing)
			log_info("control.state-file: %s: written again", s->info.path);
		s->failing = false;
		s->info.written++;
		s->info.written_us = clock_us(CLOCK_REALTIME);
		return;
	}
	s->info.failed++;
	state_pace_failed(&s->pace, hub_now_ms());
	if (!s->failing)
		event_emit(EVENT_STATE_FAILED, NULL, "%s: %s", s->info.path, strerror(-rc));
	s->failing = true;
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct hub_state *s = arg;

	(void)fd;
	(void)what;
	s->armed_ms = DEADLINE_NEVER;
	state_pace_begun(&s->pace);
	s->making = true;
	text_begin(s);
}

static void on_written(evutil_socket_t fd, short what, void *arg)
{
	struct hub_state *s = arg;
	int rc;

	(void)fd;
	(void)what;
	if (!state_writer_done(s->writer, &rc))
		return;
	s->writing = false;
	result_note(s, rc);
	timer_arm(s);
}

static void text_hand_over(struct hub_state *s)
{
	int rc = state_text_end(&s->text);

	s->making = false;
	state_pace_took(&s->pace, hub_now_ms(), s->work_us);
	s->info.work_us = s->work_us;
	s->info.bytes = s->text.len;
	s->info.bindings = s->text.bindings;
	if (rc < 0) {
		result_note(s, rc);
		state_text_free(&s->text);
	} else {
		/* Idle: nothing is made while it writes. */
		s->writing = state_writer_start(s->writer, s->text.bytes, s->text.len);
		s->text = (struct state_text){0};
	}
	timer_arm(s);
}

bool hub_state_turn(struct hub *hub)
{
	struct hub_state *s = hub->state;

	if (s == NULL || !s->making)
		return false;
	if (text_rows(s))
		return true;
	text_hand_over(s);
	return false;
}

static void on_change(void *ctx, const struct nhrp_binding *b, enum nhrp_change what)
{
	struct hub_state *s = ctx;

	if (b->type != NHRP_BINDING_DYNAMIC || !(b->flags & NHRP_BINDING_F_REGISTERED))
		return;
	if (what == NHRP_CHANGE_REFRESHED)
		state_pace_refreshed(&s->pace, hub_now_ms(), b->holding_s);
	else
		state_pace_changed(&s->pace, hub_now_ms());
	timer_arm(s);
}

/* At the end there is nobody to hold up. */
static void write_all_now(struct hub_state *s)
{
	int rc;

	text_begin(s);
	while (text_rows(s))
		;
	rc = state_text_end(&s->text);
	if (rc == 0)
		rc = state_file_write(s->info.path, s->text.bytes, s->text.len);
	if (rc < 0)
		log_sys("control.state-file: %s: %s", s->info.path, strerror(-rc));
	else
		log_info("control.state-file: %s: %u registrations", s->info.path,
			 s->text.bindings);
	state_text_free(&s->text);
}

/* ---- start and end ---- */

static int writer_init(struct hub_state *s)
{
	struct event_base *base = s->hub->base;

	s->writer = state_writer_new(s->info.path);
	if (s->writer == NULL)
		return -errno;
	s->due = evtimer_new(base, on_due, s);
	s->written =
		event_new(base, state_writer_fd(s->writer), EV_READ | EV_PERSIST, on_written, s);
	if (s->due == NULL || s->written == NULL || event_add(s->written, NULL) < 0)
		return -ENOMEM;
	return 0;
}

static void state_free(struct hub_state *s)
{
	if (s->due != NULL)
		event_free(s->due);
	if (s->written != NULL)
		event_free(s->written);
	state_writer_free(s->writer);
	state_text_free(&s->text);
	free(s);
}

static int begin(struct hub_state *s)
{
	const struct nhrp_cache_observer observer = {.ctx = s, .changed = on_change};
	/* What cannot be written is found out now, not at the first registration. */
	int rc = state_file_check(s->info.path);

	if (rc < 0) {
		log_sys("control.state-file: %s: its directory: %s", s->info.path, strerror(-rc));
		return rc;
	}
	rc = load(s);
	if (rc < 0)
		return rc;
	rc = writer_init(s);
	if (rc == 0)
		rc = nhrp_cache_observe(nhrp_server_cache(s->hub->nhrp), &observer);
	if (rc < 0)
		log_sys("control.state-file: %s: %s", s->info.path, strerror(-rc));
	return rc;
}

int hub_state_init(struct hub *hub)
{
	struct hub_state *s;
	int rc;

	if (hub->config->state_file == NULL)
		return 0;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->hub = hub;
	s->info.path = hub->config->state_file;
	s->armed_ms = DEADLINE_NEVER;
	state_pace_init(&s->pace);
	rc = begin(s);
	if (rc < 0) {
		state_free(s);
		return rc;
	}
	hub->state = s;
	hub->sources.state = &s->info;
	return 0;
}

void hub_state_fini(struct hub *hub)
{
	struct hub_state *s = hub->state;

	if (s == NULL)
		return;
	hub->state = NULL;
	hub->sources.state = NULL;
	state_text_free(&s->text);
	/* The writer first: its text is older. */
	state_writer_free(s->writer);
	s->writer = NULL;
	write_all_now(s);
	state_free(s);
}
