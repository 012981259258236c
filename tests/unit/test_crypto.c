/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ciphers of ESP: published vectors, every length against OpenSSL's results, bursts with mixed
 * keys, what is forged or cannot be encrypted.
 */
#include "crypto_fixture.h"
#include "crypto_vectors.h"

#include <errno.h>

#include <rte_byteorder.h>

#define KEYS 8

static struct crypto *crypto;
static struct test_packet packets[DP_BURST];
static struct test_key keys[KEYS];

static int setup(void **state)
{
	(void)state;
	crypto = crypto_create();
	return crypto == NULL;
}

static int teardown(void **state)
{
	(void)state;
	crypto_destroy(crypto);
	return 0;
}

static void encrypt_one(struct test_packet *p, enum dp_sa_alg alg)
{
	struct crypto_op *op = &p->op;

	op->ok = false;
	crypto_encrypt(crypto, alg, &op, 1);
	assert_true(op->ok);
	packet_guard_check(p);
}

static bool decrypt_one(struct test_packet *p, enum dp_sa_alg alg)
{
	struct crypto_op *op = &p->op;

	op->ok = !op->ok;
	crypto_decrypt(crypto, alg, &op, 1);
	packet_guard_check(p);
	return op->ok;
}

/* Deterministic, as tests/vectors/esp/digests.py makes them. */
static void key_make(struct test_key *k, enum dp_sa_alg alg, unsigned salt)
{
	for (unsigned i = 0; i < sizeof(k->key); i++)
		k->key[i] = (uint8_t)(7 * i + 1 + salt);
	for (unsigned i = 0; i < sizeof(k->auth_key); i++)
		k->auth_key[i] = (uint8_t)(11 * i + 3 + salt);
	test_key_expand(crypto, k, alg);
}

static uint32_t length_fit(const struct test_key *k, uint32_t len)
{
	return k->info->block_bytes < 16 ? len : RTE_MAX(RTE_ALIGN_CEIL(len, 16U), 16U);
}

static uint8_t text_byte(uint32_t i, uint32_t n)
{
	return (uint8_t)(i * 13 + n * 31);
}

static void packet_make(struct test_packet *p, const struct test_key *k, uint32_t n)
{
	uint32_t spi_be = rte_cpu_to_be_32(0x1000), seq_be = rte_cpu_to_be_32(n + 1);
	uint32_t high_be = rte_cpu_to_be_32(n);

	packet_frame(p, k, length_fit(k, n));
	memcpy(p->wire, &spi_be, 4);
	memcpy(p->wire + 4, &seq_be, 4);
	for (unsigned i = 0; i < k->info->iv_bytes; i++)
		p->wire[8 + i] = (uint8_t)(n + 5 * i);
	for (uint32_t i = 0; i < p->text_len; i++)
		p->text[i] = text_byte(i, n);
	packet_op_fill(p, k, (n & 1) != 0 ? (uint8_t *)&high_be : NULL);
}

static void text_check(const struct test_packet *p, uint32_t n)
{
	for (uint32_t i = 0; i < p->text_len; i++)
		if (p->text[i] != text_byte(i, n))
			fail_msg("packet %u: byte %u of %u", n, i, p->text_len);
}

/* ---- vectors ---- */

static void vector_load(const struct crypto_vector *v, struct test_key *k, struct test_packet *p)
{
	uint8_t wire[TEXT_MAX], high[4];
	size_t n = hex_read(v->wire, wire, sizeof(wire));

	memset(k, 0, sizeof(*k));
	hex_read(v->key, k->key, sizeof(k->key));
	hex_read(v->auth_key, k->auth_key, sizeof(k->auth_key));
	test_key_expand(crypto, k, v->alg);
	packet_frame(p, k, (uint32_t)strlen(v->text) / 2);
	assert_int_equal(n, p->wire_len);
	memcpy(p->wire, wire, n);
	if (v->seq_hi != NULL)
		hex_read(v->seq_hi, high, sizeof(high));
	packet_op_fill(p, k, v->seq_hi != NULL ? high : NULL);
}

