/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Shared by the parts of the NHRP server (nhrp_server.c and the handlers of packet types); nobody
 * else includes it. A handler of a further type is a function as nhrp_reg_request() and a row in
 * the table of nhrp_server.c. Context: control.
 */
#include "control/rate.h"
#include "nhrp_ask.h"
#include "nhrp_client.h"
#include "nhrp_holdoff.h"
#include "nhrp_pending.h"
#include "nhrp_purge.h"
#include "nhrp_requesters.h"
#include "nhrp_server.h"

#define NHRP_AUTH_HEAD_LEN  4 /* reserved, SPI */
#define NHRP_AUTH_VALUE_MAX (NHRP_AUTH_HEAD_LEN + NHRP_AUTH_SECRET_MAX)

struct nhrp_tunnel {
	bool used;
	struct config_tunnel conf;         /* without the maps */
	uint8_t auth[NHRP_AUTH_VALUE_MAX]; /* value of our authentication extension */
	uint16_t auth_len;                 /* 0: none configured */
};

/* Whom we told what last; nhrp_tell.c. */
#define NHRP_TOLD_MAX 4096
struct nhrp_told {
	uint64_t key; /* hash of sender and matter */
	uint64_t at_ms;
};

struct nhrp_server {
	struct nhrp_tunnel *tunnels; /* [tunnel_count] */
	uint32_t tunnel_count;
	struct spoke_table *spokes;
	struct nhrp_cache *cache;
	struct nhrp_requesters *requesters;
	struct nhrp_peer_ops peers;
	struct rate stranger_errors;
	uint64_t seed;
	struct nhrp_told told[NHRP_TOLD_MAX];
	struct nhrp_purges *purges;
	struct nhrp_clients *clients;
	struct nhrp_asks *asks;
	struct nhrp_pendings *pendings;
	struct nhrp_holdoffs *holdoffs;
	struct nhrp_way_ops ways;
	uint64_t counters[NHRP_COUNTER_COUNT];
};

/* NULL: the dataplane's tunnel has no NHRP. */
static inline struct nhrp_tunnel *nhrp_tunnel_of(const struct nhrp_server *srv, uint16_t tunnel)
{
	return tunnel < srv->tunnel_count && srv->tunnels[tunnel].used ? &srv->tunnels[tunnel]
								       : NULL;
}

/* One received packet on its way through a handler. */
struct nhrp_rx {
	uint64_t now_ms;
	const struct dp_punt_meta *meta;
	const struct config_tunnel *tunnel;
	const struct nhrp_packet *packet; /* NULL: not decoded yet, or malformed */
	const uint8_t *bytes;             /* as they came, from ar$afn */
	size_t len;
	uint32_t identity; /* of the sender, proven by IKE; 0 = none */
};

/* Where it came from, whether or not a spoke is there. */
static inline struct dp_spoke_key nhrp_rx_spoke(const struct nhrp_rx *rx)
{
	return (struct dp_spoke_key){.tunnel = rx->meta->tunnel,
				     .natt_port = rx->meta->natt_port,
				     .nbma = rx->meta->outer_src};
}

/* Counts a packet that is not answered by a reply, tells the event log, sends the error indication
 * that the reason has (if any); offset as in struct nhrp_fault. */
void nhrp_server_drop(struct nhrp_server *srv,
		      const struct nhrp_rx *rx,
		      enum nhrp_drop drop,
		      uint16_t offset);

/*
 * The one way out for packets of every type; nhrp_send.c. Puts our authentication extension into
 * *packet where the tunnel has one (in the place of the one that came, else before End; an End is
 * added when there is none), encodes, gives the bytes to the dataplane; the packet points to
 * nothing that dies with this call. Counted as sent, or by why it was not: -EMSGSIZE over the
 * tunnel's MTU, -EINVAL or -ENOSPC not to be encoded, -ENOENT no such tunnel, or what
 * dp_inject_nhrp said.
 */
int nhrp_send(struct nhrp_server *srv,
	      uint16_t tunnel,
	      const struct dp_addr *nbma,
	      uint16_t natt_port,
	      struct nhrp_packet *packet);

/* The same with the extensions as they are: to who did not show our word. */
int nhrp_send_bare(struct nhrp_server *srv,
		   uint16_t tunnel,
		   const struct dp_addr *nbma,
		   uint16_t natt_port,
		   struct nhrp_packet *packet);

