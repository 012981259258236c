/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What registrations cost, and how the cost grows: the real codec, server and tables of control
 * core and dataplane, without sockets and kernel. Prints a table for 1,000, 10,000 and 100,000
 * entries; fails when something becomes dearer by more than memory that is farther away explains,
 * or when there are fewer than RATE_MIN new registrations per second of CPU time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_ip.h>

#include "control/nhrp/nhrp_requesters.h"
#include "control/nhrp/nhrp_server.h"
#include "dataplane/dp_neigh.h"
#include "dataplane/dp_priv.h"
#include "dataplane/dp_spoke.h"
#include "dataplane/dp_tunnel.h"

#define ENTRIES_MAX 100000
#define SPOKES_MAX  20000
#define PER_SPOKE   5
#define HOLDING_S   600
/* Of 100,000 entries to 1,000; a list or a scan would be 100. The slack is for what fits into a
 * cache at 1,000: some misses more are no growth. */
#define GROWTH_MAX 8
#define SLACK_NS   500
/* Unoptimized builds with sanitizers only show that it works. */
#ifdef __OPTIMIZE__
#define RATE_MIN   50000
#define ROUNDS_MAX 10
#else
#define RATE_MIN   5000
#define ROUNDS_MAX 1
#endif

enum phase { NEW, REFRESH, FIND, SPOKE, NOTE, EXPIRE, PHASES };
static const char *const phase_names[PHASES] = {
	"register", "refresh", "find by protocol", "find by NBMA", "note requester", "expire"};

struct bench {
	unsigned entries, spokes;
	double ns[PHASES]; /* the best round's, per operation */
};

static struct spoke_table *spokes;
static struct nhrp_server *srv;
static uint16_t port, tunnel;
static uint64_t now_ms = 1000000;

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct dp_addr protocol_of(unsigned entry)
{
	return dp_addr_ip4(rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 1) + entry));
}

static struct dp_addr nbma_of(unsigned spoke)
{
	return dp_addr_ip4(rte_cpu_to_be_32(RTE_IPV4(172U, 16, 0, 1) + spoke));
}

/* ---- what the hub does ---- */

