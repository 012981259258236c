/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: what a good document becomes. Errors are in test_config_errors.c; whether
 * schema, samples and man page say the same in test_config_docs.c. The machine has 4 CPUs here.
 */
#include "config_fixture.h"

#include <string.h>

#include "control/config_node.h"

static void good_document(void **state)
{
	struct config_error err;
	struct config *c = config_parse("good.yaml", GOOD, strlen(GOOD), &err);
	const struct config_tunnel *t;
	char buf[DP_PREFIX_STRLEN];

	(void)state;
	assert_string_equal(err.text, "");
	assert_non_null(c);
	assert_string_equal(c->path, "good.yaml");
	assert_int_equal(c->warning_count, 0);
	assert_int_equal(c->dataplane.worker_count, 2);
	assert_int_equal(c->dataplane.worker_lcores[1], 3);
	assert_int_equal(c->dataplane.idle, DP_IDLE_SLEEP);
	assert_int_equal(c->dataplane.huge_pages, DP_HUGE_OFF);
	assert_int_equal(c->dataplane.limits.spokes, 100);
	assert_int_equal(c->dataplane.limits.routes, 65536);
	assert_string_equal(c->control_socket, "/tmp/hub.sock");
	assert_string_equal(c->control_group, "dmvpn");
	assert_int_equal(c->port_count, 2);
	assert_string_equal(c->ports[0].dp.device, "net_af_packet0,iface=v-wan");
	assert_int_equal(c->ports[0].dp.role, DP_PORT_UNDERLAY);
	assert_int_equal(c->ports[0].dp.mtu, 1500);
	assert_string_equal(dp_prefix_format(&c->ports[1].addresses[0], buf), "10.1.1.1/24");
	assert_int_equal(c->route_count, 3);
	assert_int_equal(c->routes[0].iface.kind, DP_IFACE_PORT);
	assert_int_equal(c->routes[0].iface.id, 0);
	assert_int_equal(c->routes[1].iface.kind, DP_IFACE_TUNNEL);
	assert_true(c->routes[2].blackhole);
	assert_int_equal(c->tunnel_count, 2);
	t = &c->tunnels[0];
	assert_string_equal(dp_addr_format(&t->source, buf), "192.0.2.1");
	assert_int_equal(t->source_port, 0);
	assert_true(t->has_key);
	assert_int_equal(t->key, 42);
	assert_int_equal(t->ttl, 64);
	assert_int_equal(t->nhrp.holdtime_s, 600);
	assert_int_equal(t->nhrp.redirect_interval_s, 8);
	assert_true(t->nhrp.install_routes);
	assert_true(t->nhrp.redirect);
	assert_int_equal(t->nhrp.map_count, 1);
	assert_string_equal(dp_addr_format(&t->nhrp.maps[0].nbma, buf), "192.0.2.31");
	assert_string_equal(dp_addr_format(&c->tunnels[1].source, buf), "192.0.2.1");
	assert_false(c->tunnels[1].has_key);
	config_free(c);
}

static void derived_values(void **state)
{
	struct config *c = parse_changed("mtu: 1500", "mtu: 9000");

	(void)state;
	assert_int_equal(c->dataplane.mtu_max, 9000);
	/* wan0: 3 rx + 2 tx queues of 512; lan0: one rx queue per worker + 2 tx of 1024. */
	assert_int_equal(c->dataplane.descriptors_sum, 5 * 512 + 4 * 1024);
	config_free(c);
}

static void defaults(void **state)
{
	static const char text[] = "ports: [{name: a, device: '0000:3b:00.0', role: both}]\n";
	struct config_error err;
	struct config *c = config_parse("x", text, strlen(text), &err);

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->dataplane.control_lcore, 0);
	assert_int_equal(c->dataplane.worker_count, 1);
	assert_int_equal(c->dataplane.worker_lcores[0], 1);
	assert_int_equal(c->dataplane.idle, DP_IDLE_POLL);
	assert_int_equal(c->dataplane.huge_pages, DP_HUGE_AUTO);
	assert_int_equal(c->dataplane.limits.tunnels, 64);
	assert_int_equal(c->dataplane.limits.spokes, 1024);
	assert_int_equal(c->dataplane.limits.nexthops, 4096);
	assert_int_equal(c->dataplane.limits.tbl8, 1024);
	assert_int_equal(c->dataplane.limits.neighbours, 2048);
	assert_string_equal(c->control_socket, "/run/dmvpn-hub/control.sock");
	assert_null(c->control_group);
	assert_int_equal(c->ports[0].dp.descriptors, 1024);
	assert_int_equal(c->ports[0].dp.queues, 0);
	assert_int_equal(c->tunnel_count, 0);
	config_free(c);
}

