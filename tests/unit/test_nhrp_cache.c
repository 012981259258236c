/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bindings and spokes: the order in which things come and go, expiry, moves, capacities, what
 * happens when the dataplane or the kernel refuses, and the spoke's states.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/events.h"
#include "fake_dp.h"

#define SPOKES   4
#define BINDINGS 12

static struct spoke_table *spokes;
static struct nhrp_cache *cache;
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
	cache = nhrp_cache_new(BINDINGS, spokes, fake_dp_routes());
	return spoke_tunnel_add(spokes, 0, "Tunnel0") || spoke_tunnel_add(spokes, 1, "Tunnel1");
}

static int teardown(void **state)
{
	(void)state;
	nhrp_cache_free(cache);
	spoke_table_free(spokes);
	return 0;
}

static struct dp_addr addr(const char *text)
{
	struct dp_addr a;

	assert_int_equal(dp_addr_parse(&a, text), 0);
	return a;
}

static struct nhrp_binding_conf conf(const char *protocol, const char *nbma, uint16_t holding_s)
{
	return (struct nhrp_binding_conf){
		.spoke = {.nbma = addr(nbma)},
		.protocol = addr(protocol),
		.claimed = addr(nbma),
		.type = holding_s ? NHRP_BINDING_DYNAMIC : NHRP_BINDING_STATIC,
		.flags = holding_s ? NHRP_BINDING_F_REGISTERED : 0,
		.holding_s = holding_s,
		.want_route = holding_s > 0,
	};
}

static int set(const char *protocol, const char *nbma, uint16_t holding_s, uint64_t now_ms)
{
	const struct nhrp_binding_conf c = conf(protocol, nbma, holding_s);

	return nhrp_cache_set(cache, &c, now_ms);
}

static struct nhrp_binding *find(const char *protocol)
{
	const struct dp_addr a = addr(protocol);

	return nhrp_cache_find(cache, 0, &a);
}

static struct nhrp_cache_info info(void)
{
	struct nhrp_cache_info i;

	nhrp_cache_info_get(cache, &i);
	return i;
}

static enum spoke_state state_of(const char *nbma)
{
	const struct dp_spoke_key key = {.nbma = addr(nbma)};
	const struct spoke *s = spoke_find(spokes, &key);

	assert_non_null(s);
	return s->state;
}

/* Comes as spoke, next hop, route; goes as route, next hop, spoke. */
static void test_order(void **state)
{
	(void)state;
	assert_int_equal(set("10.255.0.11", "192.0.2.11", 60, 1000), 0);
	assert_string_equal(fake_dp_calls(), "spoke_add 192.0.2.11 1; nexthop_set 10.255.0.11 1; "
					     "route_set 10.255.0.11/32");
	assert_int_equal(bound, 1);
	assert_int_equal(state_of("192.0.2.11"), SPOKE_UP);
	assert_int_equal(event_count(EVENT_SPOKE_UP), 1);
	assert_int_equal(event_count(EVENT_REG_ADDED), 1);
	fake_dp_calls_clear();
	assert_int_equal(nhrp_cache_next_ms(cache), 61000);
	assert_int_equal(nhrp_cache_tick(cache, 60999, 64), 0);
	assert_string_equal(fake_dp_calls(), "");
	assert_int_equal(nhrp_cache_tick(cache, 61000, 64), 1);
	assert_string_equal(fake_dp_calls(),
			    "route_del 10.255.0.11/32; nexthop_del 10.255.0.11; spoke_del 1");
	assert_null(find("10.255.0.11"));
	assert_int_equal(event_count(EVENT_REG_EXPIRED), 1);
	assert_int_equal(event_count(EVENT_SPOKE_DOWN), 1);
	assert_int_equal(nhrp_cache_next_ms(cache), DEADLINE_NEVER);
	assert_int_equal(fake_dp.spokes + fake_dp.nexthops, 0);
}

/* The spoke stays until its last binding goes. */
static void test_spoke_shared(void **state)
{
	(void)state;
	set("10.255.0.11", "192.0.2.11", 60, 0);
	set("10.255.0.12", "192.0.2.11", 30, 0);
	assert_int_equal(fake_dp.spokes, 1);
	nhrp_cache_tick(cache, 30000, 64);
	assert_int_equal(fake_dp.spokes, 1);
	assert_int_equal(state_of("192.0.2.11"), SPOKE_UP);
	nhrp_cache_tick(cache, 60000, 64);
	assert_int_equal(fake_dp.spokes, 0);
}

