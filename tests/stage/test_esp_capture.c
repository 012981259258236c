/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture of strongSwan spokes and their hub, played to ours with the keys that they had: what
 * the spokes sent goes in as ESP, and what comes out must be what that hub did: the same inner
 * packet to the same spoke, in ESP that the spoke's key opens; what was for the hub itself to our
 * twin, NHRP to the control core, unchanged. The second copy of each is a replay.
 */
#include "stage.h"

#include <rte_ip.h>

#include "dataplane/crypto.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_sa.h"
#include "dataplane/dp_spoke.h"
#include "tests/unit/esp_capture.h"

#define ETH     14
#define GRE     20 /* in a plain packet */
#define INNER   (GRE + 8)
#define PROFILE 1

static struct esp_capture capture;
static uint32_t sa_of[ESP_CAPTURE_SAS]; /* our handles; 0: not with the hub */
static struct crypto *crypto;

static rte_be32_t field(const uint8_t *packet, unsigned at)
{
	rte_be32_t ip4_be;

	memcpy(&ip4_be, packet + at, sizeof(ip4_be));
	return ip4_be;
}

static bool is(rte_be32_t ip4_be, const char *text)
{
	return ip4_be == stage_addr(text).ip4_be;
}

/* ---- our hub, with their keys ---- */

/* The remote UDP port that the SA's packets show; 0: plain ESP. */
static uint16_t natt_port(const struct esp_capture_sa *sa, bool in)
{
	for (unsigned i = 0; i < capture.packet_count; i++) {
		const struct esp_capture_packet *p = &capture.packets[i];
		const uint8_t *port = p->frame + p->esp - (in ? 8 : 6);

		if (p->sa == sa && p->udp)
			return (uint16_t)(port[0] << 8 | port[1]);
	}
	return 0;
}

static uint32_t sa_add(const struct esp_capture_sa *from, enum dp_sa_dir dir)
{
	struct dp_sa_conf conf = {.dir = dir,
				  .alg = DP_SA_AES128_GCM,
				  .local = stage_addr("192.0.2.1"),
				  .remote = stage_addr(dir == DP_SA_IN ? from->src : from->dst),
				  .natt_port = natt_port(from, dir == DP_SA_IN),
				  .spi = from->spi,
				  .profile = PROFILE,
				  .esn = capture.esn,
				  .replay_window = dir == DP_SA_IN ? 32 : 0,
				  .bound = dir == DP_SA_OUT ? 1000 : 0};
	uint32_t sa;

	memcpy(conf.key, from->key, from->key_bytes);
	if (dp_sa_add(&conf, &sa) < 0)
		fail_msg("%s: SPI 0x%x: %s", capture.name, from->spi, dp_error());
	return sa;
}

/* The spoke behind the NAT is where the NAT is. */
static void nated_spoke(uint16_t port, uint32_t *spoke)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, 254};
	struct dp_spoke_key key = {
		.tunnel = stage.tunnel100, .nbma = stage_addr("192.0.2.254"), .natt_port = port};
	struct dp_addr protocol = stage_addr("10.255.0.11");
	uint32_t neigh;

	assert_int_equal(dp_neigh_set(stage.wan, &key.nbma, mac), 0);
	assert_int_equal(dp_spoke_add(&key, spoke), 0);
	assert_int_equal(dp_neigh_get(stage.wan, &key.nbma, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(*spoke, neigh), 0);
	assert_int_equal(dp_nexthop_set(stage.tunnel100, &protocol, *spoke), 0);
}

static void keys_load(void)
{
	uint32_t spoke = 0;

	for (unsigned i = 0; i < capture.sa_count; i++) {
		const struct esp_capture_sa *sa = &capture.sas[i];
		bool in = strcmp(sa->dst, "192.0.2.1") == 0;

		sa_of[i] = 0;
		if (!in && strcmp(sa->src, "192.0.2.1") != 0)
			continue; /* from spoke to spoke */
		sa_of[i] = sa_add(sa, in ? DP_SA_IN : DP_SA_OUT);
		if (in && natt_port(sa, true) != 0)
			nated_spoke(natt_port(sa, true), &spoke);
	}
}

static void keys_unload(void)
{
	for (unsigned i = 0; i < capture.sa_count; i++)
		if (sa_of[i] != 0)
			assert_int_equal(dp_sa_del(sa_of[i]), 0);
	dp_poll();
}

/* ---- what came of a packet ---- */

/* What their hub made of packet i: the next one from it with the same inner packet but for the TTL.
 */
