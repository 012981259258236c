/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Two network namespaces with a veth pair between them, for tests of control/net/ with the real
 * kernel. They have no name: they go with the process. Needs root; fails without.
 *
 *   hub: h0 02:00:00:00:00:01 ------ p0 02:00:00:00:00:02 :peer
 *
 * The test runs in `hub`. Both ends are up, have no address, and IPv6 is on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <stdbool.h>
#include <stdint.h>

#include "control/net/net.h"

#define WORLD_DEADLINE_MS 10000

struct world {
	int hub; /* descriptors of the namespaces */
	int peer;
};

/* cmocka setup and teardown of one test: *state is the struct world, net_open() is done. */
int world_setup(void **state);
int world_teardown(void **state);

/* A shell command in a namespace: must succeed. */
void world_run(int ns, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Same, but returns its exit status. */
int world_try(int ns, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Runs it until it succeeds; fails after the deadline. */
void world_until(int ns, const char *line);
/* A socket of a namespace. */
int world_socket(int ns, int family, int type, int protocol);
/* An AF_PACKET socket that sees what comes in on an interface (and only that). */
int world_sniffer(int ns, const char *ifname);
/* First bytes of /proc/sys/net/<path> of the hub, as a number. */
int world_sysctl(const char *path);

uint64_t world_now_ms(void);
struct dp_addr world_addr(const char *text);
struct dp_prefix world_prefix(const char *text);

/* Sends an ICMP echo request with this number by a raw ICMP socket. */
void world_ping_send(int icmp, const char *to, uint16_t number);
/* Waits until that socket has the echo reply with this number; false after `timeout_ms`. */
bool world_pong_wait(int icmp, uint16_t number, int timeout_ms);
/* Waits until the sniffer has the echo request with this number; false after `timeout_ms`. */
bool world_request_seen(int sniffer, uint16_t number, int timeout_ms);

/* What a feed told, with counts of how often. */
#define SEEN_MAX 4096
struct seen_neigh {
	struct net_neigh neigh;
	unsigned told;
};
struct seen {
	unsigned link_count, addr_count, neigh_count;
	struct net_link links[16];
	struct net_ifaddr addrs[64];
	struct seen_neigh neighs[SEEN_MAX];
	unsigned link_del, route_new, route_del;
	unsigned nexthop_new, nexthop_del;
	struct net_nexthop_object nexthop; /* the last one told */
	unsigned calls;                    /* of any handler but on_dump */
	unsigned dumps[NET_KINDS];         /* ended */
	int forwarding[64];                /* of an interface, by its index */
};
struct net_feed *seen_feed_open(struct seen *seen, const struct net_feed_conf *conf);
/* Turns the feed until `done` says so; fails after the deadline. */
void seen_until(struct net_feed *feed,
		struct seen *seen,
		bool (*done)(const struct seen *seen, const void *arg),
		const void *arg);
/* Turns it until it is synced and has nothing more to say. */
void seen_quiet(struct net_feed *feed);
const struct net_link *seen_link(const struct seen *seen, const char *name);
bool seen_addr(const struct seen *seen, uint32_t ifindex, const char *prefix);
const struct seen_neigh *seen_neigh(const struct seen *seen, const char *addr);
