/* SPDX-License-Identifier: Apache-2.0 */
/* Purges and their replies that are for somebody else: which go on, and where to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/nhrp/nhrp_requesters.h"
#include "nhrp_harness.h"

#define NOW      HARNESS_NOW_MS
#define NHS      "192.0.2.21" /* 10.255.0.21 */
#define HOLDER   "192.0.2.11" /* 10.255.0.11 registered there, 10.9.8.0/24 is behind it */
#define CLIENT   "192.0.2.12" /* 10.255.0.12 */
#define STRANGER "192.0.2.99"

static void receive(const char *outer, const struct nhrp_packet *p)
{
	uint8_t buf[512];
	int len = nhrp_packet_encode(p, buf, sizeof(buf));

	assert_true(len > 0);
	fake_dp.packets = 0;
	harness_receive(outer, 0, buf, (size_t)len);
}

static void register_at(const char *protocol, const char *nbma)
{
	struct nhrp_packet p = harness_request(), reply;

	p.src_proto = harness_addr(protocol);
	p.src_nbma = harness_addr(nbma);
	assert_true(harness_ask(nbma, &p, &reply));
}

/* 10.5.0.1, of another hub at 192.0.2.50, asked for what is behind the holder. */
static void note(const char *target, const char *binding, const char *who)
{
	struct nhrp_requester r = {.requester_protocol = harness_addr(who),
				   .requester_nbma = harness_addr("192.0.2.50"),
				   .requester_natt_port = 4550,
				   .binding = harness_addr(binding)};

	assert_int_equal(dp_prefix_parse(&r.target, target), 0);
	assert_int_equal(nhrp_requester_note(harness_srv, &r, NOW), 0);
}

/* The NHS responds. */
static int setup(void **state)
{
	struct nhrp_packet p;
	struct nhrp_fault fault;

	harness_setup(state);
	harness_tunnel.nhrp.nhs_count = 1;
	harness_tunnel.nhrp.nhs[0] = (struct config_nhs){.nbma = harness_addr(NHS),
							 .protocol = harness_addr("10.255.0.21")};
	harness_tunnel_again();
	nhrp_server_tick(harness_srv, NOW);
	assert_int_equal(nhrp_packet_decode(&p, fake_dp.packet, fake_dp.packet_len, &fault), 0);
	p.type = NHRP_TYPE_REGISTRATION_REPLY;
	receive(NHS, &p);
	register_at("10.255.0.11", HOLDER);
	register_at("10.255.0.12", CLIENT);
	note("10.9.8.7/32", "10.255.0.11", "10.5.0.1");
	note("10.9.8.0/24", "10.255.0.11", "10.5.0.1");
	note("10.9.9.9/32", "10.255.0.12", "10.5.0.1"); /* behind the other one */
	note("10.9.8.7/32", "10.255.0.11", "10.255.0.12");
	return 0;
}

#define NOT_FOR_US NHRP_DROP_NOT_FOR_US
#define OK         NHRP_DROP_COUNT

struct row {
	const char *what;
	uint8_t type;
	const char *from;
	const char *src, *dst;
	const char *cies[2];
	uint8_t prefix_len;
	uint8_t hop_count;
	enum nhrp_drop drop; /* OK: goes on */
	uint8_t to;          /* last part of where to */
	uint16_t port;
};

#define REQ NHRP_TYPE_PURGE_REQUEST
#define REP NHRP_TYPE_PURGE_REPLY
#define FAR "10.5.0.1" /* noted */

