/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The preloaded library (LD_PRELOAD in the test's environment): this program is both the IKE
 * daemon, whose NETLINK_XFRM sockets it takes, and dmvpnd at the other end. Nothing sleeps; whoever
 * waits has a deadline.
 */
#include "control/ike/xfrm_wire.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define DEADLINE_MS 10000
#define LIFETIME_S  3600

struct message {
	struct nlmsghdr h;
	union {
		struct xfrm_usersa_info sa;
		struct xfrm_userspi_info spi;
		struct xfrm_usersa_id id;
		struct xfrm_usersa_flush flush;
		struct xfrm_user_expire expire;
		struct nlmsgerr error;
	};
};

struct got {
	uint8_t kind;
	struct message m;
	size_t len;
};

static char path[64];
static int listener = -1;
static uint32_t next_seq = 200;

static void server_start(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	memcpy(at.sun_path, path, sizeof(path));
	unlink(path);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 8), 0);
}

static void server_stop(void)
{
	close(listener);
	unlink(path);
}

static void wait_for(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
}

static int server_accept(void)
{
	wait_for(listener);
	return accept(listener, NULL, NULL);
}

static struct got server_get(int conn)
{
	uint8_t bytes[4096];
	struct got g = {0};
	ssize_t n;

	wait_for(conn);
	n = recv(conn, bytes, sizeof(bytes), 0);
	assert_true(n > 0 && (size_t)n <= 1 + sizeof(g.m));
	g.kind = bytes[0];
	g.len = (size_t)n - 1;
	memcpy(&g.m, bytes + 1, g.len);
	return g;
}

static void server_want(int conn, uint8_t kind, uint16_t type, uint32_t spi)
{
	struct got g = server_get(conn);

	assert_int_equal(g.kind, kind);
	if (kind == XFRM_WIRE_NETLINK || kind == XFRM_WIRE_REPLAY) {
		assert_int_equal(g.m.h.nlmsg_type, type);
		assert_int_equal(ntohl(type == XFRM_MSG_DELSA ? g.m.id.spi : g.m.sa.id.spi), spi);
	}
}

static void server_say(int conn, const struct message *m)
{
	uint8_t bytes[1 + sizeof(*m)] = {XFRM_WIRE_NETLINK};

	memcpy(bytes + 1, m, m->h.nlmsg_len);
	assert_int_equal(send(conn, bytes, 1 + m->h.nlmsg_len, 0), 1 + m->h.nlmsg_len);
}

static void server_ack(int conn, uint32_t seq, int error)
{
	struct message m = {.h = {NLMSG_LENGTH(sizeof(m.error)), NLMSG_ERROR, 0, seq, 0}};

	m.error.error = error;
	server_say(conn, &m);
}

static void server_bound(int conn, uint32_t spi, uint64_t bound)
{
	struct xfrm_wire_bound b = {XFRM_WIRE_BOUND, htonl(spi), {192, 0, 2, 9}, AF_INET, bound};

	assert_int_equal(send(conn, &b, sizeof(b), 0), sizeof(b));
}

static void server_want_bound(int conn, uint32_t spi, uint64_t bound)
{
	struct got g = server_get(conn);
	struct xfrm_wire_bound b;

	assert_int_equal(g.kind, XFRM_WIRE_BOUND);
	assert_int_equal(g.len, sizeof(b) - 1);
	memcpy((uint8_t *)&b + 1, &g.m, g.len);
	assert_int_equal(ntohl(b.spi_be), spi);
	assert_int_equal(b.family, AF_INET);
	assert_int_equal(b.daddr[0], 192);
	assert_int_equal(b.bound, bound);
}

static int ike_socket(uint32_t groups)
{
	struct sockaddr_nl at = {.nl_family = AF_NETLINK, .nl_groups = groups};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);
	int one = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static uint32_t ike_send(int fd, struct message *m, uint16_t type, size_t len, uint16_t flags)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	m->h = (struct nlmsghdr){NLMSG_LENGTH(len), type, NLM_F_REQUEST | flags, next_seq++, 0};
	assert_int_equal(
		sendto(fd, m, m->h.nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)),
		m->h.nlmsg_len);
	return m->h.nlmsg_seq;
}

static uint32_t ike_sa(int fd, uint16_t type, uint32_t spi)
{
	struct message m = {0};

	m.sa.family = AF_INET;
	m.sa.id.daddr.a4 = htonl(0xc0000209);
	m.sa.id.spi = htonl(spi);
	m.sa.id.proto = IPPROTO_ESP;
	m.sa.lft.hard_add_expires_seconds = LIFETIME_S;
	return ike_send(fd, &m, type, sizeof(m.sa), NLM_F_ACK);
}

