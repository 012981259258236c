/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Bounded read and write cursors over bytes in network order, with a sticky error: after the first
 * access that does not fit, reads give 0 (or NULL), writes do nothing, and `failed` stays set with
 * `off` where it happened; check once at the end. Pure; any thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor_in {
	const uint8_t *base;
	size_t end; /* bytes of base that may be read; a caller may lower it */
	size_t off;
	bool failed;
};

static inline struct cursor_in cursor_in_over(const uint8_t *base, size_t len)
{
	return (struct cursor_in){.base = base, .end = len};
}

static inline size_t cursor_in_left(const struct cursor_in *c)
{
	return c->failed || c->off > c->end ? 0 : c->end - c->off;
}

/* n bytes in place, NULL when they are not there. */
static inline const uint8_t *cursor_in_bytes(struct cursor_in *c, size_t n)
{
	const uint8_t *at;

	if (c->failed || n > cursor_in_left(c)) {
		c->failed = true;
		return NULL;
	}
	at = c->base + c->off;
	c->off += n;
	return at;
}

static inline uint8_t cursor_in_u8(struct cursor_in *c)
{
	const uint8_t *b = cursor_in_bytes(c, 1);

	return b ? b[0] : 0;
}

static inline uint16_t cursor_in_u16(struct cursor_in *c)
{
	const uint8_t *b = cursor_in_bytes(c, 2);

	return b ? (uint16_t)(b[0] << 8 | b[1]) : 0;
}

static inline uint32_t cursor_in_u32(struct cursor_in *c)
{
	const uint8_t *b = cursor_in_bytes(c, 4);

	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3] : 0;
}

struct cursor_out {
	uint8_t *base;
	size_t end;
	size_t off;
	bool failed;
};

static inline struct cursor_out cursor_out_over(uint8_t *base, size_t cap)
{
	return (struct cursor_out){.base = base, .end = cap};
}

/* Room for n bytes, NULL when there is none. */
static inline uint8_t *cursor_out_room(struct cursor_out *c, size_t n)
{
	uint8_t *at;

	if (c->failed || n > c->end - c->off) {
		c->failed = true;
		return NULL;
	}
	at = c->base + c->off;
	c->off += n;
	return at;
}

static inline void cursor_out_bytes(struct cursor_out *c, const uint8_t *bytes, size_t n)
{
	uint8_t *at = n > 0 ? cursor_out_room(c, n) : NULL;

	if (at)
		memcpy(at, bytes, n);
}

static inline void cursor_out_zeros(struct cursor_out *c, size_t n)
{
	uint8_t *at = n > 0 ? cursor_out_room(c, n) : NULL;

	if (at)
		memset(at, 0, n);
}

static inline void cursor_out_u8(struct cursor_out *c, uint8_t v)
{
	cursor_out_bytes(c, &v, 1);
}

static inline void cursor_out_u16(struct cursor_out *c, uint16_t v)
{
	const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	cursor_out_bytes(c, b, sizeof(b));
}

static inline void cursor_out_u32(struct cursor_out *c, uint32_t v)
{
	const uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
			      (uint8_t)v};

	cursor_out_bytes(c, b, sizeof(b));
}

/* Overwrites two bytes written before (a length or checksum known only at the end). */
static inline void cursor_out_u16_at(struct cursor_out *c, size_t at, uint16_t v)
{
	if (c->failed || at + 2 > c->off)
		return;
	c->base[at] = (uint8_t)(v >> 8);
	c->base[at + 1] = (uint8_t)v;
}
