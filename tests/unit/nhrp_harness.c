/* SPDX-License-Identifier: Apache-2.0 */
#include "nhrp_harness.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "control/events.h"

static const struct nhrp_vector captured[] = {
#include "tests/vectors/nhrp/frr_captured.h"
};

#define BINDINGS 16

struct spoke_table *harness_spokes;
struct nhrp_server *harness_srv;
struct config_tunnel harness_tunnel;
uint64_t harness_now_ms;
uint16_t harness_port;
struct dp_addr harness_ours; /* on some other interface */
uint32_t harness_identity;
int harness_reachable;
uint16_t harness_error;
static struct config_map map;

struct dp_addr harness_addr(const char *text)
{
	struct dp_addr a;

	assert_int_equal(dp_addr_parse(&a, text), 0);
	return a;
}

static struct {
	struct dp_prefix prefix;
	struct nhrp_way way;
} ways[16];
static unsigned way_count;

void harness_way_add(const char *prefix, enum nhrp_way_kind kind, const char *next_hop)
{
	assert_true(way_count < sizeof(ways) / sizeof(ways[0]));
	assert_int_equal(dp_prefix_parse(&ways[way_count].prefix, prefix), 0);
	ways[way_count].way =
		(struct nhrp_way){.kind = kind, .prefix_len = ways[way_count].prefix.len};
	if (next_hop)
		ways[way_count].way.next_hop = harness_addr(next_hop);
	way_count++;
}

void harness_way_tunnel(uint16_t tunnel)
{
	ways[way_count - 1].way.tunnel = tunnel;
}

void harness_ways_clear(void)
{
	way_count = 0;
}

/* The first that fits; else Tunnel0's subnet. */
static void way_find(void *ctx, const struct dp_addr *to, struct nhrp_way *way)
{
	(void)ctx;
	for (unsigned i = 0; i < way_count; i++)
		if (dp_prefix_contains(&ways[i].prefix, to)) {
			*way = ways[i].way;
			return;
		}
	if (dp_prefix_contains(&harness_tunnel.addresses[0], to))
		*way = (struct nhrp_way){
			.kind = NHRP_WAY_TUNNEL, .prefix_len = 32, .next_hop = *to};
}

static uint32_t identity(void *ctx, const struct dp_punt_meta *meta)
{
	(void)ctx;
	(void)meta;
	return harness_identity;
}

static bool is_ours(void *ctx, const struct dp_addr *a)
{
	(void)ctx;
	return dp_addr_equal(a, &harness_ours);
}

static int reachable(void *ctx, const struct dp_addr *nbma)
{
	(void)ctx;
	(void)nbma;
	return harness_reachable;
}

/* The hub of the captures: holding time 60 s, 192.0.2.1, 10.255.0.1. Tunnel 1 has IPv6 inside and
 * outside, tunnel 2 is not served. */
int harness_setup(void **state)
{
	const struct spoke_ops ops = {0};
	struct nhrp_server_conf conf = {
		.tunnels = 3,
		.bindings = BINDINGS,
		.ways = {.find = way_find},
		.peers = {.identity = identity, .is_ours = is_ours, .reachable = reachable}};
	struct config_tunnel tunnel6 = {.name = "Tunnel6", .address_count = 1, .mtu = 1400};

	(void)state;
	fake_dp_reset();
	event_reset();
	harness_now_ms = HARNESS_NOW_MS;
	harness_port = 0;
	harness_ours = (struct dp_addr){0};
	harness_identity = 0;
	harness_reachable = 0;
	harness_error = 0;
	harness_ways_clear();
	map = (struct config_map){harness_addr("10.255.0.31"), harness_addr("192.0.2.31")};
	harness_tunnel = (struct config_tunnel){
		.name = "Tunnel0",
		.source = harness_addr("192.0.2.1"),
		.address_count = 1,
		.mtu = 1400,
		.nhrp = {.holdtime_s = 60,
			 .install_routes = true,
			 .max_bindings_per_spoke = 8,
			 .maps = &map,
			 .map_count = 1},
	};
	assert_int_equal(dp_prefix_parse(&harness_tunnel.addresses[0], "10.255.0.1/24"), 0);
	tunnel6.source = harness_addr("2001:db8::1");
	tunnel6.nhrp.holdtime_s = 7200;
	tunnel6.nhrp.max_bindings_per_spoke = 8;
	assert_int_equal(dp_prefix_parse(&tunnel6.addresses[0], "fd00::1/64"), 0);
	harness_spokes = spoke_table_new(8, 3, &ops);
	conf.spokes = harness_spokes;
	conf.routes = *fake_dp_routes();
	harness_srv = nhrp_server_new(&conf);
	assert_int_equal(spoke_tunnel_add(harness_spokes, 0, "Tunnel0"), 0);
	assert_int_equal(spoke_tunnel_add(harness_spokes, 1, "Tunnel6"), 0);
	assert_int_equal(nhrp_server_tunnel_add(harness_srv, 0, &harness_tunnel, HARNESS_NOW_MS),
			 0);
	assert_int_equal(nhrp_server_tunnel_add(harness_srv, 1, &tunnel6, HARNESS_NOW_MS), 0);
	assert_int_equal(nhrp_server_tunnel_add(harness_srv, 3, &tunnel6, HARNESS_NOW_MS), -ERANGE);
	fake_dp_calls_clear();
	return 0;
}

