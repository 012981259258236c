/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ESP stages: what goes in sealed comes out opened and the other way round, for every
 * algorithm; what is wrong is refused by name and leaves no trace in the SA.
 *
 * On top of the harness's topology: Tunnel300 (key 300, protected by profile 1) with spokes 31
 * (192.0.2.31) and 33 (behind a NAT, 198.51.100.33 port 40033), LANs 10.3.N.0/24.
 */
#include "esp_peer.h"

#include <string.h>

#include <rte_ip.h>

#include "dataplane/crypto.h"
#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_punt.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/pmtu.h"
#include "dataplane/sa.h"
#include "dataplane/spoke.h"

#define IP(...) stage_ip((struct stage_ip){__VA_ARGS__})
/* Each test has SPIs, hence keys, of its own: numbers go on where a key was left. */
#define KEY    300
#define NATT   40033
#define SPI_31 0x31000
#define SPI_33 0x33000

static uint16_t tunnel300;
static uint32_t spoke31, spoke33;

/* ---- topology ---- */

static void route(const char *text, enum dp_route_type type, uint16_t tunnel, const char *via)
{
	struct dp_route r = {.type = type, .iface = {.kind = DP_IFACE_TUNNEL, .id = tunnel}};
	struct dp_prefix p;

	assert_int_equal(dp_prefix_parse(&p, text), 0);
	if (via != NULL)
		r.gateway = stage_addr(via);
	assert_int_equal(dp_fib_set(0, &p, &r), 0);
}

static uint32_t spoke_add(const char *nbma, uint16_t natt_port, const char *protocol)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, 31};
	struct dp_spoke_key key = {
		.tunnel = tunnel300, .natt_port = natt_port, .nbma = stage_addr(nbma)};
	struct dp_addr p = stage_addr(protocol);
	uint32_t spoke, neigh;

	assert_int_equal(dp_neigh_set(stage.wan, &key.nbma, mac), 0);
	assert_int_equal(dp_spoke_add(&key, &spoke), 0);
	assert_int_equal(dp_neigh_get(stage.wan, &key.nbma, &neigh), 0);
	assert_int_equal(dp_neigh_set(stage.wan, &key.nbma, mac), 0);
	assert_int_equal(dp_spoke_neigh_set(spoke, neigh), 0);
	assert_int_equal(dp_nexthop_set(tunnel300, &p, spoke), 0);
	return spoke;
}

static int setup(void **state)
{
	struct dp_tunnel_conf conf = {.name = "Tunnel300",
				      .source = stage_addr("192.0.2.1"),
				      .has_key = true,
				      .key = KEY,
				      .mtu = 1450,
				      .adjust_mss = 1410,
				      .ttl = 64,
				      .df = DP_DF_COPY,
				      .network_id = 3,
				      .profile = 1};

	stage_setup(state);
	assert_int_equal(dp_tunnel_add(&conf, &tunnel300), 0);
	route("10.255.3.0/24", DP_ROUTE_CONNECTED, tunnel300, NULL);
	route("10.3.31.0/24", DP_ROUTE_GATEWAY, tunnel300, "10.255.3.31");
	route("10.3.33.0/24", DP_ROUTE_GATEWAY, tunnel300, "10.255.3.33");
	spoke31 = spoke_add("192.0.2.31", 0, "10.255.3.31");
	spoke33 = spoke_add("198.51.100.33", NATT, "10.255.3.33");
	return 0;
}

static struct stage_packet gre_of(struct stage_packet inner)
{
	return stage_gre(0x2000, KEY, 0x0800, inner);
}

static struct stage_packet from31(void)
{
	return gre_of(IP(.src = "10.3.31.10", .dst = "10.1.1.10"));
}

static struct stage_packet to31(uint16_t len)
{
	return stage_eth(stage.lan, 0x0800,
			 IP(.src = "10.1.1.10", .dst = "10.3.31.10", .len = len));
}

static struct dp_sa_info info_of(uint32_t sa)
{
	struct dp_sa_info info;

	assert_int_equal(dp_sa_info_get(sa, &info), 0);
	return info;
}

/* ---- both ways, every algorithm ---- */

