/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of SAs and what is told of them: each event once, at the right moment, none lost. */
#include "sa_fixture.h"

#include <errno.h>

#include <rte_cycles.h>

#include "dataplane/defer.h"

#define PEER   "192.0.2.51"
#define EVENTS 4096

static uint16_t tunnel;
static uint32_t spoke;
static struct dp_sa_event events[EVENTS];
static unsigned event_count;
static uint32_t delete_at_soft;
static uint64_t last_tsc; /* of told(): time does not go back */

static void on_event(void *ctx, const struct dp_sa_event *event)
{
	assert_ptr_equal(ctx, events);
	assert_in_range(event_count, 0, EVENTS - 1);
	events[event_count++] = *event;
	if (event->kind == DP_SA_SOFT && event->sa == delete_at_soft)
		assert_int_equal(dp_sa_del(event->sa), 0);
}

static int setup(void **state)
{
	if (stage_setup(state) != 0)
		return -1;
	tunnel = sa_tunnel_add(300, SA_PROFILE);
	spoke = sa_spoke_add(tunnel, PEER, 0);
	dp_sa_event_handler_set(on_event, events);
	return 0;
}

/* Events since the last call, in the order of their kinds as letters. */
static const char *told(uint64_t now_tsc)
{
	static char text[16];

	event_count = 0;
	last_tsc = RTE_MAX(now_tsc, last_tsc);
	sa_event_poll(now_tsc);
	for (unsigned i = 0; i < event_count && i < 15; i++)
		text[i] = "SHBMW"[events[i].kind];
	text[event_count < 15 ? event_count : 15] = '\0';
	return text;
}

static uint64_t now_is(void)
{
	return RTE_MAX(rte_rdtsc(), last_tsc);
}

static void del(uint32_t sa)
{
	assert_int_equal(dp_sa_del(sa), 0);
	defer_poll();
}

/* One packet as the stages count it; false: not allowed. */
static bool packet(uint32_t index, uint32_t bytes)
{
	struct sa *sa = &sas[index];

	if (sa->pkts >= sa->check_pkts && !sa_check(stage.w, sa))
		return false;
	if (sa->flags & SA_F_OUT) {
		if (sa->seq >= sa->bound) {
			sa_check(stage.w, sa);
			return false;
		}
	}
	sa->seq++;
	sa->pkts++;
	sa->bytes += bytes;
	return true;
}

static unsigned packets(uint32_t sa, unsigned max, uint32_t bytes)
{
	unsigned n = 0;

	while (n < max && packet(sa, bytes))
		n++;
	return n;
}

/* ---- limits ---- */

/* Exactly as many packets as the hard limit; soft before hard, each once. */
static void test_packets(void **state)
{
	static const uint64_t hards[] = {1, 2, 100, 4096, 4097, 10000};

	(void)state;
	for (unsigned i = 0; i < sizeof(hards) / sizeof(hards[0]) * 2; i++) {
		enum dp_sa_dir dir = i & 1 ? DP_SA_OUT : DP_SA_IN;
		struct dp_sa_conf conf = sa_conf(dir, PEER, 0x1000, i);
		uint64_t hard = hards[i / 2], soft = (hard + 1) / 2, sent;
		char text[32];
		uint32_t sa;

		conf.limits = (struct dp_sa_limits){.soft_pkts = soft, .hard_pkts = hard};
		sa = sa_add(&conf);
		text[0] = '\0';
		assert_int_equal(packets(sa, (unsigned)soft, 100), soft);
		strcat(text, told(rte_rdtsc())); /* sees it only when it looks at it by chance */
		sent = packets(sa, 1, 100);
		assert_int_equal(sent, hard > soft);
		/* At the limit it is spent, though it has not been asked for more. */
		strcat(text, told(rte_rdtsc()));
		assert_string_equal(text, soft + sent == hard ? "SH" : "S");
		assert_int_equal(packets(sa, 20000, 100), hard - soft - sent);
		assert_string_equal(told(rte_rdtsc()), soft + sent == hard ? "" : "H");
		assert_int_equal(sa_info(sa).pkts, hard);
		assert_int_equal(sa_info(sa).state, DP_SA_EXPIRED);
		assert_string_equal(told(rte_rdtsc() + 5 * rte_get_tsc_hz()), "");
		assert_false(packet(sa, 100));
		del(sa);
	}
}

/* Bytes: the packet that reaches the limit is the last. */
static void test_bytes(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_IN, PEER, 0x1000, 1);
	uint32_t sa;

	(void)state;
	conf.limits = (struct dp_sa_limits){.soft_bytes = 5000000, .hard_bytes = 9000000};
	sa = sa_add(&conf);
	assert_int_equal(packets(sa, 4999, 1000), 4999);
	assert_string_equal(told(rte_rdtsc()), "");
	assert_int_equal(packets(sa, 2, 1000), 2); /* the second one sees that it is time */
	assert_string_equal(told(rte_rdtsc()), "S");
	assert_int_equal(packets(sa, 10000, 1000), 9000 - 5001);
	assert_string_equal(told(rte_rdtsc()), "H");
	assert_int_equal(dp_sa_find(DP_SA_IN, &conf.local, NULL, 0x1000), 0); /* out of sight */
	del(sa);
}

