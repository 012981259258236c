/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated spokes' state: registration with retry, refresh, refusal and expiry, and the
 * verdict over each probe. The socket is replaced by a list of frames, the clock by a number, the
 * hub by a few lines here that do right, or wrong in one way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/nhrp/nhrp_codec.h"
#include "tools/spokes/bytes.h"
#include "tools/spokes/demux.h"
#include "tools/spokes/link.h"
#include "tools/spokes/packet.h"
#include "tools/spokes/spoke.h"
#include "tools/spokes/traffic.h"
#include "tools/spokes/window.h"

#define SECOND_NS  1000000000ULL
#define FRAMES_MAX 32
#define SPOKES     3
#define HUB_NBMA   0xc0000201 /* 192.0.2.1 */
#define HUB_PROTO  0x0aff0001 /* 10.255.0.1 */
#define NBMA_BASE  0xc000026e
#define PROTO_BASE 0x0aff000b
#define LAN_BASE   0x0a800000
#define HOLD_S     30

/* --- the socket --- */

static uint8_t frames[FRAMES_MAX][PACKET_FRAME_MAX];
static size_t frame_lens[FRAMES_MAX];
static unsigned frame_count;

uint8_t *link_tx_room(struct link *link)
{
	(void)link;
	assert_true(frame_count < FRAMES_MAX);
	return frames[frame_count];
}

void link_tx_commit(struct link *link, size_t len)
{
	(void)link;
	frame_lens[frame_count++] = len;
}

const uint8_t *link_mac(const struct link *link)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 5};

	(void)link;
	return mac;
}

/* --- the emulator --- */

struct world {
	struct options opt;
	struct spokes spokes;
	struct traffic traffic;
	struct demux demux;
};

static void hub_answers_arp(struct world *w)
{
	const struct packet_arp arp = {.sender_mac = {2, 0, 0, 0, 0, 1},
				       .target_mac = {2, 0, 0, 0, 0, 5},
				       .sender_ip = HUB_NBMA,
				       .target_ip = NBMA_BASE};
	uint8_t frame[64];

	demux_frame(&w->demux, frame, packet_arp_write(&arp, frame));
}

static void world_open(struct world *w, uint64_t now_ns)
{
	frame_count = 0;
	w->opt.count = SPOKES;
	w->opt.hub_nbma = HUB_NBMA;
	w->opt.hub_protocol = HUB_PROTO;
	w->opt.nbma_base = NBMA_BASE;
	w->opt.protocol_base = PROTO_BASE;
	w->opt.private_base = 0xac100002;
	w->opt.lan_base = LAN_BASE;
	w->opt.lan_len = 24;
	w->opt.has_key = true;
	w->opt.key = 42;
	w->opt.holdtime_s = HOLD_S;
	w->opt.mtu = 1400;
	w->opt.size = 128;
	assert_int_equal(spokes_init(&w->spokes, &w->opt, NULL), 0);
	assert_int_equal(traffic_init(&w->traffic, &w->spokes, 7), 0);
	w->demux.spokes = &w->spokes;
	w->demux.traffic = &w->traffic;
	spokes_start(&w->spokes, now_ns);
	spokes_poll(&w->spokes, now_ns);
	assert_int_equal(frame_count, 1); /* the ARP query, nothing else */
	hub_answers_arp(w);
	frame_count = 0;
}

static void world_close(struct world *w)
{
	traffic_free(&w->traffic);
	spokes_free(&w->spokes);
}

/* Leaves the registration requests of this turn; ARP has a rhythm of its own. */
static void poll_at(struct world *w, uint64_t now_ns)
{
	frame_count = 0;
	w->demux.now_ns = now_ns;
	spokes_poll(&w->spokes, now_ns);
	if (frame_count > 0 && bytes_u16(frames[0] + 12) == PACKET_ETHERTYPE_ARP) {
		frame_count--;
		memmove(frames[0], frames[1], frame_count * sizeof(frames[0]));
		memmove(frame_lens, frame_lens + 1, frame_count * sizeof(frame_lens[0]));
	}
}

/* --- the hub --- */

/* From the hub to the spoke at nbma. */
static void hub_sends(
	struct world *w, uint32_t nbma, uint16_t proto, const uint8_t *inner, size_t len)
{
	const struct packet_tunnel t = {
		.src = HUB_NBMA, .dst = nbma, .has_key = true, .key = 42, .proto = proto};
	uint8_t frame[PACKET_FRAME_MAX];

