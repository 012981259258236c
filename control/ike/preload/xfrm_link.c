/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's connection to dmvpnd: made again with a growing delay when it breaks, begun with what
 * the client is in dmvpnd's eyes (groups, SAs), then a pipe.
 */
#include "control/ike/preload/xfrm_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

static bool lost_told;

int link_send(const struct client *c, uint8_t kind, const void *msg, size_t len)
{
	struct iovec parts[] = {{&kind, 1}, {(void *)(uintptr_t)msg, len}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = len ? 2 : 1};

	return sendmsg(c->conn, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void link_break(struct client *c, int64_t now)
{
	if (c->conn >= 0)
		close(c->conn);
	c->conn = -1;
	c->state = LINK_DOWN;
	c->retry_ms = now + c->backoff_ms;
	c->backoff_ms = c->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : c->backoff_ms * 2;
	requests_unsend(c, now);
}

void link_try(struct client *c, int64_t now)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *path = getenv(XFRM_WIRE_PATH_ENV);

	strncpy(to.sun_path, path && *path ? path : XFRM_WIRE_PATH, sizeof(to.sun_path) - 1);
	c->conn = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->conn < 0 || connect(c->conn, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		link_break(c, now);
		return;
	}
	c->state = LINK_REPLAY;
	c->cursor = 0;
	c->groups_to_say = c->groups != 0;
}

static int groups_say(struct client *c)
{
	struct xfrm_wire_groups g = {XFRM_WIRE_GROUPS, c->groups};
	int rc;

	if (!c->groups_to_say)
		return 0;
	rc = link_send(c, g.kind, (const uint8_t *)&g + 1, sizeof(g) - 1);
	if (rc == 0)
		c->groups_to_say = false;
	return rc;
}

static uint64_t seconds_left(uint64_t limit, uint64_t age)
{
	if (limit == 0 || limit == XFRM_INF)
		return limit;
	return limit > age ? limit - age : 1;
}

static int sa_say(const struct client *c, const struct kept *k, int64_t now)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)proxy_buffer;
	struct xfrm_usersa_info *info = NLMSG_DATA(h);
	uint64_t age = (uint64_t)(now - k->made_ms) / 1000;
	int rc;

	memcpy(proxy_buffer, k->msg, k->len);
	h->nlmsg_seq = 0;
	info->lft.soft_add_expires_seconds = seconds_left(info->lft.soft_add_expires_seconds, age);
	info->lft.hard_add_expires_seconds = seconds_left(info->lft.hard_add_expires_seconds, age);
	rc = link_send(c, XFRM_WIRE_REPLAY, proxy_buffer, k->len);
	kept_wipe(proxy_buffer, k->len);
	return rc;
}

static int replay_one(const struct client *c, const struct kept *k, int64_t now)
{
	struct xfrm_wire_bound b = {XFRM_WIRE_BOUND, k->key.spi_be, {0}, k->key.family, k->bound};
	int rc;

	if (k->bound) {
		memcpy(b.daddr, k->key.daddr, sizeof(b.daddr));
		rc = link_send(c, b.kind, (const uint8_t *)&b + 1, sizeof(b) - 1);
		if (rc < 0)
			return rc;
	}
	return sa_say(c, k, now);
}

static int replay(struct client *c, uint8_t id, int64_t now)
{
	uint32_t at = c->cursor;
	struct kept *k;
	int rc;

	while (!c->groups && (k = kept_next(&at, id))) {
		rc = replay_one(c, k, now);
		if (rc < 0)
			return rc;
		k->owner = id;
		c->cursor = at;
	}
	rc = c->groups ? 0 : link_send(c, XFRM_WIRE_END, NULL, 0);
	if (rc < 0)
		return rc;
	c->state = LINK_UP;
	c->backoff_ms = BACKOFF_MIN_MS;
	if (c->told)
		syslog(LOG_DAEMON | LOG_NOTICE, "dmvpn-xfrm: dmvpnd is back");
	c->told = false;
	return 0;
}

/* Sends whatever the connection takes. */
void link_push(struct client *c, uint8_t id, int64_t now)
{
	int rc = groups_say(c);

	if (rc == 0 && c->state == LINK_REPLAY)
		rc = replay(c, id, now);
	if (rc == 0)
		rc = requests_send(c);
	if (rc < 0 && rc != -EAGAIN)
		link_break(c, now);
}

static void bound_note(const uint8_t *msg, size_t len)
{
	struct xfrm_wire_bound b;
	struct kept_key key;
	struct kept *k;

	if (len != sizeof(b))
		return;
	memcpy(&b, msg, sizeof(b));
	key = kept_key_of((const xfrm_address_t *)(const void *)b.daddr, b.spi_be, b.family,
			  IPPROTO_ESP);
	k = kept_find(&key);
	if (!k)
		k = request_find(&key);
	if (k && b.bound > k->bound)
		k->bound = b.bound;
}

static void netlink_pass(struct client *c, const uint8_t *msg, size_t len, int64_t now)
{
	const struct nlmsghdr *h;
	const uint8_t *at = msg;
	size_t left = len;
	bool wanted = false;

	while ((h = message_next(&at, &left)))
		wanted |= answer_note(c, h, now);
	/* Like the kernel's: a reader that does not read loses. */
	if (wanted && send(c->fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN)
		tell_once(&lost_told, "the IKE daemon does not read, message lost");
}

void link_read(struct client *c, int64_t now)
{
	for (unsigned int i = 0; i < MAX_REQUESTS; i++) {
		/* The kind at offset 3, what follows aligned. */
		uint8_t *msg = proxy_buffer + NLMSG_ALIGNTO - 1;
		ssize_t n = recv(c->conn, msg, 1 + XFRM_WIRE_MSG_BYTES, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			link_break(c, now);
			return;
		}
		if (msg[0] == XFRM_WIRE_NETLINK)
			netlink_pass(c, msg + 1, (size_t)n - 1, now);
		else if (msg[0] == XFRM_WIRE_BOUND)
			bound_note(msg, (size_t)n);
		kept_wipe(msg, (size_t)n);
	}
}
