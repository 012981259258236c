/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa_bounds: a journal of {key's print, bound}, see sa_bounds.h.
 *
 * The file is a header (magic, version, salt) and records of 32 bytes, each with its checksum,
 * appended and synchronised one by one; the last one of a key counts. When it has grown to several
 * times what it says, and when it is opened, it is written anew beside itself and renamed. Only one
 * process has it: it is locked.
 *
 * In memory: a fixed array of keys in a hash table, and a queue of those that no SA has, which make
 * room when there is no other. The number of a key never falls, so a record that comes late does no
 * harm. Only the control core calls. Numbers in the file are little endian. Not done: a key that
 * was forgotten for lack of room could come again; `max` is several times the SAs that there can
 * be, and the count tells.
 */
#include "sa_bounds.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/hash.h"

#define VERSION      1
#define REWRITE_OVER 4 /* records per key */

struct header {
	char magic[8];
	uint32_t version;
	uint32_t zero;
	uint8_t salt[SA_BOUNDS_SALT_BYTES];
	uint64_t check;
};

struct record {
	uint8_t print[SA_BOUNDS_PRINT_BYTES];
	uint64_t bound;
	uint64_t check;
};
_Static_assert(sizeof(struct header) == 56 && sizeof(struct record) == 32, "as in the file");

static const char magic[8] = "dmvpnseq";

struct key {
	uint8_t print[SA_BOUNDS_PRINT_BYTES];
	uint64_t bound;
	bool taken;
	LIST_ENTRY(key) of_bucket;
	TAILQ_ENTRY(key) of_queue; /* unless taken */
};
LIST_HEAD(bucket, key);

struct sa_bounds {
	char path[PATH_MAX];
	int fd, lock;
	uint64_t records; /* in the file */
	bool stale;       /* an append failed: written anew next time */
	uint8_t salt[SA_BOUNDS_SALT_BYTES];
	struct key *keys;
	struct bucket *buckets;
	uint32_t mask, used, max;
	TAILQ_HEAD(, key) queue; /* released longest ago first */
	struct sa_bounds_info info;
};

/* Tells damage, not malice: who can write the file is root. */
static uint64_t checksum(const void *bytes, size_t len)
{
	uint64_t h = 0, word;

	for (size_t i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, (const char *)bytes + i, sizeof(word));
		h = hash_word(h, le64toh(word));
	}
	return htole64(h);
}

/* ---- keys ---- */

/* The print is a hash already. */
static struct bucket *bucket_of(const struct sa_bounds *b, const uint8_t *print)
{
	uint32_t h;

	memcpy(&h, print, sizeof(h));
	return &b->buckets[h & b->mask];
}

static struct key *key_find(const struct sa_bounds *b, const uint8_t *print)
{
	struct key *k;

	LIST_FOREACH (k, bucket_of(b, print), of_bucket)
		if (memcmp(k->print, print, sizeof(k->print)) == 0)
			return k;
	return NULL;
}

/* A slot for a new key: a fresh one, or that of a key that nobody has. NULL: there is none. */
static struct key *key_new(struct sa_bounds *b)
{
	struct key *k;

	if (b->used < b->max)
		return &b->keys[b->used++];
	k = TAILQ_FIRST(&b->queue);
	if (k == NULL)
		return NULL;
	TAILQ_REMOVE(&b->queue, k, of_queue);
	LIST_REMOVE(k, of_bucket);
	b->info.forgotten++;
	return k;
}

/* The key, taken. NULL: no room. */
static struct key *key_take(struct sa_bounds *b, const uint8_t *print)
{
	struct key *k = key_find(b, print);

	if (k != NULL) {
		if (!k->taken)
			TAILQ_REMOVE(&b->queue, k, of_queue);
		k->taken = true;
		return k;
	}
	k = key_new(b);
	if (k == NULL)
		return NULL;
	*k = (struct key){.taken = true};
	memcpy(k->print, print, sizeof(k->print));
	LIST_INSERT_HEAD(bucket_of(b, print), k, of_bucket);
	return k;
}

