/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_sysctl: reads and writes per-interface settings; see net_sysctl.h.
 */
#include "net_sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "net_priv.h"

#define PATH_BYTES 128

static int path_error(const char *path, const char *doing, int error)
{
	/* The directory appears and goes with the interface. */
	if (error == ENOENT)
		return net_error_set(-ENODEV, "%s: %s: no such interface or setting", path, doing);
	return net_error_set(-error, "%s: %s: %s", path, doing, strerror(error));
}

static int value_read(const char *path, int *value)
{
	char text[32] = "", *end;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return path_error(path, "open", errno);
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0) {
		int error = errno;

		close(fd);
		return path_error(path, "read", error);
	}
	close(fd);
	*value = (int)strtol(text, &end, 10);
	if (end == text)
		return net_error_set(-EIO, "%s: read: '%s' is no number", path, text);
	return 0;
}

static int value_write(const char *path, int value)
{
	int fd, len, error = 0;
	char text[16];

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return path_error(path, "open for writing", errno);
	len = snprintf(text, sizeof(text), "%d\n", value);
	if (write(fd, text, (size_t)len) != len)
		error = errno;
	close(fd);
	return error ? path_error(path, "write", error) : 0;
}

static void path_format(char path[PATH_BYTES],
			const char *family,
			const char *ifname,
			const char *name)
{
	snprintf(path, PATH_BYTES, "/proc/sys/net/%s/conf/%s/%s", family, ifname, name);
}

int net_sysctl_get(const char *family, const char *ifname, const char *name, int *value)
{
	char path[PATH_BYTES];

	path_format(path, family, ifname, name);
	return value_read(path, value);
}

int net_sysctl_set(const char *family, const char *ifname, const char *name, int value)
{
	char path[PATH_BYTES];
	int now, rc;

	path_format(path, family, ifname, name);
	rc = value_read(path, &now);
	if (rc < 0 || now == value)
		return rc;
	rc = value_write(path, value);
	if (rc == 0)
		rc = value_read(path, &now);
	if (rc == 0 && now != value)
		return net_error_set(-EIO, "%s: wrote %d, reads %d", path, value, now);
	return rc < 0 ? rc : 1;
}

static bool kernel_has_ipv6(void)
{
	return access("/proc/sys/net/ipv6", F_OK) == 0;
}

int net_sysctl_ipv6_disable(const char *ifname)
{
	int rc = kernel_has_ipv6() ? net_sysctl_set("ipv6", ifname, "disable_ipv6", 1) : 0;

	/* An MTU below 1280 (RFC 8200, section 5): the kernel has no IPv6 on it at all. */
	return rc == -ENODEV ? 0 : rc;
}

int net_sysctl_ipv6_restore(const char *ifname)
{
	int value, rc;

	if (!kernel_has_ipv6())
		return 0;
	rc = net_sysctl_get("ipv6", "default", "disable_ipv6", &value);
	if (rc == 0)
		rc = net_sysctl_set("ipv6", ifname, "disable_ipv6", value);
	return rc == -ENODEV ? 0 : rc;
}
