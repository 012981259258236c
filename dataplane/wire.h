/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * IPv4 and GRE header arithmetic of the stages. Inline and pure. Context: any.
 */
#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_ip.h>

#include "dp_addr.h"

#define GRE_PROTO_NHRP 0x2001 /* ETH_P_NHRP */

/* Over an address that is all zero, as in the meta of a packet that just came. One store: built
 * field by field it stalls a copy behind it (store forwarding). Little endian, as all of DPDK's
 * x86. */
static inline void addr_store_ip4(struct dp_addr *addr, rte_be32_t ip4_be)
{
	const uint64_t w = AF_INET | (uint64_t)ip4_be << 32;

	memcpy(addr, &w, sizeof(w));
}

/* First 16 bits of the GRE header, host order: RFC 2784 section 2, RFC 2890 section 2. */
#define GRE_FLAG_CHECKSUM 0x8000
#define GRE_FLAG_KEY      0x2000
#define GRE_FLAG_SEQUENCE 0x1000
#define GRE_VERSION_MASK  0x0007
/* Bits 1 and 4 to 12 MUST be discarded by a receiver of RFC 2784 when bits 1..5 are set, unless it
 * implements RFC 1701; bits 2 and 3 became key and sequence. */
#define GRE_RESERVED_MASK 0x4ff8

/* Bytes of the GRE header that these flags announce. */
static inline uint16_t gre_header_len(uint16_t flags)
{
	return (uint16_t)(4 + ((flags & GRE_FLAG_CHECKSUM) ? 4 : 0) +
			  ((flags & GRE_FLAG_KEY) ? 4 : 0) + ((flags & GRE_FLAG_SEQUENCE) ? 4 : 0));
}

/* Sum of a header is right: with its checksum it folds to 0xffff (RFC 1071), which means that it is
 * a multiple of 0xffff, 2^16 being 1 modulo that; the compiler makes one multiplication of it. */
static inline bool ip4_checksum_is_right(const struct rte_ipv4_hdr *ip)
{
	uint32_t words[5];
	uint64_t sum;

	memcpy(words, ip, sizeof(words));
	sum = (uint64_t)words[0] + words[1] + words[2] + words[3] + words[4];
	return sum % 0xffff == 0;
}

/* As ip4_header_check, with options. */
static inline uint16_t ip4_header_check_options(const struct rte_ipv4_hdr *ip, uint32_t len)
{
	uint16_t total = rte_be_to_cpu_16(ip->total_length);
	uint8_t ihl = rte_ipv4_hdr_len(ip);

	if ((ip->version_ihl >> 4) != 4 || ihl < sizeof(*ip) || ihl > len || total < ihl ||
	    total > len)
		return 0;
	return rte_raw_cksum(ip, ihl) == 0xffff ? total : 0;
}

/*
 * An IPv4 header at `ip` inside `len` bytes that a router may act on: version, header length, total
 * length, checksum (RFC 1812 section 5.2.2). Returns the total length, 0 when it is wrong.
 */
static inline uint16_t ip4_header_check(const struct rte_ipv4_hdr *ip, uint32_t len)
{
	uint16_t total;

	if (unlikely(len < sizeof(*ip)))
		return 0;
	if (unlikely(ip->version_ihl != RTE_IPV4_VHL_DEF))
		return ip4_header_check_options(ip, len);
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(total < sizeof(*ip) || total > len || !ip4_checksum_is_right(ip)))
		return 0;
	return total;
}

/* TTL minus one with the checksum updated (RFC 1624, equation 3 for this one change). */
static inline void ip4_ttl_decrement(struct rte_ipv4_hdr *ip)
{
	uint32_t sum = (uint32_t)ip->hdr_checksum + RTE_BE16(0x0100);

	ip->time_to_live--;
	ip->hdr_checksum = (rte_be16_t)(sum + (sum >> 16));
}

/* Another TOS, with the checksum updated (RFC 1624, equation 3). */
static inline void ip4_tos_set(struct rte_ipv4_hdr *ip, uint8_t tos)
{
	uint16_t old = rte_cpu_to_be_16(ip->type_of_service), new = rte_cpu_to_be_16(tos);
	uint32_t sum = (uint16_t)~ip->hdr_checksum + (uint32_t)(uint16_t)~old + new;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->hdr_checksum = (rte_be16_t)~sum;
	ip->type_of_service = tos;
}

static inline uint16_t ip4_sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* First, middle or last fragment: MF or an offset (RFC 791 section 3.1). */
static inline bool ip4_is_fragment(const struct rte_ipv4_hdr *ip)
{
	return (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)) !=
	       0;
}

static inline bool ip4_must_not_be_cut(const struct rte_ipv4_hdr *ip)
{
	return (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) != 0;
}

static inline bool ip4_is_multicast(rte_be32_t addr)
{
	return (addr & RTE_BE32(0xf0000000)) == RTE_BE32(0xe0000000);
}

/* 224.0.0.0/24: never forwarded (RFC 5771 section 4). */
static inline bool ip4_is_link_local_multicast(rte_be32_t addr)
{
	return (addr & RTE_BE32(0xffffff00)) == RTE_BE32(0xe0000000);
}

#define IP4_BROADCAST 0xffffffffU

/* Never a source: RFC 1812 section 5.3.7. */
static inline bool ip4_is_martian_source(rte_be32_t addr)
{
	uint8_t first = (uint8_t)(rte_be_to_cpu_32(addr) >> 24);

	return first == 0 || first == 127 || first >= 224;
}

/* Never a unicast destination. */
static inline bool ip4_is_martian_destination(rte_be32_t addr)
{
	uint8_t first = (uint8_t)(rte_be_to_cpu_32(addr) >> 24);

	return first == 0 || first == 127 || first >= 240;
}

/* Neither martian nor multicast: 1 to 223, not 127. What it says no to is looked at again. */
static inline bool ip4_is_unicast(rte_be32_t addr)
{
	uint8_t first = (uint8_t)addr;

	return (uint8_t)(first - 1) < 223 && first != 127;
}
