/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the control core keeps of an SA, and what the files sa*.c share. Context: control.
 */
#include <sys/queue.h>

#include "dp_sa.h"
#include "sa.h"
#include "sa_counter.h"

struct sa_ctl {
	union {
		TAILQ_ENTRY(sa_ctl) of_out; /* of the peer's outbound SAs */
		LIST_ENTRY(sa_ctl) of_in;
	};
	struct sa_print print;
	uint32_t peer;
	uint32_t soft_s, hard_s; /* 0: none */
	uint64_t born_tsc;
	uint64_t low_bound;  /* the bound that was told to be low */
	uint64_t low_tsc;    /* and when */
	uint64_t pkts_seen;  /* home.c: of an inbound one, at the last look */
	uint64_t home_order; /* handover.c: number of the last order to let go of it, */
	uint8_t home_worker; /* and whose */
	bool live;           /* dp_sa_add until dp_sa_del */
	bool expired;        /* out of the workers' sight for good */
	bool soft_told;
};

extern struct sa_ctl *sa_ctls; /* [limits.sas + 1] */
extern uint32_t sa_max;

static inline uint32_t sa_index(const struct sa_ctl *c)
{
	return (uint32_t)(c - sa_ctls);
}

static inline bool sa_is_live(uint32_t index)
{
	return index != 0 && index <= sa_max && sa_ctls[index].live;
}

static inline bool sa_is_out(uint32_t index)
{
	return (sas[index].flags & SA_F_OUT) != 0;
}

/* sa_conf.c: -EINVAL with dp_error. */
int sa_conf_check(const struct dp_sa_conf *conf);
/* Unicast, IPv4. */
bool sa_address_is_good(const struct dp_addr *a);

/* sa_slot.c. A slot, filled but for number and window, of a peer that is there; -ENOSPC, -ENOTSUP,
 * -EAGAIN with dp_error. */
int sa_slot_create(const struct dp_sa_conf *conf, const struct sa_print *print, uint32_t *sa);
/* The window, with all numbers up to `seq` as seen: which of them were is not known. -ENOMEM. */
int sa_slot_window(struct sa *sa, uint16_t window, uint64_t seq);
/* What may be changed while it is used. */
void sa_slot_update(uint32_t index, const struct dp_sa_conf *conf);
/* The address of its peer, as workers read it. */
void sa_slot_remote_set(struct sa *sa, rte_be32_t remote_be, uint16_t port, uint16_t local_port);
/* Of a slot that nobody has seen; and of one that nobody sees any more. */
void sa_slot_discard(uint32_t index);
void sa_slot_put(uint32_t index);
/* What of it may be used: numbers of 32 bits end. */
uint64_t sa_bound_cut(const struct sa *sa, uint64_t bound);

int sa_init(const struct dp_conf *conf);
void sa_fini(void);
/* All memory of struct sa is locked and left out of core dumps. */
bool sa_memory_is_locked(void);

/* Bytes of a replay window beyond the ones in struct sa. */
size_t sa_window_bytes(uint32_t words);
/* Frees what waited for its home; once per turn of the control loop. */
void sa_poll(void);
/* Workers stop using it, for good; it is still there to be asked for. */
void sa_expire(uint32_t index);

int sa_foreign_init(const struct dp_conf *conf);
void sa_foreign_fini(void);

/* sa_event.c */
int sa_event_init(const struct dp_conf *conf);
void sa_event_fini(void);
/* What a worker notes: after a new SA is filled, before it is published. */
void sa_limits_fill(struct sa *sa, const struct dp_sa_limits *limits);
/* What workers noted, limits in seconds; once per turn of the control loop. */
void sa_event_poll(uint64_t now_tsc);
