/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_info: what there is, for people: numbers, and the routes that are refused. Part of rib.c, see
 * there. Context: control.
 */
#include "rib_priv.h"

#define LOOKS_MAX 16384 /* entries per call of a list of few */

void rib_info_get(const struct rib *rib, struct rib_info *info)
{
	*info = rib->info;
	info->entries = rib->entry_pool.used;
	info->capacity = rib->entry_pool.max;
	info->kernel = info->entries - info->local;
	info->nexthop_objects = rib->object_pool.used;
	for (uint32_t i = 1; i <= rib->via_pool.touched; i++) {
		const struct rib_via *via = &rib->vias[i];

		if (via->meaning.status == RIB_DOWN)
			info->down += via->refs;
		else if (via->meaning.status != RIB_USABLE)
			info->ignored += via->refs;
		else if (via->meaning.truncated)
			info->truncated += via->refs;
	}
}

const char *rib_refusal_name(enum rib_refusal refusal)
{
	return refusal == RIB_RECURSIVE ? "recursive" : "failed";
}

unsigned rib_refused_list(const struct rib *rib,
			  uint32_t *cursor,
			  struct rib_refused *rows,
			  unsigned max)
{
	const uint16_t any = RIB_F_RECURSIVE | RIB_F_FAILED;
	unsigned n = 0;

	if (rib->info.recursive == 0 && rib->info.failed == 0)
		return 0;
	for (; *cursor < rib->entry_pool.touched && n < max; (*cursor)++) {
		const struct rib_entry *e = &rib->entries[*cursor + 1];

		if (!(e->flags & any) || (e->flags & RIB_F_DYING))
			continue;
		rows[n] = (struct rib_refused){
			.prefix = rib_prefix(e),
			.metric = e->metric,
			.refusal = e->flags & RIB_F_RECURSIVE ? RIB_RECURSIVE : RIB_FAILED,
		};
		rib_via_route(&rib->vias[e->via], &rows[n++].route);
	}
	return n;
}

unsigned rib_own_host_list(const struct rib *rib,
			   uint32_t *cursor,
			   struct rib_own_host *rows,
			   unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LOOKS_MAX && n < max; i++) {
		const struct rib_entry *e;

		if (*cursor >= rib->entry_pool.touched || rib->info.own_hosts == 0) {
			*cursor = RIB_LIST_END;
			break;
		}
		e = &rib->entries[++*cursor];
		if (e->flags & RIB_F_OWN)
			rows[n++] = (struct rib_own_host){
				.prefix = rib_prefix(e),
				.metric = e->metric,
				.ifindex = rib->vias[e->via].hops[0].ifindex,
			};
	}
	return n;
}
