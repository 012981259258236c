/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_pace: when the state file is written, see state.h. A change waits a second for others.
 * Refreshes come all the time (100,000 bindings, three in each holding time) and matter little:
 * they wait longer. Writing never takes more than its share of the control core. Context: any.
 */
#include "control/deadline.h"
#include "state.h"

void state_pace_init(struct state_pace *p)
{
	*p = (struct state_pace){.due_ms = DEADLINE_NEVER};
}

static void due_by(struct state_pace *p, uint64_t at_ms)
{
	if (at_ms < p->due_ms)
		p->due_ms = at_ms;
}

void state_pace_changed(struct state_pace *p, uint64_t now_ms)
{
	due_by(p, now_ms + STATE_WAIT_MS);
}

void state_pace_refreshed(struct state_pace *p, uint64_t now_ms, uint16_t holding_s)
{
	uint64_t wait_ms = holding_s * 100u; /* a tenth */

	if (wait_ms < STATE_WAIT_MS)
		wait_ms = STATE_WAIT_MS;
	if (wait_ms > STATE_LAZY_MS)
		wait_ms = STATE_LAZY_MS;
	due_by(p, now_ms + wait_ms);
}

void state_pace_begun(struct state_pace *p)
{
	p->due_ms = DEADLINE_NEVER;
}

void state_pace_took(struct state_pace *p, uint64_t now_ms, uint64_t work_us)
{
	p->not_before_ms = now_ms + STATE_SHARE * work_us / 1000;
}

void state_pace_failed(struct state_pace *p, uint64_t now_ms)
{
	p->not_before_ms = now_ms + STATE_RETRY_MS;
	due_by(p, p->not_before_ms);
}

uint64_t state_pace_due_ms(const struct state_pace *p)
{
	if (p->due_ms == DEADLINE_NEVER || p->due_ms > p->not_before_ms)
		return p->due_ms;
	return p->not_before_ms;
}
