/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Punt and inject: what workers hand to the control core and back. The control core sees bytes and
 * metadata during a callback, never a buffer.
 *
 * Context: control, all of it.
 */
#include "dp.h"
#include "dp_addr.h"

struct dp_punt_meta {
	uint16_t tunnel;
	uint16_t natt_port;       /* UDP source port of NAT-T, host order, 0 = not encapsulated */
	uint32_t spoke;           /* 0 = no spoke is known for this outer source */
	bool authenticated;       /* it came by an SA, the peer of which outer_src is */
	uint32_t identity;        /* of that SA, 0: unknown */
	struct dp_addr outer_src; /* observed NBMA address */
	struct dp_addr outer_dst; /* ours */
};

/* An NHRP packet (GRE protocol 0x2001), from ar$afn on. `bytes` is valid during the call only. */
typedef void (*dp_punt_nhrp_fn)(void *ctx,
				const struct dp_punt_meta *meta,
				const uint8_t *bytes,
				size_t len);

/* Header bytes of a packet that hairpinned inside one network-id (RFC-less; Cisco redirect). */
struct dp_redirect {
	uint16_t tunnel;     /* where it came in */
	uint16_t out_tunnel; /* where it left; same network-id */
	uint16_t natt_port;
	uint16_t len;   /* bytes used in `header` */
	uint32_t spoke; /* in; 0 = unknown */
	uint32_t out_spoke;
	struct dp_addr outer_src;
	uint8_t header[128]; /* from the inner IP header */
};
typedef void (*dp_punt_redirect_fn)(void *ctx, const struct dp_redirect *redirect);

struct dp_punt_handlers {
	dp_punt_nhrp_fn nhrp;
	dp_punt_redirect_fn redirect;
	void *ctx;
};
void dp_punt_handlers_set(const struct dp_punt_handlers *handlers);

struct dp_punt_stats {
	uint64_t nhrp_pkts;    /* given to the handler */
	uint64_t unhandled;    /* NHRP packets without a handler: freed */
	uint64_t redirects;    /* records given to the handler */
	uint64_t wanted;       /* neighbours asked for */
	uint64_t inject_drops; /* NHRP packets not sent: no buffer, or the worker's ring was full */
	uint64_t pmtu_taken;   /* ICMP "fragmentation needed" about packets of ours */
	uint64_t pmtu_refused; /* ...that quote nothing of ours, or a value that is not taken */
	uint64_t wakeups;      /* sleeps that a worker ended */
};
void dp_punt_stats_get(struct dp_punt_stats *stats);

/* Readable when a worker queued something while the control core slept (see dp_punt_sleep). */
int dp_punt_fd(void);
/* Handles at most `max` packets and records of each worker; returns how many were handled. */
unsigned dp_punt_drain(unsigned max);
/*
 * Publishes that the control core is about to sleep, so that workers write the eventfd. Returns
 * false when something is queued already: drain instead of sleeping.
 */
bool dp_punt_sleep(void);
/* Back from sleep: workers stop writing; clears the eventfd. */
void dp_punt_awake(void);

/*
 * Sends an NHRP packet through a tunnel to an NBMA address, by the spoke's adjacency when there is
 * one, else straight over the underlay (a refusal to somebody unknown). Copies the bytes.
 * -ENOBUFS no buffer, -ENOSPC ring full, -EMSGSIZE, -ENOENT no such tunnel.
 */
int dp_inject_nhrp(uint16_t tunnel,
		   const struct dp_addr *nbma,
		   uint16_t natt_port,
		   const uint8_t *bytes,
		   size_t len);
