/* SPDX-License-Identifier: Apache-2.0 */
/* Security associations: added, found, sending in turn, replaced, refused, wiped. */
#include "sa_fixture.h"

#include <errno.h>
#include <stdlib.h>

#include "dataplane/defer.h"
#include "dataplane/esp_size.h"

#define PEER "192.0.2.51"

static uint16_t tunnel;
static uint32_t spoke;

static int setup(void **state)
{
	if (stage_setup(state) != 0)
		return -1;
	tunnel = sa_tunnel_add(300, SA_PROFILE);
	spoke = sa_spoke_add(tunnel, PEER, 0);
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
		{set_profile, "SA 0x1000: profile: 0: 1 or more"},
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
	assert_int_equal(sas[sa_in].spoke, spoke);
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

/* ---- replace, counters by key ---- */

/* The same SPI with another key: the new one is there before the old one goes. */
static void test_replaced(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x2000, 2);
	uint32_t old = sa_add(&conf), new;

	(void)state;
	sas[old].seq = 77;
	conf = sa_conf(DP_SA_OUT, PEER, 0x2000, 3);
	new = sa_add(&conf);
	assert_int_not_equal(new, old);
	assert_int_equal(dp_sa_find(DP_SA_OUT, &conf.local, &conf.remote, 0x2000), new);
	assert_int_equal(sa_adj(spoke)->sa, new);
	assert_int_equal(sa_info(new).seq, 0);
	assert_int_equal(dp_sa_count(), 1);
	del(new);
	conf = sa_conf(DP_SA_IN, PEER, 0x1000, 4);
	old = sa_add(&conf);
	conf = sa_conf(DP_SA_IN, PEER, 0x1000, 5);
	new = sa_add(&conf);
	assert_int_equal(dp_sa_find(DP_SA_IN, &conf.local, NULL, 0x1000), new);
	assert_int_equal(*sa_hint(rte_cpu_to_be_32(0x1000)), new);
	assert_int_equal(dp_sa_count(), 1);
	del(new);
	defer_poll();
}

/* Same key, nothing but limits changed: the object stays, with its counter and its window. */
static void test_updated(void **state)
{
	struct dp_sa_conf out = sa_conf(DP_SA_OUT, PEER, 0x2000, 2);
	struct dp_sa_conf in = sa_conf(DP_SA_IN, PEER, 0x1000, 3);
	uint32_t sa_out = sa_add(&out), sa_in = sa_add(&in);

	(void)state;
	sas[sa_out].seq = 77;
	out.limits.hard_pkts = 5;
	out.bound = 2000000;
	assert_int_equal(sa_add(&out), sa_out);
	assert_true(sa_info(sa_out).seq == 77 && sa_info(sa_out).bound == 2000000);
	assert_int_equal(sas[sa_out].hard_pkts, 5);
	sas[sa_in].seq = 9;
	assert_int_equal(sa_add(&in), sa_in);
	assert_int_equal(sa_info(sa_in).seq, 9);
	/* Another window: another object, and all that was seen counts as seen. */
	in.replay_window = 1024;
	sa_in = sa_add(&in);
	assert_true(sa_info(sa_in).seq == 9 && sa_info(sa_in).replay_window == 1024);
	assert_int_equal(sa_info(sa_in).replay_bitmap[0], 0x3ff);
	del(sa_out);
	del(sa_in);
	defer_poll();
}

/* Invariant 8: the last number of a key, however its SA comes again. */
static void test_counter_of_key(void **state)
{
	static const struct {
		bool deleted, esn, natt;
		uint64_t used, seq, expected;
	} cases[] = {
		{false, false, false, 1000, 0, 1000},   {true, false, false, 1000, 0, 1000},
		{true, false, false, 1000, 5000, 5000}, {false, false, false, 1000, 5000, 5000},
		{false, true, false, 1000, 0, 1000},    {true, true, true, 1000, 999, 1000},
		{false, false, true, 1000, 1, 1000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x3000, 100 + (uint32_t)i);
		uint32_t sa = sa_add(&conf);

		sas[sa].seq = cases[i].used;
		if (cases[i].deleted)
			del(sa);
		conf.esn = cases[i].esn;
		conf.natt_port = cases[i].natt ? 4501 : 0;
		conf.seq = cases[i].seq;
		sa = sa_add(&conf);
		assert_int_equal(sa_info(sa).seq, cases[i].expected);
		assert_int_equal(dp_sa_count(), 1);
		del(sa);
		defer_poll();
		/* Under another address, and after the slot was wiped. */
		conf.remote = stage_addr("192.0.2.77");
		sa = sa_add(&conf);
		assert_int_equal(sa_info(sa).seq, cases[i].expected);
		del(sa);
		defer_poll();
		/* Another key starts anew. */
		conf.key[0] ^= 1;
		conf.seq = 0;
		sa = sa_add(&conf);
		assert_int_equal(sa_info(sa).seq, 0);
		del(sa);
		defer_poll();
	}
}

