/* SPDX-License-Identifier: Apache-2.0 */
#include "hub_fakes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "control/events.h"
#include "control/nhrp/nhrp_server.h"
#include "control/notify.h"
#include "control/spoke.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_tunnel.h"
#include "dataplane/dp_twin.h"

struct fake fake;

static __attribute__((format(printf, 1, 2))) void call(const char *fmt, ...)
{
	size_t n = strlen(fake.calls);
	va_list args;

	va_start(args, fmt);
	vsnprintf(fake.calls + n, sizeof(fake.calls) - n - 1, fmt, args);
	va_end(args);
	strcat(fake.calls, "\n");
}

const char *fake_calls(void)
{
	static char last[sizeof(fake.calls)];

	strcpy(last, fake.calls);
	fake.calls[0] = '\0';
	return last;
}

struct dp_addr fake_addr(const char *text)
{
	struct dp_addr a;

	if (dp_addr_parse(&a, text) < 0)
		abort();
	return a;
}

struct dp_prefix fake_prefix(const char *text)
{
	struct dp_prefix p;

	if (dp_prefix_parse(&p, text) < 0)
		abort();
	return p;
}

static const char *addr_text(const struct dp_addr *a)
{
	static char text[DP_ADDR_STRLEN];

	return dp_addr_format(a, text);
}

static const char *prefix_text(const struct dp_prefix *p)
{
	static char text[DP_PREFIX_STRLEN];

	return dp_prefix_format(p, text);
}

static struct config_tunnel tunnel = {.name = "Tunnel42", .source_port = 0};
static struct config config = {
	.tunnels = &tunnel,
	.tunnel_count = 1,
	.dataplane.limits = {.spokes = 100, .nexthops = 8, .routes = 100, .neighbours = 8},
};

struct hub *fake_hub(void)
{
	struct hub *hub = calloc(1, sizeof(*hub));

	memset(&fake, 0, sizeof(fake));
	hub->config = &config;
	config.route_count = 0;
	config.routes = NULL;
	tunnel.nhrp.holdtime_s = 60;
	hub->base = event_base_new();
	hub->port_count = 2;
	hub->ports[0] = (struct hub_iface){.hub = hub, .name = "wan0", .ifindex = 10};
	hub->ports[1] = (struct hub_iface){.hub = hub, .name = "lan0", .id = 1, .ifindex = 11};
	hub->tunnels = calloc(1, sizeof(*hub->tunnels));
	hub->tunnel_count = 1;
	hub->tunnels[0] = (struct hub_iface){
		.hub = hub, .kind = DP_TWIN_TUNNEL, .name = "Tunnel42", .id = 5, .ifindex = 20};
	for (uint32_t i = 0; i < 2; i++)
		hub->ports[i].twin_up = hub->ports[i].twin_carrier = true;
	hub->tunnels[0].twin_up = hub->tunnels[0].twin_carrier = true;
	if (hub_rib_init(hub) < 0)
		abort();
	hub->nhrp = (struct nhrp_server *)&fake; /* never looked into */
	hub->spokes = (struct spoke_table *)&fake;
	return hub;
}

void fake_hub_free(struct hub *hub)
{
	hub_routes_fini(hub);
	hub_rib_fini(hub);
	event_base_free(hub->base);
	free(hub->tunnels);
	free(hub);
}

/* ---- dataplane ---- */

const char *dp_error(void)
{
	return "dp error";
}

int dp_fib_set(uint16_t vrf, const struct dp_prefix *prefix, const struct dp_route *route)
{
	static const char *const types[] = {"local", "connected", "gateway", "blackhole",
					    "multipath"};

	(void)vrf;
	call("fib %s %s %s %u %s", prefix_text(prefix), types[route->type],
	     route->iface.kind == DP_IFACE_PORT     ? "port"
	     : route->iface.kind == DP_IFACE_TUNNEL ? "tunnel"
						    : "none",
	     route->iface.id, addr_text(&route->gateway));
	return fake.fib_set_rc;
}

int dp_fib_del(uint16_t vrf, const struct dp_prefix *prefix)
{
	(void)vrf;
	call("fib del %s", prefix_text(prefix));
	return 0;
}

