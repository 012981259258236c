/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The NHRP next-hop server (RFC 2332). Packets come from dp_punt.h, answers go out by
 * dp_inject_nhrp; bindings are in nhrp_cache.h, spokes in control/spoke.h.
 *
 * Context: control, all of it. Times are milliseconds of one monotonic clock.
 */
#include "control/config.h"
#include "control/nhrp/nhrp_cache.h"
#include "control/nhrp/nhrp_client.h"
#include "control/nhrp/nhrp_codec.h"
#include "control/nhrp/nhrp_requesters.h"
#include "dataplane/dp_punt.h"

#define NHRP_HOLDING_MIN_S 10
#define NHRP_HOP_COUNT     64 /* of packets that we originate; Cisco refuses 0 */

/* Why a CIE of a registration request was answered no: id, CIE code, name, help. */
#define NHRP_REFUSAL_LIST(X)                                                                      \
	X(UNIQUE_MANY, NHRP_CIE_CODE_PROHIBITED, "unique-with-several-cies", "RFC 2332 5.2.3")    \
	X(PREFIX, NHRP_CIE_CODE_PROHIBITED, "prefix-not-host", "only host addresses are served")  \
	X(NOT_UNICAST, NHRP_CIE_CODE_PROHIBITED, "not-unicast", "not a unicast address")          \
	X(OURS, NHRP_CIE_CODE_PROHIBITED, "our-address", "an address of the hub")                 \
	X(OUTSIDE, NHRP_CIE_CODE_PROHIBITED, "outside-tunnel", "in no subnet of the tunnel")      \
	X(SUBNET, NHRP_CIE_CODE_PROHIBITED, "network-or-broadcast", "of a subnet of the tunnel")  \
	X(NBMA, NHRP_CIE_CODE_PROHIBITED, "nbma-not-outside",                                     \
	  "outer source ours or in the tunnel")                                                   \
	X(NBMA_ROUTE, NHRP_CIE_CODE_PROHIBITED, "nbma-unreachable",                               \
	  "no route to the outer source")                                                         \
	X(NBMA_TUNNEL, NHRP_CIE_CODE_PROHIBITED, "nbma-in-a-tunnel",                              \
	  "the outer source is routed into one")                                                  \
	X(STATIC, NHRP_CIE_CODE_PROHIBITED, "static-entry", "the address is mapped statically")   \
	X(HELD, NHRP_CIE_CODE_ALREADY_REGISTERED, "already-registered", "unique, from elsewhere") \
	X(SPOKE_FULL, NHRP_CIE_CODE_NO_RESOURCES, "spoke-full", "too many bindings of one spoke") \
	X(TABLE_FULL, NHRP_CIE_CODE_NO_RESOURCES, "table-full", "bindings or spokes")             \
	X(DATAPLANE, NHRP_CIE_CODE_NO_RESOURCES, "dataplane", "the dataplane refused the binding")

enum nhrp_refusal {
	NHRP_REFUSAL_NONE,
#define X(id, code, name, help) NHRP_REFUSAL_##id,
	NHRP_REFUSAL_LIST(X)
#undef X
		NHRP_REFUSAL_COUNT,
};

/* In the lists below: nothing is sent. */
#define NHRP_ERROR_NONE ((enum nhrp_error_code)0)
#define NHRP_ERROR_ROWS 18 /* codes that are counted by themselves: below it; 0: others */

