/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_bind: walks the document beside the rows of config_schema and fills struct config. Unknown
 * keys, keys given twice, missing keys, wrong kinds and wrong values end it with one error; absent
 * keys get their fallback through the same parser as a written value.
 *
 * Context: control; no globals.
 */
#include "config_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The path of what is being bound, grown and cut back while walking. */
struct binder {
	struct config_ctx *ctx;
	char path[CONFIG_PATH_LEN];
};

static size_t path_push_key(struct binder *b, const char *key)
{
	size_t len = strlen(b->path);

	snprintf(b->path + len, sizeof(b->path) - len, "%s%s", len > 0 ? "." : "", key);
	return len;
}

static size_t path_push_index(struct binder *b, uint32_t index)
{
	size_t len = strlen(b->path);

	snprintf(b->path + len, sizeof(b->path) - len, "[%u]", index);
	return len;
}

static unsigned distance_min(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance; both words are at most 31 characters long, longer ones are far from any key. */
static unsigned word_distance(const char *a, const char *b)
{
	unsigned row[33], la = (unsigned)strlen(a), lb = (unsigned)strlen(b), left, up;

	if (la > 31 || lb > 31)
		return 99;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		left = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			up = row[j];
			row[j] =
				distance_min(up + 1, row[j - 1] + 1, left + (a[i - 1] != b[j - 1]));
			left = up;
		}
	}
	return row[lb];
}

static int fail_unknown(struct binder *b,
			const struct config_section *section,
			const struct config_node *node)
{
	const struct config_key *best = NULL;
	unsigned d, best_d = 3;
	char known[256] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < section->key_count; i++) {
		d = word_distance(node->key, section->keys[i].name);
		if (d < best_d) {
			best_d = d;
			best = &section->keys[i];
		}
		if (n < sizeof(known))
			n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s",
					      n > 0 ? ", " : "", section->keys[i].name);
	}
	if (best != NULL)
		return config_fail_key(b->ctx, node, b->path, "unknown key, did you mean %s?",
				       best->name);
	return config_fail_key(b->ctx, node, b->path, "unknown key, known here: %s", known);
}

static int fail_value(struct binder *b,
		      const struct config_key *key,
		      const struct config_node *node)
{
	char allowed[CONFIG_DESCRIPTION_LEN];
	struct config_key one = *key;

	/* Inside a list the element is wrong, not the list. */
	if (node->kind == CONFIG_SCALAR && node->key == NULL)
		one.list_max = 0;
	if (key->type == CONFIG_WORD)
		return config_fail_key(b->ctx, node, b->path, "%s",
				       config_key_allowed(&one, allowed));
	return config_fail_node(b->ctx, node, b->path, "%s", config_key_allowed(&one, allowed));
}

static int bind_scalar(struct binder *b,
		       const struct config_key *key,
		       const struct config_node *node,
		       void *field,
		       size_t size)
{
	int rc;

	if (node->kind != CONFIG_SCALAR)
		return fail_value(b, key, node);
	rc = config_value_store(key, node->text, field, size);
	if (rc == -ENOMEM)
		return config_fail_memory(b->ctx);
	return rc < 0 ? fail_value(b, key, node) : 0;
}

static int bind_section(struct binder *b,
			const struct config_section *section,
			const struct config_node *node,
			void *base);

static int bind_one(struct binder *b,
		    const struct config_key *key,
		    const struct config_node *node,
		    void *field,
		    size_t size)
{
	if (key->type != CONFIG_SECTION)
		return bind_scalar(b, key, node, field, size);
	if (node->kind != CONFIG_MAP)
		return fail_value(b, key, node);
	return bind_section(b, key->section, node, field);
}

/* Where the elements of a list go; *elem_size is the step. NULL: out of memory. */
static char *list_room(const struct config_key *key, char *base, uint32_t count, size_t *elem_size)
{
	char *array;

	if (!key->allocated) {
		*elem_size = key->size / key->list_max;
		return base + key->offset;
	}
	*elem_size = key->size;
	array = calloc(count > 0 ? count : 1, key->size);
	if (array != NULL)
		memcpy(base + key->offset, &array, sizeof(array));
	return array;
}

