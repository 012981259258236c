/* SPDX-License-Identifier: Apache-2.0 */
/* The table of spokes: references, states and their events, capacity, refused removals. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/events.h"
#include "fake_dp.h"

#define SPOKES 4

static struct spoke_table *spokes;
static unsigned bound;

static void underlay_bind(void *ctx, const struct spoke *s)
{
	assert_ptr_equal(ctx, &bound);
	assert_true(s->dp > 0);
	bound++;
}

static int setup(void **state)
{
	const struct spoke_ops ops = {.ctx = &bound, .underlay_bind = underlay_bind};

	(void)state;
	fake_dp_reset();
	event_reset();
	bound = 0;
	spokes = spoke_table_new(SPOKES, 2, &ops);
	return spoke_tunnel_add(spokes, 0, "Tunnel0");
}

static int teardown(void **state)
{
	(void)state;
	spoke_table_free(spokes);
	return 0;
}

static struct dp_spoke_key key(const char *nbma, uint16_t port)
{
	struct dp_spoke_key k = {.natt_port = port};

	assert_int_equal(dp_addr_parse(&k.nbma, nbma), 0);
	return k;
}

static struct spoke *get(const char *nbma, uint16_t port, uint64_t now_ms)
{
	const struct dp_spoke_key k = key(nbma, port);
	struct spoke *s;

	assert_int_equal(spoke_get(spokes, &k, now_ms, &s), 0);
	return s;
}

/* As a binding would. */
static void bind_one(struct spoke *s, uint64_t now_ms)
{
	s->binding_count++;
	spoke_state_update(spokes, s, "registered", now_ms);
}

static struct spoke_table_info info(void)
{
	struct spoke_table_info i;

	spoke_table_info_get(spokes, &i);
	return i;
}

static void test_references(void **state)
{
	struct spoke *s = get("192.0.2.11", 0, 0);

	(void)state;
	assert_int_equal(bound, 1);
	assert_ptr_equal(get("192.0.2.11", 0, 0), s);
	assert_int_equal(bound, 1);
	spoke_put(spokes, s, "one of two", 0);
	assert_int_equal(fake_dp.spokes, 1);
	spoke_put(spokes, s, "the last", 0);
	assert_int_equal(fake_dp.spokes, 0);
	assert_int_equal(info().spokes, 0);
	/* No transition, no event: it was never more than new. */
	assert_int_equal(event_count(EVENT_SPOKE_DOWN) + event_count(EVENT_SPOKE_STATE), 0);
}

static void test_states(void **state)
{
	struct spoke *s = get("192.0.2.11", 0, 1000);
	struct spoke_info rows[SPOKES];
	uint32_t cursor = 0;

	(void)state;
	assert_int_equal(s->state, SPOKE_NHRP);
	bind_one(s, 2000);
	assert_int_equal(s->state, SPOKE_UP);
	assert_int_equal(event_count(EVENT_SPOKE_UP), 1);
	spoke_tunnel_state_set(spokes, 0, false, "wan0 lost its link", 5000);
	assert_int_equal(s->state, SPOKE_INTF);
	assert_int_equal(event_count(EVENT_SPOKE_DOWN), 1);
	spoke_tunnel_state_set(spokes, 0, false, "again", 6000);
	assert_int_equal(event_count(EVENT_SPOKE_DOWN), 1);
	assert_int_equal(spoke_list(spokes, &cursor, rows, SPOKES), 1);
	assert_int_equal(rows[0].since_ms, 5000);
	assert_int_equal(rows[0].created_ms, 1000);
	assert_string_equal(rows[0].reason, "wan0 lost its link");
	assert_int_equal(rows[0].binding_count, 1);
	assert_int_equal(spoke_list(spokes, &cursor, rows, SPOKES), 0);
	s->binding_count = 0;
	spoke_tunnel_state_set(spokes, 0, true, "wan0 has link", 7000);
	assert_int_equal(s->state, SPOKE_NHRP);
	assert_int_equal(event_count(EVENT_SPOKE_STATE), 1);
	assert_int_equal(s->since_ms, 7000);
	/* A spoke that comes while the tunnel is down. */
	spoke_tunnel_state_set(spokes, 0, false, "down", 8000);
	assert_int_equal(get("192.0.2.12", 0, 9000)->state, SPOKE_INTF);
}

