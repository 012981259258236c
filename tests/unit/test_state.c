/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state file: what is written reads back to the same, and what was not written by us is refused
 * as a whole, with the place where it is wrong. Files, and when they are written:
 * test_state_file.c.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/state/state_priv.h"

#define WRITTEN_MS 1795420800123ull

static struct dp_addr addr(const char *text)
{
	struct dp_addr a;

	assert_int_equal(dp_addr_parse(&a, text), 0);
	return a;
}

static struct state_binding binding(uint32_t i)
{
	struct state_binding b = {.tunnel = "Tunnel42",
				  .protocol = dp_addr_ip4(htonl(0x0aff000b + i)),
				  .nbma = dp_addr_ip4(htonl(0xc000020b + i)),
				  .claimed = addr("192.168.1.2"),
				  .natt_port = 4500,
				  .mtu = 1400,
				  .holding_s = 7200,
				  .flags = NHRP_BINDING_F_REGISTERED | NHRP_BINDING_F_NAT,
				  .created_ms = WRITTEN_MS - 5000,
				  .expires_ms = WRITTEN_MS + 7195000};

	return b;
}

static struct state_text text_of(uint32_t count)
{
	struct state_text t;

	state_text_begin(&t, WRITTEN_MS);
	for (uint32_t i = 0; i < count; i++) {
		const struct state_binding b = binding(i);

		state_text_binding(&t, &b);
	}
	assert_int_equal(state_text_end(&t), 0);
	return t;
}

static void same(const struct state_binding *a, const struct state_binding *b)
{
	assert_string_equal(a->tunnel, b->tunnel);
	assert_true(dp_addr_equal(&a->protocol, &b->protocol));
	assert_true(dp_addr_equal(&a->nbma, &b->nbma));
	assert_true(dp_addr_equal(&a->claimed, &b->claimed));
	assert_int_equal(a->natt_port, b->natt_port);
	assert_int_equal(a->mtu, b->mtu);
	assert_int_equal(a->holding_s, b->holding_s);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->created_ms, b->created_ms);
	assert_int_equal(a->expires_ms, b->expires_ms);
}

/* The extremes of each field, one binding each. */
static void reads_what_it_wrote(void **state)
{
	struct state_binding rows[] = {binding(0), binding(1), binding(2), binding(3), binding(4)};
	const uint32_t count = sizeof(rows) / sizeof(rows[0]);
	struct state_error err;
	struct state_text t;
	struct state_doc doc;

	(void)state;
	memset(&rows[1].claimed, 0, sizeof(rows[1].claimed));
	rows[1].flags = 0;
	rows[1].natt_port = rows[1].mtu = 0;
	rows[1].holding_s = 1;
	rows[1].created_ms = rows[1].expires_ms = 0;
	rows[2].protocol = addr("2001:db8:1111:2222:3333:4444:5555:6666");
	rows[2].nbma = addr("2001:db8:1111:2222:3333:4444:5555:7777");
	rows[2].claimed = addr("2001:db8:1111:2222:3333:4444:5555:8888");
	rows[2].natt_port = rows[2].mtu = rows[2].holding_s = UINT16_MAX;
	rows[2].created_ms = rows[2].expires_ms = INT64_MAX;
#define X(id, name) rows[2].flags |= NHRP_BINDING_F_##id;
	STATE_FLAG_LIST(X)
#undef X
	strcpy(rows[3].tunnel, "a.b_c-D01234567");
	rows[4].nbma = addr("0.0.0.0");
	state_text_begin(&t, WRITTEN_MS);
	for (uint32_t i = 0; i < count; i++)
		state_text_binding(&t, &rows[i]);
	assert_int_equal(state_text_end(&t), 0);
	assert_int_equal(state_doc_parse(&doc, t.bytes, t.len, &err), 0);
	assert_string_equal(err.text, "");
	assert_int_equal(doc.written_ms, WRITTEN_MS);
	assert_int_equal(doc.count, count);
	for (uint32_t i = 0; i < count; i++)
		same(&doc.bindings[i], &rows[i]);
	state_doc_free(&doc);
	state_text_free(&t);
}

static void nothing_registered(void **state)
{
	struct state_text t = text_of(0);
	struct state_error err;
	struct state_doc doc;

	(void)state;
	assert_int_equal(state_doc_parse(&doc, t.bytes, t.len, &err), 0);
	assert_int_equal(doc.count, 0);
	state_doc_free(&doc);
	state_text_free(&t);
}

