/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The spokes: who has which address, who is registered, what is due next, and the way out into
 * the tunnel. NHRP itself is in nhc.c, packets between the LANs in traffic.c.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "latency.h"
#include "local.h"
#include "neighbour.h"
#include "options.h"
#include "shortcut.h"
#include "timers.h"

enum spoke_state {
	SPOKE_DOWN, /* not registered: never yet, refused, or the holding time ran out */
	SPOKE_UP,
};

/* Of a spoke at a hub. */
struct registration {
	enum spoke_state state;
	bool awaiting;       /* a registration request is unanswered */
	uint8_t retry_s;     /* 2, 4, .. 64 */
	uint32_t request_id; /* kept over retries: a late answer still counts */
	uint64_t asked_ns;   /* first transmission of that request */
	uint64_t valid_until_ns;
};

struct spoke {
	uint32_t gre_sequence;
	uint32_t hubs_up; /* registrations */
};

struct spokes_counters {
	uint64_t requests; /* registration requests, retries included */
	uint64_t retries;
	uint64_t replies; /* good ones */
	uint64_t refused; /* replies with a NAK code */
	uint64_t wrong;   /* replies that are not an answer to what was asked */
	uint64_t stray;   /* replies nobody waits for */
	uint64_t expired; /* registrations lost for want of an answer */
	uint64_t traffic_indications;
	uint64_t bad_indications; /* hop count 0, or not about a packet of that spoke */
	uint64_t resolution_requests;
	uint64_t resolutions_sent;   /* requests of ours, repeats included */
	uint64_t resolution_replies; /* good ones */
	uint64_t resolutions_refused;
	uint64_t resolutions_wrong;     /* replies that are not an answer to what was asked */
	uint64_t resolutions_elsewhere; /* ways to somebody who is none of our spokes */
	uint64_t resolutions_answered;  /* requests of others */
	uint64_t purges;
	uint64_t purges_sent; /* at the end */
	uint64_t purge_replies;
	uint64_t bad_authentication; /* missing, twice, or another word: not looked at */
	uint64_t errors;             /* error indications */
	uint64_t other;              /* NHRP of another kind */
	uint64_t undecodable;
	uint8_t refused_code;    /* the last one */
	uint8_t unresolved_code; /* the last one */
	uint16_t error_code;     /* the last one */
};

struct spokes {
	const struct options *opt;
	struct link *link;
	struct neighbour neighbour;
	struct timers timers;
	struct spoke *v;           /* opt->count of them; owned */
	struct registration *regs; /* opt->hub_count for each; owned */
	struct shortcuts shortcuts;
	struct local local;
	uint64_t direct_frames; /* sent by a shortcut */
	uint32_t purge_cursor;  /* registration to take back next */
	bool armed;             /* the first registrations are in the heap */
	uint32_t registered;    /* spokes that a hub knows */
	uint32_t registrations; /* of all spokes at all hubs */
	uint32_t next_request_id;
	uint64_t started_ns;
	uint64_t all_up_ns; /* when all were registered at all hubs for the first time; 0 = not yet
			     */
	struct latency reply_time;
	struct spokes_counters counters;
};

/* `link` stays the caller's. -ENOMEM. */
int spokes_init(struct spokes *s, const struct options *opt, struct link *link);
void spokes_free(struct spokes *s);

/* From here on they register, at the configured rate, as soon as the hub's MAC is known. */
void spokes_start(struct spokes *s, uint64_t now_ns);
/* Sends what is due, a bounded number per call. */
void spokes_poll(struct spokes *s, uint64_t now_ns);
/* When spokes_poll is wanted next. */
uint64_t spokes_next_ns(const struct spokes *s);

/* What the hub said about a registration; called by nhc.c. hold_s: granted. */
void spokes_accepted(struct spokes *s, uint32_t i, uint32_t hub, uint16_t hold_s, uint64_t now_ns);
void spokes_refused(struct spokes *s, uint32_t i, uint32_t hub, uint8_t code);

/* Takes registrations back, a bounded number per call; false when that was all. */
bool spokes_purge(struct spokes *s);

/* Room for an inner packet of spoke i; spokes_send wraps and queues it, to the underlay address of
 * a hub or of another spoke. */
uint8_t *spokes_inner_room(struct spokes *s, uint32_t i);
void spokes_send(struct spokes *s, uint32_t i, uint32_t nbma, uint16_t gre_proto, size_t inner_len);
/* Where a packet of spoke i to an inner address goes: by its shortcut, or by the first hub that
 * answers. */
uint32_t spokes_way(struct spokes *s, uint32_t i, uint32_t dst, uint64_t now_ns);

static inline struct registration *spokes_reg(const struct spokes *s, uint32_t i, uint32_t hub)
{
	return &s->regs[(uint64_t)i * s->opt->hub_count + hub];
}

/* --- addresses, host order --- */

/* The hub with this underlay address; hub_count: none has it. */
static inline uint32_t spokes_hub(const struct spokes *s, uint32_t nbma)
{
	uint32_t h = 0;

	while (h < s->opt->hub_count && s->opt->hubs[h].nbma != nbma)
		h++;
	return h;
}

static inline uint32_t spokes_nbma(const struct spokes *s, uint32_t i)
{
	return s->opt->nbma_base + i;
}

/* What the spoke believes its underlay address to be. */
static inline uint32_t spokes_claimed(const struct spokes *s, uint32_t i)
{
	return (s->opt->nat ? s->opt->private_base : s->opt->nbma_base) + i;
}

static inline uint32_t spokes_protocol(const struct spokes *s, uint32_t i)
{
	return s->opt->protocol_base + i;
}

/* A host in the LAN: the first address after the network's, or the only one of a /32. */
static inline uint32_t spokes_lan_host(const struct spokes *s, uint32_t i)
{
	const unsigned host_bits = 32u - s->opt->lan_len;

	return (uint32_t)(s->opt->lan_base + ((uint64_t)i << host_bits) + (host_bits ? 1 : 0));
}

/* The tunnel address or an address of the LAN. */
static inline bool spokes_owns(const struct spokes *s, uint32_t i, uint32_t ip)
{
	const unsigned host_bits = 32u - s->opt->lan_len;

	return ip == spokes_protocol(s, i) ||
	       (ip >= s->opt->lan_base && (uint64_t)(ip - s->opt->lan_base) >> host_bits == i);
}
