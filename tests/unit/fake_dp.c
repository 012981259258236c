/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_dp.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/dp_mcast.h"
#include "dataplane/dp_nexthop.h"
#include "dataplane/dp_punt.h"
#include "dataplane/dp_spoke.h"

struct fake_dp fake_dp;

static struct {
	bool used;
	struct dp_spoke_key key;
} spokes[FAKE_DP_SPOKES]; /* [0] is never used: the handle is >= 1 */

static struct {
	uint16_t tunnel;
	struct dp_addr protocol;
	uint32_t spoke; /* 0 = free */
} nexthops[FAKE_DP_NEXTHOPS];

void fake_dp_reset(void)
{
	memset(&fake_dp, 0, sizeof(fake_dp));
	memset(spokes, 0, sizeof(spokes));
	memset(nexthops, 0, sizeof(nexthops));
}

void fake_dp_calls_clear(void)
{
	fake_dp.call_count = 0;
}

const char *fake_dp_calls(void)
{
	static char all[FAKE_DP_CALLS * 66];
	size_t n = 0;

	all[0] = '\0';
	for (unsigned i = 0; i < fake_dp.call_count; i++)
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", i ? "; " : "",
				      fake_dp.calls[i]);
	return all;
}

static void call(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void call(const char *fmt, ...)
{
	va_list ap;

	if (fake_dp.call_count == FAKE_DP_CALLS)
		return;
	va_start(ap, fmt);
	vsnprintf(fake_dp.calls[fake_dp.call_count++], sizeof(fake_dp.calls[0]), fmt, ap);
	va_end(ap);
}

static bool key_equal(const struct dp_spoke_key *a, const struct dp_spoke_key *b)
{
	return a->tunnel == b->tunnel && a->natt_port == b->natt_port &&
	       dp_addr_equal(&a->nbma, &b->nbma);
}

uint32_t dp_spoke_find(const struct dp_spoke_key *key)
{
	for (uint32_t i = 1; i < FAKE_DP_SPOKES; i++)
		if (spokes[i].used && key_equal(&spokes[i].key, key))
			return i;
	return 0;
}

int dp_spoke_add(const struct dp_spoke_key *key, uint32_t *spoke)
{
	char text[DP_ADDR_STRLEN];
	uint32_t i = 1;

	if (fake_dp.fail_spoke_add)
		return fake_dp.fail_spoke_add;
	*spoke = dp_spoke_find(key);
	if (*spoke)
		return -EEXIST;
	while (i < FAKE_DP_SPOKES && spokes[i].used)
		i++;
	if (i == FAKE_DP_SPOKES)
		return -ENOSPC;
	spokes[i].used = true;
	spokes[i].key = *key;
	fake_dp.spokes++;
	*spoke = i;
	call("spoke_add %s %u", dp_addr_format(&key->nbma, text), i);
	return 0;
}

int dp_spoke_del(uint32_t spoke)
{
	if (fake_dp.fail_spoke_del)
		return fake_dp.fail_spoke_del;
	if (spoke == 0 || spoke >= FAKE_DP_SPOKES || !spokes[spoke].used)
		return -ENOENT;
	for (unsigned i = 0; i < FAKE_DP_NEXTHOPS; i++)
		if (nexthops[i].spoke == spoke)
			return -EBUSY;
	spokes[spoke].used = false;
	fake_dp.spokes--;
	call("spoke_del %u", spoke);
	return 0;
}

static int nexthop_find(uint16_t tunnel, const struct dp_addr *protocol)
{
	for (int i = 0; i < FAKE_DP_NEXTHOPS; i++)
		if (nexthops[i].spoke && nexthops[i].tunnel == tunnel &&
		    dp_addr_equal(&nexthops[i].protocol, protocol))
			return i;
	return -1;
}

int dp_spoke_multicast_set(uint32_t spoke, uint32_t groups)
{
	call("multicast %u %x", spoke, groups);
	return 0;
}

int dp_mcast_group_add(uint16_t tunnel, const struct dp_prefix *group, uint32_t *bit)
{
	char text[DP_PREFIX_STRLEN];

	call("group_add %u %s", tunnel, dp_prefix_format(group, text));
	*bit = 1U << (group->addr.bytes[1] + 1);
	return fake_dp.fail_mcast;
}

int dp_mcast_lan_add(uint16_t tunnel, const struct dp_prefix *group)
{
	char text[DP_PREFIX_STRLEN];

	call("lan_add %u %s", tunnel, dp_prefix_format(group, text));
	return fake_dp.fail_mcast;
}

int dp_spoke_transit_set(uint32_t spoke, bool on)
{
	call("transit %u %s", spoke, on ? "on" : "off");
	return 0;
}

int dp_nexthop_set(uint16_t tunnel, const struct dp_addr *protocol, uint32_t spoke)
{
	int i = nexthop_find(tunnel, protocol);
	char text[DP_ADDR_STRLEN];

	if (fake_dp.fail_nexthop_set)
		return fake_dp.fail_nexthop_set;
	if (spoke == 0 || spoke >= FAKE_DP_SPOKES || !spokes[spoke].used)
		return -ENOENT;
	if (i < 0) {
		for (i = 0; i < FAKE_DP_NEXTHOPS && nexthops[i].spoke;)
			i++;
		if (i == FAKE_DP_NEXTHOPS)
			return -ENOSPC;
		fake_dp.nexthops++;
	}
	nexthops[i].tunnel = tunnel;
	nexthops[i].protocol = *protocol;
	nexthops[i].spoke = spoke;
	call("nexthop_set %s %u", dp_addr_format(protocol, text), spoke);
	return 0;
}

int dp_nexthop_del(uint16_t tunnel, const struct dp_addr *protocol)
{
	int i = nexthop_find(tunnel, protocol);
	char text[DP_ADDR_STRLEN];

	if (fake_dp.fail_nexthop_del)
		return fake_dp.fail_nexthop_del;
	if (i < 0)
		return -ENOENT;
	nexthops[i].spoke = 0;
	fake_dp.nexthops--;
	call("nexthop_del %s", dp_addr_format(protocol, text));
	return 0;
}

static void packet_log(const struct dp_addr *nbma, const uint8_t *bytes)
{
	uint32_t id_be;

	if (fake_dp.packets >= FAKE_DP_PACKETS)
		return;
	memcpy(&id_be, bytes + 24, sizeof(id_be));
	fake_dp.packet_log[fake_dp.packets].nbma = *nbma;
	fake_dp.packet_log[fake_dp.packets].type = bytes[17]; /* ar$op.type */
	fake_dp.packet_log[fake_dp.packets].request_id = ntohl(id_be);
}

int dp_inject_nhrp(uint16_t tunnel,
		   const struct dp_addr *nbma,
		   uint16_t natt_port,
		   const uint8_t *bytes,
		   size_t len)
{
	(void)tunnel;
	if (fake_dp.fail_inject)
		return fake_dp.fail_inject;
	if (len > FAKE_DP_PACKET)
		return -EMSGSIZE;
	memcpy(fake_dp.packet, bytes, len);
	fake_dp.packet_len = len;
	fake_dp.packet_nbma = *nbma;
	fake_dp.packet_port = natt_port;
	packet_log(nbma, bytes);
	fake_dp.packets++;
	return 0;
}

static int route_set(void *ctx, uint16_t tunnel, const struct dp_prefix *host)
{
	char text[DP_PREFIX_STRLEN];

	(void)ctx;
	(void)tunnel;
	if (fake_dp.fail_route_set)
		return fake_dp.fail_route_set;
	call("route_set %s", dp_prefix_format(host, text));
	return 0;
}

static int route_del(void *ctx, uint16_t tunnel, const struct dp_prefix *host)
{
	char text[DP_PREFIX_STRLEN];

	(void)ctx;
	(void)tunnel;
	if (fake_dp.fail_route_del)
		return fake_dp.fail_route_del;
	call("route_del %s", dp_prefix_format(host, text));
	return 0;
}

const struct nhrp_route_ops *fake_dp_routes(void)
{
	static const struct nhrp_route_ops ops = {.set = route_set, .del = route_del};

	return &ops;
}
