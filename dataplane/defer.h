/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/*
 * Frees what workers may still see, after a grace period. Never blocks.
 * Context: control, all of it.
 */
typedef void (*defer_free_fn)(uint32_t object);

/* Room for `n` more objects? Callers ask before they change anything (DESIGN invariant 3). */
bool defer_room(uint32_t n);
/* Calls free_fn(object) once every worker has passed a quiescent state. Needs defer_room. */
void defer_free(defer_free_fn free_fn, uint32_t object);
/* Frees what is due; once per turn of the control loop. */
void defer_poll(void);
/* Waits for a grace period, at most `timeout_ms`; -EAGAIN when a worker does not come round. */
int defer_wait(uint64_t token, unsigned timeout_ms);
uint64_t defer_token(void);
uint64_t defer_pending(void);
uint64_t defer_full_count(void);
