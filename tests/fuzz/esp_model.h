/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What must become of ESP packets, beside the dataplane that they are sent to: a model of the
 * window of one SA, and a look at all SAs after each burst.
 *
 *   untouched                accepted if and only if its number is new and not left of the window
 *   any byte of ESP changed  nothing of any SA changes but its counters of refusals
 *   outer header changed     one of both
 *
 * No packet moves the peer (the control core does that), and each gets a name (stage.c checks the
 * balance). Whatever else happens aborts.
 */
#include "tests/stage/esp_peer.h"

/* Each algorithm plain and with NAT-T, with 32 and with 64-bit numbers. */
#define ESP_MODEL_SAS   (DP_SA_ALG_COUNT * 4)
#define ESP_MODEL_SENDS 64             /* at most, between two begins */
#define ESP_MODEL_KEY   300            /* of the tunnel */
#define ESP_MODEL_BASE  0x1ffffffc0ULL /* number of an SA with 64 bits at the beginning */

enum esp_fate { ESP_REFUSED, ESP_ACCEPTED, ESP_EITHER };

struct esp_sent {
	struct stage_packet frame;
	uint64_t seq;
	enum esp_fate fate; /* but for the window */
};

/* The dataplane, once: a protected tunnel, a spoke, one behind a NAT, SAs. */
void esp_model_start(void);
/* All SAs as they were at the start; this one is sent to. */
const struct esp_peer *esp_model_begin(unsigned sa);
/* The highest number accepted. */
uint64_t esp_model_top(void);
/* `wait`: in one burst with the next. */
void esp_model_send(const struct esp_sent *p, bool wait);
/* What waits for a burst, for fragments or for a neighbour has its end. */
void esp_model_end(void);
/* A GRE packet to a host on the LAN, with so much behind the inner IP header. */
struct stage_packet esp_model_gre(uint16_t len);
