/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc: a request line in, the response line out, over a method table of our own.
 */
#include "control/api/rpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned handler_calls;

static json_t *handler_echo(struct rpc_call *call)
{
	handler_calls++;
	assert_ptr_equal(call->ctx, &handler_calls);
	if (rpc_param_text(call, "word") && strcmp(rpc_param_text(call, "word"), "bad") == 0)
		return rpc_param_refuse(call, "word", "anything but bad");
	return json_pack("{s:I, s:s?}", "n", (json_int_t)rpc_param_uint(call, "n"), "word",
			 rpc_param_text(call, "word"));
}

static json_t *handler_no_memory(struct rpc_call *call)
{
	(void)call;
	handler_calls++;
	return NULL;
}

static const struct rpc_param echo_params[] = {
	{"n", RPC_UINT, 1, 500, 200, "a number"},
	{"word", RPC_TEXT, 1, 4, 0, "a word"},
	{NULL},
};
static const struct rpc_method methods[] = {
	{"echo", "gives back", echo_params, handler_echo},
	{"plain", "no parameters", NULL, handler_echo},
	{"full", "no memory", NULL, handler_no_memory},
	{NULL},
};

struct row {
	const char *line;
	const char *answer; /* NULL: none */
	unsigned calls;
};

#define REQ(rest)     "{\"jsonrpc\":\"2.0\"," rest "}"
#define OK(rest, id)  "{\"jsonrpc\":\"2.0\",\"result\":" rest ",\"id\":" id "}"
#define ERR(rest, id) "{\"jsonrpc\":\"2.0\",\"error\":{" rest "},\"id\":" id "}"
#define FAULT(code, what, field, value, allowed, shown)                                       \
	"\"code\":" code ",\"message\":\"" what ": " field ": " shown ": allowed: " allowed   \
	"\",\"data\":{\"field\":\"" field "\",\"value\":\"" value "\",\"allowed\":\"" allowed \
	"\"}"
#define BAD_PARAM(field, value, allowed) \
	FAULT("-32602", "invalid params", field, value, allowed, value)
#define BAD_REQUEST(field, value, allowed) \
	FAULT("-32600", "invalid request", field, value, allowed, value)

static const struct row rows[] = {
	/* results; ids of each kind come back as they are */
	{REQ("\"id\":1,\"method\":\"echo\""), OK("{\"n\":200,\"word\":null}", "1"), 1},
	{REQ("\"id\":\"a\\u00e4\",\"method\":\"echo\",\"params\":{\"n\":500,\"word\":\"abcd\"}"),
	 OK("{\"n\":500,\"word\":\"abcd\"}", "\"a\xc3\xa4\""), 1},
	{REQ("\"id\":null,\"method\":\"echo\",\"params\":{}"),
	 OK("{\"n\":200,\"word\":null}", "null"), 1},
	{REQ("\"id\":-1.5,\"method\":\"plain\""), OK("{\"n\":0,\"word\":null}", "-1.5"), 1},
	{" " REQ("\"id\":0,\"method\":\"plain\",\"params\":{}") "\r",
	 OK("{\"n\":0,\"word\":null}", "0"), 1},
	{REQ("\"id\":1,\"method\":\"full\""),
	 ERR("\"code\":-32603,\"message\":\"internal error: out of memory\"", "1"), 1},

	/* notifications: run, not answered, whatever comes of them */
	{REQ("\"method\":\"echo\""), NULL, 1},
	{REQ("\"method\":\"echo\",\"params\":{\"n\":0}"), NULL, 0},
	{REQ("\"method\":\"nothing\""), NULL, 0},
	{REQ("\"method\":\"full\""), NULL, 1},

	/* parameters */
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":{\"n\":0}"),
	 ERR(BAD_PARAM("n", "0", "1..500"), "1"), 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":{\"n\":501}"),
	 ERR(BAD_PARAM("n", "501", "1..500"), "1"), 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":{\"n\":-9223372036854775808}"),
	 ERR(BAD_PARAM("n", "-9223372036854775808", "1..500"), "1"), 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":{\"n\":1.0}"),
	 ERR(BAD_PARAM("n", "1.0", "1..500"), "1"), 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":{\"n\":null}"),
	 ERR(BAD_PARAM("n", "null", "1..500"), "1"), 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":{\"word\":7}"),
	 ERR(BAD_PARAM("word", "7", "a string of 1..4 bytes"), "1"), 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":{\"word\":[]}"),
	 ERR(BAD_PARAM("word", "[]", "a string of 1..4 bytes"), "1"), 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":[1]"),
	 ERR(BAD_PARAM("params", "[1]", "an object, parameters by name"), "1"), 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":3"),
	 ERR(BAD_PARAM("params", "3", "an object, parameters by name"), "1"), 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":{\"word\":\"abcde\"}"),
	 ERR(FAULT("-32602",
		   "invalid params",
		   "word",
		   "\\\"abcde\\\"",
		   "a string of 1..4 bytes",
		   "\\\"abcde\\\""),
	     "1"),
	 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":{\"word\":\"bad\"}"),
	 ERR(FAULT("-32602",
		   "invalid params",
		   "word",
		   "\\\"bad\\\"",
		   "anything but bad",
		   "\\\"bad\\\""),
	     "1"),
	 1},
	{REQ("\"id\":1,\"method\":\"echo\",\"params\":{\"m\":1}"),
	 ERR(FAULT("-32602", "invalid params", "params", "\\\"m\\\"", "n, word", "\\\"m\\\""), "1"),
	 0},
	{REQ("\"id\":1,\"method\":\"plain\",\"params\":{\"n\":1}"),
	 ERR(FAULT("-32602", "invalid params", "params", "\\\"n\\\"", "none", "\\\"n\\\""), "1"),
	 0},

	/* envelope */
	{REQ("\"id\":\"x\",\"method\":\"Echo\""),
	 ERR(FAULT("-32601",
		   "unknown method",
		   "method",
		   "\\\"Echo\\\"",
		   "what system.methods lists",
		   "\\\"Echo\\\""),
	     "\"x\""),
	 0},
	{REQ("\"id\":1"), ERR(BAD_REQUEST("method", "missing", "a string"), "1"), 0},
	{REQ("\"id\":1,\"method\":1"), ERR(BAD_REQUEST("method", "1", "a string"), "1"), 0},
	{"{\"id\":1,\"method\":\"echo\"}",
	 ERR(BAD_REQUEST("jsonrpc", "missing", "\\\"2.0\\\""), "1"), 0},
	{"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"echo\"}",
	 ERR(BAD_REQUEST("jsonrpc", "2.0", "\\\"2.0\\\""), "1"), 0},
	{REQ("\"id\":[],\"method\":\"echo\""),
	 ERR(BAD_REQUEST("id", "[]", "a string, a number or null"), "null"), 0},
	{REQ("\"id\":true,\"method\":\"echo\""),
	 ERR(BAD_REQUEST("id", "true", "a string, a number or null"), "null"), 0},
	{REQ("\"id\":1,\"method\":\"echo\",\"parms\":{}"),
	 ERR(FAULT("-32600",
		   "invalid request",
		   "member",
		   "\\\"parms\\\"",
		   "jsonrpc, id, method, params",
		   "\\\"parms\\\""),
	     "1"),
	 0},
	/* no id and no request either: the specification wants an answer with id null */
	{REQ("\"method\":false"), ERR(BAD_REQUEST("method", "false", "a string"), "null"), 0},
	{"{}", ERR(BAD_REQUEST("jsonrpc", "missing", "\\\"2.0\\\""), "null"), 0},

	{"42", ERR(BAD_REQUEST("request", "42", "an object, or an array of 1..8 objects"), "null"),
	 0},

	/* arrays */
	{"[" REQ("\"id\":1,\"method\":\"plain\"") ",1," REQ("\"method\":\"plain\"") "]",
	 "[" OK("{\"n\":0,\"word\":null}", "1") "," ERR(
		 BAD_REQUEST("request", "1", "an object, or an array of 1..8 objects"), "null") "]",
	 2},
	{"[" REQ("\"method\":\"plain\"") "," REQ("\"method\":\"plain\"") "]", NULL, 2},
	{"[]", ERR(BAD_REQUEST("array", "0 requests", "1..8"), "null"), 0},
	{"[1,2,3,4,5,6,7,8,9]", ERR(BAD_REQUEST("array", "9 requests", "1..8"), "null"), 0},
	{"[[]]",
	 "[" ERR(BAD_REQUEST("request", "[]", "an object, or an array of 1..8 objects"),
		 "null") "]",
	 0},
};

