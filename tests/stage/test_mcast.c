/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multicast: who gets what, from the twin, from LAN ports, from spokes; TTL, MTU and DF; the queue
 * of each tunnel; counters. Many members: test_mcast_scale.c.
 */
#include "stage.h"

#include <rte_ip.h>

#include "dataplane/dp_mcast.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/neigh.h"
#include "dataplane/spoke.h"
#include "dataplane/stages.h"

#define COPIES_PER_TURN 64 /* as mcast.c */
#define OUTER           14
#define INNER100        (14 + 28)
#define INNER200        (14 + 24)
#define DF              RTE_BE16(RTE_IPV4_HDR_DF_FLAG)

static uint32_t bit_1, bit_2; /* 239.1.0.0/16 and 239.1.1.1/32 in Tunnel100 */

static struct dp_prefix prefix(const char *text)
{
	struct dp_prefix p;

	assert_int_equal(dp_prefix_parse(&p, text), 0);
	return p;
}

static int lan_add(uint16_t tunnel, const char *text)
{
	struct dp_prefix p = prefix(text);

	return dp_mcast_lan_add(tunnel, &p);
}

static int group_add(uint16_t tunnel, const char *text, uint32_t *bit)
{
	struct dp_prefix p = prefix(text);

	return dp_mcast_group_add(tunnel, &p, bit);
}

static int setup(void **state)
{
	stage_setup(state);
	assert_int_equal(group_add(stage.tunnel100, "239.1.0.0/16", &bit_1), 0);
	assert_int_equal(group_add(stage.tunnel100, "239.1.1.1/32", &bit_2), 0);
	assert_int_equal(lan_add(stage.tunnel100, "239.0.0.0/8"), 0);
	assert_int_equal(lan_add(stage.tunnel200, "239.2.0.0/16"), 0);
	return 0;
}

/* Everything to 11, 239.1.0.0/16 to 12; everything of the other tunnel to 21. */
static void members_set(void)
{
	assert_int_equal(dp_spoke_multicast_set(stage.spoke11, DP_MCAST_ALL | bit_2), 0);
	assert_int_equal(dp_spoke_multicast_set(stage.spoke12, bit_1), 0);
	assert_int_equal(dp_spoke_multicast_set(stage.spoke21, DP_MCAST_ALL), 0);
}

static void members_clear(void)
{
	dp_spoke_multicast_set(stage.spoke11, 0);
	dp_spoke_multicast_set(stage.spoke12, 0);
	dp_spoke_multicast_set(stage.spoke21, 0);
}

static struct dp_mcast_info info(uint16_t tunnel)
{
	struct dp_mcast_info i;

	assert_int_equal(dp_mcast_info_get(tunnel, &i), 0);
	return i;
}

/* ---- ways ---- */

enum from { TWIN100, TWIN200, LAN, WAN, SPOKE11 };
#define TO_11   0x1
#define TO_12   0x2
#define TO_21   0x4
#define TO_TWIN (-2)
#define DROPPED (-1)

