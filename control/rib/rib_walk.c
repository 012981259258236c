/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rib_walk: what concerns many entries, a piece per turn of the control loop: vias whose meaning
 * changed, entries that the last dump did not show, what the dataplane refused, routes that the
 * guard lets in again. One walk over all entries does all of it; what is wanted meanwhile gets
 * another walk after it. Part of rib.c, see there. Context: control.
 */
#include "control/clock.h"

#include "rib_priv.h"

/* Between two looks at the clock. Looking at an entry is a few nanoseconds; a change in the FIB is
 * 1 us, or 20 us when it waits for a grace period. */
#define LOOKS   16384
#define CHANGES 32

void rib_walk_want(struct rib *rib)
{
	if (!rib->walk.active)
		rib->walk.cursor = 1;
	else if (rib->walk.cursor > 1)
		rib->walk.again = true;
	rib->walk.active = true;
}

void rib_walk_sweep(struct rib *rib)
{
	rib->walk.active = true;
	rib->walk.again = false;
	rib->walk.cursor = 1;
	rib->walk.sweeping = true;
}

static bool is_swept(const struct rib *rib, const struct rib_entry *e)
{
	return rib->walk.sweeping && !(e->flags & RIB_F_LOCAL) && e->generation != rib->generation;
}

static bool is_forgiven(const struct rib *rib, const struct rib_entry *e)
{
	return rib->guard.restoring && (e->flags & RIB_F_RECURSIVE) &&
	       ((e->flags & RIB_F_PARITY) != 0) != rib->guard.parity;
}

/* What the dataplane refused, again; not all of it when it goes on refusing. */
static bool retry(struct rib *rib, uint32_t index)
{
	struct rib_entry *e = &rib->entries[index];

	if (rib->retry.left == 0 || index < rib->retry.from)
		return false;
	rib_fib_apply(rib, e->ip, e->len);
	if ((e->flags & RIB_F_FAILED) && --rib->retry.left == 0)
		rib->retry.from = index + 1;
	return true;
}

/* True: it took some time. */
static bool visit(struct rib *rib, uint32_t index)
{
	struct rib_entry *e = &rib->entries[index];
	const struct rib_via *via = &rib->vias[e->via];

	if (!(e->flags & RIB_F_USED))
		return false;
	if ((e->flags & RIB_F_DYING) || via->gone || is_swept(rib, e)) {
		if (!(e->flags & RIB_F_DYING) && !via->gone)
			rib->info.swept++;
		rib_fib_remove(rib, index);
		return true;
	}
	if (is_forgiven(rib, e))
		rib_flag_clear(rib, e, RIB_F_RECURSIVE);
	else if (!via->dirty)
		return (e->flags & RIB_F_FAILED) && retry(rib, index);
	rib_fib_apply(rib, e->ip, e->len);
	return true;
}

static void walk_end(struct rib *rib)
{
	rib->walk.sweeping = false; /* it began with the first entry */
	rib->walk.cursor = 1;
	if (rib->walk.again) {
		rib->walk.again = false; /* what was wanted meanwhile may be behind us */
		return;
	}
	rib->walk.active = false;
	rib->guard.restoring = false;
	for (uint32_t i = 1; i <= rib->via_pool.touched; i++)
		rib->vias[i].dirty = false;
}

static void piece(struct rib *rib)
{
	unsigned looks = LOOKS, changes = CHANGES;

	while (rib->walk.active && looks-- > 0 && changes > 0) {
		if (rib->walk.cursor > rib->entry_pool.touched)
			walk_end(rib);
		else if (visit(rib, rib->walk.cursor++))
			changes--;
	}
}

bool rib_turn(struct rib *rib, uint32_t budget_us)
{
	uint64_t end_us;

	if (rib->objects_changed)
		rib_objects_settle(rib);
	if (!rib->walk.active)
		return false;
	end_us = clock_us(CLOCK_MONOTONIC) + budget_us;
	do {
		piece(rib);
	} while (rib->walk.active && clock_us(CLOCK_MONOTONIC) < end_us);
	return rib->walk.active;
}