static void inbound_check(struct esp_peer *peer, uint16_t len, uint64_t seq)
{
	struct stage_packet inner = IP(.src = "10.3.31.10", .dst = "10.1.1.10", .len = len);
	struct stage_packet frame = esp_seal(peer, gre_of(inner), (struct esp_forge){.seq = seq});
	const struct stage_result *r = stage_run(stage.wan, &frame, 1);

	assert_int_equal(r->lan_n, 1);
	assert_int_equal(r->lan[0].len, 14 + len);
	assert_memory_equal(r->lan[0].bytes + 14 + 20, inner.bytes + 20, len - 20U);
	assert_int_equal(info_of(peer->in_sa).seq, seq);
}

static void outbound_check(struct esp_peer *peer, uint16_t len, uint64_t seq)
{
	struct stage_packet frame = to31(len), gre;
	const struct stage_result *r = stage_run(stage.lan, &frame, 1);
	uint64_t got;

	assert_int_equal(r->wan_n, 1);
	gre = esp_open(peer, &r->wan[0], (uint32_t)(seq >> 32), &got);
	assert_int_equal(got, seq);
	assert_int_equal(gre.len, 8 + len);
	assert_memory_equal(gre.bytes, "\x20\x00\x08\x00\x00\x00\x01\x2c", 8);
	assert_memory_equal(gre.bytes + 8 + 20, frame.bytes + 14 + 20, len - 20U);
	assert_int_equal(gre.bytes[8 + 8], 63); /* TTL */
}

static void test_algorithms(void **state)
{
	static const uint16_t lens[] = {20, 21, 22, 23, 24, 36, 64, 354, 1000, 1300};

	(void)state;
	for (unsigned alg = 0; alg < DP_SA_ALG_COUNT; alg++) {
		for (unsigned esn = 0; esn < 2; esn++) {
			uint64_t base = esn ? 0x1fffffffcULL : 0;
			struct esp_peer peer = esp_peer_make((enum dp_sa_alg)alg, "192.0.2.31", 0,
							     SPI_31 + alg * 2 + esn);

			peer.in.esn = peer.out.esn = esn != 0;
			peer.in.seq = peer.out.seq = base;
			peer.out.bound = base + 1000;
			esp_peer_add(&peer);
			for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
				inbound_check(&peer, lens[i], base + 1 + i);
				outbound_check(&peer, lens[i], base + 1 + i);
			}
			esp_peer_del(&peer);
		}
	}
}

/* ---- refusals ---- */

struct refusal {
	const char *name;
	struct esp_forge forge;
	enum dp_drop_reason reason;
	bool counts; /* in the SA's own counters */
};

static const struct refusal refusals[] = {
	{"bad ICV", {.seq = 100, .bad_icv = true}, DP_DROP_ESP_ICV, true},
	{"unknown SPI", {.seq = 101, .spi = 0x999999}, DP_DROP_ESP_UNKNOWN_SPI, false},
	{"number 0", {.seq = 0}, DP_DROP_ESP_REPLAY, true},
	{"seen before", {.seq = 90}, DP_DROP_ESP_REPLAY, true},
	{"left of the window", {.seq = 90 - 64}, DP_DROP_ESP_REPLAY, true},
	{"another source", {.seq = 102, .src = "192.0.2.32"}, DP_DROP_ESP_SOURCE, false},
	{"UDP around it",
	 {.seq = 103, .as_udp = true, .udp_from = 4500},
	 DP_DROP_ESP_SOURCE,
	 false},
	{"not a whole block", {.seq = 104, .truncate = 1}, DP_DROP_ESP_HEADER, false},
	{"cut off", {.seq = 105, .truncate = 100}, DP_DROP_ESP_HEADER, false},
};

/* Everything that a worker writes of an SA, but for what counts refusals. */
static void assert_untouched(const struct dp_sa_info *before, const struct dp_sa_info *after)
{
	assert_int_equal(before->seq, after->seq);
	assert_int_equal(before->pkts, after->pkts);
	assert_int_equal(before->bytes, after->bytes);
	assert_memory_equal(before->replay_bitmap, after->replay_bitmap,
			    sizeof(before->replay_bitmap));
}

