/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one lock, up to 64 clients: a client is a NETLINK_XFRM socket of the IKE daemon, the
 * other end of its socket pair, and its connection to dmvpnd. The thread polls all of them and
 * never blocks elsewhere; everything below runs on it with the lock held, except the proxy_*
 * functions, which the IKE daemon's threads call.
 *
 * A request is kept from when it is read until it is answered. While dmvpnd is away it waits up to
 * HOLD_MS and is then answered with EAGAIN; one that was under way when the connection broke waits
 * the same way and is sent again. Messages pass through locked memory only.
 */
#include "control/ike/preload/xfrm_proxy.h"
#include "control/ike/preload/xfrm_kept.h"
#include "control/ike/xfrm_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

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

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct client clients[PROXY_MAX_CLIENTS];
static uint8_t *buffer; /* a message with its kind, locked */
static int wake_fd = -1;
static bool started;
static bool full_told, odd_told;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void wake(void)
{
	uint64_t one = 1;

	(void)!write(wake_fd, &one, sizeof(one));
}

static void tell_once(bool *told, const char *what)
{
	if (!*told)
		syslog(LOG_DAEMON | LOG_WARNING, "dmvpn-xfrm: %s", what);
	*told = true;
}

static int peer_send(const struct client *c, uint8_t kind, const void *msg, size_t len)
{
	struct iovec parts[] = {{&kind, 1}, {(void *)(uintptr_t)msg, len}};
	struct msghdr m = {.msg_iov = parts, .msg_iovlen = len ? 2 : 1};

	return sendmsg(c->conn, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

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

static void link_break(struct client *c, int64_t now)
{
	if (c->conn >= 0)
		close(c->conn);
	c->conn = -1;
	c->state = LINK_DOWN;
	c->retry_ms = now + c->backoff_ms;
	c->backoff_ms = c->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : c->backoff_ms * 2;
	for (uint32_t i = 0; i < c->n_requests; i++) {
		if (c->requests[i].sent)
			c->requests[i].since_ms = now;
		c->requests[i].sent = false;
	}
}

static void link_try(struct client *c, int64_t now)
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
	rc = peer_send(c, g.kind, (const uint8_t *)&g + 1, sizeof(g) - 1);
	if (rc == 0)
		c->groups_to_say = false;
	return rc;
}

static int replay_one(const struct client *c, struct kept *k)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(void *)k->msg;
	struct xfrm_wire_bound b = {XFRM_WIRE_BOUND, k->key.spi_be, {0}, k->key.family, k->bound};
	int rc;

	if (k->bound) {
		memcpy(b.daddr, k->key.daddr, sizeof(b.daddr));
		rc = peer_send(c, b.kind, (const uint8_t *)&b + 1, sizeof(b) - 1);
		if (rc < 0)
			return rc;
	}
	h->nlmsg_seq = 0;
	return peer_send(c, XFRM_WIRE_REPLAY, k->msg, k->len);
}

static int replay(struct client *c, uint8_t id)
{
	uint32_t at = c->cursor;
	struct kept *k;
	int rc;

	while (!c->groups && (k = kept_next(&at, id))) {
		rc = replay_one(c, k);
		if (rc < 0)
			return rc;
		k->owner = id;
		c->cursor = at;
	}
	rc = c->groups ? 0 : peer_send(c, XFRM_WIRE_END, NULL, 0);
	if (rc < 0)
		return rc;
	c->state = LINK_UP;
	c->backoff_ms = BACKOFF_MIN_MS;
	if (c->told)
		syslog(LOG_DAEMON | LOG_NOTICE, "dmvpn-xfrm: dmvpnd is back");
	c->told = false;
	return 0;
}

/* SAs that go without an answer go when the request does. */
static void sa_gone(const struct nlmsghdr *h)
{
	struct xfrm_usersa_id id;
	struct kept_key key;

	if (h->nlmsg_type == XFRM_MSG_DELSA && h->nlmsg_len >= NLMSG_LENGTH(sizeof(id))) {
		memcpy(&id, NLMSG_DATA(h), sizeof(id));
		key = kept_key_of(&id.daddr, id.spi, id.family, id.proto);
		kept_remove(&key);
	} else if (h->nlmsg_type == XFRM_MSG_FLUSHSA &&
		   h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct xfrm_usersa_flush))) {
		kept_flush(*(const uint8_t *)NLMSG_DATA(h));
	}
}