static const struct way {
	const char *what;
	enum from from;
	struct stage_ip ip;
	rte_be16_t fragment_offset;
	int to; /* TO_* */
	enum dp_drop_reason reason;
	unsigned pieces; /* for each spoke; 0: 1 */
} ways[] = {
	{"twin, link-local", TWIN100, {.dst = "224.0.0.5", .ttl = 1}, 0, TO_11},
	{"twin, broadcast", TWIN100, {.dst = "255.255.255.255", .ttl = 1}, 0, TO_11},
	{"twin, group of two", TWIN100, {.dst = "239.1.2.3"}, 0, TO_11 | TO_12},
	{"twin, member twice", TWIN100, {.dst = "239.1.1.1"}, 0, TO_11 | TO_12},
	{"twin, group of all", TWIN100, {.dst = "239.9.9.9"}, 0, TO_11},
	{"twin of another tunnel", TWIN200, {.dst = "239.1.1.1"}, 0, TO_21},
	{"LAN", LAN, {.dst = "239.1.2.3"}, 0, TO_11 | TO_12},
	{"LAN, one member", LAN, {.dst = "239.255.0.1", .ttl = 2}, 0, TO_11},
	{"LAN, both tunnels", LAN, {.dst = "239.2.2.2"}, 0, TO_11 | TO_21},
	{"LAN, not configured", LAN, {.dst = "238.1.1.1"}, 0, DROPPED, DP_DROP_NO_MROUTE},
	{"LAN, link-local", LAN, {.dst = "224.0.0.5", .ttl = 1}, 0, TO_TWIN},
	{"LAN, TTL over", LAN, {.dst = "239.1.1.1", .ttl = 1}, 0, DROPPED, DP_DROP_TTL_EXPIRED},
	{"LAN, invented source",
	 LAN,
	 {.src = "127.0.0.1", .dst = "239.1.1.1"},
	 0,
	 DROPPED,
	 DP_DROP_MARTIAN},
	{"LAN, as long as the MTU", LAN, {.dst = "239.1.1.1", .len = 1400}, DF, TO_11 | TO_12},
	{"LAN, longer, DF", LAN, {.dst = "239.1.1.1", .len = 1401}, DF, DROPPED, DP_DROP_TOO_BIG},
	{"LAN, longer", LAN, {.dst = "239.1.1.1", .len = 1500}, 0, TO_11 | TO_12, 0, 2},
	{"twin, longer", TWIN100, {.dst = "224.0.0.5", .len = 1500}, 0, TO_11, 0, 2},
	{"underlay port", WAN, {.dst = "239.1.1.1"}, 0, DROPPED, DP_DROP_TRANSIT_UNDERLAY},
	{"spoke", SPOKE11, {.dst = "239.1.1.1"}, 0, DROPPED, DP_DROP_NO_MROUTE},
	{"spoke, link-local", SPOKE11, {.dst = "224.0.0.5", .ttl = 1}, 0, TO_TWIN},
};

static const struct stage_result *feed(const struct way *way, const struct stage_packet *ip)
{
	struct stage_packet frame = *ip;

	switch (way->from) {
	case TWIN100:
		return stage_inject(DP_KIND_IP, stage.tunnel100, ip);
	case TWIN200:
		return stage_inject(DP_KIND_IP, stage.tunnel200, ip);
	case LAN:
		frame = stage_eth(stage.lan, 0x0800, *ip);
		break;
	case WAN:
		frame = stage_eth(stage.wan, 0x0800, *ip);
		break;
	case SPOKE11:
		frame = stage_from_spoke("192.0.2.11", *ip);
		break;
	}
	memcpy(frame.bytes, "\x01\x00\x5e\x01\x01\x01", way->from == SPOKE11 ? 0 : 6);
	return stage_run(way->from == LAN ? stage.lan : stage.wan, &frame, 1);
}

/* One copy as it left: adds to `got`, and the inner packet is what it should be. */
static void copy_check(const struct way *way,
		       const struct stage_packet *frame,
		       const struct stage_packet *ip,
		       unsigned got[3])
{
	uint8_t last = frame->bytes[OUTER + 19];
	struct stage_packet want = *ip;

	got[last == 21 ? 2 : last - 11]++;
	if (way->pieces != 0)
		return;
	if (way->from == LAN) {
		want.bytes[8]--;
		stage_ip_fix(&want, 0);
	}
	assert_memory_equal(frame->bytes + (last == 21 ? INNER200 : INNER100), want.bytes,
			    want.len);
}

static void copies_check(const struct way *way, const struct stage_packet *ip)
{
	const struct stage_result *r = stage_mcast();
	unsigned got[3] = {0}, each = way->pieces != 0 ? way->pieces : 1;

	for (unsigned i = 0; i < r->wan_n; i++)
		copy_check(way, &r->wan[i], ip, got);
	assert_int_equal(got[0], way->to & TO_11 ? each : 0);
	assert_int_equal(got[1], way->to & TO_12 ? each : 0);
	assert_int_equal(got[2], way->to & TO_21 ? each : 0);
	assert_int_equal(r->delta.held_pkts, 0);
	assert_int_equal(r->lan_n + r->punted_n, 0);
}

