/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket: the control socket's place in the file system and who may use it. The mode keeps others
 * out; the credentials of the peer (unix(7), SO_PEERCRED and SO_PEERGROUPS) are checked as well,
 * because a descriptor can be passed on and a directory can be mounted elsewhere.
 *
 * A crashed daemon leaves its socket: nobody answers there, so it is replaced. Not done: a lock
 * against two daemons that start within the same millisecond (the twins' descriptors tell them).
 */
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api_priv.h"
#include "control/log.h"

#define BACKLOG         16
#define PEER_GROUPS_MAX 256

static int fail(const char *path, const char *what)
{
	const int rc = -errno;

	log_sys("control.socket: %s: %s: %s", path, what, strerror(errno));
	return rc;
}

static int address_fill(struct sockaddr_un *addr, const char *path)
{
	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(addr->sun_path)) {
		log_sys("control.socket: %s: %zu bytes (at most %zu)", path, strlen(path),
			sizeof(addr->sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(addr->sun_path, path);
	return 0;
}

static int group_find(struct api_socket *sock, const char *group)
{
	const struct group *gr;

	sock->has_group = group != NULL;
	if (!group)
		return 0;
	errno = 0;
	gr = getgrnam(group);
	if (!gr) {
		log_sys("control.group: %s: no such group%s%s", group, errno ? ": " : "",
			errno ? strerror(errno) : "");
		return -ENOENT;
	}
	sock->group = gr->gr_gid;
	return 0;
}

static int directory_make(const char *path)
{
	char copy[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *dir;

	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return fail(path, "create its directory");
	return 0;
}

/* Removes what a crashed daemon left; -EADDRINUSE when somebody listens there. */
static int stale_remove(const struct sockaddr_un *addr)
{
	const char *path = addr->sun_path;
	struct stat st;
	int fd, rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(path, "look at it");
	if (!S_ISSOCK(st.st_mode)) {
		errno = ENOTSOCK;
		return fail(path, "exists and is no socket");
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(path, "socket");
	rc = connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	/* ECONNREFUSED: a socket file without a listener. Anything else is alive, even if busy. */
	rc = rc < 0 && errno == ECONNREFUSED ? 0 : -EADDRINUSE;
	close(fd);
	if (rc < 0) {
		log_sys("control.socket: %s: dmvpnd is already running", path);
		return rc;
	}
	log_info("control.socket: %s: replace the socket of a daemon that crashed", path);
	return unlink(path) < 0 ? fail(path, "remove") : 0;
}

/* Binds with mode 0600, so that nobody connects before owner and mode are what they should be. */
static int path_bind(struct api_socket *sock, const struct sockaddr_un *addr)
{
	const char *path = addr->sun_path;
	struct stat st;

	if (fchmod(sock->fd, 0600) < 0 ||
	    bind(sock->fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0)
		return fail(path, "bind");
	if (lstat(path, &st) < 0)
		return fail(path, "look at it");
	sock->dev = st.st_dev;
	sock->ino = st.st_ino;
	strcpy(sock->path, path);
	if (sock->has_group && chown(path, (uid_t)-1, sock->group) < 0)
		return fail(path, "set its group");
	if (chmod(path, sock->has_group ? 0660 : 0600) < 0)
		return fail(path, "set its mode");
	if (listen(sock->fd, BACKLOG) < 0)
		return fail(path, "listen");
	return 0;
}

int api_socket_open(struct api_socket *sock, const char *path, const char *group)
{
	struct sockaddr_un addr;
	int rc;

	memset(sock, 0, sizeof(*sock));
	sock->fd = -1;
	rc = address_fill(&addr, path);
	if (rc == 0)
		rc = group_find(sock, group);
	if (rc == 0)
		rc = directory_make(path);
	if (rc == 0)
		rc = stale_remove(&addr);
	if (rc < 0)
		return rc;
	sock->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (sock->fd < 0)
		return fail(path, "socket");
	rc = path_bind(sock, &addr);
	if (rc < 0)
		api_socket_close(sock);
	return rc;
}

void api_socket_close(struct api_socket *sock)
{
	struct stat st;

	if (sock->path[0] && lstat(sock->path, &st) == 0 && st.st_dev == sock->dev &&
	    st.st_ino == sock->ino)
		unlink(sock->path);
	if (sock->fd >= 0)
		close(sock->fd);
	sock->fd = -1;
	sock->path[0] = '\0';
}

static bool peer_in_group(int fd, const struct ucred *cred, gid_t group)
{
	gid_t groups[PEER_GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (cred->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

int api_socket_peer_check(const struct api_socket *sock, int fd, char *who, size_t who_len)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
		snprintf(who, who_len, "credentials unknown: %s", strerror(errno));
		return -EACCES;
	}
	if (cred.uid == 0 || cred.uid == geteuid())
		return 0;
	if (sock->has_group && peer_in_group(fd, &cred, sock->group))
		return 0;
	snprintf(who, who_len, "pid %d, uid %u, gid %u", (int)cred.pid, (unsigned)cred.uid,
		 (unsigned)cred.gid);
	return -EACCES;
}