/* A worker may share the control core's CPU only when it sleeps. */
static void shared_cpu(void **state)
{
	struct config *c = parse_changed("worker-lcores: [1, 3]", "worker-lcores: [0]");

	(void)state;
	assert_int_equal(c->dataplane.worker_lcores[0], c->dataplane.control_lcore);
	config_free(c);
}

static void source_by_address(void **state)
{
	struct config *c = parse_changed("source: wan0", "source: 192.0.2.1");

	(void)state;
	assert_int_equal(c->tunnels[0].source_port, 0);
	config_free(c);
}

static void mtu_warning(void **state)
{
	struct config *c = parse_changed("mtu: 1400", "mtu: 1472");

	(void)state;
	assert_int_equal(c->warning_count, 0);
	config_free(c);
	c = parse_changed("mtu: 1400", "mtu: 1473");
	assert_int_equal(c->warning_count, 1);
	assert_string_equal(
		c->warnings[0],
		"good.yaml:32:10: tunnels[0].mtu: \"1473\": warning: 28 bytes of headers "
		"make it larger than the MTU of wan0 (1500); inner packets over 1472 "
		"bytes are dropped");
	config_free(c);
}

static void admission(void **state)
{
	struct config *c = parse_changed("holdtime: 600",
					 "authentication: Secret_8\n      allow: [10.2.0.0/16]\n"
					 "      max-bindings-per-spoke: 2\n      takeover: rfc");
	const struct config_nhrp *n = &c->tunnels[0].nhrp;

	(void)state;
	assert_string_equal(n->authentication, "Secret_8");
	assert_int_equal(n->allow_count, 1);
	assert_int_equal(n->allow[0].len, 16);
	assert_int_equal(n->max_bindings_per_spoke, 2);
	assert_int_equal(n->takeover, CONFIG_TAKEOVER_RFC);
	n = &c->tunnels[1].nhrp;
	assert_string_equal(n->authentication, "");
	assert_int_equal(n->allow_count, 0);
	assert_int_equal(n->max_bindings_per_spoke, 8);
	assert_int_equal(n->takeover, CONFIG_TAKEOVER_STRICT);
	config_free(c);
}

static void nobody_warning(void **state)
{
	static const char *const others[] = {
		"addresses: [10.254.0.1/31], nhrp: {",
		"addresses: [10.254.0.1/32, 10.253.0.1/24], nhrp: {",
		"addresses: [10.254.0.1/32], nhrp: {allow: [10.9.0.0/16], ",
	};
	struct config *c = parse_changed("10.254.0.1/24", "10.254.0.1/32");

	(void)state;
	assert_int_equal(c->warning_count, 1);
	assert_string_equal(c->warnings[0],
			    "good.yaml:39:41: tunnels[1].addresses: warning: no subnet, so that no "
			    "spoke can register; give the tunnel's length, with host-prefix: true "
			    "where the kernel is to have /32");
	config_free(c);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		c = parse_changed("addresses: [10.254.0.1/24], nhrp: {", others[i]);
		assert_int_equal(c->warning_count, 0);
		config_free(c);
	}
}

static void byte_order_mark_and_crlf(void **state)
{
	static const char text[] = "\xef\xbb\xbf# caf\xc3\xa9\r\nports:\r\n"
				   "  - {name: a, device: '3b:00.0', role: lan}\r\n";
	struct config_error err;
	struct config *c = config_parse("x", text, strlen(text), &err);

	(void)state;
	assert_string_equal(err.text, "");
	assert_non_null(c);
	config_free(c);
}

/* As many routes as the tables hold: checks are not quadratic, the tree is bounded. */
static void many_routes(void **state)
{
	static const char head[] = "ports: [{name: a, device: '3b:00.0', role: lan, "
				   "addresses: [192.0.2.1/24]}]\nroutes:\n";
	char *text = malloc(CONFIG_BYTES_MAX), *at = text;
	struct config_error err;
	struct config *c;

	(void)state;
	at += sprintf(at, "%s", head);
	for (unsigned i = 0; i < 60000; i++)
		at += sprintf(at, "- {prefix: 10.%u.%u.0/24, via: 192.0.2.9}\n", i / 256, i % 256);
	c = config_parse("x", text, (size_t)(at - text), &err);
	assert_string_equal(err.text, "");
	assert_int_equal(c->route_count, 60000);
	config_free(c);
	sprintf(at, "- {prefix: 10.1.1.0/24, via: 192.0.2.9}\n");
	c = config_parse("x", text, strlen(text), &err);
	assert_null(c);
	assert_string_equal(err.text,
			    "x:60003:12: routes[60000].prefix: \"10.1.1.0/24\": each prefix "
			    "once, routes[257] has this one");
	free(text);
}

