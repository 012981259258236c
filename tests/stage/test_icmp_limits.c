/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP errors of packets that waited in vain or whose spoke has no way, and how many errors are
 * sent to whom.
 */
#include "icmp_fixture.h"

#include <errno.h>

#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_port.h"
#include "dataplane/dp_punt.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/police.h"
#include "netns.h"

#define WAIT_MS (DP_NEIGHQ_WAIT_S * 1000 + 1)

/* ---- waiting ---- */

static void test_lan_neighbour(void **state)
{
	static const struct told told = HOST;
	const struct packet f = {SPOKE11, "10.1.11.1", "10.1.1.77"};
	struct stage_packet quote = icmp_packet(&f);
	const struct stage_result *r = icmp_send(&f);

	(void)state;
	assert_int_equal(r->delta.held_pkts, 1);
	silent_check(stage_later(WAIT_MS - 2));
	r = stage_later(WAIT_MS);
	assert_int_equal(r->delta.drops[DP_DROP_NEIGH_UNRESOLVED], 1);
	assert_int_equal(r->delta.held_pkts, 0);
	/* Forwarded that far: TTL and checksum are those of the next hop. */
	quote.bytes[8]--;
	stage_ip_fix(&quote, 0);
	told_check(r, SPOKE11, &told, "10.255.0.1", &quote);
}

/* A spoke whose underlay neighbour is `neigh`, 0: none. */
static uint32_t spoke_add(uint16_t tunnel, const char *nbma, const char *protocol, uint32_t neigh)
{
	struct dp_spoke_key key = {.tunnel = tunnel, .nbma = stage_addr(nbma)};
	struct dp_addr addr = stage_addr(protocol);
	uint32_t spoke;

	assert_int_equal(dp_spoke_add(&key, &spoke), 0);
	assert_int_equal(dp_spoke_neigh_set(spoke, neigh), 0);
	assert_int_equal(dp_nexthop_set(tunnel, &addr, spoke), 0);
	return spoke;
}

static void spoke_del(uint16_t tunnel, const char *protocol, uint32_t spoke)
{
	struct dp_addr addr = stage_addr(protocol);

	assert_int_equal(dp_nexthop_del(tunnel, &addr), 0);
	assert_int_equal(dp_spoke_del(spoke), 0);
	dp_poll();
}

/* What waits has its outer header already: the quote is the inner packet all the same. */
static void test_underlay_neighbour(void **state)
{
	static const struct told told = HOST;
	const struct {
		uint16_t tunnel; /* with key, without */
		const char *protocol;
	} rows[] = {{stage.tunnel100, "10.255.0.13"}, {stage.tunnel200, "10.255.1.13"}};

	(void)state;
	for (size_t i = 0; i < ROWS(rows); i++) {
		const struct packet f = {LAN, "10.1.1.10", rows[i].protocol};
		struct dp_addr nbma = stage_addr("192.0.2.13");
		struct stage_packet quote = icmp_packet(&f);
		const struct stage_result *r;
		uint32_t neigh, spoke;

		assert_int_equal(dp_neigh_get(stage.wan, &nbma, &neigh), 0);
		spoke = spoke_add(rows[i].tunnel, "192.0.2.13", rows[i].protocol, neigh);
		r = icmp_send(&f);
		assert_int_equal(r->delta.held_pkts, 1);
		r = stage_later(WAIT_MS);
		assert_int_equal(r->delta.drops[DP_DROP_NEIGH_UNRESOLVED], 1);
		quote.bytes[8]--;
		stage_ip_fix(&quote, 0);
		told_check(r, LAN, &told, "10.1.1.1", &quote);
		spoke_del(rows[i].tunnel, rows[i].protocol, spoke);
	}
}

/* Of our own kernel, and NHRP of ours: told by the twin, and not at all. */
static void test_own_packets_wait(void **state)
{
	static const struct told told = HOST;
	const struct packet f = {TWIN, "10.255.0.1", "10.1.1.78"};
	struct stage_packet quote = icmp_packet(&f);
	struct dp_addr nbma = stage_addr("192.0.2.99");
	struct rte_mbuf *m = NULL;

	(void)state;
	assert_int_equal(icmp_send(&f)->delta.held_pkts, 1);
	told_check(stage_later(WAIT_MS), TWIN, &told, "10.1.1.78", &quote);
	assert_int_equal(dp_inject_nhrp(stage.tunnel100, &nbma, 0, quote.bytes, 60), 0);
	assert_int_equal(rte_ring_sc_dequeue(stage.w->inject, (void **)&m), 0);
	assert_int_equal(stage_inject_mbuf(m)->delta.held_pkts, 1);
	silent_check(stage_later(WAIT_MS));
	assert_int_equal(stage.w->neighq_used, 0);
}

