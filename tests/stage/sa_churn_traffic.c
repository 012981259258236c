/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa_churn_traffic: one side of test_sa_churn: a worker, and on the same CPU its peers; see
 * sa_churn.h. Each turn packets to some peers come from the LAN, packets from some peers by the
 * underlay, now and then twice. No assertion is made here: churn_side has the first failure.
 */
#include "sa_churn.h"

#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/crypto.h"
#include "dataplane/wire.h"

#define PER_TURN 8 /* packets each way */

struct side {
	unsigned number;
	struct dp_worker *w;
	struct churn_side *report;
	struct crypto *crypto;
	uint64_t random;
	struct stage_packet to_peer; /* from the LAN */
};

struct churn_side churn_sides[2];
static struct side sides[2];
static bool stop;        /* atomic */
static unsigned at_rest; /* atomic: sides that send no more */

void churn_sides_stop(void)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
}

static void wrong(struct side *s, const char *what, uint32_t id, uint64_t seq)
{
	if (s->report->wrong++ == 0)
		snprintf(s->report->first_wrong, sizeof(s->report->first_wrong),
			 "side %u, turn %lu, SA %u of peer %u, number %lu: %s", s->number,
			 s->report->turns, id, churn_peer_of(id), seq, what);
}

static uint64_t random_next(struct side *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

/* ---- what comes to the hub ---- */

static void put(struct side *s, uint16_t port, const uint8_t *bytes, uint16_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);

	if (m == NULL) {
		wrong(s, "no buffer left", 0, 0);
		return;
	}
	memcpy(rte_pktmbuf_append(m, len), bytes, len);
	if (rte_eth_tx_burst(port_hot[port].dev, (uint16_t)s->number, &m, 1) != 1) {
		rte_pktmbuf_free(m);
		wrong(s, "no room in the ring of a port", 0, 0);
	}
}

static void send_out(struct side *s, unsigned peer)
{
	struct stage_packet *p = &s->to_peer;

	p->bytes[14 + 18] = (uint8_t)peer;
	stage_ip_fix(p, 14);
	put(s, churn_world.lan, p->bytes, p->len);
	s->report->sent_out++;
}

static void send_in(struct side *s, unsigned peer)
{
	uint32_t id = __atomic_load_n(&churn_peers[peer].in_id, __ATOMIC_ACQUIRE);
	uint8_t frame[512];
	uint64_t seq;
	uint16_t len;

	if (id == 0)
		return;
	seq = __atomic_add_fetch(&churn_peers[peer].in_seq, 1, __ATOMIC_RELAXED);
	len = churn_seal(s->crypto, frame, peer, id, seq);
	put(s, churn_world.wan, frame, len);
	s->report->sent_in++;
	if (random_next(s) % 16 != 0)
		return;
	put(s, churn_world.wan, frame, len);
	s->report->replayed++;
}

static void train_send(struct side *s)
{
	for (unsigned i = 0; i < PER_TURN; i++) {
		uint64_t r = random_next(s);

		send_out(s, (unsigned)(r % CHURN_PEERS));
		send_in(s, (unsigned)((r >> 32) % CHURN_PEERS));
	}
}

/* ---- what leaves it ---- */

static void check_wan(struct side *s, struct rte_mbuf *m)
{
	uint32_t id = 0;
	uint64_t seq = 0;
	const char *what =
		churn_open(s->crypto, rte_pktmbuf_mtod(m, uint8_t *), m->data_len, &id, &seq);

	s->report->opened++;
	if (what != NULL)
		wrong(s, what, id, seq);
	else if (!churn_see(id, seq))
		wrong(s, "a number twice with one key", id, seq);
}

static void check_lan(struct side *s, struct rte_mbuf *m)
{
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t id;
	uint64_t seq;

	if (m->data_len < 14 + 48) {
		wrong(s, "short packet on the LAN", 0, 0);
		return;
	}
	memcpy(&id, p + 14 + 32, sizeof(id));
	memcpy(&seq, p + 14 + 40, sizeof(seq));
	s->report->came_in++;
	if (p[14 + 13] != 100 || p[14 + 14] != churn_peer_of(id))
		wrong(s, "another peer's packet on the LAN", id, seq);
	else if (!churn_see(id, seq))
		wrong(s, "a replay on the LAN", id, seq);
}

static void harvest(struct side *s, uint16_t port, void (*check)(struct side *, struct rte_mbuf *))
{
	struct rte_mbuf *m[DP_BURST];
	uint16_t n;

	do {
		n = rte_eth_rx_burst(port_hot[port].dev, (uint16_t)s->number, m, DP_BURST);
		for (uint16_t i = 0; i < n; i++) {
			check(s, m[i]);
			rte_pktmbuf_free(m[i]);
		}
	} while (n != 0);
}

/* ---- turns ---- */

static void one_turn(struct side *s, bool with_train)
{
	s->report->turns++;
	if (with_train)
		train_send(s);
	rte_rcu_qsbr_quiescent(dp_qsbr, s->w->index);
	dp_worker_turn(s->w);
	rte_rcu_qsbr_quiescent(dp_qsbr, s->w->index);
	harvest(s, churn_world.wan, check_wan);
	harvest(s, churn_world.lan, check_lan);
}

static bool is_empty(void)
{
	const struct dp_worker_stats *a = &churn_world.w[0]->stats, *b = &churn_world.w[1]->stats;

	return __atomic_load_n(&at_rest, __ATOMIC_ACQUIRE) == 2 &&
	       a->handed_over_pkts + b->handed_over_pkts ==
		       a->taken_over_pkts + b->taken_over_pkts &&
	       a->held_pkts + b->held_pkts == 0;
}

void churn_side_begin(unsigned side)
{
	struct side *s = &sides[side];

	*s = (struct side){
		.number = side,
		.w = churn_world.w[side],
		.report = &churn_sides[side],
		.crypto = crypto_create(),
		.random = 0x9e3779b97f4a7c15 + side,
		.to_peer = stage_eth(churn_world.lan, 0x0800,
				     stage_ip((struct stage_ip){
					     .src = "10.1.1.10", .dst = "10.100.0.1", .len = 100})),
	};
	rte_rcu_qsbr_thread_register(dp_qsbr, s->w->index);
}

void churn_side_turn(unsigned side)
{
	rte_rcu_qsbr_thread_online(dp_qsbr, sides[side].w->index);
	one_turn(&sides[side], true);
	rte_rcu_qsbr_thread_offline(dp_qsbr, sides[side].w->index);
}

void churn_side_end(unsigned side)
{
	struct side *s = &sides[side];
	uint64_t deadline = rte_rdtsc() + 10 * rte_get_tsc_hz();

	rte_rcu_qsbr_thread_online(dp_qsbr, s->w->index);
	__atomic_add_fetch(&at_rest, 1, __ATOMIC_RELEASE);
	do {
		one_turn(s, false);
	} while (!is_empty() && rte_rdtsc() < deadline);
	one_turn(s, false);
	rte_rcu_qsbr_thread_offline(dp_qsbr, s->w->index);
	rte_rcu_qsbr_thread_unregister(dp_qsbr, s->w->index);
	crypto_destroy(s->crypto);
}

int churn_side_main(void *arg)
{
	unsigned side = (unsigned)(uintptr_t)arg;

	churn_side_begin(side);
	rte_rcu_qsbr_thread_online(dp_qsbr, sides[side].w->index);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		one_turn(&sides[side], true);
	churn_side_end(side);
	return 0;
}
