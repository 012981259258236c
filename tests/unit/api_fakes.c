/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_fakes: the functions of dataplane/dp_*.h, control/spoke.h, control/nhrp/nhrp_cache.h and
 * control/log.h that the API calls, without any of them. Linked instead of the real ones.
 */
#include "api_fakes.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/config.h"
#include "control/log.h"
#include "control/nhrp/nhrp_server.h"
#include "control/rib/rib.h"
#include "control/spoke.h"
#include "control/state/state_info.h"
#include "control/worker_watch.h"
#include "dataplane/dp_fib.h"
#include "dataplane/dp_port.h"
#include "dataplane/dp_stats.h"
#include "dataplane/dp_mcast.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/dp_twin.h"

struct fake_hub fake_hub;

static struct config_port port_conf = {.dp = {.name = "wan0"}, .address_count = 1};
static struct config_tunnel tunnel_conf = {
	.name = "Tunnel100", .address_count = 1, .nhrp = {.holdtime_s = 7200, .map_count = 1}};
static struct config config = {.path = "/etc/hub.yaml",
			       .dataplane = {.limits = {.tunnels = 4, .spokes = 10000}},
			       .ports = &port_conf,
			       .port_count = 1,
			       .tunnels = &tunnel_conf,
			       .tunnel_count = 1};

/* Worker 1 has not been measured yet. */
static const struct worker_watch worker_watch = {
	.rows = {{.measured = true, .load_permille = 125, .cycles_per_pkt = 210}, {.stuck = true}}};

static struct state_info state_info = {
	.path = "/var/lib/state.json",
	.restored = 7,
	.expired = 2,
	.no_tunnel = 1,
	.refused = {[NHRP_REFUSAL_OUTSIDE] = 3},
	.written = 4,
	.written_us = 1795420800123456,
	.bytes = 5000,
	.bindings = 9,
};

/* The others are never looked into: the API only hands them back. */
static struct api_sources sources = {
	.config = &config,
	.spokes = (const struct spoke_table *)&fake_hub,
	.nhrp = (struct nhrp_server *)&fake_hub,
	.rib = (const struct rib *)&fake_hub,
	.workers = &worker_watch,
	.sas = (struct sa_store *)&fake_hub,
	.state = &state_info,
};

const struct api_sources *fake_sources(void)
{
	dp_prefix_parse(&port_conf.addresses[0], "192.0.2.1/24");
	dp_prefix_parse(&tunnel_conf.addresses[0], "10.0.0.1/16");
	return &sources;
}

/* Events are looked at where they are kept. */
void log_line(enum log_class cls, const char *fmt, ...)
{
	(void)cls;
	(void)fmt;
}

uint64_t log_suppressed(void)
{
	return 0;
}

/* base.0 + index */
static struct dp_addr addr_at(uint32_t base, unsigned index)
{
	return dp_addr_ip4(htonl(base + index));
}

static struct dp_spoke_key spoke_key(unsigned i)
{
	return (struct dp_spoke_key){.nbma = addr_at(0xc6336400 /* 198.51.100.0 */, i),
				     .natt_port = i == 2 ? 4500 : 0};
}

/* ---- spokes and bindings: number 0 is static, number 2 behind a NAT ---- */

static struct nhrp_binding bindings[2];
static struct spoke spoke_found;

struct spoke *spoke_find(const struct spoke_table *t, const struct dp_spoke_key *key)
{
	const unsigned i = ntohl(key->nbma.ip4_be) - 0xc6336400;

	(void)t;
	LIST_INIT(&spoke_found.bindings);
	for (unsigned b = 0; b < 2; b++) {
		bindings[b] = (struct nhrp_binding){
			.type = i == 0 ? NHRP_BINDING_STATIC : NHRP_BINDING_DYNAMIC,
			.flags = i == 2 ? NHRP_BINDING_F_NAT : 0,
			.protocol = addr_at(0x0a000000, i + b * fake_hub.spokes),
		};
		if (i + b * fake_hub.spokes < fake_hub.bindings)
			LIST_INSERT_HEAD(&spoke_found.bindings, &bindings[b], of_spoke);
	}
	return &spoke_found;
}

