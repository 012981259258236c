/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated spokes' frames: what is built is what the RFCs say (against bytes written down by
 * hand), what is checked finds every single flipped bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/spokes/bytes.h"
#include "tools/spokes/packet.h"

#define RUN 0xcafe0001

static const struct packet_probe probe_sample = {
	.kind = PACKET_KIND_UDP,
	.src = 0x0a800001,
	.dst = 0x0a800101,
	.ttl = PACKET_PROBE_TTL,
	.len = 131, /* odd, for the checksum */
	.run = RUN,
	.stream = 0,
	.flow = 70000,
	.sequence = 0x10002,
	.tx_ns = 123456789012345,
};

static void test_checksum_rfc1071(void **state)
{
	/* The header of RFC 1071's usual example, checksum b861 in place. */
	static const uint8_t header[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40,
					 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8,
					 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};
	uint8_t copy[0x73] = {0};
	struct packet_ip4 ip;

	(void)state;
	assert_int_equal(packet_checksum(header, sizeof(header)), 0);
	memcpy(copy, header, sizeof(header));
	assert_int_equal(packet_ip4_parse(copy, sizeof(copy), &ip), PACKET_OK);
	assert_int_equal(ip.src, 0xc0a80001);
	assert_int_equal(ip.protocol, 17);
	assert_int_equal(ip.payload_len, 0x73 - 20);
	assert_int_equal(packet_ip4_parse(copy, sizeof(copy) - 1, &ip), PACKET_TRUNCATED);
	copy[8]--;
	assert_int_equal(packet_ip4_parse(copy, sizeof(copy), &ip), PACKET_CHECKSUM);
}

static void test_arp_bytes(void **state)
{
	static const uint8_t wanted[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0,    0,    0, 0,   0x05, 0x08, 0x06,
		0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x02, 0, 0,   0,    0,    0x05,
		192,  0,    2,    110,  0,    0,    0,    0,    0,    0, 192, 0,    2,    1};
	const struct packet_arp arp = {.is_request = true,
				       .sender_mac = {2, 0, 0, 0, 0, 5},
				       .sender_ip = 0xc000026e,
				       .target_ip = 0xc0000201};
	uint8_t frame[64];
	struct packet_arp back;

	(void)state;
	assert_int_equal(packet_arp_write(&arp, frame), sizeof(wanted));
	assert_memory_equal(frame, wanted, sizeof(wanted));
	assert_int_equal(packet_arp_parse(frame, sizeof(wanted), &back), 0);
	assert_true(back.is_request);
	assert_int_equal(back.sender_ip, arp.sender_ip);
	assert_int_equal(back.target_ip, arp.target_ip);
	assert_memory_equal(back.sender_mac, arp.sender_mac, 6);
	assert_true(packet_arp_parse(frame, sizeof(wanted) - 1, &back) < 0);
	frame[21] = 3; /* neither request nor reply */
	assert_true(packet_arp_parse(frame, sizeof(wanted), &back) < 0);
}

static void test_gre_key_bytes(void **state)
{
	/* 192.0.2.110 -> 192.0.2.1, TTL 64, DF; key 42; 4 bytes of payload */
	static const uint8_t wanted[] = {
		2,    0,    0,    0, 0,    1,    2,  0,  0,    0,    0,   5, 0x08, 0x00, 0x45, 0x00,
		0x00, 0x20, 0x00, 0, 0x40, 0,    64, 47, 0xb6, 0x3f, 192, 0, 2,    110,  192,  0,
		2,    1,    0x20, 0, 0x20, 0x01, 0,  0,  0,    42,   1,   2, 3,    4};
	const struct packet_tunnel t = {.src_mac = {2, 0, 0, 0, 0, 5},
					.dst_mac = {2, 0, 0, 0, 0, 1},
					.src = 0xc000026e,
					.dst = 0xc0000201,
					.has_key = true,
					.key = 42,
					.proto = 0x2001};
	uint8_t frame[128];

	(void)state;
	assert_int_equal(packet_head_len(&t), sizeof(wanted) - 4);
	memcpy(frame + packet_head_len(&t), "\1\2\3\4", 4);
	assert_int_equal(packet_encap(&t, frame, 4), sizeof(wanted));
	assert_memory_equal(frame, wanted, sizeof(wanted));
}