static char *answer_to(const char *line, size_t len, int rc)
{
	char *text;

	assert_int_equal(rpc_answer(methods, &handler_calls, line, len, &text), rc);
	return text;
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		char *text;

		handler_calls = 0;
		text = answer_to(row->line, strlen(row->line), row->answer ? 1 : 0);
		if (row->answer)
			assert_string_equal(text, row->answer);
		else
			assert_null(text);
		assert_int_equal(handler_calls, row->calls);
		free(text);
	}
}

/* Not JSON, or JSON that we do not take: parse error with id null; what is said is jansson's. */
static void test_parse_errors(void **state)
{
	static const char *const lines[] = {
		"",
		"nonsense",
		REQ("\"id\":1,\"method\":\"echo\"") "x",
		"{\"id\":1,\"id\":2}",
		"{\"id\":99999999999999999999999}",
		"{\"id\":1e999}",
		"{\"id\":\"\xff\"}",
		"{\"id\":\"\\u0000\"}",
		"{\"id\":\"\\ud800\"}",
		"{\"id\":\"\\u\xd0\234\x34\"}", /* the message ends in the middle of a character */
		"{'id':1}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *text = answer_to(lines[i], strlen(lines[i]), 1);

		assert_non_null(strstr(text, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32700,"));
		assert_non_null(strstr(text, "},\"id\":null}"));
		assert_null(strchr(text, '\n'));
		free(text);
	}
}

static void test_deep_nesting(void **state)
{
	char *line = malloc(RPC_LINE_MAX), *text;

	(void)state;
	memset(line, '[', RPC_LINE_MAX);
	text = answer_to(line, RPC_LINE_MAX, 1);
	assert_non_null(strstr(text, "\"code\":-32700"));
	free(text);
	free(line);
}

/* A value as long as a line is named, but cut; what is cut is still JSON. */
static void test_long_value_is_cut(void **state)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"";
	char *line = malloc(RPC_LINE_MAX), *text;
	size_t len = RPC_LINE_MAX - 3;
	json_t *answer;

	(void)state;
	memcpy(line, head, strlen(head));
	for (size_t i = strlen(head); i < len; i += 2)
		memcpy(line + i, "\xc3\xa4", 2);
	len = strlen(head) + (len - strlen(head)) / 2 * 2;
	memcpy(line + len, "\"}", 2);
	text = answer_to(line, len + 2, 1);
	assert_true(strlen(text) < 2000);
	answer = json_loads(text, 0, NULL);
	assert_non_null(answer);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(answer, "error"), "code")),
		RPC_UNKNOWN_METHOD);
	json_decref(answer);
	free(text);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_long_value_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
