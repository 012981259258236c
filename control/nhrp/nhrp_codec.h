/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * NHRP packets, bytes <-> struct in host order. Pure: no clock, no globals, no allocation, no EAL;
 * any thread may call. RFC 2332 section 5; layouts and numbers in nhrp_proto.h.
 *
 * Lifetime: a decoded packet points into the bytes it was decoded from (payload, extension
 * values); they must outlive it. A packet to be encoded may point anywhere.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/nhrp/nhrp_proto.h"
#include "dataplane/dp_addr.h"

#define NHRP_CIES_MAX 32
#define NHRP_EXTS_MAX 16 /* End included */

/* Client information entry. An unset address has length 0 on the wire: in a registration request
 * that means "as in the common header" (RFC 2332 section 5.2.3). */
struct nhrp_cie {
	uint8_t code;       /* enum nhrp_cie_code */
	uint8_t prefix_len; /* as on the wire: 0 and 255 mean host */
	uint16_t unused;    /* kept so that a copy has the same bytes */
	uint16_t mtu;
	uint16_t holding_s;
	uint8_t preference;
	struct dp_addr nbma;
	struct dp_addr proto;
};

/* One extension, End included: order, flags and value survive decode and encode. */
struct nhrp_ext {
	uint16_t type;        /* enum nhrp_ext_type or any other, without the flags */
	uint16_t flags;       /* NHRP_EXT_F_* */
	uint16_t len;         /* of value, bytes */
	uint16_t offset;      /* where it was found, from ar$afn; ignored by encode */
	const uint8_t *value; /* may be NULL when len is 0 */
};

struct nhrp_packet {
	uint8_t type; /* enum nhrp_type */
	uint8_t hop_count;
	uint16_t nbma_family;  /* AF_INET, AF_INET6: of every NBMA address inside */
	uint16_t proto_family; /* of every protocol address inside */
	uint16_t flags;        /* types 7 and 8: the unused field */
	uint32_t request_id;   /* types 1 to 6 */
	uint16_t code;         /* 7: enum nhrp_error_code, 8: traffic code */
	uint16_t code_offset;  /* 7: offset of the error in the payload's packet; 8: unused */
	struct dp_addr src_nbma;
	struct dp_addr src_proto;
	struct dp_addr dst_proto;
	uint16_t payload_len; /* types 7 and 8 */
	const uint8_t
		*payload;   /* 7: (part of) the packet in error; 8: (part of) the inner packet */
	unsigned cie_count; /* types 1 to 6 */
	struct nhrp_cie cies[NHRP_CIES_MAX];
	unsigned ext_count; /* 0: no extension part */
	struct nhrp_ext exts[NHRP_EXTS_MAX];
};

/* Why a packet was refused: id, errno, code for an error indication, name. */
#define NHRP_BAD_LIST(X)                                                         \
	X(TRUNCATED, EMSGSIZE, NHRP_ERROR_PROTOCOL, "truncated")                 \
	X(SIZE, EBADMSG, NHRP_ERROR_PROTOCOL, "packet-size")                     \
	X(VERSION, EPROTONOSUPPORT, NHRP_ERROR_PROTOCOL, "version")              \
	X(CHECKSUM, EBADMSG, NHRP_ERROR_PROTOCOL, "checksum")                    \
	X(TYPE, EOPNOTSUPP, NHRP_ERROR_PROTOCOL, "packet-type")                  \
	X(NBMA_FAMILY, EAFNOSUPPORT, NHRP_ERROR_PROTOCOL, "nbma-family")         \
	X(PROTO_TYPE, EAFNOSUPPORT, NHRP_ERROR_PROTOCOL, "protocol-type")        \
	X(ADDR_LEN, EBADMSG, NHRP_ERROR_PROTOCOL, "address-length")              \
	X(SUBADDR, EBADMSG, NHRP_ERROR_PROTOCOL, "subaddress")                   \
	X(EXT_OFFSET, EBADMSG, NHRP_ERROR_PROTOCOL, "extension-offset")          \
	X(CIE_COUNT, E2BIG, NHRP_ERROR_PROTOCOL, "too-many-cies")                \
	X(EXT_COUNT, E2BIG, NHRP_ERROR_INVALID_EXTENSION, "too-many-extensions") \
	X(EXT_LEN, EBADMSG, NHRP_ERROR_INVALID_EXTENSION, "extension-length")

enum nhrp_bad {
	NHRP_BAD_NONE,
#define X(id, err, code, name) NHRP_BAD_##id,
	NHRP_BAD_LIST(X)
#undef X
		NHRP_BAD_COUNT,
};

struct nhrp_fault {
	enum nhrp_bad bad;
	uint16_t offset; /* of the offending field from ar$afn, for an error indication */
};