/* Same address, other port: two spokes behind one NAT, found apart. */
static void test_behind_nat(void **state)
{
	const struct dp_spoke_key a = key("192.0.2.254", 4500), b = key("192.0.2.254", 1024),
				  none = key("192.0.2.254", 0);

	(void)state;
	get("192.0.2.254", 4500, 0);
	get("192.0.2.254", 1024, 0);
	assert_int_equal(fake_dp.spokes, 2);
	assert_int_equal(spoke_find(spokes, &a)->key.natt_port, 4500);
	assert_int_equal(spoke_find(spokes, &b)->key.natt_port, 1024);
	assert_null(spoke_find(spokes, &none));
}

static void test_full(void **state)
{
	struct dp_spoke_key k;
	struct spoke *s;
	char nbma[32];

	(void)state;
	for (unsigned n = 0; n < SPOKES; n++) {
		snprintf(nbma, sizeof(nbma), "192.0.2.%u", 20 + n);
		get(nbma, 0, 0);
	}
	k = key("192.0.2.99", 0);
	assert_int_equal(spoke_get(spokes, &k, 0, &s), -ENOSPC);
	assert_int_equal(spoke_get(spokes, &k, 59999, &s), -ENOSPC);
	assert_int_equal(event_count(EVENT_TABLE_FULL), 1); /* once a minute */
	assert_int_equal(spoke_get(spokes, &k, 60000, &s), -ENOSPC);
	assert_int_equal(event_count(EVENT_TABLE_FULL), 2);
	assert_int_equal(info().full, 3);
	assert_int_equal(info().spokes, SPOKES);
	spoke_put(spokes, get("192.0.2.20", 0, 0), "still found", 0);
	/* Full in the dataplane counts too; a tunnel that is none does not. */
	fake_dp.fail_spoke_add = -ENOSPC;
	spoke_put(spokes, get("192.0.2.20", 0, 0), "still found", 0);
	k.tunnel = 2;
	assert_int_equal(spoke_get(spokes, &k, 0, &s), -ENOENT);
	assert_int_equal(info().full, 3);
}

/* The dataplane does not let go yet: it is asked again, or the spoke is taken back. */
static void test_removal_retried(void **state)
{
	struct spoke *a = get("192.0.2.11", 0, 0), *b = get("192.0.2.12", 0, 0);

	(void)state;
	fake_dp.fail_spoke_del = -EAGAIN;
	spoke_put(spokes, a, "gone", 0);
	spoke_put(spokes, b, "gone", 0);
	assert_int_equal(info().dying, 2);
	assert_true(spoke_table_tick(spokes));
	assert_int_equal(info().dying, 2);
	assert_ptr_equal(get("192.0.2.12", 0, 61000), b);
	assert_int_equal(b->created_ms, 61000);
	assert_int_equal(info().dying, 1);
	fake_dp.fail_spoke_del = 0;
	assert_false(spoke_table_tick(spokes));
	assert_int_equal(info().dying, 0);
	assert_int_equal(info().spokes, 1);
	assert_int_equal(fake_dp.spokes, 1);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(spoke_state_name(SPOKE_INTF), "INTF");
	assert_string_equal(spoke_tunnel_name(spokes, 0), "Tunnel0");
	assert_string_equal(spoke_tunnel_name(spokes, 99), "tunnel-99");
	assert_int_equal(spoke_tunnel_add(spokes, 2, "Tunnel2"), -ERANGE);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_references), T(test_states),          T(test_behind_nat),
		T(test_full),       T(test_removal_retried), T(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
