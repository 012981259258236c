/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state file: any bytes are refused with one printable line, or are what writes and reads back
 * to the same. The checksum is made right first (else every input would end there); the input is
 * also tried as it is.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/state/state_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct state_doc *doc)
{
	struct state_error err;
	struct state_doc second;
	struct state_text t;

	state_text_begin(&t, doc->written_ms);
	for (uint32_t i = 0; i < doc->count; i++)
		state_text_binding(&t, &doc->bindings[i]);
	if (state_text_end(&t) < 0 || state_doc_parse(&second, t.bytes, t.len, &err) < 0)
		abort();
	if (second.count != doc->count || second.written_ms != doc->written_ms ||
	    (doc->count > 0 &&
	     memcmp(second.bindings, doc->bindings, doc->count * sizeof(*doc->bindings)) != 0))
		abort();
	state_doc_free(&second);
	state_text_free(&t);
}

static void parse(const char *bytes, size_t len)
{
	struct state_error err;
	struct state_doc doc;
	int rc = state_doc_parse(&doc, bytes, len, &err);

	if ((rc < 0) != (err.text[0] != '\0'))
		abort();
	for (const char *c = err.text; *c != '\0'; c++)
		if (!isprint((unsigned char)*c))
			abort();
	if (rc < 0)
		return;
	again(&doc);
	state_doc_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *lines = (const char *)data;
	char *copy = malloc(size + 128);
	unsigned bindings = 0;
	int n;

	parse(lines, size);
	if (!copy)
		return 0;
	memcpy(copy, lines, size);
	for (size_t i = 0; i < size; i++)
		bindings += lines[i] == '\n';
	n = snprintf(copy + size, 128,
		     "{\"end\":{\"bindings\":%u,\"checksum\":\"%016" PRIx64 "\"}}\n",
		     bindings > 0 ? bindings - 1 : 0, state_sum(STATE_SUM_START, lines, size));
	parse(copy, size + (size_t)n);
	free(copy);
	return 0;
}