static void vector_check(const struct crypto_vector *v)
{
	struct test_packet *p = &packets[0];
	uint8_t text[TEXT_MAX], wire[TEXT_MAX];
	size_t len = hex_read(v->text, text, sizeof(text));

	hex_read(v->wire, wire, sizeof(wire));
	vector_load(v, &keys[0], p);
	assert_true(decrypt_one(p, v->alg));
	assert_memory_equal(p->text, text, len);
	assert_memory_equal(p->icv, wire + (p->icv - p->wire), keys[0].info->icv_bytes);
	memset(p->icv, GUARD, keys[0].info->icv_bytes);
	encrypt_one(p, v->alg);
	assert_memory_equal(p->wire, wire, p->wire_len);
}

static void test_vectors(void **state)
{
	uint32_t seen = 0;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(crypto_vectors); i++) {
		print_message("%s\n", crypto_vectors[i].name);
		vector_check(&crypto_vectors[i]);
		seen |= 1U << crypto_vectors[i].alg;
	}
	assert_int_equal(seen, (1U << DP_SA_ALG_COUNT) - 1);
}

/* No bit of the wire, nor of the high half that is not on it, can be changed. */
static void test_vectors_tampered(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(crypto_vectors); i++) {
		const struct crypto_vector *v = &crypto_vectors[i];
		struct test_packet *p = &packets[0];

		vector_load(v, &keys[0], p);
		for (uint32_t bit = 0, bits = p->wire_len * 8; bit < bits; bit++) {
			uint8_t high[4];

			vector_load(v, &keys[0], p);
			p->wire[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (v->seq_hi != NULL)
				hex_read(v->seq_hi, high, sizeof(high));
			packet_op_fill(p, &keys[0], v->seq_hi != NULL ? high : NULL);
			assert_false(decrypt_one(p, v->alg));
		}
		for (unsigned bit = 0; v->seq_hi != NULL && bit < 32; bit++) {
			vector_load(v, &keys[0], p);
			p->op.aad_esn[4 + bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(decrypt_one(p, v->alg));
		}
	}
}

/* Computed by tests/vectors/esp/digests.py with OpenSSL. */
static const uint64_t digests[DP_SA_ALG_COUNT] = {
	[DP_SA_AES128_GCM] = 0x1cb4103d06b2c388,
	[DP_SA_AES192_GCM] = 0x0115cf606a8d4ec3,
	[DP_SA_AES256_GCM] = 0x96dd6e7e4ccfecc5,
	[DP_SA_CHACHA20_POLY1305] = 0x54e0569f30640a41,
	[DP_SA_AES128_CBC_SHA1] = 0xa1d3be5580b7ec54,
	[DP_SA_AES256_CBC_SHA1] = 0x168685f7951a7fa8,
	[DP_SA_AES128_CBC_SHA256] = 0x3a6dd021880354d5,
	[DP_SA_AES256_CBC_SHA256] = 0xc744f17a7787f4ad,
	[DP_SA_AES128_CBC_SHA384] = 0x2cfd8984509b46bd,
	[DP_SA_AES256_CBC_SHA384] = 0x08b7503933d7c44b,
	[DP_SA_AES128_CBC_SHA512] = 0x843dba8b65866653,
	[DP_SA_AES256_CBC_SHA512] = 0xb8feb05f27cd8a9b,
	[DP_SA_NULL_SHA1] = 0x3d2fee7eead04a90,
	[DP_SA_NULL_SHA256] = 0xbd62abe5cbccea4d,
	[DP_SA_NULL_SHA384] = 0xcdfe9cc689d3bc07,
	[DP_SA_NULL_SHA512] = 0x1de61839836c285b,
};

static void test_lengths(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < DP_SA_ALG_COUNT; alg++) {
		struct test_packet *p = &packets[0];
		uint64_t digest = 0xcbf29ce484222325;

		key_make(&keys[0], alg, 0);
		for (uint32_t n = 0; n <= 2000; n += 13) {
			packet_make(p, &keys[0], n);
			encrypt_one(p, alg);
			for (uint8_t *b = p->text; b < p->wire + p->wire_len; b++)
				digest = (digest ^ *b) * 0x100000001b3;
		}
		print_message("%s\n", dp_sa_alg_info(alg)->name);
		assert_int_equal(digest, digests[alg]);
	}
}

