/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * JSON-RPC 2.0 over bytes: one line in, one line out. Knows no socket and no method; handlers come
 * from a table. Private to control/api/.
 *
 * Context: control.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RPC_LINE_MAX  65536 /* bytes of a request line, without its newline */
#define RPC_BATCH_MAX 8     /* requests in one array: bounds the time and the memory of one turn */
#define RPC_TEXT_LEN  160

/* JSON-RPC 2.0 section 5.1; from -32000 on ours. */
enum rpc_code {
	RPC_PARSE_ERROR = -32700,
	RPC_INVALID_REQUEST = -32600,
	RPC_UNKNOWN_METHOD = -32601,
	RPC_INVALID_PARAMS = -32602,
	RPC_INTERNAL_ERROR = -32603,
	RPC_BUSY = -32000,   /* too many clients */
	RPC_DENIED = -32001, /* peer credentials */
};

enum rpc_type {
	RPC_UINT,
	RPC_TEXT,
	RPC_BOOL,
	RPC_SECRET, /* a text that no answer repeats */
};

/* A parameter: what its bounds say is checked before the handler runs. */
struct rpc_param {
	const char *name; /* NULL ends a list */
	enum rpc_type type;
	uint64_t min, max; /* RPC_UINT: the value's, of texts: the length's in bytes */
	uint64_t fallback; /* RPC_UINT, RPC_BOOL: when the request does not have it */
	const char *help;
	bool required;
};

struct rpc_call;
struct rpc_fault;

struct rpc_method {
	const char *name; /* NULL ends a table */
	const char *help;
	const struct rpc_param *params; /* NULL: none */
	/* The result, owned by the caller; NULL after rpc_param_refuse, or when memory is short. */
	json_t *(*handler)(struct rpc_call *call);
};

struct rpc_call {
	const struct rpc_method *method;
	const json_t *params; /* validated object, NULL when the request has none */
	const void *ctx;      /* as given to rpc_answer */
	struct rpc_fault *fault;
};

/* Value of a parameter that the method's table names; a text that is not there is NULL, true is 1.
 */
uint64_t rpc_param_uint(const struct rpc_call *call, const char *name);
const char *rpc_param_text(const struct rpc_call *call, const char *name);
/* For what the table cannot say: the answer is an invalid-params error. Returns NULL. */
json_t *rpc_param_refuse(struct rpc_call *call, const char *name, const char *allowed);

/*
 * Answers one line of `len` bytes, without its newline: a request or an array of them.
 * 1: *text is the answer without a newline, the caller frees it; 0: nothing is to be said
 * (notifications); -ENOMEM.
 */
int rpc_answer(const struct rpc_method *methods,
	       const void *ctx,
	       const char *line,
	       size_t len,
	       char **text);

/* An error that belongs to no request (id null), same contract. */
int rpc_error_text(enum rpc_code code, const char *message, char **text);
