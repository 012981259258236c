/* SPDX-License-Identifier: Apache-2.0 */
/*
 * traffic: two streams of probes, paced by the clock over all spokes in turn. Each flow (one per
 * spoke and stream) numbers its packets and remembers which came back, so that loss, duplicates
 * and foreign deliveries are told apart. A probe that fails a check is counted under the check and
 * is therefore also missing from `received`. One thread.
 */
#include "traffic.h"

#include "spoke.h"
#include "window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS  1000000000ULL
#define TURN_MAX   256
#define TTL_BY_HUB (PACKET_PROBE_TTL - 1) /* the hub is the only router on the way */
#define PROTO_ICMP 1

struct traffic_flow {
	uint32_t next_sequence;
	struct window window;
};

static void stream_init(struct traffic_stream *s, enum packet_kind kind, uint32_t rate_pps)
{
	s->kind = kind;
	s->rate_pps = rate_pps;
}

int traffic_init(struct traffic *t, struct spokes *spokes, uint32_t run)
{
	const struct options *opt = spokes->opt;

	memset(t, 0, sizeof(*t));
	t->spokes = spokes;
	t->run = run;
	stream_init(&t->streams[TRAFFIC_LAN],
		    opt->traffic == OPTIONS_TRAFFIC_UDP ? PACKET_KIND_UDP
							: PACKET_KIND_ECHO_REQUEST,
		    opt->rate_pps);
	stream_init(&t->streams[TRAFFIC_HUB], PACKET_KIND_ECHO_REQUEST, opt->ping_hub_pps);
	for (unsigned k = 0; k < TRAFFIC_STREAMS; k++) {
		t->streams[k].flows = calloc(opt->count, sizeof(struct traffic_flow));
		if (!t->streams[k].flows) {
			traffic_free(t);
			return -ENOMEM;
		}
	}
	return 0;
}

void traffic_free(struct traffic *t)
{
	for (unsigned k = 0; k < TRAFFIC_STREAMS; k++)
		free(t->streams[k].flows);
}

void traffic_start(struct traffic *t, uint64_t now_ns)
{
	t->running = true;
	for (unsigned k = 0; k < TRAFFIC_STREAMS; k++)
		t->streams[k].start_ns = now_ns;
}

void traffic_stop(struct traffic *t)
{
	t->running = false;
}

static uint32_t partner(const struct traffic *t, uint32_t flow)
{
	return flow + 1 == t->spokes->opt->count ? 0 : flow + 1;
}

/* Source and destination of a flow's packets on their way out. */
static void flow_addresses(const struct traffic *t,
			   enum traffic_stream_id id,
			   uint32_t flow,
			   uint32_t *src,
			   uint32_t *dst)
{
	if (id == TRAFFIC_LAN) {
		*src = spokes_lan_host(t->spokes, flow);
		*dst = spokes_lan_host(t->spokes, partner(t, flow));
	} else {
		*src = spokes_protocol(t->spokes, flow);
		*dst = t->spokes->opt->hubs[0].protocol;
	}
}

static void send_probe(struct traffic *t, enum traffic_stream_id id, uint64_t now_ns)
{
	struct traffic_stream *s = &t->streams[id];
	struct packet_probe p = {.kind = s->kind,
				 .ttl = PACKET_PROBE_TTL,
				 .len = t->spokes->opt->size,
				 .run = t->run,
				 .stream = (uint8_t)id,
				 .flow = s->cursor,
				 .sequence = s->flows[s->cursor].next_sequence++,
				 .tx_ns = now_ns};

	uint32_t way = t->spokes->opt->hubs[0].nbma;

	flow_addresses(t, id, p.flow, &p.src, &p.dst);
	if (id == TRAFFIC_LAN)
		way = spokes_way(t->spokes, p.flow, p.dst, now_ns);
	packet_probe_write(&p, spokes_inner_room(t->spokes, p.flow));
	spokes_send(t->spokes, p.flow, way, PACKET_ETHERTYPE_IP4, p.len);
	s->stats.sent++;
	s->cursor = partner(t, s->cursor);
}

static void stream_poll(struct traffic *t, enum traffic_stream_id id, uint64_t now_ns)
{
	struct traffic_stream *s = &t->streams[id];
	const uint64_t elapsed_ns = now_ns - s->start_ns;
	const uint64_t due = (uint64_t)((double)elapsed_ns * s->rate_pps / SECOND_NS);
	const uint64_t behind_max = TURN_MAX + s->rate_pps / 10;

	if (due > s->scheduled + behind_max) {
		s->stats.skipped += due - s->scheduled - behind_max;
		s->scheduled = due - behind_max;
	}
	for (unsigned n = 0; n < TURN_MAX && s->scheduled < due; n++) {
		send_probe(t, id, now_ns);
		s->scheduled++;
	}
}

void traffic_poll(struct traffic *t, uint64_t now_ns)
{
	for (unsigned k = 0; t->running && k < TRAFFIC_STREAMS; k++) {
		if (t->streams[k].rate_pps)
			stream_poll(t, (enum traffic_stream_id)k, now_ns);
	}
}

