/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmvpn-spokes: N emulated DMVPN spokes on one interface. One thread, one loop: frames in, timers,
 * traffic, frames out. A run has phases: register, send traffic, wait for what is under way.
 *
 *   main.c       this loop and the phases      options.c help.c  command line
 *   spoke.c      registrations and their timers   nhc.c nhc_resolve.c  NHRP of a spoke
 *   shortcut.c   ways that it was told            local.c            between two spokes
 *   traffic.c    probes: pacing and checks     report.c          live line, final report, verdict
 *   demux.c      frame -> spoke and layer      neighbour.c       ARP
 *   packet.c probe.c   bytes of frames         link.c            raw socket
 *   timers.c latency.c window.h                small tools
 */
#include "link.h"
#include "options.h"
#include "report.h"
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define SECOND_NS   1000000000ULL
#define DRAIN_NS    (2 * SECOND_NS)
#define WAIT_MAX_NS (SECOND_NS / 10)
#define WAIT_MIN_NS 500000ULL /* paces fast traffic in small bunches, not in single packets */
#define RX_TURN_MAX 16        /* batches in a row before the timers get their turn */

static volatile sig_atomic_t stop_signals;

static void on_signal(int sig)
{
	(void)sig;
	stop_signals++;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND_NS + (uint64_t)ts.tv_nsec;
}

static void enter_phase(struct run *run, enum run_phase phase, uint64_t now_ns)
{
	run->phase = phase;
	run->phase_ns = now_ns;
	if (phase == RUN_TRAFFIC)
		traffic_start(&run->traffic, now_ns);
	else
		traffic_stop(&run->traffic);
}

static void poll_registering(struct run *run, uint64_t now_ns)
{
	const uint64_t timeout_ns = run->opt.register_timeout_s * SECOND_NS;

	if (run->spokes.registrations == run->opt.count * run->opt.hub_count) {
		fprintf(stderr, "dmvpn-spokes: all %u spokes registered after %.0f ms\n",
			run->opt.count, (double)(now_ns - run->started_ns) / 1e6);
		enter_phase(run, RUN_TRAFFIC, now_ns);
	} else if (timeout_ns && now_ns - run->phase_ns >= timeout_ns) {
		run->timed_out = true;
		enter_phase(run, RUN_DONE, now_ns);
	} else if (stop_signals) {
		run->timed_out = true;
		enter_phase(run, RUN_DONE, now_ns);
	}
}

/* false: all is taken back, or nobody answers. */
static bool poll_purging(struct run *run)
{
	return spokes_purge(&run->spokes) ||
	       run->spokes.counters.purge_replies < run->spokes.counters.purges_sent;
}

static void poll_phase(struct run *run, uint64_t now_ns)
{
	const uint64_t in_phase_ns = now_ns - run->phase_ns;
	const int64_t duration_ms = run->opt.duration_ms;

	switch (run->phase) {
	case RUN_REGISTERING:
		poll_registering(run, now_ns);
		break;
	case RUN_TRAFFIC:
		run->traffic_ns = in_phase_ns;
		if (stop_signals ||
		    (duration_ms >= 0 && in_phase_ns >= (uint64_t)duration_ms * 1000000))
			enter_phase(run, RUN_DRAINING, now_ns);
		break;
	case RUN_DRAINING:
		if (stop_signals > 1 || in_phase_ns >= DRAIN_NS ||
		    traffic_outstanding(&run->traffic) == 0)
			enter_phase(run, run->opt.purge ? RUN_PURGING : RUN_DONE, now_ns);
		break;
	case RUN_PURGING:
		if (stop_signals > 1 || in_phase_ns >= DRAIN_NS || !poll_purging(run))
			enter_phase(run, RUN_DONE, now_ns);
		break;
	case RUN_DONE:
		break;
	}
}

