/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purge Requests of clients: who may take back what, when there is an answer. The packets are made
 * by this test after RFC 2332 section 5.2.5; FRR sends none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/events.h"
#include "nhrp_harness.h"

/* 10.255.0.11 and .12 at 192.0.2.11, .13 at 192.0.2.13 and .14 behind port 4501 of the same; .31
 * is static, as the harness has it. .11 claims 172.16.0.11. */
static void register_all(void)
{
	struct nhrp_packet p = harness_request(), reply;
	uint8_t buf[256];

	p.src_nbma = harness_addr("172.16.0.11");
	assert_true(harness_ask("192.0.2.11", &p, &reply));
	p.src_proto = harness_addr("10.255.0.12");
	assert_true(harness_ask("192.0.2.11", &p, &reply));
	p.src_proto = harness_addr("10.255.0.13");
	assert_true(harness_ask("192.0.2.13", &p, &reply));
	p.src_proto = harness_addr("10.255.0.14");
	harness_receive("192.0.2.13", 4501, buf, (size_t)nhrp_packet_encode(&p, buf, sizeof(buf)));
	assert_non_null(harness_find("10.255.0.14"));
}

static int setup(void **state)
{
	harness_setup(state);
	register_all();
	fake_dp_calls_clear();
	return 0;
}

/* Which of .11 to .14 and .31 are there, as letters. */
static const char *present(void)
{
	static const char *const all[] = {"10.255.0.11", "10.255.0.12", "10.255.0.13",
					  "10.255.0.14", "10.255.0.31"};
	static char text[8];
	size_t n = 0;

	for (unsigned i = 0; i < 5; i++)
		if (harness_find(all[i]))
			text[n++] = "1234s"[i];
	text[n] = '\0';
	return text;
}

struct row {
	const char *what;
	const char *from; /* outer source */
	const char *src, *dst;
	const char *cies[2], *nbma;
	uint8_t prefix_len;
	uint16_t flags;
	const char *left;
	enum nhrp_drop drop; /* or NHRP_DROP_COUNT: not dropped */
};

#define OK   NHRP_DROP_COUNT
#define S11  "192.0.2.11", "10.255.0.11"
#define S13  "192.0.2.13", "10.255.0.13"
#define HUB  "10.255.0.1"
#define N    NHRP_PURGE_F_NO_REPLY
#define HIS  NHRP_DROP_PURGE_OTHERS
#define NOUS NHRP_DROP_NOT_FOR_US

static const struct row rows[] = {
	{"its own, 255", S11, HUB, {"10.255.0.11"}, NULL, 255, 0, "234s", OK},
	{"its own, 0", S11, HUB, {"10.255.0.11"}, NULL, 0, 0, "234s", OK},
	{"its own, 32", S11, HUB, {"10.255.0.11"}, NULL, 32, 0, "234s", OK},
	{"its second", S11, HUB, {"10.255.0.12"}, NULL, 32, 0, "134s", OK},
	{"both", S11, HUB, {"10.255.0.11", "10.255.0.12"}, NULL, 32, 0, "34s", OK},
	{"no answer wanted", S11, HUB, {"10.255.0.11"}, NULL, 32, N, "234s", OK},
	{"does not know us", S11, "10.255.0.11", {"10.255.0.11"}, NULL, 32, 0, "234s", OK},
	{"its prefix", S11, HUB, {"10.255.0.0"}, NULL, 24, 0, "34s", OK},
	{"host bits", S11, HUB, {"10.255.0.99"}, NULL, 24, 0, "34s", OK},
	{"half of it", S11, HUB, {"10.255.0.12"}, NULL, 31, 0, "134s", OK},
	{"not its prefix", S11, HUB, {"10.9.0.0"}, NULL, 16, 0, "1234s", OK},
	{"not there", S11, HUB, {"10.255.0.77"}, NULL, 32, 0, "1234s", OK},
	{"claimed NBMA", S11, HUB, {"10.255.0.11"}, "172.16.0.11", 32, 0, "234s", OK},
	{"observed NBMA", S11, HUB, {"10.255.0.11"}, "192.0.2.11", 32, 0, "234s", OK},
	{"other NBMA", S11, HUB, {"10.255.0.11"}, "192.0.2.99", 32, 0, "1234s", OK},
	{"another's", S13, HUB, {"10.255.0.11"}, NULL, 32, 0, "1234s", HIS},
	{"one of them", S11, HUB, {"10.255.0.11", "10.255.0.13"}, NULL, 32, 0, "1234s", HIS},
	{"a static one", S11, HUB, {"10.255.0.31"}, NULL, 32, 0, "1234s", HIS},
	{"its neighbour's", S13, HUB, {"10.255.0.14"}, NULL, 32, 0, "1234s", HIS},
	{"stranger", "192.0.2.99", "10.255.0.11", HUB, {"10.255.0.11"}, 0, 32, 0, "1234s", HIS},
	{"static holder", "192.0.2.31", "10.255.0.31", HUB, {"10.255.0.31"}, 0, 0, 0, "1234s", HIS},
	{"for another", S11, "10.255.0.2", {"10.255.0.11"}, NULL, 32, 0, "1234s", NOUS},
	{"nothing named", S11, HUB, {NULL}, NULL, 32, 0, "1234s", NHRP_DROP_NO_CIE},
	{"no source", "192.0.2.11", NULL, HUB, {HUB}, NULL, 32, 0, "1234s", NHRP_DROP_NO_ADDRESS},
};

