/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inner packets longer than their way out: every length, options, fragments of fragments, order,
 * and what cannot be cut.
 */
#include "fragments.h"

#include <rte_ip.h>

#include "dataplane/dp_fib.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"

#define TUNNEL_MTU 1400
#define LAN_MTU    1500
#define INNER_AT   (14 + 20 + 8)
#define DF         0x4000
#define MF         0x2000

static void field_set(struct stage_packet *p, uint16_t field)
{
	p->bytes[6] = (uint8_t)(field >> 8);
	p->bytes[7] = (uint8_t)field;
	stage_ip_fix(p, 0);
}

/* From spoke 11, in outer fragments where the underlay needs them. */
static const struct stage_result *spoke_sends(struct stage_packet inner)
{
	struct stage_packet outer = outer_make("192.0.2.11", 77, inner);

	return fragments_run(&outer, 1500);
}

/* Every length there may be, to a spoke and to the LAN. */
static void test_sweep(void **state)
{
	(void)state;
	for (uint16_t len = 28; len <= 4000; len++) {
		struct stage_packet inner = inner_make("10.1.12.10", len, 0);
		const struct stage_result *r;

		inner.bytes[1] = 0xb8; /* DSCP EF */
		inner.bytes[4] = (uint8_t)(len >> 8);
		inner.bytes[5] = (uint8_t)len;
		field_set(&inner, 0);
		r = spoke_sends(inner);
		fragments_check(r->wan, r->wan_n, INNER_AT, TUNNEL_MTU, &inner);
		assert_int_equal(r->delta.copied_pkts, r->wan_n - 1);
		assert_int_equal(r->delta.hairpin_pkts, 1);
		assert_int_equal(drops_sum(r), 0);

		memcpy(inner.bytes + 16, "\x0a\x01\x01\x0a", 4);
		stage_ip_fix(&inner, 0);
		r = spoke_sends(inner);
		fragments_check(r->lan, r->lan_n, 14, LAN_MTU, &inner);
		assert_int_equal(r->delta.copied_pkts, r->lan_n - 1);
	}
}

/* The same with DF: what fits goes, what does not is dropped by name. */
static void test_df(void **state)
{
	(void)state;
	for (uint16_t len = 1390; len <= 1410; len++) {
		struct stage_packet inner = inner_make("10.1.12.10", len, 0);
		const struct stage_result *r;

		field_set(&inner, DF);
		r = spoke_sends(inner);
		assert_int_equal(r->wan_n, len <= TUNNEL_MTU);
		assert_int_equal(r->delta.drops[DP_DROP_TOO_BIG], len > TUNNEL_MTU);
	}
}

/* ---- options ---- */

struct options {
	const char *name;
	uint8_t all[40];
	uint8_t all_len;
	uint8_t later[40]; /* of the pieces behind the first */
	uint8_t later_len;
};

static const struct options options[] = {
	{"end", {0, 0, 0, 0}, 4, {0}, 0},
	{"no operation", {1, 1, 1, 0}, 4, {0}, 0},
	{"record route", {7, 7, 4, 0, 0, 0, 0, 0}, 8, {0}, 0},
	{"router alert", {0x94, 4, 0, 0}, 4, {0x94, 4, 0, 0}, 4},
	{"stream id behind timestamp",
	 {0x44, 8, 5, 0, 0, 0, 0, 0, 0x88, 4, 1, 2},
	 12,
	 {0x88, 4, 1, 2},
	 4},
	{"padding",
	 {1, 0x82, 3, 9, 1, 1, 0x94, 4, 5, 6, 0, 0},
	 12,
	 {0x82, 3, 9, 0x94, 4, 5, 6, 0},
	 8},
	{"nothing behind the end", {0, 0x94, 4, 0}, 4, {0}, 0},
	{"all 40 bytes",
	 {0x83, 39, 40, 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
	  18,   19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 0},
	 40,
	 {0x83, 39, 40, 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
	  18,   19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 0},
	 40},
	/* malformed: what cannot be read is not copied */
	{"length 0", {0x94, 0, 0x94, 4}, 4, {0}, 0},
	{"length 1", {0x94, 1, 0x94, 4}, 4, {0}, 0},
	{"length beyond the header", {0x94, 4, 1, 1, 0x88, 5, 1, 1}, 8, {0x94, 4, 1, 1}, 4},
	{"length missing", {1, 1, 1, 0x94}, 4, {0}, 0},
};