static bool is_answered(const struct nlmsghdr *h)
{
	return h->nlmsg_flags & NLM_F_ACK || h->nlmsg_type == XFRM_MSG_ALLOCSPI ||
	       h->nlmsg_type == XFRM_MSG_GETSA || h->nlmsg_type == XFRM_MSG_GETPOLICY ||
	       h->nlmsg_type == XFRM_MSG_GETAE || h->nlmsg_type == XFRM_MSG_GETSADINFO ||
	       h->nlmsg_type == XFRM_MSG_GETSPDINFO;
}

static int requests_send(struct client *c)
{
	for (uint32_t i = 0; i < c->n_requests;) {
		struct request *r = &c->requests[i];
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)r->k->msg;
		int rc = r->sent ? 0 : peer_send(c, XFRM_WIRE_NETLINK, r->k->msg, r->k->len);

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

/* Sends whatever the connection takes. */
static void link_push(struct client *c, uint8_t id, int64_t now)
{
	int rc = groups_say(c);

	if (rc == 0 && c->state == LINK_REPLAY)
		rc = replay(c, id);
	if (rc == 0)
		rc = requests_send(c);
	if (rc < 0 && rc != -EAGAIN)
		link_break(c, now);
}

static bool makes_sa(const struct nlmsghdr *h)
{
	return (h->nlmsg_type == XFRM_MSG_NEWSA || h->nlmsg_type == XFRM_MSG_UPDSA) &&
	       h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct xfrm_usersa_info));
}

static void request_add(struct client *c, uint8_t id, const struct nlmsghdr *h, int64_t now)
{
	struct kept *k = kept_new(h, h->nlmsg_len, id);
	struct xfrm_usersa_info info;

	if (!k) {
		tell_once(&full_told, "no locked memory for a request (LimitMEMLOCK), refused");
		answer_error(c, h, -errno);
		return;
	}
	if (makes_sa(h)) {
		memcpy(&info, NLMSG_DATA(h), sizeof(info));
		k->key = kept_key_of(&info.id.daddr, info.id.spi, info.family, info.id.proto);
	}
	c->requests[c->n_requests++] = (struct request){k, now, false};
}

static void client_free(struct client *c, uint8_t id)
{
	while (c->n_requests)
		request_drop(c, 0, true);
	kept_disown(id);
	if (c->conn >= 0)
		close(c->conn);
	close(c->fd);
	c->fd = c->conn = -1;
}

static void client_read(struct client *c, uint8_t id, int64_t now)
{
	while (c->n_requests < MAX_REQUESTS / 2) {
		ssize_t n = recv(c->fd, buffer, XFRM_WIRE_MSG_BYTES, MSG_DONTWAIT);
		int left = (int)n;
		const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)buffer;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			client_free(c, id);
			return;
		}
		c->bound = true;
		for (; NLMSG_OK(h, left) && c->n_requests < MAX_REQUESTS; h = NLMSG_NEXT(h, left))
			request_add(c, id, h, now);
		explicit_bzero(buffer, (size_t)n);
	}
}

static void request_done(struct client *c, uint32_t i, int error)
{
	struct kept *k = c->requests[i].k;
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)k->msg;
	bool keep = error == 0 && makes_sa(h);

	if (error == 0 || error == -ESRCH)
		sa_gone(h);
	request_drop(c, i, !keep);
	if (keep && kept_put(k, h->nlmsg_type == XFRM_MSG_UPDSA) < 0)
		tell_once(&full_told, "100,000 SAs: the next are lost when dmvpnd restarts");
}