	memcpy(frame + packet_head_len(&t), inner, len);
	demux_frame(&w->demux, frame, packet_encap(&t, frame, len));
}

static void read_request(unsigned k, struct packet_view *view, struct nhrp_packet *p)
{
	struct nhrp_fault fault;

	assert_int_equal(packet_decap(frames[k], frame_lens[k], view), PACKET_OK);
	assert_int_equal(view->tunnel.proto, NHRP_GRE_PROTO);
	assert_int_equal(view->tunnel.key, 42);
	assert_int_equal(nhrp_packet_decode(p, view->inner, view->inner_len, &fault), 0);
	assert_int_equal(p->type, NHRP_TYPE_REGISTRATION_REQUEST);
}

/* Answers the request in frame k. */
static void hub_replies(struct world *w, unsigned k, uint8_t code)
{
	struct packet_view view;
	struct nhrp_packet p;
	uint8_t bytes[512];
	int len;

	read_request(k, &view, &p);
	p.type = NHRP_TYPE_REGISTRATION_REPLY;
	p.cies[0].code = code;
	if (code)
		p.cies[0].holding_s = 0;
	len = nhrp_packet_encode(&p, bytes, sizeof(bytes));
	assert_true(len > 0);
	hub_sends(w, view.tunnel.src, NHRP_GRE_PROTO, bytes, (size_t)len);
}

static void all_register(struct world *w, uint64_t now_ns)
{
	const unsigned before = w->spokes.registered;

	poll_at(w, now_ns);
	assert_int_equal(frame_count, SPOKES);
	for (unsigned k = 0; k < SPOKES; k++)
		hub_replies(w, k, NHRP_CIE_CODE_OK);
	assert_true(before <= w->spokes.registered);
	assert_int_equal(w->spokes.registered, SPOKES);
}

/* --- registration --- */

static void test_request_fields(void **state)
{
	struct world w = {.opt.unique = true};
	struct packet_view view;
	struct nhrp_packet p;

	(void)state;
	world_open(&w, 0);
	poll_at(&w, 1);
	assert_int_equal(frame_count, SPOKES);
	read_request(1, &view, &p);
	assert_int_equal(view.tunnel.src, NBMA_BASE + 1);
	assert_int_equal(ntohl(p.src_nbma.ip4_be), NBMA_BASE + 1);
	assert_int_equal(ntohl(p.src_proto.ip4_be), PROTO_BASE + 1);
	assert_int_equal(ntohl(p.dst_proto.ip4_be), HUB_PROTO);
	assert_int_equal(p.flags, NHRP_REG_F_UNIQUE | NHRP_F_NAT);
	assert_int_equal(p.cie_count, 1);
	assert_int_equal(p.cies[0].prefix_len, 255);
	assert_int_equal(p.cies[0].holding_s, HOLD_S);
	assert_int_equal(p.exts[p.ext_count - 1].type, NHRP_EXT_END);
	world_close(&w);
}

static void test_retry_doubles_to_64(void **state)
{
	struct world w = {0};
	uint64_t now_ns = SECOND_NS, wait_s = 2;
	struct packet_view view;
	struct nhrp_packet first, p;

	(void)state;
	world_open(&w, 0);
	poll_at(&w, now_ns);
	read_request(0, &view, &first);
	for (unsigned n = 0; n < 8; n++) {
		poll_at(&w, now_ns + wait_s * SECOND_NS - 1);
		assert_int_equal(frame_count, 0);
		now_ns += wait_s * SECOND_NS;
		poll_at(&w, now_ns);
		assert_int_equal(frame_count, SPOKES);
		read_request(0, &view, &p);
		assert_int_equal(p.request_id, first.request_id); /* a late answer still fits */
		wait_s = wait_s < 64 ? wait_s * 2 : 64;
	}
	assert_int_equal(w.spokes.counters.retries, 8 * SPOKES);
	hub_replies(&w, 0, NHRP_CIE_CODE_OK);
	assert_int_equal(w.spokes.registered, 1);
	world_close(&w);
}

