/* SPDX-License-Identifier: Apache-2.0 */
/* esp_model: see esp_model.h. */
#include "esp_model.h"

#include <stdlib.h>
#include <string.h>

#include <sanitizer/lsan_interface.h>

#include "dataplane/sa.h"
#include "tests/stage/sa_fixture.h"

#define NATT      40033
#define SPI       0x31000
#define SPI_TWIN  0x51000 /* the kernel's own */
#define WORDS_MAX (2 * DP_SA_WINDOW_MAX / 64)
#define EXPIRE_MS 120000

static struct esp_peer esp_peers[ESP_MODEL_SAS];
static struct copy {
	struct sa sa;
	uint64_t ring[WORDS_MAX];
} fresh[ESP_MODEL_SAS], before[ESP_MODEL_SAS];
static const struct esp_peer *peer;
static unsigned which;
static struct esp_sent burst[DP_BURST];
static unsigned burst_n;

static struct {
	uint64_t top, pkts;
	uint64_t seen[ESP_MODEL_SENDS];
	unsigned seen_n;
} model;

static void check(bool good)
{
	if (!good)
		abort();
}

/* ---- state of the SAs ---- */

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
	for (unsigned i = 0; i < ESP_MODEL_SAS; i++) {
		const struct sa *sa = sa_of(i);

		to[i].sa = *sa;
		memcpy(to[i].ring, sa->bitmap, ring_bytes(sa));
	}
}

static void sas_reset(void)
{
	for (unsigned i = 0; i < ESP_MODEL_SAS; i++) {
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
	       seq > (peer->in.esn ? ESP_MODEL_BASE : 0);
}

static void model_accept(uint64_t seq)
{
	check(model.seen_n < ESP_MODEL_SENDS);
	model.seen[model.seen_n++] = seq;
	model.top = RTE_MAX(model.top, seq);
	model.pkts++;
}

/* ---- running ---- */

static void burst_check(void)
{
	const struct sa *now = sa_of(which);

	for (unsigned i = 0; i < burst_n; i++) {
		const struct esp_sent *p = &burst[i];

		if (p->fate == ESP_REFUSED || !model_is_new(p->seq))
			continue;
		if (p->fate == ESP_ACCEPTED || now->pkts > model.pkts)
			model_accept(p->seq);
	}
	check(now->seq == model.top);
	check(now->pkts == model.pkts);
	for (unsigned i = 0; i < ESP_MODEL_SAS; i++) {
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
void esp_model_send(const struct esp_sent *p, bool wait)
{
	if (p->fate == ESP_EITHER)
		burst_run();
	burst[burst_n++] = *p;
	if (!wait || p->fate == ESP_EITHER || burst_n == DP_BURST)
		burst_run();
}

const struct esp_peer *esp_model_begin(unsigned sa)
{
	which = sa;
	peer = &esp_peers[which];
	sas_reset();
	memset(&model, 0, sizeof(model));
	model.top = peer->in.seq;
	return peer;
}

uint64_t esp_model_top(void)
{
	return model.top;
}

void esp_model_end(void)
{
	burst_run();
	check(stage_later(EXPIRE_MS)->delta.held_pkts == 0);
}

/* ---- start ---- */

struct stage_packet esp_model_gre(uint16_t len)
{
	return stage_gre(0x2000, ESP_MODEL_KEY, 0x0800,
			 stage_ip((struct stage_ip){.src = "10.3.31.10",
						    .dst = "10.1.1.10",
						    .len = (uint16_t)(20 + len)}));
}

static void peers_add(void)
{
	/* By algorithm; the last but one has a ring of its own. */
	static const uint16_t windows[] = {64, 1984, 4096, 0};

	for (unsigned i = 0; i < ESP_MODEL_SAS; i++) {
		bool natt = i & 1, esn = i & 2;
		struct esp_peer *p = &esp_peers[i];

		*p = esp_peer_make((enum dp_sa_alg)(i / 4), natt ? "198.51.100.33" : "192.0.2.31",
				   natt ? NATT : 0, SPI + i);
		p->in.esn = esn;
		p->in.seq = esn ? ESP_MODEL_BASE : 0;
		p->in.replay_window = windows[i / 4 % RTE_DIM(windows)];
		p->in_sa = sa_add(&p->in);
	}
	sas_copy(fresh);
}

/* What is good gets through to the LAN: otherwise nothing here would mean anything. */
static void good_check(void)
{
	for (unsigned i = 0; i < ESP_MODEL_SAS; i++) {
		uint64_t seq = esp_peers[i].in.seq + 1;
		struct stage_packet frame =
			esp_seal(&esp_peers[i], esp_model_gre(64), (struct esp_forge){.seq = seq});

		check(stage_run(stage.wan, &frame, 1)->lan_n == 1);
		check(sa_of(i)->seq == seq);
	}
}

void esp_model_start(void)
{
	struct dp_addr us;
	uint16_t tunnel;

	/* cmocka's assertions outside of its tests. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	/* Never stopped; the leak check does not see pointers that are in EAL's memory. */
	__lsan_disable();
	stage_setup(NULL);
	tunnel = sa_tunnel_add(ESP_MODEL_KEY, 1);
	sa_spoke_add(tunnel, "192.0.2.31", 0);
	sa_spoke_add(tunnel, "198.51.100.33", NATT);
	us = stage_addr("192.0.2.1");
	check(dp_sa_foreign_add(&us, SPI_TWIN) == 0);
	peers_add();
	good_check();
	__lsan_enable();
}
