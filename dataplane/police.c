/* SPDX-License-Identifier: Apache-2.0 */
/*
 * police: what a worker hands to the control core costs no more than the control core can bear, and
 * no source takes the share of another (DESIGN invariant 6).
 *
 * A packet takes a token from two buckets, that of its source and that of its class, or from none:
 * a flood that has used up its source's spends nothing of its class's. A bucket is one number, the
 * time at which it is full again (virtual scheduling, ITU-T I.371 annex A); any time that is past
 * says "full".
 *
 * A source is the tunnel's peer (outer address and NAT-T port), on a port the MAC address for ARP
 * and the IP address for IP. Buckets of sources are a fixed table, four to a cache line; a full
 * bucket is as good as none, so a new source takes the place that owes least. Only where five
 * sources of one line send too much at once do two of them share. Sources that an attacker invents
 * each send too little to be stopped as sources: they empty the bucket of their class, and
 * registered spokes have one that strangers cannot reach.
 *
 * Context: worker; init and fini control. Each worker has its own buckets: the rates below are per
 * worker.
 */
#include "police.h"

#include <errno.h>

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_random.h>

#include "wire.h"

#define SET_BITS 10 /* 64 KiB, stay in L2 */
#define WAYS     4

/*
 * Why so much. The sum of the bursts fits into its ring (NHRP has one of its own), so that no class
 * can fill it for the others; sources get what one healthy router needs at its worst.
 *
 *  NHRP          10,000 spokes that refresh at once pass when they take 65 ms for it; a refresh is
 *                1 us of the control core, 2 with the reply. One spoke sends a request every 2 s or
 *                slower; with resolutions for its whole LAN some tens.
 *  NHRP, new     All of 10,000 spokes in one moment, after a restart of ours: that is the burst.
 *                Spokes behind one NAT have ports of their own, hence buckets.
 *  ARP           A source is a MAC. One router may answer for a whole subnet, 1,000 addresses in a
 *                second; a loop that repeats one host's frames is held to a fifth.
 *  routing       BFD of 10,000 spokes at one per second; a full table by BGP (1 M routes in 45,000
 *                segments) from one neighbour in about 15 s.
 *  IKE           10,000 spokes that negotiate anew, 6 packets each, in a minute. One address may be
 *                a NAT with a hundred spokes behind it.
 *  ICMP          10,000 spokes that watch us by one ping per 2 s. One source: a ping in 5 ms.
 *  other         ssh, SNMP, multicast that is nobody's: 5,000 full packets are 60 Mbit/s.
 *  ICMP errors   That we make: as Linux does (icmp_msgs_per_sec), and a spoke gets at most a tenth.
 */
const struct police_rate police_rates[POLICE_CLASSES] = {
	[POLICE_NHRP] = {60000, 6000, 50, 100, DP_DROP_POLICED_NHRP},
	[POLICE_NHRP_NEW] = {20000, 10240, 50, 100, DP_DROP_POLICED_NHRP},
	[POLICE_ARP] = {5000, 1500, 1000, 750, DP_DROP_POLICED_ARP},
	[POLICE_ROUTING] = {20000, 768, 3000, 384, DP_DROP_POLICED_ROUTING},
	[POLICE_IKE] = {5000, 768, 500, 256, DP_DROP_POLICED_IKE},
	[POLICE_ICMP] = {5000, 512, 200, 100, DP_DROP_POLICED_ICMP},
	[POLICE_OTHER] = {5000, 512, 2500, 256, DP_DROP_POLICED_OTHER},
	[POLICE_ICMP_ERRORS] = {1000, 100, 100, 50, DP_DROP_COUNT},
};

/* The rates in TSC cycles, and a number that keeps classes apart and outsiders from choosing their
 * line. Written once, at start. */
static struct gauge {
	uint64_t token_tsc, burst_tsc;
	uint64_t source_token_tsc, source_burst_tsc;
	uint64_t salt;
} gauges[POLICE_CLASSES];

struct set {
	uint64_t source[WAYS];
	uint64_t full_tsc[WAYS];
} __rte_cache_aligned;
_Static_assert(sizeof(struct set) == 64, "one line per packet");

struct police {
	uint64_t full_tsc[POLICE_CLASSES];
	struct set sets[1 << SET_BITS];
};

static void gauges_fill(void)
{
	uint64_t hz = rte_get_tsc_hz();

	for (unsigned i = 0; i < POLICE_CLASSES; i++) {
		const struct police_rate *r = &police_rates[i];

		gauges[i].token_tsc = hz / r->pps;
		gauges[i].burst_tsc = gauges[i].token_tsc * r->burst_pkts;
		gauges[i].source_token_tsc = hz / r->source_pps;
		gauges[i].source_burst_tsc = gauges[i].source_token_tsc * r->source_burst_pkts;
		gauges[i].salt = rte_rand();
	}
}

int police_init(struct dp_worker *w)
{
	gauges_fill();
	w->police = rte_zmalloc("police", sizeof(*w->police), RTE_CACHE_LINE_SIZE);
	return w->police == NULL ? -ENOMEM : 0;
}

void police_fini(struct dp_worker *w)
{
	rte_free(w->police);
	w->police = NULL;
}

/* ---- buckets ---- */

/* When the bucket is full again after one token more; 0: it has none. */
static uint64_t after_token(uint64_t full_tsc, uint64_t now, uint64_t token_tsc, uint64_t burst_tsc)
{
	uint64_t full = RTE_MAX(full_tsc, now) + token_tsc;

	return full - now > burst_tsc ? 0 : full;
}

/* The place of this source, else the one that owes least. */
static unsigned way_find(const struct set *set, uint64_t source)
{
	unsigned least = 0;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set->source[i] == source)
			return i;
		if (set->full_tsc[i] < set->full_tsc[least])
			least = i;
	}
	return least;
}

