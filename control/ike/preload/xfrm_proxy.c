/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one lock, up to 64 clients (xfrm_client.h). The thread polls their sockets and never
 * blocks elsewhere; all of the library runs on it with the lock held, except the proxy_* functions,
 * which the IKE daemon's threads call. Messages pass through locked memory only.
 */
#include "control/ike/preload/xfrm_client.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define PAIR_BYTES (8 << 20) /* events that the IKE daemon has not read yet */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
struct client clients[PROXY_MAX_CLIENTS];
uint8_t *proxy_buffer;
static int wake_fd = -1;
static bool started;

void tell_once(bool *told, const char *what)
{
	if (!*told)
		syslog(LOG_DAEMON | LOG_WARNING, "dmvpn-xfrm: %s", what);
	*told = true;
}

/* Of the clock that SAs age by. */
static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void wake(void)
{
	uint64_t one = 1;

	(void)!write(wake_fd, &one, sizeof(one));
}

static void client_free(struct client *c, uint8_t id)
{
	requests_drop(c);
	kept_disown(id);
	if (c->conn >= 0)
		close(c->conn);
	close(c->fd);
	c->fd = c->conn = -1;
}

const struct nlmsghdr *message_next(const uint8_t **at, size_t *left)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)*at;
	size_t step;

	if (*left < sizeof(*h) || h->nlmsg_len < sizeof(*h) || h->nlmsg_len > *left)
		return NULL;
	step = NLMSG_ALIGN((size_t)h->nlmsg_len);
	if (step > *left) /* the last need not be padded */
		step = *left;
	*at += step;
	*left -= step;
	return h;
}

static void requests_read(struct client *c, uint8_t id, size_t len, int64_t now)
{
	const struct nlmsghdr *h;
	const uint8_t *at = proxy_buffer;

	while ((h = message_next(&at, &len)))
		request_add(c, id, h, now);
}

static void client_read(struct client *c, uint8_t id, int64_t now)
{
	while (c->n_requests < MAX_REQUESTS / 2) {
		ssize_t n = recv(c->fd, proxy_buffer, XFRM_WIRE_MSG_BYTES, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			client_free(c, id);
			return;
		}
		c->bound = true;
		requests_read(c, id, (size_t)n, now);
		kept_wipe(proxy_buffer, (size_t)n);
	}
}

/* Milliseconds until the client has something to do by itself; -1: nothing. */
static int client_timeout(const struct client *c, int64_t now)
{
	int64_t at = INT64_MAX;

	if (c->bound && c->state == LINK_DOWN)
		at = c->retry_ms;
	if (c->state != LINK_UP && c->n_requests && c->requests[0].since_ms + HOLD_MS < at)
		at = c->requests[0].since_ms + HOLD_MS;
	if (at == INT64_MAX)
		return -1;
	return at <= now ? 0 : (int)(at - now);
}

static void client_run(struct client *c, uint8_t id, int64_t now)
{
	if (c->conn >= 0)
		link_read(c, now);
	client_read(c, id, now);
	if (c->fd < 0)
		return;
	if (c->bound && c->state == LINK_DOWN && c->retry_ms <= now)
		link_try(c, now);
	if (c->conn >= 0)
		link_push(c, id, now);
	requests_expire(c, now);
}

static bool has_unsent(const struct client *c)
{
	return c->state == LINK_REPLAY || c->groups_to_say ||
	       (c->n_requests && !c->requests[c->n_requests - 1].sent);
}

