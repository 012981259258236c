/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_error: error and warning lines of the configuration, all of one form:
 * FILE:LINE:COLUMN: path: "value": what is allowed. What the file says is shown clipped and
 * printable, whatever bytes it had.
 *
 * Context: control; no globals.
 */
#include "config_priv.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 60 /* characters of a value */
#define VALUE_LEN (4 * SHOWN_MAX + 16)

/* Quotes `text` into buf: control and non-ASCII bytes as \xNN, the rest of a long one as "...". */
static void quote(const char *text, char *buf, size_t size)
{
	size_t n = 0, shown = 0;

	buf[n++] = '"';
	for (; *text != '\0' && shown < SHOWN_MAX && n + 10 < size; text++, shown++) {
		if (isascii((unsigned char)*text) && isprint((unsigned char)*text))
			buf[n++] = *text;
		else
			n += (size_t)snprintf(buf + n, size - n, "\\x%02x", (unsigned char)*text);
	}
	snprintf(buf + n, size - n, "%s\"", *text != '\0' ? "..." : "");
}

/* A value as the document could have it on one line. */
static void value_format(const struct config_node *node, char *buf, size_t size)
{
	const struct config_node *c;
	size_t n = 0;

	if (node->kind == CONFIG_SCALAR) {
		quote(node->text, buf, size);
		return;
	}
	if (node->kind == CONFIG_MAP) {
		snprintf(buf, size, "a mapping");
		return;
	}
	buf[n++] = '[';
	for (c = node->first; c != NULL && n < SHOWN_MAX && c->kind == CONFIG_SCALAR; c = c->next)
		n += (size_t)snprintf(buf + n, size - n, "%s%.*s", c == node->first ? "" : ", ",
				      SHOWN_MAX, c->text);
	snprintf(buf + n, size - n, "%s]", c != NULL ? "..." : "");
}

static void line_format(const struct config_ctx *ctx,
			char *buf,
			size_t size,
			uint32_t line,
			uint32_t column,
			const char *path,
			const char *value,
			const char *fmt,
			va_list args)
{
	int n = snprintf(buf, size, "%s:%u:%u: %s: %s%s", ctx->name, line, column, path,
			 value ? value : "", value ? ": " : "");

	if (n > 0 && (size_t)n < size)
		vsnprintf(buf + n, size - (size_t)n, fmt, args);
	/* A key may be any text: one error stays one printable line. */
	for (; *buf != '\0'; buf++)
		if (!isascii((unsigned char)*buf) || !isprint((unsigned char)*buf))
			*buf = '?';
}

int config_fail_node(struct config_ctx *ctx,
		     const struct config_node *node,
		     const char *path,
		     const char *fmt,
		     ...)
{
	char value[VALUE_LEN];
	va_list args;

	value_format(node, value, sizeof(value));
	va_start(args, fmt);
	line_format(ctx, ctx->err->text, sizeof(ctx->err->text), node->line, node->column, path,
		    value, fmt, args);
	va_end(args);
	return -EINVAL;
}

int config_fail_key(struct config_ctx *ctx,
		    const struct config_node *node,
		    const char *path,
		    const char *fmt,
		    ...)
{
	bool has_key = node->key_line > 0;
	va_list args;

	va_start(args, fmt);
	line_format(ctx, ctx->err->text, sizeof(ctx->err->text),
		    has_key ? node->key_line : node->line,
		    has_key ? node->key_column : node->column, path, NULL, fmt, args);
	va_end(args);
	return -EINVAL;
}

/* For checks: the place and, where the document gives one, the value of a path. */
static void path_format(const struct config_ctx *ctx,
			char *buf,
			size_t size,
			const char *path,
			const char *fmt,
			va_list args)
{
	const struct config_node *node = config_tree_find(&ctx->tree, path);
	char value[VALUE_LEN];

	if (node->kind == CONFIG_SCALAR)
		value_format(node, value, sizeof(value));
	line_format(ctx, buf, size, node->line, node->column, path,
		    node->kind == CONFIG_SCALAR ? value : NULL, fmt, args);
}

int config_fail(struct config_ctx *ctx, const char *path, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	path_format(ctx, ctx->err->text, sizeof(ctx->err->text), path, fmt, args);
	va_end(args);
	return -EINVAL;
}

int config_warn(struct config_ctx *ctx, const char *path, const char *fmt, ...)
{
	struct config *config = ctx->config;
	char text[sizeof(ctx->err->text)];
	char **warnings;
	va_list args;

	if (config->warning_count == CONFIG_WARNINGS_MAX)
		return 0;
	va_start(args, fmt);
	path_format(ctx, text, sizeof(text), path, fmt, args);
	va_end(args);
	warnings = reallocarray(config->warnings, config->warning_count + 1, sizeof(*warnings));
	if (warnings == NULL)
		return config_fail_memory(ctx);
	config->warnings = warnings;
	warnings[config->warning_count] = strdup(text);
	if (warnings[config->warning_count] == NULL)
		return config_fail_memory(ctx);
	config->warning_count++;
	return 0;
}

int config_fail_memory(struct config_ctx *ctx)
{
	snprintf(ctx->err->text, sizeof(ctx->err->text), "%s: out of memory", ctx->name);
	return -ENOMEM;
}
