/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP errors: each packet that the sender is told about, byte by byte, and each that must never be
 * answered.
 */
#include "icmp_fixture.h"

#include "dataplane/dp_fib.h"
#include "dataplane/icmp.h"

/* ---- who is told ---- */

static void test_told(void **state)
{
	static const struct {
		const char *name;
		struct packet packet;
		enum dp_drop_reason reason;
		struct told told;
	} rows[] = {
		{"TTL, spoke to spoke", {SPOKE11, A, 1}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"TTL, LAN to spoke", {LAN, L, 1}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"TTL, tunnel without key",
		 {SPOKE21, "10.2.21.1", "10.1.1.10", 1},
		 DP_DROP_TTL_EXPIRED,
		 TTL_EXCEEDED},
		{"28 bytes", {LAN, L, 1, .len = 28}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"20 bytes", {LAN, L, 1, .len = 20}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"the largest quote", {LAN, L, 1, .len = 548}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"more than that", {LAN, L, 1, .len = 549}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"much more", {SPOKE11, A, 1, .len = 1400}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"TTL and too big: tracepath",
		 {LAN, L, 1, .len = 1500, .flags = DF},
		 DP_DROP_TTL_EXPIRED,
		 TTL_EXCEEDED},
		{"IP options", {LAN, L, 1, .options = true}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"TCP", {LAN, L, 1, IPPROTO_TCP}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"first fragment", {LAN, L, 1, .flags = MF}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"ping", {LAN, L, 1, IPPROTO_ICMP, 8}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"its answer", {SPOKE11, A, 1, IPPROTO_ICMP, 0}, DP_DROP_TTL_EXPIRED, TTL_EXCEEDED},
		{"no route, LAN", {LAN, "10.1.1.10", "203.0.113.9"}, DP_DROP_NO_ROUTE, NET},
		{"no route, spoke", {SPOKE12, "10.1.12.1", "203.0.113.9"}, DP_DROP_NO_ROUTE, NET},
		{"no binding of a gateway",
		 {SPOKE11, "10.1.11.1", "10.1.13.1"},
		 DP_DROP_NO_BINDING,
		 HOST},
		{"no binding of a host",
		 {LAN, "10.1.1.10", "10.255.0.99"},
		 DP_DROP_NO_BINDING,
		 HOST},
		{"DF, spoke to spoke",
		 {SPOKE11, A, .len = 1401, .flags = DF},
		 DP_DROP_TOO_BIG,
		 BIG(1400)},
		{"DF, LAN to spoke",
		 {LAN, L, .len = 1500, .flags = DF},
		 DP_DROP_TOO_BIG,
		 BIG(1400)},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct packet *f = &rows[i].packet;
		struct stage_packet quote = icmp_packet(f);
		const struct stage_result *r = icmp_send(f);

		print_message("  %s\n", rows[i].name);
		assert_int_equal(r->delta.drops[rows[i].reason], 1);
		told_check(r, f->from, &rows[i].told, senders[f->from].hub, &quote);
	}
}

/* What our own kernel sent into a tunnel: back by its twin, from the other end. */
static void test_told_to_kernel(void **state)
{
	static const struct {
		struct packet packet;
		struct told told;
	} rows[] = {
		{{TWIN, "10.255.0.1", "10.255.0.99"}, HOST},
		{{TWIN, "10.255.0.1", "10.1.13.1"}, HOST},
		{{TWIN, "10.255.0.1", "203.0.113.9"}, NET},
		{{TWIN, "10.255.0.1", "10.1.12.1", .len = 1401, .flags = DF}, BIG(1400)},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct stage_packet quote = icmp_packet(&rows[i].packet);

		told_check(icmp_send(&rows[i].packet), TWIN, &rows[i].told, rows[i].packet.dst,
			   &quote);
	}
	/* eBGP with TTL 1 is none of that. */
	assert_int_equal(icmp_send(&(struct packet){TWIN, "10.255.0.1", "10.255.0.11", 1})->wan_n,
			 1);
}

/* ---- who is not ---- */

