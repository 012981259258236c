/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_state_load: the state file at start, see hub_state.c. Checked as a whole, then each binding
 * is taken over with the time that is left to it, before workers run.
 *
 * Context: control.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/events.h"
#include "control/log.h"
#include "control/state/state.h"
#include "control/state/state_info.h"
#include "hub.h"

#define TELL_ROWS 8 /* of what is not taken over, by name */

struct load {
	struct hub *hub;
	struct state_info *info;
	uint64_t real_ms; /* CLOCK_REALTIME */
};

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

static void dropped_tell(const struct load *l, const struct state_binding *b, const char *why)
{
	const struct state_info *info = l->info;
	char protocol[DP_ADDR_STRLEN];
	uint32_t dropped = info->no_tunnel;

	for (unsigned i = 0; i < NHRP_REFUSAL_COUNT; i++)
		dropped += info->refused[i];
	if (dropped <= TELL_ROWS)
		log_info("%s: %s %s is not taken over: %s%s", info->path, b->tunnel,
			 dp_addr_format(&b->protocol, protocol), why,
			 dropped == TELL_ROWS ? " (further ones are only counted)" : "");
}

static void binding_apply(struct load *l,
			  const struct state_doc *doc,
			  const struct state_binding *b)
{
	const struct hub_iface *tunnel = tunnel_by_name(l->hub, b->tunnel);
	const uint64_t now_ms = hub_now_ms();
	const uint64_t age_ms = l->real_ms > b->created_ms ? l->real_ms - b->created_ms : 0;
	struct nhrp_restored r = {.protocol = b->protocol,
				  .claimed = b->claimed,
				  .flags = b->flags,
				  .mtu = b->mtu,
				  .holding_s = b->holding_s,
				  .created_ms = age_ms < now_ms ? now_ms - age_ms : 1,
				  .expires_ms = left_ms(doc, b, l->real_ms)};
	enum nhrp_refusal refusal;

	if (r.expires_ms == 0) {
		l->info->expired++;
		return;
	}
	r.expires_ms += now_ms;
	if (tunnel == NULL) {
		l->info->no_tunnel++;
		dropped_tell(l, b, "no such tunnel");
		return;
	}
	r.spoke = (struct dp_spoke_key){
		.tunnel = tunnel->id, .natt_port = b->natt_port, .nbma = b->nbma};
	refusal = nhrp_server_restore(l->hub->nhrp, &r, now_ms);
	if (refusal == NHRP_REFUSAL_NONE) {
		l->info->restored++;
		return;
	}
	l->info->refused[refusal]++;
	dropped_tell(l, b, nhrp_counter_name(NHRP_COUNTER_REFUSED + refusal));
}

static void doc_apply(struct load *l, const struct state_doc *doc)
{
	const uint64_t start_ms = hub_now_ms();

	for (uint32_t i = 0; i < doc->count; i++)
		binding_apply(l, doc, &doc->bindings[i]);
	event_emit(EVENT_STATE_RESTORED, NULL,
		   "%u of %u registrations, %u expired meanwhile, %u do not fit any more; %llu ms",
		   l->info->restored, doc->count, l->info->expired,
		   doc->count - l->info->restored - l->info->expired,
		   (unsigned long long)(hub_now_ms() - start_ms));
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

int hub_state_load(struct hub *hub, struct state_info *info)
{
	struct load l = {.hub = hub, .info = info};
	struct timespec now;
	struct state_error err;
	struct state_doc doc;
	char *bytes;
	size_t len;
	int rc = state_file_read(info->path, &bytes, &len);

	if (rc == -ENOENT)
		return 0;
	if (rc == -EFBIG) {
		snprintf(err.text, sizeof(err.text), "more than %zu bytes", STATE_BYTES_MAX);
		return set_aside(info->path, err.text);
	}
	if (rc < 0) {
		log_sys("control.state-file: %s: read: %s", info->path,
			rc == -EINVAL ? "not a regular file" : strerror(-rc));
		return rc;
	}
	rc = state_doc_parse(&doc, bytes, len, &err);
	free(bytes);
	if (rc == -EINVAL)
		return set_aside(info->path, err.text);
	if (rc < 0) {
		log_sys("control.state-file: %s: %s", info->path, err.text);
		return rc;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	l.real_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	doc_apply(&l, &doc);
	state_doc_free(&doc);
	return 0;
}
