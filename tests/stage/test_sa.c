/* SPDX-License-Identifier: Apache-2.0 */
/* Security associations: added, found, sending in turn, refused. */
#include "sa_fixture.h"

#include <errno.h>

#include "dataplane/defer.h"

#define PEER "192.0.2.51"

static uint32_t spoke;

static int setup(void **state)
{
	if (stage_setup(state) != 0)
		return -1;
	spoke = sa_spoke_add(sa_tunnel_add(300, SA_PROFILE), PEER, 0);
	return 0;
}

static void del(uint32_t sa)
{
	assert_int_equal(dp_sa_del(sa), 0);
}

/* ---- refusals ---- */

static void set_dir(struct dp_sa_conf *c)
{
	c->dir = 2;
}
static void set_alg(struct dp_sa_conf *c)
{
	c->alg = DP_SA_ALG_COUNT;
}
static void set_spi(struct dp_sa_conf *c)
{
	c->spi = 255;
}
static void set_profile(struct dp_sa_conf *c)
{
	c->profile = 0;
}
static void set_window(struct dp_sa_conf *c)
{
	c->replay_window = 31;
}
static void set_window_big(struct dp_sa_conf *c)
{
	c->replay_window = 4097;
}
static void set_local(struct dp_sa_conf *c)
{
	memset(&c->local, 0, sizeof(c->local));
}
static void set_remote(struct dp_sa_conf *c)
{
	c->remote = stage_addr("224.0.0.1");
}
static void set_remote6(struct dp_sa_conf *c)
{
	c->remote = stage_addr("2001:db8::1");
}
static void set_port(struct dp_sa_conf *c)
{
	c->natt_local_port = 4500;
}
static void set_seq(struct dp_sa_conf *c)
{
	c->seq = UINT32_MAX;
}
static void set_bytes(struct dp_sa_conf *c)
{
	c->limits.soft_bytes = 9, c->limits.hard_bytes = 8;
}
static void set_pkts(struct dp_sa_conf *c)
{
	c->limits.soft_pkts = 9, c->limits.hard_pkts = 8;
}
static void set_s(struct dp_sa_conf *c)
{
	c->limits.soft_s = 9, c->limits.hard_s = 8;
}

