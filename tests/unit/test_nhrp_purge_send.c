/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purge Requests that we send: who gets one and when, repeats, answers, slices. The peer that
 * answers is this test, after RFC 2332 section 5.2.6; FRR has no handler for purges.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/events.h"
#include "control/nhrp/nhrp_purge.h"
#include "control/nhrp/nhrp_requesters.h"
#include "nhrp_harness.h"

#define NOW HARNESS_NOW_MS

static uint64_t noted(enum nhrp_note what)
{
	return nhrp_server_counter(harness_srv, NHRP_COUNTER_NOTE + what);
}

static void register_at(const char *protocol, const char *nbma)
{
	struct nhrp_packet p = harness_request(), reply;

	p.src_proto = harness_addr(protocol);
	p.src_nbma = harness_addr(nbma);
	assert_true(harness_ask(nbma, &p, &reply));
}

/* 10.255.0.12 asked for 10.255.0.11 from 192.0.2.12 and is not registered. */
static struct nhrp_requester requester(void)
{
	const struct dp_addr target = harness_addr("10.255.0.11");

	return (struct nhrp_requester){.target = dp_prefix_host(&target),
				       .requester_protocol = harness_addr("10.255.0.12"),
				       .requester_nbma = harness_addr("192.0.2.12"),
				       .requester_natt_port = 4502,
				       .request_id = 5};
}

static int setup(void **state)
{
	const struct nhrp_requester r = requester();

	harness_setup(state);
	register_at("10.255.0.11", "192.0.2.11");
	assert_int_equal(nhrp_requester_note(harness_srv, &r, NOW), 0);
	fake_dp.packets = 0;
	return 0;
}

static void forget(const char *protocol)
{
	nhrp_cache_del(nhrp_server_cache(harness_srv), harness_find(protocol), EVENT_REG_REMOVED,
		       "test", NOW);
}

/* How many packets a turn at this time sends. */
static unsigned turn(uint64_t now_ms)
{
	unsigned before = fake_dp.packets;

	nhrp_server_tick(harness_srv, now_ms);
	return fake_dp.packets - before;
}

static struct nhrp_packet last(void)
{
	struct nhrp_packet p;
	struct nhrp_fault fault;

	assert_int_equal(nhrp_packet_decode(&p, fake_dp.packet, fake_dp.packet_len, &fault), 0);
	return p;
}

static void answer(struct nhrp_packet p, const char *from)
{
	uint8_t buf[256];

	p.type = NHRP_TYPE_PURGE_REPLY;
	harness_receive(from, 4502, buf, (size_t)nhrp_packet_encode(&p, buf, sizeof(buf)));
}

/* RFC 2332 section 5.2.5: ours, to the requester, what it was told. */
static void test_request(void **state)
{
	const struct dp_addr hub = harness_addr("10.255.0.1"), nbma = harness_addr("192.0.2.1");
	const struct nhrp_requester r = requester();
	struct nhrp_packet p;

	(void)state;
	assert_int_equal(turn(NOW), 0); /* it is still true */
	forget("10.255.0.11");
	assert_int_equal(fake_dp.packets, 0); /* not from inside the change */
	assert_int_equal(turn(NOW), 1);
	p = last();
	assert_int_equal(p.type, NHRP_TYPE_PURGE_REQUEST);
	assert_int_equal(p.flags, 0);
	assert_true(p.hop_count > 0);
	assert_true(dp_addr_equal(&p.src_proto, &hub) && dp_addr_equal(&p.src_nbma, &nbma));
	assert_true(dp_addr_equal(&p.dst_proto, &r.requester_protocol));
	assert_int_equal(p.cie_count, 1);
	assert_int_equal(p.cies[0].prefix_len, 32);
	assert_true(dp_addr_equal(&p.cies[0].proto, &r.target.addr));
	assert_int_equal(p.cies[0].mtu + p.cies[0].holding_s + p.cies[0].preference, 0);
	assert_true(dp_addr_equal(&fake_dp.packet_nbma, &r.requester_nbma));
	assert_int_equal(fake_dp.packet_port, 4502);
}

