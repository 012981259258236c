/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: from a file to a checked struct config. The steps, each in its own file:
 *
 *   config_node     YAML text -> tree of nodes with line and column (the only file with libyaml)
 *   config_bind     tree -> struct config, by the rows of config_schema; config_value: one scalar
 *   config_check*   what no single key can say: names, CPUs, addresses, routes, maps
 *   config_error    the error line
 *
 * The first error ends it and nothing is returned. Warnings come with the result. Context: control;
 * no globals, no clock; of the machine only the number of CPUs is asked.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_priv.h"

static int config_steps(struct config_ctx *ctx, const char *text, size_t len)
{
	static int (*const steps[])(struct config_ctx *) = {
		config_bind, config_check_names, config_check_dataplane, config_check_addresses,
		config_check_protection};
	int rc;

	rc = config_tree_parse(&ctx->tree, ctx->name, text, len, ctx->err);
	for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](ctx);
	return rc;
}

struct config *config_parse(const char *name,
			    const char *text,
			    size_t len,
			    struct config_error *err)
{
	struct config_ctx ctx = {.name = name, .err = err};
	int rc;

	err->text[0] = '\0';
	ctx.config = calloc(1, sizeof(*ctx.config));
	if (ctx.config != NULL)
		ctx.config->path = strdup(name);
	if (ctx.config == NULL || ctx.config->path == NULL)
		rc = config_fail_memory(&ctx);
	else
		rc = config_steps(&ctx, text, len);
	config_tree_free(&ctx.tree);
	if (rc < 0) {
		config_free(ctx.config);
		return NULL;
	}
	return ctx.config;
}

static int fail_file(struct config_error *err, const char *path, const char *what, int error)
{
	snprintf(err->text, sizeof(err->text), "%s: %s: %s", path, what, strerror(error));
	return -error;
}

/* Reads at most one byte more than is allowed: config_parse names the limit then. */
static int file_read(const char *path, char **text, size_t *len, struct config_error *err)
{
	size_t size = CONFIG_BYTES_MAX + 1;
	ssize_t n = 0;
	int fd, rc = 0;

	*len = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_file(err, path, "open", errno);
	*text = malloc(size);
	if (*text == NULL)
		rc = fail_file(err, path, "read", ENOMEM);
	while (rc == 0 && *len < size) {
		n = read(fd, *text + *len, size - *len);
		if (n == 0)
			break;
		if (n > 0)
			*len += (size_t)n;
		else if (errno != EINTR)
			rc = fail_file(err, path, "read", errno);
	}
	close(fd);
	return rc;
}

struct config *config_load(const char *path, struct config_error *err)
{
	struct config *config = NULL;
	char *text = NULL;
	size_t len;

	if (file_read(path, &text, &len, err) == 0)
		config = config_parse(path, text, len, err);
	free(text);
	return config;
}

void config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (uint32_t i = 0; i < config->tunnel_count; i++) {
		free(config->tunnels[i].nhrp.maps);
		free(config->tunnels[i].nhrp.multicast_map);
	}
	for (uint32_t i = 0; i < config->warning_count; i++)
		free(config->warnings[i]);
	free(config->warnings);
	free(config->tunnels);
	free(config->protections);
	free(config->routes);
	free(config->ports);
	free(config->control_group);
	free(config->control_sequence_file);
	free(config->control_xfrm_socket);
	free(config->control_socket);
	free(config->state_file);
	free(config->path);
	free(config);
}
