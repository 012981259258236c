/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Three spokes and their LANs, a resolution request of one for another's LAN, and the answer to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#include "control/nhrp/nhrp_priv.h"
#include "nhrp_harness.h"

/* Spokes 11 and 12, and 13 behind a NAT at 192.0.2.254, as FRR registers them; their LANs. */
static inline int forward_setup(void **state)
{
	harness_setup(state);
	harness_tunnel.nhrp.redirect = true;
	harness_tunnel_again();
	for (int i = 1; i <= 3; i++) {
		char name[64];

		snprintf(name, sizeof(name), "plain_key42_bgp_nat_reg_request_%d", i);
		harness_receive_vector(name);
	}
	harness_way_add("10.1.11.0/24", NHRP_WAY_TUNNEL, "10.255.0.11");
	harness_way_add("10.1.12.0/24", NHRP_WAY_TUNNEL, "10.255.0.12");
	harness_way_add("10.1.13.0/24", NHRP_WAY_TUNNEL, "10.255.0.13");
	fake_dp.packets = 0;
	return 0;
}

/* A request of spoke 11 for spoke 12's LAN. */
static inline struct nhrp_packet forward_request(uint32_t id)
{
	struct nhrp_packet p = harness_request();

	p.type = NHRP_TYPE_RESOLUTION_REQUEST;
	p.hop_count = 64;
	p.flags = NHRP_RES_F_ROUTER | NHRP_RES_F_AUTHORITATIVE | NHRP_RES_F_SRC_STABLE;
	p.request_id = id;
	p.dst_proto = harness_addr("10.1.12.10");
	return p;
}

/* What spoke 12 answers to it. */
static inline struct nhrp_packet forward_reply(uint32_t id)
{
	struct nhrp_packet p = forward_request(id);

	p.type = NHRP_TYPE_RESOLUTION_REPLY;
	p.cies[0] = (struct nhrp_cie){.prefix_len = 24,
				      .holding_s = 60,
				      .nbma = harness_addr("192.0.2.12"),
				      .proto = harness_addr("10.255.0.12")};
	return p;
}

/* To whom the packet that p caused went; "" when there was none, or an error indication. */
static inline const char *goes_to(const char *from, const struct nhrp_packet *p)
{
	static char text[DP_ADDR_STRLEN];
	struct nhrp_packet sent;

	if (!harness_ask(from, p, &sent))
		return "";
	assert_int_equal(sent.type, p->type);
	return dp_addr_format(&fake_dp.packet_nbma, text);
}

static inline void record_add(struct nhrp_packet *p,
			      uint16_t type,
			      const char *nbma,
			      const char *proto)
{
	static uint8_t value[64];
	const struct nhrp_cie cie = {.nbma = harness_addr(nbma), .proto = harness_addr(proto)};
	int len = nhrp_cies_encode(p, &cie, 1, value, sizeof(value));

	assert_true(len > 0);
	nhrp_ext_add(p, type, NHRP_EXT_F_COMPULSORY, value, (uint16_t)len);
}
