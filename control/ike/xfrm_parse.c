/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xfrm_parse: NETLINK_XFRM messages as values (xfrm.h).
 *
 * A fixed part, then a walk over the attributes with a sticky error (net_attr.h); unknown
 * attributes are skipped, known ones must have their length, and a key must fill its attribute to
 * the bit. Pure: any thread; fuzzed by tests/fuzz/fuzz_xfrm.c.
 *
 * Not done: IPv6, policies (nobody needs more of them than their selector), offload.
 */
#include "xfrm.h"

#include <errno.h>
#include <linux/udp.h>
#include <linux/xfrm.h>
#include <stdio.h>

#include "control/net/net_attr.h"

#define GRE_PROTO 47

const char *xfrm_fault_name(enum xfrm_fault fault)
{
	static const char *const names[] = {
#define X(id, name, help) [XFRM_FAULT_##id] = name,
		XFRM_FAULT_LIST(X)
#undef X
	};

	return names[fault];
}

/* ---- algorithms ---- */

/* Kernel's name, bits of the key with salt, bits of the ICV; name and bits of HMAC's key. */
static const struct algorithm {
	enum dp_sa_alg alg;
	const char *cipher;
	uint32_t key_bits, icv_bits;
	const char *auth; /* NULL: the cipher authenticates */
	uint32_t auth_bits;
} algorithms[] = {
	{DP_SA_AES128_GCM, "rfc4106(gcm(aes))", 160, 128, NULL, 0},
	{DP_SA_AES192_GCM, "rfc4106(gcm(aes))", 224, 128, NULL, 0},
	{DP_SA_AES256_GCM, "rfc4106(gcm(aes))", 288, 128, NULL, 0},
	{DP_SA_CHACHA20_POLY1305, "rfc7539esp(chacha20,poly1305)", 288, 128, NULL, 0},
	{DP_SA_AES128_CBC_SHA1, "cbc(aes)", 128, 96, "hmac(sha1)", 160},
	{DP_SA_AES256_CBC_SHA1, "cbc(aes)", 256, 96, "hmac(sha1)", 160},
	{DP_SA_AES128_CBC_SHA256, "cbc(aes)", 128, 128, "hmac(sha256)", 256},
	{DP_SA_AES256_CBC_SHA256, "cbc(aes)", 256, 128, "hmac(sha256)", 256},
	{DP_SA_AES128_CBC_SHA384, "cbc(aes)", 128, 192, "hmac(sha384)", 384},
	{DP_SA_AES256_CBC_SHA384, "cbc(aes)", 256, 192, "hmac(sha384)", 384},
	{DP_SA_AES128_CBC_SHA512, "cbc(aes)", 128, 256, "hmac(sha512)", 512},
	{DP_SA_AES256_CBC_SHA512, "cbc(aes)", 256, 256, "hmac(sha512)", 512},
	{DP_SA_NULL_SHA1, "ecb(cipher_null)", 0, 96, "hmac(sha1)", 160},
	{DP_SA_NULL_SHA256, "ecb(cipher_null)", 0, 128, "hmac(sha256)", 256},
	{DP_SA_NULL_SHA384, "ecb(cipher_null)", 0, 192, "hmac(sha384)", 384},
	{DP_SA_NULL_SHA512, "ecb(cipher_null)", 0, 256, "hmac(sha512)", 512},
};

/* One attribute of an algorithm. */
struct alg_attr {
	char name[65];
	uint32_t key_bits, icv_bits;
	const uint8_t *key;
	bool there;
};

struct alg_attrs {
	struct alg_attr aead, crypt, auth;
	bool auth_truncated; /* XFRMA_ALG_AUTH_TRUNC says more than XFRMA_ALG_AUTH, which goes along
			      */
};

/* struct xfrm_algo, or with_icv xfrm_algo_auth and xfrm_algo_aead, which are alike. */
static void alg_attr_parse(struct net_attrs *it,
			   const struct net_attr *attr,
			   bool with_icv,
			   struct alg_attr *alg)
{
	size_t head = 64 + (with_icv ? 8 : 4);

	if (attr->len < head) {
		it->bad = true;
		return;
	}
	memcpy(alg->name, attr->value, 64);
	memcpy(&alg->key_bits, attr->value + 64, 4);
	if (with_icv)
		memcpy(&alg->icv_bits, attr->value + 68, 4);
	alg->key = attr->value + head;
	alg->there = true;
	if (alg->key_bits % 8 != 0 || alg->key_bits / 8 != attr->len - head)
		it->bad = true;
}

static bool cipher_matches(const struct algorithm *a, const char *name)
{
	if (strcmp(a->cipher, name) == 0)
		return true;
	/* the other name of the null cipher */
	return a->key_bits == 0 && strcmp(name, "cipher_null") == 0;
}

