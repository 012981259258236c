/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel: mGRE interfaces, found by (local address, GRE key), see dp_tunnel.h. A tunnel's settings
 * do not change while it exists. Writer: control core; readers: workers. RFC 2784, RFC 2890.
 */
#include "tunnel.h"

#include <errno.h>
#include <stdio.h>

#include "counters.h"
#include "defer.h"
#include "dp_priv.h"
#include "mcast.h"
#include "pool.h"

struct tunnel *tunnels;
uint32_t tunnel_protected_count;
struct table *tunnel_table;
static struct index_pool ids; /* index - 1 is the tunnel's number */

int tunnel_init(const struct dp_conf *conf)
{
	tunnels = calloc(conf->limits.tunnels, sizeof(*tunnels));
	tunnel_table = table_create("tunnels", conf->limits.tunnels);
	if (tunnels == NULL || tunnel_table == NULL ||
	    index_pool_init(&ids, LIVE_TUNNEL, conf->limits.tunnels) < 0)
		return -ENOMEM;
	return 0;
}

void tunnel_fini(void)
{
	table_free(tunnel_table);
	free(tunnels);
	index_pool_fini(&ids);
	tunnel_table = NULL;
	tunnel_protected_count = 0;
	tunnels = NULL;
}

struct tunnel *tunnel_get(uint16_t id)
{
	return id < ids.max && tunnels[id].in_use ? &tunnels[id] : NULL;
}

static void tunnel_free(uint32_t index)
{
	if (tunnels[index - 1].conf.profile != 0)
		__atomic_fetch_sub(&tunnel_protected_count, 1, __ATOMIC_RELEASE);
	memset(&tunnels[index - 1], LIVE_POISON, sizeof(tunnels[index - 1]));
	tunnels[index - 1].in_use = false;
	index_pool_put(&ids, index);
}

int dp_tunnel_add(const struct dp_tunnel_conf *conf, uint16_t *tunnel)
{
	struct table_key key = tunnel_key(&conf->source, conf->has_key, conf->key);
	uint32_t taken = table_get(tunnel_table, &key);
	uint32_t index;

	if (taken != 0)
		return dp_error_set(-EEXIST, "tunnel %s: source and key are those of %s",
				    conf->name, tunnels[taken - 1].conf.name);
	index = index_pool_get(&ids);
	if (index == 0)
		return dp_error_set(-ENOSPC,
				    "tunnel %s: all %u tunnels are in use (limits.tunnels)",
				    conf->name, ids.max);
	tunnels[index - 1] = (struct tunnel){.conf = *conf, .in_use = true};
	counters_tunnel_start((uint16_t)(index - 1));
	if (conf->profile != 0)
		__atomic_fetch_add(&tunnel_protected_count, 1, __ATOMIC_RELEASE);
	mcast_tunnel_start((uint16_t)(index - 1));
	if (table_set(tunnel_table, &key, index) < 0) {
		tunnel_free(index);
		return dp_error_set(-ENOSPC, "tunnel %s: tunnel table is full", conf->name);
	}
	*tunnel = (uint16_t)(index - 1);
	return 0;
}

int dp_tunnel_del(uint16_t id)
{
	struct tunnel *t = tunnel_get(id);
	struct table_key key;

	if (t == NULL)
		return dp_error_set(-ENOENT, "tunnel %u: no such tunnel", id);
	if (t->spokes != 0)
		return dp_error_set(-EBUSY, "tunnel %s: %u spokes still use it", t->conf.name,
				    t->spokes);
	if (!defer_room(1 + DP_MCAST_LAN_MAX))
		return dp_error_set(-EAGAIN, "tunnel %s: a worker is stuck", t->conf.name);
	key = tunnel_key(&t->conf.source, t->conf.has_key, t->conf.key);
	table_del(tunnel_table, &key);
	t->in_use = false;
	mcast_tunnel_end(id);
	defer_free(tunnel_free, id + 1U);
	return 0;
}

int dp_tunnel_conf_get(uint16_t id, struct dp_tunnel_conf *conf)
{
	const struct tunnel *t = tunnel_get(id);

	if (t == NULL)
		return -ENOENT;
	*conf = t->conf;
	return 0;
}
