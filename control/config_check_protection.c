/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_check_protection: IPsec profiles are told apart by name, and the tunnels find theirs. A
 * tunnel whose profile does not exist is refused: it would send in clear.
 *
 * Context: control; no globals. At most 64 profiles: pairs are compared plainly.
 */
#include "config_priv.h"

#include <stdio.h>
#include <string.h>

#define WINDOW_UNIT 32

static int check_name(struct config_ctx *ctx, uint32_t i)
{
	const struct config_protection *all = ctx->config->protections;
	char path[CONFIG_PATH_LEN];

	snprintf(path, sizeof(path), "protection[%u].name", i);
	for (uint32_t j = 0; j < i; j++)
		if (strcmp(all[i].name, all[j].name) == 0)
			return config_fail(ctx, path,
					   "a name of its own, protection[%u] has this one", j);
	return 0;
}

static int check_algorithms(struct config_ctx *ctx, uint32_t i)
{
	const struct config_protection *p = &ctx->config->protections[i];
	char path[CONFIG_PATH_LEN];

	for (uint32_t j = 0; j < p->algorithm_count; j++) {
		for (uint32_t k = 0; k < j; k++) {
			if (p->algorithms[j] != p->algorithms[k])
				continue;
			snprintf(path, sizeof(path), "protection[%u].algorithms[%u]", i, j);
			return config_fail(ctx, path, "each algorithm once");
		}
	}
	return 0;
}

static int check_window(struct config_ctx *ctx, uint32_t i)
{
	const struct config_protection *p = &ctx->config->protections[i];
	char path[CONFIG_PATH_LEN];

	if (p->replay_window % WINDOW_UNIT == 0)
		return 0;
	snprintf(path, sizeof(path), "protection[%u].replay-window", i);
	return config_fail(ctx, path, "a multiple of %u up to %u", WINDOW_UNIT, DP_SA_WINDOW_MAX);
}

static int bind_tunnel(struct config_ctx *ctx, uint32_t t)
{
	struct config_tunnel *tunnel = &ctx->config->tunnels[t];
	char path[CONFIG_PATH_LEN];

	if (tunnel->protection_text[0] == '\0')
		return 0;
	for (uint32_t i = 0; i < ctx->config->protection_count; i++)
		if (strcmp(tunnel->protection_text, ctx->config->protections[i].name) == 0)
			tunnel->profile = i + 1;
	if (tunnel->profile != 0)
		return 0;
	snprintf(path, sizeof(path), "tunnels[%u].protection", t);
	return config_fail(ctx, path, "the name of one of the document's protections (%u)",
			   ctx->config->protection_count);
}

int config_check_protection(struct config_ctx *ctx)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < ctx->config->protection_count; i++) {
		rc = check_name(ctx, i);
		if (rc == 0)
			rc = check_algorithms(ctx, i);
		if (rc == 0)
			rc = check_window(ctx, i);
	}
	for (uint32_t t = 0; rc == 0 && t < ctx->config->tunnel_count; t++)
		rc = bind_tunnel(ctx, t);
	return rc;
}
