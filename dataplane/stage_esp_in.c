/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_esp_in: ESP off (RFC 4303, transport mode, next header GRE), with or without UDP around it
 * (RFC 3948). What comes out starts at its GRE header and carries the SA that it came by.
 *
 * Per packet: SA by SPI, home worker, outer source, replay check; the burst is decrypted; ICV,
 * replay check again (two copies may be in one burst) and commit, trailer. Nothing of the SA is
 * written before the ICV has been found right, but for the counters of what was refused.
 *
 * RFC 4303 sections 3.4.2 to 3.4.4; the bytes of the padding are not looked at, the ICV covers
 * them. Not done: IPv6, tunnel mode, IP compression.
 */
#include <rte_ip.h>
#include <rte_udp.h>

#include "esp.h"
#include "police.h"
#include "replay.h"
#include "sa.h"
#include "stages.h"
#include "wire.h"

#define GO_ON    (-1)
#define PUNT     (-2)
#define HANDOVER (-3)
#define ABSORB   (-4)

struct packet {
	struct crypto_op op;
	uint64_t seq;
	uint32_t sa;
	uint16_t esp_at;   /* bytes from the outer IP header to the SPI */
	uint16_t udp_from; /* source port, host order; 0: plain ESP */
};

struct burst {
	struct packet packet[DP_BURST];
	struct esp_ops ops;
};

/* First pass: where the SPI is, and a guess at the SA, which is on its way into the cache. */
static int locate(struct packet *p, const struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	struct rte_udp_hdr udp;
	rte_be32_t spi_be;

	p->esp_at = rte_ipv4_hdr_len(ip);
	p->udp_from = 0;
	if (ip->next_proto_id == IPPROTO_UDP) {
		memcpy(&udp, (const uint8_t *)ip + p->esp_at, sizeof(udp));
		p->udp_from = rte_be_to_cpu_16(udp.src_port);
		p->esp_at += sizeof(udp);
	}
	if (unlikely(m->data_len < p->esp_at + ESP_HEADER_BYTES))
		return DP_DROP_ESP_HEADER;
	memcpy(&spi_be, (const uint8_t *)ip + p->esp_at, sizeof(spi_be));
	p->sa = *sa_hint(spi_be);
	rte_prefetch0(&sas[p->sa]);
	rte_prefetch0((const uint8_t *)ip + RTE_CACHE_LINE_SIZE);
	rte_prefetch0((const uint8_t *)ip + m->data_len - 1);
	return GO_ON;
}

/* The hint was right, or the table knows better. */
static int sa_find(struct packet *p, const struct rte_ipv4_hdr *ip, rte_be32_t spi_be)
{
	const struct sa *sa = &sas[p->sa];
	struct table_key key;

	if (likely(p->sa != 0 && sa->spi_be == spi_be && sa->local_be == ip->dst_addr &&
		   !(sa->flags & SA_F_OUT)))
		return GO_ON;
	key = sa_key(ip->dst_addr, spi_be);
	p->sa = table_get(sa_table, &key);
	if (likely(p->sa != 0))
		return GO_ON;
	return table_get(foreign_table, &key) != 0 ? PUNT : (int)DP_DROP_ESP_UNKNOWN_SPI;
}

/* May this packet be for this SA at all? Encapsulation and, but for NAT-T, outer source. */
static int source_check(const struct packet *p, const struct sa *sa, rte_be32_t src)
{
	bool udp = p->udp_from != 0;

	if (unlikely(udp != ((sa->flags & SA_F_NATT) != 0)))
		return DP_DROP_ESP_SOURCE;
	if (unlikely(src != sa->peer_be && !udp))
		return DP_DROP_ESP_SOURCE;
	return GO_ON;
}

static int replay_look(struct packet *p, struct sa *sa, uint32_t low)
{
	uint32_t window = (uint32_t)sa->window32 * SA_WINDOW_UNIT, mask = sa_ring_mask(sa);

	p->seq = low;
	if (sa->flags & SA_F_ESN)
		p->seq = replay_seq_infer(sa->seq, low, window);
	if (window != 0 &&
	    unlikely(p->seq == 0 || !replay_check(sa->bitmap, mask, window, sa->seq, p->seq))) {
		sa->replayed++;
		return DP_DROP_ESP_REPLAY;
	}
	rte_prefetch0(&sa->bitmap[p->seq / REPLAY_WORD_BITS & mask]); /* commit */
	return GO_ON;
}

