/* SPDX-License-Identifier: Apache-2.0 */
/* flood_kinds: what the floods consist of, see flood.h. */
#include "flood.h"

#include <rte_ip.h>

static struct stage_packet nhrp_of(const char *nbma)
{
	struct stage_packet nhrp = {.len = 60, .bytes = {'F'}};

	return stage_eth(flood.port[FLOOD_WAN], 0x0800,
			 stage_outer(nbma, "192.0.2.1", stage_gre(0x2000, 42, 0x2001, nhrp)));
}

static struct stage_packet nhrp_spoke(void)
{
	return nhrp_of("192.0.2.11");
}

static struct stage_packet nhrp_stranger(void)
{
	return nhrp_of("198.51.100.1");
}

static struct stage_packet arp(void)
{
	struct stage_packet p = {.len = 46, .bytes = {0, 1, 8, 0, 6, 4, 0, 1}};

	return stage_eth(flood.port[FLOOD_WAN], 0x0806, p);
}

static struct stage_packet icmp_to_us(void)
{
	return stage_eth(flood.port[FLOOD_WAN], 0x0800,
			 stage_ip((struct stage_ip){
				 .src = "198.51.100.1", .dst = "192.0.2.1", .protocol = 1}));
}

static struct stage_packet icmp_from_lan(void)
{
	return stage_eth(
		flood.port[FLOOD_LAN], 0x0800,
		stage_ip((struct stage_ip){.src = "10.1.1.10", .dst = "10.1.1.1", .protocol = 1}));
}

static struct stage_packet udp_to_us(void)
{
	return stage_eth(flood.port[FLOOD_WAN], 0x0800,
			 stage_ip((struct stage_ip){.src = "198.51.100.1", .dst = "192.0.2.1"}));
}

static struct stage_packet unknown_ethertype(void)
{
	struct stage_packet p = {.len = 46};

	return stage_eth(flood.port[FLOOD_WAN], 0x88b5, p);
}

const struct flood_kind flood_kinds[] = {
	{"NHRP of one spoke", FLOOD_WAN, FLOOD_VARY_NOTHING, DP_DROP_POLICED_NHRP, POLICE_NHRP,
	 nhrp_spoke},
	{"NHRP of one stranger", FLOOD_WAN, FLOOD_VARY_NOTHING, DP_DROP_POLICED_NHRP,
	 POLICE_NHRP_NEW, nhrp_stranger},
	{"NHRP of invented strangers", FLOOD_WAN, FLOOD_VARY_IP, DP_DROP_POLICED_NHRP,
	 POLICE_NHRP_NEW, nhrp_stranger},
	{"ARP", FLOOD_WAN, FLOOD_VARY_NOTHING, DP_DROP_POLICED_ARP, POLICE_ARP, arp},
	{"ARP of invented MACs", FLOOD_WAN, FLOOD_VARY_MAC, DP_DROP_POLICED_ARP, POLICE_ARP, arp},
	{"ICMP to us", FLOOD_WAN, FLOOD_VARY_NOTHING, DP_DROP_POLICED_ICMP, POLICE_ICMP,
	 icmp_to_us},
	{"ICMP to us, invented", FLOOD_WAN, FLOOD_VARY_IP, DP_DROP_POLICED_ICMP, POLICE_ICMP,
	 icmp_to_us},
	{"ICMP to us, LAN", FLOOD_LAN, FLOOD_VARY_NOTHING, DP_DROP_POLICED_ICMP, POLICE_ICMP,
	 icmp_from_lan},
	{"UDP to us, invented", FLOOD_WAN, FLOOD_VARY_IP, DP_DROP_POLICED_OTHER, POLICE_OTHER,
	 udp_to_us},
	{"unknown ethertype", FLOOD_WAN, FLOOD_VARY_MAC, DP_DROP_ETHERTYPE, POLICE_CLASSES,
	 unknown_ethertype},
	{0},
};

void flood_source_invent(struct stage_packet *frame, enum flood_vary vary)
{
	static uint32_t random = 2463534242U;
	struct rte_ipv4_hdr ip;

	random ^= random << 13;
	random ^= random >> 17;
	random ^= random << 5;
	if (vary == FLOOD_VARY_MAC)
		memcpy(frame->bytes + 8, &random, sizeof(random));
	if (vary != FLOOD_VARY_IP)
		return;
	memcpy(&ip, frame->bytes + 14, sizeof(ip));
	ip.src_addr = rte_cpu_to_be_32(0x64000000 | (random & 0xffffff)); /* 100.0.0.0/8 */
	ip.hdr_checksum = 0;
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(frame->bytes + 14, &ip, sizeof(ip));
}
