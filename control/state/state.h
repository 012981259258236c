/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The state file: what the NHRP cache must not forget over a restart. Text, so that an operator can
 * look into it (jq), one JSON object per line:
 *
 *   {"format":"dmvpn-hub state","version":1,"written_ms":1795420800123}
 *   {"binding":{"tunnel":"Tunnel42","protocol":"10.255.0.11","nbma":"192.0.2.11","port":0,
 *               "claimed":"192.0.2.11","flags":["registered"],"mtu":1400,"holding":7200,
 *               "created_ms":1795420700000,"expires_ms":1795427900000}}          (in one line)
 *   {"end":{"bindings":1,"checksum":"0123456789abcdef"}}
 *
 * The checksum is FNV-1a (64 bits) over all that stands before its line: a file that was cut or
 * damaged is found out before anything of it is used. Further sections are further kinds of lines,
 * and a new version.
 *
 * Times are CLOCK_REALTIME in ms: they mean the same after a reboot.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/nhrp/nhrp_cache.h"

#define STATE_VERSION      1
#define STATE_BINDINGS_MAX 100000 /* as dataplane.limits.nexthops */
#define STATE_LINE_MAX     640
#define STATE_BYTES_MAX    ((size_t)(STATE_BINDINGS_MAX + 2) * STATE_LINE_MAX)

/* Flags that are kept, by name; the others follow from the configuration or from the moment. */
#define STATE_FLAG_LIST(X)          \
	X(UNIQUE, "unique")         \
	X(REGISTERED, "registered") \
	X(NAT, "nat")               \
	X(ROUTER, "router")         \
	X(AUTHORITATIVE, "authoritative")

struct state_binding {
	char tunnel[DP_NAME_LEN];
	struct dp_addr protocol;
	struct dp_addr nbma;    /* observed */
	struct dp_addr claimed; /* unset: not said */
	uint16_t natt_port;
	uint16_t mtu;
	uint16_t holding_s; /* not 0 */
	uint32_t flags;     /* NHRP_BINDING_F_* of STATE_FLAG_LIST */
	uint64_t created_ms;
	uint64_t expires_ms;
};

/* ---- writing: a text that grows binding by binding. Context: any, one at a time ---- */

struct state_text {
	char *bytes; /* owned, until somebody takes it away */
	size_t len, size;
	uint64_t sum;
	uint32_t bindings;
	bool failed; /* out of memory, or over a limit: what follows does nothing */
};

void state_text_begin(struct state_text *t, uint64_t written_ms);
void state_text_binding(struct state_text *t, const struct state_binding *b);
/* -ENOMEM, -EFBIG: some of it is missing; the text must not be used. */
int state_text_end(struct state_text *t);
void state_text_free(struct state_text *t);

/* ---- reading. Pure. Context: any ---- */

struct state_doc {
	uint64_t written_ms;
	struct state_binding *bindings; /* owned */
	uint32_t count;
};

struct state_error {
	char text[256]; /* "line 3, column 17: ...", printable */
};

/* All of it or nothing. -EINVAL with *err: not what this version writes; -ENOMEM. */
int state_doc_parse(struct state_doc *doc, const char *bytes, size_t len, struct state_error *err);
void state_doc_free(struct state_doc *doc);

/* ---- files. Context: any, they block ---- */

/* A file could be made there: 0 or -errno. */
int state_file_check(const char *path);
/* The whole file into *bytes (owned by the caller). -ENOENT; -EFBIG more than STATE_BYTES_MAX;
 * -EINVAL not a regular file; -errno. */
int state_file_read(const char *path, char **bytes, size_t *len);
/* As a whole or not at all, over a crash of the machine, too: a temporary file beside it, fsync,
 * rename, fsync of the directory. Mode 0600. -errno: the old file is still there. */
int state_file_write(const char *path, const char *bytes, size_t len);
/* Renames it to PATH.bad-N with the first N from 1 on that is free; the last one is replaced.
 * -errno. */
#define STATE_BAD_MAX 9
int state_file_set_aside(const char *path, char *kept, size_t kept_size);

/* ---- a thread that writes, for who may not block. Context: control ---- */

struct state_writer;

/* NULL with errno. */
struct state_writer *state_writer_new(const char *path);
/* Takes the bytes (malloc), writes them. False: the last ones are not written yet, nothing taken.
 */
bool state_writer_start(struct state_writer *w, char *bytes, size_t len);
/* Readable when state_writer_done has a result. */
int state_writer_fd(const struct state_writer *w);
/* True once for each start: *rc is 0 or -errno of the write. */
bool state_writer_done(struct state_writer *w, int *rc);
/* Waits until everything is written. NULL is allowed. */
void state_writer_free(struct state_writer *w);

/* ---- when to write. Pure. Milliseconds of one monotonic clock. Context: any ---- */

#define STATE_WAIT_MS  1000
#define STATE_LAZY_MS  30000 /* refreshes: an older expiry is harmless */
#define STATE_RETRY_MS 10000
#define STATE_SHARE    20 /* of the control core's time at most one part of so many */

struct state_pace {
	uint64_t due_ms; /* DEADLINE_NEVER: nothing to write */
	uint64_t not_before_ms;
};

void state_pace_init(struct state_pace *p);
/* A binding came, moved or went. */
void state_pace_changed(struct state_pace *p, uint64_t now_ms);
/* One got more time: its file entry is older than it by at most a tenth of that. */
void state_pace_refreshed(struct state_pace *p, uint64_t now_ms, uint16_t holding_s);
/* A text is made from here on: what changes now is for the next one. */
void state_pace_begun(struct state_pace *p);
/* It took so much of the control core's time. */
void state_pace_took(struct state_pace *p, uint64_t now_ms, uint64_t work_us);
void state_pace_failed(struct state_pace *p, uint64_t now_ms);
uint64_t state_pace_due_ms(const struct state_pace *p);
