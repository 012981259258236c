/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outer fragments to us, one row per order and fault; then what the rows cannot say: sizes, limits,
 * marks, timeouts.
 */
#include "fragments.h"

#include <rte_cycles.h>
#include <rte_ip.h>

#include "dataplane/reass.h"
#include "dataplane/tunnel.h"

#define INNER_LEN   1400
#define PAYLOAD_LEN (8 + INNER_LEN) /* GRE with key, inner packet */
#define INNER_AT    (14 + 20 + 8)
#define LATER_MS    (DP_REASS_WAIT_S * 1000 + 100)

struct piece {
	uint16_t offset, len;
};

struct row {
	const char *name;
	struct piece pieces[10];
	/* What arrives: 0..9 pieces of a packet, a..j of one with another ID, A..J of one with the
	 * first one's ID from another spoke. */
	const char *order;
	const char *whole; /* complete packets, in this order */
	unsigned held;     /* fragments that wait for others at the end */
	unsigned dropped;
	enum dp_drop_reason reason;
};

#define THREE                                    \
	{                                        \
		{0, 400}, {400, 600},            \
		{                                \
			1000, PAYLOAD_LEN - 1000 \
		}                                \
	}
#define EIGHT                                                                                   \
	{                                                                                       \
		{0, 80}, {80, 160}, {240, 160}, {400, 160}, {560, 160}, {720, 160}, {880, 160}, \
		{                                                                               \
			1040, PAYLOAD_LEN - 1040                                                \
		}                                                                               \
	}

static const struct row rows[] = {
	{"in order", THREE, "012", .whole = "0"},
	{"reversed", THREE, "210", .whole = "0"},
	{"the middle first", THREE, "102", .whole = "0"},
	{"the first last", THREE, "120", .whole = "0"},
	{"two fragments", {{0, 1000}, {1000, PAYLOAD_LEN - 1000}}, "01", .whole = "0"},
	{"eight fragments", EIGHT, "01234567", .whole = "0"},
	{"eight fragments, shuffled", EIGHT, "57316204", .whole = "0"},
	{"two packets interleaved", THREE, "0a1b2c", .whole = "0a"},
	{"two packets, one reversed", THREE, "0c1b2a", .whole = "0a"},
	{"one packet inside the other", THREE, "0abc12", .whole = "a0"},
	{"two spokes with one ID", THREE, "0A1B2C", .whole = "0A"},
	{"two packets, one stays incomplete", THREE, "0a12b", .whole = "0", .held = 2},
	{"tiny first fragment", {{0, 8}, {8, PAYLOAD_LEN - 8}}, "01", .whole = "0"},
	{"tiny first fragment last", {{0, 8}, {8, PAYLOAD_LEN - 8}}, "10", .whole = "0"},
	{"tiny last fragment", {{0, PAYLOAD_LEN - 8}, {PAYLOAD_LEN - 8, 8}}, "01", .whole = "0"},
	{"repeated when complete", THREE, "0122", .whole = "0", .held = 1},
	{"repeated as a whole", THREE, "012012", .whole = "00"},
	/* incomplete */
	{"the first is missing", THREE, "12", .held = 2},
	{"the middle is missing", THREE, "02", .held = 2},
	{"the last is missing", THREE, "01", .held = 2},
	{"rest of another packet", THREE, "0bc", .held = 3},
	{"rest from another spoke", THREE, "0BC", .held = 3},
	/* given up as a whole */
	{"first twice", THREE, "00", .dropped = 2, .reason = DP_DROP_REASS_OVERLAP},
	{"last twice", THREE, "022", .dropped = 3, .reason = DP_DROP_REASS_OVERLAP},
	{"middle twice", THREE, "0112", .dropped = 4, .reason = DP_DROP_REASS_OVERLAP},
	{"overlap",
	 {{0, 400}, {392, 608}, {1000, 408}},
	 "012",
	 .dropped = 3,
	 .reason = DP_DROP_REASS_OVERLAP},
	{"overlap and hole of one length",
	 {{0, 400}, {392, 600}, {1000, 408}},
	 "012",
	 .dropped = 3,
	 .reason = DP_DROP_REASS_OVERLAP},
	{"the same behind a good piece",
	 {{0, 400}, {392, 200}, {600, 400}, {1000, 408}},
	 "0123",
	 .dropped = 4,
	 .reason = DP_DROP_REASS_OVERLAP},
	{"overlap with the first (RFC 1858)",
	 {{0, 1000}, {8, 1400}},
	 "01",
	 .dropped = 2,
	 .reason = DP_DROP_REASS_OVERLAP},
	{"two ends",
	 {{0, 400}, {400, 1008}, {1000, 408}},
	 "210",
	 .held = 1,
	 .dropped = 2,
	 .reason = DP_DROP_REASS_OVERLAP},
	{"nine fragments",
	 {{0, 80},
	  {80, 80},
	  {160, 80},
	  {240, 80},
	  {320, 80},
	  {400, 80},
	  {480, 80},
	  {560, 80},
	  {640, 768}},
	 "012345678",
	 .held = 1,
	 .dropped = 8,
	 .reason = DP_DROP_REASS_OVERLAP},
	/* never in the table */
	{"empty", {{400, 0}}, "0", .dropped = 1, .reason = DP_DROP_REASS_MALFORMED},
	{"not a multiple of 8", {{0, 401}}, "0", .dropped = 1, .reason = DP_DROP_REASS_MALFORMED},
	{"not a multiple of 8 in the middle",
	 {{0, 400}, {400, 7}, {400, 600}, {1000, 408}},
	 "0123",
	 .whole = "0",
	 .dropped = 1,
	 .reason = DP_DROP_REASS_MALFORMED},
	{"beyond 65,535", {{65528, 100}}, "0", .dropped = 1, .reason = DP_DROP_REASS_MALFORMED},
	{"beyond 9,216", {{9200, 24}}, "0", .dropped = 1, .reason = DP_DROP_REASS_TOO_BIG},
	{"just 9,216", {{9176, 20}}, "0", .held = 1},
};

