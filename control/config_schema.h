/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The schema: one table per section of the document, one row per key. Parsing, the man page
 * (checked by a test) and the sample files follow these rows. Context: any; constant data.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
	CONFIG_UINT,   /* min..max */
	CONFIG_POWER2, /* a power of two in min..max */
	CONFIG_BOOL,
	CONFIG_ENUM,      /* names */
	CONFIG_IFNAME,    /* of a kernel interface: DP_NAME_LEN bytes */
	CONFIG_DEVICE,    /* of a DPDK port */
	CONFIG_PATH,      /* absolute; allocated */
	CONFIG_GROUP,     /* of users; allocated */
	CONFIG_NAME,      /* 1 to DP_NAME_LEN - 1 letters, digits, "-", "_", "." */
	CONFIG_SOURCE,    /* a port's name or an address, as text */
	CONFIG_WORD,      /* printable characters, min..max of them; a secret: never quoted */
	CONFIG_HOST,      /* one unicast address; or one of names, which leaves the field unset */
	CONFIG_INTERFACE, /* address/length: host bits kept */
	CONFIG_NETWORK,   /* prefix: host bits zero */
	CONFIG_SECTION,
	CONFIG_UNAVAILABLE, /* known, not implemented yet: refused by name */
};

struct config_name {
	const char *name;
	uint32_t value;
};

struct config_section;

struct config_key {
	const char *name;
	enum config_type type;
	bool required;
	/* > 0: a list of at most so many. Sections and values alike. */
	uint32_t list_max;
	bool allocated; /* a list whose array is allocated: the field is a pointer to it */
	uint64_t min, max;
	/* What an absent key means, written as in the document. For CONFIG_UNAVAILABLE: the one
	 * value that asks for nothing and is accepted. */
	const char *fallback;
	const struct config_name *names;      /* CONFIG_ENUM; ends with a NULL name */
	const struct config_section *section; /* CONFIG_SECTION */
	const char *help;                     /* one sentence, with the unit */
	/* Where the value goes, from the start of the section's struct. */
	uint32_t offset;
	uint32_t size;         /* of the field; of an allocated list: of one element */
	uint32_t count_offset; /* uint32_t: elements of a list */
	uint32_t given_offset; /* bool: the key was there; 0 = nobody asks */
};

struct config_section {
	const struct config_key *keys;
	uint32_t key_count;
	uint32_t size; /* of the struct that holds it */
};

#define CONFIG_KEYS_MAX 32 /* of one section */

/* The whole document. */
const struct config_section *config_schema(void);

/*
 * "number from 576 to 9190, default 1500": what a key takes, for the man page. Returns buf.
 */
#define CONFIG_DESCRIPTION_LEN 384
const char *config_key_describe(const struct config_key *key, char buf[CONFIG_DESCRIPTION_LEN]);
/* The same without default and "required": what is allowed, for errors. */
const char *config_key_allowed(const struct config_key *key, char buf[CONFIG_DESCRIPTION_LEN]);
