/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The word of the cloud: what comes without exactly one right one is answered by error 11 and
 * changes nothing, whatever its type; what leaves has it once. Nobody who did not show it is told
 * it, and no event has it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/events.h"
#include "nhrp_harness.h"

#define WORD "S3cret_8"
static const uint8_t good[] = {0, 0, 0, 1, 'S', '3', 'c', 'r', 'e', 't', '_', '8'};

static int setup(void **state)
{
	harness_setup(state);
	strcpy(harness_tunnel.nhrp.authentication, WORD);
	harness_tunnel_again();
	return 0;
}

static void auth_add(struct nhrp_packet *p, const uint8_t *value, uint16_t len)
{
	assert_int_equal(
		nhrp_ext_add(p, NHRP_EXT_AUTHENTICATION, NHRP_EXT_F_COMPULSORY, value, len), 0);
}

static bool has_word(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i + strlen(WORD) <= len; i++)
		if (memcmp(bytes + i, WORD, strlen(WORD)) == 0)
			return true;
	return false;
}

static void assert_no_event_has_word(void)
{
	struct event_record rows[64];
	uint64_t seq = 0;
	unsigned n = event_list(&seq, rows, 64);

	assert_true(n > 0);
	for (unsigned i = 0; i < n; i++)
		assert_false(has_word((const uint8_t *)rows[i].text, strlen(rows[i].text)));
}

