/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A client: a NETLINK_XFRM socket of the IKE daemon, the other end of its socket pair, and its
 * connection to dmvpnd. Private to the files of the library.
 *
 * Context: the lock of xfrm_proxy.c is held.
 */
#include "control/ike/preload/xfrm_kept.h"
#include "control/ike/preload/xfrm_proxy.h"
#include "control/ike/xfrm_wire.h"

#include <linux/netlink.h>

#define HOLD_MS        3000
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define MAX_REQUESTS   32 /* of one client, unanswered */

enum link_state {
	LINK_DOWN,
	LINK_REPLAY,
	LINK_UP,
};

struct request {
	struct kept *k;
	int64_t since_ms; /* waits to be sent since then */
	bool sent;
};

struct client {
	int fd;   /* our end of the pair; -1: free */
	int conn; /* -1: none */
	enum link_state state;
	bool bound;         /* may connect */
	bool groups_to_say; /* G has to be sent */
	uint32_t groups;
	uint32_t cursor; /* of the replay */
	int64_t retry_ms;
	uint32_t backoff_ms;
	bool told; /* the outage is in the log */
	uint32_t n_requests;
	struct request requests[MAX_REQUESTS]; /* in order */
};

extern struct client clients[PROXY_MAX_CLIENTS];
/* A message with its kind before it: locked, and wiped after each. */
extern uint8_t *proxy_buffer;
#define PROXY_BUFFER_BYTES (NLMSG_ALIGNTO + XFRM_WIRE_MSG_BYTES)

void tell_once(bool *told, const char *what); /* to syslog */

/* The datagram's next whole message; NULL: none. */
const struct nlmsghdr *message_next(const uint8_t **at, size_t *left);

static inline const void *message_body(const struct nlmsghdr *h)
{
	return (const uint8_t *)h + NLMSG_HDRLEN;
}

/* xfrm_requests.c */
void request_add(struct client *c, uint8_t id, const struct nlmsghdr *h, int64_t now);
/* To dmvpnd; -errno of the connection, -EAGAIN when it takes no more. */
int requests_send(struct client *c);
void requests_unsend(struct client *c, int64_t now); /* the connection broke */
void requests_expire(struct client *c, int64_t now);
void requests_drop(struct client *c);
/* From dmvpnd; whether the IKE daemon is to see it. */
bool answer_note(struct client *c, const struct nlmsghdr *h, int64_t now);
struct kept *request_find(const struct kept_key *key);

/* xfrm_link.c */
int link_send(const struct client *c, uint8_t kind, const void *msg, size_t len);
void link_try(struct client *c, int64_t now);
void link_read(struct client *c, int64_t now);
void link_push(struct client *c, uint8_t id, int64_t now); /* whatever the connection takes */
