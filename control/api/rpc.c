/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc: JSON-RPC 2.0 (www.jsonrpc.org/specification). A request is checked whole before its handler
 * sees it: members of the envelope, then each parameter against the method's table, so that a
 * handler only fetches values that are in range. Errors name field, value and what is allowed, in
 * `message` for people and in `data` for programs.
 *
 * Stricter than the specification: a member that the envelope does not know is refused (it is a
 * typing error far more often than anything else); parameters go by name, not by position; an array
 * has at most RPC_BATCH_MAX requests. Numbers are what fits in 64 bits, keys are unique.
 *
 * What a secret parameter holds is never repeated, nor what could not be parsed at all: it may have
 * been one.
 *
 * Pure apart from memory and the handlers: no socket, no clock, so it fuzzes. Not done: parameters
 * that are objects.
 */
#include "rpc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is wrong with a request. code 0: nothing. */
struct rpc_fault {
	int code;
	char field[RPC_TEXT_LEN];
	char value[RPC_TEXT_LEN];
	char allowed[RPC_TEXT_LEN * 4];
};

static void fault_set(struct rpc_fault *fault, int code, const char *field, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);

	fault->code = code;
	snprintf(fault->field, sizeof(fault->field), "%s", field);
	snprintf(fault->value, sizeof(fault->value), "%s", text ? text : "missing");
	free(text);
}

static void __attribute__((format(printf, 2, 3)))
fault_allow(struct rpc_fault *fault, const char *fmt, ...)
{
	const size_t used = strlen(fault->allowed);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fault->allowed + used, sizeof(fault->allowed) - used, fmt, ap);
	va_end(ap);
}

/* Names of a request are the client's bytes: shown as JSON, so that a cut never splits a letter. */
static void fault_set_name(struct rpc_fault *fault, int code, const char *field, const char *name)
{
	json_t *value = json_string(name);

	fault_set(fault, code, field, value);
	json_decref(value);
}

static const char *code_text(int code)
{
	switch ((enum rpc_code)code) {
	case RPC_PARSE_ERROR:
		return "parse error";
	case RPC_INVALID_REQUEST:
		return "invalid request";
	case RPC_UNKNOWN_METHOD:
		return "unknown method";
	case RPC_INVALID_PARAMS:
		return "invalid params";
	case RPC_INTERNAL_ERROR:
		return "internal error";
	case RPC_BUSY:
		return "busy";
	case RPC_DENIED:
		return "permission denied";
	}
	return "error";
}

/* Steals error; id NULL stands for null. */
static json_t *response_error(json_t *id, json_t *error)
{
	return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "error", error, "id",
			 id ? json_incref(id) : json_null());
}

static json_t *response_message(json_t *id, int code, const char *text)
{
	char message[RPC_TEXT_LEN * 2];

	snprintf(message, sizeof(message), "%s: %s", code_text(code), text);
	return response_error(id, json_pack("{s:i, s:s}", "code", code, "message", message));
}

static json_t *response_fault(json_t *id, const struct rpc_fault *fault)
{
	char message[sizeof(*fault) + 64];

	snprintf(message, sizeof(message), "%s: %s: %s: allowed: %s", code_text(fault->code),
		 fault->field, fault->value, fault->allowed);
	return response_error(id, json_pack("{s:i, s:s, s:{s:s, s:s, s:s}}", "code", fault->code,
					    "message", message, "data", "field", fault->field,
					    "value", fault->value, "allowed", fault->allowed));
}

static void fault_set_secret(struct rpc_fault *fault, const char *field)
{
	fault->code = RPC_INVALID_PARAMS;
	snprintf(fault->field, sizeof(fault->field), "%s", field);
	snprintf(fault->value, sizeof(fault->value), "(secret)");
}

