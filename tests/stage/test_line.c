/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The straight line, packet in, packets out: one row per case, for what arrives on a port.
 */
#include "stage.h"

#include <rte_ip.h>

enum out { OUT_WAN, OUT_LAN, OUT_TUNNEL_TWIN, OUT_PORT_TWIN, OUT_NHRP, OUT_DROP };

struct row {
	const char *name;
	struct stage_packet (*make)(void);
	bool on_lan; /* in by lan0 instead of wan0 */
	enum out out;
	enum dp_drop_reason reason;
	const char *nbma; /* OUT_WAN: outer destination */
	bool hairpin;
	bool has_no_key; /* OUT_WAN: GRE without key */
};

#define IP(...)          stage_ip((struct stage_ip){__VA_ARGS__})
#define SPOKE11_TO(...)  stage_from_spoke("192.0.2.11", IP(.src = "10.1.11.10", __VA_ARGS__))
#define GRE_FROM_11(gre) stage_eth(stage.wan, 0x0800, stage_outer("192.0.2.11", "192.0.2.1", gre))
#define LAN_TO(...)      stage_eth(stage.lan, 0x0800, IP(.src = "10.1.1.10", __VA_ARGS__))
#define INNER            IP(.src = "10.1.11.10", .dst = "10.1.12.10")

/* Each builder is one expression; the rows below say what must become of it. */
#define MAKE(name, expression)                \
	static struct stage_packet name(void) \
	{                                     \
		return expression;            \
	}

MAKE(hairpin, SPOKE11_TO(.dst = "10.1.12.10"))
MAKE(hairpin_connected, SPOKE11_TO(.dst = "10.255.0.12"))
MAKE(back_to_sender, SPOKE11_TO(.dst = "10.1.11.99"))
MAKE(other_cloud, SPOKE11_TO(.dst = "10.2.21.5"))
MAKE(to_lan, SPOKE11_TO(.dst = "10.1.1.10"))
MAKE(unknown_source, stage_from_spoke("192.0.2.77", IP(.src = "10.1.77.1", .dst = "10.1.12.10")))
MAKE(to_tunnel_address, SPOKE11_TO(.dst = "10.255.0.1"))
MAKE(to_lan_address, SPOKE11_TO(.dst = "10.1.1.1"))
MAKE(ospf_hello, SPOKE11_TO(.dst = "224.0.0.5", .ttl = 1))
MAKE(inner_broadcast, SPOKE11_TO(.dst = "255.255.255.255", .ttl = 1))
MAKE(inner_multicast, SPOKE11_TO(.dst = "239.1.1.1"))
MAKE(ttl_1, SPOKE11_TO(.dst = "10.1.12.10", .ttl = 1))
MAKE(ttl_1_to_us, SPOKE11_TO(.dst = "10.255.0.1", .ttl = 1))
MAKE(no_route, SPOKE11_TO(.dst = "172.16.0.1"))
MAKE(no_binding, SPOKE11_TO(.dst = "10.1.13.1"))
MAKE(no_binding_connected, SPOKE11_TO(.dst = "10.255.0.77"))
MAKE(blackhole, SPOKE11_TO(.dst = "10.66.1.1"))
MAKE(bad_inner, SPOKE11_TO(.dst = "10.1.12.10", .bad_checksum = true))
MAKE(martian_src, stage_from_spoke("192.0.2.11", IP(.src = "127.0.0.1", .dst = "10.1.12.10")))
MAKE(martian_dst, SPOKE11_TO(.dst = "127.0.0.1"))
MAKE(mtu_exactly, SPOKE11_TO(.dst = "10.1.12.10", .len = 1400))

