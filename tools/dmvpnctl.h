/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * dmvpnctl: what its files share. One thread; errors are printed where they happen, and every int
 * function returns 0 or the exit status.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define CTL_SOCKET_DEFAULT "/run/dmvpn-hub/control.sock"

/* Exit status. */
enum ctl_status {
	CTL_OK = 0,
	CTL_REFUSED = 1, /* the daemon answered with an error */
	CTL_USAGE = 2,
	CTL_UNREACHABLE = 3, /* no daemon, no permission, no answer in time */
	CTL_INTERNAL = 4,    /* memory, or an answer that is none */
};

/* ---- dmvpnctl_client.c: the daemon's end ---- */

struct ctl_client {
	const char *path;
	unsigned timeout_s;
	int fd;
	char *in; /* received and not taken yet */
	size_t len, size;
	unsigned id; /* of the last request */
};

int ctl_open(struct ctl_client *client, const char *path, unsigned timeout_s);
void ctl_close(struct ctl_client *client);
/* One request; takes params over (NULL: none). *result is the caller's. */
int ctl_call(struct ctl_client *client, const char *method, json_t *params, json_t **result);
/* Follows `next` to the end: one result with all rows under `key` (NULL: not a list). */
int ctl_fetch(struct ctl_client *client, const char *method, const char *key, json_t **result);

/* ---- dmvpnctl_table.c: columns ---- */

enum ctl_kind {
	CTL_TEXT,  /* left-aligned; an array is joined by commas */
	CTL_COUNT, /* right-aligned number */
	CTL_BYTES, /* number with k, M, G */
	CTL_AGE,   /* seconds as 00:01:05, 3d04h, 2w1d; null is `never` */
	CTL_RATE,  /* of a counter, per second; only with -w */
	CTL_BITS,  /* of a byte counter, bit/s; only with -w */
};

struct ctl_column {
	const char *title;  /* NULL ends a list */
	const char *member; /* of the row; a dot goes into an object: twin.to_kernel_pkts */
	enum ctl_kind kind;
};

/* Rows of the reading before, for rates; previous NULL: none, rate columns are not shown. */
struct ctl_rates {
	const json_t *previous;
	double seconds;
	const char *id[3]; /* members that tell rows apart */
};

void ctl_table_print(FILE *out,
		     const json_t *rows,
		     const struct ctl_column *columns,
		     const struct ctl_rates *rates);
/* Cisco's form: 00:01:05, 3d04h, 2w1d. */
void ctl_age_format(char *buf, size_t size, long long seconds);
const json_t *ctl_member(const json_t *row, const char *path);
/* Text of a member, "-" for null and for what is not there. Valid until the next call. */
const char *ctl_member_text(const json_t *row, const char *path);

/* ---- dmvpnctl_show.c: nouns ---- */

struct ctl_options {
	bool json;
	bool all;         /* zeros too */
	unsigned watch_s; /* 0: once */
};

struct ctl_noun {
	const char *name; /* NULL ends the list */
	const char *help;
	const char *method;
	const char *key;     /* of the rows, NULL: no list */
	const char *method2; /* a second list that the print needs, or NULL */
	const char *key2;
	void (*print)(FILE *out,
		      const json_t *result,
		      const struct ctl_options *options,
		      struct ctl_rates *rates);
};

extern const struct ctl_noun ctl_nouns[];

/* ---- dmvpnctl_cisco.c: the two commands that every DMVPN operator knows by heart ---- */

void ctl_dmvpn_print(FILE *out,
		     const json_t *result,
		     const struct ctl_options *options,
		     struct ctl_rates *rates);
void ctl_nhrp_print(FILE *out,
		    const json_t *result,
		    const struct ctl_options *options,
		    struct ctl_rates *rates);
