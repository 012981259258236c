/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any line as a request, over the real method table and a fake hub: one line of JSON, or nothing
 * for a notification; never a crash, a leak, an answer that is no response, or one that repeats a
 * key.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/api/api_priv.h"
#include "tests/unit/api_fakes.h"

#define KEY_MIN 16 /* digits: shorter ones may be there by chance */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void response_check(const json_t *response)
{
	const json_t *error = json_object_get(response, "error");

	check(json_object_size(response) == 3);
	check(strcmp(json_string_value(json_object_get(response, "jsonrpc")), "2.0") == 0);
	check(json_object_get(response, "id") != NULL);
	check((error != NULL) != (json_object_get(response, "result") != NULL));
	if (error) {
		check(json_integer_value(json_object_get(error, "code")) <= RPC_PARSE_ERROR + 1000);
		check(json_integer_value(json_object_get(error, "code")) != RPC_INTERNAL_ERROR);
		check(json_string_length(json_object_get(error, "message")) > 0);
	}
}

static void answer_check(const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);

	check(strchr(text, '\n') == NULL);
	check(answer != NULL);
	if (json_is_array(answer)) {
		check(json_array_size(answer) >= 1 && json_array_size(answer) <= RPC_BATCH_MAX);
		for (size_t i = 0; i < json_array_size(answer); i++)
			response_check(json_array_get(answer, i));
	} else {
		response_check(answer);
	}
	json_decref(answer);
}

static bool is_key(const char *text)
{
	return text && strlen(text) >= KEY_MIN &&
	       strspn(text, "0123456789abcdefABCDEF") == strlen(text);
}

/* A key that is elsewhere in the request, too, may well come back. */
static bool is_once(const char *text, const uint8_t *data, size_t size)
{
	const uint8_t *first = memmem(data, size, text, strlen(text));

	return first && !memmem(first + 1, size - (size_t)(first + 1 - data), text, strlen(text));
}

static void secrets_check(const json_t *request,
			  const char *answer,
			  const uint8_t *data,
			  size_t size)
{
	static const char *const names[] = {"key", "auth_key"};
	const char *method = json_string_value(json_object_get(request, "method"));

	if (!method || strcmp(method, "sa.add") != 0)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *params = json_object_get(request, "params");
		const char *text = json_string_value(json_object_get(params, names[i]));

		if (is_key(text) && is_once(text, data, size))
			check(strstr(answer, text) == NULL);
	}
}

static void secrets_check_all(const char *answer, const uint8_t *data, size_t size)
{
	json_t *request = json_loadb((const char *)data, size, 0, NULL);

	secrets_check(request, answer, data, size);
	for (size_t i = 0; i < json_array_size(request); i++)
		secrets_check(json_array_get(request, i), answer, data, size);
	json_decref(request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct api_stats stats;
	const struct api_env env = {.sources = fake_sources(), .stats = &stats};
	char *text;
	int rc;

	if (size > RPC_LINE_MAX)
		return 0;
	fake_hub = (struct fake_hub){.spokes = 20, .bindings = 30, .routes = 10, .workers = 2};
	fake_sa_handle = 0;
	rc = rpc_answer(api_methods, &env, (const char *)data, size, &text);
	check(rc == 0 || rc == 1);
	check((rc == 1) == (text != NULL));
	if (text) {
		answer_check(text);
		secrets_check_all(text, data, size);
	}
	free(text);
	return 0;
}
