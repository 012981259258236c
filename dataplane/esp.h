/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What both ESP stages share: RFC 4303 section 2 and the IVs of counter modes. Inline and pure.
 * Context: any.
 */
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_vect.h>

#include "crypto.h"
#include "dp_sa.h"
#include "esp_size.h"

#define ESP_NEXT_GRE  47
#define ESP_NEXT_NONE 59   /* dummy packet: RFC 4303 section 2.6 */
#define ESP_KEEPALIVE 0xff /* RFC 3948 */

/* The numbers of dp_sa_alg_info that a stage needs per packet, in one word. */
struct esp_shape {
	uint8_t iv_bytes, icv_bytes, block_bytes, salted;
};

static const struct esp_shape esp_shapes[DP_SA_ALG_COUNT] = {
#define X(id, name, key, auth_key, iv, icv, block) [DP_SA_##id] = {iv, icv, block, (auth_key) == 0},
	DP_SA_ALG_LIST(X)
#undef X
};

/* The IV as crypto_op wants it: salt and 8 bytes of a counter mode, in registers (a 16-byte load
 * behind smaller stores stalls), or 16 bytes of the wire. */
static inline void esp_iv_salted(uint8_t iv[16], uint32_t salt, uint64_t wire)
{
	_mm_store_si128((__m128i *)iv,
			_mm_set_epi64x((int64_t)(wire >> 32), (int64_t)(wire << 32 | salt)));
}

static inline void esp_iv_wire(uint8_t iv[16], const uint8_t *wire)
{
	_mm_store_si128((__m128i *)iv, _mm_loadu_si128((const __m128i_u *)wire));
}

/* SPI | high | low: RFC 4106 section 5. */
static inline void esp_aad_esn(struct crypto_op *op, rte_be32_t spi_be, uint64_t seq)
{
	const uint64_t high = rte_cpu_to_be_32((uint32_t)(seq >> 32));
	const uint64_t low = rte_cpu_to_be_32((uint32_t)seq);

	_mm_store_si128((__m128i *)op->aad_esn,
			_mm_set_epi64x((int64_t)low, (int64_t)(high << 32 | spi_be)));
}

/* Text of a burst by algorithm: nearly always there is one. */
struct esp_ops {
	uint16_t n;
	uint32_t algs; /* bit per enum dp_sa_alg */
	uint8_t alg[DP_BURST];
	struct crypto_op *op[DP_BURST];
};
_Static_assert(DP_SA_ALG_COUNT <= 32, "a bit per algorithm");

static inline void esp_ops_add(struct esp_ops *ops,
			       const struct crypto *c,
			       struct crypto_op *op,
			       uint8_t alg)
{
	if (ops->n < CRYPTO_PREFETCH_FIRST)
		crypto_prefetch(c, op);
	ops->algs |= 1U << alg;
	ops->alg[ops->n] = alg;
	ops->op[ops->n++] = op;
}

typedef void (*esp_crypt_fn)(struct crypto *c,
			     enum dp_sa_alg alg,
			     struct crypto_op **ops,
			     uint16_t n);

/* One call per algorithm. */
static inline void esp_ops_run(struct esp_ops *ops, struct crypto *c, esp_crypt_fn crypt)
{
	struct crypto_op *op[DP_BURST];
	uint32_t algs = ops->algs;

	if (likely((algs & (algs - 1)) == 0)) {
		if (ops->n != 0)
			crypt(c, (enum dp_sa_alg)ops->alg[0], ops->op, ops->n);
		return;
	}
	while (algs != 0) {
		uint8_t alg = (uint8_t)__builtin_ctz(algs);
		uint16_t n = 0;

		algs &= algs - 1;
		for (uint16_t i = 0; i < ops->n; i++)
			if (ops->alg[i] == alg)
				op[n++] = ops->op[i];
		crypt(c, (enum dp_sa_alg)alg, op, n);
	}
}
