/* SPDX-License-Identifier: Apache-2.0 */
/*
 * methods_nhrp: spokes and the NHRP cache. Words and letters are those of Cisco's `show dmvpn` and
 * `show ip nhrp`: attributes S static, D dynamic, N behind a NAT; "used": forwarded to within the
 * last minute, as the counters of its spoke say.
 */

#include "control/clock.h"
#include "control/nhrp/nhrp_server.h"
#include "control/spoke.h"
#include "dataplane/dp_spoke.h"
#include "methods.h"

#define CHUNK          32         /* rows copied at once */
#define FLAG_USED      0x80000000 /* beside NHRP_BINDING_F_*: a matter of now */
#define REQUESTERS_MAX 8  /* of an entry that its row names; `requesters_count` counts all */
#define PROTOCOLS_MAX  16 /* addresses of one spoke that its row names; `entries` counts all */

static const struct page_counter spoke_counters[] = {
	PAGE_COUNTER(dp_spoke_counters, rx_pkts),
	PAGE_COUNTER(dp_spoke_counters, rx_bytes),
	PAGE_COUNTER(dp_spoke_counters, tx_pkts),
	PAGE_COUNTER(dp_spoke_counters, tx_bytes),
	{NULL},
};
_Static_assert(sizeof(struct dp_spoke_counters) ==
		       (sizeof(spoke_counters) / sizeof(spoke_counters[0]) - 1) * 8,
	       "a new counter of a spoke goes into spoke_counters");

static void attributes_fill(char text[4], bool is_static, bool is_dynamic, bool nat)
{
	char *c = text;

	if (is_static)
		*c++ = 'S';
	if (is_dynamic)
		*c++ = 'D';
	if (nat)
		*c++ = 'N';
	*c = '\0';
}

/* Adds what the spoke's bindings say: addresses and attributes. */
static void spoke_bindings_set(json_t *row, const struct spoke *spoke)
{
	bool is_static = false, is_dynamic = false, nat = false;
	json_t *protocols = json_array();
	const struct nhrp_binding *b;
	char attributes[4];

	if (spoke) {
		LIST_FOREACH (b, &spoke->bindings, of_spoke) {
			is_static |= b->type == NHRP_BINDING_STATIC;
			is_dynamic |= b->type == NHRP_BINDING_DYNAMIC;
			nat |= (b->flags & NHRP_BINDING_F_NAT) != 0;
			if (json_array_size(protocols) < PROTOCOLS_MAX)
				json_array_append_new(protocols, page_addr(&b->protocol));
		}
	}
	attributes_fill(attributes, is_static, is_dynamic, nat);
	json_object_set_new(row, "protocol", protocols);
	json_object_set_new(row, "attributes", json_string(attributes));
}

static json_t *spoke_json(const struct api_sources *src, const struct spoke_info *s, uint64_t now)
{
	struct dp_spoke_counters counters = {0};
	json_t *row = json_pack(
		"{s:o, s:o, s:i, s:s, s:o, s:o, s:s, s:I, s:I}", "interface",
		page_text(spoke_tunnel_name(src->spokes, s->key.tunnel)), "nbma",
		page_addr(&s->key.nbma), "natt_port", s->key.natt_port, "state",
		spoke_state_name(s->state), "uptime_s", page_seconds(s->since_ms, now), "created_s",
		page_seconds(s->created_ms, now), "reason", s->reason ? s->reason : "", "entries",
		(json_int_t)s->binding_count, "spoke", (json_int_t)s->dp);

	if (!row)
		return NULL;
	dp_spoke_counters_get(s->dp, &counters);
	spoke_bindings_set(row, spoke_find(src->spokes, &s->key));
	page_counters_set(row, spoke_counters, &counters);
	return row;
}

static json_t *spoke_table_set(json_t *result, const struct spoke_table *spokes)
{
	struct spoke_table_info info = {0};

	if (spokes)
		spoke_table_info_get(spokes, &info);
	json_object_set_new(result, "spokes_max", json_integer(info.capacity));
	json_object_set_new(result, "spokes_used", json_integer(info.spokes));
	json_object_set_new(result, "full", json_integer((json_int_t)info.full));
	return result;
}

json_t *method_spoke_list(struct rpc_call *call)
{
	const struct api_sources *src = method_env(call)->sources;
	struct spoke_info rows[CHUNK];
	const uint64_t now = clock_ms(CLOCK_MONOTONIC);
	struct page page;
	uint32_t cursor;
	unsigned n;

	if (page_cursor32_get(call, &cursor) < 0)
		return page_cursor_refuse(call);
	page_begin(&page, call, "spokes");
	do {
		n = src->spokes ? spoke_list(src->spokes, &cursor, rows, page_room(&page, CHUNK))
				: 0;
		for (unsigned i = 0; i < n; i++)
			page_add(&page, spoke_json(src, &rows[i], now));
	} while (n > 0 && page.left > 0);
	return spoke_table_set(page_end_at(&page, n > 0, cursor), src->spokes);
}

void method_spokes_count(const struct api_sources *sources,
			 struct method_spoke_count *counts,
			 uint32_t tunnels)
{
	struct spoke_info rows[CHUNK];
	uint32_t cursor = 0;
	unsigned n;

	if (!sources->spokes)
		return;
	while ((n = spoke_list(sources->spokes, &cursor, rows, CHUNK)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			if (rows[i].key.tunnel >= tunnels)
				continue;
			counts[rows[i].key.tunnel].spokes++;
			counts[rows[i].key.tunnel].up += rows[i].state == SPOKE_UP;
		}
	}
}