bool dp_fib_has_longer(uint16_t vrf, const struct dp_prefix *prefix)
{
	(void)vrf;
	return prefix->len < fake.longer;
}

uint32_t dp_nexthop_find(uint16_t tunnel_id, const struct dp_addr *protocol)
{
	return tunnel_id == 5 && dp_addr_equal(protocol, &fake.bound) ? 7 : 0;
}

int dp_port_address_set(uint16_t port, const struct dp_addr *addr)
{
	call("errors port %u from %s", port, addr != NULL ? addr_text(addr) : "-");
	return 0;
}

int dp_tunnel_address_set(uint16_t id, const struct dp_addr *addr)
{
	call("errors tunnel %u from %s", id, addr != NULL ? addr_text(addr) : "-");
	return 0;
}

int dp_neigh_get(uint16_t port, const struct dp_addr *addr, uint32_t *neigh)
{
	call("neigh get %u %s", port, addr_text(addr));
	*neigh = fake.neigh ? fake.neigh : 77;
	return fake.neigh_get_rc;
}

void dp_neigh_put(uint32_t neigh)
{
	call("neigh put %u", neigh);
}

int dp_neigh_set(uint16_t port, const struct dp_addr *addr, const uint8_t mac[6])
{
	call("neigh set %u %s %d", port, addr_text(addr), mac != NULL ? mac[5] : -1);
	return fake.neigh_set_rc;
}

void dp_neigh_wanted_handler_set(dp_neigh_wanted_fn fn, void *ctx)
{
	fake.wanted = fn;
	fake.wanted_ctx = ctx;
}

int dp_spoke_neigh_set(uint32_t spoke, uint32_t neigh)
{
	call("spoke %u neigh %u", spoke, neigh);
	return fake.spoke_neigh_rc;
}

int dp_spoke_counters_get(uint32_t spoke, struct dp_spoke_counters *counters)
{
	(void)spoke;
	*counters = (struct dp_spoke_counters){.tx_pkts = fake.spoke_tx_pkts};
	return 0;
}

int dp_port_info_get(uint16_t port, struct dp_port_info *info)
{
	*info = fake.port;
	info->link_up = port == 0 ? fake.port.link_up : true;
	return 0;
}

int dp_twin_carrier_set(enum dp_twin_kind kind, uint16_t id, bool up)
{
	call("carrier %s %u %s", kind == DP_TWIN_PORT ? "port" : "tunnel", id, up ? "up" : "down");
	return 0;
}

int dp_worker_info_get(uint32_t worker, struct dp_worker_info *info)
{
	if (worker >= fake.worker_count)
		return -ENOENT;
	*info = fake.workers[worker];
	return 0;
}

unsigned dp_sa_home_look(uint32_t *cursor, uint32_t min_pkts, struct dp_sa_home *rows, unsigned max)
{
	unsigned n = 0;

	(void)min_pkts;
	while (*cursor < fake.home_count && n < max)
		rows[n++] = fake.homes[(*cursor)++];
	return n;
}

int dp_sa_home_set(const struct dp_sa_home *row, uint32_t worker)
{
	call("home of %u: %u", row->peer, worker);
	return fake.home_set_rc;
}

uint64_t dp_worker_token(void)
{
	return ++fake.token;
}

bool dp_worker_passed(uint32_t worker, uint64_t token)
{
	return fake.passed[worker] >= token;
}

int dp_workers_start(void)
{
	return 0;
}

void dp_workers_stop(void)
{
}

/* ---- kernel ---- */

const char *net_error(void)
{
	return "net error";
}

int net_neigh_use(uint32_t ifindex, const struct dp_addr *addr)
{
	call("use %u %s", ifindex, addr_text(addr));
	return 0;
}

int net_route_set(const struct dp_prefix *prefix,
		  const struct dp_addr *via,
		  uint32_t ifindex,
		  uint32_t metric)
{
	call("kernel %s via %s dev %u metric %u", prefix_text(prefix),
	     via != NULL ? addr_text(via) : "-", ifindex, metric);
	return fake.route_set_rc;
}