static void test_ways(void **state)
{
	const struct stage_result *r;

	(void)state;
	members_set();
	stage_icmp(true); /* nobody is told about multicast */
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct way *way = &ways[i];
		struct stage_ip f = way->ip;
		struct stage_packet ip;

		print_message("%s\n", way->what);
		if (f.src == NULL)
			f.src = way->from == SPOKE11 ? "10.255.0.11" : "10.1.1.10";
		ip = stage_ip(f);
		memcpy(ip.bytes + 6, &way->fragment_offset, 2);
		stage_ip_fix(&ip, 0);
		r = feed(way, &ip);
		assert_int_equal(r->wan_n + r->lan_n, 0);
		assert_int_equal(r->delta.generated_pkts, 0);
		assert_int_equal(r->punted_n, way->to == TO_TWIN);
		if (way->to == DROPPED)
			assert_int_equal(r->delta.drops[way->reason], 1);
		if (way->to > 0)
			copies_check(way, &ip);
		else
			assert_int_equal(stage.w->mcast_count, 0);
	}
	stage_icmp(false);
	members_clear();
}

/* ---- members ---- */

static unsigned copies_of(const char *group)
{
	struct stage_packet ip = stage_ip((struct stage_ip){.src = "10.255.0.1", .dst = group});

	stage_inject(DP_KIND_IP, stage.tunnel100, &ip);
	return stage_mcast()->wan_n;
}

static void test_nobody(void **state)
{
	struct stage_packet ip =
		stage_ip((struct stage_ip){.src = "10.255.0.1", .dst = "224.0.0.5"});
	struct dp_mcast_counters before = info(stage.tunnel100).counters;

	(void)state;
	stage_inject(DP_KIND_IP, stage.tunnel100, &ip);
	assert_int_equal(stage_mcast()->delta.drops[DP_DROP_MCAST_NOBODY], 1);
	assert_int_equal(dp_spoke_multicast_set(stage.spoke12, bit_1), 0);
	stage_inject(DP_KIND_IP, stage.tunnel100, &ip);
	assert_int_equal(stage_mcast()->delta.drops[DP_DROP_MCAST_NOBODY], 1);
	assert_int_equal(info(stage.tunnel100).counters.nobody - before.nobody, 2);
	members_clear();
}

