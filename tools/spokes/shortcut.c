/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shortcut: see shortcut.h. RFC 2332 section 5.2.1 (what a reply is good for), 5.2.5 (purge). A
 * way that has run out is found out when it is looked for. One thread.
 */
#include "shortcut.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS   1000000000ULL
#define ASK_AGAIN_S 2
#define HOST_LEN    32

static uint32_t mask_of(uint8_t len)
{
	return len == 0 ? 0 : UINT32_MAX << (HOST_LEN - len);
}

int shortcuts_init(struct shortcuts *sc, uint32_t count, bool on)
{
	memset(sc, 0, sizeof(*sc));
	if (!on)
		return 0;
	sc->v = calloc((size_t)count * SHORTCUTS_MAX, sizeof(*sc->v));
	sc->count = count;
	return sc->v ? 0 : -ENOMEM;
}

void shortcuts_free(struct shortcuts *sc)
{
	free(sc->v);
	sc->v = NULL;
}

static struct shortcut *of_spoke(const struct shortcuts *sc, uint32_t i)
{
	return sc->v + (size_t)i * SHORTCUTS_MAX;
}

void shortcut_forget(struct shortcuts *sc, struct shortcut *s)
{
	if (s->ready)
		sc->ready--;
	*s = (struct shortcut){0};
}

static bool is_over(struct shortcuts *sc, struct shortcut *s, uint64_t now_ns)
{
	if (!s->ready || now_ns < s->valid_until_ns)
		return false;
	sc->counters.expired++;
	shortcut_forget(sc, s);
	return true;
}

/* The longest prefix, ready or asked for. */
static struct shortcut *find(struct shortcuts *sc, uint32_t i, uint32_t dst, uint64_t now_ns)
{
	struct shortcut *best = NULL, *s = of_spoke(sc, i);

	for (unsigned k = 0; k < SHORTCUTS_MAX; k++, s++) {
		if (s->len == 0 || is_over(sc, s, now_ns))
			continue;
		if (((dst ^ s->prefix) & mask_of(s->len)) == 0 && (!best || s->len > best->len))
			best = s;
	}
	return best;
}

uint32_t shortcut_way(struct shortcuts *sc, uint32_t i, uint32_t dst, uint64_t now_ns)
{
	const struct shortcut *s = sc->v ? find(sc, i, dst, now_ns) : NULL;

	return s && s->ready ? s->nbma : 0;
}

static struct shortcut *slot_take(struct shortcuts *sc, uint32_t i)
{
	struct shortcut *s = of_spoke(sc, i);

	for (unsigned k = 0; k < SHORTCUTS_MAX; k++, s++)
		if (s->len == 0)
			return s;
	sc->counters.full++;
	return NULL;
}

struct shortcut *shortcut_ask(struct shortcuts *sc, uint32_t i, uint32_t dst, uint64_t now_ns)
{
	struct shortcut *s = sc->v ? find(sc, i, dst, now_ns) : NULL;

	if (!sc->v || (s && (s->ready || now_ns - s->asked_ns < ASK_AGAIN_S * SECOND_NS)))
		return NULL;
	if (!s)
		s = slot_take(sc, i);
	if (!s)
		return NULL;
	s->prefix = dst;
	s->len = HOST_LEN;
	s->asked_ns = now_ns;
	return s;
}

struct shortcut *shortcut_asked(struct shortcuts *sc, uint32_t i, uint32_t request_id)
{
	struct shortcut *s = sc->v ? of_spoke(sc, i) : NULL;

	for (unsigned k = 0; s && k < SHORTCUTS_MAX; k++, s++)
		if (s->len != 0 && !s->ready && s->request_id == request_id)
			return s;
	return NULL;
}

void shortcut_make(struct shortcuts *sc,
		   struct shortcut *s,
		   uint8_t len,
		   uint32_t nbma,
		   uint16_t hold_s,
		   uint64_t now_ns)
{
	s->len = len == 0 || len > HOST_LEN ? HOST_LEN : len;
	s->prefix &= mask_of(s->len);
	s->nbma = nbma;
	s->valid_until_ns = now_ns + hold_s * SECOND_NS;
	s->ready = true;
	sc->ready++;
	sc->counters.made++;
}

unsigned shortcut_purge(struct shortcuts *sc, uint32_t i, uint32_t prefix, uint8_t len)
{
	struct shortcut *s = sc->v ? of_spoke(sc, i) : NULL;
	const uint8_t wire = len == 0 || len > HOST_LEN ? HOST_LEN : len;
	unsigned n = 0;

	for (unsigned k = 0; s && k < SHORTCUTS_MAX; k++, s++) {
		const uint8_t both = s->len < wire ? s->len : wire;

		if (s->len == 0 || !s->ready || ((s->prefix ^ prefix) & mask_of(both)) != 0)
			continue;
		shortcut_forget(sc, s);
		sc->counters.purged++;
		n++;
	}
	return n;
}
