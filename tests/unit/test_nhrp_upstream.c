/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A regional hub: what it cannot serve goes to the hub over it, what that one asks for goes down.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/nhrp/nhrp_priv.h"
#include "nhrp_harness.h"

#define HUB "192.0.2.21"

/* A client of the hub at 192.0.2.21, 10.255.0.21, which responds; spoke 11 is ours. */
static int setup(void **state)
{
	struct nhrp_packet p, reg = harness_request(), reply;
	struct nhrp_fault fault;
	uint8_t buf[512];
	int len;

	harness_setup(state);
	harness_tunnel.nhrp.redirect = true;
	harness_tunnel.nhrp.redirect_interval_s = 8;
	harness_tunnel.nhrp.nhs_count = 1;
	harness_tunnel.nhrp.nhs[0] = (struct config_nhs){.nbma = harness_addr(HUB),
							 .protocol = harness_addr("10.255.0.21")};
	harness_tunnel_again();
	nhrp_server_tick(harness_srv, harness_now_ms);
	assert_int_equal(nhrp_packet_decode(&p, fake_dp.packet, fake_dp.packet_len, &fault), 0);
	p.type = NHRP_TYPE_REGISTRATION_REPLY;
	len = nhrp_packet_encode(&p, buf, sizeof(buf));
	harness_receive(HUB, 0, buf, (size_t)len);
	assert_true(harness_ask("192.0.2.11", &reg, &reply));
	return 0;
}

static struct nhrp_packet request(const char *source, const char *target)
{
	struct nhrp_packet p = harness_request();

	p.type = NHRP_TYPE_RESOLUTION_REQUEST;
	p.hop_count = 64;
	p.src_proto = harness_addr(source);
	p.dst_proto = harness_addr(target);
	return p;
}

static const char *goes_to(const char *from, const struct nhrp_packet *p)
{
	static char text[DP_ADDR_STRLEN];
	struct nhrp_packet sent;

	if (!harness_ask(from, p, &sent))
		return "";
	if (sent.type == NHRP_TYPE_RESOLUTION_REPLY && sent.cies[0].code != NHRP_CIE_CODE_OK)
		return "no";
	assert_int_equal(sent.type, p->type);
	return dp_addr_format(&fake_dp.packet_nbma, text);
}

/* No route, and no binding: the hub over us is asked, and its answer relayed. */
static void test_up(void **state)
{
	static const char *const targets[] = {"10.7.7.7", "10.255.0.77"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct nhrp_packet q = request("10.255.0.11", targets[i]), r;

		q.request_id = i;
		assert_string_equal(goes_to("192.0.2.11", &q), HUB);
		r = q;
		r.type = NHRP_TYPE_RESOLUTION_REPLY;
		r.cies[0].nbma = harness_addr("203.0.113.7");
		r.cies[0].proto = harness_addr("10.255.0.77");
		assert_string_equal(goes_to("192.0.2.12", &r), "");
		assert_string_equal(goes_to(HUB, &r), "192.0.2.11");
	}
}

/* It asks for its own clients: down to ours; not back up to itself. */
static void test_down(void **state)
{
	struct nhrp_packet q = request("10.254.7.7", "10.1.11.10"), r;

	(void)state;
	harness_way_add("10.1.11.0/24", NHRP_WAY_TUNNEL, "10.255.0.11");
	assert_string_equal(goes_to("192.0.2.12", &q), ""); /* nobody else's clients */
	assert_string_equal(goes_to(HUB, &q), "192.0.2.11");
	r = q;
	r.type = NHRP_TYPE_RESOLUTION_REPLY;
	r.cies[0].nbma = harness_addr("192.0.2.11");
	r.cies[0].proto = harness_addr("10.255.0.11");
	assert_string_equal(goes_to("192.0.2.11", &r), HUB);
	q = request("10.254.7.7", "10.7.7.7");
	assert_string_equal(goes_to(HUB, &q), "no");
	assert_int_equal(harness_noted(NHRP_NOTE_RES_NO_WAY), 1);
}

/* The hub over us has seen a packet of our spoke 11 turn round there: the spoke hears of it from
 * us, once per hold-off. From anybody else it is nothing. */
static void test_indication(void **state)
{
	const struct nhrp_vector *v = harness_vector("plain_key42_bgp_nat_traffic_1");
	struct nhrp_packet p, sent;
	struct nhrp_fault fault;

	(void)state;
	assert_int_equal(nhrp_packet_decode(&p, v->bytes, v->len, &fault), 0);
	assert_false(harness_ask(HUB, &p, &sent)); /* no route back: to whom? */
	assert_int_equal(harness_counter(NHRP_COUNTER_SUPPRESSED + NHRP_SUPPRESS_STRANGER), 1);
	harness_way_add("10.1.11.0/24", NHRP_WAY_TUNNEL, "10.255.0.11");
	assert_false(harness_ask("192.0.2.12", &p, &sent));
	assert_int_equal(harness_counter(NHRP_COUNTER_DROP + NHRP_DROP_INDICATION), 1);
	assert_true(harness_ask(HUB, &p, &sent));
	assert_int_equal(sent.type, NHRP_TYPE_TRAFFIC_INDICATION);
	assert_string_equal(dp_addr_format(&fake_dp.packet_nbma, (char[DP_ADDR_STRLEN]){0}),
			    "192.0.2.11");
	assert_int_equal(sent.payload_len, p.payload_len);
	assert_memory_equal(sent.payload, p.payload, p.payload_len);
	assert_false(harness_ask(HUB, &p, &sent));
	assert_int_equal(harness_counter(NHRP_COUNTER_SUPPRESSED + NHRP_SUPPRESS_HOLD_OFF), 1);
	harness_now_ms += 8000;
	assert_true(harness_ask(HUB, &p, &sent));
	harness_ways_clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_up, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_down, setup, harness_teardown),
		cmocka_unit_test_setup_teardown(test_indication, setup, harness_teardown),
	};

	return cmocka_run_group_tests_name("nhrp_upstream", tests, NULL, NULL);
}
