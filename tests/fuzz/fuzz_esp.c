/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ESP input through the whole line of a worker. The input is a list of steps: seal a packet, or
 * change the last one and send it again. Beside the dataplane a model of one SA's window says what
 * must become of each packet:
 *
 *   untouched                accepted if and only if its number is new and not left of the window
 *   any byte of ESP changed  nothing of any SA changes but its counters of refusals
 *   outer header changed     one of both
 *
 * No packet moves the peer (the control core does that), and each gets a name (stage.c checks the
 * balance).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/lsan_interface.h>

#include "dataplane/reass.h"
#include "dataplane/sa.h"
#include "tests/stage/esp_peer.h"
#include "tests/stage/sa_fixture.h"

#define KEY         300
#define NATT        40033
#define SAS         (DP_SA_ALG_COUNT * 4) /* plain and NAT-T, 32 and 64-bit numbers */
#define ETH         14
#define IP          20
#define UDP         8
#define FRAME_MAX   1500
#define STEPS_MAX   64
#define BASE_ESN    0x1ffffffc0ULL
#define WORDS_MAX   (2 * DP_SA_WINDOW_MAX / 64)
#define EXPIRE_MS   120000
#define NUMBERS_MAX STEPS_MAX

enum step {
	STEP_SEAL,   /* the next packet */
	STEP_INNER,  /* the next packet, the input's bytes inside */
	STEP_REPEAT, /* the last one again */
	STEP_FLIP,   /* bytes of the frame */
	STEP_CUT,    /* the end, lengths follow */
	STEP_EXTEND,
	STEP_RAW, /* the input's bytes as ESP */
	STEP_FORGE,
	STEP_COUNT
};

enum fate { REFUSED, ACCEPTED, EITHER };

struct packet {
	struct stage_packet frame;
	uint64_t seq;
	enum fate fate; /* but for the window */
};

struct model {
	uint64_t top, pkts;
	uint64_t seen[NUMBERS_MAX];
	unsigned seen_n;
};

