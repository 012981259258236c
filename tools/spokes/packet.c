/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet: Ethernet, ARP, outer IPv4 and GRE (RFC 2784, 2890) of the emulated spokes. The inner
 * packets are in probe.c. Pure functions; bytes from outside are hostile, so every length is
 * checked before it is used. Not done: IPv6 in either layer, reassembly.
 */
#include "packet.h"

#include "bytes.h"

#include <errno.h>
#include <string.h>

#define GRE_CHECKSUM 0x8000
#define GRE_KEY      0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_VERSION  0x0007
#define PROTO_GRE    47
#define OUTER_TTL    64

uint16_t packet_checksum(const uint8_t *bytes, size_t len)
{
	return (uint16_t)~bytes_sum_fold(bytes_sum(0, bytes, len));
}

int packet_arp_parse(const uint8_t *frame, size_t len, struct packet_arp *arp)
{
	const uint8_t *a = frame + PACKET_ETH_LEN;

	if (len < PACKET_ETH_LEN + PACKET_ARP_LEN || bytes_u16(frame + 12) != PACKET_ETHERTYPE_ARP)
		return -EBADMSG;
	/* hardware type Ethernet, protocol IPv4, lengths 6 and 4, request or reply (RFC 826) */
	if (bytes_u32(a) != 0x00010800 || bytes_u16(a + 4) != 0x0604 || bytes_u16(a + 6) < 1 ||
	    bytes_u16(a + 6) > 2)
		return -EBADMSG;
	arp->is_request = bytes_u16(a + 6) == 1;
	memcpy(arp->sender_mac, a + 8, 6);
	arp->sender_ip = bytes_u32(a + 14);
	memcpy(arp->target_mac, a + 18, 6);
	arp->target_ip = bytes_u32(a + 24);
	return 0;
}

size_t packet_arp_write(const struct packet_arp *arp, uint8_t *frame)
{
	uint8_t *a = frame + PACKET_ETH_LEN;

	if (arp->is_request)
		memset(frame, 0xff, 6);
	else
		memcpy(frame, arp->target_mac, 6);
	memcpy(frame + 6, arp->sender_mac, 6);
	bytes_put_u16(frame + 12, PACKET_ETHERTYPE_ARP);
	bytes_put_u32(a, 0x00010800);
	bytes_put_u16(a + 4, 0x0604);
	bytes_put_u16(a + 6, arp->is_request ? 1 : 2);
	memcpy(a + 8, arp->sender_mac, 6);
	bytes_put_u32(a + 14, arp->sender_ip);
	memcpy(a + 18, arp->target_mac, 6);
	bytes_put_u32(a + 24, arp->target_ip);
	return PACKET_ETH_LEN + PACKET_ARP_LEN;
}

static size_t gre_len(bool checksum, bool key, bool sequence)
{
	return 4 + (checksum ? 4 : 0) + (key ? 4 : 0) + (sequence ? 4 : 0);
}

size_t packet_head_len(const struct packet_tunnel *t)
{
	return PACKET_ETH_LEN + PACKET_IP4_LEN + gre_len(t->checksum, t->has_key, t->has_sequence);
}

static void gre_write(const struct packet_tunnel *t, uint8_t *gre, size_t inner_len)
{
	uint8_t *at = gre + 4;

	bytes_put_u16(gre,
		      (uint16_t)((t->checksum ? GRE_CHECKSUM : 0) | (t->has_key ? GRE_KEY : 0) |
				 (t->has_sequence ? GRE_SEQUENCE : 0)));
	bytes_put_u16(gre + 2, t->proto);
	if (t->checksum) {
		bytes_put_u32(at, 0);
		at += 4;
	}
	if (t->has_key) {
		bytes_put_u32(at, t->key);
		at += 4;
	}
	if (t->has_sequence) {
		bytes_put_u32(at, t->sequence);
		at += 4;
	}
	if (t->checksum)
		bytes_put_u16(gre + 4, packet_checksum(gre, (size_t)(at - gre) + inner_len));
}