int net_route_del(const struct dp_prefix *prefix, uint32_t metric)
{
	call("kernel del %s metric %u", prefix_text(prefix), metric);
	return 0;
}

int net_route_list_ours(net_route_fn fn, void *ctx)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < fake.route_count; i++)
		rc = fn(ctx, &fake.routes[i]);
	return rc;
}

/* The feed is never looked into. */
void net_feed_redump(struct net_feed *feed)
{
	(void)feed;
	call("redump");
}

int net_feed_fd(const struct net_feed *feed)
{
	(void)feed;
	return -1;
}

bool net_feed_synced(const struct net_feed *feed)
{
	(void)feed;
	return fake.feed_turns == 0;
}

int net_feed_turn(struct net_feed *feed)
{
	(void)feed;
	return fake.feed_turns > 0 && --fake.feed_turns > 0;
}

void fake_route(struct hub *hub,
		enum net_change change,
		const char *prefix,
		const char *via,
		uint32_t ifindex,
		uint32_t metric)
{
	struct net_route r = {.table = RT_TABLE_MAIN,
			      .type = RTN_UNICAST,
			      .prefix = fake_prefix(prefix),
			      .metric = metric,
			      .nexthop_count = 1};

	r.nexthops[0] = (struct net_nexthop){.ifindex = ifindex, .weight = 1};
	if (via)
		r.nexthops[0].gateway = fake_addr(via);
	hub_rib_route(hub, change, &r);
}

void fake_turns(struct hub *hub)
{
	while (hub_rib_turn(hub) ||
	       event_base_get_num_events(hub->base, EVENT_BASE_COUNT_ADDED) > 0)
		event_base_loop(hub->base, EVLOOP_NONBLOCK);
}

/* ---- NHRP, spokes, events, service manager ---- */

struct nhrp_cache *nhrp_server_cache(struct nhrp_server *srv)
{
	(void)srv;
	return NULL;
}

struct nhrp_binding *nhrp_cache_find(const struct nhrp_cache *c,
				     uint16_t tunnel_id,
				     const struct dp_addr *protocol)
{
	static struct nhrp_binding binding = {.want_route = true};

	(void)c;
	return tunnel_id == 5 && dp_addr_equal(protocol, &fake.bound) ? &binding : NULL;
}

bool nhrp_cache_routes_restore(struct nhrp_cache *c, uint16_t tunnel_id, uint32_t *cursor)
{
	(void)c;
	call("restore hosts of tunnel %u from %u", tunnel_id, (*cursor)++);
	return fake.restores > 0 && fake.restores-- > 0;
}

unsigned spoke_list(const struct spoke_table *t,
		    uint32_t *cursor,
		    struct spoke_info *rows,
		    unsigned max)
{
	unsigned n = 0;

	(void)t;
	for (; *cursor < fake.spoke_count && n < max; (*cursor)++)
		rows[n++] = fake.spokes[*cursor];
	return n;
}

void spoke_used_note(struct spoke_table *t, const struct dp_spoke_key *key, uint64_t now_ms)
{
	(void)t;
	(void)key;
	(void)now_ms;
	fake.used_notes++;
}

const char *spoke_tunnel_name(const struct spoke_table *t, uint16_t id)
{
	(void)t;
	(void)id;
	return "Tunnel42";
}

void spoke_tunnel_state_set(
	struct spoke_table *t, uint16_t id, bool up, const char *reason, uint64_t now_ms)
{
	(void)t;
	(void)now_ms;
	call("tunnel %u %s: %s", id, up ? "up" : "down", reason);
}

bool spoke_table_tick(struct spoke_table *t)
{
	(void)t;
	return false;
}

void spoke_table_info_get(const struct spoke_table *t, struct spoke_table_info *info)
{
	(void)t;
	memset(info, 0, sizeof(*info));
}

void event_emit(enum event_kind kind, const char *object, const char *fmt, ...)
{
	char text[EVENT_TEXT_LEN];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	call("event %d %s: %s", (int)kind, object, text);
}

uint64_t notify_watchdog_us(void)
{
	return 0;
}

int notify_watchdog(void)
{
	return 0;
}

int notify_status(const char *fmt, ...)
{
	(void)fmt;
	return 0;
}
