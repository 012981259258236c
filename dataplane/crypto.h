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

/* Expanded keys: everything that the algorithm needs. 64-byte aligned; wiped with crypto_wipe. What
 * GCM touches of it: crypto.c, key_prefetch. */
#define CRYPTO_KEY_BYTES 1024
struct crypto_key {
	uint8_t bytes[CRYPTO_KEY_BYTES];
} __rte_cache_aligned;

/*
 * One packet. `text` is what is encrypted: payload, padding, trailer (RFC 4303 section 2). The
 * caller has laid out SPI | sequence | IV right in front of it, the ICV is right behind it, and
 * fills all but ok. One cache line.
 */
struct crypto_op {
	const struct crypto_key *key;
	uint8_t *text;
	uint32_t text_len; /* of CBC: whole blocks, else ok is false */
	bool esn;          /* aad_esn has what is authenticated instead of SPI | sequence */
	bool ok; /* in: the ICV is right; out: false only for a length that the cipher cannot do.
		    A packet that is not ok must be dropped: it is garbage, or in clear. */
	/* CBC, encryption: iv is a number used once with this key. The wire's IV, which nobody must
	 * be able to foretell (RFC 3602 section 3), becomes its encryption (NIST SP 800-38A
	 * appendix C): one more block in front of the text, under an IV of 0. */
	bool nonce;
	uint8_t reserved;
	/* Counter modes: salt, the 8 bytes of the wire's IV, anything (built in registers for the
	 * whole burst ahead of time). CBC: the 16 bytes of the wire's IV. NULL: unused. */
	uint8_t iv[16] __rte_aligned(16);
	/* SPI | sequence high | sequence low, as RFC 4106 section 5 authenticates them. HMAC wants
	 * SPI | low | IV | text | high (RFC 4303 section 2.2.1): takes the high half from here, and
	 * puts it where the ICV is for the time of the call. */
	uint8_t aad_esn[16] __rte_aligned(16);
} __rte_cache_aligned;
_Static_assert(sizeof(struct crypto_op) == 64, "one cache line");

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

/* Of the burst's first operations: they are not far enough ahead of themselves. Whoever builds a
 * burst may call it for these as soon as key and text_len are there. Context: worker. */
#define CRYPTO_PREFETCH_FIRST 4
void crypto_prefetch(const struct crypto *c, const struct crypto_op *op);

/* All n <= DP_BURST operations have the algorithm `alg`. Prefetches keys itself.
 * Writes ICVs. Context: worker, with its own manager. */
void crypto_encrypt(struct crypto *c, enum dp_sa_alg alg, struct crypto_op **ops, uint16_t n);
/* ICVs are compared in constant time and left as they are. What is decrypted although the ICV is
 * wrong is garbage; the other packets of the burst are not disturbed. */
void crypto_decrypt(struct crypto *c, enum dp_sa_alg alg, struct crypto_op **ops, uint16_t n);
