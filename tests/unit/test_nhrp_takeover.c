/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may take over a binding: take-over mode x identity x where the request comes from x U bit of
 * the request x U bit of the entry x claimed address. And the other rules of admission that the
 * configuration sets.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/events.h"
#include "nhrp_harness.h"

#define HOLDER "192.0.2.11"
#define OTHER  "192.0.2.99"

struct row {
	enum config_takeover mode;
	uint32_t holder, asker; /* identities */
	const char *outer;
	uint16_t port; /* the holder has none */
	/* k kept and refreshed, m moved, r refused (14), for
	 * request without U, entry without; request U, entry without;
	 * request without U, entry U; request U, entry U. */
	const char *expect;
};

static const struct row rows[] = {
	/* No identities. */
	{CONFIG_TAKEOVER_STRICT, 0, 0, HOLDER, 0, "kkkk"},
	{CONFIG_TAKEOVER_STRICT, 0, 0, HOLDER, 4500, "mmrr"},
	{CONFIG_TAKEOVER_STRICT, 0, 0, OTHER, 0, "mmrr"},
	{CONFIG_TAKEOVER_RFC, 0, 0, HOLDER, 0, "kkkk"},
	{CONFIG_TAKEOVER_RFC, 0, 0, HOLDER, 4500, "mmmr"},
	{CONFIG_TAKEOVER_RFC, 0, 0, OTHER, 0, "mmmr"},
	{CONFIG_TAKEOVER_ALLOW, 0, 0, HOLDER, 0, "kkkk"},
	{CONFIG_TAKEOVER_ALLOW, 0, 0, HOLDER, 4500, "mmmm"},
	{CONFIG_TAKEOVER_ALLOW, 0, 0, OTHER, 0, "mmmm"},
	/* The holder's identity: it is the same router, wherever it comes from. */
	{CONFIG_TAKEOVER_STRICT, 7, 7, HOLDER, 0, "kkkk"},
	{CONFIG_TAKEOVER_STRICT, 7, 7, HOLDER, 4500, "mmmm"},
	{CONFIG_TAKEOVER_STRICT, 7, 7, OTHER, 0, "mmmm"},
	{CONFIG_TAKEOVER_RFC, 7, 7, HOLDER, 0, "kkkk"},
	{CONFIG_TAKEOVER_RFC, 7, 7, HOLDER, 4500, "mmmm"},
	{CONFIG_TAKEOVER_RFC, 7, 7, OTHER, 0, "mmmm"},
	{CONFIG_TAKEOVER_ALLOW, 7, 7, OTHER, 0, "mmmm"},
	/* Another one, or none: as if there were no identities. */
	{CONFIG_TAKEOVER_STRICT, 7, 8, HOLDER, 0, "kkkk"},
	{CONFIG_TAKEOVER_STRICT, 7, 8, HOLDER, 4500, "mmrr"},
	{CONFIG_TAKEOVER_STRICT, 7, 8, OTHER, 0, "mmrr"},
	{CONFIG_TAKEOVER_RFC, 7, 8, OTHER, 0, "mmmr"},
	{CONFIG_TAKEOVER_ALLOW, 7, 8, OTHER, 0, "mmmm"},
	{CONFIG_TAKEOVER_STRICT, 7, 0, OTHER, 0, "mmrr"},
	{CONFIG_TAKEOVER_RFC, 7, 0, OTHER, 0, "mmmr"},
	{CONFIG_TAKEOVER_STRICT, 0, 7, HOLDER, 0, "kkkk"},
	{CONFIG_TAKEOVER_STRICT, 0, 7, OTHER, 0, "mmrr"},
	{CONFIG_TAKEOVER_RFC, 0, 7, HOLDER, 4500, "mmmr"},
	{CONFIG_TAKEOVER_ALLOW, 0, 7, OTHER, 0, "mmmm"},
};

static uint8_t reg(const char *outer, uint16_t port, uint32_t identity, bool unique, bool honest)
{
	struct nhrp_packet p = harness_request(), r;

	p.src_nbma = harness_addr(honest ? outer : HOLDER);
	p.flags = unique ? NHRP_REG_F_UNIQUE : 0;
	harness_identity = identity;
	harness_port = port;
	if (!harness_ask(outer, &p, &r))
		fail_msg("no reply");
	assert_int_equal(fake_dp.packet_port, port);
	return r.cies[0].code;
}

/* What became of it: the reply's code, the binding's spoke and the event must agree. */
static char outcome(const struct row *row, uint8_t code, uint64_t moved_before)
{
	const struct nhrp_binding *b = harness_find("10.255.0.11");
	bool moved = event_count(EVENT_REG_MOVED) > moved_before;
	char at[DP_ADDR_STRLEN];

	assert_non_null(b);
	dp_addr_format(&b->spoke->key.nbma, at);
	if (strcmp(at, row->outer) == 0 && b->spoke->key.natt_port == row->port)
		return code != NHRP_CIE_CODE_OK ? '?' : moved ? 'm' : 'k';
	assert_string_equal(at, HOLDER);
	assert_int_equal(b->identity, row->holder);
	return code == NHRP_CIE_CODE_ALREADY_REGISTERED && !moved ? 'r' : '?';
}