static void test_refresh_and_expiry(void **state)
{
	struct world w = {0};
	const uint64_t up_ns = SECOND_NS, third_ns = HOLD_S * SECOND_NS / 3;

	(void)state;
	world_open(&w, 0);
	all_register(&w, up_ns);
	poll_at(&w, up_ns + third_ns - 1);
	assert_int_equal(frame_count, 0);
	all_register(&w, up_ns + third_ns); /* refreshed */
	/* From here on the hub is silent: refreshes go out, the registration lasts its time. */
	for (uint64_t s = 1; s < HOLD_S; s++)
		poll_at(&w, up_ns + third_ns + s * SECOND_NS);
	assert_int_equal(w.spokes.registered, SPOKES);
	poll_at(&w, up_ns + third_ns + HOLD_S * SECOND_NS);
	assert_int_equal(w.spokes.registered, 0);
	assert_int_equal(w.spokes.counters.expired, SPOKES);
	hub_replies(&w, 0, NHRP_CIE_CODE_OK); /* asked at once, and the hub is back */
	assert_int_equal(w.spokes.registered, 1);
	world_close(&w);
}

static void test_refusal(void **state)
{
	struct world w = {0};

	(void)state;
	world_open(&w, 0);
	poll_at(&w, 1);
	hub_replies(&w, 2, NHRP_CIE_CODE_ALREADY_REGISTERED);
	assert_int_equal(w.spokes.registered, 0);
	assert_int_equal(w.spokes.counters.refused, 1);
	assert_int_equal(w.spokes.counters.refused_code, 14);
	world_close(&w);
}

static void test_wrong_replies(void **state)
{
	struct world w = {0};
	struct packet_view view;
	struct nhrp_packet p;
	uint8_t bytes[512];
	int len;

	(void)state;
	world_open(&w, 0);
	poll_at(&w, 1);
	read_request(0, &view, &p);
	p.type = NHRP_TYPE_REGISTRATION_REPLY;
	len = nhrp_packet_encode(&p, bytes, sizeof(bytes));
	hub_sends(&w, NBMA_BASE + 1, NHRP_GRE_PROTO, bytes, (size_t)len); /* another spoke's */
	assert_int_equal(w.spokes.counters.wrong, 1);
	hub_sends(&w, NBMA_BASE, NHRP_GRE_PROTO, bytes, (size_t)len);
	assert_int_equal(w.spokes.registered, 1);
	hub_sends(&w, NBMA_BASE, NHRP_GRE_PROTO, bytes, (size_t)len); /* twice */
	assert_int_equal(w.spokes.counters.stray, 1);
	bytes[12] ^= 1;
	hub_sends(&w, NBMA_BASE, NHRP_GRE_PROTO, bytes, (size_t)len);
	assert_int_equal(w.spokes.counters.undecodable, 1);
	world_close(&w);
}

/* Behind NAT the reply must carry the address the hub saw; without it the hub is wrong. */
static void test_nat(void **state)
{
	struct world w = {.opt.nat = true};
	struct nhrp_cie cies[2] = {
		{.nbma = dp_addr_ip4(htonl(HUB_NBMA)), .proto = dp_addr_ip4(htonl(HUB_PROTO))},
		{.nbma = dp_addr_ip4(htonl(NBMA_BASE)), .proto = dp_addr_ip4(htonl(PROTO_BASE))}};
	struct packet_view view;
	struct nhrp_packet p;
	uint8_t bytes[512], ext[128];
	int len;

	(void)state;
	world_open(&w, 0);
	poll_at(&w, 1);
	read_request(0, &view, &p);
	assert_int_equal(ntohl(p.src_nbma.ip4_be), 0xac100002);
	assert_int_equal(view.tunnel.src, NBMA_BASE);
	hub_replies(&w, 0, NHRP_CIE_CODE_OK);
	assert_int_equal(w.spokes.counters.wrong, 1);
	p.type = NHRP_TYPE_REGISTRATION_REPLY;
	len = nhrp_cies_encode(&p, cies, 2, ext, sizeof(ext));
	assert_true(len > 0);
	p.ext_count = 0;
	assert_int_equal(nhrp_ext_add(&p, NHRP_EXT_NAT, 0, ext, (uint16_t)len), 0);
	assert_int_equal(nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0), 0);
	len = nhrp_packet_encode(&p, bytes, sizeof(bytes));
	hub_sends(&w, NBMA_BASE, NHRP_GRE_PROTO, bytes, (size_t)len);
	assert_int_equal(w.spokes.registered, 1);
	world_close(&w);
}