/* XFRMA_ALG_AUTH alone has the kernel's length: RFC 2404 and RFC 4868, but for SHA-256, where it is
 * that of a draft, which we do not serve. strongSwan says nothing else where they are the same. */
static uint32_t auth_icv_bits(const struct alg_attrs *attrs)
{
	if (attrs->auth_truncated)
		return attrs->auth.icv_bits;
	if (strcmp(attrs->auth.name, "hmac(sha1)") == 0 ||
	    strcmp(attrs->auth.name, "hmac(sha256)") == 0)
		return 96;
	return attrs->auth.key_bits / 2;
}

static bool algorithm_matches(const struct algorithm *a, const struct alg_attrs *attrs)
{
	const struct alg_attr *cipher = a->auth == NULL ? &attrs->aead : &attrs->crypt;

	if (!cipher->there || !cipher_matches(a, cipher->name) || cipher->key_bits != a->key_bits)
		return false;
	if (a->auth == NULL)
		return cipher->icv_bits == a->icv_bits && !attrs->crypt.there && !attrs->auth.there;
	return !attrs->aead.there && attrs->auth.there && strcmp(attrs->auth.name, a->auth) == 0 &&
	       attrs->auth.key_bits == a->auth_bits && auth_icv_bits(attrs) == a->icv_bits;
}

static void algorithm_set(struct xfrm_sa *sa, const struct alg_attrs *attrs)
{
	const struct alg_attr *cipher = attrs->aead.there ? &attrs->aead : &attrs->crypt;

	sa->larval = !attrs->aead.there && !attrs->crypt.there && !attrs->auth.there;
	if (attrs->auth.there)
		snprintf(sa->alg_text, sizeof(sa->alg_text), "%.40s/%u %.28s/%u", cipher->name,
			 cipher->key_bits, attrs->auth.name, auth_icv_bits(attrs));
	else
		snprintf(sa->alg_text, sizeof(sa->alg_text), "%.64s/%u", cipher->name,
			 cipher->key_bits);
	sa->alg = DP_SA_ALG_COUNT;
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
		if (!algorithm_matches(&algorithms[i], attrs))
			continue;
		sa->alg = algorithms[i].alg;
		memcpy(sa->key, cipher->key, cipher->key_bits / 8);
		if (algorithms[i].auth != NULL)
			memcpy(sa->auth_key, attrs->auth.key, attrs->auth.key_bits / 8);
		return;
	}
}

/* ---- the fixed part ---- */

/* XFRM_INF, and what is nothing, is no limit. */
static uint64_t limit_of(uint64_t v)
{
	return v == XFRM_INF ? 0 : v;
}

static uint32_t seconds_of(uint64_t v)
{
	return v > UINT32_MAX ? 0 : (uint32_t)v;
}

static bool addr_set(struct dp_addr *addr, const xfrm_address_t *from, uint16_t family)
{
	uint8_t len = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;

	return dp_addr_from_bytes(addr, (const uint8_t *)from, len) == 0;
}

static bool info_set(struct xfrm_sa *sa, const struct xfrm_usersa_info *info)
{
	if (!addr_set(&sa->src, &info->saddr, info->family) ||
	    !addr_set(&sa->dst, &info->id.daddr, info->family))
		return false;
	sa->spi = ntohl(info->id.spi);
	sa->proto = info->id.proto;
	sa->reqid = info->reqid;
	sa->seq = info->seq;
	sa->mode = info->mode;
	sa->selector_proto = info->sel.proto;
	sa->esn = (info->flags & XFRM_STATE_ESN) != 0;
	sa->replay_window = info->replay_window;
	sa->limits.soft_bytes = limit_of(info->lft.soft_byte_limit);
	sa->limits.hard_bytes = limit_of(info->lft.hard_byte_limit);
	sa->limits.soft_pkts = limit_of(info->lft.soft_packet_limit);
	sa->limits.hard_pkts = limit_of(info->lft.hard_packet_limit);
	sa->limits.soft_s = seconds_of(info->lft.soft_add_expires_seconds);
	sa->limits.hard_s = seconds_of(info->lft.hard_add_expires_seconds);
	return true;
}

/* ---- attributes ---- */

static void encap_parse(struct net_attrs *it, const struct net_attr *attr, struct xfrm_sa *sa)
{
	struct xfrm_encap_tmpl encap = {0};

	net_attr_copy(it, attr, &encap, sizeof(encap));
	sa->has_encap = true;
	sa->encap_type = encap.encap_type;
	sa->encap_src_port = ntohs(encap.encap_sport);
	sa->encap_dst_port = ntohs(encap.encap_dport);
}

static void replay_parse(struct net_attrs *it, const struct net_attr *attr, struct xfrm_sa *sa)
{
	struct xfrm_replay_state replay = {0};

	net_attr_copy(it, attr, &replay, sizeof(replay));
	sa->seq_out = replay.oseq;
	sa->seq_in = replay.seq;
}

