/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated spokes as a test peer: authentication both ways, a shortcut from traffic indication
 * to purge, several hubs, registrations taken back.
 */
#include "spokes_fixture.h"

#define HUB2_NBMA  0xc0000202
#define HUB2_PROTO 0x0aff0002

/* --- the hub's other words --- */

static void decode(unsigned k, uint8_t type, struct nhrp_packet *p)
{
	struct packet_view view;
	struct nhrp_fault fault;

	assert_int_equal(packet_decap(frames[k], frame_lens[k], &view), PACKET_OK);
	assert_int_equal(view.tunnel.proto, NHRP_GRE_PROTO);
	assert_int_equal(nhrp_packet_decode(p, view.inner, view.inner_len, &fault), 0);
	assert_int_equal(p->type, type);
}

static void say(struct world *w, uint32_t i, const struct nhrp_packet *p)
{
	uint8_t bytes[512];
	int len = nhrp_packet_encode(p, bytes, sizeof(bytes));

	assert_true(len > 0);
	frame_count = 0;
	hub_sends(w, NBMA_BASE + i, NHRP_GRE_PROTO, bytes, (size_t)len);
}

static uint32_t lan(uint32_t i)
{
	return LAN_BASE + (i << 8) + 1;
}

/* About a packet from the LAN of spoke 0 to that of spoke 1. */
static void indicate(struct world *w, uint64_t now_ns)
{
	uint8_t inner[28];
	struct nhrp_packet p;

	bytes_put_ip4(inner,
		      &(struct bytes_ip4){
			      .len = 28, .ttl = 9, .protocol = 17, .src = lan(0), .dst = lan(1)});
	nhrp_packet_init(&p, NHRP_TYPE_TRAFFIC_INDICATION, AF_INET, AF_INET);
	p.hop_count = 255;
	p.src_nbma = dp_addr_ip4(htonl(HUB_NBMA));
	p.src_proto = dp_addr_ip4(htonl(HUB_PROTO));
	p.dst_proto = dp_addr_ip4(htonl(lan(0)));
	p.payload = inner;
	p.payload_len = sizeof(inner);
	w->demux.now_ns = now_ns;
	say(w, 0, &p);
}

/* The answer to the request in frame 0. */
static struct nhrp_packet answer(uint8_t code, uint32_t nbma)
{
	struct nhrp_packet p;

	decode(0, NHRP_TYPE_RESOLUTION_REQUEST, &p);
	p.type = NHRP_TYPE_RESOLUTION_REPLY;
	p.cie_count = 1;
	p.cies[0] = (struct nhrp_cie){.code = code,
				      .prefix_len = 24,
				      .holding_s = 60,
				      .nbma = dp_addr_ip4(htonl(nbma)),
				      .proto = dp_addr_ip4(htonl(PROTO_BASE + 1))};
	return p;
}

/* Spoke 0 has its way to the LAN of spoke 1. */
static void shortcut_open(struct world *w)
{
	struct nhrp_packet p;

	all_register(w, SECOND_NS);
	indicate(w, SECOND_NS);
	assert_int_equal(frame_count, 1);
	p = answer(NHRP_CIE_CODE_OK, NBMA_BASE + 1);
	say(w, 0, &p);
	assert_int_equal(w->spokes.shortcuts.ready, 1);
}

/* --- shortcuts --- */

static void test_shortcut(void **state)
{
	struct world w = {.opt = {.shortcut = true, .rate_pps = SPOKES}};
	struct nhrp_packet p;

	(void)state;
	world_open(&w, 0);
	all_register(&w, SECOND_NS);
	indicate(&w, SECOND_NS);
	decode(0, NHRP_TYPE_RESOLUTION_REQUEST, &p);
	assert_int_equal(ntohl(p.dst_proto.ip4_be), lan(1));
	assert_int_equal(ntohl(p.src_proto.ip4_be), PROTO_BASE);
	indicate(&w, SECOND_NS + 1); /* asked a moment ago */
	assert_int_equal(frame_count, 0);
	indicate(&w, 4 * SECOND_NS); /* the same request again */
	assert_int_equal(frame_count, 1);
	p = answer(NHRP_CIE_CODE_OK, NBMA_BASE + 1);
	say(&w, 0, &p);
	assert_int_equal(w.spokes.counters.resolution_replies, 1);
	say(&w, 0, &p); /* nobody waits for it any more */
	assert_int_equal(w.spokes.counters.resolutions_wrong, 1);
	/* One packet of each spoke: that of spoke 0 does not go over the link. */
	frame_count = 0;
	traffic_start(&w.traffic, 4 * SECOND_NS);
	traffic_poll(&w.traffic, 5 * SECOND_NS);
	assert_int_equal(frame_count, SPOKES - 1);
	w.demux.now_ns = 5 * SECOND_NS;
	local_receive(&w.spokes.local, demux_frame, &w.demux);
	assert_int_equal(w.spokes.direct_frames, 1);
	assert_int_equal(w.traffic.streams[TRAFFIC_LAN].stats.answered, 1);
	assert_int_equal(w.traffic.streams[TRAFFIC_LAN].stats.ttl, 0);
	/* The answer goes by the hub: spoke 1 was told nothing. */
	assert_int_equal(frame_count, SPOKES);
	assert_int_equal(w.spokes.local.count, 0);
	/* Its time is over. */
	assert_int_equal(spokes_way(&w.spokes, 0, lan(1), 64 * SECOND_NS - 1), NBMA_BASE + 1);
	assert_int_equal(spokes_way(&w.spokes, 0, lan(1), 64 * SECOND_NS), HUB_NBMA);
	assert_int_equal(w.spokes.shortcuts.counters.expired, 1);
	assert_int_equal(w.spokes.shortcuts.ready, 0);
	world_close(&w);
}