/* After 1, 2, 4 and 8 s again, then never. */
static void test_retries(void **state)
{
	static const uint64_t at_ms[] = {0, 1000, 3000, 7000, 15000};
	uint32_t id = 0;

	(void)state;
	forget("10.255.0.11");
	for (unsigned i = 0; i < 5; i++) {
		if (i > 0)
			assert_int_equal(turn(NOW + at_ms[i] - 1), 0);
		assert_int_equal(turn(NOW + at_ms[i]), 1);
		assert_int_equal(noted(NHRP_NOTE_PURGE_RETRIED), i);
		assert_true(i == 0 || last().request_id == id);
		id = last().request_id;
	}
	assert_int_equal(turn(NOW + 22999), 0);
	assert_int_equal(noted(NHRP_NOTE_PURGE_GIVEN_UP), 0);
	assert_int_equal(turn(NOW + 23000), 0);
	assert_int_equal(noted(NHRP_NOTE_PURGE_GIVEN_UP), 1);
	assert_int_equal(turn(NOW + 1000000), 0);
	assert_int_equal(nhrp_server_next_ms(harness_srv), DEADLINE_NEVER);
}

static void bad_id(struct nhrp_packet *p)
{
	p->request_id ^= 0x80000000;
}

static void bad_slot(struct nhrp_packet *p)
{
	p->request_id ^= 1;
}

static void bad_destination(struct nhrp_packet *p)
{
	p->dst_proto = harness_addr("10.255.0.13");
}

static void bad_source(struct nhrp_packet *p)
{
	p->src_proto = harness_addr("10.255.0.13");
}

/* Only its own answer ends it. */
static void test_answers(void **state)
{
	static void (*const changes[])(struct nhrp_packet * p) = {bad_id, bad_slot, bad_destination,
								  bad_source};
	struct nhrp_packet request, p;

	(void)state;
	forget("10.255.0.11");
	turn(NOW);
	request = last();
	for (unsigned i = 0; i < 4; i++) {
		p = request;
		changes[i](&p);
		answer(p, "192.0.2.12");
		assert_int_equal(harness_dropped(NHRP_DROP_PURGE_REPLY), i + 1);
	}
	assert_int_equal(turn(NOW + 1000), 1);
	answer(request, "192.0.2.12");
	assert_int_equal(noted(NHRP_NOTE_PURGE_ANSWERED), 1);
	assert_int_equal(turn(NOW + 60000), 0);
	answer(request, "192.0.2.12"); /* once more: RFC 2332 section 5.2.5, ignored */
	assert_int_equal(noted(NHRP_NOTE_PURGE_ANSWERED), 1);
	assert_int_equal(harness_dropped(NHRP_DROP_PURGE_REPLY), 5);
}

static void expire(void)
{
	nhrp_server_tick(harness_srv, NOW + 600000);
}

static void move(void)
{
	register_at("10.255.0.11", "192.0.2.99");
}

static void refresh(void)
{
	register_at("10.255.0.11", "192.0.2.11");
}

static void come(void)
{
	register_at("10.255.0.13", "192.0.2.13");
}

static void other_goes(void)
{
	forget("10.255.0.31");
}

/* What of a binding's life takes back what was said of it. */
static void test_causes(void **state)
{
	static const struct {
		const char *what;
		void (*cause)(void);
		unsigned purges;
	} rows[] = {
		{"expires", expire, 1},          {"moves", move, 1},
		{"is refreshed", refresh, 0},    {"another comes", come, 0},
		{"another goes", other_goes, 0},
	};

	harness_teardown(state);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].what);
		setup(state);
		rows[i].cause();
		nhrp_server_tick(harness_srv, NOW);
		assert_int_equal(
			nhrp_server_counter(harness_srv, NHRP_COUNTER_TX + NHRP_TYPE_PURGE_REQUEST),
			rows[i].purges);
		harness_teardown(state);
	}
	setup(state);
}

/* To where it is now, also when it moves while we try. */
static void test_requester_moves(void **state)
{
	struct dp_addr nbma = harness_addr("192.0.2.77");

	(void)state;
	register_at("10.255.0.12", "192.0.2.77");
	forget("10.255.0.11");
	turn(NOW);
	assert_true(dp_addr_equal(&fake_dp.packet_nbma, &nbma));
	assert_int_equal(fake_dp.packet_port, 0);
	forget("10.255.0.12");
	nbma = harness_addr("192.0.2.12");
	turn(NOW + 1000);
	assert_true(dp_addr_equal(&fake_dp.packet_nbma, &nbma));
	assert_int_equal(fake_dp.packet_port, 4502);
}

/* A dataplane that takes no packet does not end the attempts. */
static void test_send_fails(void **state)
{
	(void)state;
	forget("10.255.0.11");
	fake_dp.fail_inject = -1;
	assert_int_equal(turn(NOW), 0);
	assert_true(harness_dropped(NHRP_DROP_SEND) == 1);
	fake_dp.fail_inject = 0;
	assert_int_equal(turn(NOW + 1000), 1);
}

