/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub as a client: registrations at other hubs, when, to whom, and what of their answers. The
 * other hubs are this test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/events.h"
#include "nhrp_harness.h"

#define NOW HARNESS_NOW_MS

static uint64_t elapsed_ms;
static uint32_t request_ids[8]; /* of the last one to 192.0.2.2x */

/* An NHS at 192.0.2.2x with 10.255.0.2x in the tunnel, or dynamic. */
static void nhs_add(unsigned x, bool dynamic, uint16_t priority)
{
	char text[32];
	struct config_nhs *n = &harness_tunnel.nhrp.nhs[harness_tunnel.nhrp.nhs_count++];

	snprintf(text, sizeof(text), "192.0.2.2%u", x);
	*n = (struct config_nhs){.nbma = harness_addr(text), .priority = priority};
	snprintf(text, sizeof(text), "10.255.0.2%u", x);
	if (!dynamic)
		n->protocol = harness_addr(text);
}

static void serve(void)
{
	elapsed_ms = 0;
	harness_tunnel_again();
	fake_dp_calls_clear();
	fake_dp.packets = 0;
}

/* Appends what was sent to hub x. */
static size_t to_hub(char *text, size_t at, size_t size, unsigned x)
{
	for (unsigned i = 0; i < fake_dp.packets; i++) {
		if (fake_dp.packet_log[i].nbma.bytes[3] != x)
			continue;
		request_ids[x - 20] = fake_dp.packet_log[i].request_id;
		at += (size_t)snprintf(text + at, size - at, "%s%u@%llu ",
				       fake_dp.packet_log[i].type == NHRP_TYPE_PURGE_REQUEST ? "p"
											     : "",
				       x, (unsigned long long)elapsed_ms);
	}
	return at;
}

/* What is sent until so many milliseconds after the start: "21@0 21@1000 " by the last part of the
 * NBMA address, p for a purge. */
static const char *sent_until(uint64_t end_ms)
{
	static char text[512];
	size_t at = 0;

	text[0] = '\0';
	for (; elapsed_ms <= end_ms; elapsed_ms += 100) {
		harness_now_ms = NOW + elapsed_ms;
		while (nhrp_server_tick(harness_srv, harness_now_ms))
			assert_true(fake_dp.packets < FAKE_DP_PACKETS);
		for (unsigned x = 21; x < 25; x++)
			at = to_hub(text, at, sizeof(text), x);
		fake_dp.packets = 0;
	}
	return text;
}

static struct nhrp_packet last(void)
{
	struct nhrp_packet p;
	struct nhrp_fault fault;

	assert_int_equal(nhrp_packet_decode(&p, fake_dp.packet, fake_dp.packet_len, &fault), 0);
	return p;
}

static void from_hub(unsigned x, const struct nhrp_packet *p)
{
	uint8_t buf[512];
	char outer[32];
	int len = nhrp_packet_encode(p, buf, sizeof(buf));

	assert_true(len > 0);
	snprintf(outer, sizeof(outer), "192.0.2.2%u", x);
	harness_receive(outer, 0, buf, (size_t)len);
}

/* A hub's answer to what was sent to it last. */
static struct nhrp_packet reply_of(unsigned x, uint8_t code, uint16_t holding_s)
{
	struct nhrp_packet p = last();
	char text[32];

	p.type = NHRP_TYPE_REGISTRATION_REPLY;
	p.request_id = request_ids[x];
	snprintf(text, sizeof(text), "10.255.0.2%u", x);
	p.dst_proto = harness_addr(text);
	p.cies[0].code = code;
	p.cies[0].holding_s = holding_s;
	return p;
}

static void answer(unsigned x, uint8_t code, uint16_t holding_s)
{
	struct nhrp_packet p = reply_of(x, code, holding_s);

	from_hub(x, &p);
}

static struct nhrp_nhs_info nhs(unsigned x)
{
	struct nhrp_nhs_info rows[8];
	uint32_t cursor = 0;
	unsigned n = nhrp_server_nhs_list(harness_srv, &cursor, rows, 8);

	for (unsigned i = 0; i < n; i++)
		if (rows[i].conf.nbma.bytes[3] == 20 + x)
			return rows[i];
	fail_msg("no NHS %u", x);
	return rows[0];
}

