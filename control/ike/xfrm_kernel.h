/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The hub in the kernel's place: what an IKE daemon asks by NETLINK_XFRM, done on the hub's SAs
 * (ike.source: redirect). Who carries the messages is ike_redirect.c.
 *
 * Context: control, all of it.
 */
#include <stdint.h>

#include "control/config.h"
#include "dataplane/dp_sa.h"

struct sa_store;
struct xfrm_kernel;

/* The multicast groups of the news: bits, as in struct sockaddr_nl. */
#define XFRM_GROUP_ACQUIRE (1U << 0)
#define XFRM_GROUP_EXPIRE  (1U << 1)
#define XFRM_GROUP_MAPPING (1U << 7)

struct xfrm_kernel_conf {
	const struct config *config; /* outlives it, as the store */
	struct sa_store *sas;
	void *ctx;
	/* News for who listens to `group`. */
	void (*tell)(void *ctx, uint32_t group, const uint8_t *message, size_t len);
};

/* -ENOMEM */
int xfrm_kernel_new(const struct xfrm_kernel_conf *conf, struct xfrm_kernel **k);
void xfrm_kernel_free(struct xfrm_kernel *k);

/*
 * One request of `len` bytes, header included; the answer, of at most XFRM_REPLY_MAX bytes, goes to
 * `reply`: its length, 0 when there is none. NEWSA is answered when each worker can see the SA
 * (dp_sa_add). The caller wipes bytes, there may be keys.
 */
size_t xfrm_kernel_request(struct xfrm_kernel *k, const uint8_t *bytes, size_t len, uint8_t *reply);

/* An event of the dataplane: told to the daemon, as the kernel would; at a hard limit the SA goes.
 * The SAs of others are none of its business. */
void xfrm_kernel_event(struct xfrm_kernel *k, const struct dp_sa_event *event);

struct xfrm_kernel_info {
	uint32_t sas;
	uint64_t requests, refused, unknown; /* messages: all, answered by an error, of a type that
						is not known */
	uint64_t spis_full;                  /* SPIs refused: too many are being negotiated */
};
void xfrm_kernel_info_get(const struct xfrm_kernel *k, struct xfrm_kernel_info *info);
