/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp_priv.h"

/* What a worker may hand to the control core, or say of its own accord, is limited per class and
 * per source: the table of rates is in police.c. */
enum police_class {
	POLICE_NHRP,     /* of spokes that are registered */
	POLICE_NHRP_NEW, /* of anybody else */
	POLICE_ARP,
	POLICE_ROUTING, /* OSPF, EIGRP, PIM, VRRP, BGP, BFD, RIP */
	POLICE_IKE,
	POLICE_ICMP, /* to us */
	POLICE_OTHER,
	POLICE_ICMP_ERRORS, /* that we make: icmp.c */
	POLICE_CLASSES
};

struct police_rate {
	uint32_t pps, burst_pkts;               /* of the class, in one worker */
	uint32_t source_pps, source_burst_pkts; /* of one source in it */
	enum dp_drop_reason reason;
};
extern const struct police_rate police_rates[POLICE_CLASSES];

/* State of a worker. Context: control. */
int police_init(struct dp_worker *w);
void police_fini(struct dp_worker *w);

/* Hands the packet to the control core as dp_punt does, or drops it by the name of its class.
 * Headers were checked. Context: worker. */
void police_punt(struct dp_worker *w, struct rte_mbuf *m, enum dp_punt_kind kind);

/* Takes a token of the class for a packet with this IP source; false: there is none. Who sent it is
 * the tunnel's peer, or on a port the address. Context: worker. */
bool police_take(struct dp_worker *w,
		 enum police_class class,
		 const struct dp_meta *meta,
		 rte_be32_t src);
