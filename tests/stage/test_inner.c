/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to the inner packet and what the outer header says of it: ECN and DSCP, DF and ID,
 * TCP MSS, source check, GRE keep-alives.
 */
#include "stage.h"

#include <errno.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/mss.h"
#include "dataplane/spoke.h"
#include "dataplane/stages.h"

#define IP(...) stage_ip((struct stage_ip){__VA_ARGS__})
#define OUTER   14 /* offsets in a frame of a tunnel with key */
#define INNER   (OUTER + 28)

static struct rte_ipv4_hdr header(const struct stage_packet *p, unsigned offset)
{
	struct rte_ipv4_hdr ip;

	memcpy(&ip, p->bytes + offset, sizeof(ip));
	assert_int_equal(rte_raw_cksum(p->bytes + offset, sizeof(ip)), 0xffff);
	return ip;
}

static struct stage_packet with_tos(struct stage_packet p, unsigned offset, uint8_t tos)
{
	p.bytes[offset + 1] = tos;
	stage_ip_fix(&p, offset);
	return p;
}

/* RFC 6040 figure 4: inner (rows) by outer (columns), in the order Not-ECT, ECT(1), ECT(0), CE. */
static void test_ecn_decapsulation(void **state)
{
	enum { DROP = 4 };
	static const uint8_t expect[4][4] = {
		[0] = {0, 0, 0, DROP}, [1] = {1, 1, 1, 3}, [2] = {2, 1, 2, 3}, [3] = {3, 3, 3, 3}};

	(void)state;
	for (uint8_t inner = 0; inner < 4; inner++) {
		for (uint8_t outer = 0; outer < 4; outer++) {
			struct stage_packet in = stage_from_spoke(
				"192.0.2.11", with_tos(IP(.src = "10.1.11.1", .dst = "10.1.12.1"),
						       0, 0xb8 | inner));
			const struct stage_result *r;
			struct rte_ipv4_hdr ip;

			in = with_tos(in, OUTER, outer);
			r = stage_run(stage.wan, &in, 1);
			if (expect[inner][outer] == DROP) {
				assert_int_equal(r->delta.drops[DP_DROP_ECN], 1);
				continue;
			}
			assert_int_equal(r->wan_n, 1);
			ip = header(&r->wan[0], INNER);
			assert_int_equal(ip.type_of_service, 0xb8 | expect[inner][outer]);
			/* Normal mode: the new outer header carries what the inner one says. */
			ip = header(&r->wan[0], OUTER);
			assert_int_equal(ip.type_of_service, 0xb8 | expect[inner][outer]);
		}
	}
}

static void test_df(void **state)
{
	static const struct {
		enum dp_df mode;
		bool inner, outer;
	} rows[] = {{DP_DF_SET, false, true},    {DP_DF_SET, true, true},
		    {DP_DF_COPY, false, false},  {DP_DF_COPY, true, true},
		    {DP_DF_CLEAR, false, false}, {DP_DF_CLEAR, true, false}};
	struct adj *a = &adjs[spoke_adj(stage.spoke12)];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage_packet inner = IP(.src = "10.1.11.1", .dst = "10.1.12.1");
		struct stage_packet in[2];
		const struct stage_result *r;
		struct rte_ipv4_hdr first, second;

		inner.bytes[6] = rows[i].inner ? 0x40 : 0;
		stage_ip_fix(&inner, 0);
		in[0] = in[1] = stage_from_spoke("192.0.2.11", inner);
		a->df = (uint8_t)rows[i].mode;
		r = stage_run(stage.wan, in, 2);
		first = header(&r->wan[0], OUTER);
		second = header(&r->wan[1], OUTER);
		assert_int_equal(first.fragment_offset, rows[i].outer ? RTE_BE16(0x4000) : 0);
		if (!rows[i].outer)
			assert_int_not_equal(first.packet_id, second.packet_id);
	}
	a->df = DP_DF_SET;
}

/* A TCP SYN with MSS 1460, after `nops` NOP options so that it may stand at an odd offset. */
static struct stage_packet syn(const char *src, const char *dst, uint8_t flags, unsigned nops)
{
	struct stage_packet p = IP(.src = src, .dst = dst, .protocol = IPPROTO_TCP, .len = 20 + 28);
	struct rte_tcp_hdr tcp = {.data_off = (28 / 4) << 4, .tcp_flags = flags};
	struct rte_ipv4_hdr ip;

