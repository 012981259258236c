/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NHRP bytes -> struct nhrp_packet (RFC 2332 section 5): one function per part of the packet, all
 * over one bounded cursor. A refusal names what is wrong and at which offset, so that the server
 * can count it and send an error indication. Pure; any thread.
 *
 * Strict where a reader could be led astray (lengths, families, counts), lenient where the RFC says
 * "ignored on receipt": ar$pro.snap, unused fields, and bytes after End or after ar$pktsz. A list
 * of extensions without End is taken when it fills the packet exactly. Values of extensions are
 * not looked into here, except that nhrp_ext_cies_decode() reads the lists of CIEs.
 *
 * Not done: subaddresses and E.164 (no IP network has them), the SNAP form of ar$pro.type.
 */
#include "nhrp_codec.h"

#include <endian.h>
#include <errno.h>

#include "cursor.h"

struct decoder {
	struct cursor_in c;
	struct nhrp_packet *p;
	const struct nhrp_packet *families; /* p, or the packet an extension belongs to */
	struct nhrp_fault *fault;
	size_t base; /* where the cursor's bytes start in the packet */
};

static int refuse(struct decoder *d, enum nhrp_bad bad, size_t offset)
{
	*d->fault = (struct nhrp_fault){.bad = bad, .offset = (uint16_t)(d->base + offset)};
	return -nhrp_bad_errno(bad);
}

static uint8_t family_len(uint16_t family)
{
	return family == AF_INET ? 4 : 16;
}

/* Type/length octet of an NBMA address: nothing, or one address of the packet's family. */
static bool nbma_tl_ok(const struct nhrp_packet *p, uint8_t tl)
{
	uint8_t len = tl & NHRP_TL_LEN;

	return !(tl & NHRP_TL_RESERVED) &&
	       (len == 0 || (len == family_len(p->nbma_family) && !(tl & NHRP_TL_E164)));
}

static bool proto_len_ok(const struct nhrp_packet *p, uint8_t len)
{
	return len == 0 || len == family_len(p->proto_family);
}

static void addr_read(struct decoder *d, struct dp_addr *a, uint8_t len)
{
	const uint8_t *bytes = cursor_in_bytes(&d->c, len);

	if (len == 0 || !bytes)
		memset(a, 0, sizeof(*a));
	else
		dp_addr_from_bytes(a, bytes, len);
}

/* RFC 2332 section 5.2.0.1 */
static int cie_read(struct decoder *d, struct nhrp_cie *cie)
{
	size_t at = d->c.off;
	const uint8_t *bytes = cursor_in_bytes(&d->c, NHRP_CIE_LEN);
	struct nhrp_wire_cie w;

	if (!bytes)
		return refuse(d, NHRP_BAD_TRUNCATED, at);
	memcpy(&w, bytes, sizeof(w));
	if (!nbma_tl_ok(d->families, w.nbma_tl))
		return refuse(d, NHRP_BAD_ADDR_LEN, at + offsetof(struct nhrp_wire_cie, nbma_tl));
	if (w.subaddr_tl & NHRP_TL_LEN)
		return refuse(d, NHRP_BAD_SUBADDR, at + offsetof(struct nhrp_wire_cie, subaddr_tl));
	if (!proto_len_ok(d->families, w.proto_len))
		return refuse(d, NHRP_BAD_ADDR_LEN, at + offsetof(struct nhrp_wire_cie, proto_len));
	cie->code = w.code;
	cie->prefix_len = w.prefix_len;
	cie->unused = be16toh(w.unused_be);
	cie->mtu = be16toh(w.mtu_be);
	cie->holding_s = be16toh(w.holding_be);
	cie->preference = w.preference;
	addr_read(d, &cie->nbma, w.nbma_tl & NHRP_TL_LEN);
	addr_read(d, &cie->proto, w.proto_len);
	return d->c.failed ? refuse(d, NHRP_BAD_TRUNCATED, d->c.off) : 0;
}

/* What must hold before any other field is believed: size, version, checksum. */
static int frame_check(struct decoder *d, const struct nhrp_wire_fixed *h, const uint8_t *bytes)
{
	uint16_t size = be16toh(h->packet_size_be);

	if (size < NHRP_ADDRS_OFF)
		return refuse(d, NHRP_BAD_SIZE, NHRP_OFF(packet_size_be));
	if (size > d->c.end)
		return refuse(d, NHRP_BAD_TRUNCATED, NHRP_OFF(packet_size_be));
	if (h->version != NHRP_VERSION)
		return refuse(d, NHRP_BAD_VERSION, NHRP_OFF(version));
	if (nhrp_checksum(bytes, size) != 0)
		return refuse(d, NHRP_BAD_CHECKSUM, NHRP_OFF(checksum_be));
	return 0;
}

