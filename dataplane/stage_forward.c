/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_forward: an inner IPv4 packet finds its way out.
 *
 * One bulk look-up in the FIB, then per packet: our own address -> twin; neighbour on a port;
 * spoke's adjacency. Packets that the kernel sent into a twin are ours, not transit: no TTL, no
 * hairpin. A packet that leaves by the network-id it came in on is a hairpin: forwarded all the
 * same, and noticed for a redirect.
 * One that is longer than its way out leaves in pieces (frag.c).
 * What cannot go on dies by name, and its sender is told (icmp.c).
 */
#include <rte_hash_crc.h>

#include "fib.h"
#include "frag.h"
#include "icmp.h"
#include "mss.h"
#include "neigh.h"
#include "nexthop.h"
#include "redirect.h"
#include "sa.h"
#include "spoke.h"
#include "stages.h"
#include "wire.h"

#define GO_ON    (-1)
#define PUNT     (-2)
#define FRAGMENT (-3)

/* Next hop on a port: a gateway, or the destination itself. */
static void to_port(struct dp_meta *meta, const struct fib_nh *nh, rte_be32_t dst)
{
	struct dp_addr addr;
	struct table_key key;

	meta->out_port = nh->iface;
	if (nh->type == DP_ROUTE_GATEWAY) {
		meta->neigh = nh->to;
		dp_meta_neigh_note(meta);
		return;
	}
	addr = dp_addr_ip4(dst);
	key = neigh_key(nh->iface, &addr);
	meta->neigh = table_get(neigh_table, &key);
	dp_meta_neigh_note(meta);
	meta->outer_dst = addr; /* whom to ask for when there is none yet */
}

/* A gateway on a tunnel has its spoke bound already. */
static void to_bound(struct dp_meta *meta, const struct fib_nh *nh)
{
	meta->adj = __atomic_load_n(&nh->to, __ATOMIC_ACQUIRE);
	dp_meta_adj_note(meta);
}

/* The destination itself is the next hop on a tunnel. */
static void to_host(struct dp_meta *meta, const struct fib_nh *nh, rte_be32_t dst)
{
	struct table_key4 key = table_key4(dst, nh->iface, 0, 0);

	meta->adj = table_get4(nexthop_table, table_bucket(nexthop_table, key), key);
	dp_meta_adj_note(meta);
}

/* The same for all packets of a flow: addresses, protocol, ports unless it is a fragment. */
static uint32_t flow_hash(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	uint64_t addresses = (uint64_t)ip->src_addr << 32 | ip->dst_addr;
	uint16_t ihl = rte_ipv4_hdr_len(ip);
	uint32_t ports = 0;

	if ((ip->next_proto_id == IPPROTO_TCP || ip->next_proto_id == IPPROTO_UDP) &&
	    !ip4_is_fragment(ip) && m->data_len >= ihl + sizeof(ports))
		memcpy(&ports, (const uint8_t *)ip + ihl, sizeof(ports));
	return rte_hash_crc_8byte(addresses, rte_hash_crc_4byte(ports, ip->next_proto_id));
}

static const struct fib_nh *group_member(uint32_t group, uint32_t hash)
{
	uint32_t member;

	live_note(LIVE_FIB_GROUP, group);
	member = fib_groups[group].bucket[hash % FIB_BUCKETS];
	live_note(LIVE_FIB_NH, member - 1);
	return &fib_nhs[member];
}

static int no_binding(struct dp_worker *w, const struct fib_nh *nh, rte_be32_t dst)
{
	if (tunnels[nh->iface].conf.ask)
		nexthop_want(w, nh->iface, dst);
	return DP_DROP_NO_BINDING;
}

static int route_other(struct dp_worker *w,
		       const struct rte_mbuf *m,
		       struct dp_meta *meta,
		       const struct fib_nh *nh,
		       const struct rte_ipv4_hdr *ip)
{
	if (nh->type == DP_ROUTE_MULTIPATH)
		nh = group_member(nh->to, flow_hash(m, ip));
	if (nh->type == DP_ROUTE_LOCAL)
		return (meta->flags & DP_META_FROM_TWIN) ? (int)DP_DROP_TWIN_LOOP : PUNT;
	if (nh->type == DP_ROUTE_BLACKHOLE)
		return DP_DROP_BLACKHOLE;
	if (nh->iface_kind == DP_IFACE_PORT) {
		to_port(meta, nh, ip->dst_addr);
		return GO_ON;
	}
	if (nh->type == DP_ROUTE_GATEWAY)
		to_bound(meta, nh);
	else
		to_host(meta, nh, ip->dst_addr);
	return meta->adj == 0 ? no_binding(w, nh, ip->dst_addr) : GO_ON;
}

/* Most packets go by way of a gateway on a tunnel. */
static int route(struct dp_worker *w,
		 const struct rte_mbuf *m,
		 struct dp_meta *meta,
		 uint64_t index,
		 const struct rte_ipv4_hdr *ip)
{
	const struct fib_nh *nh = &fib_nhs[index];

	if (unlikely(index == FIB_NH_NONE))
		return DP_DROP_NO_ROUTE;
	if (likely(nh->type == DP_ROUTE_GATEWAY && nh->iface_kind == DP_IFACE_TUNNEL)) {
		to_bound(meta, nh);
		if (likely(meta->adj != 0))
			return GO_ON;
	}
	return route_other(w, m, meta, nh, ip);
}