/* RFC 2332 section 5.2.3. */
static void test_request(void **state)
{
	const struct dp_addr us = harness_addr("10.255.0.1"), hub = harness_addr("10.255.0.21");
	struct nhrp_packet p;

	(void)state;
	nhs_add(1, false, 0);
	serve();
	assert_string_equal(sent_until(0), "21@0 ");
	p = last();
	assert_int_equal(p.type, NHRP_TYPE_REGISTRATION_REQUEST);
	assert_int_equal(p.flags & NHRP_REG_F_UNIQUE, 0);
	assert_true(p.hop_count > 0);
	assert_true(dp_addr_equal(&p.src_nbma, &harness_tunnel.source));
	assert_true(dp_addr_equal(&p.src_proto, &us) && dp_addr_equal(&p.dst_proto, &hub));
	assert_int_equal(p.cie_count, 1);
	assert_int_equal(p.cies[0].prefix_len, 32);
	assert_int_equal(p.cies[0].holding_s, 60);
	assert_int_equal(p.cies[0].mtu, 1400);
	assert_non_null(nhrp_ext_find(&p, NHRP_EXT_NAT));
	assert_int_equal(nhs(1).state, NHRP_NHS_EXPECTING);
	/* Its own address leads to it, whether or not it answers. */
	assert_int_equal(harness_find("10.255.0.21")->type, NHRP_BINDING_STATIC);
}

/* Doubling to 64 s while nobody answers; a third of the holding time after an answer. */
static void test_when(void **state)
{
	(void)state;
	nhs_add(1, false, 0);
	serve();
	assert_string_equal(sent_until(200000), "21@0 21@1000 21@3000 21@7000 21@15000 21@31000 "
						"21@63000 21@127000 21@191000 ");
	assert_int_equal(event_count(EVENT_NHS_DOWN), 0); /* it never was up */
	answer(1, NHRP_CIE_CODE_OK, 60);
	assert_int_equal(event_count(EVENT_NHS_UP), 1);
	assert_int_equal(nhs(1).state, NHRP_NHS_RESPONDING);
	assert_string_equal(sent_until(200000 + 19900), "");
	assert_string_equal(sent_until(200000 + 20000), "21@220000 ");
	answer(1, NHRP_CIE_CODE_OK, 60);
	assert_int_equal(event_count(EVENT_NHS_UP), 1);
	assert_string_equal(sent_until(246900), "21@240000 21@241000 21@243000 ");
	assert_int_equal(nhs(1).state, NHRP_NHS_RESPONDING);
	assert_string_equal(sent_until(247000), "21@247000 ");
	assert_int_equal(nhs(1).state, NHRP_NHS_EXPECTING);
	assert_int_equal(event_count(EVENT_NHS_DOWN), 1);
}

/* registration-timeout, holdtime, what was granted: the next registration in ms. */
static void test_interval(void **state)
{
	static const struct {
		uint16_t timeout_s;
		uint32_t holdtime_s;
		uint16_t granted_s;
		uint32_t next_ms;
	} rows[] = {
		{0, 60, 60, 20000}, {0, 60, 0, 20000},       {0, 60, 7200, 20000},
		{0, 60, 30, 10000}, {5, 60, 60, 5000},       {5, 60, 9, 3000},
		{0, 60, 1, 1000},   {30, 7200, 7200, 30000},
	};

	(void)state;
	nhs_add(1, false, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		harness_tunnel.nhrp.registration_timeout_s = rows[i].timeout_s;
		harness_tunnel.nhrp.holdtime_s = rows[i].holdtime_s;
		harness_now_ms = NOW;
		serve();
		assert_string_equal(sent_until(0), "21@0 ");
		harness_now_ms = NOW;
		answer(1, NHRP_CIE_CODE_OK, rows[i].granted_s);
		assert_int_equal(nhs(1).next_ms, NOW + rows[i].next_ms);
	}
}

