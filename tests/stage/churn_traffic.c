/* SPDX-License-Identifier: Apache-2.0 */
/*
 * churn_traffic: the worker's side. Each turn a packet of every flow goes into the ports' rings,
 * the real dp_worker_turn takes them, and what came out is verified before the next one. The state
 * of each flow is read before and after the turn: when nothing changed meanwhile, only what was
 * allowed then will do; else whatever the flow may ever do.
 *
 * No assertion is made here: they belong to the main thread, which finds the first failure in
 * churn_report.
 */
#include "churn.h"

#include <time.h>

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/wire.h"

#define STAMP_MAGIC  0x43484e21U
#define STAMP_OFFSET 32 /* in the inner packet, behind the ports that ECMP looks at */

struct stamp {
	uint32_t magic;
	uint32_t flow;
	uint64_t turn;
};

struct churn_report churn_report;
static bool stop; /* atomic */

/* Of the turn. */
static uint64_t turn, before[FLOW_COUNT], after[FLOW_COUNT];
static bool seen[FLOW_COUNT];

void churn_traffic_stop(void)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
}

static void wrong(unsigned flow, const char *what, const struct rte_mbuf *m)
{
	char *text = churn_report.first_wrong;
	size_t used;

	if (churn_report.wrong++ != 0)
		return;
	used = (size_t)snprintf(text, sizeof(churn_report.first_wrong),
				"turn %lu, flow %u (%s), state %lx then %lx, ever %x: %s: ", turn,
				flow, flow < FLOW_COUNT ? churn_flows[flow].name : "?",
				flow < FLOW_COUNT ? before[flow] : 0,
				flow < FLOW_COUNT ? after[flow] : 0,
				flow < FLOW_COUNT ? churn_flows[flow].ever : 0, what);
	for (unsigned i = 0; m != NULL && i < 64 && i < m->data_len; i++)
		used += (size_t)snprintf(text + used, sizeof(churn_report.first_wrong) - used,
					 "%02x", rte_pktmbuf_mtod(m, const uint8_t *)[i]);
}

/* ---- the train ---- */

static struct rte_mbuf *packet(unsigned flow)
{
	const struct churn_flow *f = &churn_flows[flow];
	const struct stamp stamp = {.magic = STAMP_MAGIC, .flow = flow, .turn = turn};
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);
	uint8_t *p;

	if (m == NULL)
		return NULL;
	p = (uint8_t *)rte_pktmbuf_append(m, f->frame.len);
	memcpy(p, f->frame.bytes, f->frame.len);
	memcpy(p + f->inner + STAMP_OFFSET, &stamp, sizeof(stamp));
	return m;
}

/* Into the ring of a port, which gives back on receive what was sent. */
static void train_send(uint16_t port)
{
	struct rte_mbuf *m[FLOW_COUNT];
	uint16_t n = 0;

	for (unsigned i = 0; i < FLOW_COUNT; i++) {
		if (churn_flows[i].in_port != port || churn_flows[i].loose)
			continue;
		m[n] = packet(i);
		if (m[n] == NULL)
			wrong(i, "no buffer left", NULL);
		else
			n++;
	}
	if (n > DP_BURST || rte_eth_tx_burst(port_hot[port].dev, 0, m, n) != n)
		wrong(0, "the train does not fit", NULL);
	churn_report.sent += n;
}

/* ---- what came out ---- */

static enum churn_way way_of(uint16_t port, const uint8_t *frame, rte_be32_t nbma)
{
	for (unsigned i = 1; i < WAY_COUNT; i++)
		if (churn_ways[i].port == port && churn_ways[i].nbma_be == nbma &&
		    memcmp(frame, churn_ways[i].mac, 6) == 0 &&
		    memcmp(frame + 6, &port_hot[port].mac, 6) == 0)
			return i;
	return WAY_DROP;
}

/* Offset of the inner packet; 0: the headers are not what we send. */
static uint16_t outer_check(const struct rte_mbuf *m, rte_be32_t *nbma)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(p + 14);
	static const uint8_t gre[8] = {0x20, 0, 8, 0, 0, 0, 0, 42};

	*nbma = 0;
	if (m->data_len < 14 + 20 || p[12] != 8 || p[13] != 0 ||
	    ip4_header_check(ip, m->data_len - 14U) != m->data_len - 14)
		return 0;
	if (ip->next_proto_id != IPPROTO_GRE)
		return 14;
	*nbma = ip->dst_addr;
	if (ip->src_addr != RTE_BE32(0xc0000201) || ip->time_to_live != 64 ||
	    memcmp(p + 34, gre, sizeof(gre)) != 0)
		return 0;
	return 14 + 20 + 8;
}

