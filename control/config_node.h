/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * A YAML document as a tree of scalars, lists and mappings, each with its place in the file. Knows
 * nothing of what the keys mean. Context: any.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

#define CONFIG_BYTES_MAX (4u * 1024 * 1024)
#define CONFIG_DEPTH_MAX 8       /* lists and mappings inside each other; the schema needs 6 */
#define CONFIG_NODES_MAX 1000000 /* 100,000 routes fit */

enum config_kind { CONFIG_SCALAR, CONFIG_LIST, CONFIG_MAP };

struct config_node {
	enum config_kind kind;
	uint32_t line; /* of the value, from 1 */
	uint32_t column;
	uint32_t key_line; /* of the key, for what is inside a mapping */
	uint32_t key_column;
	uint32_t count;   /* of the children */
	const char *key;  /* NULL outside a mapping */
	const char *text; /* of a scalar */
	struct config_node *first;
	struct config_node *last;
	struct config_node *next;
};

struct config_chunk;

/* Owns its nodes and their texts. */
struct config_tree {
	struct config_node *root; /* a mapping; without children when the document is empty */
	uint32_t node_count;
	struct config_chunk *chunks;
};

/* -EINVAL with *err filled, -ENOMEM. The tree is to be freed in either case. */
int config_tree_parse(struct config_tree *tree,
		      const char *name,
		      const char *text,
		      size_t len,
		      struct config_error *err);
void config_tree_free(struct config_tree *tree);

/*
 * The node at a path like "tunnels[2].nhrp.map[0].nbma"; where the document says less, the deepest
 * node that it has. Never NULL.
 */
const struct config_node *config_tree_find(const struct config_tree *tree, const char *path);
