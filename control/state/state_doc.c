/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_doc: the text of a state file -> bindings, see state.h. Line by line, so that memory stays
 * what the bindings need; nothing is used before the last line has said that all of it is there.
 * Pure. Context: any.
 *
 * The file is ours, and yet any bytes may stand in it: each member must be there, once, of its
 * type and in its range, and no other one.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "state_priv.h"

#define TIME_MAX   INT64_MAX
#define FIRST_ROOM 1024

struct reader {
	struct state_doc *doc;
	struct state_error *err;
	uint32_t room; /* of doc->bindings */
	uint32_t line; /* from 1 */
	bool ended;
	uint64_t sum; /* of the lines before this one */
};

__attribute__((format(printf, 2, 3))) static int refuse(struct reader *r, const char *fmt, ...)
{
	char *text = r->err->text;
	const size_t size = sizeof(r->err->text);
	va_list args;
	int n;

	n = snprintf(text, size, "line %u", r->line);
	va_start(args, fmt);
	vsnprintf(text + n, size - (size_t)n, fmt, args);
	va_end(args);
	for (; *text != '\0'; text++)
		if (!isprint((unsigned char)*text))
			*text = '?';
	return -EINVAL;
}

/* ---- members ---- */

/* Exactly these, so that nothing is overlooked. */
static int members_check(struct reader *r, json_t *object, const char *const *names, size_t count)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return refuse(r, ": not an object");
	for (size_t i = 0; i < count; i++)
		if (!json_object_get(object, names[i]))
			return refuse(r, ": \"%s\" is missing", names[i]);
	if (json_object_size(object) == count)
		return 0;
	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (i < count && strcmp(key, names[i]) != 0)
			i++;
		if (i == count)
			return refuse(r, ": \"%s\" is not known", key);
	}
	return refuse(r, ": unknown members");
}

static int number_get(struct reader *r,
		      const json_t *object,
		      const char *name,
		      uint64_t min,
		      uint64_t max,
		      uint64_t *value)
{
	const json_t *json = json_object_get(object, name);
	json_int_t n = json_integer_value(json);

	if (!json_is_integer(json) || n < 0 || (uint64_t)n < min || (uint64_t)n > max)
		return refuse(r, ": \"%s\" is not a number from %" PRIu64 " to %" PRIu64, name, min,
			      max);
	*value = (uint64_t)n;
	return 0;
}

static int u16_get(
	struct reader *r, const json_t *object, const char *name, uint16_t min, uint16_t *value)
{
	uint64_t n = 0;
	int rc = number_get(r, object, name, min, UINT16_MAX, &n);

	*value = (uint16_t)n;
	return rc;
}

static int addr_get(struct reader *r,
		    const json_t *object,
		    const char *name,
		    bool may_be_unset,
		    struct dp_addr *addr)
{
	const char *text = json_string_value(json_object_get(object, name));

	memset(addr, 0, sizeof(*addr));
	if (may_be_unset && text && strcmp(text, "-") == 0)
		return 0;
	if (!text || dp_addr_parse(addr, text) < 0)
		return refuse(r, ": \"%s\" is not an address", name);
	return 0;
}

/* What the configuration takes for a name of a tunnel, or less: it needs no escapes. */
static int tunnel_get(struct reader *r, const json_t *object, char name[DP_NAME_LEN])
{
	static const char chars[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	const char *text = json_string_value(json_object_get(object, "tunnel"));
	size_t len = text ? strlen(text) : 0;

	if (len == 0 || len >= DP_NAME_LEN || strspn(text, chars) != len)
		return refuse(r, ": \"tunnel\" is not the name of one");
	snprintf(name, DP_NAME_LEN, "%s", text);
	return 0;
}

static uint32_t flag_of(const char *text)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} names[] = {
#define X(id, name) {NHRP_BINDING_F_##id, name},
		STATE_FLAG_LIST(X)
#undef X
	};

	for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i].text) == 0)
			return names[i].flag;
	return 0;
}

static int flags_get(struct reader *r, const json_t *object, uint32_t *flags)
{
	const json_t *list = json_object_get(object, "flags");

	if (!json_is_array(list))
		return refuse(r, ": \"flags\" is not a list");
	*flags = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		uint32_t flag = flag_of(json_string_value(json_array_get(list, i)));

		if (flag == 0 || (*flags & flag))
			return refuse(r, ": \"flags\"[%zu] is not known, or there twice", i);
		*flags |= flag;
	}
	return 0;
}

/* ---- lines ---- */

static int head_read(struct reader *r, json_t *line)
{
	static const char *const names[] = {"format", "version", "written_ms"};
	const char *format = json_string_value(json_object_get(line, "format"));
	uint64_t version = 0;
	int rc;

	if (!format || strcmp(format, STATE_FORMAT) != 0)
		return refuse(r, ": not a state file: \"format\" is not \"" STATE_FORMAT "\"");
	/* Before anything that another version may say in other words. */
	rc = number_get(r, line, "version", 0, UINT32_MAX, &version);
	if (rc < 0)
		return rc;
	if (version != STATE_VERSION)
		return refuse(r, ": version %" PRIu64 " (this daemon reads %d only)", version,
			      STATE_VERSION);
	rc = members_check(r, line, names, sizeof(names) / sizeof(names[0]));
	return rc < 0 ? rc : number_get(r, line, "written_ms", 0, TIME_MAX, &r->doc->written_ms);
}

