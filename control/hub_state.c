/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_state: registrations survive a restart. At start the state file is read (hub_state_load.c),
 * before workers run: they forward at once, and no spoke has to do anything. From then on the file
 * follows the cache: a change is written a second later, as text made a piece per turn, by a thread
 * (control/state).
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "control/clock.h"
#include "control/events.h"
#include "control/log.h"
#include "control/spoke.h"
#include "control/state/state.h"
#include "control/state/state_info.h"
#include "hub.h"

#define TURN_ROWS 256 /* about 300 us */

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
	const uint64_t real_ms = clock_ms(CLOCK_REALTIME);

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
	rc = hub_state_load(s->hub, &s->info);
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
