/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_check: what no single key can say, part one: names, devices and the kernel's interfaces
 * behind them are unique, CPUs exist and are taken once, the tables hold what the document itself
 * brings; and the values that follow from others (mtu_max, descriptors_sum).
 *
 * Context: control. At most 16 ports and 1,024 tunnels: pairs are compared plainly.
 */
#include "config_priv.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int check_cpu(struct config_ctx *ctx, const char *path, uint32_t cpu)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (cpus > 0 && cpu >= (unsigned long)cpus)
		return config_fail(ctx, path, "this machine has CPUs 0 to %ld", cpus - 1);
	return 0;
}

static int check_lcores(struct config_ctx *ctx)
{
	const struct dp_conf *dp = &ctx->config->dataplane;
	char path[CONFIG_PATH_LEN];
	int rc;

	rc = check_cpu(ctx, "dataplane.control-lcore", dp->control_lcore);
	for (uint32_t i = 0; rc == 0 && i < dp->worker_count; i++) {
		snprintf(path, sizeof(path), "dataplane.worker-lcores[%u]", i);
		rc = check_cpu(ctx, path, dp->worker_lcores[i]);
		for (uint32_t j = 0; rc == 0 && j < i; j++)
			if (dp->worker_lcores[j] == dp->worker_lcores[i])
				rc = config_fail(ctx, path, "each CPU once");
		if (rc == 0 && dp->worker_lcores[i] == dp->control_lcore &&
		    dp->idle == DP_IDLE_POLL)
			rc = config_fail(ctx, path,
					 "a CPU other than the control core's (%u), "
					 "unless idle is sleep",
					 dp->control_lcore);
	}
	if (rc == 0 && dp->worker_count == 0)
		rc = config_fail(ctx, "dataplane.worker-lcores", "at least one CPU");
	return rc;
}

static int check_limits(struct config_ctx *ctx)
{
	const struct config *c = ctx->config;
	const struct dp_limits *l = &c->dataplane.limits;
	char path[CONFIG_PATH_LEN];
	uint64_t maps = 0;

	if (c->tunnel_count > l->tunnels)
		return config_fail(ctx, "tunnels", "%u tunnels (dataplane.limits.tunnels: %u)",
				   c->tunnel_count, l->tunnels);
	if (c->route_count > l->routes)
		return config_fail(ctx, "routes", "%u routes (dataplane.limits.routes: %u)",
				   c->route_count, l->routes);
	for (uint32_t i = 0; i < c->tunnel_count; i++) {
		maps += c->tunnels[i].nhrp.map_count;
		snprintf(path, sizeof(path), "tunnels[%u].nhrp.map", i);
		if (maps > l->nexthops)
			return config_fail(ctx, path,
					   "%llu entries (dataplane.limits.nexthops: %u)",
					   (unsigned long long)maps, l->nexthops);
		if (maps > l->spokes)
			return config_fail(ctx, path, "%llu entries (dataplane.limits.spokes: %u)",
					   (unsigned long long)maps, l->spokes);
		snprintf(path, sizeof(path), "tunnels[%u].nhrp.multicast-map", i);
		if (c->tunnels[i].nhrp.multicast_map_count > l->spokes)
			return config_fail(ctx, path, "%u rows (dataplane.limits.spokes: %u)",
					   c->tunnels[i].nhrp.multicast_map_count, l->spokes);
	}
	return 0;
}

/* A port without "queues" gets one per worker; each worker sends by a queue of its own. */
static void derive(struct config *c)
{
	struct dp_conf *dp = &c->dataplane;
	const struct dp_port_conf *port;
	uint32_t rx;

	for (uint32_t i = 0; i < c->port_count; i++) {
		port = &c->ports[i].dp;
		rx = port->queues > 0 ? port->queues : dp->worker_count;
		if (port->mtu > dp->mtu_max)
			dp->mtu_max = port->mtu;
		dp->descriptors_sum += (rx + dp->worker_count) * port->descriptors;
	}
}

int config_check_dataplane(struct config_ctx *ctx)
{
	int rc;

	rc = check_lcores(ctx);
	if (rc == 0)
		rc = check_limits(ctx);
	if (rc == 0)
		derive(ctx->config);
	return rc;
}

/* Twins live among the kernel's interfaces: one name space, ports first, then tunnels. */
static const char *name_at(const struct config *c, uint32_t i)
{
	return i < c->port_count ? c->ports[i].dp.name : c->tunnels[i - c->port_count].name;
}

static void name_path(const struct config *c, uint32_t i, char path[CONFIG_PATH_LEN])
{
	bool port = i < c->port_count;

	snprintf(path, CONFIG_PATH_LEN, "%s[%u].name", port ? "ports" : "tunnels",
		 port ? i : i - c->port_count);
}

static int check_name(struct config_ctx *ctx, uint32_t i)
{
	const struct config *c = ctx->config;
	char path[CONFIG_PATH_LEN], other[CONFIG_PATH_LEN];

	for (uint32_t j = 0; j < i; j++) {
		if (strcmp(name_at(c, i), name_at(c, j)) != 0)
			continue;
		name_path(c, i, path);
		name_path(c, j, other);
		return config_fail(ctx, path, "a name of its own, %s has this one", other);
	}
	return 0;
}

/* The part that names the device to EAL: "net_af_packet0" of "net_af_packet0,iface=veth0". */
static size_t device_name_len(const char *device)
{
	return strcspn(device, ",");
}

static bool same_device(const char *a, const char *b)
{
	size_t len = device_name_len(a);

	return len == device_name_len(b) && strncasecmp(a, b, len) == 0;
}

/* Two sockets on one interface would both answer. */
static int check_raw_interface(struct config_ctx *ctx, uint32_t i, const char *path)
{
	const struct config *c = ctx->config;
	char raw[DP_NAME_LEN], other[DP_NAME_LEN];

	if (!dp_port_raw_interface(c->ports[i].dp.device, raw))
		return 0;
	for (uint32_t j = 0; j < i; j++)
		if (dp_port_raw_interface(c->ports[j].dp.device, other) && strcmp(raw, other) == 0)
			return config_fail(ctx, path, "an interface of its own, ports[%u] has %s",
					   j, raw);
	for (uint32_t j = 0; j < c->port_count + c->tunnel_count; j++)
		if (strcmp(raw, name_at(c, j)) == 0)
			return config_fail(ctx, path, "an interface other than %s, a twin's name",
					   raw);
	return 0;
}

static int check_device(struct config_ctx *ctx, uint32_t i)
{
	const struct config *c = ctx->config;
	const char *device = c->ports[i].dp.device;
	char path[CONFIG_PATH_LEN];

	snprintf(path, sizeof(path), "ports[%u].device", i);
	for (uint32_t j = 0; j < i; j++)
		if (same_device(device, c->ports[j].dp.device))
			return config_fail(ctx, path, "a device of its own, ports[%u] has %.*s", j,
					   (int)device_name_len(device), device);
	return check_raw_interface(ctx, i, path);
}

int config_check_names(struct config_ctx *ctx)
{
	const struct config *c = ctx->config;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < c->port_count + c->tunnel_count; i++)
		rc = check_name(ctx, i);
	for (uint32_t i = 0; rc == 0 && i < c->port_count; i++)
		rc = check_device(ctx, i);
	return rc;
}
