/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's server and handlers over a socketpair, with a fake hub behind it: what each method
 * says, pages, framing, and what a client that does not read can cost.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "api_client.h"
#include "api_fakes.h"
#include "control/api/api_priv.h"
#include "control/events.h"
#include "dataplane/dp_stats.h"

static struct event_base *base;
static struct api *api;
static struct client client;

static void client_connect(struct client *c)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(api_client_add(api, fds[0]), 0);
	client_init(c, base, fds[1]);
}

static int setup(void **state)
{
	(void)state;
	fake_hub = (struct fake_hub){.spokes = 3, .bindings = 4, .routes = 3, .workers = 2};
	event_reset();
	base = event_base_new();
	api = api_new(base, fake_sources());
	client_connect(&client);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	client_fini(&client);
	api_stop(api);
	event_base_free(base);
	return 0;
}

/* ---- what the methods say ---- */

struct row {
	const char *method;
	const char *params;
	const char *want; /* is contained in the result */
};

static const struct row rows[] = {
	{"system.info", "{}",
	 "{'name':'dmvpn-hub','config':'/etc/hub.yaml','api':{'clients':1,'clients_max':32},"
	 "'dataplane':{'dpdk_version':'DPDK 22.11','workers':2,'mbufs':4096,'mbufs_in_use':17,"
	 "'huge_pages':false,'idle':'poll','limits':{'tunnels':4,'spokes':10000}},"
	 "'state_file':{'path':'/var/lib/state.json','restored':7,'expired':2,'written':4,"
	 "'dropped':{'no-tunnel':1},'failed':0,'bindings':9,'bytes':5000,"
	 "'last_written':'2026-11-23T08:00:00.123Z'},"
	 "'tables':{'spokes':{'used':3,'max':10000,'full':3},'nhrp':{'used':4,'max':100000},"
	 "'routes':{'used':3,'max':1000}}}"},
	{"spoke.list", "{}",
	 "{'next':null,'spokes_used':3,'spokes_max':10000,'full':3,'spokes':["
	 "{'interface':'Tunnel100','nbma':'198.51.100.0','natt_port':0,'state':'UP',"
	 "'attributes':'S','entries':1,'reason':'registered','rx_pkts':10,'rx_bytes':0,"
	 "'tx_pkts':0,'tx_bytes':1000,'protocol':['10.0.0.3','10.0.0.0']},"
	 "{'nbma':'198.51.100.1','state':'NHRP','attributes':'D','protocol':['10.0.0.1']},"
	 "{'nbma':'198.51.100.2','natt_port':4500,'attributes':'DN','rx_pkts':30}]}"},
	{"nhrp.list", "{}",
	 "{'next':null,'entries_used':4,'entries_max':100000,'entries':["
	 "{'interface':'Tunnel100','target':'10.0.0.0/32','protocol':'10.0.0.0','type':'static',"
	 "'flags':['registered'],'nbma':'198.51.100.0','claimed_nbma':null,'expires_s':null,"
	 "'holding_s':0,'mtu':null,'requesters':[],'requesters_count':0},"
	 "{'target':'10.0.0.1/32','type':'dynamic','holding_s':600,"
	 "'flags':['registered','used'],'requesters_count':2,'requesters':["
	 "{'protocol':'10.0.0.9','request_id':798},"
	 "{'protocol':'10.0.0.8','request_id':4294967295}]},"
	 "{'target':'10.0.0.2/32','flags':['registered','nat'],'nbma':'198.51.100.2',"
	 "'claimed_nbma':'192.168.0.2','natt_port':4500},"
	 "{'target':'10.0.0.3/32','nbma':'198.51.100.0'}]}"},
	{"nhs.list", "{}",
	 "{'next':null,'nhs':[{'interface':'Tunnel100','nbma':'198.51.100.1',"
	 "'protocol':'10.0.0.99','dynamic':false,'priority':0,'state':'responding','sent':3,"
	 "'answered':2,'refused':1,'refusal':'code-4','observed_nbma':'198.51.100.7',"
	 "'unanswered':0},{'nbma':'198.51.100.2','protocol':null,'dynamic':true,'priority':5,"
	 "'state':'waiting','next_s':null,'refusal':null,'observed_nbma':null}]}"},
	{"nhrp.traffic", "{\"limit\":2}",
	 "{'next':'3','counters':[{'counter':'counter-0','pkts':0},"
	 "{'counter':'counter-2','pkts':4}]}"},
	{"route.list", "{}",
	 "{'next':null,'vrf':0,'routes':[{'prefix':'0.0.0.0/0','type':'gateway',"
	 "'interface':'wan0','gateway':'10.0.0.0','bound':false},"
	 "{'prefix':'10.1.1.0/24','type':'blackhole','interface':null,'gateway':null,'bound':null},"
	 "{'prefix':'10.1.2.0/24','type':'gateway','interface':'Tunnel100','bound':true}],"
	 "'routes_used':3,'routes_max':1000,'kernel':{'routes':12,'ignored':4,'recursive':1,"
	 "'entries_max':2000},'refused':[{'prefix':'198.51.100.0/24','metric':20,"
	 "'type':'gateway','interface':'Tunnel100','gateway':'10.0.0.9','reason':'recursive'}]}"},
	{"port.list", "{}",
	 "{'next':null,'ports':[{'name':'wan0','role':'underlay','link':'up',"
	 "'mac':'02:00:00:00:00:ab','mtu':1500,'addresses':['192.0.2.1/24'],"
	 "'device':'net_af_packet0,iface=veth0','driver':'net_af_packet','rx_queues':1,"
	 "'tx_queues':2,'rx_offloads':['ipv4-cksum','rss-hash'],'tx_offloads':[],"
	 "'rx_pkts':1000,'tx_errors':7,'rx_missed':0,'twin':{'to_kernel_pkts':5,"
	 "'to_kernel_drops':0,'from_kernel_pkts':0,'from_kernel_drops':6}}]}"},
	{"tunnel.list", "{}",
	 "{'next':null,'tunnels':[{'name':'Tunnel100','source':'192.0.2.1','key':4294967295,"
	 "'mtu':1400,'network_id':100,'spokes':3,'spokes_up':2,'addresses':['10.0.0.1/16'],"
	 "'holdtime_s':7200,'static_maps':1,'twin':null,'rx_pkts':11,'rx_bytes':1100,"
	 "'tx_pkts':22,'tx_bytes':2200,'stranger_rx_pkts':1,'stranger_rx_bytes':100,"
	 "'mcast_dynamic':false,'mcast_lan_groups':[],'mcast_members':3,'mcast_pkts':4,"
	 "'mcast_copies':12,'mcast_full':1,'mcast_nobody':2,'mcast_too_long':0}]}"},
	{"worker.list", "{}",
	 "{'next':null,'workers':[{'worker':0,'lcore':1,'online':true,'rx_pkts':100,'balance':-1,"
	 "'busy_turns':20,'cycles_per_busy_turn':250.0,'cycles_per_pkt':50.0,"
	 "'pkts_per_busy_turn':5.0,'held_pkts':0,'up_cycles':40000,'stuck':false,'load_pct':12.5,"
	 "'cycles_per_pkt_1s':210},{'worker':1,'lcore':2,'stuck':true,'load_pct':null,"
	 "'cycles_per_pkt_1s':null}]}"},
	{"worker.list", "{\"cursor\":\"1\"}", "{'next':null,'workers':[{'worker':1}]}"},
	{"drop.list", "{\"limit\":2}",
	 "{'next':'2','drops':[{'reason':'runt','pkts':1,'workers_pkts':[0,1],"
	 "'help':'frame shorter than the headers it announces'},"
	 "{'reason':'vlan','pkts':3,'workers_pkts':[1,2]}]}"},
	{"event.list", "{}", "{'next':null,'events':[],'last_seq':0,'counters':{}}"},
};