static const struct esp_capture_packet *their_hub(unsigned i)
{
	const struct esp_capture_packet *in = &capture.packets[i];

	for (unsigned j = i + 1; j < capture.packet_count; j++) {
		const struct esp_capture_packet *out = &capture.packets[j];

		if (is(field(out->plain, 12), "192.0.2.1") && out->plain_len == in->plain_len &&
		    out->plain_len > INNER + 20 &&
		    memcmp(out->plain + GRE, in->plain + GRE, INNER - GRE + 8) == 0 &&
		    memcmp(out->plain + INNER + 12, in->plain + INNER + 12,
			   in->plain_len - INNER - 12U) == 0)
			return out;
	}
	return NULL;
}

/* ESP of ours to their spoke: opened with the key that their hub had. */
static void sent_check(const struct stage_packet *frame, const struct esp_capture_packet *theirs)
{
	uint16_t at = theirs->esp; /* their header is as long as ours */
	struct stage_packet p = *frame;
	struct crypto_key key;
	struct crypto_op op = {.key = &key, .text = p.bytes + at + 16, .esn = capture.esn};
	struct crypto_op *ops = &op;

	assert_int_equal(crypto_key_expand(crypto, DP_SA_AES128_GCM, theirs->sa->key, NULL, &key),
			 0);
	assert_int_equal(p.len, ETH + (theirs->frame[ETH + 2] << 8 | theirs->frame[ETH + 3]));
	assert_int_equal(field(p.bytes, at), field(theirs->frame, at)); /* SPI */
	assert_int_equal(field(p.bytes, ETH + 16), field(theirs->frame, ETH + 16));
	op.text_len = p.len - at - 16U - 16;
	memcpy(op.iv, theirs->sa->key + 16, 4);
	memcpy(op.iv + 4, p.bytes + at + 8, 8);
	memcpy(op.aad_esn, p.bytes + at, 4);
	memcpy(op.aad_esn + 8, p.bytes + at + 4, 4);
	crypto_decrypt(crypto, DP_SA_AES128_GCM, &ops, 1);
	assert_true(op.ok);
	assert_memory_equal(op.text, theirs->plain + GRE, theirs->plain_len - GRE);
}

static void punted_check(const struct stage_result *r, const struct esp_capture_packet *in)
{
	assert_int_equal(r->punted_n, 1);
	assert_int_equal(r->punted[0].len, in->plain_len - INNER);
	assert_memory_equal(r->punted[0].bytes, in->plain + INNER, in->plain_len - INNER);
}

struct counts {
	unsigned forwarded, ours, nhrp;
};

static void packet_play(unsigned i, struct counts *n)
{
	const struct esp_capture_packet *in = &capture.packets[i], *theirs = their_hub(i);
	struct stage_packet frame = {.len = in->frame_len};
	const struct stage_result *r;

	memcpy(frame.bytes, in->frame, in->frame_len);
	memcpy(frame.bytes, &port_hot[stage.wan].mac, 6);
	r = stage_run(stage.wan, &frame, 1);
	if (in->plain[GRE + 2] == 0x20) {
		punted_check(r, in);
		n->nhrp++;
	} else if (is(field(in->plain, INNER + 16), "10.255.0.1")) {
		punted_check(r, in);
		n->ours++;
	} else if (theirs != NULL) {
		assert_int_equal(r->wan_n, 1);
		sent_check(&r->wan[0], theirs);
		n->forwarded++;
	}
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->delta.drops[DP_DROP_ESP_REPLAY], 1);
}

static struct counts capture_play(const char *name, bool esn)
{
	struct counts n = {0};

	esp_capture_load(&capture, name, esn);
	keys_load();
	for (unsigned i = 0; i < capture.packet_count; i++)
		if (is(field(capture.packets[i].frame, ETH + 16), "192.0.2.1"))
			packet_play(i, &n);
	keys_unload();
	print_message("  %s: %u forwarded, %u for the hub, %u NHRP\n", name, n.forwarded, n.ours,
		      n.nhrp);
	return n;
}

static void test_plain(void **state)
{
	struct counts n = capture_play("esp-gcm128", false);

	(void)state;
	assert_true(n.forwarded >= 6 && n.ours >= 20 && n.nhrp >= 3);
}

static void test_esn(void **state)
{
	struct counts n = capture_play("esp-gcm128-esn", true);

	(void)state;
	assert_true(n.forwarded >= 6 && n.ours >= 20 && n.nhrp >= 3);
}

static void test_natt(void **state)
{
	struct counts n = capture_play("esp-gcm128-natt", false);

	(void)state;
	assert_true(n.forwarded >= 6 && n.ours >= 20 && n.nhrp >= 3);
}

static int setup(void **state)
{
	stage_profile = PROFILE;
	crypto = crypto_create();
	return crypto == NULL ? -1 : stage_setup(state);
}

static int teardown(void **state)
{
	crypto_destroy(crypto);
	return stage_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_esn),
		cmocka_unit_test(test_natt),
	};

	return cmocka_run_group_tests_name("esp_capture", tests, setup, teardown);
}
