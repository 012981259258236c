/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floods for the control core: more than a million packets per second of what it has to look at,
 * from one source or from invented ones, while the hub forwards. No forwarded packet is lost or
 * overtaken, every packet of the flood has a name, and registrations of others are answered.
 */
#include "flood.h"

#include <time.h>

#include <rte_cycles.h>

#include "dataplane/dp_punt.h"
#include "dataplane/police.h"
#include "dataplane/wire.h"

#define FLOOD_S           0.3
#define FLOOD_S_MAX       10.0
#define FLOOD_PPS_MIN     1000000
#define QUIET_INTERVAL_MS 25 /* a source may have 50 per second */
#define IN_FLIGHT_MAX     4096
#define BURST_FORWARD     8
#define BURST_FLOOD       56

#if defined(DP_DEBUG) || defined(__SANITIZE_ADDRESS__)
#define RATE_COUNTS false
#else
#define RATE_COUNTS true
#endif

/* ---- what is forwarded ---- */

static struct flow {
	enum flood_port in, out;
	struct stage_packet frame;
	uint16_t inner, inner_out; /* offsets of the inner packet */
	uint64_t sent, received;   /* the latter is also the number that must come next */
} flows[3];

#define SEQUENCE_AT 28 /* in the inner packet, behind the UDP header */

static void flows_make(void)
{
	struct stage_packet p;

	p = stage_ip((struct stage_ip){.src = "10.1.1.10", .dst = "10.1.11.5"});
	flows[0] = (struct flow){.in = FLOOD_LAN, .out = FLOOD_WAN, .inner = 14, .inner_out = 42};
	flows[0].frame = stage_eth(flood.port[FLOOD_LAN], 0x0800, p);
	p = stage_ip((struct stage_ip){.src = "10.1.11.5", .dst = "10.1.1.10"});
	flows[1] = (struct flow){.in = FLOOD_WAN, .out = FLOOD_LAN, .inner = 42, .inner_out = 14};
	flows[1].frame =
		stage_eth(flood.port[FLOOD_WAN], 0x0800,
			  stage_outer("192.0.2.11", "192.0.2.1", stage_gre(0x2000, 42, 0x0800, p)));
	p = stage_ip((struct stage_ip){.src = "10.1.11.5", .dst = "10.1.12.5"});
	flows[2] = (struct flow){.in = FLOOD_WAN, .out = FLOOD_WAN, .inner = 42, .inner_out = 42};
	flows[2].frame =
		stage_eth(flood.port[FLOOD_WAN], 0x0800,
			  stage_outer("192.0.2.11", "192.0.2.1", stage_gre(0x2000, 42, 0x0800, p)));
	for (uint32_t i = 0; i < 3; i++)
		memcpy(flows[i].frame.bytes + flows[i].inner + SEQUENCE_AT + 8, &i, sizeof(i));
}

static uint64_t in_flight(void)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < 3; i++)
		n += flows[i].sent - flows[i].received;
	return n;
}

static void forward_send(enum flood_port port)
{
	for (unsigned i = 0; i < 3; i++) {
		struct flow *f = &flows[i];

		if (f->in != port)
			continue;
		for (unsigned n = 0; n < BURST_FORWARD; n++) {
			memcpy(f->frame.bytes + f->inner + SEQUENCE_AT, &f->sent, sizeof(f->sent));
			flood_send(port, &f->frame);
			f->sent++;
		}
	}
}

/* ---- registrations of others ---- */

static struct {
	struct stage_packet request[2]; /* of registered spokes that are no flood */
	uint64_t sent, answered, next_tsc;
	uint64_t handled;   /* NHRP packets that the control core saw */
	uint64_t worst_tsc; /* from request to answer */
} quiet;

#define QUIET_TSC_AT (14 + 20 + 8 + 2) /* in the frame: behind Q and the spoke's number */

static void quiet_make(void)
{
	static const char *const nbma[2] = {"192.0.2.12", "192.0.2.13"};

	for (unsigned i = 0; i < 2; i++) {
		struct stage_packet nhrp = {.len = 60, .bytes = {'Q', (uint8_t)i}};

		quiet.request[i] = stage_eth(
			flood.port[FLOOD_WAN], 0x0800,
			stage_outer(nbma[i], "192.0.2.1", stage_gre(0x2000, 42, 0x2001, nhrp)));
	}
}

/* The control core answers whom it knows, as it would a registration. */
static void on_nhrp(void *ctx, const struct dp_punt_meta *meta, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	quiet.handled++;
	if (bytes[0] == 'Q')
		assert_int_equal(dp_inject_nhrp(meta->tunnel, &meta->outer_src, 0, bytes, len), 0);
}

