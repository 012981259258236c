/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fragments: cuts and joins IPv4 packets, see fragments.h. Knows nothing of the code it tests.
 */
#include "fragments.h"

#include <rte_ip.h>

#define MF          0x2000
#define OFFSET_MASK 0x1fff

struct rte_ipv4_hdr ip_header(const struct stage_packet *p, unsigned at)
{
	struct rte_ipv4_hdr ip;

	assert_in_range(p->len, at + sizeof(ip), STAGE_PACKET_MAX);
	memcpy(&ip, p->bytes + at, sizeof(ip));
	return ip;
}

struct stage_packet inner_make(const char *dst, uint16_t len, uint8_t mark)
{
	struct stage_packet p =
		stage_ip((struct stage_ip){.src = "10.1.11.10", .dst = dst, .len = len});

	for (unsigned i = 20; i < p.len; i++)
		p.bytes[i] = (uint8_t)(i * 7 + i / 256 + mark);
	return p;
}

struct stage_packet outer_make(const char *from, uint16_t id, struct stage_packet inner)
{
	struct stage_packet p =
		stage_outer(from, "192.0.2.1", stage_gre(0x2000, 42, 0x0800, inner));

	p.bytes[4] = (uint8_t)(id >> 8);
	p.bytes[5] = (uint8_t)id;
	stage_ip_fix(&p, 0);
	return p;
}

void inner_sent_check(const struct stage_packet *out, unsigned at, struct stage_packet inner)
{
	inner.bytes[8]--;
	stage_ip_fix(&inner, 0);
	assert_int_equal(out->len - at, inner.len);
	assert_memory_equal(out->bytes + at, inner.bytes, inner.len);
}

uint64_t drops_sum(const struct stage_result *r)
{
	uint64_t drops = 0;

	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		drops += r->delta.drops[i];
	return drops;
}

struct stage_packet fragment_of(const struct stage_packet *whole, uint16_t offset, uint16_t len)
{
	struct rte_ipv4_hdr ip = ip_header(whole, 0);
	uint16_t field = rte_be_to_cpu_16(ip.fragment_offset);
	unsigned ihl = rte_ipv4_hdr_len(&ip), payload = whole->len - ihl;
	struct stage_packet p = {.len = (uint16_t)(ihl + len)};

	assert_in_range(p.len, ihl, STAGE_PACKET_MAX);
	if (offset + len < payload)
		field |= MF;
	ip.fragment_offset = rte_cpu_to_be_16((uint16_t)(field + offset / 8));
	ip.total_length = rte_cpu_to_be_16(p.len);
	memcpy(p.bytes, whole->bytes, ihl);
	memcpy(p.bytes, &ip, sizeof(ip));
	for (unsigned i = 0; i < len && offset + i < payload; i++)
		p.bytes[ihl + i] = whole->bytes[ihl + offset + i];
	stage_ip_fix(&p, 0);
	return p;
}

unsigned fragments_cut(const struct stage_packet *whole, uint16_t mtu, struct stage_packet *out)
{
	struct rte_ipv4_hdr ip = ip_header(whole, 0);
	uint16_t ihl = rte_ipv4_hdr_len(&ip), payload = (uint16_t)(whole->len - ihl);
	uint16_t room = (uint16_t)((mtu - ihl) / 8 * 8);
	unsigned n = 0;

	if (whole->len <= mtu) {
		out[0] = *whole;
		return 1;
	}
	for (uint16_t at = 0; at < payload; at += room)
		out[n++] = fragment_of(whole, at, (uint16_t)RTE_MIN(room, payload - at));
	return n;
}