static void test_wrong(void **state)
{
	static const struct {
		uint8_t value[20];
		uint16_t len;
		enum nhrp_drop drop;
	} rows[] = {
		{{0}, 0, NHRP_DROP_AUTH_FORM},
		{{0, 0, 0}, 3, NHRP_DROP_AUTH_FORM},
		{{0, 0, 0, 1}, 4, NHRP_DROP_AUTH_FORM},
		{{0, 0, 0, 2, 'S', '3', 'c', 'r', 'e', 't', '_', '8'}, 12, NHRP_DROP_AUTH_FORM},
		{{0, 0, 0, 1, 'S', '3', 'c', 'r', 'e', 't', '_', '8', 0}, 13, NHRP_DROP_AUTH_FORM},
		{{0, 0, 0, 1, 'S', '3', 'c', 'r', 'e', 't', '_', '8', '9'},
		 13,
		 NHRP_DROP_AUTH_FORM},
		{{0, 0, 0, 1, 'S', '3', 'c', 'r', 'e', 't', '_'}, 11, NHRP_DROP_AUTH_WRONG},
		{{0, 0, 0, 1, 's', '3', 'c', 'r', 'e', 't', '_', '8'}, 12, NHRP_DROP_AUTH_WRONG},
		{{0, 0, 0, 1, 'S', '3', 'c', 'r', 'e', 't', '_', '9'}, 12, NHRP_DROP_AUTH_WRONG},
		{{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}, 12, NHRP_DROP_AUTH_WRONG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nhrp_packet p = harness_request(), r;
		uint64_t before = harness_dropped(rows[i].drop);

		auth_add(&p, rows[i].value, rows[i].len);
		if (harness_ask("192.0.2.11", &p, &r) || harness_error != NHRP_ERROR_AUTHENTICATION)
			fail_msg("row %zu: error %u", i, harness_error);
		if (harness_dropped(rows[i].drop) != before + 1)
			fail_msg("row %zu: not counted", i);
		/* At the extension; and the error has none of ours. */
		assert_int_equal(r.code_offset, 52);
		assert_int_equal(r.ext_count, 0);
		assert_string_equal(fake_dp_calls(), "");
		assert_null(harness_find("10.255.0.11"));
		harness_now_ms += 1000;
	}
	assert_no_event_has_word();
}

static void test_missing_and_twice(void **state)
{
	struct nhrp_packet p = harness_request(), r;

	(void)state;
	assert_false(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(harness_error, NHRP_ERROR_AUTHENTICATION);
	assert_int_equal(harness_dropped(NHRP_DROP_AUTH_MISSING), 1);
	assert_false(has_word(fake_dp.packet, fake_dp.packet_len));
	auth_add(&p, good, sizeof(good));
	auth_add(&p, good, sizeof(good));
	assert_false(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(harness_error, NHRP_ERROR_AUTHENTICATION);
	assert_int_equal(harness_dropped(NHRP_DROP_AUTH_TWICE), 1);
	assert_string_equal(fake_dp_calls(), "");
	assert_no_event_has_word();
}

/* Each type is looked at, and none is served; an error is not answered by an error. */
static void test_every_type(void **state)
{
	struct nhrp_packet p, r;

	(void)state;
	for (uint8_t type = 1; type < NHRP_TYPES_END; type++) {
		p = harness_request();
		p.type = type;
		if (nhrp_type_has_payload(type))
			p.cie_count = 0;
		assert_false(harness_ask("192.0.2.11", &p, &r));
		assert_int_equal(harness_error, type == NHRP_TYPE_ERROR_INDICATION
							? 0
							: NHRP_ERROR_AUTHENTICATION);
		assert_int_equal(harness_dropped(NHRP_DROP_AUTH_MISSING), type);
		assert_int_equal(harness_counter(NHRP_COUNTER_UNSERVED + type), 0);
	}
	assert_int_equal(harness_counter(NHRP_COUNTER_ERRORS_RX + 0), 0);
	assert_string_equal(fake_dp_calls(), "");
}

/* Our own word once: in the place of theirs, else before End, with an End where none was. */
static void test_right(void **state)
{
	struct nhrp_packet p = harness_request(), r;

	(void)state;
	auth_add(&p, good, sizeof(good));
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_OK);
	assert_int_equal(r.ext_count, 2);
	assert_int_equal(r.exts[0].type, NHRP_EXT_AUTHENTICATION);
	assert_int_equal(r.exts[0].flags, NHRP_EXT_F_COMPULSORY);
	assert_int_equal(r.exts[0].len, sizeof(good));
	assert_memory_equal(r.exts[0].value, good, sizeof(good));
	assert_int_equal(r.exts[1].type, NHRP_EXT_END);
	/* Order kept. */
	p.ext_count = 0;
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
	auth_add(&p, good, sizeof(good));
	nhrp_ext_add(&p, NHRP_EXT_NAT, 0, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.ext_count, 4);
	for (unsigned i = 0; i < r.ext_count; i++)
		assert_int_equal(r.exts[i].type, p.exts[i].type);
	/* Who has shown it gets errors with it. */
	p.exts[0].type = 0x0123;
	assert_false(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(harness_error, NHRP_ERROR_UNRECOGNIZED_EXTENSION);
	assert_int_equal(r.ext_count, 2);
	assert_int_equal(nhrp_ext_count(&r, NHRP_EXT_AUTHENTICATION), 1);
	assert_true(fake_dp.packet_len < 576);
}

/* A malformed packet shows nothing. */
static void test_malformed(void **state)
{
	const struct nhrp_vector *q = harness_vector("plain_key42_bgp_nat_reg_request_1");
	uint8_t bytes[192];
	struct nhrp_packet r;
	struct nhrp_fault fault;

	(void)state;
	memcpy(bytes, q->bytes, q->len);
	bytes[30] ^= 1;
	harness_receive("192.0.2.11", 0, bytes, q->len);
	assert_int_equal(fake_dp.packets, 1);
	assert_int_equal(nhrp_packet_decode(&r, fake_dp.packet, fake_dp.packet_len, &fault), 0);
	assert_int_equal(r.code, NHRP_ERROR_PROTOCOL);
	assert_false(has_word(fake_dp.packet, fake_dp.packet_len));
}

/* nhrp_send's renewal by itself, with as many extensions as there can be. */
static void test_full(void **state)
{
	struct nhrp_packet p = harness_request(), r;
	static const uint8_t vendor[3];

	(void)state;
	auth_add(&p, good, sizeof(good));
	while (p.ext_count < NHRP_EXTS_MAX)
		nhrp_ext_add(&p, NHRP_EXT_VENDOR, 0, vendor, sizeof(vendor));
	/* No room for End: refused, not sent without. */
	assert_false(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(harness_dropped(NHRP_DROP_SEND), 1);
	p.exts[NHRP_EXTS_MAX - 1] = (struct nhrp_ext){.flags = NHRP_EXT_F_COMPULSORY};
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(r.ext_count, NHRP_EXTS_MAX);
	assert_int_equal(nhrp_ext_count(&r, NHRP_EXT_AUTHENTICATION), 1);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		T(test_wrong), T(test_missing_and_twice), T(test_every_type),
		T(test_right), T(test_malformed),         T(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
