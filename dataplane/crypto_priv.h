/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What crypto.c (managers, keys, GCM) and crypto_jobs.c (the other ciphers) share. The only header
 * that knows ipsec-mb.
 */
#include <intel-ipsec-mb.h>

#include "crypto.h"

#define CRYPTO_ICV_BYTES      16 /* of AEAD ciphers */
#define CRYPTO_NONCE_BYTES    12
#define CRYPTO_HEADER_BYTES   8  /* SPI, sequence number */
#define CRYPTO_AAD_BACK_BYTES 16 /* from the text back to the SPI, over an IV of 8 bytes */
#define CRYPTO_AAD_ESN_BYTES  12
#define CRYPTO_TAG_BYTES      64 /* what the longest HMAC could write */
#define CRYPTO_ROUND_KEYS     240

struct crypto_method {
	IMB_CIPHER_MODE cipher;
	IMB_HASH_ALG hash;
	uint8_t cipher_key_bytes; /* without salt */
	uint8_t iv_bytes, icv_bytes;
};
extern const struct crypto_method crypto_methods[DP_SA_ALG_COUNT];

/* crypto_key of CBC and NULL with HMAC; both directions touch the first two lines. */
struct crypto_hmac_key {
	uint8_t inner[CRYPTO_TAG_BYTES],
		outer[CRYPTO_TAG_BYTES]; /* hash states behind the key's block */
	uint8_t enc[CRYPTO_ROUND_KEYS], dec[CRYPTO_ROUND_KEYS];
};
_Static_assert(sizeof(struct crypto_hmac_key) <= CRYPTO_KEY_BYTES, "CBC's and HMAC's keys fit");

struct crypto {
	struct gcm_context_data gcm;
	uint32_t gcm_head; /* bytes of a key to prefetch from its start */
	bool gcm_powers;   /* and as many powers as the packet has blocks */
	aes_gcm_enc_dec_t gcm_enc[DP_SA_AES256_GCM + 1], gcm_dec[DP_SA_AES256_GCM + 1];
	IMB_MGR *mgr;
	IMB_MGR *sha256_mgr; /* may be the same */
	const char *arch;
	/* Of the burst under way, inbound: the ICVs as they should be, and what stood at the place
	 * of the high half of the sequence number. */
	uint8_t tags[DP_BURST][CRYPTO_TAG_BYTES] __rte_cache_aligned;
	uint32_t saved[DP_BURST];
	IMB_JOB jobs[DP_BURST];
};

/* CBC, NULL and ChaCha20-Poly1305 as jobs; all done when it returns. */
void crypto_jobs_run(struct crypto *c,
		     enum dp_sa_alg alg,
		     struct crypto_op *const *ops,
		     uint16_t n,
		     IMB_CIPHER_DIRECTION dir);
