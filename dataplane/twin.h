/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "dp_twin.h"

int twin_init(const struct dp_conf *conf);
/* Closes every descriptor; the interfaces stay. */
void twin_fini(void);

/* Writes one packet to the kernel: an Ethernet frame for a port's twin, an IP packet for a
 * tunnel's. Counts it, or that it was refused. Context: control. */
void twin_send(enum dp_twin_kind kind, uint16_t id, const uint8_t *bytes, size_t len);
