/* SPDX-License-Identifier: Apache-2.0 */
/* state_file: the state file on disk, see state.h. Context: any; all of it blocks. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state.h"

static int read_all(int fd, char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* cut under us */
		done += (size_t)n;
	}
	return 0;
}

static int read_open(int fd, char **bytes, size_t *len)
{
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((size_t)st.st_size > STATE_BYTES_MAX)
		return -EFBIG;
	*len = (size_t)st.st_size;
	*bytes = malloc(*len + 1);
	if (!*bytes)
		return -ENOMEM;
	rc = read_all(fd, *bytes, *len);
	if (rc < 0)
		free(*bytes);
	return rc;
}

int state_file_read(const char *path, char **bytes, size_t *len)
{
	/* A FIFO or a device must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	int rc;

	if (fd < 0)
		return -errno;
	rc = read_open(fd, bytes, len);
	close(fd);
	return rc;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int write_temporary(const char *temporary, const char *bytes, size_t len)
{
	int fd, rc;

	/* What a crash left there may have another owner or mode, or be a link. */
	if (unlink(temporary) < 0 && errno != ENOENT)
		return -errno;
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, bytes, len);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc < 0)
		unlink(temporary);
	return rc;
}

/* With its slash. */
static void directory_of(const char *path, char directory[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		snprintf(directory, PATH_MAX, ".");
	else
		snprintf(directory, PATH_MAX, "%.*s", (int)(slash - path + 1), path);
}

int state_file_check(const char *path)
{
	char directory[PATH_MAX];

	directory_of(path, directory);
	return access(directory, W_OK | X_OK) < 0 ? -errno : 0;
}

/* The new name is on disk, too. */
static int directory_sync(const char *path)
{
	char directory[PATH_MAX];
	int fd, rc;

	directory_of(path, directory);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

int state_file_write(const char *path, const char *bytes, size_t len)
{
	char temporary[PATH_MAX];
	int rc;

	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	rc = write_temporary(temporary, bytes, len);
	if (rc < 0)
		return rc;
	if (rename(temporary, path) < 0) {
		rc = -errno;
		unlink(temporary);
		return rc;
	}
	return directory_sync(path);
}

int state_file_set_aside(const char *path, char *kept, size_t kept_size)
{
	for (unsigned n = 1; n <= STATE_BAD_MAX; n++) {
		unsigned flags = n < STATE_BAD_MAX ? RENAME_NOREPLACE : 0;

		if (snprintf(kept, kept_size, "%s.bad-%u", path, n) >= (int)kept_size)
			return -ENAMETOOLONG;
		if (renameat2(AT_FDCWD, path, AT_FDCWD, kept, flags) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}