static void test_refused(void **state)
{
	struct world w = {.opt.shortcut = true};
	struct nhrp_packet p;

	(void)state;
	world_open(&w, 0);
	all_register(&w, SECOND_NS);
	indicate(&w, SECOND_NS);
	p = answer(NHRP_CIE_CODE_NO_BINDING, 0);
	say(&w, 0, &p);
	assert_int_equal(w.spokes.counters.resolutions_refused, 1);
	assert_int_equal(w.spokes.counters.unresolved_code, NHRP_CIE_CODE_NO_BINDING);
	indicate(&w, 2 * SECOND_NS); /* a new question */
	assert_int_equal(frame_count, 1);
	p = answer(NHRP_CIE_CODE_OK, NBMA_BASE + SPOKES); /* somebody else's spoke */
	say(&w, 0, &p);
	assert_int_equal(w.spokes.counters.resolutions_elsewhere, 1);
	assert_int_equal(w.spokes.counters.resolutions_wrong, 0);
	assert_int_equal(w.spokes.shortcuts.ready, 0);
	world_close(&w);
}

static void test_off(void **state)
{
	struct world w = {0};

	(void)state;
	world_open(&w, 0);
	all_register(&w, SECOND_NS);
	indicate(&w, SECOND_NS);
	assert_int_equal(frame_count, 0);
	assert_int_equal(w.spokes.counters.traffic_indications, 1);
	assert_int_equal(w.spokes.counters.bad_indications, 0);
	world_close(&w);
}

/* What of a purge matches what was answered. */
static void test_purge(void **state)
{
	static const struct {
		uint32_t addr;
		uint8_t len;
		uint16_t flags;
		unsigned purged;
	} rows[] = {
		{LAN_BASE + 0x100, 24, 0, 1},  {LAN_BASE + 0x100, 24, NHRP_PURGE_F_NO_REPLY, 1},
		{LAN_BASE + 0x1fe, 32, 0, 1},                               /* inside */
		{LAN_BASE + 0x101, 255, 0, 1},                              /* a host, too */
		{LAN_BASE, 16, 0, 1},                                       /* around it */
		{LAN_BASE + 0x200, 24, 0, 0},  {LAN_BASE + 0x001, 0, 0, 0}, /* a host elsewhere */
	};

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct world w = {.opt.shortcut = true};
		struct nhrp_packet p;

		world_open(&w, 0);
		shortcut_open(&w);
		nhrp_packet_init(&p, NHRP_TYPE_PURGE_REQUEST, AF_INET, AF_INET);
		p.hop_count = 255;
		p.flags = rows[k].flags;
		p.request_id = 77;
		p.src_nbma = dp_addr_ip4(htonl(HUB_NBMA));
		p.src_proto = dp_addr_ip4(htonl(HUB_PROTO));
		p.dst_proto = dp_addr_ip4(htonl(PROTO_BASE));
		p.cie_count = 1;
		p.cies[0] = (struct nhrp_cie){.prefix_len = rows[k].len,
					      .proto = dp_addr_ip4(htonl(rows[k].addr))};
		say(&w, 0, &p);
		assert_int_equal(w.spokes.shortcuts.counters.purged, rows[k].purged);
		assert_int_equal(w.spokes.shortcuts.ready, 1 - rows[k].purged);
		assert_int_equal(frame_count, rows[k].flags ? 0 : 1);
		if (frame_count > 0) {
			decode(0, NHRP_TYPE_PURGE_REPLY, &p);
			assert_int_equal(p.request_id, 77);
		}
		world_close(&w);
	}
}

/* A spoke has room for 16. */
static void test_full(void **state)
{
	struct shortcuts sc;

	(void)state;
	assert_int_equal(shortcuts_init(&sc, 2, true), 0);
	for (uint32_t k = 0; k < SHORTCUTS_MAX; k++)
		assert_non_null(shortcut_ask(&sc, 1, lan(k), SECOND_NS));
	assert_null(shortcut_ask(&sc, 1, lan(99), SECOND_NS));
	assert_int_equal(sc.counters.full, 1);
	assert_non_null(shortcut_ask(&sc, 0, lan(99), SECOND_NS));
	shortcuts_free(&sc);
}

