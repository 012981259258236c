/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registrations of an earlier run: taken over as far as the configuration of today admits them,
 * with the time that is left, and from then on as any other.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "control/events.h"
#include "nhrp_harness.h"

static struct nhrp_restored restored(const char *protocol, const char *nbma)
{
	return (struct nhrp_restored){.spoke = {.tunnel = 0, .nbma = harness_addr(nbma)},
				      .protocol = harness_addr(protocol),
				      .claimed = harness_addr(nbma),
				      .flags = NHRP_BINDING_F_REGISTERED,
				      .mtu = 1400,
				      .holding_s = 600,
				      .created_ms = HARNESS_NOW_MS - 300000,
				      .expires_ms = HARNESS_NOW_MS + 200000};
}

static void lives_for_what_was_left(void **state)
{
	struct nhrp_restored r = restored("10.255.0.11", "192.0.2.11");
	struct nhrp_binding *b;

	(void)state;
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms), NHRP_REFUSAL_NONE);
	b = harness_find("10.255.0.11");
	assert_non_null(b);
	assert_int_equal(b->type, NHRP_BINDING_DYNAMIC);
	assert_int_equal(b->holding_s, 600);
	assert_int_equal(b->mtu, 1400);
	assert_int_equal(b->created_ms, HARNESS_NOW_MS - 300000);
	assert_true(dp_addr_equal(&b->spoke->key.nbma, &r.spoke.nbma));
	assert_int_equal(b->spoke->state, SPOKE_UP);
	nhrp_server_tick(harness_srv, HARNESS_NOW_MS + 199999);
	assert_non_null(harness_find("10.255.0.11"));
	nhrp_server_tick(harness_srv, HARNESS_NOW_MS + 200000);
	assert_null(harness_find("10.255.0.11"));
	assert_int_equal(event_count(EVENT_REG_EXPIRED), 1);
}

/* A refresh after the restart is a refresh: the whole holding time, the same binding. */
static void refreshes(void **state)
{
	struct nhrp_restored r = restored("10.255.0.11", "192.0.2.11");
	struct nhrp_packet p = harness_request(), reply;
	struct nhrp_binding *b;

	(void)state;
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms), NHRP_REFUSAL_NONE);
	b = harness_find("10.255.0.11");
	assert_true(harness_ask("192.0.2.11", &p, &reply));
	assert_int_equal(reply.cies[0].code, NHRP_CIE_CODE_OK);
	assert_ptr_equal(harness_find("10.255.0.11"), b);
	assert_int_equal(b->expiry.at_ms, harness_now_ms + b->holding_s * 1000);
	assert_int_equal(event_count(EVENT_REG_ADDED), 2); /* the static map's, and its own */
}

/* Flags of the client stay; what the tunnel decides is decided anew. */
static void flags(void **state)
{
	struct nhrp_restored r = restored("10.255.0.11", "192.0.2.11");
	struct nhrp_binding *b;

	(void)state;
	harness_tunnel.nhrp.multicast = CONFIG_MULTICAST_DYNAMIC;
	harness_tunnel.nhrp.install_routes = true;
	harness_tunnel_again();
	fake_dp_calls_clear();
	r.flags |= NHRP_BINDING_F_UNIQUE | NHRP_BINDING_F_NAT;
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms), NHRP_REFUSAL_NONE);
	b = harness_find("10.255.0.11");
	assert_true(b->flags & NHRP_BINDING_F_UNIQUE);
	assert_true(b->flags & NHRP_BINDING_F_NAT);
	assert_true(b->flags & NHRP_BINDING_F_MULTICAST);
	assert_true(b->flags & NHRP_BINDING_F_ROUTE);
	harness_tunnel.nhrp.multicast = CONFIG_MULTICAST_OFF;
	harness_tunnel.nhrp.install_routes = false;
	harness_tunnel_again();
	r.flags |= NHRP_BINDING_F_MULTICAST;
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms), NHRP_REFUSAL_NONE);
	b = harness_find("10.255.0.11");
	assert_false(b->flags & NHRP_BINDING_F_MULTICAST);
	assert_false(b->flags & NHRP_BINDING_F_ROUTE);
}

static void what_does_not_fit(void **state)
{
	static const struct {
		const char *protocol, *nbma;
		uint16_t tunnel;
		enum nhrp_refusal want;
	} rows[] = {
		{"10.9.9.9", "192.0.2.11", 0, NHRP_REFUSAL_OUTSIDE},
		{"10.255.0.11", "192.0.2.11", 2, NHRP_REFUSAL_OUTSIDE}, /* has no NHRP */
		{"10.255.0.1", "192.0.2.11", 0, NHRP_REFUSAL_OURS},
		{"10.255.0.31", "192.0.2.11", 0, NHRP_REFUSAL_STATIC},
		{"10.255.0.255", "192.0.2.11", 0, NHRP_REFUSAL_SUBNET},
		{"224.0.0.5", "192.0.2.11", 0, NHRP_REFUSAL_NOT_UNICAST},
		{"10.255.0.11", "192.0.2.1", 0, NHRP_REFUSAL_NBMA},
		{"10.255.0.11", "10.255.0.12", 0, NHRP_REFUSAL_NBMA},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nhrp_restored r = restored(rows[i].protocol, rows[i].nbma);

		r.spoke.tunnel = rows[i].tunnel;
		fake_dp_calls_clear();
		assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms),
				 rows[i].want);
		assert_string_equal(fake_dp_calls(), "");
		assert_int_equal(harness_refused(rows[i].want), 0);
	}
}

/* At boot the underlay may still be without its routes. */
static void not_reachable_yet(void **state)
{
	struct nhrp_restored r = restored("10.255.0.11", "192.0.2.11");

	(void)state;
	harness_reachable = -ELOOP;
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms),
			 NHRP_REFUSAL_NBMA_TUNNEL);
	harness_reachable = -ENETUNREACH;
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms), NHRP_REFUSAL_NONE);
	assert_non_null(harness_find("10.255.0.11"));
}

/* Twice in the file, as it may be when a spoke moved while it was written: the first one of a
 * unique registration stays. */
static void twice(void **state)
{
	struct nhrp_restored r = restored("10.255.0.11", "192.0.2.11");
	struct nhrp_restored other = restored("10.255.0.11", "192.0.2.12");

	(void)state;
	r.flags |= NHRP_BINDING_F_UNIQUE;
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms), NHRP_REFUSAL_NONE);
	assert_int_equal(nhrp_server_restore(harness_srv, &other, harness_now_ms),
			 NHRP_REFUSAL_HELD);
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms), NHRP_REFUSAL_NONE);
}

/* What is left behind by a failure in the middle: nothing. */
static void no_room(void **state)
{
	struct nhrp_restored r = restored("10.255.0.11", "192.0.2.11");

	(void)state;
	fake_dp.fail_spoke_add = -ENOSPC;
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms),
			 NHRP_REFUSAL_TABLE_FULL);
	fake_dp.fail_spoke_add = 0;
	fake_dp.fail_nexthop_set = -EAGAIN;
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms),
			 NHRP_REFUSAL_DATAPLANE);
	assert_null(harness_find("10.255.0.11"));
	fake_dp.fail_nexthop_set = 0;
	assert_int_equal(nhrp_server_restore(harness_srv, &r, harness_now_ms), NHRP_REFUSAL_NONE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, harness_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		TEST(lives_for_what_was_left),
		TEST(refreshes),
		TEST(flags),
		TEST(what_does_not_fit),
		TEST(not_reachable_yet),
		TEST(twice),
		TEST(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
