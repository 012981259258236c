/* SPDX-License-Identifier: Apache-2.0 */
/* methods_nhs: the hubs that this hub is a client of, as the lower half of `show dmvpn` on a spoke.
 */

#include "control/clock.h"
#include "control/deadline.h"
#include "control/nhrp/nhrp_server.h"
#include "control/spoke.h"
#include "methods.h"

#define CHUNK 16 /* rows copied at once */

static json_t *addr_or_null(const struct dp_addr *a)
{
	return dp_addr_is_set(a) ? page_addr(a) : json_null();
}

/* Why it said no the last time; null when it never did. */
static json_t *refusal_json(const struct nhrp_nhs_info *n)
{
	char name[NHRP_NAME_LEN];

	return n->refused > 0 ? json_string(nhrp_cie_code_name(n->code, name)) : json_null();
}

static json_t *nhs_json(const struct api_sources *src, const struct nhrp_nhs_info *n, uint64_t now)
{
	return json_pack("{s:o, s:o, s:o, s:b, s:i, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:o}",
			 "interface", page_text(spoke_tunnel_name(src->spokes, n->tunnel)), "nbma",
			 page_addr(&n->conf.nbma), "protocol", addr_or_null(&n->protocol),
			 "dynamic", !dp_addr_is_set(&n->conf.protocol), "priority",
			 n->conf.priority, "state", nhrp_nhs_state_name(n->state), "since_s",
			 page_seconds(n->since_ms, now), "next_s",
			 n->next_ms == DEADLINE_NEVER ? json_null() : page_seconds(now, n->next_ms),
			 "sent", (json_int_t)n->sent, "answered", (json_int_t)n->answered,
			 "refused", (json_int_t)n->refused, "unanswered", (json_int_t)n->misses,
			 "refusal", refusal_json(n), "observed_nbma", addr_or_null(&n->observed));
}

json_t *method_nhs_list(struct rpc_call *call)
{
	const struct api_sources *src = method_env(call)->sources;
	struct nhrp_nhs_info rows[CHUNK];
	const uint64_t now = clock_ms(CLOCK_MONOTONIC);
	struct page page;
	uint32_t cursor;
	unsigned n;

	if (page_cursor32_get(call, &cursor) < 0)
		return page_cursor_refuse(call);
	page_begin(&page, call, "nhs");
	do {
		n = src->nhrp ? nhrp_server_nhs_list(src->nhrp, &cursor, rows,
						     page_room(&page, CHUNK))
			      : 0;
		for (unsigned i = 0; i < n; i++)
			page_add(&page, nhs_json(src, &rows[i], now));
	} while (n > 0 && page.left > 0);
	return page_end_at(&page, n > 0, cursor);
}
