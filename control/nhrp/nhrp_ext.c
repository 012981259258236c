/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of NHRP extensions (RFC 2332 section 5.3): CIE lists of the address, record and NAT
 * extensions, Cisco's authentication word, vendor-private. Pure; any thread. The extension list of
 * a packet itself is read and written by nhrp_codec.c. Not done: the RFC's HMAC form of
 * authentication (nobody speaks it).
 */
#include "nhrp_codec.h"

#include <errno.h>

#include "cursor.h"

const struct nhrp_ext *nhrp_ext_find(const struct nhrp_packet *p, uint16_t type)
{
	for (unsigned i = 0; i < p->ext_count; i++)
		if (p->exts[i].type == type)
			return &p->exts[i];
	return NULL;
}

unsigned nhrp_ext_count(const struct nhrp_packet *p, uint16_t type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->ext_count; i++)
		n += p->exts[i].type == type;
	return n;
}

int nhrp_ext_add(
	struct nhrp_packet *p, uint16_t type, uint16_t flags, const uint8_t *value, uint16_t len)
{
	if (p->ext_count >= NHRP_EXTS_MAX)
		return -ENOSPC;
	p->exts[p->ext_count++] =
		(struct nhrp_ext){.type = type, .flags = flags, .value = value, .len = len};
	return 0;
}

int nhrp_ext_auth_decode(const struct nhrp_ext *e, struct nhrp_auth *auth)
{
	struct cursor_in c = cursor_in_over(e->value, e->len);

	cursor_in_u16(&c); /* reserved */
	auth->spi = cursor_in_u16(&c);
	if (c.failed)
		return -EBADMSG;
	auth->secret_len = (uint16_t)cursor_in_left(&c);
	auth->secret = cursor_in_bytes(&c, auth->secret_len);
	return 0;
}

int nhrp_auth_encode(const char *secret, uint8_t *buf, size_t cap)
{
	struct cursor_out c = cursor_out_over(buf, cap);
	size_t len = strlen(secret);

	if (len == 0 || len > NHRP_AUTH_SECRET_MAX)
		return -EINVAL;
	cursor_out_u16(&c, 0);
	cursor_out_u16(&c, NHRP_AUTH_SPI_CISCO);
	for (size_t i = 0; i < len; i++)
		cursor_out_u8(&c, (uint8_t)secret[i]);
	return c.failed ? -EMSGSIZE : (int)c.off;
}

int nhrp_ext_vendor_decode(const struct nhrp_ext *e, struct nhrp_vendor *vendor)
{
	struct cursor_in c = cursor_in_over(e->value, e->len);
	uint32_t high = cursor_in_u16(&c);

	vendor->oui = high << 8 | cursor_in_u8(&c);
	if (c.failed)
		return -EBADMSG;
	vendor->data_len = (uint16_t)cursor_in_left(&c);
	vendor->data = cursor_in_bytes(&c, vendor->data_len);
	return 0;
}
