/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frag: an inner packet longer than its way out leaves in pieces.
 *
 * Every piece is a copy in a buffer of its own: what follows encrypts in place, and wants one
 * segment with headroom and tailroom. All buffers or none: a part of the pieces is of no use. ID
 * and flags are the packet's; one that is a fragment itself is cut further. The first piece has all
 * options, the others those with the copy flag. The original is one packet, its further pieces are
 * counted as copied.
 *
 * Thread: worker. RFC 791 section 3.2 (fragmentation procedure), section 3.1 (copied options).
 */
#include "frag.h"

#include "ip4_options.h"
#include "wire.h"

/* The longest packet there is, in pieces for the smallest MTU that can be configured (576), makes
 * 19. */
#define PIECES_MAX      DP_BURST
#define IP4_HEADER_MAX  (20 + IP4_OPTIONS_MAX)
#define FLAGS_MASK      ((uint16_t) ~(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
#define ROUND_DOWN_8(x) ((x) & ~7U)

struct cut {
	const uint8_t *bytes; /* the packet */
	uint32_t ihl;
	uint32_t payload;
	uint16_t field;      /* flags and offset, host order */
	uint32_t first_room; /* bytes of payload in the first piece */
	uint32_t room;       /* ...in those that follow */
	uint32_t last_room;  /* at most, in the last */
	uint32_t later_ihl;
	uint8_t later_header[IP4_HEADER_MAX];
};

/* -1 or a drop reason. */
static int cut_plan(struct cut *c, const struct rte_mbuf *m, uint32_t mtu)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct rte_ipv4_hdr *later = (struct rte_ipv4_hdr *)c->later_header;

	c->bytes = (const uint8_t *)ip;
	c->ihl = rte_ipv4_hdr_len(ip);
	c->payload = m->data_len - c->ihl;
	c->field = rte_be_to_cpu_16(ip->fragment_offset);
	memcpy(later, ip, sizeof(*ip));
	c->later_ihl =
		sizeof(*ip) + ip4_options_copied(c->bytes + sizeof(*ip), c->ihl - sizeof(*ip),
						 c->later_header + sizeof(*ip));
	later->version_ihl = (uint8_t)(0x40 | c->later_ihl / 4);
	if (mtu < c->ihl + 8)
		return DP_DROP_TOO_BIG;
	c->first_room = ROUND_DOWN_8(mtu - c->ihl);
	c->last_room = mtu - c->later_ihl;
	c->room = ROUND_DOWN_8(c->last_room);
	/* The offsets of its pieces would not fit their field. */
	if ((c->field & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS + c->payload +
		    c->ihl >
	    UINT16_MAX)
		return DP_DROP_FRAGMENT_END;
	return -1;
}

static uint32_t pieces_count(const struct cut *c)
{
	uint32_t rest = c->payload - c->first_room;

	if (rest <= c->last_room)
		return 2;
	return 2 + (rest - c->last_room + c->room - 1) / c->room;
}

static void piece_fill(struct rte_mbuf *p, const struct cut *c, uint32_t from, uint32_t len)
{
	bool first = from == 0, last = from + len == c->payload;
	uint32_t ihl = first ? c->ihl : c->later_ihl;
	uint8_t *bytes = (uint8_t *)rte_pktmbuf_append(p, (uint16_t)(ihl + len));
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)bytes;
	uint16_t offset = (uint16_t)((c->field & RTE_IPV4_HDR_OFFSET_MASK) +
				     from / RTE_IPV4_HDR_OFFSET_UNITS);
	uint16_t more = last ? c->field & RTE_IPV4_HDR_MF_FLAG : RTE_IPV4_HDR_MF_FLAG;

	memcpy(bytes, first ? c->bytes : c->later_header, ihl);
	memcpy(bytes + ihl, c->bytes + c->ihl + from, len);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(ihl + len));
	ip->fragment_offset = rte_cpu_to_be_16((uint16_t)((c->field & FLAGS_MASK) | more | offset));
	ip->hdr_checksum = 0;
	ip->hdr_checksum = (rte_be16_t)~rte_raw_cksum(ip, ihl);
}

static void pieces_fill(struct rte_mbuf **pieces,
			uint32_t n,
			const struct cut *c,
			const struct dp_meta *meta)
{
	uint32_t from = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t room = i == 0 ? c->first_room : c->room;
		uint32_t len = i == n - 1 ? c->payload - from : room;

		piece_fill(pieces[i], c, from, len);
		*dp_meta(pieces[i]) = *meta;
		from += len;
	}
}

/* The longest piece that leaves the line's headroom and tailroom in a buffer. */
static uint32_t piece_max(void)
{
	return rte_pktmbuf_data_room_size(dp_pool) - RTE_PKTMBUF_HEADROOM - DP_ENCAP_TAILROOM;
}

uint32_t frag_send(struct dp_worker *w, struct rte_mbuf *m, uint16_t mtu)
{
	struct rte_mbuf *pieces[PIECES_MAX];
	struct cut c;
	int reason = cut_plan(&c, m, RTE_MIN(mtu, piece_max()));
	uint32_t n = reason < 0 ? pieces_count(&c) : 0;

	if (n > PIECES_MAX)
		reason = DP_DROP_TOO_BIG;
	else if (n > 0 && rte_pktmbuf_alloc_bulk(dp_pool, pieces, n) != 0)
		reason = DP_DROP_NO_BUFFER;
	if (reason >= 0) {
		dp_drop(w, m, (enum dp_drop_reason)reason);
		return 0;
	}
	pieces_fill(pieces, n, &c, dp_meta_const(m));
	w->stats.copied_pkts += n - 1;
	dp_release(m);
	dp_line_out(w, pieces, (uint16_t)n);
	return n;
}