static struct stage_packet with_options(const struct options *o, uint16_t len)
{
	struct stage_packet plain = inner_make("10.1.12.10", (uint16_t)(len - o->all_len), 0), p;

	memcpy(p.bytes, plain.bytes, 20);
	memcpy(p.bytes + 20, o->all, o->all_len);
	memcpy(p.bytes + 20 + o->all_len, plain.bytes + 20, plain.len - 20U);
	p.len = len;
	p.bytes[0] = (uint8_t)(0x45 + o->all_len / 4);
	p.bytes[2] = (uint8_t)(len >> 8);
	p.bytes[3] = (uint8_t)len;
	stage_ip_fix(&p, 0);
	return p;
}

static void options_check(const struct options *o, uint16_t len)
{
	struct stage_packet inner = with_options(o, len), joined;
	const struct stage_result *r = spoke_sends(inner);

	assert_true(r->wan_n >= 2);
	joined = fragments_join(r->wan, r->wan_n, INNER_AT, TUNNEL_MTU);
	inner_sent_check(&joined, 0, inner);
	for (unsigned i = 1; i < r->wan_n; i++) {
		assert_int_equal(r->wan[i].bytes[INNER_AT], 0x45 + o->later_len / 4);
		assert_memory_equal(r->wan[i].bytes + INNER_AT + 20, o->later, o->later_len);
	}
}

static void test_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		print_message("  %s\n", options[i].name);
		for (uint16_t len = 1401; len < 1424; len++)
			options_check(&options[i], len);
		for (uint16_t len = 2700; len < 2800; len++)
			options_check(&options[i], len);
		options_check(&options[i], 9100);
	}
}

/* ---- fragments of fragments ---- */

static void test_nested(void **state)
{
	static const uint16_t fields[] = {MF, MF | 1, MF | 185, 185, 370, 0x8000 | MF | 185, 8000};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		for (uint16_t len = 1396; len < 1500; len += 8) {
			struct stage_packet inner = inner_make("10.1.12.10", len, 0);
			const struct stage_result *r;

			field_set(&inner, fields[i]);
			r = spoke_sends(inner);
			fragments_check(r->wan, r->wan_n, INNER_AT, TUNNEL_MTU, &inner);
		}
	}
}

/* Offsets of the pieces must fit their field. */
static void test_fragment_end(void **state)
{
	struct stage_packet inner = inner_make("10.1.12.10", 1460, 0);
	const struct stage_result *r;

	(void)state;
	field_set(&inner, (65535 - 1460) / 8);
	r = spoke_sends(inner);
	fragments_check(r->wan, r->wan_n, INNER_AT, TUNNEL_MTU, &inner);
	field_set(&inner, (65535 - 1460) / 8 + 1);
	assert_int_equal(spoke_sends(inner)->delta.drops[DP_DROP_FRAGMENT_END], 1);
	field_set(&inner, 0x1fff);
	assert_int_equal(spoke_sends(inner)->delta.drops[DP_DROP_FRAGMENT_END], 1);
}

/* ---- beside others ---- */

/* Packets of a burst stay in order, those that are cut among them. */
static void test_order(void **state)
{
	static const uint16_t lens[] = {100, 1450, 101, 102, 1460, 1470, 103};
	struct stage_packet in[7], inner[7];
	const struct stage_result *r;
	unsigned at = 0;

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		inner[i] = inner_make("10.1.12.10", lens[i], (uint8_t)i);
		in[i] = stage_from_spoke("192.0.2.11", inner[i]);
	}
	r = stage_run(stage.wan, in, 7);
	assert_int_equal(r->wan_n, 10);
	for (unsigned i = 0; i < 7; i++) {
		unsigned n = pieces_needed(&inner[i], TUNNEL_MTU);

		fragments_check(&r->wan[at], n, INNER_AT, TUNNEL_MTU, &inner[i]);
		at += n;
	}
}

