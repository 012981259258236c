/* SPDX-License-Identifier: Apache-2.0 */
/*
 * icmp: errors for packets that we cannot forward. RFC 792, RFC 1191, RFC 1812 sections 4.3 and
 * 5.2.7.
 *
 * The packet dies by name; its sender is told, unless that is forbidden (RFC 1122 section 3.2.2,
 * RFC 1812 section 4.3.2.7) or over the rate (police.c, class "ICMP errors"). An error is a packet
 * of ours from its first byte on: routed as what the kernel sends, no TTL, no source check. It
 * comes from the address of the interface that the packet came in on, which is what traceroute
 * wants to see; RFC 1812 section 4.3.2.4 would take the one that it leaves by, the same unless
 * routing is asymmetric. For a packet of our own kernel it goes back by the twin.
 *
 * Blackhole routes are silent, as the kernel's are.
 * Context: worker; the setters of addresses: control. Not done: IPv6, RFC 4884 extensions.
 */
#include "icmp.h"

#include <errno.h>

#include <rte_icmp.h>

#include "fib.h"
#include "police.h"
#include "tunnel.h"
#include "wire.h"

/* TOS: internetwork control (RFC 1812 section 4.3.2.5); the TOS bits proper are gone since RFC
 * 2474.
 */
#define ERROR_TOS  0xc0
#define ERROR_TTL  64
#define ERROR_MAX  576 /* bytes: RFC 1812 section 4.3.2.3 */
#define HEADER_LEN (sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_icmp_hdr))

/* By drop reason, what the sender is told (RFC 1812 section 5.2.7.1); type 0: nothing. */
static const struct {
	uint8_t type, code;
} answers[DP_DROP_COUNT] = {
	[DP_DROP_TTL_EXPIRED] = {ICMP_TIME_EXCEEDED, ICMP_EXC_TTL},
	[DP_DROP_NO_ROUTE] = {ICMP_DEST_UNREACH, ICMP_NET_UNREACH},
	[DP_DROP_NO_BINDING] = {ICMP_DEST_UNREACH, ICMP_HOST_UNREACH},
	[DP_DROP_NO_UNDERLAY_ROUTE] = {ICMP_DEST_UNREACH, ICMP_HOST_UNREACH},
	[DP_DROP_NEIGH_UNRESOLVED] = {ICMP_DEST_UNREACH, ICMP_HOST_UNREACH},
};

/* ---- addresses of interfaces ---- */

static int address_store(rte_be32_t *to, const struct dp_addr *addr)
{
	rte_be32_t be = addr != NULL && addr->family == AF_INET ? addr->ip4_be : 0;

	if (addr != NULL && addr->family != AF_INET)
		return -EAFNOSUPPORT;
	__atomic_store_n(to, be, __ATOMIC_RELAXED);
	return 0;
}

int dp_port_address_set(uint16_t port, const struct dp_addr *addr)
{
	return port < dp_port_count() ? address_store(&port_hot[port].address_be, addr) : -ENOENT;
}

int dp_tunnel_address_set(uint16_t tunnel, const struct dp_addr *addr)
{
	struct tunnel *t = tunnel_get(tunnel);

	return t != NULL ? address_store(&t->address_be, addr) : -ENOENT;
}

/* 0: none. */
static rte_be32_t error_source(const struct dp_meta *meta, const struct rte_ipv4_hdr *ip)
{
	/* The kernel takes nothing that comes from an address of its own: as if by the other end.
	 */
	if (meta->flags & DP_META_FROM_TWIN)
		return ip->dst_addr;
	if (meta->flags & DP_META_FROM_TUNNEL)
		return __atomic_load_n(&tunnels[meta->tunnel].address_be, __ATOMIC_RELAXED);
	return __atomic_load_n(&port_hot[meta->in_port].address_be, __ATOMIC_RELAXED);
}

/* ---- about what ---- */

/* A type that we do not know may be an error. */
static bool is_icmp_query(const struct rte_ipv4_hdr *ip, uint32_t len)
{
	uint8_t ihl = rte_ipv4_hdr_len(ip);

	if (len <= ihl)
		return false;
	switch (((const uint8_t *)ip)[ihl]) {
	case ICMP_ECHOREPLY:
	case ICMP_ECHO:
	case 9: /* router discovery: RFC 1256 */
	case 10:
	case ICMP_TIMESTAMP:
	case ICMP_TIMESTAMPREPLY:
	case ICMP_INFO_REQUEST:
	case ICMP_INFO_REPLY:
	case ICMP_ADDRESS: /* RFC 950 */
	case ICMP_ADDRESSREPLY:
	case 42: /* extended echo: RFC 8335 */
	case 43:
		return true;
	default:
		return false;
	}
}

/* RFC 1122 section 3.2.2, RFC 1812 section 4.3.2.7. Link-layer broadcast: stage_rx let none pass.
 */