size_t packet_encap(const struct packet_tunnel *t, uint8_t *frame, size_t inner_len)
{
	uint8_t *ip = frame + PACKET_ETH_LEN;
	const size_t head = packet_head_len(t);

	memcpy(frame, t->dst_mac, 6);
	memcpy(frame + 6, t->src_mac, 6);
	bytes_put_u16(frame + 12, PACKET_ETHERTYPE_IP4);
	bytes_put_ip4(ip, &(struct bytes_ip4){.len = (uint16_t)(head - PACKET_ETH_LEN + inner_len),
					      .dont_fragment = true,
					      .ttl = OUTER_TTL,
					      .protocol = PROTO_GRE,
					      .src = t->src,
					      .dst = t->dst});
	gre_write(t, ip + PACKET_IP4_LEN, inner_len);
	return head + inner_len;
}

enum packet_verdict packet_ip4_parse(const uint8_t *bytes, size_t len, struct packet_ip4 *ip)
{
	size_t head, total;

	if (len < PACKET_IP4_LEN)
		return PACKET_TRUNCATED;
	if (bytes[0] >> 4 != 4)
		return PACKET_FOREIGN;
	head = (size_t)(bytes[0] & 15) * 4;
	total = bytes_u16(bytes + 2);
	if (head < PACKET_IP4_LEN || total < head || total > len)
		return PACKET_TRUNCATED;
	if (packet_checksum(bytes, head) != 0)
		return PACKET_CHECKSUM;
	ip->src = bytes_u32(bytes + 12);
	ip->dst = bytes_u32(bytes + 16);
	ip->ttl = bytes[8];
	ip->protocol = bytes[9];
	ip->fragment = (bytes_u16(bytes + 6) & 0x3fff) != 0; /* more fragments, or an offset */
	ip->payload = bytes + head;
	ip->payload_len = total - head;
	return PACKET_OK;
}

static enum packet_verdict gre_parse(const uint8_t *gre, size_t len, struct packet_view *view)
{
	struct packet_tunnel *t = &view->tunnel;
	const uint8_t *at = gre + 4;
	uint16_t flags;
	size_t head;

	if (len < 4)
		return PACKET_TRUNCATED;
	flags = bytes_u16(gre);
	if (flags & GRE_VERSION)
		return PACKET_FOREIGN;
	t->checksum = flags & GRE_CHECKSUM;
	t->has_key = flags & GRE_KEY;
	t->has_sequence = flags & GRE_SEQUENCE;
	t->proto = bytes_u16(gre + 2);
	head = gre_len(t->checksum, t->has_key, t->has_sequence);
	if (len < head)
		return PACKET_TRUNCATED;
	if (t->checksum && packet_checksum(gre, len) != 0)
		return PACKET_CHECKSUM;
	at += t->checksum ? 4 : 0;
	if (t->has_key) {
		t->key = bytes_u32(at);
		at += 4;
	}
	if (t->has_sequence)
		t->sequence = bytes_u32(at);
	view->inner = gre + head;
	view->inner_len = len - head;
	return PACKET_OK;
}

enum packet_verdict packet_decap(const uint8_t *frame, size_t len, struct packet_view *view)
{
	struct packet_tunnel *t = &view->tunnel;
	enum packet_verdict verdict;
	struct packet_ip4 ip;

	memset(view, 0, sizeof(*view));
	if (len < PACKET_ETH_LEN)
		return PACKET_TRUNCATED;
	if (bytes_u16(frame + 12) != PACKET_ETHERTYPE_IP4)
		return PACKET_FOREIGN;
	verdict = packet_ip4_parse(frame + PACKET_ETH_LEN, len - PACKET_ETH_LEN, &ip);
	if (verdict != PACKET_OK)
		return verdict;
	memcpy(t->dst_mac, frame, 6);
	memcpy(t->src_mac, frame + 6, 6);
	t->src = ip.src;
	t->dst = ip.dst;
	if (ip.protocol != PROTO_GRE)
		return PACKET_FOREIGN;
	if (ip.fragment)
		return PACKET_FRAGMENT;
	return gre_parse(ip.payload, ip.payload_len, view);
}