	memset(p.bytes + 20, 0, 28);
	memcpy(p.bytes + 20, &tcp, sizeof(tcp));
	memset(p.bytes + 40, 1, nops);
	memcpy(p.bytes + 40 + nops, "\x02\x04\x05\xb4", 4);
	memcpy(&ip, p.bytes, sizeof(ip));
	tcp.cksum = rte_ipv4_udptcp_cksum(&ip, p.bytes + 20);
	memcpy(p.bytes + 20, &tcp, sizeof(tcp));
	return p;
}

static void tcp_checksum_check(const struct rte_ipv4_hdr *ip, const uint8_t *bytes)
{
	uint8_t tcp[28];
	uint16_t sum;

	memcpy(tcp, bytes, sizeof(tcp));
	memcpy(&sum, tcp + 16, sizeof(sum));
	memset(tcp + 16, 0, sizeof(sum));
	assert_int_equal(sum, rte_ipv4_udptcp_cksum(ip, tcp));
}

static void test_mss(void **state)
{
	static const struct {
		const char *name;
		bool from_lan;
		const char *dst;
		uint8_t flags;
		unsigned nops;
		uint16_t mss; /* afterwards */
	} rows[] = {
		{"spoke to LAN", false, "10.1.1.10", 0x02, 0, 1360},
		{"SYN-ACK, LAN to spoke", true, "10.1.11.1", 0x12, 0, 1360},
		{"spoke to spoke", false, "10.1.12.1", 0x02, 2, 1360},
		{"odd offset", false, "10.1.1.10", 0x02, 1, 1360},
		{"odd offset again", false, "10.1.1.10", 0x02, 3, 1360},
		{"no SYN", false, "10.1.1.10", 0x10, 0, 1460},
	};

	(void)state;
	tunnels[stage.tunnel100].conf.adjust_mss = 1360;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage_packet inner = syn(rows[i].from_lan ? "10.1.1.10" : "10.1.11.1",
						rows[i].dst, rows[i].flags, rows[i].nops);
		struct stage_packet in = rows[i].from_lan ? stage_eth(stage.lan, 0x0800, inner)
							  : stage_from_spoke("192.0.2.11", inner);
		const struct stage_result *r =
			stage_run(rows[i].from_lan ? stage.lan : stage.wan, &in, 1);
		const struct stage_packet *out = r->lan_n ? &r->lan[0] : &r->wan[0];
		unsigned at = r->lan_n ? 14 : INNER;
		struct rte_ipv4_hdr ip = header(out, at);
		const uint8_t *option = out->bytes + at + 40 + rows[i].nops;

		print_message("  %s\n", rows[i].name);
		assert_int_equal(r->lan_n + r->wan_n, 1);
		assert_int_equal(option[2] << 8 | option[3], rows[i].mss);
		tcp_checksum_check(&ip, out->bytes + at + 20);
	}
	tunnels[stage.tunnel100].conf.adjust_mss = 0;
}

/* Options that lie about their length, or a header that does: nothing is read beyond, or changed.
 */
static void test_mss_malformed(void **state)
{
	static const struct {
		uint8_t data_off, options[8];
		uint32_t len;
	} rows[] = {
		{0x70, {2, 4, 5}, 23},
		{0x70, {3, 0, 0, 2, 4, 5, 0xb4}, 28},
		{0x70, {3, 1, 2, 4, 5, 0xb4}, 28},
		{0x70, {8, 200, 2, 4, 5, 0xb4}, 28},
		{0x40, {2, 4, 5, 0xb4}, 28},
		{0xf0, {2, 4, 5, 0xb4}, 28},
		{0x70, {0, 2, 4, 5, 0xb4}, 28},
		{0x70, {1, 1, 1, 1, 1, 1, 1, 2}, 28},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t *tcp = calloc(1, rows[i].len); /* on the heap: ASan sees its end */

		assert_non_null(tcp);
		tcp[12] = rows[i].data_off;
		tcp[13] = 2;
		memcpy(tcp + 20, rows[i].options, RTE_MIN(rows[i].len - 20, 8U));
		assert_false(tcp_mss_clamp(tcp, rows[i].len, 1000));
		free(tcp);
	}
}

