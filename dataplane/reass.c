/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reass: outer fragments to us become one packet again, in one buffer.
 *
 * One table of rte_ip_frag per worker: DP_REASS_PACKETS packets of at most 8 fragments, at most
 * DP_REASS_FRAGMENTS in all, DP_REASS_WAIT_S seconds. The table holds the fragments (held_pkts)
 * until they are complete, then all but one of them are absorbed; what it gives up dies by name. A
 * set in which anything overlaps or comes twice is given up as a whole (RFC 5722 asks that for
 * IPv6; a mixture is nobody's packet). The wait is far below the 15 s of RFC 791: at such rates the
 * ID comes round within seconds, and a late fragment would meet a stranger (RFC 4963).
 *
 * The result lies in the buffer of its first fragment when it fits there with the tailroom that the
 * line needs, else in one of dp_big_pool. What fits a port's MTU always fits the former, so that
 * large buffers never wait in a port's transmit queue: what goes out of them goes in pieces.
 *
 * Thread: worker; flush and fini: control core, worker stopped.
 * RFC 791 section 3.2, RFC 3168 section 5.3 (congestion marks of the fragments).
 * Not done: ICMP time exceeded for what stays incomplete (RFC 1122 section 3.3.2 asks hosts for it;
 * it would answer whoever forges fragments, and a spoke can do nothing about it).
 */

/* rte_ip_frag_table_del_expired_entries: without it idle entries would stay until others come. */
#define ALLOW_EXPERIMENTAL_API

#include "reass.h"

#include <rte_cycles.h>
#include <rte_ip_frag.h>
#include <rte_malloc.h>

#include "wire.h"

#define EXPIRE_PER_S 100 /* looks at the oldest entries */

_Static_assert(DP_REASS_SLOTS >= 2 * DP_REASS_PACKETS, "the table finds a slot before it is full");

struct reass {
	struct rte_ip_frag_tbl *table;
	struct rte_ip_frag_death_row death;
};

/* ---- start and stop ---- */

int reass_init(struct dp_worker *w)
{
	uint64_t wait_tsc = DP_REASS_WAIT_S * rte_get_tsc_hz();

	w->reass = rte_zmalloc("reassembly", sizeof(*w->reass), RTE_CACHE_LINE_SIZE);
	if (w->reass == NULL)
		return -ENOMEM;
	/* Two buckets for each key: rte_ip_frag doubles what it is asked for. */
	w->reass->table =
		rte_ip_frag_table_create(DP_REASS_SLOTS / 2 / DP_REASS_BUCKET, DP_REASS_BUCKET,
					 DP_REASS_PACKETS, wait_tsc, SOCKET_ID_ANY);
	if (w->reass->table != NULL)
		return 0;
	rte_free(w->reass);
	w->reass = NULL;
	return -ENOMEM;
}

void reass_fini(struct dp_worker *w)
{
	if (w->reass == NULL)
		return;
	rte_ip_frag_table_destroy(w->reass->table);
	rte_free(w->reass);
	w->reass = NULL;
}

/* ---- what dies ---- */

static void held_add(struct dp_worker *w, int fragments)
{
	w->reass_held += (uint32_t)fragments;
	w->stats.held_pkts += (uint64_t)fragments;
}

/* Fragments that rte_ip_frag has chained: each segment came as a packet. */
static void chain_drop(struct dp_worker *w, struct rte_mbuf *m, enum dp_drop_reason reason)
{
	w->stats.drops[reason] += m->nb_segs - 1U;
	dp_drop(w, m, reason);
}

static void death_row_drop(struct dp_worker *w, enum dp_drop_reason reason)
{
	struct rte_ip_frag_death_row *death = &w->reass->death;

	for (uint32_t i = 0; i < death->cnt; i++) {
		held_add(w, -(int)death->row[i]->nb_segs);
		chain_drop(w, death->row[i], reason);
	}
	death->cnt = 0;
}

/* Why the table gave up what it gave up when it was shown `fragment`. */
static enum dp_drop_reason death_reason(const struct rte_ip_frag_death_row *death,
					const struct rte_mbuf *fragment)
{
	uint32_t fragments = 0;
	bool own = false;

	for (uint32_t i = 0; i < death->cnt; i++) {
		for (const struct rte_mbuf *m = death->row[i]; m != NULL; m = m->next) {
			own |= m == fragment;
			fragments++;
		}
	}
	if (!own)
		return DP_DROP_REASS_TIMEOUT; /* an old entry made room */
	return fragments == 1 ? DP_DROP_REASS_FULL : DP_DROP_REASS_OVERLAP;
}

/* ---- complete packets ---- */

/*
 * RFC 3168 section 5.3: no congestion mark is lost, and none is put on a packet that knows none.
 * Headers of the later fragments are still in front of their data. false: contradictory marks.
 */
static bool ecn_merge(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	uint8_t ecn = ip->type_of_service & RTE_IPV4_HDR_ECN_MASK;
	bool ce = ecn == RTE_IPV4_HDR_ECN_CE, not_ect = ecn == 0;

	for (const struct rte_mbuf *seg = m->next; seg != NULL; seg = seg->next) {
		const uint8_t *header = rte_pktmbuf_mtod(seg, const uint8_t *) - seg->l3_len;

		ecn = ((const struct rte_ipv4_hdr *)header)->type_of_service &
		      RTE_IPV4_HDR_ECN_MASK;
		ce |= ecn == RTE_IPV4_HDR_ECN_CE;
		not_ect |= ecn == 0;
	}
	if (ce)
		ip->type_of_service |= RTE_IPV4_HDR_ECN_CE;
	return !(ce && not_ect);
}

/* The chain's bytes in one large buffer, the chain freed; NULL: out of buffers. */
static struct rte_mbuf *large_copy(struct rte_mbuf *chain)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_big_pool);

	if (m == NULL)
		return NULL;
	for (const struct rte_mbuf *seg = chain; seg != NULL; seg = seg->next)
		memcpy(rte_pktmbuf_append(m, seg->data_len), rte_pktmbuf_mtod(seg, const void *),
		       seg->data_len);
	*dp_meta(m) = *dp_meta(chain);
	dp_release(chain);
	return m;
}

