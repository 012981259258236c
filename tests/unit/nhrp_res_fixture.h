/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Three spokes, networks behind them and behind us, and resolution requests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
/* cmocka wants the three above first */
#include <cmocka.h>

#include "control/nhrp/nhrp_priv.h"
#include "nhrp_harness.h"

/* Spokes 11 and 12, and 13 behind a NAT at 192.0.2.254; their LANs, ours (10.1.1.0/24), and what is
 * behind a router in ours (10.2.0.0/16). */
static inline int res_setup(void **state)
{
	harness_setup(state);
	for (int i = 1; i <= 3; i++) {
		char name[64];

		snprintf(name, sizeof(name), "plain_key42_bgp_nat_reg_request_%d", i);
		harness_receive_vector(name);
	}
	harness_way_add("10.1.1.0/24", NHRP_WAY_OURS, NULL);
	harness_way_add("10.2.0.0/16", NHRP_WAY_OURS, NULL);
	harness_way_add("10.1.11.0/24", NHRP_WAY_TUNNEL, "10.255.0.11");
	harness_way_add("10.1.12.0/24", NHRP_WAY_TUNNEL, "10.255.0.12");
	harness_way_add("10.1.13.0/24", NHRP_WAY_TUNNEL, "10.255.0.13");
	harness_way_add("10.1.14.0/24", NHRP_WAY_TUNNEL, "10.255.0.14"); /* not registered */
	return 0;
}

/* As the captures' registrations, with other settings. */
static inline void res_serve(bool redirect, enum config_resolution resolution)
{
	harness_tunnel.nhrp.redirect = redirect;
	harness_tunnel.nhrp.resolution = resolution;
	harness_tunnel_again();
	harness_receive_vector("plain_key42_bgp_nat_reg_request_1");
	harness_receive_vector("plain_key42_bgp_nat_reg_request_2");
	harness_receive_vector("plain_key42_bgp_nat_reg_request_3");
}

static inline struct nhrp_packet res_request(unsigned spoke, const char *target)
{
	struct nhrp_packet p = harness_request();
	char text[DP_ADDR_STRLEN];

	p.type = NHRP_TYPE_RESOLUTION_REQUEST;
	p.hop_count = 64;
	p.flags = NHRP_RES_F_ROUTER | NHRP_RES_F_AUTHORITATIVE | NHRP_RES_F_SRC_STABLE | NHRP_F_NAT;
	p.request_id = 5;
	snprintf(text, sizeof(text), "10.255.0.%u", spoke);
	p.src_proto = harness_addr(text);
	snprintf(text, sizeof(text), spoke == 13 ? "10.9.13.2" : "192.0.2.%u", spoke);
	p.src_nbma = harness_addr(text);
	p.dst_proto = harness_addr(target);
	nhrp_ext_add(&p, NHRP_EXT_FORWARD_RECORD, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_NAT, 0, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	return p;
}
