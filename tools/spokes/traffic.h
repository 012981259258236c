/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Packets inside the tunnels: probes between the spokes' LANs and to the hub, their checks, and
 * answers to other people's pings.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "latency.h"
#include "packet.h"

struct spokes;

enum traffic_stream_id {
	TRAFFIC_LAN, /* LAN of spoke i -> LAN of spoke i + 1 */
	TRAFFIC_HUB, /* tunnel address of spoke i -> tunnel address of the hub */
	TRAFFIC_STREAMS,
};

struct traffic_stats {
	uint64_t sent;
	uint64_t received; /* checked, first time */
	uint64_t answered; /* echo requests that the other spoke checked and answered */
	uint64_t duplicate;
	uint64_t late; /* more than 1,024 packets of its flow too late to tell */
	uint64_t corrupt;
	uint64_t ttl; /* not decremented exactly once on its way */
	uint64_t misdelivered;
	uint64_t skipped; /* not sent because we were more than 100 ms behind */
	uint64_t direct;  /* of those received, or answered: by a shortcut */
};

struct traffic_flow; /* by spoke */

struct traffic_stream {
	enum packet_kind kind;
	uint32_t rate_pps; /* 0 = off */
	uint64_t start_ns;
	uint64_t scheduled;         /* packets whose time has come */
	uint32_t cursor;            /* spoke that sends next */
	struct traffic_flow *flows; /* one per spoke; owned */
	struct traffic_stats stats;
	struct latency latency; /* round trip, or one way for UDP */
};

struct traffic {
	struct spokes *spokes;
	uint32_t run;
	bool running;
	struct traffic_stream streams[TRAFFIC_STREAMS];
	uint64_t echo_answered; /* pings of others */
	uint64_t icmp_errors;   /* unreachable, time exceeded, .. */
	uint64_t multicast;
	uint64_t unexpected;   /* anything else */
	uint64_t misdelivered; /* to an address the spoke does not have */
	uint64_t bad_header;   /* no IPv4 header, or a wrong checksum in it */
};

/* `run` tells packets of this process from those of another. -ENOMEM. */
int traffic_init(struct traffic *t, struct spokes *spokes, uint32_t run);
void traffic_free(struct traffic *t);

void traffic_start(struct traffic *t, uint64_t now_ns);
void traffic_stop(struct traffic *t);
/* Sends what is due, a bounded number per call. */
void traffic_poll(struct traffic *t, uint64_t now_ns);
uint64_t traffic_next_ns(const struct traffic *t);
/* Sent and not yet come back. */
uint64_t traffic_outstanding(const struct traffic *t);

/* An inner packet that the hub sent to spoke i, or (direct) another spoke by a shortcut. */
void traffic_receive(struct traffic *t,
		     uint32_t i,
		     bool direct,
		     const uint8_t *bytes,
		     size_t len,
		     uint64_t now_ns);