/* JSON with ' for ", to be readable in C. */
static json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_t *value;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	value = json_loads(copy, 0, NULL);
	assert_non_null(value);
	free(copy);
	return value;
}

static json_t *call(struct client *c, const char *method, const char *params)
{
	json_t *answer, *result;
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	answer = client_ask(c, line);
	result = json_incref(json_object_get(answer, "result"));
	if (!result)
		print_error("%s\n", json_dumps(answer, 0));
	assert_non_null(result);
	json_decref(answer);
	return result;
}

static void test_methods(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *result = call(&client, rows[i].method, rows[i].params);
		json_t *want = json_of(rows[i].want);

		if (!json_contains(result, want))
			print_error("%s\n", json_dumps(result, 0));
		assert_true(json_contains(result, want));
		json_decref(result);
		json_decref(want);
	}
}

/* The table is whole: each method answers, says what it is for, and takes the page of the others.
 */
static void test_method_table(void **state)
{
	json_t *list = call(&client, "system.methods", "{}"), *row, *result;
	size_t i;

	(void)state;
	assert_int_equal(json_array_size(json_object_get(list, "methods")), 15);
	json_array_foreach(json_object_get(list, "methods"), i, row)
	{
		const char *name = json_string_value(json_object_get(row, "name"));

		assert_true(json_string_length(json_object_get(row, "help")) > 10);
		if (strcmp(name, "sa.add") == 0 || strcmp(name, "sa.delete") == 0)
			continue; /* those that change something: test_api_sas */
		result = call(&client, name, "{}");
		assert_true(json_is_object(result));
		json_decref(result);
	}
	json_decref(list);
}

/* A daemon that has not come that far yet: lists are empty, nothing crashes. */
static void test_without_nhrp(void **state)
{
	struct api_sources sources = {.config = fake_sources()->config};
	json_t *result;
	struct client c;
	int fds[2];

	(void)state;
	api_stop(api);
	api = api_new(base, &sources);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(api_client_add(api, fds[0]), 0);
	client_init(&c, base, fds[1]);
	result = call(&c, "spoke.list", "{}");
	assert_int_equal(json_array_size(json_object_get(result, "spokes")), 0);
	json_decref(result);
	result = call(&c, "nhrp.list", "{}");
	assert_int_equal(json_array_size(json_object_get(result, "entries")), 0);
	json_decref(result);
	result = call(&c, "tunnel.list", "{}");
	json_decref(result);
	client_fini(&c);
}