static void test_refusals(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 101);

	(void)state;
	peer.in.seq = 0;
	esp_peer_add(&peer);
	inbound_check(&peer, 100, 90);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *f = &refusals[i];
		struct dp_sa_info before = info_of(peer.in_sa), after;
		struct stage_packet frame = esp_seal(&peer, from31(), f->forge);
		const struct stage_result *r = stage_run(stage.wan, &frame, 1);

		if (r->delta.drops[f->reason] != 1)
			fail_msg("%s: not dropped as %s", f->name, dp_drop_key(f->reason));
		after = info_of(peer.in_sa);
		assert_untouched(&before, &after);
		assert_int_equal(after.bad_icv + after.replayed - before.bad_icv - before.replayed,
				 f->counts);
	}
	/* Authentic, and yet not for us: the number is used up, nothing else. */
	{
		struct stage_packet frame =
			esp_seal(&peer, from31(), (struct esp_forge){.seq = 91, .next_header = 4});
		const struct stage_result *r = stage_run(stage.wan, &frame, 1);

		assert_int_equal(r->delta.drops[DP_DROP_ESP_NEXT_HEADER], 1);
		frame = esp_seal(&peer, from31(),
				 (struct esp_forge){.seq = 92, .bad_pad_length = true});
		r = stage_run(stage.wan, &frame, 1);
		assert_int_equal(r->delta.drops[DP_DROP_ESP_HEADER], 1);
	}
	esp_peer_del(&peer);
}

/* Two copies of one packet in one burst: both pass the first look, one the second. */
static void test_two_copies_in_a_burst(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 102);
	struct stage_packet frames[3];
	const struct stage_result *r;

	(void)state;
	esp_peer_add(&peer);
	frames[0] = frames[1] = esp_seal(&peer, from31(), (struct esp_forge){.seq = 7});
	frames[2] = esp_seal(&peer, from31(), (struct esp_forge){.seq = 6});
	r = stage_run(stage.wan, frames, 3);
	assert_int_equal(r->lan_n, 2);
	assert_int_equal(r->delta.drops[DP_DROP_ESP_REPLAY], 1);
	assert_int_equal(info_of(peer.in_sa).pkts, 2);
	assert_int_equal(info_of(peer.in_sa).replayed, 1);
	esp_peer_del(&peer);
}

/* Window 0: the same packet again and again, as a looped capture brings it. */
static void test_window_off(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 103);
	struct stage_packet frame;

	(void)state;
	peer.in.replay_window = 0;
	esp_peer_add(&peer);
	frame = esp_seal(&peer, from31(), (struct esp_forge){.seq = 7});
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(stage_run(stage.wan, &frame, 1)->lan_n, 1);
	esp_peer_del(&peer);
}

/* Padding beyond the block, traffic flow confidentiality behind the inner packet, dummy packets. */
static void test_padding_and_dummies(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 104);
	struct stage_packet frame, gre = from31();
	const struct stage_result *r;

	(void)state;
	esp_peer_add(&peer);
	frame = esp_seal(&peer, gre, (struct esp_forge){.seq = 1, .pad = 200});
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->lan_n, 1);
	assert_int_equal(r->lan[0].len, 14 + 84);
	memset(gre.bytes + gre.len, 0xee, 300);
	gre.len += 300;
	frame = esp_seal(&peer, gre, (struct esp_forge){.seq = 2});
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->lan_n, 1);
	assert_int_equal(r->lan[0].len, 14 + 84);
	frame = esp_seal(&peer, gre, (struct esp_forge){.seq = 3, .next_header = 59});
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->lan_n, 0);
	assert_int_equal(r->delta.absorbed_pkts, 1);
	esp_peer_del(&peer);
}

/* ---- protection ---- */

static void test_nothing_in_clear(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 105);
	struct stage_packet frame;
	const struct stage_result *r;

	(void)state;
	/* No SA: nothing leaves, and the control core is told. */
	frame = to31(100);
	r = stage_run(stage.lan, &frame, 1);
	assert_int_equal(r->wan_n, 0);
	assert_int_equal(r->delta.drops[DP_DROP_ESP_NO_SA], 1);
	esp_peer_add(&peer);
	/* GRE in clear to the protected tunnel. */
	frame = stage_eth(stage.wan, 0x0800, stage_outer("192.0.2.31", "192.0.2.1", from31()));
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->delta.drops[DP_DROP_ESP_CLEAR], 1);
	/* The key of a tunnel that is not protected, by an SA. */
	frame = esp_seal(&peer,
			 stage_gre(0x2000, 42, 0x0800, IP(.src = "10.1.11.10", .dst = "10.1.1.10")),
			 (struct esp_forge){.seq = 1});
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->delta.drops[DP_DROP_ESP_WRONG_TUNNEL], 1);
	/* Only the inbound one is left. */
	assert_int_equal(dp_sa_del(peer.out_sa), 0);
	frame = to31(100);
	r = stage_run(stage.lan, &frame, 1);
	assert_int_equal(r->wan_n, 0);
	assert_int_equal(r->delta.drops[DP_DROP_ESP_NO_SA], 1);
	assert_int_equal(dp_sa_del(peer.in_sa), 0);
}

