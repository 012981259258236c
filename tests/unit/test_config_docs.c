/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schema, samples and man page say the same: the samples parse, full.yaml has every key, and
 * dmvpnd.conf(5) has an entry with exactly the words that errors use. Run at the top of the tree's
 * sources, which the build passes as SOURCE_ROOT.
 */
#include "config_fixture.h"

#include "control/config_node.h"
#include "control/config_schema.h"

struct texts {
	char *page; /* of the man page, without backslashes */
	char *full; /* of full.yaml */
	struct config_tree tree;
	unsigned keys;
};

static char *file_text(const char *name)
{
	char path[512], *text = calloc(1, CONFIG_BYTES_MAX);
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", SOURCE_ROOT, name);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s: not there", path);
	assert_true(fread(text, 1, CONFIG_BYTES_MAX - 1, f) > 0);
	fclose(f);
	return text;
}

static void samples_parse(void **state)
{
	static const char *const names[] = {"demo.yaml", "encrypted.yaml", "full.yaml",
					    "phase1.yaml", "phase3.yaml"};
	struct config_error err;
	struct config *config;
	char path[512];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/conf/%s", SOURCE_ROOT, names[i]);
		config = config_load(path, &err);
		if (config == NULL)
			fail_msg("%s", err.text);
		assert_int_equal(config->warning_count, 0);
		config_free(config);
	}
}

/* A key somewhere under this path of the tree: any element of a list will do. */
static bool tree_has(const struct config_node *node, const char *path)
{
	size_t len = strcspn(path, ".[");
	const char *rest;

	if (*path == '\0')
		return true;
	if (strncmp(path, "[]", 2) == 0) {
		rest = path + 2 + (path[2] == '.');
		for (const struct config_node *c = node->first; c != NULL; c = c->next)
			if (tree_has(c, rest))
				return true;
		return false;
	}
	rest = path + len + (path[len] == '.');
	for (const struct config_node *c = node->first; c != NULL; c = c->next)
		if (c->key != NULL && strlen(c->key) == len && strncmp(c->key, path, len) == 0)
			return tree_has(c, rest);
	return false;
}

static void check_key(struct texts *t, const struct config_key *key, const char *path)
{
	char entry[512], commented[64], description[CONFIG_DESCRIPTION_LEN];
	bool present = tree_has(t->tree.root, path);

	snprintf(commented, sizeof(commented), "# %s: ", key->name);
	if (key->type == CONFIG_UNAVAILABLE)
		present = present || strstr(t->full, commented) != NULL;
	if (!present)
		fail_msg("conf/full.yaml has no %s", path);
	snprintf(entry, sizeof(entry), ".TP\n.B %s\n(%s)\n", path,
		 config_key_describe(key, description));
	if (strstr(t->page, entry) == NULL)
		fail_msg("dmvpnd.conf.5 does not have exactly:\n%s", entry);
	t->keys++;
}

static void walk(struct texts *t, const struct config_section *section, const char *prefix)
{
	const struct config_key *key;
	char path[256];

	assert_true(section->key_count <= CONFIG_KEYS_MAX);
	for (uint32_t i = 0; i < section->key_count; i++) {
		key = &section->keys[i];
		assert_non_null(key->help);
		snprintf(path, sizeof(path), "%s%s%s%s", prefix, *prefix ? "." : "", key->name,
			 key->type == CONFIG_SECTION && key->list_max > 0 ? "[]" : "");
		check_key(t, key, path);
		if (key->type == CONFIG_SECTION)
			walk(t, key->section, path);
	}
}

static void every_key_is_documented(void **state)
{
	struct texts t = {.page = file_text("conf/man/dmvpnd.conf.5"),
			  .full = file_text("conf/full.yaml")};
	struct config_error err;
	char *to = t.page;

	(void)state;
	for (const char *from = t.page; *from != '\0'; from++)
		if (*from != '\\')
			*to++ = *from;
	*to = '\0';
	assert_int_equal(config_tree_parse(&t.tree, "full.yaml", t.full, strlen(t.full), &err), 0);
	walk(&t, config_schema(), "");
	assert_in_range(t.keys, 40, 1000);
	config_tree_free(&t.tree);
	free(t.page);
	free(t.full);
}

/* The test above must be able to fail. */
static void tree_has_can_say_no(void **state)
{
	static const char text[] = "a: [{b: 1}, {c: {d: 2}}]\n";
	struct config_error err;
	struct config_tree tree;

	(void)state;
	assert_int_equal(config_tree_parse(&tree, "x", text, strlen(text), &err), 0);
	assert_true(tree_has(tree.root, "a[].c.d"));
	assert_true(tree_has(tree.root, "a[].b"));
	assert_false(tree_has(tree.root, "a[].d"));
	assert_false(tree_has(tree.root, "a[].bb"));
	assert_false(tree_has(tree.root, "b"));
	config_tree_free(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_parse),
		cmocka_unit_test(every_key_is_documented),
		cmocka_unit_test(tree_has_can_say_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
