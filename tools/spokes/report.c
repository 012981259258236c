/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: one walk over the results, two printers of it (text, JSON), and the verdict: a list of
 * reasons, empty for a success. Written by hand and not with a JSON library: numbers and fixed
 * names only, nothing to quote.
 */
#include "report.h"

#include "link.h"
#include "run.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REASONS_MAX 16
#define REASON_LEN  96
#define TEXT_COLUMN 18
#define TEXT_WIDTH  96

struct verdict {
	unsigned count;
	char reasons[REASONS_MAX][REASON_LEN];
};

/* Where the walk stands. */
struct printer {
	bool json;
	bool comma;
	int column; /* text: of this line */
};

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

/* --- verdict --- */

__attribute__((format(printf, 2, 3))) static void add_reason(struct verdict *v,
							     const char *fmt,
							     ...)
{
	va_list args;

	if (v->count == REASONS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(v->reasons[v->count++], REASON_LEN, fmt, args);
	va_end(args);
}

static void none_of(struct verdict *v, uint64_t count, const char *what)
{
	if (count)
		add_reason(v, "%s: %llu", what, (unsigned long long)count);
}

static uint64_t lost(const struct traffic_stats *s)
{
	return s->sent - s->received;
}

static void judge_stream(struct verdict *v,
			 const struct run *run,
			 const struct traffic_stream *s,
			 const char *name)
{
	const struct traffic_stats *stats = &s->stats;
	char what[64];

	if (!s->rate_pps || run->timed_out)
		return;
	if (stats->sent == 0 && run->opt.duration_ms != 0)
		add_reason(v, "%s: nothing was sent", name);
	if (lost(stats) * 1000000 > stats->sent * run->opt.max_loss_ppm)
		add_reason(v, "%s: %llu of %llu lost (at most %g %%)", name,
			   (unsigned long long)lost(stats), (unsigned long long)stats->sent,
			   run->opt.max_loss_ppm / 1e4);
#define NONE(field) \
	(snprintf(what, sizeof(what), "%s: " #field, name), none_of(v, stats->field, what))
	NONE(duplicate);
	NONE(corrupt);
	NONE(ttl);
	NONE(misdelivered);
#undef NONE
}

static void judge(struct verdict *v, const struct run *run)
{
	const struct spokes *s = &run->spokes;

	if (run->link_lost)
		add_reason(v, "the interface was removed");
	if (s->registered < run->opt.count)
		add_reason(v, "registered %u of %u", s->registered, run->opt.count);
	if (!s->neighbour.known)
		add_reason(v, "no ARP answer from the hub or gateway");
	none_of(v, s->counters.wrong, "wrong registration replies");
	none_of(v, s->counters.undecodable, "undecodable NHRP packets");
	none_of(v, s->counters.bad_indications, "bad traffic indications");
	none_of(v, s->counters.resolutions_wrong, "wrong resolution replies");
	none_of(v, s->counters.bad_authentication, "packets without the right authentication");
	none_of(v, s->counters.purges_sent - s->counters.purge_replies, "purges without reply");
	none_of(v, s->local.full, "packets between spokes lost here");
	none_of(v, run->demux.bad_frames, "bad outer headers");
	none_of(v, run->demux.wrong_key, "wrong GRE keys");
	none_of(v, run->traffic.bad_header, "bad inner headers");
	none_of(v, run->traffic.misdelivered, "packets for another spoke's addresses");
	judge_stream(v, run, &run->traffic.streams[TRAFFIC_LAN], "traffic");
	judge_stream(v, run, &run->traffic.streams[TRAFFIC_HUB], "hub pings");
}

/* --- printers --- */

static void group_begin(struct printer *p, const char *key, const char *text)
{
	if (p->json)
		printf("%s\"%s\":{", p->comma ? "," : "", key);
	else
		p->column = printf("%-*s", TEXT_COLUMN, text);
	p->comma = false;
}

static void group_end(struct printer *p)
{
	fputs(p->json ? "}" : "\n", stdout);
	p->comma = true;
}

__attribute__((format(printf, 4, 5))) static void item(
	struct printer *p, const char *key, bool zero, const char *fmt, ...)
{
	char value[32];
	va_list args;

	va_start(args, fmt);
	vsnprintf(value, sizeof(value), fmt, args);
	va_end(args);
	if (p->json) {
		printf("%s\"%s\":%s", p->comma ? "," : "", key, value);
	} else if (!zero) {
		if (p->column + (int)strlen(key) + (int)strlen(value) + 3 > TEXT_WIDTH)
			p->column = printf("\n%-*s", TEXT_COLUMN, "") - 1;
		p->column += printf("%s %s  ", key, value);
	}
	p->comma = true;
}

/* Always printed; the other form leaves zeros out of the text. */
static void show(struct printer *p, const char *key, uint64_t value)
{
	item(p, key, false, "%llu", (unsigned long long)value);
}

static void note(struct printer *p, const char *key, uint64_t value)
{
	item(p, key, value == 0, "%llu", (unsigned long long)value);
}

static void show_latency(struct printer *p,
			 const char *key,
			 const char *text,
			 const struct latency *l)
{
	if (!p->json && l->count == 0)
		return;
	group_begin(p, key, text);
	item(p, "min", false, "%.1f", us(l->min_ns));
	item(p, "mean", false, "%.1f", us(latency_mean_ns(l)));
	item(p, "p50", false, "%.1f", us(latency_percentile_ns(l, 50)));
	item(p, "p99", false, "%.1f", us(latency_percentile_ns(l, 99)));
	item(p, "max", false, "%.1f", us(l->max_ns));
	group_end(p);
}

static void show_shortcuts(struct printer *p, const struct spokes *s)
{
	const struct shortcuts_counters *c = &s->shortcuts.counters;

	if (!p->json && !s->opt->shortcut)
		return;
	group_begin(p, "shortcuts", "shortcuts");
	show(p, "now", s->shortcuts.ready);
	show(p, "made", c->made);
	note(p, "expired", c->expired);
	note(p, "purged", c->purged);
	note(p, "full", c->full);
	show(p, "direct_frames", s->direct_frames);
	group_end(p);
}

/* By hub: how many spokes it knows. */
static void show_hubs(struct printer *p, const struct run *run)
{
	const struct spokes *s = &run->spokes;

	if (p->json)
		printf(",\"hubs\":[");
	for (uint32_t h = 0; h < run->opt.hub_count; h++) {
		const struct in_addr in = {htonl(run->opt.hubs[h].nbma)};
		char nbma[INET_ADDRSTRLEN];
		unsigned up = 0;

		for (uint32_t i = 0; i < run->opt.count; i++)
			up += spokes_reg(s, i, h)->state == SPOKE_UP;
		inet_ntop(AF_INET, &in, nbma, sizeof(nbma));
		if (p->json)
			printf("%s{\"nbma\":\"%s\",\"registered\":%u}", h ? "," : "", nbma, up);
		else if (run->opt.hub_count > 1)
			printf("%-*s%s registered %u\n", TEXT_COLUMN, h ? "" : "hubs", nbma, up);
	}
	if (p->json)
		putchar(']');
}

static void show_registration(struct printer *p, const struct spokes *s)
{
	const struct spokes_counters *c = &s->counters;

	group_begin(p, "registration", "registration");
	show(p, "requests", c->requests);
	show(p, "replies", c->replies);
	note(p, "retries", c->retries);
	note(p, "refused", c->refused);
	note(p, "refused_code", c->refused_code);
	note(p, "wrong", c->wrong);
	note(p, "stray", c->stray);
	note(p, "expired", c->expired);
	group_end(p);
	show_latency(p, "reply_us", "reply, us", &s->reply_time);
	group_begin(p, "nhrp", "nhrp");
	show(p, "traffic_indications", c->traffic_indications);
	note(p, "bad_indications", c->bad_indications);
	note(p, "resolution_requests", c->resolution_requests);
	note(p, "resolutions_answered", c->resolutions_answered);
	note(p, "resolutions_sent", c->resolutions_sent);
	note(p, "resolution_replies", c->resolution_replies);
	note(p, "resolutions_refused", c->resolutions_refused);
	note(p, "unresolved_code", c->unresolved_code);
	note(p, "resolutions_wrong", c->resolutions_wrong);
	note(p, "resolutions_elsewhere", c->resolutions_elsewhere);
	note(p, "purges", c->purges);
	note(p, "purges_sent", c->purges_sent);
	note(p, "purge_replies", c->purge_replies);
	note(p, "bad_authentication", c->bad_authentication);
	note(p, "errors", c->errors);
	note(p, "error_code", c->error_code);
	note(p, "other", c->other);
	note(p, "undecodable", c->undecodable);
	group_end(p);
	show_shortcuts(p, s);
}

static void show_stream(struct printer *p,
			const struct traffic_stream *s,
			const char *key,
			const char *text)
{
	const struct traffic_stats *c = &s->stats;

	if (!p->json && !s->rate_pps)
		return;
	group_begin(p, key, text);
	show(p, "sent", c->sent);
	show(p, "received", c->received);
	show(p, "lost", lost(c));
	note(p, "answered", c->answered);
	note(p, "duplicate", c->duplicate);
	note(p, "late", c->late);
	note(p, "corrupt", c->corrupt);
	note(p, "ttl", c->ttl);
	note(p, "misdelivered", c->misdelivered);
	note(p, "skipped", c->skipped);
	note(p, "direct", c->direct);
	if (!p->json)
		group_end(p);
	show_latency(p, "rtt_us", "  round trip, us", &s->latency);
	if (p->json)
		group_end(p);
}

static void show_rest(struct printer *p, struct run *run)
{
	const struct traffic *t = &run->traffic;
	struct link_stats link;

	link_stats_get(run->link, &link);
	group_begin(p, "inner", "other inner");
	show(p, "echo_answered", t->echo_answered);
	note(p, "icmp_errors", t->icmp_errors);
	note(p, "multicast", t->multicast);
	note(p, "unexpected", t->unexpected);
	note(p, "misdelivered", t->misdelivered);
	note(p, "bad_header", t->bad_header);
	group_end(p);
	group_begin(p, "link", "link");
	show(p, "rx_frames", link.rx_frames);
	show(p, "tx_frames", link.tx_frames);
	note(p, "rx_dropped", link.rx_dropped);
	note(p, "tx_failed", link.tx_failed);
	show(p, "arp_answered", run->spokes.neighbour.answered);
	note(p, "foreign", run->demux.foreign_frames);
	note(p, "fragments", run->demux.fragments);
	note(p, "bad", run->demux.bad_frames);
	note(p, "wrong_key", run->demux.wrong_key);
	note(p, "unknown_proto", run->demux.unknown_proto);
	group_end(p);
}

static void show_verdict(const struct printer *p, const struct verdict *v)
{
	if (p->json) {
		printf(",\"ok\":%s,\"reasons\":[", v->count ? "false" : "true");
		for (unsigned i = 0; i < v->count; i++)
			printf("%s\"%s\"", i ? "," : "", v->reasons[i]);
		puts("]}");
		return;
	}
	printf("%-*s%s\n", TEXT_COLUMN, "result", v->count ? "FAILED" : "ok");
	for (unsigned i = 0; i < v->count; i++)
		printf("%-*s%s\n", TEXT_COLUMN, "", v->reasons[i]);
}

bool report_final(struct run *run, uint64_t now_ns)
{
	const struct spokes *s = &run->spokes;
	struct printer p = {.json = run->opt.json};
	struct verdict v = {0};

	judge(&v, run);
	if (p.json)
		putchar('{');
	else
		p.column = printf("%-*s", TEXT_COLUMN, "spokes");
	show(&p, "count", run->opt.count);
	show(&p, "registered", s->registered);
	item(&p, "all_registered_ms", false, "%.1f",
	     s->all_up_ns ? ms(s->all_up_ns - s->started_ns) : -1.0);
	item(&p, "traffic_ms", false, "%.1f", ms(run->traffic_ns));
	item(&p, "run_ms", false, "%.1f", ms(now_ns - run->started_ns));
	if (!p.json)
		putchar('\n');
	show_hubs(&p, run);
	show_registration(&p, s);
	show_stream(&p, &run->traffic.streams[TRAFFIC_LAN], "traffic", "traffic");
	show_stream(&p, &run->traffic.streams[TRAFFIC_HUB], "ping_hub", "hub pings");
	show_rest(&p, run);
	show_verdict(&p, &v);
	fflush(stdout);
	return v.count == 0;
}

/* --- live line --- */

static uint64_t bad(const struct traffic_stats *s)
{
	return s->corrupt + s->ttl + s->misdelivered + s->late;
}

void report_live(struct run *run, uint64_t now_ns)
{
	const struct traffic_stream *lan = &run->traffic.streams[TRAFFIC_LAN];
	const struct traffic_stream *hub = &run->traffic.streams[TRAFFIC_HUB];
	const double seconds = (double)(now_ns - run->reported_ns) / 1e9;

	fprintf(stderr, "%5.0f s  registered %u/%u", (double)(now_ns - run->started_ns) / 1e9,
		run->spokes.registered, run->opt.count);
	if (lan->rate_pps)
		fprintf(stderr,
			"  sent %llu (%.0f/s) back %llu missing %llu dup %llu bad %llu"
			"  rtt p50 %.2f p99 %.2f ms  indications %llu",
			(unsigned long long)lan->stats.sent,
			(double)(lan->stats.sent - run->reported_sent) / seconds,
			(unsigned long long)lan->stats.received,
			(unsigned long long)lost(&lan->stats),
			(unsigned long long)lan->stats.duplicate,
			(unsigned long long)bad(&lan->stats),
			ms(latency_percentile_ns(&lan->latency, 50)),
			ms(latency_percentile_ns(&lan->latency, 99)),
			(unsigned long long)run->spokes.counters.traffic_indications);
	if (hub->rate_pps)
		fprintf(stderr, "  hub pings %llu back %llu", (unsigned long long)hub->stats.sent,
			(unsigned long long)hub->stats.received);
	fputc('\n', stderr);
	run->reported_sent = lan->stats.sent;
	run->reported_ns = now_ns;
}