unsigned spoke_list(const struct spoke_table *t,
		    uint32_t *cursor,
		    struct spoke_info *rows,
		    unsigned max)
{
	unsigned n = 0;

	(void)t;
	for (; *cursor < fake_hub.spokes && n < max; (*cursor)++)
		rows[n++] = (struct spoke_info){.key = spoke_key(*cursor),
						.dp = *cursor + 1,
						.state = *cursor == 1 ? SPOKE_NHRP : SPOKE_UP,
						.since_ms = 0,
						.reason = "registered",
						.binding_count = 1};
	return n;
}

const char *spoke_tunnel_name(const struct spoke_table *t, uint16_t tunnel)
{
	(void)t;
	return tunnel == 0 ? "Tunnel100" : "tunnel-?";
}

const char *spoke_state_name(enum spoke_state state)
{
	return state == SPOKE_UP ? "UP" : "NHRP";
}

void spoke_table_info_get(const struct spoke_table *t, struct spoke_table_info *info)
{
	(void)t;
	*info = (struct spoke_table_info){.spokes = fake_hub.spokes, .capacity = 10000, .full = 3};
}

struct nhrp_cache *nhrp_server_cache(struct nhrp_server *srv)
{
	return (struct nhrp_cache *)srv;
}

/* Number 1 counts nothing. */
const char *nhrp_counter_name(unsigned counter)
{
	static char name[16];

	snprintf(name, sizeof(name), "counter-%u", counter);
	return counter == 1 ? NULL : name;
}

uint64_t nhrp_server_counter(const struct nhrp_server *srv, unsigned counter)
{
	(void)srv;
	return counter * 2;
}

const char *nhrp_binding_type_name(enum nhrp_binding_type type)
{
	return type == NHRP_BINDING_STATIC ? "static" : "dynamic";
}

/* The second one was told twice. */
unsigned nhrp_server_requesters(const struct nhrp_server *srv,
				const struct nhrp_binding_info *row,
				struct nhrp_requester *rows,
				unsigned max)
{
	(void)srv;
	if (max < 2 || row->protocol.ip4_be != htonl(0x0a000001))
		return 0;
	rows[0] = (struct nhrp_requester){.requester_protocol = addr_at(0x0a000000, 9),
					  .request_id = 798};
	rows[1] = (struct nhrp_requester){.requester_protocol = addr_at(0x0a000000, 8),
					  .request_id = UINT32_MAX};
	return 2;
}

unsigned nhrp_server_nhs_list(const struct nhrp_server *srv,
			      uint32_t *cursor,
			      struct nhrp_nhs_info *rows,
			      unsigned max)
{
	(void)srv;
	if (max < 2 || *cursor > 0)
		return 0;
	*cursor = 2;
	rows[0] = (struct nhrp_nhs_info){
		.conf = {.nbma = addr_at(0xc6336400, 1), .protocol = addr_at(0x0a000000, 99)},
		.protocol = addr_at(0x0a000000, 99),
		.observed = addr_at(0xc6336400, 7),
		.state = NHRP_NHS_RESPONDING,
		.next_ms = UINT64_MAX / 2,
		.sent = 3,
		.answered = 2,
		.refused = 1,
		.code = NHRP_CIE_CODE_PROHIBITED};
	rows[1] = (struct nhrp_nhs_info){.conf = {.nbma = addr_at(0xc6336400, 2), .priority = 5},
					 .state = NHRP_NHS_WAITING,
					 .next_ms = DEADLINE_NEVER};
	return 2;
}

const char *nhrp_nhs_state_name(enum nhrp_nhs_state state)
{
	return state == NHRP_NHS_RESPONDING ? "responding" : "waiting";
}

const char *nhrp_cie_code_name(unsigned code, char buf[NHRP_NAME_LEN])
{
	snprintf(buf, NHRP_NAME_LEN, "code-%u", code);
	return buf;
}