static uint32_t ike_del(int fd, uint32_t spi)
{
	struct message m = {0};

	m.id = (struct xfrm_usersa_id){{htonl(0xc0000209)}, htonl(spi), AF_INET, IPPROTO_ESP};
	return ike_send(fd, &m, XFRM_MSG_DELSA, sizeof(m.id), NLM_F_ACK);
}

static struct message ike_get(int fd)
{
	struct sockaddr_nl from = {.nl_pid = 7};
	socklen_t from_len = sizeof(from);
	struct message m = {0};

	wait_for(fd);
	assert_true(recvfrom(fd, &m, sizeof(m), 0, (struct sockaddr *)&from, &from_len) > 0);
	assert_int_equal(from_len, sizeof(from));
	assert_int_equal(from.nl_family, AF_NETLINK);
	assert_int_equal(from.nl_pid, 0);
	return m;
}

static void ike_want_ack(int fd, uint32_t seq, int error)
{
	struct message m = ike_get(fd);

	assert_int_equal(m.h.nlmsg_type, NLMSG_ERROR);
	assert_int_equal(m.h.nlmsg_seq, seq);
	assert_int_equal(m.error.error, error);
}

/* The IKE daemon makes an SA, dmvpnd answers. */
static void sa_made(int fd, int conn, uint16_t type, uint32_t spi, int error)
{
	uint32_t seq = ike_sa(fd, type, spi);

	server_want(conn, XFRM_WIRE_NETLINK, type, spi);
	server_ack(conn, seq, error);
	ike_want_ack(fd, seq, error);
}

static void sa_deleted(int fd, int conn, uint32_t spi)
{
	uint32_t seq = ike_del(fd, spi);

	server_want(conn, XFRM_WIRE_NETLINK, XFRM_MSG_DELSA, spi);
	server_ack(conn, seq, 0);
	ike_want_ack(fd, seq, 0);
}

static int server_again(int conn)
{
	close(conn);
	server_stop();
	server_start();
	return server_accept();
}

static void test_replay(void **state)
{
	struct message m = {0};
	uint32_t seq;
	int fd, conn;

	(void)state;
	server_start();
	fd = ike_socket(0);
	conn = server_accept();
	server_want(conn, XFRM_WIRE_END, 0, 0);

	seq = ike_send(fd, &m, XFRM_MSG_ALLOCSPI, sizeof(m.spi), 0);
	assert_int_equal(server_get(conn).m.h.nlmsg_type, XFRM_MSG_ALLOCSPI);
	m.h = (struct nlmsghdr){NLMSG_LENGTH(sizeof(m.sa)), XFRM_MSG_NEWSA, 0, seq, 0};
	m.sa.id.spi = htonl(1);
	server_say(conn, &m);
	m = ike_get(fd);
	assert_int_equal(m.h.nlmsg_type, XFRM_MSG_NEWSA);
	assert_int_equal(ntohl(m.sa.id.spi), 1);

	sa_made(fd, conn, XFRM_MSG_UPDSA, 1, 0);
	sa_made(fd, conn, XFRM_MSG_NEWSA, 2, 0);
	server_bound(conn, 2, 1ull << 33);
	sa_made(fd, conn, XFRM_MSG_NEWSA, 3, 0);
	sa_deleted(fd, conn, 3);
	sa_made(fd, conn, XFRM_MSG_NEWSA, 4, -EINVAL);

	/* In the order of the slots, which are handed out from the top: last in, first out. */
	conn = server_again(conn);
	server_want_bound(conn, 2, 1ull << 33);
	server_want(conn, XFRM_WIRE_REPLAY, XFRM_MSG_NEWSA, 2);
	server_want(conn, XFRM_WIRE_REPLAY, XFRM_MSG_UPDSA, 1);
	server_want(conn, XFRM_WIRE_END, 0, 0);

	/* Answers to what was replayed stay in the library, and the socket is the same. */
	server_ack(conn, 0, 0);
	sa_made(fd, conn, XFRM_MSG_NEWSA, 5, 0);

	m = (struct message){.h = {NLMSG_LENGTH(sizeof(m.expire)), XFRM_MSG_EXPIRE, 0, 0, 0}};
	m.expire.state.id.daddr.a4 = htonl(0xc0000209);
	m.expire.state.id.spi = htonl(5);
	m.expire.state.id.proto = IPPROTO_ESP;
	m.expire.state.family = AF_INET;
	m.expire.hard = 1;
	server_say(conn, &m);
	assert_int_equal(ike_get(fd).h.nlmsg_type, XFRM_MSG_EXPIRE);
	sa_deleted(fd, conn, 2);
	sa_deleted(fd, conn, 1);

	conn = server_again(conn);
	server_want(conn, XFRM_WIRE_END, 0, 0);
	close(fd);
	wait_for(conn); /* its end */
	close(conn);
	server_stop();
}

