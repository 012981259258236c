/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The outer IPv4 header: what is not in the adjacency's template. Inline and pure. Context: any.
 */
#include "spoke.h"
#include "wire.h"

#define NHRP_TOS 0xc0 /* CS6, as routing protocols (RFC 4594 section 3.1) */

struct outer_marks {
	uint8_t tos;
	bool df;
	uint16_t id; /* used with DF clear only */
};

/* DSCP and ECN are the inner packet's (RFC 2983 uniform model, RFC 6040 normal mode). With DF clear
 * the ID must differ from packet to packet (RFC 6864): the caller gives a count. */
static inline struct outer_marks outer_marks_ip(const struct adj *a,
						const struct rte_ipv4_hdr *inner,
						uint16_t count)
{
	bool df = a->df == DP_DF_SET || (a->df == DP_DF_COPY && ip4_must_not_be_cut(inner));

	return (struct outer_marks){.tos = inner->type_of_service, .df = df, .id = count};
}

/* Of NHRP, which has no inner IP header. */
static inline struct outer_marks outer_marks_nhrp(const struct adj *a, uint16_t count)
{
	return (struct outer_marks){.tos = NHRP_TOS, .df = a->df == DP_DF_SET, .id = count};
}

/* The header's template is in place; `sum` is its sum (adj.ip_sum). One fold. */
static inline void outer_finish(struct rte_ipv4_hdr *ip,
				uint16_t total,
				uint32_t sum,
				struct outer_marks marks)
{
	ip->type_of_service = marks.tos;
	ip->total_length = rte_cpu_to_be_16(total);
	ip->packet_id = marks.df ? 0 : rte_cpu_to_be_16(marks.id);
	ip->fragment_offset = marks.df ? RTE_BE16(RTE_IPV4_HDR_DF_FLAG) : 0;
	ip->hdr_checksum = ip4_sum_fold(sum + rte_cpu_to_be_16(marks.tos) + ip->total_length +
					ip->packet_id + ip->fragment_offset);
}
