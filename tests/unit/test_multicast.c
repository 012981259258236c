/* SPDX-License-Identifier: Apache-2.0 */
/* The multicast map: what of the configuration reaches the dataplane, and what spokes get of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/events.h"
#include "control/multicast.h"
#include "fake_dp.h"

static struct spoke_table *spokes;

static int setup(void **state)
{
	const struct spoke_ops ops = {0};

	(void)state;
	fake_dp_reset();
	event_reset();
	spokes = spoke_table_new(8, 1, &ops);
	return spoke_tunnel_add(spokes, 0, "Tunnel0");
}

static int teardown(void **state)
{
	(void)state;
	spoke_table_free(spokes);
	return 0;
}

static struct config_multicast row(const char *nbma, const char *group)
{
	struct config_multicast r = {0};

	assert_int_equal(dp_prefix_parse(&r.group, group), 0);
	if (nbma != NULL)
		assert_int_equal(dp_addr_parse(&r.nbma, nbma), 0);
	return r;
}

static int apply(enum config_multicast_mode mode, struct config_multicast *rows, uint32_t n)
{
	const struct config_tunnel conf = {
		.name = "Tunnel0",
		.nhrp = {.multicast = mode, .multicast_map = rows, .multicast_map_count = n}};

	return multicast_tunnel_add(spokes, 0, &conf, 1000);
}

/* The groups of a spoke with this many dynamic and static bindings that want multicast. */
static const char *told(const char *nbma, uint32_t dynamic, uint32_t maps)
{
	struct dp_spoke_key key = {0};
	struct spoke *s;

	assert_int_equal(dp_addr_parse(&key.nbma, nbma), 0);
	assert_int_equal(spoke_get(spokes, &key, 1000, &s), 0);
	fake_dp_calls_clear();
	s->multicast_count = dynamic;
	s->multicast_maps = maps;
	spoke_multicast_update(spokes, s);
	return fake_dp_calls();
}

/* Bit of 239.N.0.0/16 in the fake: 1 << (N + 1). */
static void test_groups(void **state)
{
	struct config_multicast rows[] = {
		row(NULL, "239.1.0.0/16"),
		row("192.0.2.31", "239.2.0.0/16"),
		row("192.0.2.31", "239.1.0.0/16"),
		row("192.0.2.32", "224.0.0.0/4"),
	};

	(void)state;
	assert_int_equal(apply(CONFIG_MULTICAST_OFF, rows, 4), 0);
	assert_string_equal(fake_dp_calls(),
			    "group_add 0 239.1.0.0/16; group_add 0 239.2.0.0/16; "
			    "spoke_add 192.0.2.31 1; multicast 1 8; group_add 0 239.1.0.0/16; "
			    "multicast 1 c; spoke_add 192.0.2.32 2; multicast 2 1");
	/* Static entries keep their spokes without any binding, and what bindings bring is more. */
	assert_string_equal(told("192.0.2.31", 1, 0), "");
	assert_string_equal(told("192.0.2.31", 1, 1), "multicast 1 d");
	assert_string_equal(told("192.0.2.31", 0, 0), "multicast 1 c");
	assert_string_equal(told("192.0.2.33", 2, 0), "multicast 3 4");
	assert_string_equal(told("192.0.2.33", 0, 0), "multicast 3 0");
}

static void test_dynamic(void **state)
{
	struct config_multicast rows[] = {row(NULL, "239.1.0.0/16")};

	(void)state;
	assert_int_equal(apply(CONFIG_MULTICAST_DYNAMIC, rows, 1), 0);
	assert_string_equal(told("192.0.2.33", 1, 0), "multicast 1 5");
}

static void test_refused(void **state)
{
	struct config_multicast rows[] = {row("192.0.2.31", "239.1.0.0/16")};

	(void)state;
	fake_dp.fail_mcast = -ENOSPC;
	assert_int_equal(apply(CONFIG_MULTICAST_OFF, rows, 1), -ENOSPC);
	assert_int_equal(fake_dp.spokes, 0);
	fake_dp.fail_mcast = 0;
	fake_dp.fail_spoke_add = -ENOSPC;
	assert_int_equal(apply(CONFIG_MULTICAST_OFF, rows, 1), -ENOSPC);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(test_groups), T(test_dynamic), T(test_refused)};

	return cmocka_run_group_tests_name("multicast", tests, NULL, NULL);
}