/* What the cipher needs. */
static int op_fill(struct packet *p, struct rte_mbuf *m, const struct sa *sa)
{
	const struct esp_shape shape = esp_shapes[sa->alg];
	uint8_t *esp = rte_pktmbuf_mtod_offset(m, uint8_t *, p->esp_at);
	uint32_t around = p->esp_at + ESP_HEADER_BYTES + shape.iv_bytes + shape.icv_bytes;
	uint8_t *wire_iv = esp + ESP_HEADER_BYTES;
	struct crypto_op *op = &p->op;
	uint64_t wire;

	if (unlikely(m->data_len < around + ESP_TRAILER_BYTES))
		return DP_DROP_ESP_HEADER;
	op->text_len = m->data_len - around;
	if (unlikely(op->text_len & (shape.block_bytes - 1U)))
		return DP_DROP_ESP_HEADER;
	op->key = &sa->key;
	op->text = wire_iv + shape.iv_bytes;
	op->esn = (sa->flags & SA_F_ESN) != 0;
	if (likely(shape.salted)) {
		memcpy(&wire, wire_iv, sizeof(wire));
		esp_iv_salted(op->iv, sa->salt, wire);
	} else if (shape.iv_bytes != 0) {
		esp_iv_wire(op->iv, wire_iv);
	}
	if (op->esn)
		esp_aad_esn(op, sa->spi_be, p->seq);
	return GO_ON;
}

/* Second pass: everything that is checked before the cipher. */
static int admit(struct dp_worker *w, struct packet *p, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	rte_be32_t words[2]; /* SPI, sequence number */
	struct sa *sa;
	int verdict;

	memcpy(words, (const uint8_t *)ip + p->esp_at, sizeof(words));
	verdict = sa_find(p, ip, words[0]);
	if (unlikely(verdict != GO_ON))
		return verdict;
	sa = &sas[p->sa];
	live_note(LIVE_SA, p->sa);
	if (unlikely(sa_home(sa) != w->index))
		return HANDOVER;
	verdict = source_check(p, sa, ip->src_addr);
	if (unlikely(verdict != GO_ON))
		return verdict;
	if (unlikely(sa->pkts >= sa->check_pkts) && !sa_check(w, sa))
		return DP_DROP_ESP_EXPIRED;
	verdict = replay_look(p, sa, rte_be_to_cpu_32(words[1]));
	return unlikely(verdict != GO_ON) ? verdict : op_fill(p, m, sa);
}

/* The packet is authentic: window, counters, and where its peer is. False: a copy of one that came
 * in the same burst. */
static bool commit(struct dp_worker *w,
		   const struct packet *p,
		   struct sa *sa,
		   const struct rte_ipv4_hdr *ip)
{
	uint64_t top = sa->seq;

	if (likely(sa->window32 != 0)) {
		uint32_t mask = sa_ring_mask(sa);

		if (unlikely(!replay_check(sa->bitmap, mask,
					   (uint32_t)sa->window32 * SA_WINDOW_UNIT, top, p->seq)))
			return false;
		sa->seq = replay_commit(sa->bitmap, mask, top, p->seq);
	} else if (p->seq > top) {
		sa->seq = p->seq;
	}
	sa->pkts++;
	sa->bytes += p->op.text_len;
	sa->last = (uint32_t)(w->now_tsc >> SA_LAST_SHIFT);
	if (unlikely(p->udp_from != 0 && p->seq > top &&
		     (ip->src_addr != sa->remote_be || p->udp_from != sa->natt_port)))
		sa_tell_moved(w, sa, ip->src_addr, p->udp_from);
	return true;
}

static void meta_fill(struct dp_meta *meta,
		      const struct packet *p,
		      const struct sa *sa,
		      const struct rte_ipv4_hdr *ip)
{
	uint16_t natt_port;

	/* The peer as the SA knows it: a NAT that has moved is the control core's business first.
	 */
	addr_store_ip4(&meta->outer_src, sa_remote(sa, &natt_port));
	addr_store_ip4(&meta->outer_dst, ip->dst_addr);
	meta->outer_ecn = ip->type_of_service & 3;
	meta->natt_port = natt_port;
	meta->sa = p->sa;
	meta->flags = DP_META_FROM_ESP;
	meta->kind = DP_KIND_GRE;
}