static void decap_matches(const struct packet_tunnel *t)
{
	static const uint8_t inner[] = {9, 8, 7, 6, 5};
	uint8_t frame[128] = {0};
	struct packet_view view;
	size_t len;

	memcpy(frame + packet_head_len(t), inner, sizeof(inner));
	len = packet_encap(t, frame, sizeof(inner));
	/* link padding behind the packet is not the packet */
	assert_int_equal(packet_decap(frame, len + 7, &view), PACKET_OK);
	assert_memory_equal(&view.tunnel, t, sizeof(*t));
	assert_int_equal(view.inner_len, sizeof(inner));
	assert_memory_equal(view.inner, inner, sizeof(inner));
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(packet_decap(frame, cut, &view), PACKET_TRUNCATED);
	if (!t->checksum)
		return;
	frame[len - 1] ^= 1;
	assert_int_equal(packet_decap(frame, len, &view), PACKET_CHECKSUM);
}

static void test_decap_each_header(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 8; bits++) {
		struct packet_tunnel t;

		memset(&t, 0, sizeof(t)); /* padding too: compared as bytes */
		t.src_mac[5] = 1;
		t.dst_mac[5] = 2;
		t.src = 0xc0000201;
		t.dst = 0xc000026e;
		t.checksum = bits & 1;
		t.has_key = bits & 2;
		t.has_sequence = bits & 4;
		t.key = t.has_key ? 0xfffffffe : 0;
		t.sequence = t.has_sequence ? 77 : 0;
		t.proto = 0x0800;
		decap_matches(&t);
	}
}

static void test_decap_others(void **state)
{
	const struct packet_tunnel t = {.src = 1, .dst = 2, .proto = 0x0800};
	uint8_t frame[128] = {0};
	struct packet_view view;
	size_t len = packet_encap(&t, frame, 20);
	uint8_t *ip = frame + PACKET_ETH_LEN;

	(void)state;
	frame[13] = 0x06; /* an ARP Ethertype */
	assert_int_equal(packet_decap(frame, len, &view), PACKET_FOREIGN);
	frame[13] = 0;
	ip[20 + 1] = 1; /* GRE version 1: PPTP */
	assert_int_equal(packet_decap(frame, len, &view), PACKET_FOREIGN);
	ip[20 + 1] = 0;
	ip[6] = 0x20; /* more fragments instead of DF; repair the checksum by hand */
	bytes_put_u16(ip + 10, 0);
	bytes_put_u16(ip + 10, packet_checksum(ip, 20));
	assert_int_equal(packet_decap(frame, len, &view), PACKET_FRAGMENT);
}

static enum packet_probe_verdict read_back(const uint8_t *bytes, size_t len, struct packet_probe *p)
{
	struct packet_ip4 ip;

	if (packet_ip4_parse(bytes, len, &ip) != PACKET_OK)
		return PACKET_PROBE_CORRUPT;
	return packet_probe_read(bytes, len, &ip, RUN, p);
}

static void test_probe_round_trip(void **state)
{
	static const enum packet_kind kinds[] = {PACKET_KIND_UDP, PACKET_KIND_ECHO_REQUEST,
						 PACKET_KIND_ECHO_REPLY};

	(void)state;
	for (unsigned k = 0; k < 3; k++) {
		struct packet_probe p = probe_sample, back;
		uint8_t bytes[256];

		p.kind = kinds[k];
		packet_probe_write(&p, bytes);
		assert_int_equal(read_back(bytes, p.len, &back), PACKET_PROBE_OK);
		assert_int_equal(back.kind, p.kind);
		assert_int_equal(back.flow, p.flow);
		assert_int_equal(back.sequence, p.sequence);
		assert_int_equal(back.tx_ns, p.tx_ns);
		assert_int_equal(back.dst, p.dst);
	}
}