void sa_bounds_release(struct sa_bounds *b, const uint8_t print[SA_BOUNDS_PRINT_BYTES])
{
	struct key *k = key_find(b, print);

	if (k == NULL || !k->taken)
		return;
	k->taken = false;
	TAILQ_INSERT_TAIL(&b->queue, k, of_queue);
}

/* ---- the file ---- */

static int write_all(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static struct record record_make(const uint8_t *print, uint64_t bound)
{
	struct record r = {.bound = htole64(bound)};

	memcpy(r.print, print, sizeof(r.print));
	r.check = checksum(&r, offsetof(struct record, check));
	return r;
}

static int header_write(const struct sa_bounds *b, int fd)
{
	struct header h = {.version = htole32(VERSION)};

	memcpy(h.magic, magic, sizeof(h.magic));
	memcpy(h.salt, b->salt, sizeof(h.salt));
	h.check = checksum(&h, offsetof(struct header, check));
	return write_all(fd, &h, sizeof(h));
}

static int keys_write(const struct sa_bounds *b, int fd)
{
	struct record rows[256];
	uint32_t n = 0;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < b->used; i++) {
		rows[n++] = record_make(b->keys[i].print, b->keys[i].bound);
		if (n < sizeof(rows) / sizeof(rows[0]) && i + 1 < b->used)
			continue;
		rc = write_all(fd, rows, n * sizeof(rows[0]));
		n = 0;
	}
	return rc;
}

