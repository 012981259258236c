/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dmvpnctl: what each noun prints for a given result, and what the client makes of a daemon that
 * answers well, badly, or not at all (a child process with a script).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/dmvpnctl.h"

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

/* ---- printing ---- */

static void check_print(const char *name,
			const char *json,
			const struct ctl_options *options,
			struct ctl_rates *rates,
			const char *want)
{
	const struct ctl_noun *noun = ctl_nouns;
	json_t *result = json_of(json);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	while (noun->name && strcmp(noun->name, name) != 0)
		noun++;
	assert_non_null(noun->name);
	noun->print(out, result, options, rates);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
	json_decref(result);
}

struct row {
	const char *noun;
	const char *json;
	const char *want;
};

static const struct row rows[] = {
	{"spokes",
	 "{'spokes':[{'interface':'Tunnel100','nbma':'198.51.100.7','natt_port':4500,'protocol':"
	 "['10.0.0.7','10.0.0.8'],'state':'UP','uptime_s':65,'attributes':'DN','rx_pkts':12,"
	 "'tx_pkts':1234567,'rx_bytes':999,'tx_bytes':12345678}],'spokes_max':100}",
	 "INTERFACE  NBMA          NATT-PORT  PROTOCOL           STATE    UPTIME  ATTR  RX-PKTS  "
	 "TX-PKTS  RX-BYTES  TX-BYTES\n"
	 "Tunnel100  198.51.100.7       4500  10.0.0.7,10.0.0.8  UP     00:01:05  DN         12  "
	 "1234567       999     12.3M\n"
	 "1 spokes (at most 100)\n"},
	{"dmvpn",
	 "{'tunnels':[{'name':'Tunnel1','spokes':2},{'name':'Tunnel2','spokes':0}],'spokes':["
	 "{'interface':'Tunnel1','nbma':'172.16.31.1','natt_port':0,'entries':2,'uptime_s':93784,"
	 "'protocol':['192.168.100.31','192.168.100.32'],'state':'UP','attributes':'D'},"
	 "{'interface':'Tunnel1','nbma':'172.16.41.1','natt_port':0,'entries':0,'uptime_s':1300000,"
	 "'protocol':[],'state':'NHRP','attributes':''}]}",
	 "Legend: Attrb --> S - Static, D - Dynamic, N - NATed\n"
	 "        # Ent --> Number of NHRP entries with same NBMA peer\n"
	 "        UpDn Time --> Up or Down Time for a Tunnel\n"
	 "==========================================================================\n"
	 "\n"
	 "Interface: Tunnel1, IPv4 NHRP Details\n"
	 "Type:Hub, NHRP Peers:2,\n"
	 "\n"
	 " # Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb\n"
	 " ----- --------------- --------------- ----- -------- -----\n"
	 "     2 172.16.31.1      192.168.100.31    UP    1d02h     D\n"
	 "                        192.168.100.32\n"
	 "     0 172.16.41.1                   -  NHRP     2w1d     -\n"
	 "\n"
	 "Interface: Tunnel2, IPv4 NHRP Details\n"
	 "Type:Hub, NHRP Peers:0,\n"
	 "\n"
	 " # Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb\n"
	 " ----- --------------- --------------- ----- -------- -----\n"},
	{"nhrp",
	 "{'entries':[{'target':'192.168.100.31/32','protocol':'192.168.100.31','interface':"
	 "'Tunnel100','created_s':83044,'expires_s':5846,'type':'dynamic','flags':['unique',"
	 "'registered','nat'],'nbma':'172.16.31.1','claimed_nbma':'10.9.9.1','requesters':["
	 "{'protocol':'10.0.0.3','request_id':798},{'protocol':'10.0.0.4','request_id':"
	 "4294967295}],'requesters_count':10},{'target':"
	 "'192.168.100.1/32','protocol':'192.168.100.1','interface':'Tunnel100','created_s':1,"
	 "'expires_s':null,'type':'static','flags':[],'nbma':'172.16.1.1','claimed_nbma':null}],"
	 "'entries_max':9}",
	 "192.168.100.31/32 via 192.168.100.31\n"
	 "   Tunnel100 created 23:04:04, expire 01:37:26\n"
	 "   Type: dynamic, Flags: unique registered nat\n"
	 "   NBMA address: 172.16.31.1\n"
	 "    (Claimed NBMA address: 10.9.9.1)\n"
	 "    Requester: 10.0.0.3 Request ID: 798\n"
	 "    Requester: 10.0.0.4 Request ID: 4294967295\n"
	 "    (8 more requesters)\n"
	 "192.168.100.1/32 via 192.168.100.1\n"
	 "   Tunnel100 created 00:00:01, never expire\n"
	 "   Type: static, Flags:\n"
	 "   NBMA address: 172.16.1.1\n"
	 "2 entries (at most 9)\n"},
	{"routes",
	 "{'routes':[{'prefix':'0.0.0.0/0','type':'gateway','interface':'wan0','gateway':"
	 "'192.0.2.254','bound':true},{'prefix':'10.0.0.0/8','type':'blackhole','interface':null,"
	 "'gateway':null,'bound':null},{'prefix':'10.9.0.0/16','type':'multipath',"
	 "'interface':null,'gateway':null,'bound':null,'paths':[{'interface':'wan0','gateway':"
	 "'192.0.2.1','weight':3},{'interface':'wan0','gateway':'192.0.2.2','weight':1}]}],"
	 "'routes_used':3,'routes_max':10,'tbl8_used':0,'tbl8_max':4,'kernel':{'routes':9,"
	 "'own_hosts':2,'ignored':1,'down':0,'recursive':1,'failed':0},'refused':[{'prefix':"
	 "'198.51.100.0/24','metric':20,'type':'gateway','interface':'Tunnel100','gateway':"
	 "'10.0.0.9','paths':null,'reason':'recursive'}]}",
	 "PREFIX       TYPE       INTERFACE  GATEWAY      BOUND  PATHS\n"
	 "0.0.0.0/0    gateway    wan0       192.0.2.254  yes    -\n"
	 "10.0.0.0/8   blackhole  -          -            -      -\n"
	 "10.9.0.0/16  multipath  -          -            -      "
	 "wan0/192.0.2.1/3,wan0/192.0.2.2/1\n"
	 "3 routes (at most 10), 0 groups of prefixes longer than /24 (at most 4)\n"
	 "kernel: 9 routes, 2 host routes of ours, 1 over other interfaces, 0 down, 1 recursive, "
	 "0 failed\n"
	 "REFUSED          METRIC  INTERFACE  GATEWAY   PATHS  REASON\n"
	 "198.51.100.0/24      20  Tunnel100  10.0.0.9  -      recursive\n"},
	{"drops",
	 "{'drops':[{'reason':'runt','pkts':0,'workers_pkts':[0,0],'help':'h1'},{'reason':'vlan',"
	 "'pkts':3,'workers_pkts':[1,2],'help':'h2'}]}",
	 "REASON  PKTS  BY WORKER  WHAT IT MEANS\n"
	 "vlan       3  1,2        h2\n"
	 "1 more are 0 (-a shows them)\n"},
	{"traffic", "{'counters':[{'counter':'rx-registration-request','pkts':7}]}",
	 "COUNTER                  PKTS\n"
	 "rx-registration-request     7\n"},
	{"events",
	 "{'events':[{'seq':1,'time':'2026-01-01T00:00:00.000Z','kind':'link-up','object':'wan0',"
	 "'text':'t'}]}",
	 "TIME                      EVENT    OBJECT  TEXT\n"
	 "2026-01-01T00:00:00.000Z  link-up  wan0    t\n"},
	{"system", "{'name':'x','dataplane':{'workers':2,'limits':{'spokes':7}},'real':1.25}",
	 "name                                 x\n"
	 "dataplane.workers                    2\n"
	 "dataplane.limits.spokes              7\n"
	 "real                                 1.2\n"},
};

