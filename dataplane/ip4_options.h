/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Options of an IPv4 header, RFC 791 section 3.1. Pure. Context: any.
 */
#include <stdint.h>

#define IP4_OPTIONS_MAX 40

/*
 * Writes the options that every fragment carries (copied flag) to `to`, which holds as many bytes
 * as `from`, padded to words; returns their length. `len`, a multiple of 4, is all options' length.
 */
uint32_t ip4_options_copied(const uint8_t *from, uint32_t len, uint8_t *to);
