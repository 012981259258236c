/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crypto_jobs: the ciphers of which the library works on 4 to 16 packets side by side. CBC and HMAC
 * are two synchronous bursts, one after the other, over all packets; that is up to 10 % cheaper
 * than its queue of chained jobs, and inbound only what is authentic gets decrypted.
 * ChaCha20-Poly1305 there is only as a job: submitted as a whole, flushed at the end.
 *
 * An ICV of HMAC is cut by the library (RFC 2404, RFC 4868). With ESN the hash ends with the high
 * half of the sequence number, which is not on the wire (RFC 4303 section 2.2.1). The place behind
 * the text is the ICV's: the high half stands there while the library hashes. Outbound the ICV is
 * written over it, inbound the ICV's first bytes are saved and put back.
 *
 * Context: as crypto.h.
 */
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "crypto_priv.h"

#define CBC_BLOCK_BYTES 16

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

static inline uint8_t *icv_of(const struct crypto_op *op)
{
	return op->text + op->text_len;
}

/* ---- ChaCha20-Poly1305 ---- */

static void chacha_fill(IMB_JOB *job,
			const struct crypto_op *op,
			IMB_CIPHER_DIRECTION dir,
			uint8_t *tag)
{
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->cipher_direction = dir;
	job->chain_order = dir == IMB_DIR_ENCRYPT ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
	job->enc_keys = job->dec_keys = op->key->bytes;
	job->key_len_in_bytes = IMB_KEY_256_BYTES;
	job->src = job->dst = op->text;
	job->cipher_start_src_offset_in_bytes = 0;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = op->text_len;
	job->msg_len_to_hash_in_bytes = op->text_len;
	job->iv = op->iv;
	job->iv_len_in_bytes = CRYPTO_NONCE_BYTES;
	job->u.CHACHA20_POLY1305.aad = op->esn ? op->aad_esn : op->text - CRYPTO_AAD_BACK_BYTES;
	job->u.CHACHA20_POLY1305.aad_len_in_bytes =
		op->esn ? CRYPTO_AAD_ESN_BYTES : CRYPTO_HEADER_BYTES;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = CRYPTO_ICV_BYTES;
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

static void chacha_run(struct crypto *c,
		       struct crypto_op *const *ops,
		       uint16_t n,
		       IMB_CIPHER_DIRECTION dir)
{
	const bool in = dir == IMB_DIR_DECRYPT;
	IMB_JOB *jobs[DP_BURST];

	if (unlikely(IMB_GET_NEXT_BURST(c->mgr, n, jobs) != n)) { /* it is empty between calls */
		for (uint16_t i = 0; i < n; i++)
			ops[i]->ok = false;
		return;
	}
	for (uint16_t i = 0; i < n; i++)
		chacha_fill(jobs[i], ops[i], dir, in ? c->tags[i] : icv_of(ops[i]));
	jobs_finish(c->mgr, jobs, n);
	for (uint16_t i = 0; i < n; i++)
		ops[i]->ok = jobs[i]->status == IMB_STATUS_COMPLETED &&
			     (!in || icv_equal(c->tags[i], icv_of(ops[i]), CRYPTO_ICV_BYTES));
}

/* ---- CBC and NULL with HMAC ---- */

static inline const struct crypto_hmac_key *hmac_key(const struct crypto_op *op)
{
	return (const struct crypto_hmac_key *)op->key->bytes;
}

static void hash_fill(IMB_JOB *job,
		      const struct crypto_method *how,
		      const struct crypto_op *op,
		      uint8_t *tag)
{
	uint32_t front = CRYPTO_HEADER_BYTES + how->iv_bytes;

	job->src = op->text - front;
	job->hash_start_src_offset_in_bytes = 0;
	job->msg_len_to_hash_in_bytes = front + op->text_len;
	job->u.HMAC._hashed_auth_key_xor_ipad = hmac_key(op)->inner;
	job->u.HMAC._hashed_auth_key_xor_opad = hmac_key(op)->outer;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = how->icv_bytes;
	if (op->esn) {
		memcpy(icv_of(op), op->aad_esn + 4, 4);
		job->msg_len_to_hash_in_bytes += 4;
	}
}

static void cbc_fill(IMB_JOB *job, const struct crypto_op *op)
{
	job->enc_keys = hmac_key(op)->enc;
	job->dec_keys = hmac_key(op)->dec;
	job->src = job->dst = op->text;
	job->cipher_start_src_offset_in_bytes = 0;
	job->msg_len_to_cipher_in_bytes = op->text_len;
	job->iv = op->iv;
	job->iv_len_in_bytes = CBC_BLOCK_BYTES;
}

/* One block more in front: the number, encrypted under an IV of 0, is the IV of the text. */
static void cbc_fill_nonce(IMB_JOB *job, const struct crypto_op *op)
{
	static const uint8_t zero[CBC_BLOCK_BYTES] __rte_aligned(16);

	memcpy(op->text - CBC_BLOCK_BYTES, op->iv, CBC_BLOCK_BYTES);
	job->iv = zero;
	job->src = job->dst = op->text - CBC_BLOCK_BYTES;
	job->msg_len_to_cipher_in_bytes += CBC_BLOCK_BYTES;
}

/* How many of the burst the library has done: all, or it cannot do it at all. */
static bool cbc_burst(IMB_MGR *m,
		      const struct crypto_method *how,
		      IMB_JOB *jobs,
		      uint16_t n,
		      IMB_CIPHER_DIRECTION dir)
{
	return n == 0 || how->cipher == IMB_CIPHER_NULL ||
	       IMB_SUBMIT_CIPHER_BURST_NOCHECK(m, jobs, n, IMB_CIPHER_CBC, dir,
					       (IMB_KEY_SIZE_BYTES)how->cipher_key_bytes) == n;
}

static bool length_fits(const struct crypto_method *how, const struct crypto_op *op)
{
	return how->cipher != IMB_CIPHER_CBC ||
	       (op->text_len % CBC_BLOCK_BYTES == 0 && op->text_len != 0);
}

/* Those that the cipher can do, packed into todo; the others are not ok. */
static uint16_t hmac_sort(const struct crypto_method *how,
			  struct crypto_op *const *ops,
			  uint16_t n,
			  struct crypto_op **todo)
{
	uint16_t count = 0;

	for (uint16_t i = 0; i < n; i++) {
		rte_prefetch0(hmac_key(ops[i])->inner);
		rte_prefetch0(hmac_key(ops[i])->outer);
		ops[i]->ok = false;
		if (likely(length_fits(how, ops[i])))
			todo[count++] = ops[i];
	}
	return count;
}

static void hmac_encrypt(struct crypto *c,
			 IMB_MGR *m,
			 const struct crypto_method *how,
			 struct crypto_op *const *ops,
			 uint16_t n)
{
	bool done;

	for (uint16_t i = 0; i < n; i++) {
		cbc_fill(&c->jobs[i], ops[i]);
		if (ops[i]->nonce && how->cipher == IMB_CIPHER_CBC)
			cbc_fill_nonce(&c->jobs[i], ops[i]);
	}
	done = cbc_burst(m, how, c->jobs, n, IMB_DIR_ENCRYPT);
	for (uint16_t i = 0; i < n; i++)
		hash_fill(&c->jobs[i], how, ops[i], icv_of(ops[i]));
	done = IMB_SUBMIT_HASH_BURST_NOCHECK(m, c->jobs, n, how->hash) == n && done;
	for (uint16_t i = 0; i < n; i++)
		ops[i]->ok = done;
}

static void hmac_decrypt(struct crypto *c,
			 IMB_MGR *m,
			 const struct crypto_method *how,
			 struct crypto_op *const *ops,
			 uint16_t n)
{
	struct crypto_op *good[DP_BURST];
	uint16_t good_n = 0;
	bool done;

	for (uint16_t i = 0; i < n; i++) {
		memcpy(&c->saved[i], icv_of(ops[i]), 4);
		hash_fill(&c->jobs[i], how, ops[i], c->tags[i]);
	}
	done = IMB_SUBMIT_HASH_BURST_NOCHECK(m, c->jobs, n, how->hash) == n;
	for (uint16_t i = 0; i < n; i++) {
		memcpy(icv_of(ops[i]), &c->saved[i], 4);
		if (done && likely(icv_equal(c->tags[i], icv_of(ops[i]), how->icv_bytes)))
			good[good_n++] = ops[i];
	}
	for (uint16_t i = 0; i < good_n; i++)
		cbc_fill(&c->jobs[i], good[i]);
	done = cbc_burst(m, how, c->jobs, good_n, IMB_DIR_DECRYPT);
	for (uint16_t i = 0; i < good_n; i++)
		good[i]->ok = done;
}

void crypto_jobs_run(struct crypto *c,
		     enum dp_sa_alg alg,
		     struct crypto_op *const *ops,
		     uint16_t n,
		     IMB_CIPHER_DIRECTION dir)
{
	const struct crypto_method *how = &crypto_methods[alg];
	IMB_MGR *m = how->hash == IMB_AUTH_HMAC_SHA_256 ? c->sha256_mgr : c->mgr;
	struct crypto_op *todo[DP_BURST];

	if (how->cipher == IMB_CIPHER_CHACHA20_POLY1305) {
		chacha_run(c, ops, n, dir);
		return;
	}
	n = hmac_sort(how, ops, n, todo);
	if (n == 0)
		return;
	if (dir == IMB_DIR_ENCRYPT)
		hmac_encrypt(c, m, how, todo, n);
	else
		hmac_decrypt(c, m, how, todo, n);
}