/* Those of the next priority while all better ones have failed, no longer than that. */
static void test_priorities(void **state)
{
	(void)state;
	nhs_add(1, false, 0);
	nhs_add(2, false, 1);
	nhs_add(3, false, 1);
	nhs_add(4, false, 2);
	serve();
	assert_string_equal(sent_until(6900), "21@0 21@1000 21@3000 ");
	assert_int_equal(nhs(2).state, NHRP_NHS_WAITING);
	assert_string_equal(sent_until(7000), "21@7000 22@7000 23@7000 ");
	answer(2, NHRP_CIE_CODE_OK, 60);
	assert_int_equal(nhs(2).state, NHRP_NHS_RESPONDING);
	assert_string_equal(sent_until(14900), "23@8000 23@10000 23@14000 ");
	assert_int_equal(nhs(4).state, NHRP_NHS_WAITING); /* 22 is there */
	assert_string_equal(sent_until(15000), "21@15000 ");
	answer(1, NHRP_CIE_CODE_OK, 60);
	assert_int_equal(nhs(2).state, NHRP_NHS_WAITING);
	assert_int_equal(nhs(3).state, NHRP_NHS_WAITING);
	assert_int_equal(event_count(EVENT_NHS_DOWN), 1);
	/* What 22 has of us is taken back; 23 has nothing. */
	assert_int_equal(last().type, NHRP_TYPE_PURGE_REQUEST);
	assert_int_equal(last().flags, NHRP_PURGE_F_NO_REPLY);
	assert_int_equal(fake_dp.packet_nbma.bytes[3], 22);
	fake_dp.packets = 0;
	assert_string_equal(sent_until(36000), "21@35000 21@36000 ");
	/* 21 dies: 22 and 23, and when they do not answer 24, too. */
	assert_string_equal(sent_until(42000), "21@38000 21@42000 22@42000 23@42000 ");
	assert_string_equal(sent_until(49000), "22@43000 23@43000 22@45000 23@45000 22@49000 "
					       "23@49000 24@49000 ");
}

/* A no is a failure at once, and not asked for every second. */
static void test_refused(void **state)
{
	(void)state;
	nhs_add(1, false, 0);
	nhs_add(2, false, 1);
	serve();
	assert_string_equal(sent_until(0), "21@0 ");
	answer(1, NHRP_CIE_CODE_PROHIBITED, 0);
	assert_int_equal(nhs(1).state, NHRP_NHS_EXPECTING);
	assert_int_equal(nhs(1).code, NHRP_CIE_CODE_PROHIBITED);
	assert_int_equal(nhs(1).refused, 1);
	assert_string_equal(sent_until(7900), "22@100 22@1100 22@3100 22@7100 ");
	harness_now_ms = NOW + elapsed_ms;
	assert_string_equal(sent_until(8000), "21@8000 ");
	answer(1, NHRP_CIE_CODE_PROHIBITED, 0);
	assert_string_equal(sent_until(23900), "22@15100 ");
	assert_string_equal(sent_until(24000), "21@24000 ");
	answer(1, NHRP_CIE_CODE_OK, 60);
	assert_int_equal(nhs(1).state, NHRP_NHS_RESPONDING);
}

static void other_id(struct nhrp_packet *p)
{
	p->request_id++;
}

static void not_ours(struct nhrp_packet *p)
{
	p->src_proto = harness_addr("10.255.0.11");
}

static void no_cie(struct nhrp_packet *p)
{
	p->cie_count = 0;
}

/* Answers that are none. */
static void test_unexpected(void **state)
{
	static void (*const changes[])(struct nhrp_packet * p) = {other_id, not_ours, no_cie};
	struct nhrp_packet p, good;

	(void)state;
	nhs_add(1, false, 0);
	nhs_add(2, false, 0);
	serve();
	assert_string_equal(sent_until(0), "21@0 22@0 ");
	good = reply_of(1, NHRP_CIE_CODE_OK, 60);
	for (unsigned i = 0; i < 3; i++) {
		p = good;
		changes[i](&p);
		from_hub(1, &p);
	}
	from_hub(2, &good);
	from_hub(3, &good);
	assert_int_equal(harness_dropped(NHRP_DROP_REG_REPLY), 5);
	assert_int_equal(event_count(EVENT_NHS_UP), 0);
	from_hub(1, &good);
	assert_int_equal(event_count(EVENT_NHS_UP), 1);
	from_hub(1, &good);
	assert_int_equal(harness_dropped(NHRP_DROP_REG_REPLY), 6);
}

