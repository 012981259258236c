/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of the client share: nhc.c (registration, dispatch, the way out) and
 * nhc_resolve.c (indications, resolutions, purges).
 */
#include "control/nhrp/nhrp_codec.h"

#include "nhc.h"
#include "spoke.h"

#define NHC_HOPS     255 /* Cisco's; 0 is refused by some */
#define NHC_CIE_ROOM 64
#define NHC_HOST     32 /* prefix length */

/* A received packet and who got it. */
struct nhc_rx {
	struct spokes *s;
	uint32_t i;
	uint32_t hub; /* that sent it */
	uint64_t now_ns;
	const struct nhrp_packet *p;
};

static inline struct dp_addr nhc_address(uint32_t ip)
{
	return dp_addr_ip4(htonl(ip));
}

/* A request of spoke i: type, hops, addresses. */
void nhc_begin(
	const struct spokes *s, uint32_t i, uint32_t dst, uint8_t type, struct nhrp_packet *p);
/* Responder and both transit records, empty. */
void nhc_add_records(struct nhrp_packet *p);
/* Adds authentication and sends; what p points to need not outlive the call. */
void nhc_transmit(struct spokes *s, uint32_t i, uint32_t hub, struct nhrp_packet *p);

/* nhc_resolve.c */
void nhc_on_traffic_indication(const struct nhc_rx *rx);
void nhc_on_resolution_request(const struct nhc_rx *rx);
void nhc_on_resolution_reply(const struct nhc_rx *rx);
void nhc_on_purge_request(const struct nhc_rx *rx);
