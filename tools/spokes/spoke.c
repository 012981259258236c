/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoke: state machine of a registration (RFC 2332 section 5.2.3), for all spokes over one heap of
 * timers: asked after 2 s, 4, 8 .. 64 s again, refreshed at a third of the holding time, down when
 * that has run out. Each spoke registers at each hub. One thread. Not done: IPv6.
 */
#include "spoke.h"

#include "link.h"
#include "nhc.h"
#include "packet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS     1000000000ULL
#define RETRY_FIRST_S 2
#define RETRY_MAX_S   64
#define HUB_SILENT_S  8   /* the wait after two requests without an answer */
#define TURN_MAX      256 /* requests per call: frames that came in must not wait for a burst */

int spokes_init(struct spokes *s, const struct options *opt, struct link *link)
{
	const uint32_t regs = opt->count * opt->hub_count;

	memset(s, 0, sizeof(*s));
	s->opt = opt;
	s->link = link;
	neighbour_init(&s->neighbour, opt, link);
	s->v = calloc(opt->count, sizeof(*s->v));
	s->regs = calloc(regs, sizeof(*s->regs));
	if (!s->v || !s->regs || timers_init(&s->timers, regs) < 0 ||
	    shortcuts_init(&s->shortcuts, opt->count, opt->shortcut) < 0 ||
	    (opt->shortcut && local_init(&s->local) < 0)) {
		spokes_free(s);
		return -ENOMEM;
	}
	return 0;
}

void spokes_free(struct spokes *s)
{
	timers_free(&s->timers);
	shortcuts_free(&s->shortcuts);
	local_free(&s->local);
	free(s->regs);
	free(s->v);
}

void spokes_start(struct spokes *s, uint64_t now_ns)
{
	s->started_ns = now_ns;
}

/* Paced from when the hub can be reached, or the pace would be lost while ARP looks for it. */
static void arm_timers(struct spokes *s, uint64_t now_ns)
{
	const uint64_t gap_ns = s->opt->register_rate ? SECOND_NS / s->opt->register_rate : 0;

	for (uint32_t r = 0; r < s->opt->count * s->opt->hub_count; r++)
		timers_set(&s->timers, r, now_ns + r * gap_ns);
	s->armed = true;
}

static void begin_request(struct spokes *s, struct registration *reg, uint64_t now_ns)
{
	reg->awaiting = true;
	reg->retry_s = RETRY_FIRST_S;
	reg->request_id = ++s->next_request_id;
	reg->asked_ns = now_ns;
}

static void repeat_request(struct spokes *s, struct registration *reg)
{
	s->counters.retries++;
	if (reg->retry_s < RETRY_MAX_S)
		reg->retry_s = (uint8_t)(reg->retry_s * 2);
}

static void go_up(struct spokes *s, uint32_t i, struct registration *reg)
{
	if (reg->state == SPOKE_UP)
		return;
	reg->state = SPOKE_UP;
	s->registrations++;
	if (s->v[i].hubs_up++ == 0)
		s->registered++;
}

static void go_down(struct spokes *s, uint32_t i, struct registration *reg)
{
	if (reg->state == SPOKE_DOWN)
		return;
	reg->state = SPOKE_DOWN;
	s->registrations--;
	if (--s->v[i].hubs_up == 0)
		s->registered--;
}

static void on_timer(struct spokes *s, uint32_t r, uint64_t now_ns)
{
	const uint32_t i = r / s->opt->hub_count, hub = r % s->opt->hub_count;
	struct registration *reg = &s->regs[r];
	uint64_t next_ns;

	if (reg->state == SPOKE_UP && now_ns >= reg->valid_until_ns) {
		go_down(s, i, reg);
		s->counters.expired++;
		reg->awaiting = false; /* start over: ask every 2 s again */
	}
	if (reg->awaiting)
		repeat_request(s, reg);
	else
		begin_request(s, reg, now_ns);
	nhc_register(s, i, hub);
	s->counters.requests++;
	next_ns = now_ns + reg->retry_s * SECOND_NS;
	if (reg->state == SPOKE_UP && reg->valid_until_ns < next_ns)
		next_ns = reg->valid_until_ns;
	timers_set(&s->timers, r, next_ns);
}

void spokes_poll(struct spokes *s, uint64_t now_ns)
{
	uint32_t r;

	neighbour_poll(&s->neighbour, now_ns);
	if (!s->neighbour.known)
		return;
	if (!s->armed)
		arm_timers(s, now_ns);
	for (unsigned n = 0; n < TURN_MAX; n++) {
		r = timers_pop(&s->timers, now_ns);
		if (r == TIMERS_NONE)
			return;
		on_timer(s, r, now_ns);
	}
}

