/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_node: libyaml's events become a tree of nodes with line and column. What a configuration
 * needs of YAML is accepted: one document of mappings, lists and scalars. Anchors, aliases and tags
 * are refused, so nothing in the file stands for something that is not written there; size, depth
 * and number of nodes are bounded.
 *
 * Nodes and texts live in chunks of the tree and go with it. No globals: any thread, one tree each.
 */
#include "config_node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#define CHUNK_BYTES (64 * 1024)
#define ALIGNMENT   sizeof(void *)
#define TEXT_OF(n)  #n
#define LIMIT(n)    " (limit " TEXT_OF(n) ")"

struct config_chunk {
	struct config_chunk *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) char bytes[];
};

struct builder {
	const char *name; /* of the file */
	const char *text;
	size_t len;
	struct config_tree *tree;
	struct config_error *err;
	struct config_node *open[CONFIG_DEPTH_MAX]; /* lists and mappings not ended yet */
	unsigned depth;
	bool has_key; /* a key waits for its value: it is in key */
	bool done;
	unsigned documents;
	const char *key;
	yaml_mark_t key_mark;
};

static void *tree_alloc(struct config_tree *tree, size_t bytes)
{
	struct config_chunk *chunk = tree->chunks;
	size_t size;
	void *p;

	bytes = (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (chunk == NULL || chunk->size - chunk->used < bytes) {
		size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
		chunk = malloc(sizeof(*chunk) + size);
		if (chunk == NULL)
			return NULL;
		chunk->size = size;
		chunk->used = 0;
		chunk->next = tree->chunks;
		tree->chunks = chunk;
	}
	p = chunk->bytes + chunk->used;
	chunk->used += bytes;
	return p;
}

static int refuse(struct builder *b, size_t line, size_t column, const char *what)
{
	snprintf(b->err->text, sizeof(b->err->text), "%s:%zu:%zu: %s", b->name, line, column, what);
	return -EINVAL;
}

static int refuse_mark(struct builder *b, const yaml_mark_t *mark, const char *what)
{
	return refuse(b, mark->line + 1, mark->column + 1, what);
}

static int out_of_memory(struct builder *b)
{
	snprintf(b->err->text, sizeof(b->err->text), "%s: out of memory", b->name);
	return -ENOMEM;
}

/* A copy of a scalar's bytes; NULL with the error set. */
static const char *scalar_copy(struct builder *b, const yaml_event_t *event, int *rc)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	char *copy;

	if (memchr(value, '\0', len) != NULL) {
		*rc = refuse_mark(b, &event->start_mark, "a NUL character is not allowed");
		return NULL;
	}
	copy = tree_alloc(b->tree, len + 1);
	if (copy == NULL) {
		*rc = out_of_memory(b);
		return NULL;
	}
	memcpy(copy, value, len);
	copy[len] = '\0';
	return copy;
}

/* A node of this kind, appended to what is open. */
static int node_add(struct builder *b,
		    enum config_kind kind,
		    const yaml_mark_t *mark,
		    const char *text)
{
	struct config_node *parent = b->depth > 0 ? b->open[b->depth - 1] : NULL;
	struct config_node *node;

	if (parent == NULL && kind != CONFIG_MAP)
		return refuse_mark(b, mark, "the document must be a mapping (key: value)");
	if (kind != CONFIG_SCALAR && b->depth == CONFIG_DEPTH_MAX)
		return refuse_mark(b, mark, "nested too deeply" LIMIT(CONFIG_DEPTH_MAX));
	if (b->tree->node_count == CONFIG_NODES_MAX)
		return refuse_mark(b, mark, "too many values" LIMIT(CONFIG_NODES_MAX));
	node = tree_alloc(b->tree, sizeof(*node));
	if (node == NULL)
		return out_of_memory(b);
	*node = (struct config_node){.kind = kind,
				     .line = (uint32_t)mark->line + 1,
				     .column = (uint32_t)mark->column + 1,
				     .text = text};
	b->tree->node_count++;
	if (b->has_key) {
		node->key = b->key;
		node->key_line = (uint32_t)b->key_mark.line + 1;
		node->key_column = (uint32_t)b->key_mark.column + 1;
		b->has_key = false;
	}
	if (parent == NULL)
		b->tree->root = node;
	else if (parent->first == NULL)
		parent->first = node;
	else
		parent->last->next = node;
	if (parent != NULL) {
		parent->last = node;
		parent->count++;
	}
	if (kind != CONFIG_SCALAR)
		b->open[b->depth++] = node;
	return 0;
}

static bool key_expected(const struct builder *b)
{
	return b->depth > 0 && b->open[b->depth - 1]->kind == CONFIG_MAP && !b->has_key;
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
	bool key = key_expected(b);
	const char *text;
	int rc = 0;

	if (event->data.scalar.anchor != NULL)
		return refuse_mark(b, &event->start_mark, "anchors are not allowed");
	if (event->data.scalar.tag != NULL)
		return refuse_mark(b, &event->start_mark, "tags are not allowed");
	/* An empty or comment-only document is one empty scalar. */
	if (b->depth == 0 && event->data.scalar.length == 0)
		return 0;
	text = scalar_copy(b, event, &rc);
	if (text == NULL)
		return rc;
	if (!key)
		return node_add(b, CONFIG_SCALAR, &event->start_mark, text);
	b->key = text;
	b->key_mark = event->start_mark;
	b->has_key = true;
	return 0;
}

