/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The NHRP client in each spoke: what it says and how it answers. Hubs go by their number.
 */
#include <stddef.h>
#include <stdint.h>

struct spokes;

/* Queues a registration request of spoke i with its current request id. */
void nhc_register(struct spokes *s, uint32_t i, uint32_t hub);
/* Takes the registration back. */
void nhc_purge(struct spokes *s, uint32_t i, uint32_t hub);
/* An NHRP packet that the hub sent to spoke i. */
void nhc_receive(struct spokes *s,
		 uint32_t i,
		 uint32_t hub,
		 const uint8_t *bytes,
		 size_t len,
		 uint64_t now_ns);
