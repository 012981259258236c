/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa: what the control core adds to the dataplane's SAs (dp_sa.h): policy, bounds on disk, events.
 *
 * Bounds (invariant 8 of DESIGN): a worker uses numbers up to a bound that has been written to disk
 * before (sa_bounds.h). An SA begins with DP_SA_BOUND_BLOCK numbers; when half of a block is left
 * the dataplane says so, and the next block is written and given: at least as much as the last
 * second took, so that a busy SA is not at its end before the disk has answered. Without the file
 * nothing is sent.
 *
 * Not done: the IKE daemon as a source of SAs; writes are synchronous, one per outbound SA and
 * block, so 10,000 SAs by this way take as long as the disk needs for 10,000 synchronised appends.
 */
#include "sa.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/clock.h"
#include "control/events.h"
#include "control/log.h"
#include "control/spoke.h"
#include "sa_bounds.h"

#define BOUNDS_PER_SA 4
#define SEQ32_LAST    UINT32_MAX

/* Of outbound SAs, by handle. */
struct note {
	uint8_t print[SA_BOUNDS_PRINT_BYTES];
	bool used;
	bool esn;
	uint64_t bound;
	uint64_t raised_ms; /* when the bound was raised last */
};

struct sa_store {
	struct sa_store_conf conf;
	struct sa_bounds *bounds; /* NULL: no tunnel is protected */
	struct note *notes;       /* [limits.sas + 1] */
	void (*event)(void *ctx, const struct dp_sa_event *event);
	void *event_ctx;
};

/* ---- profiles ---- */

uint32_t sa_profile_find(const struct config *config, const char *name)
{
	for (uint32_t i = 0; i < config->protection_count; i++)
		if (strcmp(config->protections[i].name, name) == 0)
			return i + 1;
	return 0;
}

const char *sa_profile_name(const struct config *config, uint32_t profile)
{
	if (profile == 0 || profile > config->protection_count)
		return "?";
	return config->protections[profile - 1].name;
}

static bool profile_is_used(const struct config *config)
{
	for (uint32_t i = 0; i < config->tunnel_count; i++)
		if (config->tunnels[i].profile != 0)
			return true;
	return false;
}

static bool algorithm_is_allowed(const struct config_protection *p, enum dp_sa_alg alg)
{
	for (uint32_t i = 0; i < p->algorithm_count; i++)
		if (p->algorithms[i] == (uint32_t)alg)
			return true;
	return false;
}

static bool local_is_ours(const struct config *config, const struct dp_sa_conf *conf)
{
	for (uint32_t i = 0; i < config->tunnel_count; i++)
		if (config->tunnels[i].profile == conf->profile &&
		    dp_addr_equal(&config->tunnels[i].source, &conf->local))
			return true;
	return false;
}

static int fault(struct sa_fault *f, int rc, const char *field, const char *allowed)
{
	f->field = field;
	snprintf(f->allowed, sizeof(f->allowed), "%s", allowed);
	return rc;
}

/* What the configuration says about it. */
static int policy_check(const struct sa_store *s, const struct dp_sa_conf *conf, struct sa_fault *f)
{
	const struct config *config = s->conf.config;
	const struct config_protection *p;
	size_t n = 0;

	if (conf->profile == 0 || conf->profile > config->protection_count)
		return fault(f, -EINVAL, "protection",
			     "the name of a profile of the configuration");
	p = &config->protections[conf->profile - 1];
	if (!algorithm_is_allowed(p, conf->alg)) {
		f->field = "algorithm";
		for (uint32_t i = 0; i < p->algorithm_count && n < sizeof(f->allowed); i++)
			n += (size_t)snprintf(f->allowed + n, sizeof(f->allowed) - n, "%s%s",
					      i > 0 ? ", " : "",
					      dp_sa_alg_info(p->algorithms[i])->name);
		return -EINVAL;
	}
	if (!local_is_ours(config, conf))
		return fault(f, -EINVAL, "local", "the source of a tunnel with this protection");
	return 0;
}

/* ---- bounds ---- */

static uint64_t bound_after(uint64_t seq, uint64_t block, bool esn)
{
	uint64_t last = esn ? UINT64_MAX - 1 : SEQ32_LAST;

	return seq > last - block ? last : seq + block;
}

