/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nhrp_auth: the word of the cloud in Cisco's cleartext form of the authentication extension (RFC
 * 2332 section 5.3.4 has the frame; in it reserved 0, SPI 1, the word without a NUL). It is hop by
 * hop: each packet that leaves gets ours, also those that are forwarded, and each that comes is
 * checked before anybody looks at it. The word is never logged, nor told to who did not show it:
 * an error indication about a wrong one goes without. Only the control core calls.
 *
 * Without a word configured the extension is not looked at: it is echoed in replies as any other.
 *
 * Not done: the RFC's HMAC form (nobody speaks it).
 */
#include "nhrp_priv.h"

#include <errno.h>

int nhrp_auth_set(struct nhrp_tunnel *t, const char *word)
{
	int len;

	t->auth_len = 0;
	if (word[0] == '\0')
		return 0;
	len = nhrp_auth_encode(word, t->auth, sizeof(t->auth));
	if (len < 0)
		return len;
	t->auth_len = (uint16_t)len;
	return 0;
}

/* The time it takes says nothing about how much of the word was right. */
static bool same(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

bool nhrp_auth_check(struct nhrp_server *srv, const struct nhrp_rx *rx)
{
	const struct nhrp_tunnel *t = nhrp_tunnel_of(srv, rx->meta->tunnel);
	const struct nhrp_ext *e = nhrp_ext_find(rx->packet, NHRP_EXT_AUTHENTICATION);
	enum nhrp_drop drop = NHRP_DROP_COUNT;
	struct nhrp_auth auth;

	if (t->auth_len == 0)
		return true;
	if (!e)
		drop = NHRP_DROP_AUTH_MISSING;
	else if (nhrp_ext_count(rx->packet, NHRP_EXT_AUTHENTICATION) > 1)
		drop = NHRP_DROP_AUTH_TWICE;
	else if (nhrp_ext_auth_decode(e, &auth) < 0 || auth.spi != NHRP_AUTH_SPI_CISCO ||
		 auth.secret_len == 0 || auth.secret_len > NHRP_AUTH_SECRET_MAX)
		drop = NHRP_DROP_AUTH_FORM;
	else if (NHRP_AUTH_HEAD_LEN + auth.secret_len != t->auth_len ||
		 !same(auth.secret, t->auth + NHRP_AUTH_HEAD_LEN, auth.secret_len))
		drop = NHRP_DROP_AUTH_WRONG;
	if (drop == NHRP_DROP_COUNT)
		return true;
	nhrp_server_drop(srv, rx, drop, e ? e->offset : 0);
	return false;
}

static void ext_insert(struct nhrp_packet *p, unsigned at, const struct nhrp_ext *e)
{
	for (unsigned i = p->ext_count++; i > at; i--)
		p->exts[i] = p->exts[i - 1];
	p->exts[at] = *e;
}

static void ext_remove(struct nhrp_packet *p, unsigned at)
{
	for (unsigned i = at + 1; i < p->ext_count; i++)
		p->exts[i - 1] = p->exts[i];
	p->ext_count--;
}

/* Where the extension stood, or before End; the packet has none of them then. */
static unsigned place_make(struct nhrp_packet *p)
{
	unsigned at = NHRP_EXTS_MAX;

	for (unsigned i = 0; i < p->ext_count;) {
		if (p->exts[i].type == NHRP_EXT_AUTHENTICATION) {
			at = at < i ? at : i;
			ext_remove(p, i);
		} else {
			i++;
		}
	}
	for (unsigned i = 0; i < p->ext_count; i++)
		if (p->exts[i].type == NHRP_EXT_END)
			at = at < i ? at : i;
	return at < p->ext_count ? at : p->ext_count;
}

int nhrp_auth_renew(const struct nhrp_tunnel *t, struct nhrp_packet *p)
{
	const struct nhrp_ext e = {.type = NHRP_EXT_AUTHENTICATION,
				   .flags = NHRP_EXT_F_COMPULSORY,
				   .len = t->auth_len,
				   .value = t->auth};
	unsigned at;

	if (t->auth_len == 0)
		return 0;
	at = place_make(p);
	if (p->ext_count + 1 > NHRP_EXTS_MAX)
		return -ENOSPC;
	ext_insert(p, at, &e);
	if (p->exts[p->ext_count - 1].type == NHRP_EXT_END)
		return 0;
	return nhrp_ext_add(p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
}