/* A spoke is a multicast member from the first binding that wants it to the last. */
static void test_multicast(void **state)
{
	struct nhrp_binding_conf a = conf("10.255.0.11", "192.0.2.11", 60);
	struct nhrp_binding_conf b = conf("10.255.0.12", "192.0.2.11", 60);

	(void)state;
	spoke_tunnel_multicast_set(spokes, 0, 1);
	a.flags |= NHRP_BINDING_F_MULTICAST;
	b.flags |= NHRP_BINDING_F_MULTICAST;
	assert_int_equal(set("10.255.0.10", "192.0.2.11", 60, 1000), 0);
	fake_dp_calls_clear();
	assert_int_equal(nhrp_cache_set(cache, &a, 1000), 0);
	assert_non_null(strstr(fake_dp_calls(), "multicast 1 1"));
	fake_dp_calls_clear();
	assert_int_equal(nhrp_cache_set(cache, &b, 1000), 0);
	nhrp_cache_del(cache, find("10.255.0.11"), EVENT_REG_EXPIRED, "test", 2000);
	assert_null(strstr(fake_dp_calls(), "multicast"));
	nhrp_cache_del(cache, find("10.255.0.12"), EVENT_REG_EXPIRED, "test", 2000);
	assert_non_null(strstr(fake_dp_calls(), "multicast 1 0"));
}

static void test_refresh(void **state)
{
	const struct nhrp_binding *b;

	(void)state;
	set("10.255.0.11", "192.0.2.11", 60, 1000);
	fake_dp_calls_clear();
	assert_int_equal(set("10.255.0.11", "192.0.2.11", 90, 21000), 0);
	assert_string_equal(fake_dp_calls(), "");
	b = find("10.255.0.11");
	assert_int_equal(b->created_ms, 1000);
	assert_int_equal(b->refreshed_ms, 21000);
	assert_int_equal(b->holding_s, 90);
	assert_int_equal(nhrp_cache_next_ms(cache), 111000);
	assert_int_equal(event_count(EVENT_REG_ADDED), 1);
	assert_int_equal(info().bindings, 1);
}

/* Make before break: the next hop points to the new spoke before the old one goes. */
static void test_move(void **state)
{
	(void)state;
	set("10.255.0.11", "192.0.2.11", 60, 0);
	fake_dp_calls_clear();
	assert_int_equal(set("10.255.0.11", "192.0.2.99", 60, 5000), 0);
	assert_string_equal(fake_dp_calls(),
			    "spoke_add 192.0.2.99 2; nexthop_set 10.255.0.11 2; spoke_del 1");
	assert_int_equal(event_count(EVENT_REG_MOVED), 1);
	assert_int_equal(find("10.255.0.11")->created_ms, 0);
	assert_int_equal(state_of("192.0.2.99"), SPOKE_UP);
	assert_int_equal(info().bindings, 1);
}

static void test_static_never_expires(void **state)
{
	(void)state;
	assert_int_equal(set("10.255.0.31", "192.0.2.31", 0, 0), 0);
	assert_string_equal(fake_dp_calls(), "spoke_add 192.0.2.31 1; nexthop_set 10.255.0.31 1");
	assert_int_equal(nhrp_cache_next_ms(cache), DEADLINE_NEVER);
	assert_int_equal(nhrp_cache_tick(cache, UINT64_MAX - 1, 64), 0);
	assert_int_equal(state_of("192.0.2.31"), SPOKE_UP);
	nhrp_cache_tunnel_del(cache, 1, 0);
	assert_int_equal(info().bindings, 1);
	nhrp_cache_tunnel_del(cache, 0, 0);
	assert_int_equal(info().bindings, 0);
	assert_int_equal(fake_dp.spokes + fake_dp.nexthops, 0);
}

static void test_tick_is_bounded(void **state)
{
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "10.255.0.%u", 20 + i);
		assert_int_equal(set(text, "192.0.2.11", 60, i), 0);
	}
	assert_int_equal(nhrp_cache_tick(cache, 100000, 4), 4);
	assert_int_equal(info().bindings, 6);
	assert_null(find("10.255.0.23")); /* the oldest four */
	assert_non_null(find("10.255.0.24"));
	assert_int_equal(nhrp_cache_tick(cache, 100000, 64), 6);
}

static void test_full_bindings(void **state)
{
	char text[32];

	(void)state;
	for (unsigned i = 0; i < BINDINGS; i++) {
		snprintf(text, sizeof(text), "10.255.0.%u", 20 + i);
		assert_int_equal(set(text, "192.0.2.11", 60, 0), 0);
	}
	assert_int_equal(set("10.255.0.99", "192.0.2.11", 60, 0), -ENOSPC);
	assert_int_equal(set("10.255.0.99", "192.0.2.11", 60, 59999), -ENOSPC);
	assert_int_equal(info().full, 2);
	assert_int_equal(event_count(EVENT_TABLE_FULL), 1); /* once a minute */
	assert_int_equal(set("10.255.0.99", "192.0.2.11", 60, 60000), -ENOSPC);
	assert_int_equal(event_count(EVENT_TABLE_FULL), 2);
	assert_int_equal(set("10.255.0.20", "192.0.2.11", 60, 1), 0); /* refresh still works */
	nhrp_cache_tick(cache, 60000, 1);
	assert_int_equal(set("10.255.0.99", "192.0.2.11", 60, 60000), 0);
}

