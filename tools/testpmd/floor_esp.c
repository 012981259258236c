/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_esp: what ESP by AES-GCM under keyed GRE costs in the least code that does it, in one pass
 * with the library's direct calls, bulk route look-up and prefetches: SPI, replay window of 128,
 * decryption, GRE and IP checks, TTL, route, adjacency, sequence number, encryption. No exceptions,
 * no drops, no per-spoke counters, no redirects, no ESN; tables of its own.
 */
#include <string.h>

#include <rte_ether.h>
#include <rte_fib.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_vect.h>

#include <intel-ipsec-mb.h>

#include "testpmd.h"

#define ETH_BYTES 14
#define ESP_BYTES 16 /* SPI, sequence number, IV */
#define ICV_BYTES 16
#define GRE_WORD  0x00080020U
#define KEY_AHEAD 3

struct floor_adj {
	uint8_t header[44]; /* Ethernet, IPv4, SPI */
	uint32_t sa, ip_sum;
} __rte_cache_aligned;

struct floor_sa {
	uint64_t seq, pkts, bytes, window[2], top;
	uint32_t spi, salt;
	struct gcm_key_data key __rte_cache_aligned;
} __rte_cache_aligned;

struct floor_crypt {
	struct floor_sa *sa;
	uint8_t *text;
	uint32_t len, seq;
};

static struct {
	IMB_MGR *mgr;
	aes_gcm_enc_dec_t enc, dec;
	uint32_t key_head; /* bytes of a key that are used, from its start */
	bool key_powers;   /* and from its end, by length */
	struct gcm_context_data gcm;
	struct rte_fib *fib;
	struct floor_adj *adjs;
	struct floor_sa *in, *out;
	uint32_t spokes;
	uint64_t bad; /* keeps the checks alive */
} fl;

bool floor_esp_can(const struct net *net)
{
	return net->alg <= DP_SA_AES256_GCM && !net->esn && !net->natt;
}

static void sa_setup(const struct net *net, struct floor_sa *sa, uint32_t spoke, enum dp_sa_dir dir)
{
	struct side_keys k = side_keys_of(spoke, dir);
	uint32_t key_bytes = dp_sa_alg_info(net->alg)->key_bytes - 4U;

	sa->spi = rte_cpu_to_be_32((dir == DP_SA_IN ? SPI_IN : SPI_OUT) + spoke);
	memcpy(&sa->salt, k.key + key_bytes, 4);
	if (key_bytes == 16)
		IMB_AES128_GCM_PRE(fl.mgr, k.key, &sa->key);
	else if (key_bytes == 24)
		IMB_AES192_GCM_PRE(fl.mgr, k.key, &sa->key);
	else
		IMB_AES256_GCM_PRE(fl.mgr, k.key, &sa->key);
}

static void adj_setup(struct floor_adj *a, uint32_t spoke)
{
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
				  .time_to_live = 64,
				  .next_proto_id = IPPROTO_ESP,
				  .src_addr = rte_cpu_to_be_32(HUB_NBMA),
				  .dst_addr = rte_cpu_to_be_32(SPOKE_NBMA + spoke)};
	uint16_t words[10];

	a->header[12] = 8;
	memcpy(a->header + ETH_BYTES, &ip, sizeof(ip));
	memcpy(a->header + 34, &fl.out[spoke].spi, 4);
	memcpy(words, &ip, sizeof(words));
	for (unsigned i = 0; i < 10; i++)
		a->ip_sum += words[i];
	a->sa = spoke;
}

static void cipher_setup(const struct net *net)
{
	IMB_ARCH arch;

	fl.mgr = alloc_mb_mgr(0);
	init_mb_mgr_auto(fl.mgr, &arch);
	fl.enc = (aes_gcm_enc_dec_t[]){fl.mgr->gcm128_enc, fl.mgr->gcm192_enc,
				       fl.mgr->gcm256_enc}[net->alg];
	fl.dec = (aes_gcm_enc_dec_t[]){fl.mgr->gcm128_dec, fl.mgr->gcm192_dec,
				       fl.mgr->gcm256_dec}[net->alg];
	fl.key_powers = (fl.mgr->features & IMB_CPUFLAGS_AVX512_T2) == IMB_CPUFLAGS_AVX512_T2;
	fl.key_head = fl.key_powers ? 192 : 384;
}