static void test_nouns(void **state)
{
	const struct ctl_options options = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ctl_rates rates = {0};

		check_print(rows[i].noun, rows[i].json, &options, &rates, rows[i].want);
	}
}

static void test_zeros_too(void **state)
{
	const struct ctl_options options = {.all = true};
	struct ctl_rates rates = {0};

	(void)state;
	check_print("drops", "{'drops':[{'reason':'runt','pkts':0,'workers_pkts':[0],'help':'h'}]}",
		    &options, &rates,
		    "REASON  PKTS  BY WORKER  WHAT IT MEANS\n"
		    "runt       0  0          h\n");
}

/* Rates since the reading before; a row that is new started from 0, one that fell shows 0. */
static void test_rates(void **state)
{
	const struct ctl_options options = {.watch_s = 2};
	json_t *previous = json_of("[{'reason':'vlan','pkts':100},{'reason':'runt','pkts':50}]");
	struct ctl_rates rates = {.previous = previous, .seconds = 2};

	(void)state;
	check_print("drops",
		    "{'drops':[{'reason':'runt','pkts':20,'workers_pkts':[20],'help':'a'},"
		    "{'reason':'vlan','pkts':4100,'workers_pkts':[4100],'help':'b'},"
		    "{'reason':'new','pkts':10,'workers_pkts':[10],'help':'c'}]}",
		    &options, &rates,
		    "REASON  PKTS    PPS  BY WORKER  WHAT IT MEANS\n"
		    "runt      20      0  20         a\n"
		    "vlan    4100  2.00k  4100       b\n"
		    "new       10      5  10         c\n");
	json_decref(previous);
}