static int fields_get(struct reader *r, json_t *json, struct state_binding *b)
{
	int rc = tunnel_get(r, json, b->tunnel);

	if (rc == 0)
		rc = addr_get(r, json, "protocol", false, &b->protocol);
	if (rc == 0)
		rc = addr_get(r, json, "nbma", false, &b->nbma);
	if (rc == 0)
		rc = u16_get(r, json, "port", 0, &b->natt_port);
	if (rc == 0)
		rc = addr_get(r, json, "claimed", true, &b->claimed);
	if (rc == 0)
		rc = flags_get(r, json, &b->flags);
	if (rc == 0)
		rc = u16_get(r, json, "mtu", 0, &b->mtu);
	if (rc == 0)
		rc = u16_get(r, json, "holding", 1, &b->holding_s);
	if (rc == 0)
		rc = number_get(r, json, "created_ms", 0, TIME_MAX, &b->created_ms);
	if (rc == 0)
		rc = number_get(r, json, "expires_ms", 0, TIME_MAX, &b->expires_ms);
	return rc;
}

static int room_make(struct reader *r)
{
	uint32_t room = r->room ? 2 * r->room : FIRST_ROOM;
	struct state_binding *bindings;

	if (r->doc->count < r->room)
		return 0;
	bindings = realloc(r->doc->bindings, room * sizeof(*bindings));
	if (!bindings)
		return -ENOMEM;
	r->doc->bindings = bindings;
	r->room = room;
	return 0;
}

static int binding_read(struct reader *r, json_t *json)
{
	static const char *const names[] = {"tunnel",     "protocol",  "nbma", "port",
					    "claimed",    "flags",     "mtu",  "holding",
					    "created_ms", "expires_ms"};
	struct state_binding b = {0};
	int rc;

	if (r->doc->count == STATE_BINDINGS_MAX)
		return refuse(r, ": more than %d bindings", STATE_BINDINGS_MAX);
	rc = members_check(r, json, names, sizeof(names) / sizeof(names[0]));
	if (rc == 0)
		rc = fields_get(r, json, &b);
	if (rc == 0)
		rc = room_make(r);
	if (rc == 0)
		r->doc->bindings[r->doc->count++] = b;
	return rc;
}

static int end_read(struct reader *r, json_t *json)
{
	static const char *const names[] = {"bindings", "checksum"};
	uint64_t count = 0;
	char sum[17];
	int rc = members_check(r, json, names, 2);

	if (rc == 0)
		rc = number_get(r, json, "bindings", 0, UINT32_MAX, &count);
	if (rc < 0)
		return rc;
	if (count != r->doc->count)
		return refuse(r, ": %u bindings before this line, it says %" PRIu64, r->doc->count,
			      count);
	snprintf(sum, sizeof(sum), "%016" PRIx64, r->sum);
	if (!json_is_string(json_object_get(json, "checksum")) ||
	    strcmp(json_string_value(json_object_get(json, "checksum")), sum) != 0)
		return refuse(r, ": \"checksum\" is not that of the lines before");
	r->ended = true;
	return 0;
}

static int line_use(struct reader *r, json_t *line)
{
	json_t *section;

	if (r->ended)
		return refuse(r, ": something stands behind the end");
	if (r->line == 1)
		return head_read(r, line);
	if (json_object_size(line) != 1)
		return refuse(r, ": not one member");
	section = json_object_get(line, "binding");
	if (section)
		return binding_read(r, section);
	section = json_object_get(line, "end");
	if (section)
		return end_read(r, section);
	return refuse(r, ": neither \"binding\" nor \"end\"");
}

static int line_read(struct reader *r, const char *bytes, size_t len)
{
	json_error_t error;
	json_t *line;
	int rc;

	if (len >= STATE_LINE_MAX)
		return refuse(r, ": %zu bytes (limit %d)", len, STATE_LINE_MAX - 1);
	line = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	if (!line)
		return refuse(r, ", column %d: %s", error.column, error.text);
	rc = json_is_object(line) ? line_use(r, line) : refuse(r, ": not an object");
	json_decref(line);
	return rc;
}

static int lines_read(struct reader *r, const char *bytes, size_t len)
{
	while (len > 0) {
		const char *newline = memchr(bytes, '\n', len);
		size_t all = newline ? (size_t)(newline - bytes) + 1 : len;
		int rc;

		r->line++;
		if (!newline)
			return refuse(r, ", column %zu: cut off: no end of line", len);
		rc = line_read(r, bytes, all - 1);
		if (rc < 0)
			return rc;
		r->sum = state_sum(r->sum, bytes, all);
		bytes += all;
		len -= all;
	}
	r->line++;
	return r->ended ? 0 : refuse(r, ": cut off: the end is missing");
}

int state_doc_parse(struct state_doc *doc, const char *bytes, size_t len, struct state_error *err)
{
	struct reader r = {.doc = doc, .err = err, .sum = STATE_SUM_START};
	int rc;

	*doc = (struct state_doc){0};
	err->text[0] = '\0';
	rc = lines_read(&r, bytes, len);
	if (rc == -ENOMEM)
		snprintf(err->text, sizeof(err->text), "line %u: out of memory", r.line);
	if (rc < 0)
		state_doc_free(doc);
	return rc;
}

void state_doc_free(struct state_doc *doc)
{
	free(doc->bindings);
	*doc = (struct state_doc){0};
}
