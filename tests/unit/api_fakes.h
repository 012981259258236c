/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A hub without dataplane and without NHRP: what the API's handlers read, with numbers that can be
 * computed from a row's index. See api_fakes.c.
 */
#include "control/api/api.h"

struct fake_hub {
	unsigned spokes;
	unsigned bindings; /* of all spokes; binding i belongs to spoke i % spokes */
	unsigned routes;
	unsigned workers;
};
extern struct fake_hub fake_hub;

/* Sources over fake_hub; config is a small one with one port, one tunnel. */
const struct api_sources *fake_sources(void);
