/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The ciphers of ESP on intel-ipsec-mb; crypto.c is the only file that includes it. A burst of
 * operations is done when the call returns, in the order of the array per key. In place.
 */
#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "dp_sa.h"

/* Expanded keys: everything that the algorithm needs. 64-byte aligned; wiped with crypto_wipe.
 * GCM touches the first 240 and, for short packets, the last 256 bytes. */
#define CRYPTO_KEY_BYTES 1088
struct crypto_key {
	uint8_t bytes[CRYPTO_KEY_BYTES];
} __rte_cache_aligned;

/*
 * One packet. `text` is what is encrypted: payload, padding, trailer. The caller has laid out
 * SPI | sequence | IV right in front of it and room for the ICV behind it, and fills
 *   iv   counter modes: salt, then the 8 bytes of the wire's IV, then anything (16 bytes, built in
 *        registers for the whole burst ahead of time); CBC: the 16 bytes of the wire's IV
 *   aad  SPI | sequence as in the packet: 8 bytes; with ESN SPI | sequence high | sequence low,
 *        which is not on the wire in this form: 12 bytes in aad_esn
 * HMAC covers SPI | sequence | IV | text, with ESN followed by the high half, which is not on the
 * wire: seq_hi_be.
 */
struct crypto_op {
	const struct crypto_key *key;
	const uint8_t *aad; /* in the packet, or aad_esn */
	uint8_t *text;
	uint8_t *icv; /* out: written there; in: the one to compare with, left as it is */
	uint32_t text_len;
	uint8_t aad_len; /* 8, or 12: with ESN */
	uint8_t ok;      /* in: ICV is right; compared in constant time */
	uint16_t reserved;
	uint32_t seq_hi_be;
	uint8_t iv[16] __rte_aligned(16);
	uint8_t aad_esn[16];
};

struct crypto; /* a manager: one per worker, and one of the control core for key expansion */

/* NULL: no memory, or the CPU lacks what the library wants (AES-NI, SSE4.2). Context: control. */
struct crypto *crypto_create(void);
void crypto_destroy(struct crypto *c);
/* "AVX512 VAES", "AVX2 VAES", ...: what the library has chosen. */
const char *crypto_arch_name(const struct crypto *c);

/* Expands; `key` and `auth_key` have the lengths of dp_sa_alg_info; the salt is not part of the
 * result. -ENOTSUP. Context: control. */
int crypto_key_expand(struct crypto *c,
		      enum dp_sa_alg alg,
		      const uint8_t *key,
		      const uint8_t *auth_key,
		      struct crypto_key *out);
/* Cannot be optimised away. Any context. */
void crypto_wipe(void *p, size_t len);

/* All n <= DP_BURST operations have the algorithm `alg`. Prefetches keys 3 packets ahead itself.
 * Context: worker, with its own manager. */
void crypto_encrypt(struct crypto *c, enum dp_sa_alg alg, struct crypto_op **ops, uint16_t n);
/* Sets ok. What is decrypted although the ICV is wrong is garbage: drop it. */
void crypto_decrypt(struct crypto *c, enum dp_sa_alg alg, struct crypto_op **ops, uint16_t n);