int harness_teardown(void **state)
{
	(void)state;
	nhrp_server_free(harness_srv);
	spoke_table_free(harness_spokes);
	return 0;
}

const struct nhrp_vector *harness_vector(const char *name)
{
	for (size_t i = 0; i < sizeof(captured) / sizeof(captured[0]); i++)
		if (strcmp(captured[i].name, name) == 0)
			return &captured[i];
	fail_msg("no vector %s", name);
	return NULL;
}

void harness_receive_vector(const char *name)
{
	const struct nhrp_vector *v = harness_vector(name);

	harness_receive(v->outer_src, 0, v->bytes, v->len);
}

void harness_sent_vector(const char *name)
{
	const struct nhrp_vector *v = harness_vector(name);
	char to[DP_ADDR_STRLEN];

	assert_int_equal(fake_dp.packet_len, v->len);
	assert_memory_equal(fake_dp.packet, v->bytes, v->len);
	assert_string_equal(dp_addr_format(&fake_dp.packet_nbma, to), v->outer_dst);
}

void harness_receive(const char *outer, uint16_t port, const uint8_t *bytes, size_t len)
{
	struct dp_punt_meta meta = {.natt_port = port, .outer_src = harness_addr(outer)};
	uint8_t *copy = malloc(len ? len : 1);

	meta.tunnel = meta.outer_src.family == AF_INET6;
	memcpy(copy, bytes, len);
	nhrp_server_receive(harness_srv, harness_now_ms, &meta, copy, len);
	free(copy); /* nothing may be kept */
}

/* A registration of spoke 1 without extensions, for tests to change. */
struct nhrp_packet harness_request(void)
{
	struct nhrp_packet p;

	nhrp_packet_init(&p, NHRP_TYPE_REGISTRATION_REQUEST, AF_INET, AF_INET);
	p.hop_count = 1;
	p.request_id = 77;
	p.src_nbma = harness_addr("192.0.2.11");
	p.src_proto = harness_addr("10.255.0.11");
	p.dst_proto = harness_addr("10.255.0.1");
	p.cie_count = 1;
	p.cies[0] = (struct nhrp_cie){.prefix_len = 255, .mtu = 1400, .holding_s = 600};
	return p;
}

/* Sends p from outer; true when there was a reply, decoded into *reply (into fake_dp.packet). */
bool harness_ask(const char *outer, const struct nhrp_packet *p, struct nhrp_packet *reply)
{
	uint8_t buf[1500];
	struct nhrp_fault fault;
	unsigned before = fake_dp.packets;
	int len = nhrp_packet_encode(p, buf, sizeof(buf));

	assert_true(len > 0);
	harness_receive(outer, harness_port, buf, (size_t)len);
	harness_error = 0;
	if (fake_dp.packets == before)
		return false;
	assert_int_equal(fake_dp.packets, before + 1);
	assert_int_equal(nhrp_packet_decode(reply, fake_dp.packet, fake_dp.packet_len, &fault), 0);
	if (reply->type != NHRP_TYPE_ERROR_INDICATION)
		return true;
	harness_error = reply->code;
	return false;
}

void harness_tunnel_again(void)
{
	nhrp_server_tunnel_del(harness_srv, 0, harness_now_ms);
	assert_int_equal(nhrp_server_tunnel_add(harness_srv, 0, &harness_tunnel, harness_now_ms),
			 0);
	fake_dp_calls_clear();
}

struct nhrp_binding *harness_find(const char *protocol)
{
	const struct dp_addr a = harness_addr(protocol);

	return nhrp_cache_find(nhrp_server_cache(harness_srv), a.family == AF_INET6, &a);
}

uint64_t harness_noted(enum nhrp_note note)
{
	return nhrp_server_counter(harness_srv, NHRP_COUNTER_NOTE + note);
}

uint64_t harness_refused(enum nhrp_refusal refusal)
{
	return nhrp_server_counter(harness_srv, NHRP_COUNTER_REFUSED + refusal);
}

uint64_t harness_counter(unsigned counter)
{
	return nhrp_server_counter(harness_srv, counter);
}

uint64_t harness_dropped(enum nhrp_drop drop)
{
	return nhrp_server_counter(harness_srv, NHRP_COUNTER_DROP + drop);
}