static bool take(struct dp_worker *w, enum police_class class, uint64_t source)
{
	const struct gauge *g = &gauges[class];
	/* Multiplied by an odd number it is still the source, but its high bits know all of it. */
	uint64_t mixed = (source ^ g->salt) * 0x9e3779b97f4a7c15ULL;
	struct set *set = &w->police->sets[mixed >> (64 - SET_BITS)];
	unsigned way = way_find(set, mixed);

	uint64_t of_source, of_class;

	of_source = after_token(set->full_tsc[way], w->now_tsc, g->source_token_tsc,
				g->source_burst_tsc);
	of_class = after_token(w->police->full_tsc[class], w->now_tsc, g->token_tsc, g->burst_tsc);
	if (of_source == 0 || of_class == 0)
		return false;
	set->source[way] = mixed;
	set->full_tsc[way] = of_source;
	w->police->full_tsc[class] = of_class;
	return true;
}

/* ---- who sent it ---- */

#define SOURCE_PORT 1ULL /* kinds, in the two lowest bits; numbers of tunnels and ports */
#define SOURCE_MAC  2ULL /* need less than the 14 bits above them */
#define SOURCE_TWIN 3ULL

static uint64_t peer_source(const struct dp_meta *meta)
{
	return (uint64_t)meta->outer_src.ip4_be << 32 | (uint64_t)meta->natt_port << 16 |
	       (uint64_t)meta->tunnel << 2;
}

static uint64_t ip_source(const struct dp_meta *meta, rte_be32_t src)
{
	if (meta->flags & DP_META_FROM_TUNNEL)
		return peer_source(meta);
	if (meta->flags & DP_META_FROM_TWIN)
		return (uint64_t)meta->tunnel << 2 | SOURCE_TWIN;
	return (uint64_t)src << 32 | (uint64_t)meta->in_port << 2 | SOURCE_PORT;
}

static uint64_t mac_source(const struct dp_meta *meta, const struct rte_ether_hdr *eth)
{
	uint64_t mac = 0;

	memcpy(&mac, &eth->src_addr, sizeof(eth->src_addr));
	return mac << 16 | (uint64_t)meta->in_port << 2 | SOURCE_MAC;
}

bool police_take(struct dp_worker *w,
		 enum police_class class,
		 const struct dp_meta *meta,
		 rte_be32_t src)
{
	return take(w, class, ip_source(meta, src));
}

/* ---- what it is ---- */

#define IP_EIGRP 88
#define IP_OSPF  89
#define IP_PIM   103
#define IP_VRRP  112

static enum police_class udp_class(uint16_t to)
{
	switch (to) {
	case 500: /* RFC 7296 section 2 */
	case 4500:
		return POLICE_IKE;
	case 520:  /* RIP: RFC 2453 section 3.1 */
	case 3784: /* BFD: RFC 5881 section 4, RFC 5883 section 5 */
	case 3785:
	case 4784:
		return POLICE_ROUTING;
	default:
		return POLICE_OTHER;
	}
}

/* BGP, by whoever opened the session. */
static enum police_class tcp_class(uint16_t from, uint16_t to)
{
	return from == 179 || to == 179 ? POLICE_ROUTING : POLICE_OTHER;
}

static enum police_class transport_class(const struct rte_ipv4_hdr *ip, uint32_t len)
{
	uint8_t ihl = rte_ipv4_hdr_len(ip);
	rte_be16_t ports[2];

	/* No ports in a later fragment. UDP of that size is IKE with certificates. */
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return ip->next_proto_id == IPPROTO_UDP ? POLICE_IKE : POLICE_OTHER;
	if (len < ihl + sizeof(ports))
		return POLICE_OTHER;
	memcpy(ports, (const uint8_t *)ip + ihl, sizeof(ports));
	if (ip->next_proto_id == IPPROTO_UDP)
		return udp_class(rte_be_to_cpu_16(ports[1]));
	return tcp_class(rte_be_to_cpu_16(ports[0]), rte_be_to_cpu_16(ports[1]));
}

static enum police_class ip_class(const struct rte_ipv4_hdr *ip, uint32_t len)
{
	switch (ip->next_proto_id) {
	case IPPROTO_ICMP:
		return POLICE_ICMP;
	case IP_EIGRP:
	case IP_OSPF:
	case IP_PIM:
	case IP_VRRP:
		return POLICE_ROUTING;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return transport_class(ip, len);
	default:
		return POLICE_OTHER;
	}
}

static enum police_class classify(const struct rte_mbuf *m,
				  enum dp_punt_kind kind,
				  uint64_t *source)
{
	uint16_t at = kind == DP_PUNT_PORT_TWIN ? RTE_ETHER_HDR_LEN : 0;
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, const struct rte_ipv4_hdr *, at);
	const struct dp_meta *meta = dp_meta_const(m);

	if (kind == DP_PUNT_NHRP) {
		*source = peer_source(meta);
		return meta->spoke != 0 ? POLICE_NHRP : POLICE_NHRP_NEW;
	}
	if (kind == DP_PUNT_PORT_TWIN && eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4)) {
		*source = mac_source(meta, eth);
		return POLICE_ARP;
	}
	*source = ip_source(meta, ip->src_addr);
	return ip_class(ip, (uint32_t)m->data_len - at);
}

void police_punt(struct dp_worker *w, struct rte_mbuf *m, enum dp_punt_kind kind)
{
	uint64_t source;
	enum police_class class = classify(m, kind, &source);

	if (take(w, class, source))
		dp_punt(w, m, kind);
	else
		dp_drop(w, m, police_rates[class].reason);
}