/* A turn that receives nothing, but gives up waiting for a neighbour, wakes the control core. */
static void test_idle_turn_wakes(void **state)
{
	uint32_t rxq_count = stage.w->rxq_count;

	(void)state;
	/* A turn reads the real clock, which is behind ours: buckets that know neither. */
	police_fini(stage.w);
	assert_int_equal(police_init(stage.w), 0);
	assert_int_equal(
		icmp_send(&(struct packet){TWIN, "10.255.0.1", "10.1.1.78"})->delta.held_pkts, 1);
	while (dp_punt_drain(64) > 0)
		;
	for (unsigned i = 0; i < DP_NEIGHQ_LEN; i++)
		stage.w->neighq[i].deadline_tsc = 0;
	stage.w->neighq_next_tsc = 0;
	stage.w->rxq_count = 0;
	assert_true(dp_punt_sleep());
	dp_worker_turn(stage.w);
	stage.w->rxq_count = rxq_count;
	assert_int_equal(stage.w->neighq_used, 0);
	assert_true(netns_readable_now(dp_punt_fd()));
	dp_punt_awake();
	assert_int_equal(dp_punt_drain(64), 1);
}

static void test_no_underlay_route(void **state)
{
	static const struct told told = HOST;
	const struct packet f = {SPOKE12, "10.1.12.1", "10.255.0.13"};
	uint32_t spoke = spoke_add(stage.tunnel100, "192.0.2.13", "10.255.0.13", 0);
	struct stage_packet quote = icmp_packet(&f);
	const struct stage_result *r = icmp_send(&f);

	(void)state;
	assert_int_equal(r->delta.drops[DP_DROP_NO_UNDERLAY_ROUTE], 1);
	quote.bytes[8]--;
	stage_ip_fix(&quote, 0);
	told_check(r, SPOKE12, &told, "10.255.0.1", &quote);
	spoke_del(stage.tunnel100, "10.255.0.13", spoke);
}

/* ---- where they come from ---- */

static void test_addresses(void **state)
{
	struct dp_addr ip4 = stage_addr("10.255.0.254"), ip6 = stage_addr("2001:db8::1");
	const struct packet f = {SPOKE11, A, 1};
	static const struct told told = TTL_EXCEEDED;
	struct stage_packet quote = icmp_packet(&f);
	const struct stage_result *r;

	(void)state;
	assert_int_equal(dp_tunnel_address_set(stage.tunnel100, &ip4), 0);
	told_check(icmp_send(&f), SPOKE11, &told, "10.255.0.254", &quote);
	assert_int_equal(dp_tunnel_address_set(stage.tunnel100, &ip6), -EAFNOSUPPORT);
	told_check(icmp_send(&f), SPOKE11, &told, "10.255.0.254", &quote);
	/* An interface without an address has nothing to send from. */
	assert_int_equal(dp_tunnel_address_set(stage.tunnel100, NULL), 0);
	r = icmp_send(&f);
	assert_int_equal(r->wan_n, 0);
	assert_int_equal(r->delta.icmp_suppressed, 1);
	assert_int_equal(r->delta.drops[DP_DROP_TTL_EXPIRED], 1);
	assert_int_equal(dp_tunnel_address_set(3, &ip4), -ENOENT);
	assert_int_equal(dp_port_address_set(2, &ip4), -ENOENT);
	assert_int_equal(dp_port_address_set(stage.lan, &ip6), -EAFNOSUPPORT);
}

/* RFC 6864: without DF, no two alike in a row. */
static void test_ids_differ(void **state)
{
	struct rte_ipv4_hdr a, b;

	(void)state;
	memcpy(&a, icmp_send(&(struct packet){LAN, L, 1})->lan[0].bytes + 14, sizeof(a));
	memcpy(&b, icmp_send(&(struct packet){LAN, L, 1})->lan[0].bytes + 14, sizeof(b));
	assert_int_not_equal(a.packet_id, b.packet_id);
}

/* ---- how many ---- */