unsigned nhrp_server_list(const struct nhrp_server *srv,
			  uint32_t *cursor,
			  struct nhrp_binding_info *rows,
			  unsigned max)
{
	unsigned n = 0;

	(void)srv;
	for (; *cursor < fake_hub.bindings && n < max; (*cursor)++) {
		const unsigned i = *cursor;

		rows[n++] = (struct nhrp_binding_info){
			.target = {.addr = addr_at(0x0a000000, i), .len = 32},
			.type = i == 0 ? NHRP_BINDING_STATIC : NHRP_BINDING_DYNAMIC,
			.flags = NHRP_BINDING_F_REGISTERED | (i == 2 ? NHRP_BINDING_F_NAT : 0),
			.used_ms = i == 1   ? UINT64_MAX / 2
				   : i == 2 ? 1
					    : 0,
			.protocol = addr_at(0x0a000000, i),
			.claimed = addr_at(0xc0a80000, i),
			.spoke = spoke_key(i % fake_hub.spokes),
			.holding_s = i == 0 ? 0 : 600,
			.expires_ms = i == 0 ? DEADLINE_NEVER : UINT64_MAX / 2,
		};
	}
	return n;
}

void nhrp_cache_info_get(const struct nhrp_cache *c, struct nhrp_cache_info *info)
{
	(void)c;
	*info = (struct nhrp_cache_info){.bindings = fake_hub.bindings, .capacity = 100000};
}

/* ---- dataplane ---- */

void dp_info_get(struct dp_info *info)
{
	*info = (struct dp_info){.worker_count = fake_hub.workers,
				 .tsc_hz = 2000000000,
				 .mbuf_count = 4096,
				 .mbuf_in_use = 17,
				 .dpdk_version = "DPDK 22.11"};
}

int dp_spoke_counters_get(uint32_t spoke, struct dp_spoke_counters *counters)
{
	*counters = (struct dp_spoke_counters){.rx_pkts = spoke * 10, .tx_bytes = spoke * 1000};
	return 0;
}

uint16_t dp_port_count(void)
{
	return 1;
}

int dp_port_info_get(uint16_t port, struct dp_port_info *info)
{
	if (port > 0)
		return -ENOENT;
	*info = (struct dp_port_info){.name = "wan0",
				      .device = "net_af_packet0,iface=veth0",
				      .driver = "net_af_packet",
				      .role = DP_PORT_UNDERLAY,
				      .mac = {2, 0, 0, 0, 0, 0xab},
				      .mtu = 1500,
				      .rx_queues = 1,
				      .tx_queues = 2,
				      .link_up = true,
				      .rx_offloads = "ipv4-cksum,rss-hash"};
	return 0;
}

int dp_port_stats_get(uint16_t port, struct dp_port_stats *stats)
{
	*stats = (struct dp_port_stats){.rx_pkts = 1000 + port, .tx_errors = 7};
	return 0;
}

int dp_twin_stats_get(enum dp_twin_kind kind, uint16_t id, struct dp_twin_stats *stats)
{
	if (kind == DP_TWIN_TUNNEL || id > 0)
		return -ENOENT;
	*stats = (struct dp_twin_stats){.to_kernel_pkts = 5, .from_kernel_drops = 6};
	return 0;
}

int dp_tunnel_conf_get(uint16_t tunnel, struct dp_tunnel_conf *conf)
{
	if (tunnel > 0)
		return -ENOENT;
	*conf = (struct dp_tunnel_conf){.name = "Tunnel100",
					.source = addr_at(0xc0000201, 0),
					.has_key = true,
					.key = UINT32_MAX,
					.mtu = 1400,
					.network_id = 100};
	return 0;
}

/* Of tunnel 0. */
uint32_t dp_tunnel_counters_get(struct dp_tunnel_counters *counters, uint32_t max)
{
	assert(max > 0);
	counters[0] = (struct dp_tunnel_counters){
		.all = {.rx_pkts = 11, .rx_bytes = 1100, .tx_pkts = 22, .tx_bytes = 2200},
		.strangers = {.rx_pkts = 1, .rx_bytes = 100}};
	return 1;
}