static void test_members(void **state)
{
	struct dp_spoke_key key = {.tunnel = stage.tunnel100, .nbma = stage_addr("192.0.2.99")};
	uint32_t spoke, neigh;

	(void)state;
	members_set();
	assert_int_equal(info(stage.tunnel100).members, 2);
	assert_int_equal(info(stage.tunnel200).members, 1);
	assert_int_equal(copies_of("239.1.1.1"), 2);
	/* A change of groups, the same again, and out. */
	assert_int_equal(dp_spoke_multicast_set(stage.spoke12, bit_2), 0);
	assert_int_equal(dp_spoke_multicast_set(stage.spoke12, bit_2), 0);
	assert_int_equal(copies_of("239.1.2.3"), 1);
	assert_int_equal(copies_of("239.1.1.1"), 2);
	assert_int_equal(dp_spoke_multicast_set(stage.spoke12, 0), 0);
	assert_int_equal(copies_of("239.1.1.1"), 1);
	/* A spoke that has no way yet, gets one, goes. */
	assert_int_equal(dp_spoke_add(&key, &spoke), 0);
	assert_int_equal(dp_spoke_multicast_set(spoke, DP_MCAST_ALL), 0);
	assert_int_equal(copies_of("239.1.1.1"), 1);
	key.nbma = stage_addr("192.0.2.12");
	assert_int_equal(dp_neigh_get(stage.wan, &key.nbma, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(spoke, neigh), 0);
	assert_int_equal(copies_of("239.1.1.1"), 2);
	assert_int_equal(dp_spoke_del(spoke), 0);
	assert_int_equal(copies_of("239.1.1.1"), 1);
	members_clear();
	assert_int_equal(info(stage.tunnel100).members, 0);
	assert_int_equal(dp_spoke_multicast_set(63, DP_MCAST_ALL), -ENOENT);
}

static void test_groups(void **state)
{
	static const struct {
		const char *text;
		int group, lan;
	} rows[] = {
		{"10.0.0.0/8", -EINVAL, -EINVAL}, {"224.0.0.0/3", -EINVAL, -EINVAL},
		{"224.0.0.0/24", 0, -EINVAL},     {"224.0.0.251/32", 0, -EINVAL},
		{"239.1.0.0/16", 0, -EEXIST},     {"239.255.255.255/32", 0, -EEXIST},
		{"224.0.0.0/4", 0, -EEXIST},      {"238.1.0.0/16", 0, 0},
		{"238.1.1.0/24", 0, -EEXIST},     {"232.0.0.0/8", 0, 0},
	};
	uint32_t bit, same;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(group_add(stage.tunnel100, rows[i].text, &bit), rows[i].group);
		assert_int_equal(lan_add(stage.tunnel100, rows[i].text), rows[i].lan);
		if (rows[i].group < 0)
			continue;
		assert_int_equal(group_add(stage.tunnel100, rows[i].text, &same), 0);
		assert_int_equal(same, bit);
	}
	for (unsigned i = info(stage.tunnel100).groups; i < DP_MCAST_GROUPS_MAX; i++) {
		struct dp_prefix p = prefix("239.200.0.1/32");

		p.addr.bytes[2] = (uint8_t)i;
		assert_int_equal(dp_mcast_group_add(stage.tunnel100, &p, &bit), 0);
	}
	assert_int_equal(group_add(stage.tunnel100, "239.201.0.0/16", &bit), -ENOSPC);
	assert_int_equal(group_add(3, "239.201.0.0/16", &bit), -ENOENT);
	assert_int_equal(lan_add(3, "239.201.0.0/16"), -ENOENT);
}

/* What a tunnel takes from the LAN goes with it, and its place is the next one's. */
static void test_tunnel_goes(void **state)
{
	struct dp_tunnel_conf conf = {.source = stage_addr("192.0.2.1"),
				      .has_key = true,
				      .key = 77,
				      .mtu = 1400,
				      .ttl = 64,
				      .name = "Tunnel77"};
	struct stage_packet frame =
		stage_eth(stage.lan, 0x0800,
			  stage_ip((struct stage_ip){.src = "10.1.1.10", .dst = "235.1.1.1"}));
	uint16_t tunnel;

	(void)state;
	for (unsigned round = 0; round < 2 * DP_MCAST_LAN_MAX; round++) {
		assert_int_equal(dp_tunnel_add(&conf, &tunnel), 0);
		assert_int_equal(lan_add(tunnel, "235.0.0.0/8"), 0);
		assert_int_equal(dp_tunnel_del(tunnel), 0);
		dp_poll();
	}
	assert_int_equal(stage_run(stage.lan, &frame, 1)->delta.drops[DP_DROP_NO_MROUTE], 1);
	/* A packet that is still held when its tunnel goes and another one takes the handle. */
	assert_int_equal(dp_tunnel_add(&conf, &tunnel), 0);
	assert_int_equal(lan_add(tunnel, "235.0.0.0/8"), 0);
	assert_int_equal(stage_run(stage.lan, &frame, 1)->delta.held_pkts, 1);
	assert_int_equal(dp_tunnel_del(tunnel), 0);
	dp_poll();
	assert_int_equal(dp_tunnel_add(&conf, &tunnel), 0);
	assert_int_equal(stage_mcast()->delta.drops[DP_DROP_MCAST_NOBODY], 1);
	assert_int_equal(dp_tunnel_del(tunnel), 0);
	dp_poll();
}

