/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Frames of the emulated spokes, built and checked. Pure: bytes in, bytes out, no clock, no I/O.
 *
 *   Ethernet | outer IPv4 | GRE (key, checksum, sequence) | inner IPv4 | UDP or ICMP | probe
 *
 * Addresses are in host order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_ETH_LEN       14
#define PACKET_IP4_LEN       20
#define PACKET_ARP_LEN       28
#define PACKET_HEAD_MAX      (PACKET_ETH_LEN + PACKET_IP4_LEN + 16) /* GRE with everything: 16 */
#define PACKET_INNER_MAX     9000
#define PACKET_FRAME_MAX     (PACKET_HEAD_MAX + PACKET_INNER_MAX)

#define PACKET_ETHERTYPE_IP4 0x0800
#define PACKET_ETHERTYPE_ARP 0x0806

/* --- Ethernet and ARP --- */

struct packet_arp {
	bool is_request;
	uint8_t sender_mac[6];
	uint8_t target_mac[6];
	uint32_t sender_ip;
	uint32_t target_ip;
};

/* -EBADMSG when it is no ARP packet for IPv4 over Ethernet. */
int packet_arp_parse(const uint8_t *frame, size_t len, struct packet_arp *arp);
/* Writes a frame (destination: target_mac, broadcast in a request); returns its length. */
size_t packet_arp_write(const struct packet_arp *arp, uint8_t *frame);

/* --- outer headers --- */

struct packet_tunnel {
	uint8_t src_mac[6];
	uint8_t dst_mac[6];
	uint32_t src;
	uint32_t dst;
	bool has_key;
	uint32_t key;
	bool checksum;
	bool has_sequence;
	uint32_t sequence;
	uint16_t proto; /* 0x0800, 0x2001 */
};

/* Bytes in front of the inner packet. */
size_t packet_head_len(const struct packet_tunnel *t);
/* The inner packet is already at frame + packet_head_len; returns the frame's length. */
size_t packet_encap(const struct packet_tunnel *t, uint8_t *frame, size_t inner_len);

enum packet_verdict {
	PACKET_OK,
	PACKET_FOREIGN,  /* not IPv4, not GRE, or not GRE version 0 */
	PACKET_FRAGMENT, /* of the outer packet: not reassembled here */
	PACKET_TRUNCATED,
	PACKET_CHECKSUM,
};

struct packet_view {
	struct packet_tunnel tunnel; /* as found */
	const uint8_t *inner;
	size_t inner_len;
};

/* The lengths in the headers rule, link padding behind them is ignored. */
enum packet_verdict packet_decap(const uint8_t *frame, size_t len, struct packet_view *view);

/* --- inner packets --- */

struct packet_ip4 {
	uint32_t src;
	uint32_t dst;
	uint8_t ttl;
	uint8_t protocol;
	bool fragment;
	const uint8_t *payload;
	size_t payload_len;
};

/* Header only, with its checksum. */
enum packet_verdict packet_ip4_parse(const uint8_t *bytes, size_t len, struct packet_ip4 *ip);

enum packet_kind { PACKET_KIND_ECHO_REQUEST, PACKET_KIND_ECHO_REPLY, PACKET_KIND_UDP };

/* A test packet. Every byte of it follows from these fields, so a receiver can build it anew and
 * compare. */
struct packet_probe {
	enum packet_kind kind;
	uint32_t src;
	uint32_t dst;
	uint8_t ttl;
	uint16_t len; /* whole IP packet */
	uint32_t run; /* this process: packets of an earlier one are foreign */
	uint8_t stream;
	uint32_t flow; /* spoke that started it */
	uint32_t sequence;
	uint64_t tx_ns;
};

#define PACKET_PROBE_LEN_MIN 64
#define PACKET_PROBE_TTL     64

/* buf has room for p->len bytes. */
void packet_probe_write(const struct packet_probe *p, uint8_t *buf);

enum packet_probe_verdict {
	PACKET_PROBE_OK,
	PACKET_PROBE_FOREIGN, /* no probe of this run */
	PACKET_PROBE_CORRUPT, /* one of ours, but some byte of it is not what was sent */
};

/* `ip` is the parsed header of the same bytes. TTL and addresses are given back, not judged. */
enum packet_probe_verdict packet_probe_read(const uint8_t *bytes,
					    size_t len,
					    const struct packet_ip4 *ip,
					    uint32_t run,
					    struct packet_probe *p);

/* Turns an echo request (checked before) into its reply in `out` (len bytes) with a fresh TTL.
 * -EBADMSG for anything else and for a bad ICMP checksum. */
int packet_echo_answer(const uint8_t *bytes, size_t len, const struct packet_ip4 *ip, uint8_t *out);

/* RFC 1071. */
uint16_t packet_checksum(const uint8_t *bytes, size_t len);