/* Why a well-formed packet was dropped: id, code for an error indication, name, help. */
#define NHRP_DROP_LIST(X)                                                                         \
	X(TUNNEL, NHRP_ERROR_NONE, "unknown-tunnel", "came in on a tunnel without NHRP")          \
	X(NBMA_FAMILY, NHRP_ERROR_PROTOCOL, "nbma-not-the-underlay",                              \
	  "another family than it came over")                                                     \
	X(NO_ADDRESS, NHRP_ERROR_PROTOCOL, "no-address", "source or destination is missing")      \
	X(NO_CIE, NHRP_ERROR_PROTOCOL, "no-cie", "nothing to register")                           \
	X(NOT_FOR_US, NHRP_ERROR_UNREACHABLE, "not-for-us", "a registration for another server")  \
	X(REG_FORWARDED, NHRP_ERROR_UNREACHABLE, "registration-forwarded",                        \
	  "came through another server")                                                          \
	X(EXT_UNKNOWN, NHRP_ERROR_UNRECOGNIZED_EXTENSION, "unrecognized-extension", "compulsory") \
	X(EXT_TWICE, NHRP_ERROR_INVALID_EXTENSION, "extension-twice", "RFC 2332 5.3")             \
	X(EXT_VALUE, NHRP_ERROR_INVALID_EXTENSION, "extension-value", "its CIEs are malformed")   \
	X(TOO_BIG, NHRP_ERROR_SIZE_EXCEEDED, "too-big", "ours does not fit the tunnel's MTU")     \
	X(SEND, NHRP_ERROR_NONE, "send-failed", "the dataplane did not take ours")                \
	X(AUTH_MISSING, NHRP_ERROR_AUTHENTICATION, "authentication-missing",                      \
	  "the word is not there")                                                                \
	X(AUTH_TWICE, NHRP_ERROR_AUTHENTICATION, "authentication-twice",                          \
	  "more than one extension")                                                              \
	X(AUTH_FORM, NHRP_ERROR_AUTHENTICATION, "authentication-malformed",                       \
	  "not one word in clear")                                                                \
	X(AUTH_WRONG, NHRP_ERROR_AUTHENTICATION, "authentication-wrong", "another word")          \
	X(OWN_ERROR, NHRP_ERROR_NONE, "own-error", "our error indication came back")              \
	X(ERROR_FOREIGN, NHRP_ERROR_NONE, "error-not-for-us",                                     \
	  "about nothing that we sent or forwarded")                                              \
	X(LOOP, NHRP_ERROR_LOOP, "loop", "was here before: our own record is in it")              \
	X(HOP_COUNT, NHRP_ERROR_HOP_COUNT, "hop-count", "used up, and to be forwarded")           \
	X(NOT_ITS_OWN, NHRP_ERROR_PROTOCOL, "speaks-for-another", "source is another's address")  \
	X(NOT_THE_ASKED, NHRP_ERROR_INVALID_REPLY, "reply-of-another",                            \
	  "the request was forwarded to somebody else")                                           \
	X(INDICATION, NHRP_ERROR_NONE, "indication-of-a-stranger",                                \
	  "a traffic indication, and not from an NHS of ours")                                    \
	X(PURGE_OTHERS, NHRP_ERROR_PROTOCOL, "purge-of-anothers", "the sender is not the holder") \
	X(REG_REPLY, NHRP_ERROR_NONE, "registration-reply-unexpected",                            \
	  "to no registration of ours, or not from its NHS")                                      \
	X(RES_REPLY, NHRP_ERROR_INVALID_REPLY, "resolution-reply-unexpected",                     \
	  "to nothing that we asked for, or forwarded")                                           \
	X(PURGE_REPLY, NHRP_ERROR_PROTOCOL, "purge-reply-unexpected", "answers nothing of ours")

enum nhrp_drop {
#define X(id, code, name, help) NHRP_DROP_##id,
	NHRP_DROP_LIST(X)
#undef X
		NHRP_DROP_COUNT,
};

/* What else is counted: id, name, help. */
#define NHRP_NOTE_LIST(X)                                                                 \
	X(ASKED, "asked", "resolution requests of our own, repeats too")                  \
	X(ASK_ANSWERED, "asked-answered", "next hops that an NHS told us")                \
	X(ASK_REFUSED, "asked-refused", "next hops that an NHS does not know")            \
	X(ASK_UNANSWERED, "asked-unanswered", "next hops that nobody told us")            \
	X(ASK_FULL, "asked-full", "next hops not asked for: too many")                    \
	X(RES_OURS, "resolved-ours", "requests answered: it is behind us")                \
	X(RES_CACHE, "resolved-from-cache", "requests answered for a registered address") \
	X(RES_FORWARDED, "resolution-forwarded", "requests sent on to the egress spoke")  \
	X(RES_REPEATED, "resolution-repeated", "of these: sent on again")                 \
	X(RES_RELAYED, "resolution-relayed", "replies and errors sent back")              \
	X(RES_NO_WAY, "resolution-no-binding", "answered no: no route, or no binding")    \
	X(RES_OWN_WAY, "resolution-own-target", "answered no: behind the requester")      \
	X(RES_CANNOT_MEET, "resolution-cannot-meet", "answered no: NAT on both sides")    \
	X(RES_NOT_UNIQUE, "resolution-not-unique", "answered no: asked for a unique one") \
	X(RES_FULL, "resolution-full", "answered no: a table is full")                    \
	X(PURGE_RETRIED, "purge-retried", "repeats of purge requests not answered")       \
	X(PURGE_ANSWERED, "purge-answered", "purge requests of ours that were answered")  \
	X(PURGE_GIVEN_UP, "purge-given-up", "purge requests never answered")              \
	X(PURGE_FORWARDED, "purge-forwarded", "purges and their replies of other hubs")   \
	X(PURGE_LOST, "purge-lost", "bindings that went untold: too many waited")         \
	X(REQUESTER_LOST, "requester-not-noted", "will not be purged: the table is full") \
	X(ERRORS_HELD, "error-suppressed-spoke", "errors not sent: a spoke's rate")       \
	X(ERRORS_HELD_STRANGERS, "error-suppressed-unregistered",                         \
	  "errors not sent: the rate of all others")