/* Whether the IKE daemon is to see it. */
static bool answer_note(struct client *c, const struct nlmsghdr *h)
{
	struct nlmsgerr e = {0};
	uint32_t i = 0;

	if (h->nlmsg_type == XFRM_MSG_EXPIRE &&
	    h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct xfrm_user_expire))) {
		struct xfrm_user_expire x;
		struct kept_key key;

		memcpy(&x, NLMSG_DATA(h), sizeof(x));
		key = kept_key_of(&x.state.id.daddr, x.state.id.spi, x.state.family,
				  x.state.id.proto);
		if (x.hard)
			kept_remove(&key);
		return true;
	}
	while (i < c->n_requests) {
		const struct nlmsghdr *r = (const struct nlmsghdr *)(void *)c->requests[i].k->msg;

		if (c->requests[i].sent && r->nlmsg_seq == h->nlmsg_seq) {
			bool to_ack = r->nlmsg_flags & NLM_F_ACK &&
				      (r->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP;

			if (h->nlmsg_type == NLMSG_ERROR &&
			    h->nlmsg_len >= NLMSG_LENGTH(sizeof(e.error)))
				memcpy(&e.error, NLMSG_DATA(h), sizeof(e.error));
			else if (h->nlmsg_type != NLMSG_DONE &&
				 (to_ack || h->nlmsg_flags & NLM_F_MULTI))
				return true;
			request_done(c, i, e.error);
			return true;
		}
		i++;
	}
	return h->nlmsg_type != NLMSG_ERROR; /* of a replayed SA */
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
	for (unsigned int i = 0; i < PROXY_MAX_CLIENTS && !k; i++)
		for (uint32_t r = 0; r < clients[i].n_requests && !k; r++)
			if (!memcmp(&clients[i].requests[r].k->key, &key, sizeof(key)))
				k = clients[i].requests[r].k;
	if (k && b.bound > k->bound)
		k->bound = b.bound;
}

static void netlink_pass(struct client *c, const uint8_t *msg, size_t len)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)msg;
	bool wanted = false;

	for (int left = (int)len; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
		wanted |= answer_note(c, h);
	/* Like the kernel's: a reader that does not read loses. */
	if (wanted && send(c->fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN)
		tell_once(&odd_told, "the IKE daemon does not read, message lost");
}

static void link_read(struct client *c, int64_t now)
{
	for (unsigned int i = 0; i < MAX_REQUESTS; i++) {
		/* The kind at offset 3, what follows aligned. */
		uint8_t *msg = buffer + NLMSG_ALIGNTO - 1;
		ssize_t n = recv(c->conn, msg, 1 + XFRM_WIRE_MSG_BYTES, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			link_break(c, now);
			return;
		}
		if (msg[0] == XFRM_WIRE_NETLINK)
			netlink_pass(c, msg + 1, (size_t)n - 1);
		else if (msg[0] == XFRM_WIRE_BOUND)
			bound_note(msg, (size_t)n);
		explicit_bzero(msg, (size_t)n);
	}
}

static void requests_expire(struct client *c, int64_t now)
{
	while (c->state != LINK_UP && c->n_requests && c->requests[0].since_ms + HOLD_MS <= now) {
		tell_once(&c->told, "dmvpnd is away, requests fail with EAGAIN");
		answer_error(c, (const struct nlmsghdr *)(void *)c->requests[0].k->msg, -EAGAIN);
		request_drop(c, 0, true);
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

/* A child has no thread and none of the memory; its copies of descriptors go with its exec. */
static void child_forget(void)
{
	static const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;

	memcpy(&lock, &fresh, sizeof(lock));
	kept_reset();
	buffer = NULL;
	started = false;
}

static int proxy_start(void)
{
	static bool forks_seen;
	sigset_t all, before;
	pthread_t thread;
	int rc;

	for (unsigned int i = 0; i < PROXY_MAX_CLIENTS; i++)
		clients[i].fd = clients[i].conn = -1;
	buffer = kept_pages(NLMSG_ALIGNTO + XFRM_WIRE_MSG_BYTES);
	if (!buffer) {
		syslog(LOG_DAEMON | LOG_ERR, "dmvpn-xfrm: locked memory (LimitMEMLOCK): %m");
		return -1;
	}
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return -1;
	if (!forks_seen)
		pthread_atfork(NULL, NULL, child_forget);
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
	int pair[2];
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