static void quiet_send(void)
{
	if (rte_rdtsc() < quiet.next_tsc || !flood_room(FLOOD_WAN, 2))
		return;
	quiet.next_tsc = rte_rdtsc() + rte_get_tsc_hz() / 1000 * QUIET_INTERVAL_MS;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t now = rte_rdtsc();

		memcpy(quiet.request[i].bytes + QUIET_TSC_AT, &now, sizeof(now));
		flood_send(FLOOD_WAN, &quiet.request[i]);
		quiet.sent++;
	}
}

/* ---- what comes out ---- */

static void verify(enum flood_port port, const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	bool is_gre = p[14 + 9] == IPPROTO_GRE;
	const uint8_t *inner = p + (is_gre ? 42 : 14);
	uint64_t sequence;
	uint32_t flow;

	if (is_gre && p[14 + 20 + 2] == 0x20 && p[14 + 20 + 3] == 0x01) {
		assert_int_equal(inner[0], 'Q');
		memcpy(&sequence, p + QUIET_TSC_AT, sizeof(sequence));
		quiet.worst_tsc = RTE_MAX(quiet.worst_tsc, rte_rdtsc() - sequence);
		quiet.answered++;
		return;
	}
	memcpy(&sequence, inner + SEQUENCE_AT, sizeof(sequence));
	memcpy(&flow, inner + SEQUENCE_AT + 8, sizeof(flow));
	assert_in_range(flow, 0, 2);
	assert_int_equal(port, flows[flow].out);
	assert_int_equal(inner - p, flows[flow].inner_out);
	if (sequence != flows[flow].received)
		fail_msg("flow %u: number %lu came where %lu should: lost, or overtaken", flow,
			 sequence, flows[flow].received);
	flows[flow].received++;
}

static void harvest(void)
{
	for (unsigned port = 0; port < FLOOD_PORTS; port++) {
		struct rte_mbuf *m;

		while ((m = flood_receive(port)) != NULL) {
			verify(port, m);
			rte_pktmbuf_free(m);
		}
	}
}

static void control_turn(void)
{
	dp_punt_drain(64);
	dp_poll();
}

/* ---- floods ---- */

static void flood_burst(const struct flood_kind *k, struct stage_packet *frame)
{
	for (unsigned i = 0; i < BURST_FLOOD; i++) {
		flood_source_invent(frame, k->vary);
		flood_send(k->port, frame);
	}
}

/* Everything that was sent has been through the worker, and through the control core. */
static void drain(void)
{
	uint64_t deadline = rte_rdtsc() + 10 * rte_get_tsc_hz();

	while (__atomic_load_n(&flood.w->stats.rx_pkts, __ATOMIC_RELAXED) != flood.sent ||
	       in_flight() != 0 || quiet.answered != quiet.sent || !rte_ring_empty(flood.w->punt) ||
	       !rte_ring_empty(flood.w->nhrp) || !rte_ring_empty(flood.w->inject)) {
		harvest();
		control_turn();
		if (rte_rdtsc() > deadline)
			fail_msg("not drained: %lu of %lu frames taken, %lu in flight, %lu of %lu "
				 "registrations answered",
				 flood.w->stats.rx_pkts, flood.sent, in_flight(), quiet.answered,
				 quiet.sent);
	}
	/* Its turn has ended, and with it what it counts. */
	for (uint64_t token = dp_worker_token(); !dp_worker_passed(0, token);)
		rte_pause();
}

static double cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* How many of the flood may get through in a time. */
static double most_punted(const struct flood_kind *k, double seconds)
{
	const struct police_rate *rate;

	if (k->class == POLICE_CLASSES)
		return 0;
	rate = &police_rates[k->class];
	return k->vary == FLOOD_VARY_NOTHING ? rate->source_burst_pkts + rate->source_pps * seconds
					     : rate->burst_pkts + rate->pps * seconds;
}

static double seconds_since(uint64_t tsc)
{
	return (double)(rte_rdtsc() - tsc) / (double)rte_get_tsc_hz();
}

/* Long enough, and a flood: twice what may get through, also where everything is slow. */
static bool is_over(const struct flood_kind *k, uint64_t start, uint64_t n)
{
	double seconds = seconds_since(start);

	return seconds > FLOOD_S_MAX ||
	       (seconds > FLOOD_S && (double)n > 2.5 * most_punted(k, seconds));
}