/* Header, length and place of one piece; returns the length of its header. */
static unsigned piece_check(const struct stage_packet *piece,
			    unsigned at,
			    const struct rte_ipv4_hdr *first,
			    unsigned offset,
			    uint16_t mtu,
			    bool last)
{
	struct rte_ipv4_hdr ip = ip_header(piece, at);
	unsigned ihl = rte_ipv4_hdr_len(&ip), len = piece->len - at;
	uint16_t field = rte_be_to_cpu_16(ip.fragment_offset);

	assert_int_equal(rte_raw_cksum(piece->bytes + at, ihl), 0xffff);
	assert_int_equal(rte_be_to_cpu_16(ip.total_length), len);
	assert_in_range(len, ihl + 1, mtu);
	assert_int_equal(ip.packet_id, first->packet_id);
	assert_int_equal(ip.type_of_service, first->type_of_service);
	assert_int_equal(ip.time_to_live, first->time_to_live);
	assert_int_equal(ip.next_proto_id, first->next_proto_id);
	assert_int_equal(ip.src_addr, first->src_addr);
	assert_int_equal(ip.dst_addr, first->dst_addr);
	assert_int_equal((field & OFFSET_MASK) * 8, offset);
	assert_int_equal(field & 0xc000, rte_be_to_cpu_16(first->fragment_offset) & 0xc000);
	if (!last) {
		assert_true(field & MF);
		assert_int_equal((len - ihl) % 8, 0);
		assert_true(len + 8 > mtu);
	}
	return ihl;
}

struct stage_packet fragments_join(const struct stage_packet *frames,
				   unsigned n,
				   unsigned at,
				   uint16_t mtu)
{
	struct rte_ipv4_hdr first = ip_header(&frames[0], at), last = ip_header(&frames[n - 1], at);
	uint16_t field = rte_be_to_cpu_16(first.fragment_offset);
	unsigned offset = (field & OFFSET_MASK) * 8U;
	unsigned ihl = rte_ipv4_hdr_len(&first);
	struct stage_packet p = {.len = (uint16_t)ihl};

	memcpy(p.bytes, frames[0].bytes + at, ihl);
	for (unsigned i = 0; i < n; i++) {
		unsigned skip = piece_check(&frames[i], at, &first, offset, mtu, i == n - 1);
		unsigned len = frames[i].len - at - skip;

		assert_in_range(p.len + len, 1, STAGE_PACKET_MAX);
		memcpy(p.bytes + p.len, frames[i].bytes + at + skip, len);
		p.len += (uint16_t)len;
		offset += len;
	}
	field = (uint16_t)((field & ~MF) | (rte_be_to_cpu_16(last.fragment_offset) & MF));
	first.fragment_offset = rte_cpu_to_be_16(field);
	first.total_length = rte_cpu_to_be_16(p.len);
	memcpy(p.bytes, &first, sizeof(first));
	stage_ip_fix(&p, 0);
	return p;
}

unsigned pieces_needed(const struct stage_packet *p, unsigned mtu)
{
	unsigned ihl = (p->bytes[0] & 15U) * 4, room = (mtu - ihl) / 8 * 8;

	if (p->len <= mtu)
		return 1;
	return 1 + (p->len - ihl - 1 - (mtu - ihl - room)) / room;
}

void fragments_check(const struct stage_packet *frames,
		     unsigned n,
		     unsigned at,
		     uint16_t mtu,
		     const struct stage_packet *inner)
{
	struct stage_packet joined = fragments_join(frames, n, at, mtu);

	assert_int_equal(n, pieces_needed(inner, mtu));
	inner_sent_check(&joined, 0, *inner);
}

void options_insert(struct stage_packet *p, uint16_t len)
{
	memmove(p->bytes + 20 + len, p->bytes + 20, p->len - 20U);
	memset(p->bytes + 20, 1, len);
	p->len += len;
	p->bytes[0] = (uint8_t)(0x45 + len / 4);
	p->bytes[2] = (uint8_t)(p->len >> 8);
	p->bytes[3] = (uint8_t)p->len;
	stage_ip_fix(p, 0);
}

const struct stage_result *fragments_run(const struct stage_packet *outer, uint16_t mtu)
{
	static struct stage_packet pieces[DP_BURST], in[DP_BURST];
	unsigned n = fragments_cut(outer, mtu, pieces);

	for (unsigned i = 0; i < n; i++)
		in[i] = stage_eth(stage.wan, 0x0800, pieces[i]);
	return stage_run(stage.wan, in, n);
}