/* No bit of a probe may change unnoticed, be it by a broken link or a broken hub. */
static void test_probe_each_bit(void **state)
{
	const struct packet_probe p = probe_sample;
	uint8_t bytes[256];
	struct packet_probe back;

	(void)state;
	packet_probe_write(&p, bytes);
	for (size_t bit = 0; bit < p.len * 8u; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(read_back(bytes, p.len, &back), PACKET_PROBE_OK);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(read_back(bytes, p.len, &back), PACKET_PROBE_OK);
}

/* A router on the way: TTL and checksum move, everything else stays; reported, not hidden. */
static void test_probe_ttl(void **state)
{
	const struct packet_probe p = probe_sample;
	struct packet_probe back;
	uint8_t bytes[256];

	(void)state;
	packet_probe_write(&p, bytes);
	bytes[8]--;
	bytes_put_u16(bytes + 10, 0);
	bytes_put_u16(bytes + 10, packet_checksum(bytes, 20));
	assert_int_equal(read_back(bytes, p.len, &back), PACKET_PROBE_OK);
	assert_int_equal(back.ttl, PACKET_PROBE_TTL - 1);
	bytes[1] = 1; /* a changed TOS, with a right checksum, is damage */
	bytes_put_u16(bytes + 10, 0);
	bytes_put_u16(bytes + 10, packet_checksum(bytes, 20));
	assert_int_equal(read_back(bytes, p.len, &back), PACKET_PROBE_CORRUPT);
}

static void test_probe_of_another_run(void **state)
{
	struct packet_probe p = probe_sample, back;
	uint8_t bytes[256];

	(void)state;
	p.run = RUN + 1;
	packet_probe_write(&p, bytes);
	assert_int_equal(read_back(bytes, p.len, &back), PACKET_PROBE_FOREIGN);
}

static void test_echo_answer(void **state)
{
	struct packet_probe p = probe_sample, back;
	uint8_t bytes[256], answer[256];
	struct packet_ip4 ip;

	(void)state;
	p.kind = PACKET_KIND_ECHO_REQUEST;
	packet_probe_write(&p, bytes);
	assert_int_equal(packet_ip4_parse(bytes, p.len, &ip), PACKET_OK);
	assert_int_equal(packet_echo_answer(bytes, p.len, &ip, answer), 0);
	assert_int_equal(read_back(answer, p.len, &back), PACKET_PROBE_OK);
	assert_int_equal(back.kind, PACKET_KIND_ECHO_REPLY);
	assert_int_equal(back.src, p.dst);
	assert_int_equal(back.dst, p.src);
	assert_int_equal(back.ttl, PACKET_PROBE_TTL);
	assert_int_equal(packet_ip4_parse(answer, p.len, &ip), PACKET_OK);
	assert_true(packet_echo_answer(answer, p.len, &ip, bytes) < 0); /* no answer to an answer */
	assert_int_equal(packet_ip4_parse(bytes, p.len, &ip), PACKET_OK);
	bytes[60] ^= 1; /* the ICMP checksum notices */
	assert_true(packet_echo_answer(bytes, p.len, &ip, answer) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum_rfc1071),
		cmocka_unit_test(test_arp_bytes),
		cmocka_unit_test(test_gre_key_bytes),
		cmocka_unit_test(test_decap_each_header),
		cmocka_unit_test(test_decap_others),
		cmocka_unit_test(test_probe_round_trip),
		cmocka_unit_test(test_probe_each_bit),
		cmocka_unit_test(test_probe_ttl),
		cmocka_unit_test(test_probe_of_another_run),
		cmocka_unit_test(test_echo_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
