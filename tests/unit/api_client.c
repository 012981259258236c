/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_client: see api_client.h. The socket is non-blocking; each wait turns the loop once and looks
 * again, until WAIT_S is over.
 */
#include "api_client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_S 10

static void turn(struct client *c, time_t deadline)
{
	assert_true(time(NULL) < deadline);
	event_base_loop(c->base, EVLOOP_NONBLOCK);
}

void client_init(struct client *c, struct event_base *base, int fd)
{
	memset(c, 0, sizeof(*c));
	c->base = base;
	c->fd = fd;
	evutil_make_socket_nonblocking(fd);
}

void client_fini(struct client *c)
{
	close(c->fd);
	free(c->in);
}

void client_write(struct client *c, const char *bytes, size_t len)
{
	const time_t deadline = time(NULL) + WAIT_S;
	ssize_t n;

	while (len > 0) {
		n = send(c->fd, bytes, len, MSG_NOSIGNAL);
		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			turn(c, deadline);
			continue;
		}
		bytes += n;
		len -= (size_t)n;
	}
}

static void receive(struct client *c)
{
	char chunk[65536];
	const ssize_t n = recv(c->fd, chunk, sizeof(chunk), 0);

	if (n == 0 || (n < 0 && errno == ECONNRESET))
		c->eof = true;
	if (n <= 0)
		return;
	c->in = realloc(c->in, c->len + (size_t)n);
	assert_non_null(c->in);
	memcpy(c->in + c->len, chunk, (size_t)n);
	c->len += (size_t)n;
}

char *client_line(struct client *c)
{
	const time_t deadline = time(NULL) + WAIT_S;
	char *end, *line;

	while ((end = c->in ? memchr(c->in, '\n', c->len) : NULL) == NULL) {
		if (c->eof)
			return NULL;
		turn(c, deadline);
		receive(c);
	}
	line = strndup(c->in, (size_t)(end - c->in));
	assert_non_null(line);
	c->len -= (size_t)(end + 1 - c->in);
	memmove(c->in, end + 1, c->len);
	return line;
}

json_t *client_ask(struct client *c, const char *line)
{
	json_t *answer;
	char *text;

	client_write(c, line, strlen(line));
	client_write(c, "\n", 1);
	text = client_line(c);
	assert_non_null(text);
	answer = json_loads(text, 0, NULL);
	assert_non_null(answer);
	free(text);
	return answer;
}

void client_expect_id(struct client *c, json_int_t id)
{
	char *line = client_line(c);
	json_t *answer;

	assert_non_null(line);
	answer = json_loads(line, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(answer, "id")), id);
	assert_non_null(json_object_get(answer, "result"));
	json_decref(answer);
	free(line);
}

void client_expect_error(struct client *c, int code, const char *words)
{
	char *line = client_line(c);
	json_t *error, *answer;

	assert_non_null(line);
	answer = json_loads(line, 0, NULL);
	error = json_object_get(answer, "error");
	assert_int_equal(json_integer_value(json_object_get(error, "code")), code);
	assert_non_null(strstr(json_string_value(json_object_get(error, "message")), words));
	json_decref(answer);
	free(line);
}

void client_settle(struct client *c)
{
	/* A turn without work is over at once: this many cannot all have had some. */
	for (int i = 0; i < 1000; i++)
		event_base_loop(c->base, EVLOOP_NONBLOCK);
}

static bool array_contains(const json_t *got, const json_t *want)
{
	if (!json_is_array(got) || json_array_size(got) != json_array_size(want))
		return false;
	for (size_t i = 0; i < json_array_size(want); i++)
		if (!json_contains(json_array_get(got, i), json_array_get(want, i)))
			return false;
	return true;
}

bool json_contains(const json_t *got, const json_t *want)
{
	void *it;

	if (json_is_array(want))
		return array_contains(got, want);
	if (!json_is_object(want))
		return json_equal(got, want);
	for (it = json_object_iter((json_t *)(uintptr_t)want); it;
	     it = json_object_iter_next((json_t *)(uintptr_t)want, it))
		if (!json_contains(json_object_get(got, json_object_iter_key(it)),
				   json_object_iter_value(it)))
			return false;
	return json_is_object(got);
}