static bool may_be_told(const struct rte_mbuf *m, const struct dp_meta *meta)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);

	if (ip->next_proto_id == IPPROTO_ICMP && !is_icmp_query(ip, m->data_len))
		return false;
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return false;
	if (ip4_is_multicast(ip->dst_addr) || ip->dst_addr == IP4_BROADCAST)
		return false;
	if (ip4_is_martian_source(ip->src_addr))
		return false;
	/* With a source of ours it is the kernel's, or a lie. */
	return (meta->flags & DP_META_FROM_TWIN) || !fib_is_local(ip->src_addr);
}

/* ---- the error itself ---- */

struct error {
	uint8_t type, code;
	uint16_t mtu;
};

/* In front of `quote` bytes that are there. RFC 792; the MTU: RFC 1191 section 4. */
static void icmp_write(uint8_t *p, const struct error *error, uint16_t quote)
{
	struct rte_icmp_hdr icmp = {.icmp_type = error->type,
				    .icmp_code = error->code,
				    .icmp_seq_nb = rte_cpu_to_be_16(error->mtu)};

	memcpy(p, &icmp, sizeof(icmp));
	icmp.icmp_cksum = (rte_be16_t)~rte_raw_cksum(p, sizeof(icmp) + quote);
	memcpy(p, &icmp, sizeof(icmp));
}

/* No DF: it must arrive where the MTU is the problem. The ID differs from worker to worker. */
static void ip_write(
	const struct dp_worker *w, uint8_t *p, uint16_t len, rte_be32_t src, rte_be32_t dst)
{
	uint16_t id = (uint16_t)(w->stats.icmp_sent * DP_WORKERS_MAX + w->index);
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
				  .type_of_service = ERROR_TOS,
				  .total_length = rte_cpu_to_be_16(len),
				  .packet_id = rte_cpu_to_be_16(id),
				  .time_to_live = ERROR_TTL,
				  .next_proto_id = IPPROTO_ICMP,
				  .src_addr = src,
				  .dst_addr = dst};

	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(p, &ip, sizeof(ip));
}

static void meta_fill(struct rte_mbuf *e, const struct dp_meta *offender)
{
	*dp_meta(e) = (struct dp_meta){
		.kind = DP_KIND_IP,
		.flags = DP_META_FROM_TWIN,
		.tunnel = offender->tunnel,
	};
}

/* NULL: over the rate, no address to send it from, or no buffer. */
static struct rte_mbuf *error_make(struct dp_worker *w,
				   const struct rte_mbuf *m,
				   const struct error *error)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t quote = RTE_MIN(m->data_len, (uint16_t)(ERROR_MAX - HEADER_LEN));
	const struct dp_meta *meta = dp_meta_const(m);
	rte_be32_t src = error_source(meta, ip);
	struct rte_mbuf *e;
	uint8_t *p;

	if (src == 0 || !police_take(w, POLICE_ICMP_ERRORS, meta, ip->src_addr))
		return NULL;
	e = rte_pktmbuf_alloc(dp_pool);
	if (e == NULL)
		return NULL;
	p = (uint8_t *)rte_pktmbuf_append(e, (uint16_t)(HEADER_LEN + quote));
	memcpy(p + HEADER_LEN, ip, quote);
	icmp_write(p + sizeof(*ip), error, quote);
	ip_write(w, p, e->data_len, src, ip->src_addr);
	meta_fill(e, meta);
	return e;
}

static void error_send(struct dp_worker *w, struct rte_mbuf *e, bool to_twin)
{
	w->stats.icmp_sent++;
	if (!to_twin) {
		dp_line_from_worker(w, e);
		return;
	}
	w->stats.generated_pkts++;
	dp_punt(w, e, DP_PUNT_TUNNEL_TWIN);
}

void icmp_error(struct dp_worker *w,
		struct rte_mbuf *m,
		uint8_t type,
		uint8_t code,
		uint16_t mtu,
		enum dp_drop_reason reason)
{
	const struct error error = {.type = type, .code = code, .mtu = mtu};
	bool from_twin = (dp_meta(m)->flags & DP_META_FROM_TWIN) != 0;
	struct rte_mbuf *e;

	if (!may_be_told(m, dp_meta(m))) {
		dp_drop(w, m, reason);
		return;
	}
	e = error_make(w, m, &error);
	dp_drop(w, m, reason);
	if (e == NULL)
		w->stats.icmp_suppressed++;
	else
		error_send(w, e, from_twin);
}

void icmp_refuse(struct dp_worker *w, struct rte_mbuf *m, enum dp_drop_reason reason)
{
	if (answers[reason].type == 0)
		dp_drop(w, m, reason);
	else
		icmp_error(w, m, answers[reason].type, answers[reason].code, 0, reason);
}