/* RFC 2332 section 5.1 */
static int fixed_read(struct decoder *d, const struct nhrp_wire_fixed *h)
{
	struct nhrp_packet *p = d->p;
	uint16_t afn = be16toh(h->afn_be);
	uint16_t proto = be16toh(h->proto_type_be);
	uint16_t ext_offset = be16toh(h->ext_offset_be);

	p->type = h->type;
	p->hop_count = h->hop_count;
	if (h->type == 0 || h->type >= NHRP_TYPES_END)
		return refuse(d, NHRP_BAD_TYPE, NHRP_OFF(type));
	if (afn != NHRP_AFN_IP4 && afn != NHRP_AFN_IP6)
		return refuse(d, NHRP_BAD_NBMA_FAMILY, NHRP_OFF(afn_be));
	if (proto != NHRP_PROTO_IP4 && proto != NHRP_PROTO_IP6)
		return refuse(d, NHRP_BAD_PROTO_TYPE, NHRP_OFF(proto_type_be));
	p->nbma_family = afn == NHRP_AFN_IP4 ? AF_INET : AF_INET6;
	p->proto_family = proto == NHRP_PROTO_IP4 ? AF_INET : AF_INET6;
	if (!nbma_tl_ok(p, h->src_nbma_tl))
		return refuse(d, NHRP_BAD_ADDR_LEN, NHRP_OFF(src_nbma_tl));
	if (h->src_subaddr_tl & NHRP_TL_LEN)
		return refuse(d, NHRP_BAD_SUBADDR, NHRP_OFF(src_subaddr_tl));
	if (ext_offset != 0 &&
	    (ext_offset < NHRP_ADDRS_OFF || ext_offset > be16toh(h->packet_size_be)))
		return refuse(d, NHRP_BAD_EXT_OFFSET, NHRP_OFF(ext_offset_be));
	return 0;
}

/* Head and addresses of the mandatory part, RFC 2332 sections 5.2.0.1 and 5.2.7. */
static int mandatory_read(struct decoder *d, uint8_t src_nbma_len)
{
	struct nhrp_packet *p = d->p;
	struct nhrp_wire_mandatory w;

	memcpy(&w, cursor_in_bytes(&d->c, NHRP_MANDATORY_LEN), sizeof(w));
	if (!proto_len_ok(p, w.src_proto_len))
		return refuse(d, NHRP_BAD_ADDR_LEN, NHRP_MAND_OFF(src_proto_len));
	if (!proto_len_ok(p, w.dst_proto_len))
		return refuse(d, NHRP_BAD_ADDR_LEN, NHRP_MAND_OFF(dst_proto_len));
	p->flags = be16toh(w.flags_be);
	if (nhrp_type_has_payload(p->type)) {
		p->code = be16toh(w.code_be);
		p->code_offset = be16toh(w.code_offset_be);
	} else {
		p->request_id = be32toh(w.request_id_be);
	}
	addr_read(d, &p->src_nbma, src_nbma_len);
	addr_read(d, &p->src_proto, w.src_proto_len);
	addr_read(d, &p->dst_proto, w.dst_proto_len);
	return d->c.failed ? refuse(d, NHRP_BAD_TRUNCATED, d->c.off) : 0;
}

/* The rest of the mandatory part: a packet, or CIEs. */
static int body_read(struct decoder *d)
{
	struct nhrp_packet *p = d->p;
	int err;

	if (nhrp_type_has_payload(p->type)) {
		p->payload_len = (uint16_t)cursor_in_left(&d->c);
		p->payload = cursor_in_bytes(&d->c, p->payload_len);
		return 0;
	}
	while (cursor_in_left(&d->c) > 0) {
		if (p->cie_count == NHRP_CIES_MAX)
			return refuse(d, NHRP_BAD_CIE_COUNT, d->c.off);
		err = cie_read(d, &p->cies[p->cie_count]);
		if (err < 0)
			return err;
		p->cie_count++;
	}
	return 0;
}

/* RFC 2332 section 5.3 */
static int ext_read(struct decoder *d, struct nhrp_ext *e)
{
	size_t at = d->c.off;
	uint16_t type = cursor_in_u16(&d->c);

	e->type = type & NHRP_EXT_TYPE_MASK;
	e->flags = type & NHRP_EXT_F_MASK;
	e->offset = (uint16_t)at;
	e->len = cursor_in_u16(&d->c);
	e->value = cursor_in_bytes(&d->c, e->len);
	if (d->c.failed)
		return refuse(d, NHRP_BAD_EXT_LEN, at);
	if (e->type == NHRP_EXT_END && e->len != 0)
		return refuse(d, NHRP_BAD_EXT_LEN, at);
	return 0;
}

