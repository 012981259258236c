/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated spokes' registrations: what is asked, retry, refresh, refusal, expiry, NAT, ARP;
 * and what they answer to the hub's other NHRP.
 */
#include "spokes_fixture.h"

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

static int encode_to(struct world *w, const struct nhrp_packet *p, uint32_t nbma)
{
	uint8_t bytes[512];
	const int len = nhrp_packet_encode(p, bytes, sizeof(bytes));

	assert_true(len > 0);
	frame_count = 0;
	hub_sends(w, nbma, NHRP_GRE_PROTO, bytes, (size_t)len);
	return (int)frame_count;
}

static void read_answer(uint8_t type, struct nhrp_packet *p)
{
	struct packet_view view;
	struct nhrp_fault fault;

	assert_int_equal(packet_decap(frames[0], frame_lens[0], &view), PACKET_OK);
	assert_int_equal(view.tunnel.dst, HUB_NBMA);
	assert_int_equal(nhrp_packet_decode(p, view.inner, view.inner_len, &fault), 0);
	assert_int_equal(p->type, type);
}

static void test_resolution_answer(void **state)
{
	struct world w = {0};
	struct nhrp_packet p, answer;

	(void)state;
	world_open(&w, 0);
	nhrp_packet_init(&p, NHRP_TYPE_RESOLUTION_REQUEST, AF_INET, AF_INET);
	p.hop_count = 254;
	p.flags = NHRP_RES_F_ROUTER | NHRP_F_NAT;
	p.request_id = 77;
	p.src_nbma = dp_addr_ip4(htonl(NBMA_BASE));
	p.src_proto = dp_addr_ip4(htonl(PROTO_BASE));
	p.dst_proto = dp_addr_ip4(htonl(LAN_BASE + 256 + 9));
	assert_int_equal(nhrp_ext_add(&p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0), 0);
	assert_int_equal(nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0), 0);
	assert_int_equal(encode_to(&w, &p, NBMA_BASE + 1), 1);
	read_answer(NHRP_TYPE_RESOLUTION_REPLY, &answer);
	assert_int_equal(answer.request_id, 77);
	assert_int_equal(answer.cie_count, 1);
	assert_int_equal(answer.cies[0].prefix_len, 24);
	assert_int_equal(ntohl(answer.cies[0].nbma.ip4_be), NBMA_BASE + 1);
	assert_int_equal(ntohl(answer.cies[0].proto.ip4_be), PROTO_BASE + 1);
	assert_int_equal(answer.exts[0].type, NHRP_EXT_RESPONDER);
	assert_true(answer.exts[0].len > 0);
	assert_int_equal(encode_to(&w, &p, NBMA_BASE), 0); /* not a LAN of that one: silence */
	assert_int_equal(w.spokes.counters.resolution_requests, 2);
	world_close(&w);
}

static void test_purge_answer(void **state)
{
	struct world w = {0};
	struct nhrp_packet p, answer;

	(void)state;
	world_open(&w, 0);
	nhrp_packet_init(&p, NHRP_TYPE_PURGE_REQUEST, AF_INET, AF_INET);
	p.hop_count = 255;
	p.request_id = 5;
	p.src_nbma = dp_addr_ip4(htonl(HUB_NBMA));
	p.src_proto = dp_addr_ip4(htonl(HUB_PROTO));
	p.dst_proto = dp_addr_ip4(htonl(PROTO_BASE));
	p.cie_count = 1;
	p.cies[0].prefix_len = 24;
	p.cies[0].proto = dp_addr_ip4(htonl(LAN_BASE));
	assert_int_equal(encode_to(&w, &p, NBMA_BASE), 1);
	read_answer(NHRP_TYPE_PURGE_REPLY, &answer);
	assert_int_equal(answer.request_id, 5);
	assert_int_equal(answer.cies[0].prefix_len, 24);
	p.flags = NHRP_PURGE_F_NO_REPLY;
	assert_int_equal(encode_to(&w, &p, NBMA_BASE), 0);
	world_close(&w);
}

/* Right when it is about a packet that this spoke sent, and with hops left. */
static void test_traffic_indication(void **state)
{
	uint8_t inner[PACKET_IP4_LEN] = {0x45};
	struct world w = {0};
	struct nhrp_packet p;

	(void)state;
	world_open(&w, 0);
	bytes_put_u32(inner + 12, LAN_BASE + 1);
	nhrp_packet_init(&p, NHRP_TYPE_TRAFFIC_INDICATION, AF_INET, AF_INET);
	p.hop_count = 1;
	p.src_nbma = dp_addr_ip4(htonl(HUB_NBMA));
	p.src_proto = dp_addr_ip4(htonl(HUB_PROTO));
	p.dst_proto = dp_addr_ip4(htonl(LAN_BASE + 1));
	p.payload = inner;
	p.payload_len = sizeof(inner);
	encode_to(&w, &p, NBMA_BASE);
	assert_int_equal(w.spokes.counters.traffic_indications, 1);
	assert_int_equal(w.spokes.counters.bad_indications, 0);
	encode_to(&w, &p, NBMA_BASE + 1); /* another spoke's packet */
	assert_int_equal(w.spokes.counters.bad_indications, 1);
	p.hop_count = 0;
	encode_to(&w, &p, NBMA_BASE);
	assert_int_equal(w.spokes.counters.bad_indications, 2);
	world_close(&w);
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
		cmocka_unit_test(test_resolution_answer),
		cmocka_unit_test(test_purge_answer),
		cmocka_unit_test(test_traffic_indication),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
