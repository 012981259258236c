/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the IKE daemon, kept from when they are read until they are answered. While dmvpnd is
 * away they wait up to HOLD_MS and are then answered with EAGAIN; those that were under way when
 * the connection broke wait the same way and are sent again. What an acknowledged one means for the
 * table of SAs is noted here.
 */
#include "control/ike/preload/xfrm_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static bool memory_told, full_told;

static void answer_error(const struct client *c, const struct nlmsghdr *request, int error)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} reply = {
		.h = {sizeof(reply), NLMSG_ERROR, 0, request->nlmsg_seq, request->nlmsg_pid},
		.e = {error, *request},
	};

	send(c->fd, &reply, sizeof(reply), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void request_drop(struct client *c, uint32_t i, bool free_slot)
{
	if (free_slot)
		kept_free(c->requests[i].k);
	c->n_requests--;
	memmove(&c->requests[i], &c->requests[i + 1], (c->n_requests - i) * sizeof(*c->requests));
}

/* SAs that go without an answer go when the request does. */
static void sa_gone(const struct nlmsghdr *h)
{
	struct xfrm_usersa_id id;
	struct kept_key key;

	if (h->nlmsg_type == XFRM_MSG_DELSA && h->nlmsg_len >= NLMSG_LENGTH(sizeof(id))) {
		memcpy(&id, message_body(h), sizeof(id));
		key = kept_key_of(&id.daddr, id.spi, id.family, id.proto);
		kept_remove(&key);
	} else if (h->nlmsg_type == XFRM_MSG_FLUSHSA &&
		   h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct xfrm_usersa_flush))) {
		kept_flush(*(const uint8_t *)message_body(h));
	}
}

static bool is_answered(const struct nlmsghdr *h)
{
	return h->nlmsg_flags & NLM_F_ACK || h->nlmsg_type == XFRM_MSG_ALLOCSPI ||
	       h->nlmsg_type == XFRM_MSG_GETSA || h->nlmsg_type == XFRM_MSG_GETPOLICY ||
	       h->nlmsg_type == XFRM_MSG_GETAE || h->nlmsg_type == XFRM_MSG_GETSADINFO ||
	       h->nlmsg_type == XFRM_MSG_GETSPDINFO;
}

int requests_send(struct client *c)
{
	for (uint32_t i = 0; i < c->n_requests;) {
		struct request *r = &c->requests[i];
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)r->k->msg;
		int rc = r->sent ? 0 : link_send(c, XFRM_WIRE_NETLINK, r->k->msg, r->k->len);

		if (rc < 0)
			return rc;
		r->sent = true;
		if (is_answered(h)) {
			i++;
			continue;
		}
		sa_gone(h);
		request_drop(c, i, true);
	}
	return 0;
}

static bool makes_sa(const struct nlmsghdr *h)
{
	return (h->nlmsg_type == XFRM_MSG_NEWSA || h->nlmsg_type == XFRM_MSG_UPDSA) &&
	       h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct xfrm_usersa_info));
}

void request_add(struct client *c, uint8_t id, const struct nlmsghdr *h, int64_t now)
{
	struct xfrm_usersa_info info;
	struct kept *k;

	if (c->n_requests == MAX_REQUESTS) {
		answer_error(c, h, -ENOBUFS);
		return;
	}
	k = kept_new(h, h->nlmsg_len, id);
	if (!k) {
		tell_once(&memory_told, "no locked memory for a request (LimitMEMLOCK), refused");
		answer_error(c, h, -errno);
		return;
	}
	if (makes_sa(h)) {
		memcpy(&info, message_body(h), sizeof(info));
		k->key = kept_key_of(&info.id.daddr, info.id.spi, info.family, info.id.proto);
	}
	c->requests[c->n_requests++] = (struct request){k, now, false};
}

void requests_unsend(struct client *c, int64_t now)
{
	for (uint32_t i = 0; i < c->n_requests; i++) {
		if (c->requests[i].sent)
			c->requests[i].since_ms = now;
		c->requests[i].sent = false;
	}
}

void requests_drop(struct client *c)
{
	while (c->n_requests)
		request_drop(c, 0, true);
}

struct kept *request_find(const struct kept_key *key)
{
	for (unsigned int i = 0; i < PROXY_MAX_CLIENTS; i++)
		for (uint32_t r = 0; r < clients[i].n_requests; r++)
			if (!memcmp(&clients[i].requests[r].k->key, key, sizeof(*key)))
				return clients[i].requests[r].k;
	return NULL;
}

void requests_expire(struct client *c, int64_t now)
{
	while (c->state != LINK_UP && c->n_requests && c->requests[0].since_ms + HOLD_MS <= now) {
		tell_once(&c->told, "dmvpnd is away, requests fail with EAGAIN");
		answer_error(c, (const struct nlmsghdr *)(void *)c->requests[0].k->msg, -EAGAIN);
		request_drop(c, 0, true);
	}
}

static void request_done(struct client *c, uint32_t i, int error, int64_t now)
{
	struct kept *k = c->requests[i].k;
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)k->msg;
	bool keep = error == 0 && makes_sa(h);

	if (error == 0 || error == -ESRCH)
		sa_gone(h);
	request_drop(c, i, !keep);
	if (keep && kept_put(k, h->nlmsg_type == XFRM_MSG_UPDSA, now) < 0)
		tell_once(&full_told, "100,000 SAs: the next are lost when dmvpnd restarts");
}

static void expire_note(const struct nlmsghdr *h)
{
	struct xfrm_user_expire x;
	struct kept_key key;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(x)))
		return;
	memcpy(&x, message_body(h), sizeof(x));
	key = kept_key_of(&x.state.id.daddr, x.state.id.spi, x.state.family, x.state.id.proto);
	if (x.hard)
		kept_remove(&key);
}

/* Whether the answer is the last one to the request, and with which error. */
static bool is_last(const struct nlmsghdr *request, const struct nlmsghdr *h, int *error)
{
	bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;

	*error = 0;
	if (h->nlmsg_type == NLMSG_ERROR) {
		if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(*error)))
			memcpy(error, message_body(h), sizeof(*error));
		return true;
	}
	if (h->nlmsg_type == NLMSG_DONE)
		return true;
	return !(h->nlmsg_flags & NLM_F_MULTI) && (dump || !(request->nlmsg_flags & NLM_F_ACK));
}

bool answer_note(struct client *c, const struct nlmsghdr *h, int64_t now)
{
	int error;

	if (h->nlmsg_type == XFRM_MSG_EXPIRE) {
		expire_note(h);
		return true;
	}
	for (uint32_t i = 0; i < c->n_requests; i++) {
		const struct request *r = &c->requests[i];
		const struct nlmsghdr *asked = (const struct nlmsghdr *)(const void *)r->k->msg;

		if (!r->sent || asked->nlmsg_seq != h->nlmsg_seq)
			continue;
		if (is_last(asked, h, &error))
			request_done(c, i, error, now);
		return true;
	}
	return h->nlmsg_type != NLMSG_ERROR; /* of an SA that was replayed */
}
