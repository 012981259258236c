/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The configuration: one YAML document, parsed and validated whole into these structs. Every error
 * names file:line:column, field, value and what is allowed. Nothing is applied from a document with
 * an error.
 *
 * Context: control.
 */
#include "dataplane/dp.h"
#include "dataplane/dp_addr.h"
#include "dataplane/dp_fib.h"
#include "dataplane/dp_port.h"
#include "dataplane/dp_sa.h"
#include "dataplane/dp_tunnel.h"

#define CONFIG_ADDRESSES_MAX 8 /* per port or tunnel */

struct config_port {
	struct dp_port_conf dp; /* name, device, role, mtu, queues, descriptors */
	struct dp_prefix addresses[CONFIG_ADDRESSES_MAX]; /* interface addresses: host bits kept */
	uint32_t address_count;
};

struct config_route {
	struct dp_prefix prefix; /* host bits are zero */
	struct dp_addr via;      /* an address inside the subnet of a port or a tunnel; not set: on
				    the link itself, for the subnet of a tunnel with host_prefix */
	struct dp_iface iface;   /* that port or tunnel: its number in ports or tunnels */
	bool blackhole;          /* instead of via */
};

struct config_map {
	struct dp_addr protocol;
	struct dp_addr nbma;
	bool multicast; /* default false */
};

#define CONFIG_NHS_MAX 8 /* of one tunnel */

struct config_nhs {
	struct dp_addr nbma;
	struct dp_addr protocol; /* unset: dynamic, learned from its answer */
	uint16_t priority;       /* 0..255, 0 is tried first; default 0 */
};

#define CONFIG_MULTICAST_GROUPS_MAX 16 /* from LAN ports, of one tunnel */

/* A row of the multicast map: who gets these groups. */
struct config_multicast {
	struct dp_addr nbma;    /* not set: dynamic, every registered spoke */
	struct dp_prefix group; /* default 224.0.0.0/4, which is all, and broadcast */
};

/* Whether registered spokes get multicast without a row of the map. */
enum config_multicast_mode { CONFIG_MULTICAST_OFF, CONFIG_MULTICAST_DYNAMIC };

/* Who may take over an address that another NBMA address registered as unique. */
enum config_takeover { CONFIG_TAKEOVER_STRICT, CONFIG_TAKEOVER_RFC, CONFIG_TAKEOVER_ALLOW };

#define CONFIG_ALLOW_MAX 16 /* prefixes of one tunnel */

/* For which pairs of spokes there are shortcuts when NATs are between them. */
enum config_redirect_nat {
	CONFIG_REDIRECT_NAT_ONE_SIDE, /* one may be behind a NAT that it does not share */
	CONFIG_REDIRECT_NAT_NEVER,    /* none may be */
	CONFIG_REDIRECT_NAT_ALWAYS,   /* all, whatever there is between them */
};

/* Who answers a resolution request for what is behind a spoke. */
enum config_resolution {
	CONFIG_RESOLUTION_AUTO,    /* the spoke; in a cloud without redirects we do for addresses
				      that are registered, when no NAT is involved */
	CONFIG_RESOLUTION_FORWARD, /* always the spoke */
	CONFIG_RESOLUTION_CACHE,   /* we do for registered addresses, the spoke for the rest */
};

