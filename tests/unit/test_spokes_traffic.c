/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict over each probe of the emulated spokes, and the small tools under it.
 */
#include "spokes_fixture.h"

/* What a right hub does to a packet on its way through. */
static void route(uint8_t *inner, unsigned hops)
{
	inner[8] = (uint8_t)(inner[8] - hops);
	bytes_put_u16(inner + 10, 0);
	bytes_put_u16(inner + 10, packet_checksum(inner, 20));
}

static struct traffic_stats *open_traffic(struct world *w)
{
	w->opt.rate_pps = 1;
	world_open(w, 0);
	all_register(w, 1);
	frame_count = 0;
	traffic_start(&w->traffic, SECOND_NS);
	traffic_poll(&w->traffic, 2 * SECOND_NS);
	assert_int_equal(frame_count, 1);
	w->demux.now_ns = 2 * SECOND_NS + 1000;
	return &w->traffic.streams[TRAFFIC_LAN].stats;
}

/* The inner packet of a frame. */
static size_t inner_of(unsigned k, uint8_t *inner)
{
	struct packet_view view;

	assert_int_equal(packet_decap(frames[k], frame_lens[k], &view), PACKET_OK);
	memcpy(inner, view.inner, view.inner_len);
	return view.inner_len;
}

static void test_echo_there_and_back(void **state)
{
	struct world w = {0};
	struct traffic_stats *stats = open_traffic(&w);
	uint8_t inner[PACKET_INNER_MAX];
	size_t len = inner_of(0, inner);

	(void)state;
	assert_int_equal(bytes_u32(inner + 12), LAN_BASE + 1);
	assert_int_equal(bytes_u32(inner + 16), LAN_BASE + 256 + 1);
	route(inner, 1);
	hub_sends(&w, NBMA_BASE + 1, 0x0800, inner, len);
	assert_int_equal(stats->answered, 1);
	assert_int_equal(frame_count, 2);
	len = inner_of(1, inner);
	route(inner, 1);
	hub_sends(&w, NBMA_BASE, 0x0800, inner, len);
	assert_int_equal(stats->received, 1);
	assert_int_equal(traffic_outstanding(&w.traffic), 0);
	assert_int_equal(w.traffic.streams[TRAFFIC_LAN].latency.max_ns, 1000);
	hub_sends(&w, NBMA_BASE, 0x0800, inner, len);
	assert_int_equal(stats->received, 1);
	assert_int_equal(stats->duplicate, 1);
	world_close(&w);
}

static void test_echo_faults(void **state)
{
	struct world w = {0};
	struct traffic_stats *stats = open_traffic(&w);
	uint8_t inner[PACKET_INNER_MAX];
	const size_t len = inner_of(0, inner);

	(void)state;
	hub_sends(&w, NBMA_BASE + 1, 0x0800, inner, len); /* bridged, not routed */
	assert_int_equal(stats->ttl, 1);
	route(inner, 2);
	hub_sends(&w, NBMA_BASE + 1, 0x0800, inner, len); /* routed twice */
	assert_int_equal(stats->ttl, 2);
	inner[8]++;
	route(inner, 0);
	hub_sends(&w, NBMA_BASE + 2, 0x0800, inner, len); /* to the wrong spoke */
	assert_int_equal(w.traffic.misdelivered, 1);
	inner[100] ^= 4;
	hub_sends(&w, NBMA_BASE + 1, 0x0800, inner, len);
	assert_int_equal(stats->corrupt, 1);
	inner[100] ^= 4;
	inner[8]++; /* the checksum was not corrected */
	hub_sends(&w, NBMA_BASE + 1, 0x0800, inner, len);
	assert_int_equal(w.traffic.bad_header, 1);
	assert_int_equal(stats->answered, 0);
	assert_int_equal(stats->received, 0);
	world_close(&w);
}

