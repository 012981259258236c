/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * ESP packets for the ciphers: a buffer with guard bytes around SPI | sequence | IV | text | ICV,
 * and the operation for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/crypto.h"

#define TEXT_MAX    2048
#define GUARD_BYTES 64
#define GUARD       0xa5

struct test_key {
	enum dp_sa_alg alg;
	const struct dp_sa_alg_info *info;
	uint8_t key[DP_SA_KEY_MAX], auth_key[DP_SA_AUTH_KEY_MAX];
	struct crypto_key expanded;
};

struct test_packet {
	uint8_t guarded[GUARD_BYTES + 8 + 16 + TEXT_MAX + 32 + GUARD_BYTES];
	uint8_t *wire, *text, *icv; /* in it */
	uint32_t text_len, wire_len;
	struct crypto_op op;
};

static inline size_t hex_read(const char *hex, uint8_t *out, size_t max)
{
	size_t n = strlen(hex) / 2;

	if (n > max)
		fail_msg("%zu bytes of hex, room for %zu", n, max);
	for (size_t i = 0; i < n; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return n;
}

static inline void test_key_expand(struct crypto *c, struct test_key *k, enum dp_sa_alg alg)
{
	k->alg = alg;
	k->info = dp_sa_alg_info(alg);
	assert_int_equal(crypto_key_expand(c, alg, k->key, k->auth_key, &k->expanded), 0);
}

/* The frame of a packet, `skew` bytes from alignment; bytes and IV are the caller's to fill. */
static inline void packet_frame(struct test_packet *p, const struct test_key *k, uint32_t len)
{
	unsigned skew = len % 16;

	memset(p->guarded, GUARD, sizeof(p->guarded));
	memset(&p->op, 0, sizeof(p->op));
	p->wire = p->guarded + GUARD_BYTES - skew;
	p->text = p->wire + 8 + k->info->iv_bytes;
	p->text_len = len;
	p->icv = p->text + len;
	p->wire_len = 8U + k->info->iv_bytes + len + k->info->icv_bytes;
	p->op.key = &k->expanded;
	p->op.text = p->text;
	p->op.text_len = len;
}

/* What the stages do: op->iv from the wire's and the salt, aad_esn with the high half. */
static inline void packet_op_fill(struct test_packet *p,
				  const struct test_key *k,
				  const uint8_t *seq_hi)
{
	if (k->info->auth_key_bytes == 0) {
		memcpy(p->op.iv, k->key + k->info->key_bytes - 4, 4);
		memcpy(p->op.iv + 4, p->wire + 8, 8);
	} else {
		memcpy(p->op.iv, p->wire + 8, k->info->iv_bytes);
	}
	p->op.esn = seq_hi != NULL;
	if (seq_hi != NULL) {
		memcpy(p->op.aad_esn, p->wire, 4);
		memcpy(p->op.aad_esn + 4, seq_hi, 4);
		memcpy(p->op.aad_esn + 8, p->wire + 4, 4);
	}
}

static inline void packet_guard_check(const struct test_packet *p)
{
	const uint8_t *end = p->guarded + sizeof(p->guarded);

	for (const uint8_t *b = p->guarded; b < p->wire; b++)
		assert_int_equal(*b, GUARD);
	for (const uint8_t *b = p->wire + p->wire_len; b < end; b++)
		assert_int_equal(*b, GUARD);
}
