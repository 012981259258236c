/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policing of what goes to the control core: which class a packet belongs to, what a source and a
 * class may send, and what a flood costs the others: nothing.
 */
#include "stage.h"

#include <rte_ip.h>
#include <rte_random.h>

#include "dataplane/police.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

static int full_buckets(void **state)
{
	(void)state;
	stage_clock_move(10 * 1000000);
	return 0;
}

/* ---- packets ---- */

struct frame {
	uint16_t port;
	struct stage_packet packet;
};

enum via { LAN, WAN, SPOKE11, SPOKE12, STRANGER };

static const char *const nbmas[] = {
	[SPOKE11] = "192.0.2.11", [SPOKE12] = "192.0.2.12", [STRANGER] = "198.51.100.7"};

/* In the tunnel from `via`, or as it is on a port. */
static struct frame frame_ip(enum via via, uint16_t protocol, struct stage_packet p)
{
	if (via == LAN)
		return (struct frame){stage.lan, stage_eth(stage.lan, 0x0800, p)};
	if (via != WAN)
		p = stage_outer(nbmas[via], "192.0.2.1", stage_gre(0x2000, 42, protocol, p));
	return (struct frame){stage.wan, stage_eth(stage.wan, 0x0800, p)};
}

static struct frame ip(enum via via, const char *src, const char *dst, uint8_t protocol)
{
	struct stage_ip f = {.src = src, .dst = dst, .protocol = protocol};

	return frame_ip(via, 0x0800, stage_ip(f));
}

/* The same with ports, behind the 20 bytes of its IP header. */
static struct frame ports(struct frame f, bool tunnel, uint16_t from, uint16_t to)
{
	uint8_t *p = f.packet.bytes + 14 + (tunnel ? 28 : 0) + 20;

	p[0] = (uint8_t)(from >> 8);
	p[1] = (uint8_t)from;
	p[2] = (uint8_t)(to >> 8);
	p[3] = (uint8_t)to;
	return f;
}

static struct frame fragment(struct frame f)
{
	f.packet.bytes[14 + 7] = 100;
	stage_ip_fix(&f.packet, 14);
	return f;
}

static struct frame nhrp(enum via via)
{
	struct stage_packet p = {.len = 92};

	return frame_ip(via, 0x2001, p);
}

static struct frame ethernet(uint16_t ethertype, uint8_t mac)
{
	struct stage_packet p = {.len = 46};
	struct frame f = {stage.wan, stage_eth(stage.wan, ethertype, p)};

	f.packet.bytes[11] = mac;
	return f;
}

static const struct stage_result *run(const struct frame *f, unsigned n)
{
	struct stage_packet packets[DP_BURST];

	for (unsigned i = 0; i < n; i++)
		packets[i] = f->packet;
	return stage_run(f->port, packets, n);
}

/* How many of n in one moment reach the control core; the others must die for `reason`. */
static unsigned punted_of(const struct frame *f, unsigned n, enum dp_drop_reason reason)
{
	unsigned punted = 0;

	while (n > 0) {
		unsigned burst = RTE_MIN(n, (unsigned)DP_BURST);
		const struct stage_result *r = run(f, burst);

		assert_int_equal(r->punted_n + r->delta.drops[reason], burst);
		assert_int_equal(r->delta.punted_pkts, r->punted_n);
		punted += r->punted_n;
		n -= burst;
	}
	return punted;
}

/* ---- classes and sources ---- */

#define HUB "192.0.2.1"  /* underlay */
#define OVL "10.255.0.1" /* overlay */
#define W   WAN, "192.0.2.11", HUB
#define S   SPOKE11, "10.255.0.11", OVL

