/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto: the ciphers of ESP on intel-ipsec-mb 1.3, which picks the code for the CPU at run time.
 *
 * GCM is called packet by packet: its direct calls are 10 to 40 cycles cheaper than the job API,
 * and with many keys the time goes into cache misses on them, so they are prefetched ahead. CBC
 * with HMAC, NULL with HMAC and ChaCha20-Poly1305 are jobs: the library works on 4 to 16 of them
 * side by side, so a burst is submitted as a whole and flushed at its end. A call returns with all
 * of its operations done; nothing stays in the manager.
 *
 * An ICV of HMAC is cut by the library (RFC 2404, RFC 4868). With ESN the hash ends with the high
 * half of the sequence number, which is not on the wire (RFC 4303 section 2.2.1). The place behind
 * the text is the ICV's: the high half stands there while the library works. Outbound the ICV is
 * written over it at the end, inbound the ICV's first bytes are saved and put back.
 *
 * Keys: only in struct crypto_key, wiped by its owner with crypto_wipe. What expansion leaves on
 * the stack is wiped here, the library clears its own registers and stack (SAFE_DATA).
 *
 * RFC 4106 (GCM), RFC 7634 (ChaCha20-Poly1305), RFC 3602 (CBC), RFC 2404, RFC 4868 (HMAC), RFC 2410
 * (NULL). No EAL. Context: a manager belongs to one thread.
 * Not done: ICVs of 8 and 12 bytes of GCM, CPUs without AES instructions.
 */
#include "crypto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>
#include <rte_vect.h>

#include <intel-ipsec-mb.h>

#define GCM_ICV_BYTES      16
#define GCM_NONCE_BYTES    12
#define SALT_BYTES         4
#define ESP_HEADER_BYTES   8  /* SPI, sequence number */
#define GCM_AAD_BACK_BYTES 16 /* from the text back to the SPI, over the IV of 8 bytes */
#define AAD_ESN_BYTES      12
#define CBC_BLOCK_BYTES    16
#define ICV_MAX_BYTES      32
#define TAG_BYTES          64 /* what the longest HMAC could write */
#define HMAC_BLOCK_MAX     128
#define ROUND_KEYS_BYTES   240
#define PREFETCH_AHEAD     3 /* packets; PERFORMANCE: measured */
#define LINE               RTE_CACHE_LINE_SIZE

/* What of a GCM key a packet touches depends on the code that the library has chosen: with AVX-512
 * and VAES the round keys and as many of 48 powers of the hash key, from the last one down, as it
 * has blocks; otherwise round keys and 8 powers in one piece. */
#define GCM_POWERS_END (ROUND_KEYS_BYTES + 48 * 16)
#define GCM_HEAD_AVX2  (ROUND_KEYS_BYTES + 8 * 16)
#define GCM_HEAD_SSE   (ROUND_KEYS_BYTES + 2 * 8 * 16)

/* crypto_key of CBC and NULL with HMAC; both directions touch the first two lines. */
struct hmac_key {
	uint8_t inner[TAG_BYTES], outer[TAG_BYTES]; /* hash states behind the key's block */
	uint8_t enc[ROUND_KEYS_BYTES], dec[ROUND_KEYS_BYTES];
};
_Static_assert(sizeof(struct gcm_key_data) <= CRYPTO_KEY_BYTES, "GCM's key fits");
_Static_assert(offsetof(struct gcm_key_data, ghash_keys) == ROUND_KEYS_BYTES &&
		       sizeof(struct gcm_key_data) >= GCM_POWERS_END,
	       "what is prefetched is what is there");
_Static_assert(sizeof(struct hmac_key) <= CRYPTO_KEY_BYTES, "CBC's and HMAC's keys fit");
_Static_assert(DP_BURST <= IMB_MAX_BURST_SIZE, "a burst is one of the library's");

struct method {
	IMB_CIPHER_MODE cipher;
	IMB_HASH_ALG hash;
	uint8_t cipher_key_bytes; /* without salt */
	uint8_t iv_bytes, icv_bytes;
};

