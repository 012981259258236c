/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: the inner packets of the emulated spokes. A probe is an IPv4 packet of which every byte
 * follows from the few fields of struct packet_probe:
 *
 *   IPv4 (id = sequence, no options) | ICMP echo or UDP | magic run stream flow sequence time fill
 *
 * so that the receiver builds the packet it expects from the fields it reads and compares all of
 * it: addresses, checksums, lengths and payload at once. Pure. RFC 791, 792, 768, 1071.
 */
#include "packet.h"

#include "bytes.h"

#include <errno.h>
#include <string.h>

#define L4_LEN     8 /* UDP, and ICMP echo */
#define MARK_LEN   32
#define MAGIC      0x444d5650 /* "DMVP" */
#define PROTO_ICMP 1
#define PROTO_UDP  17
#define ICMP_REPLY 0
#define ICMP_ECHO  8
#define UDP_DPORT  9 /* discard: nobody else answers it */
#define UDP_SPORTS 60000

_Static_assert(PACKET_IP4_LEN + L4_LEN + MARK_LEN <= PACKET_PROBE_LEN_MIN, "a probe fits");

static void mark_write(const struct packet_probe *p, uint8_t *at, size_t room)
{
	bytes_put_u32(at, MAGIC);
	bytes_put_u32(at + 4, p->run);
	bytes_put_u32(at + 8, p->stream);
	bytes_put_u32(at + 12, p->flow);
	bytes_put_u32(at + 16, p->sequence);
	bytes_put_u32(at + 20, p->len);
	bytes_put_u64(at + 24, p->tx_ns);
	for (size_t i = MARK_LEN; i < room; i++)
		at[i] = (uint8_t)(p->sequence * 7 + i);
}

static void icmp_write(const struct packet_probe *p, uint8_t *icmp, size_t len)
{
	icmp[0] = p->kind == PACKET_KIND_ECHO_REQUEST ? ICMP_ECHO : ICMP_REPLY;
	icmp[1] = 0;
	bytes_put_u16(icmp + 2, 0);
	bytes_put_u16(icmp + 4, (uint16_t)p->flow);
	bytes_put_u16(icmp + 6, (uint16_t)p->sequence);
	bytes_put_u16(icmp + 2, packet_checksum(icmp, len));
}

static void udp_write(const struct packet_probe *p, uint8_t *udp, size_t len)
{
	uint64_t sum = PROTO_UDP + len;
	uint8_t pseudo[8];
	uint16_t checksum;

	bytes_put_u16(udp, (uint16_t)(1024 + p->flow % UDP_SPORTS));
	bytes_put_u16(udp + 2, UDP_DPORT);
	bytes_put_u16(udp + 4, (uint16_t)len);
	bytes_put_u16(udp + 6, 0);
	bytes_put_u32(pseudo, p->src);
	bytes_put_u32(pseudo + 4, p->dst);
	sum = bytes_sum(sum, pseudo, sizeof(pseudo));
	checksum = (uint16_t)~bytes_sum_fold(bytes_sum(sum, udp, len));
	bytes_put_u16(udp + 6, checksum ? checksum : 0xffff); /* RFC 768: 0 means none */
}

void packet_probe_write(const struct packet_probe *p, uint8_t *buf)
{
	uint8_t *l4 = buf + PACKET_IP4_LEN;
	const size_t l4_len = p->len - PACKET_IP4_LEN;
	const bool udp = p->kind == PACKET_KIND_UDP;

	bytes_put_ip4(buf, &(struct bytes_ip4){.len = p->len,
					       .id = (uint16_t)p->sequence,
					       .ttl = p->ttl,
					       .protocol = udp ? PROTO_UDP : PROTO_ICMP,
					       .src = p->src,
					       .dst = p->dst});
	mark_write(p, l4 + L4_LEN, l4_len - L4_LEN);
	if (udp)
		udp_write(p, l4, l4_len);
	else
		icmp_write(p, l4, l4_len);
}

static int kind_of(const struct packet_ip4 *ip, enum packet_kind *kind)
{
	if (ip->protocol == PROTO_UDP)
		*kind = PACKET_KIND_UDP;
	else if (ip->protocol == PROTO_ICMP && ip->payload[0] == ICMP_ECHO)
		*kind = PACKET_KIND_ECHO_REQUEST;
	else if (ip->protocol == PROTO_ICMP && ip->payload[0] == ICMP_REPLY)
		*kind = PACKET_KIND_ECHO_REPLY;
	else
		return -EBADMSG;
	return 0;
}

/* A kernel that answers an echo request builds the IP header anew: its id, DF and TOS are its own
 * business, so only what lies behind the header is compared for replies. */
static size_t compare_from(enum packet_kind kind)
{
	return kind == PACKET_KIND_ECHO_REPLY ? PACKET_IP4_LEN : 0;
}

enum packet_probe_verdict packet_probe_read(const uint8_t *bytes,
					    size_t len,
					    const struct packet_ip4 *ip,
					    uint32_t run,
					    struct packet_probe *p)
{
	const uint8_t *mark = ip->payload + L4_LEN;
	const size_t total = PACKET_IP4_LEN + ip->payload_len;
	uint8_t expected[PACKET_INNER_MAX];
	size_t from;

	memset(p, 0, sizeof(*p));
	if (ip->fragment || ip->payload != bytes + PACKET_IP4_LEN || total > len)
		return PACKET_PROBE_FOREIGN;
	if (total < PACKET_PROBE_LEN_MIN || total > PACKET_INNER_MAX || kind_of(ip, &p->kind) < 0)
		return PACKET_PROBE_FOREIGN;
	if (bytes_u32(mark) != MAGIC || bytes_u32(mark + 4) != run)
		return PACKET_PROBE_FOREIGN;
	p->src = ip->src;
	p->dst = ip->dst;
	p->ttl = ip->ttl;
	p->len = (uint16_t)total;
	p->run = run;
	p->stream = mark[11];
	p->flow = bytes_u32(mark + 12);
	p->sequence = bytes_u32(mark + 16);
	p->tx_ns = bytes_u64(mark + 24);
	packet_probe_write(p, expected);
	from = compare_from(p->kind);
	return memcmp(bytes + from, expected + from, total - from) ? PACKET_PROBE_CORRUPT
								   : PACKET_PROBE_OK;
}

int packet_echo_answer(const uint8_t *bytes, size_t len, const struct packet_ip4 *ip, uint8_t *out)
{
	const size_t head = (size_t)(ip->payload - bytes);
	uint8_t *icmp = out + PACKET_IP4_LEN;

	/* Options are not echoed: a plain header is all that is asked of a test's ping. */
	if (ip->protocol != PROTO_ICMP || ip->fragment || head != PACKET_IP4_LEN ||
	    ip->payload_len < L4_LEN || head + ip->payload_len > len)
		return -EBADMSG;
	if (ip->payload[0] != ICMP_ECHO || packet_checksum(ip->payload, ip->payload_len) != 0)
		return -EBADMSG;
	bytes_put_ip4(out, &(struct bytes_ip4){.len = (uint16_t)(head + ip->payload_len),
					       .id = bytes_u16(bytes + 4),
					       .ttl = PACKET_PROBE_TTL,
					       .protocol = PROTO_ICMP,
					       .src = ip->dst,
					       .dst = ip->src});
	memcpy(icmp, ip->payload, ip->payload_len);
	icmp[0] = ICMP_REPLY;
	bytes_put_u16(icmp + 2, 0);
	bytes_put_u16(icmp + 2, packet_checksum(icmp, ip->payload_len));
	return 0;
}