/* ---- pages ---- */

/* Reads a list to its end; returns the rows, and in how many pages they came. */
static json_t *read_all(const char *method, const char *key, unsigned limit, unsigned *pages)
{
	char params[128] = "{}";
	json_t *all = json_array(), *page;
	const char *next;

	snprintf(params, sizeof(params), "{\"limit\":%u}", limit);
	for (*pages = 0;; (*pages)++) {
		page = call(&client, method, params);
		assert_true(json_array_size(json_object_get(page, key)) <= limit);
		json_array_extend(all, json_object_get(page, key));
		next = json_string_value(json_object_get(page, "next"));
		if (!next)
			break;
		assert_int_equal(json_array_size(json_object_get(page, key)), limit);
		snprintf(params, sizeof(params), "{\"limit\":%u,\"cursor\":\"%s\"}", limit, next);
		json_decref(page);
	}
	json_decref(page);
	return all;
}

/* Every row once, in order: `member` differs between neighbours and the last one is known. */
static void check_rows(json_t *rows_all, size_t count, const char *member, const char *last)
{
	json_t *seen = json_object(), *row;
	size_t i;

	assert_int_equal(json_array_size(rows_all), count);
	json_array_foreach(rows_all, i, row)
	{
		json_object_set(seen, json_string_value(json_object_get(row, member)), row);
	}
	assert_int_equal(json_object_size(seen), count);
	row = json_array_get(rows_all, count - 1);
	assert_string_equal(json_string_value(json_object_get(row, member)), last);
	json_decref(seen);
}

static void test_pages(void **state)
{
	unsigned pages;
	json_t *all;

	(void)state;
	fake_hub.spokes = 10000;
	fake_hub.bindings = 12000;
	fake_hub.routes = 1001;
	all = read_all("spoke.list", "spokes", 200, &pages);
	check_rows(all, 10000, "nbma", "198.51.139.15");
	assert_int_equal(pages, 50);
	json_decref(all);
	all = read_all("nhrp.list", "entries", 199, &pages);
	check_rows(all, 12000, "target", "10.0.46.223/32");
	json_decref(all);
	all = read_all("route.list", "routes", 100, &pages);
	check_rows(all, 1001, "prefix", "10.4.232.0/24");
	json_decref(all);
	all = read_all("drop.list", "drops", 1, &pages);
	check_rows(all, DP_DROP_COUNT, "reason", dp_drop_key(DP_DROP_COUNT - 1));
	json_decref(all);
}

static void test_bad_cursors(void **state)
{
	static const char *const bad[][2] = {
		{"spoke.list", "x"},         {"spoke.list", "-1"},
		{"nhrp.list", "4294967296"}, {"port.list", "99999999999999999999"},
		{"event.list", "1 "},        {"route.list", "1"},
		{"route.list", "::/0"},      {"worker.list", "0x1"},
	};
	char line[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_t *want =
			json_of("{'error':{'code':-32602,'data':{'field':'cursor'}},'id':1}");
		json_t *answer;

		snprintf(line, sizeof(line),
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\","
			 "\"params\":{\"cursor\":\"%s\"}}",
			 bad[i][0], bad[i][1]);
		answer = client_ask(&client, line);
		assert_true(json_contains(answer, want));
		json_decref(answer);
		json_decref(want);
	}
}

static void test_events(void **state)
{
	json_t *result, *want;
	unsigned pages;

	(void)state;
	event_emit(EVENT_LINK_UP, "wan0", "10000 Mb/s");
	event_emit(EVENT_REG_REFUSED, "Tunnel100 \xff", "code %d\n", 4);
	result = call(&client, "event.list", "{}");
	want = json_of("{'next':null,'last_seq':2,'counters':{'link-up':{'count':1,'suppressed':0},"
		       "'registration-refused':{'count':1}},'events':[{'seq':1,'kind':'link-up',"
		       "'object':'wan0','text':'10000 Mb/s'},{'seq':2,'object':'Tunnel100 ?',"
		       "'text':'code 4?'}]}");
	assert_true(json_contains(result, want));
	json_decref(result);
	json_decref(want);
	for (int i = 0; i < EVENT_RING_LEN; i++)
		event_emit(EVENT_LINK_DOWN, "x", "%d", i);
	result = read_all("event.list", "events", 100, &pages);
	assert_int_equal(json_array_size(result), EVENT_RING_LEN);
	want = json_object_get(json_array_get(result, 0), "seq");
	assert_int_equal(json_integer_value(want), 3);
	json_decref(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_methods, setup, teardown),
		cmocka_unit_test_setup_teardown(test_method_table, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_nhrp, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_cursors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