static void test_source_check(void **state)
{
	static const struct {
		enum dp_source_check mode;
		const char *src;
		enum dp_drop_reason reason; /* DP_DROP_COUNT: forwarded */
	} rows[] = {
		{DP_SOURCE_CHECK_OFF, "10.255.0.12", DP_DROP_COUNT},
		{DP_SOURCE_CHECK_OWN, "10.1.11.1", DP_DROP_COUNT},
		{DP_SOURCE_CHECK_OWN, "10.255.0.11", DP_DROP_COUNT},
		{DP_SOURCE_CHECK_OWN, "10.255.0.12", DP_DROP_SOURCE_SPOKE},
		{DP_SOURCE_CHECK_OWN, "10.255.1.21", DP_DROP_SOURCE_SPOKE}, /* another tunnel's */
		{DP_SOURCE_CHECK_OWN, "10.255.0.77", DP_DROP_COUNT},        /* nobody's */
		{DP_SOURCE_CHECK_OWN, "10.255.0.1", DP_DROP_SOURCE_OURS},
		{DP_SOURCE_CHECK_OWN, "10.1.1.1", DP_DROP_SOURCE_OURS},
		{DP_SOURCE_CHECK_OWN, "192.0.2.1", DP_DROP_SOURCE_OURS},
		{DP_SOURCE_CHECK_OWN, "10.1.12.5", DP_DROP_COUNT}, /* strict's business */
		{DP_SOURCE_CHECK_STRICT, "10.1.11.1", DP_DROP_COUNT},
		{DP_SOURCE_CHECK_STRICT, "10.255.0.11", DP_DROP_COUNT},
		{DP_SOURCE_CHECK_STRICT, "10.1.12.5", DP_DROP_SOURCE_ROUTE},
		{DP_SOURCE_CHECK_STRICT, "172.31.1.1", DP_DROP_SOURCE_ROUTE},
		{DP_SOURCE_CHECK_STRICT, "10.255.0.1", DP_DROP_SOURCE_OURS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage_packet in =
			stage_from_spoke("192.0.2.11", IP(.src = rows[i].src, .dst = "10.1.1.10"));
		const struct stage_result *r;

		tunnels[stage.tunnel100].conf.source_check = (uint8_t)rows[i].mode;
		r = stage_run(stage.wan, &in, 1);
		print_message("  %s\n", rows[i].src);
		assert_int_equal(r->lan_n, rows[i].reason == DP_DROP_COUNT);
		if (rows[i].reason != DP_DROP_COUNT)
			assert_int_equal(r->delta.drops[rows[i].reason], 1);
	}
	tunnels[stage.tunnel100].conf.source_check = DP_SOURCE_CHECK_OFF;
}

/* A hub over us may send what is another's, and what a way by it stands for may come from
 * elsewhere; nobody may be us. */
static void test_source_transit(void **state)
{
	static const struct {
		enum dp_source_check mode;
		uint32_t *transit;
		const char *src;
		enum dp_drop_reason reason; /* DP_DROP_COUNT: forwarded */
	} rows[] = {
		{DP_SOURCE_CHECK_OWN, NULL, "10.255.0.12", DP_DROP_SOURCE_SPOKE},
		{DP_SOURCE_CHECK_OWN, &stage.spoke11, "10.255.0.12", DP_DROP_COUNT},
		{DP_SOURCE_CHECK_OWN, &stage.spoke12, "10.255.0.12", DP_DROP_COUNT},
		{DP_SOURCE_CHECK_OWN, &stage.spoke21, "10.255.0.12", DP_DROP_SOURCE_SPOKE},
		{DP_SOURCE_CHECK_OWN, &stage.spoke11, "10.255.0.1", DP_DROP_SOURCE_OURS},
		{DP_SOURCE_CHECK_STRICT, NULL, "10.1.12.5", DP_DROP_SOURCE_ROUTE},
		{DP_SOURCE_CHECK_STRICT, &stage.spoke11, "10.1.12.5", DP_DROP_COUNT},
		{DP_SOURCE_CHECK_STRICT, &stage.spoke12, "10.1.12.5", DP_DROP_SOURCE_ROUTE},
		{DP_SOURCE_CHECK_STRICT, &stage.spoke11, "10.255.0.1", DP_DROP_SOURCE_OURS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage_packet in =
			stage_from_spoke("192.0.2.11", IP(.src = rows[i].src, .dst = "10.1.1.10"));
		const struct stage_result *r;

		if (rows[i].transit)
			assert_int_equal(dp_spoke_transit_set(*rows[i].transit, true), 0);
		tunnels[stage.tunnel100].conf.source_check = (uint8_t)rows[i].mode;
		r = stage_run(stage.wan, &in, 1);
		assert_int_equal(r->lan_n, rows[i].reason == DP_DROP_COUNT);
		if (rows[i].reason != DP_DROP_COUNT)
			assert_int_equal(r->delta.drops[rows[i].reason], 1);
		if (rows[i].transit)
			assert_int_equal(dp_spoke_transit_set(*rows[i].transit, false), 0);
	}
	assert_int_equal(dp_spoke_transit_set(999, true), -ENOENT);
	tunnels[stage.tunnel100].conf.source_check = DP_SOURCE_CHECK_OFF;
}

/* The filter forgets an address when its binding goes. */
static void test_source_forgotten(void **state)
{
	struct dp_addr addr = stage_addr("10.255.0.60");
	struct stage_packet in =
		stage_from_spoke("192.0.2.11", IP(.src = "10.255.0.60", .dst = "10.1.1.10"));

	(void)state;
	tunnels[stage.tunnel100].conf.source_check = DP_SOURCE_CHECK_OWN;
	assert_int_equal(dp_nexthop_set(stage.tunnel100, &addr, stage.spoke12), 0);
	assert_int_equal(stage_run(stage.wan, &in, 1)->delta.drops[DP_DROP_SOURCE_SPOKE], 1);
	assert_int_equal(dp_nexthop_set(stage.tunnel100, &addr, stage.spoke11), 0);
	assert_int_equal(stage_run(stage.wan, &in, 1)->lan_n, 1);
	assert_int_equal(dp_nexthop_del(stage.tunnel100, &addr), 0);
	assert_int_equal(stage_run(stage.wan, &in, 1)->lan_n, 1);
	tunnels[stage.tunnel100].conf.source_check = DP_SOURCE_CHECK_OFF;
}

/* Cisco's GRE keep-alive: inside the tunnel, a GRE packet of protocol 0 from us to its sender. */
static void test_keepalive(void **state)
{
	struct stage_packet answer = stage_outer(
		"192.0.2.1", "192.0.2.11", stage_gre(0x2000, 42, 0, (struct stage_packet){0}));
	struct stage_packet in = stage_from_spoke("192.0.2.11", answer);
	const struct stage_result *r;

	(void)state;
	tunnels[stage.tunnel100].conf.source_check = DP_SOURCE_CHECK_OWN;
	r = stage_run(stage.wan, &in, 1);
	assert_int_equal(r->wan_n, 1);
	assert_int_equal(r->delta.keepalives, 1);
	assert_int_equal(r->wan[0].len, 14 + answer.len);
	assert_int_equal(r->wan[0].bytes[5], 11);
	assert_memory_equal(r->wan[0].bytes + 14 + 20, answer.bytes + 20, answer.len - 20);
	assert_int_equal(header(&r->wan[0], OUTER).time_to_live, 59);
	/* To somebody else: that is forging our address. */
	in = stage_from_spoke("192.0.2.12", answer);
	r = stage_run(stage.wan, &in, 1);
	assert_int_equal(r->delta.drops[DP_DROP_SOURCE_OURS], 1);
	tunnels[stage.tunnel100].conf.source_check = DP_SOURCE_CHECK_OFF;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ecn_decapsulation),
		cmocka_unit_test(test_df),
		cmocka_unit_test(test_mss),
		cmocka_unit_test(test_mss_malformed),
		cmocka_unit_test(test_source_check),
		cmocka_unit_test(test_source_transit),
		cmocka_unit_test(test_source_forgotten),
		cmocka_unit_test(test_keepalive),
	};

	return cmocka_run_group_tests_name("inner", tests, stage_setup, stage_teardown);
}