static void *proxy_run(void *arg)
{
	struct pollfd polled[2 * PROXY_MAX_CLIENTS + 1];
	uint64_t ticks;

	(void)arg;
	for (;;) {
		int64_t now = now_ms();
		nfds_t n = 0;
		int timeout = -1;

		polled[n++] = (struct pollfd){.fd = wake_fd, .events = POLLIN};
		pthread_mutex_lock(&lock);
		for (unsigned int i = 0; i < PROXY_MAX_CLIENTS; i++) {
			struct client *c = &clients[i];
			int t;

			if (c->fd >= 0)
				client_run(c, (uint8_t)i, now);
			if (c->fd < 0)
				continue;
			polled[n++] =
				(struct pollfd){.fd = c->n_requests < MAX_REQUESTS / 2 ? c->fd : -1,
						.events = POLLIN};
			polled[n++] = (struct pollfd){
				.fd = c->conn, .events = POLLIN | (has_unsent(c) ? POLLOUT : 0)};
			t = client_timeout(c, now);
			if (t >= 0 && (timeout < 0 || t < timeout))
				timeout = t;
		}
		pthread_mutex_unlock(&lock);
		poll(polled, n, timeout);
		if (polled[0].revents)
			(void)!read(wake_fd, &ticks, sizeof(ticks));
	}
	return NULL;
}

/* No fork while descriptors are opened and closed. */
static void fork_prepare(void)
{
	pthread_mutex_lock(&lock);
}

static void fork_parent(void)
{
	pthread_mutex_unlock(&lock);
}

/* A child has no thread and none of the memory. Its copies of our ends must not outlive ours. */
static void fork_child(void)
{
	for (unsigned int i = 0; i < PROXY_MAX_CLIENTS; i++) {
		struct client *c = &clients[i];

		if (started && c->fd >= 0)
			close(c->fd);
		if (started && c->conn >= 0)
			close(c->conn);
		c->fd = c->conn = -1;
	}
	if (wake_fd >= 0)
		close(wake_fd);
	wake_fd = -1;
	proxy_buffer = NULL;
	started = false;
	pthread_mutex_unlock(&lock);
}

static int proxy_start(void)
{
	static bool forks_seen;
	sigset_t all, before;
	pthread_t thread;
	int rc;

	kept_reset();
	for (unsigned int i = 0; i < PROXY_MAX_CLIENTS; i++)
		clients[i] = (struct client){.fd = -1, .conn = -1};
	proxy_buffer = kept_pages(PROXY_BUFFER_BYTES);
	if (!proxy_buffer) {
		syslog(LOG_DAEMON | LOG_ERR, "dmvpn-xfrm: locked memory (LimitMEMLOCK): %m");
		return -1;
	}
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return -1;
	if (!forks_seen)
		pthread_atfork(fork_prepare, fork_parent, fork_child);
	forks_seen = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, NULL, proxy_run, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		errno = rc;
		return -1;
	}
	pthread_detach(thread);
	started = true;
	return 0;
}

static int client_new(int type_flags, uint8_t *client)
{
	int pair[2], room = PAIR_BYTES;
	uint8_t id = 0;

	while (id < PROXY_MAX_CLIENTS && clients[id].fd >= 0)
		id++;
	if (id == PROXY_MAX_CLIENTS) {
		errno = EMFILE;
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	if (type_flags & SOCK_NONBLOCK)
		fcntl(pair[0], F_SETFL, O_NONBLOCK);
	if (!(type_flags & SOCK_CLOEXEC))
		fcntl(pair[0], F_SETFD, 0);
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	clients[id] = (struct client){.fd = pair[1], .conn = -1, .backoff_ms = BACKOFF_MIN_MS};
	*client = id;
	return pair[0];
}

int proxy_open(int type_flags, uint8_t *client)
{
	int fd = -1;

	pthread_mutex_lock(&lock);
	if (started || proxy_start() == 0)
		fd = client_new(type_flags, client);
	pthread_mutex_unlock(&lock);
	if (fd >= 0)
		wake();
	return fd;
}

static void groups_set(uint8_t client, uint32_t groups, bool join)
{
	struct client *c = &clients[client];

	pthread_mutex_lock(&lock);
	if (join)
		groups |= c->groups;
	c->groups_to_say |= groups != c->groups;
	c->groups = groups;
	c->bound = true;
	pthread_mutex_unlock(&lock);
	wake();
}

void proxy_bind(uint8_t client, uint32_t groups)
{
	groups_set(client, groups, false);
}

void proxy_join(uint8_t client, uint32_t groups)
{
	groups_set(client, groups, true);
}