void floor_esp_setup(const struct net *net)
{
	struct rte_fib_conf fib = {.type = RTE_FIB_DIR24_8,
				   .max_routes = (int)net->routes + 16,
				   .dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = 256}};
	size_t bytes = net->spokes * sizeof(*fl.in);

	fl.spokes = net->spokes;
	fl.fib = rte_fib_create("floor_esp", 0, &fib);
	fl.adjs = rte_zmalloc(NULL, RTE_MAX(net->spokes, (uint32_t)LAN_NEIGHS) * sizeof(*fl.adjs),
			      RTE_CACHE_LINE_SIZE);
	fl.in = rte_zmalloc(NULL, bytes, RTE_CACHE_LINE_SIZE);
	fl.out = rte_zmalloc(NULL, bytes, RTE_CACHE_LINE_SIZE);
	if (fl.fib == NULL || fl.adjs == NULL || fl.in == NULL || fl.out == NULL)
		rte_exit(1, "dmvpn-testpmd: memory for the floor\n");
	cipher_setup(net);
	rte_fib_select_lookup(fl.fib, RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512);
	for (uint32_t i = 0; i < net->spokes; i++) {
		sa_setup(net, &fl.in[i], i, DP_SA_IN);
		sa_setup(net, &fl.out[i], i, DP_SA_OUT);
		adj_setup(&fl.adjs[i], i);
	}
	for (uint32_t r = 0; r < net->routes; r++)
		rte_fib_add(fl.fib, net->route_ip[r], 24, net->route_spoke[r]);
}