/* The key goes on where it was left, and may use one block. */
static int bound_reserve(struct sa_store *s,
			 struct dp_sa_conf *conf,
			 struct note *note,
			 struct sa_fault *f)
{
	uint64_t known;
	int rc;

	if (s->bounds == NULL)
		return fault(f, -EINVAL, "protection", "one that a tunnel has");
	dp_sa_print(conf, sa_bounds_salt(s->bounds), note->print);
	known = sa_bounds_get(s->bounds, note->print);
	if (known > conf->seq)
		conf->seq = known;
	conf->bound = bound_after(conf->seq, DP_SA_BOUND_BLOCK, conf->esn);
	rc = sa_bounds_put(s->bounds, note->print, conf->bound);
	if (rc < 0) {
		log_sys("sequence numbers: %s: %s: outbound SA refused",
			s->conf.config->control_sequence_file, strerror(-rc));
		return fault(f, -EIO, "direction",
			     "in, while the file of bounds cannot be written");
	}
	note->used = true;
	note->esn = conf->esn;
	note->bound = conf->bound;
	note->raised_ms = clock_ms(CLOCK_MONOTONIC);
	return 0;
}

/* The next block: what the last second took, when that is more. */
static void bound_raise(struct sa_store *s, uint32_t sa)
{
	struct note *note = &s->notes[sa];
	uint64_t block = DP_SA_BOUND_BLOCK, now = clock_ms(CLOCK_MONOTONIC), ms, bound;
	struct dp_sa_info info;
	int rc;

	if (!note->used || dp_sa_info_get(sa, &info) < 0)
		return;
	ms = now - note->raised_ms;
	if (ms < 1000)
		block = block / (ms + 1) * 1000;
	bound = bound_after(note->bound, block, note->esn);
	if (bound == note->bound)
		return;
	rc = sa_bounds_put(s->bounds, note->print, bound);
	if (rc < 0) {
		/* It is asked for again. */
		log_sys("sequence numbers: %s: %s", s->conf.config->control_sequence_file,
			strerror(-rc));
		return;
	}
	note->bound = bound;
	note->raised_ms = now;
	dp_sa_bound_set(sa, bound);
}

/* ---- adding and deleting ---- */

static int added(struct sa_store *s,
		 const struct dp_sa_conf *conf,
		 uint32_t sa,
		 const struct note *note)
{
	if (s->notes[sa].used)
		sa_bounds_release(s->bounds, s->notes[sa].print);
	s->notes[sa] = *note;
	if (conf->dir == DP_SA_OUT)
		sa_bounds_put(s->bounds, note->print, note->bound); /* taken, if it was released */
	return 0;
}

int sa_store_add(struct sa_store *s, struct dp_sa_conf *conf, uint32_t *sa, struct sa_fault *f)
{
	struct note note = {0};
	int rc = policy_check(s, conf, f);

	if (rc < 0)
		return rc;
	if (conf->replay_window == UINT16_MAX)
		conf->replay_window = s->conf.config->protections[conf->profile - 1].replay_window;
	if (conf->dir == DP_SA_OUT) {
		conf->replay_window = 0;
		rc = bound_reserve(s, conf, &note, f);
		if (rc < 0)
			return rc;
	}
	rc = dp_sa_add(conf, sa);
	if (rc < 0) {
		if (note.used)
			sa_bounds_release(s->bounds, note.print);
		return fault(f, rc, "sa", dp_error());
	}
	return added(s, conf, *sa, &note);
}

int sa_store_del(struct sa_store *s, uint32_t sa)
{
	int rc = dp_sa_del(sa);

	if (rc < 0)
		return rc;
	if (s->notes[sa].used) {
		sa_bounds_release(s->bounds, s->notes[sa].print);
		s->notes[sa] = (struct note){0};
	}
	return 0;
}

/* ---- events ---- */

static void object_fill(char object[EVENT_OBJECT_LEN], const struct dp_sa_event *e)
{
	char text[DP_ADDR_STRLEN];

	dp_addr_format(&e->remote, text);
	if (e->natt_port != 0)
		snprintf(object, EVENT_OBJECT_LEN, "%s:%u", text, e->natt_port);
	else
		snprintf(object, EVENT_OBJECT_LEN, "%s", text);
}