/* ---- queues ---- */

/* A turn makes 64 copies; 16 packets of a tunnel wait beyond that, one more is dropped by name;
 * another tunnel has its own queue. */
static void test_queue(void **state)
{
	struct stage_packet hello =
		stage_ip((struct stage_ip){.src = "10.255.0.1", .dst = "224.0.0.5", .ttl = 1});
	struct dp_mcast_counters before = info(stage.tunnel100).counters, after;
	const struct stage_result *r = NULL;

	(void)state;
	members_set();
	assert_int_equal(dp_spoke_multicast_set(stage.spoke12, 0), 0);
	for (unsigned i = 0; i < COPIES_PER_TURN + DP_MCAST_JOBS; i++) {
		r = stage_inject(DP_KIND_IP, stage.tunnel100, &hello);
		assert_int_equal(r->delta.drops[DP_DROP_MCAST_FULL], 0);
	}
	r = stage_inject(DP_KIND_IP, stage.tunnel100, &hello);
	assert_int_equal(r->delta.drops[DP_DROP_MCAST_FULL], 1);
	r = stage_inject(DP_KIND_IP, stage.tunnel200, &hello);
	assert_int_equal(r->delta.drops[DP_DROP_MCAST_FULL], 0);
	assert_int_equal(r->delta.held_pkts, DP_MCAST_JOBS + 1);
	r = stage_mcast();
	assert_int_equal(r->wan_n, DP_MCAST_JOBS + 1);
	after = info(stage.tunnel100).counters;
	assert_int_equal(after.packets - before.packets, COPIES_PER_TURN + DP_MCAST_JOBS);
	assert_int_equal(after.copies - before.copies, COPIES_PER_TURN + DP_MCAST_JOBS);
	assert_int_equal(after.full - before.full, 1);
	/* What a stopping worker finds in its queues. */
	stage_inject(DP_KIND_IP, stage.tunnel200, &hello);
	stage_inject(DP_KIND_IP, stage.tunnel100, &hello);
	mcast_flush(stage.w);
	r = stage_mcast();
	assert_int_equal(r->delta.held_pkts, 0);
	assert_int_equal(stage.w->stats.drops[DP_DROP_SHUTDOWN], 2);
	members_clear();
}

/* Copies that wait for their neighbours leave half of the queue to packets that are forwarded. */
static void test_neighbours(void **state)
{
	struct dp_spoke_key key = {.tunnel = stage.tunnel200};
	struct stage_packet hello =
		stage_ip((struct stage_ip){.src = "10.255.1.1", .dst = "224.0.0.5", .ttl = 1});
	const struct stage_result *r;
	uint32_t spokes[40], neigh;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		key.nbma = dp_addr_ip4(RTE_BE32(0xc0000280) + rte_cpu_to_be_32(i));
		assert_int_equal(dp_spoke_add(&key, &spokes[i]), 0);
		assert_int_equal(dp_neigh_get(stage.wan, &key.nbma, &neigh), 0);
		assert_int_equal(dp_spoke_neigh_set(spokes[i], neigh), 0);
		assert_int_equal(dp_spoke_multicast_set(spokes[i], DP_MCAST_ALL), 0);
	}
	stage_inject(DP_KIND_IP, stage.tunnel200, &hello);
	r = stage_mcast();
	assert_int_equal(r->delta.held_pkts, DP_NEIGHQ_LEN / 2);
	assert_int_equal(r->delta.drops[DP_DROP_NEIGH_QUEUE_FULL], 40 - DP_NEIGHQ_LEN / 2);
	neigh_queue_flush(stage.w);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(dp_spoke_del(spokes[i]), 0);
	dp_poll();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),        cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_members),     cmocka_unit_test(test_groups),
		cmocka_unit_test(test_tunnel_goes), cmocka_unit_test(test_queue),
		cmocka_unit_test(test_neighbours),
	};

	return cmocka_run_group_tests_name("mcast", tests, setup, stage_teardown);
}
