/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ESP input through the whole line of a worker. The input is a number, which chooses the SA, and a
 * list of steps: seal a packet, or change the last one and send it again. What must become of it:
 * esp_model.h.
 */
#include <stdint.h>
#include <string.h>

#include "esp_model.h"

#define ETH       14
#define IP        20
#define UDP       8
#define FRAME_MAX 1500

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

struct input {
	const uint8_t *at, *end;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct esp_peer *peer;

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

/* ---- steps ---- */

static bool is_udp(void)
{
	return peer->in.natt_port != 0;
}

static unsigned esp_at(void)
{
	return ETH + IP + (is_udp() ? UDP : 0);
}

/* Numbers go forth in small and large steps, and back. */
static uint64_t seq_next(struct input *in)
{
	uint8_t how = take(in);
	uint64_t seq = esp_model_top(),
		 max = peer->in.esn ? ESP_MODEL_BASE + (1ULL << 33) : UINT32_MAX;

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

static struct esp_sent seal(struct stage_packet gre, struct esp_forge forge)
{
	return (struct esp_sent){
		.frame = esp_seal(peer, gre, forge), .seq = forge.seq, .fate = ESP_ACCEPTED};
}

static struct esp_sent step_inner(struct input *in)
{
	struct esp_forge forge = {.seq = seq_next(in)};
	struct stage_packet gre;

	gre.len = take_bytes(in, gre.bytes, 1300);
	return seal(gre, forge);
}

/* Authentic, and yet not what it should be. */
static struct esp_sent step_forge(struct input *in)
{
	struct esp_forge f = {.seq = seq_next(in)};
	uint8_t what = take(in);
	struct esp_sent p;

	f.pad = what >> 4 & 3 ? 64 : 0;
	f.next_header = what & 1 ? take(in) : 0;
	f.bad_pad_length = what & 2;
	f.as_udp = what & 4;
	f.udp_from = what & 8 ? (uint16_t)RTE_MAX(take16(in), 1U) : 0;
	f.src = what & 0x40 ? "192.0.2.32" : NULL;
	p = seal(esp_model_gre(64), f);
	if (f.as_udp || (f.src != NULL && !is_udp()))
		p.fate = ESP_REFUSED;
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

static void step_flip(struct input *in, struct esp_sent *p, bool fix)
{
	unsigned n = 1 + take(in) % 4;

	for (unsigned i = 0; i < n; i++) {
		uint32_t at = take16(in) % p->frame.len;

		p->frame.bytes[at] ^= take(in);
	}
	if (fix)
		stage_ip_fix(&p->frame, ETH);
}

static void step_cut(struct input *in, struct esp_sent *p)
{
	p->frame.len -= (uint16_t)(take16(in) % (p->frame.len - esp_at() + 1));
	lengths_follow(&p->frame);
}

static void step_extend(struct input *in, struct esp_sent *p)
{
	p->frame.len +=
		take_bytes(in, p->frame.bytes + p->frame.len, (uint16_t)(FRAME_MAX - p->frame.len));
	lengths_follow(&p->frame);
}

static void step_raw(struct input *in, struct esp_sent *p)
{
	p->frame.len = (uint16_t)(esp_at() + take_bytes(in, p->frame.bytes + esp_at(),
							(uint16_t)(FRAME_MAX - esp_at())));
	lengths_follow(&p->frame);
}

/* By comparing: two changes may undo each other. */
static enum esp_fate fate_of(const struct esp_sent *p, const struct esp_sent *good)
{
	unsigned at = esp_at();

	if (p->frame.len != good->frame.len ||
	    memcmp(p->frame.bytes + at, good->frame.bytes + at, p->frame.len - at) != 0)
		return ESP_REFUSED;
	return memcmp(p->frame.bytes, good->frame.bytes, at) == 0 ? good->fate : ESP_EITHER;
}

static void step(struct input *in, struct esp_sent *good)
{
	uint8_t op = take(in);
	struct esp_sent p = *good;

	switch ((enum step)(op % STEP_COUNT)) {
	case STEP_SEAL:
		p = *good = seal(esp_model_gre(op >> 4), (struct esp_forge){.seq = seq_next(in)});
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
	esp_model_send(&p, op & 0x80);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};
	struct esp_sent good;

	peer = esp_model_begin(take(&in) % ESP_MODEL_SAS);
	good = seal(esp_model_gre(64), (struct esp_forge){.seq = peer->in.seq + 1});
	for (unsigned i = 0; i < ESP_MODEL_SENDS && in.at < in.end; i++)
		step(&in, &good);
	esp_model_end();
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	esp_model_start();
	return 0;
}
