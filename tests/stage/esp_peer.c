/* SPDX-License-Identifier: Apache-2.0 */
#include "esp_peer.h"

#include <string.h>

#include <rte_ip.h>
#include <rte_udp.h>

#include "dataplane/crypto.h"

#define ETH 14
#define IP  20
#define UDP 8

static struct crypto *crypto(void)
{
	static struct crypto *c;

	if (c == NULL)
		c = crypto_create();
	assert_non_null(c);
	return c;
}

struct esp_peer esp_peer_make(enum dp_sa_alg alg,
			      const char *nbma,
			      uint16_t natt_port,
			      uint32_t spi)
{
	struct esp_peer p = {0};

	p.in = (struct dp_sa_conf){.dir = DP_SA_IN,
				   .alg = alg,
				   .local = stage_addr("192.0.2.1"),
				   .remote = stage_addr(nbma),
				   .natt_port = natt_port,
				   .spi = spi,
				   .profile = 1,
				   .replay_window = 64};
	for (unsigned i = 0; i < sizeof(p.in.key); i++)
		p.in.key[i] = (uint8_t)((spi >> i % 4 * 8) * 31 + i * 7);
	for (unsigned i = 0; i < sizeof(p.in.auth_key); i++)
		p.in.auth_key[i] = (uint8_t)(spi * 17 + i * 5 + 1);
	p.out = p.in;
	p.out.dir = DP_SA_OUT;
	p.out.spi = spi + 0x10000000;
	p.out.key[0] ^= 0xff;
	p.out.replay_window = 0;
	p.out.bound = DP_SA_BOUND_BLOCK;
	return p;
}

static uint32_t sa_add(const struct dp_sa_conf *conf)
{
	uint32_t sa;

	if (dp_sa_add(conf, &sa) < 0)
		fail_msg("dp_sa_add: %s", dp_error());
	return sa;
}

void esp_peer_add(struct esp_peer *peer)
{
	peer->in_sa = sa_add(&peer->in);
	peer->out_sa = sa_add(&peer->out);
}

void esp_peer_del(struct esp_peer *peer)
{
	assert_int_equal(dp_sa_del(peer->in_sa), 0);
	assert_int_equal(dp_sa_del(peer->out_sa), 0);
	peer->in_sa = peer->out_sa = 0;
}

/* The operation on `text` inside an ESP packet that begins at `esp`. */
static void crypt(
	const struct dp_sa_conf *sa, uint8_t *esp, uint32_t text_len, uint64_t seq, bool seal)
{
	const struct dp_sa_alg_info *info = dp_sa_alg_info(sa->alg);
	const uint8_t *salt = sa->key + info->key_bytes - 4;
	struct crypto_key key;
	struct crypto_op op = {.key = &key,
			       .text = esp + 8 + info->iv_bytes,
			       .text_len = text_len,
			       .esn = sa->esn},
			 *ops = &op;
	uint32_t half = rte_cpu_to_be_32((uint32_t)(seq >> 32));

	assert_int_equal(crypto_key_expand(crypto(), sa->alg, sa->key, sa->auth_key, &key), 0);
	if (info->auth_key_bytes == 0) {
		memcpy(op.iv, salt, 4);
		memcpy(op.iv + 4, esp + 8, 8);
	} else {
		memcpy(op.iv, esp + 8, info->iv_bytes);
	}
	memcpy(op.aad_esn, esp, 4);
	memcpy(op.aad_esn + 4, &half, 4);
	memcpy(op.aad_esn + 8, esp + 4, 4);
	if (seal)
		crypto_encrypt(crypto(), sa->alg, &ops, 1);
	else
		crypto_decrypt(crypto(), sa->alg, &ops, 1);
	assert_true(op.ok);
}

static uint16_t put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
	return 2;
}

static void put32(uint8_t *p, uint32_t value)
{
	put16(p, value >> 16);
	put16(p + 2, value & 0xffff);
}

/* Payload, padding, trailer at `text`; returns the length. */
static uint32_t text_make(uint8_t *text,
			  const struct stage_packet *gre,
			  uint8_t block,
			  struct esp_forge f)
{
	uint32_t len = gre->len, pad = (uint32_t)(-(gre->len + 2) & (block - 1)) + f.pad;

	memcpy(text, gre->bytes, len);
	for (uint32_t i = 0; i < pad; i++)
		text[len++] = (uint8_t)(i + 1);
	text[len++] = f.bad_pad_length ? 255 : (uint8_t)pad;
	text[len++] = f.next_header != 0 ? f.next_header : 47;
	return len;
}

