/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page: what the list methods have in common, pages, cursors and the JSON of values. A cursor is
 * opaque text for the client; what it holds is each method's own business, and bytes from outside
 * when it comes back.
 *
 * Control core only; no state.
 */
#include "page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/dp_addr.h"

const struct rpc_param page_params[] = {
	{"limit", RPC_UINT, 1, PAGE_ROWS_MAX, PAGE_ROWS_DEFAULT, "rows in one answer"},
	{"cursor", RPC_TEXT, 1, PAGE_CURSOR_LEN - 1, 0, "`next` of the answer before"},
	{NULL},
};

void page_begin(struct page *page, const struct rpc_call *call, const char *key)
{
	page->key = key;
	page->rows = json_array();
	page->left = rpc_param_uint(call, "limit");
	page->failed = false;
}

void page_add(struct page *page, json_t *row)
{
	if (json_array_append_new(page->rows, row) < 0)
		page->failed = true;
	if (page->left > 0)
		page->left--;
}

json_t *page_end(struct page *page, const char *next)
{
	if (page->failed) {
		page_drop(page);
		return NULL;
	}
	return json_pack("{s:o, s:s?}", page->key, page->rows, "next", next);
}

unsigned page_room(const struct page *page, unsigned max)
{
	return page->left < max ? (unsigned)page->left : max;
}

void page_drop(struct page *page)
{
	json_decref(page->rows);
	page->rows = NULL;
}

json_t *page_end_at(struct page *page, bool more, uint64_t next)
{
	char text[PAGE_CURSOR_LEN];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)next);
	return page_end(page, more ? text : NULL);
}

int page_cursor_get(const struct rpc_call *call, uint64_t *cursor)
{
	const char *text = rpc_param_text(call, "cursor");
	char *end;

	*cursor = 0;
	if (!text)
		return 0;
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	*cursor = strtoull(text, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

int page_cursor32_get(const struct rpc_call *call, uint32_t *cursor)
{
	uint64_t value;

	if (page_cursor_get(call, &value) < 0 || value > UINT32_MAX)
		return -EINVAL;
	*cursor = (uint32_t)value;
	return 0;
}

json_t *page_cursor_refuse(struct rpc_call *call)
{
	return rpc_param_refuse(call, "cursor", "`next` of an answer of this method");
}

json_t *page_addr(const struct dp_addr *addr)
{
	char text[DP_ADDR_STRLEN];

	return dp_addr_is_set(addr) ? json_string(dp_addr_format(addr, text)) : json_null();
}

json_t *page_prefix(const struct dp_prefix *prefix)
{
	char text[DP_PREFIX_STRLEN];

	return dp_addr_is_set(&prefix->addr) ? json_string(dp_prefix_format(prefix, text))
					     : json_null();
}

json_t *page_prefixes(const struct dp_prefix *prefixes, unsigned count)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list, page_prefix(&prefixes[i]));
	return list;
}

json_t *page_mac(const uint8_t mac[6])
{
	char text[18];

	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return json_string(text);
}

json_t *page_text(const char *text)
{
	char clean[256];
	json_t *value = json_string(text);

	if (value)
		return value;
	snprintf(clean, sizeof(clean), "%s", text);
	for (char *c = clean; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	return json_string(clean);
}

json_t *page_words(const char *list)
{
	json_t *words = json_array();

	while (*list) {
		const size_t len = strcspn(list, ", ");

		if (len > 0)
			json_array_append_new(words, json_stringn(list, len));
		list += len + strspn(list + len, ", ");
	}
	return words;
}

json_t *page_seconds(uint64_t from_ms, uint64_t to_ms)
{
	return json_integer(to_ms > from_ms ? (json_int_t)((to_ms - from_ms) / 1000) : 0);
}

json_t *page_time(uint64_t time_us)
{
	const time_t seconds = (time_t)(time_us / 1000000);
	char day[32], text[48];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", day, (unsigned)(time_us / 1000 % 1000));
	return json_string(text);
}

void page_counters_set(json_t *row, const struct page_counter *counters, const void *from)
{
	uint64_t value;

	for (; counters->name; counters++) {
		memcpy(&value, (const char *)from + counters->offset, sizeof(value));
		json_object_set_new(row, counters->name, json_integer((json_int_t)value));
	}
}