static void check(const struct row *row, unsigned u, bool honest)
{
	bool request_unique = u & 1, entry_unique = u & 2;
	uint64_t moved;
	uint8_t code;
	char got;

	harness_tunnel.nhrp.takeover = row->mode;
	harness_tunnel_again();
	assert_int_equal(reg(HOLDER, 0, row->holder, entry_unique, true), 0);
	moved = event_count(EVENT_REG_MOVED);
	code = reg(row->outer, row->port, row->asker, request_unique, honest);
	got = outcome(row, code, moved);
	if (got != row->expect[u])
		fail_msg("row %ld, request %s, entry %s, %s claim: %c instead of %c", row - rows,
			 request_unique ? "U" : "-", entry_unique ? "U" : "-",
			 honest ? "honest" : "false", got, row->expect[u]);
	if (got == 'r')
		return;
	/* Now it is the asker's, with what the asker said. */
	assert_int_equal(!!(harness_find("10.255.0.11")->flags & NHRP_BINDING_F_UNIQUE),
			 request_unique);
	assert_int_equal(harness_find("10.255.0.11")->identity, row->asker);
}

static void test_take_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned u = 0; u < 4; u++) {
			check(&rows[i], u, true);
			check(&rows[i], u, false);
		}
}

/* Nobody takes over a static entry, with whatever identity and mode. */
static void test_static(void **state)
{
	struct nhrp_packet p = harness_request(), r;

	(void)state;
	harness_tunnel.nhrp.takeover = CONFIG_TAKEOVER_ALLOW;
	harness_tunnel_again();
	p.src_proto = harness_addr("10.255.0.31");
	for (harness_identity = 0; harness_identity < 2; harness_identity++) {
		assert_true(harness_ask("192.0.2.99", &p, &r));
		assert_int_equal(r.cies[0].code, NHRP_CIE_CODE_PROHIBITED);
	}
	assert_int_equal(harness_refused(NHRP_REFUSAL_STATIC), 2);
	assert_int_equal(harness_find("10.255.0.31")->type, NHRP_BINDING_STATIC);
}

static uint8_t reg_of(const char *protocol)
{
	struct nhrp_packet p = harness_request(), r;

	p.cies[0].proto = harness_addr(protocol);
	assert_true(harness_ask(HOLDER, &p, &r));
	return r.cies[0].code;
}

static void test_allow(void **state)
{
	(void)state;
	assert_int_equal(reg_of("10.2.3.4"), NHRP_CIE_CODE_PROHIBITED);
	assert_int_equal(harness_refused(NHRP_REFUSAL_OUTSIDE), 1);
	harness_tunnel.nhrp.allow_count = 1;
	assert_int_equal(dp_prefix_parse(&harness_tunnel.nhrp.allow[0], "10.2.0.0/16"), 0);
	harness_tunnel_again();
	assert_int_equal(reg_of("10.2.3.4"), 0);
	assert_int_equal(reg_of("10.3.0.1"), NHRP_CIE_CODE_PROHIBITED);
	assert_int_equal(harness_refused(NHRP_REFUSAL_OUTSIDE), 2);
	/* Ours on some other interface. */
	harness_ours = harness_addr("10.2.0.1");
	assert_int_equal(reg_of("10.2.0.1"), NHRP_CIE_CODE_PROHIBITED);
	assert_int_equal(harness_refused(NHRP_REFUSAL_OURS), 1);
	assert_int_equal(reg_of("10.255.0.12"), 0);
}

static void test_limit(void **state)
{
	(void)state;
	harness_tunnel.nhrp.max_bindings_per_spoke = 2;
	harness_tunnel_again();
	assert_int_equal(reg_of("10.255.0.11"), 0);
	assert_int_equal(reg_of("10.255.0.12"), 0);
	assert_int_equal(reg_of("10.255.0.13"), NHRP_CIE_CODE_NO_RESOURCES);
	assert_int_equal(reg_of("10.255.0.11"), 0);
	assert_int_equal(harness_refused(NHRP_REFUSAL_SPOKE_FULL), 1);
	assert_non_null(harness_find("10.255.0.12"));
}

/* A new binding wants a way back outside the tunnels; one that is there survives a bad moment. */
static void test_reachable(void **state)
{
	(void)state;
	harness_reachable = -ENETUNREACH;
	assert_int_equal(reg_of("10.255.0.11"), NHRP_CIE_CODE_PROHIBITED);
	assert_int_equal(harness_refused(NHRP_REFUSAL_NBMA_ROUTE), 1);
	harness_reachable = -ELOOP;
	assert_int_equal(reg_of("10.255.0.11"), NHRP_CIE_CODE_PROHIBITED);
	assert_int_equal(harness_refused(NHRP_REFUSAL_NBMA_TUNNEL), 1);
	assert_string_equal(fake_dp_calls(), "");
	harness_reachable = 0;
	assert_int_equal(reg_of("10.255.0.11"), 0);
	harness_reachable = -ENETUNREACH;
	assert_int_equal(reg_of("10.255.0.11"), 0);
	assert_int_equal(reg_of("10.255.0.12"), NHRP_CIE_CODE_PROHIBITED);
}

/* Counted each, told once per spoke and minute whatever the reason. */
static void test_told_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		reg_of("10.255.0.0");
		reg_of("8.8.8.8");
		harness_now_ms += 10000;
	}
	assert_int_equal(event_count(EVENT_REG_REFUSED), 1);
	assert_int_equal(harness_refused(NHRP_REFUSAL_OUTSIDE), 5);
	assert_int_equal(harness_refused(NHRP_REFUSAL_SUBNET), 5);
	harness_port = 4500; /* another spoke */
	reg_of("8.8.8.8");
	assert_int_equal(event_count(EVENT_REG_REFUSED), 2);
	harness_port = 0;
	harness_now_ms += 10000;
	reg_of("8.8.8.8");
	assert_int_equal(event_count(EVENT_REG_REFUSED), 3);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, harness_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		T(test_take_over), T(test_static),    T(test_allow),
		T(test_limit),     T(test_reachable), T(test_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