#define CIPHER_GCM    IMB_CIPHER_GCM, IMB_AUTH_AES_GMAC
#define CIPHER_CHACHA IMB_CIPHER_CHACHA20_POLY1305, IMB_AUTH_CHACHA20_POLY1305
static const struct method methods[DP_SA_ALG_COUNT] = {
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

struct crypto {
	struct gcm_context_data gcm;
	uint32_t gcm_head; /* bytes of a key to prefetch from its start */
	bool gcm_powers;   /* and as many powers as the packet has blocks */
	aes_gcm_enc_dec_t gcm_enc[DP_SA_AES256_GCM + 1], gcm_dec[DP_SA_AES256_GCM + 1];
	IMB_MGR *mgr; /* owned */
	const char *arch;
	/* Of the burst under way, inbound: the ICVs as they should be, and what stood at the place
	 * of the high half of the sequence number. */
	uint8_t tags[DP_BURST][TAG_BYTES] __rte_cache_aligned;
	uint32_t saved[DP_BURST];
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
		c->gcm_head = vaes ? ROUND_KEYS_BYTES : GCM_HEAD_AVX2;
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

struct crypto *crypto_create(void)
{
	struct crypto *c = aligned_alloc(LINE, sizeof(*c));
	void *memory = aligned_alloc(LINE, manager_bytes());
	IMB_ARCH arch;

	if (c == NULL || memory == NULL) {
		free(c);
		free(memory);
		errno = ENOMEM;
		return NULL;
	}
	memset(c, 0, sizeof(*c));
	c->mgr = imb_set_pointers_mb_mgr(memory, 0, 1);
	init_mb_mgr_auto(c->mgr, &arch);
	gcm_choose(c);
	if (c->arch == NULL || self_test_failed(c->mgr)) {
		crypto_destroy(c);
		errno = ENOTSUP;
		return NULL;
	}
	return c;
}

void crypto_destroy(struct crypto *c)
{
	if (c == NULL)
		return;
	crypto_wipe(c->mgr, manager_bytes());
	free(c->mgr);
	crypto_wipe(c, sizeof(*c));
	free(c);
}

const char *crypto_arch_name(const struct crypto *c)
{
	return c->arch;
}

/* ---- keys ---- */

static void gcm_expand(const IMB_MGR *m, const struct method *how, const uint8_t *key, void *out)
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
			const struct method *how,
			uint8_t auth_key_bytes,
			const uint8_t *key,
			const uint8_t *auth_key,
			struct hmac_key *out)
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
	const struct method *how;

	if (info == NULL)
		return -ENOTSUP;
	how = &methods[alg];
	memset(out, 0, sizeof(*out));
	if (how->cipher == IMB_CIPHER_GCM)
		gcm_expand(c->mgr, how, key, out->bytes);
	else if (how->cipher == IMB_CIPHER_CHACHA20_POLY1305)
		memcpy(out->bytes, key, how->cipher_key_bytes);
	else
		hmac_expand(c->mgr, how, info->auth_key_bytes, key, auth_key,
			    (struct hmac_key *)out->bytes);
	return 0;
}

/* ---- GCM, packet by packet ---- */

static inline void gcm_key_prefetch(const struct crypto *c, const struct crypto_op *op)
{
	const uint8_t *key = op->key->bytes;

	for (uint32_t at = 0; at < c->gcm_head; at += LINE)
		rte_prefetch0(key + at);
	if (c->gcm_powers) {
		uint32_t used = RTE_MIN((op->text_len + 15) / 16 + 2, 48U) * 16;

		for (uint32_t at = 16; at <= used; at += LINE)
			rte_prefetch0(key + GCM_POWERS_END - at);
	}
}

