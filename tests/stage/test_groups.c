/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of prefixes longer than /24 (fib.c): what rte_fib counts wrong, and when a change must
 * wait for the workers.
 */
#include "stage.h"

#include <rte_rcu_qsbr.h>

#include "dataplane/defer.h"
#include "dataplane/dp_fib.h"

#define READER 7 /* QSBR id of a worker that the tests play */

static int route_set(const char *text, const char *via)
{
	struct dp_route r = {.type = DP_ROUTE_GATEWAY,
			     .iface = {.kind = DP_IFACE_TUNNEL, .id = stage.tunnel100},
			     .gateway = stage_addr(via)};
	struct dp_prefix p;

	assert_int_equal(dp_prefix_parse(&p, text), 0);
	return dp_fib_set(0, &p, &r);
}

static int route_del(const char *text)
{
	struct dp_prefix p;

	assert_int_equal(dp_prefix_parse(&p, text), 0);
	return dp_fib_del(0, &p);
}

/* Last byte of the outer destination of a packet from spoke 11 to `dst`, 0 when it is dropped. */
static unsigned goes_to(const char *dst)
{
	struct stage_packet in = stage_from_spoke(
		"192.0.2.11", stage_ip((struct stage_ip){.src = "10.1.11.1", .dst = dst}));
	const struct stage_result *r = stage_run(stage.wan, &in, 1);

	return r->wan_n == 0 ? 0 : r->wan[0].bytes[14 + 16 + 3];
}

/* rte_fib's own count of groups would go below zero, and no group could be had any more. */
static void host_route_like_what_covers_it(void **state)
{
	struct dp_fib_info before, after;

	(void)state;
	dp_fib_info_get(0, &before);
	assert_int_equal(route_set("172.16.1.0/24", "10.255.0.11"), 0);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(route_set("172.16.1.5/32", "10.255.0.11"), 0);
		assert_int_equal(goes_to("172.16.1.5"), 11);
		assert_int_equal(route_del("172.16.1.5/32"), 0);
		assert_int_equal(goes_to("172.16.1.5"), 11);
	}
	assert_int_equal(route_set("172.16.2.5/32", "10.255.0.12"), 0);
	assert_int_equal(goes_to("172.16.2.5"), 12);
	assert_int_equal(route_del("172.16.2.5/32"), 0);
	assert_int_equal(route_del("172.16.1.0/24"), 0);
	dp_fib_info_get(0, &after);
	assert_int_equal(after.tbl8, before.tbl8);
	assert_int_equal(after.routes, before.routes);
}

/* Each row: a state in which a group was just freed or may be, and a change that may allocate one.
 * With a worker that has not come round since it must be refused, and nothing is changed. */
static const struct {
	const char *what;
	const char *before[4], *freeing; /* routes there; '-' in front: deleted */
	const char *change;
} waits[] = {
	{"an add beyond /24", {NULL}, "-172.16.9.1/32", "172.16.3.1/32"},
	{"a delete out of halves that are alike",
	 {"172.16.3.0/24", "172.16.3.0/25", "172.16.3.128/25"},
	 "-172.16.9.1/32",
	 "-172.16.3.0/25"},
	{"a shorter prefix that covers longer ones",
	 {"172.16.3.0/24", "172.16.3.4/30"},
	 "-172.16.9.1/32",
	 "172.16.0.0/16"},
	{"the /24 of a group", {"172.16.3.4/30"}, "-172.16.9.1/32", "172.16.3.0/24"},
	{"the delete of a /24 of a group",
	 {"172.16.3.0/24", "172.16.3.4/30"},
	 "-172.16.9.1/32",
	 "-172.16.3.0/24"},
	{"a shorter one after a shorter one", {"172.16.3.4/30"}, "172.16.3.0/24", "172.16.9.2/32"},
};

static int change(const char *text)
{
	return text[0] == '-' ? route_del(text + 1) : route_set(text, "10.255.0.12");
}

static void wait_row(size_t i)
{
	assert_int_equal(route_set("172.16.9.1/32", "10.255.0.11"), 0);
	for (unsigned b = 0; b < 4 && waits[i].before[b] != NULL; b++)
		assert_int_equal(change(waits[i].before[b]), 0);
	rte_rcu_qsbr_thread_register(dp_qsbr, READER);
	rte_rcu_qsbr_thread_online(dp_qsbr, READER);
	assert_int_equal(change(waits[i].freeing), 0);
	if (change(waits[i].change) != -EAGAIN)
		fail_msg("%s did not wait", waits[i].what);
	rte_rcu_qsbr_quiescent(dp_qsbr, READER);
	assert_int_equal(change(waits[i].change), 0);
	rte_rcu_qsbr_thread_offline(dp_qsbr, READER);
	rte_rcu_qsbr_thread_unregister(dp_qsbr, READER);
}

static void routes_remove(void)
{
	struct dp_prefix all;

	assert_int_equal(dp_prefix_parse(&all, "172.16.0.0/16"), 0);
	for (bool found = true; found;) {
		struct dp_fib_cursor cursor = {0};
		struct dp_fib_row row;

		found = false;
		while (!found && dp_fib_list(0, &cursor, &row, 1) == 1)
			found = dp_prefix_contains(&all, &row.prefix.addr);
		if (found)
			assert_int_equal(dp_fib_del(0, &row.prefix), 0);
	}
	defer_poll();
}

static void changes_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		wait_row(i);
		routes_remove();
	}
}

/* A million routes are not slowed down by it: prefixes that cover no longer one never wait. */
static void short_prefixes_do_not_wait(void **state)
{
	(void)state;
	assert_int_equal(route_set("172.16.9.1/32", "10.255.0.11"), 0);
	rte_rcu_qsbr_thread_register(dp_qsbr, READER);
	rte_rcu_qsbr_thread_online(dp_qsbr, READER);
	assert_int_equal(route_del("172.16.9.1/32"), 0);
	assert_int_equal(route_set("172.16.3.0/24", "10.255.0.12"), 0);
	assert_int_equal(route_set("172.24.0.0/13", "10.255.0.12"), 0);
	assert_int_equal(route_del("172.24.0.0/13"), 0);
	assert_int_equal(route_del("172.16.3.0/24"), 0);
	rte_rcu_qsbr_thread_offline(dp_qsbr, READER);
	rte_rcu_qsbr_thread_unregister(dp_qsbr, READER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_route_like_what_covers_it),
		cmocka_unit_test(changes_wait),
		cmocka_unit_test(short_prefixes_do_not_wait),
	};

	return cmocka_run_group_tests_name("groups", tests, stage_setup, stage_teardown);
}