/* A worker that does not come round may still count on: the key is not given out again. */
static void test_counter_in_use(void **state)
{
	const unsigned reader = DP_WORKERS_MAX - 1;
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x3000, 200);
	uint32_t sa = sa_add(&conf), again;

	(void)state;
	rte_rcu_qsbr_thread_register(dp_qsbr, reader);
	rte_rcu_qsbr_thread_online(dp_qsbr, reader);
	del(sa);
	sas[sa].seq = 5; /* it is still there, and counts */
	assert_int_equal(dp_sa_add(&conf, &again), -EAGAIN);
	assert_non_null(strstr(dp_error(), "the key is still in use"));
	sas[sa].seq = 6;
	rte_rcu_qsbr_quiescent(dp_qsbr, reader);
	rte_rcu_qsbr_thread_offline(dp_qsbr, reader);
	rte_rcu_qsbr_thread_unregister(dp_qsbr, reader);
	again = sa_add(&conf);
	assert_int_equal(sa_info(again).seq, 6);
	del(again);
	defer_poll();
	assert_int_equal(defer_pending(), 0);
}

/* ---- keys ---- */

static bool contains(const void *memory, size_t len, const uint8_t *what, size_t what_len)
{
	return memmem(memory, len, what, what_len) != NULL;
}

/* Of every algorithm: nothing of an expanded key is left in the slot, and the slot is poisoned. */
static void test_wiped(void **state)
{
	(void)state;
	for (unsigned alg = 0; alg < DP_SA_ALG_COUNT; alg++) {
		struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x2000, 300 + alg);
		uint8_t was[sizeof(struct sa)];
		unsigned found = 0;
		uint32_t sa;

		conf.alg = (enum dp_sa_alg)alg;
		memset(conf.auth_key, 0x11 * (int)(alg + 1) & 0xff, sizeof(conf.auth_key));
		sa = sa_add(&conf);
		memcpy(was, &sas[sa], sizeof(was));
		if (dp_sa_alg_info(alg)->auth_key_bytes == 0)
			assert_true(contains(was, sizeof(was), conf.key, 16));
		del(sa);
		defer_poll();
		live_unpoison(&sas[sa], sizeof(sas[sa]));
		for (size_t i = 0; i < sizeof(struct sa); i++)
			found += ((const uint8_t *)&sas[sa])[i] != LIVE_POISON;
		assert_int_equal(found, 0);
	}
	assert_int_equal(dp_sa_count(), 0);
}

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define LOCKED ""
#else
#define LOCKED " lo"
#endif

/* "lo": locked (AddressSanitizer's mlock does nothing); "dd": not in core dumps. Of the mapping
 * that has this address. */
static bool memory_has_flags(const void *address)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	bool here = false, found = false;
	char line[512];
	uintptr_t from, to;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from <= (uintptr_t)address && (uintptr_t)address < to;
		if (here && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, LOCKED) != NULL && strstr(line, " dd") != NULL;
	}
	fclose(f);
	return found;
}

static void test_locked(void **state)
{
	struct dp_info info;

	(void)state;
	dp_info_get(&info);
	if (!info.keys_locked) {
		print_message("not tested: this user may not lock memory\n");
		skip();
	}
	assert_true(memory_has_flags(&sas[1]));
	assert_true(memory_has_flags((const uint8_t *)&sas[65] - 1));
	assert_false(memory_has_flags(adjs));
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
		cmocka_unit_test(test_refused),        cmocka_unit_test(test_found),
		cmocka_unit_test(test_adjacency),      cmocka_unit_test(test_sender),
		cmocka_unit_test(test_replaced),       cmocka_unit_test(test_updated),
		cmocka_unit_test(test_counter_of_key), cmocka_unit_test(test_counter_in_use),
		cmocka_unit_test(test_wiped),          cmocka_unit_test(test_full),
		cmocka_unit_test(test_foreign),        cmocka_unit_test(test_check),
		cmocka_unit_test(test_locked),
	};

	return cmocka_run_group_tests_name("sa", tests, setup, stage_teardown);
}