static inline void key_prefetch(const struct gcm_key_data *key, uint32_t len)
{
	const uint8_t *p = (const uint8_t *)key;

	for (uint32_t at = 0; at < fl.key_head; at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0(p + at);
	for (uint32_t at = 16; fl.key_powers && at <= RTE_MIN((len + 15) / 16 + 2, 48U) * 16;
	     at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0(p + sizeof(*key) - at);
}

/* In registers, one aligned store: no load behind smaller stores. */
static inline void iv_store(uint8_t *iv, uint32_t salt, uint64_t wire)
{
	_mm_store_si128((__m128i *)iv,
			_mm_set_epi64x((int64_t)(wire >> 32), (int64_t)(wire << 32 | salt)));
}

static inline void ttl_lower(struct rte_ipv4_hdr *ip)
{
	uint32_t sum = ip->hdr_checksum + 1U;

	ip->time_to_live--;
	ip->hdr_checksum = (uint16_t)(sum + (sum >> 16));
}

static inline void replay_look(struct floor_sa *sa, uint32_t seq)
{
	if (unlikely(seq + 128 <= sa->top))
		fl.bad++;
	else if (seq <= sa->top && (sa->window[seq >> 6 & 1] >> (seq & 63) & 1))
		fl.bad++;
}

static inline void replay_commit(struct floor_sa *sa, uint32_t seq)
{
	if (seq > sa->top) {
		if (seq - sa->top >= 64)
			sa->window[0] = sa->window[1] = 0;
		else if (seq >> 6 != sa->top >> 6)
			sa->window[seq >> 6 & 1] = 0;
		sa->top = seq;
	}
	sa->window[seq >> 6 & 1] |= 1ULL << (seq & 63);
}

/* From the frame to the inner packet, which m starts at in the end; its destination. */
static void in_burst(struct rte_mbuf **m, unsigned n, uint32_t *dst)
{
	static uint8_t iv[BURST][16] __rte_aligned(64);
	uint8_t tag[BURST][16] __rte_aligned(16);
	struct floor_crypt c[BURST];

	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p;
		uint32_t index;

		if (i + 6 < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + 6], void *));
		p = rte_pktmbuf_mtod(m[i], const uint8_t *);
		fl.bad += *(const uint16_t *)(p + 12) != 8 || p[14] != 0x45 || p[23] != IPPROTO_ESP;
		index = rte_be_to_cpu_32(*(const uint32_t *)(p + 34)) & 0xffff;
		c[i].sa = &fl.in[index < fl.spokes ? index : 0];
		rte_prefetch0(c[i].sa);
	}
	for (unsigned i = 0; i < n; i++) {
		uint8_t *p = rte_pktmbuf_mtod(m[i], uint8_t *);

		c[i].seq = rte_be_to_cpu_32(*(uint32_t *)(p + 38));
		fl.bad += c[i].sa->spi != *(uint32_t *)(p + 34);
		replay_look(c[i].sa, c[i].seq);
		c[i].text = p + ETH_BYTES + 20 + ESP_BYTES;
		c[i].len = m[i]->data_len - ETH_BYTES - 20 - ESP_BYTES - ICV_BYTES;
		if (i < KEY_AHEAD)
			key_prefetch(&c[i].sa->key, c[i].len);
		iv_store(iv[i], c[i].sa->salt, *(uint64_t *)(p + 42));
	}
	for (unsigned i = 0; i < n; i++) {
		if (i + KEY_AHEAD < n)
			key_prefetch(&c[i + KEY_AHEAD].sa->key, c[i + KEY_AHEAD].len);
		fl.dec(&c[i].sa->key, &fl.gcm, c[i].text, c[i].text, c[i].len, iv[i],
		       c[i].text - ESP_BYTES, 8, tag[i], ICV_BYTES);
	}
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *trailer = c[i].text + c[i].len - 2;
		struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(c[i].text + GRE_BYTES);
		__m128i diff = _mm_xor_si128(_mm_load_si128((__m128i *)tag[i]),
					     _mm_loadu_si128((__m128i_u *)(c[i].text + c[i].len)));

		fl.bad += !_mm_testz_si128(diff, diff);
		replay_commit(c[i].sa, c[i].seq);
		c[i].sa->pkts++;
		c[i].sa->bytes += c[i].len;
		fl.bad += trailer[1] != IPPROTO_GRE || *(uint32_t *)c[i].text != GRE_WORD ||
			  ip->version_ihl != 0x45 || ip->time_to_live < 2;
		dst[i] = rte_be_to_cpu_32(ip->dst_addr);
		ttl_lower(ip);
		m[i]->data_off = (uint16_t)((uint8_t *)ip - (uint8_t *)m[i]->buf_addr);
		m[i]->data_len = (uint16_t)(c[i].len - GRE_BYTES - 2 - trailer[0]);
	}
}