static inline void gcm_one(struct crypto *c,
			   aes_gcm_enc_dec_t call,
			   const struct crypto_op *op,
			   uint8_t *tag)
{
	call((const struct gcm_key_data *)op->key->bytes, &c->gcm, op->text, op->text, op->text_len,
	     op->iv, op->esn ? op->aad_esn : op->text - GCM_AAD_BACK_BYTES,
	     op->esn ? AAD_ESN_BYTES : ESP_HEADER_BYTES, tag, GCM_ICV_BYTES);
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

/* ---- the others, as jobs ---- */

/* Of whole 4-byte words, in constant time. */
static bool icv_equal(const uint8_t *a, const uint8_t *b, uint8_t len)
{
	uint32_t diff = 0;

	for (uint8_t i = 0; i < len; i += 4) {
		uint32_t x, y;

		memcpy(&x, a + i, 4);
		memcpy(&y, b + i, 4);
		diff |= x ^ y;
	}
	return diff == 0;
}

static void job_chacha(IMB_JOB *job, const struct crypto_op *op)
{
	job->enc_keys = job->dec_keys = op->key->bytes;
	job->src = op->text;
	job->cipher_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = op->text_len;
	job->iv_len_in_bytes = GCM_NONCE_BYTES;
	job->u.CHACHA20_POLY1305.aad = op->esn ? op->aad_esn : op->text - GCM_AAD_BACK_BYTES;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes = op->esn ? AAD_ESN_BYTES : ESP_HEADER_BYTES;
}

static void job_hmac(IMB_JOB *job, const struct crypto_op *op, uint8_t iv_bytes)
{
	const struct hmac_key *key = (const struct hmac_key *)op->key->bytes;
	uint32_t front = ESP_HEADER_BYTES + iv_bytes;

	job->enc_keys = key->enc;
	job->dec_keys = key->dec;
	job->src = op->text - front;
	job->cipher_start_src_offset_in_bytes = front;
	job->msg_len_to_hash_in_bytes = front + op->text_len;
	job->iv_len_in_bytes = iv_bytes;
	job->u.HMAC._hashed_auth_key_xor_ipad = key->inner;
	job->u.HMAC._hashed_auth_key_xor_opad = key->outer;
	if (op->esn) {
		memcpy(op->text + op->text_len, op->aad_esn + 4, 4);
		job->msg_len_to_hash_in_bytes += 4;
	}
}

/* One block more in front: the number, encrypted under an IV of 0, is the IV of the text. */
static void job_cbc_nonce(IMB_JOB *job, const struct crypto_op *op)
{
	static const uint8_t zero[CBC_BLOCK_BYTES] __rte_aligned(16);

	memcpy(op->text - CBC_BLOCK_BYTES, op->iv, CBC_BLOCK_BYTES);
	job->iv = zero;
	job->dst = op->text - CBC_BLOCK_BYTES;
	job->cipher_start_src_offset_in_bytes -= CBC_BLOCK_BYTES;
	job->msg_len_to_cipher_in_bytes += CBC_BLOCK_BYTES;
}

static void job_fill(IMB_JOB *job,
		     const struct method *how,
		     const struct crypto_op *op,
		     IMB_CIPHER_DIRECTION dir,
		     uint8_t *tag)
{
	job->cipher_mode = how->cipher;
	job->hash_alg = how->hash;
	job->cipher_direction = dir;
	job->chain_order = dir == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->key_len_in_bytes = how->cipher_key_bytes;
	job->dst = op->text;
	job->msg_len_to_cipher_in_bytes = op->text_len;
	job->hash_start_src_offset_in_bytes = 0;
	job->iv = op->iv;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = how->icv_bytes;
	if (how->cipher == IMB_CIPHER_CHACHA20_POLY1305)
		job_chacha(job, op);
	else
		job_hmac(job, op, how->iv_bytes);
	if (how->cipher == IMB_CIPHER_CBC && op->nonce && dir == IMB_DIR_ENCRYPT)
		job_cbc_nonce(job, op);
}

/* All of them are done when this returns. */
static void jobs_finish(IMB_MGR *m, IMB_JOB *const *jobs, uint16_t n)
{
	IMB_JOB *list[DP_BURST];
	uint32_t done;

	memcpy(list, jobs, n * sizeof(list[0]));
	done = IMB_SUBMIT_BURST_NOCHECK(m, n, list);
	while (done < n) {
		uint32_t more = IMB_FLUSH_BURST(m, n, list);

		if (more == 0)
			break;
		done += more;
	}
}

static bool length_fits(const struct method *how, const struct crypto_op *op)
{
	return how->cipher != IMB_CIPHER_CBC ||
	       (op->text_len % CBC_BLOCK_BYTES == 0 && op->text_len != 0);
}

static void jobs_run(struct crypto *c,
		     const struct method *how,
		     struct crypto_op *const *ops,
		     uint16_t n,
		     IMB_CIPHER_DIRECTION dir)
{
	const bool in = dir == IMB_DIR_DECRYPT;
	struct crypto_op *todo[DP_BURST];
	IMB_JOB *jobs[DP_BURST];
	uint16_t count = 0;

	if (unlikely(IMB_GET_NEXT_BURST(c->mgr, n, jobs) != n)) /* it is empty between calls */
		n = 0;
	for (uint16_t i = 0; i < n; i++) {
		struct crypto_op *op = ops[i];
		uint8_t *icv = op->text + op->text_len;

		op->ok = false;
		if (unlikely(!length_fits(how, op)))
			continue;
		if (in)
			memcpy(&c->saved[count], icv, 4);
		job_fill(jobs[count], how, op, dir, in ? c->tags[count] : icv);
		todo[count++] = op;
	}
	if (count != 0)
		jobs_finish(c->mgr, jobs, count);
	for (uint16_t i = 0; i < count; i++) {
		struct crypto_op *op = todo[i];
		uint8_t *icv = op->text + op->text_len;

		if (in && op->esn)
			memcpy(icv, &c->saved[i], 4);
		op->ok = jobs[i]->status == IMB_STATUS_COMPLETED &&
			 (!in || icv_equal(c->tags[i], icv, how->icv_bytes));
	}
}

/* ---- bursts ---- */

void crypto_encrypt(struct crypto *c, enum dp_sa_alg alg, struct crypto_op **ops, uint16_t n)
{
	if (likely(alg <= DP_SA_AES256_GCM))
		gcm_encrypt(c, c->gcm_enc[alg], ops, n);
	else
		jobs_run(c, &methods[alg], ops, n, IMB_DIR_ENCRYPT);
}

void crypto_decrypt(struct crypto *c, enum dp_sa_alg alg, struct crypto_op **ops, uint16_t n)
{
	if (likely(alg <= DP_SA_AES256_GCM))
		gcm_decrypt(c, c->gcm_dec[alg], ops, n);
	else
		jobs_run(c, &methods[alg], ops, n, IMB_DIR_DECRYPT);
}
