/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RIB against a model of the kernel: random changes, told and lost, and dumps.
 */
#include "rib_fixture.h"

#include <stdio.h>
#include <string.h>

#define PREFIXES 12
#define ALIASES  6

struct model_route {
	bool used;
	unsigned metric, gateway, dev;
};
static struct model_route model[PREFIXES][ALIASES]; /* in the kernel's order */

static const char *model_text(unsigned prefix, const struct model_route *r)
{
	static char text[128];

	snprintf(text, sizeof(text), "10.%u.0.0/16 via 192.0.2.%u dev %u metric %u", prefix,
		 r->gateway + 1, r->dev, r->metric);
	return text;
}

static bool model_same(const struct model_route *a, const struct model_route *b)
{
	return a->metric == b->metric && a->gateway == b->gateway && a->dev == b->dev;
}

static unsigned model_count(unsigned p)
{
	unsigned n = 0;

	while (n < ALIASES && model[p][n].used)
		n++;
	return n;
}

static void model_insert(unsigned p, unsigned at, const struct model_route *r)
{
	memmove(&model[p][at + 1], &model[p][at], (ALIASES - 1 - at) * sizeof(*r));
	model[p][at] = *r;
}

static void model_remove(unsigned p, unsigned at)
{
	memmove(&model[p][at], &model[p][at + 1], (ALIASES - 1 - at) * sizeof(model[p][0]));
	memset(&model[p][ALIASES - 1], 0, sizeof(model[p][0]));
}

/* The first place of the metric, or behind its last one. */
static unsigned model_place(unsigned p, unsigned metric, bool behind)
{
	unsigned at = 0;

	while (at < model_count(p) &&
	       (model[p][at].metric < metric || (behind && model[p][at].metric == metric)))
		at++;
	return at;
}

/* One change, as the kernel makes it; `lost`: without a message. */
static void model_step(bool lost)
{
	const unsigned devs[] = {WAN, LAN, OTHER};
	unsigned p = (unsigned)rand() % PREFIXES, n = model_count(p), at;
	struct model_route r = {true, (unsigned)rand() % 2, (unsigned)rand() % 3, devs[rand() % 3]};
	unsigned what = (unsigned)rand() % 4;

	if (what == 0 || n == ALIASES) {
		at = n ? (unsigned)rand() % n : 0;
		if (n && !lost)
			gone(model_text(p, &model[p][at]));
		if (n)
			model_remove(p, at);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		if (model_same(&model[p][i], &r))
			return; /* EEXIST */
	at = model_place(p, r.metric, what == 1);
	if (what == 3 && at < n && model[p][at].metric == r.metric) {
		model[p][at] = r;
		if (!lost)
			told_replace(model_text(p, &r));
		return;
	}
	model_insert(p, at, &r);
	if (lost)
		return;
	if (what == 1)
		told_append(model_text(p, &r));
	else
		told(model_text(p, &r));
}

static void model_check(void)
{
	for (unsigned p = 0; p < PREFIXES; p++) {
		char prefix[32], want[64] = "-";

		snprintf(prefix, sizeof(prefix), "10.%u.0.0/16", p);
		for (unsigned i = model_count(p); i-- > 0;)
			if (model[p][i].dev != OTHER)
				snprintf(want, sizeof(want), "gateway port %u 192.0.2.%u",
					 model[p][i].dev - WAN, model[p][i].gateway + 1);
		assert_string_equal(in_fib(prefix), want);
	}
}

static void model_dump(void)
{
	rib_dump(rib, NET_ROUTE, false);
	for (unsigned p = 0; p < PREFIXES; p++)
		for (unsigned i = 0; i < model_count(p); i++)
			told_dump(model_text(p, &model[p][i]));
	rib_dump(rib, NET_ROUTE, true);
	settle();
}

static void test_against_a_model(void **state)
{
	(void)state;
	srand(1);
	memset(model, 0, sizeof(model));
	for (unsigned round = 0; round < 300; round++) {
		for (unsigned i = 0; i < 50; i++) {
			model_step(false);
			model_check();
		}
		fib_calls();
		model_dump();
		assert_int_equal(fib_calls(), 0);
		for (unsigned i = 0; i < 10; i++)
			model_step(true);
		model_dump();
		model_check();
	}
	assert_int_equal(info().unknown_del, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rib_setup, rib_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_against_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