MAKE(no_key, GRE_FROM_11(stage_gre(0, 0, 0x0800, IP(.src = "10.2.1.1", .dst = "10.2.21.1"))))
MAKE(with_checksum, GRE_FROM_11(stage_gre(0xa000, 42, 0x0800, INNER)))
MAKE(with_all_bits, GRE_FROM_11(stage_gre(0xb000, 42, 0x0800, INNER)))
MAKE(with_sequence, GRE_FROM_11(stage_gre(0x3000, 42, 0x0800, INNER)))
MAKE(wrong_key, GRE_FROM_11(stage_gre(0x2000, 43, 0x0800, INNER)))
MAKE(gre_version_1, GRE_FROM_11(stage_gre(0x2001, 42, 0x0800, INNER)))
MAKE(gre_routing_bit, GRE_FROM_11(stage_gre(0x6000, 42, 0x0800, INNER)))
MAKE(gre_recursion, GRE_FROM_11(stage_gre(0x2100, 42, 0x0800, INNER)))
MAKE(gre_ip6, GRE_FROM_11(stage_gre(0x2000, 42, 0x86dd, INNER)))
MAKE(gre_keepalive, GRE_FROM_11(stage_gre(0x2000, 42, 0, INNER)))
MAKE(nhrp, GRE_FROM_11(stage_gre(0x2000, 42, 0x2001, INNER)))
MAKE(gre_empty, GRE_FROM_11((struct stage_packet){.len = 3}))
MAKE(gre_to_others, stage_eth(stage.wan, 0x0800, stage_outer("192.0.2.11", "192.0.2.99", INNER)))

MAKE(underlay_to_us, stage_eth(stage.wan, 0x0800, IP(.src = "192.0.2.11", .dst = "192.0.2.1")))
MAKE(underlay_transit, stage_eth(stage.wan, 0x0800, IP(.src = "192.0.2.11", .dst = "10.1.1.10")))
MAKE(underlay_ospf, stage_eth(stage.wan, 0x0800, IP(.src = "192.0.2.9", .dst = "224.0.0.5")))
MAKE(arp_in, stage_eth(stage.wan, 0x0806, (struct stage_packet){.len = 28}))
MAKE(vlan, stage_eth(stage.wan, 0x8100, INNER))
MAKE(qinq, stage_eth(stage.wan, 0x88a8, INNER))
MAKE(ip6, stage_eth(stage.wan, 0x86dd, INNER))
MAKE(lldp, stage_eth(stage.wan, 0x88cc, INNER))
MAKE(runt, (struct stage_packet){.len = 13})
MAKE(lan_to_spoke, LAN_TO(.dst = "10.1.11.10"))
MAKE(lan_to_us, LAN_TO(.dst = "10.1.1.1"))
MAKE(lan_to_no_key_spoke, LAN_TO(.dst = "10.2.21.9"))

static struct stage_packet outer_checksum(void)
{
	struct stage_packet p = hairpin();

	p.bytes[14 + 10] ^= 1;
	return p;
}

static struct stage_packet outer_too_long(void)
{
	struct stage_packet p = hairpin();

	p.len -= 1; /* the IP length now says more than there is */
	return p;
}

static struct stage_packet too_big(void)
{
	struct stage_packet inner = IP(.src = "10.1.11.10", .dst = "10.1.12.10", .len = 1401);

	inner.bytes[6] = 0x40; /* DF */
	stage_ip_fix(&inner, 0);
	return stage_from_spoke("192.0.2.11", inner);
}

static struct stage_packet gre_checksum_wrong(void)
{
	struct stage_packet p = with_checksum();

	p.bytes[p.len - 1] ^= 1;
	return p;
}

static struct stage_packet other_mac(void)
{
	struct stage_packet p = hairpin();

	p.bytes[5] ^= 0x55;
	return p;
}

static struct stage_packet padded(void)
{
	struct stage_packet p = SPOKE11_TO(.dst = "10.1.12.10", .len = 28);

	memset(p.bytes + p.len, 0xee, 20);
	p.len += 20;
	return p;
}

static struct stage_packet inner_longer_than_gre(void)
{
	struct stage_packet inner = INNER;

	inner.len -= 10;
	return GRE_FROM_11(stage_gre(0x2000, 42, 0x0800, inner));
}

static struct stage_packet ip6_inside(void)
{
	struct stage_packet inner = INNER;

	inner.bytes[0] = 0x60;
	return stage_from_spoke("192.0.2.11", inner);
}

