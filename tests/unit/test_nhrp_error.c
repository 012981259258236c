/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error indications: bytes of one, who gets none, how many there are, those that come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/events.h"
#include "control/rate.h"
#include "nhrp_harness.h"
#include "tests/vectors/nhrp/synthetic.h"

/* A registration that gets error 1. */
static struct nhrp_packet faulty(void)
{
	struct nhrp_packet p = harness_request();

	nhrp_ext_add(&p, 0x0123, NHRP_EXT_F_COMPULSORY, NULL, 0);
	return p;
}

/* RFC 2332 section 5.2.7: who, to whom, what, where, and the packet itself. */
static void test_fields(void **state)
{
	struct nhrp_packet p = faulty(), e, about;
	struct nhrp_fault fault;
	char text[DP_ADDR_STRLEN];

	(void)state;
	assert_false(harness_ask("192.0.2.99", &p, &e));
	assert_int_equal(e.code, NHRP_ERROR_UNRECOGNIZED_EXTENSION);
	assert_int_equal(e.code_offset, 52);
	assert_true(e.hop_count > 0);
	assert_true(dp_addr_equal(&e.src_nbma, &harness_tunnel.source));
	assert_true(dp_addr_equal(&e.src_proto, &harness_tunnel.addresses[0].addr));
	assert_true(dp_addr_equal(&e.dst_proto, &p.src_proto));
	assert_int_equal(e.ext_count, 0);
	assert_int_equal(nhrp_packet_decode(&about, e.payload, e.payload_len, &fault), 0);
	assert_true(nhrp_packet_same(&about, &p));
	/* To where it came from, whatever it claims. */
	assert_string_equal(dp_addr_format(&fake_dp.packet_nbma, text), "192.0.2.99");
	assert_int_equal(harness_counter(NHRP_COUNTER_ERRORS_TX + 1), 1);
	assert_int_equal(harness_counter(NHRP_COUNTER_TX + NHRP_TYPE_ERROR_INDICATION), 1);
}

/* The beginning of a long one; it fits the smallest tunnel. */
static void test_long(void **state)
{
	static const uint8_t vendor[1000];
	struct nhrp_packet p = faulty(), e;

	(void)state;
	nhrp_ext_add(&p, NHRP_EXT_VENDOR, 0, vendor, sizeof(vendor));
	assert_false(harness_ask("192.0.2.11", &p, &e));
	assert_int_equal(e.code, NHRP_ERROR_UNRECOGNIZED_EXTENSION);
	assert_in_range(e.payload_len, 256, 512);
	assert_in_range(fake_dp.packet_len, 300, 576);
}

/* Any prefix and any one wrong byte of a packet: at most one error, never about an error, always
 * one that we understand ourselves. */
static void test_hostile(void **state)
{
	static const uint8_t *const packets[] = {nhrp_cisco_registration, nhrp_error_loop,
						 nhrp_registration_ip6};
	static const size_t lens[] = {sizeof(nhrp_cisco_registration), sizeof(nhrp_error_loop),
				      sizeof(nhrp_registration_ip6)};
	uint8_t bytes[512];

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		for (size_t i = 0; i < 2 * lens[k]; i++) {
			size_t len = i < lens[k] ? i : lens[k];
			unsigned before = fake_dp.packets;
			struct nhrp_packet e;
			struct nhrp_fault fault;

			memcpy(bytes, packets[k], lens[k]);
			if (i >= lens[k])
				bytes[i - lens[k]] ^= 0x41;
			harness_now_ms += 1000;
			harness_receive("192.0.2.11", 0, bytes, len);
			assert_in_range(fake_dp.packets, before, before + 1);
			if (fake_dp.packets == before)
				continue;
			assert_int_not_equal(bytes[17], NHRP_TYPE_ERROR_INDICATION);
			assert_int_equal(
				nhrp_packet_decode(&e, fake_dp.packet, fake_dp.packet_len, &fault),
				0);
		}
	}
	assert_true(harness_counter(NHRP_COUNTER_ERRORS_TX + NHRP_ERROR_PROTOCOL) > 100);
}

/* Nothing to ourselves, nothing about runts. */
static void test_unanswered(void **state)
{
	struct nhrp_packet p = faulty(), e;

	(void)state;
	assert_false(harness_ask("192.0.2.1", &p, &e));
	assert_int_equal(harness_error, 0);
	for (size_t len = 0; len < 18; len++)
		harness_receive("192.0.2.11", 0, nhrp_cisco_registration, len);
	assert_int_equal(fake_dp.packets, 0);
	harness_receive("192.0.2.11", 0, nhrp_cisco_registration, 18);
	assert_int_equal(fake_dp.packets, 1);
}