static struct rte_mbuf *one_buffer(struct rte_mbuf *chain)
{
	uint32_t rest = chain->pkt_len - chain->data_len;

	if (rest + DP_ENCAP_TAILROOM > rte_pktmbuf_tailroom(chain))
		return large_copy(chain);
	rte_pktmbuf_linearize(chain);
	return chain;
}

/* All fragments are here. The outer checksum is not computed: nobody behind stage_rx looks at it.
 */
static void complete(struct dp_worker *w, struct rte_mbuf *chain)
{
	uint16_t fragments = chain->nb_segs;
	struct rte_mbuf *m;

	held_add(w, -(int)fragments);
	if (chain->pkt_len > DP_REASS_BYTES_MAX) {
		chain_drop(w, chain, DP_DROP_REASS_TOO_BIG);
		return;
	}
	if (!ecn_merge(chain)) {
		chain_drop(w, chain, DP_DROP_REASS_MALFORMED);
		return;
	}
	m = one_buffer(chain);
	if (m == NULL) {
		chain_drop(w, chain, DP_DROP_NO_BUFFER);
		return;
	}
	RTE_ASSERT(m->nb_segs == 1 && rte_pktmbuf_headroom(m) >= DP_ENCAP_HEADROOM);
	w->stats.absorbed_pkts += fragments - 1U;
	w->reass_done[w->reass_done_n++] = m;
}

/* ---- the line ---- */

/* What no set of fragments could be completed with: -1 or a drop reason. */
static int check(const struct rte_ipv4_hdr *ip)
{
	uint16_t field = rte_be_to_cpu_16(ip->fragment_offset);
	uint32_t offset = (field & RTE_IPV4_HDR_OFFSET_MASK) * RTE_IPV4_HDR_OFFSET_UNITS;
	uint32_t ihl = rte_ipv4_hdr_len(ip);
	uint32_t bytes = rte_be_to_cpu_16(ip->total_length) - ihl;

	if (bytes == 0)
		return DP_DROP_REASS_MALFORMED;
	/* RFC 791 section 3.2: all but the last are a multiple of 8 octets. */
	if ((field & RTE_IPV4_HDR_MF_FLAG) && bytes % RTE_IPV4_HDR_OFFSET_UNITS != 0)
		return DP_DROP_REASS_MALFORMED;
	if (ihl + offset + bytes > UINT16_MAX)
		return DP_DROP_REASS_MALFORMED;
	return ihl + offset + bytes > DP_REASS_BYTES_MAX ? (int)DP_DROP_REASS_TOO_BIG : -1;
}

void reass_fragment(struct dp_worker *w, struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *), key = *ip;
	struct rte_mbuf *whole;
	int reason = check(ip);

	if (reason < 0 && w->reass_held >= DP_REASS_FRAGMENTS)
		reason = DP_DROP_REASS_FULL;
	if (reason >= 0) {
		dp_drop(w, m, (enum dp_drop_reason)reason);
		return;
	}
	m->tx_offload = rte_mbuf_tx_offload(0, rte_ipv4_hdr_len(ip), 0, 0, 0, 0, 0);
	/* rte_ip_frag takes addresses and ID for the packet's name; RFC 791 also the protocol. */
	key.dst_addr ^= rte_cpu_to_be_32((uint32_t)ip->next_proto_id << 24);
	held_add(w, 1);
	whole = rte_ipv4_frag_reassemble_packet(w->reass->table, &w->reass->death, m, w->now_tsc,
						&key);
	death_row_drop(w, death_reason(&w->reass->death, m));
	if (whole != NULL)
		complete(w, whole);
}

void reass_expire(struct dp_worker *w)
{
	if (w->now_tsc < w->reass_next_tsc)
		return;
	rte_ip_frag_table_del_expired_entries(w->reass->table, &w->reass->death, w->now_tsc);
	/* At most one death row in a turn: more of them wait for the next. */
	if (w->reass->death.cnt == 0)
		w->reass_next_tsc = w->now_tsc + rte_get_tsc_hz() / EXPIRE_PER_S;
	death_row_drop(w, DP_DROP_REASS_TIMEOUT);
}

void reass_flush(struct dp_worker *w)
{
	uint32_t given_up;

	do {
		rte_ip_frag_table_del_expired_entries(w->reass->table, &w->reass->death,
						      UINT64_MAX);
		given_up = w->reass->death.cnt;
		death_row_drop(w, DP_DROP_SHUTDOWN);
	} while (given_up != 0);
}