/* Sends to where rx came from, by nhrp_send; when it is too big that is said by an error. */
void nhrp_server_reply(struct nhrp_server *srv,
		       const struct nhrp_rx *rx,
		       struct nhrp_packet *reply);

/* Takes over the configured word ("": none). -EINVAL. nhrp_auth.c */
int nhrp_auth_set(struct nhrp_tunnel *t, const char *word);
/* Exactly one, and ours, where the tunnel has one; else dropped and counted. */
bool nhrp_auth_check(struct nhrp_server *srv, const struct nhrp_rx *rx);
/* Ours instead of what came. -ENOSPC: no room for one more extension. */
int nhrp_auth_renew(const struct nhrp_tunnel *t, struct nhrp_packet *p);

/* What a CIE of a registration asks for, defaults resolved. */
struct nhrp_claim {
	struct dp_addr protocol;
	struct dp_addr nbma; /* claimed */
	uint8_t prefix_len;  /* as on the wire */
	bool unique;
	bool alone; /* the only CIE of its request */
};

/* Seconds for those that were asked for; 0 asks for ours. nhrp_reg.c */
uint16_t nhrp_holding_grant(const struct config_tunnel *tunnel, uint16_t asked_s);

/* May this spoke have this binding? nhrp_admit.c */
enum nhrp_refusal nhrp_admit(const struct nhrp_server *srv,
			     const struct nhrp_rx *rx,
			     const struct nhrp_claim *claim);
/* Our address in the subnet that the other one is in, else the first of its family, else unset. */
struct dp_addr nhrp_own_protocol(const struct config_tunnel *tunnel, const struct dp_addr *other);
bool nhrp_is_own_protocol(const struct config_tunnel *tunnel, const struct dp_addr *a);

/* Checks the extensions of a request that we are to answer, RFC 2332 section 5.3: none twice, no
 * unknown compulsory one. False: dropped and counted. nhrp_reply.c */
bool nhrp_exts_check(struct nhrp_server *srv, const struct nhrp_rx *rx);

/* A reply under construction; values of extensions point into it. */
#define NHRP_EXT_CIES_MAX 8
struct nhrp_reply {
	struct nhrp_packet packet;
	uint8_t responder[NHRP_CIE_LEN + 2 * sizeof(struct in6_addr)];
	uint8_t nat[NHRP_EXT_CIES_MAX * (NHRP_CIE_LEN + 2 * sizeof(struct in6_addr))];
};
/* The request turned into a reply of the given type: our hop count, CIEs as they are, extensions
 * in their order, Responder and NAT filled. False: dropped and counted. nhrp_reply.c */
bool nhrp_reply_init(struct nhrp_server *srv,
		     const struct nhrp_rx *rx,
		     uint8_t type,
		     struct nhrp_reply *reply);

/* Is this sender's matter (a number of a counter) to be told, or was it within a minute?
 * nhrp_tell.c */
bool nhrp_tell_due(struct nhrp_server *srv, const struct nhrp_rx *rx, unsigned matter);

/* Sends an error indication about rx where the RFC and the limits let us. nhrp_error.c */
void nhrp_error_send(struct nhrp_server *srv,
		     const struct nhrp_rx *rx,
		     enum nhrp_error_code code,
		     uint16_t offset);
/* The row of a code in NHRP_COUNTER_ERRORS_*; 0: others. */
unsigned nhrp_error_row(unsigned code);
/* Who sends or forwards requests gets the error indications that come (rx->packet: code, offset,
 * whom it is for); about is the head of the packet in error. True: it was about a packet of mine
 * and is dealt with. A row in the table of nhrp_error.c. */
typedef bool (*nhrp_error_taker_fn)(struct nhrp_server *srv,
				    const struct nhrp_rx *rx,
				    const struct nhrp_packet *about);

static inline void nhrp_note(struct nhrp_server *srv, enum nhrp_note what)
{
	srv->counters[NHRP_COUNTER_NOTE + what]++;
}

/* The entry of a resolution reply that is to be used; NULL: it says no. nhrp_ask_learn.c */
const struct nhrp_cie *nhrp_ask_best(const struct nhrp_packet *p);
/* Makes it an entry of the cache. -EEXIST: there is a better one; -ENETUNREACH: nowhere to send to;
 * or what nhrp_cache_set says. */
