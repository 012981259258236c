/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * What the files of test_sa_churn share. Two workers on two CPUs encrypt and decrypt without end
 * while the control core adds, deletes, replaces and moves the SAs under them.
 *
 * An SA's SPI is its number, which says its peer (number % CHURN_PEERS) and its key: what comes out
 * is opened with nothing but that. Every (key, number) may be seen once, nothing may be in clear,
 * and nothing may go to another peer than the inner destination's.
 *
 *   sa_churn_net.c      ports, tunnel, peers; sealing and opening
 *   sa_churn_traffic.c  the workers' side
 *   sa_churn_actors.c   the control core's side
 */
#include "dataplane/dp_sa.h"
#include "stage.h"

#define CHURN_PEERS   64
#define CHURN_NATT    32      /* peers from this one on are behind a NAT */
#define CHURN_FIRST   0x10000 /* SPI of number 0 */
#define CHURN_NUMBERS 65536   /* numbers of a key that are looked at */
#define CHURN_IDS     2048    /* SAs that are remembered */
#define CHURN_WINDOW  4096
#define CHURN_KEY     300 /* of the tunnel */

struct churn_peer {
	/* atomic, read by the workers' threads: */
	uint32_t in_id;  /* what the peer sends with; 0: nothing */
	uint64_t in_seq; /* its last number */
	uint64_t place;  /* address << 16 | NAT-T port, host order */
	/* control: */
	uint32_t in_sa, in_old_sa, out_sa, out_id;
	uint32_t spoke;
};
extern struct churn_peer churn_peers[CHURN_PEERS];

/* Numbers seen of an SA: in each word the SA's own number, and a bit for each of 32, so that who
 * comes late never looks at another's bits. */
struct churn_seen {
	uint64_t words[CHURN_NUMBERS / 32]; /* atomic */
};

struct churn_world {
	uint16_t wan, lan, tunnel;
	struct dp_worker *w[2]; /* NULL: not tested */
};
extern struct churn_world churn_world;

/* The number of a new SA of this peer. Context: control. */
uint32_t churn_id_new(unsigned peer);
/* What dp_sa_add gets for it; in: from the peer. */
struct dp_sa_conf churn_conf(enum dp_sa_dir dir, uint32_t id);
static inline unsigned churn_peer_of(uint32_t id)
{
	return id % CHURN_PEERS;
}
/* False: this number of this key has been seen before. Context: any. */
bool churn_see(uint32_t id, uint64_t seq);

/* Control core and workers on these CPUs; false: dp_start says why. */
void churn_world_start(uint32_t control_cpu, const uint32_t worker_cpu[2]);
/* Spoke and overlay next hop of a peer appear, go. -EAGAIN. Context: control. */
int churn_spoke_add(unsigned peer);
int churn_spoke_del(unsigned peer);

/* ---- sealing and opening: each thread has its own manager ---- */

struct crypto;
/* A frame for wan0 from the peer, with this inner packet. Returns its length. */
uint16_t churn_seal(struct crypto *c, uint8_t *frame, unsigned peer, uint32_t id, uint64_t seq);
/* A frame that left wan0. NULL and the number of SA and packet, or what is wrong. */
const char *churn_open(struct crypto *c, uint8_t *frame, uint16_t len, uint32_t *id, uint64_t *seq);

/* ---- traffic ---- */

struct churn_side {
	uint64_t turns, sent_in, sent_out, opened, came_in, replayed;
	uint64_t wrong;
	char first_wrong[256];
};
extern struct churn_side churn_sides[2];

/* Main function of a worker's lcore; arg: its number. */
int churn_side_main(void *arg);
/* With two CPUs worker 0 has the control core's, whose thread turns it in between: then a grace
 * period does not last as long as the kernel lets one of the two run. */
void churn_side_begin(unsigned side);
void churn_side_turn(unsigned side);
/* Sends no more; until nothing is on its way. */
void churn_side_end(unsigned side);
void churn_sides_stop(void);

/* ---- actors ---- */

struct churn_actor {
	const char *name;
	int (*step)(unsigned peer); /* 0, or -errno: come again */
	uint64_t done, refused;
};
extern struct churn_actor churn_actors[]; /* end with name NULL */

/* First SAs of all peers; all SAs go. */
void churn_sas_start(void);
void churn_sas_finish(void);
