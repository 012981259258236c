/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: the file that keeps registrations over a restart, see state.h.
 *
 *   state_text.c    bindings -> text (this file)
 *   state_doc.c     text -> bindings, all or nothing
 *   state_file.c    files, atomically
 *   state_writer.c  a thread for fsync, which takes as long as it likes
 *   state_pace.c    when to write
 *
 * control/hub_state.c drives them. The text is made by hand: a tree of 100,000 objects would be
 * 200 MB, and could not be made in pieces. No string in it needs escapes: names of tunnels are
 * those of interfaces (config_ifname_valid).
 *
 * Not done: who was told of a binding (requesters), identities of IKE, learned entries: they are
 * asked for again.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state_priv.h"

#define FIRST_BYTES 65536

static bool grow(struct state_text *t, size_t more)
{
	size_t size = t->size ? t->size : FIRST_BYTES;
	char *bytes;

	while (size < t->len + more)
		size *= 2;
	if (size == t->size)
		return true;
	bytes = realloc(t->bytes, size);
	if (!bytes)
		return false;
	t->bytes = bytes;
	t->size = size;
	return true;
}

/* One line. */
__attribute__((format(printf, 2, 3))) static void put(struct state_text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	if (t->failed || !grow(t, STATE_LINE_MAX)) {
		t->failed = true;
		return;
	}
	va_start(args, fmt);
	n = vsnprintf(t->bytes + t->len, STATE_LINE_MAX, fmt, args);
	va_end(args);
	if (n < 0 || n >= STATE_LINE_MAX) {
		t->failed = true;
		return;
	}
	t->sum = state_sum(t->sum, t->bytes + t->len, (size_t)n);
	t->len += (size_t)n;
}

void state_text_begin(struct state_text *t, uint64_t written_ms)
{
	*t = (struct state_text){.sum = STATE_SUM_START};
	put(t, "{\"format\":\"" STATE_FORMAT "\",\"version\":%d,\"written_ms\":%" PRIu64 "}\n",
	    STATE_VERSION, written_ms);
}

/* "unique","nat" */
static const char *flags_format(uint32_t flags, char *buf, size_t size)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} names[] = {
#define X(id, name) {NHRP_BINDING_F_##id, "\"" name "\""},
		STATE_FLAG_LIST(X)
#undef X
	};
	size_t at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			at += (size_t)snprintf(buf + at, size - at, "%s%s", at > 0 ? "," : "",
					       names[i].text);
	return buf;
}

void state_text_binding(struct state_text *t, const struct state_binding *b)
{
	char protocol[DP_ADDR_STRLEN], nbma[DP_ADDR_STRLEN], claimed[DP_ADDR_STRLEN], flags[96];

	if (t->bindings++ == STATE_BINDINGS_MAX)
		t->failed = true;
	put(t,
	    "{\"binding\":{\"tunnel\":\"%s\",\"protocol\":\"%s\",\"nbma\":\"%s\",\"port\":%u,"
	    "\"claimed\":\"%s\",\"flags\":[%s],\"mtu\":%u,\"holding\":%u,\"created_ms\":%" PRIu64
	    ",\"expires_ms\":%" PRIu64 "}}\n",
	    b->tunnel, dp_addr_format(&b->protocol, protocol), dp_addr_format(&b->nbma, nbma),
	    b->natt_port, dp_addr_format(&b->claimed, claimed),
	    flags_format(b->flags, flags, sizeof(flags)), b->mtu, b->holding_s, b->created_ms,
	    b->expires_ms);
}

int state_text_end(struct state_text *t)
{
	put(t, "{\"end\":{\"bindings\":%u,\"checksum\":\"%016" PRIx64 "\"}}\n", t->bindings,
	    t->sum);
	if (!t->failed)
		return 0;
	return t->bindings > STATE_BINDINGS_MAX ? -EFBIG : -ENOMEM;
}

void state_text_free(struct state_text *t)
{
	free(t->bytes);
	*t = (struct state_text){0};
}
