/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A hub without dataplane and without NHRP: what the API's handlers read, with numbers that can be
 * computed from a row's index. See api_fakes.c.
 */
#include <stdint.h>

#include "control/api/api.h"

struct fake_hub {
	unsigned spokes;
	unsigned bindings; /* of all spokes; binding i belongs to spoke i % spokes */
	unsigned routes;
	unsigned workers;
};
extern struct fake_hub fake_hub;

/* api_fake_sas.c: the last SA that was added. */
struct dp_sa_conf;
extern struct dp_sa_conf fake_sa;
extern uint32_t fake_sa_handle; /* 0: none */

/* Sources over fake_hub; config is a small one with one port, one tunnel. */
const struct api_sources *fake_sources(void);