static const struct row rows[] = {
	/* forwarded */
	{"hairpin by route", hairpin, .out = OUT_WAN, .nbma = "192.0.2.12", .hairpin = true},
	{"hairpin to a tunnel address", hairpin_connected, .out = OUT_WAN, .nbma = "192.0.2.12",
	 .hairpin = true},
	{"back to its sender", back_to_sender, .out = OUT_WAN, .nbma = "192.0.2.11",
	 .hairpin = true},
	{"other network-id is no hairpin", other_cloud, .out = OUT_WAN, .nbma = "192.0.2.21",
	 .has_no_key = true},
	{"spoke to LAN", to_lan, .out = OUT_LAN},
	{"unregistered source", unknown_source, .out = OUT_WAN, .nbma = "192.0.2.12",
	 .hairpin = true},
	{"LAN to spoke", lan_to_spoke, .on_lan = true, .out = OUT_WAN, .nbma = "192.0.2.11"},
	{"LAN to spoke without key", lan_to_no_key_spoke, .on_lan = true, .out = OUT_WAN,
	 .nbma = "192.0.2.21", .has_no_key = true},
	{"GRE without key", no_key, .out = OUT_WAN, .nbma = "192.0.2.21", .hairpin = true,
	 .has_no_key = true},
	{"GRE checksum", with_checksum, .out = OUT_WAN, .nbma = "192.0.2.12", .hairpin = true},
	{"GRE checksum, key, sequence", with_all_bits, .out = OUT_WAN, .nbma = "192.0.2.12",
	 .hairpin = true},
	{"GRE sequence", with_sequence, .out = OUT_WAN, .nbma = "192.0.2.12", .hairpin = true},
	{"Ethernet padding", padded, .out = OUT_WAN, .nbma = "192.0.2.12", .hairpin = true},
	{"exactly the MTU", mtu_exactly, .out = OUT_WAN, .nbma = "192.0.2.12", .hairpin = true},
	/* ours */
	{"to the tunnel address", to_tunnel_address, .out = OUT_TUNNEL_TWIN},
	{"to the LAN address by tunnel", to_lan_address, .out = OUT_TUNNEL_TWIN},
	{"to us with TTL 1 (eBGP)", ttl_1_to_us, .out = OUT_TUNNEL_TWIN},
	{"OSPF hello in the tunnel", ospf_hello, .out = OUT_TUNNEL_TWIN},
	{"broadcast in the tunnel", inner_broadcast, .out = OUT_TUNNEL_TWIN},
	{"to the underlay address", underlay_to_us, .out = OUT_PORT_TWIN},
	{"OSPF hello on the underlay", underlay_ospf, .out = OUT_PORT_TWIN},
	{"ARP", arp_in, .out = OUT_PORT_TWIN},
	{"LAN to us", lan_to_us, .on_lan = true, .out = OUT_PORT_TWIN},
	{"NHRP", nhrp, .out = OUT_NHRP},
	/* dropped */
	{"runt", runt, .out = OUT_DROP, .reason = DP_DROP_RUNT},
	{"VLAN", vlan, .out = OUT_DROP, .reason = DP_DROP_VLAN},
	{"QinQ", qinq, .out = OUT_DROP, .reason = DP_DROP_VLAN},
	{"IPv6", ip6, .out = OUT_DROP, .reason = DP_DROP_IP6_UNSUPPORTED},
	{"LLDP", lldp, .out = OUT_DROP, .reason = DP_DROP_ETHERTYPE},
	{"other MAC", other_mac, .out = OUT_DROP, .reason = DP_DROP_NOT_OUR_MAC},
	{"outer checksum", outer_checksum, .out = OUT_DROP, .reason = DP_DROP_OUTER_IP_HEADER},
	{"outer length", outer_too_long, .out = OUT_DROP, .reason = DP_DROP_OUTER_IP_HEADER},
	{"underlay transit", underlay_transit, .out = OUT_DROP, .reason = DP_DROP_TRANSIT_UNDERLAY},
	{"GRE to somebody else", gre_to_others, .out = OUT_DROP,
	 .reason = DP_DROP_TRANSIT_UNDERLAY},
	{"wrong key", wrong_key, .out = OUT_DROP, .reason = DP_DROP_GRE_NO_TUNNEL},
	{"GRE version 1", gre_version_1, .out = OUT_DROP, .reason = DP_DROP_GRE_HEADER},
	{"GRE routing bit", gre_routing_bit, .out = OUT_DROP, .reason = DP_DROP_GRE_HEADER},
	{"GRE recursion bits", gre_recursion, .out = OUT_DROP, .reason = DP_DROP_GRE_HEADER},
	{"GRE of 3 bytes", gre_empty, .out = OUT_DROP, .reason = DP_DROP_GRE_HEADER},
	{"GRE checksum wrong", gre_checksum_wrong, .out = OUT_DROP, .reason = DP_DROP_GRE_CHECKSUM},
	{"GRE with IPv6", gre_ip6, .out = OUT_DROP, .reason = DP_DROP_IP6_UNSUPPORTED},
	{"GRE keep-alive", gre_keepalive, .out = OUT_DROP, .reason = DP_DROP_GRE_PROTOCOL},
	{"inner checksum", bad_inner, .out = OUT_DROP, .reason = DP_DROP_INNER_IP_HEADER},
	{"inner length", inner_longer_than_gre, .out = OUT_DROP, .reason = DP_DROP_INNER_IP_HEADER},
	{"version 6 as IPv4", ip6_inside, .out = OUT_DROP, .reason = DP_DROP_INNER_IP_HEADER},
	{"martian source", martian_src, .out = OUT_DROP, .reason = DP_DROP_MARTIAN},
	{"martian destination", martian_dst, .out = OUT_DROP, .reason = DP_DROP_MARTIAN},
	{"multicast", inner_multicast, .out = OUT_DROP, .reason = DP_DROP_NO_MROUTE},
	{"TTL 1", ttl_1, .out = OUT_DROP, .reason = DP_DROP_TTL_EXPIRED},
	{"no route", no_route, .out = OUT_DROP, .reason = DP_DROP_NO_ROUTE},
	{"gateway without binding", no_binding, .out = OUT_DROP, .reason = DP_DROP_NO_BINDING},
	{"host without binding", no_binding_connected, .out = OUT_DROP,
	 .reason = DP_DROP_NO_BINDING},
	{"blackhole", blackhole, .out = OUT_DROP, .reason = DP_DROP_BLACKHOLE},
	{"DF, larger than the tunnel's MTU", too_big, .out = OUT_DROP, .reason = DP_DROP_TOO_BIG},
};