static int bind_list(struct binder *b,
		     const struct config_key *key,
		     const struct config_node *node,
		     char *base)
{
	uint32_t index = 0;
	size_t cut, step;
	char *array;
	int rc;

	if (node->kind != CONFIG_LIST)
		return fail_value(b, key, node);
	if (node->count > key->list_max)
		return config_fail_node(b->ctx, node, b->path, "%u elements (limit %u)",
					node->count, key->list_max);
	if (key->required && node->count == 0)
		return config_fail_node(b->ctx, node, b->path, "at least one is required");
	array = list_room(key, base, node->count, &step);
	if (array == NULL)
		return config_fail_memory(b->ctx);
	/* Before the elements: what they allocate is freed by this count. */
	memcpy(base + key->count_offset, &node->count, sizeof(node->count));
	for (const struct config_node *c = node->first; c != NULL; c = c->next, index++) {
		cut = path_push_index(b, index);
		rc = bind_one(b, key, c, array + index * step, step);
		if (rc < 0)
			return rc;
		b->path[cut] = '\0';
	}
	return 0;
}

static int bind_unavailable(struct binder *b,
			    const struct config_key *key,
			    const struct config_node *node)
{
	const char *nothing = key->fallback;

	if (nothing != NULL && node->kind == CONFIG_LIST && node->count == 0 &&
	    strcmp(nothing, "[]") == 0)
		return 0;
	if (nothing != NULL && node->kind == CONFIG_SCALAR && strcmp(nothing, node->text) == 0)
		return 0;
	return fail_value(b, key, node);
}

static int bind_key(struct binder *b,
		    const struct config_key *key,
		    const struct config_node *node,
		    char *base)
{
	bool given = true;

	if (key->type == CONFIG_UNAVAILABLE)
		return bind_unavailable(b, key, node);
	if (key->given_offset != 0)
		memcpy(base + key->given_offset, &given, sizeof(given));
	if (key->list_max > 0)
		return bind_list(b, key, node, base);
	return bind_one(b, key, node, base + key->offset, key->size);
}

/* An absent key: its fallback as if it had been written here. */
static int bind_absent(struct binder *b,
		       const struct config_key *key,
		       const struct config_node *section_node,
		       char *base)
{
	struct config_node element = {.kind = CONFIG_SCALAR, .text = key->fallback};
	struct config_node absent = {.line = section_node->line, .column = section_node->column};
	char allowed[CONFIG_DESCRIPTION_LEN];

	absent.key = key->name;
	if (key->required)
		return config_fail_key(b->ctx, section_node, b->path, "missing: %s",
				       config_key_allowed(key, allowed));
	if (key->type == CONFIG_UNAVAILABLE)
		return 0;
	if (key->type == CONFIG_SECTION && key->list_max == 0) {
		absent.kind = CONFIG_MAP;
		return bind_section(b, key->section, &absent, base + key->offset);
	}
	if (key->fallback == NULL)
		return 0;
	absent.kind = key->list_max > 0 ? CONFIG_LIST : CONFIG_SCALAR;
	absent.text = key->fallback;
	absent.count = 1;
	absent.first = &element;
	/* Not bind_key: the key was not given. */
	return key->list_max > 0 ? bind_list(b, key, &absent, base)
				 : bind_one(b, key, &absent, base + key->offset, key->size);
}

static const struct config_key *key_find(const struct config_section *section, const char *name)
{
	for (uint32_t i = 0; i < section->key_count; i++)
		if (strcmp(section->keys[i].name, name) == 0)
			return &section->keys[i];
	return NULL;
}

static int bind_present(struct binder *b,
			const struct config_section *section,
			const struct config_node *node,
			const struct config_node **seen,
			char *base)
{
	const struct config_key *key;
	size_t cut;
	int rc;

	for (const struct config_node *c = node->first; c != NULL; c = c->next) {
		cut = path_push_key(b, c->key);
		key = key_find(section, c->key);
		if (key == NULL)
			return fail_unknown(b, section, c);
		if (seen[key - section->keys] != NULL)
			return config_fail_key(b->ctx, c, b->path, "given twice, first in line %u",
					       seen[key - section->keys]->key_line);
		seen[key - section->keys] = c;
		rc = bind_key(b, key, c, base);
		if (rc < 0)
			return rc;
		b->path[cut] = '\0';
	}
	return 0;
}

static int bind_section(struct binder *b,
			const struct config_section *section,
			const struct config_node *node,
			void *base)
{
	const struct config_node *seen[CONFIG_KEYS_MAX] = {NULL};
	size_t cut;
	int rc;

	rc = bind_present(b, section, node, seen, base);
	for (uint32_t i = 0; rc == 0 && i < section->key_count; i++) {
		if (seen[i] != NULL)
			continue;
		cut = path_push_key(b, section->keys[i].name);
		rc = bind_absent(b, &section->keys[i], node, base);
		if (rc == 0)
			b->path[cut] = '\0';
	}
	return rc;
}

int config_bind(struct config_ctx *ctx)
{
	struct binder b = {.ctx = ctx};

	return bind_section(&b, config_schema(), ctx->tree.root, ctx->config);
}
