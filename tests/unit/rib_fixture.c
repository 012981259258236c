/* SPDX-License-Identifier: Apache-2.0 */
#include "rib_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/events.h"

struct fake_fib fib;
struct rib_iface fake_ifaces[100];
struct rib *rib;

/* ---- the dataplane ---- */

const char *dp_error(void)
{
	return "the fake FIB refuses";
}

static int row_find(const struct dp_prefix *prefix)
{
	for (int i = 0; i < FAKE_FIB; i++)
		if (fib.rows[i].text[0] &&
		    memcmp(&fib.rows[i].prefix, prefix, sizeof(*prefix)) == 0)
			return i;
	return -1;
}

static void iface_format(char *buf, size_t size, struct dp_iface iface)
{
	static const char *const kinds[] = {"none", "port", "tunnel"};

	snprintf(buf, size, "%s %u", kinds[iface.kind], iface.id);
}

static void paths_format(char *buf, size_t size, const struct dp_route *route)
{
	size_t n = (size_t)snprintf(buf, size, "multipath");

	for (uint16_t i = 0; i < route->path_count; i++) {
		char gateway[DP_ADDR_STRLEN], iface[32];

		iface_format(iface, sizeof(iface), route->paths[i].iface);
		n += (size_t)snprintf(buf + n, size - n, " %s %s*%u", iface,
				      dp_addr_format(&route->paths[i].gateway, gateway),
				      route->paths[i].weight);
	}
}

static void route_format(char *buf, size_t size, const struct dp_route *route)
{
	char gateway[DP_ADDR_STRLEN], iface[32];

	iface_format(iface, sizeof(iface), route->iface);
	switch (route->type) {
	case DP_ROUTE_LOCAL:
		snprintf(buf, size, "local %s", iface);
		break;
	case DP_ROUTE_CONNECTED:
		snprintf(buf, size, "connected %s", iface);
		break;
	case DP_ROUTE_GATEWAY:
		snprintf(buf, size, "gateway %s %s", iface,
			 dp_addr_format(&route->gateway, gateway));
		break;
	case DP_ROUTE_BLACKHOLE:
		snprintf(buf, size, "blackhole");
		break;
	case DP_ROUTE_MULTIPATH:
		paths_format(buf, size, route);
		break;
	}
}

int dp_fib_set(uint16_t vrf, const struct dp_prefix *prefix, const struct dp_route *route)
{
	int i = row_find(prefix);

	assert_int_equal(vrf, 0);
	if (fib.set_rc)
		return fib.set_rc;
	if (i < 0 && fib_rows() >= (fib.max ? fib.max : FAKE_FIB))
		return -ENOSPC;
	for (i = i < 0 ? 0 : i;
	     fib.rows[i].text[0] && memcmp(&fib.rows[i].prefix, prefix, sizeof(*prefix)) != 0;)
		i++;
	fib.rows[i].prefix = *prefix;
	route_format(fib.rows[i].text, sizeof(fib.rows[i].text), route);
	fib.sets++;
	return 0;
}

int dp_fib_del(uint16_t vrf, const struct dp_prefix *prefix)
{
	int i = row_find(prefix);

	assert_int_equal(vrf, 0);
	if (fib.del_rc)
		return fib.del_rc;
	if (i < 0)
		return -ENOENT;
	fib.rows[i].text[0] = '\0';
	fib.dels++;
	return 0;
}

bool dp_fib_has_longer(uint16_t vrf, const struct dp_prefix *prefix)
{
	assert_int_equal(vrf, 0);
	for (int i = 0; i < FAKE_FIB; i++)
		if (fib.rows[i].text[0] && fib.rows[i].prefix.len > prefix->len &&
		    dp_prefix_contains(prefix, &fib.rows[i].prefix.addr) &&
		    strncmp(fib.rows[i].text, "local", 5) != 0)
			return true;
	return false;
}

unsigned fib_rows(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKE_FIB; i++)
		n += fib.rows[i].text[0] != '\0';
	return n;
}

const char *in_fib(const char *prefix)
{
	struct dp_prefix p;
	int i;

	assert_int_equal(dp_prefix_parse(&p, prefix), 0);
	i = row_find(&p);
	return i < 0 ? "-" : fib.rows[i].text;
}

unsigned fib_calls(void)
{
	unsigned calls = fib.sets + fib.dels;

	fib.sets = 0;
	fib.dels = 0;
	return calls;
}

/* ---- interfaces ---- */

static struct rib_iface iface_of(void *ctx, uint32_t ifindex)
{
	(void)ctx;
	assert_true(ifindex < 100);
	return fake_ifaces[ifindex];
}

static void on_changed(void *ctx, const struct dp_prefix *prefix)
{
	(void)ctx;
	(void)prefix;
	fib.changed++;
}

