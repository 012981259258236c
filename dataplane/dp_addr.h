/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Addresses and prefixes of either family, one value type for every table key and API of the
 * project. Pure: no EAL, callable from any thread.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* Wire order throughout. Unused bytes are zero, so that two equal addresses are equal as bytes and
 * the struct can be (part of) a hash key. family 0 means "no address". */
struct dp_addr {
	uint16_t family; /* AF_INET, AF_INET6 or 0 */
	uint16_t zero;
	union {
		uint32_t ip4_be;
		uint32_t words_be[4];
		uint8_t bytes[16];
	};
};
_Static_assert(sizeof(struct dp_addr) == 20, "part of hash keys: no padding");

struct dp_prefix {
	struct dp_addr addr; /* for a network: host bits are zero; for an interface address: kept */
	uint8_t len;         /* bits */
	uint8_t zero[3];
};
_Static_assert(sizeof(struct dp_prefix) == 24, "part of hash keys: no padding");

#define DP_ADDR_STRLEN   INET6_ADDRSTRLEN
#define DP_PREFIX_STRLEN (INET6_ADDRSTRLEN + 4)

static inline struct dp_addr dp_addr_ip4(uint32_t ip4_be)
{
	struct dp_addr a;

	memset(&a, 0, sizeof(a));
	a.family = AF_INET;
	a.ip4_be = ip4_be;
	return a;
}

static inline bool dp_addr_is_set(const struct dp_addr *a)
{
	return a->family != 0;
}

static inline bool dp_addr_equal(const struct dp_addr *a, const struct dp_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Length of the address in bytes (4, 16, or 0 when unset) and in bits. */
static inline uint8_t dp_addr_len(const struct dp_addr *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

static inline uint8_t dp_addr_bits(const struct dp_addr *a)
{
	return (uint8_t)(dp_addr_len(a) * 8);
}

/* All-zero address of a known family (0.0.0.0 or ::). */
bool dp_addr_is_any(const struct dp_addr *a);
bool dp_addr_is_multicast(const struct dp_addr *a);
bool dp_addr_is_loopback(const struct dp_addr *a);
/* 255.255.255.255 */
bool dp_addr_is_broadcast(const struct dp_addr *a);

/* len must be 4 or 16; -EINVAL otherwise. */
int dp_addr_from_bytes(struct dp_addr *a, const uint8_t *bytes, uint8_t len);
/* "192.0.2.1" or "2001:db8::1"; -EINVAL. */
int dp_addr_parse(struct dp_addr *a, const char *text);
/* Writes "-" for an unset address; returns buf. */
const char *dp_addr_format(const struct dp_addr *a, char buf[DP_ADDR_STRLEN]);

/* "192.0.2.0/24"; a bare address is a host prefix. Host bits are kept (interface addresses).
 * -EINVAL for bad text, -ERANGE for a length beyond the family's. */
int dp_prefix_parse(struct dp_prefix *p, const char *text);
const char *dp_prefix_format(const struct dp_prefix *p, char buf[DP_PREFIX_STRLEN]);
struct dp_prefix dp_prefix_host(const struct dp_addr *a);
/* Clears the host bits. */
struct dp_prefix dp_prefix_network(const struct dp_prefix *p);
/* The highest address: an IPv4 subnet's broadcast address. */
struct dp_addr dp_prefix_last(const struct dp_prefix *p);
bool dp_prefix_contains(const struct dp_prefix *p, const struct dp_addr *a);