/* The flow, FLOW_COUNT: it is not as it was sent, but for its TTL. */
static unsigned inner_check(const struct rte_mbuf *m, uint16_t at, uint64_t *sent_in)
{
	const uint8_t *p = rte_pktmbuf_mtod_offset(m, const uint8_t *, at);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)p;
	const struct rte_ipv4_hdr *was;
	struct stamp stamp;
	uint16_t len = m->data_len - at;

	if (len < STAMP_OFFSET + sizeof(stamp) || ip4_header_check(ip, len) != len)
		return FLOW_COUNT;
	memcpy(&stamp, p + STAMP_OFFSET, sizeof(stamp));
	if (stamp.magic != STAMP_MAGIC || stamp.flow >= FLOW_COUNT)
		return FLOW_COUNT;
	was = (const struct rte_ipv4_hdr *)(churn_flows[stamp.flow].frame.bytes +
					    churn_flows[stamp.flow].inner);
	if (ip->src_addr != was->src_addr || ip->dst_addr != was->dst_addr)
		return FLOW_COUNT;
	*sent_in = stamp.turn;
	return stamp.flow;
}

/* The worker's own word to the LAN host, about a packet that was dropped. */
static bool is_icmp_error(uint16_t port, const struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)(p + 14);

	return m->data_len > 14 + 20 && ip->next_proto_id == IPPROTO_ICMP &&
	       ip->src_addr == RTE_BE32(0x0a010101) && way_of(port, p, 0) == WAY_LAN;
}

/* What the flow may do in a turn that saw these states. */
static uint32_t allowed(unsigned flow, uint64_t sent_in)
{
	if (sent_in != turn || before[flow] != after[flow] || churn_flows[flow].loose)
		return churn_flows[flow].ever;
	return (uint32_t)before[flow];
}

static void verify(uint16_t port, const struct rte_mbuf *m)
{
	uint64_t sent_in = 0;
	rte_be32_t nbma;
	uint16_t at = outer_check(m, &nbma);
	unsigned flow = at == 0 ? FLOW_COUNT : inner_check(m, at, &sent_in);
	enum churn_way way;

	if (flow == FLOW_COUNT) {
		if (is_icmp_error(port, m))
			churn_report.errors++;
		else
			wrong(flow, "headers", m);
		return;
	}
	way = way_of(port, rte_pktmbuf_mtod(m, const uint8_t *), nbma);
	churn_report.checked++;
	churn_report.by_way[way]++;
	churn_report.strict += before[flow] == after[flow];
	if (way == WAY_DROP)
		wrong(flow, "MAC, source MAC, port and address do not belong together", m);
	else if ((allowed(flow, sent_in) & BIT(way)) == 0)
		wrong(flow, "wrong next hop", m);
	if (sent_in == turn) {
		if (seen[flow] && !churn_flows[flow].loose)
			wrong(flow, "came twice", m);
		seen[flow] = true;
	}
}

static void harvest(uint16_t port)
{
	struct rte_mbuf *m[DP_BURST];
	uint16_t n;

	do {
		n = rte_eth_rx_burst(port_hot[port].dev, 0, m, DP_BURST);
		for (uint16_t i = 0; i < n; i++) {
			verify(port, m[i]);
			rte_pktmbuf_free(m[i]);
		}
	} while (n != 0);
}

static void losses_check(void)
{
	for (unsigned i = 0; i < FLOW_COUNT; i++) {
		if (seen[i] || churn_flows[i].loose)
			continue;
		churn_report.by_way[WAY_DROP]++;
		if ((allowed(i, turn) & BIT(WAY_DROP)) == 0)
			wrong(i, "lost", NULL);
	}
}

/* ---- turns ---- */

static void states_read(uint64_t *states)
{
	for (unsigned i = 0; i < FLOW_COUNT; i++)
		states[i] = __atomic_load_n(&churn_flows[i].state, __ATOMIC_ACQUIRE);
}

static void one_turn(bool with_train)
{
	turn++;
	memset(seen, 0, sizeof(seen));
	if (with_train) {
		train_send(churn.wan);
		train_send(churn.lan);
	}
	/* What is between the turns is not the worker's: it must not make grace periods longer. */
	rte_rcu_qsbr_quiescent(dp_qsbr, churn.w->index);
	states_read(before);
	dp_worker_turn(churn.w);
	states_read(after);
	rte_rcu_qsbr_quiescent(dp_qsbr, churn.w->index);
	for (uint16_t p = 0; p < dp_port_count(); p++)
		harvest(p);
	if (with_train)
		losses_check();
}

double churn_cpu_time(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int churn_traffic_main(void *arg)
{
	const uint64_t start = rte_rdtsc();
	const double cpu = churn_cpu_time();
	uint64_t deadline;

	rte_rcu_qsbr_thread_register(dp_qsbr, churn.w->index);
	rte_rcu_qsbr_thread_online(dp_qsbr, churn.w->index);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		one_turn(true);
	churn_report.turns = turn;
	churn_report.share =
		(churn_cpu_time() - cpu) * (double)rte_get_tsc_hz() / (double)(rte_rdtsc() - start);
	deadline = rte_rdtsc() + 10 * rte_get_tsc_hz();
	do {
		one_turn(false);
	} while ((churn.w->stats.held_pkts != 0 || !rte_ring_empty(churn.w->inject)) &&
		 rte_rdtsc() < deadline);
	rte_rcu_qsbr_thread_offline(dp_qsbr, churn.w->index);
	rte_rcu_qsbr_thread_unregister(dp_qsbr, churn.w->index);
	(void)arg;
	return 0;
}
