/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Sequence number bounds on disk (invariant 8 of DESIGN): up to which number a key may have been
 * used, whatever happens to this process. A key is named by a keyed hash of it (dp_sa_print), the
 * salt of which is the file's own. What sa_bounds_put was told is on disk when it returns.
 *
 * Context: control.
 */
#include <stdint.h>

#define SA_BOUNDS_SALT_BYTES  32 /* DP_SA_SALT_BYTES */
#define SA_BOUNDS_PRINT_BYTES 16 /* DP_SA_PRINT_BYTES */

struct sa_bounds;

/*
 * Opens or makes the file, mode 0600; reads it whole. `max` keys are kept; of those that nobody
 * has, the one released longest ago goes first. A last record that was not written to its end was
 * never relied on and is dropped; anything else that is wrong is -EBADMSG: nobody knows then what
 * has been used. -ENOMEM, -errno of the file; `error` says it with the path.
 */
int sa_bounds_open(const char *path, uint32_t max, struct sa_bounds **bounds, char error[256]);
void sa_bounds_close(struct sa_bounds *b);

const uint8_t *sa_bounds_salt(const struct sa_bounds *b);

/* The highest number that the key may have been used with; 0: none is known. O(1). */
uint64_t sa_bounds_get(const struct sa_bounds *b, const uint8_t print[SA_BOUNDS_PRINT_BYTES]);
/* Numbers up to `bound` may be used from now on; it never falls. The key is somebody's until
 * sa_bounds_release. -ENOSPC: all keys are somebody's; -errno of the file: then the numbers must
 * not be used, and the file is tried again with the next call. */
int sa_bounds_put(struct sa_bounds *b, const uint8_t print[SA_BOUNDS_PRINT_BYTES], uint64_t bound);

/* The key's SA is gone. */
void sa_bounds_release(struct sa_bounds *b, const uint8_t print[SA_BOUNDS_PRINT_BYTES]);

struct sa_bounds_info {
	uint32_t keys, max;
	uint64_t forgotten; /* keys that went because there was no room */
	uint64_t writes, failed;
};
void sa_bounds_info_get(const struct sa_bounds *b, struct sa_bounds_info *info);