/* ---- bursts ---- */

static void burst_make(enum dp_sa_alg alg, uint16_t n, uint32_t first, struct crypto_op **ops)
{
	for (uint16_t i = 0; i < n; i++) {
		packet_make(&packets[i], &keys[(i * 5U + first) % KEYS], (first + i * 67U) % 2001);
		ops[i] = &packets[i].op;
		ops[i]->ok = false;
	}
	crypto_encrypt(crypto, alg, ops, n);
}

/* The same bytes as one at a time. */
static void burst_wire_check(enum dp_sa_alg alg, uint16_t n, uint32_t first)
{
	static struct test_packet alone;

	for (uint16_t i = 0; i < n; i++) {
		assert_true(packets[i].op.ok);
		packet_guard_check(&packets[i]);
		packet_make(&alone, &keys[(i * 5U + first) % KEYS], (first + i * 67U) % 2001);
		encrypt_one(&alone, alg);
		assert_memory_equal(alone.wire, packets[i].wire, alone.wire_len);
	}
}

static void burst_forged(enum dp_sa_alg alg, uint16_t n, uint32_t first, struct crypto_op **ops)
{
	uint16_t bad = n / 2;
	struct test_packet *p = &packets[bad];

	p->wire[4 + (first * 7 + n) % (p->wire_len - 4)] ^= 0x10;
	packet_op_fill(p, &keys[(bad * 5U + first) % KEYS],
		       p->op.esn ? (uint8_t[4]){0, 0, (uint8_t)((first + bad * 67U) % 2001 >> 8),
						(uint8_t)((first + bad * 67U) % 2001)}
				 : NULL);
	for (uint16_t i = 0; i < n; i++)
		ops[i]->ok = i == bad;
	crypto_decrypt(crypto, alg, ops, n);
	for (uint16_t i = 0; i < n; i++) {
		assert_int_equal(ops[i]->ok, i != bad);
		packet_guard_check(&packets[i]);
		if (i != bad)
			text_check(&packets[i], (first + i * 67U) % 2001);
	}
}

static void test_bursts(void **state)
{
	struct crypto_op *ops[DP_BURST];

	(void)state;
	for (unsigned alg = 0; alg < DP_SA_ALG_COUNT; alg++) {
		for (unsigned i = 0; i < KEYS; i++)
			key_make(&keys[i], alg, i);
		for (uint16_t n = 1; n <= DP_BURST; n++) {
			uint32_t first = n * 131U + alg;

			burst_make(alg, n, first, ops);
			burst_wire_check(alg, n, first);
			burst_forged(alg, n, first, ops);
		}
	}
}

/* Every length there and back, and back with one bit wrong. */
static void test_round_trip(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < DP_SA_ALG_COUNT; alg++) {
		struct test_packet *p = &packets[0];

		key_make(&keys[0], alg, alg);
		for (uint32_t n = 0; n <= 2000; n += 7) {
			packet_make(p, &keys[0], n);
			encrypt_one(p, alg);
			assert_true(decrypt_one(p, alg));
			text_check(p, n);
			encrypt_one(p, alg);
			p->text[n % (p->text_len + keys[0].info->icv_bytes)] ^= 1;
			assert_false(decrypt_one(p, alg));
		}
	}
}

static void test_empty_burst(void **state)
{
	struct crypto_op *none[1] = {NULL};

	(void)state;
	for (unsigned alg = 0; alg < DP_SA_ALG_COUNT; alg++) {
		crypto_encrypt(crypto, alg, none, 0);
		crypto_decrypt(crypto, alg, none, 0);
	}
}

/* ---- what is refused ---- */