/* One that was not acknowledged when the connection broke is sent again, after the replay. */
static void test_in_flight(void **state)
{
	uint32_t seq;
	int fd, conn;

	(void)state;
	server_start();
	fd = ike_socket(0);
	conn = server_accept();
	server_want(conn, XFRM_WIRE_END, 0, 0);
	seq = ike_sa(fd, XFRM_MSG_NEWSA, 10);
	server_want(conn, XFRM_WIRE_NETLINK, XFRM_MSG_NEWSA, 10);

	conn = server_again(conn);
	server_want(conn, XFRM_WIRE_END, 0, 0);
	server_want(conn, XFRM_WIRE_NETLINK, XFRM_MSG_NEWSA, 10);
	server_ack(conn, seq, 0);
	ike_want_ack(fd, seq, 0);
	sa_deleted(fd, conn, 10);
	close(fd);
	close(conn);
	server_stop();
}

/* Requests wait for dmvpnd for three seconds, by which the SAs grow older. */
static void test_held(void **state)
{
	struct got g;
	uint32_t seq;
	int fd, conn;

	(void)state;
	server_start();
	fd = ike_socket(0);
	conn = server_accept();
	server_want(conn, XFRM_WIRE_END, 0, 0);
	sa_made(fd, conn, XFRM_MSG_NEWSA, 19, 0);
	close(conn);
	server_stop();
	seq = ike_sa(fd, XFRM_MSG_NEWSA, 20);
	ike_want_ack(fd, seq, -EAGAIN);
	seq = ike_sa(fd, XFRM_MSG_NEWSA, 21);
	server_start();
	conn = server_accept();
	g = server_get(conn);
	assert_int_equal(g.kind, XFRM_WIRE_REPLAY);
	assert_int_equal(ntohl(g.m.sa.id.spi), 19);
	assert_int_equal(g.m.sa.lft.soft_add_expires_seconds, 0);
	assert_in_range(g.m.sa.lft.hard_add_expires_seconds, LIFETIME_S - 60, LIFETIME_S - 3);
	server_want(conn, XFRM_WIRE_END, 0, 0);
	server_want(conn, XFRM_WIRE_NETLINK, XFRM_MSG_NEWSA, 21);
	server_ack(conn, seq, 0);
	ike_want_ack(fd, seq, 0);
	sa_deleted(fd, conn, 21);
	sa_deleted(fd, conn, 19);
	close(fd);
	close(conn);
	server_stop();
}

static void test_bound(void **state)
{
	struct message m = {0};
	uint32_t seq;
	int fd, conn;

	(void)state;
	server_start();
	fd = ike_socket(0);
	conn = server_accept();
	server_want(conn, XFRM_WIRE_END, 0, 0);

	/* Of one whose acknowledgement is under way, and of one that exists; it never falls. */
	seq = ike_sa(fd, XFRM_MSG_NEWSA, 30);
	server_want(conn, XFRM_WIRE_NETLINK, XFRM_MSG_NEWSA, 30);
	server_bound(conn, 30, 7);
	server_ack(conn, seq, 0);
	ike_want_ack(fd, seq, 0);
	server_bound(conn, 30, 9);
	server_bound(conn, 30, 8);
	sa_made(fd, conn, XFRM_MSG_UPDSA, 30, 0);
	conn = server_again(conn);
	server_want_bound(conn, 30, 9);
	server_want(conn, XFRM_WIRE_REPLAY, XFRM_MSG_UPDSA, 30);
	server_want(conn, XFRM_WIRE_END, 0, 0);

	seq = ike_send(fd, &m, XFRM_MSG_FLUSHSA, sizeof(m.flush), NLM_F_ACK);
	assert_int_equal(server_get(conn).m.h.nlmsg_type, XFRM_MSG_FLUSHSA);
	server_ack(conn, seq, 0);
	ike_want_ack(fd, seq, 0);
	/* The next of the same SPI is another SA. */
	sa_made(fd, conn, XFRM_MSG_NEWSA, 30, 0);
	conn = server_again(conn);
	server_want(conn, XFRM_WIRE_REPLAY, XFRM_MSG_NEWSA, 30);
	server_want(conn, XFRM_WIRE_END, 0, 0);
	sa_deleted(fd, conn, 30);
	close(fd);
	close(conn);
	server_stop();
}

