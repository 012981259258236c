/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * NHRP on the wire (RFC 2332, Cisco's extensions as observed): layouts, codes, names. Numbers
 * only, no behaviour; the layouts give offsets and lengths, bytes are moved by cursor.h.
 *
 * A packet, inside GRE with protocol type 0x2001:
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ ---
 *   |            ar$afn             |          ar$pro.type          |  0
 *   |                          ar$pro.snap                          |  4   fixed
 *   |  ar$pro.snap  |   ar$hopcnt   |            ar$pktsz           |  8   part
 *   |           ar$chksum           |            ar$extoff          |  12
 *   | ar$op.version |   ar$op.type  |    ar$shtl    |    ar$sstl    |  16
 *   +---------------------------------------------------------------+ ---
 *   | Src Proto Len | Dst Proto Len |     Flags (7, 8: unused)      |  20
 *   |   Request ID (7: error code, offset; 8: traffic code, unused) |  24  mandatory
 *   |  Source NBMA (ar$shtl), subaddress (ar$sstl, always 0 here)   |      part
 *   |  Source protocol address, destination protocol address        |
 *   |  CIE, CIE, ... (7, 8: the packet in error or the one to       |
 *   |  redirect, from its network header)                           |
 *   +---------------------------------------------------------------+ --- ar$extoff
 *   |C|u|        Type               |        Length                 |      extensions,
 *   |  Value ...                                                    |      End (0) last
 *   +---------------------------------------------------------------+ --- ar$pktsz
 *
 *   CIE, client information entry (RFC 2332 section 5.2.0.1):
 *   | Code          | Prefix Length |         unused                |
 *   | Maximum Transmission Unit     |        Holding Time           |
 *   | Cli Addr T/L  | Cli SAddr T/L | Cli Proto Len |  Preference   |
 *   | Client NBMA address, subaddress, protocol address             |
 */
#include <stddef.h>
#include <stdint.h>

#define NHRP_GRE_PROTO 0x2001
#define NHRP_VERSION   1

/* Fixed part, RFC 2332 section 5.1. Fields are in network order. */
struct nhrp_wire_fixed {
	uint16_t afn_be;
	uint16_t proto_type_be;
	uint8_t proto_snap[5];
	uint8_t hop_count;
	uint16_t packet_size_be;
	uint16_t checksum_be;
	uint16_t ext_offset_be;
	uint8_t version;
	uint8_t type;
	uint8_t src_nbma_tl;
	uint8_t src_subaddr_tl;
} __attribute__((packed));

/* Head of the mandatory part, RFC 2332 sections 5.2.0.1 and 5.2.7. */
struct nhrp_wire_mandatory {
	uint8_t src_proto_len;
	uint8_t dst_proto_len;
	uint16_t flags_be; /* types 7 and 8: unused */
	union {
		uint32_t request_id_be;
		struct {
			uint16_t code_be;
			uint16_t code_offset_be;
		} __attribute__((packed));
	};
} __attribute__((packed));

/* Client information entry without its addresses, RFC 2332 section 5.2.0.1. */
struct nhrp_wire_cie {
	uint8_t code;
	uint8_t prefix_len;
	uint16_t unused_be;
	uint16_t mtu_be;
	uint16_t holding_be;
	uint8_t nbma_tl;
	uint8_t subaddr_tl;
	uint8_t proto_len;
	uint8_t preference;
} __attribute__((packed));

/* Extension header, RFC 2332 section 5.3. */
struct nhrp_wire_ext {
	uint16_t type_be;
	uint16_t len_be;
} __attribute__((packed));

/* Cisco's form of the authentication extension (type 7): these, then the word without a NUL. */
struct nhrp_wire_auth {
	uint16_t reserved;
	uint16_t spi_be;
} __attribute__((packed));

#define NHRP_FIXED_LEN       sizeof(struct nhrp_wire_fixed)
#define NHRP_MANDATORY_LEN   sizeof(struct nhrp_wire_mandatory)
#define NHRP_MANDATORY_OFF   NHRP_FIXED_LEN
#define NHRP_ADDRS_OFF       (NHRP_MANDATORY_OFF + NHRP_MANDATORY_LEN)
#define NHRP_CIE_LEN         sizeof(struct nhrp_wire_cie)
#define NHRP_EXT_LEN         sizeof(struct nhrp_wire_ext)
#define NHRP_AUTH_LEN        sizeof(struct nhrp_wire_auth)
#define NHRP_AUTH_SECRET_MAX 8 /* what Cisco accepts */
#define NHRP_AUTH_SPI_CISCO  1
#define NHRP_VENDOR_ID_LEN   3
#define NHRP_PACKET_MAX      UINT16_MAX
#define NHRP_OFF(field)      offsetof(struct nhrp_wire_fixed, field)
#define NHRP_MAND_OFF(field) (NHRP_MANDATORY_OFF + offsetof(struct nhrp_wire_mandatory, field))

_Static_assert(NHRP_FIXED_LEN == 20, "RFC 2332 section 5.1: the fixed part is 20 octets");
_Static_assert(NHRP_ADDRS_OFF == 28, "RFC 2332 section 5.2.0.1");
_Static_assert(NHRP_CIE_LEN == 12, "RFC 2332 section 5.2.0.1");

/* ar$afn: IANA address family numbers; ar$pro.type: Ethertypes (RFC 2332 section 5.1). */
#define NHRP_AFN_IP4   1
#define NHRP_AFN_IP6   2
#define NHRP_PROTO_IP4 0x0800
#define NHRP_PROTO_IP6 0x86dd

/* Address type/length octets: bit 7 zero, bit 6 = E.164 (meaningless for IP), then the length. */
#define NHRP_TL_RESERVED 0x80
#define NHRP_TL_E164     0x40
#define NHRP_TL_LEN      0x3f

/* Prefix length octet of a CIE: both mean "this address only". */
#define NHRP_PREFIX_HOST_0   0x00
#define NHRP_PREFIX_HOST_255 0xff

/* ar$op.type, RFC 2332 section 5.1; 8 from draft-detienne-dmvpn. */
#define NHRP_TYPE_LIST(X)                                  \
	X(RESOLUTION_REQUEST, 1, "resolution-request")     \
	X(RESOLUTION_REPLY, 2, "resolution-reply")         \
	X(REGISTRATION_REQUEST, 3, "registration-request") \
	X(REGISTRATION_REPLY, 4, "registration-reply")     \
	X(PURGE_REQUEST, 5, "purge-request")               \
	X(PURGE_REPLY, 6, "purge-reply")                   \
	X(ERROR_INDICATION, 7, "error-indication")         \
	X(TRAFFIC_INDICATION, 8, "traffic-indication")

enum nhrp_type {
#define X(id, value, name) NHRP_TYPE_##id = (value),
	NHRP_TYPE_LIST(X)
#undef X
};
#define NHRP_TYPES_END 9 /* one past the last */

/* Flags: resolution (sections 5.2.1 and 5.2.2), registration (5.2.3), purge (5.2.5). */
#define NHRP_RES_F_ROUTER        0x8000 /* Q: the requester is a router */
#define NHRP_RES_F_AUTHORITATIVE 0x4000 /* A */
#define NHRP_RES_F_DST_STABLE    0x2000 /* D */
#define NHRP_RES_F_UNIQUE        0x1000 /* U */
#define NHRP_RES_F_SRC_STABLE    0x0800 /* S */
#define NHRP_REG_F_UNIQUE        0x8000 /* U */
#define NHRP_PURGE_F_NO_REPLY    0x8000 /* N */
#define NHRP_F_NAT               0x0002 /* Cisco: I can do the NAT extension (all of the above) */

/* CIE codes, RFC 2332 sections 5.2.2 and 5.2.4. */
#define NHRP_CIE_CODE_LIST(X)                                                            \
	X(OK, 0, "ok")                                                                   \
	X(PROHIBITED, 4, "administratively-prohibited")                                  \
	X(NO_RESOURCES, 5, "insufficient-resources")                                     \
	X(NO_BINDING_OLD, 11, "no-binding") /* FRR and opennhrp: accepted, never sent */ \
	X(NO_BINDING, 12, "no-binding")                                                  \
	X(NOT_UNIQUE, 13, "binding-not-unique")                                          \
	X(ALREADY_REGISTERED, 14, "already-registered")

enum nhrp_cie_code {
#define X(id, value, name) NHRP_CIE_CODE_##id = (value),
	NHRP_CIE_CODE_LIST(X)
#undef X
};

/* Error indication codes, RFC 2332 section 5.2.7, RFC 2735 for the last two. 3 and 15 are the
 * RFC's; some implementations send 2 for a loop and 12 for the hop count. */
#define NHRP_ERROR_CODE_LIST(X)                                \
	X(UNRECOGNIZED_EXTENSION, 1, "unrecognized-extension") \
	X(LOOP, 3, "loop-detected")                            \
	X(UNREACHABLE, 6, "protocol-address-unreachable")      \
	X(PROTOCOL, 7, "protocol-error")                       \
	X(SIZE_EXCEEDED, 8, "sdu-size-exceeded")               \
	X(INVALID_EXTENSION, 9, "invalid-extension")           \
	X(INVALID_REPLY, 10, "invalid-resolution-reply")       \
	X(AUTHENTICATION, 11, "authentication-failure")        \
	X(HOP_COUNT, 15, "hop-count-exceeded")                 \
	X(VPN_MISMATCH, 16, "vpn-mismatch")                    \
	X(VPN_UNSUPPORTED, 17, "vpn-unsupported")

enum nhrp_error_code {
#define X(id, value, name) NHRP_ERROR_##id = (value),
	NHRP_ERROR_CODE_LIST(X)
#undef X
};

/* Traffic indication code (draft-detienne-dmvpn). */
#define NHRP_TRAFFIC_REDIRECT 0

/* Extension types, RFC 2332 section 5.3; 9 is Cisco's (RFC 2735 uses the number for device
 * capabilities, value length 8); 10 RFC 2520. */
#define NHRP_EXT_LIST(X)                               \
	X(END, 0, "end")                               \
	X(RESPONDER, 3, "responder-address")           \
	X(FORWARD_RECORD, 4, "forward-transit-record") \
	X(REVERSE_RECORD, 5, "reverse-transit-record") \
	X(AUTHENTICATION, 7, "authentication")         \
	X(VENDOR, 8, "vendor-private")                 \
	X(NAT, 9, "nat-address")                       \
	X(MOBILE_AUTHENTICATION, 10, "mobile-authentication")

enum nhrp_ext_type {
#define X(id, value, name) NHRP_EXT_##id = (value),
	NHRP_EXT_LIST(X)
#undef X
};

#define NHRP_EXT_F_COMPULSORY 0x8000
#define NHRP_EXT_F_UNUSED     0x4000
#define NHRP_EXT_F_MASK       (NHRP_EXT_F_COMPULSORY | NHRP_EXT_F_UNUSED)
#define NHRP_EXT_TYPE_MASK    0x3fff
#define NHRP_DEVCAP_LEN       8 /* RFC 2735: a type 9 of this length is not Cisco's NAT */

/* Names for logs and JSON. Unknown values are written into buf as "type-42", "code-42",
 * "ext-42"; the result is valid as long as buf. Context: any. */
#define NHRP_NAME_LEN 16
const char *nhrp_type_name(unsigned type, char buf[NHRP_NAME_LEN]);
const char *nhrp_cie_code_name(unsigned code, char buf[NHRP_NAME_LEN]);
const char *nhrp_error_code_name(unsigned code, char buf[NHRP_NAME_LEN]);
const char *nhrp_ext_name(unsigned type, char buf[NHRP_NAME_LEN]);