static void test_classes(void **state)
{
	const struct {
		const char *name;
		enum police_class class;
		struct frame frame;
	} rows[] = {
		{"NHRP of a spoke", POLICE_NHRP, nhrp(SPOKE11)},
		{"NHRP of a stranger", POLICE_NHRP_NEW, nhrp(STRANGER)},
		{"ARP", POLICE_ARP, ethernet(0x0806, 1)},
		{"OSPF hello, underlay", POLICE_ROUTING, ip(WAN, "192.0.2.11", "224.0.0.5", 89)},
		{"OSPF in the tunnel", POLICE_ROUTING, ip(S, 89)},
		{"EIGRP", POLICE_ROUTING, ip(SPOKE11, "10.255.0.11", "224.0.0.10", 88)},
		{"PIM", POLICE_ROUTING, ip(LAN, "10.1.1.10", "224.0.0.13", 103)},
		{"VRRP", POLICE_ROUTING, ip(LAN, "10.1.1.10", "224.0.0.18", 112)},
		{"BGP, theirs", POLICE_ROUTING, ports(ip(S, IPPROTO_TCP), true, 40000, 179)},
		{"BGP, ours", POLICE_ROUTING, ports(ip(S, IPPROTO_TCP), true, 179, 40000)},
		{"BFD", POLICE_ROUTING, ports(ip(S, IPPROTO_UDP), true, 49152, 3784)},
		{"BFD echo", POLICE_ROUTING, ports(ip(S, IPPROTO_UDP), true, 49152, 3785)},
		{"BFD multihop", POLICE_ROUTING, ports(ip(S, IPPROTO_UDP), true, 49152, 4784)},
		{"RIP", POLICE_ROUTING,
		 ports(ip(LAN, "10.1.1.10", "224.0.0.9", IPPROTO_UDP), false, 520, 520)},
		{"IKE", POLICE_IKE, ports(ip(W, IPPROTO_UDP), false, 500, 500)},
		{"IKE behind NAT", POLICE_IKE, ports(ip(W, IPPROTO_UDP), false, 1024, 4500)},
		{"IKE, later fragment", POLICE_IKE, fragment(ip(W, IPPROTO_UDP))},
		{"ICMP, underlay", POLICE_ICMP, ip(W, IPPROTO_ICMP)},
		{"ICMP, overlay", POLICE_ICMP, ip(S, IPPROTO_ICMP)},
		{"ICMP, LAN", POLICE_ICMP, ip(LAN, "10.1.1.10", "10.1.1.1", IPPROTO_ICMP)},
		{"ssh", POLICE_OTHER,
		 ports(ip(LAN, "10.1.1.10", "10.1.1.1", IPPROTO_TCP), false, 40000, 22)},
		{"SNMP", POLICE_OTHER, ports(ip(S, IPPROTO_UDP), true, 40000, 161)},
		{"TCP, later fragment", POLICE_OTHER, fragment(ip(W, IPPROTO_TCP))},
		{"no ports", POLICE_OTHER,
		 frame_ip(WAN, 0, stage_ip((struct stage_ip){"192.0.2.11", HUB, .len = 22}))},
		{"IGMP", POLICE_OTHER, ip(LAN, "10.1.1.10", "224.0.0.22", 2)},
		{"broadcast", POLICE_OTHER, ip(LAN, "10.1.1.10", "255.255.255.255", IPPROTO_UDP)},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct police_rate *rate = &police_rates[rows[i].class];
		unsigned more = 2 * rate->source_pps / 1000 + 1; /* tokens of 2 ms, and one */

		print_message("  %s\n", rows[i].name);
		full_buckets(NULL);
		/* The burst differs between classes, or the name of the drop does. */
		assert_int_equal(
			punted_of(&rows[i].frame, rate->source_burst_pkts + 40, rate->reason),
			rate->source_burst_pkts);
		stage_clock_move(100000);
		assert_int_equal(
			punted_of(&rows[i].frame, rate->source_pps / 10 + more, rate->reason),
			RTE_MIN(rate->source_pps / 10, rate->source_burst_pkts));
	}
}

/* 3,000 sources of one /16, one packet each: none is stopped as a source, all together are. */
static void test_class(void **state)
{
	const struct police_rate *rate = &police_rates[POLICE_ICMP];
	struct frame f = ip(LAN, "10.1.1.10", "10.1.1.1", IPPROTO_ICMP);
	unsigned punted = 0;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		f.packet.bytes[14 + 14] = (uint8_t)(i >> 8);
		f.packet.bytes[14 + 15] = (uint8_t)i;
		stage_ip_fix(&f.packet, 14);
		punted += punted_of(&f, 1, DP_DROP_POLICED_ICMP);
	}
	assert_int_equal(punted, rate->burst_pkts);
	/* Another class has its own. */
	f = ethernet(0x0806, 1);
	assert_int_equal(punted_of(&f, 1, DP_DROP_POLICED_ARP), 1);
}

/* 100 sources at once, each with all of its burst: nobody pays for another. */
static void test_sources_apart(void **state)
{
	unsigned burst = police_rates[POLICE_NHRP_NEW].source_burst_pkts, punted = 0;
	struct frame f = nhrp(STRANGER);

	(void)state;
	/* The places of sources are random: the same ones in every run. */
	rte_srand(1);
	police_fini(stage.w);
	assert_int_equal(police_init(stage.w), 0);
	for (unsigned i = 0; i < 100; i++) {
		uint32_t src = (uint32_t)rte_rand();

		memcpy(f.packet.bytes + 14 + 12, &src, sizeof(src));
		stage_ip_fix(&f.packet, 14);
		punted += punted_of(&f, burst, DP_DROP_POLICED_NHRP);
	}
	assert_int_equal(punted, 100 * burst);
}

static void test_table(void **state)
{
	uint32_t twins = 0, nhrp_sum = 0;

	(void)state;
	for (unsigned i = 0; i < POLICE_CLASSES; i++) {
		const struct police_rate *r = &police_rates[i];

		/* One source alone can neither empty its class nor live without it. */
		assert_in_range(r->source_pps, 1, r->pps / 2);
		assert_in_range(r->source_burst_pkts, 1, r->burst_pkts / 2);
		if (i == POLICE_NHRP || i == POLICE_NHRP_NEW)
			nhrp_sum += r->burst_pkts;
		else if (i != POLICE_ICMP_ERRORS)
			twins += r->burst_pkts;
	}
	assert_in_range(twins, 1, rte_ring_get_capacity(stage.w->punt));
	assert_in_range(nhrp_sum, 1, rte_ring_get_capacity(stage.w->nhrp));
	/* All spokes of a large hub, in one moment, after it was restarted. */
	assert_in_range(police_rates[POLICE_NHRP_NEW].burst_pkts, 10000, UINT32_MAX);
}