/* Make before break: the newest sends, when it goes the one before it does. */
static void test_rekey(void **state)
{
	struct esp_peer old = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 106);
	struct esp_peer new = esp_peer_make(DP_SA_AES256_CBC_SHA256, "192.0.2.31", 0, SPI_31 + 107);

	(void)state;
	esp_peer_add(&old);
	outbound_check(&old, 100, 1);
	esp_peer_add(&new);
	outbound_check(&new, 100, 1);
	inbound_check(&old, 100, 5);
	inbound_check(&new, 100, 5);
	esp_peer_del(&new);
	outbound_check(&old, 100, 2);
	esp_peer_del(&old);
}

/* The reserve of numbers, and the end of 32 bits. */
static void test_numbers_run_out(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 108);
	struct stage_packet frame = to31(100);

	(void)state;
	peer.out.bound = 2;
	esp_peer_add(&peer);
	outbound_check(&peer, 100, 1);
	outbound_check(&peer, 100, 2);
	assert_int_equal(stage_run(stage.lan, &frame, 1)->delta.drops[DP_DROP_ESP_NO_NUMBER], 1);
	assert_int_equal(dp_sa_bound_set(peer.out_sa, 3), 0);
	outbound_check(&peer, 100, 3);
	assert_int_equal(stage_run(stage.lan, &frame, 1)->wan_n, 0);
	esp_peer_del(&peer);
	/* Another key: this one's number is remembered. */
	peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 109);
	peer.out.seq = 0xfffffffe;
	peer.out.bound = UINT32_MAX;
	esp_peer_add(&peer);
	outbound_check(&peer, 100, 0xffffffff);
	assert_int_equal(stage_run(stage.lan, &frame, 1)->wan_n, 0);
	esp_peer_del(&peer);
}

/* ---- UDP encapsulation ---- */

static void test_natt(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "198.51.100.33", NATT, SPI_33 + 1);
	struct stage_packet inner = IP(.src = "10.3.33.10", .dst = "10.1.1.10"), frame, gre;
	const struct stage_result *r;
	uint64_t seq;

	(void)state;
	esp_peer_add(&peer);
	frame = esp_seal(&peer, gre_of(inner), (struct esp_forge){.seq = 1});
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->lan_n, 1);
	frame = stage_eth(stage.lan, 0x0800, IP(.src = "10.1.1.10", .dst = "10.3.33.10"));
	r = stage_run(stage.lan, &frame, 1);
	assert_int_equal(r->wan_n, 1);
	gre = esp_open(&peer, &r->wan[0], 0, &seq);
	assert_int_equal(gre.len, 8 + 84);
	/* Plain ESP with that SPI. */
	frame = esp_seal(&peer, gre_of(inner), (struct esp_forge){.seq = 2, .as_udp = true});
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->delta.drops[DP_DROP_ESP_SOURCE], 1);
	esp_peer_del(&peer);
}

