/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into an IKE daemon: its NETLINK_XFRM sockets become ends of socket pairs, behind which
 * xfrm_proxy.c talks to dmvpnd (control/ike/xfrm_wire.h). Only the calls in which such an end
 * differs from a netlink socket are wrapped; poll, read, recv, write and fcntl work as they are.
 *
 * Not done: F_DUPFD gives a descriptor whose peer addresses are those of a UNIX socket; recvmmsg
 * and sendmmsg with addresses.
 */
#include "control/ike/preload/xfrm_proxy.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define WRAPPER __attribute__((visibility("default")))
#define REAL(f)                     \
	static __typeof__(f) *real; \
	if (!real)                  \
	real = (__typeof__(f) *)dlsym(RTLD_NEXT, #f)

#define MAX_FDS 65536

static _Atomic uint8_t client_of[MAX_FDS]; /* by descriptor: client + 1; 0: not ours */

/* Debian's charon is built with _FORTIFY_SOURCE. */
ssize_t __recvfrom_chk(int fd,
		       void *buf,
		       size_t len,
		       size_t room,
		       int flags,
		       struct sockaddr *addr,
		       socklen_t *addr_len);

static bool is_ours(int fd)
{
	return fd >= 0 && fd < MAX_FDS && client_of[fd];
}

/* From the kernel: process 0. */
static void address_give(void *addr, socklen_t *len, uint32_t pid)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK, .nl_pid = pid};

	if (!addr || !len)
		return;
	memcpy(addr, &nl, *len < sizeof(nl) ? *len : sizeof(nl));
	*len = sizeof(nl);
}

WRAPPER int socket(int domain, int type, int protocol)
{
	uint8_t client;
	int fd;

	REAL(socket);
	if (domain != AF_NETLINK || protocol != NETLINK_XFRM)
		return real(domain, type, protocol);
	fd = proxy_open(type & (SOCK_CLOEXEC | SOCK_NONBLOCK), &client);
	if (fd >= MAX_FDS) {
		close(fd);
		errno = EMFILE;
		return -1;
	}
	if (fd >= 0)
		client_of[fd] = client + 1;
	return fd;
}

WRAPPER int bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_nl nl;

	REAL(bind);
	if (!is_ours(fd))
		return real(fd, addr, len);
	if (len < sizeof(nl)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(&nl, addr, sizeof(nl));
	proxy_bind(client_of[fd] - 1, nl.nl_groups);
	return 0;
}

WRAPPER int getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
	REAL(getsockname);
	if (!is_ours(fd))
		return real(fd, addr, len);
	address_give(addr, len, (uint32_t)getpid());
	return 0;
}

WRAPPER int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	uint32_t group;

	REAL(setsockopt);
	if (!is_ours(fd) || level != SOL_NETLINK)
		return real(fd, level, option, value, len);
	if (option == NETLINK_ADD_MEMBERSHIP && len >= sizeof(group)) {
		memcpy(&group, value, sizeof(group));
		if (group >= 1 && group <= 32)
			proxy_join(client_of[fd] - 1, 1u << (group - 1));
	}
	return 0;
}

static bool option_known(int level, int option, int *value)
{
	*value = 0;
	if (level == SOL_NETLINK)
		return true;
	if (level != SOL_SOCKET)
		return false;
	switch (option) {
	case SO_DOMAIN:
		*value = AF_NETLINK;
		return true;
	case SO_TYPE:
		*value = SOCK_RAW;
		return true;
	case SO_PROTOCOL:
		*value = NETLINK_XFRM;
		return true;
	}
	return false;
}

WRAPPER int getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	int known;

	REAL(getsockopt);
	if (!is_ours(fd) || !option_known(level, option, &known))
		return real(fd, level, option, value, len);
	if (*len > sizeof(known))
		*len = sizeof(known);
	memcpy(value, &known, *len);
	return 0;
}

WRAPPER ssize_t sendto(int fd,
		       const void *buf,
		       size_t len,
		       int flags,
		       const struct sockaddr *addr,
		       socklen_t addr_len)
{
	REAL(sendto);
	if (!is_ours(fd))
		return real(fd, buf, len, flags, addr, addr_len);
	return real(fd, buf, len, flags | MSG_NOSIGNAL, NULL, 0);
}

WRAPPER ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	REAL(send);
	return real(fd, buf, len, is_ours(fd) ? flags | MSG_NOSIGNAL : flags);
}

WRAPPER ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr bare;

	REAL(sendmsg);
	if (!is_ours(fd))
		return real(fd, msg, flags);
	bare = *msg;
	bare.msg_name = NULL;
	bare.msg_namelen = 0;
	return real(fd, &bare, flags | MSG_NOSIGNAL);
}

WRAPPER ssize_t
recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len)
{
	ssize_t n;

	REAL(recvfrom);
	if (!is_ours(fd))
		return real(fd, buf, len, flags, addr, addr_len);
	n = real(fd, buf, len, flags, NULL, NULL);
	if (n >= 0)
		address_give(addr, addr_len, 0);
	return n;
}

WRAPPER ssize_t __recvfrom_chk(int fd,
			       void *buf,
			       size_t len,
			       size_t room,
			       int flags,
			       struct sockaddr *addr,
			       socklen_t *addr_len)
{
	ssize_t n;

	REAL(__recvfrom_chk);
	if (!is_ours(fd))
		return real(fd, buf, len, room, flags, addr, addr_len);
	n = real(fd, buf, len, room, flags, NULL, NULL);
	if (n >= 0)
		address_give(addr, addr_len, 0);
	return n;
}

WRAPPER ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	socklen_t room;
	ssize_t n;

	REAL(recvmsg);
	if (!is_ours(fd))
		return real(fd, msg, flags);
	room = msg->msg_namelen;
	n = real(fd, msg, flags);
	if (n >= 0 && msg->msg_name) {
		msg->msg_namelen = room;
		address_give(msg->msg_name, &msg->msg_namelen, 0);
	}
	return n;
}

static int dup_mark(int fd, int copy)
{
	if (copy >= 0 && copy < MAX_FDS && copy != fd)
		client_of[copy] = is_ours(fd) ? (uint8_t)client_of[fd] : 0;
	return copy;
}

WRAPPER int dup(int fd)
{
	REAL(dup);
	return dup_mark(fd, real(fd));
}

WRAPPER int dup2(int fd, int copy)
{
	REAL(dup2);
	return dup_mark(fd, real(fd, copy));
}

WRAPPER int dup3(int fd, int copy, int flags)
{
	REAL(dup3);
	return dup_mark(fd, real(fd, copy, flags));
}

/* The proxy sees the end of the last copy. */
WRAPPER int close(int fd)
{
	REAL(close);
	if (is_ours(fd))
		client_of[fd] = 0;
	return real(fd);
}
