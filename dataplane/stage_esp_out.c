/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_esp_out: GRE, ESP (RFC 4303, transport mode) and the outer header around packets whose
 * adjacency is protected. One that has no SA dies here: nothing of a protected tunnel leaves in
 * clear.
 *
 *     outer IPv4 | UDP (RFC 3948) | SPI | sequence | IV | GRE | inner packet | padding | trailer |
 * ICV
 *
 * The IV is the sequence number, which is never used twice with a key: RFC 4106 section 3.1 and RFC
 * 7634 section 2 ask for no more; for CBC its encryption (crypto.h). Only the home worker of the SA
 * counts, so numbers leave in order. Not done: IPv6, TFC padding of our own.
 */
#include "esp.h"
#include "icmp.h"
#include "neigh.h"
#include "outer.h"
#include "sa.h"
#include "spoke.h"
#include "stages.h"
#include "wire.h"

#define GO_ON    (-1)
#define HANDOVER (-2)

struct burst {
	struct crypto_op packet[DP_BURST];
	struct esp_ops ops;
};

/* What the SA allows: -1 with the number that this packet takes, or a drop reason. */
static int number_take(struct dp_worker *w, struct sa *sa, uint64_t *seq)
{
	if (unlikely(sa->pkts >= sa->check_pkts) && !sa_check(w, sa))
		return DP_DROP_ESP_EXPIRED;
	if (unlikely(sa->seq >= __atomic_load_n(&sa->bound, __ATOMIC_RELAXED))) {
		sa_check(w, sa);
		return DP_DROP_ESP_NO_NUMBER;
	}
	*seq = ++sa->seq;
	sa->last = (uint32_t)(w->now_tsc >> SA_LAST_SHIFT);
	return GO_ON;
}

/* GRE in front, padding (RFC 4303 section 2.4: 1, 2, 3...) and trailer behind; returns the text. */
static uint8_t *text_build(struct crypto_op *op,
			   struct rte_mbuf *m,
			   const struct adj *a,
			   uint8_t block_bytes)
{
	static const uint8_t padding[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	uint8_t *inner = rte_pktmbuf_mtod(m, uint8_t *), *text = inner - a->gre_len, *end;
	uint32_t len = (uint32_t)a->gre_len + m->data_len;
	uint8_t pad = (uint8_t)(-(len + ESP_TRAILER_BYTES) & (block_bytes - 1U));

	RTE_ASSERT(rte_pktmbuf_headroom(m) >= DP_ENCAP_HEADROOM - RTE_ETHER_HDR_LEN);
	RTE_ASSERT(rte_pktmbuf_tailroom(m) >= sizeof(padding) + ESP_TRAILER_BYTES + 32);
	memcpy(text, a->header + a->outer_len, 4);
	if (likely(a->gre_len == 8))
		memcpy(text + 4, a->header + a->outer_len + 4, 4);
	end = inner + m->data_len;
	memcpy(end, padding, sizeof(padding));
	end[pad] = pad;
	end[pad + 1] = ESP_NEXT_GRE;
	op->text = text;
	op->text_len = len + pad + ESP_TRAILER_BYTES;
	return text;
}

/* SPI, sequence number, IV in front of the text; returns where they begin. */
static uint8_t *esp_header_build(struct crypto_op *op,
				 const struct sa *sa,
				 struct esp_shape shape,
				 uint64_t seq)
{
	uint8_t *esp = op->text - shape.iv_bytes - ESP_HEADER_BYTES;
	uint64_t wire = rte_cpu_to_be_64(seq);
	uint64_t words = (uint64_t)rte_cpu_to_be_32((uint32_t)seq) << 32 | sa->spi_be;

	memcpy(esp, &words, sizeof(words));
	op->key = &sa->key;
	op->esn = (sa->flags & SA_F_ESN) != 0;
	op->nonce = false;
	if (likely(shape.salted)) {
		memcpy(esp + ESP_HEADER_BYTES, &wire, sizeof(wire));
		esp_iv_salted(op->iv, sa->salt, wire);
	} else if (shape.iv_bytes != 0) {
		op->nonce = true;
		_mm_store_si128((__m128i *)op->iv, _mm_set_epi64x((int64_t)wire, 0));
	}
	if (op->esn)
		esp_aad_esn(op, sa->spi_be, seq);
	return esp;
}

/* The outer header, from the adjacency; the packet is whole then but for the cipher. */
static void outer_build(struct rte_mbuf *m,
			const struct adj *a,
			uint8_t *esp,
			uint32_t esp_bytes,
			struct outer_marks marks)
{
	uint8_t *p = esp - a->outer_len;
	rte_be16_t udp_len = rte_cpu_to_be_16((uint16_t)(ESP_UDP_BYTES + esp_bytes));

	dp_data_set(m, (uint32_t)(p - (uint8_t *)m->buf_addr), a->outer_len + esp_bytes);
	memcpy(p, a->header, sizeof(struct rte_ipv4_hdr));
	if (unlikely(a->outer_len != sizeof(struct rte_ipv4_hdr))) {
		memcpy(p + 20, a->header + 20, ESP_UDP_BYTES);
		memcpy(p + 24, &udp_len, sizeof(udp_len));
	}
	outer_finish((struct rte_ipv4_hdr *)p, m->data_len, a->ip_sum, marks);
}

/* Everything but the cipher; -1, HANDOVER or a drop reason. */
static int build(struct dp_worker *w, struct burst *b, struct rte_mbuf *m, const struct adj *a)
{
	struct crypto_op *op = &b->packet[b->ops.n];
	struct sa *sa = &sas[a->sa];
	struct dp_meta *meta = dp_meta(m);
	struct esp_shape shape;
	struct outer_marks marks;
	uint32_t inner_bytes = m->data_len;
	rte_be16_t nhrp = RTE_BE16(GRE_PROTO_NHRP);
	uint64_t seq;
	uint8_t *esp;
	int verdict;

	live_note(LIVE_SA, a->sa);
	if (unlikely(sa_home(sa) != w->index))
		return HANDOVER;
	verdict = number_take(w, sa, &seq);
	if (unlikely(verdict != GO_ON))
		return verdict;
	shape = esp_shapes[sa->alg];
	if (likely(meta->kind == DP_KIND_IP))
		marks = outer_marks_ip(a, rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *),
				       (uint16_t)seq);
	else
		marks = outer_marks_nhrp(a, (uint16_t)seq);
	text_build(op, m, a, shape.block_bytes);
	if (unlikely(meta->kind != DP_KIND_IP))
		memcpy(op->text + 2, &nhrp, sizeof(nhrp));
	esp = esp_header_build(op, sa, shape, seq);
	outer_build(m, a, esp, (uint32_t)(op->text - esp) + op->text_len + shape.icv_bytes, marks);
	sa->pkts++;
	sa->bytes += op->text_len;
	meta->neigh = a->neigh;
	dp_meta_neigh_note(meta);
	if (likely(meta->kind == DP_KIND_IP)) {
		w->spokes[a->spoke].tx_pkts++;
		w->spokes[a->spoke].tx_bytes += inner_bytes;
		live_note(LIVE_SPOKE, a->spoke);
	}
	esp_ops_add(&b->ops, w->crypto, op, sa->alg);
	return GO_ON;
}