/* A dataplane that takes no spoke or no next hop: nothing is left behind. */
static void test_dataplane_refuses(void **state)
{
	(void)state;
	fake_dp.fail_spoke_add = -ENOENT;
	assert_int_equal(set("10.255.0.11", "192.0.2.11", 60, 0), -ENOENT);
	fake_dp.fail_spoke_add = 0;
	fake_dp.fail_nexthop_set = -ENOSPC;
	assert_int_equal(set("10.255.0.11", "192.0.2.11", 60, 0), -ENOSPC);
	assert_int_equal(fake_dp.spokes + fake_dp.nexthops, 0);
	assert_int_equal(info().bindings, 0);
	assert_int_equal(event_count(EVENT_SPOKE_UP), 0);
	/* A move that fails leaves the old binding as it was. */
	fake_dp.fail_nexthop_set = 0;
	set("10.255.0.11", "192.0.2.11", 60, 0);
	fake_dp.fail_nexthop_set = -ENOSPC;
	assert_int_equal(set("10.255.0.11", "192.0.2.99", 60, 5000), -ENOSPC);
	assert_int_equal(fake_dp.spokes, 1);
	assert_int_equal(state_of("192.0.2.11"), SPOKE_UP);
	assert_int_equal(find("10.255.0.11")->refreshed_ms, 0);
}

/* The next hop cannot go yet: its route is gone, it is tried again, a refresh brings all back. */
static void test_removal_retried(void **state)
{
	(void)state;
	set("10.255.0.11", "192.0.2.11", 60, 0);
	fake_dp_calls_clear();
	fake_dp.fail_nexthop_del = -EAGAIN;
	nhrp_cache_del(cache, find("10.255.0.11"), EVENT_REG_REMOVED, "purged", 50000);
	assert_string_equal(fake_dp_calls(), "route_del 10.255.0.11/32");
	assert_int_equal(nhrp_cache_next_ms(cache), 51000);
	nhrp_cache_tick(cache, 51000, 64);
	assert_int_equal(info().del_retried, 2);
	assert_int_equal(event_count(EVENT_REG_REMOVED), 0);
	assert_int_equal(nhrp_cache_next_ms(cache), 52000);
	set("10.255.0.11", "192.0.2.11", 60, 60500);
	assert_int_equal(nhrp_cache_next_ms(cache), 120500);
	nhrp_cache_tick(cache, 120500, 64);
	fake_dp.fail_nexthop_del = 0;
	nhrp_cache_tick(cache, 121500, 64);
	assert_string_equal(fake_dp_calls(),
			    "route_del 10.255.0.11/32; route_set 10.255.0.11/32; "
			    "route_del 10.255.0.11/32; nexthop_del 10.255.0.11; spoke_del 1");
	/* The refresh made it forget why it was to go at first. */
	assert_int_equal(event_count(EVENT_REG_REMOVED), 0);
	assert_int_equal(event_count(EVENT_REG_EXPIRED), 1);
}

static void test_route_refused(void **state)
{
	(void)state;
	fake_dp.fail_route_set = -ENETDOWN;
	assert_int_equal(set("10.255.0.11", "192.0.2.11", 60, 0), 0);
	assert_int_equal(info().route_failed, 1);
	assert_false(find("10.255.0.11")->flags & NHRP_BINDING_F_ROUTE);
	fake_dp.fail_route_set = 0;
	assert_int_equal(set("10.255.0.11", "192.0.2.11", 60, 20000), 0);
	assert_true(find("10.255.0.11")->flags & NHRP_BINDING_F_ROUTE);
	/* What cannot be removed from the kernel does not keep the binding alive. */
	fake_dp.fail_route_del = -EIO;
	nhrp_cache_tick(cache, 80000, 64);
	assert_null(find("10.255.0.11"));
	assert_int_equal(info().route_failed, 2);
}

