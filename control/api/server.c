/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server: clients of the control socket. Lines in, answers out, on the control core's event loop.
 *
 * What a client can cost is bounded: a line of RPC_LINE_MAX bytes waits in its input buffer (the
 * kernel holds the rest back), no request is served while more than API_OUT_PAUSE_BYTES of answers
 * wait unread, so that its output buffer holds at most that and one more answer; one line is served
 * per turn of the loop, so that a client with a full buffer does not keep the loop from NHRP. Who
 * reads nothing for API_WRITE_TIMEOUT_S with an answer waiting is closed; who is merely quiet
 * stays.
 *
 * Structures: struct api owns its clients, each client its bufferevent. Control core only.
 * Not done: subscriptions (a client polls event.list).
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api_priv.h"
#include "control/clock.h"
#include "control/config.h"
#include "control/events.h"
#include "control/log.h"
#include "control/wipe.h"

struct api_client {
	LIST_ENTRY(api_client) link;
	struct api *api;
	struct bufferevent *bev;
	struct event *next; /* the next line, on the loop's next turn */
	bool eof;           /* nothing more will come in */
	bool closing;       /* close when the output is sent */
};

struct api {
	struct event_base *base;
	struct event *acceptor;
	struct event *retry; /* accepts again after the process ran out of descriptors */
	struct api_socket sock;
	struct api_env env;
	struct api_stats stats;
	LIST_HEAD(, api_client) clients;
};

static const struct timeval now = {0, 0};

static void client_free(struct api_client *c)
{
	LIST_REMOVE(c, link);
	c->api->stats.clients--;
	if (c->next)
		event_free(c->next);
	bufferevent_free(c->bev);
	free(c);
}

static void text_release(const void *data, size_t len, void *extra)
{
	(void)data;
	(void)len;
	free(extra);
}

/* Takes the text over. */
static int client_send(struct api_client *c, char *text)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	if (evbuffer_add_reference(out, text, strlen(text), text_release, text) < 0) {
		free(text);
		return -ENOMEM;
	}
	return evbuffer_add(out, "\n", 1) < 0 ? -ENOMEM : 0;
}

/* Closes by our will: after the output is sent, when there is one. */
static void client_refuse(struct api_client *c, enum rpc_code code, const char *message)
{
	char *text;

	c->api->stats.closed++;
	c->closing = true;
	if (rpc_error_text(code, message, &text) == 1)
		client_send(c, text);
}

/* The next line with its length, for the caller to free; NULL: not there yet, or refused. */
static char *line_take(struct api_client *c, size_t *len)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	const size_t have = evbuffer_get_length(in);
	char message[64], *line;

	line = evbuffer_readln(in, len, EVBUFFER_EOL_LF);
	if (line || have == 0)
		return line;
	if (have > RPC_LINE_MAX) {
		snprintf(message, sizeof(message), "line longer than %d bytes", RPC_LINE_MAX);
		client_refuse(c, RPC_INVALID_REQUEST, message);
		return NULL;
	}
	if (!c->eof)
		return NULL;
	line = malloc(have);
	if (line && evbuffer_remove(in, line, have) == (int)have)
		*len = have;
	return line;
}

static bool line_is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strchr(" \t\r", line[i]) == NULL || line[i] == '\0')
			return false;
	return true;
}

static void line_serve(struct api_client *c, const char *line, size_t len)
{
	char *text;
	int rc;

	if (line_is_blank(line, len))
		return;
	c->api->stats.requests++;
	rc = rpc_answer(api_methods, &c->api->env, line, len, &text);
	if (rc == 1)
		rc = client_send(c, text);
	if (rc < 0) {
		log_sys("control.socket: answer: %s", strerror(-rc));
		client_refuse(c, RPC_INTERNAL_ERROR, strerror(-rc));
	}
}

/*
 * One line, if the client reads what it gets. May free the client. Reading goes on only while no
 * whole line waits: with a full input buffer libevent 2.1 calls on_ready again and again.
 */
static void client_serve(struct api_client *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	size_t len = 0;
	char *line;

	bufferevent_disable(c->bev, EV_READ);
	if (!c->closing && evbuffer_get_length(out) > API_OUT_PAUSE_BYTES)
		return; /* on_ready goes on when it is sent */
	line = c->closing ? NULL : line_take(c, &len);
	if (line) {
		line_serve(c, line, len);
		free(line);
		evtimer_add(c->next, &now);
	} else if (!c->closing && !c->eof) {
		bufferevent_enable(c->bev, EV_READ);
	} else if (evbuffer_get_length(out) == 0) {
		client_free(c);
	}
}

static void on_next(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	client_serve(arg);
}