static void underlay_bind(void *ctx, const struct spoke *spoke)
{
	const struct dp_addr gateway = dp_addr_ip4(RTE_BE32(RTE_IPV4(192U, 0, 2, 254)));
	uint32_t neigh;

	(void)ctx;
	assert_int_equal(dp_neigh_get(port, &gateway, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(spoke->dp, neigh), 0);
}

static int route(void *ctx, uint16_t id, const struct dp_prefix *host)
{
	(void)ctx;
	(void)id;
	(void)host;
	return 0;
}

static void dataplane_start(void)
{
	struct dp_conf conf = {.worker_lcores = {0},
			       .worker_count = 1,
			       .huge_pages = DP_HUGE_OFF,
			       .idle = DP_IDLE_SLEEP,
			       .limits = {.tunnels = 4,
					  .spokes = SPOKES_MAX,
					  .nexthops = ENTRIES_MAX,
					  .routes = 4096,
					  .tbl8 = 64,
					  .neighbours = 128},
			       .mtu_max = 1500,
			       .descriptors_sum = 2048};
	struct dp_port_conf wan = {.name = "wan0",
				   .device = "net_null0",
				   .role = DP_PORT_UNDERLAY,
				   .mtu = 1500,
				   .descriptors = 256,
				   .queues = 1};

	if (dp_start(&conf) < 0 || dp_port_add(&wan, &port) < 0)
		fail_msg("%s", dp_error());
}

static void tunnel_start(void)
{
	struct dp_tunnel_conf dp = {.name = "Tunnel0", .mtu = 1400, .ttl = 64, .network_id = 1};
	struct config_tunnel conf = {.name = "Tunnel0", .address_count = 1, .mtu = 1400};

	dp.source = conf.source = dp_addr_ip4(RTE_BE32(RTE_IPV4(192U, 0, 2, 1)));
	assert_int_equal(dp_tunnel_add(&dp, &tunnel), 0);
	assert_int_equal(dp_prefix_parse(&conf.addresses[0], "10.255.255.1/8"), 0);
	conf.nhrp.holdtime_s = HOLDING_S;
	conf.nhrp.install_routes = true;
	conf.nhrp.max_bindings_per_spoke = PER_SPOKE;
	conf.nhrp.multicast = CONFIG_MULTICAST_DYNAMIC;
	assert_int_equal(spoke_tunnel_add(spokes, tunnel, "Tunnel0"), 0);
	assert_int_equal(nhrp_server_tunnel_add(srv, tunnel, &conf, now_ms), 0);
}

static int setup(void **state)
{
	const struct spoke_ops ops = {.underlay_bind = underlay_bind};
	struct nhrp_server_conf conf = {
		.tunnels = 4, .bindings = ENTRIES_MAX, .routes = {.set = route, .del = route}};

	(void)state;
	dataplane_start();
	spokes = spoke_table_new(SPOKES_MAX, 4, &ops);
	conf.spokes = spokes;
	srv = nhrp_server_new(&conf);
	assert_non_null(srv);
	tunnel_start();
	return 0;
}

static int teardown(void **state)
{
	uint32_t leaked;

	(void)state;
	nhrp_server_free(srv);
	spoke_table_free(spokes);
	dp_stop(&leaked);
	assert_int_equal(leaked, 0);
	return 0;
}

/* ---- one operation of each phase ---- */

static struct dp_spoke_key spoke_key(const struct bench *b, unsigned i)
{
	return (struct dp_spoke_key){.tunnel = tunnel, .nbma = nbma_of(i % b->spokes)};
}

/* Made once per size: who registers is not what is measured. */
struct request {
	uint8_t bytes[96];
	uint16_t len;
};
static struct request requests[ENTRIES_MAX];

static void requests_make(const struct bench *b)
{
	struct nhrp_packet p;

	nhrp_packet_init(&p, NHRP_TYPE_REGISTRATION_REQUEST, AF_INET, AF_INET);
	p.hop_count = 255;
	p.flags = NHRP_REG_F_UNIQUE | NHRP_F_NAT;
	p.dst_proto = dp_addr_ip4(RTE_BE32(RTE_IPV4(10, 255, 255, 1)));
	p.cie_count = 1;
	p.cies[0] = (struct nhrp_cie){.prefix_len = 255, .mtu = 1400, .holding_s = HOLDING_S};
	nhrp_ext_add(&p, NHRP_EXT_RESPONDER, NHRP_EXT_F_COMPULSORY, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_NAT, 0, NULL, 0);
	nhrp_ext_add(&p, NHRP_EXT_END, NHRP_EXT_F_COMPULSORY, NULL, 0);
	for (unsigned i = 0; i < b->entries; i++) {
		p.request_id = i;
		p.src_proto = protocol_of(i);
		p.src_nbma = nbma_of(i % b->spokes);
		requests[i].len = (uint16_t)nhrp_packet_encode(&p, requests[i].bytes,
							       sizeof(requests[i].bytes));
	}
}

static void replies_drain(unsigned n)
{
	void *m[64];

	while (n > 0) {
		unsigned got = rte_ring_sc_dequeue_burst(dp_workers[0]->inject, m,
							 RTE_MIN(n, RTE_DIM(m)), NULL);

		assert_int_not_equal(got, 0);
		rte_pktmbuf_free_bulk((struct rte_mbuf **)m, got);
		n -= got;
	}
}

/* As the control loop does: 64 packets, then what else is due. */
static void all_register(const struct bench *b)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < b->entries; i++) {
		const struct dp_punt_meta meta = {.tunnel = tunnel,
						  .outer_src = nbma_of(i % b->spokes)};

		nhrp_server_receive(srv, now_ms, &meta, requests[i].bytes, requests[i].len);
		if (++waiting == 64 || i + 1 == b->entries) {
			replies_drain(waiting);
			waiting = 0;
			dp_poll();
		}
	}
}

static void all_found(const struct bench *b)
{
	for (unsigned i = 0; i < b->entries; i++) {
		const struct dp_addr a = protocol_of((unsigned)(i * 7919ULL % b->entries));

		assert_non_null(nhrp_cache_find(nhrp_server_cache(srv), tunnel, &a));
	}
}

