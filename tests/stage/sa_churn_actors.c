/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sa_churn_actors: everything that can happen to the SAs of a peer; see sa_churn.h. A step that is
 * told to come again leaves the peer so that any other step may follow.
 */
#include "sa_churn.h"

#include <errno.h>

#include "dataplane/peer.h"

static int sa_del(uint32_t *sa)
{
	int rc = *sa == 0 ? 0 : dp_sa_del(*sa);

	if (rc == 0)
		*sa = 0;
	return rc;
}

static void peer_sends_with(struct churn_peer *p, uint32_t id)
{
	__atomic_store_n(&p->in_id, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&p->in_seq, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&p->in_id, id, __ATOMIC_RELEASE);
}

/* A new one sends, then the old one goes. */
static int rekey_out(unsigned peer)
{
	struct churn_peer *p = &churn_peers[peer];
	uint32_t id = churn_id_new(peer), sa, old = p->out_sa;
	struct dp_sa_conf conf = churn_conf(DP_SA_OUT, id);
	int rc = dp_sa_add(&conf, &sa);

	if (rc < 0)
		return rc;
	p->out_sa = sa;
	p->out_id = id;
	while (old != 0 && dp_sa_del(old) == -EAGAIN)
		dp_poll();
	return 0;
}

/* The old one lives on until the next time. */
static int rekey_in(unsigned peer)
{
	struct churn_peer *p = &churn_peers[peer];
	uint32_t id = churn_id_new(peer), sa;
	struct dp_sa_conf conf = churn_conf(DP_SA_IN, id);
	int rc = sa_del(&p->in_old_sa);

	if (rc == 0)
		rc = dp_sa_add(&conf, &sa);
	if (rc < 0)
		return rc;
	peer_sends_with(p, id);
	p->in_old_sa = p->in_sa;
	p->in_sa = sa;
	return 0;
}

/* DEL and ADD of one SPI and key: the counter goes on. */
static int again(unsigned peer)
{
	struct churn_peer *p = &churn_peers[peer];
	struct dp_sa_conf conf;
	int rc;

	if (p->out_id == 0)
		return rekey_out(peer);
	conf = churn_conf(DP_SA_OUT, p->out_id);
	rc = sa_del(&p->out_sa);
	return rc < 0 ? rc : dp_sa_add(&conf, &p->out_sa);
}

/* ADD of one that is there: with other limits, or with a higher number. */
static int update(unsigned peer)
{
	struct churn_peer *p = &churn_peers[peer];
	struct dp_sa_conf conf;
	int rc;

	if (p->out_sa == 0)
		return 0;
	conf = churn_conf(DP_SA_OUT, p->out_id);
	conf.limits.soft_pkts = 1000;
	if (peer % 3 == 0)
		conf.seq = sas[p->out_sa].seq + 5;
	rc = dp_sa_add(&conf, &p->out_sa);
	if (rc < 0)
		p->out_sa = dp_sa_find(DP_SA_OUT, &conf.local, &conf.remote, conf.spi);
	return rc;
}

/* Nothing to encrypt with, nothing to decrypt with. */
static int all_del(unsigned peer)
{
	struct churn_peer *p = &churn_peers[peer];
	int rc;

	__atomic_store_n(&p->in_id, 0, __ATOMIC_RELEASE);
	rc = sa_del(&p->in_old_sa);
	if (rc == 0)
		rc = sa_del(&p->in_sa);
	return rc < 0 ? rc : sa_del(&p->out_sa);
}

/* Not for long: the others come round to it soon. */
static int nothing(unsigned peer)
{
	return peer % 16 == 0 ? all_del(peer) : 0;
}

static int home(unsigned peer)
{
	uint64_t place = churn_peers[peer].place;
	uint32_t index =
		peer_find(htonl(0xc0000201), htonl((uint32_t)(place >> 16)), (uint16_t)place);

	return index == 0 ? 0 : handover_home_set(index, 1 - peers[index].home);
}

static int path_mtu(unsigned peer)
{
	struct dp_addr local = dp_addr_ip4(htonl(0xc0000201));
	uint64_t place = churn_peers[peer].place;
	struct dp_addr remote = dp_addr_ip4(htonl((uint32_t)(place >> 16)));
	static uint16_t mtu = 1499;
	int rc = dp_peer_mtu_set(&local, &remote, (uint16_t)place, mtu);

	mtu = mtu > 600 ? mtu - 1 : 1499;
	return rc == -EINVAL || rc == -ENOENT ? 0 : rc;
}

/* Another port and address behind a NAT. */
static int move(unsigned peer)
{
	struct churn_peer *p = &churn_peers[peer];
	uint64_t place = p->place ^ (1ULL << 24) ^ 1; /* 198.51.1xx, another port */
	struct dp_addr remote = dp_addr_ip4(htonl((uint32_t)(place >> 16)));
	uint32_t sa = p->in_sa != 0 ? p->in_sa : p->out_sa;
	int rc;

	if (peer < CHURN_NATT || sa == 0)
		return 0;
	rc = dp_sa_peer_move(sa, &remote, (uint16_t)place);
	if (rc == 0)
		__atomic_store_n(&p->place, place, __ATOMIC_RELEASE);
	return rc;
}

/* The spoke goes and comes; its SAs stay. */
static int spoke(unsigned peer)
{
	return churn_peers[peer].spoke == 0 ? churn_spoke_add(peer) : churn_spoke_del(peer);
}

static int spoke_back(unsigned peer)
{
	return churn_peers[peer].spoke == 0 ? churn_spoke_add(peer) : 0;
}

struct churn_actor churn_actors[] = {
	{.name = "rekey out", .step = rekey_out},
	{.name = "rekey in", .step = rekey_in},
	{.name = "DEL and ADD", .step = again},
	{.name = "spoke there", .step = spoke_back},
	{.name = "ADD again", .step = update},
	{.name = "home", .step = home},
	{.name = "path MTU", .step = path_mtu},
	{.name = "rekey in 2", .step = rekey_in},
	{.name = "move", .step = move},
	{.name = "rekey out 2", .step = rekey_out},
	{.name = "spoke", .step = spoke},
	{.name = "no SA", .step = nothing},
	{0},
};

void churn_sas_start(void)
{
	for (unsigned i = 0; i < CHURN_PEERS; i++) {
		assert_int_equal(rekey_in(i), 0);
		assert_int_equal(rekey_out(i), 0);
	}
}

void churn_sas_finish(void)
{
	for (unsigned i = 0; i < CHURN_PEERS; i++) {
		assert_int_equal(all_del(i), 0);
		if (churn_peers[i].spoke != 0)
			assert_int_equal(churn_spoke_del(i), 0);
	}
}