static int exts_read(struct decoder *d)
{
	struct nhrp_packet *p = d->p;
	int err;

	while (cursor_in_left(&d->c) > 0) {
		struct nhrp_ext *e = &p->exts[p->ext_count];

		if (p->ext_count == NHRP_EXTS_MAX)
			return refuse(d, NHRP_BAD_EXT_COUNT, d->c.off);
		err = ext_read(d, e);
		if (err < 0)
			return err;
		p->ext_count++;
		if (e->type == NHRP_EXT_END)
			break;
	}
	return 0;
}

int nhrp_packet_decode(struct nhrp_packet *p,
		       const uint8_t *bytes,
		       size_t len,
		       struct nhrp_fault *fault)
{
	struct decoder d = {.c = cursor_in_over(bytes, len), .p = p, .families = p, .fault = fault};
	struct nhrp_wire_fixed h;
	uint16_t ext_offset, size;
	int err;

	nhrp_packet_init(p, 0, 0, 0);
	*fault = (struct nhrp_fault){.bad = NHRP_BAD_NONE};
	if (len < NHRP_ADDRS_OFF)
		return refuse(&d, NHRP_BAD_TRUNCATED, len);
	memcpy(&h, cursor_in_bytes(&d.c, NHRP_FIXED_LEN), sizeof(h));
	err = frame_check(&d, &h, bytes);
	if (err == 0)
		err = fixed_read(&d, &h);
	if (err < 0)
		return err;
	size = be16toh(h.packet_size_be);
	ext_offset = be16toh(h.ext_offset_be);
	d.c.end = ext_offset ? ext_offset : size;
	err = mandatory_read(&d, h.src_nbma_tl & NHRP_TL_LEN);
	if (err == 0)
		err = body_read(&d);
	d.c.end = size;
	if (err == 0)
		err = exts_read(&d);
	return err;
}

int nhrp_head_decode(struct nhrp_packet *p, const uint8_t *bytes, size_t len)
{
	struct nhrp_fault fault;
	struct decoder d = {
		.c = cursor_in_over(bytes, len), .p = p, .families = p, .fault = &fault};
	struct nhrp_wire_fixed h;
	int err;

	nhrp_packet_init(p, 0, 0, 0);
	if (len < NHRP_ADDRS_OFF)
		return refuse(&d, NHRP_BAD_TRUNCATED, len);
	memcpy(&h, cursor_in_bytes(&d.c, NHRP_FIXED_LEN), sizeof(h));
	err = fixed_read(&d, &h);
	return err < 0 ? err : mandatory_read(&d, h.src_nbma_tl & NHRP_TL_LEN);
}

int nhrp_ext_cies_decode(const struct nhrp_packet *p,
			 const struct nhrp_ext *e,
			 struct nhrp_cie *cies,
			 unsigned max,
			 struct nhrp_fault *fault)
{
	struct decoder d = {.c = cursor_in_over(e->value, e->len),
			    .families = p,
			    .fault = fault,
			    .base = e->offset + NHRP_EXT_LEN};
	unsigned n = 0;
	int err;

	*fault = (struct nhrp_fault){.bad = NHRP_BAD_NONE};
	while (cursor_in_left(&d.c) > 0) {
		if (n == max)
			return refuse(&d, NHRP_BAD_CIE_COUNT, d.c.off);
		err = cie_read(&d, &cies[n]);
		if (err < 0)
			return err;
		n++;
	}
	return (int)n;
}

const char *nhrp_bad_name(enum nhrp_bad bad)
{
	static const char *const names[NHRP_BAD_COUNT] = {[NHRP_BAD_NONE] = "none",
#define X(id, err, code, name) [NHRP_BAD_##id] = name,
							  NHRP_BAD_LIST(X)
#undef X
	};

	return names[bad];
}

int nhrp_bad_errno(enum nhrp_bad bad)
{
	static const int errnos[NHRP_BAD_COUNT] = {
#define X(id, err, code, name) [NHRP_BAD_##id] = (err),
		NHRP_BAD_LIST(X)
#undef X
	};

	return errnos[bad];
}

enum nhrp_error_code nhrp_bad_error_code(enum nhrp_bad bad)
{
	static const enum nhrp_error_code codes[NHRP_BAD_COUNT] = {[NHRP_BAD_NONE] =
									   NHRP_ERROR_PROTOCOL,
#define X(id, err, code, name) [NHRP_BAD_##id] = (code),
								   NHRP_BAD_LIST(X)
#undef X
	};

	return codes[bad];
}