static void exception(struct dp_worker *w, struct rte_mbuf *m, int verdict, uint32_t sa)
{
	if (verdict == HANDOVER)
		handover(w, m, sas[sa].home);
	else
		dp_drop(w, m, (enum dp_drop_reason)verdict);
}

/* Encrypts; a packet that the cipher refused must not leave. None does: our lengths are right. */
static void encrypt(struct dp_worker *w, struct burst *b)
{
	esp_ops_run(&b->ops, w->crypto, crypto_encrypt);
	for (uint16_t i = 0; i < b->ops.n; i++)
		RTE_VERIFY(b->packet[i].ok);
}

uint16_t stage_esp_out(struct dp_worker *w, struct rte_mbuf **m, uint16_t n)
{
	uint16_t good = 0;
	struct burst b;

	b.ops.n = 0;
	b.ops.algs = 0;
	for (uint16_t i = 0; i < n; i++) {
		const struct adj *a = &adjs[dp_meta(m[i])->adj];
		int verdict = a->sa != 0 ? build(w, &b, m[i], a) : GO_ON;

		if (likely(verdict == GO_ON))
			m[good++] = m[i];
		else
			exception(w, m[i], verdict, a->sa);
	}
	encrypt(w, &b);
	return good;
}

bool esp_out_nhrp(struct dp_worker *w, struct rte_mbuf *m, const struct adj *a)
{
	struct burst b;
	int verdict;

	b.ops.n = 0;
	b.ops.algs = 0;
	verdict = a->sa != 0 ? build(w, &b, m, a) : (int)DP_DROP_ESP_NO_SA;
	if (unlikely(verdict != GO_ON)) {
		exception(w, m, verdict, a->sa);
		return false;
	}
	encrypt(w, &b);
	return true;
}

bool esp_is_ours(const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(eth + 1);
	uint32_t at = sizeof(*eth) + sizeof(*ip);
	struct table_key key;
	rte_be32_t spi_be;

	if (tunnel_protected_count == 0 || m->data_len < at + ESP_UDP_BYTES + sizeof(spi_be) ||
	    eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return false;
	at = sizeof(*eth) + rte_ipv4_hdr_len(ip);
	if (ip->next_proto_id == IPPROTO_UDP)
		at += ESP_UDP_BYTES;
	else if (ip->next_proto_id != IPPROTO_ESP)
		return false;
	if (m->data_len < at + sizeof(spi_be))
		return false;
	memcpy(&spi_be, rte_pktmbuf_mtod_offset(m, const uint8_t *, at), sizeof(spi_be));
	key = sa_out_key(ip->src_addr, ip->dst_addr, spi_be);
	return table_get(sa_out_table, &key) != 0;
}