/* A rename is on disk when its directory is. */
static int directory_sync(const char *path)
{
	char copy[PATH_MAX];
	int fd, rc = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* Everything that is known, in a new file in the place of the old one. */
static int rewrite(struct sa_bounds *b)
{
	char temporary[PATH_MAX + 8];
	int fd, rc;

	snprintf(temporary, sizeof(temporary), "%s.new", b->path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = header_write(b, fd);
	if (rc == 0)
		rc = keys_write(b, fd);
	if (rc == 0 && (fchmod(fd, 0600) < 0 || fsync(fd) < 0 || rename(temporary, b->path) < 0))
		rc = -errno;
	if (rc == 0)
		rc = directory_sync(b->path);
	if (rc < 0) {
		close(fd);
		unlink(temporary);
		return rc;
	}
	if (b->fd >= 0)
		close(b->fd);
	b->fd = fd;
	b->records = b->used;
	b->stale = false;
	return 0;
}

static int append(struct sa_bounds *b, const uint8_t *print, uint64_t bound)
{
	struct record r = record_make(print, bound);
	int rc = write_all(b->fd, &r, sizeof(r));

	if (rc == 0 && fdatasync(b->fd) < 0)
		rc = -errno;
	if (rc == 0)
		b->records++;
	return rc;
}

/* ---- reading ---- */

static int fail(char error[256], int rc, const char *path, const char *what)
{
	snprintf(error, 256, "%.140s: %.96s", path, what);
	return rc;
}

static int header_read(struct sa_bounds *b, FILE *f, char error[256])
{
	struct header h;

	if (fread(&h, sizeof(h), 1, f) != 1 || memcmp(h.magic, magic, sizeof(h.magic)) != 0)
		return fail(error, -EBADMSG, b->path, "not a file of sequence number bounds");
	if (le32toh(h.version) != VERSION)
		return fail(error, -EBADMSG, b->path, "written by another version");
	if (h.check != checksum(&h, offsetof(struct header, check)))
		return fail(error, -EBADMSG, b->path, "header is damaged");
	memcpy(b->salt, h.salt, sizeof(b->salt));
	return 0;
}

static int records_read(struct sa_bounds *b, FILE *f, char error[256])
{
	char what[96];
	struct record r;
	struct key *k;
	size_t n;

	while ((n = fread(&r, 1, sizeof(r), f)) == sizeof(r)) {
		if (r.check != checksum(&r, offsetof(struct record, check))) {
			/* The last one, by a crash in the middle of it? */
			if (fgetc(f) == EOF && !ferror(f))
				return 0;
			snprintf(what, sizeof(what), "record at byte %llu is damaged",
				 (unsigned long long)(sizeof(struct header) +
						      b->records * sizeof(r)));
			return fail(error, -EBADMSG, b->path, what);
		}
		k = key_take(b, r.print);
		if (k != NULL && le64toh(r.bound) > k->bound)
			k->bound = le64toh(r.bound);
		sa_bounds_release(b, r.print);
		b->records++;
	}
	return ferror(f) ? fail(error, -EIO, b->path, "cannot be read") : 0;
}

static int file_read(struct sa_bounds *b, char error[256])
{
	FILE *f = fopen(b->path, "re");
	int rc;

	if (f == NULL && errno == ENOENT) {
		if (getrandom(b->salt, sizeof(b->salt), 0) == (ssize_t)sizeof(b->salt))
			return 0;
		return fail(error, -EIO, b->path, "no random numbers for a new file");
	}
	if (f == NULL)
		return fail(error, -errno, b->path, strerror(errno));
	rc = header_read(b, f, error);
	if (rc == 0)
		rc = records_read(b, f, error);
	fclose(f);
	return rc;
}

/* Of a file beside it: this one is replaced now and then. */
static int lock_take(struct sa_bounds *b, char error[256])
{
	char path[PATH_MAX + 8];

	snprintf(path, sizeof(path), "%s.lock", b->path);
	b->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (b->lock < 0)
		return fail(error, -errno, path, strerror(errno));
	if (flock(b->lock, LOCK_EX | LOCK_NB) < 0)
		return fail(error, -errno, path, "another process has it");
	return 0;
}

static struct sa_bounds *bounds_new(const char *path, uint32_t max)
{
	struct sa_bounds *b = calloc(1, sizeof(*b));
	uint32_t buckets = hash_buckets(max);

	if (b == NULL)
		return NULL;
	b->fd = b->lock = -1;
	b->max = b->info.max = max;
	b->mask = buckets - 1;
	TAILQ_INIT(&b->queue);
	snprintf(b->path, sizeof(b->path), "%s", path);
	b->keys = calloc(max, sizeof(*b->keys));
	b->buckets = calloc(buckets, sizeof(*b->buckets));
	if (b->keys != NULL && b->buckets != NULL)
		return b;
	sa_bounds_close(b);
	return NULL;
}

int sa_bounds_open(const char *path, uint32_t max, struct sa_bounds **bounds, char error[256])
{
	struct sa_bounds *b = bounds_new(path, max);
	int rc;

	if (b == NULL)
		return fail(error, -ENOMEM, path, "no memory");
	rc = lock_take(b, error);
	if (rc == 0)
		rc = file_read(b, error);
	if (rc == 0) {
		rc = rewrite(b);
		if (rc < 0)
			fail(error, rc, path, strerror(-rc));
	}
	if (rc < 0) {
		sa_bounds_close(b);
		return rc;
	}
	*bounds = b;
	return 0;
}

void sa_bounds_close(struct sa_bounds *b)
{
	if (b == NULL)
		return;
	if (b->fd >= 0)
		close(b->fd);
	if (b->lock >= 0)
		close(b->lock);
	free(b->keys);
	free(b->buckets);
	free(b);
}

const uint8_t *sa_bounds_salt(const struct sa_bounds *b)
{
	return b->salt;
}

uint64_t sa_bounds_get(const struct sa_bounds *b, const uint8_t print[SA_BOUNDS_PRINT_BYTES])
{
	const struct key *k = key_find(b, print);

	return k == NULL ? 0 : k->bound;
}

int sa_bounds_put(struct sa_bounds *b, const uint8_t print[SA_BOUNDS_PRINT_BYTES], uint64_t bound)
{
	struct key *k = key_take(b, print);
	int rc;

	if (k == NULL)
		return -ENOSPC;
	if (k->bound >= bound && !b->stale)
		return 0;
	if (bound > k->bound)
		k->bound = bound;
	b->info.writes++;
	/* What is written anew has this one too. */
	if (b->stale || b->records >= (uint64_t)REWRITE_OVER * b->max)
		rc = rewrite(b);
	else
		rc = append(b, print, k->bound);
	if (rc < 0) {
		b->info.failed++;
		b->stale = true; /* memory is ahead of the file, which may have part of a record */
	}
	return rc;
}

void sa_bounds_info_get(const struct sa_bounds *b, struct sa_bounds_info *info)
{
	*info = b->info;
	info->keys = b->used;
}
