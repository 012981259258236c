/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the stages read and write of security associations. dp_sa.h is the control core's side.
 *
 * An SA is written by its home worker only (sequence number, window, counters); the control core
 * writes `bound`, and everything else before it publishes the index. Slots are reused
 * after a grace period, their keys wiped.
 */
#include "crypto.h"
#include "dp_priv.h"
#include "table.h"

#define SA_F_ESN       0x01
#define SA_F_NATT      0x02
#define SA_F_OUT       0x04
#define SA_F_STOP      0x08 /* hard limit or no number left: worker's note, told by an event */

#define SA_WINDOW_UNIT 32
/* A window of up to 1984 packets is in the same page as all else, in a ring of always this size:
 * its mask needs no load. */
#define SA_INLINE_WORDS    32
#define SA_INLINE_WINDOW32 ((SA_INLINE_WORDS - 1) * 64 / SA_WINDOW_UNIT)

/* Time of the last packet in units of 2^24 TSC cycles, some milliseconds; 0: there was none. */
#define SA_LAST_SHIFT 24

struct sa {
	/* What each packet touches: one line. */
	uint64_t seq; /* out: last number used. in: highest authenticated */
	union {
		uint64_t bound;   /* out: last number that may be used */
		uint64_t *bitmap; /* in: RFC 6479 ring of 64-bit words, a power of two of them */
	};
	uint64_t pkts, bytes;
	uint64_t check_pkts; /* at this many packets limits are looked at again: sa_check() */
	uint32_t last;       /* SA_LAST_SHIFT */
	rte_be32_t local_be;
	rte_be32_t spi_be;
	rte_be32_t salt;
	rte_be32_t peer_be; /* remote_be, for plain ESP */
	uint8_t alg : 4;    /* enum dp_sa_alg */
	uint8_t flags : 4;
	uint8_t profile;
	uint8_t home;     /* worker */
	uint8_t window32; /* in: packets / SA_WINDOW_UNIT; 0: no replay check */
	/* What exceptions and the end of the line need. Where the peer is: one unit of 8 bytes, a
	 * move is one store. */
	rte_be32_t remote_be;
	uint16_t natt_port, natt_local_port; /* host order */
	uint32_t serial; /* of all SAs there ever were: an event may be about one that is gone */
	uint32_t identity;
	uint32_t bitmap_mask; /* words - 1: sa_ring_mask() */
	uint32_t bad_icv, replayed;
	uint32_t noted;       /* sa_event.c: the control core was told that it is soft */
	uint64_t noted_bound; /* the bound that was told to be low */
	uint64_t moved_tsc;   /* when sa_tell_moved did */
	uint64_t soft_bytes, hard_bytes, soft_pkts, hard_pkts; /* UINT64_MAX: none */
	uint64_t bitmap_inline[SA_INLINE_WORDS] __rte_cache_aligned;
	struct crypto_key key;
} __rte_cache_aligned;
_Static_assert(offsetof(struct sa, remote_be) == 64, "the hot part is one line");

extern struct sa *sas;              /* [limits.sas + 1]; 0: none */
extern struct table *sa_table;      /* inbound: sa_key() -> index */
extern struct table *sa_out_table;  /* outbound: sa_out_key() -> index */
extern struct table *foreign_table; /* (local, SPI) of the kernel's own SAs -> 1 */

/* Direct-mapped in front of sa_table: by the low bits of the SPI, index or 0. A hit is proved by
 * the SA's own SPI and address. Written by the control core. */
#define SA_HINTS (1U << 16)
extern uint32_t *sa_hints;

static inline struct table_key sa_key(rte_be32_t local_be, rte_be32_t spi_be)
{
	return table_key_ip4(local_be, 0, 0, spi_be);
}

static inline uint32_t *sa_hint(rte_be32_t spi_be)
{
	return &sa_hints[rte_be_to_cpu_32(spi_be) & (SA_HINTS - 1)];
}

static inline struct table_key sa_out_key(rte_be32_t local_be,
					  rte_be32_t remote_be,
					  rte_be32_t spi_be)
{
	return table_key_ip4(remote_be, (uint16_t)local_be, (uint16_t)(local_be >> 16), spi_be);
}

/* Its home worker. A home that has just got it must not know its numbers from before: acquire.
 * Context: worker. */
static inline uint8_t sa_home(const struct sa *sa)
{
	return __atomic_load_n(&sa->home, __ATOMIC_ACQUIRE);
}

static inline uint32_t sa_ring_mask(const struct sa *sa)
{
	return likely(sa->window32 <= SA_INLINE_WINDOW32) ? SA_INLINE_WORDS - 1U : sa->bitmap_mask;
}

/* Where the peer is, by one load: address, NAT-T port. */
static inline rte_be32_t sa_remote(const struct sa *sa, uint16_t *natt_port)
{
	uint64_t unit;

	if (likely(!(sa->flags & SA_F_NATT))) {
		*natt_port = 0;
		return sa->peer_be;
	}
	unit = __atomic_load_n((const uint64_t *)(const void *)&sa->remote_be, __ATOMIC_RELAXED);
	*natt_port = (uint16_t)(unit >> 32);
	return (rte_be32_t)unit;
}

/* Limits, the reserve of numbers, events: when pkts has reached check_pkts, or seq the bound.
 * False: the SA must not be used for this packet. Context: home worker. */
bool sa_check(struct dp_worker *w, struct sa *sa);
/* Queues events for the control core, at most one per second and peer (not for each packet: the
 * caller may call it for every packet). Context: home worker. */
void sa_tell_moved(struct dp_worker *w, struct sa *sa, rte_be32_t remote_be, uint16_t natt_port);
void sa_tell_wanted(struct dp_worker *w, uint32_t adj);

/* handover.c: to the home worker of the SA, which takes it up where this one left the line: ESP
 * before the replay check, an inner packet behind the forwarding stage with meta->adj set, NHRP
 * before its encapsulation. Takes the packet; false: full, a drop by name. Context: worker. */
bool handover(struct dp_worker *w, struct rte_mbuf *m, uint8_t home);
/* The same for ESP of this SA, counted: where the peer's packets come in decides on its home. */
void handover_esp(struct dp_worker *w, struct rte_mbuf *m, uint32_t sa);
/* Takes up what the others have handed over; returns how many. Once per turn. Context: worker. */
uint16_t handover_burst(struct dp_worker *w);
/* Context: control, workers stopped. */
void handover_flush(struct dp_worker *w);

int handover_init(const struct dp_conf *conf);
void handover_fini(void);
int home_init(const struct dp_conf *conf);
void home_fini(void);
/* Buffers that wait in the rings of so many workers at most. Pure. */
uint32_t handover_mbufs(uint32_t workers);
/* Another worker becomes the home of this peer and its SAs: the present one lets go of each SA by
 * itself, between two bursts. -EAGAIN: later. Context: control. */
int handover_home_set(uint32_t peer, uint8_t home);
/* The home of an SA may still have to let go of it: its slot must wait. Context: control. */
bool handover_is_pending(uint32_t sa);
