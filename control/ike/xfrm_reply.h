/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * NETLINK_XFRM messages that the hub says where a kernel would: answers, and news. Each function
 * writes one message, header included, and returns its length; `reply` has room for
 * XFRM_REPLY_MAX. Nothing of a key is ever in one.
 *
 * Pure: any thread.
 */
#include "xfrm.h"

#define XFRM_REPLY_MAX 1024 /* bytes */

/* Who asked; 0, 0 of news. */
struct xfrm_to {
	uint32_t seq, pid;
};
/* Of a request's header; -EBADMSG. */
int xfrm_request_header(
	const uint8_t *bytes, size_t len, uint16_t *type, uint16_t *flags, struct xfrm_to *to);

/* NLMSG_ERROR: error is 0 or -errno; the request's header goes along. */
size_t xfrm_reply_ack(uint8_t *reply, const uint8_t *request, int error);

/* An SA as the kernel would tell of it. Times are seconds of the wall clock, 0: never. */
struct xfrm_sa_told {
	struct dp_addr src, dst;
	uint32_t spi;
	uint32_t reqid;
	bool esn;
	uint8_t replay_window;
	uint64_t bytes, pkts;
	uint64_t added, used;
};
/* XFRM_MSG_NEWSA: to GETSA and, larval, to ALLOCSPI. */
size_t xfrm_reply_sa(uint8_t *reply, const struct xfrm_to *to, const struct xfrm_sa_told *sa);
/* XFRM_MSG_EXPIRE */
size_t xfrm_tell_expire(uint8_t *message, const struct xfrm_sa_told *sa, bool hard);
/* XFRM_MSG_ACQUIRE: an SA from `local` to `remote` for GRE. */
size_t xfrm_tell_acquire(uint8_t *message,
			 const struct dp_addr *local,
			 const struct dp_addr *remote,
			 uint32_t reqid,
			 uint32_t seq);
/* XFRM_MSG_MAPPING: the peer of an inbound SA sends from elsewhere; ports in host order. */
size_t xfrm_tell_mapping(uint8_t *message,
			 const struct xfrm_sa_told *sa,
			 uint16_t old_port,
			 const struct dp_addr *to,
			 uint16_t new_port);
/* XFRM_MSG_NEWPOLICY to the request GETPOLICY, whose selector and direction it has; -EBADMSG. */
int xfrm_reply_policy(uint8_t *reply, const uint8_t *request, size_t len, uint64_t used);
/* Whose policy GETPOLICY asks for; -EBADMSG. */
int xfrm_policy_parse(
	const uint8_t *request, size_t len, struct dp_addr *src, struct dp_addr *dst, uint8_t *dir);
/* XFRM_MSG_NEWSPDINFO, NEWSADINFO */
size_t xfrm_reply_spdinfo(uint8_t *reply, const struct xfrm_to *to);
size_t xfrm_reply_sadinfo(uint8_t *reply, const struct xfrm_to *to, uint32_t count);