static const struct rpc_param *param_find(const struct rpc_method *method, const char *name)
{
	for (const struct rpc_param *p = method->params; p && p->name; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

uint64_t rpc_param_uint(const struct rpc_call *call, const char *name)
{
	const struct rpc_param *param = param_find(call->method, name);
	const json_t *value = json_object_get(call->params, name);

	if (json_is_boolean(value))
		return json_is_true(value);
	if (value)
		return (uint64_t)json_integer_value(value);
	return param ? param->fallback : 0;
}

const char *rpc_param_text(const struct rpc_call *call, const char *name)
{
	return json_string_value(json_object_get(call->params, name));
}

json_t *rpc_param_refuse(struct rpc_call *call, const char *name, const char *allowed)
{
	const struct rpc_param *param = param_find(call->method, name);

	if (param && param->type == RPC_SECRET)
		fault_set_secret(call->fault, name);
	else
		fault_set(call->fault, RPC_INVALID_PARAMS, name,
			  json_object_get(call->params, name));
	fault_allow(call->fault, "%s", allowed);
	return NULL;
}

static void param_check(const struct rpc_param *param, const json_t *value, struct rpc_fault *fault)
{
	const unsigned long long min = param->min, max = param->max;
	const json_int_t number = json_integer_value(value);

	switch (param->type) {
	case RPC_UINT:
		if (json_is_integer(value) && number >= 0 && (uint64_t)number >= min &&
		    (uint64_t)number <= max)
			return;
		fault_set(fault, RPC_INVALID_PARAMS, param->name, value);
		fault_allow(fault, "%llu..%llu", min, max);
		return;
	case RPC_BOOL:
		if (json_is_boolean(value))
			return;
		fault_set(fault, RPC_INVALID_PARAMS, param->name, value);
		fault_allow(fault, "true, false");
		return;
	case RPC_TEXT:
	case RPC_SECRET:
		if (json_is_string(value) && json_string_length(value) >= min &&
		    json_string_length(value) <= max)
			return;
		if (param->type == RPC_SECRET)
			fault_set_secret(fault, param->name);
		else
			fault_set(fault, RPC_INVALID_PARAMS, param->name, value);
		fault_allow(fault, "a string of %llu..%llu bytes", min, max);
		return;
	}
}

static void param_unknown(const struct rpc_method *method,
			  const char *name,
			  struct rpc_fault *fault)
{
	fault_set_name(fault, RPC_INVALID_PARAMS, "params", name);
	for (const struct rpc_param *p = method->params; p && p->name; p++)
		fault_allow(fault, "%s%s", p == method->params ? "" : ", ", p->name);
	if (!method->params)
		fault_allow(fault, "none");
}

static void params_check(const struct rpc_method *method, json_t *params, struct rpc_fault *fault)
{
	const struct rpc_param *param;
	const char *name;
	json_t *value;

	if (params && !json_is_object(params)) {
		fault_set(fault, RPC_INVALID_PARAMS, "params", params);
		fault_allow(fault, "an object, parameters by name");
		return;
	}
	json_object_foreach(params, name, value)
	{
		param = param_find(method, name);
		if (!param) {
			param_unknown(method, name, fault);
			return;
		}
		param_check(param, value, fault);
		if (fault->code)
			return;
	}
}

/* A parameter that the method cannot do without. */
static void params_complete(const struct rpc_method *method,
			    const json_t *params,
			    struct rpc_fault *fault)
{
	for (const struct rpc_param *p = method->params; p && p->name; p++) {
		if (!p->required || json_object_get(params, p->name))
			continue;
		fault_set(fault, RPC_INVALID_PARAMS, p->name, NULL);
		fault_allow(fault, "%s", p->help);
		return;
	}
}

static bool id_is_valid(const json_t *id)
{
	return !id || json_is_string(id) || json_is_number(id) || json_is_null(id);
}

static bool member_is_known(const char *name)
{
	return strcmp(name, "jsonrpc") == 0 || strcmp(name, "id") == 0 ||
	       strcmp(name, "method") == 0 || strcmp(name, "params") == 0;
}

/* Section 4: the members of a request. */
static void envelope_check(json_t *request, struct rpc_fault *fault)
{
	const char *version = json_string_value(json_object_get(request, "jsonrpc"));
	const char *name;
	json_t *value;

	if (!json_is_object(request)) {
		fault_set(fault, RPC_INVALID_REQUEST, "request", request);
		fault_allow(fault, "an object, or an array of 1..%d objects", RPC_BATCH_MAX);
		return;
	}
	json_object_foreach(request, name, value)
	{
		if (member_is_known(name))
			continue;
		fault_set_name(fault, RPC_INVALID_REQUEST, "member", name);
		fault_allow(fault, "jsonrpc, id, method, params");
		return;
	}
	if (!version || strcmp(version, "2.0") != 0) {
		fault_set(fault, RPC_INVALID_REQUEST, "jsonrpc",
			  json_object_get(request, "jsonrpc"));
		fault_allow(fault, "\"2.0\"");
	} else if (!json_is_string(json_object_get(request, "method"))) {
		fault_set(fault, RPC_INVALID_REQUEST, "method", json_object_get(request, "method"));
		fault_allow(fault, "a string");
	} else if (!id_is_valid(json_object_get(request, "id"))) {
		fault_set(fault, RPC_INVALID_REQUEST, "id", json_object_get(request, "id"));
		fault_allow(fault, "a string, a number or null");
	}
}

static const struct rpc_method *method_find(const struct rpc_method *methods, const char *name)
{
	for (; methods->name; methods++)
		if (strcmp(methods->name, name) == 0)
			return methods;
	return NULL;
}

/* Runs a request whose envelope is right. */
static json_t *request_run(const struct rpc_method *methods,
			   const void *ctx,
			   json_t *request,
			   json_t *id)
{
	const char *name = json_string_value(json_object_get(request, "method"));
	struct rpc_fault fault = {0};
	struct rpc_call call = {
		.params = json_object_get(request, "params"), .ctx = ctx, .fault = &fault};
	json_t *result;

	call.method = method_find(methods, name);
	if (!call.method) {
		fault_set_name(&fault, RPC_UNKNOWN_METHOD, "method", name);
		fault_allow(&fault, "what system.methods lists");
		return response_fault(id, &fault);
	}
	params_check(call.method, json_object_get(request, "params"), &fault);
	if (!fault.code)
		params_complete(call.method, call.params, &fault);
	if (fault.code)
		return response_fault(id, &fault);
	result = call.method->handler(&call);
	if (!result && fault.code)
		return response_fault(id, &fault);
	if (!result)
		return response_message(id, RPC_INTERNAL_ERROR, "out of memory");
	return json_pack("{s:s, s:o, s:o}", "jsonrpc", "2.0", "result", result, "id",
			 id ? json_incref(id) : json_null());
}

/* The response, NULL when memory is short; *silent: it is not to be sent (a notification). */
static json_t *request_answer(const struct rpc_method *methods,
			      const void *ctx,
			      json_t *request,
			      bool *silent)
{
	json_t *id = json_object_get(request, "id");
	struct rpc_fault fault = {0};

	envelope_check(request, &fault);
	*silent = !fault.code && !id;
	if (fault.code)
		return response_fault(id_is_valid(id) ? id : NULL, &fault);
	return request_run(methods, ctx, request, id);
}

/* Section 6. An array without any answer is answered by nothing: *silent. */
static json_t *batch_answer(const struct rpc_method *methods,
			    const void *ctx,
			    json_t *batch,
			    bool *silent)
{
	struct rpc_fault fault = {0};
	json_t *responses, *response, *request;
	size_t i;

	if (json_array_size(batch) == 0 || json_array_size(batch) > RPC_BATCH_MAX) {
		fault.code = RPC_INVALID_REQUEST;
		snprintf(fault.field, sizeof(fault.field), "array");
		snprintf(fault.value, sizeof(fault.value), "%zu requests", json_array_size(batch));
		fault_allow(&fault, "1..%d", RPC_BATCH_MAX);
		return response_fault(NULL, &fault);
	}
	responses = json_array();
	json_array_foreach(batch, i, request)
	{
		response = request_answer(methods, ctx, request, silent);
		if (*silent)
			json_decref(response);
		else if (json_array_append_new(responses, response) < 0)
			goto err;
	}
	*silent = json_array_size(responses) == 0;
	return responses;

err:
	*silent = false;
	json_decref(responses);
	return NULL;
}

/* Takes the response; what rpc_answer returns. */
static int response_text(json_t *response, char **text)
{
	*text = response ? json_dumps(response, JSON_COMPACT) : NULL;
	json_decref(response);
	return *text ? 1 : -ENOMEM;
}

/* The parser quotes what it did not like: perhaps in the middle of a character, perhaps a key. */
static void text_clean(char *text)
{
	char *quoted = strstr(text, " near ");

	if (quoted)
		*quoted = '\0';
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

int rpc_answer(const struct rpc_method *methods,
	       const void *ctx,
	       const char *line,
	       size_t len,
	       char **text)
{
	json_t *request, *response;
	bool silent = false;
	json_error_t err;

	*text = NULL;
	request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &err);
	if (!request) {
		text_clean(err.text);
		return rpc_error_text(RPC_PARSE_ERROR, err.text, text);
	}
	if (json_is_array(request))
		response = batch_answer(methods, ctx, request, &silent);
	else
		response = request_answer(methods, ctx, request, &silent);
	json_decref(request);
	if (!silent)
		return response_text(response, text);
	json_decref(response);
	return 0;
}

int rpc_error_text(enum rpc_code code, const char *message, char **text)
{
	return response_text(response_message(NULL, code, message), text);
}