/* The TTL comes first: a packet that ends here is not cut. */
static void test_ttl(void **state)
{
	struct stage_packet inner = inner_make("10.1.12.10", 1450, 0);

	(void)state;
	inner.bytes[8] = 1;
	stage_ip_fix(&inner, 0);
	assert_int_equal(spoke_sends(inner)->delta.drops[DP_DROP_TTL_EXPIRED], 1);
}

/* What the kernel sends into a twin keeps its TTL. */
static void test_from_twin(void **state)
{
	struct stage_packet inner = inner_make("10.1.12.10", 1500, 0), joined;
	const struct stage_result *r = stage_inject(DP_KIND_IP, stage.tunnel100, &inner);

	(void)state;
	assert_int_equal(r->wan_n, 2);
	joined = fragments_join(r->wan, r->wan_n, INNER_AT, TUNNEL_MTU);
	assert_int_equal(joined.len, inner.len);
	assert_memory_equal(joined.bytes, inner.bytes, inner.len);
}

/* The neighbour is not known yet: the pieces wait for it, and leave in order. */
static void test_unresolved(void **state)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, 77};
	struct dp_addr addr = stage_addr("10.1.1.77");
	struct stage_packet inner = inner_make("10.1.1.77", 4000, 0);
	const struct stage_result *r = spoke_sends(inner);

	(void)state;
	assert_int_equal(r->delta.held_pkts, 3);
	assert_int_equal(dp_neigh_set(stage.lan, &addr, mac), 0);
	r = stage_later(10);
	assert_int_equal(r->lan_n, 3);
	assert_int_equal(r->delta.held_pkts, 0);
}

/* ---- what cannot be cut ---- */

static void test_no_buffer(void **state)
{
	static struct rte_mbuf *taken[1 << 16];
	static struct stage_packet in[1];
	struct stage_packet inner = inner_make("10.1.12.10", 1450, 0);
	struct dp_worker_stats before = stage.w->stats;
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);
	unsigned count = 0;

	(void)state;
	in[0] = stage_from_spoke("192.0.2.11", inner);
	memcpy(rte_pktmbuf_append(m, in[0].len), in[0].bytes, in[0].len);
	*dp_meta(m) = (struct dp_meta){.kind = DP_KIND_FRAME, .in_port = stage.wan};
	while (count < 1 << 16 && (taken[count] = rte_pktmbuf_alloc(dp_pool)) != NULL)
		count++;
	assert_in_range(count, 1, (1 << 16) - 1);
	rte_pktmbuf_free_bulk(&taken[--count], 1); /* one is not enough: all or none */
	dp_line_from_port(stage.w, &m, 1);
	assert_int_equal(stage.w->stats.drops[DP_DROP_NO_BUFFER] - before.drops[DP_DROP_NO_BUFFER],
			 1);
	assert_int_equal(stage.w->stats.copied_pkts, before.copied_pkts);
	assert_int_equal(dp_worker_balance(&stage.w->stats), 0);
	rte_pktmbuf_free_bulk(taken, count);
	assert_int_equal(stage_run(stage.wan, in, 1)->wan_n, 2);
}

/* ---- tunnels of other MTUs ---- */

/* To spoke 192.0.2.21, route 10.9.0.0/24. */
struct odd_tunnel {
	struct dp_spoke_key key;
	uint32_t spoke;
	struct dp_addr overlay;
	struct dp_prefix prefix;
};

