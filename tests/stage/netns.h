/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A network namespace of the test's own, and what it needs to look at interfaces in it. Every call
 * asserts; the namespace goes with the process.
 */
#include <stdbool.h>
#include <stdint.h>

/* Moves the calling thread into a new, empty network namespace. Needs root. */
void netns_enter(void);
/* Runs ip(8) with these arguments in it. */
void netns_ip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Waits at most 5 s until `fd` is readable. */
bool netns_readable(int fd);
bool netns_readable_now(int fd);

/* A UDP socket bound to this address, and a packet from it. */
int netns_udp_socket(const char *addr, uint16_t port);
void netns_udp_send(int s, const char *to, const void *bytes, uint16_t len);

/* Properties of an interface. */
int netns_mtu(const char *ifname);
bool netns_carrier(const char *ifname);
void netns_mac(const char *ifname, uint8_t mac[6]);
/* A packet socket on it, all protocols. */
int netns_packet_socket(const char *ifname);
