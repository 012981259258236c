/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: the ring, its sequence numbers, the rate limit on what boxes outside can cause.
 */
#include "control/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/log.h"

static unsigned lines;
static char last_line[512];

/* Instead of control/log.c. */
void log_line(enum log_class cls, const char *fmt, ...)
{
	va_list ap;

	(void)cls;
	lines++;
	va_start(ap, fmt);
	vsnprintf(last_line, sizeof(last_line), fmt, ap);
	va_end(ap);
}

static int setup(void **state)
{
	(void)state;
	event_reset();
	lines = 0;
	return 0;
}

static void test_ring(void **state)
{
	static struct event_record rows[EVENT_RING_LEN + 1];
	uint64_t seq = 0;

	(void)state;
	assert_int_equal(event_list(&seq, rows, 10), 0);
	for (int i = 1; i <= EVENT_RING_LEN + 5; i++)
		event_emit(EVENT_LINK_UP, "wan0", "%d", i);
	assert_int_equal(event_count(EVENT_LINK_UP), EVENT_RING_LEN + 5);
	assert_int_equal(event_last_seq(), EVENT_RING_LEN + 5);
	/* The five oldest are gone: a reader sees it in the numbers. */
	assert_int_equal(event_list(&seq, rows, EVENT_RING_LEN + 1), EVENT_RING_LEN);
	assert_int_equal(rows[0].seq, 6);
	assert_string_equal(rows[0].text, "6");
	assert_int_equal(rows[EVENT_RING_LEN - 1].seq, EVENT_RING_LEN + 5);
	assert_int_equal(seq, event_last_seq());
	assert_int_equal(event_list(&seq, rows, 1), 0);
	event_emit(EVENT_LINK_DOWN, NULL, "x");
	assert_int_equal(event_list(&seq, rows, 1), 1);
	assert_int_equal(rows[0].kind, EVENT_LINK_DOWN);
	assert_string_equal(rows[0].object, "");
	/* A cursor of an earlier life of the daemon, beyond the newest. */
	seq = UINT64_MAX;
	assert_int_equal(event_list(&seq, rows, 1), 0);
}

static void test_text(void **state)
{
	struct event_record row;
	uint64_t seq = 0;
	char big[1000];

	(void)state;
	event_emit(EVENT_SPOKE_UP, "a\nb\x1b[2J\xc3\xa4", "%s", "tab\tdel\x7f");
	assert_string_equal(last_line, "a?b?[2J??: spoke-up: tab?del?");
	assert_int_equal(event_list(&seq, &row, 1), 1);
	assert_string_equal(row.object, "a?b?[2J??");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	event_emit(EVENT_SPOKE_UP, big, "%s", big);
	assert_int_equal(event_list(&seq, &row, 1), 1);
	assert_int_equal(strlen(row.object), EVENT_OBJECT_LEN - 1);
	assert_int_equal(strlen(row.text), EVENT_TEXT_LEN - 1);
}

/* Refusals do not push out what matters, and are all counted. */
static void test_peer_rate(void **state)
{
	(void)state;
	event_emit(EVENT_LINK_DOWN, "wan0", "x");
	for (int i = 0; i < 5000; i++)
		event_emit(EVENT_REG_REFUSED, "Tunnel100", "%d", i);
	assert_int_equal(event_count(EVENT_REG_REFUSED), 5000);
	/* The burst, and 20 for each second that the loop took. */
	assert_in_range(event_last_seq(), 101, 101 + 200);
	assert_int_equal(event_suppressed(EVENT_REG_REFUSED), 5000 - (event_last_seq() - 1));
	assert_int_equal(lines, event_last_seq());
	/* One bucket for all of them, and none for the others. */
	event_emit(EVENT_NHRP_DROPPED, "x", "y");
	assert_in_range(event_suppressed(EVENT_NHRP_DROPPED), 0, 1);
	event_emit(EVENT_LINK_UP, "wan0", "x");
	assert_int_equal(event_suppressed(EVENT_LINK_UP), 0);
}

/* All spokes at once: each kind has its own limit, and what was not kept is told by the next. */
static void test_spoke_rate(void **state)
{
	struct event_record row;
	uint64_t seq, kept;

	(void)state;
	for (int i = 0; i < 5000; i++)
		event_emit(EVENT_SPOKE_UP, "Tunnel100", "%d", i);
	kept = event_last_seq();
	assert_in_range(kept, 200, 400);
	assert_int_equal(event_count(EVENT_SPOKE_UP), 5000);
	assert_int_equal(event_suppressed(EVENT_SPOKE_UP), 5000 - kept);
	assert_true(event_due(EVENT_SPOKE_DOWN));
	assert_int_equal(event_count(EVENT_SPOKE_DOWN), 0);
	event_emit(EVENT_SPOKE_DOWN, "Tunnel100", "x");
	assert_int_equal(event_last_seq(), kept + 1);
	/* Who asks first is counted, too. Until there is a token again, 20 ms. */
	kept = event_suppressed(EVENT_SPOKE_UP);
	for (uint64_t asked = 1; !event_due(EVENT_SPOKE_UP); asked++)
		assert_int_equal(event_suppressed(EVENT_SPOKE_UP), kept + asked);
	event_emit(EVENT_SPOKE_UP, "Tunnel100", "last");
	seq = event_last_seq() - 1;
	assert_int_equal(event_list(&seq, &row, 1), 1);
	assert_non_null(strstr(row.text, " more before it)"));
	assert_int_equal(strncmp(row.text, "last (", 6), 0);
	event_emit(EVENT_LINK_UP, "wan0", "x");
	assert_int_equal(event_suppressed(EVENT_LINK_UP), 0);
}

static void test_names(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < EVENT_KIND_COUNT; kind++) {
		assert_true(strlen(event_kind_name(kind)) > 4);
		assert_true(strlen(event_kind_help(kind)) > 10);
		for (unsigned other = 0; other < kind; other++)
			assert_string_not_equal(event_kind_name(kind), event_kind_name(other));
	}
	assert_string_equal(event_kind_name(99), "kind-99");
	event_emit(EVENT_KIND_COUNT, "x", "y");
	assert_int_equal(event_last_seq(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ring, setup),
		cmocka_unit_test_setup(test_text, setup),
		cmocka_unit_test_setup(test_peer_rate, setup),
		cmocka_unit_test_setup(test_spoke_rate, setup),
		cmocka_unit_test_setup(test_names, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
