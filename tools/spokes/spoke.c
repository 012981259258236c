/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spoke: state machine of a registration (RFC 2332 section 5.2.3), for all spokes over one heap of
 * timers: asked after 2 s, 4, 8 .. 64 s again, refreshed at a third of the holding time, down when
 * that has run out. One thread. Not done: several hubs, IPv6, purge at the end.
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
#define TURN_MAX      256 /* requests per call: frames that came in must not wait for a burst */

int spokes_init(struct spokes *s, const struct options *opt, struct link *link)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->opt = opt;
	s->link = link;
	neighbour_init(&s->neighbour, opt, link);
	s->v = calloc(opt->count, sizeof(*s->v));
	if (!s->v)
		return -ENOMEM;
	err = timers_init(&s->timers, opt->count);
	if (err < 0)
		free(s->v);
	return err;
}

void spokes_free(struct spokes *s)
{
	timers_free(&s->timers);
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

	for (uint32_t i = 0; i < s->opt->count; i++)
		timers_set(&s->timers, i, now_ns + i * gap_ns);
	s->armed = true;
}

static void begin_request(struct spokes *s, struct spoke *spoke, uint64_t now_ns)
{
	spoke->awaiting = true;
	spoke->retry_s = RETRY_FIRST_S;
	spoke->request_id = ++s->next_request_id;
	spoke->asked_ns = now_ns;
}

static void repeat_request(struct spokes *s, struct spoke *spoke)
{
	s->counters.retries++;
	if (spoke->retry_s < RETRY_MAX_S)
		spoke->retry_s = (uint8_t)(spoke->retry_s * 2);
}

static void go_down(struct spokes *s, struct spoke *spoke)
{
	if (spoke->state == SPOKE_UP)
		s->registered--;
	spoke->state = SPOKE_DOWN;
}

static void on_timer(struct spokes *s, uint32_t i, uint64_t now_ns)
{
	struct spoke *spoke = &s->v[i];
	uint64_t next_ns;

	if (spoke->state == SPOKE_UP && now_ns >= spoke->valid_until_ns) {
		go_down(s, spoke);
		s->counters.expired++;
		spoke->awaiting = false; /* start over: ask every 2 s again */
	}
	if (spoke->awaiting)
		repeat_request(s, spoke);
	else
		begin_request(s, spoke, now_ns);
	nhc_register(s, i);
	s->counters.requests++;
	next_ns = now_ns + spoke->retry_s * SECOND_NS;
	if (spoke->state == SPOKE_UP && spoke->valid_until_ns < next_ns)
		next_ns = spoke->valid_until_ns;
	timers_set(&s->timers, i, next_ns);
}

void spokes_poll(struct spokes *s, uint64_t now_ns)
{
	uint32_t i;

	neighbour_poll(&s->neighbour, now_ns);
	if (!s->neighbour.known)
		return;
	if (!s->armed)
		arm_timers(s, now_ns);
	for (unsigned n = 0; n < TURN_MAX; n++) {
		i = timers_pop(&s->timers, now_ns);
		if (i == TIMERS_NONE)
			return;
		on_timer(s, i, now_ns);
	}
}

uint64_t spokes_next_ns(const struct spokes *s)
{
	const uint64_t timer_ns = timers_next_ns(&s->timers), arp_ns = s->neighbour.next_query_ns;

	if (!s->neighbour.known)
		return arp_ns;
	return timer_ns < arp_ns ? timer_ns : arp_ns;
}

void spokes_accepted(struct spokes *s, uint32_t i, uint16_t hold_s, uint64_t now_ns)
{
	struct spoke *spoke = &s->v[i];
	const uint16_t hold = hold_s ? hold_s : s->opt->holdtime_s;

	s->counters.replies++;
	latency_add(&s->reply_time, now_ns - spoke->asked_ns);
	if (spoke->state == SPOKE_DOWN)
		s->registered++;
	spoke->state = SPOKE_UP;
	spoke->awaiting = false;
	spoke->valid_until_ns = now_ns + hold * SECOND_NS;
	timers_set(&s->timers, i, now_ns + hold * SECOND_NS / 3);
	if (s->registered == s->opt->count && s->all_up_ns == 0)
		s->all_up_ns = now_ns;
}

void spokes_refused(struct spokes *s, uint32_t i, uint8_t code)
{
	s->counters.refused++;
	s->counters.refused_code = code;
	go_down(s, &s->v[i]); /* its timer runs on: asked again, ever more rarely */
}

static struct packet_tunnel tunnel_of(const struct spokes *s, uint32_t i)
{
	return (struct packet_tunnel){.src = spokes_nbma(s, i),
				      .dst = s->opt->hub_nbma,
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

void spokes_send(struct spokes *s, uint32_t i, uint16_t gre_proto, size_t inner_len)
{
	struct packet_tunnel t = tunnel_of(s, i);

	memcpy(t.src_mac, link_mac(s->link), 6);
	memcpy(t.dst_mac, s->neighbour.mac, 6);
	t.proto = gre_proto;
	t.sequence = s->v[i].gre_sequence++;
	link_tx_commit(s->link, packet_encap(&t, link_tx_room(s->link), inner_len));
}
