/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct nhrp_packet -> NHRP bytes (RFC 2332 section 5). What can be computed is computed: sizes,
 * extension offset, address lengths, checksum. ar$pro.snap is zero. Pure; any thread.
 */
#include "nhrp_codec.h"

#include <errno.h>

#include "cursor.h"

/* RFC 1071 in 64 bits: 16-bit words of a buffer of at most 64 KB cannot overflow the sum. */
uint16_t nhrp_checksum(const uint8_t *bytes, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint64_t)bytes[i] << 8 | bytes[i + 1];
	if (len & 1)
		sum += (uint64_t)bytes[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void nhrp_packet_init(struct nhrp_packet *p,
		      uint8_t type,
		      uint16_t nbma_family,
		      uint16_t proto_family)
{
	/* The arrays at the end of each group are guarded by their counts. */
	memset(p, 0, offsetof(struct nhrp_packet, cies));
	p->ext_count = 0;
	p->type = type;
	p->nbma_family = nbma_family;
	p->proto_family = proto_family;
}

static bool family_ok(uint16_t family)
{
	return family == AF_INET || family == AF_INET6;
}

static bool addr_ok(const struct dp_addr *a, uint16_t family)
{
	return a->family == 0 || a->family == family;
}

static bool cie_ok(const struct nhrp_packet *p, const struct nhrp_cie *cie)
{
	return addr_ok(&cie->nbma, p->nbma_family) && addr_ok(&cie->proto, p->proto_family);
}

static bool ext_ok(const struct nhrp_ext *e)
{
	return !(e->type & ~NHRP_EXT_TYPE_MASK) && !(e->flags & ~NHRP_EXT_F_MASK) &&
	       (e->len == 0 || e->value != NULL);
}

static bool packet_ok(const struct nhrp_packet *p)
{
	if (p->type == 0 || p->type >= NHRP_TYPES_END || !family_ok(p->nbma_family) ||
	    !family_ok(p->proto_family) || !addr_ok(&p->src_nbma, p->nbma_family) ||
	    !addr_ok(&p->src_proto, p->proto_family) || !addr_ok(&p->dst_proto, p->proto_family))
		return false;
	if (p->cie_count > NHRP_CIES_MAX || p->ext_count > NHRP_EXTS_MAX)
		return false;
	if (nhrp_type_has_payload(p->type) ? p->cie_count > 0 : p->payload_len > 0)
		return false;
	for (unsigned i = 0; i < p->cie_count; i++)
		if (!cie_ok(p, &p->cies[i]))
			return false;
	for (unsigned i = 0; i < p->ext_count; i++)
		if (!ext_ok(&p->exts[i]))
			return false;
	return true;
}

static void addr_write(struct cursor_out *c, const struct dp_addr *a)
{
	cursor_out_bytes(c, a->bytes, dp_addr_len(a));
}

static void fixed_write(struct cursor_out *c, const struct nhrp_packet *p)
{
	cursor_out_u16(c, p->nbma_family == AF_INET ? NHRP_AFN_IP4 : NHRP_AFN_IP6);
	cursor_out_u16(c, p->proto_family == AF_INET ? NHRP_PROTO_IP4 : NHRP_PROTO_IP6);
	cursor_out_zeros(c, sizeof(((struct nhrp_wire_fixed *)0)->proto_snap));
	cursor_out_u8(c, p->hop_count);
	cursor_out_zeros(c, 6); /* size, checksum, extension offset: when they are known */
	cursor_out_u8(c, NHRP_VERSION);
	cursor_out_u8(c, p->type);
	cursor_out_u8(c, dp_addr_len(&p->src_nbma));
	cursor_out_u8(c, 0);
}

static void mandatory_write(struct cursor_out *c, const struct nhrp_packet *p)
{
	cursor_out_u8(c, dp_addr_len(&p->src_proto));
	cursor_out_u8(c, dp_addr_len(&p->dst_proto));
	cursor_out_u16(c, p->flags);
	if (nhrp_type_has_payload(p->type)) {
		cursor_out_u16(c, p->code);
		cursor_out_u16(c, p->code_offset);
	} else {
		cursor_out_u32(c, p->request_id);
	}
	addr_write(c, &p->src_nbma);
	addr_write(c, &p->src_proto);
	addr_write(c, &p->dst_proto);
	cursor_out_bytes(c, p->payload, p->payload_len);
}

static void cie_write(struct cursor_out *c, const struct nhrp_cie *cie)
{
	cursor_out_u8(c, cie->code);
	cursor_out_u8(c, cie->prefix_len);
	cursor_out_u16(c, cie->unused);
	cursor_out_u16(c, cie->mtu);
	cursor_out_u16(c, cie->holding_s);
	cursor_out_u8(c, dp_addr_len(&cie->nbma));
	cursor_out_u8(c, 0);
	cursor_out_u8(c, dp_addr_len(&cie->proto));
	cursor_out_u8(c, cie->preference);
	addr_write(c, &cie->nbma);
	addr_write(c, &cie->proto);
}

static void exts_write(struct cursor_out *c, const struct nhrp_packet *p)
{
	for (unsigned i = 0; i < p->ext_count; i++) {
		const struct nhrp_ext *e = &p->exts[i];

		cursor_out_u16(c, e->type | e->flags);
		cursor_out_u16(c, e->len);
		cursor_out_bytes(c, e->value, e->len);
	}
}

int nhrp_packet_encode(const struct nhrp_packet *p, uint8_t *buf, size_t cap)
{
	struct cursor_out c = cursor_out_over(buf, cap < NHRP_PACKET_MAX ? cap : NHRP_PACKET_MAX);
	size_t ext_offset;

	if (!packet_ok(p))
		return -EINVAL;
	fixed_write(&c, p);
	mandatory_write(&c, p);
	for (unsigned i = 0; i < p->cie_count; i++)
		cie_write(&c, &p->cies[i]);
	ext_offset = p->ext_count > 0 ? c.off : 0;
	exts_write(&c, p);
	if (c.failed)
		return -EMSGSIZE;
	cursor_out_u16_at(&c, NHRP_OFF(packet_size_be), (uint16_t)c.off);
	cursor_out_u16_at(&c, NHRP_OFF(ext_offset_be), (uint16_t)ext_offset);
	cursor_out_u16_at(&c, NHRP_OFF(checksum_be), nhrp_checksum(buf, c.off));
	return (int)c.off;
}

int nhrp_cies_encode(const struct nhrp_packet *p,
		     const struct nhrp_cie *cies,
		     unsigned count,
		     uint8_t *buf,
		     size_t cap)
{
	struct cursor_out c = cursor_out_over(buf, cap < UINT16_MAX ? cap : UINT16_MAX);

	for (unsigned i = 0; i < count; i++) {
		if (!cie_ok(p, &cies[i]))
			return -EINVAL;
		cie_write(&c, &cies[i]);
	}
	return c.failed ? -EMSGSIZE : (int)c.off;
}