static void test_wrong_key_and_stranger(void **state)
{
	struct world w = {0};
	struct packet_tunnel t = {
		.src = HUB_NBMA, .dst = NBMA_BASE, .has_key = true, .key = 43, .proto = 0x0800};
	uint8_t frame[128] = {0};

	(void)state;
	world_open(&w, 0);
	demux_frame(&w.demux, frame, packet_encap(&t, frame, 20));
	assert_int_equal(w.demux.wrong_key, 1);
	t.has_key = false;
	demux_frame(&w.demux, frame, packet_encap(&t, frame, 20));
	assert_int_equal(w.demux.wrong_key, 2);
	t.src = HUB_NBMA + 1;
	demux_frame(&w.demux, frame, packet_encap(&t, frame, 20));
	assert_int_equal(w.demux.foreign_frames, 1);
	world_close(&w);
}

/* --- small tools --- */

static void test_window(void **state)
{
	struct window w = {0};

	(void)state;
	assert_int_equal(window_mark(&w, 0), WINDOW_NEW);
	assert_int_equal(window_mark(&w, 0), WINDOW_DUPLICATE);
	assert_int_equal(window_mark(&w, 5), WINDOW_NEW);
	assert_int_equal(window_mark(&w, 3), WINDOW_NEW); /* out of order */
	assert_int_equal(window_mark(&w, 3), WINDOW_DUPLICATE);
	assert_int_equal(window_mark(&w, 5 + WINDOW_BITS - 1), WINDOW_NEW);
	assert_int_equal(window_mark(&w, 5), WINDOW_DUPLICATE); /* the oldest still known */
	assert_int_equal(window_mark(&w, 4), WINDOW_LATE);
	assert_int_equal(window_mark(&w, 6), WINDOW_NEW);
	assert_int_equal(window_mark(&w, 100000), WINDOW_NEW); /* a jump forgets all */
	assert_int_equal(window_mark(&w, 100000 - WINDOW_BITS + 1), WINDOW_NEW);
	assert_int_equal(window_mark(&w, 100000 - WINDOW_BITS), WINDOW_LATE);
}

static void test_timers(void **state)
{
	static const uint64_t due[] = {50, 10, 40, 10, 30, 20};
	struct timers t;
	uint64_t last = 0;

	(void)state;
	assert_int_equal(timers_init(&t, 6), 0);
	assert_true(timers_next_ns(&t) == UINT64_MAX);
	for (uint32_t i = 0; i < 6; i++)
		timers_set(&t, i, 100);
	for (uint32_t i = 0; i < 6; i++) /* moved, not added */
		timers_set(&t, i, due[i]);
	assert_int_equal(timers_pop(&t, 9), TIMERS_NONE);
	for (uint32_t n = 0; n < 6; n++) {
		const uint32_t id = timers_pop(&t, 50);

		assert_int_not_equal(id, TIMERS_NONE);
		assert_true(due[id] >= last);
		last = due[id];
	}
	assert_int_equal(timers_pop(&t, UINT64_MAX - 1), TIMERS_NONE);
	timers_free(&t);
}

static void test_latency(void **state)
{
	static struct latency l;

	(void)state;
	assert_int_equal(latency_percentile_ns(&l, 50), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		latency_add(&l, i * 1000);
	assert_int_equal(l.min_ns, 1000);
	assert_int_equal(l.max_ns, 1000000);
	assert_int_equal(latency_mean_ns(&l), 500500);
	assert_in_range(latency_percentile_ns(&l, 50), 500000, 535000);
	assert_in_range(latency_percentile_ns(&l, 99), 990000, 1000000);
	assert_int_equal(latency_percentile_ns(&l, 100), 1000000);
	latency_add(&l, UINT64_MAX / 2); /* beyond the table: in its last bucket */
	assert_int_equal(l.count, 1001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo_there_and_back),
		cmocka_unit_test(test_echo_faults),
		cmocka_unit_test(test_wrong_key_and_stranger),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_latency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