static void test_arp_answers(void **state)
{
	struct packet_arp arp = {.is_request = true,
				 .sender_mac = {2, 0, 0, 0, 0, 1},
				 .sender_ip = HUB_NBMA,
				 .target_ip = NBMA_BASE + 2};
	struct world w = {0};
	uint8_t frame[64];

	(void)state;
	world_open(&w, 0);
	demux_frame(&w.demux, frame, packet_arp_write(&arp, frame));
	assert_int_equal(frame_count, 1);
	assert_int_equal(packet_arp_parse(frames[0], frame_lens[0], &arp), 0);
	assert_false(arp.is_request);
	assert_int_equal(arp.sender_ip, NBMA_BASE + 2);
	assert_int_equal(arp.target_ip, HUB_NBMA);
	arp = (struct packet_arp){.is_request = true,
				  .sender_ip = HUB_NBMA,
				  .target_ip = NBMA_BASE + SPOKES}; /* not one of ours */
	demux_frame(&w.demux, frame, packet_arp_write(&arp, frame));
	assert_int_equal(frame_count, 1);
	world_close(&w);
}

/* --- probes --- */

/* What a right hub does to a packet on its way through. */
static void route(uint8_t *inner, unsigned hops)
{
	inner[8] = (uint8_t)(inner[8] - hops);
	bytes_put_u16(inner + 10, 0);
	bytes_put_u16(inner + 10, packet_checksum(inner, 20));
}

static struct traffic_stats *open_traffic(struct world *w)
{
	w->opt.rate_pps = 1;
	world_open(w, 0);
	all_register(w, 1);
	frame_count = 0;
	traffic_start(&w->traffic, SECOND_NS);
	traffic_poll(&w->traffic, 2 * SECOND_NS);
	assert_int_equal(frame_count, 1);
	w->demux.now_ns = 2 * SECOND_NS + 1000;
	return &w->traffic.streams[TRAFFIC_LAN].stats;
}

/* The inner packet of a frame. */
static size_t inner_of(unsigned k, uint8_t *inner)
{
	struct packet_view view;

	assert_int_equal(packet_decap(frames[k], frame_lens[k], &view), PACKET_OK);
	memcpy(inner, view.inner, view.inner_len);
	return view.inner_len;
}

static void test_echo_there_and_back(void **state)
{
	struct world w = {0};
	struct traffic_stats *stats = open_traffic(&w);
	uint8_t inner[PACKET_INNER_MAX];
	size_t len = inner_of(0, inner);

	(void)state;
	assert_int_equal(bytes_u32(inner + 12), LAN_BASE + 1);
	assert_int_equal(bytes_u32(inner + 16), LAN_BASE + 256 + 1);
	route(inner, 1);
	hub_sends(&w, NBMA_BASE + 1, 0x0800, inner, len);
	assert_int_equal(stats->answered, 1);
	assert_int_equal(frame_count, 2);
	len = inner_of(1, inner);
	route(inner, 1);
	hub_sends(&w, NBMA_BASE, 0x0800, inner, len);
	assert_int_equal(stats->received, 1);
	assert_int_equal(traffic_outstanding(&w.traffic), 0);
	assert_int_equal(w.traffic.streams[TRAFFIC_LAN].latency.max_ns, 1000);
	hub_sends(&w, NBMA_BASE, 0x0800, inner, len);
	assert_int_equal(stats->received, 1);
	assert_int_equal(stats->duplicate, 1);
	world_close(&w);
}

static void test_echo_faults(void **state)
{
	struct world w = {0};
	struct traffic_stats *stats = open_traffic(&w);
	uint8_t inner[PACKET_INNER_MAX];
	const size_t len = inner_of(0, inner);

	(void)state;
	hub_sends(&w, NBMA_BASE + 1, 0x0800, inner, len); /* bridged, not routed */
	assert_int_equal(stats->ttl, 1);
	route(inner, 2);
	hub_sends(&w, NBMA_BASE + 1, 0x0800, inner, len); /* routed twice */
	assert_int_equal(stats->ttl, 2);
	inner[8]++;
	route(inner, 0);
	hub_sends(&w, NBMA_BASE + 2, 0x0800, inner, len); /* to the wrong spoke */
	assert_int_equal(w.traffic.misdelivered, 1);
	inner[100] ^= 4;
	hub_sends(&w, NBMA_BASE + 1, 0x0800, inner, len);
	assert_int_equal(stats->corrupt, 1);
	inner[100] ^= 4;
	inner[8]++; /* the checksum was not corrected */
	hub_sends(&w, NBMA_BASE + 1, 0x0800, inner, len);
	assert_int_equal(w.traffic.bad_header, 1);
	assert_int_equal(stats->answered, 0);
	assert_int_equal(stats->received, 0);
	world_close(&w);
}