enum nhrp_note {
#define X(id, name, help) NHRP_NOTE_##id,
	NHRP_NOTE_LIST(X)
#undef X
		NHRP_NOTE_COUNT,
};

/* Why a packet that hairpinned got no redirect: id, name, help. Workers count those that their
 * filter held back. */
#define NHRP_SUPPRESS_LIST(X)                                                      \
	X(OFF, "off", "the tunnel has no redirects")                               \
	X(PACKET, "packet", "not to be read, or not to one host")                  \
	X(STRANGER, "stranger", "one of both is no spoke, or none any more")       \
	X(SAME_SPOKE, "same-spoke", "back to where it came from")                  \
	X(NAT, "nat", "one of both is behind a NAT (redirect-nat: never)")         \
	X(NAT_BOTH, "nat-both", "both are behind NATs")                            \
	X(NAT_SHARED, "nat-shared", "one of both shares its public address")       \
	X(HOLD_OFF, "hold-off", "the pair had its redirect")                       \
	X(SPOKE_RATE, "spoke-rate", "the spoke gets NHRP_REDIRECTS_PER_S already") \
	X(TABLE_FULL, "table-full", "too many pairs")

enum nhrp_suppress {
	NHRP_SUPPRESS_NONE,
#define X(id, name, help) NHRP_SUPPRESS_##id,
	NHRP_SUPPRESS_LIST(X)
#undef X
		NHRP_SUPPRESS_COUNT,
};
#define NHRP_REDIRECTS_PER_S 50 /* traffic indications to one spoke */

/* Counters are numbered by group and row: NHRP_COUNTER_RX + NHRP_TYPE_PURGE_REQUEST. */
enum nhrp_counter_group {
	NHRP_COUNTER_RX,                                          /* + enum nhrp_type: decoded */
	NHRP_COUNTER_TX = NHRP_COUNTER_RX + NHRP_TYPES_END,       /* + enum nhrp_type: sent */
	NHRP_COUNTER_UNSERVED = NHRP_COUNTER_TX + NHRP_TYPES_END, /* + enum nhrp_type: no handler */
	NHRP_COUNTER_BAD = NHRP_COUNTER_UNSERVED + NHRP_TYPES_END,  /* + enum nhrp_bad: malformed */
	NHRP_COUNTER_DROP = NHRP_COUNTER_BAD + NHRP_BAD_COUNT,      /* + enum nhrp_drop */
	NHRP_COUNTER_REFUSED = NHRP_COUNTER_DROP + NHRP_DROP_COUNT, /* + enum nhrp_refusal */
	NHRP_COUNTER_ERRORS_RX = NHRP_COUNTER_REFUSED + NHRP_REFUSAL_COUNT, /* + row of the code */
	NHRP_COUNTER_ERRORS_TX = NHRP_COUNTER_ERRORS_RX + NHRP_ERROR_ROWS,  /* + row of the code */
	NHRP_COUNTER_NOTE = NHRP_COUNTER_ERRORS_TX + NHRP_ERROR_ROWS,       /* + enum nhrp_note */
	NHRP_COUNTER_SUPPRESSED = NHRP_COUNTER_NOTE + NHRP_NOTE_COUNT, /* + enum nhrp_suppress */
	NHRP_COUNTER_COUNT = NHRP_COUNTER_SUPPRESSED + NHRP_SUPPRESS_COUNT,
};

struct nhrp_server;

/* What others know about a sender; any of them may be NULL. */
struct nhrp_peer_ops {
	void *ctx;
	/* The identity that IKE has proven for it; 0: none. */
	uint32_t (*identity)(void *ctx, const struct dp_punt_meta *meta);
	/* Is this an address of ours, in any tunnel or on any port? */
	bool (*is_ours)(void *ctx, const struct dp_addr *a);
	/* Can this NBMA address be reached outside? -ENETUNREACH: no route; -ELOOP: by a tunnel. */
	int (*reachable)(void *ctx, const struct dp_addr *nbma);
};

/* Where packets for an address go. */
enum nhrp_way_kind {
	NHRP_WAY_NONE,   /* nowhere */
	NHRP_WAY_OURS,   /* out of a port, or to ourselves */
	NHRP_WAY_TUNNEL, /* to a next hop in a tunnel */
};
struct nhrp_way {
	enum nhrp_way_kind kind;
	uint8_t prefix_len; /* of the widest prefix around the address that goes all there */
	uint16_t tunnel;
	struct dp_addr next_hop; /* in the tunnel; the address itself when it is in its subnet */
};
struct nhrp_way_ops {
	void *ctx;
	/* Fills *way. NULL: as if there were no routes but the tunnels' subnets. */
	void (*find)(void *ctx, const struct dp_addr *to, struct nhrp_way *way);
};