static unsigned storm(const char *outer, unsigned n)
{
	unsigned before = fake_dp.packets;
	struct nhrp_packet p = faulty(), e;

	for (unsigned i = 0; i < n; i++)
		harness_ask(outer, &p, &e);
	return fake_dp.packets - before;
}

/* Strangers share one rate, each registered spoke has its own; in no second are there more. */
static void test_rate(void **state)
{
	struct nhrp_packet p = harness_request(), r;
	unsigned n = 0;

	(void)state;
	assert_true(harness_ask("192.0.2.11", &p, &r));
	assert_int_equal(storm("192.0.2.98", 6), 6);
	assert_int_equal(storm("192.0.2.99", 100), RATE_MAX - 6);
	assert_int_equal(harness_counter(NHRP_COUNTER_NOTE + NHRP_NOTE_ERRORS_HELD_STRANGERS), 96);
	assert_int_equal(storm("192.0.2.11", 100), RATE_MAX);
	assert_int_equal(storm("192.0.2.31", 100), RATE_MAX); /* the static one */
	assert_int_equal(harness_counter(NHRP_COUNTER_NOTE + NHRP_NOTE_ERRORS_HELD), 180);
	harness_now_ms += 999;
	assert_int_equal(storm("192.0.2.99", 1) + storm("192.0.2.11", 1), 0);
	harness_now_ms += 1;
	for (unsigned ms = 0; ms < 10000; ms += 10, harness_now_ms += 10)
		n += storm("192.0.2.11", 3);
	assert_in_range(n, 95, 10 * RATE_MAX);
	/* Each was counted; told once per sender and minute. */
	assert_int_equal(harness_dropped(NHRP_DROP_EXT_UNKNOWN), 308 + 3000);
	assert_int_equal(event_count(EVENT_NHRP_DROPPED), 4);
	harness_now_ms += 60000;
	storm("192.0.2.11", 5);
	assert_int_equal(event_count(EVENT_NHRP_DROPPED), 5);
}

static struct nhrp_packet error_about(const struct nhrp_packet *p, uint8_t *buf, size_t cap)
{
	struct nhrp_packet e;
	int len = nhrp_packet_encode(p, buf, cap);

	assert_true(len > 0);
	nhrp_packet_init(&e, NHRP_TYPE_ERROR_INDICATION, AF_INET, AF_INET);
	e.hop_count = 1;
	e.code = NHRP_ERROR_LOOP;
	e.src_nbma = harness_addr("192.0.2.11");
	e.src_proto = harness_addr("10.255.0.11");
	e.dst_proto = harness_addr("10.255.0.1");
	e.payload = buf;
	e.payload_len = (uint16_t)len;
	return e;
}

static void test_received(void **state)
{
	struct nhrp_packet p = harness_request(), e, r;
	uint8_t buf[256];

	(void)state;
	e = error_about(&p, buf, sizeof(buf));
	for (unsigned i = 0; i < 3; i++)
		assert_false(harness_ask("192.0.2.11", &e, &r));
	e.code = 4711;
	assert_false(harness_ask("192.0.2.11", &e, &r));
	assert_int_equal(harness_counter(NHRP_COUNTER_ERRORS_RX + NHRP_ERROR_LOOP), 3);
	assert_int_equal(harness_counter(NHRP_COUNTER_ERRORS_RX), 1);
	assert_int_equal(event_count(EVENT_NHRP_ERROR), 2);
	/* For somebody else, about nothing of ours; ours come back; nothing in it. */
	e.dst_proto = harness_addr("10.255.0.12");
	assert_false(harness_ask("192.0.2.11", &e, &r));
	assert_int_equal(harness_dropped(NHRP_DROP_ERROR_FOREIGN), 1);
	e.src_nbma = harness_addr("192.0.2.1");
	e.src_proto = harness_addr("10.255.0.1");
	e.payload_len = 0;
	assert_false(harness_ask("192.0.2.11", &e, &r));
	assert_int_equal(harness_dropped(NHRP_DROP_OWN_ERROR), 1);
	assert_int_equal(fake_dp.packets, 0);
	assert_string_equal(fake_dp_calls(), "");
	assert_string_equal(nhrp_counter_name(NHRP_COUNTER_ERRORS_RX + 3),
			    "error-rx-loop-detected");
	assert_string_equal(nhrp_counter_name(NHRP_COUNTER_ERRORS_TX + 11),
			    "error-tx-authentication-failure");
	assert_null(nhrp_counter_name(NHRP_COUNTER_ERRORS_RX + 2));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, harness_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		T(test_fields),     T(test_long), T(test_hostile),
		T(test_unanswered), T(test_rate), T(test_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
