/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The socket at which an IKE daemon with the preloaded library (control/ike/preload) finds the hub
 * where it would find the kernel. Messages: xfrm_wire.h; what becomes of them: xfrm_kernel.h.
 *
 * Context: control, all of it.
 */
#include <stdint.h>

#include "xfrm_kernel.h"

struct event_base;
struct ike_redirect;

/* Listens at `path`, mode 0600; what is in its place goes. -errno, logged. */
int ike_redirect_new(struct event_base *base,
		     const char *path,
		     const struct config *config,
		     struct sa_store *sas,
		     struct ike_redirect **r);
void ike_redirect_free(struct ike_redirect *r);

/* sa_store_conf.event: ctx is the ike_redirect. */
void ike_redirect_event(void *ctx, const struct dp_sa_event *event);

struct ike_redirect_info {
	uint32_t connections;
	uint64_t accepted, refused; /* refused: too many, or not root */
	uint64_t bad;               /* messages of no known kind or of a wrong length */
	uint64_t unsent;            /* answers and news that the daemon did not take: it is stuck */
	struct xfrm_kernel_info kernel;
};
void ike_redirect_info_get(const struct ike_redirect *r, struct ike_redirect_info *info);
