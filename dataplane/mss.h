/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/*
 * Lowers the MSS option of a TCP SYN (RFC 9293 section 3.7.1) to `mss` and corrects the checksum
 * (RFC 1624). `tcp` starts at the TCP header, `len` bytes are there. Returns whether it changed
 * anything; a segment that is no SYN, has no such option, or is malformed stays as it is. Pure.
 */
bool tcp_mss_clamp(uint8_t *tcp, uint32_t len, uint16_t mss);
