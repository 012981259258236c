/* SPDX-License-Identifier: Apache-2.0 */
/* The list of everything: bindings, what we answered of our own networks, who was told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "nhrp_harness.h"

#define NOW HARNESS_NOW_MS

static void told(const char *target, const char *binding, const char *who, uint32_t id)
{
	struct nhrp_requester r = {.requester_protocol = harness_addr(who),
				   .requester_nbma = harness_addr("192.0.2.12"),
				   .request_id = id,
				   .holding_s = 100};

	assert_int_equal(dp_prefix_parse(&r.target, target), 0);
	if (binding)
		r.binding = harness_addr(binding);
	assert_int_equal(nhrp_requester_note(harness_srv, &r, NOW), 0);
}

/* The list as text, read `max` rows at a time. */
static const char *list(unsigned max)
{
	static char text[1024];
	struct nhrp_binding_info rows[8];
	struct nhrp_requester who[4];
	char target[DP_PREFIX_STRLEN], via[DP_ADDR_STRLEN];
	uint32_t cursor = 0;
	size_t at = 0;
	unsigned n;

	text[0] = '\0';
	while ((n = nhrp_server_list(harness_srv, &cursor, rows, max)) > 0) {
		assert_true(n <= max);
		for (unsigned i = 0; i < n; i++) {
			unsigned count = nhrp_server_requesters(harness_srv, &rows[i], who, 4);

			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s via %s %s (",
					       dp_prefix_format(&rows[i].target, target),
					       dp_addr_format(&rows[i].protocol, via),
					       nhrp_binding_type_name(rows[i].type));
			for (unsigned k = 0; k < count && k < 4; k++)
				at += (size_t)snprintf(
					text + at, sizeof(text) - at, " %s %u",
					dp_addr_format(&who[k].requester_protocol, via),
					who[k].request_id);
			at += (size_t)snprintf(text + at, sizeof(text) - at, " )\n");
		}
	}
	return text;
}

static void test_list(void **state)
{
	struct nhrp_packet p = harness_request(), reply;

	(void)state;
	assert_true(harness_ask("192.0.2.11", &p, &reply));
	told("10.255.0.11/32", NULL, "10.255.0.12", 7);
	told("10.9.0.0/16", "10.255.0.11", "10.255.0.13", 8); /* behind it */
	told("10.1.1.0/24", NULL, "10.255.0.13", 9);          /* ours */
	told("10.1.1.0/24", NULL, "10.255.0.14", 10);
	for (unsigned max = 1; max <= 8; max++)
		assert_string_equal(
			list(max),
			"10.255.0.31/32 via 10.255.0.31 static ( )\n"
			"10.255.0.11/32 via 10.255.0.11 dynamic ( 10.255.0.13 8 10.255.0.12 7 )\n"
			"10.1.1.0/24 via 10.255.0.1 local ( 10.255.0.14 10 10.255.0.13 9 )\n");
	nhrp_server_tick(harness_srv, NOW + 100000);
	assert_string_equal(list(8), "10.255.0.31/32 via 10.255.0.31 static ( )\n"
				     "10.255.0.11/32 via 10.255.0.11 dynamic ( )\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_list, harness_setup, harness_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