static bool is_used(const struct nhrp_binding_info *b, uint64_t now)
{
	return b->used_ms != 0 && now < b->used_ms + NHRP_USED_MS;
}

/* In the order of `show ip nhrp`. */
static json_t *flags_json(const struct nhrp_binding_info *b, uint64_t now)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
		{NHRP_BINDING_F_AUTHORITATIVE, "authoritative"},
		{NHRP_BINDING_F_ROUTER, "router"},
		{NHRP_BINDING_F_IMPLICIT, "implicit"},
		{NHRP_BINDING_F_UNIQUE, "unique"},
		{NHRP_BINDING_F_REGISTERED, "registered"},
		{FLAG_USED, "used"},
		{NHRP_BINDING_F_NAT, "nat"},
		{NHRP_BINDING_F_ROUTE, "rib"},
	};
	const uint32_t flags = b->flags | (is_used(b, now) ? FLAG_USED : 0);
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			json_array_append_new(list, json_string(names[i].name));
	return list;
}

/* Adds who was told of it. */
static void requesters_set(json_t *row,
			   const struct api_sources *src,
			   const struct nhrp_binding_info *b)
{
	struct nhrp_requester told[REQUESTERS_MAX];
	unsigned count = nhrp_server_requesters(src->nhrp, b, told, REQUESTERS_MAX);
	json_t *list = json_array();

	for (unsigned i = 0; i < count && i < REQUESTERS_MAX; i++)
		json_array_append_new(list,
				      json_pack("{s:o, s:I}", "protocol",
						page_addr(&told[i].requester_protocol),
						"request_id", (json_int_t)told[i].request_id));
	json_object_set_new(row, "requesters", list);
	json_object_set_new(row, "requesters_count", json_integer(count));
}

static json_t *binding_json(const struct api_sources *src,
			    const struct nhrp_binding_info *b,
			    uint64_t now)
{
	const bool nat = (b->flags & NHRP_BINDING_F_NAT) != 0;
	json_t *row = json_pack(
		"{s:o, s:o, s:o, s:s, s:o, s:o, s:i, s:o, s:o, s:o, s:o, s:i, s:o}", "interface",
		src->spokes ? page_text(spoke_tunnel_name(src->spokes, b->tunnel))
			    : method_tunnel_name(b->tunnel),
		"target", page_prefix(&b->target), "protocol", page_addr(&b->protocol), "type",
		nhrp_binding_type_name(b->type), "flags", flags_json(b, now), "nbma",
		page_addr(&b->spoke.nbma), "natt_port", b->spoke.natt_port, "claimed_nbma",
		nat ? page_addr(&b->claimed) : json_null(), "created_s",
		page_seconds(b->created_ms, now), "refreshed_s", page_seconds(b->refreshed_ms, now),
		"expires_s",
		b->expires_ms == DEADLINE_NEVER ? json_null() : page_seconds(now, b->expires_ms),
		"holding_s", b->holding_s, "mtu", b->mtu ? json_integer(b->mtu) : json_null());

	if (row)
		requesters_set(row, src, b);
	return row;
}

static json_t *nhrp_cache_set_info(json_t *result, const struct nhrp_cache *nhrp)
{
	struct nhrp_cache_info info = {0};

	if (nhrp)
		nhrp_cache_info_get(nhrp, &info);
	json_object_set_new(result, "entries_max", json_integer(info.capacity));
	json_object_set_new(result, "entries_used", json_integer(info.bindings));
	json_object_set_new(result, "full", json_integer((json_int_t)info.full));
	json_object_set_new(result, "route_failed", json_integer((json_int_t)info.route_failed));
	json_object_set_new(result, "del_retried", json_integer((json_int_t)info.del_retried));
	return result;
}

json_t *method_nhrp_list(struct rpc_call *call)
{
	const struct api_sources *src = method_env(call)->sources;
	struct nhrp_binding_info rows[CHUNK];
	const struct nhrp_cache *nhrp = src->nhrp ? nhrp_server_cache(src->nhrp) : NULL;
	const uint64_t now = clock_ms(CLOCK_MONOTONIC);
	struct page page;
	uint32_t cursor;
	unsigned n;

	if (page_cursor32_get(call, &cursor) < 0)
		return page_cursor_refuse(call);
	page_begin(&page, call, "entries");
	do {
		n = nhrp ? nhrp_server_list(src->nhrp, &cursor, rows, page_room(&page, CHUNK)) : 0;
		for (unsigned i = 0; i < n; i++)
			page_add(&page, binding_json(src, &rows[i], now));
	} while (n > 0 && page.left > 0);
	return nhrp_cache_set_info(page_end_at(&page, n > 0, cursor), nhrp);
}

json_t *method_nhrp_traffic(struct rpc_call *call)
{
	const struct api_sources *src = method_env(call)->sources;
	struct page page;
	uint64_t counter;

	if (page_cursor_get(call, &counter) < 0)
		return page_cursor_refuse(call);
	page_begin(&page, call, "counters");
	for (; src->nhrp && page.left > 0 && counter < NHRP_COUNTER_COUNT; counter++) {
		const char *name = nhrp_counter_name((unsigned)counter);

		if (name)
			page_add(&page, json_pack("{s:s, s:I}", "counter", name, "pkts",
						  (json_int_t)nhrp_server_counter(
							  src->nhrp, (unsigned)counter)));
	}
	return page_end_at(&page, src->nhrp && counter < NHRP_COUNTER_COUNT, counter);
}
