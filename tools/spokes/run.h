/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * One run of the emulator: everything that main.c drives and report.c prints.
 */
#include <stdbool.h>
#include <stdint.h>

#include "demux.h"
#include "options.h"
#include "spoke.h"
#include "traffic.h"

enum run_phase {
	RUN_REGISTERING, /* until all are registered, or the timeout */
	RUN_TRAFFIC,     /* until the duration is over, or a signal */
	RUN_DRAINING,    /* nothing new is sent; what is under way may come back */
	RUN_PURGING,     /* registrations are taken back */
	RUN_DONE,
};

struct run {
	struct options opt;
	struct link *link; /* owned */
	struct spokes spokes;
	struct traffic traffic;
	struct demux demux;
	enum run_phase phase;
	bool timed_out; /* not all registered in time */
	bool link_lost; /* the interface was removed under us */
	uint64_t started_ns;
	uint64_t phase_ns;   /* when this phase began */
	uint64_t traffic_ns; /* how long traffic was sent */
	uint64_t next_report_ns;
	uint64_t reported_sent; /* LAN packets at the last live line */
	uint64_t reported_ns;
};
