/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A RIB over a fake FIB and fake interfaces, and messages for it in words:
 *
 *   told("10.0.0.0/8 via 192.0.2.9 dev 10 metric 20")
 *
 * Interfaces: 10 port 0, 11 port 1, 20 tunnel 5, 21 tunnel 6; 99 is not ours. All up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include <stdbool.h>

#include "control/rib/rib.h"

#define WAN      10
#define LAN      11
#define TUN      20
#define TUN2     21
#define OTHER    99

#define FAKE_FIB 4096
struct fake_fib {
	struct {
		struct dp_prefix prefix;
		char text[256]; /* "gateway port 0 192.0.2.9"; "" = free */
	} rows[FAKE_FIB];
	unsigned sets, dels; /* calls that did something */
	unsigned changed;    /* ops.changed */
	unsigned redumps;    /* ops.redump */
	int set_rc, del_rc;  /* 0 = do it */
	unsigned max;        /* rows, then -ENOSPC; 0 = FAKE_FIB */
};
extern struct fake_fib fib;
extern struct rib_iface fake_ifaces[100]; /* by ifindex */
extern struct rib *rib;

/* cmocka setup and teardown: 1,000 routes, 64 vias. */
int rib_setup(void **state);
int rib_teardown(void **state);
void rib_setup_sized(uint32_t routes, uint32_t vias);

/* What the fake FIB says about a prefix: "gateway port 0 192.0.2.9", "-" = nothing. */
const char *in_fib(const char *prefix);
unsigned fib_rows(void);
/* All calls since the last time, forgotten: sets + dels. */
unsigned fib_calls(void);

/*
 * "10.0.0.0/8 via 192.0.2.9 dev 10 weight 3 via ... dev ... metric 20 proto 11 type 6 nhid 7 table
 * 5 tos 4 rest 9 encap": fills a route, as a message of the kernel.
 */
struct net_route route_of(const char *text);
void told(const char *text); /* as `ip route add` makes it */
void told_replace(const char *text);
void told_append(const char *text);
void told_dump(const char *text); /* inside a dump */
void gone(const char *text);
/* Until there is nothing left to do. */
void settle(void);
struct rib_info info(void);
