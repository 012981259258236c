/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Numbers in network order at unaligned places, the Internet checksum (RFC 1071) and a plain IPv4
 * header: shared by the files that read packets.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t bytes_u16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t bytes_u32(const uint8_t *b)
{
	return (uint32_t)bytes_u16(b) << 16 | bytes_u16(b + 2);
}

static inline uint64_t bytes_u64(const uint8_t *b)
{
	return (uint64_t)bytes_u32(b) << 32 | bytes_u32(b + 4);
}

static inline void bytes_put_u16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static inline void bytes_put_u32(uint8_t *b, uint32_t v)
{
	bytes_put_u16(b, (uint16_t)(v >> 16));
	bytes_put_u16(b + 2, (uint16_t)v);
}

static inline void bytes_put_u64(uint8_t *b, uint64_t v)
{
	bytes_put_u32(b, (uint32_t)(v >> 32));
	bytes_put_u32(b + 4, (uint32_t)v);
}

/* Adds to a running sum; only the last piece may have an odd length. */
static inline uint64_t bytes_sum(uint64_t sum, const uint8_t *b, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += bytes_u16(b + i);
	if (i < len)
		sum += (uint64_t)b[i] << 8;
	return sum;
}

static inline uint16_t bytes_sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

struct bytes_ip4 {
	uint16_t len;
	uint16_t id;
	bool dont_fragment;
	uint8_t ttl;
	uint8_t protocol;
	uint32_t src;
	uint32_t dst;
};

/* 20 bytes, checksum included. */
static inline void bytes_put_ip4(uint8_t *b, const struct bytes_ip4 *ip)
{
	bytes_put_u16(b, 0x4500);
	bytes_put_u16(b + 2, ip->len);
	bytes_put_u16(b + 4, ip->id);
	bytes_put_u16(b + 6, ip->dont_fragment ? 0x4000 : 0);
	b[8] = ip->ttl;
	b[9] = ip->protocol;
	bytes_put_u16(b + 10, 0);
	bytes_put_u32(b + 12, ip->src);
	bytes_put_u32(b + 16, ip->dst);
	bytes_put_u16(b + 10, (uint16_t)~bytes_sum_fold(bytes_sum(0, b, 20)));
}