static void test_refused(void **state)
{
	static const struct {
		void (*change)(struct dp_sa_conf *conf);
		const char *error;
	} cases[] = {
		{set_dir, "SA 0x1000: dir: 2: 0 (in) or 1 (out)"},
		{set_alg, "SA 0x1000: alg: 16: no such algorithm"},
		{set_spi, "SA 0xff: spi: 255: reserved, RFC 4303 section 2.1"},
		{set_profile, "SA 0x1000: profile: 0: 1 to 255"},
		{set_window, "SA 0x1000: replay_window: 31: 0, 32 to 4096"},
		{set_window_big, "SA 0x1000: replay_window: 4097: 0, 32 to 4096"},
		{set_local, "SA 0x1000: local: -: no IPv4 unicast address"},
		{set_remote, "SA 0x1000: remote: 224.0.0.1: no IPv4 unicast address"},
		{set_remote6, "SA 0x1000: remote: 2001:db8::1: no IPv4 unicast address"},
		{set_port, "SA 0x1000: natt_local_port: 4500: without natt_port"},
		{set_seq, "SA 0x1000: seq: 4294967295: no number of 32 bits is left"},
		{set_bytes, "SA 0x1000: limits.soft_bytes: 9: more than the hard limit"},
		{set_pkts, "SA 0x1000: limits.soft_pkts: 9: more than the hard limit"},
		{set_s, "SA 0x1000: limits.soft_s: 9: more than the hard limit"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dp_sa_conf conf = sa_conf(DP_SA_IN, PEER, 0x1000, 1);
		uint32_t sa;

		cases[i].change(&conf);
		assert_int_equal(dp_sa_add(&conf, &sa), -EINVAL);
		assert_string_equal(dp_error(), cases[i].error);
	}
	assert_int_equal(dp_sa_count(), 0);
	assert_int_equal(dp_sa_del(1), -ENOENT);
	assert_int_equal(dp_sa_del(0), -ENOENT);
	assert_int_equal(dp_sa_del(UINT32_MAX), -ENOENT);
	assert_int_equal(dp_sa_bound_set(1, 5), -ENOENT);
}

/* ---- add, find, delete ---- */

static void test_found(void **state)
{
	struct dp_sa_conf in = sa_conf(DP_SA_IN, PEER, 0x1000, 1);
	struct dp_sa_conf out = sa_conf(DP_SA_OUT, PEER, 0x2000, 2);
	struct dp_addr other = stage_addr("192.0.2.52");
	uint32_t sa_in, sa_out, cursor = 0, list[4];
	struct dp_sa_info info;

	(void)state;
	out.natt_port = 0;
	sa_in = sa_add(&in);
	sa_out = sa_add(&out);
	assert_int_equal(dp_sa_find(DP_SA_IN, &in.local, NULL, 0x1000), sa_in);
	assert_int_equal(dp_sa_find(DP_SA_IN, &in.local, NULL, 0x2000), 0);
	assert_int_equal(dp_sa_find(DP_SA_OUT, &out.local, &out.remote, 0x2000), sa_out);
	assert_int_equal(dp_sa_find(DP_SA_OUT, &out.local, &other, 0x2000), 0);
	assert_int_equal(*sa_hint(rte_cpu_to_be_32(0x1000)), sa_in);
	assert_int_equal(dp_sa_count(), 2);
	assert_int_equal(dp_sa_list(&cursor, list, 1), 1);
	assert_int_equal(dp_sa_list(&cursor, list + 1, 3), 1);
	assert_int_equal(dp_sa_list(&cursor, list + 2, 2), 0);
	assert_true(list[0] == sa_in && list[1] == sa_out);
	info = sa_info(sa_out);
	assert_true(info.dir == DP_SA_OUT && info.sender && info.state == DP_SA_LIVE);
	assert_int_equal(info.overhead, 20 + 8 + 8 + 3 + 2 + 16);
	assert_true(info.idle_ms == UINT64_MAX && info.seq == 0 && info.bound == 1000000);
	info = sa_info(sa_in);
	assert_true(info.dir == DP_SA_IN && info.replay_window == 64 && !info.sender);
	del(sa_in);
	del(sa_out);
	assert_int_equal(dp_sa_info_get(sa_in, &info), -ENOENT);
	assert_int_equal(*sa_hint(rte_cpu_to_be_32(0x1000)), 0);
	assert_int_equal(dp_sa_find(DP_SA_IN, &in.local, NULL, 0x1000), 0);
	assert_int_equal(dp_sa_count(), 0);
	defer_poll();
}

/* ---- the adjacency ---- */

static void test_adjacency(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x2000, 2);
	const struct adj *a = sa_adj(spoke);
	uint32_t first, second;

	(void)state;
	assert_true(a->is_protected && a->sa == 0);
	assert_true(a->outer_len == 20 && a->gre_len == 8 && a->header_len == 28);
	assert_int_equal(a->header[9], IPPROTO_ESP);
	first = sa_add(&conf);
	a = sa_adj(spoke);
	assert_int_equal(a->sa, first);
	/* 1500 - 20 - 8 - 8 - 16 = 1448, a multiple of 4; without trailer and GRE: 1438 */
	assert_int_equal(a->mtu, 1438);
	conf = sa_conf(DP_SA_OUT, PEER, 0x2001, 3);
	second = sa_add(&conf);
	assert_int_equal(sa_adj(spoke)->sa, second);
	del(second);
	assert_int_equal(sa_adj(spoke)->sa, first);
	second = sa_add(&conf);
	del(first);
	assert_int_equal(sa_adj(spoke)->sa, second);
	del(second);
	assert_true(sa_adj(spoke)->sa == 0 && sa_adj(spoke)->is_protected);
	defer_poll();
}