static void test_list(void **state)
{
	struct nhrp_binding_info rows[3];
	uint32_t cursor = 0;
	unsigned n, sum = 0;
	char text[32];

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		snprintf(text, sizeof(text), "10.255.0.%u", 20 + i);
		set(text, "192.0.2.11", i == 0 ? 0 : 60, i);
	}
	while ((n = nhrp_cache_list(cache, &cursor, rows, 3)) > 0) {
		if (sum == 0) {
			assert_int_equal(rows[0].type, NHRP_BINDING_STATIC);
			assert_int_equal(rows[0].expires_ms, DEADLINE_NEVER);
			assert_int_equal(rows[1].expires_ms, 60001);
			assert_int_equal(rows[1].dp_spoke, 1);
			assert_int_equal(rows[1].target.len, 32);
		}
		sum += n;
	}
	assert_int_equal(sum, 7);
	assert_string_equal(nhrp_binding_type_name(NHRP_BINDING_DYNAMIC), "dynamic");
}

/* Those who watch see each change once, with what they need of it. */
static char seen[256];

static void on_change(void *ctx, const struct nhrp_binding *b, enum nhrp_change what)
{
	static const char *const words[] = {"added", "refreshed", "moved", "gone"};
	char protocol[DP_ADDR_STRLEN], now[DP_ADDR_STRLEN], from[DP_ADDR_STRLEN] = "";
	size_t n = strlen(seen);

	assert_ptr_equal(ctx, seen);
	assert_true((what == NHRP_CHANGE_MOVED) == (b->moved_from != NULL));
	if (b->moved_from)
		dp_addr_format(&b->moved_from->nbma, from);
	snprintf(seen + n, sizeof(seen) - n, "%s %s at %s%s%s; ", words[what],
		 dp_addr_format(&b->protocol, protocol), dp_addr_format(&b->spoke->key.nbma, now),
		 from[0] ? " from " : "", from);
}

static void test_observer(void **state)
{
	const struct nhrp_cache_observer observer = {.ctx = seen, .changed = on_change};

	(void)state;
	seen[0] = '\0';
	assert_int_equal(nhrp_cache_observe(cache, &observer), 0);
	set("10.255.0.11", "192.0.2.11", 60, 0);
	set("10.255.0.11", "192.0.2.11", 60, 1);
	set("10.255.0.11", "192.0.2.99", 60, 2);
	fake_dp.fail_nexthop_set = -ENOSPC;
	set("10.255.0.11", "192.0.2.11", 60, 3); /* nothing happens */
	fake_dp.fail_nexthop_del = -EAGAIN;
	nhrp_cache_tick(cache, 60002, 64); /* not gone yet */
	fake_dp.fail_nexthop_del = 0;
	nhrp_cache_tick(cache, 61002, 64);
	assert_string_equal(seen, "added 10.255.0.11 at 192.0.2.11; "
				  "refreshed 10.255.0.11 at 192.0.2.11; "
				  "moved 10.255.0.11 at 192.0.2.99 from 192.0.2.11; "
				  "gone 10.255.0.11 at 192.0.2.99; ");
	for (unsigned i = 1; i < NHRP_CACHE_OBSERVERS_MAX; i++)
		assert_int_equal(nhrp_cache_observe(cache, &observer), 0);
	assert_int_equal(nhrp_cache_observe(cache, &observer), -ENOSPC);
}

/* "used" is when the spoke was seen to be sent to, whichever binding led there. */
static void test_used(void **state)
{
	struct nhrp_binding_info rows[2];
	struct dp_spoke_key key = {.nbma = addr("192.0.2.11")};
	uint32_t cursor = 0;

	(void)state;
	set("10.255.0.11", "192.0.2.11", 60, 1000);
	assert_int_equal(nhrp_cache_list(cache, &cursor, rows, 2), 1);
	assert_int_equal(rows[0].used_ms, 0);
	assert_int_equal(rows[0].flags, NHRP_BINDING_F_REGISTERED | NHRP_BINDING_F_ROUTE |
						NHRP_BINDING_F_AUTHORITATIVE);
	spoke_used_note(spokes, &key, 5000);
	key.nbma = addr("192.0.2.12");
	spoke_used_note(spokes, &key, 6000); /* nobody */
	cursor = 0;
	nhrp_cache_list(cache, &cursor, rows, 2);
	assert_int_equal(rows[0].used_ms, 5000);
	/* Another spoke in the same slot starts anew. */
	nhrp_cache_del(cache, find("10.255.0.11"), EVENT_REG_REMOVED, "test", 7000);
	set("10.255.0.12", "192.0.2.12", 60, 8000);
	cursor = 0;
	nhrp_cache_list(cache, &cursor, rows, 2);
	assert_int_equal(rows[0].used_ms, 0);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_order),           T(test_spoke_shared),  T(test_multicast),
		T(test_refresh),         T(test_move),          T(test_static_never_expires),
		T(test_tick_is_bounded), T(test_full_bindings), T(test_dataplane_refuses),
		T(test_removal_retried), T(test_route_refused), T(test_list),
		T(test_observer),        T(test_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
