/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture of third-party spokes and their third-party hub, played to ours: what the spokes sent
 * goes in, and what comes out must be what that hub did: the same inner packet, byte for byte,
 * to the same spoke; what was for the hub itself to our twin, and NHRP to the control core,
 * unchanged.
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_ip.h>

#include "dataplane/dp_neigh.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_spoke.h"

#define FRAMES_MAX 512
#define OUTER      14
#define GRE        (OUTER + 20)
#define INNER      (GRE + 8)

/* tests/vectors/capture/README.md; the path comes from the build. */
static struct stage_packet frames[FRAMES_MAX];
static unsigned frame_count;

static void capture_read(void)
{
	uint32_t global[6], record[4];
	FILE *f = fopen(REPLAY_PCAP, "rb");

	assert_non_null(f);
	assert_int_equal(fread(global, sizeof(global), 1, f), 1);
	assert_int_equal(global[0], 0xa1b2c3d4);
	assert_int_equal(global[5], 1); /* Ethernet */
	while (fread(record, sizeof(record), 1, f) == 1) {
		struct stage_packet *p = &frames[frame_count++];

		assert_in_range(frame_count, 1, FRAMES_MAX);
		assert_in_range(record[2], 60 - 24, STAGE_PACKET_MAX);
		p->len = (uint16_t)record[2];
		assert_int_equal(fread(p->bytes, p->len, 1, f), 1);
	}
	fclose(f);
}

static uint32_t ip_src(const struct stage_packet *p, unsigned at)
{
	uint32_t ip4_be;

	memcpy(&ip4_be, p->bytes + at + 12, 4);
	return ip4_be;
}

static uint32_t ip_dst(const struct stage_packet *p, unsigned at)
{
	uint32_t ip4_be;

	memcpy(&ip4_be, p->bytes + at + 16, 4);
	return ip4_be;
}

static unsigned gre_protocol(const struct stage_packet *p)
{
	return (unsigned)(p->bytes[GRE + 2] << 8 | p->bytes[GRE + 3]);
}

static uint16_t inner_len(const struct stage_packet *p)
{
	return (uint16_t)(p->bytes[INNER + 2] << 8 | p->bytes[INNER + 3]);
}

/* What their hub made of frame i: the next one from it with the same inner packet but for the TTL.
 */
static const struct stage_packet *their_hub(unsigned i)
{
	const struct stage_packet *in = &frames[i];

	for (unsigned j = i + 1; j < frame_count; j++) {
		const struct stage_packet *out = &frames[j];

		if (ip_src(out, OUTER) == stage_addr("192.0.2.1").ip4_be &&
		    gre_protocol(out) == 0x0800 && inner_len(out) == inner_len(in) &&
		    memcmp(out->bytes + INNER, in->bytes + INNER, 8) == 0 &&
		    memcmp(out->bytes + INNER + 12, in->bytes + INNER + 12, inner_len(in) - 12U) ==
			    0)
			return out;
	}
	return NULL;
}

/* The third spoke, as their hub saw it. */
static void nated_spoke(void)
{
	const uint8_t mac[6] = {2, 0, 0, 0, 1, 254};
	struct dp_spoke_key key = {.tunnel = stage.tunnel100, .nbma = stage_addr("192.0.2.254")};
	struct dp_addr protocol = stage_addr("10.255.0.13");
	uint32_t spoke, neigh;

	assert_int_equal(dp_neigh_set(stage.wan, &key.nbma, mac), 0);
	assert_int_equal(dp_spoke_add(&key, &spoke), 0);
	assert_int_equal(dp_neigh_get(stage.wan, &key.nbma, &neigh), 0);
	assert_int_equal(dp_spoke_neigh_set(spoke, neigh), 0);
	assert_int_equal(dp_nexthop_set(stage.tunnel100, &protocol, spoke), 0);
}

static void forwarded_check(const struct stage_result *r, const struct stage_packet *theirs)
{
	assert_int_equal(r->wan_n, 1);
	assert_int_equal(ip_dst(&r->wan[0], OUTER), ip_dst(theirs, OUTER));
	assert_memory_equal(r->wan[0].bytes + GRE, theirs->bytes + GRE, 8);
	assert_memory_equal(r->wan[0].bytes + INNER, theirs->bytes + INNER, inner_len(theirs));
}

static void punted_check(const struct stage_result *r, const struct stage_packet *in, uint16_t len)
{
	assert_int_equal(r->punted_n, 1);
	assert_int_equal(r->punted[0].len, len);
	assert_memory_equal(r->punted[0].bytes, in->bytes + INNER, len);
}

static void test_replay(void **state)
{
	struct dp_addr hub = stage_addr("192.0.2.1");
	unsigned forwarded = 0, ours = 0, nhrp = 0;

	(void)state;
	capture_read();
	nated_spoke();
	for (unsigned i = 0; i < frame_count; i++) {
		struct stage_packet in = frames[i];
		const struct stage_packet *theirs;
		const struct stage_result *r;
		uint16_t outer_len = (uint16_t)(in.bytes[OUTER + 2] << 8 | in.bytes[OUTER + 3]);

		if (ip_dst(&in, OUTER) != hub.ip4_be)
			continue; /* from their hub, or past it */
		memcpy(in.bytes, &port_hot[stage.wan].mac, 6);
		r = stage_run(stage.wan, &in, 1);
		if (gre_protocol(&in) == 0x2001) {
			punted_check(r, &in, (uint16_t)(outer_len - 28));
			nhrp++;
			continue;
		}
		theirs = their_hub(i);
		if (ip_dst(&in, INNER) == stage_addr("10.255.0.1").ip4_be) {
			punted_check(r, &in, inner_len(&in));
			ours++;
		} else if (theirs != NULL) {
			forwarded_check(r, theirs);
			forwarded++;
		}
	}
	print_message("  %u forwarded, %u for the hub, %u NHRP\n", forwarded, ours, nhrp);
	assert_true(forwarded >= 15 && ours >= 40 && nhrp >= 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_replay)};

	return cmocka_run_group_tests_name("replay", tests, stage_setup, stage_teardown);
}