static int on_open(struct builder *b,
		   enum config_kind kind,
		   const yaml_event_t *event,
		   const yaml_char_t *anchor,
		   const yaml_char_t *tag)
{
	if (anchor != NULL)
		return refuse_mark(b, &event->start_mark, "anchors are not allowed");
	if (tag != NULL)
		return refuse_mark(b, &event->start_mark, "tags are not allowed");
	if (key_expected(b))
		return refuse_mark(b, &event->start_mark, "a key must be a word");
	return node_add(b, kind, &event->start_mark, NULL);
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return on_open(b, CONFIG_LIST, event, event->data.sequence_start.anchor,
			       event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return on_open(b, CONFIG_MAP, event, event->data.mapping_start.anchor,
			       event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return refuse_mark(b, &event->start_mark, "aliases are not allowed");
	case YAML_DOCUMENT_START_EVENT:
		if (++b->documents > 1)
			return refuse_mark(b, &event->start_mark, "only one document is allowed");
		return 0;
	case YAML_STREAM_END_EVENT:
		b->done = true;
		return 0;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	}
	return 0;
}

/* The byte at a mark. Columns count characters, which are bytes as long as a tab is looked for. */
static char byte_at(const struct builder *b, const yaml_mark_t *mark)
{
	size_t at = 0;

	for (size_t line = 0; line < mark->line && at < b->len; at++)
		line += b->text[at] == '\n';
	at += mark->column;
	return at < b->len ? b->text[at] : '\0';
}

/* The reader knows only the byte where it stopped; the scanner and the parser know the mark. */
static int syntax_error(struct builder *b, const yaml_parser_t *parser)
{
	size_t end = parser->problem_offset < b->len ? parser->problem_offset : b->len;
	size_t line = 1, column = 1;
	char what[256];

	if (parser->error == YAML_MEMORY_ERROR)
		return out_of_memory(b);
	snprintf(what, sizeof(what), "YAML: %s%s%s", parser->problem ? parser->problem : "error",
		 parser->context ? " " : "", parser->context ? parser->context : "");
	if (parser->error == YAML_SCANNER_ERROR && byte_at(b, &parser->problem_mark) == '\t')
		return refuse_mark(b, &parser->problem_mark,
				   "a tab is not allowed here, use spaces");
	if (parser->error != YAML_READER_ERROR)
		return refuse_mark(b, &parser->problem_mark, what);
	for (size_t i = 0; i < end; i++) {
		if (b->text[i] == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)b->text[i] & 0xc0) != 0x80) {
			column++; /* characters, as the marks count: not the tails of UTF-8 */
		}
	}
	return refuse(b, line, column, what);
}

static int build(struct builder *b, yaml_parser_t *parser)
{
	yaml_event_t event;
	int rc = 0;

	while (rc == 0 && !b->done) {
		if (!yaml_parser_parse(parser, &event))
			return syntax_error(b, parser);
		rc = on_event(b, &event);
		yaml_event_delete(&event);
	}
	return rc;
}

int config_tree_parse(struct config_tree *tree,
		      const char *name,
		      const char *text,
		      size_t len,
		      struct config_error *err)
{
	struct builder b = {.name = name, .text = text, .len = len, .tree = tree, .err = err};
	static const yaml_mark_t top;
	yaml_parser_t parser;
	int rc;

	memset(tree, 0, sizeof(*tree));
	if (len > CONFIG_BYTES_MAX) {
		snprintf(err->text, sizeof(err->text), "%s: %zu bytes (limit %u)", name, len,
			 CONFIG_BYTES_MAX);
		return -EINVAL;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
		b.text = text;
		b.len = len;
	}
	if (!yaml_parser_initialize(&parser))
		return out_of_memory(&b);
	/* Otherwise a byte order mark would let UTF-16 in. */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	rc = build(&b, &parser);
	yaml_parser_delete(&parser);
	if (rc == 0 && tree->root == NULL)
		rc = node_add(&b, CONFIG_MAP, &top, NULL);
	return rc;
}

void config_tree_free(struct config_tree *tree)
{
	struct config_chunk *chunk, *next;

	for (chunk = tree->chunks; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	memset(tree, 0, sizeof(*tree));
}

static const struct config_node *child_by_key(const struct config_node *n,
					      const char *key,
					      size_t len)
{
	for (const struct config_node *c = n->first; c != NULL; c = c->next)
		if (c->key != NULL && strncmp(c->key, key, len) == 0 && c->key[len] == '\0')
			return c;
	return NULL;
}

static const struct config_node *child_by_index(const struct config_node *n, unsigned long index)
{
	const struct config_node *c = n->kind == CONFIG_LIST ? n->first : NULL;

	while (c != NULL && index-- > 0)
		c = c->next;
	return c;
}

const struct config_node *config_tree_find(const struct config_tree *tree, const char *path)
{
	const struct config_node *node = tree->root, *child;
	char *end;

	while (*path != '\0') {
		if (*path == '[') {
			child = child_by_index(node, strtoul(path + 1, &end, 10));
			path = end + 1;
		} else {
			path += *path == '.';
			child = child_by_key(node, path, strcspn(path, ".["));
			path += strcspn(path, ".[");
		}
		if (child == NULL)
			return node;
		node = child;
	}
	return node;
}