/* What shares the port with ESP. */
static void test_natt_port_shared(void **state)
{
	static const struct {
		uint8_t payload[8];
		uint16_t len;
		bool absorbed; /* else to the twin */
	} rows[] = {
		{{0xff}, 1, true},
		{{0xfe}, 1, false},
		{{0, 0, 0, 0, 1, 2, 3, 4}, 8, false}, /* IKE */
		{{0, 0, 0}, 3, false},
		{{0}, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage_packet p = IP(.src = "198.51.100.33", .dst = "192.0.2.1",
					   .len = (uint16_t)(28 + rows[i].len));
		const struct stage_result *r;

		memcpy(p.bytes + 20, "\x9c\x61\x11\x94\x00\x00\x00\x00", 8);
		p.bytes[25] = (uint8_t)(8 + rows[i].len);
		memcpy(p.bytes + 28, rows[i].payload, rows[i].len);
		p = stage_eth(stage.wan, 0x0800, p);
		r = stage_run(stage.wan, &p, 1);
		assert_int_equal(r->delta.absorbed_pkts, rows[i].absorbed);
		assert_int_equal(r->punted_n, !rows[i].absorbed);
	}
}

/* ---- fragments ---- */

/* Cuts the outer packet of a frame in two behind `at` bytes of payload, a multiple of 8. */
static void cut(const struct stage_packet *frame, uint16_t at, struct stage_packet out[2])
{
	out[0] = *frame;
	out[0].len = (uint16_t)(14 + 20 + at);
	out[1] = *frame;
	out[1].len = (uint16_t)(frame->len - at);
	memcpy(out[1].bytes + 34, frame->bytes + 34 + at, (size_t)(frame->len - 34 - at));
	out[0].bytes[14 + 6] |= 0x20;
	out[1].bytes[14 + 6] = (uint8_t)(at / 8 >> 8);
	out[1].bytes[14 + 7] = (uint8_t)(at / 8);
	for (unsigned i = 0; i < 2; i++) {
		out[i].bytes[14 + 2] = (uint8_t)((out[i].len - 14) >> 8);
		out[i].bytes[14 + 3] = (uint8_t)(out[i].len - 14);
		stage_ip_fix(&out[i], 14);
	}
}

static void test_fragments(void **state)
{
	struct esp_peer plain = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 110);
	struct esp_peer natt = esp_peer_make(DP_SA_AES128_GCM, "198.51.100.33", NATT, SPI_33 + 2);
	struct stage_packet frame, parts[2];
	const struct stage_result *r;

	(void)state;
	esp_peer_add(&plain);
	esp_peer_add(&natt);
	frame = esp_seal(&plain, from31(), (struct esp_forge){.seq = 1});
	cut(&frame, 48, parts);
	r = stage_run(stage.wan, parts, 2);
	assert_int_equal(r->lan_n, 1);
	assert_int_equal(r->delta.absorbed_pkts, 1);
	frame = esp_seal(&natt, gre_of(IP(.src = "10.3.33.10", .dst = "10.1.1.10")),
			 (struct esp_forge){.seq = 1});
	cut(&frame, 48, parts);
	/* The later one first. */
	frame = parts[0];
	parts[0] = parts[1];
	parts[1] = frame;
	r = stage_run(stage.wan, parts, 2);
	assert_int_equal(r->lan_n, 1);
	/* IKE in fragments comes to the twin whole. */
	frame = stage_eth(stage.wan, 0x0800,
			  IP(.src = "198.51.100.33", .dst = "192.0.2.1", .len = 400));
	memcpy(frame.bytes + 34, "\x01\xf4\x01\xf4", 4);
	cut(&frame, 200, parts);
	r = stage_run(stage.wan, parts, 2);
	assert_int_equal(r->punted_n, 1);
	assert_int_equal(r->punted[0].len, frame.len);
	assert_memory_equal(r->punted[0].bytes + 34, frame.bytes + 34, frame.len - 34U);
	assert_int_equal(rte_raw_cksum(r->punted[0].bytes + 14, 20), 0xffff);
	esp_peer_del(&plain);
	esp_peer_del(&natt);
}

/* ---- others' ESP ---- */

static void test_kernels_own(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 111);
	struct dp_addr us = stage_addr("192.0.2.1");
	struct stage_packet frame;
	const struct stage_result *r;

	(void)state;
	assert_int_equal(dp_sa_foreign_add(&us, peer.in.spi), 0);
	frame = esp_seal(&peer, from31(), (struct esp_forge){.seq = 1});
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->punted_n, 1);
	assert_int_equal(r->punted[0].len, frame.len);
	assert_int_equal(dp_sa_foreign_del(&us, peer.in.spi), 0);
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->delta.drops[DP_DROP_ESP_UNKNOWN_SPI], 1);
}

/* The kernel must not count with one of our keys. */
static void test_kernel_sends_ours(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 200);
	struct stage_packet p = {.len = 40};
	const struct stage_result *r;

	(void)state;
	esp_peer_add(&peer);
	for (unsigned ours = 0; ours < 2; ours++) {
		uint32_t spi_be = rte_cpu_to_be_32(peer.out.spi + !ours);
		struct stage_packet frame;

		memcpy(p.bytes, &spi_be, sizeof(spi_be));
		frame = stage_outer("192.0.2.1", "192.0.2.31", p);
		frame.bytes[9] = IPPROTO_ESP;
		stage_ip_fix(&frame, 0);
		frame = stage_eth(stage.wan, 0x0800, frame);
		r = stage_inject(DP_KIND_FRAME, stage.wan, &frame);
		assert_int_equal(r->wan_n, !ours);
		assert_int_equal(r->delta.drops[DP_DROP_ESP_TWIN], ours);
	}
	esp_peer_del(&peer);
}

