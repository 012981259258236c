/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the NHRP tests and the fuzz target share: the captured packets as a table, and equality of
 * decoded packets (field by field: they point into different buffers).
 */
#include <stdlib.h>
#include <string.h>

#include "control/nhrp/nhrp_codec.h"

struct nhrp_vector {
	const char *name;
	const char *outer_src;
	const char *outer_dst;
	size_t len;
	uint8_t bytes[192];
};

static inline bool nhrp_cie_same(const struct nhrp_cie *a, const struct nhrp_cie *b)
{
	return a->code == b->code && a->prefix_len == b->prefix_len && a->unused == b->unused &&
	       a->mtu == b->mtu && a->holding_s == b->holding_s && a->preference == b->preference &&
	       dp_addr_equal(&a->nbma, &b->nbma) && dp_addr_equal(&a->proto, &b->proto);
}

static inline bool nhrp_bytes_same(const uint8_t *a, const uint8_t *b, size_t len)
{
	return len == 0 || memcmp(a, b, len) == 0;
}

static inline bool nhrp_ext_same(const struct nhrp_ext *a, const struct nhrp_ext *b)
{
	return a->type == b->type && a->flags == b->flags && a->len == b->len &&
	       nhrp_bytes_same(a->value, b->value, a->len);
}

static inline bool nhrp_packet_same(const struct nhrp_packet *a, const struct nhrp_packet *b)
{
	if (a->type != b->type || a->hop_count != b->hop_count ||
	    a->nbma_family != b->nbma_family || a->proto_family != b->proto_family ||
	    a->flags != b->flags || a->request_id != b->request_id || a->code != b->code ||
	    a->code_offset != b->code_offset || !dp_addr_equal(&a->src_nbma, &b->src_nbma) ||
	    !dp_addr_equal(&a->src_proto, &b->src_proto) ||
	    !dp_addr_equal(&a->dst_proto, &b->dst_proto))
		return false;
	if (a->payload_len != b->payload_len || a->cie_count != b->cie_count ||
	    a->ext_count != b->ext_count ||
	    !nhrp_bytes_same(a->payload, b->payload, a->payload_len))
		return false;
	for (unsigned i = 0; i < a->cie_count; i++)
		if (!nhrp_cie_same(&a->cies[i], &b->cies[i]))
			return false;
	for (unsigned i = 0; i < a->ext_count; i++)
		if (!nhrp_ext_same(&a->exts[i], &b->exts[i]))
			return false;
	return true;
}
