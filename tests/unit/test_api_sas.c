/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa.add, sa.delete and sa.list: each field is checked by name, and no answer repeats a key, not
 * even a wrong one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api_fakes.h"
#include "control/api/methods.h"
#include "control/sa/sa.h"

#define KEY "00112233445566778899aabbccddeeff01020304"
#define ADD_BUT_KEY                                                                 \
	"'direction':'out','local':'192.0.2.1','remote':'198.51.100.7','spi':4096," \
	"'protection':'dmvpn','algorithm':'aes128gcm16'"
#define ADD ADD_BUT_KEY ",'key':'" KEY "'"

static const struct api_env *env(void)
{
	static struct api_env e;
	static const struct api_stats stats;

	e = (struct api_env){.sources = fake_sources(), .stats = &stats};
	return &e;
}

/* The answer to a request with ' for ", for the caller to free. */
static char *answer(const char *method, const char *params)
{
	char line[2048], *text;

	snprintf(line, sizeof(line), "{'jsonrpc':'2.0','id':1,'method':'%s','params':{%s}}", method,
		 params);
	for (char *c = line; *c; c++)
		if (*c == '\'')
			*c = '"';
	assert_int_equal(rpc_answer(api_methods, env(), line, strlen(line), &text), 1);
	return text;
}

static void expect(const char *method, const char *params, const char *words)
{
	char *text = answer(method, params);

	if (!strstr(text, words))
		fail_msg("%s {%s}: %s", method, params, text);
	free(text);
}

static void test_add_list_delete(void **state)
{
	char *text;

	(void)state;
	fake_sa_handle = 0;
	expect("sa.add", ADD ",'esn':true,'sequence':5,'natt_port':4501,'hard_bytes':1000",
	       "\"sa\":7,\"sequence\":5,\"bound\":1048581");
	assert_int_equal(fake_sa.dir, DP_SA_OUT);
	assert_int_equal(fake_sa.alg, DP_SA_AES128_GCM);
	assert_int_equal(fake_sa.spi, 4096);
	assert_int_equal(fake_sa.natt_port, 4501);
	assert_true(fake_sa.esn);
	assert_int_equal(fake_sa.replay_window, UINT16_MAX);
	assert_int_equal(fake_sa.limits.hard_bytes, 1000);
	assert_memory_equal(fake_sa.key,
			    "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x01"
			    "\x02\x03\x04",
			    20);
	text = answer("sa.list", "");
	assert_non_null(strstr(text, "\"spi\":\"0x00001000\""));
	assert_non_null(strstr(text, "\"algorithm\":\"aes128gcm16\""));
	assert_null(strstr(text, "1122"));
	free(text);
	expect("sa.delete", "'direction':'out','local':'192.0.2.1','spi':4096", "remote");
	expect("sa.delete",
	       "'direction':'out','local':'192.0.2.1','remote':'198.51.100.8','spi':4096",
	       "that of an SA that there is");
	expect("sa.delete",
	       "'direction':'out','local':'192.0.2.1','remote':'198.51.100.7','spi':4096",
	       "\"sa\":7");
	assert_int_equal(fake_sa_handle, 0);
}

static const struct {
	const char *params, *words;
} refused[] = {
	{"", "direction"},
	{ADD_BUT_KEY, "40 hexadecimal digits"},
	{ADD_BUT_KEY ",'key':'xx112233445566778899aabbccddeeff01020304'", "40 hexadecimal digits"},
	{ADD_BUT_KEY ",'key':'0011'", "40 hexadecimal digits"},
	{ADD_BUT_KEY ",'key':5", "string"},
	{ADD ",'auth_key':'00'", "0 hexadecimal digits"},
	{ADD ",'esn':1", "true, false"},
	{ADD ",'replay_window':4097", "0..4096"},
	{ADD ",'natt_port':65536", "0..65535"},
	{"'direction':'both','local':'192.0.2.1','remote':'198.51.100.7','spi':4096,"
	 "'protection':'dmvpn','algorithm':'aes128gcm16'",
	 "in, out"},
	{"'direction':'in','local':'here','remote':'198.51.100.7','spi':4096,"
	 "'protection':'dmvpn','algorithm':'aes128gcm16'",
	 "IPv4 address"},
	{"'direction':'in','local':'192.0.2.1','remote':'198.51.100.7','spi':255,"
	 "'protection':'dmvpn','algorithm':'aes128gcm16'",
	 "256..4294967295"},
	{"'direction':'in','local':'192.0.2.1','remote':'198.51.100.7','spi':4096,"
	 "'protection':'dmvpn','algorithm':'des'",
	 "algorithm"},
	{"'direction':'in','local':'192.0.2.1','remote':'198.51.100.7','spi':4096,"
	 "'protection':'other','algorithm':'aes128gcm16','key':'" KEY "'",
	 "\"field\":\"protection\""},
	{ADD ",'colour':'red'", "colour"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char *text = answer("sa.add", refused[i].params);

		if (!strstr(text, "-32602") || !strstr(text, refused[i].words))
			fail_msg("{%s}: %s", refused[i].params, text);
		assert_null(strstr(text, "8899"));
		free(text);
	}
}

/* What cannot be parsed is not quoted: it may be a key. */
static void test_damaged_request(void **state)
{
	const char line[] = "{\"method\":\"sa.add\",\"params\":{\"key\":\"00112233\xff\"}}";
	char *text;

	(void)state;
	assert_int_equal(rpc_answer(api_methods, env(), line, strlen(line), &text), 1);
	assert_non_null(strstr(text, "-32700"));
	assert_null(strstr(text, "0011"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add_list_delete),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