/* The packet that a letter of a row belongs to. */
static struct stage_packet packet_of(char letter)
{
	if (letter >= 'a')
		return outer_make("192.0.2.11", 0x102, inner_make("10.1.12.10", INNER_LEN, 2));
	if (letter >= 'A')
		return outer_make("192.0.2.12", 0x101, inner_make("10.1.12.10", INNER_LEN, 3));
	return outer_make("192.0.2.11", 0x101, inner_make("10.1.12.10", INNER_LEN, 1));
}

static unsigned index_of(char letter)
{
	return (unsigned)(letter - (letter >= 'a' ? 'a' : letter >= 'A' ? 'A' : '0'));
}

static struct stage_packet frame_of(const struct row *row, char letter)
{
	struct stage_packet whole = packet_of(letter);
	struct piece piece = row->pieces[index_of(letter)];

	return stage_eth(stage.wan, 0x0800, fragment_of(&whole, piece.offset, piece.len));
}

static void row_check(const struct row *row, const struct stage_result *r)
{
	unsigned n = (unsigned)strlen(row->order);
	unsigned whole = row->whole != NULL ? (unsigned)strlen(row->whole) : 0;

	assert_int_equal(r->wan_n, whole);
	for (unsigned i = 0; i < whole; i++) {
		struct stage_packet outer = packet_of(row->whole[i]), inner = {.len = INNER_LEN};

		memcpy(inner.bytes, outer.bytes + 28, INNER_LEN);
		inner_sent_check(&r->wan[i], INNER_AT, inner);
	}
	assert_int_equal(r->delta.rx_pkts, n);
	assert_int_equal(r->delta.held_pkts, row->held);
	assert_int_equal(drops_sum(r), row->dropped);
	assert_int_equal(r->delta.drops[row->reason], row->dropped);
	assert_int_equal(r->delta.absorbed_pkts, n - row->dropped - row->held - whole);
}

/* What is held dies as reass-timeout, not before its time. */
static void held_expire(unsigned held)
{
	const struct stage_result *r = stage_later(DP_REASS_WAIT_S * 1000 - 500);

	assert_int_equal(drops_sum(r), 0);
	r = stage_later(LATER_MS);
	assert_int_equal(r->delta.drops[DP_DROP_REASS_TIMEOUT], held);
	assert_int_equal(drops_sum(r), held);
	assert_int_equal(r->delta.held_pkts, 0);
}

