/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's server as its clients see it: lines, ends, clients that do not read, the socket in the
 * file system and who may use it.
 */
#include <errno.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_client.h"
#include "api_fakes.h"
#include "control/api/api_priv.h"
#include "control/config.h"
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

/* The next line is an answer with this id. */
static void expect_id(struct client *c, json_int_t id)
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

static void expect_error(struct client *c, enum rpc_code code, const char *words)
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

/* ---- framing ---- */

static void test_bytes_one_by_one(void **state)
{
	static const char text[] = "\n \r\n" INFO("1") "\r\n\n" INFO("2") "\n";

	(void)state;
	for (size_t i = 0; i < strlen(text); i++) {
		client_write(&client, text + i, 1);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	expect_id(&client, 1);
	expect_id(&client, 2);
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
		expect_id(&client, i);
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
	expect_id(&client, 7);
	write_padded(&client, RPC_LINE_MAX - 1);
	expect_id(&client, 7);
}

static void test_line_too_long(void **state)
{
	char block[RPC_LINE_MAX + 1];

	(void)state;
	memset(block, 'x', sizeof(block));
	client_write(&client, block, sizeof(block));
	expect_error(&client, RPC_INVALID_REQUEST, "65536");
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
	expect_id(&client, 1);
	expect_id(&client, 2);
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
	expect_id(&client, 1);
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
	expect_id(&other, 9);
	client_fini(&other);
	client_settle(&client);
	assert_int_equal(api_stats_get(api)->requests, served + 1);
	/* It goes on as it is read: more than the buffers ever held. */
	for (unsigned i = 0; i < 30; i++)
		expect_id(&client, 1);
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
	expect_id(&more[0], 1);
	for (unsigned i = 0; i < API_CLIENTS_MAX - 1; i++)
		client_fini(&more[i]);
	client_settle(&client);
	assert_int_equal(api_stats_get(api)->clients, 1);
}

/* ---- the socket ---- */

static char dir[64], path[96];
static struct config config;
static struct api_sources sources = {.config = &config};

static int setup_socket(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_api.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/run/control.sock", dir);
	config = (struct config){.control_socket = path};
	base = event_base_new();
	api = NULL;
	event_reset();
	return 0;
}

static int teardown_socket(void **state)
{
	char sub[96];

	(void)state;
	api_stop(api);
	event_base_free(base);
	unlink(path);
	snprintf(sub, sizeof(sub), "%s/run", dir);
	rmdir(sub);
	return rmdir(dir);
}

static void client_unix(struct client *c)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	client_init(c, base, fd);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	return st.st_mode & 07777;
}