/* TCP is told of what fits by the SA, in both directions. */
static void test_mss(void **state)
{
	struct esp_peer peer =
		esp_peer_make(DP_SA_AES256_CBC_SHA512, "192.0.2.31", 0, SPI_31 + 210);
	struct stage_packet frame, gre;
	const struct stage_result *r;
	uint16_t mtu, mss;
	uint64_t seq;

	(void)state;
	esp_peer_add(&peer);
	mtu = adjs[spoke_adj(spoke31)].mtu;
	assert_in_range(mtu, 1200, 1449);
	for (unsigned in = 0; in < 2; in++) {
		struct stage_packet syn = IP(.src = in ? "10.3.31.10" : "10.1.1.10",
					     .dst = in ? "10.1.1.10" : "10.3.31.10",
					     .protocol = IPPROTO_TCP, .len = 44);

		memset(syn.bytes + 20, 0, 24);
		syn.bytes[20 + 12] = 0x60;                     /* 24 bytes of header */
		syn.bytes[20 + 13] = 0x02;                     /* SYN */
		memcpy(syn.bytes + 40, "\x02\x04\x05\xb4", 4); /* MSS 1460 */
		if (in) {
			frame = esp_seal(&peer, gre_of(syn), (struct esp_forge){.seq = 1});
			r = stage_run(stage.wan, &frame, 1);
			assert_int_equal(r->lan_n, 1);
			memcpy(&mss, r->lan[0].bytes + 14 + 42, 2);
		} else {
			frame = stage_eth(stage.lan, 0x0800, syn);
			r = stage_run(stage.lan, &frame, 1);
			assert_int_equal(r->wan_n, 1);
			gre = esp_open(&peer, &r->wan[0], 0, &seq);
			memcpy(&mss, gre.bytes + 8 + 42, 2);
		}
		assert_int_equal(rte_be_to_cpu_16(mss), mtu - 40);
	}
	/* The largest packet that fits is not cut, and its outer one is no longer than the port's.
	 */
	frame = to31(mtu);
	r = stage_run(stage.lan, &frame, 1);
	assert_int_equal(r->wan_n, 1);
	assert_in_range(r->wan[0].len, 14 + 1500 - 16, 14 + 1500);
	frame = to31((uint16_t)(mtu + 1));
	assert_int_equal(stage_run(stage.lan, &frame, 1)->wan_n, 2);
	esp_peer_del(&peer);
}

/* An ICMP "fragmentation needed" that quotes `quoted`, an IP packet. */
static struct stage_packet too_big(uint16_t mtu, const uint8_t *quoted, uint16_t len)
{
	struct stage_packet p = IP(.src = "192.0.2.99", .dst = "192.0.2.1",
				   .protocol = IPPROTO_ICMP, .len = (uint16_t)(28 + len));
	const uint8_t icmp[8] = {3, 4, 0, 0, 0, 0, (uint8_t)(mtu >> 8), (uint8_t)mtu};

	memcpy(p.bytes + 20, icmp, sizeof(icmp));
	memcpy(p.bytes + 28, quoted, len);
	return stage_eth(stage.wan, 0x0800, p);
}

/* Believed is what quotes a packet that we sent, and only if it is news. */
static void test_path_mtu(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 220);
	struct stage_packet frame = to31(100), sent, icmp;
	uint16_t before = adjs[spoke_adj(spoke31)].mtu, after;

	(void)state;
	esp_peer_add(&peer);
	before = adjs[spoke_adj(spoke31)].mtu;
	sent = stage_run(stage.lan, &frame, 1)->wan[0];
	for (unsigned i = 0; i < 5; i++) {
		static const struct {
			uint16_t mtu;
			uint8_t byte; /* of the quoted packet that is wrong; 0: none */
			bool taken;
		} rows[] = {{1300, 20, false},
			    {1300, 16, false},
			    {575, 0, false},
			    {1300, 0, true},
			    {1400, 0, false}};
		struct stage_packet quoted = sent;

		if (rows[i].byte != 0)
			quoted.bytes[14 + rows[i].byte] ^= 1;
		icmp = too_big(rows[i].mtu, quoted.bytes + 14, 28);
		assert_int_equal(pmtu_icmp(icmp.bytes, icmp.len) > 0, rows[i].taken);
	}
	after = adjs[spoke_adj(spoke31)].mtu;
	assert_in_range(after, 1300 - 80, 1300 - 50);
	assert_true(after < before);
	/* Cut short anywhere: nothing happens. */
	icmp = too_big(1200, sent.bytes + 14, 28);
	for (uint16_t len = 0; len < icmp.len; len++)
		assert_true(pmtu_icmp(icmp.bytes, len) <= 0);
	assert_int_equal(adjs[spoke_adj(spoke31)].mtu, after);
	esp_peer_del(&peer);
}