/* ---- floods ---- */

#define FLOOD  0xaa /* last byte of a packet: whose it is */
#define VICTIM 0xbb

static struct stage_packet marked(const struct frame *f, uint8_t mark)
{
	struct stage_packet p = f->packet;

	p.bytes[p.len - 1] = mark;
	return p;
}

/*
 * A quarter of a second at 1 M packets per second, one in 32 of them transit, and every 8 ms one of
 * the victim, of the same class: transit and victim lose nothing, the flood gets its source's
 * share.
 */
static void flood(const struct frame *by,
		  const struct frame *victim,
		  const struct police_rate *rate)
{
	struct stage_packet in[DP_BURST],
		transit = stage_from_spoke("192.0.2.11",
					   stage_ip((struct stage_ip){"10.1.11.1", "10.1.12.1"}));
	unsigned flooded = 0, victims = 0, bursts = 250000 / DP_BURST;
	const struct stage_result *r;

	assert_int_equal(by->port, stage.wan);
	for (unsigned i = 0; i < DP_BURST; i++)
		in[i] = marked(by, FLOOD);
	in[7] = transit;
	for (unsigned b = 0; b < bursts; b++) {
		in[20] = b % 250 == 0 ? marked(victim, VICTIM) : marked(by, FLOOD);
		r = stage_run(stage.wan, in, DP_BURST);
		assert_int_equal(r->wan_n, 1);
		for (unsigned i = 0; i < r->punted_n; i++) {
			uint8_t mark = r->punted[i].bytes[r->punted[i].len - 1];

			flooded += mark == FLOOD;
			victims += mark == VICTIM;
		}
		stage_clock_move(DP_BURST);
	}
	assert_int_equal(victims, (bursts + 249) / 250);
	if (rate == NULL)
		assert_int_equal(flooded, 0);
	else
		assert_in_range(flooded, rate->source_burst_pkts,
				rate->source_burst_pkts + rate->source_pps / 4 + 1);
}

static void test_floods(void **state)
{
	const struct {
		const char *name;
		struct frame by, victim;
		int class; /* -1: none of it may pass */
	} rows[] = {
		{"NHRP of a spoke", nhrp(SPOKE11), nhrp(SPOKE12), POLICE_NHRP},
		{"NHRP of a stranger", nhrp(STRANGER), nhrp(SPOKE12), POLICE_NHRP_NEW},
		{"ARP", ethernet(0x0806, 1), ethernet(0x0806, 2), POLICE_ARP},
		{"ICMP, underlay", ip(WAN, "192.0.2.11", HUB, IPPROTO_ICMP),
		 ip(WAN, "192.0.2.12", HUB, IPPROTO_ICMP), POLICE_ICMP},
		{"ICMP, overlay", ip(SPOKE11, "10.1.11.1", OVL, IPPROTO_ICMP),
		 ip(SPOKE12, "10.1.12.1", OVL, IPPROTO_ICMP), POLICE_ICMP},
		{"TCP to us", ip(SPOKE11, "10.1.11.1", OVL, IPPROTO_TCP),
		 ip(SPOKE12, "10.1.12.1", OVL, IPPROTO_TCP), POLICE_OTHER},
		{"unknown ethertype", ethernet(0x88cc, 1), ethernet(0x0806, 1), -1},
	};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		print_message("  %s\n", rows[i].name);
		full_buckets(NULL);
		flood(&rows[i].by, &rows[i].victim,
		      rows[i].class < 0 ? NULL : &police_rates[rows[i].class]);
	}
}

/* Registrations under invented addresses empty the bucket of strangers. A spoke that is registered
 * has nothing to do with that. */
static void test_invented_sources(void **state)
{
	struct frame f = nhrp(STRANGER), spoke = nhrp(SPOKE12);
	unsigned punted = 0;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		f.packet.bytes[14 + 13] = (uint8_t)(i >> 16);
		f.packet.bytes[14 + 14] = (uint8_t)(i >> 8);
		f.packet.bytes[14 + 15] = (uint8_t)i;
		stage_ip_fix(&f.packet, 14);
		punted += punted_of(&f, 1, DP_DROP_POLICED_NHRP);
	}
	assert_int_equal(punted, police_rates[POLICE_NHRP_NEW].burst_pkts);
	assert_int_equal(punted_of(&spoke, 50, DP_DROP_POLICED_NHRP), 50);
}

#define POLICE_TEST(f) cmocka_unit_test_setup(f, full_buckets)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POLICE_TEST(test_classes),       POLICE_TEST(test_class),
		POLICE_TEST(test_sources_apart), POLICE_TEST(test_table),
		POLICE_TEST(test_floods),        POLICE_TEST(test_invented_sources),
	};

	return cmocka_run_group_tests_name("police", tests, stage_setup, stage_teardown);
}
