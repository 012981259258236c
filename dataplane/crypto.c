/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto: the ciphers of ESP on intel-ipsec-mb 1.3, which picks the code for the CPU at run time.
 *
 * GCM is called packet by packet: its direct calls are 10 to 40 cycles cheaper than the job API,
 * and with many keys the time goes into cache misses on them, so they are prefetched ahead. The
 * other ciphers are in crypto_jobs.c. A call returns with all of its operations done; nothing stays
 * in the manager.
 *
 * The library uses the CPU's SHA instructions only in its code for SSE and, with GFNI, for AVX2 and
 * AVX-512. On CPUs that have them without GFNI (AMD's Zen to Zen 3) SHA-256 gets an SSE manager of
 * its own: twice as fast. SHA-1 gains nothing by it.
 *
 * Keys: only in struct crypto_key, wiped by its owner with crypto_wipe. What expansion leaves on
 * the stack is wiped here, the library clears its own registers and stack (SAFE_DATA).
 *
 * RFC 4106 (GCM), RFC 7634 (ChaCha20-Poly1305), RFC 3602 (CBC), RFC 2404, RFC 4868 (HMAC), RFC 2410
 * (NULL). No EAL. Context: a manager belongs to one thread.
 * Not done: ICVs of 8 and 12 bytes of GCM, CPUs without AES instructions.
 */
#include "crypto_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>
#include <rte_vect.h>

#define HMAC_BLOCK_MAX 128
#define PREFETCH_AHEAD CRYPTO_PREFETCH_FIRST /* packets */
#define LINE           RTE_CACHE_LINE_SIZE

/* What of a GCM key a packet touches depends on the code that the library has chosen: with AVX-512
 * and VAES the round keys and as many of 48 powers of the hash key, from the last one down, as it
 * has blocks; otherwise round keys and 8 powers in one piece. */
#define GCM_POWERS_END (CRYPTO_ROUND_KEYS + 48 * 16)
#define GCM_HEAD_AVX2  RTE_ALIGN_CEIL(CRYPTO_ROUND_KEYS + 8 * 16, LINE)
#define GCM_HEAD_SSE   RTE_ALIGN_CEIL(CRYPTO_ROUND_KEYS + 2 * 8 * 16, LINE)

_Static_assert(sizeof(struct gcm_key_data) <= CRYPTO_KEY_BYTES, "GCM's key fits");
_Static_assert(offsetof(struct gcm_key_data, ghash_keys) == CRYPTO_ROUND_KEYS &&
		       sizeof(struct gcm_key_data) >= GCM_POWERS_END,
	       "what is prefetched is what is there");
_Static_assert(DP_BURST <= IMB_MAX_BURST_SIZE, "a burst is one of the library's");

#define CIPHER_GCM    IMB_CIPHER_GCM, IMB_AUTH_AES_GMAC
#define CIPHER_CHACHA IMB_CIPHER_CHACHA20_POLY1305, IMB_AUTH_CHACHA20_POLY1305
const struct crypto_method crypto_methods[DP_SA_ALG_COUNT] = {
	[DP_SA_AES128_GCM] = {CIPHER_GCM, 16, 8, 16},
	[DP_SA_AES192_GCM] = {CIPHER_GCM, 24, 8, 16},
	[DP_SA_AES256_GCM] = {CIPHER_GCM, 32, 8, 16},
	[DP_SA_CHACHA20_POLY1305] = {CIPHER_CHACHA, 32, 8, 16},
	[DP_SA_AES128_CBC_SHA1] = {IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_1, 16, 16, 12},
	[DP_SA_AES256_CBC_SHA1] = {IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_1, 32, 16, 12},
	[DP_SA_AES128_CBC_SHA256] = {IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_256, 16, 16, 16},
	[DP_SA_AES256_CBC_SHA256] = {IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_256, 32, 16, 16},
	[DP_SA_AES128_CBC_SHA384] = {IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_384, 16, 16, 24},
	[DP_SA_AES256_CBC_SHA384] = {IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_384, 32, 16, 24},
	[DP_SA_AES128_CBC_SHA512] = {IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_512, 16, 16, 32},
	[DP_SA_AES256_CBC_SHA512] = {IMB_CIPHER_CBC, IMB_AUTH_HMAC_SHA_512, 32, 16, 32},
	[DP_SA_NULL_SHA1] = {IMB_CIPHER_NULL, IMB_AUTH_HMAC_SHA_1, 0, 0, 12},
	[DP_SA_NULL_SHA256] = {IMB_CIPHER_NULL, IMB_AUTH_HMAC_SHA_256, 0, 0, 16},
	[DP_SA_NULL_SHA384] = {IMB_CIPHER_NULL, IMB_AUTH_HMAC_SHA_384, 0, 0, 24},
	[DP_SA_NULL_SHA512] = {IMB_CIPHER_NULL, IMB_AUTH_HMAC_SHA_512, 0, 0, 32},
};

/* ---- managers ---- */

void crypto_wipe(void *p, size_t len)
{
	explicit_bzero(p, len);
}

static void gcm_choose(struct crypto *c)
{
	const IMB_MGR *m = c->mgr;
	bool vaes = (m->features & IMB_CPUFLAGS_AVX512_T2) == IMB_CPUFLAGS_AVX512_T2;

	c->gcm_enc[DP_SA_AES128_GCM] = m->gcm128_enc;
	c->gcm_enc[DP_SA_AES192_GCM] = m->gcm192_enc;
	c->gcm_enc[DP_SA_AES256_GCM] = m->gcm256_enc;
	c->gcm_dec[DP_SA_AES128_GCM] = m->gcm128_dec;
	c->gcm_dec[DP_SA_AES192_GCM] = m->gcm192_dec;
	c->gcm_dec[DP_SA_AES256_GCM] = m->gcm256_dec;
	c->gcm_head = GCM_HEAD_AVX2;
	switch ((IMB_ARCH)m->used_arch) {
	case IMB_ARCH_AVX512:
		c->arch = vaes ? "AVX512 VAES" : "AVX512";
		c->gcm_powers = vaes;
		c->gcm_head = vaes ? CRYPTO_ROUND_KEYS : GCM_HEAD_AVX2;
		break;
	case IMB_ARCH_AVX2:
		c->arch = "AVX2";
		break;
	case IMB_ARCH_AVX:
		c->arch = "AVX";
		c->gcm_head = GCM_HEAD_SSE;
		break;
	case IMB_ARCH_SSE:
		c->arch = "SSE";
		c->gcm_head = GCM_HEAD_SSE;
		break;
	case IMB_ARCH_NONE:
	case IMB_ARCH_NOAESNI:
	case IMB_ARCH_NUM:
		break;
	}
}

static bool self_test_failed(const IMB_MGR *m)
{
	return (m->features & (IMB_FEATURE_SELF_TEST | IMB_FEATURE_SELF_TEST_PASS)) ==
	       IMB_FEATURE_SELF_TEST;
}

static size_t manager_bytes(void)
{
	return RTE_ALIGN_CEIL(imb_get_mb_mgr_size(), (size_t)LINE);
}

static void manager_free(IMB_MGR *m)
{
	if (m != NULL)
		crypto_wipe(m, manager_bytes());
	free(m);
}

static IMB_MGR *manager_create(bool sse)
{
	void *memory = aligned_alloc(LINE, manager_bytes());
	IMB_ARCH arch;
	IMB_MGR *m;

	if (memory == NULL)
		return NULL;
	m = imb_set_pointers_mb_mgr(memory, 0, 1);
	if (sse)
		init_mb_mgr_sse(m);
	else
		init_mb_mgr_auto(m, &arch);
	return m;
}

static IMB_MGR *sha256_manager_create(IMB_MGR *m)
{
	bool used = (m->features & IMB_CPUFLAGS_AVX2_T2) == IMB_CPUFLAGS_AVX2_T2 ||
		    (m->features & IMB_CPUFLAGS_AVX_T2) == IMB_CPUFLAGS_AVX_T2;

	return (m->features & IMB_FEATURE_SHANI) != 0 && !used ? manager_create(true) : m;
}

static int managers_create(struct crypto *c)
{
	c->mgr = manager_create(false);
	if (c->mgr == NULL)
		return -ENOMEM;
	gcm_choose(c);
	if (c->arch == NULL || self_test_failed(c->mgr))
		return -ENOTSUP;
	c->sha256_mgr = sha256_manager_create(c->mgr);
	return c->sha256_mgr != NULL ? 0 : -ENOMEM;
}

struct crypto *crypto_create(void)
{
	struct crypto *c = aligned_alloc(LINE, sizeof(*c));
	int rc;

	if (c == NULL)
		return NULL;
	memset(c, 0, sizeof(*c));
	rc = managers_create(c);
	if (rc < 0) {
		crypto_destroy(c);
		errno = -rc;
		return NULL;
	}
	return c;
}

void crypto_destroy(struct crypto *c)
{
	if (c == NULL)
		return;
	if (c->sha256_mgr != c->mgr)
		manager_free(c->sha256_mgr);
	manager_free(c->mgr);
	crypto_wipe(c, sizeof(*c));
	free(c);
}

const char *crypto_arch_name(const struct crypto *c)
{
	return c->arch;
}

/* ---- keys ---- */

static void gcm_expand(const IMB_MGR *m,
		       const struct crypto_method *how,
		       const uint8_t *key,
		       void *out)
{
	switch (how->cipher_key_bytes) {
	case IMB_KEY_128_BYTES:
		m->gcm128_pre(key, out);
		break;
	case IMB_KEY_192_BYTES:
		m->gcm192_pre(key, out);
		break;
	case IMB_KEY_256_BYTES:
		m->gcm256_pre(key, out);
		break;
	}
}

/* RFC 2104: the hash's state behind the block of key xor pad. */
static void hmac_pad(const IMB_MGR *m,
		     IMB_HASH_ALG hash,
		     const uint8_t *key,
		     uint8_t len,
		     uint8_t pad,
		     uint8_t *out)
{
	uint8_t block[HMAC_BLOCK_MAX];

	memset(block, pad, sizeof(block));
	for (unsigned i = 0; i < len; i++)
		block[i] ^= key[i];
	if (hash == IMB_AUTH_HMAC_SHA_1)
		m->sha1_one_block(block, out);
	else if (hash == IMB_AUTH_HMAC_SHA_256)
		m->sha256_one_block(block, out);
	else if (hash == IMB_AUTH_HMAC_SHA_384)
		m->sha384_one_block(block, out);
	else
		m->sha512_one_block(block, out);
	crypto_wipe(block, sizeof(block));
}

static void hmac_expand(const IMB_MGR *m,
			const struct crypto_method *how,
			uint8_t auth_key_bytes,
			const uint8_t *key,
			const uint8_t *auth_key,
			struct crypto_hmac_key *out)
{
	hmac_pad(m, how->hash, auth_key, auth_key_bytes, 0x36, out->inner);
	hmac_pad(m, how->hash, auth_key, auth_key_bytes, 0x5c, out->outer);
	if (how->cipher_key_bytes == IMB_KEY_128_BYTES)
		m->keyexp_128(key, out->enc, out->dec);
	else if (how->cipher_key_bytes == IMB_KEY_256_BYTES)
		m->keyexp_256(key, out->enc, out->dec);
}

int crypto_key_expand(struct crypto *c,
		      enum dp_sa_alg alg,
		      const uint8_t *key,
		      const uint8_t *auth_key,
		      struct crypto_key *out)
{
	const struct dp_sa_alg_info *info = dp_sa_alg_info(alg);
	const struct crypto_method *how;

	if (info == NULL)
		return -ENOTSUP;
	how = &crypto_methods[alg];
	memset(out, 0, sizeof(*out));
	if (how->cipher == IMB_CIPHER_GCM)
		gcm_expand(c->mgr, how, key, out->bytes);
	else if (how->cipher == IMB_CIPHER_CHACHA20_POLY1305)
		memcpy(out->bytes, key, how->cipher_key_bytes);
	else
		hmac_expand(c->mgr, how, info->auth_key_bytes, key, auth_key,
			    (struct crypto_hmac_key *)out->bytes);
	return 0;
}

/* ---- GCM, packet by packet ---- */

static inline void gcm_key_prefetch(const struct crypto *c, const struct crypto_op *op)
{
	const uint8_t *key = op->key->bytes;

	if (c->gcm_powers) {
		uint32_t used = RTE_MIN((op->text_len + 15) / 16 + 2, 48U) * 16;

		for (uint32_t at = 0; at < CRYPTO_ROUND_KEYS; at += LINE)
			rte_prefetch0(key + at);
		for (uint32_t at = 16; at <= used; at += LINE)
			rte_prefetch0(key + GCM_POWERS_END - at);
		return;
	}
	for (uint32_t at = 0; at < GCM_HEAD_AVX2; at += LINE) /* unrolled */
		rte_prefetch0(key + at);
	for (uint32_t at = GCM_HEAD_AVX2; at < c->gcm_head; at += LINE)
		rte_prefetch0(key + at);
}

void crypto_prefetch(const struct crypto *c, const struct crypto_op *op)
{
	gcm_key_prefetch(c, op);
}

static inline void gcm_one(struct crypto *c,
			   aes_gcm_enc_dec_t call,
			   const struct crypto_op *op,
			   uint8_t *tag)
{
	call((const struct gcm_key_data *)op->key->bytes, &c->gcm, op->text, op->text, op->text_len,
	     op->iv, op->esn ? op->aad_esn : op->text - CRYPTO_AAD_BACK_BYTES,
	     op->esn ? CRYPTO_AAD_ESN_BYTES : CRYPTO_HEADER_BYTES, tag, CRYPTO_ICV_BYTES);
}

static void gcm_encrypt(struct crypto *c,
			aes_gcm_enc_dec_t call,
			struct crypto_op *const *ops,
			uint16_t n)
{
	for (uint16_t i = 0; i < RTE_MIN(n, PREFETCH_AHEAD); i++)
		gcm_key_prefetch(c, ops[i]);
	for (uint16_t i = 0; i < n; i++) {
		struct crypto_op *op = ops[i];

		if (i + PREFETCH_AHEAD < n)
			gcm_key_prefetch(c, ops[i + PREFETCH_AHEAD]);
		gcm_one(c, call, op, op->text + op->text_len);
		op->ok = true;
	}
}

static void gcm_decrypt(struct crypto *c,
			aes_gcm_enc_dec_t call,
			struct crypto_op *const *ops,
			uint16_t n)
{
	uint8_t *tag = c->tags[0];

	for (uint16_t i = 0; i < RTE_MIN(n, PREFETCH_AHEAD); i++)
		gcm_key_prefetch(c, ops[i]);
	for (uint16_t i = 0; i < n; i++) {
		struct crypto_op *op = ops[i];
		__m128i diff;

		if (i + PREFETCH_AHEAD < n)
			gcm_key_prefetch(c, ops[i + PREFETCH_AHEAD]);
		gcm_one(c, call, op, tag);
		diff = _mm_xor_si128(_mm_load_si128((const __m128i *)tag),
				     _mm_loadu_si128((const __m128i_u *)(op->text + op->text_len)));
		op->ok = _mm_testz_si128(diff, diff);
	}
}

/* ---- bursts ---- */

void crypto_encrypt(struct crypto *c, enum dp_sa_alg alg, struct crypto_op **ops, uint16_t n)
{
	if (likely(alg <= DP_SA_AES256_GCM))
		gcm_encrypt(c, c->gcm_enc[alg], ops, n);
	else
		crypto_jobs_run(c, alg, ops, n, IMB_DIR_ENCRYPT);
}

void crypto_decrypt(struct crypto *c, enum dp_sa_alg alg, struct crypto_op **ops, uint16_t n)
{
	if (likely(alg <= DP_SA_AES256_GCM))
		gcm_decrypt(c, c->gcm_dec[alg], ops, n);
	else
		crypto_jobs_run(c, alg, ops, n, IMB_DIR_DECRYPT);
}
