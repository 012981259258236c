/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration and files that are no text, too large, too deep, or not there. */
#include "config_fixture.h"

#include "control/config_node.h"

static void nul_byte(void **state)
{
	static const char text[] = "ports: []\n\0x: 1\n";
	struct config_error err;

	(void)state;
	assert_null(config_parse("x", text, sizeof(text) - 1, &err));
	assert_string_equal(err.text, "x:2:1: YAML: control characters are not allowed");
}

static void size_limit(void **state)
{
	char *text = malloc(CONFIG_BYTES_MAX + 1);
	struct config_error err;

	(void)state;
	memset(text, '#', CONFIG_BYTES_MAX + 1);
	assert_null(config_parse("x", text, CONFIG_BYTES_MAX + 1, &err));
	assert_string_equal(err.text, "x: 4194305 bytes (limit 4194304)");
	assert_null(config_parse("x", text, CONFIG_BYTES_MAX, &err));
	assert_string_equal(err.text, "x:1:1: ports: missing: list of at most 16, each: mapping");
	free(text);
}

static void node_limit(void **state)
{
	char *text = malloc(CONFIG_BYTES_MAX), *at = text;
	struct config_error err;

	(void)state;
	at += sprintf(at, "a: [");
	for (unsigned i = 0; i < CONFIG_NODES_MAX; i++, at += 2)
		memcpy(at, "1,", 2);
	at += sprintf(at, "]\n");
	assert_null(config_parse("x", text, (size_t)(at - text), &err));
	assert_string_equal(err.text, "x:1:2000001: too many values (limit 1000000)");
	free(text);
}

static void long_value_is_clipped(void **state)
{
	char text[2000], *at = text;
	struct config_error err;

	(void)state;
	at += sprintf(at, "ports: ");
	memset(at, 'x', 1000);
	strcpy(at + 1000, "\n");
	assert_null(config_parse("x", text, strlen(text), &err));
	assert_string_equal(err.text,
			    "x:1:8: ports: "
			    "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\": "
			    "list of at most 16, each: mapping");
	/* A key is repeated, too. */
	memset(text, 'k', 1000);
	strcpy(text + 1000, ": 1\n");
	assert_null(config_parse("x", text, strlen(text), &err));
	assert_true(strlen(err.text) < sizeof(err.text));
	assert_non_null(strstr(err.text, "unknown key"));
}

static void files(void **state)
{
	struct config_error err;

	(void)state;
	assert_null(config_load("/nonexistent/hub.yaml", &err));
	assert_string_equal(err.text, "/nonexistent/hub.yaml: open: No such file or directory");
	assert_null(config_load("/", &err));
	assert_string_equal(err.text, "/: read: Is a directory");
	assert_null(config_load("/dev/zero", &err));
	assert_string_equal(err.text, "/dev/zero: 4194305 bytes (limit 4194304)");
	assert_null(config_load("/dev/null", &err));
	assert_string_equal(err.text,
			    "/dev/null:1:1: ports: missing: list of at most 16, each: mapping");
}

/* 31 different groups of the multicast map, however many rows, and "all" besides. */
static void multicast_groups_limit(void **state)
{
	char rows[64 * 64], *at = rows, *text;
	struct config_error err;
	struct config *config;

	(void)state;
	at += sprintf(at, "multicast-map: [{nbma: dynamic}");
	for (unsigned i = 0; i < 62; i++)
		at += sprintf(at, ", {nbma: 192.0.2.%u, group: 239.%u.0.0/16}", 40 + i, i % 31);
	strcpy(at, "]");
	text = text_changed("holdtime: 600", rows);
	config = config_parse("x", text, strlen(text), &err);
	assert_non_null(config);
	assert_int_equal(config->tunnels[0].nhrp.multicast_map_count, 63);
	assert_true(config->tunnels[0].nhrp.multicast_dynamic);
	config_free(config);
	free(text);
	strcpy(at, ", {nbma: dynamic, group: 239.31.0.0/16}]");
	text = text_changed("holdtime: 600", rows);
	assert_null(config_parse("x", text, strlen(text), &err));
	assert_non_null(strstr(err.text, "tunnels[0].nhrp.multicast-map[63].group: "
					 "\"239.31.0.0/16\": at most 31 different groups in a "
					 "tunnel"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nul_byte),   cmocka_unit_test(size_limit),
		cmocka_unit_test(node_limit), cmocka_unit_test(long_value_is_clipped),
		cmocka_unit_test(files),      cmocka_unit_test(multicast_groups_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