static void all_spokes_found(const struct bench *b)
{
	for (unsigned i = 0; i < b->entries; i++) {
		const struct dp_spoke_key key = spoke_key(b, (unsigned)(i * 7919ULL % b->entries));

		assert_non_null(spoke_find(spokes, &key));
	}
}

static void all_noted(const struct bench *b)
{
	for (unsigned i = 0; i < b->entries; i++) {
		const struct nhrp_requester r = {
			.tunnel = tunnel,
			.target = {.addr = protocol_of(i), .len = 32},
			.requester_protocol = protocol_of((i + 1) % b->entries),
			.requester_nbma = nbma_of((i + 1) % b->spokes),
			.requester_tunnel = tunnel,
			.request_id = i,
			.holding_s = HOLDING_S / 2,
		};

		assert_int_equal(nhrp_requester_note(srv, &r, now_ms), 0);
	}
}

static void all_expire(const struct bench *b)
{
	struct nhrp_cache_info info;
	struct spoke_table_info spoke_info;

	(void)b;
	now_ms += HOLDING_S * 1000;
	while (nhrp_server_tick(srv, now_ms))
		dp_poll();
	/* Those that the dataplane did not let go at once. */
	do {
		dp_poll();
		spoke_table_tick(spokes);
		now_ms += 1000;
		nhrp_server_tick(srv, now_ms);
		nhrp_cache_info_get(nhrp_server_cache(srv), &info);
		spoke_table_info_get(spokes, &spoke_info);
	} while (info.bindings + spoke_info.spokes > 0);
}

/* ---- the figures ---- */

static void measure(struct bench *b, enum phase phase, void (*fn)(const struct bench *b))
{
	uint64_t start_ns = cpu_ns();
	double ns;

	fn(b);
	ns = (double)(cpu_ns() - start_ns) / b->entries;
	if (b->ns[phase] == 0 || ns < b->ns[phase])
		b->ns[phase] = ns;
}

static void round_run(struct bench *b)
{
	struct nhrp_cache_info info;

	measure(b, NEW, all_register);
	nhrp_cache_info_get(nhrp_server_cache(srv), &info);
	assert_int_equal(info.bindings, b->entries);
	measure(b, REFRESH, all_register);
	measure(b, FIND, all_found);
	measure(b, SPOKE, all_spokes_found);
	measure(b, NOTE, all_noted);
	measure(b, EXPIRE, all_expire);
}

static void print(const struct bench *b)
{
	print_message("%u entries of %u spokes:", b->entries, b->spokes);
	for (unsigned i = 0; i < PHASES; i++)
		print_message("%s %s %.0f ns", i ? "," : "", phase_names[i], b->ns[i]);
	print_message("; %.0f registrations/s, %.0f refreshes/s\n", 1e9 / b->ns[NEW],
		      1e9 / b->ns[REFRESH]);
}

static void run(struct bench *b, unsigned rounds)
{
	requests_make(b);
	for (unsigned i = 0; i < rounds && i < ROUNDS_MAX; i++)
		round_run(b);
	print(b);
}

static void test_growth(void **state)
{
	struct bench small = {.entries = 1000, .spokes = 1000 / PER_SPOKE};
	struct bench middle = {.entries = 10000, .spokes = 10000 / PER_SPOKE};
	struct bench large = {.entries = ENTRIES_MAX, .spokes = SPOKES_MAX};

	(void)state;
	run(&small, 10);
	run(&middle, 3);
	run(&large, 2);
	for (unsigned i = 0; i < PHASES; i++)
		if (large.ns[i] > GROWTH_MAX * small.ns[i] + SLACK_NS)
			fail_msg("%s: %.0f ns of %u entries, %.0f ns of %u", phase_names[i],
				 small.ns[i], small.entries, large.ns[i], large.entries);
}

/* The storm after a power cut: each registration is a new spoke. */
static void test_storm(void **state)
{
	struct bench storm = {.entries = 10000, .spokes = 10000};

	(void)state;
	run(&storm, 3);
	if (1e9 / storm.ns[NEW] < RATE_MIN)
		fail_msg("%.0f registrations/s (at least %u)", 1e9 / storm.ns[NEW], RATE_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_storm),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