static void test_wrong_key_and_stranger(void **state)
{
	struct world w = {0};
	struct packet_tunnel t = {
		.src = HUB_NBMA, .dst = NBMA_BASE, .has_key = true, .key = 43, .proto = 0x0800};
	uint8_t frame[128] = {0};

	(void)state;
	world_open(&w, 0);
	demux_frame(&w.demux, frame, packet_encap(&t, frame, 20));
	assert_int_equal(w.demux.wrong_key, 1);
	t.has_key = false;
	demux_frame(&w.demux, frame, packet_encap(&t, frame, 20));
	assert_int_equal(w.demux.wrong_key, 2);
	t.src = HUB_NBMA + 1;
	demux_frame(&w.demux, frame, packet_encap(&t, frame, 20));
	assert_int_equal(w.demux.foreign_frames, 1);
	world_close(&w);
}

/* --- small tools --- */

static void test_window(void **state)
{
	struct window w = {0};

	(void)state;
	assert_int_equal(window_mark(&w, 0), WINDOW_NEW);
	assert_int_equal(window_mark(&w, 0), WINDOW_DUPLICATE);
	assert_int_equal(window_mark(&w, 5), WINDOW_NEW);
	assert_int_equal(window_mark(&w, 3), WINDOW_NEW); /* out of order */
	assert_int_equal(window_mark(&w, 3), WINDOW_DUPLICATE);
	assert_int_equal(window_mark(&w, 5 + WINDOW_BITS - 1), WINDOW_NEW);
	assert_int_equal(window_mark(&w, 5), WINDOW_DUPLICATE); /* the oldest still known */
	assert_int_equal(window_mark(&w, 4), WINDOW_LATE);
	assert_int_equal(window_mark(&w, 6), WINDOW_NEW);
	assert_int_equal(window_mark(&w, 100000), WINDOW_NEW); /* a jump forgets all */
	assert_int_equal(window_mark(&w, 100000 - WINDOW_BITS + 1), WINDOW_NEW);
	assert_int_equal(window_mark(&w, 100000 - WINDOW_BITS), WINDOW_LATE);
}

static void test_timers(void **state)
{
	static const uint64_t due[] = {50, 10, 40, 10, 30, 20};
	struct timers t;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(timers_init(&t, 6), 0);
	assert_true(timers_next_ns(&t) == UINT64_MAX);
	for (uint32_t i = 0; i < 6; i++)
		timers_set(&t, i, 100);
	for (uint32_t i = 0; i < 6; i++) /* moved, not added */
		timers_set(&t, i, due[i]);
	assert_int_equal(timers_pop(&t, 9), TIMERS_NONE);
	for (uint32_t n = 0; n < 6; n++) {
		const uint32_t id = timers_pop(&t, 50);

		assert_int_not_equal(id, TIMERS_NONE);
		assert_true(due[id] >= last);
		last = due[id];
	}
	assert_int_equal(timers_pop(&t, UINT64_MAX - 1), TIMERS_NONE);
	timers_free(&t);
}

static void test_latency(void **state)
{
	static struct latency l;

	(void)state;
	assert_int_equal(latency_percentile_ns(&l, 50), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		latency_add(&l, i * 1000);
	assert_int_equal(l.min_ns, 1000);
	assert_int_equal(l.max_ns, 1000000);
	assert_int_equal(latency_mean_ns(&l), 500500);
	assert_in_range(latency_percentile_ns(&l, 50), 500000, 535000);
	assert_in_range(latency_percentile_ns(&l, 99), 990000, 1000000);
	assert_int_equal(latency_percentile_ns(&l, 100), 1000000);
	latency_add(&l, UINT64_MAX / 2); /* beyond the table: in its last bucket */
	assert_int_equal(l.count, 1001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_fields),
		cmocka_unit_test(test_retry_doubles_to_64),
		cmocka_unit_test(test_refresh_and_expiry),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_wrong_replies),
		cmocka_unit_test(test_nat),
		cmocka_unit_test(test_arp_answers),
		cmocka_unit_test(test_echo_there_and_back),
		cmocka_unit_test(test_echo_faults),
		cmocka_unit_test(test_wrong_key_and_stranger),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_latency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
