/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ESP of strongSwan and Linux: each captured packet decrypts to the plain one, and what was plain
 * encrypts to the same bytes again; ESN with its roll-over and UDP encapsulation included.
 */
#include "crypto_fixture.h"
#include "esp_capture.h"

#include <rte_byteorder.h>

static const struct {
	const char *name;
	bool esn;
	unsigned packets, udp;
} captures[] = {
	{"esp-gcm128", false, 83, 0},
	{"esp-gcm128-esn", true, 71, 0},
	{"esp-gcm128-natt", false, 81, 36},
	{"esp-gcm128-esn-rollover", true, 24, 0},
};

static struct crypto *crypto;
static struct esp_capture capture;
static struct test_key keys[ESP_CAPTURE_SAS];
static struct test_packet packets[DP_BURST];

static int setup(void **state)
{
	(void)state;
	crypto = crypto_create();
	return crypto == NULL;
}

static int teardown(void **state)
{
	(void)state;
	crypto_destroy(crypto);
	return 0;
}

static void keys_make(void)
{
	for (unsigned i = 0; i < capture.sa_count; i++) {
		memcpy(keys[i].key, capture.sas[i].key, sizeof(keys[i].key));
		assert_int_equal(capture.sas[i].key_bytes, 20);
		test_key_expand(crypto, &keys[i], DP_SA_AES128_GCM);
	}
}

static void packet_load(struct test_packet *p, const struct esp_capture_packet *from)
{
	const struct test_key *key = &keys[from->sa - capture.sas];
	uint32_t high_be = rte_cpu_to_be_32((uint32_t)(from->seq >> 32));

	packet_frame(p, key, from->esp_len - 8U - 8 - 16);
	memcpy(p->wire, from->frame + from->esp, from->esp_len);
	packet_op_fill(p, key, capture.esn ? (uint8_t *)&high_be : NULL);
}

/* Payload, padding and trailer of RFC 4303 section 2.4 from the plain packet. */
static uint32_t text_make(const struct esp_capture_packet *from, uint8_t *text)
{
	uint32_t head = (from->plain[0] & 15U) * 4, len = from->plain_len - head;
	uint8_t pad = 0;

	memcpy(text, from->plain + head, len);
	while ((len + 2) % 4 != 0)
		text[len++] = ++pad;
	text[len++] = pad;
	text[len++] = from->plain[9];
	return len;
}

static void burst_check(unsigned first, uint16_t n)
{
	struct crypto_op *ops[DP_BURST];
	uint8_t text[ESP_CAPTURE_BYTES_MAX];

	for (uint16_t i = 0; i < n; i++) {
		packet_load(&packets[i], &capture.packets[first + i]);
		ops[i] = &packets[i].op;
	}
	crypto_decrypt(crypto, DP_SA_AES128_GCM, ops, n);
	for (uint16_t i = 0; i < n; i++) {
		const struct esp_capture_packet *from = &capture.packets[first + i];

		if (!ops[i]->ok)
			fail_msg("%s: ESP packet %u: ICV", capture.name, first + i);
		assert_int_equal(packets[i].text_len, text_make(from, text));
		assert_memory_equal(packets[i].text, text, packets[i].text_len);
		packet_guard_check(&packets[i]);
		memset(packets[i].icv, GUARD, 16);
	}
	crypto_encrypt(crypto, DP_SA_AES128_GCM, ops, n);
	for (uint16_t i = 0; i < n; i++) {
		const struct esp_capture_packet *from = &capture.packets[first + i];

		assert_true(ops[i]->ok);
		assert_memory_equal(packets[i].wire, from->frame + from->esp, from->esp_len);
	}
}

static void test_captures(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(captures); i++) {
		unsigned udp = 0, rolled = 0;

		esp_capture_load(&capture, captures[i].name, captures[i].esn);
		assert_int_equal(capture.packet_count, captures[i].packets);
		keys_make();
		for (unsigned at = 0; at < capture.packet_count; at++) {
			udp += capture.packets[at].udp;
			rolled += capture.packets[at].seq > UINT32_MAX;
			if (at % DP_BURST == 0)
				burst_check(at, RTE_MIN(capture.packet_count - at, DP_BURST));
		}
		print_message("%s: %u ESP packets, %u in UDP, %u beyond 2^32\n", capture.name,
			      capture.packet_count, udp, rolled);
		assert_int_equal(udp, captures[i].udp);
		assert_int_equal(rolled, strstr(captures[i].name, "rollover") != NULL ? 14 : 0);
	}
}

/* Beyond the roll-over the high half is authenticated: 0 is refused. */
static void test_rollover(void **state)
{
	unsigned refused = 0;

	(void)state;
	esp_capture_load(&capture, "esp-gcm128-esn-rollover", true);
	keys_make();
	for (unsigned i = 0; i < capture.packet_count; i++) {
		struct crypto_op *op = &packets[0].op;

		capture.packets[i].seq &= UINT32_MAX;
		packet_load(&packets[0], &capture.packets[i]);
		crypto_decrypt(crypto, DP_SA_AES128_GCM, &op, 1);
		refused += !op->ok;
	}
	assert_int_equal(refused, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_captures),
		cmocka_unit_test(test_rollover),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
