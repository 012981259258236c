/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr: text, bytes and arithmetic of addresses and prefixes. Pure functions without EAL; any
 * thread may call them. Textual forms: RFC 4291 section 2.2 and dotted quad, as inet_pton(3).
 */
#include "dp_addr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

bool dp_addr_is_any(const struct dp_addr *a)
{
	return a->family != 0 &&
	       (a->words_be[0] | a->words_be[1] | a->words_be[2] | a->words_be[3]) == 0;
}

bool dp_addr_is_multicast(const struct dp_addr *a)
{
	if (a->family == AF_INET)
		return (a->bytes[0] & 0xf0) == 0xe0;
	return a->family == AF_INET6 && a->bytes[0] == 0xff;
}

bool dp_addr_is_loopback(const struct dp_addr *a)
{
	static const uint8_t ip6_loopback[16] = {[15] = 1};

	if (a->family == AF_INET)
		return a->bytes[0] == 127;
	return a->family == AF_INET6 && memcmp(a->bytes, ip6_loopback, 16) == 0;
}

bool dp_addr_is_broadcast(const struct dp_addr *a)
{
	return a->family == AF_INET && a->ip4_be == 0xffffffff;
}

int dp_addr_from_bytes(struct dp_addr *a, const uint8_t *bytes, uint8_t len)
{
	memset(a, 0, sizeof(*a));
	if (len != 4 && len != 16)
		return -EINVAL;
	a->family = len == 4 ? AF_INET : AF_INET6;
	memcpy(a->bytes, bytes, len);
	return 0;
}

int dp_addr_parse(struct dp_addr *a, const char *text)
{
	memset(a, 0, sizeof(*a));
	if (inet_pton(AF_INET, text, a->bytes) == 1)
		a->family = AF_INET;
	else if (inet_pton(AF_INET6, text, a->bytes) == 1)
		a->family = AF_INET6;
	else
		return -EINVAL;
	return 0;
}

const char *dp_addr_format(const struct dp_addr *a, char buf[DP_ADDR_STRLEN])
{
	if (!dp_addr_is_set(a) || inet_ntop(a->family, a->bytes, buf, DP_ADDR_STRLEN) == NULL)
		strcpy(buf, "-");
	return buf;
}

int dp_prefix_parse(struct dp_prefix *p, const char *text)
{
	char addr[DP_PREFIX_STRLEN];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long len;
	char *end;

	memset(p, 0, sizeof(*p));
	if (n >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (dp_addr_parse(&p->addr, addr) < 0)
		return -EINVAL;
	if (!slash) {
		p->len = dp_addr_bits(&p->addr);
		return 0;
	}
	if (slash[1] < '0' || slash[1] > '9')
		return -EINVAL;
	len = strtoul(slash + 1, &end, 10);
	if (*end != '\0')
		return -EINVAL;
	if (len > dp_addr_bits(&p->addr))
		return -ERANGE;
	p->len = (uint8_t)len;
	return 0;
}

const char *dp_prefix_format(const struct dp_prefix *p, char buf[DP_PREFIX_STRLEN])
{
	char addr[DP_ADDR_STRLEN];

	if (dp_addr_is_set(&p->addr))
		snprintf(buf, DP_PREFIX_STRLEN, "%s/%u", dp_addr_format(&p->addr, addr), p->len);
	else
		strcpy(buf, "-");
	return buf;
}

struct dp_prefix dp_prefix_host(const struct dp_addr *a)
{
	struct dp_prefix p = {.addr = *a, .len = dp_addr_bits(a)};

	return p;
}

/* Byte i of the netmask of a prefix length. */
static uint8_t mask_byte(uint8_t len, unsigned i)
{
	if (len >= (i + 1) * 8)
		return 0xff;
	if (len <= i * 8)
		return 0;
	return (uint8_t)(0xff << (8 - (len - i * 8)));
}

struct dp_prefix dp_prefix_network(const struct dp_prefix *p)
{
	struct dp_prefix net = *p;

	for (unsigned i = 0; i < dp_addr_len(&p->addr); i++)
		net.addr.bytes[i] &= mask_byte(p->len, i);
	return net;
}

struct dp_addr dp_prefix_last(const struct dp_prefix *p)
{
	struct dp_addr last = p->addr;

	for (unsigned i = 0; i < dp_addr_len(&p->addr); i++)
		last.bytes[i] |= (uint8_t)~mask_byte(p->len, i);
	return last;
}

bool dp_prefix_contains(const struct dp_prefix *p, const struct dp_addr *a)
{
	if (a->family != p->addr.family)
		return false;
	for (unsigned i = 0; i < dp_addr_len(a); i++)
		if ((a->bytes[i] ^ p->addr.bytes[i]) & mask_byte(p->len, i))
			return false;
	return true;
}