static void on_redump(void *ctx)
{
	(void)ctx;
	fib.redumps++;
}

static void iface_add(uint32_t ifindex, enum dp_iface_kind kind, uint16_t id)
{
	fake_ifaces[ifindex] =
		(struct rib_iface){.dp = {.kind = kind, .id = id}, .up = true, .carrier = true};
}

void rib_setup_sized(uint32_t routes, uint32_t vias)
{
	const struct rib_conf conf = {
		.routes = routes,
		.vias = vias,
		.ops = {.iface = iface_of, .changed = on_changed, .redump = on_redump}};

	memset(&fib, 0, sizeof(fib));
	memset(fake_ifaces, 0, sizeof(fake_ifaces));
	iface_add(WAN, DP_IFACE_PORT, 0);
	iface_add(LAN, DP_IFACE_PORT, 1);
	iface_add(TUN, DP_IFACE_TUNNEL, 5);
	iface_add(TUN2, DP_IFACE_TUNNEL, 6);
	event_reset();
	rib_free(rib);
	rib = rib_new(&conf);
	assert_non_null(rib);
}

int rib_setup(void **state)
{
	(void)state;
	rib_setup_sized(1000, 64);
	return 0;
}

int rib_teardown(void **state)
{
	(void)state;
	rib_free(rib);
	rib = NULL;
	return 0;
}

/* ---- messages ---- */

static struct net_nexthop *hop_of(struct net_route *r, bool begin)
{
	if (begin || r->nexthop_count == 0)
		r->nexthops[r->nexthop_count++].weight = 1;
	return &r->nexthops[r->nexthop_count - 1];
}

static void word_take(struct net_route *r, const char *word, const char *value, bool *dev_only)
{
	unsigned long number = strtoul(value, NULL, 10);

	if (strcmp(word, "via") == 0) {
		assert_int_equal(dp_addr_parse(&hop_of(r, true)->gateway, value), 0);
		*dev_only = false;
	} else if (strcmp(word, "dev") == 0) {
		hop_of(r, *dev_only)->ifindex = (uint32_t)number;
		*dev_only = true;
	} else if (strcmp(word, "weight") == 0) {
		hop_of(r, false)->weight = (uint16_t)number;
	} else if (strcmp(word, "encap") == 0) {
		hop_of(r, false)->encap = (uint8_t)number;
	} else if (strcmp(word, "metric") == 0) {
		r->metric = (uint32_t)number;
	} else if (strcmp(word, "proto") == 0) {
		r->protocol = (uint8_t)number;
	} else if (strcmp(word, "type") == 0) {
		r->type = (uint8_t)number;
	} else if (strcmp(word, "nhid") == 0) {
		r->nexthop_id = (uint32_t)number;
	} else if (strcmp(word, "table") == 0) {
		r->table = (uint32_t)number;
	} else if (strcmp(word, "tos") == 0) {
		r->tos = (uint8_t)number;
	} else if (strcmp(word, "rest") == 0) {
		r->rest = (uint32_t)number;
	} else {
		fail_msg("word '%s'", word);
	}
}

struct net_route route_of(const char *text)
{
	struct net_route r = {.table = RT_TABLE_MAIN, .type = RTN_UNICAST};
	char copy[512], *save, *word, *value;
	bool dev_only = true;

	snprintf(copy, sizeof(copy), "%s", text);
	word = strtok_r(copy, " ", &save);
	assert_int_equal(dp_prefix_parse(&r.prefix, word), 0);
	while ((word = strtok_r(NULL, " ", &save)) != NULL) {
		value = strtok_r(NULL, " ", &save);
		assert_non_null(value);
		word_take(&r, word, value, &dev_only);
	}
	return r;
}

static void tell(const char *text, enum net_change change, uint16_t how)
{
	struct net_route r = route_of(text);

	r.how = how;
	rib_route_told(rib, change, &r);
}

void told(const char *text)
{
	tell(text, NET_CHANGE_NEW, 0);
}

void told_replace(const char *text)
{
	tell(text, NET_CHANGE_NEW, NLM_F_REPLACE);
}

void told_append(const char *text)
{
	tell(text, NET_CHANGE_NEW, NLM_F_APPEND);
}

void told_dump(const char *text)
{
	tell(text, NET_CHANGE_NEW, NLM_F_MULTI);
}

void gone(const char *text)
{
	tell(text, NET_CHANGE_DEL, 0);
}

void settle(void)
{
	for (unsigned turns = 0; rib_turn(rib, 100); turns++)
		assert_true(turns < 100000);
}

struct rib_info info(void)
{
	struct rib_info i;

	rib_info_get(rib, &i);
	return i;
}