/* Errors that come back for so many expired packets, in one moment. */
static unsigned flood(const struct packet *f, unsigned n)
{
	struct stage_packet p = icmp_packet(f);
	unsigned sent = 0;

	while (n > 0) {
		unsigned burst = RTE_MIN(n, (unsigned)DP_BURST);
		const struct stage_result *r = icmp_send_ip(f->from, &p, burst);

		assert_int_equal(r->delta.drops[DP_DROP_TTL_EXPIRED], burst);
		assert_int_equal(r->delta.icmp_sent + r->delta.icmp_suppressed, burst);
		assert_int_equal(r->delta.generated_pkts, r->delta.icmp_sent);
		assert_int_equal(r->wan_n + r->lan_n, r->delta.icmp_sent);
		sent += (unsigned)r->delta.icmp_sent;
		n -= burst;
	}
	return sent;
}

static void test_rate(void **state)
{
	const struct police_rate *rate = &police_rates[POLICE_ICMP_ERRORS];
	const struct packet by11 = {SPOKE11, A, 1}, by12 = {SPOKE12, "10.1.12.1", "10.1.11.1", 1};
	const struct packet lan = {LAN, L, 1};

	(void)state;
	/* One source, then the next, until the bucket of all is empty. */
	assert_int_equal(rate->burst_pkts, 2 * rate->source_burst_pkts);
	assert_int_equal(flood(&by11, 200), rate->source_burst_pkts);
	assert_int_equal(flood(&by12, 200), rate->source_burst_pkts);
	assert_int_equal(flood(&lan, 200), 0);
	/* 20 ms later: 20 of all, 2 of each that was at its end. */
	stage_clock_move(20000);
	assert_int_equal(flood(&by11, 200), 20 * rate->source_pps / 1000);
	assert_int_equal(flood(&by12, 200), 20 * rate->source_pps / 1000);
	assert_int_equal(flood(&lan, 200), 20 * (rate->pps - 2 * rate->source_pps) / 1000);
	/* Full again, and not fuller. */
	stage_clock_move(10 * 1000000);
	assert_int_equal(flood(&by11, 200), rate->source_burst_pkts);
}

/* A second of a flood from one spoke, whatever sources it invents: the others' errors come. */
static void test_fair(void **state)
{
	struct packet by11 = {SPOKE11, A, 1};
	const struct packet by12 = {SPOKE12, "10.1.12.1", "10.1.11.1", 1};
	const struct packet lan = {LAN, L, 1};
	const struct police_rate *rate = &police_rates[POLICE_ICMP_ERRORS];
	unsigned flooded = 0;
	char src[16];

	(void)state;
	for (unsigned ms = 0; ms < 1000; ms++) {
		snprintf(src, sizeof(src), "10.1.11.%u", 1 + ms % 200);
		by11.src = src;
		flooded += flood(&by11, 20);
		if (ms % 50 == 0) {
			assert_int_equal(flood(&by12, 1), 1);
			assert_int_equal(flood(&lan, 1), 1);
		}
		stage_clock_move(1000);
	}
	assert_in_range(flooded, rate->source_pps, rate->source_pps + rate->source_burst_pkts);
}

static void test_no_buffer(void **state)
{
	struct rte_mbuf **all = calloc(dp_pool->size + 1, sizeof(struct rte_mbuf *));
	struct stage_packet frame =
		stage_eth(stage.lan, 0x0800, icmp_packet(&(struct packet){LAN, L, 1}));
	const struct stage_result *r;
	unsigned n = 0;

	(void)state;
	assert_non_null(all);
	while ((all[n] = rte_pktmbuf_alloc(dp_pool)) != NULL)
		n++;
	dp_release(all[--n]); /* for the packet itself */
	r = stage_run(stage.lan, &frame, 1);
	assert_int_equal(r->delta.icmp_suppressed, 1);
	assert_int_equal(r->delta.drops[DP_DROP_TTL_EXPIRED], 1);
	assert_int_equal(r->lan_n, 0);
	while (n > 0)
		dp_release(all[--n]);
	free(all);
}

#define ICMP_TEST(f) cmocka_unit_test_setup(f, icmp_setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ICMP_TEST(test_lan_neighbour),
		ICMP_TEST(test_underlay_neighbour),
		ICMP_TEST(test_own_packets_wait),
		ICMP_TEST(test_idle_turn_wakes),
		ICMP_TEST(test_no_underlay_route),
		ICMP_TEST(test_addresses),
		ICMP_TEST(test_ids_differ),
		ICMP_TEST(test_rate),
		ICMP_TEST(test_fair),
		ICMP_TEST(test_no_buffer),
	};

	return cmocka_run_group_tests_name("icmp_limits", tests, stage_setup, stage_teardown);
}
