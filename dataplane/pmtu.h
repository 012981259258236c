/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Looks at a frame on its way to a port's twin. 1: it told the path MTU of a peer, which is taken;
 * 0: it is something else; -ENOENT: about nothing that we sent; -EINVAL: not a value that we take.
 * Context: control. */
int pmtu_icmp(const uint8_t *frame, size_t len);
