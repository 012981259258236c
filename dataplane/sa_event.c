/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa_event: limits of SAs, and what their workers have to tell.
 *
 * A home worker decides by itself whether an SA may still be used (sa_check). It does not judge
 * what else that means: it notes that the SA is worth a look, in a small ring; full, it notes it
 * again later. The control core looks at the SA itself, so that each event is told once, and looks
 * at all SAs in slices, about once a second each: limits in seconds, notes that were lost.
 *
 * Threads: sa_check, sa_tell_*: the worker; the rest: control core.
 */
#include <errno.h>

#include <rte_cycles.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_ring_elem.h>

#include "peer.h"

#define NOTES          1024 /* of a worker that wait */
#define NOTES_PER_TURN 64
#define RECHECK_PKTS   4096 /* limits are looked at again after so many packets */
#define RETRY_PKTS     64   /* the ring was full */
#define PACKET_MAX     65536
#define LOW_LEFT       (DP_SA_BOUND_BLOCK / 2)
#define SCAN_SLICE_MAX 4096
#define SOFT_SEQ_32BIT 0xf0000000U /* of numbers of 32 bits: time to rekey */

enum note_kind { NOTE_LOOK, NOTE_MOVED, NOTE_WANTED };

struct note {
	uint32_t kind; /* enum note_kind */
	uint32_t sa, serial;
	rte_be32_t local_be, remote_be;
	uint16_t natt_port;
	uint16_t tunnel;
};
_Static_assert(sizeof(struct note) % 4 == 0, "ring element");

static dp_sa_event_fn handler;
static void *handler_ctx;
static uint32_t scan_next = 1;
static uint64_t scan_tsc;

/* ---- worker ---- */

static bool note_send(struct dp_worker *w, struct note *note)
{
	if (likely(rte_ring_sp_enqueue_elem(w->sa_notes, note, sizeof(*note)) == 0))
		return true;
	w->stats.sa_notes_full++;
	return false;
}

static bool look_send(struct dp_worker *w, const struct sa *sa)
{
	struct note note = {.kind = NOTE_LOOK, .sa = (uint32_t)(sa - sas), .serial = sa->serial};

	return note_send(w, &note);
}

/* So many packets are certainly left before `limit`. */
static uint64_t left(uint64_t limit, uint64_t used, uint64_t per_packet)
{
	return limit <= used ? RECHECK_PKTS : (limit - used - 1) / per_packet + 1;
}

/* After how many packets something may have changed. */
static uint64_t check_after(const struct sa *sa)
{
	uint64_t n = RECHECK_PKTS;

	n = RTE_MIN(n, left(sa->hard_pkts, sa->pkts, 1));
	n = RTE_MIN(n, left(sa->soft_pkts, sa->pkts, 1));
	n = RTE_MIN(n, left(sa->hard_bytes, sa->bytes, PACKET_MAX));
	return RTE_MIN(n, left(sa->soft_bytes, sa->bytes, PACKET_MAX));
}

static bool is_spent(const struct sa *sa)
{
	if (sa->pkts >= sa->hard_pkts || sa->bytes >= sa->hard_bytes)
		return true;
	return (sa->flags & (SA_F_OUT | SA_F_ESN)) == SA_F_OUT && sa->seq >= UINT32_MAX;
}

static bool is_soft(const struct sa *sa)
{
	if (sa->pkts >= sa->soft_pkts || sa->bytes >= sa->soft_bytes)
		return true;
	return (sa->flags & (SA_F_OUT | SA_F_ESN)) == SA_F_OUT && sa->seq >= SOFT_SEQ_32BIT;
}

/* Notes what is new; false: the ring was full. */
static bool look_wanted(struct dp_worker *w, struct sa *sa)
{
	bool out = (sa->flags & SA_F_OUT) != 0;
	uint64_t bound = out ? __atomic_load_n(&sa->bound, __ATOMIC_RELAXED) : UINT64_MAX;
	bool low = out && sa->seq + LOW_LEFT > bound && sa->noted_bound != bound;
	bool soft = is_soft(sa) && !sa->noted;

	if (!soft && !low)
		return true;
	if (!look_send(w, sa))
		return false;
	sa->noted |= soft;
	if (low)
		sa->noted_bound = bound;
	return true;
}

bool sa_check(struct dp_worker *w, struct sa *sa)
{
	if (sa->flags & SA_F_STOP)
		return false;
	if (unlikely(is_spent(sa))) {
		sa->flags |= SA_F_STOP;
		sa->check_pkts = 0;
		look_send(w, sa); /* lost: the control core comes by itself */
		return false;
	}
	sa->check_pkts = sa->pkts + (look_wanted(w, sa) ? check_after(sa) : RETRY_PKTS);
	return true;
}