/* ---- NHRP ---- */

static struct rte_mbuf *injected(void)
{
	struct rte_mbuf *m = NULL;

	assert_int_equal(rte_ring_sc_dequeue(stage.w->inject, (void **)&m), 0);
	return m;
}

static void test_nhrp(void **state)
{
	struct esp_peer peer = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.31", 0, SPI_31 + 112);
	struct esp_peer stranger = esp_peer_make(DP_SA_AES128_GCM, "192.0.2.11", 0, SPI_31 + 3);
	struct dp_addr to = stage_addr("192.0.2.31"), other = stage_addr("192.0.2.11");
	static const uint8_t body[40] = {1, 2, 3};
	struct stage_packet frame, gre;
	const struct stage_result *r;
	uint64_t seq;

	(void)state;
	/* Without an SA it does not leave. */
	assert_int_equal(dp_inject_nhrp(tunnel300, &to, 0, body, sizeof(body)), -ENOENT);
	esp_peer_add(&peer);
	frame = esp_seal(&peer,
			 stage_gre(0x2000, KEY, 0x2001, IP(.src = "1.2.3.4", .dst = "5.6.7.8")),
			 (struct esp_forge){.seq = 1});
	r = stage_run(stage.wan, &frame, 1);
	assert_int_equal(r->punted_n, 1);
	assert_int_equal(r->punt_meta[0].spoke, spoke31);
	assert_true(r->punt_meta[0].flags & DP_META_FROM_ESP);
	assert_int_equal(dp_inject_nhrp(tunnel300, &to, 0, body, sizeof(body)), 0);
	r = stage_inject_mbuf(injected());
	assert_int_equal(r->wan_n, 1);
	gre = esp_open(&peer, &r->wan[0], 0, &seq);
	assert_int_equal(gre.len, 8 + sizeof(body));
	assert_memory_equal(gre.bytes, "\x20\x00\x20\x01\x00\x00\x01\x2c", 8);
	assert_memory_equal(gre.bytes + 8, body, sizeof(body));
	/* To a peer that is no spoke: a refusal is encrypted, too. */
	esp_peer_add(&stranger);
	assert_int_equal(dp_inject_nhrp(tunnel300, &other, 0, body, sizeof(body)), 0);
	r = stage_inject_mbuf(injected());
	assert_int_equal(r->wan_n, 1);
	gre = esp_open(&stranger, &r->wan[0], 0, &seq);
	assert_memory_equal(gre.bytes + 8, body, sizeof(body));
	/* The SA goes while it waits. */
	assert_int_equal(dp_inject_nhrp(tunnel300, &other, 0, body, sizeof(body)), 0);
	esp_peer_del(&stranger);
	r = stage_inject_mbuf(injected());
	assert_int_equal(r->wan_n, 0);
	assert_int_equal(r->delta.drops[DP_DROP_ESP_NO_SA], 1);
	esp_peer_del(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_two_copies_in_a_burst),
		cmocka_unit_test(test_window_off),
		cmocka_unit_test(test_padding_and_dummies),
		cmocka_unit_test(test_nothing_in_clear),
		cmocka_unit_test(test_rekey),
		cmocka_unit_test(test_numbers_run_out),
		cmocka_unit_test(test_natt),
		cmocka_unit_test(test_natt_port_shared),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_kernels_own),
		cmocka_unit_test(test_kernel_sends_ours),
		cmocka_unit_test(test_mss),
		cmocka_unit_test(test_path_mtu),
		cmocka_unit_test(test_nhrp),
	};

	return cmocka_run_group_tests(tests, setup, stage_teardown);
}