/* "in SPI 0x12345678" */
static void sa_describe(char *text, size_t len, uint32_t sa)
{
	struct dp_sa_info info;

	if (dp_sa_info_get(sa, &info) < 0)
		snprintf(text, len, "SA");
	else
		snprintf(text, len, "%s SPI 0x%08x", info.dir == DP_SA_IN ? "in" : "out", info.spi);
}

static void peer_moved(struct sa_store *s, const struct dp_sa_event *e)
{
	char object[EVENT_OBJECT_LEN], from[DP_ADDR_STRLEN];
	struct dp_sa_info info;
	int rc;

	if (dp_sa_info_get(e->sa, &info) < 0)
		return;
	object_fill(object, e);
	rc = dp_sa_peer_move(e->sa, &e->remote, e->natt_port);
	if (rc < 0) {
		event_emit(EVENT_PEER_MOVED, object, "refused: %s", dp_error());
		return;
	}
	spoke_peer_move(s->conf.spokes, &info.remote, info.natt_port, &e->remote, e->natt_port);
	event_emit(EVENT_PEER_MOVED, object, "was at %s:%u", dp_addr_format(&info.remote, from),
		   info.natt_port);
}

static void on_event(void *ctx, const struct dp_sa_event *e)
{
	struct sa_store *s = ctx;
	char object[EVENT_OBJECT_LEN], what[64];

	if (s->event != NULL)
		s->event(s->event_ctx, e);
	object_fill(object, e);
	sa_describe(what, sizeof(what), e->sa);
	switch (e->kind) {
	case DP_SA_SOFT:
		event_emit(EVENT_SA_SOFT, object, "%s", what);
		return;
	case DP_SA_HARD:
		event_emit(EVENT_SA_HARD, object, "%s", what);
		return;
	case DP_SA_BOUND_LOW:
		bound_raise(s, e->sa);
		return;
	case DP_SA_MOVED:
		peer_moved(s, e);
		return;
	case DP_SA_WANTED:
		event_emit(EVENT_SA_WANTED, object, "%s: a packet, and no SA to send it",
			   spoke_tunnel_name(s->conf.spokes, e->tunnel));
		return;
	}
}

/* ---- start and stop ---- */

int sa_store_new(const struct sa_store_conf *conf, struct sa_store **store)
{
	uint32_t sas = conf->config->dataplane.limits.sas;
	struct sa_store *s = calloc(1, sizeof(*s));
	char error[256];
	int rc = 0;

	if (s != NULL)
		s->notes = calloc(sas + 1, sizeof(*s->notes));
	if (s == NULL || s->notes == NULL) {
		free(s);
		return -ENOMEM;
	}
	s->conf = *conf;
	if (profile_is_used(conf->config))
		rc = sa_bounds_open(conf->config->control_sequence_file, BOUNDS_PER_SA * sas,
				    &s->bounds, error);
	if (rc < 0) {
		log_sys("sequence numbers: %s", error);
		sa_store_free(s);
		return rc;
	}
	dp_sa_event_handler_set(on_event, s);
	*store = s;
	return 0;
}

void sa_store_free(struct sa_store *s)
{
	if (s == NULL)
		return;
	dp_sa_event_handler_set(NULL, NULL);
	sa_bounds_close(s->bounds);
	free(s->notes);
	free(s);
}

void sa_store_event_set(struct sa_store *s,
			void (*event)(void *ctx, const struct dp_sa_event *event),
			void *ctx)
{
	s->event = event;
	s->event_ctx = ctx;
}

void sa_store_info_get(const struct sa_store *s, struct sa_store_info *info)
{
	struct sa_bounds_info bounds = {0};

	if (s->bounds != NULL)
		sa_bounds_info_get(s->bounds, &bounds);
	*info = (struct sa_store_info){.sas = dp_sa_count(),
				       .capacity = s->conf.config->dataplane.limits.sas,
				       .bounds_keys = bounds.keys,
				       .bounds_max = bounds.max,
				       .bounds_forgotten = bounds.forgotten,
				       .bounds_writes = bounds.writes,
				       .bounds_failed = bounds.failed,
				       .file = s->bounds != NULL};
}