static void test_socket(void **state)
{
	struct client c;

	(void)state;
	api = api_start(base, &sources);
	assert_non_null(api);
	assert_int_equal(mode_of(path), 0600);
	client_unix(&c);
	client_write(&c, INFO("1") "\n", strlen(INFO("1") "\n"));
	expect_id(&c, 1);
	/* A second daemon is refused and takes nothing away. */
	assert_null(api_start(base, &sources));
	assert_int_equal(errno, EADDRINUSE);
	client_write(&c, INFO("2") "\n", strlen(INFO("2") "\n"));
	expect_id(&c, 2);
	api_stop(api);
	api = NULL;
	assert_null(client_line(&c));
	client_fini(&c);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_stale_socket(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct client c;
	int fd;

	(void)state;
	api = api_start(base, &sources);
	assert_non_null(api);
	api_stop(api);
	/* As a crash leaves it: bound, nobody listens. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(addr.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	api = api_start(base, &sources);
	assert_non_null(api);
	client_unix(&c);
	client_write(&c, INFO("1") "\n", strlen(INFO("1") "\n"));
	expect_id(&c, 1);
	client_fini(&c);
}

static void test_path_taken(void **state)
{
	char sub[96], too_long[200];
	FILE *f;

	(void)state;
	snprintf(sub, sizeof(sub), "%s/run", dir);
	mkdir(sub, 0755);
	f = fopen(path, "w");
	assert_non_null(f);
	fclose(f);
	assert_null(api_start(base, &sources));
	assert_int_equal(errno, ENOTSOCK);
	assert_int_equal(access(path, F_OK), 0);
	memset(too_long, 'x', sizeof(too_long));
	too_long[0] = '/';
	too_long[sizeof(too_long) - 1] = '\0';
	config.control_socket = too_long;
	assert_null(api_start(base, &sources));
	assert_int_equal(errno, ENAMETOOLONG);
}

/* Somebody else's socket, put in the place of ours while we ran, is not removed. */
static void test_foreign_socket_stays(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd;

	(void)state;
	api = api_start(base, &sources);
	assert_non_null(api);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(addr.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	api_stop(api);
	api = NULL;
	assert_int_equal(access(path, F_OK), 0);
	close(fd);
}

static void test_group(void **state)
{
	const struct group *gr = getgrgid(getgid());
	char name[64];
	struct stat st;

	(void)state;
	config.control_group = strcpy(name, "no-such-group-anywhere");
	assert_null(api_start(base, &sources));
	assert_int_equal(errno, ENOENT);
	assert_non_null(gr);
	snprintf(name, sizeof(name), "%s", gr->gr_name);
	api = api_start(base, &sources);
	assert_non_null(api);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, getgid());
}

static void test_busy_over_socket(void **state)
{
	struct client clients[API_CLIENTS_MAX + 1];

	(void)state;
	api = api_start(base, &sources);
	assert_non_null(api);
	for (unsigned i = 0; i <= API_CLIENTS_MAX; i++) {
		client_unix(&clients[i]);
		event_base_loop(base, EVLOOP_NONBLOCK);
	}
	expect_error(&clients[API_CLIENTS_MAX], RPC_BUSY, "at most 32");
	assert_null(client_line(&clients[API_CLIENTS_MAX]));
	assert_int_equal(api_stats_get(api)->refused, 1);
	assert_int_equal(event_count(EVENT_API_REFUSED), 1);
	for (unsigned i = 0; i <= API_CLIENTS_MAX; i++)
		client_fini(&clients[i]);
}

/* Connects as another user with these groups; exits with 0 when the answer has these words. */
static void child_ask(uid_t uid, gid_t gid, gid_t extra, const char *words)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char answer[2048] = "";

	strcpy(addr.sun_path, path);
	if (setgroups(1, &extra) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		_exit(2);
	/* Who is turned away may have been so already. */
	if ((send(fd, INFO("1") "\n", strlen(INFO("1") "\n"), MSG_NOSIGNAL) < 0 &&
	     errno != EPIPE) ||
	    recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		_exit(2);
	_exit(strstr(answer, words) ? 0 : 1);
}

static void check_user(uid_t uid, gid_t gid, gid_t extra, const char *words)
{
	const pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		child_ask(uid, gid, extra, words);
	assert_true(pid > 0);
	for (int i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
		const struct timeval ms = {0, 1000};

		assert_true(i < 10000);
		event_base_loopexit(base, &ms);
		event_base_loop(base, 0);
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Root, the group's members, and nobody else, also when the file's mode lets them in. */
static void test_credentials(void **state)
{
	const struct group *daemon_group = getgrnam("daemon");
	char sub[96];

	(void)state;
	if (geteuid() != 0 || !daemon_group) {
		print_message("other users need root: skipped\n");
		skip();
	}
	config.control_group = daemon_group->gr_name;
	api = api_start(base, &sources);
	assert_non_null(api);
	snprintf(sub, sizeof(sub), "%s/run", dir);
	chmod(dir, 0755);
	chmod(sub, 0755);
	chmod(path, 0666);
	check_user(4711, 4711, 4711, "\"code\":-32001,");
	assert_int_equal(api_stats_get(api)->refused, 1);
	check_user(4711, daemon_group->gr_gid, 4711, "\"result\":");
	check_user(4711, 4711, daemon_group->gr_gid, "\"result\":");
	check_user(0, 4711, 4711, "\"result\":");
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
		cmocka_unit_test_setup_teardown(test_socket, setup_socket, teardown_socket),
		cmocka_unit_test_setup_teardown(test_stale_socket, setup_socket, teardown_socket),
		cmocka_unit_test_setup_teardown(test_path_taken, setup_socket, teardown_socket),
		cmocka_unit_test_setup_teardown(test_foreign_socket_stays, setup_socket,
						teardown_socket),
		cmocka_unit_test_setup_teardown(test_group, setup_socket, teardown_socket),
		cmocka_unit_test_setup_teardown(test_busy_over_socket, setup_socket,
						teardown_socket),
		cmocka_unit_test_setup_teardown(test_credentials, setup_socket, teardown_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
