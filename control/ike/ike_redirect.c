/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ike_redirect: connections of an IKE daemon's XFRM sockets (ike_redirect.h).
 *
 * A message is one datagram, so that there is nothing to put together. Each turn takes at most
 * DRAIN of a connection. The one buffer that they are read into held keys, and is wiped each time.
 * What the daemon does not take at once is dropped and counted: it is no slower than its socket's
 * buffer, or stuck.
 *
 * Bounds of sequence numbers (kind B) are not taken from the daemon: control/sa has them in its
 * file, under a name of the key.
 */
#include "ike_redirect.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "control/log.h"
#include "xfrm_reply.h"
#include "xfrm_wire.h"

#define BACKLOG         8
#define CONNECTIONS_MAX 16
#define DRAIN           64 /* messages of a connection and turn */

struct connection {
	LIST_ENTRY(connection) link;
	struct ike_redirect *redirect;
	struct event *readable;
	int fd;
	uint32_t groups;
	uint32_t replayed;
};

struct ike_redirect {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;
	struct event_base *base;
	struct event *acceptor;
	struct xfrm_kernel *kernel;
	LIST_HEAD(, connection) connections;
	struct ike_redirect_info info;
	uint8_t buffer[1 + XFRM_WIRE_MSG_BYTES];
};

/* ---- messages ---- */

static void netlink_send(struct connection *c, const uint8_t *message, size_t len)
{
	const uint8_t kind = XFRM_WIRE_NETLINK;
	struct iovec parts[] = {{.iov_base = (void *)(uintptr_t)&kind, .iov_len = 1},
				{.iov_base = (void *)(uintptr_t)message, .iov_len = len}};
	const struct msghdr msg = {.msg_iov = parts, .msg_iovlen = 2};

	if (sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		c->redirect->info.unsent++;
}

static void tell(void *ctx, uint32_t group, const uint8_t *message, size_t len)
{
	struct ike_redirect *r = ctx;
	struct connection *c;

	LIST_FOREACH (c, &r->connections, link)
		if ((c->groups & group) != 0)
			netlink_send(c, message, len);
}

static void message_take(struct connection *c, const uint8_t *bytes, size_t len)
{
	struct ike_redirect *r = c->redirect;
	struct xfrm_wire_groups groups;
	uint8_t reply[XFRM_REPLY_MAX];
	size_t n;

	switch (bytes[0]) {
	case XFRM_WIRE_NETLINK:
		n = xfrm_kernel_request(r->kernel, bytes + 1, len - 1, reply);
		if (n > 0)
			netlink_send(c, reply, n);
		return;
	case XFRM_WIRE_REPLAY:
		xfrm_kernel_request(r->kernel, bytes + 1, len - 1, reply);
		c->replayed++;
		return;
	case XFRM_WIRE_END:
		if (c->replayed > 0)
			log_info("IKE daemon: %u SAs are back", c->replayed);
		return;
	case XFRM_WIRE_BOUND:
		return;
	case XFRM_WIRE_GROUPS:
		if (len != sizeof(groups))
			break;
		memcpy(&groups, bytes, sizeof(groups));
		c->groups = groups.groups;
		return;
	}
	r->info.bad++;
}

/* ---- connections ---- */

static void connection_free(struct connection *c)
{
	LIST_REMOVE(c, link);
	c->redirect->info.connections--;
	event_free(c->readable);
	close(c->fd);
	free(c);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	struct ike_redirect *r = c->redirect;

	(void)what;
	for (int i = 0; i < DRAIN; i++) {
		ssize_t n = recv(fd, r->buffer, sizeof(r->buffer), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			log_info("IKE daemon: a connection ended");
			connection_free(c);
			return;
		}
		if ((size_t)n > sizeof(r->buffer))
			r->info.bad++;
		else
			message_take(c, r->buffer, (size_t)n);
		explicit_bzero(r->buffer,
			       (size_t)n < sizeof(r->buffer) ? (size_t)n : sizeof(r->buffer));
	}
}

/* Whoever gives us keys owns the traffic: root only. */
static bool peer_is_root(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == 0;
}

static int connection_add(struct ike_redirect *r, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->redirect = r;
	c->fd = fd;
	c->readable = event_new(r->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	if (c->readable == NULL || event_add(c->readable, NULL) < 0) {
		if (c->readable != NULL)
			event_free(c->readable);
		free(c);
		return -ENOMEM;
	}
	LIST_INSERT_HEAD(&r->connections, c, link);
	r->info.connections++;
	r->info.accepted++;
	return 0;
}

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
	struct ike_redirect *r = arg;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (fd < 0)
		return;
	if (r->info.connections >= CONNECTIONS_MAX || !peer_is_root(fd) ||
	    connection_add(r, fd) < 0) {
		r->info.refused++;
		log_sys("%s: a connection is refused: not root, or more than %d", r->path,
			CONNECTIONS_MAX);
		close(fd);
	}
}

/* ---- start and stop ---- */

static int fail(const char *path, const char *what)
{
	const int rc = -errno;

	log_sys("control.xfrm-socket: %s: %s: %s", path, what, strerror(errno));
	return rc;
}

/* One daemon at a time: the control socket has seen to that. */
static int listener_open(struct ike_redirect *r)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char copy[sizeof(r->path)];

	strcpy(addr.sun_path, r->path);
	strcpy(copy, r->path);
	if (mkdir(dirname(copy), 0755) < 0 && errno != EEXIST)
		return fail(r->path, "create its directory");
	if (unlink(r->path) < 0 && errno != ENOENT)
		return fail(r->path, "remove");
	r->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd < 0 || fchmod(r->fd, 0600) < 0 ||
	    bind(r->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(r->fd, BACKLOG) < 0)
		return fail(r->path, "listen");
	r->acceptor = event_new(r->base, r->fd, EV_READ | EV_PERSIST, on_accept, r);
	if (r->acceptor == NULL || event_add(r->acceptor, NULL) < 0)
		return -ENOMEM;
	return 0;
}

