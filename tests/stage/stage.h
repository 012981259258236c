/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Harness of the stage tests: the real dataplane on two ring ports, one worker that the test turns
 * by hand. Packets in are bytes; what comes out is read back from the ports and the punt ring.
 * Every stage_run asserts the balance of DESIGN invariant 5.
 *
 * Topology: wan0 (underlay, 192.0.2.1/24, MAC ..:01), lan0 (LAN, 10.1.1.1/24), Tunnel100 (key 42,
 * 10.255.0.1/24, network-id 1, redirect), Tunnel200 (no key, 10.255.1.1/24, network-id 2). Spokes
 * 11 and 12 on Tunnel100 (192.0.2.N, 10.255.0.N, LAN 10.1.N.0/24 via 10.255.0.N), spoke 21 on
 * Tunnel200 (192.0.2.21, 10.255.1.21, LAN 10.2.21.0/24). LAN host 10.1.1.10.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/dp_addr.h"
#include "dataplane/dp_priv.h"

#define STAGE_PACKET_MAX 9728 /* a frame with the largest packet that reassembly makes */

struct stage_packet {
	uint8_t bytes[STAGE_PACKET_MAX];
	uint16_t len;
};

struct stage {
	struct dp_worker *w;
	uint16_t wan, lan; /* ports */
	uint16_t tunnel100, tunnel200;
	uint32_t spoke11, spoke12, spoke21;
	int clock_ms; /* stage_run happens so much later than now */
};
extern struct stage stage;
/* Set before stage_setup; 1. stage.w is the first of them, the others are the test's. */
extern uint32_t stage_workers;
/* The same: protection of Tunnel100; 0. */
extern uint32_t stage_profile;

/* What became of the packets of one stage_run. */
struct stage_result {
	struct stage_packet wan[DP_BURST], lan[DP_BURST], punted[DP_BURST];
	struct dp_meta punt_meta[DP_BURST];
	unsigned wan_n, lan_n, punted_n;
	struct dp_worker_stats delta; /* counters of this run only; held_pkts as it stands */
};

/* cmocka group fixtures: EAL without huge pages, the topology above. */
int stage_setup(void **state);
int stage_teardown(void **state);

/* Feeds frames to a port's entry of the line. `result` is owned by the harness until the next run.
 */
const struct stage_result *stage_run(uint16_t in_port,
				     const struct stage_packet *packets,
				     unsigned n);
/* The same for the inject entry. */
const struct stage_result *stage_inject(enum dp_kind kind,
					uint16_t tunnel_or_port,
					const struct stage_packet *packet);
/* For a packet that the control core made (dp_inject_nhrp). */
const struct stage_result *stage_inject_mbuf(struct rte_mbuf *m);
/* Gives the interfaces the addresses that ICMP errors come from. Off at the start: most tests are
 * not about what the sender is told. */
void stage_icmp(bool on);
/* The worker's clock stands still; moves it. */
void stage_clock_move(unsigned us);
/* Turns the worker's wait queue and reassembly once, `ms` later than now. */
const struct stage_result *stage_later(unsigned ms);

/* Works off the replication jobs. */
const struct stage_result *stage_mcast(void);

/* ---- building packets ---- */

struct stage_ip {
	const char *src, *dst;
	uint8_t ttl;      /* 0: 64 */
	uint8_t protocol; /* 0: UDP */
	uint16_t len;     /* whole IP packet; 0: 84 */
	bool bad_checksum;
};

/* An IPv4 packet with a counting payload. */
struct stage_packet stage_ip(struct stage_ip f);
/* Prepends GRE with these flag bits (RFC 2784/2890 header, key 42 unless `key`), correct checksum.
 */
struct stage_packet stage_gre(uint16_t flags,
			      uint32_t key,
			      uint16_t protocol,
			      struct stage_packet inner);
/* Prepends an outer IPv4 header of protocol GRE. */
struct stage_packet stage_outer(const char *src, const char *dst, struct stage_packet gre);
/* Prepends Ethernet to a port's MAC. */
struct stage_packet stage_eth(uint16_t port, uint16_t ethertype, struct stage_packet payload);
/* Ethernet, outer IP from the spoke to the hub, GRE with key 42, inner packet. */
struct stage_packet stage_from_spoke(const char *nbma, struct stage_packet inner);
/* Recomputes the IPv4 header checksum at `offset`. */
void stage_ip_fix(struct stage_packet *p, unsigned offset);

struct dp_addr stage_addr(const char *text);
