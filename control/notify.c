/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: the datagrams of sd_notify(3) by hand, one per call, to the AF_UNIX socket that
 * NOTIFY_SOCKET names; descriptors go along by SCM_RIGHTS. What comes back at the next start are
 * descriptors 3, 4, ... with their names in LISTEN_FDNAMES (sd_listen_fds(3)).
 *
 * Sends never block: a manager that is busy must not stop us, and misses one keep-alive at most.
 * Context: control; one per process, as the environment is.
 */
#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_FDS_START 3
#define STORE_MAX        1040 /* 16 ports and 1,024 tunnels */
#define NAME_MAX_LEN     255  /* systemd's limit of FDNAME */
#define MESSAGE_LEN      512

static struct {
	int fd; /* -1: no manager */
	uint64_t watchdog_us;
	unsigned count;
	struct notify_stored {
		char *name;
		int fd; /* -1: taken */
	} stored[STORE_MAX];
} manager = {.fd = -1};

/* The variable's value (the caller frees), gone from the environment. */
static char *env_take(const char *name)
{
	const char *value = getenv(name);
	char *copy = value ? strdup(value) : NULL;

	unsetenv(name);
	return copy;
}

/* A number that is this process's id; without the variable it is meant for us. */
static bool pid_is_ours(const char *text, bool absent)
{
	return text != NULL ? strtol(text, NULL, 10) == (long)getpid() : absent;
}

static void watchdog_read(void)
{
	char *usec = env_take("WATCHDOG_USEC"), *pid = env_take("WATCHDOG_PID");

	manager.watchdog_us = 0;
	if (usec != NULL && pid_is_ours(pid, true))
		manager.watchdog_us = strtoull(usec, NULL, 10) / 2;
	free(usec);
	free(pid);
}

/* One name per descriptor, separated by ':'. A descriptor without a name cannot be fetched. */
static void stored_read(void)
{
	char *pid = env_take("LISTEN_PID"), *fds = env_take("LISTEN_FDS");
	char *names = env_take("LISTEN_FDNAMES"), *rest = names, *name;
	long count = fds != NULL && pid_is_ours(pid, false) ? strtol(fds, NULL, 10) : 0;

	if (count > STORE_MAX)
		count = STORE_MAX;
	for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + count; fd++) {
		name = rest != NULL ? strsep(&rest, ":") : NULL;
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			continue;
		name = name != NULL ? strdup(name) : NULL;
		if (name == NULL)
			close(fd);
		else
			manager.stored[manager.count++] = (struct notify_stored){name, fd};
	}
	free(pid);
	free(fds);
	free(names);
}

static int socket_open(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd, error;

	/* "@name" is an abstract address: its first byte is NUL, and it has no other end. */
	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(addr.sun_path))
		return -EINVAL;
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&addr,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

int notify_open(void)
{
	char *path = env_take("NOTIFY_SOCKET");
	int fd = -1;

	notify_close();
	watchdog_read();
	stored_read();
	if (path == NULL)
		return 0;
	fd = socket_open(path);
	free(path);
	if (fd < 0)
		return fd;
	manager.fd = fd;
	return 0;
}

void notify_close(void)
{
	for (unsigned i = 0; i < manager.count; i++) {
		if (manager.stored[i].fd >= 0)
			close(manager.stored[i].fd);
		free(manager.stored[i].name);
	}
	manager.count = 0;
	if (manager.fd >= 0)
		close(manager.fd);
	manager.fd = -1;
}

bool notify_active(void)
{
	return manager.fd >= 0;
}

static int message_send(const char *text, int fd)
{
	struct iovec iov = {.iov_len = strlen(text)};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg;

	if (!notify_active())
		return 0;
	memcpy(&iov.iov_base, &text, sizeof(text)); /* sendmsg does not write there */
	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	return sendmsg(manager.fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A message is lines: whatever ends one inside a status would begin another assignment. */
static int status_send(const char *state, const char *status)
{
	char text[MESSAGE_LEN];
	char *c;

	snprintf(text, sizeof(text), "%sSTATUS=%s", state, status);
	for (c = text + strlen(state); *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
	return message_send(text, -1);
}

int notify_ready(const char *status)
{
	return status_send("READY=1\n", status);
}

int notify_stopping(const char *status)
{
	return status_send("STOPPING=1\n", status);
}

int notify_status(const char *fmt, ...)
{
	char status[MESSAGE_LEN - 32];
	va_list args;

	va_start(args, fmt);
	vsnprintf(status, sizeof(status), fmt, args);
	va_end(args);
	return status_send("", status);
}

uint64_t notify_watchdog_us(void)
{
	return manager.watchdog_us;
}

int notify_watchdog(void)
{
	return message_send("WATCHDOG=1", -1);
}

static bool name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len < 1 || len > NAME_MAX_LEN)
		return false;
	for (; *name != '\0'; name++)
		if (*name <= ' ' || *name > '~' || *name == ':')
			return false;
	return true;
}

int notify_fd_store(const char *name, int fd)
{
	char text[MESSAGE_LEN];

	if (!name_valid(name) || fd < 0)
		return -EINVAL;
	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
	return message_send(text, fd);
}

int notify_fd_remove(const char *name)
{
	char text[MESSAGE_LEN];

	if (!name_valid(name))
		return -EINVAL;
	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	return message_send(text, -1);
}

int notify_fd_take(const char *name)
{
	int fd;

	for (unsigned i = 0; i < manager.count; i++) {
		if (manager.stored[i].fd < 0 || strcmp(manager.stored[i].name, name) != 0)
			continue;
		fd = manager.stored[i].fd;
		manager.stored[i].fd = -1;
		return fd;
	}
	return -1;
}

unsigned notify_fd_sweep(void)
{
	unsigned swept = 0;

	for (unsigned i = 0; i < manager.count; i++) {
		if (manager.stored[i].fd < 0)
			continue;
		close(manager.stored[i].fd);
		manager.stored[i].fd = -1;
		notify_fd_remove(manager.stored[i].name);
		swept++;
	}
	return swept;
}
