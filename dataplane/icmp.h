/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <netinet/ip_icmp.h> /* ICMP_DEST_UNREACH and the like */

#include "dp_priv.h"

/*
 * The packet (data at its IP header) dies for `reason`; its sender gets an ICMP error, if it may.
 * `mtu`: of the next hop, bytes, host order, for ICMP_FRAG_NEEDED, else 0. Context: worker.
 */
void icmp_error(struct dp_worker *w,
		struct rte_mbuf *m,
		uint8_t type,
		uint8_t code,
		uint16_t mtu,
		enum dp_drop_reason reason);
/* The same with the error that belongs to the reason; none does to most of them. */
void icmp_refuse(struct dp_worker *w, struct rte_mbuf *m, enum dp_drop_reason reason);
