/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of SAs: their counters wherever they come again, replaced SAs, wiped and locked memory. */
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
		/* Under another SPI. */
		conf.spi++;
		sa = sa_add(&conf);
		assert_int_equal(sa_info(sa).seq, cases[i].expected);
		del(sa);
		defer_poll();
		conf.spi--;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replaced),       cmocka_unit_test(test_updated),
		cmocka_unit_test(test_counter_of_key), cmocka_unit_test(test_counter_in_use),
		cmocka_unit_test(test_wiped),          cmocka_unit_test(test_locked),
	};

	return cmocka_run_group_tests_name("sa_key", tests, setup, stage_teardown);
}