static void hairpin_check(struct dp_worker *w,
			  const struct rte_mbuf *m,
			  const struct dp_meta *meta,
			  uint64_t *slot)
{
	const struct dp_tunnel_conf *in = &tunnels[meta->tunnel].conf;
	const struct adj *out = &adjs[meta->adj];

	if (out->network_id == 0 || out->network_id != in->network_id)
		return;
	w->stats.hairpin_pkts++;
	if (in->redirect && meta->spoke != out->spoke)
		redirect_notice(w, m, out, slot);
}

/* Where each packet goes; its adjacency and its slot of the redirect filter are on their way. */
static uint16_t route_burst(struct dp_worker *w, struct rte_mbuf **m, uint16_t n, uint64_t **slots)
{
	uint32_t dst[DP_BURST];
	uint64_t nh[DP_BURST];
	struct fib_notes notes;
	uint16_t good = 0;

	for (uint16_t i = 0; i < n; i++)
		dst[i] = rte_be_to_cpu_32(
			rte_pktmbuf_mtod(m[i], const struct rte_ipv4_hdr *)->dst_addr);
	fib_lookup(0, dst, nh, n);
	fib_note(&notes, nh, n);
	for (uint16_t i = 0; i < n; i++) {
		const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m[i], const struct rte_ipv4_hdr *);
		struct dp_meta *meta = dp_meta(m[i]);
		int verdict;

		fib_check(&notes, i, nh[i]);
		verdict = route(w, m[i], meta, nh[i], ip);
		if (likely(verdict == GO_ON)) {
			rte_prefetch0(&adjs[meta->adj]);
			if (meta->flags & DP_META_FROM_TUNNEL) {
				slots[good] = redirect_slot(w, m[i]);
				rte_prefetch0(slots[good]);
			}
			m[good++] = m[i];
		} else if (verdict == PUNT) {
			punt_to_twin(w, m[i], meta);
		} else {
			icmp_refuse(w, m[i], (enum dp_drop_reason)verdict);
		}
	}
	return good;
}

#define TCP_IP4_HEADERS 40

/* What the tunnel asks for, and what fits the way to this spoke: by its SA that may be less. */
static uint16_t mss_of(uint16_t tunnel, uint32_t adj)
{
	uint16_t mss = tunnels[tunnel].conf.adjust_mss;

	return mss != 0 && adj != 0 ? RTE_MIN(mss, adjs[adj].mtu - TCP_IP4_HEADERS) : mss;
}

/* The smallest MSS that the tunnels on the packet's way ask for; 0: none does. */
static uint16_t mss_limit(const struct dp_meta *meta)
{
	uint16_t in = 0, out = 0;

	if (meta->flags & DP_META_FROM_TUNNEL)
		in = mss_of(meta->tunnel, spoke_now(meta->spoke).adj);
	if (meta->adj != 0)
		out = mss_of(adjs[meta->adj].tunnel, meta->adj);
	return in == 0 || (out != 0 && out < in) ? out : in;
}

static void mss_check(struct rte_mbuf *m, const struct dp_meta *meta)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	uint16_t ihl = rte_ipv4_hdr_len(ip), limit;

	/* Another fragment than the first has no TCP header. */
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return;
	limit = mss_limit(meta);
	if (limit != 0)
		tcp_mss_clamp((uint8_t *)ip + ihl, (uint32_t)m->data_len - ihl, limit);
}

static uint16_t way_mtu(const struct dp_meta *meta)
{
	return meta->adj != 0 ? adjs[meta->adj].mtu : port_hot[meta->out_port].mtu;
}

/* MTU, TTL, MSS, hairpin of a packet whose way is known. */
static int forward(struct dp_worker *w, struct rte_mbuf *m, uint64_t *slot)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct dp_meta *meta = dp_meta(m);
	int verdict = GO_ON;

	rte_prefetch0(&w->spokes[adjs[meta->adj].spoke]); /* counted in stage_gre_out */
	rte_prefetch0(&sas[adjs[meta->adj].sa]);          /* stage_esp_out */
	if (unlikely(m->data_len > way_mtu(meta)))
		verdict = ip4_must_not_be_cut(ip) ? (int)DP_DROP_TOO_BIG : FRAGMENT;
	if (unlikely(meta->flags & DP_META_FROM_TWIN))
		return verdict;
	if (unlikely(ip->time_to_live <= 1))
		return DP_DROP_TTL_EXPIRED;
	if (unlikely(verdict >= 0))
		return verdict;
	ip4_ttl_decrement(ip);
	if (ip->next_proto_id == IPPROTO_TCP)
		mss_check(m, meta);
	if (meta->adj != 0 && (meta->flags & DP_META_FROM_TUNNEL))
		hairpin_check(w, m, meta, slot);
	return verdict;
}

static void exception(struct dp_worker *w, struct rte_mbuf *m, int verdict)
{
	uint16_t mtu = way_mtu(dp_meta(m));

	switch (verdict) {
	case FRAGMENT:
		frag_send(w, m, mtu);
		break;
	case DP_DROP_TOO_BIG:
		icmp_error(w, m, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu, DP_DROP_TOO_BIG);
		break;
	default:
		icmp_refuse(w, m, (enum dp_drop_reason)verdict);
		break;
	}
}

uint16_t stage_forward(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint64_t *slots[DP_BURST]; /* of packets from a tunnel */
	uint16_t good = 0;

	n = route_burst(w, m, n, slots);
	for (uint16_t i = 0; i < n; i++) {
		int verdict = forward(w, m[i], slots[i]);

		if (likely(verdict == GO_ON)) {
			m[good++] = m[i];
			continue;
		}
		if (verdict == FRAGMENT) {
			/* In its place: what came before it leaves before it. */
			dp_line_out(w, m, good);
			good = 0;
		}
		exception(w, m[i], verdict);
	}
	return good;
}