/* The IPv4 header at `offset` is right, and the packet is as long as it says. */
static struct rte_ipv4_hdr ip_at(const struct stage_packet *p, unsigned offset)
{
	struct rte_ipv4_hdr ip;

	assert_in_range(p->len, offset + sizeof(ip), STAGE_PACKET_MAX);
	memcpy(&ip, p->bytes + offset, sizeof(ip));
	assert_int_equal(rte_raw_cksum(p->bytes + offset, sizeof(ip)), 0xffff);
	assert_int_equal(rte_be_to_cpu_16(ip.total_length), p->len - offset);
	return ip;
}

/* Offset of the inner IP header in the input of a row. */
static unsigned inner_offset(const struct row *row, const struct stage_packet *in)
{
	uint16_t flags;

	if (row->on_lan)
		return 14;
	flags = (uint16_t)(in->bytes[34] << 8 | in->bytes[35]);
	return 38 + ((flags & 0x8000) ? 4 : 0) + ((flags & 0x2000) ? 4 : 0) +
	       ((flags & 0x1000) ? 4 : 0);
}

/* The inner packet came through unchanged but for TTL and checksum. */
static void inner_check(const struct row *row,
			const struct stage_packet *in,
			const struct stage_packet *out,
			unsigned out_offset)
{
	unsigned in_offset = inner_offset(row, in);
	struct rte_ipv4_hdr ip = ip_at(out, out_offset);
	uint16_t len = rte_be_to_cpu_16(ip.total_length);

	assert_int_equal(ip.time_to_live, in->bytes[in_offset + 8] - 1);
	assert_memory_equal(out->bytes + out_offset, in->bytes + in_offset, 8);
	assert_memory_equal(out->bytes + out_offset + 12, in->bytes + in_offset + 12, len - 12);
}

static void wan_check(const struct row *row,
		      const struct stage_packet *in,
		      const struct stage_packet *out)
{
	static const uint8_t gre_key[] = {0x20, 0, 0x08, 0, 0, 0, 0, 42};
	static const uint8_t gre_bare[] = {0, 0, 0x08, 0};
	const uint8_t *gre = row->has_no_key ? gre_bare : gre_key;
	unsigned gre_len = row->has_no_key ? sizeof(gre_bare) : sizeof(gre_key);
	struct dp_addr nbma = stage_addr(row->nbma);
	struct rte_ipv4_hdr ip = ip_at(out, 14);

	assert_int_equal(out->bytes[5], nbma.bytes[3]); /* MAC of that neighbour */
	assert_memory_equal(out->bytes + 6, &port_hot[stage.wan].mac, 6);
	assert_int_equal(ip.dst_addr, nbma.ip4_be);
	assert_int_equal(ip.src_addr, stage_addr("192.0.2.1").ip4_be);
	assert_int_equal(ip.next_proto_id, IPPROTO_GRE);
	assert_int_equal(ip.time_to_live, 64);
	assert_memory_equal(out->bytes + 34, gre, gre_len);
	inner_check(row, in, out, 34 + gre_len);
}