/* Seconds need no packets. */
static void test_seconds(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x2000, 1);
	uint64_t start = rte_rdtsc(), s = rte_get_tsc_hz();
	uint32_t sa, older = sa_add(&conf);

	(void)state;
	conf = sa_conf(DP_SA_OUT, PEER, 0x2001, 2);
	conf.limits = (struct dp_sa_limits){.soft_s = 60, .hard_s = 90};
	sa = sa_add(&conf);
	assert_string_equal(told(start + 59 * s), "");
	assert_string_equal(told(start + 62 * s), "S");
	assert_int_equal(sa_adj(spoke)->sa, sa);
	assert_string_equal(told(start + 80 * s), "");
	assert_string_equal(told(start + 92 * s), "H");
	assert_int_equal(sa_adj(spoke)->sa, older); /* the newest that remains */
	assert_string_equal(told(start + 200 * s), "");
	del(sa);
	del(older);
}

/* The handler may delete what it is told of. */
static void test_delete_in_handler(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_IN, PEER, 0x1000, 1);

	(void)state;
	conf.limits = (struct dp_sa_limits){.soft_pkts = 5, .hard_pkts = 5};
	delete_at_soft = sa_add(&conf);
	assert_int_equal(packets(delete_at_soft, 10, 100), 5);
	assert_string_equal(told(rte_rdtsc()), "S");
	assert_int_equal(dp_sa_count(), 0);
	delete_at_soft = 0;
	defer_poll();
}

/* ---- the bound ---- */

/* Never beyond it; told low half a block ahead, once, and again while nothing goes out. */
static void test_bound(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x2000, 901);
	const uint64_t block = DP_SA_BOUND_BLOCK, s = rte_get_tsc_hz();
	uint64_t now = now_is();
	uint32_t sa;

	(void)state;
	conf.bound = block;
	sa = sa_add(&conf);
	assert_int_equal(packets(sa, (unsigned)(block / 2), 100), block / 2);
	assert_string_equal(told(now), "");
	assert_int_equal(packets(sa, 4097, 100), 4097);
	assert_string_equal(told(now), "B");
	assert_int_equal(packets(sa, (unsigned)block, 100), block / 2 - 4097);
	assert_int_equal(sa_info(sa).seq, block);
	assert_false(packet(sa, 100));
	assert_string_equal(told(now), "");
	assert_string_equal(told(now + 2 * s), "B");
	assert_string_equal(told(now + 2 * s + s / 2), "");
	assert_int_equal(sa_info(sa).state, DP_SA_LIVE);
	assert_int_equal(dp_sa_bound_set(sa, 2 * block), 0);
	assert_int_equal(packets(sa, 10, 100), 10);
	assert_string_equal(told(now + 20 * s), "");
	del(sa);
}

/* 32 bits: told early, stopped in time, the last number is used. */
static void test_32_bits(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_OUT, PEER, 0x2000, 1);
	uint64_t now = now_is(), s = rte_get_tsc_hz();
	uint32_t sa;

	(void)state;
	conf.bound = UINT64_MAX;
	conf.seq = UINT32_MAX - 100;
	sa = sa_add(&conf);
	assert_int_equal(sa_info(sa).bound, UINT32_MAX);
	assert_int_equal(packets(sa, 1, 100), 1);
	assert_string_equal(told(now), "S");
	assert_int_equal(packets(sa, 1000, 100), 99);
	assert_int_equal(sa_info(sa).seq, UINT32_MAX);
	assert_false(packet(sa, 100));
	assert_string_equal(told(now), "H");
	assert_int_equal(sa_info(sa).state, DP_SA_EXPIRED);
	assert_int_equal(sa_adj(spoke)->sa, 0);
	assert_string_equal(told(now + 5 * s), "");
	/* With ESN it goes on. */
	conf.esn = true;
	conf.key[0] ^= 1;
	sa = sa_add(&conf);
	assert_int_equal(packets(sa, 1000, 100), 1000);
	assert_true(sa_info(sa).seq == UINT32_MAX + 900ULL);
	assert_string_equal(told(now + 5 * s), "");
	del(sa);
}

/* ---- what stages tell ---- */

