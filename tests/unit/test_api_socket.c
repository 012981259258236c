/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket in the file system: mode, group, who is let in, what a crash leaves behind.
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
static char dir[64], path[96];
static struct config config;
static struct api_sources sources = {.config = &config};

static int setup(void **state)
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

static int teardown(void **state)
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
	client_expect_id(&c, 1);
	/* A second daemon is refused and takes nothing away. */
	assert_null(api_start(base, &sources));
	assert_int_equal(errno, EADDRINUSE);
	client_write(&c, INFO("2") "\n", strlen(INFO("2") "\n"));
	client_expect_id(&c, 2);
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
	client_expect_id(&c, 1);
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
	client_expect_error(&clients[API_CLIENTS_MAX], RPC_BUSY, "at most 32");
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
		cmocka_unit_test_setup_teardown(test_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(test_path_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_socket_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_group, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy_over_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(test_credentials, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