static void counts_check(const struct row *row, const struct stage_result *r)
{
	unsigned punts =
		row->out == OUT_TUNNEL_TWIN || row->out == OUT_PORT_TWIN || row->out == OUT_NHRP;
	uint64_t drops = 0;

	assert_int_equal(r->wan_n, row->out == OUT_WAN);
	assert_int_equal(r->lan_n, row->out == OUT_LAN);
	assert_int_equal(r->punted_n, punts);
	assert_int_equal(r->delta.rx_pkts, 1);
	assert_int_equal(r->delta.hairpin_pkts, row->hairpin);
	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		drops += r->delta.drops[i];
	assert_int_equal(drops, row->out == OUT_DROP);
	if (row->out == OUT_DROP)
		assert_int_equal(r->delta.drops[row->reason], 1);
}

static void punt_check(const struct row *row,
		       const struct stage_packet *in,
		       const struct stage_result *r)
{
	unsigned from = row->out == OUT_PORT_TWIN ? 0 : inner_offset(row, in);

	/* A twin gets exactly the bytes that came: the whole frame, or the inner packet. */
	assert_int_equal(r->punted[0].len, in->len - from);
	assert_memory_equal(r->punted[0].bytes, in->bytes + from, r->punted[0].len);
	if (row->out == OUT_PORT_TWIN)
		return;
	assert_int_equal(r->punt_meta[0].tunnel, stage.tunnel100);
	assert_int_equal(r->punt_meta[0].spoke, stage.spoke11);
	assert_int_equal(r->punt_meta[0].outer_src.ip4_be, stage_addr("192.0.2.11").ip4_be);
}

static void row_run(const struct row *row)
{
	struct stage_packet in = row->make();
	const struct stage_result *r = stage_run(row->on_lan ? stage.lan : stage.wan, &in, 1);

	print_message("  %s\n", row->name);
	counts_check(row, r);
	if (row->out == OUT_WAN)
		wan_check(row, &in, &r->wan[0]);
	else if (row->out == OUT_LAN)
		inner_check(row, &in, &r->lan[0], 14);
	else if (row->out != OUT_DROP)
		punt_check(row, &in, r);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		row_run(&rows[i]);
}

/* All rows that fit in one burst give together what they give one by one. */
static void test_mixed_burst(void **state)
{
	struct stage_packet in[DP_BURST];
	unsigned n = 0, wan = 0, lan = 0, punts = 0, drops = 0;
	const struct stage_result *r;
	uint64_t dropped = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && n < DP_BURST; i += 2) {
		if (rows[i].on_lan)
			continue;
		in[n++] = rows[i].make();
		wan += rows[i].out == OUT_WAN;
		lan += rows[i].out == OUT_LAN;
		drops += rows[i].out == OUT_DROP;
		punts += rows[i].out == OUT_TUNNEL_TWIN || rows[i].out == OUT_PORT_TWIN ||
			 rows[i].out == OUT_NHRP;
	}
	r = stage_run(stage.wan, in, n);
	assert_int_equal(r->wan_n, wan);
	assert_int_equal(r->lan_n, lan);
	assert_int_equal(r->punted_n, punts);
	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		dropped += r->delta.drops[i];
	assert_int_equal(dropped, drops);
	assert_true(wan > 2 && drops > 5 && punts > 2);
}

/* Every length of a good frame, cut: never forwarded, never a read beyond (ASan), always counted.
 */
static void test_truncations(void **state)
{
	struct stage_packet whole = with_all_bits();

	(void)state;
	for (uint16_t len = 1; len < whole.len; len++) {
		struct stage_packet in = whole;
		const struct stage_result *r;

		in.len = len;
		r = stage_run(stage.wan, &in, 1);
		assert_int_equal(r->wan_n + r->lan_n + r->punted_n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_mixed_burst),
		cmocka_unit_test(test_truncations),
	};

	return cmocka_run_group_tests_name("line", tests, stage_setup, stage_teardown);
}