/* Third pass. */
static int finish(struct dp_worker *w, struct packet *p, struct rte_mbuf *m)
{
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	const uint8_t *trailer = p->op.text + p->op.text_len - ESP_TRAILER_BYTES;
	struct sa *sa = &sas[p->sa];
	uint32_t payload;

	if (unlikely(!p->op.ok)) {
		sa->bad_icv++;
		return DP_DROP_ESP_ICV;
	}
	if (unlikely(!commit(w, p, sa, ip))) {
		sa->replayed++;
		return DP_DROP_ESP_REPLAY;
	}
	if (unlikely(trailer[1] == ESP_NEXT_NONE))
		return ABSORB;
	if (unlikely(trailer[1] != ESP_NEXT_GRE))
		return DP_DROP_ESP_NEXT_HEADER;
	if (unlikely((uint32_t)trailer[0] + ESP_TRAILER_BYTES > p->op.text_len))
		return DP_DROP_ESP_HEADER;
	payload = p->op.text_len - ESP_TRAILER_BYTES - trailer[0];
	meta_fill(dp_meta(m), p, sa, ip);
	dp_data_set(m, (uint32_t)(p->op.text - (uint8_t *)m->buf_addr), payload);
	return GO_ON;
}

static void exception(struct dp_worker *w, struct rte_mbuf *m, int verdict, uint32_t sa)
{
	switch (verdict) {
	case PUNT: /* an SA of the kernel */
		punt_to_twin(w, m, dp_meta(m));
		break;
	case HANDOVER:
		handover_esp(w, m, sa);
		break;
	case ABSORB:
		w->stats.absorbed_pkts++;
		dp_release(m);
		break;
	default:
		dp_drop(w, m, (enum dp_drop_reason)verdict);
		break;
	}
}

static inline bool is_esp(struct rte_mbuf *m)
{
	return dp_meta(m)->kind == DP_KIND_ESP;
}

/* b->packet[i] is of m[i] before and after. */
static uint16_t locate_burst(struct dp_worker *w, struct burst *b, struct rte_mbuf **m, uint16_t n)
{
	uint16_t good = 0;

	for (uint16_t i = 0; i < n; i++) {
		int verdict = is_esp(m[i]) ? locate(&b->packet[good], m[i]) : GO_ON;

		if (likely(verdict == GO_ON))
			m[good++] = m[i];
		else
			exception(w, m[i], verdict, 0);
	}
	return good;
}

static uint16_t admit_burst(struct dp_worker *w, struct burst *b, struct rte_mbuf **m, uint16_t n)
{
	uint16_t good = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct packet *p = &b->packet[good];
		int verdict = GO_ON;

		if (is_esp(m[i])) {
			p->sa = b->packet[i].sa;
			p->esp_at = b->packet[i].esp_at;
			p->udp_from = b->packet[i].udp_from;
			verdict = admit(w, p, m[i]);
			if (likely(verdict == GO_ON))
				esp_ops_add(&b->ops, w->crypto, &p->op, sas[p->sa].alg);
		}
		if (likely(verdict == GO_ON))
			m[good++] = m[i];
		else
			exception(w, m[i], verdict, p->sa);
	}
	return good;
}

static uint16_t finish_burst(struct dp_worker *w, struct burst *b, struct rte_mbuf **m, uint16_t n)
{
	uint16_t good = 0;

	for (uint16_t i = 0; i < n; i++) {
		int verdict = is_esp(m[i]) ? finish(w, &b->packet[i], m[i]) : GO_ON;

		if (likely(verdict == GO_ON))
			m[good++] = m[i];
		else
			exception(w, m[i], verdict, 0);
	}
	return good;
}

uint16_t stage_esp_in(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	struct burst b;

	b.ops.n = 0;
	b.ops.algs = 0;
	n = locate_burst(w, &b, m, n);
	n = admit_burst(w, &b, m, n);
	esp_ops_run(&b.ops, w->crypto, crypto_decrypt);
	return finish_burst(w, &b, m, n);
}