/* As many as the configuration allows, in the bytes that a file may have; one more is too many. */
static void as_many_as_there_may_be(void **state)
{
	struct state_text t = text_of(STATE_BINDINGS_MAX);
	const struct state_binding one = binding(0);
	struct state_error err;
	struct state_doc doc;

	(void)state;
	assert_true(t.len < STATE_BYTES_MAX);
	assert_int_equal(state_doc_parse(&doc, t.bytes, t.len, &err), 0);
	assert_int_equal(doc.count, STATE_BINDINGS_MAX);
	state_doc_free(&doc);
	state_text_free(&t);
	state_text_begin(&t, WRITTEN_MS);
	for (uint32_t i = 0; i <= STATE_BINDINGS_MAX; i++)
		state_text_binding(&t, &one);
	assert_int_equal(state_text_end(&t), -EFBIG);
	state_text_free(&t);
}

/* ---- what is refused ---- */

/* The lines, with the right end behind them. */
static char *with_end(const char *lines, unsigned bindings)
{
	char *text = malloc(strlen(lines) + 128);

	assert_non_null(text);
	sprintf(text, "%s{\"end\":{\"bindings\":%u,\"checksum\":\"%016llx\"}}\n", lines, bindings,
		(unsigned long long)state_sum(STATE_SUM_START, lines, strlen(lines)));
	return text;
}

static void refused_as(const char *what, const char *bytes, size_t len, const char *want)
{
	struct state_error err;
	struct state_doc doc;
	int rc = state_doc_parse(&doc, bytes, len, &err);

	if (rc == -EINVAL && strncmp(err.text, want, strlen(want)) == 0 && !doc.bindings)
		return;
	fail_msg("%s: %d, \"%s\", wanted \"%s\"", what, rc, err.text, want);
}

#define HEAD "{\"format\":\"dmvpn-hub state\",\"version\":1,\"written_ms\":1}\n"
#define ROW                                                                                     \
	"{\"binding\":{\"tunnel\":\"t\",\"protocol\":\"10.0.0.1\",\"nbma\":\"192.0.2.1\","      \
	"\"port\":0,\"claimed\":\"-\",\"flags\":[\"registered\"],\"mtu\":1400,\"holding\":600," \
	"\"created_ms\":1,\"expires_ms\":2}}\n"

/* The good document with one change, under a right checksum: it is what it says that is wrong. */
static const struct {
	const char *from, *to;
	const char *want;
} changes[] = {
	{"dmvpn-hub state", "other", "line 1: not a state file: \"format\" is not"},
	{"\"format\"", "\"formal\"", "line 1: not a state file: \"format\" is not"},
	{"\"version\":1", "\"version\":0", "line 1: version 0 (this daemon reads 1 only)"},
	{"\"version\":1", "\"version\":2,\"new\":[]",
	 "line 1: version 2 (this daemon reads 1 only)"},
	{"\"version\":1", "\"version\":\"1\"", "line 1: \"version\" is not a number"},
	{"\"version\":1,", "", "line 1: \"version\" is not a number"},
	{",\"written_ms\":1", "", "line 1: \"written_ms\" is missing"},
	{"\"written_ms\":1", "\"written_ms\":-1", "line 1: \"written_ms\" is not a number from 0"},
	{"\"written_ms\":1", "\"written_ms\":1,\"more\":1", "line 1: \"more\" is not known"},
	{"{\"format\"", "[\"format\"", "line 1, column 10: "},
	{"\"binding\":", "\"bending\":", "line 2: neither \"binding\" nor \"end\""},
	{"{\"binding\":{", "{\"binding\":[{", "line 2, column "},
	{"expires_ms\":2}}", "expires_ms\":2},\"more\":1}", "line 2: not one member"},
	{"\"tunnel\":\"t\",", "", "line 2: \"tunnel\" is missing"},
	{"\"tunnel\":\"t\"", "\"tunnel\":\"t\",\"more\":1", "line 2: \"more\" is not known"},
	{"\"tunnel\":\"t\"", "\"tunnel\":\"t\",\"tunnel\":\"t\"", "line 2, column "},
	{"\"tunnel\":\"t\"", "\"tunnel\":\"\"", "line 2: \"tunnel\" is not the name of one"},
	{"\"tunnel\":\"t\"", "\"tunnel\":\"01234567890123456789012345678901\"",
	 "line 2: \"tunnel\" is not the name"},
	{"\"tunnel\":\"t\"", "\"tunnel\":\"a b\"", "line 2: \"tunnel\" is not the name of one"},
	{"\"tunnel\":\"t\"", "\"tunnel\":7", "line 2: \"tunnel\" is not the name of one"},
	{"10.0.0.1", "10.0.0.256", "line 2: \"protocol\" is not an address"},
	{"\"10.0.0.1\"", "\"-\"", "line 2: \"protocol\" is not an address"},
	{"\"10.0.0.1\"", "167772161", "line 2: \"protocol\" is not an address"},
	{"192.0.2.1", "192.0.2.1/24", "line 2: \"nbma\" is not an address"},
	{"\"-\"", "\"\"", "line 2: \"claimed\" is not an address"},
	{"\"-\"", "null", "line 2: \"claimed\" is not an address"},
	{"\"port\":0", "\"port\":65536", "line 2: \"port\" is not a number from 0 to 65535"},
	{"\"port\":0", "\"port\":0.5", "line 2: \"port\" is not a number from 0 to 65535"},
	{"\"mtu\":1400", "\"mtu\":-1", "line 2: \"mtu\" is not a number from 0 to 65535"},
	{"\"holding\":600", "\"holding\":0", "line 2: \"holding\" is not a number from 1 to 65535"},
	{"\"holding\":600", "\"holding\":true", "line 2: \"holding\" is not a number from 1"},
	{"[\"registered\"]", "\"registered\"", "line 2: \"flags\" is not a list"},
	{"[\"registered\"]", "[\"registered\",\"nat\",\"nat\"]",
	 "line 2: \"flags\"[2] is not known"},
	{"[\"registered\"]", "[\"static\"]", "line 2: \"flags\"[0] is not known, or there twice"},
	{"[\"registered\"]", "[1]", "line 2: \"flags\"[0] is not known, or there twice"},
	{"\"created_ms\":1", "\"created_ms\":9223372036854775808", "line 2, column "},
	{"\"expires_ms\":2", "\"expires_ms\":\"2\"", "line 2: \"expires_ms\" is not a number"},
	{"\"t\"", "\"\\u0000\"", "line 2, column "},
	{"\"t\"", "\"\xff\"", "line 2, column "},
	{"\"t\"", "\"t\x01\"", "line 2, column "},
	{"}}\n", "}} \n\n", "line 3, column "},
};

