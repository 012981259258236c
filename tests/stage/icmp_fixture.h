/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Offending packets and the errors about them, for test_icmp and test_icmp_limits.
 */
#include "stage.h"

#include <netinet/ip_icmp.h>
#include <rte_icmp.h>
#include <rte_ip.h>

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))
#define DF      0x4000
#define MF      0x2000

enum from { LAN, SPOKE11, SPOKE12, SPOKE21, TWIN };

/* Who sends, and where his errors come out: the bytes in front of them. */
static const struct {
	const char *nbma; /* NULL: not by a tunnel */
	const char *hub;  /* the address that errors come from */
	uint16_t gre;     /* flags */
	uint16_t header;  /* bytes before the IP packet */
} senders[] = {
	[LAN] = {NULL, "10.1.1.1", 0, 14},
	[SPOKE11] = {"192.0.2.11", "10.255.0.1", 0x2000, 14 + 28},
	[SPOKE12] = {"192.0.2.12", "10.255.0.1", 0x2000, 14 + 28},
	[SPOKE21] = {"192.0.2.21", "10.255.1.1", 0, 14 + 24},
	[TWIN] = {NULL, NULL, 0, 0},
};

struct packet {
	enum from from;
	const char *src, *dst;
	uint8_t ttl, protocol, type; /* ttl 0: 64; type: first byte behind the header */
	uint16_t len, flags;         /* of the fragment word */
	bool options;
};

static inline struct stage_packet icmp_packet(const struct packet *f)
{
	struct stage_packet p = stage_ip((struct stage_ip){.src = f->src,
							   .dst = f->dst,
							   .ttl = f->ttl,
							   .protocol = f->protocol,
							   .len = f->len});

	p.bytes[6] = (uint8_t)(f->flags >> 8);
	p.bytes[7] = (uint8_t)f->flags;
	if (f->protocol == IPPROTO_ICMP) /* with 20 bytes: that of the padding */
		p.bytes[20] = f->type;
	if (f->options) {
		p.bytes[0] = 0x46;
		memset(p.bytes + 20, 1, 4); /* no operation */
	}
	stage_ip_fix(&p, 0);
	return p;
}

static inline const struct stage_result *icmp_send_ip(enum from from,
						      const struct stage_packet *ip,
						      unsigned n)
{
	struct stage_packet frames[DP_BURST];
	bool lan = senders[from].nbma == NULL;

	if (from == TWIN)
		return stage_inject(DP_KIND_IP, stage.tunnel100, ip);
	for (unsigned i = 0; i < n; i++) {
		struct stage_packet p = *ip;

		p.len = RTE_MAX(p.len, (uint16_t)46);
		if (!lan)
			p = stage_outer(senders[from].nbma, "192.0.2.1",
					stage_gre(senders[from].gre, 42, 0x0800, p));
		frames[i] = stage_eth(lan ? stage.lan : stage.wan, 0x0800, p);
	}
	return stage_run(lan ? stage.lan : stage.wan, frames, n);
}

static inline const struct stage_result *icmp_send(const struct packet *f)
{
	struct stage_packet p = icmp_packet(f);

	return icmp_send_ip(f->from, &p, 1);
}

/* ---- what an error looks like ---- */

struct told {
	uint8_t type, code;
	uint16_t mtu;
};

/* The only packet of the result, where the sender sits. */
static inline const struct stage_packet *answer(const struct stage_result *r, enum from from)
{
	const struct stage_packet *p;
	uint8_t nbma[4];

	assert_int_equal(r->wan_n, from != LAN && from != TWIN);
	assert_int_equal(r->lan_n, from == LAN);
	assert_int_equal(r->punted_n, from == TWIN);
	p = from == LAN ? &r->lan[0] : from == TWIN ? &r->punted[0] : &r->wan[0];
	if (senders[from].nbma != NULL) {
		assert_int_equal(inet_pton(AF_INET, senders[from].nbma, nbma), 1);
		assert_memory_equal(p->bytes + 14 + 16, nbma, 4);
	}
	if (from == LAN)
		assert_int_equal(p->bytes[5], 10);
	if (from == TWIN) {
		assert_int_equal(r->punt_meta[0].kind, DP_KIND_IP);
		assert_int_equal(r->punt_meta[0].tunnel, stage.tunnel100);
	}
	return p;
}

/* RFC 792: the error, byte by byte; `quote` is what it must quote as far as there is room. */
static inline void error_check(const uint8_t *p,
			       uint16_t len,
			       const struct told *told,
			       const char *src,
			       const struct stage_packet *quote)
{
	uint16_t quoted = RTE_MIN(quote->len, (uint16_t)(576 - 28));
	struct rte_icmp_hdr icmp;
	struct rte_ipv4_hdr ip;

	memcpy(&ip, p, sizeof(ip));
	memcpy(&icmp, p + 20, sizeof(icmp));
	assert_int_equal(rte_raw_cksum(p, 20), 0xffff);
	assert_int_equal(len, 28 + quoted);
	assert_int_equal(ip.version_ihl, 0x45);
	assert_int_equal(ip.type_of_service, 0xc0);
	assert_int_equal(rte_be_to_cpu_16(ip.total_length), len);
	assert_int_equal(ip.fragment_offset, 0);
	assert_int_equal(ip.time_to_live, 64);
	assert_int_equal(ip.next_proto_id, IPPROTO_ICMP);
	assert_int_equal(ip.src_addr, stage_addr(src).ip4_be);
	assert_memory_equal(&ip.dst_addr, quote->bytes + 12, 4);
	assert_int_equal(rte_raw_cksum(p + 20, len - 20U), 0xffff);
	assert_int_equal(icmp.icmp_type, told->type);
	assert_int_equal(icmp.icmp_code, told->code);
	assert_int_equal(icmp.icmp_ident, 0);
	assert_int_equal(rte_be_to_cpu_16(icmp.icmp_seq_nb), told->mtu);
	assert_memory_equal(p + 28, quote->bytes, quoted);
}

static inline void told_check(const struct stage_result *r,
			      enum from from,
			      const struct told *told,
			      const char *src,
			      const struct stage_packet *quote)
{
	const struct stage_packet *p = answer(r, from);
	uint16_t at = senders[from].header;

	assert_int_equal(r->delta.generated_pkts, 1);
	assert_int_equal(r->delta.icmp_sent, 1);
	assert_int_equal(r->delta.icmp_suppressed, 0);
	error_check(p->bytes + at, (uint16_t)(p->len - at), told, src, quote);
}

static inline void silent_check(const struct stage_result *r)
{
	assert_int_equal(r->wan_n + r->lan_n + r->punted_n, 0);
	assert_int_equal(r->delta.generated_pkts, 0);
	assert_int_equal(r->delta.icmp_sent + r->delta.icmp_suppressed, 0);
}

#define TTL_EXCEEDED                                \
	{                                           \
		ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0 \
	}
#define NET                                            \
	{                                              \
		ICMP_DEST_UNREACH, ICMP_NET_UNREACH, 0 \
	}
#define HOST                                            \
	{                                               \
		ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0 \
	}
#define BIG(mtu)                                         \
	{                                                \
		ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu \
	}
#define A .src = "10.1.11.1", .dst = "10.1.12.1" /* spoke 11's LAN to spoke 12's */
#define L .src = "10.1.1.10", .dst = "10.1.12.1"

/* Interfaces with addresses, and every bucket full. */
static inline int icmp_setup(void **state)
{
	(void)state;
	stage_icmp(true);
	stage_clock_move(10 * 1000000);
	return 0;
}
