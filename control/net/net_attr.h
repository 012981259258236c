/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Bounded walk over netlink attributes: struct nlattr, {u16 length with header, u16 type, value},
 * each padded to 4 bytes. Values are copied, never cast, so that no alignment is assumed. Private
 * to the parsers of net/ and ike/.
 */
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct net_attr {
	uint16_t type; /* without the NESTED and BYTEORDER bits */
	const uint8_t *value;
	size_t len;
};

struct net_attrs {
	const uint8_t *at;
	size_t left;
	bool bad; /* sticky: a length did not fit */
};

/* The attributes in bytes[skip..len); skip is where they begin after the fixed header. */
static inline struct net_attrs net_attrs_over(const uint8_t *bytes, size_t len, size_t skip)
{
	struct net_attrs it = {.bad = len < skip};

	if (!it.bad) {
		it.at = bytes + skip;
		it.left = len - skip;
	}
	return it;
}

static inline bool net_attrs_next(struct net_attrs *it, struct net_attr *attr)
{
	struct nlattr head;
	size_t step;

	if (it->bad || it->left == 0)
		return false;
	if (it->left < sizeof(head)) {
		it->bad = true;
		return false;
	}
	memcpy(&head, it->at, sizeof(head));
	if (head.nla_len < sizeof(head) || head.nla_len > it->left) {
		it->bad = true;
		return false;
	}
	attr->type = head.nla_type & NLA_TYPE_MASK;
	attr->value = it->at + sizeof(head);
	attr->len = head.nla_len - sizeof(head);
	step = NLA_ALIGN(head.nla_len);
	if (step > it->left) /* the last one may lack its padding */
		step = it->left;
	it->at += step;
	it->left -= step;
	return true;
}

/* Exactly `size` bytes into *to, or the walk is bad. */
static inline void net_attr_copy(struct net_attrs *it,
				 const struct net_attr *attr,
				 void *to,
				 size_t size)
{
	if (attr->len == size)
		memcpy(to, attr->value, size);
	else
		it->bad = true;
}

static inline uint8_t net_attr_u8(struct net_attrs *it, const struct net_attr *attr)
{
	uint8_t v = 0;

	net_attr_copy(it, attr, &v, sizeof(v));
	return v;
}

static inline uint32_t net_attr_u32(struct net_attrs *it, const struct net_attr *attr)
{
	uint32_t v = 0;

	net_attr_copy(it, attr, &v, sizeof(v));
	return v;
}

/* A string with or without its NUL, cut to `size` - 1 characters; the rest of `to` is zeroed. */
static inline void net_attr_text(const struct net_attr *attr, char *to, size_t size)
{
	size_t n = strnlen((const char *)attr->value, attr->len);

	if (n > size - 1)
		n = size - 1;
	memcpy(to, attr->value, n);
	memset(to + n, 0, size - n);
}