struct config_nhrp {
	uint32_t network_id;    /* 1..4294967295 */
	char authentication[9]; /* printable, "": none; never shown */
	uint32_t holdtime_s;    /* 10..65535, ours, default 7200 */
	bool redirect;
	uint16_t redirect_interval_s;         /* 2..30, default 8 */
	enum config_multicast_mode multicast; /* default off */
	struct config_multicast *multicast_map;
	uint32_t multicast_map_count;
	bool multicast_dynamic; /* registered spokes get some, by the one or the other */
	struct dp_prefix multicast_groups[CONFIG_MULTICAST_GROUPS_MAX]; /* from LAN ports */
	uint32_t multicast_group_count;
	enum config_redirect_nat redirect_nat;    /* default one-side */
	enum config_resolution resolution;        /* default auto */
	bool install_routes;                      /* default true */
	struct dp_prefix allow[CONFIG_ALLOW_MAX]; /* may register, besides the tunnel's subnets */
	uint32_t allow_count;
	uint16_t max_bindings_per_spoke; /* 1..1024, default 8 */
	enum config_takeover takeover;   /* default strict */
	struct config_map *maps;         /* static NHRP maps, inside the tunnel's subnets */
	uint32_t map_count;
	bool purge_on_shutdown;                /* default false */
	struct config_nhs nhs[CONFIG_NHS_MAX]; /* hubs that we are a client of */
	uint32_t nhs_count;
	uint16_t registration_timeout_s; /* 0: a third of holdtime_s */
};

/* Where the SAs of a protection come from. */
enum config_ike_source {
	CONFIG_IKE_API,      /* sa.add on the control socket */
	CONFIG_IKE_REDIRECT, /* the XFRM socket of an IKE daemon, redirected to us */
};

struct config_ike {
	enum config_ike_source source;
};

/* An IPsec profile. Its number in config.protections plus 1 is the profile of dp_sa.h. */
struct config_protection {
	char name[DP_NAME_LEN];
	struct config_ike ike;
	uint32_t algorithms[DP_SA_ALG_COUNT]; /* enum dp_sa_alg: those that it takes */
	uint32_t algorithm_count;
	uint16_t replay_window; /* packets: 0, or a multiple of 32 up to 4096 */
};

struct config_tunnel {
	char name[DP_NAME_LEN];
	char source_text[DP_ADDR_STRLEN]; /* as written: a port's name or an address */
	struct dp_addr source;            /* that address, or the first one of that port */
	uint16_t source_port;             /* number of the port whose address it is */
	bool has_key;
	uint32_t key;
	struct dp_prefix addresses[CONFIG_ADDRESSES_MAX];
	uint32_t address_count;
	bool host_prefix;    /* the twin has host prefixes; the subnets are in config.routes */
	uint16_t mtu;        /* inner, default 1400 */
	uint8_t ttl;         /* outer, default 64 */
	uint16_t adjust_mss; /* bytes, 0: leave it; default mtu - 40 */
	bool has_adjust_mss;
	enum dp_df df;                     /* default copy */
	enum dp_source_check source_check; /* default own */
	char protection_text[DP_NAME_LEN]; /* as written; "": plain */
	uint32_t profile;                  /* of that protection, 0: plain */
	struct config_nhrp nhrp;
};

struct config {
	char *path;                  /* as given on the command line */
	struct dp_conf dataplane;    /* complete: mtu_max and descriptors_sum are filled in */
	char *control_socket;        /* default /run/dmvpn-hub/control.sock */
	char *control_xfrm_socket;   /* default /run/dmvpn-hub/xfrm.sock */
	char *control_sequence_file; /* default /var/lib/dmvpn-hub/sequence-numbers */
	char *control_group;         /* group that may use it, NULL = root only */
	char *state_file;            /* keeps registrations over a restart, NULL = none does */
	struct config_port *ports;   /* at most DP_PORTS_MAX */
	uint32_t port_count;
	struct config_route *routes;
	uint32_t route_count;
	struct config_tunnel *tunnels;
	uint32_t tunnel_count;
	struct config_protection *protections;
	uint32_t protection_count;
	/* What works but is probably not meant, ready to print like an error; for the log. */
	char **warnings;
	uint32_t warning_count;
};

/* One error, ready to print: "FILE:LINE:COLUMN: FIELD: VALUE: what is allowed". */
struct config_error {
	char text[512];
};

/* NULL with *err filled. The caller owns the result: config_free. */
struct config *config_load(const char *path, struct config_error *err);
/* The same over a buffer (tests, fuzzing); `name` stands for the file in errors. */
struct config *config_parse(const char *name,
			    const char *text,
			    size_t len,
			    struct config_error *err);
void config_free(struct config *config);