static void test_moved(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_IN, PEER, 0x1000, 1);
	struct dp_addr to = stage_addr("192.0.2.99");
	uint64_t now = stage.w->now_tsc = now_is(), s = rte_get_tsc_hz();
	uint32_t sa, second;

	(void)state;
	conf.natt_port = 4500;
	sa = sa_add(&conf);
	conf = sa_conf(DP_SA_IN, PEER, 0x1001, 2);
	conf.natt_port = 4500;
	second = sa_add(&conf);
	for (unsigned i = 0; i < 100; i++) {
		sa_tell_moved(stage.w, &sas[sa], to.ip4_be, 5000);
		sa_tell_moved(stage.w, &sas[second], to.ip4_be, 5000); /* the same peer */
	}
	assert_int_equal(rte_ring_count(stage.w->sa_notes), 2);
	assert_string_equal(told(now), "M");
	assert_true(events[0].sa == sa && events[0].natt_port == 5000);
	assert_true(dp_addr_equal(&events[0].remote, &to));
	stage.w->now_tsc = now + 2 * s;
	sa_tell_moved(stage.w, &sas[sa], to.ip4_be, 5000);
	assert_string_equal(told(now + 2 * s), "M");
	/* Moved meanwhile, or gone. */
	stage.w->now_tsc = now + 4 * s;
	sa_tell_moved(stage.w, &sas[sa], to.ip4_be, 5000);
	assert_int_equal(dp_sa_peer_move(sa, &to, 5000), 0);
	assert_string_equal(told(now + 4 * s), "");
	stage.w->now_tsc = now + 6 * s;
	sa_tell_moved(stage.w, &sas[sa], conf.remote.ip4_be, 4500);
	del(sa);
	conf = sa_conf(DP_SA_IN, PEER, 0x1000, 3);
	assert_int_equal(sa_add(&conf), sa); /* the same slot, another SA */
	assert_string_equal(told(now + 6 * s), "");
	del(sa);
	del(second);
}

static void test_wanted(void **state)
{
	uint64_t now = stage.w->now_tsc = now_is(), s = rte_get_tsc_hz();
	uint32_t nat = sa_spoke_add(tunnel, "192.0.2.61", 40001);

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		sa_tell_wanted(stage.w, spoke_adj(spoke));
	sa_tell_wanted(stage.w, spoke_adj(nat));
	assert_string_equal(told(now), "WW");
	assert_true(events[0].natt_port == 0 && events[1].natt_port == 40001);
	assert_true(events[0].sa == 0 && events[0].tunnel == tunnel);
	assert_int_equal(events[0].remote.ip4_be, stage_addr(PEER).ip4_be);
	assert_int_equal(events[0].local.ip4_be, stage_addr("192.0.2.1").ip4_be);
	sa_tell_wanted(stage.w, spoke_adj(spoke));
	assert_string_equal(told(now + 2 * s), "");
	stage.w->now_tsc = now + 2 * s;
	sa_tell_wanted(stage.w, spoke_adj(spoke));
	assert_string_equal(told(now + 2 * s), "W");
	assert_int_equal(dp_spoke_del(nat), 0);
	defer_poll();
}

/* A full ring loses no event of a limit: it comes later. */
static void test_ring_full(void **state)
{
	struct dp_sa_conf conf = sa_conf(DP_SA_IN, PEER, 0x1000, 1);
	uint64_t full = stage.w->stats.sa_notes_full, now = now_is();
	uint64_t note[3] = {2}; /* NOTE_WANTED of nobody; as long as struct note is at most */
	uint32_t sa, count = 0;

	(void)state;
	conf.limits = (struct dp_sa_limits){.soft_pkts = 10, .hard_pkts = 1000};
	sa = sa_add(&conf);
	while (rte_ring_sp_enqueue_elem(stage.w->sa_notes, note, sizeof(note)) == 0)
		count++;
	assert_int_equal(packets(sa, 11, 100), 11);
	assert_true(stage.w->stats.sa_notes_full > full);
	for (unsigned i = 0; i <= count / 64; i++)
		assert_string_equal(told(now), "");
	assert_int_equal(packets(sa, 100, 100), 100); /* it notes it again */
	assert_string_equal(told(now), "S");
	/* The hard one, of which the worker speaks once: by the look at all SAs. */
	while (rte_ring_sp_enqueue_elem(stage.w->sa_notes, note, sizeof(note)) == 0)
		;
	assert_int_equal(packets(sa, 2000, 100), 1000 - 111);
	assert_string_equal(told(now + 3 * rte_get_tsc_hz()), "H");
	while (!rte_ring_empty(stage.w->sa_notes))
		told(now);
	del(sa);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets),   cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_seconds),   cmocka_unit_test(test_delete_in_handler),
		cmocka_unit_test(test_bound),     cmocka_unit_test(test_32_bits),
		cmocka_unit_test(test_moved),     cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_ring_full),
	};

	return cmocka_run_group_tests_name("sa_event", tests, setup, stage_teardown);
}