struct stage_packet esp_seal(const struct esp_peer *peer,
			     struct stage_packet gre,
			     struct esp_forge f)
{
	const struct dp_sa_alg_info *info = dp_sa_alg_info(peer->in.alg);
	bool udp = (peer->in.natt_port != 0) != f.as_udp;
	char src[DP_ADDR_STRLEN];
	struct stage_packet p = {0};
	uint8_t *esp = p.bytes + (udp ? UDP : 0);
	uint32_t text_len;

	put32(esp, f.spi != 0 ? f.spi : peer->in.spi);
	put32(esp + 4, (uint32_t)f.seq);
	for (unsigned i = 0; i < info->iv_bytes; i++)
		esp[8 + i] = (uint8_t)(f.seq * 3 + i);
	text_len = text_make(esp + 8 + info->iv_bytes, &gre, info->block_bytes, f);
	crypt(&peer->in, esp, text_len, f.seq, true);
	p.len = (uint16_t)((udp ? UDP : 0) + 8 + info->iv_bytes + text_len + info->icv_bytes -
			   f.truncate);
	if (f.bad_icv)
		p.bytes[p.len - 1] ^= 1;
	if (udp) {
		put16(p.bytes, f.udp_from != 0 ? f.udp_from : RTE_MAX(peer->in.natt_port, 4500));
		put16(p.bytes + 2, 4500);
		put16(p.bytes + 4, p.len);
	}
	p = stage_outer(f.src != NULL ? f.src : dp_addr_format(&peer->in.remote, src), "192.0.2.1",
			p);
	p.bytes[9] = udp ? IPPROTO_UDP : IPPROTO_ESP;
	stage_ip_fix(&p, 0);
	return stage_eth(stage.wan, RTE_ETHER_TYPE_IPV4, p);
}

static void outer_check(const struct esp_peer *peer, const struct stage_packet *frame)
{
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;

	memcpy(&ip, frame->bytes + ETH, sizeof(ip));
	assert_int_equal(rte_raw_cksum(&ip, sizeof(ip)), 0xffff);
	assert_int_equal(rte_be_to_cpu_16(ip.total_length), frame->len - ETH);
	assert_int_equal(ip.src_addr, peer->out.local.ip4_be);
	assert_int_equal(ip.dst_addr, peer->out.remote.ip4_be);
	assert_int_equal(ip.next_proto_id, peer->out.natt_port != 0 ? IPPROTO_UDP : IPPROTO_ESP);
	if (peer->out.natt_port == 0)
		return;
	memcpy(&udp, frame->bytes + ETH + IP, sizeof(udp));
	assert_int_equal(rte_be_to_cpu_16(udp.src_port), 4500);
	assert_int_equal(rte_be_to_cpu_16(udp.dst_port), peer->out.natt_port);
	assert_int_equal(rte_be_to_cpu_16(udp.dgram_len), frame->len - ETH - IP);
	assert_int_equal(udp.dgram_cksum, 0); /* RFC 3948 section 2.1 */
}

struct stage_packet esp_open(const struct esp_peer *peer,
			     const struct stage_packet *frame,
			     uint32_t seq_high,
			     uint64_t *seq)
{
	const struct dp_sa_alg_info *info = dp_sa_alg_info(peer->out.alg);
	uint32_t at = ETH + IP + (peer->out.natt_port != 0 ? UDP : 0), text_len;
	struct stage_packet p = *frame, inner = {0};
	uint32_t words[2];
	uint8_t *text, pad;

	outer_check(peer, frame);
	memcpy(words, p.bytes + at, sizeof(words));
	assert_int_equal(rte_be_to_cpu_32(words[0]), peer->out.spi);
	*seq = (uint64_t)seq_high << 32 | rte_be_to_cpu_32(words[1]);
	text_len = p.len - at - 8 - info->iv_bytes - info->icv_bytes;
	assert_int_equal(text_len % info->block_bytes, 0);
	crypt(&peer->out, p.bytes + at, text_len, *seq, false);
	text = p.bytes + at + 8 + info->iv_bytes;
	assert_int_equal(text[text_len - 1], 47);
	pad = text[text_len - 2];
	assert_true(pad < info->block_bytes);
	for (unsigned i = 0; i < pad; i++)
		assert_int_equal(text[text_len - 2 - pad + i], i + 1);
	inner.len = (uint16_t)(text_len - 2 - pad);
	memcpy(inner.bytes, text, inner.len);
	return inner;
}