/* Returns how many packets the flood had. */
static uint64_t flood_for_a_while(const struct flood_kind *k,
				  double *seconds,
				  double *share,
				  double *with_drain)
{
	struct stage_packet frame = k->make();
	uint64_t start = rte_rdtsc();
	double cpu = cpu_time();
	uint64_t n = 0;

	while (!is_over(k, start, n)) {
		for (unsigned port = 0; port < FLOOD_PORTS; port++) {
			if (in_flight() > IN_FLIGHT_MAX || !flood_room(port, 128))
				continue;
			forward_send(port);
			if (k->port == port) {
				flood_burst(k, &frame);
				n += BURST_FLOOD;
			}
		}
		quiet_send();
		harvest();
		control_turn();
	}
	*seconds = seconds_since(start);
	*share = (cpu_time() - cpu) / *seconds;
	drain();
	*with_drain = seconds_since(start);
	return n;
}

/* No more than the class may have was punted, and it was a flood. */
static void check_police(const struct flood_kind *k,
			 uint64_t punted,
			 uint64_t dropped,
			 double seconds)
{
	double most = most_punted(k, seconds);

	if (k->class == POLICE_CLASSES) {
		assert_int_equal(punted, 0);
		return;
	}
	assert_true(punted > 0);
	assert_true(dropped > punted);
	if ((double)punted > most + 2)
		fail_msg("%s: %lu packets got through, at most %.0f may", k->name, punted, most);
}

static void check_drops(const struct flood_kind *k,
			const struct dp_worker_stats *before,
			const struct dp_worker_stats *after)
{
	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		if (i != k->reason && after->drops[i] != before->drops[i])
			fail_msg("%s: %lu packets dropped as %s", k->name,
				 after->drops[i] - before->drops[i], dp_drop_key(i));
}

/* Of all floods: packets, and CPU time of those who made them, who share it with the control core
 * and the machine's others. */
static struct {
	double pkts, cpu_s;
} total;

static void one_flood(const struct flood_kind *k)
{
	struct dp_worker_stats before = flood.w->stats, after;
	uint64_t quiet_before = quiet.sent,
		 forwarded = flows[0].sent + flows[1].sent + flows[2].sent;
	uint64_t n, dropped, punted;
	double seconds, share, with_drain, pps;

	quiet.worst_tsc = 0;
	n = flood_for_a_while(k, &seconds, &share, &with_drain);
	after = flood.w->stats;
	forwarded = flows[0].sent + flows[1].sent + flows[2].sent - forwarded;
	dropped = after.drops[k->reason] - before.drops[k->reason];
	punted = after.punted_pkts - before.punted_pkts - (quiet.sent - quiet_before);
	pps = (double)n / seconds;
	print_message("%-28s %8.0f packets/s, %8.0f/s of our CPU time; %6lu punted, %7lu dropped "
		      "as %s; %7lu forwarded, %2lu registrations answered in at most %lu us\n",
		      k->name, pps, pps / share, punted, dropped, dp_drop_key(k->reason), forwarded,
		      quiet.sent - quiet_before, quiet.worst_tsc * 1000000 / rte_get_tsc_hz());
	assert_int_equal(n, dropped + punted);
	assert_true(forwarded > 0 && quiet.sent > quiet_before);
	check_drops(k, &before, &after);
	check_police(k, punted, dropped, with_drain);
	assert_int_equal(after.held_pkts, 0);
	assert_int_equal(dp_worker_balance(&after), 0);
	total.pkts += (double)n;
	total.cpu_s += seconds * share;
}

static void floods(void **state)
{
	const struct dp_punt_handlers handlers = {.nhrp = on_nhrp};

	(void)state;
	if (flood.w == NULL) {
		print_message("not tested: needs two CPUs\n");
		skip();
	}
	dp_punt_handlers_set(&handlers);
	flows_make();
	quiet_make();
	for (size_t i = 0; flood_kinds[i].name != NULL; i++)
		one_flood(&flood_kinds[i]);
	assert_true(quiet.handled > quiet.sent);
	if (RATE_COUNTS && total.pkts / total.cpu_s < FLOOD_PPS_MIN)
		fail_msg("%.0f packets/s: no flood", total.pkts / total.cpu_s);
	assert_int_equal(rte_mempool_in_use_count(dp_pool), 0);
}

static int setup(void **state)
{
	(void)state;
	flood_net_start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (flood.w != NULL)
		flood_net_stop();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(floods)};

	return cmocka_run_group_tests_name("flood", tests, setup, teardown);
}
