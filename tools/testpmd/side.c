/* SPDX-License-Identifier: Apache-2.0 */
/*
 * side: the spokes' ends of the SAs. Keys, numbers and cipher state of their own, so that what the
 * hub finds in its caches is what it has put there itself. Never inside the timed part.
 */
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_udp.h>

#include "testpmd.h"

#define ESP_BYTES     8
#define TRAILER_BYTES 2

static struct {
	struct crypto *crypto;
	const struct dp_sa_alg_info *alg;
	struct crypto_key *to_hub, *from_hub; /* [spokes] */
	uint64_t *seq;                        /* [spokes]: last number sent */
} side;

struct side_keys side_keys_of(uint32_t spoke, enum dp_sa_dir dir)
{
	struct side_keys k;

	for (unsigned i = 0; i < sizeof(k.key); i++)
		k.key[i] = (uint8_t)((spoke >> i % 3 * 8) + i * 3 + dir * 91U);
	for (unsigned i = 0; i < sizeof(k.auth_key); i++)
		k.auth_key[i] = (uint8_t)((spoke >> i % 3 * 8) + i * 11 + dir * 57U);
	return k;
}

static void key_expand(const struct net *net, uint32_t spoke, enum dp_sa_dir dir)
{
	struct side_keys k = side_keys_of(spoke, dir);
	struct crypto_key *out = dir == DP_SA_IN ? &side.to_hub[spoke] : &side.from_hub[spoke];

	if (crypto_key_expand(side.crypto, net->alg, k.key, k.auth_key, out) < 0)
		rte_exit(1, "dmvpn-testpmd: keys\n");
}

void side_setup(const struct net *net)
{
	size_t bytes = net->spokes * sizeof(struct crypto_key);

	side.alg = dp_sa_alg_info(net->alg);
	side.crypto = crypto_create();
	side.to_hub = rte_malloc(NULL, bytes, RTE_CACHE_LINE_SIZE);
	side.from_hub = rte_malloc(NULL, bytes, RTE_CACHE_LINE_SIZE);
	side.seq = rte_zmalloc(NULL, net->spokes * sizeof(*side.seq), 0);
	if (side.crypto == NULL || side.to_hub == NULL || side.from_hub == NULL || side.seq == NULL)
		rte_exit(1, "dmvpn-testpmd: memory for the spokes' keys\n");
	for (uint32_t i = 0; i < net->spokes; i++) {
		key_expand(net, i, DP_SA_IN);
		key_expand(net, i, DP_SA_OUT);
	}
}

uint32_t side_front_bytes(const struct net *net)
{
	return 20U + (net->natt ? 8U : 0U) + ESP_BYTES + side.alg->iv_bytes;
}

/* text and text_len are there. */
static void op_fill(struct crypto_op *op, const struct crypto_key *key, uint32_t spoke, bool to_hub)
{
	const struct side_keys k = side_keys_of(spoke, to_hub ? DP_SA_IN : DP_SA_OUT);
	const uint8_t *esp = op->text - side.alg->iv_bytes - ESP_BYTES;

	op->key = key;
	memset(op->iv, 0, sizeof(op->iv));
	if (side.alg->auth_key_bytes == 0) {
		memcpy(op->iv, k.key + side.alg->key_bytes - 4, 4);
		memcpy(op->iv + 4, esp + ESP_BYTES, 8);
	} else {
		memcpy(op->iv, esp + ESP_BYTES, side.alg->iv_bytes);
	}
	memset(op->aad_esn, 0, sizeof(op->aad_esn));
	memcpy(op->aad_esn, esp, 4);
	memcpy(op->aad_esn + 8, esp + 4, 4);
}

static void trailer_append(struct rte_mbuf *m)
{
	uint32_t pad = -(m->data_len + TRAILER_BYTES) & (side.alg->block_bytes - 1U);
	uint8_t *p = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(pad + TRAILER_BYTES));

	for (uint32_t i = 0; i < pad; i++)
		p[i] = (uint8_t)(i + 1);
	p[pad] = (uint8_t)pad;
	p[pad + 1] = IPPROTO_GRE;
}

