/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Results of the list methods: {"spokes": [...], "next": CURSOR or null}. A page is what one turn
 * of the control core can afford; the client asks again with `cursor` until `next` is null. Private
 * to control/api/. Context: control.
 */
#include <stdbool.h>

#include "rpc.h"

#define PAGE_ROWS_MAX     200 /* a row costs 8 to 20 us, so a page at most 4 ms */
#define PAGE_ROWS_DEFAULT 100
#define PAGE_CURSOR_LEN   64 /* with the NUL */

/* Parameters of every list method: limit, cursor. */
extern const struct rpc_param page_params[];

struct page {
	const char *key; /* what the rows are: "spokes" */
	json_t *rows;
	uint64_t left; /* rows that still fit */
	bool failed;   /* memory was short */
};

void page_begin(struct page *page, const struct rpc_call *call, const char *key);
/* Takes the row over; NULL fails the page. */
void page_add(struct page *page, json_t *row);
/* The result, NULL when memory was short; next NULL: nothing follows. */
json_t *page_end(struct page *page, const char *next);
/* How many of at most `max` rows still fit. */
unsigned page_room(const struct page *page, unsigned max);
void page_drop(struct page *page);

/* Cursors that are a number: 0 without cursor; -EINVAL when it is none. */
int page_cursor_get(const struct rpc_call *call, uint64_t *cursor);
int page_cursor32_get(const struct rpc_call *call, uint32_t *cursor);
json_t *page_cursor_refuse(struct rpc_call *call);
/* page_end with a number; more false: nothing follows. */
json_t *page_end_at(struct page *page, bool more, uint64_t next);

/* Values of rows; null for what is not set. */
struct dp_addr;
struct dp_prefix;
json_t *page_addr(const struct dp_addr *addr);
json_t *page_prefix(const struct dp_prefix *prefix);
json_t *page_prefixes(const struct dp_prefix *prefixes, unsigned count);
json_t *page_mac(const uint8_t mac[6]);
/* Text that may hold any bytes: what is not UTF-8 is replaced, an answer never fails for it. */
json_t *page_text(const char *text);
/* "a,b" -> ["a", "b"], "" -> [] */
json_t *page_words(const char *list);
/* Whole seconds from `from` to `to`, 0 when it is the other way round. */
json_t *page_seconds(uint64_t from_ms, uint64_t to_ms);
/* CLOCK_REALTIME as RFC 3339, UTC, milliseconds. */
json_t *page_time(uint64_t time_us);

/* uint64_t fields of a struct that go out under their own names; a list ends with NULL. */
struct page_counter {
	const char *name;
	size_t offset;
};
#define PAGE_COUNTER(type, field)                    \
	{                                            \
#field, offsetof(struct type, field) \
	}
void page_counters_set(json_t *row, const struct page_counter *counters, const void *from);
