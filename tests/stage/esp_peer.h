/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The other end of the SAs of a stage test: seals and opens packets with crypto.c, whose truth is
 * the business of test_crypto and of the captures. Lengths and headers are made here by the RFCs'
 * words, not by the stages' code.
 */
#include "dataplane/dp_sa.h"
#include "stage.h"

struct esp_peer {
	struct dp_sa_conf in, out; /* as the hub has them: in = from the peer */
	uint32_t in_sa, out_sa;    /* handles, 0: not added */
};

/* What a sealed packet is like where it differs from what is right. */
struct esp_forge {
	uint64_t seq;
	const char *src;     /* outer source; NULL: the peer's */
	uint16_t udp_from;   /* 0: the peer's */
	uint8_t next_header; /* 0: GRE */
	uint8_t pad;         /* more than needed, a multiple of the block */
	bool as_udp;         /* the other encapsulation than the SA's */
	bool bad_icv;
	bool bad_pad_length;
	uint32_t spi;      /* 0: the SA's */
	uint16_t truncate; /* bytes off the end, lengths follow */
};

/* SAs of both directions between 192.0.2.1 and `nbma`, keys from the SPI, window 64, bound far
 * away; not added. `natt_port`: 0, or the peer's UDP port. */
struct esp_peer esp_peer_make(enum dp_sa_alg alg,
			      const char *nbma,
			      uint16_t natt_port,
			      uint32_t spi);
/* Adds both. */
void esp_peer_add(struct esp_peer *peer);
void esp_peer_del(struct esp_peer *peer);

/* A frame for wan0 with the GRE packet (from the GRE header on) inside. */
struct stage_packet esp_seal(const struct esp_peer *peer,
			     struct stage_packet gre,
			     struct esp_forge forge);
/* Opens a frame that left wan0: checks lengths, addresses, encapsulation, ICV and padding, and
 * returns what is inside, from the GRE header on. *seq: its 64-bit number, given the high half. */
struct stage_packet esp_open(const struct esp_peer *peer,
			     const struct stage_packet *frame,
			     uint32_t seq_high,
			     uint64_t *seq);
