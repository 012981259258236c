/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * Command line of dmvpn-spokes, parsed and validated whole. Addresses are IPv4 in host order:
 * the emulator counts up from bases.
 */
#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_SPOKES_MAX 20000
#define OPTIONS_HUBS_MAX   4
#define OPTIONS_WORD_MAX   8 /* of authentication */

enum options_traffic { OPTIONS_TRAFFIC_ICMP, OPTIONS_TRAFFIC_UDP };

struct options_hub {
	uint32_t nbma;
	uint32_t protocol;
};

struct options {
	const char *interface; /* points into argv */
	uint32_t count;
	struct options_hub hubs[OPTIONS_HUBS_MAX]; /* the first one: --hub-nbma, --hub-protocol */
	uint32_t hub_count;
	uint32_t nbma_base;
	uint32_t protocol_base;
	uint32_t lan_base;
	uint8_t lan_len;  /* bits */
	uint32_t gateway; /* 0 = the hub is on the link */
	uint32_t router;  /* 0 = the spokes are on the link */
	bool has_key;
	uint32_t key;
	bool gre_checksum;
	bool gre_sequence;
	uint16_t holdtime_s;
	uint16_t mtu; /* in our registrations */
	bool unique;
	const char *authentication; /* NULL: none; points into argv */
	bool shortcut;
	bool purge; /* what was registered, at the end */
	bool nat;
	uint32_t private_base;       /* claimed with nat */
	uint32_t register_rate;      /* per second; 0 = all at once */
	uint32_t register_timeout_s; /* 0 = wait for ever */
	uint32_t rate_pps;           /* 0 = no traffic between the LANs */
	enum options_traffic traffic;
	uint16_t size;         /* bytes of an inner IP packet */
	uint32_t ping_hub_pps; /* 0 = no pings */
	int64_t duration_ms;   /* after all have registered; -1 = until a signal */
	uint32_t max_loss_ppm;
	uint32_t stats_period_ms; /* 0 = no live line */
	bool json;
};

enum options_result { OPTIONS_RUN, OPTIONS_EXIT, OPTIONS_ERROR };

/* Fills *opt from argv. OPTIONS_EXIT: help or version was printed. OPTIONS_ERROR: one line naming
 * option, value and what is allowed is on stderr. */
enum options_result options_parse(struct options *opt, int argc, char **argv);
