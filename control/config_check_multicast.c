/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_check_multicast: groups are groups, those from LAN ports are not link-local and do not
 * overlap, static entries name somebody outside. Fills config_nhrp.multicast_dynamic.
 *
 * Context: control; no globals.
 */
#include "config_priv.h"

#include <stdio.h>

#include "dataplane/dp_mcast.h"

#define MULTICAST_LEN  4 /* 224.0.0.0/4 */
#define LINK_LOCAL_LEN 24

static bool is_group(const struct dp_prefix *p)
{
	return p->len >= MULTICAST_LEN && dp_addr_is_multicast(&p->addr);
}

/* 224.0.0.0/24 stays on its link (RFC 5771 section 4). */
static bool is_link_local(const struct dp_prefix *p)
{
	return p->len >= LINK_LOCAL_LEN && p->addr.bytes[0] == 224 && p->addr.bytes[1] == 0 &&
	       p->addr.bytes[2] == 0;
}

static bool prefix_equal(const struct dp_prefix *a, const struct dp_prefix *b)
{
	return a->len == b->len && dp_addr_equal(&a->addr, &b->addr);
}

/* How many different prefixes the rows up to this one name besides "all". */
static int check_group_count(struct config_ctx *ctx,
			     const char *path,
			     const struct dp_prefix *seen[DP_MCAST_GROUPS_MAX],
			     uint32_t *count,
			     const struct dp_prefix *group)
{
	if (group->len == MULTICAST_LEN)
		return 0;
	for (uint32_t i = 0; i < *count; i++)
		if (prefix_equal(seen[i], group))
			return 0;
	if (*count == DP_MCAST_GROUPS_MAX - 1)
		return config_fail(ctx, path, "at most %u different groups in a tunnel",
				   DP_MCAST_GROUPS_MAX - 1);
	seen[(*count)++] = group;
	return 0;
}

static int check_map(struct config_ctx *ctx, const struct config_nets *nets, uint32_t t)
{
	struct config_nhrp *nhrp = &ctx->config->tunnels[t].nhrp;
	const struct dp_prefix *seen[DP_MCAST_GROUPS_MAX];
	char path[CONFIG_PATH_LEN];
	uint32_t count = 0;
	int rc = 0;

	nhrp->multicast_dynamic = nhrp->multicast == CONFIG_MULTICAST_DYNAMIC;
	for (uint32_t i = 0; rc == 0 && i < nhrp->multicast_map_count; i++) {
		const struct config_multicast *row = &nhrp->multicast_map[i];

		snprintf(path, sizeof(path), "tunnels[%u].nhrp.multicast-map[%u].group", t, i);
		if (!is_group(&row->group))
			return config_fail(ctx, path, "a prefix of 224.0.0.0/4");
		rc = check_group_count(ctx, path, seen, &count, &row->group);
		snprintf(path, sizeof(path), "tunnels[%u].nhrp.multicast-map[%u].nbma", t, i);
		if (!dp_addr_is_set(&row->nbma))
			nhrp->multicast_dynamic = true;
		else if (rc == 0)
			rc = config_check_nbma(ctx, nets, path, &row->nbma);
	}
	return rc;
}

static int check_groups(struct config_ctx *ctx, uint32_t t)
{
	const struct config_nhrp *nhrp = &ctx->config->tunnels[t].nhrp;
	char path[CONFIG_PATH_LEN];

	for (uint32_t i = 0; i < nhrp->multicast_group_count; i++) {
		const struct dp_prefix *group = &nhrp->multicast_groups[i];

		snprintf(path, sizeof(path), "tunnels[%u].nhrp.multicast-groups[%u]", t, i);
		if (!is_group(group) || is_link_local(group))
			return config_fail(ctx, path,
					   "a prefix of 224.0.0.0/4 outside of 224.0.0.0/24");
		for (uint32_t j = 0; j < i; j++) {
			const struct dp_prefix *other = &nhrp->multicast_groups[j];

			if (dp_prefix_contains(other, &group->addr) ||
			    dp_prefix_contains(group, &other->addr))
				return config_fail(ctx, path,
						   "groups that are not in multicast-groups[%u]",
						   j);
		}
	}
	return 0;
}

int config_check_multicast(struct config_ctx *ctx, const struct config_nets *nets)
{
	const struct config *c = ctx->config;
	char path[CONFIG_PATH_LEN];
	uint32_t groups = 0;
	int rc = 0;

	for (uint32_t t = 0; rc == 0 && t < c->tunnel_count; t++) {
		rc = check_map(ctx, nets, t);
		if (rc == 0)
			rc = check_groups(ctx, t);
		groups += c->tunnels[t].nhrp.multicast_group_count;
		snprintf(path, sizeof(path), "tunnels[%u].nhrp.multicast-groups", t);
		if (rc == 0 && groups > DP_MCAST_LAN_MAX)
			rc = config_fail(ctx, path, "at most %u groups in all tunnels together",
					 DP_MCAST_LAN_MAX);
	}
	return rc;
}