void sa_tell_moved(struct dp_worker *w, struct sa *sa, rte_be32_t remote_be, uint16_t natt_port)
{
	struct note note = {.kind = NOTE_MOVED,
			    .sa = (uint32_t)(sa - sas),
			    .serial = sa->serial,
			    .remote_be = remote_be,
			    .natt_port = natt_port};

	if (sa->moved_tsc != 0 && w->now_tsc - sa->moved_tsc < rte_get_tsc_hz())
		return;
	if (note_send(w, &note))
		sa->moved_tsc = w->now_tsc;
}

void sa_tell_wanted(struct dp_worker *w, uint32_t adj)
{
	const struct adj *a = &adjs[adj];
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)a->header;
	uint64_t *told_tsc = &w->wanted_tsc[a->spoke];
	struct note note = {.kind = NOTE_WANTED,
			    .local_be = ip->src_addr,
			    .remote_be = ip->dst_addr,
			    .tunnel = a->tunnel};

	if (*told_tsc != 0 && w->now_tsc - *told_tsc < rte_get_tsc_hz())
		return;
	if (a->outer_len != sizeof(*ip)) {
		rte_be16_t port;

		memcpy(&port, a->header + sizeof(*ip) + sizeof(port), sizeof(port));
		note.natt_port = rte_be_to_cpu_16(port);
	}
	if (note_send(w, &note))
		*told_tsc = w->now_tsc;
}

/* ---- control: events ---- */

void dp_sa_event_handler_set(dp_sa_event_fn fn, void *ctx)
{
	handler = fn;
	handler_ctx = ctx;
}

static void tell(const struct dp_sa_event *event)
{
	if (handler != NULL)
		handler(handler_ctx, event);
}

static void tell_sa(enum dp_sa_event_kind kind, uint32_t index)
{
	const struct sa *sa = &sas[index];
	struct dp_sa_event event = {.kind = kind,
				    .sa = index,
				    .local = dp_addr_ip4(sa->local_be),
				    .remote = dp_addr_ip4(sa->remote_be),
				    .natt_port = sa->natt_port};

	tell(&event);
}

/* Once per second and peer, over all workers and SAs. */
static bool is_time(uint64_t *told_tsc, uint64_t now_tsc)
{
	if (*told_tsc != 0 && (int64_t)(now_tsc - *told_tsc) < (int64_t)rte_get_tsc_hz())
		return false;
	*told_tsc = now_tsc;
	return true;
}

static bool is_over(uint64_t age_s, uint32_t limit_s)
{
	return limit_s != 0 && age_s >= limit_s;
}

/* Is this the one that was meant? A handler may have deleted it. */
static bool is_still(uint32_t index, uint32_t of_serial)
{
	return sa_is_live(index) && sas[index].serial == of_serial;
}

static void bound_look(uint32_t index, uint64_t now_tsc)
{
	struct sa_ctl *c = &sa_ctls[index];
	const struct sa *sa = &sas[index];
	uint64_t seq = sa->seq;

	if (!sa_is_out(index) || seq + LOW_LEFT <= sa->bound || sa->bound == UINT64_MAX)
		return;
	if (!(sa->flags & SA_F_ESN) && sa->bound == UINT32_MAX)
		return; /* no higher one would help: the soft limit says so */
	/* Told again while nothing can be sent. */
	if (c->low_bound == sa->bound && c->low_tsc != 0 &&
	    !(seq >= sa->bound && (int64_t)(now_tsc - c->low_tsc) >= (int64_t)rte_get_tsc_hz()))
		return;
	c->low_bound = sa->bound;
	c->low_tsc = now_tsc;
	tell_sa(DP_SA_BOUND_LOW, index);
}

static void sa_look(uint32_t index, uint64_t now_tsc)
{
	struct sa_ctl *c = &sa_ctls[index];
	const struct sa *sa = &sas[index];
	uint32_t of_serial = sa->serial;
	uint64_t age_s = (now_tsc - c->born_tsc) / rte_get_tsc_hz();
	bool soft, hard;

	if (c->expired)
		return;
	if ((int64_t)(now_tsc - c->born_tsc) < 0)
		age_s = 0;
	soft = is_soft(sa) || is_over(age_s, c->soft_s);
	hard = (sa->flags & SA_F_STOP) || is_spent(sa) || is_over(age_s, c->hard_s);
	if (soft && !c->soft_told) {
		c->soft_told = true;
		tell_sa(DP_SA_SOFT, index);
	}
	if (hard && is_still(index, of_serial)) {
		sa_expire(index);
		tell_sa(DP_SA_HARD, index);
		return;
	}
	if (is_still(index, of_serial))
		bound_look(index, now_tsc);
}