/* --- authentication --- */

static void auth_put(struct nhrp_packet *p, const char *word, uint8_t *room)
{
	int len = nhrp_auth_encode(word, room, 16);

	p->ext_count--; /* End comes again */
	nhrp_ext_add(p, NHRP_EXT_AUTHENTICATION, NHRP_EXT_F_COMPULSORY, room, (uint16_t)len);
	nhrp_ext_add(p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
}

static void test_authentication(void **state)
{
	static const char *const words[][2] = {
		{NULL, NULL}, {"wrong", NULL}, {"word", "word"}, {"Word", NULL}, {"word2", NULL}};
	struct world w = {.opt.authentication = "word"};
	struct nhrp_packet request, reply;
	struct nhrp_auth auth;
	uint8_t room[2][16];

	(void)state;
	world_open(&w, 0);
	poll_at(&w, SECOND_NS);
	decode(0, NHRP_TYPE_REGISTRATION_REQUEST, &request);
	assert_int_equal(nhrp_ext_count(&request, NHRP_EXT_AUTHENTICATION), 1);
	assert_int_equal(request.exts[request.ext_count - 1].type, NHRP_EXT_END);
	assert_int_equal(
		nhrp_ext_auth_decode(nhrp_ext_find(&request, NHRP_EXT_AUTHENTICATION), &auth), 0);
	assert_memory_equal(auth.secret, "word", auth.secret_len);
	request.type = NHRP_TYPE_REGISTRATION_REPLY;
	/* Without it: everything but authentication, End kept. */
	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
		reply = request;
		reply.exts[reply.ext_count - 2] = reply.exts[reply.ext_count - 1];
		reply.ext_count--;
		for (unsigned n = 0; n < 2 && words[k][n]; n++)
			auth_put(&reply, words[k][n], room[n]);
		say(&w, 0, &reply);
		assert_int_equal(w.spokes.counters.bad_authentication, k + 1);
	}
	assert_int_equal(w.spokes.registered, 0);
	say(&w, 0, &request);
	assert_int_equal(w.spokes.registered, 1);
	world_close(&w);
}

/* --- several hubs --- */

static void test_two_hubs(void **state)
{
	struct world w = {.opt = {.hubs = {{0}, {HUB2_NBMA, HUB2_PROTO}}, .hub_count = 2}};
	struct packet_arp arp = {
		.sender_mac = {2, 0, 0, 0, 0, 2}, .sender_ip = HUB2_NBMA, .target_ip = NBMA_BASE};
	uint8_t frame[64];
	struct packet_view view;
	struct nhrp_packet p;

	(void)state;
	w.opt.count = SPOKES;
	world_open(&w, 0);
	/* Only the first hub answers ARP: what is for the other one waits. */
	poll_at(&w, SECOND_NS);
	demux_frame(&w.demux, frame, packet_arp_write(&arp, frame));
	poll_at(&w, 4 * SECOND_NS);
	assert_true(frame_count >= 2 * SPOKES);
	for (unsigned k = 0, n = frame_count; k < n; k++) {
		if (packet_decap(frames[k], frame_lens[k], &view) == PACKET_OK &&
		    view.tunnel.dst == HUB_NBMA)
			hub_replies(&w, k, NHRP_CIE_CODE_OK);
	}
	assert_int_equal(w.spokes.registered, SPOKES);
	assert_int_equal(w.spokes.registrations, SPOKES);
	assert_int_equal(w.spokes.all_up_ns, 0);
	assert_int_equal(spokes_way(&w.spokes, 0, lan(1), 0), HUB_NBMA);
	/* Now the second one; then the first one falls silent. */
	for (uint32_t i = 0; i < SPOKES; i++)
		spokes_accepted(&w.spokes, i, 1, 600, 4 * SECOND_NS);
	assert_int_equal(w.spokes.registrations, 2 * SPOKES);
	for (unsigned s = 5; s < 4 + HOLD_S / 3 + 12; s++)
		poll_at(&w, s * SECOND_NS);
	assert_int_equal(spokes_way(&w.spokes, 0, lan(1), 0), HUB2_NBMA);
	assert_int_equal(w.spokes.registered, SPOKES);
	/* Its registrations are taken back at each hub that knows them. */
	frame_count = 0;
	assert_false(spokes_purge(&w.spokes));
	assert_int_equal(frame_count, 2 * SPOKES);
	decode(0, NHRP_TYPE_PURGE_REQUEST, &p);
	assert_int_equal(ntohl(p.cies[0].proto.ip4_be), PROTO_BASE);
	assert_int_equal(w.spokes.counters.purges_sent, 2 * SPOKES);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shortcut), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_off),      cmocka_unit_test(test_purge),
		cmocka_unit_test(test_full),     cmocka_unit_test(test_authentication),
		cmocka_unit_test(test_two_hubs),
	};

	return cmocka_run_group_tests_name("spokes_shortcut", tests, NULL, NULL);
}