static struct odd_tunnel odd_tunnel_add(uint16_t mtu)
{
	struct dp_tunnel_conf conf = {.name = "Odd",
				      .source = stage_addr("192.0.2.1"),
				      .has_key = true,
				      .key = 9,
				      .mtu = mtu,
				      .ttl = 64};
	struct odd_tunnel t = {.key.nbma = stage_addr("192.0.2.21"),
			       .overlay = stage_addr("10.9.1.1")};
	struct dp_route route = {.type = DP_ROUTE_GATEWAY, .gateway = t.overlay};
	uint32_t neigh;

	assert_int_equal(dp_tunnel_add(&conf, &t.key.tunnel), 0);
	assert_int_equal(dp_spoke_add(&t.key, &t.spoke), 0);
	assert_int_equal(dp_neigh_get(stage.wan, &t.key.nbma, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(t.spoke, neigh), 0);
	assert_int_equal(dp_nexthop_set(t.key.tunnel, &t.overlay, t.spoke), 0);
	route.iface = (struct dp_iface){.kind = DP_IFACE_TUNNEL, .id = t.key.tunnel};
	assert_int_equal(dp_prefix_parse(&t.prefix, "10.9.0.0/24"), 0);
	assert_int_equal(dp_fib_set(0, &t.prefix, &route), 0);
	return t;
}

static void odd_tunnel_del(const struct odd_tunnel *t)
{
	assert_int_equal(dp_fib_del(0, &t->prefix), 0);
	assert_int_equal(dp_nexthop_del(t->key.tunnel, &t->overlay), 0);
	assert_int_equal(dp_spoke_del(t->spoke), 0);
	assert_int_equal(dp_tunnel_del(t->key.tunnel), 0);
	dp_poll();
}

/* Through a tunnel of this MTU, in pieces of at most `piece_max` bytes. */
static void odd_check(uint16_t mtu, uint16_t piece_max, const struct options *o, uint16_t len)
{
	struct odd_tunnel t = odd_tunnel_add(mtu);
	struct stage_packet inner = with_options(o, len);
	const struct stage_result *r;

	memcpy(inner.bytes + 16, "\x0a\x09\x00\x01", 4);
	stage_ip_fix(&inner, 0);
	r = spoke_sends(inner);
	if (piece_max != 0)
		fragments_check(r->wan, r->wan_n, INNER_AT, piece_max, &inner);
	else
		assert_int_equal(r->delta.drops[DP_DROP_TOO_BIG], 1);
	odd_tunnel_del(&t);
}

static void test_odd_mtus(void **state)
{
	const uint16_t room = (uint16_t)(rte_pktmbuf_data_room_size(dp_pool) -
					 RTE_PKTMBUF_HEADROOM - DP_ENCAP_TAILROOM);
	static const struct options none = {.name = "none"};
	const struct options *full = &options[7];

	(void)state;
	assert_int_equal(full->all_len, 40);
	/* The smallest MTU that can be configured, the longest packets. */
	odd_check(576, 576, &none, 9188);
	odd_check(576, 576, full, 9188);
	/* Smaller ones: as many pieces as a burst holds, then none. */
	odd_check(276, 276, &none, 20 + 32 * 256);
	odd_check(276, 0, &none, 20 + 32 * 256 + 1);
	odd_check(68, 68, full, 60 + 32 * 8);
	odd_check(68, 0, full, 60 + 32 * 8 + 1);
	odd_check(67, 0, full, 68);
	/* Larger than what a buffer holds beside headroom and tailroom. */
	odd_check(4000, room, &none, 4001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sweep),        cmocka_unit_test(test_df),
		cmocka_unit_test(test_options),      cmocka_unit_test(test_nested),
		cmocka_unit_test(test_fragment_end), cmocka_unit_test(test_order),
		cmocka_unit_test(test_ttl),          cmocka_unit_test(test_from_twin),
		cmocka_unit_test(test_unresolved),   cmocka_unit_test(test_no_buffer),
		cmocka_unit_test(test_odd_mtus),
	};

	return cmocka_run_group_tests_name("frag", tests, stage_setup, stage_teardown);
}