/* The newest one that may serve the tunnel and has numbers. */
static void test_sender(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x2000, 2);
	uint32_t first = sa_add(&conf), other, empty;

	(void)state;
	conf = sa_conf(DP_SA_OUT, PEER, 0x2001, 3);
	conf.profile = SA_PROFILE + 1;
	other = sa_add(&conf);
	assert_int_equal(sa_adj(spoke)->sa, first);
	conf = sa_conf(DP_SA_OUT, PEER, 0x2002, 4);
	conf.bound = 0;
	empty = sa_add(&conf);
	assert_int_equal(sa_adj(spoke)->sa, first);
	assert_int_equal(dp_sa_bound_set(empty, 10), 0);
	assert_int_equal(sa_adj(spoke)->sa, empty);
	assert_int_equal(dp_sa_bound_set(empty, 5), 0);
	assert_int_equal(sa_info(empty).bound, 10);
	assert_int_equal(dp_sa_bound_set(empty, UINT64_MAX), 0);
	assert_int_equal(sa_info(empty).bound, UINT32_MAX); /* no ESN */
	del(first);
	del(other);
	del(empty);
	defer_poll();
}

/* Without limits a packet in thousands is looked at, with limits every one that may reach them. */
static void test_check(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x2100, 5);
	uint32_t sa = sa_add(&conf);

	(void)state;
	assert_true(sa_check(stage.w, &sas[sa]));
	assert_int_equal(sas[sa].check_pkts, 4096);
	sas[sa].hard_bytes = 100 * 65536 + 1;
	assert_true(sa_check(stage.w, &sas[sa]));
	assert_int_equal(sas[sa].check_pkts, 101);
	sas[sa].hard_pkts = 7;
	assert_true(sa_check(stage.w, &sas[sa]));
	assert_int_equal(sas[sa].check_pkts, 7);
	sas[sa].pkts = 7;
	assert_false(sa_check(stage.w, &sas[sa]));
	del(sa);
	defer_poll();
}

/* Room for 64: one more is refused by name, and what was there stays. */
static void test_full(void **state)
{
	struct dp_sa_conf conf;
	uint32_t sa[64], more;

	(void)state;
	for (uint32_t i = 0; i < 64; i++) {
		conf = sa_conf(DP_SA_IN, PEER, 0x5000 + i, 400 + i);
		sa[i] = sa_add(&conf);
	}
	conf = sa_conf(DP_SA_IN, PEER, 0x6000, 500);
	assert_int_equal(dp_sa_add(&conf, &more), -ENOSPC);
	assert_string_equal(dp_error(), "SA 0x6000: all 64 SAs are in use (dataplane.limits.sas)");
	assert_int_equal(dp_sa_count(), 64);
	for (uint32_t i = 0; i < 64; i++)
		del(sa[i]);
	sa[0] = sa_add(&conf);
	del(sa[0]);
	defer_poll();
}

static void test_foreign(void **state)
{
	struct dp_addr local = stage_addr("192.0.2.1");
	struct table_key key = sa_key(local.ip4_be, rte_cpu_to_be_32(0xc0000001));

	(void)state;
	assert_int_equal(dp_sa_foreign_add(&local, 0xc0000001), 0);
	assert_int_equal(dp_sa_foreign_add(&local, 0xc0000001), 0);
	assert_int_equal(table_get(foreign_table, &key), 1);
	assert_int_equal(dp_sa_foreign_del(&local, 0xc0000001), 0);
	assert_int_equal(dp_sa_foreign_del(&local, 0xc0000001), -ENOENT);
	assert_int_equal(table_get(foreign_table, &key), 0);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(dp_sa_foreign_add(&local, 0x1000 + i), 0);
	assert_int_equal(dp_sa_foreign_add(&local, 0x2000), -ENOSPC);
	assert_non_null(strstr(dp_error(), "limits.sas"));
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(dp_sa_foreign_del(&local, 0x1000 + i), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),   cmocka_unit_test(test_found),
		cmocka_unit_test(test_adjacency), cmocka_unit_test(test_sender),
		cmocka_unit_test(test_check),     cmocka_unit_test(test_full),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests_name("sa", tests, setup, stage_teardown);
}