static const struct row rows[] = {
	{"NHS to a client", REQ, NHS, "10.255.0.21", "10.255.0.12", {"10.7.0.1"}, 32, 9, OK, 12, 0},
	{"NHS to nobody", REQ, NHS, "10.255.0.21", FAR, {"10.7.0.1"}, 32, 9, NOT_FOR_US, 0, 0},
	{"NHS to itself",
	 REQ,
	 NHS,
	 "10.255.0.9",
	 "10.255.0.21",
	 {"10.7.0.1"},
	 32,
	 9,
	 NOT_FOR_US,
	 0,
	 0},
	{"no hops left",
	 REQ,
	 NHS,
	 "10.255.0.21",
	 "10.255.0.12",
	 {"10.7.0.1"},
	 32,
	 0,
	 NHRP_DROP_HOP_COUNT,
	 0,
	 0},
	{"holder, host", REQ, HOLDER, "10.255.0.11", FAR, {"10.9.8.7"}, 32, 9, OK, 50, 4550},
	{"holder, host by 0", REQ, HOLDER, "10.255.0.11", FAR, {"10.9.8.7"}, 0, 9, OK, 50, 4550},
	{"holder, prefix", REQ, HOLDER, "10.255.0.11", FAR, {"10.9.8.0"}, 24, 9, OK, 50, 4550},
	{"holder, host bits", REQ, HOLDER, "10.255.0.11", FAR, {"10.9.8.99"}, 24, 9, OK, 50, 4550},
	{"holder, wider", REQ, HOLDER, "10.255.0.11", FAR, {"10.9.0.0"}, 16, 9, NOT_FOR_US, 0, 0},
	{"holder, not told",
	 REQ,
	 HOLDER,
	 "10.255.0.11",
	 FAR,
	 {"10.9.8.8"},
	 32,
	 9,
	 NOT_FOR_US,
	 0,
	 0},
	{"another's", REQ, HOLDER, "10.255.0.11", FAR, {"10.9.9.9"}, 32, 9, NOT_FOR_US, 0, 0},
	{"one of both",
	 REQ,
	 HOLDER,
	 "10.255.0.11",
	 FAR,
	 {"10.9.8.7", "10.9.9.9"},
	 32,
	 9,
	 NOT_FOR_US,
	 0,
	 0},
	{"to somebody else",
	 REQ,
	 HOLDER,
	 "10.255.0.11",
	 "10.5.0.2",
	 {"10.9.8.7"},
	 32,
	 9,
	 NOT_FOR_US,
	 0,
	 0},
	{"not the holder", REQ, CLIENT, "10.255.0.12", FAR, {"10.9.8.7"}, 32, 9, NOT_FOR_US, 0, 0},
	{"stranger", REQ, STRANGER, "10.255.0.11", FAR, {"10.9.8.7"}, 32, 9, NOT_FOR_US, 0, 0},
	{"to one that is here now",
	 REQ,
	 HOLDER,
	 "10.255.0.11",
	 "10.255.0.12",
	 {"10.9.8.7"},
	 32,
	 9,
	 OK,
	 12,
	 0},
	{"no CIE", REQ, HOLDER, "10.255.0.11", FAR, {NULL}, 32, 9, NOT_FOR_US, 0, 0},
	{"reply to a holder",
	 REP,
	 CLIENT,
	 "10.255.0.11",
	 "10.255.0.12",
	 {"10.9.8.7"},
	 32,
	 9,
	 OK,
	 11,
	 0},
	{"reply to a far hub",
	 REP,
	 CLIENT,
	 "10.6.0.1",
	 "10.255.0.12",
	 {"10.9.8.7"},
	 32,
	 9,
	 OK,
	 21,
	 0},
	{"reply by the NHS", REP, NHS, "10.255.0.11", FAR, {"10.9.8.7"}, 32, 9, OK, 11, 0},
	{"reply back to the NHS",
	 REP,
	 NHS,
	 "10.6.0.1",
	 FAR,
	 {"10.9.8.7"},
	 32,
	 9,
	 NHRP_DROP_PURGE_REPLY,
	 0,
	 0},
	{"reply of a stranger",
	 REP,
	 STRANGER,
	 "10.255.0.11",
	 FAR,
	 {"10.9.8.7"},
	 32,
	 9,
	 NHRP_DROP_PURGE_REPLY,
	 0,
	 0},
	{"reply, no hops left",
	 REP,
	 CLIENT,
	 "10.255.0.11",
	 "10.255.0.12",
	 {"10.9.8.7"},
	 32,
	 0,
	 NHRP_DROP_HOP_COUNT,
	 0,
	 0},
};

static struct nhrp_packet packet_of(const struct row *row)
{
	struct nhrp_packet p = harness_request();

	p.type = row->type;
	p.hop_count = row->hop_count;
	p.src_proto = harness_addr(row->src);
	p.dst_proto = harness_addr(row->dst);
	for (p.cie_count = 0; p.cie_count < 2 && row->cies[p.cie_count]; p.cie_count++)
		p.cies[p.cie_count] =
			(struct nhrp_cie){.prefix_len = row->prefix_len,
					  .proto = harness_addr(row->cies[p.cie_count])};
	return p;
}

static void assert_row(const struct row *row)
{
	struct nhrp_packet p = packet_of(row), sent;
	struct nhrp_fault fault;

	receive(row->from, &p);
	assert_int_equal(
		nhrp_server_counter(harness_srv, NHRP_COUNTER_NOTE + NHRP_NOTE_PURGE_FORWARDED),
		row->drop == OK);
	if (row->drop != OK) {
		assert_int_equal(harness_dropped(row->drop), 1);
		return;
	}
	assert_int_equal(fake_dp.packet_nbma.bytes[3], row->to);
	assert_int_equal(fake_dp.packet_port, row->port);
	assert_int_equal(nhrp_packet_decode(&sent, fake_dp.packet, fake_dp.packet_len, &fault), 0);
	p.hop_count--;
	assert_true(nhrp_packet_same(&sent, &p));
}

static void test_rows(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].what);
		assert_int_equal(setup(state), 0);
		assert_row(&rows[i]);
		harness_teardown(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
