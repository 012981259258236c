/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * How long a packet gets by ESP in transport mode: RFC 4303 section 2. Pure. Context: any.
 *
 *     outer IPv4, and UDP | SPI, sequence number | IV | GRE | inner packet | padding | 2 | ICV
 *                                                     '------- whole blocks -------'
 */
#include "dp_sa.h"

#define ESP_HEADER_BYTES  8    /* SPI, sequence number */
#define ESP_TRAILER_BYTES 2    /* pad length, next header */
#define ESP_UDP_PORT      4500 /* RFC 3948, ours and theirs unless somebody says otherwise */
#define ESP_UDP_BYTES     8

/* Bytes of the outer packet around an inner one. `outer` of IPv4, and UDP; `gre` of GRE. */
static inline uint32_t esp_outer_bytes(const struct dp_sa_alg_info *alg,
				       uint8_t outer,
				       uint8_t gre,
				       uint32_t inner)
{
	uint32_t text = gre + inner + ESP_TRAILER_BYTES, block = alg->block_bytes;

	text = (text + block - 1) / block * block;
	return outer + ESP_HEADER_BYTES + alg->iv_bytes + text + alg->icv_bytes;
}

/* The largest inner packet whose outer one has at most `mtu` bytes; 0: none. */
static inline uint16_t esp_inner_max(const struct dp_sa_alg_info *alg,
				     uint8_t outer,
				     uint8_t gre,
				     uint16_t mtu)
{
	uint32_t around = outer + ESP_HEADER_BYTES + alg->iv_bytes + (uint32_t)alg->icv_bytes;
	uint32_t text = mtu > around ? (mtu - around) / alg->block_bytes * alg->block_bytes : 0;
	uint32_t behind = gre + ESP_TRAILER_BYTES;

	return (uint16_t)(text > behind ? text - behind : 0);
}

/* Bytes around GRE and inner packet at worst. */
static inline uint16_t esp_overhead_max(const struct dp_sa_alg_info *alg, uint8_t outer)
{
	return (uint16_t)(outer + ESP_HEADER_BYTES + alg->iv_bytes + alg->block_bytes - 1 +
			  ESP_TRAILER_BYTES + alg->icv_bytes);
}