/* Whatever the daemon leaves out prints as a dash or as 0, in every noun. */
static void test_empty_results(void **state)
{
	const struct ctl_options options = {0};

	(void)state;
	for (const struct ctl_noun *noun = ctl_nouns; noun->name; noun++) {
		json_t *result = json_object(), *list = json_array();
		struct ctl_rates rates = {0};
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		json_array_append_new(list, json_object());
		if (noun->key)
			json_object_set(result, noun->key, list);
		if (noun->key2)
			json_object_set(result, noun->key2, list);
		noun->print(out, result, &options, &rates);
		fclose(out);
		free(text);
		json_decref(list);
		json_decref(result);
	}
}

static void test_ages(void **state)
{
	static const struct {
		long long seconds;
		const char *text;
	} ages[] = {
		{0, "00:00:00"},   {59, "00:00:59"}, {86399, "23:59:59"}, {86400, "1d00h"},
		{604799, "6d23h"}, {604800, "1w0d"}, {2000000, "3w2d"},   {31536000, "52w1d"},
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		ctl_age_format(text, sizeof(text), ages[i].seconds);
		assert_string_equal(text, ages[i].text);
	}
}

/* ---- the client against a daemon with a script ---- */

static char dir[32], path[64];
static pid_t daemon_pid;

/* Answers the nth request with the nth line; "close" hangs up, "hang" never answers. */
static void daemon_run(int listener, const char *const *script)
{
	const int fd = accept(listener, NULL, NULL);
	FILE *in = fdopen(fd, "r");
	char request[4096];

	for (; *script && fgets(request, sizeof(request), in); script++) {
		if (strcmp(*script, "close") == 0)
			break;
		if (strcmp(*script, "hang") == 0)
			pause();
		if (send(fd, *script, strlen(*script), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

static void daemon_start(const char *const *script)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(dir, "/tmp/test_ctl.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	strcpy(addr.sun_path, path);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	daemon_pid = fork();
	if (daemon_pid == 0)
		daemon_run(listener, script);
	close(listener);
}

static int daemon_stop(void **state)
{
	(void)state;
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	unlink(path);
	return rmdir(dir);
}

static void test_client_pages(void **state)
{
	static const char *const script[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"rows\":[1,2],\"next\":\"a\",\"n\":1}}"
		"\n",
		"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"rows\":[3],\"next\":null,\"n\":2}}\n",
		NULL,
	};
	json_t *want = json_of("{'rows':[1,2,3],'next':null,'n':2}"), *result;
	struct ctl_client client;

	(void)state;
	daemon_start(script);
	assert_int_equal(ctl_open(&client, path, 5), CTL_OK);
	assert_int_equal(ctl_fetch(&client, "x.list", "rows", &result), CTL_OK);
	assert_true(json_equal(result, want));
	json_decref(result);
	json_decref(want);
	ctl_close(&client);
}

static int call_once(const char *const *script, unsigned timeout_s)
{
	struct ctl_client client;
	json_t *result;
	int rc;

	daemon_start(script);
	assert_int_equal(ctl_open(&client, path, timeout_s), CTL_OK);
	rc = ctl_call(&client, "x", NULL, &result);
	assert_null(result);
	ctl_close(&client);
	return rc;
}

static void test_client_error(void **state)
{
	static const char *const script[] = {
		"{\"error\":{\"code\":-32601,\"message\":\"no\"},\"id\":1}\n", NULL};

	(void)state;
	assert_int_equal(call_once(script, 5), CTL_REFUSED);
}

static void test_client_no_json(void **state)
{
	static const char *const script[] = {"nonsense\n", NULL};

	(void)state;
	assert_int_equal(call_once(script, 5), CTL_INTERNAL);
}

static void test_client_no_result(void **state)
{
	static const char *const script[] = {"{\"id\":1}\n", NULL};

	(void)state;
	assert_int_equal(call_once(script, 5), CTL_INTERNAL);
}

static void test_client_hang_up(void **state)
{
	static const char *const script[] = {"close", NULL};

	(void)state;
	assert_int_equal(call_once(script, 5), CTL_UNREACHABLE);
}

static void test_client_timeout(void **state)
{
	static const char *const script[] = {"hang", NULL};

	(void)state;
	assert_int_equal(call_once(script, 1), CTL_UNREACHABLE);
}

static void test_client_nobody(void **state)
{
	struct ctl_client client;

	(void)state;
	assert_int_equal(ctl_open(&client, "/tmp/test_ctl.nobody/s", 1), CTL_UNREACHABLE);
	ctl_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nouns),
		cmocka_unit_test(test_zeros_too),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_empty_results),
		cmocka_unit_test(test_ages),
		cmocka_unit_test_teardown(test_client_pages, daemon_stop),
		cmocka_unit_test_teardown(test_client_error, daemon_stop),
		cmocka_unit_test_teardown(test_client_no_json, daemon_stop),
		cmocka_unit_test_teardown(test_client_no_result, daemon_stop),
		cmocka_unit_test_teardown(test_client_hang_up, daemon_stop),
		cmocka_unit_test_teardown(test_client_timeout, daemon_stop),
		cmocka_unit_test(test_client_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
