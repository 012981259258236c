/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hub_loop: the control loop. One turn takes at most 64 of everything: what each worker queued for
 * us, deferred frees, NHRP deadlines, about a millisecond of the kernel's news and of what routes
 * left to do, and then whatever descriptor or timer is ready. When nothing is left it sleeps in the
 * event loop; a worker that queues something wakes it by an eventfd, and only when it has published
 * that it sleeps.
 *
 * Context: control: this is the thread that every "Context: control" means.
 */
#include "hub.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "control/events.h"
#include "control/log.h"
#include "control/nhrp/nhrp_server.h"
#include "control/wipe.h"
#include "dataplane/dp_punt.h"

static void on_stop_signal(evutil_socket_t sig, short what, void *arg)
{
	struct hub *hub = arg;

	(void)what;
	event_emit(EVENT_DAEMON_STOP, NULL, "signal %d (%s)", (int)sig, strsignal((int)sig));
	hub->stop = true;
}

static void on_reload_signal(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	(void)arg;
	log_sys("SIGHUP: reload is not available in this version: restart the daemon");
}

/* Ends the sleep; the loop drains. The descriptor is cleared here, too: a worker may have written
 * it just as we decided not to sleep. */
static void on_punts(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	dp_punt_awake();
}

static int signal_watch(struct hub *hub,
			unsigned slot,
			int sig,
			void (*fn)(evutil_socket_t, short, void *))
{
	hub->signals[slot] = evsignal_new(hub->base, sig, fn, hub);
	return hub->signals[slot] == NULL || event_add(hub->signals[slot], NULL) < 0 ? -ENOMEM : 0;
}

int hub_loop_init(struct hub *hub)
{
	int rc = -ENOMEM;

	/* Keys pass through its buffers (sa.add). Before anything else of libevent. */
	event_set_mem_functions(malloc, wipe_realloc, wipe_free);
	hub->base = event_base_new();
	if (hub->base != NULL)
		rc = signal_watch(hub, 0, SIGTERM, on_stop_signal);
	if (rc == 0)
		rc = signal_watch(hub, 1, SIGINT, on_stop_signal);
	if (rc == 0)
		rc = signal_watch(hub, 2, SIGHUP, on_reload_signal);
	if (rc < 0)
		hub_loop_fini(hub);
	return rc;
}

void hub_loop_fini(struct hub *hub)
{
	for (unsigned i = 0; i < sizeof(hub->signals) / sizeof(hub->signals[0]); i++) {
		if (hub->signals[i] != NULL)
			event_free(hub->signals[i]);
		hub->signals[i] = NULL;
	}
	if (hub->base != NULL)
		event_base_free(hub->base);
	hub->base = NULL;
}

int hub_punts_init(struct hub *hub)
{
	hub->punts = event_new(hub->base, dp_punt_fd(), EV_READ | EV_PERSIST, on_punts, hub);
	if (hub->punts != NULL && event_add(hub->punts, NULL) == 0)
		return 0;
	hub_punts_fini(hub);
	return -ENOMEM;
}

void hub_punts_fini(struct hub *hub)
{
	if (hub->punts != NULL)
		event_free(hub->punts);
	hub->punts = NULL;
}

/* True: there is more to do at once. */
static bool turn(struct hub *hub)
{
	bool more = dp_punt_drain(HUB_DRAIN) > 0;

	dp_poll();
	if (nhrp_server_tick(hub->nhrp, hub_now_ms()))
		more = true;
	hub_feed_turn(hub);
	if (hub_rib_turn(hub))
		more = true;
	if (hub_state_turn(hub))
		more = true;
	return more || hub->feed_more || hub->stop;
}

void hub_loop_run(struct hub *hub)
{
	while (!hub->stop) {
		if (turn(hub) || !dp_punt_sleep()) {
			/* Without ONCE it would stay as long as anything is readable. */
			event_base_loop(hub->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
			continue;
		}
		event_base_loop(hub->base, EVLOOP_ONCE);
		dp_punt_awake();
	}
}
