/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The hub's event log: what changed, when and why, for `event.list` and the operator's log. A ring
 * of the last EVENT_RING_LEN events and a counter for each kind.
 *
 * Context: control, all of it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_RING_LEN   1024
#define EVENT_OBJECT_LEN 64  /* with the NUL */
#define EVENT_TEXT_LEN   192 /* with the NUL */

/*
 * X(id, name, class, help). A kind of class PEER can be caused at will by boxes outside: ring and
 * log take at most 20/s of them all (burst 100), the rest is only counted, so that a storm of
 * refusals does not push out what matters. Of each kind of class SPOKE, which all spokes can cause
 * in one moment, they take 50/s (burst 200); the next one that is kept says how many were not.
 */
#define EVENT_KIND_LIST(X)                                                                        \
	X(DAEMON_START, "daemon-start", INFO, "the daemon serves")                                \
	X(DAEMON_STOP, "daemon-stop", INFO, "the daemon was asked to stop")                       \
	X(WORKER_UP, "worker-up", INFO, "a worker core polls")                                    \
	X(WORKER_DOWN, "worker-down", INFO, "a worker core stopped")                              \
	X(WORKER_STUCK, "worker-stuck", SYS, "a worker core does not come round")                 \
	X(LINK_UP, "link-up", INFO, "a port has link")                                            \
	X(LINK_DOWN, "link-down", INFO, "a port lost its link")                                   \
	X(TWIN_UP, "twin-up", INFO, "a twin was created or taken over")                           \
	X(TWIN_DOWN, "twin-down", SYS, "a twin is gone or was set down")                          \
	X(TWIN_SETTING, "twin-setting", SYS, "a kernel setting of a twin is not what it must be") \
	X(NETLINK_RESYNC, "netlink-resync", SYS, "kernel messages were lost; dumped again")       \
	X(NEIGHBOUR_FAILED, "neighbour-failed", SYS, "an underlay or LAN neighbour is dead")      \
	X(ROUTE_REFUSED, "route-refused", SYS, "a route cannot be used: full or recursive")       \
	X(TABLE_FULL, "table-full", SYS, "a table or queue is full")                              \
	X(SPOKE_UP, "spoke-up", SPOKE, "a spoke reached the state UP")                            \
	X(SPOKE_DOWN, "spoke-down", SPOKE, "a spoke left the state UP")                           \
	X(SPOKE_STATE, "spoke-state", SPOKE, "a spoke changed between other states")              \
	X(REG_ADDED, "registration-added", SPOKE, "a protocol address was registered")            \
	X(REG_MOVED, "registration-moved", SPOKE,                                                 \
	  "a protocol address moved to another NBMA address")                                     \
	X(REG_EXPIRED, "registration-expired", SPOKE, "no refresh within the holding time")       \
	X(REG_REMOVED, "registration-removed", SPOKE, "purged by the client or by the operator")  \
	X(NHS_UP, "nhs-up", INFO, "a hub that we are a client of took our registration")          \
	X(NHS_DOWN, "nhs-down", SYS, "a hub that we are a client of does not answer, or refuses") \
	X(REG_REFUSED, "registration-refused", PEER, "a registration request was answered no")    \
	X(NHRP_DROPPED, "nhrp-dropped", PEER, "an NHRP packet was malformed or not allowed")      \
	X(NHRP_ERROR, "nhrp-error", PEER, "an NHRP error indication came")                        \
	X(STATE_RESTORED, "state-restored", INFO, "registrations of the last run are in force")   \
	X(STATE_REFUSED, "state-refused", SYS, "the state file is damaged: kept aside")           \
	X(STATE_FAILED, "state-failed", SYS, "the state file cannot be written; tried again")     \
	X(SA_SOFT, "sa-soft-limit", INFO, "an SA has reached its soft limit: rekey")              \
	X(SA_HARD, "sa-hard-limit", SYS, "an SA has reached its hard limit, or its last number")  \
	X(SA_WANTED, "sa-wanted", PEER, "a packet for a peer without an SA to send it")           \
	X(PEER_MOVED, "peer-moved", INFO, "a peer behind a NAT has another address or port")      \
	X(HOME_MOVED, "home-moved", SPOKE, "a peer has another home worker")                      \
	X(API_REFUSED, "api-refused", SYS, "a client of the control socket was turned away")

enum event_kind {
#define X(id, name, cls, help) EVENT_##id,
	EVENT_KIND_LIST(X)
#undef X
		EVENT_KIND_COUNT,
};

struct event_record {
	uint64_t seq;     /* from 1, without gaps */
	uint64_t time_us; /* CLOCK_REALTIME */
	enum event_kind kind;
	char object[EVENT_OBJECT_LEN]; /* what it happened to: "wan0", "Tunnel100 10.0.0.1" */
	char text[EVENT_TEXT_LEN];     /* the reason, for people */
};

/*
 * Counts, keeps and logs an event: do not log the same again. object may be NULL. Too long text is
 * cut; what is not printable ASCII becomes '?': bytes from outside cannot forge a log line.
 */
void event_emit(enum event_kind kind, const char *object, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* For who has much to do before event_emit: would it be kept now? If not it is counted, and there
 * is no need to call event_emit. */
bool event_due(enum event_kind kind);

/* "link-up"; "kind-99" for a number that is none. */
const char *event_kind_name(enum event_kind kind);
const char *event_kind_help(enum event_kind kind);

/* How many there were since start, and how many of them the rate limit kept out of the ring. */
uint64_t event_count(enum event_kind kind);
uint64_t event_suppressed(enum event_kind kind);

/* seq of the newest event kept, 0 before the first. */
uint64_t event_last_seq(void);
/* Fills at most `max` rows with events after *seq (0: from the oldest kept), oldest first, and sets
 * *seq to the last one's. Returns how many. */
unsigned event_list(uint64_t *seq, struct event_record *rows, unsigned max);
/* Forgets everything (tests). */
void event_reset(void);
