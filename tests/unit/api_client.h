/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A client of the API in the same process: turns the server's event loop while it waits, with a
 * deadline. Failures end the test by cmocka's asserts.
 */
#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct client {
	struct event_base *base;
	int fd;
	char *in; /* what came in and is not taken yet */
	size_t len;
	bool eof;
};

void client_init(struct client *c, struct event_base *base, int fd);
void client_fini(struct client *c);

/* Writes all of it, turning the loop while the socket is full. */
void client_write(struct client *c, const char *bytes, size_t len);
/* The next line without its newline, for the caller to free; NULL: the server closed. */
char *client_line(struct client *c);
/* One request, one answer; ends the test when the answer is no JSON. */
json_t *client_ask(struct client *c, const char *line);
/* The next line is a result with this id; an error with this code whose message has these words. */
void client_expect_id(struct client *c, json_int_t id);
void client_expect_error(struct client *c, int code, const char *words);
/* Turns the loop until it has nothing to do. */
void client_settle(struct client *c);

/* Everything of `want` is in `got`: members of objects, arrays element by element. */
bool json_contains(const json_t *got, const json_t *want);