struct input {
	const uint8_t *at, *end;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct esp_peer esp_peers[SAS];
static struct copy {
	struct sa sa;
	uint64_t ring[WORDS_MAX];
} fresh[SAS], before[SAS];
static const struct esp_peer *peer;
static unsigned which;
static struct model model;
static struct packet burst[DP_BURST];
static unsigned burst_n;

static void check(bool good)
{
	if (!good)
		abort();
}

/* ---- input ---- */

static uint8_t take(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static uint32_t take16(struct input *in)
{
	uint32_t high = take(in);

	return high << 8 | take(in);
}

static uint16_t take_bytes(struct input *in, uint8_t *to, uint16_t max)
{
	uint16_t n = RTE_MIN((uint16_t)take16(in), (uint16_t)RTE_MIN(in->end - in->at, max));

	memcpy(to, in->at, n);
	in->at += n;
	return n;
}

/* ---- state of the SAs ---- */

static bool is_udp(void)
{
	return peer->in.natt_port != 0;
}

static unsigned esp_at(void)
{
	return ETH + IP + (is_udp() ? UDP : 0);
}

static void peer_check(const struct sa *a, const struct sa *b)
{
	check(a->remote_be == b->remote_be && a->peer_be == b->peer_be);
	check(a->natt_port == b->natt_port && a->natt_local_port == b->natt_local_port);
	check(a->spi_be == b->spi_be && a->local_be == b->local_be && a->flags == b->flags);
}

static struct sa *sa_of(unsigned i)
{
	return &sas[esp_peers[i].in_sa];
}

/* A window beyond the inline one has its ring elsewhere. */
static size_t ring_bytes(const struct sa *sa)
{
	return (sa_ring_mask(sa) + 1) * sizeof(sa->bitmap[0]);
}

/* What only an authentic packet may write. */
static bool untouched(unsigned i)
{
	const struct sa *a = &before[i].sa, *b = sa_of(i);

	return a->seq == b->seq && a->pkts == b->pkts && a->bytes == b->bytes &&
	       a->last == b->last && a->moved_tsc == b->moved_tsc && a->bitmap == b->bitmap &&
	       memcmp(before[i].ring, b->bitmap, ring_bytes(b)) == 0;
}

static void sas_copy(struct copy *to)
{
	for (unsigned i = 0; i < SAS; i++) {
		const struct sa *sa = sa_of(i);

		to[i].sa = *sa;
		memcpy(to[i].ring, sa->bitmap, ring_bytes(sa));
	}
}

static void sas_reset(void)
{
	for (unsigned i = 0; i < SAS; i++) {
		struct sa *sa = sa_of(i);

		*sa = fresh[i].sa;
		memcpy(sa->bitmap, fresh[i].ring, ring_bytes(sa));
	}
}

/* ---- model ---- */

static bool model_seen(uint64_t seq)
{
	for (unsigned i = 0; i < model.seen_n; i++)
		if (model.seen[i] == seq)
			return true;
	return false;
}

/* RFC 4303 section 3.4.3, by its words. */
static bool model_is_new(uint64_t seq)
{
	uint16_t window = peer->in.replay_window;

	if (seq > model.top || window == 0)
		return true;
	return seq != 0 && model.top - seq < window && !model_seen(seq) &&
	       seq > (peer->in.esn ? BASE_ESN : 0);
}

static void model_accept(uint64_t seq)
{
	model.seen[model.seen_n++] = seq;
	model.top = RTE_MAX(model.top, seq);
	model.pkts++;
}

/* ---- running ---- */

static void burst_check(void)
{
	const struct sa *now = sa_of(which);

	for (unsigned i = 0; i < burst_n; i++) {
		const struct packet *p = &burst[i];

		if (p->fate == REFUSED || !model_is_new(p->seq))
			continue;
		if (p->fate == ACCEPTED || now->pkts > model.pkts)
			model_accept(p->seq);
	}
	check(now->seq == model.top);
	check(now->pkts == model.pkts);
	for (unsigned i = 0; i < SAS; i++) {
		peer_check(sa_of(i), &before[i].sa);
		if (i != which || sa_of(i)->pkts == before[i].sa.pkts)
			check(untouched(i));
	}
}

static void burst_run(void)
{
	static struct stage_packet frames[DP_BURST];

	if (burst_n == 0)
		return;
	for (unsigned i = 0; i < burst_n; i++)
		frames[i] = burst[i].frame;
	sas_copy(before);
	stage_run(stage.wan, frames, burst_n);
	burst_check();
	burst_n = 0;
}

/* One whose fate is open goes alone: what it did shows. */
static void packet_send(const struct packet *p, bool wait)
{
	if (p->fate == EITHER)
		burst_run();
	burst[burst_n++] = *p;
	if (!wait || p->fate == EITHER || burst_n == DP_BURST)
		burst_run();
}

/* ---- steps ---- */

static struct stage_packet gre_default(uint16_t len)
{
	return stage_gre(0x2000, KEY, 0x0800,
			 stage_ip((struct stage_ip){.src = "10.3.31.10",
						    .dst = "10.1.1.10",
						    .len = (uint16_t)(20 + len)}));
}

/* Numbers go forth in small and large steps, and back. */
static uint64_t seq_next(struct input *in)
{
	uint8_t how = take(in);
	uint64_t seq = model.top, max = peer->in.esn ? BASE_ESN + (1ULL << 33) : UINT32_MAX;

	if (how < 0x80)
		seq += how;
	else if (how < 0xe0)
		seq -= RTE_MIN(seq, (uint64_t)how - 0x80);
	else if (how < 0xf0)
		seq -= RTE_MIN(seq, (uint64_t)take16(in));
	else
		seq += (uint64_t)take16(in) << (how & 0xf);
	return RTE_MIN(seq, max);
}

static struct packet seal(struct stage_packet gre, struct esp_forge forge)
{
	return (struct packet){
		.frame = esp_seal(peer, gre, forge), .seq = forge.seq, .fate = ACCEPTED};
}

static struct packet step_inner(struct input *in)
{
	struct esp_forge forge = {.seq = seq_next(in)};
	struct stage_packet gre;

	gre.len = take_bytes(in, gre.bytes, 1300);
	return seal(gre, forge);
}

/* Authentic, and yet not what it should be. */
static struct packet step_forge(struct input *in)
{
	struct esp_forge f = {.seq = seq_next(in)};
	uint8_t what = take(in);
	struct packet p;

	f.pad = what >> 4 & 3 ? 64 : 0;
	f.next_header = what & 1 ? take(in) : 0;
	f.bad_pad_length = what & 2;
	f.as_udp = what & 4;
	f.udp_from = what & 8 ? (uint16_t)RTE_MAX(take16(in), 1U) : 0;
	f.src = what & 0x40 ? "192.0.2.32" : NULL;
	f.bad_icv = what & 0x80;
	p = seal(gre_default(64), f);
	if (f.as_udp || f.bad_icv || (f.src != NULL && !is_udp()))
		p.fate = REFUSED;
	return p;
}

static void lengths_follow(struct stage_packet *f)
{
	uint16_t ip = (uint16_t)(f->len - ETH), udp = (uint16_t)(ip - IP);

	f->bytes[ETH + 2] = (uint8_t)(ip >> 8);
	f->bytes[ETH + 3] = (uint8_t)ip;
	if (is_udp()) {
		f->bytes[ETH + IP + 4] = (uint8_t)(udp >> 8);
		f->bytes[ETH + IP + 5] = (uint8_t)udp;
	}
	stage_ip_fix(f, ETH);
}

static void step_flip(struct input *in, struct packet *p, bool fix)
{
	unsigned n = 1 + take(in) % 4;

	for (unsigned i = 0; i < n; i++) {
		uint32_t at = take16(in) % p->frame.len;

		p->frame.bytes[at] ^= take(in);
	}
	if (fix)
		stage_ip_fix(&p->frame, ETH);
}

static void step_cut(struct input *in, struct packet *p)
{
	p->frame.len -= (uint16_t)(take16(in) % (p->frame.len - esp_at() + 1));
	lengths_follow(&p->frame);
}

static void step_extend(struct input *in, struct packet *p)
{
	p->frame.len +=
		take_bytes(in, p->frame.bytes + p->frame.len, (uint16_t)(FRAME_MAX - p->frame.len));
	lengths_follow(&p->frame);
}

static void step_raw(struct input *in, struct packet *p)
{
	p->frame.len = (uint16_t)(esp_at() + take_bytes(in, p->frame.bytes + esp_at(),
							(uint16_t)(FRAME_MAX - esp_at())));
	lengths_follow(&p->frame);
}

/* By comparing: two changes may undo each other. */
static enum fate fate_of(const struct packet *p, const struct packet *good)
{
	unsigned at = esp_at();

	if (good->fate == REFUSED)
		return REFUSED;
	if (p->frame.len != good->frame.len ||
	    memcmp(p->frame.bytes + at, good->frame.bytes + at, p->frame.len - at) != 0)
		return REFUSED;
	return memcmp(p->frame.bytes, good->frame.bytes, at) == 0 ? good->fate : EITHER;
}

static void step(struct input *in, struct packet *good)
{
	uint8_t op = take(in);
	struct packet p = *good;

	switch ((enum step)(op % STEP_COUNT)) {
	case STEP_SEAL:
		p = *good = seal(gre_default(op >> 4), (struct esp_forge){.seq = seq_next(in)});
		break;
	case STEP_INNER:
		p = *good = step_inner(in);
		break;
	case STEP_FORGE:
		p = *good = step_forge(in);
		break;
	case STEP_REPEAT:
		break;
	case STEP_FLIP:
		step_flip(in, &p, op & 0x40);
		break;
	case STEP_CUT:
		step_cut(in, &p);
		break;
	case STEP_EXTEND:
		step_extend(in, &p);
		break;
	case STEP_RAW:
		step_raw(in, &p);
		break;
	case STEP_COUNT:
		break;
	}
	p.fate = fate_of(&p, good);
	packet_send(&p, op & 0x80);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	struct packet good;

	which = take(&in) % SAS;
	peer = &esp_peers[which];
	sas_reset();
	model = (struct model){.top = peer->in.seq};
	good = seal(gre_default(64), (struct esp_forge){.seq = peer->in.seq + 1});
	for (unsigned i = 0; i < STEPS_MAX && in.at < in.end; i++)
		step(&in, &good);
	burst_run();
	/* Fragments and what waits for a neighbour. */
	check(stage_later(EXPIRE_MS)->delta.held_pkts == 0);
	return 0;
}

/* ---- start ---- */

static void peers_add(void)
{
	/* By algorithm; the last but one has a ring of its own. */
	static const uint16_t windows[] = {64, 1984, 4096, 0};

	for (unsigned i = 0; i < SAS; i++) {
		bool natt = i & 1, esn = i & 2;
		struct esp_peer *p = &esp_peers[i];

		*p = esp_peer_make((enum dp_sa_alg)(i / 4), natt ? "198.51.100.33" : "192.0.2.31",
				   natt ? NATT : 0, 0x31000 + i);
		p->in.esn = esn;
		p->in.seq = esn ? BASE_ESN : 0;
		p->in.replay_window = windows[i / 4 % RTE_DIM(windows)];
		p->in_sa = sa_add(&p->in);
	}
	sas_copy(fresh);
}

/* What is good gets through to the LAN: otherwise nothing here would mean anything. */
static void good_check(void)
{
	for (which = 0; which < SAS; which++) {
		peer = &esp_peers[which];
		burst[0] = seal(gre_default(64), (struct esp_forge){.seq = peer->in.seq + 1});
		check(stage_run(stage.wan, &burst[0].frame, 1)->lan_n == 1);
		check(sa_of(which)->seq == peer->in.seq + 1);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	uint16_t tunnel;

	(void)argc;
	(void)argv;
	/* cmocka's assertions outside of its tests. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	/* Never stopped; the leak check does not see pointers that are in EAL's memory. */
	__lsan_disable();
	stage_setup(NULL);
	tunnel = sa_tunnel_add(KEY, 1);
	sa_spoke_add(tunnel, "192.0.2.31", 0);
	sa_spoke_add(tunnel, "198.51.100.33", NATT);
	peers_add();
	good_check();
	__lsan_enable();
	return 0;
}
