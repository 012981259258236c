/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A next-hop server over the fake dataplane, as the hub of the captures: Tunnel0 = 192.0.2.1,
 * 10.255.0.1/24, holding time 60 s, a static map of 10.255.0.31 to 192.0.2.31. Tunnel 1 ("Tunnel6")
 * has IPv6 inside and outside: 2001:db8::1, fd00::1/64. Tunnel 2 is not served.
 */
#include "control/nhrp/nhrp_server.h"
#include "fake_dp.h"
#include "nhrp_fixture.h"

#define HARNESS_NOW_MS 1000000 /* when a test begins */

extern struct spoke_table *harness_spokes;
extern struct nhrp_server *harness_srv;
extern struct config_tunnel harness_tunnel; /* Tunnel0's */
extern uint64_t harness_now_ms;
extern uint16_t harness_port; /* NAT-T port of what harness_ask sends */
extern struct dp_addr harness_ours;
extern uint32_t harness_identity; /* of all senders */
extern int harness_reachable;     /* what the underlay says of all NBMA addresses */
extern uint16_t harness_error;    /* code of the error indication that the last packet got; 0 */

int harness_setup(void **state);
int harness_teardown(void **state);

struct dp_addr harness_addr(const char *text);
/* A captured packet by name. */
const struct nhrp_vector *harness_vector(const char *name);
/* Punts one; it was the last packet sent, to the byte and to whom. */
void harness_receive_vector(const char *name);
void harness_sent_vector(const char *name);
/* A route: to a next hop of Tunnel0, ours, or nowhere. The first that fits is found; what is not
 * routed is in Tunnel0's subnet, or nowhere. */
void harness_way_add(const char *prefix, enum nhrp_way_kind kind, const char *next_hop);
/* The last one added is to this tunnel instead. */
void harness_way_tunnel(uint16_t tunnel);
void harness_ways_clear(void);
/* A registration of 10.255.0.11 at 192.0.2.11 without extensions, for tests to change. */
struct nhrp_packet harness_request(void);
/* Punts bytes that came from `outer` (IPv6: on tunnel 1). */
void harness_receive(const char *outer, uint16_t port, const uint8_t *bytes, size_t len);
/* Punts p; true when there was an answer other than an error indication. Either is decoded into
 * *reply (which points into fake_dp). */
bool harness_ask(const char *outer, const struct nhrp_packet *p, struct nhrp_packet *reply);
/* Serves Tunnel0 anew, with what the test changed in harness_tunnel; static maps only remain. */
void harness_tunnel_again(void);
struct nhrp_binding *harness_find(const char *protocol);
uint64_t harness_noted(enum nhrp_note note);
uint64_t harness_refused(enum nhrp_refusal refusal);
uint64_t harness_dropped(enum nhrp_drop drop);
uint64_t harness_counter(unsigned counter);