static void one_by_one_check(const struct row *row, const struct stage_packet *in, unsigned n)
{
	unsigned whole = 0;
	uint64_t dropped = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct stage_result *r = stage_run(stage.wan, &in[i], 1);

		whole += r->wan_n;
		dropped += r->delta.drops[row->reason];
	}
	assert_int_equal(whole, row->whole != NULL ? strlen(row->whole) : 0);
	assert_int_equal(dropped, row->dropped);
}

/* Each row as one burst, and as one burst per fragment. */
static void test_rows(void **state)
{
	static struct stage_packet in[DP_BURST];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		unsigned n = (unsigned)strlen(row->order);

		print_message("  %s\n", row->name);
		for (unsigned k = 0; k < n; k++)
			in[k] = frame_of(row, row->order[k]);
		row_check(row, stage_run(stage.wan, in, n));
		held_expire(row->held);
		one_by_one_check(row, in, n);
		held_expire(row->held);
	}
}

/* ---- kinds of packets ---- */

/* In one buffer each time: whatever its length, for us or in transit. */
static void test_to_us(void **state)
{
	static const uint16_t lens[] = {1473, 1500, 1644, 1672, 1673, 1686, 1687, 1688,
					1689, 1700, 1800, 2048, 4000, 9000, 9188};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct stage_packet inner = inner_make("10.255.0.1", lens[i], 1);
		struct stage_packet outer = outer_make("192.0.2.11", 7, inner);
		const struct stage_result *r = fragments_run(&outer, 1500);

		assert_int_equal(r->punted_n, 1);
		assert_int_equal(r->punted[0].len, inner.len);
		assert_memory_equal(r->punted[0].bytes, inner.bytes, inner.len);
		assert_int_equal(r->punt_meta[0].kind, DP_KIND_IP);
		assert_int_equal(r->punt_meta[0].spoke, stage.spoke11);
		assert_int_equal(r->punt_meta[0].tunnel, stage.tunnel100);
		assert_int_equal(r->delta.absorbed_pkts, (8 + inner.len + 1479) / 1480 - 1);
	}
}

/* 9,000 bytes in 7 outer fragments; they leave in 7 inner ones. */
static void test_jumbo(void **state)
{
	struct stage_packet inner = inner_make("10.1.1.10", 9000, 1);
	struct stage_packet outer = outer_make("192.0.2.11", 7, inner);
	const struct stage_result *r = fragments_run(&outer, 1500);
	struct stage_packet joined;

	(void)state;
	assert_int_equal(r->delta.rx_pkts, 7);
	assert_int_equal(r->delta.absorbed_pkts, 6);
	assert_int_equal(r->lan_n, 7);
	joined = fragments_join(r->lan, r->lan_n, 14, 1500);
	inner_sent_check(&joined, 0, inner);
}

static void test_nhrp(void **state)
{
	struct stage_packet nhrp = inner_make("10.255.0.1", 1600, 1);
	struct stage_packet outer =
		stage_outer("192.0.2.11", "192.0.2.1", stage_gre(0x2000, 42, 0x2001, nhrp));
	const struct stage_result *r = fragments_run(&outer, 1500);

	(void)state;
	assert_int_equal(r->punted_n, 1);
	assert_int_equal(r->punt_meta[0].kind, DP_KIND_NHRP);
	assert_int_equal(r->punted[0].len, nhrp.len);
	assert_memory_equal(r->punted[0].bytes, nhrp.bytes, nhrp.len);
}

/* A "keep-alive" that no port could carry is not sent back. */
static void test_long_keepalive(void **state)
{
	struct stage_packet filler = {.len = 1600};
	struct stage_packet answer =
		stage_outer("192.0.2.1", "192.0.2.11", stage_gre(0x2000, 42, 0, filler));
	struct stage_packet outer = outer_make("192.0.2.11", 10, answer);
	const struct stage_result *r;

	(void)state;
	tunnels[stage.tunnel100].conf.source_check = DP_SOURCE_CHECK_OWN;
	r = fragments_run(&outer, 1500);
	tunnels[stage.tunnel100].conf.source_check = DP_SOURCE_CHECK_OFF;
	assert_int_equal(r->wan_n, 0);
	assert_int_equal(r->delta.keepalives, 0);
	assert_int_equal(r->delta.drops[DP_DROP_TOO_BIG], 1);
}