static void outer_prepend(const struct net *net, struct rte_mbuf *m, uint32_t from)
{
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
				  .time_to_live = 64,
				  .next_proto_id = net->natt ? IPPROTO_UDP : IPPROTO_ESP,
				  .src_addr = rte_cpu_to_be_32(SPOKE_NBMA + from),
				  .dst_addr = rte_cpu_to_be_32(HUB_NBMA)};
	struct rte_udp_hdr udp = {.src_port = RTE_BE16(NATT_PORT), .dst_port = RTE_BE16(NATT_PORT)};

	if (net->natt) {
		udp.dgram_len = rte_cpu_to_be_16((uint16_t)(sizeof(udp) + m->data_len));
		memcpy(rte_pktmbuf_prepend(m, sizeof(udp)), &udp, sizeof(udp));
	}
	ip.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + m->data_len));
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(rte_pktmbuf_prepend(m, sizeof(ip)), &ip, sizeof(ip));
}

static void op_prepare(const struct net *net,
		       struct crypto_op *op,
		       struct rte_mbuf *m,
		       uint32_t from)
{
	uint32_t words[2] = {rte_cpu_to_be_32(SPI_IN + from)};
	uint64_t iv = ++side.seq[from];
	uint8_t *esp;

	trailer_append(m);
	op->text = rte_pktmbuf_mtod(m, uint8_t *);
	op->text_len = m->data_len;
	op->esn = net->esn;
	op->nonce = false;
	words[1] = rte_cpu_to_be_32((uint32_t)side.seq[from]);
	esp = (uint8_t *)rte_pktmbuf_prepend(m, (uint16_t)(ESP_BYTES + side.alg->iv_bytes));
	memcpy(esp, words, sizeof(words));
	for (unsigned i = 0; i < side.alg->iv_bytes; i++)
		esp[ESP_BYTES + i] = (uint8_t)(iv >> (i % 8 * 8));
	op_fill(op, &side.to_hub[from], from, true);
	rte_pktmbuf_append(m, side.alg->icv_bytes);
}

void side_encrypt(const struct net *net, struct rte_mbuf **m, const uint32_t *from, unsigned n)
{
	static struct crypto_op packet[BURST];
	struct crypto_op *ops[BURST];

	for (unsigned at = 0; at < n; at += BURST) {
		uint16_t count = (uint16_t)RTE_MIN(n - at, (unsigned)BURST);

		for (uint16_t i = 0; i < count; i++) {
			ops[i] = &packet[i];
			op_prepare(net, ops[i], m[at + i], from[at + i]);
		}
		crypto_encrypt(side.crypto, net->alg, ops, count);
		for (uint16_t i = 0; i < count; i++)
			outer_prepend(net, m[at + i], from[at + i]);
	}
}

bool side_decrypt(const struct net *net, struct rte_mbuf *m, uint32_t to)
{
	uint32_t front = side_front_bytes(net);
	struct crypto_op op = {.esn = net->esn}, *ops = &op;
	uint32_t spi_be = rte_cpu_to_be_32(SPI_OUT + to);
	const uint8_t *trailer;
	uint8_t *p = rte_pktmbuf_mtod(m, uint8_t *);

	if (m->data_len < front + TRAILER_BYTES + side.alg->icv_bytes ||
	    memcmp(p + front - side.alg->iv_bytes - ESP_BYTES, &spi_be, sizeof(spi_be)) != 0)
		return false;
	op.text = p + front;
	op.text_len = m->data_len - front - side.alg->icv_bytes;
	op_fill(&op, &side.from_hub[to], to, false);
	crypto_decrypt(side.crypto, net->alg, &ops, 1);
	trailer = op.text + op.text_len - TRAILER_BYTES;
	if (!op.ok || trailer[1] != IPPROTO_GRE)
		return false;
	rte_pktmbuf_adj(m, (uint16_t)front);
	rte_pktmbuf_trim(m, (uint16_t)(side.alg->icv_bytes + TRAILER_BYTES + trailer[0]));
	return true;
}