struct nhrp_server_conf {
	uint32_t tunnels;           /* dp_limits.tunnels */
	uint32_t bindings;          /* dp_limits.nexthops */
	struct spoke_table *spokes; /* outlives the server */
	struct nhrp_route_ops routes;
	struct nhrp_peer_ops peers;
	struct nhrp_way_ops ways;
};

/* NULL: no memory. */
struct nhrp_server *nhrp_server_new(const struct nhrp_server_conf *conf);
/* Memory only: kernel routes and the dataplane's tables stay as they are. */
void nhrp_server_free(struct nhrp_server *srv);

/* Serves a tunnel of the dataplane (conf is copied, the maps are applied). -ERANGE, or what the
 * first map that could not be applied got; nothing is left of the tunnel then. */
int nhrp_server_tunnel_add(struct nhrp_server *srv,
			   uint16_t tunnel,
			   const struct config_tunnel *conf,
			   uint64_t now_ms);
/* Forgets all its bindings, in the kernel and in the dataplane too. */
void nhrp_server_tunnel_del(struct nhrp_server *srv, uint16_t tunnel, uint64_t now_ms);

/* A registration that an earlier run of the hub had granted. */
struct nhrp_restored {
	struct dp_spoke_key spoke; /* tunnel, observed NBMA address and port */
	struct dp_addr protocol;
	struct dp_addr claimed;
	uint32_t flags; /* as in struct nhrp_binding_conf */
	uint16_t mtu;
	uint16_t holding_s;
	uint64_t created_ms;
	uint64_t expires_ms; /* later than now */
};
/* Takes it over if the configuration of today would admit it; a refusal is not counted: no client
 * asked. */
enum nhrp_refusal nhrp_server_restore(struct nhrp_server *srv,
				      const struct nhrp_restored *restored,
				      uint64_t now_ms);

/* One packet, from ar$afn on; the body of a dp_punt_nhrp_fn. */
void nhrp_server_receive(struct nhrp_server *srv,
			 uint64_t now_ms,
			 const struct dp_punt_meta *meta,
			 const uint8_t *bytes,
			 size_t len);

/* A packet wanted a next hop that has no binding: asked for when an NHS responds. */
void nhrp_server_wanted(struct nhrp_server *srv,
			uint64_t now_ms,
			uint16_t tunnel,
			const struct dp_addr *nexthop);

/* Takes back what was answered on a tunnel that is about to end: at most max packets, once, without
 * waiting for answers. True: there is more. */
bool nhrp_server_farewell(struct nhrp_server *srv, uint16_t tunnel, unsigned max);

/* A packet that hairpinned; the body of a dp_punt_redirect_fn. */
void nhrp_server_redirect(struct nhrp_server *srv, uint64_t now_ms, const struct dp_redirect *r);

/* Does what is due, at most 64 things; true: more is due already. */
bool nhrp_server_tick(struct nhrp_server *srv, uint64_t now_ms);
/* When nhrp_server_tick wants to be called next, or DEADLINE_NEVER. */
uint64_t nhrp_server_next_ms(const struct nhrp_server *srv);

/* The bindings, for lists and look-ups. */
struct nhrp_cache *nhrp_server_cache(struct nhrp_server *srv);

/* As nhrp_cache_list, and after the bindings: what we answered of our own networks, what is asked
 * for. */
unsigned nhrp_server_list(const struct nhrp_server *srv,
			  uint32_t *cursor,
			  struct nhrp_binding_info *rows,
			  unsigned max);
/* The hubs that we are a client of, as nhrp_clients_list. */
unsigned nhrp_server_nhs_list(const struct nhrp_server *srv,
			      uint32_t *cursor,
			      struct nhrp_nhs_info *rows,
			      unsigned max);
/* Who was told of a row of the list: up to max; returns how many there are in all. */
unsigned nhrp_server_requesters(const struct nhrp_server *srv,
				const struct nhrp_binding_info *row,
				struct nhrp_requester *rows,
				unsigned max);

/* counter < NHRP_COUNTER_COUNT. */
uint64_t nhrp_server_counter(const struct nhrp_server *srv, unsigned counter);
/* "rx-registration-request", "refused-not-unicast"; NULL for the few numbers that count nothing:
 * skip those when listing. */
const char *nhrp_counter_name(unsigned counter);