static void poll_report(struct run *run, uint64_t now_ns)
{
	if (!run->opt.stats_period_ms || now_ns < run->next_report_ns)
		return;
	report_live(run, now_ns);
	run->next_report_ns = now_ns + run->opt.stats_period_ms * 1000000ULL;
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Sleeps until a frame comes or something is due; signals get through only here. */
static void wait_for_work(struct run *run, const sigset_t *unblocked)
{
	const uint64_t now_ns = now();
	struct pollfd pfd = {.fd = link_fd(run->link), .events = POLLIN};
	uint64_t due_ns = earliest(spokes_next_ns(&run->spokes), traffic_next_ns(&run->traffic));
	struct timespec ts;
	uint64_t wait_ns;

	if (run->opt.stats_period_ms)
		due_ns = earliest(due_ns, run->next_report_ns);
	if (run->phase == RUN_TRAFFIC && run->opt.duration_ms >= 0)
		due_ns = earliest(due_ns, run->phase_ns + (uint64_t)run->opt.duration_ms * 1000000);
	wait_ns = due_ns > now_ns ? due_ns - now_ns : 0;
	wait_ns = wait_ns < WAIT_MIN_NS ? WAIT_MIN_NS : earliest(wait_ns, WAIT_MAX_NS);
	if (run->phase == RUN_DRAINING || run->phase == RUN_PURGING)
		wait_ns = WAIT_MIN_NS;
	ts.tv_sec = 0;
	ts.tv_nsec = (long)wait_ns;
	/* With an error pending ppoll neither sleeps nor lets a signal in; an interface that was
	 * down before it was removed gives none, so a quiet one is looked at, too. */
	if ((ppoll(&pfd, 1, &ts, unblocked) == 0 || (pfd.revents & ~POLLIN) != 0) &&
	    !link_recover(run->link)) {
		run->link_lost = true;
		enter_phase(run, RUN_DONE, now());
	}
}

static void receive(struct run *run)
{
	unsigned turn = 0, n;

	do {
		run->demux.now_ns = now();
		n = link_receive(run->link, demux_frame, &run->demux);
	} while (n == LINK_BATCH && ++turn < RX_TURN_MAX);
	local_receive(&run->spokes.local, demux_frame, &run->demux);
}

static void loop(struct run *run, const sigset_t *unblocked)
{
	run->started_ns = run->phase_ns = run->reported_ns = now();
	run->next_report_ns = run->started_ns + run->opt.stats_period_ms * 1000000ULL;
	spokes_start(&run->spokes, run->started_ns);
	while (run->phase != RUN_DONE) {
		uint64_t now_ns;

		receive(run);
		now_ns = now();
		spokes_poll(&run->spokes, now_ns);
		traffic_poll(&run->traffic, now_ns);
		link_tx_flush(run->link);
		poll_phase(run, now_ns);
		poll_report(run, now_ns);
		if (run->phase != RUN_DONE)
			wait_for_work(run, unblocked);
	}
}

/* Blocked but while we sleep, so that none is lost between a look and the sleep. */
static void set_up_signals(sigset_t *unblocked)
{
	const struct sigaction action = {.sa_handler = on_signal};
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, unblocked);
	sigdelset(unblocked, SIGINT);
	sigdelset(unblocked, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* Whatever the options allow must fit what the interface carries. */
static int check_size(const struct run *run)
{
	const struct packet_tunnel t = {.has_key = run->opt.has_key,
					.checksum = run->opt.gre_checksum,
					.has_sequence = run->opt.gre_sequence};
	const size_t head = packet_head_len(&t) - PACKET_ETH_LEN;

	if (run->opt.size + head <= link_mtu(run->link))
		return 0;
	fprintf(stderr,
		"dmvpn-spokes: --size %u: with %zu bytes of headers more than the MTU %u of %s\n",
		run->opt.size, head, link_mtu(run->link), run->opt.interface);
	return -EMSGSIZE;
}

static int set_up(struct run *run)
{
	uint32_t id;

	run->link = link_open(run->opt.interface);
	if (!run->link)
		return -errno;
	if (check_size(run) < 0)
		goto err_link;
	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		id = (uint32_t)now();
	if (spokes_init(&run->spokes, &run->opt, run->link) < 0)
		goto err_memory;
	if (traffic_init(&run->traffic, &run->spokes, id) < 0)
		goto err_spokes;
	run->demux.spokes = &run->spokes;
	run->demux.traffic = &run->traffic;
	return 0;
err_spokes:
	spokes_free(&run->spokes);
err_memory:
	fprintf(stderr, "dmvpn-spokes: --count %u: %s\n", run->opt.count, strerror(ENOMEM));
err_link:
	link_close(run->link);
	return -EINVAL;
}

int main(int argc, char **argv)
{
	static struct run run;
	sigset_t unblocked;
	bool ok;

	switch (options_parse(&run.opt, argc, argv)) {
	case OPTIONS_EXIT:
		return 0;
	case OPTIONS_ERROR:
		return 2;
	case OPTIONS_RUN:
		break;
	}
	set_up_signals(&unblocked);
	if (set_up(&run) < 0)
		return 2;
	loop(&run, &unblocked);
	ok = report_final(&run, now());
	traffic_free(&run.traffic);
	spokes_free(&run.spokes);
	link_close(run.link);
	return ok ? 0 : 1;
}