/* The subnets of such a tunnel are routes, ahead of those that have their gateways there. */
static void host_prefix(void **state)
{
	struct config *c = parse_changed("addresses: [10.255.0.1/24]",
					 "addresses: [10.255.0.1/24, 10.253.0.1/32]\n"
					 "    host-prefix: true");
	char buf[DP_PREFIX_STRLEN];

	(void)state;
	assert_true(c->tunnels[0].host_prefix);
	assert_string_equal(dp_prefix_format(&c->tunnels[0].addresses[0], buf), "10.255.0.1/24");
	assert_int_equal(c->route_count, 4);
	assert_string_equal(dp_prefix_format(&c->routes[0].prefix, buf), "10.255.0.0/24");
	assert_false(dp_addr_is_set(&c->routes[0].via));
	assert_false(c->routes[0].blackhole);
	assert_int_equal(c->routes[0].iface.kind, DP_IFACE_TUNNEL);
	assert_int_equal(c->routes[0].iface.id, 0);
	assert_string_equal(dp_prefix_format(&c->routes[2].prefix, buf), "10.1.31.0/24");
	assert_true(c->routes[3].blackhole);
	assert_false(c->tunnels[1].host_prefix);
	config_free(c);
}

static void tree_find(void **state)
{
	static const char text[] = "a:\n  - b: [1, 2]\n  - c\n";
	struct config_error err;
	struct config_tree tree;

	(void)state;
	assert_int_equal(config_tree_parse(&tree, "x", text, strlen(text), &err), 0);
	assert_string_equal(config_tree_find(&tree, "a[0].b[1]")->text, "2");
	assert_int_equal(config_tree_find(&tree, "a[0].b[1]")->line, 2);
	assert_int_equal(config_tree_find(&tree, "a[0].b[1]")->column, 12);
	assert_string_equal(config_tree_find(&tree, "a[1]")->text, "c");
	assert_string_equal(config_tree_find(&tree, "a[0].none.x")->first->key, "b");
	assert_ptr_equal(config_tree_find(&tree, "none"), tree.root);
	config_tree_free(&tree);
}

/* Hubs over this one. */
static void next_hop_servers(void **state)
{
	struct config *config = parse_changed(
		"holdtime: 600", "nhs: [{nbma: 192.0.2.9, protocol: 10.255.0.9}, "
				 "{nbma: 192.0.2.8, protocol: dynamic, priority: 7}]\n"
				 "      registration-timeout: 30\n      purge-on-shutdown: true");
	const struct config_nhrp *nhrp = &config->tunnels[0].nhrp;
	char buf[DP_ADDR_STRLEN];

	(void)state;
	assert_int_equal(nhrp->nhs_count, 2);
	assert_string_equal(dp_addr_format(&nhrp->nhs[0].protocol, buf), "10.255.0.9");
	assert_int_equal(nhrp->nhs[0].priority, 0);
	assert_string_equal(dp_addr_format(&nhrp->nhs[1].nbma, buf), "192.0.2.8");
	assert_false(dp_addr_is_set(&nhrp->nhs[1].protocol));
	assert_int_equal(nhrp->nhs[1].priority, 7);
	assert_int_equal(nhrp->registration_timeout_s, 30);
	assert_true(nhrp->purge_on_shutdown);
	assert_int_equal(config->tunnels[1].nhrp.nhs_count, 0);
	assert_false(config->tunnels[1].nhrp.purge_on_shutdown);
	config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_hop_servers), cmocka_unit_test(good_document),
		cmocka_unit_test(derived_values),   cmocka_unit_test(defaults),
		cmocka_unit_test(shared_cpu),       cmocka_unit_test(source_by_address),
		cmocka_unit_test(mtu_warning),      cmocka_unit_test(admission),
		cmocka_unit_test(nobody_warning),   cmocka_unit_test(byte_order_mark_and_crlf),
		cmocka_unit_test(many_routes),      cmocka_unit_test(host_prefix),
		cmocka_unit_test(tree_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
