/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The preloaded library (LD_PRELOAD in the test's environment): this program is both the IKE
 * daemon, whose NETLINK_XFRM sockets it takes, and dmvpnd at the other end. Nothing sleeps; whoever
 * waits has a deadline.
 */
#include "xfrm_fixture.h"

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
