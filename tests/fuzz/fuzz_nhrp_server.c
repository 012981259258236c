/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The NHRP server over a fake dataplane, fed with up to 16 packets of several senders on two
 * tunnels, one with and one without authentication. Whatever comes: nothing is written outside, a
 * packet gets at most one error indication and an error none, what leaves is well-formed and has
 * the word where there is one (but for errors), and nobody's static entry moves.
 *
 * Input: packets, each as control byte, two bytes length, bytes. Control: bit 0 tunnel, bits 1-2
 * sender, bit 3 a NAT-T port, bits 4-5 how much time goes by before, bit 6 the checksum stays as it
 * is.
 */
#include <stdlib.h>
#include <string.h>

#include "control/log.h"
#include "control/nhrp/nhrp_server.h"
#include "tests/unit/fake_dp.h"

#define WORD     "cisco"
#define PACKETS  16
#define BINDINGS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t now_ms;
static struct spoke_table *spokes;
static struct nhrp_server *srv;

/* In the place of log.c: thousands of lines per second. */
void log_line(enum log_class cls, const char *fmt, ...)
{
	(void)cls;
	(void)fmt;
}

static struct dp_addr addr(const char *text)
{
	struct dp_addr a;

	if (dp_addr_parse(&a, text) < 0)
		abort();
	return a;
}

static void tunnel_serve(uint16_t id)
{
	struct config_map map = {addr("10.255.0.31"), addr("192.0.2.31"), true};
	struct config_tunnel t = {
		.name = "Tunnel0",
		.source = addr("192.0.2.1"),
		.address_count = 1,
		.mtu = 1400,
		.nhrp = {.network_id = 1,
			 .holdtime_s = 60,
			 .install_routes = true,
			 .redirect = true,
			 .redirect_interval_s = 8,
			 .max_bindings_per_spoke = 4,
			 .maps = &map,
			 .map_count = 1},
	};

	if (id == 1)
		strcpy(t.nhrp.authentication, WORD);
	if (dp_prefix_parse(&t.addresses[0], "10.255.0.1/24") < 0 ||
	    spoke_tunnel_add(spokes, id, t.name) < 0 ||
	    nhrp_server_tunnel_add(srv, id, &t, now_ms) < 0)
		abort();
}

static void checksum_set(uint8_t *bytes, size_t len)
{
	uint16_t sum, size;

	if (len < NHRP_FIXED_LEN)
		return;
	size = (uint16_t)(bytes[10] << 8 | bytes[11]);
	bytes[12] = bytes[13] = 0;
	sum = nhrp_checksum(bytes, size < len ? size : len);
	bytes[12] = (uint8_t)(sum >> 8);
	bytes[13] = (uint8_t)sum;
}

/* The last packet that left, while one packet or the clock was served. */
static void sent_check(const uint8_t *bytes, size_t len, uint64_t errors)
{
	struct nhrp_packet p;
	struct nhrp_fault fault;

	if (errors > 1 || (errors > 0 && (len <= NHRP_OFF(type) ||
					  bytes[NHRP_OFF(type)] == NHRP_TYPE_ERROR_INDICATION)))
		abort();
	if (fake_dp.packets == 0)
		return;
	if (nhrp_packet_decode(&p, fake_dp.packet, fake_dp.packet_len, &fault) < 0 ||
	    p.hop_count == 0 || nhrp_ext_count(&p, NHRP_EXT_AUTHENTICATION) > 1)
		abort();
}

static void packet_serve(uint8_t control, const uint8_t *data, size_t len)
{
	static const char *const senders[] = {"192.0.2.11", "192.0.2.12", "192.0.2.31",
					      "192.0.2.1"};
	const unsigned errors = NHRP_COUNTER_TX + NHRP_TYPE_ERROR_INDICATION;
	struct dp_punt_meta meta = {.tunnel = control & 1,
				    .outer_src = addr(senders[control >> 1 & 3]),
				    .outer_dst = addr("192.0.2.1"),
				    .natt_port = control & 8 ? 4500 : 0};
	uint8_t *copy = malloc(len ? len : 1);
	uint64_t before = nhrp_server_counter(srv, errors);

	memcpy(copy, data, len);
	if (!(control & 0x40))
		checksum_set(copy, len);
	now_ms += (uint64_t)(control >> 4 & 3) * 9000;
	while (nhrp_server_tick(srv, now_ms))
		;
	fake_dp.packets = 0;
	nhrp_server_receive(srv, now_ms, &meta, copy, len);
	sent_check(copy, len, nhrp_server_counter(srv, errors) - before);
	free(copy);
}

static void static_check(void)
{
	const struct dp_addr a = addr("10.255.0.31"), nbma = addr("192.0.2.31");

	for (uint16_t tunnel = 0; tunnel < 2; tunnel++) {
		const struct nhrp_binding *b = nhrp_cache_find(nhrp_server_cache(srv), tunnel, &a);

		if (!b || b->type != NHRP_BINDING_STATIC ||
		    !dp_addr_equal(&b->spoke->key.nbma, &nbma))
			abort();
	}
}

/* Once: its tables are large. Each input leaves it empty. */
static void server_make(void)
{
	const struct spoke_ops ops = {0};
	struct nhrp_server_conf conf = {
		.tunnels = 2, .bindings = BINDINGS, .routes = *fake_dp_routes()};

	now_ms = 1000000;
	fake_dp_reset();
	spokes = spoke_table_new(8, 2, &ops);
	conf.spokes = spokes;
	srv = nhrp_server_new(&conf);
	if (!srv)
		abort();
}

/* Without tunnels and after a day there is nothing left of anybody. */
static void server_empty(void)
{
	struct nhrp_cache_info info;
	struct spoke_table_info spoke_info;

	nhrp_server_tunnel_del(srv, 0, now_ms);
	nhrp_server_tunnel_del(srv, 1, now_ms);
	for (unsigned i = 0; i < 100 && nhrp_server_next_ms(srv) != DEADLINE_NEVER; i++) {
		now_ms += 86400000;
		nhrp_server_tick(srv, now_ms);
	}
	nhrp_cache_info_get(nhrp_server_cache(srv), &info);
	spoke_table_info_get(spokes, &spoke_info);
	if (info.bindings + spoke_info.spokes + fake_dp.spokes + fake_dp.nexthops > 0 ||
	    nhrp_server_next_ms(srv) != DEADLINE_NEVER)
		abort();
	now_ms += 86400000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!srv)
		server_make();
	fake_dp_calls_clear();
	tunnel_serve(0);
	tunnel_serve(1);
	for (unsigned i = 0; i < PACKETS && size >= 3; i++) {
		size_t len = (size_t)(data[1] << 8 | data[2]);

		len = len < size - 3 ? len : size - 3;
		packet_serve(data[0], data + 3, len);
		data += 3 + len;
		size -= 3 + len;
	}
	static_check();
	server_empty();
	return 0;
}