/* The hub's address in the tunnel is what its answer says. */
static void test_dynamic(void **state)
{
	struct nhrp_packet p;

	(void)state;
	nhs_add(1, true, 0);
	serve();
	assert_string_equal(sent_until(0), "21@0 ");
	p = last();
	assert_true(dp_addr_equal(&p.dst_proto, &p.src_proto));
	assert_null(harness_find("10.255.0.21"));
	answer(1, NHRP_CIE_CODE_OK, 60);
	assert_int_equal(harness_find("10.255.0.21")->type, NHRP_BINDING_STATIC);
	assert_string_equal(fake_dp_calls(), "spoke_add 192.0.2.21 2; nexthop_set 10.255.0.21 2; "
					     "transit 2 on");
	assert_string_equal(sent_until(20000), "21@20000 ");
	p = last();
	assert_int_equal(p.dst_proto.bytes[3], 21);
	/* It has another one now. */
	fake_dp_calls_clear();
	p = reply_of(1, NHRP_CIE_CODE_OK, 60);
	p.dst_proto = harness_addr("10.255.0.22");
	from_hub(1, &p);
	assert_string_equal(fake_dp_calls(),
			    "nexthop_set 10.255.0.22 2; transit 2 on; nexthop_del 10.255.0.21");
	/* Not the address of somebody else, not ours, not one of all. */
	static const char *const bad[] = {"10.255.0.31", "10.255.0.1", "0.0.0.0", "224.0.0.1",
					  "255.255.255.255"};

	for (unsigned i = 0; i < 5; i++) {
		sent_until(40000 + i * 20000);
		p = reply_of(1, NHRP_CIE_CODE_OK, 60);
		p.dst_proto = harness_addr(bad[i]);
		from_hub(1, &p);
		assert_int_equal(nhs(1).protocol.bytes[3], 22);
		assert_int_equal(nhs(1).state, NHRP_NHS_RESPONDING);
	}
}

/* Cisco's extension: how the hub sees us. */
static void test_observed(void **state)
{
	const struct dp_addr seen = harness_addr("203.0.113.9");
	struct nhrp_packet p;
	struct nhrp_cie cies[2];
	struct nhrp_fault fault;
	uint8_t buf[128];
	int len;

	(void)state;
	nhs_add(1, false, 0);
	serve();
	sent_until(0);
	p = reply_of(1, NHRP_CIE_CODE_OK, 60);
	assert_int_equal(nhrp_ext_cies_decode(&p, nhrp_ext_find(&p, NHRP_EXT_NAT), cies, 2, &fault),
			 1);
	cies[1] = (struct nhrp_cie){.prefix_len = 32, .nbma = seen, .proto = p.src_proto};
	len = nhrp_cies_encode(&p, cies, 2, buf, sizeof(buf));
	for (unsigned i = 0; i < p.ext_count; i++)
		if (p.exts[i].type == NHRP_EXT_NAT) {
			p.exts[i].value = buf;
			p.exts[i].len = (uint16_t)len;
		}
	from_hub(1, &p);
	assert_int_equal(nhs(1).observed.ip4_be, seen.ip4_be);
}

/* Nothing is left behind. */
static void test_tunnel_goes(void **state)
{
	uint32_t cursor = 0;
	struct nhrp_nhs_info row;

	(void)state;
	nhs_add(1, false, 0);
	nhs_add(2, true, 0);
	serve();
	sent_until(0);
	nhrp_server_tunnel_del(harness_srv, 0, NOW);
	assert_int_equal(nhrp_server_nhs_list(harness_srv, &cursor, &row, 1), 0);
	assert_int_equal(fake_dp.spokes + fake_dp.nexthops, 0);
	assert_string_equal(sent_until(100000), "");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, harness_setup, harness_teardown)
	const struct CMUnitTest tests[] = {
		T(test_request),    T(test_when),     T(test_interval),
		T(test_priorities), T(test_refused),  T(test_unexpected),
		T(test_dynamic),    T(test_observed), T(test_tunnel_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