/* Called with new input and when all output is sent. */
static void on_ready(struct bufferevent *bev, void *arg)
{
	struct api_client *c = arg;

	(void)bev;
	if (!evtimer_pending(c->next, NULL))
		client_serve(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct api_client *c = arg;

	(void)bev;
	if (what & BEV_EVENT_TIMEOUT) {
		c->api->stats.closed++;
		event_emit(EVENT_API_REFUSED, c->api->sock.path,
			   "closed a client that read nothing for %d s", API_WRITE_TIMEOUT_S);
		client_free(c);
	} else if ((what & BEV_EVENT_EOF) && (what & BEV_EVENT_READING)) {
		c->eof = true;
		on_ready(bev, c);
	} else {
		client_free(c);
	}
}

static int client_setup(struct api_client *c)
{
	static const struct timeval write_timeout = {API_WRITE_TIMEOUT_S, 0};

	c->next = evtimer_new(c->api->base, on_next, c);
	if (!c->next)
		return -ENOMEM;
	bufferevent_setcb(c->bev, on_ready, on_ready, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, RPC_LINE_MAX + 1);
	bufferevent_set_timeouts(c->bev, NULL, &write_timeout);
	return bufferevent_enable(c->bev, EV_READ | EV_WRITE) < 0 ? -ENOMEM : 0;
}

int api_client_add(struct api *api, int fd)
{
	struct api_client *c = NULL;
	int rc = -EBUSY;

	if (api->stats.clients >= API_CLIENTS_MAX)
		goto err;
	rc = -ENOMEM;
	c = calloc(1, sizeof(*c));
	if (!c || evutil_make_socket_nonblocking(fd) < 0)
		goto err;
	c->bev = bufferevent_socket_new(api->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev)
		goto err;
	c->api = api;
	LIST_INSERT_HEAD(&api->clients, c, link);
	api->stats.clients++;
	api->stats.connections++;
	rc = client_setup(c);
	if (rc < 0)
		client_free(c);
	return rc;

err:
	free(c);
	close(fd);
	return rc;
}

/* One line says why; it fits any socket buffer. */
static void connection_refuse(struct api *api, int fd, enum rpc_code code, const char *why)
{
	char *text;

	api->stats.refused++;
	event_emit(EVENT_API_REFUSED, api->sock.path, "%s", why);
	if (rpc_error_text(code, why, &text) == 1) {
		if (send(fd, text, strlen(text), MSG_NOSIGNAL) > 0)
			send(fd, "\n", 1, MSG_NOSIGNAL);
		free(text);
	}
	close(fd);
}

static void accept_pause(struct api *api)
{
	static const struct timeval pause = {1, 0};

	log_sys("control.socket: %s: accept: %s", api->sock.path, strerror(errno));
	event_del(api->acceptor);
	evtimer_add(api->retry, &pause);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;

	(void)fd;
	(void)what;
	event_add(api->acceptor, NULL);
}

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
	struct api *api = arg;
	char why[128];
	int fd;

	(void)what;
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			accept_pause(api);
		return;
	}
	if (api_socket_peer_check(&api->sock, fd, why, sizeof(why)) < 0) {
		connection_refuse(api, fd, RPC_DENIED, why);
	} else if (api->stats.clients >= API_CLIENTS_MAX) {
		snprintf(why, sizeof(why), "%d clients are connected (at most %d)", API_CLIENTS_MAX,
			 API_CLIENTS_MAX);
		connection_refuse(api, fd, RPC_BUSY, why);
	} else {
		api_client_add(api, fd);
	}
}

struct api *api_new(struct event_base *base, const struct api_sources *sources)
{
	struct api *api = calloc(1, sizeof(*api));

	if (!api) {
		errno = ENOMEM;
		return NULL;
	}
	/* A client that hangs up while we write is an EPIPE, not our end. */
	signal(SIGPIPE, SIG_IGN);
	api->base = base;
	api->sock.fd = -1;
	api->env.sources = sources;
	api->env.stats = &api->stats;
	api->env.start_us = clock_us(CLOCK_MONOTONIC);
	LIST_INIT(&api->clients);
	return api;
}

struct api *api_start(struct event_base *base, const struct api_sources *sources)
{
	const struct config *config = sources->config;
	struct api *api = api_new(base, sources);
	int rc = -ENOMEM;

	if (!api)
		return NULL;
	json_set_alloc_funcs(malloc, wipe_free); /* keys: sa.add */
	rc = api_socket_open(&api->sock, config->control_socket, config->control_group);
	if (rc < 0)
		goto err;
	rc = -ENOMEM;
	api->acceptor = event_new(base, api->sock.fd, EV_READ | EV_PERSIST, on_accept, api);
	api->retry = evtimer_new(base, on_retry, api);
	if (!api->acceptor || !api->retry || event_add(api->acceptor, NULL) < 0)
		goto err;
	return api;

err:
	api_stop(api);
	errno = -rc;
	return NULL;
}

const struct api_stats *api_stats_get(const struct api *api)
{
	return &api->stats;
}

void api_stop(struct api *api)
{
	struct api_client *c;

	if (!api)
		return;
	while ((c = LIST_FIRST(&api->clients)) != NULL)
		client_free(c);
	if (api->acceptor)
		event_free(api->acceptor);
	if (api->retry)
		event_free(api->retry);
	api_socket_close(&api->sock);
	free(api);
}