/* A child may open sockets of its own; the SAs and connections stay its parent's. */
static void test_fork(void **state)
{
	int fd, conn, child_conn, status;
	pid_t child;

	(void)state;
	server_start();
	fd = ike_socket(0);
	conn = server_accept();
	server_want(conn, XFRM_WIRE_END, 0, 0);
	sa_made(fd, conn, XFRM_MSG_NEWSA, 40, 0);
	child = fork();
	if (child == 0) {
		uint32_t seq;

		close(fd);
		fd = ike_socket(0);
		seq = ike_sa(fd, XFRM_MSG_NEWSA, 41);
		ike_want_ack(fd, seq, 0);
		_exit(0);
	}
	child_conn = server_accept();
	server_want(child_conn, XFRM_WIRE_END, 0, 0);
	server_want(child_conn, XFRM_WIRE_NETLINK, XFRM_MSG_NEWSA, 41);
	server_ack(child_conn, next_seq, 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(child_conn);

	conn = server_again(conn);
	server_want(conn, XFRM_WIRE_REPLAY, XFRM_MSG_NEWSA, 40);
	server_want(conn, XFRM_WIRE_END, 0, 0);
	sa_deleted(fd, conn, 40);
	close(fd);
	close(conn);
	server_stop();
}

/* A copy made with dup is as good; the connection ends with the last. */
static void test_copy(void **state)
{
	struct sockaddr_nl from = {.nl_pid = 7};
	struct message m;
	struct iovec part = {&m, sizeof(m)};
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1};
	int fd, copy, conn, value = 0;
	socklen_t len = sizeof(value);
	uint32_t seq;

	(void)state;
	server_start();
	fd = ike_socket(0);
	conn = server_accept();
	server_want(conn, XFRM_WIRE_END, 0, 0);
	copy = dup(fd);
	close(fd);
	assert_int_equal(getsockopt(copy, SOL_SOCKET, SO_PROTOCOL, &value, &len), 0);
	assert_int_equal(value, NETLINK_XFRM);
	seq = ike_del(copy, 50);
	server_want(conn, XFRM_WIRE_NETLINK, XFRM_MSG_DELSA, 50);
	server_ack(conn, seq, -ESRCH);
	wait_for(copy);
	assert_true(recvmsg(copy, &msg, 0) > 0);
	assert_int_equal(from.nl_family, AF_NETLINK);
	assert_int_equal(from.nl_pid, 0);
	assert_int_equal(m.error.error, -ESRCH);
	close(copy);
	wait_for(conn);
	assert_int_equal(recv(conn, &m, sizeof(m), 0), 0);
	close(conn);
	server_stop();
}

static void want_groups(int conn, uint32_t groups)
{
	struct got g = server_get(conn);

	assert_int_equal(g.kind, XFRM_WIRE_GROUPS);
	assert_int_equal(g.len, sizeof(groups));
	assert_memory_equal(&g.m, &groups, sizeof(groups));
}

static void test_groups(void **state)
{
	uint32_t groups = 1u << (XFRMNLGRP_EXPIRE - 1) | 1u << (XFRMNLGRP_ACQUIRE - 1);
	uint32_t mapping = XFRMNLGRP_MAPPING;
	struct sockaddr_nl me;
	socklen_t len = sizeof(me);
	int fd, conn;

	(void)state;
	server_start();
	fd = ike_socket(groups);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&me, &len), 0);
	assert_int_equal(me.nl_family, AF_NETLINK);
	conn = server_accept();
	want_groups(conn, groups);
	conn = server_again(conn);
	want_groups(conn, groups);
	assert_int_equal(
		setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &mapping, sizeof(mapping)), 0);
	want_groups(conn, groups | 1u << (XFRMNLGRP_MAPPING - 1));
	close(fd);
	close(conn);
	server_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay), cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_held),   cmocka_unit_test(test_bound),
		cmocka_unit_test(test_fork),   cmocka_unit_test(test_copy),
		cmocka_unit_test(test_groups),
	};

	snprintf(path, sizeof(path), "/tmp/dmvpn-xfrm-test-%d", (int)getpid());
	setenv(XFRM_WIRE_PATH_ENV, path, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