static void tell_moved(const struct note *note, uint64_t now_tsc)
{
	const struct sa *sa = &sas[note->sa];
	struct dp_sa_event event = {.kind = DP_SA_MOVED,
				    .sa = note->sa,
				    .local = dp_addr_ip4(sa->local_be),
				    .remote = dp_addr_ip4(note->remote_be),
				    .natt_port = note->natt_port};

	/* It may have been moved since. */
	if (sa->remote_be == note->remote_be && sa->natt_port == note->natt_port)
		return;
	if (is_time(&peers[sa_ctls[note->sa].peer].moved_tsc, now_tsc))
		tell(&event);
}

static void tell_wanted(const struct note *note, uint64_t now_tsc)
{
	uint32_t peer = peer_find(note->local_be, note->remote_be, note->natt_port);
	struct dp_sa_event event = {.kind = DP_SA_WANTED,
				    .local = dp_addr_ip4(note->local_be),
				    .remote = dp_addr_ip4(note->remote_be),
				    .natt_port = note->natt_port,
				    .tunnel = note->tunnel};

	if (peer != 0 && is_time(&peers[peer].wanted_tsc, now_tsc))
		tell(&event);
}

static void note_take(const struct note *note, uint64_t now_tsc)
{
	switch ((enum note_kind)note->kind) {
	case NOTE_LOOK:
		if (is_still(note->sa, note->serial))
			sa_look(note->sa, now_tsc);
		break;
	case NOTE_MOVED:
		if (is_still(note->sa, note->serial))
			tell_moved(note, now_tsc);
		break;
	case NOTE_WANTED:
		tell_wanted(note, now_tsc);
		break;
	}
}

/* All of them in about a second. */
static void scan(uint64_t now_tsc)
{
	uint64_t per_ms = rte_get_tsc_hz() / 1000, ms = (now_tsc - scan_tsc) / per_ms;
	uint64_t n = RTE_MIN(ms * (sa_max / 1000 + 1), (uint64_t)SCAN_SLICE_MAX);

	if ((int64_t)(now_tsc - scan_tsc) <= 0 || n == 0)
		return;
	scan_tsc = now_tsc;
	for (n = RTE_MIN(n, (uint64_t)sa_max); n > 0; n--) {
		if (sa_is_live(scan_next))
			sa_look(scan_next, now_tsc);
		scan_next = scan_next >= sa_max ? 1 : scan_next + 1;
	}
}

void sa_event_poll(uint64_t now_tsc)
{
	struct note note;

	for (uint32_t i = 0; i < dp_worker_count; i++)
		for (unsigned n = 0; n < NOTES_PER_TURN; n++) {
			if (rte_ring_sc_dequeue_elem(dp_workers[i]->sa_notes, &note,
						     sizeof(note)) != 0)
				break;
			note_take(&note, now_tsc);
		}
	scan(now_tsc);
}

/* ---- control: start and stop ---- */

static uint64_t limit_or_none(uint64_t limit)
{
	return limit == 0 ? UINT64_MAX : limit;
}

void sa_limits_fill(struct sa *sa, const struct dp_sa_limits *limits)
{
	sa->soft_bytes = limit_or_none(limits->soft_bytes);
	sa->hard_bytes = limit_or_none(limits->hard_bytes);
	sa->soft_pkts = limit_or_none(limits->soft_pkts);
	sa->hard_pkts = limit_or_none(limits->hard_pkts);
}

void sa_event_fini(void)
{
	for (uint32_t i = 0; i < dp_worker_count; i++) {
		rte_ring_free(dp_workers[i]->sa_notes);
		rte_free(dp_workers[i]->wanted_tsc);
		dp_workers[i]->sa_notes = NULL;
		dp_workers[i]->wanted_tsc = NULL;
	}
	handler = NULL;
}

int sa_event_init(const struct dp_conf *conf)
{
	scan_next = 1;
	scan_tsc = rte_rdtsc();
	for (uint32_t i = 0; i < dp_worker_count; i++) {
		struct dp_worker *w = dp_workers[i];
		char name[RTE_RING_NAMESIZE];

		snprintf(name, sizeof(name), "sa-notes-%u", i);
		w->sa_notes =
			rte_ring_create_elem(name, sizeof(struct note), NOTES, (int)rte_socket_id(),
					     RING_F_SP_ENQ | RING_F_SC_DEQ);
		w->wanted_tsc = rte_zmalloc("wanted SAs",
					    (conf->limits.spokes + 1) * sizeof(*w->wanted_tsc),
					    RTE_CACHE_LINE_SIZE);
		if (w->sa_notes == NULL || w->wanted_tsc == NULL)
			return dp_error_set(-ENOMEM, "worker %u: notes about SAs", i);
	}
	return 0;
}