uint64_t traffic_next_ns(const struct traffic *t)
{
	uint64_t next_ns = UINT64_MAX;

	for (unsigned k = 0; t->running && k < TRAFFIC_STREAMS; k++) {
		const struct traffic_stream *s = &t->streams[k];
		uint64_t at_ns;

		if (!s->rate_pps)
			continue;
		at_ns = s->start_ns +
			(uint64_t)((double)(s->scheduled + 1) * SECOND_NS / s->rate_pps) + 1;
		if (at_ns < next_ns)
			next_ns = at_ns;
	}
	return next_ns;
}

uint64_t traffic_outstanding(const struct traffic *t)
{
	uint64_t sum = 0;

	for (unsigned k = 0; k < TRAFFIC_STREAMS; k++)
		sum += t->streams[k].stats.sent - t->streams[k].stats.received;
	return sum;
}

/* Did this probe come out where its flow ends (or, as an answer, begins)? */
static bool is_at_home(const struct traffic *t, uint32_t i, const struct packet_probe *p)
{
	const bool answer = p->kind == PACKET_KIND_ECHO_REPLY;
	uint32_t src, dst;

	flow_addresses(t, (enum traffic_stream_id)p->stream, p->flow, &src, &dst);
	if (answer)
		return i == p->flow && p->src == dst && p->dst == src;
	return p->stream == TRAFFIC_LAN && i == partner(t, p->flow) && p->src == src &&
	       p->dst == dst;
}

/* A packet on its way through the checks. */
struct arrival {
	uint32_t i;  /* spoke it came to */
	bool direct; /* by a shortcut */
	const uint8_t *bytes;
	size_t len;
	struct packet_ip4 ip;
	uint64_t now_ns;
};

static void answer_echo(struct traffic *t, const struct arrival *a, uint64_t *counter)
{
	uint8_t *room = spokes_inner_room(t->spokes, a->i);
	const size_t answer_len = (size_t)(a->ip.payload - a->bytes) + a->ip.payload_len;

	if (answer_len > PACKET_INNER_MAX ||
	    packet_echo_answer(a->bytes, a->len, &a->ip, room) < 0) {
		t->unexpected++;
		return;
	}
	spokes_send(t->spokes, a->i, spokes_way(t->spokes, a->i, a->ip.src, a->now_ns),
		    PACKET_ETHERTYPE_IP4, answer_len);
	(*counter)++;
}

static void finish_probe(struct traffic_stream *s, const struct packet_probe *p, uint64_t now_ns)
{
	switch (window_mark(&s->flows[p->flow].window, p->sequence)) {
	case WINDOW_NEW:
		s->stats.received++;
		latency_add(&s->latency, now_ns > p->tx_ns ? now_ns - p->tx_ns : 0);
		break;
	case WINDOW_DUPLICATE:
		s->stats.duplicate++;
		break;
	case WINDOW_LATE:
		s->stats.late++;
		break;
	}
}

static void receive_probe(struct traffic *t, const struct arrival *a, const struct packet_probe *p)
{
	struct traffic_stream *s = &t->streams[p->stream];
	/* The hub's own answers are not routed; its kernel chooses the TTL. */
	const bool routed = p->stream == TRAFFIC_LAN;
	const uint8_t ttl = a->direct ? PACKET_PROBE_TTL : TTL_BY_HUB;

	if (p->sequence >= s->flows[p->flow].next_sequence)
		s->stats.corrupt++; /* never sent */
	else if (!is_at_home(t, a->i, p))
		s->stats.misdelivered++;
	else if (routed && p->ttl != ttl)
		s->stats.ttl++;
	else if (p->kind == PACKET_KIND_ECHO_REQUEST)
		answer_echo(t, a, &s->stats.answered);
	else
		finish_probe(s, p, a->now_ns);
	s->stats.direct += a->direct;
}

static void receive_other(struct traffic *t, const struct arrival *a)
{
	const struct packet_ip4 *ip = &a->ip;
	const uint8_t type = ip->protocol == PROTO_ICMP && ip->payload_len ? ip->payload[0] : 0;

	if (type == 8)
		answer_echo(t, a, &t->echo_answered);
	else if (type == 3 || type == 5 || type == 11 || type == 12)
		t->icmp_errors++;
	else
		t->unexpected++;
}

void traffic_receive(struct traffic *t,
		     uint32_t i,
		     bool direct,
		     const uint8_t *bytes,
		     size_t len,
		     uint64_t now_ns)
{
	struct arrival a = {.i = i, .direct = direct, .bytes = bytes, .len = len, .now_ns = now_ns};
	struct packet_probe p;

	if (packet_ip4_parse(bytes, len, &a.ip) != PACKET_OK) {
		t->bad_header++;
		return;
	}
	if (a.ip.dst >> 28 == 14 || a.ip.dst == UINT32_MAX) {
		t->multicast++;
		return;
	}
	if (!spokes_owns(t->spokes, i, a.ip.dst)) {
		t->misdelivered++;
		return;
	}
	switch (packet_probe_read(bytes, len, &a.ip, t->run, &p)) {
	case PACKET_PROBE_OK:
		if (p.stream < TRAFFIC_STREAMS && p.flow < t->spokes->opt->count)
			receive_probe(t, &a, &p);
		else
			t->unexpected++;
		break;
	case PACKET_PROBE_CORRUPT:
		t->streams[p.stream < TRAFFIC_STREAMS ? p.stream : 0].stats.corrupt++;
		break;
	case PACKET_PROBE_FOREIGN:
		receive_other(t, &a);
		break;
	}
}