static void lan_in_burst(struct rte_mbuf **m, unsigned n, uint32_t *dst)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_ipv4_hdr *ip;
		uint8_t *p;

		if (i + 6 < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + 6], void *));
		p = rte_pktmbuf_mtod(m[i], uint8_t *);
		ip = (struct rte_ipv4_hdr *)(p + ETH_BYTES);
		fl.bad += *(uint16_t *)(p + 12) != 8 || ip->version_ihl != 0x45 ||
			  ip->time_to_live < 2;
		dst[i] = rte_be_to_cpu_32(ip->dst_addr);
		ttl_lower(ip);
		m[i]->data_off += ETH_BYTES;
		m[i]->data_len -= ETH_BYTES;
	}
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Everything around the inner packet but the cipher. */
static inline void packet_build(struct rte_mbuf *m,
				const struct floor_adj *a,
				struct floor_crypt *c,
				uint8_t *iv)
{
	uint8_t *inner = rte_pktmbuf_mtod(m, uint8_t *), *text = inner - GRE_BYTES;
	uint8_t *trailer = inner + m->data_len, *out = text - ESP_BYTES - 20 - ETH_BYTES;
	uint32_t len = GRE_BYTES + m->data_len, pad = -(len + 2) & 3;
	uint64_t seq = ++c->sa->seq, wire = rte_cpu_to_be_64(seq);
	uint16_t total;

	c->sa->pkts++;
	c->sa->bytes += m->data_len;
	*(uint32_t *)text = GRE_WORD;
	*(uint32_t *)(text + 4) = RTE_BE32(GRE_KEY);
	*(uint32_t *)trailer = 0x00030201;
	trailer[pad] = (uint8_t)pad;
	trailer[pad + 1] = IPPROTO_GRE;
	c->text = text;
	c->len = len + pad + 2;
	memcpy(out, a->header, 38);
	*(uint32_t *)(out + 38) = rte_cpu_to_be_32((uint32_t)seq);
	*(uint64_t *)(out + 42) = wire;
	total = rte_cpu_to_be_16((uint16_t)(20 + ESP_BYTES + c->len + ICV_BYTES));
	*(uint16_t *)(out + 16) = total;
	*(uint16_t *)(out + 24) = fold(a->ip_sum + total);
	iv_store(iv, c->sa->salt, wire);
	m->data_off = (uint16_t)(out - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)(ETH_BYTES + 20 + ESP_BYTES + c->len + ICV_BYTES);
	m->pkt_len = m->data_len;
}

/* From the inner packet to the frame. */
static void out_burst(struct rte_mbuf **m, unsigned n, const uint64_t *nh)
{
	static uint8_t iv[BURST][16] __rte_aligned(64);
	struct floor_crypt c[BURST];

	for (unsigned i = 0; i < n; i++)
		rte_prefetch0(&fl.adjs[nh[i]]);
	for (unsigned i = 0; i < n; i++) {
		c[i].sa = &fl.out[fl.adjs[nh[i]].sa];
		rte_prefetch0(c[i].sa);
	}
	for (unsigned i = 0; i < n; i++) {
		if (i < KEY_AHEAD)
			key_prefetch(&c[i].sa->key, m[i]->data_len);
		packet_build(m[i], &fl.adjs[nh[i]], &c[i], iv[i]);
	}
	for (unsigned i = 0; i < n; i++) {
		if (i + KEY_AHEAD < n)
			key_prefetch(&c[i + KEY_AHEAD].sa->key, c[i + KEY_AHEAD].len);
		fl.enc(&c[i].sa->key, &fl.gcm, c[i].text, c[i].text, c[i].len, iv[i],
		       c[i].text - ESP_BYTES, 8, c[i].text + c[i].len, ICV_BYTES);
	}
}

/* A LAN neighbour's rewrite. */
static void lan_out_burst(struct rte_mbuf **m, unsigned n, const uint64_t *nh)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m[i], ETH_BYTES);

		memcpy(p, fl.adjs[nh[i]].header, ETH_BYTES);
		p[5] = (uint8_t)nh[i];
		m[i]->pkt_len = m[i]->data_len;
	}
}

static void pass(struct net *net)
{
	struct rte_mbuf *m[BURST];
	uint32_t dst[BURST];
	uint64_t nh[BURST];
	unsigned n = rte_ring_sc_dequeue_burst(net->rx, (void **)m, BURST, NULL);

	if (path_from_lan(net->path))
		lan_in_burst(m, n, dst);
	else
		in_burst(m, n, dst);
	rte_fib_lookup_bulk(fl.fib, dst, nh, (int)n);
	if (path_to_lan(net->path))
		lan_out_burst(m, n, nh);
	else
		out_burst(m, n, nh);
	rte_ring_sp_enqueue_bulk(net->tx, (void **)m, n, NULL);
}

void floor_esp_burst(struct net *net)
{
	for (uint32_t i = 0; i < net->burst; i += BURST)
		pass(net);
}