int ike_redirect_new(struct event_base *base,
		     const char *path,
		     const struct config *config,
		     struct sa_store *sas,
		     struct ike_redirect **redirect)
{
	struct ike_redirect *r = calloc(1, sizeof(*r));
	struct xfrm_kernel_conf conf = {.config = config, .sas = sas, .ctx = r, .tell = tell};
	int rc;

	if (r == NULL)
		return -ENOMEM;
	r->fd = -1;
	r->base = base;
	LIST_INIT(&r->connections);
	if (strlen(path) >= sizeof(r->path)) {
		errno = ENAMETOOLONG;
		rc = fail(path, "its length");
		free(r);
		return rc;
	}
	strcpy(r->path, path);
	rc = xfrm_kernel_new(&conf, &r->kernel);
	if (rc == 0)
		rc = listener_open(r);
	if (rc < 0) {
		ike_redirect_free(r);
		return rc;
	}
	*redirect = r;
	return 0;
}

void ike_redirect_free(struct ike_redirect *r)
{
	struct connection *c;

	if (r == NULL)
		return;
	while ((c = LIST_FIRST(&r->connections)) != NULL)
		connection_free(c);
	if (r->acceptor != NULL)
		event_free(r->acceptor);
	if (r->fd >= 0) {
		close(r->fd);
		unlink(r->path);
	}
	xfrm_kernel_free(r->kernel);
	free(r);
}

void ike_redirect_event(void *ctx, const struct dp_sa_event *event)
{
	struct ike_redirect *r = ctx;

	xfrm_kernel_event(r->kernel, event);
}

void ike_redirect_info_get(const struct ike_redirect *r, struct ike_redirect_info *info)
{
	*info = r->info;
	xfrm_kernel_info_get(r->kernel, &info->kernel);
}
