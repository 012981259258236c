/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Fragmentation of inner packets on their way out, see frag.c.
 */
#include "worker.h"

/*
 * Takes an IPv4 packet without DF that is longer than `mtu` bytes, its way out in the meta, and
 * sends it down the rest of the line in pieces that are not, and returns how many; or drops it by
 * name, and returns 0. Context: worker.
 */
uint32_t frag_send(struct dp_worker *w, struct rte_mbuf *m, uint16_t mtu);