int dp_mcast_info_get(uint16_t tunnel, struct dp_mcast_info *info)
{
	if (tunnel > 0)
		return -ENOENT;
	*info = (struct dp_mcast_info){
		.members = 3, .counters = {.packets = 4, .copies = 12, .full = 1, .nobody = 2}};
	return 0;
}

/* Worker i dropped (reason + i) packets of each reason. */
int dp_worker_info_get(uint32_t worker, struct dp_worker_info *info)
{
	if (worker >= fake_hub.workers)
		return -ENOENT;
	*info = (struct dp_worker_info){
		.lcore = worker + 1,
		.online = true,
		.up_cycles = 40000,
		.stats = {.rx_pkts = 100, .turns = 30, .idle_turns = 10, .busy_cycles = 5000}};
	for (unsigned i = 0; i < DP_DROP_COUNT; i++)
		info->stats.drops[i] = i + worker;
	return 0;
}

int64_t dp_worker_balance(const struct dp_worker_stats *stats)
{
	return (int64_t)stats->rx_pkts - 101;
}

const char *dp_drop_key(enum dp_drop_reason reason)
{
	static const char *const keys[] = {
#define DP_DROP(id, key, help) key,
#include "dataplane/drop_reasons.def"
#undef DP_DROP
	};

	return keys[reason];
}

const char *dp_drop_help(enum dp_drop_reason reason)
{
	return reason == 0 ? "frame shorter than the headers it announces" : "help";
}

/* Route i is (10.1.0.0 + 256 * i)/24, 0 is the default route. */
unsigned dp_fib_list(uint16_t vrf,
		     struct dp_fib_cursor *cursor,
		     struct dp_fib_row *rows,
		     unsigned max)
{
	unsigned i = !cursor->started   ? 0
		     : cursor->len == 0 ? 1
					: (cursor->ip - 0x0a010000) / 256 + 1;
	unsigned n = 0;

	(void)vrf;
	for (; i < fake_hub.routes && n < max; i++) {
		rows[n] = (struct dp_fib_row){
			.prefix = {.addr = addr_at(i == 0 ? 0 : 0x0a010000, i * 256),
				   .len = i == 0 ? 0 : 24},
			.route = {.type = i == 1 ? DP_ROUTE_BLACKHOLE : DP_ROUTE_GATEWAY,
				  .iface = {.kind = i == 1   ? DP_IFACE_NONE
						    : i == 0 ? DP_IFACE_PORT
							     : DP_IFACE_TUNNEL},
				  .gateway = addr_at(0x0a000000, i)},
			.bound = i == 2,
		};
		cursor->started = true;
		cursor->ip = ntohl(rows[n].prefix.addr.ip4_be);
		cursor->len = rows[n++].prefix.len;
	}
	return n;
}

int dp_fib_info_get(uint16_t vrf, struct dp_fib_info *info)
{
	(void)vrf;
	*info = (struct dp_fib_info){.routes = fake_hub.routes, .routes_max = 1000};
	return 0;
}

/* ---- the kernel's routes ---- */

void rib_info_get(const struct rib *rib, struct rib_info *info)
{
	(void)rib;
	*info = (struct rib_info){.kernel = 12, .ignored = 4, .recursive = 1, .capacity = 2000};
}

const char *rib_refusal_name(enum rib_refusal refusal)
{
	return refusal == RIB_RECURSIVE ? "recursive" : "failed";
}

unsigned rib_refused_list(const struct rib *rib,
			  uint32_t *cursor,
			  struct rib_refused *rows,
			  unsigned max)
{
	(void)rib;
	if (*cursor > 0 || max == 0)
		return 0;
	*cursor = 1;
	rows[0] = (struct rib_refused){.prefix = {.addr = addr_at(0xc6336400, 0), .len = 24},
				       .metric = 20,
				       .route = {.type = DP_ROUTE_GATEWAY,
						 .iface = {.kind = DP_IFACE_TUNNEL},
						 .gateway = addr_at(0x0a000000, 9)},
				       .refusal = RIB_RECURSIVE};
	return 1;
}
