/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The world of the emulated spokes in a unit test: the socket is a list of frames, the clock a
 * number, the hub a few lines that do right, or wrong in one way.
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

static inline void hub_answers_arp(struct world *w)
{
	const struct packet_arp arp = {.sender_mac = {2, 0, 0, 0, 0, 1},
				       .target_mac = {2, 0, 0, 0, 0, 5},
				       .sender_ip = HUB_NBMA,
				       .target_ip = NBMA_BASE};
	uint8_t frame[64];

	demux_frame(&w->demux, frame, packet_arp_write(&arp, frame));
}

static inline void world_open(struct world *w, uint64_t now_ns)
{
	frame_count = 0;
	w->opt.count = SPOKES;
	w->opt.hubs[0] = (struct options_hub){HUB_NBMA, HUB_PROTO};
	if (w->opt.hub_count == 0)
		w->opt.hub_count = 1;
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
	assert_int_equal(frame_count, w->opt.hub_count); /* the ARP queries, nothing else */
	hub_answers_arp(w);
	frame_count = 0;
}

static inline void world_close(struct world *w)
{
	traffic_free(&w->traffic);
	spokes_free(&w->spokes);
}

/* Leaves the registration requests of this turn; ARP has a rhythm of its own. */
static inline void poll_at(struct world *w, uint64_t now_ns)
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
static inline void hub_sends(
	struct world *w, uint32_t nbma, uint16_t proto, const uint8_t *inner, size_t len)
{
	const struct packet_tunnel t = {
		.src = HUB_NBMA, .dst = nbma, .has_key = true, .key = 42, .proto = proto};
	uint8_t frame[PACKET_FRAME_MAX];

	memcpy(frame + packet_head_len(&t), inner, len);
	demux_frame(&w->demux, frame, packet_encap(&t, frame, len));
}

static inline void read_request(unsigned k, struct packet_view *view, struct nhrp_packet *p)
{
	struct nhrp_fault fault;

	assert_int_equal(packet_decap(frames[k], frame_lens[k], view), PACKET_OK);
	assert_int_equal(view->tunnel.proto, NHRP_GRE_PROTO);
	assert_int_equal(view->tunnel.key, 42);
	assert_int_equal(nhrp_packet_decode(p, view->inner, view->inner_len, &fault), 0);
	assert_int_equal(p->type, NHRP_TYPE_REGISTRATION_REQUEST);
}

/* Answers the request in frame k. */
static inline void hub_replies(struct world *w, unsigned k, uint8_t code)
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

static inline void all_register(struct world *w, uint64_t now_ns)
{
	const unsigned before = w->spokes.registered;

	poll_at(w, now_ns);
	assert_int_equal(frame_count, SPOKES);
	for (unsigned k = 0; k < SPOKES; k++)
		hub_replies(w, k, NHRP_CIE_CODE_OK);
	assert_true(before <= w->spokes.registered);
	assert_int_equal(w->spokes.registered, SPOKES);
}