/* What hangs on a prefix behind a spoke: the prefix, when the spoke goes. */
static void test_prefix_behind(void **state)
{
	struct nhrp_requester r = requester();
	struct nhrp_packet p;

	harness_teardown(state);
	harness_setup(state);
	register_at("10.255.0.11", "192.0.2.11");
	assert_int_equal(dp_prefix_parse(&r.target, "10.9.8.0/24"), 0);
	r.binding = harness_addr("10.255.0.11");
	nhrp_requester_note(harness_srv, &r, NOW);
	forget("10.255.0.11");
	assert_int_equal(turn(NOW), 1);
	p = last();
	assert_int_equal(p.cies[0].prefix_len, 24);
	assert_true(dp_addr_equal(&p.cies[0].proto, &r.target.addr));
}

/* The tunnel is taken away: nobody to send to. */
static void test_tunnel_gone(void **state)
{
	(void)state;
	forget("10.255.0.11");
	turn(NOW);
	nhrp_server_tunnel_del(harness_srv, 0, NOW);
	assert_int_equal(turn(NOW + 1000), 0);
	assert_int_equal(noted(NHRP_NOTE_PURGE_GIVEN_UP), 1);
	assert_int_equal(nhrp_server_next_ms(harness_srv), DEADLINE_NEVER);
}

/* On the way out: once to everyone of that tunnel, no answer wanted, at most so many at once. */
static void test_farewell(void **state)
{
	struct nhrp_requester r = requester();

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		r.requester_protocol.bytes[3] = (uint8_t)(100 + i);
		r.requester_tunnel = i == 4;
		nhrp_requester_note(harness_srv, &r, NOW);
	}
	assert_true(nhrp_server_farewell(harness_srv, 0, 3));
	assert_int_equal(fake_dp.packets, 3);
	assert_int_equal(last().flags, NHRP_PURGE_F_NO_REPLY);
	assert_false(nhrp_server_farewell(harness_srv, 0, 3));
	assert_int_equal(fake_dp.packets, 5);
	assert_false(nhrp_server_farewell(harness_srv, 0, 3));
	assert_int_equal(fake_dp.packets, 5);
	assert_int_equal(turn(NOW + 1000), 0);
}

/* 10,000 asked for one spoke that goes: at most 64 packets per turn, everyone in the end. */
static void test_storm(void **state)
{
	const struct spoke_ops ops = {0};
	struct spoke_table *spokes = spoke_table_new(8, 1, &ops);
	const struct nhrp_server_conf conf = {
		.tunnels = 1, .bindings = 10000, .spokes = spokes, .routes = *fake_dp_routes()};
	struct nhrp_server *small = harness_srv;
	struct nhrp_requester r = requester();
	unsigned n, sum = 0, turns = 0;

	(void)state;
	harness_srv = nhrp_server_new(&conf);
	assert_int_equal(spoke_tunnel_add(spokes, 0, "Tunnel0"), 0);
	assert_int_equal(nhrp_server_tunnel_add(harness_srv, 0, &harness_tunnel, NOW), 0);
	register_at("10.255.0.11", "192.0.2.11");
	for (uint32_t i = 0; i < 10000; i++) {
		r.requester_protocol.ip4_be = htonl(0x0aff1000 + i);
		assert_int_equal(nhrp_requester_note(harness_srv, &r, NOW), 0);
	}
	r.requester_protocol.ip4_be = 0;
	assert_int_equal(nhrp_requester_note(harness_srv, &r, NOW), -ENOSPC);
	assert_int_equal(noted(NHRP_NOTE_REQUESTER_LOST), 1);
	forget("10.255.0.11");
	while ((n = turn(NOW)) > 0) {
		assert_true(n <= 64);
		sum += n;
		turns++;
		answer(last(), "192.0.2.12"); /* some of them do */
	}
	assert_true(turns >= 4096 / 64);
	for (uint64_t ms = NOW; nhrp_server_next_ms(harness_srv) != DEADLINE_NEVER; ms += 10)
		sum += turn(ms);
	assert_int_equal(sum - noted(NHRP_NOTE_PURGE_RETRIED), 10000);
	assert_int_equal(noted(NHRP_NOTE_PURGE_ANSWERED) + noted(NHRP_NOTE_PURGE_GIVEN_UP), 10000);
	nhrp_server_free(harness_srv);
	spoke_table_free(spokes);
	harness_srv = small;
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		T(test_request),       T(test_retries),         T(test_answers),
		T(test_causes),        T(test_requester_moves), T(test_send_fails),
		T(test_prefix_behind), T(test_tunnel_gone),     T(test_storm),
		T(test_farewell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