int nhrp_ask_learn(struct nhrp_server *srv,
		   uint16_t tunnel,
		   const struct dp_addr *target,
		   const struct nhrp_rx *rx,
		   const struct nhrp_cie *cie);

/* Of errors about resolution requests of our own. */
bool nhrp_ask_error(struct nhrp_server *srv,
		    const struct nhrp_rx *rx,
		    const struct nhrp_packet *about);
/* One end of a shortcut. */
struct nhrp_end {
	bool nat;    /* it is not where it says it is */
	bool shared; /* its public address is another spoke's, too */
};
struct nhrp_end nhrp_end_of(const struct nhrp_server *srv, const struct spoke *s);
/* Can the two reach each other? NHRP_SUPPRESS_NONE, or why not. nhrp_meet.c */
enum nhrp_suppress nhrp_meet(enum config_redirect_nat rule,
			     const struct nhrp_end *a,
			     const struct nhrp_end *b);

/* Answers a resolution request by this one CIE; of what is bound to a spoke: its binding, else
 * NULL. nhrp_res_answer.c */
void nhrp_res_answer(struct nhrp_server *srv,
		     const struct nhrp_rx *rx,
		     const struct nhrp_cie *cie,
		     const struct nhrp_binding *b);

/* A record or NAT extension of a packet that was not made here, with one CIE more. The values of
 * exts point into it. nhrp_record.c */
#define NHRP_RECORD_MAX ((NHRP_EXT_CIES_MAX + 1) * (NHRP_CIE_LEN + 2 * sizeof(struct in6_addr)))
struct nhrp_transit {
	struct nhrp_packet packet; /* a copy, to be sent on */
	uint8_t record[NHRP_RECORD_MAX];
	uint8_t nat[NHRP_CIE_LEN + 2 * sizeof(struct in6_addr)];
};
/* Our own CIE is in the record (NHRP_EXT_FORWARD_RECORD or _REVERSE_): true. -errno as
 * nhrp_ext_cies_decode: malformed, or too many. 0: neither; also when there is no record. */
int nhrp_record_has_us(const struct nhrp_server *srv,
		       const struct nhrp_packet *p,
		       uint16_t type,
		       uint16_t *offset);
/* Copies the packet, takes one off its hop count, adds us (as `out`) to the record if there is one,
 * and the observed address of `client` to an empty NAT extension, when that is behind a NAT.
 * -errno: it cannot be forwarded. */
int nhrp_transit_init(struct nhrp_transit *t,
		      const struct nhrp_packet *p,
		      const struct config_tunnel *out,
		      uint16_t record,
		      const struct nhrp_binding *client);

/*
 * Sends a resolution request on to a spoke (or, for the client role, a server) and remembers it for
 * the answer; `binding` is the address that the answer hangs on. A repeat goes where it went
 * before. -ENOSPC: full; anything else was counted here. nhrp_forward.c
 */
int nhrp_forward_send(struct nhrp_server *srv,
		      const struct nhrp_rx *rx,
		      const struct dp_spoke_key *to,
		      const struct dp_addr *binding);

/* Of errors about resolution requests that we forwarded. */
bool nhrp_forward_error(struct nhrp_server *srv,
			const struct nhrp_rx *rx,
			const struct nhrp_packet *about);

/* Purges that are not for us; nhrp_purge_transit.c */
void nhrp_purge_request_transit(struct nhrp_server *srv, const struct nhrp_rx *rx);
void nhrp_purge_reply_transit(struct nhrp_server *srv, const struct nhrp_rx *rx);

/* Handlers. */
void nhrp_error_received(struct nhrp_server *srv, const struct nhrp_rx *rx);
void nhrp_reg_request(struct nhrp_server *srv, const struct nhrp_rx *rx);
void nhrp_res_request(struct nhrp_server *srv, const struct nhrp_rx *rx);
void nhrp_res_reply(struct nhrp_server *srv, const struct nhrp_rx *rx);
void nhrp_purge_request(struct nhrp_server *srv, const struct nhrp_rx *rx);
void nhrp_purge_reply(struct nhrp_server *srv, const struct nhrp_rx *rx);
void nhrp_indication(struct nhrp_server *srv, const struct nhrp_rx *rx);
void nhrp_reg_reply(struct nhrp_server *srv, const struct nhrp_rx *rx);
void nhrp_ask_reply(struct nhrp_server *srv, const struct nhrp_rx *rx);