/* bytes start at ar$afn; what follows ar$pktsz in them (link padding) is ignored. Returns 0 or
 * -errno with *fault telling what and where. On failure *p holds what was read before: an address
 * not reached is unset. *p is written only as far as counts say, it may be large. Context: any. */
int nhrp_packet_decode(struct nhrp_packet *p,
		       const uint8_t *bytes,
		       size_t len,
		       struct nhrp_fault *fault);

/* The fixed and the mandatory part up to the addresses, of a packet of which the end may be missing
 * (quoted in an error indication) or wrong: neither size nor checksum is looked at, no CIE and no
 * extension. Returns 0 or -errno; then *p holds what was read before. Context: any. */
int nhrp_head_decode(struct nhrp_packet *p, const uint8_t *bytes, size_t len);

/* Sizes, offsets, lengths and checksum are computed. Returns the length in bytes, -EMSGSIZE when
 * it does not fit, -EINVAL for an address of another family than the packet's, a bad type or
 * counts. Error indications may carry extensions: RFC 2332 section 5.2.7 forbids it, Cisco adds
 * authentication to them. Context: any. */
int nhrp_packet_encode(const struct nhrp_packet *p, uint8_t *buf, size_t cap);

/* Empties the packet (type, families; everything else zero). Context: any. */
void nhrp_packet_init(struct nhrp_packet *p,
		      uint8_t type,
		      uint16_t nbma_family,
		      uint16_t proto_family);

/* Error and traffic indications carry a packet instead of request id and CIEs. Context: any. */
static inline bool nhrp_type_has_payload(uint8_t type)
{
	return type == NHRP_TYPE_ERROR_INDICATION || type == NHRP_TYPE_TRAFFIC_INDICATION;
}

/* RFC 2332 section 5.1; 0 over a packet whose checksum is right. Context: any. */
uint16_t nhrp_checksum(const uint8_t *bytes, size_t len);

/* Name, errno (positive) and error indication code of a refusal. Context: any. */
const char *nhrp_bad_name(enum nhrp_bad bad);
int nhrp_bad_errno(enum nhrp_bad bad);
enum nhrp_error_code nhrp_bad_error_code(enum nhrp_bad bad);

/* --- extensions --- */

/* First extension of a type, or NULL; number of them (only vendor-private may be there more than
 * once, RFC 2332 section 5.3). Context: any. */
const struct nhrp_ext *nhrp_ext_find(const struct nhrp_packet *p, uint16_t type);
unsigned nhrp_ext_count(const struct nhrp_packet *p, uint16_t type);

/* Appends; value may be NULL with len 0, otherwise it must outlive the packet. End is appended
 * like any other: nhrp_ext_add(p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0). -ENOSPC.
 * Context: any. */
int nhrp_ext_add(
	struct nhrp_packet *p, uint16_t type, uint16_t flags, const uint8_t *value, uint16_t len);

/* A type 9 that is Cisco's NAT address and not RFC 2735's device capabilities. Context: any. */
static inline bool nhrp_ext_is_nat(const struct nhrp_ext *e)
{
	return e->type == NHRP_EXT_NAT && e->len != NHRP_DEVCAP_LEN;
}

/* CIE lists: value of the extensions 3, 4, 5 and 9. Decode returns the count (at most max) or
 * -errno with *fault->offset counted from the packet's start; encode the length or -errno as
 * nhrp_packet_encode. Addresses are of the packet's families. Context: any. */
int nhrp_ext_cies_decode(const struct nhrp_packet *p,
			 const struct nhrp_ext *e,
			 struct nhrp_cie *cies,
			 unsigned max,
			 struct nhrp_fault *fault);
int nhrp_cies_encode(const struct nhrp_packet *p,
		     const struct nhrp_cie *cies,
		     unsigned count,
		     uint8_t *buf,
		     size_t cap);

/* Authentication, Cisco's form. secret points into the extension, has no NUL and is never to be
 * logged. -EBADMSG when shorter than its head. Context: any. */
struct nhrp_auth {
	uint16_t spi;
	uint16_t secret_len;
	const uint8_t *secret;
};
int nhrp_ext_auth_decode(const struct nhrp_ext *e, struct nhrp_auth *auth);
/* Value bytes for nhrp_ext_add; returns the length, -EINVAL for an empty or over-long word,
 * -EMSGSIZE. Context: any. */
int nhrp_auth_encode(const char *secret, uint8_t *buf, size_t cap);

/* Vendor-private: 802 vendor ID (24 bits) and its data. -EBADMSG when shorter. Context: any. */
struct nhrp_vendor {
	uint32_t oui;
	uint16_t data_len;
	const uint8_t *data;
};
int nhrp_ext_vendor_decode(const struct nhrp_ext *e, struct nhrp_vendor *vendor);
