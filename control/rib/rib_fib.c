/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_fib: which entry of a prefix is in the FIB. The first usable one; at most one has
 * RIB_F_INSTALLED, and the dataplane is called only when it has to say something else than that
 * one did. What it refuses stays marked and is tried again every second; meanwhile the prefix is
 * taken out rather than left with what is not true any more. An entry that is gone but could not be
 * taken out waits for the walk as RIB_F_DYING. Part of rib.c, see there.
 *
 * Context: control.
 */
#include <errno.h>

#include "control/events.h"
#include "control/log.h"
#include "rib_priv.h"

bool rib_entry_usable(const struct rib *rib, const struct rib_entry *e)
{
	return !(e->flags & (RIB_F_DYING | RIB_F_RECURSIVE)) &&
	       rib->vias[e->via].meaning.status == RIB_USABLE && !rib->vias[e->via].gone;
}

/* What of the prefix is in the FIB, and what should be. NULL: nothing. What should not be has not
 * failed to be there. */
static void look(
	struct rib *rib, uint32_t ip, uint8_t len, struct rib_entry **now, struct rib_entry **best)
{
	bool found = false;

	*now = NULL;
	*best = NULL;
	for (uint32_t i = *rib_prefix_link(rib, ip, len); i != RIB_NONE;
	     i = rib_entry_next(rib, i)) {
		struct rib_entry *e = &rib->entries[i];

		if (e->flags & RIB_F_INSTALLED)
			*now = e;
		if (found || !rib_entry_usable(rib, e)) {
			if (!(e->flags & (RIB_F_INSTALLED | RIB_F_DYING)))
				rib_flag_clear(rib, e, RIB_F_FAILED);
			continue;
		}
		found = true;
		if (!(e->flags & RIB_F_OWN))
			*best = e;
	}
}

static bool says_the_same(const struct rib *rib,
			  const struct rib_entry *now,
			  const struct rib_entry *best)
{
	return now != NULL && best != NULL && now->via == best->via &&
	       !((now->flags | best->flags) & RIB_F_CHANGED) && !rib->vias[best->via].dirty;
}

static int fib_set(const struct rib *rib, const struct rib_entry *best)
{
	struct dp_prefix prefix = rib_prefix(best);
	struct dp_route route;

	rib_via_route(&rib->vias[best->via], &route);
	return dp_fib_set(0, &prefix, &route);
}

static int fib_del(const struct rib_entry *now)
{
	struct dp_prefix prefix = rib_prefix(now);
	int rc = dp_fib_del(0, &prefix);

	return rc == -ENOENT ? 0 : rc;
}

static void tell_changed(struct rib *rib, const struct rib_entry *e)
{
	struct dp_prefix prefix = rib_prefix(e);

	if (rib->conf.ops.changed != NULL)
		rib->conf.ops.changed(rib->conf.ops.ctx, &prefix);
}

static void tell_refused(struct rib *rib, const struct rib_entry *e)
{
	struct dp_prefix prefix = rib_prefix(e);
	char text[DP_PREFIX_STRLEN];

	if ((e->flags & RIB_F_FAILED) || rib->tell_budget == 0)
		return;
	rib->tell_budget--;
	event_emit(EVENT_ROUTE_REFUSED, dp_prefix_format(&prefix, text), "%s", dp_error());
}

/* Out of the FIB; when even that is refused it stays marked as being there. */
static void uninstall(struct rib *rib, struct rib_entry *now)
{
	if (fib_del(now) < 0) {
		tell_refused(rib, now);
		rib_flag_set(rib, now, RIB_F_FAILED);
		return;
	}
	rib_flag_clear(rib, now, RIB_F_INSTALLED | RIB_F_CHANGED);
	tell_changed(rib, now);
}

static void install(struct rib *rib, struct rib_entry *now, struct rib_entry *best)
{
	if (fib_set(rib, best) < 0) {
		tell_refused(rib, best);
		rib_flag_set(rib, best, RIB_F_FAILED);
		if (now != NULL)
			uninstall(rib, now);
		return;
	}
	if (now != NULL)
		rib_flag_clear(rib, now, RIB_F_INSTALLED | RIB_F_CHANGED);
	rib_flag_clear(rib, best, RIB_F_CHANGED | RIB_F_FAILED);
	rib_flag_set(rib, best, RIB_F_INSTALLED);
	tell_changed(rib, best);
}

void rib_fib_apply(struct rib *rib, uint32_t ip, uint8_t len)
{
	struct rib_entry *now, *best;

	look(rib, ip, len, &now, &best);
	if (says_the_same(rib, now, best)) {
		rib_flag_clear(rib, now, RIB_F_INSTALLED);
		rib_flag_set(rib, best, RIB_F_INSTALLED);
	} else if (best != NULL) {
		install(rib, now, best);
	} else if (now != NULL) {
		uninstall(rib, now);
	}
}

void rib_fib_remove(struct rib *rib, uint32_t index)
{
	struct rib_entry *e = &rib->entries[index];

	rib_flag_set(rib, e, RIB_F_DYING);
	rib_fib_apply(rib, e->ip, e->len);
	if (!(e->flags & RIB_F_INSTALLED))
		rib_entry_free(rib, index);
	else
		rib_flag_set(rib, e, RIB_F_FAILED);
}
