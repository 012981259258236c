/* SPDX-License-Identifier: Apache-2.0 */
/* Twins as interfaces of the real kernel: persistence, inherited descriptors, carrier, removal. */
#include "twin_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <unistd.h>

static void properties(void **state)
{
	uint8_t seen[6];
	int fd = dp_twin_fd(DP_TWIN_PORT, stage.wan);

	(void)state;
	netns_mac(TAP, seen);
	assert_memory_equal(seen, twin_mac, 6);
	assert_int_equal(netns_mtu(TAP), 1400);
	assert_int_equal(netns_mtu(TUN), 1400);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(dp_twin_fd(DP_TWIN_TUNNEL, stage.tunnel200), -1);
	assert_int_equal(dp_twin_fd(DP_TWIN_PORT, UINT16_MAX), -1);
	assert_int_equal(dp_twin_fd(DP_TWIN_TUNNEL, UINT16_MAX), -1);
}

static void persistence(void **state)
{
	unsigned index = if_nametoindex(TAP);

	(void)state;
	dp_twin_close(DP_TWIN_PORT, stage.wan);
	assert_int_equal(if_nametoindex(TAP), index);
	assert_false(netns_carrier(TAP));
	twin_open(DP_TWIN_PORT, stage.wan, TAP, -1);
	assert_int_equal(if_nametoindex(TAP), index);
	assert_true(netns_carrier(TAP));
}

static void refusals(void **state)
{
	(void)state;
	assert_int_equal(dp_twin_open(DP_TWIN_PORT, stage.lan, TAP, twin_mac, 1500, -1), -EBUSY);
	assert_non_null(strstr(dp_error(), "twin " TAP ": another process"));
	assert_int_equal(dp_twin_open(DP_TWIN_PORT, stage.lan, "lo", twin_mac, 1500, -1), -EEXIST);
	assert_non_null(strstr(dp_error(), "twin lo: an interface of this name exists"));
	/* A TUN where a TAP should be. */
	assert_int_equal(dp_twin_open(DP_TWIN_PORT, stage.lan, TUN, twin_mac, 1500, -1), -EEXIST);
	assert_int_equal(dp_twin_open(DP_TWIN_PORT, stage.lan, "a%d", twin_mac, 1500, -1), -EINVAL);
	assert_int_equal(
		dp_twin_open(DP_TWIN_PORT, stage.lan, "abcdefghijklmnop", twin_mac, 1500, -1),
		-EINVAL);
	assert_int_equal(dp_twin_open(DP_TWIN_PORT, stage.wan, "other", twin_mac, 1500, -1),
			 -EINVAL);
	assert_int_equal(dp_twin_open(DP_TWIN_TUNNEL, UINT16_MAX, "other", NULL, 1500, -1),
			 -EINVAL);
	assert_int_equal(if_nametoindex("other"), 0);
	assert_int_equal(dp_twin_fd(DP_TWIN_PORT, stage.lan), -1);
}

/* As systemd's fd store gives it back: the interface never loses its carrier. */
static void inherited(void **state)
{
	int kept = dup(dp_twin_fd(DP_TWIN_PORT, stage.wan));

	(void)state;
	dp_twin_close(DP_TWIN_PORT, stage.wan);
	assert_true(netns_carrier(TAP));
	twin_open(DP_TWIN_PORT, stage.wan, TAP, kept);
	assert_int_equal(dp_twin_fd(DP_TWIN_PORT, stage.wan), kept);
	assert_true(fcntl(kept, F_GETFD) & FD_CLOEXEC);
}

static void inherited_wrong(void **state)
{
	int other = dup(dp_twin_fd(DP_TWIN_TUNNEL, stage.tunnel100));
	int null = open("/dev/null", O_RDWR);

	(void)state;
	/* Another twin's, no twin's at all: closed, and the right one is opened. */
	dp_twin_close(DP_TWIN_PORT, stage.wan);
	twin_open(DP_TWIN_PORT, stage.wan, TAP, other);
	dp_twin_close(DP_TWIN_PORT, stage.wan);
	twin_open(DP_TWIN_PORT, stage.wan, TAP, null);
	assert_true(netns_carrier(TAP));
	/* One whose interface was removed meanwhile: a new interface. */
	other = dup(dp_twin_fd(DP_TWIN_PORT, stage.wan));
	dp_twin_close(DP_TWIN_PORT, stage.wan);
	netns_ip("link del " TAP);
	twin_open(DP_TWIN_PORT, stage.wan, TAP, other);
	netns_ip("link set " TAP " up");
	assert_true(netns_carrier(TAP));
}

static void carrier(void **state)
{
	(void)state;
	assert_int_equal(dp_twin_carrier_set(DP_TWIN_PORT, stage.wan, false), 0);
	assert_false(netns_carrier(TAP));
	assert_int_equal(dp_twin_carrier_set(DP_TWIN_PORT, stage.wan, true), 0);
	assert_true(netns_carrier(TAP));
	assert_int_equal(dp_twin_carrier_set(DP_TWIN_TUNNEL, stage.tunnel200, true), -ENOENT);
}

static void removal(void **state)
{
	(void)state;
	assert_int_equal(dp_twin_remove("nosuch"), -ENOENT);
	assert_int_equal(dp_twin_remove("lo"), -EEXIST);
	assert_int_equal(dp_twin_remove(TUN), -EBUSY);
	assert_true(if_nametoindex(TUN) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TWIN_TEST(properties), TWIN_TEST(persistence),     TWIN_TEST(refusals),
		TWIN_TEST(inherited),  TWIN_TEST(inherited_wrong), TWIN_TEST(carrier),
		TWIN_TEST(removal),
	};

	return cmocka_run_group_tests(tests, twin_setup, stage_teardown);
}