uint64_t spokes_next_ns(const struct spokes *s)
{
	const uint64_t timer_ns = timers_next_ns(&s->timers), arp_ns = s->neighbour.next_query_ns;

	if (!s->neighbour.known)
		return arp_ns;
	return timer_ns < arp_ns ? timer_ns : arp_ns;
}

void spokes_accepted(struct spokes *s, uint32_t i, uint32_t hub, uint16_t hold_s, uint64_t now_ns)
{
	struct registration *reg = spokes_reg(s, i, hub);
	const uint16_t hold = hold_s ? hold_s : s->opt->holdtime_s;

	s->counters.replies++;
	latency_add(&s->reply_time, now_ns - reg->asked_ns);
	go_up(s, i, reg);
	reg->awaiting = false;
	reg->valid_until_ns = now_ns + hold * SECOND_NS;
	timers_set(&s->timers, i * s->opt->hub_count + hub, now_ns + hold * SECOND_NS / 3);
	if (s->registrations == s->opt->count * s->opt->hub_count && s->all_up_ns == 0)
		s->all_up_ns = now_ns;
}

void spokes_refused(struct spokes *s, uint32_t i, uint32_t hub, uint8_t code)
{
	s->counters.refused++;
	s->counters.refused_code = code;
	/* Its timer runs on: asked again, ever more rarely. */
	go_down(s, i, spokes_reg(s, i, hub));
}

bool spokes_purge(struct spokes *s)
{
	const uint32_t hubs = s->opt->hub_count, end = s->opt->count * hubs;

	for (unsigned n = 0; n < TURN_MAX && s->purge_cursor < end; s->purge_cursor++) {
		if (s->regs[s->purge_cursor].state != SPOKE_UP)
			continue;
		nhc_purge(s, s->purge_cursor / hubs, s->purge_cursor % hubs);
		s->counters.purges_sent++;
		n++;
	}
	return s->purge_cursor < end;
}

static struct packet_tunnel tunnel_of(const struct spokes *s, uint32_t i)
{
	return (struct packet_tunnel){.src = spokes_nbma(s, i),
				      .has_key = s->opt->has_key,
				      .key = s->opt->key,
				      .checksum = s->opt->gre_checksum,
				      .has_sequence = s->opt->gre_sequence};
}

uint8_t *spokes_inner_room(struct spokes *s, uint32_t i)
{
	const struct packet_tunnel t = tunnel_of(s, i);

	return link_tx_room(s->link) + packet_head_len(&t);
}

/* A hub that left two refreshes without an answer is passed over while another one answers. */
static uint32_t hub_in_use(const struct spokes *s, uint32_t i)
{
	uint32_t up = s->opt->hub_count;

	for (uint32_t h = 0; h < s->opt->hub_count; h++) {
		const struct registration *reg = spokes_reg(s, i, h);

		if (reg->state != SPOKE_UP)
			continue;
		if (!reg->awaiting || reg->retry_s < HUB_SILENT_S)
			return h;
		if (up == s->opt->hub_count)
			up = h;
	}
	return up < s->opt->hub_count ? up : 0;
}

uint32_t spokes_way(struct spokes *s, uint32_t i, uint32_t dst, uint64_t now_ns)
{
	const uint32_t way = shortcut_way(&s->shortcuts, i, dst, now_ns);

	return way ? way : s->opt->hubs[hub_in_use(s, i)].nbma;
}

void spokes_send(struct spokes *s, uint32_t i, uint32_t nbma, uint16_t gre_proto, size_t inner_len)
{
	const uint32_t hub = spokes_hub(s, nbma);
	const bool direct = hub == s->opt->hub_count;
	struct packet_tunnel t = tunnel_of(s, i);
	size_t len;

	memcpy(t.src_mac, link_mac(s->link), 6);
	memcpy(t.dst_mac, direct ? link_mac(s->link) : s->neighbour.macs[hub], 6);
	t.dst = nbma;
	t.proto = gre_proto;
	if (!direct && !s->neighbour.known_hubs[hub])
		return; /* as if lost: it is asked again */
	t.sequence = s->v[i].gre_sequence++;
	len = packet_encap(&t, link_tx_room(s->link), inner_len);
	if (!direct) {
		link_tx_commit(s->link, len);
		return;
	}
	s->direct_frames++;
	local_put(&s->local, link_tx_room(s->link), len);
}
