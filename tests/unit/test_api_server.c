/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's server as its clients see it: lines, ends, clients that do not read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_client.h"
#include "api_fakes.h"
#include "control/api/api_priv.h"
#include "control/events.h"

#define INFO(id) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"system.info\"}"

static struct event_base *base;
static struct api *api;
static struct client client;

static void client_pair(struct client *c)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(api_client_add(api, fds[0]), 0);
	client_init(c, base, fds[1]);
}

static int setup(void **state)
{
	(void)state;
	fake_hub = (struct fake_hub){.spokes = 500, .bindings = 500, .routes = 3, .workers = 2};
	event_reset();
	base = event_base_new();
	api = api_new(base, fake_sources());
	client_pair(&client);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	client_fini(&client);
	api_stop(api);
	event_base_free(base);
	return 0;
}

/* ---- framing ---- */

static void test_bytes_one_by_one(void **state)
{
	static const char text[] = "\n \r\n" INFO("1") "\r\n\n" INFO("2") "\n";

	(void)state;
	for (size_t i = 0; i < strlen(text); i++) {
		client_write(&client, text + i, 1);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	client_expect_id(&client, 1);
	client_expect_id(&client, 2);
	client_settle(&client);
	assert_int_equal(api_stats_get(api)->requests, 2);
}

static void test_many_in_one_write(void **state)
{
	char text[100 * 64], *c = text;

	(void)state;
	for (int i = 0; i < 100; i++)
		c += sprintf(c, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"system.info\"}\n", i);
	client_write(&client, text, (size_t)(c - text));
	for (int i = 0; i < 100; i++)
		client_expect_id(&client, i);
}

/* A request with blanks up to `len` bytes, and its newline. */
static void write_padded(struct client *c, size_t len)
{
	char *line = malloc(len + 1);

	memset(line, ' ', len);
	memcpy(line, INFO("7"), strlen(INFO("7")));
	line[len] = '\n';
	client_write(c, line, len + 1);
	free(line);
}

static void test_longest_line(void **state)
{
	(void)state;
	write_padded(&client, RPC_LINE_MAX);
	client_expect_id(&client, 7);
	write_padded(&client, RPC_LINE_MAX - 1);
	client_expect_id(&client, 7);
}

static void test_line_too_long(void **state)
{
	char block[RPC_LINE_MAX + 1];

	(void)state;
	memset(block, 'x', sizeof(block));
	client_write(&client, block, sizeof(block));
	client_expect_error(&client, RPC_INVALID_REQUEST, "65536");
	assert_null(client_line(&client));
	assert_int_equal(api_stats_get(api)->closed, 1);
	assert_int_equal(api_stats_get(api)->clients, 0);
}

/* What `printf ... | nc -U` does: asks, says that it is done, reads. */
static void test_answer_after_eof(void **state)
{
	(void)state;
	client_write(&client, INFO("1") "\n" INFO("2"), strlen(INFO("1") "\n" INFO("2")));
	shutdown(client.fd, SHUT_WR);
	client_expect_id(&client, 1);
	client_expect_id(&client, 2);
	assert_null(client_line(&client));
	assert_int_equal(api_stats_get(api)->clients, 0);
	assert_int_equal(api_stats_get(api)->closed, 0);
}

static void test_hang_up(void **state)
{
	struct client c;

	(void)state;
	client_pair(&c);
	client_write(&c, INFO("1") "\n", strlen(INFO("1") "\n"));
	client_fini(&c);
	client_settle(&client);
	assert_int_equal(api_stats_get(api)->clients, 1);
	client_write(&client, INFO("1") "\n", strlen(INFO("1") "\n"));
	client_expect_id(&client, 1);
}

/* ---- back-pressure ---- */

/*
 * A client asks for hundreds of pages and reads none: requests stop being served while the first
 * answers wait, somebody else is served meanwhile, and when it reads at last everything comes.
 */
static void test_client_that_does_not_read(void **state)
{
	static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"spoke.list\","
				  "\"params\":{\"limit\":200}}\n";
	struct client other;
	unsigned sent = 0, served;

	(void)state;
	while (send(client.fd, ask, strlen(ask), MSG_NOSIGNAL) == (ssize_t)strlen(ask) &&
	       sent < 100000) {
		sent++;
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	/* The socket is full: the kernel's buffer of requests and ours. */
	assert_in_range(sent, 100, 99999);
	client_settle(&client);
	served = (unsigned)api_stats_get(api)->requests;
	/* An answer is about 55 KB; the kernel's socket buffer takes 200 KB or so. */
	assert_in_range(served, 1, 12);
	client_pair(&other);
	client_write(&other, INFO("9") "\n", strlen(INFO("9") "\n"));
	client_expect_id(&other, 9);
	client_fini(&other);
	client_settle(&client);
	assert_int_equal(api_stats_get(api)->requests, served + 1);
	/* It goes on as it is read: more than the buffers ever held. */
	for (unsigned i = 0; i < 30; i++)
		client_expect_id(&client, 1);
}

static void test_clients_max(void **state)
{
	struct client more[API_CLIENTS_MAX - 1];
	int fds[2];

	(void)state;
	for (unsigned i = 0; i < API_CLIENTS_MAX - 1; i++)
		client_pair(&more[i]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(api_client_add(api, fds[0]), -EBUSY);
	close(fds[1]);
	client_write(&more[0], INFO("1") "\n", strlen(INFO("1") "\n"));
	client_expect_id(&more[0], 1);
	for (unsigned i = 0; i < API_CLIENTS_MAX - 1; i++)
		client_fini(&more[i]);
	client_settle(&client);
	assert_int_equal(api_stats_get(api)->clients, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_one_by_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_in_one_write, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_line_too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answer_after_eof, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hang_up, setup, teardown),
		cmocka_unit_test_setup_teardown(test_client_that_does_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clients_max, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
