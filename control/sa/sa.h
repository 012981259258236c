/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Security associations as the control core sees them: who may add which, up to which number an
 * outbound one may count, and what is done about the dataplane's events.
 *
 * Context: control, all of it. Times are milliseconds of one monotonic clock.
 */
#include <stdbool.h>
#include <stdint.h>

#include "control/config.h"
#include "dataplane/dp_sa.h"

struct sa_store;
struct spoke_table;

struct sa_store_conf {
	const struct config *config; /* profiles, tunnels, limits, file; outlives the store */
	struct spoke_table *spokes;  /* outlives the store */
};

/* Opens the file of bounds when a tunnel is protected. 0; -errno, logged with the path. */
int sa_store_new(const struct sa_store_conf *conf, struct sa_store **store);
void sa_store_free(struct sa_store *s);

/* Why an SA was not taken: a field of the request, and what is allowed there. */
struct sa_fault {
	const char *field; /* a literal: "algorithm" */
	char allowed[160];
};

/*
 * Adds or replaces. conf->profile is set, conf->local is the source of a tunnel with that profile;
 * replay_window UINT16_MAX is the profile's. The bound of an outbound one is stored first, and it
 * goes on where its key was left, in this process or an earlier one. The caller wipes conf.
 * -EINVAL, -ENOTSUP, -ENOSPC, -EAGAIN, -EIO with `fault`.
 */
int sa_store_add(struct sa_store *s, struct dp_sa_conf *conf, uint32_t *sa, struct sa_fault *fault);
/* -ENOENT, -EAGAIN. */
int sa_store_del(struct sa_store *s, uint32_t sa);

/* Profile by name; 0: none. */
uint32_t sa_profile_find(const struct config *config, const char *name);
const char *sa_profile_name(const struct config *config, uint32_t profile);

/* Who gave us the SAs is told of events, before anything is done about them; NULL: nobody. */
void sa_store_event_set(struct sa_store *s,
			void (*event)(void *ctx, const struct dp_sa_event *event),
			void *ctx);

struct sa_store_info {
	uint32_t sas, capacity;
	uint64_t bounds_keys, bounds_max, bounds_forgotten, bounds_writes, bounds_failed;
	bool file; /* there is one */
};
void sa_store_info_get(const struct sa_store *s, struct sa_store_info *info);