static char *changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *result = malloc(strlen(text) + strlen(to) + 1);

	assert_non_null(at);
	assert_non_null(result);
	sprintf(result, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return result;
}

static void refuses_what_it_would_not_write(void **state)
{
	char *good = with_end(HEAD ROW, 1);
	struct state_error err;
	struct state_doc doc;

	(void)state;
	assert_int_equal(state_doc_parse(&doc, good, strlen(good), &err), 0);
	state_doc_free(&doc);
	free(good);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char *lines = changed(HEAD ROW, changes[i].from, changes[i].to);
		char *text = with_end(lines, 1);

		refused_as(changes[i].to, text, strlen(text), changes[i].want);
		free(text);
		free(lines);
	}
}

/* What the last line is for. */
static void refuses_another_end(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{HEAD ROW, "line 3: cut off: the end is missing"},
		{HEAD ROW "{\"end\":{\"bindings\":2,\"checksum\":\"0\"}}\n",
		 "line 3: 1 bindings before this line, it says 2"},
		{HEAD ROW "{\"end\":{\"bindings\":1,\"checksum\":\"0123456789abcdef\"}}\n",
		 "line 3: \"checksum\" is not that of the lines before"},
		{HEAD ROW "{\"end\":{\"bindings\":1,\"checksum\":1}}\n",
		 "line 3: \"checksum\" is not that of the lines before"},
		{HEAD ROW "{\"end\":{\"bindings\":1}}\n", "line 3: \"checksum\" is missing"},
		{"", "line 1: cut off: the end is missing"},
		{"\n", "line 1, column 0: "},
		{HEAD HEAD, "line 2: not one member"},
	};
	char *good = with_end(HEAD ROW, 1), *more = malloc(strlen(good) + 16);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused_as(rows[i].text, rows[i].text, strlen(rows[i].text), rows[i].want);
	assert_non_null(more);
	sprintf(more, "%s{}\n", good);
	refused_as("more behind it", more, strlen(more), "line 4: something stands behind the end");
	free(more);
	free(good);
}

/* Cut anywhere, or with any one bit of it turned: never taken. */
static void refuses_damage(void **state)
{
	struct state_text t = text_of(2);
	char *copy = malloc(t.len);

	(void)state;
	assert_non_null(copy);
	for (size_t len = 0; len < t.len; len++)
		refused_as("cut", t.bytes, len, "line ");
	for (size_t bit = 0; bit < t.len * 8; bit++) {
		memcpy(copy, t.bytes, t.len);
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		refused_as("one bit", copy, t.len, "line ");
	}
	free(copy);
	state_text_free(&t);
}

static void refuses_long_lines(void **state)
{
	char text[STATE_LINE_MAX + 2];

	(void)state;
	memset(text, ' ', sizeof(text));
	text[STATE_LINE_MAX] = '\n';
	refused_as("long", text, STATE_LINE_MAX + 1, "line 1: 640 bytes (limit 639)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(nothing_registered),
		cmocka_unit_test(as_many_as_there_may_be),
		cmocka_unit_test(refuses_what_it_would_not_write),
		cmocka_unit_test(refuses_another_end),
		cmocka_unit_test(refuses_damage),
		cmocka_unit_test(refuses_long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