/* Bytes that are no whole blocks stay as they are and are not ok; their neighbours are done. */
static void test_cbc_length(void **state)
{
	static const uint32_t bad[] = {0, 1, 15, 17, 1999};
	struct crypto_op *ops[3];

	(void)state;
	key_make(&keys[0], DP_SA_AES128_CBC_SHA256, 0);
	for (unsigned b = 0; b < RTE_DIM(bad); b++) {
		for (unsigned i = 0; i < 3; i++) {
			packet_make(&packets[i], &keys[0], 320 + i);
			ops[i] = &packets[i].op;
		}
		ops[1]->text_len = bad[b];
		crypto_encrypt(crypto, DP_SA_AES128_CBC_SHA256, ops, 3);
		assert_true(ops[0]->ok && ops[2]->ok);
		assert_false(ops[1]->ok);
		text_check(&packets[1], 321);
		crypto_decrypt(crypto, DP_SA_AES128_CBC_SHA256, ops, 3);
		assert_true(ops[0]->ok && ops[2]->ok);
		assert_false(ops[1]->ok);
		text_check(&packets[0], 320);
		text_check(&packets[1], 321);
		text_check(&packets[2], 322);
	}
}

static void test_expand(void **state)
{
	struct crypto_key key, clear;
	uint8_t bytes[DP_SA_AUTH_KEY_MAX] = {1};

	(void)state;
	assert_int_equal(crypto_key_expand(crypto, DP_SA_ALG_COUNT, bytes, bytes, &key), -ENOTSUP);
	memset(&clear, 0, sizeof(clear));
	for (unsigned alg = 0; alg < DP_SA_ALG_COUNT; alg++) {
		assert_int_equal(crypto_key_expand(crypto, alg, bytes, bytes, &key), 0);
		assert_memory_not_equal(&key, &clear, sizeof(key));
		crypto_wipe(&key, sizeof(key));
		assert_memory_equal(&key, &clear, sizeof(key));
	}
	print_message("%s\n", crypto_arch_name(crypto));
}

/* ---- IVs of CBC ---- */

/* NIST SP 800-38A F.1.1 and F.1.5: the block of a number is the wire's IV. */
static const struct {
	enum dp_sa_alg alg;
	const char *key, *number, *iv;
} nonces[] = {
	{DP_SA_AES128_CBC_SHA1, "2b7e151628aed2a6abf7158809cf4f3c",
	 "6bc1bee22e409f96e93d7e117393172a", "3ad77bb40d7a3660a89ecaf32466ef97"},
	{DP_SA_AES256_CBC_SHA512,
	 "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
	 "6bc1bee22e409f96e93d7e117393172a", "f3eed1bdb5d2a03c064b5a7e3db181f8"},
};

static void test_cbc_nonce(void **state)
{
	uint8_t iv[16];

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(nonces); i++) {
		struct test_packet *p = &packets[0];

		key_make(&keys[0], nonces[i].alg, 0);
		hex_read(nonces[i].key, keys[0].key, sizeof(keys[0].key));
		test_key_expand(crypto, &keys[0], nonces[i].alg);
		hex_read(nonces[i].iv, iv, sizeof(iv));
		for (uint32_t n = 16; n < 600; n += 16) {
			packet_make(p, &keys[0], n + i);
			hex_read(nonces[i].number, p->op.iv, 16);
			p->op.nonce = true;
			encrypt_one(p, nonces[i].alg);
			assert_memory_equal(p->text - 16, iv, 16);
			memcpy(p->op.iv, p->text - 16, 16);
			assert_true(decrypt_one(p, nonces[i].alg));
			text_check(p, n + i);
		}
	}
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < DP_SA_ALG_COUNT; alg++)
		assert_int_equal(dp_sa_alg_find(dp_sa_alg_info(alg)->name), alg);
	assert_int_equal(dp_sa_alg_find("aes128gcm16"), DP_SA_AES128_GCM);
	assert_int_equal(dp_sa_alg_find("3des-md5"), DP_SA_ALG_COUNT);
	assert_int_equal(dp_sa_alg_find(""), DP_SA_ALG_COUNT);
	assert_null(dp_sa_alg_info(DP_SA_ALG_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),    cmocka_unit_test(test_vectors_tampered),
		cmocka_unit_test(test_lengths),    cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_round_trip), cmocka_unit_test(test_empty_burst),
		cmocka_unit_test(test_cbc_length), cmocka_unit_test(test_expand),
		cmocka_unit_test(test_cbc_nonce),  cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