static struct nhrp_packet request_of(const struct row *row)
{
	struct nhrp_packet p = harness_request();

	p.type = NHRP_TYPE_PURGE_REQUEST;
	p.flags = row->flags;
	p.src_proto = row->src ? harness_addr(row->src) : (struct dp_addr){0};
	p.dst_proto = harness_addr(row->dst);
	for (p.cie_count = 0; p.cie_count < 2 && row->cies[p.cie_count]; p.cie_count++) {
		p.cies[p.cie_count] = (struct nhrp_cie){
			.prefix_len = row->prefix_len,
			.proto = harness_addr(row->cies[p.cie_count]),
		};
		if (row->nbma)
			p.cies[p.cie_count].nbma = harness_addr(row->nbma);
	}
	return p;
}

static void assert_row(const struct row *row)
{
	const struct nhrp_packet p = request_of(row);
	struct nhrp_packet reply;
	bool answered = harness_ask(row->from, &p, &reply);

	assert_string_equal(present(), row->left);
	assert_int_equal(answered, row->drop == OK && row->flags == 0);
	if (row->drop != OK)
		assert_int_equal(harness_dropped(row->drop), 1);
	if (!answered)
		return;
	assert_int_equal(reply.type, NHRP_TYPE_PURGE_REPLY);
	assert_int_equal(reply.request_id, p.request_id);
	assert_true(dp_addr_equal(&reply.src_proto, &p.src_proto));
	assert_int_equal(reply.cie_count, p.cie_count);
	for (unsigned i = 0; i < p.cie_count; i++)
		assert_true(nhrp_cie_same(&reply.cies[i], &p.cies[i]));
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

/* RFC 2332 section 5.2.5: a CIE without protocol address says nothing. */
static void test_cie_without_address(void **state)
{
	struct nhrp_packet p = request_of(&rows[0]), reply;

	assert_int_equal(setup(state), 0);
	p.cies[0].proto = (struct dp_addr){0};
	assert_false(harness_ask("192.0.2.11", &p, &reply));
	assert_int_equal(harness_dropped(NHRP_DROP_NO_ADDRESS), 1);
	assert_string_equal(present(), "1234s");
	harness_teardown(state);
}

/* It has moved, but IKE has proven who it is; somebody else's proof is none. */
static void test_identity(void **state)
{
	struct nhrp_packet p = request_of(&rows[0]), reply;

	harness_setup(state);
	harness_identity = 7;
	register_all();
	harness_identity = 8;
	assert_false(harness_ask("192.0.2.99", &p, &reply));
	assert_string_equal(present(), "1234s");
	harness_identity = 7;
	assert_true(harness_ask("192.0.2.99", &p, &reply));
	assert_string_equal(present(), "234s");
	harness_teardown(state);
}

/* The event and what the dataplane gets. */
static void test_effects(void **state)
{
	assert_int_equal(setup(state), 0);
	assert_row(&rows[4]);
	assert_int_equal(event_count(EVENT_REG_REMOVED), 2);
	assert_string_equal(fake_dp_calls(),
			    "route_del 10.255.0.11/32; nexthop_del 10.255.0.11; "
			    "route_del 10.255.0.12/32; nexthop_del 10.255.0.12; spoke_del 2");
	harness_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_cie_without_address),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_effects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
