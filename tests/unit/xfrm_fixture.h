/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Both sides of the preload library for test_xfrm_preload.c: dmvpnd (server_*) and the IKE daemon
 * (ike_*). Whoever waits has a deadline.
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
