/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* The twins of port wan0 and Tunnel100 in a network namespace of the test's own. */
#include "stage.h"

#include "dataplane/dp_twin.h"
#include "netns.h"

#define TAP "twan0"
#define TUN "ttun0"

static const uint8_t twin_mac[6] = {2, 0, 0, 0, 7, 1};

static inline struct dp_twin_stats stats_of(enum dp_twin_kind kind, uint16_t id)
{
	struct dp_twin_stats s;

	assert_int_equal(dp_twin_stats_get(kind, id, &s), 0);
	return s;
}

static inline void twin_open(enum dp_twin_kind kind, uint16_t id, const char *name, int fd)
{
	if (dp_twin_open(kind, id, name, twin_mac, 1400, fd) < 0)
		fail_msg("%s", dp_error());
}

/* Both twins open, up, with an address. */
static inline int twins_up(void **state)
{
	(void)state;
	twin_open(DP_TWIN_PORT, stage.wan, TAP, -1);
	twin_open(DP_TWIN_TUNNEL, stage.tunnel100, TUN, -1);
	netns_ip("link set " TAP " up");
	netns_ip("link set " TUN " up");
	netns_ip("addr replace 192.0.2.1/24 broadcast + dev " TAP);
	netns_ip("addr replace 10.255.0.1/24 dev " TUN);
	return 0;
}

static inline int twins_gone(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	while (rte_ring_sc_dequeue(stage.w->inject, (void **)&m) == 0)
		dp_release(m);
	dp_twin_close(DP_TWIN_PORT, stage.wan);
	dp_twin_close(DP_TWIN_TUNNEL, stage.tunnel100);
	assert_int_equal(dp_twin_remove(TAP), 0);
	assert_int_equal(dp_twin_remove(TUN), 0);
	return 0;
}

static inline int twin_setup(void **state)
{
	netns_enter();
	return stage_setup(state);
}

#define TWIN_TEST(f) cmocka_unit_test_setup_teardown(f, twins_up, twins_gone)
