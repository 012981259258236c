/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Requests of the IKE daemon in memory that is locked, not dumped and zero in children: those in
 * flight, and of those that made an SA the ones whose SA exists. A slot is wiped when it is freed.
 *
 * Context: the lock of xfrm_proxy.c is held.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/xfrm.h>

#define KEPT_MAX_SAS      100000
#define KEPT_MAX_INFLIGHT 4096
#define KEPT_MSG_BYTES    1200 /* AES-256 with HMAC-SHA-512, ESN, encapsulation, a window of 4,096 */
#define KEPT_NO_OWNER     0xff

struct kept_key {
	uint8_t daddr[16];
	uint32_t spi_be;
	uint16_t family;
	uint16_t proto;
};
_Static_assert(sizeof(struct kept_key) == 24, "no padding: compared as bytes");

struct kept {
	struct kept *next; /* free list or hash chain */
	struct kept_key key;
	uint64_t bound;  /* 0: none known */
	int64_t made_ms; /* of a current one */
	uint16_t len;
	uint8_t owner; /* client */
	bool current;  /* in the table of SAs */
	uint8_t msg[KEPT_MSG_BYTES];
};

void *kept_pages(size_t bytes); /* locked, MADV_DONTDUMP, MADV_WIPEONFORK; NULL with errno */

void kept_wipe(void *bytes, size_t len);

/* A slot with a copy of the message; NULL with errno: EMSGSIZE, ENOMEM. */
struct kept *kept_new(const void *msg, size_t len, uint8_t owner);
void kept_free(struct kept *k); /* of one that is not current */

struct kept_key kept_key_of(const xfrm_address_t *daddr,
			    uint32_t spi,
			    uint16_t family,
			    uint8_t proto);

/* Makes it current, in place of one of the same key. -ENOSPC: table full, the slot is freed. */
int kept_put(struct kept *k, bool update, int64_t now);
void kept_remove(const struct kept_key *key);
void kept_flush(uint8_t proto); /* as xfrm_usersa_flush.proto */
struct kept *kept_find(const struct kept_key *key);

/* The first current one of the owner, or of none, at or after the cursor, which moves past it. */
struct kept *kept_next(uint32_t *cursor, uint8_t owner);
void kept_disown(uint8_t owner);

void kept_reset(void); /* in a child, which has none of it */
