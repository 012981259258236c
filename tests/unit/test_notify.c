/* SPDX-License-Identifier: Apache-2.0 */
/* control/notify against a real datagram socket: what arrives there is what systemd would see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/notify.h"

struct manager {
	int fd;
	char dir[64];
	char path[100];
};

static int setup(void **state)
{
	struct manager *m = calloc(1, sizeof(*m));
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	strcpy(m->dir, "/tmp/test_notify.XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	snprintf(m->path, sizeof(m->path), "%s/notify", m->dir);
	strcpy(addr.sun_path, m->path);
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(m->fd >= 0);
	assert_int_equal(bind(m->fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	setenv("NOTIFY_SOCKET", m->path, 1);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct manager *m = *state;

	notify_close();
	unsetenv("NOTIFY_SOCKET");
	close(m->fd);
	unlink(m->path);
	rmdir(m->dir);
	free(m);
	return 0;
}

/* The next datagram, and the descriptor that came with it (-1: none). */
static void expect(const struct manager *m, const char *text, int *fd)
{
	char got[1024] = "", control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {.iov_base = got, .iov_len = sizeof(got) - 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg;

	assert_true(recvmsg(m->fd, &msg, 0) > 0);
	assert_string_equal(got, text);
	cmsg = CMSG_FIRSTHDR(&msg);
	if (fd == NULL) {
		assert_null(cmsg);
		return;
	}
	assert_non_null(cmsg);
	assert_int_equal(cmsg->cmsg_type, SCM_RIGHTS);
	memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
}

static void expect_nothing(const struct manager *m)
{
	char byte;

	assert_int_equal(recv(m->fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

static void states(void **state)
{
	const struct manager *m = *state;

	assert_int_equal(notify_open(), 0);
	assert_true(notify_active());
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_int_equal(notify_ready("2 ports"), 0);
	expect(m, "READY=1\nSTATUS=2 ports", NULL);
	assert_int_equal(notify_status("%u spokes", 3u), 0);
	expect(m, "STATUS=3 spokes", NULL);
	assert_int_equal(notify_watchdog(), 0);
	expect(m, "WATCHDOG=1", NULL);
	assert_int_equal(notify_stopping("bye"), 0);
	expect(m, "STOPPING=1\nSTATUS=bye", NULL);
	expect_nothing(m);
}

static void status_stays_one_assignment(void **state)
{
	char big[2000];

	assert_int_equal(notify_open(), 0);
	assert_int_equal(notify_status("a\nREADY=1\nb"), 0);
	expect(*state, "STATUS=a READY=1 b", NULL);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(notify_status("%s", big), 0);
	assert_true(recv(((struct manager *)*state)->fd, big, sizeof(big), 0) < 512);
}

static void without_manager(void **state)
{
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(), 0);
	assert_false(notify_active());
	assert_int_equal(notify_ready("x"), 0);
	assert_int_equal(notify_watchdog(), 0);
	assert_int_equal(notify_fd_store("wan0", 0), 0);
	assert_int_equal(notify_fd_take("wan0"), -1);
	expect_nothing(*state);
}

static void bad_sockets(void **state)
{
	char big[200];

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	big[0] = '/';
	big[sizeof(big) - 1] = '\0';
	setenv("NOTIFY_SOCKET", "relative", 1);
	assert_int_equal(notify_open(), -EINVAL);
	setenv("NOTIFY_SOCKET", "/", 1);
	assert_int_equal(notify_open(), -EINVAL);
	setenv("NOTIFY_SOCKET", big, 1);
	assert_int_equal(notify_open(), -EINVAL);
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	assert_int_equal(notify_open(), -ENOENT);
	assert_false(notify_active());
}

static void abstract_socket(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct manager m = {.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "@test_notify.%d", (int)getpid());
	strcpy(addr.sun_path, name);
	addr.sun_path[0] = '\0';
	assert_int_equal(bind(m.fd, (const struct sockaddr *)&addr,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(), 0);
	assert_int_equal(notify_watchdog(), 0);
	expect(&m, "WATCHDOG=1", NULL);
	close(m.fd);
}

static void descriptors(void **state)
{
	const struct manager *m = *state;
	struct stat sent, received;
	int pipes[2], fd;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(notify_open(), 0);
	assert_int_equal(notify_fd_store("wan0", pipes[0]), 0);
	expect(m, "FDSTORE=1\nFDNAME=wan0", &fd);
	assert_int_equal(fstat(pipes[0], &sent), 0);
	assert_int_equal(fstat(fd, &received), 0);
	assert_int_equal(sent.st_ino, received.st_ino);
	assert_int_equal(notify_fd_remove("wan0"), 0);
	expect(m, "FDSTOREREMOVE=1\nFDNAME=wan0", NULL);
	assert_int_equal(notify_fd_store("a:b", pipes[0]), -EINVAL);
	assert_int_equal(notify_fd_store("", pipes[0]), -EINVAL);
	assert_int_equal(notify_fd_store("a\nb", pipes[0]), -EINVAL);
	assert_int_equal(notify_fd_store("wan0", -1), -EINVAL);
	assert_int_equal(notify_fd_remove("a b"), -EINVAL);
	expect_nothing(m);
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
}

static void watchdog_interval(void **state)
{
	char pid[32];

	(void)state;
	setenv("WATCHDOG_USEC", "3000000", 1);
	assert_int_equal(notify_open(), 0);
	assert_int_equal(notify_watchdog_us(), 1500000);
	assert_null(getenv("WATCHDOG_USEC"));
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("WATCHDOG_USEC", "8", 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_open(), 0);
	assert_int_equal(notify_watchdog_us(), 4);
	/* Meant for another process, or not there. */
	setenv("WATCHDOG_USEC", "8", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_open(), 0);
	assert_int_equal(notify_watchdog_us(), 0);
	assert_int_equal(notify_open(), 0);
	assert_int_equal(notify_watchdog_us(), 0);
}

/* Descriptors 3, 4, 5 as systemd passes them; runs in a child, whose descriptors are its own. */
static void pass_three(const char *pid, const char *names, const int pipes[3][2])
{
	for (int i = 0; i < 3; i++)
		dup2(pipes[i][0], 3 + i);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "3", 1);
	setenv("LISTEN_FDNAMES", names, 1);
}

static bool reads(int fd, char want)
{
	char got = 0;

	return read(fd, &got, 1) == 1 && got == want;
}

#define REQUIRE(what)                           \
	do {                                    \
		if (!(what))                    \
			_exit(__LINE__ & 0xff); \
	} while (0)

static void take_back_in_child(const struct manager *m, const int pipes[3][2])
{
	char pid[32], got[100] = "";
	int fd;

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	pass_three(pid, "wan0:Tunnel100:left", pipes);
	REQUIRE(notify_open() == 0);
	REQUIRE(getenv("LISTEN_FDS") == NULL && getenv("LISTEN_FDNAMES") == NULL);
	fd = notify_fd_take("Tunnel100");
	REQUIRE(fd == 4 && reads(fd, '1') && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
	REQUIRE(notify_fd_take("Tunnel100") == -1);
	REQUIRE(notify_fd_take("nobody") == -1);
	REQUIRE(reads(notify_fd_take("wan0"), '0'));
	REQUIRE(notify_fd_sweep() == 1);
	REQUIRE(fcntl(5, F_GETFD) == -1 && errno == EBADF);
	REQUIRE(recv(m->fd, got, sizeof(got) - 1, 0) > 0);
	REQUIRE(strcmp(got, "FDSTOREREMOVE=1\nFDNAME=left") == 0);
	REQUIRE(notify_fd_sweep() == 0);
	/* What we took stays open. */
	notify_close();
	REQUIRE(fcntl(4, F_GETFD) >= 0);
	/* Another process's descriptors are none of ours. */
	pass_three("1", "wan0:b:c", pipes);
	REQUIRE(notify_open() == 0 && notify_fd_take("wan0") == -1);
	REQUIRE(fcntl(3, F_GETFD) >= 0);
	/* Fewer names than descriptors: those without a name are closed. */
	pass_three(pid, "wan0", pipes);
	REQUIRE(notify_open() == 0 && notify_fd_take("wan0") == 3);
	REQUIRE(fcntl(4, F_GETFD) == -1);
	_exit(0);
}

static void take_back(void **state)
{
	int pipes[3][2], status;
	pid_t child;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		for (int end = 0; end < 2; end++) {
			/* Out of the way of 3, 4, 5. */
			int high = fcntl(pipes[i][end], F_DUPFD, 20);

			close(pipes[i][end]);
			pipes[i][end] = high;
		}
		assert_int_equal(write(pipes[i][1], &"012"[i], 1), 1);
	}
	child = fork();
	if (child == 0) {
		struct manager moved = {.fd = fcntl(((struct manager *)*state)->fd, F_DUPFD, 40)};

		take_back_in_child(&moved, (const int(*)[2])pipes);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0); /* else: exit status = line of REQUIRE */
	for (int i = 0; i < 3; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(states, setup, teardown),
		cmocka_unit_test_setup_teardown(status_stays_one_assignment, setup, teardown),
		cmocka_unit_test_setup_teardown(without_manager, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_sockets, setup, teardown),
		cmocka_unit_test_setup_teardown(abstract_socket, setup, teardown),
		cmocka_unit_test_setup_teardown(descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(watchdog_interval, setup, teardown),
		cmocka_unit_test_setup_teardown(take_back, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