/* Options of the first fragment are no options of the others. */
static void test_outer_options(void **state)
{
	struct stage_packet inner = inner_make("10.1.12.10", INNER_LEN, 1);
	struct stage_packet plain = outer_make("192.0.2.11", 9, inner);
	struct stage_packet in[2] = {fragment_of(&plain, 0, 400),
				     fragment_of(&plain, 400, PAYLOAD_LEN - 400)};
	const struct stage_result *r;

	(void)state;
	options_insert(&in[0], 40);
	in[0] = stage_eth(stage.wan, 0x0800, in[0]);
	in[1] = stage_eth(stage.wan, 0x0800, in[1]);
	r = stage_run(stage.wan, in, 2);
	assert_int_equal(r->wan_n, 1);
	inner_sent_check(&r->wan[0], INNER_AT, inner);
}

/* Fragments that are not GRE to us are none of our business. */
static void test_others(void **state)
{
	static const struct {
		const char *dst;
		uint8_t protocol;
		bool punted;
	} others[] = {{"192.0.2.1", IPPROTO_ICMP, true},
		      {"192.0.2.1", IPPROTO_UDP, true},
		      {"192.0.2.99", IPPROTO_GRE, false},
		      {"10.1.1.10", IPPROTO_UDP, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct stage_packet ip = stage_ip((struct stage_ip){.src = "192.0.2.11",
								    .dst = others[i].dst,
								    .protocol = others[i].protocol,
								    .len = 1000});
		struct stage_packet in[2] = {
			stage_eth(stage.wan, 0x0800, fragment_of(&ip, 0, 800)),
			stage_eth(stage.wan, 0x0800, fragment_of(&ip, 800, 180))};
		const struct stage_result *r = stage_run(stage.wan, in, 2);

		assert_int_equal(r->punted_n, others[i].punted ? 2 : 0);
		assert_int_equal(r->delta.drops[DP_DROP_TRANSIT_UNDERLAY],
				 others[i].punted ? 0 : 2);
		for (unsigned k = 0; k < r->punted_n; k++) {
			assert_int_equal(r->punted[k].len, in[k].len);
			assert_memory_equal(r->punted[k].bytes, in[k].bytes, in[k].len);
		}
	}
}

/* RFC 3168 section 5.3, as RFC 6040 then carries the mark to the inner header. */
static void test_marks(void **state)
{
	static const struct {
		uint8_t outer[3];
		int inner; /* -1: dropped */
	} marks[] = {{{0, 0, 0}, 2},  {{2, 2, 2}, 2},  {{3, 2, 2}, 3},  {{2, 3, 2}, 3},
		     {{2, 2, 3}, 3},  {{3, 3, 3}, 3},  {{1, 3, 1}, 3},  {{1, 1, 1}, 1},
		     {{3, 0, 0}, -1}, {{0, 3, 0}, -1}, {{0, 0, 3}, -1}, {{2, 0, 3}, -1}};
	struct stage_packet inner = inner_make("10.1.12.10", INNER_LEN, 1);
	struct row row = {.pieces = THREE};

	(void)state;
	inner.bytes[1] = 2;
	stage_ip_fix(&inner, 0);
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		struct stage_packet outer = outer_make("192.0.2.11", 11, inner), in[3];
		const struct stage_result *r;

		for (unsigned k = 0; k < 3; k++) {
			in[k] = fragment_of(&outer, row.pieces[k].offset, row.pieces[k].len);
			in[k].bytes[1] = marks[i].outer[k];
			stage_ip_fix(&in[k], 0);
			in[k] = stage_eth(stage.wan, 0x0800, in[k]);
		}
		r = stage_run(stage.wan, in, 3);
		assert_int_equal(r->wan_n, marks[i].inner >= 0);
		assert_int_equal(r->delta.drops[DP_DROP_REASS_MALFORMED], r->wan_n ? 0 : 3);
		if (r->wan_n == 1)
			assert_int_equal(r->wan[0].bytes[INNER_AT + 1] & 3, marks[i].inner);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),           cmocka_unit_test(test_to_us),
		cmocka_unit_test(test_jumbo),          cmocka_unit_test(test_nhrp),
		cmocka_unit_test(test_long_keepalive), cmocka_unit_test(test_outer_options),
		cmocka_unit_test(test_others),         cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests_name("reass", tests, stage_setup, stage_teardown);
}