static void replay_esn_parse(struct net_attrs *it, const struct net_attr *attr, struct xfrm_sa *sa)
{
	struct xfrm_replay_state_esn replay;

	if (attr->len < sizeof(replay)) {
		it->bad = true;
		return;
	}
	memcpy(&replay, attr->value, sizeof(replay));
	/* iproute2 leaves the bitmap out, and the kernel lets it. */
	if (attr->len > sizeof(replay) && (attr->len - sizeof(replay)) / 4 < replay.bmp_len) {
		it->bad = true;
		return;
	}
	sa->seq_out = (uint64_t)replay.oseq_hi << 32 | replay.oseq;
	sa->seq_in = (uint64_t)replay.seq_hi << 32 | replay.seq;
	sa->replay_window = replay.replay_window;
}

static void mark_parse(struct net_attrs *it, const struct net_attr *attr, struct xfrm_sa *sa)
{
	struct xfrm_mark mark = {0};

	net_attr_copy(it, attr, &mark, sizeof(mark));
	sa->mark = mark.v;
	sa->mark_mask = mark.m;
}

static void sa_attr_parse(struct net_attrs *it,
			  const struct net_attr *attr,
			  struct xfrm_sa *sa,
			  struct alg_attrs *algs)
{
	switch (attr->type) {
	case XFRMA_ALG_AEAD:
		alg_attr_parse(it, attr, true, &algs->aead);
		return;
	case XFRMA_ALG_CRYPT:
		alg_attr_parse(it, attr, false, &algs->crypt);
		return;
	case XFRMA_ALG_AUTH:
		if (!algs->auth_truncated)
			alg_attr_parse(it, attr, false, &algs->auth);
		return;
	case XFRMA_ALG_AUTH_TRUNC:
		algs->auth_truncated = true;
		alg_attr_parse(it, attr, true, &algs->auth);
		return;
	case XFRMA_ENCAP:
		encap_parse(it, attr, sa);
		return;
	case XFRMA_REPLAY_VAL:
		replay_parse(it, attr, sa);
		return;
	case XFRMA_REPLAY_ESN_VAL:
		replay_esn_parse(it, attr, sa);
		return;
	case XFRMA_MARK:
		mark_parse(it, attr, sa);
		return;
	case XFRMA_IF_ID:
		sa->if_id = net_attr_u32(it, attr);
		return;
	}
}

/* Type of the message, and its payload; -EBADMSG. */
static int message_open(const uint8_t *bytes, size_t len, uint16_t *type, size_t *end)
{
	struct nlmsghdr head;

	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, bytes, sizeof(head));
	if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > len)
		return -EBADMSG;
	*type = head.nlmsg_type;
	*end = head.nlmsg_len;
	return 0;
}

/* Where the attributes begin after a fixed part of `size` bytes. */
static size_t attrs_at(size_t size)
{
	return NLMSG_HDRLEN + NLMSG_ALIGN(size);
}

int xfrm_sa_parse(const uint8_t *bytes, size_t len, struct xfrm_sa *sa)
{
	struct xfrm_usersa_info info;
	struct alg_attrs algs = {0};
	struct net_attrs it;
	struct net_attr attr;
	uint16_t type;
	size_t end, fixed = sizeof(info);

	memset(sa, 0, sizeof(*sa));
	if (message_open(bytes, len, &type, &end) < 0)
		return -EBADMSG;
	if (type == XFRM_MSG_EXPIRE)
		fixed = sizeof(struct xfrm_user_expire);
	else if (type != XFRM_MSG_NEWSA && type != XFRM_MSG_UPDSA)
		return -ENOMSG;
	if (end < NLMSG_HDRLEN + fixed)
		return -EBADMSG;
	memcpy(&info, bytes + NLMSG_HDRLEN, sizeof(info));
	it = net_attrs_over(bytes, end, attrs_at(fixed));
	/* no attributes, and no padding either */
	it.bad = (it.bad && end != NLMSG_HDRLEN + fixed) || !info_set(sa, &info);
	while (net_attrs_next(&it, &attr))
		sa_attr_parse(&it, &attr, sa, &algs);
	if (it.bad) {
		xfrm_sa_wipe(sa);
		return -EBADMSG;
	}
	algorithm_set(sa, &algs);
	return 0;
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= bytes[i];
	return any == 0;
}

enum xfrm_fault xfrm_sa_check(const struct xfrm_sa *sa)
{
	const struct dp_sa_alg_info *alg;