static void test_silent(void **state)
{
	static const struct {
		const char *name;
		struct packet packet;
		enum dp_drop_reason reason;
	} rows[] = {
		{"unreachable", {LAN, L, 1, IPPROTO_ICMP, 3}, DP_DROP_TTL_EXPIRED},
		{"source quench", {LAN, L, 1, IPPROTO_ICMP, 4}, DP_DROP_TTL_EXPIRED},
		{"redirect", {LAN, L, 1, IPPROTO_ICMP, 5}, DP_DROP_TTL_EXPIRED},
		{"time exceeded", {SPOKE11, A, 1, IPPROTO_ICMP, 11}, DP_DROP_TTL_EXPIRED},
		{"parameter problem", {LAN, L, 1, IPPROTO_ICMP, 12}, DP_DROP_TTL_EXPIRED},
		{"unknown ICMP", {LAN, L, 1, IPPROTO_ICMP, 200}, DP_DROP_TTL_EXPIRED},
		{"ICMP without a type",
		 {LAN, L, 1, IPPROTO_ICMP, 8, .len = 20},
		 DP_DROP_TTL_EXPIRED},
		{"error, no route",
		 {LAN, "10.1.1.10", "203.0.113.9", 0, IPPROTO_ICMP, 3},
		 DP_DROP_NO_ROUTE},
		{"error, too big",
		 {LAN, L, 0, IPPROTO_ICMP, 3, .len = 1500, .flags = DF},
		 DP_DROP_TOO_BIG},
		{"middle fragment", {LAN, L, 1, .flags = MF | 100}, DP_DROP_TTL_EXPIRED},
		{"last fragment", {SPOKE11, A, 1, .flags = 100}, DP_DROP_TTL_EXPIRED},
		{"source is the hub", {SPOKE11, "10.255.0.1", "10.1.12.1", 1}, DP_DROP_TTL_EXPIRED},
		{"source is a broadcast address",
		 {LAN, "10.1.1.255", "10.1.12.1", 1},
		 DP_DROP_TTL_EXPIRED},
		{"source 0.0.0.0", {LAN, "0.0.0.0", "10.1.12.1", 1}, DP_DROP_MARTIAN},
		{"source 127.0.0.1", {LAN, "127.0.0.1", "10.1.12.1", 1}, DP_DROP_MARTIAN},
		{"source 224.0.0.9", {LAN, "224.0.0.9", "10.1.12.1", 1}, DP_DROP_MARTIAN},
		{"multicast", {LAN, "10.1.1.10", "239.1.1.1", 1}, DP_DROP_NO_MROUTE},
		{"blackhole", {LAN, "10.1.1.10", "10.66.1.1"}, DP_DROP_BLACKHOLE},
	};
	struct dp_route local = {.type = DP_ROUTE_LOCAL,
				 .iface = {.kind = DP_IFACE_PORT, .id = stage.lan}};
	struct dp_prefix broadcast;

	(void)state;
	assert_int_equal(dp_prefix_parse(&broadcast, "10.1.1.255/32"), 0);
	assert_int_equal(dp_fib_set(0, &broadcast, &local), 0);
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct stage_result *r = icmp_send(&rows[i].packet);

		print_message("  %s\n", rows[i].name);
		assert_int_equal(r->delta.drops[rows[i].reason], 1);
		silent_check(r);
	}
	assert_int_equal(dp_fib_del(0, &broadcast), 0);
}

/* The function itself, for packets that the line gives it only by way of replication. */
static void test_silent_destination(void **state)
{
	static const char *const rows[] = {"224.0.0.5", "239.1.2.3", "255.255.255.255"};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		struct stage_packet p =
			icmp_packet(&(struct packet){LAN, "10.255.0.1", rows[i], 1});
		struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);
		uint64_t dropped = stage.w->stats.drops[DP_DROP_NO_UNDERLAY_ROUTE];

		assert_non_null(m);
		memcpy(rte_pktmbuf_append(m, p.len), p.bytes, p.len);
		*dp_meta(m) = (struct dp_meta){
			.kind = DP_KIND_IP, .flags = DP_META_FROM_TWIN, .tunnel = stage.tunnel100};
		stage.w->stats.copied_pkts++;
		icmp_refuse(stage.w, m, DP_DROP_NO_UNDERLAY_ROUTE);
		silent_check(stage_later(0));
		assert_int_equal(stage.w->stats.drops[DP_DROP_NO_UNDERLAY_ROUTE], dropped + 1);
	}
}

/* RFC 1812 section 5.3.4: what came as link-layer broadcast goes nowhere, and nobody is told. */
static void test_link_broadcast(void **state)
{
	static const uint8_t macs[][6] = {{255, 255, 255, 255, 255, 255}, {1, 0, 0x5e, 1, 1, 1}};

	(void)state;
	for (size_t i = 0; i < ROWS(macs); i++) {
		struct stage_packet p =
			stage_eth(stage.lan, 0x0800, icmp_packet(&(struct packet){LAN, L, 1}));
		const struct stage_result *r;

		memcpy(p.bytes, macs[i], 6);
		r = stage_run(stage.lan, &p, 1);
		assert_int_equal(r->delta.drops[DP_DROP_LINK_BROADCAST], 1);
		silent_check(r);
		/* For us, or for a group: no business of that rule. */
		p = stage_eth(stage.lan, 0x0800,
			      icmp_packet(&(struct packet){LAN, "10.1.1.10", "10.1.1.1", 1}));
		memcpy(p.bytes, macs[i], 6);
		assert_int_equal(stage_run(stage.lan, &p, 1)->punted_n, 1);
		p = stage_eth(stage.lan, 0x0800,
			      icmp_packet(&(struct packet){LAN, "10.1.1.10", "239.1.1.1"}));
		memcpy(p.bytes, macs[i], 6);
		r = stage_run(stage.lan, &p, 1);
		assert_int_equal(r->delta.drops[DP_DROP_NO_MROUTE], 1);
	}
}

/* The way back is closed, too: one error, and none about it. */
static void test_no_error_about_error(void **state)
{
	const struct stage_result *r;

	(void)state;
	r = icmp_send(&(struct packet){SPOKE11, "10.1.13.5", "10.1.12.1", 1});
	assert_int_equal(r->delta.drops[DP_DROP_TTL_EXPIRED], 1);
	assert_int_equal(r->delta.drops[DP_DROP_NO_BINDING], 1);
	assert_int_equal(r->delta.generated_pkts, 1);
	assert_int_equal(r->wan_n + r->lan_n + r->punted_n, 0);
}

#define ICMP_TEST(f) cmocka_unit_test_setup(f, icmp_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ICMP_TEST(test_told),           ICMP_TEST(test_told_to_kernel),
		ICMP_TEST(test_silent),         ICMP_TEST(test_silent_destination),
		ICMP_TEST(test_link_broadcast), ICMP_TEST(test_no_error_about_error),
	};

	return cmocka_run_group_tests_name("icmp", tests, stage_setup, stage_teardown);
}