	if (sa->proto != IPPROTO_ESP)
		return XFRM_FAULT_PROTOCOL;
	if (sa->mode != XFRM_MODE_TRANSPORT)
		return XFRM_FAULT_MODE;
	if (sa->dst.family != AF_INET)
		return XFRM_FAULT_FAMILY;
	if (sa->selector_proto != 0 && sa->selector_proto != GRE_PROTO)
		return XFRM_FAULT_SELECTOR;
	if (sa->alg == DP_SA_ALG_COUNT)
		return XFRM_FAULT_ALGORITHM;
	alg = dp_sa_alg_info(sa->alg);
	if (all_zero(sa->key, alg->key_bytes) && all_zero(sa->auth_key, alg->auth_key_bytes))
		return XFRM_FAULT_KEY;
	if (sa->has_encap && sa->encap_type != UDP_ENCAP_ESPINUDP)
		return XFRM_FAULT_ENCAPSULATION;
	if (sa->replay_window > DP_SA_WINDOW_MAX)
		return XFRM_FAULT_WINDOW;
	return XFRM_FAULT_NONE;
}

void xfrm_sa_conf(const struct xfrm_sa *sa, enum dp_sa_dir dir, struct dp_sa_conf *conf)
{
	bool in = dir == DP_SA_IN;

	memset(conf, 0, sizeof(*conf));
	conf->dir = dir;
	conf->alg = sa->alg;
	conf->local = in ? sa->dst : sa->src;
	conf->remote = in ? sa->src : sa->dst;
	if (sa->has_encap) {
		conf->natt_port = in ? sa->encap_src_port : sa->encap_dst_port;
		conf->natt_local_port = in ? sa->encap_dst_port : sa->encap_src_port;
	}
	conf->spi = sa->spi;
	conf->esn = sa->esn;
	if (in) /* windows of 1 to 31 are the smallest that there is, others whole words */
		conf->replay_window = (uint16_t)((sa->replay_window + 31) / 32 * 32);
	conf->seq = in ? sa->seq_in : sa->seq_out;
	conf->limits = sa->limits;
	memcpy(conf->key, sa->key, sizeof(conf->key));
	memcpy(conf->auth_key, sa->auth_key, sizeof(conf->auth_key));
}

void xfrm_sa_wipe(struct xfrm_sa *sa)
{
	explicit_bzero(sa, sizeof(*sa));
}

/* ---- what names an SA, and a wish for an SPI ---- */

int xfrm_sa_id_parse(const uint8_t *bytes, size_t len, struct xfrm_sa_id *id)
{
	struct xfrm_usersa_id fixed;
	struct net_attrs it;
	struct net_attr attr;
	xfrm_address_t src = {0};
	bool has_src = false;
	uint16_t type;
	size_t end;

	memset(id, 0, sizeof(*id));
	if (message_open(bytes, len, &type, &end) < 0)
		return -EBADMSG;
	if (type != XFRM_MSG_DELSA && type != XFRM_MSG_GETSA)
		return -ENOMSG;
	if (end < NLMSG_HDRLEN + sizeof(fixed))
		return -EBADMSG;
	memcpy(&fixed, bytes + NLMSG_HDRLEN, sizeof(fixed));
	it = net_attrs_over(bytes, end, attrs_at(sizeof(fixed)));
	while (net_attrs_next(&it, &attr)) {
		if (attr.type != XFRMA_SRCADDR)
			continue;
		net_attr_copy(&it, &attr, &src, sizeof(src));
		has_src = true;
	}
	if (it.bad || !addr_set(&id->dst, &fixed.daddr, fixed.family) ||
	    (has_src && !addr_set(&id->src, &src, fixed.family))) {
		memset(id, 0, sizeof(*id));
		return -EBADMSG;
	}
	id->spi = ntohl(fixed.spi);
	id->proto = fixed.proto;
	return 0;
}

int xfrm_spi_range_parse(const uint8_t *bytes, size_t len, struct xfrm_spi_range *range)
{
	struct xfrm_userspi_info fixed;
	uint16_t type;
	size_t end;

	memset(range, 0, sizeof(*range));
	if (message_open(bytes, len, &type, &end) < 0)
		return -EBADMSG;
	if (type != XFRM_MSG_ALLOCSPI)
		return -ENOMSG;
	if (end < NLMSG_HDRLEN + sizeof(fixed))
		return -EBADMSG;
	memcpy(&fixed, bytes + NLMSG_HDRLEN, sizeof(fixed));
	if (!addr_set(&range->src, &fixed.info.saddr, fixed.info.family) ||
	    !addr_set(&range->dst, &fixed.info.id.daddr, fixed.info.family) ||
	    fixed.min > fixed.max) {
		memset(range, 0, sizeof(*range));
		return -EBADMSG;
	}
	range->min = fixed.min;
	range->max = fixed.max;
	range->reqid = fixed.info.reqid;
	range->proto = fixed.info.id.proto;
	range->mode = fixed.info.mode;
	return 0;
}
