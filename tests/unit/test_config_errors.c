/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration refuses: each row is one mistake and the exact line that the operator reads,
 * without "good.yaml:" in front.
 */
#include "config_fixture.h"

struct row {
	const char *old; /* in GOOD; NULL: `new` is the whole document */
	const char *new;
	const char *error;
};

#define HOST_SET(path) path ": a host in the subnet of a port or a tunnel, not ourselves"
#define IFNAME                                                                             \
	"interface name of 1 to 15 letters, digits, '.', '_' or '-', other than lo, all, " \
	"default, "                                                                        \
	". and .."
#define DEVICE                                                                          \
	"PCI address (0000:3b:00.0) or vdev (net_af_packet0,iface=veth0), at most 127 " \
	"characters, "                                                                  \
	"no space or quote"
#define ADDRESS                                                                                  \
	"unicast IPv4 address/length, length 1 to 32, neither the subnet's own address nor its " \
	"broadcast"
#define NETWORK "IPv4 prefix/length without host bits"
#define SOURCE  "name or address of a port with role underlay or both"

static const struct row value_rows[] = {
	{"mtu: 1500", "mtu: 575", "14:10: ports[0].mtu: \"575\": number from 576 to 9190"},
	{"mtu: 1500", "mtu: 9191", "14:10: ports[0].mtu: \"9191\": number from 576 to 9190"},
	{"mtu: 1500", "mtu: 01500", "14:10: ports[0].mtu: \"01500\": number from 576 to 9190"},
	{"mtu: 1500", "mtu: 0x5dc", "14:10: ports[0].mtu: \"0x5dc\": number from 576 to 9190"},
	{"mtu: 1500", "mtu: 1500.0", "14:10: ports[0].mtu: \"1500.0\": number from 576 to 9190"},
	{"mtu: 1500", "mtu: -1500", "14:10: ports[0].mtu: \"-1500\": number from 576 to 9190"},
	{"mtu: 1500", "mtu: ' 1500'", "14:10: ports[0].mtu: \" 1500\": number from 576 to 9190"},
	{"mtu: 1500", "mtu:", "14:9: ports[0].mtu: \"\": number from 576 to 9190"},
	{"mtu: 1500", "mtu: [1500]", "14:10: ports[0].mtu: [1500]: number from 576 to 9190"},
	{"mtu: 1500", "mtu: {a: 1}", "14:10: ports[0].mtu: a mapping: number from 576 to 9190"},
	{"mtu: 1500", "mtu: \"1\\n2\\x07\\u00e9\"",
	 "14:10: ports[0].mtu: \"1\\x0a2\\x07\\xc3\\xa9\": number from 576 to 9190"},
	{"mtu: 1500", "mtu: 18446744073709553116",
	 "14:10: ports[0].mtu: \"18446744073709553116\": number from 576 to 9190"},
	{"descriptors: 512", "descriptors: 500",
	 "16:18: ports[0].descriptors: \"500\": power of two from 64 to 8192"},
	{"descriptors: 512", "descriptors: 32",
	 "16:18: ports[0].descriptors: \"32\": power of two from 64 to 8192"},
	{"queues: 3", "queues: 17", "15:13: ports[0].queues: \"17\": number from 0 to 16"},
	{"key: 42", "key: 4294967296",
	 "29:10: tunnels[0].key: \"4294967296\": number from 0 to 4294967295"},
	{"ttl: 64", "ttl: 0", "31:10: tunnels[0].ttl: \"0\": number from 1 to 255"},
	{"network-id: 77", "network-id: 0",
	 "34:19: tunnels[0].nhrp.network-id: \"0\": number from 1 to 4294967295"},
	{"holdtime: 600", "holdtime: 9",
	 "35:17: tunnels[0].nhrp.holdtime: \"9\": number from 10 to 65535"},
	{"redirect: true", "redirect: yes",
	 "36:17: tunnels[0].nhrp.redirect: \"yes\": true or false"},
	{"role: underlay", "role: wan",
	 "13:11: ports[0].role: \"wan\": one of underlay, lan, both"},
	{"idle: sleep", "idle: nap", "5:9: dataplane.idle: \"nap\": one of poll, sleep"},
	{"huge-pages: off", "huge-pages: no",
	 "4:15: dataplane.huge-pages: \"no\": one of auto, required, off"},
	{"{spokes: 100}", "{spokes: 20001}",
	 "6:20: dataplane.limits.spokes: \"20001\": number from 1 to 20000"},
	{"{spokes: 100}", "[]", "6:11: dataplane.limits: []: mapping"},
	{"/tmp/hub.sock", "hub.sock",
	 "8:11: control.socket: \"hub.sock\": absolute path of at most 107 characters"},
	{"group: dmvpn", "group: 'a b'",
	 "9:10: control.group: \"a b\": group name of 1 to 31 letters, digits, '_' or '-'"},
	{"name: wan0", "name: wan0123456789012",
	 "11:11: ports[0].name: \"wan0123456789012\": " IFNAME},
	{"name: wan0", "name: a/b", "11:11: ports[0].name: \"a/b\": " IFNAME},
	{"name: wan0", "name: ''", "11:11: ports[0].name: \"\": " IFNAME},
	{"name: wan0", "name: tun%d", "11:11: ports[0].name: \"tun%d\": " IFNAME},
	{"name: wan0", "name: lo", "11:11: ports[0].name: \"lo\": " IFNAME},
	{"name: wan0", "name: all", "11:11: ports[0].name: \"all\": " IFNAME},
	{"net_af_packet0,iface=v-wan", "eth0", "12:13: ports[0].device: \"eth0\": " DEVICE},
	{"net_af_packet0,iface=v-wan", "'net_x y'", "12:13: ports[0].device: \"net_x y\": " DEVICE},
	{"net_af_packet0,iface=v-wan", "'0000:3b:00.8'",
	 "12:13: ports[0].device: \"0000:3b:00.8\": " DEVICE},
	{"192.0.2.1/24", "192.0.2.1", "17:17: ports[0].addresses[0]: \"192.0.2.1\": " ADDRESS},
	{"192.0.2.1/24", "192.0.2.1/33",
	 "17:17: ports[0].addresses[0]: \"192.0.2.1/33\": " ADDRESS},
	{"192.0.2.1/24", "192.0.2.1/0", "17:17: ports[0].addresses[0]: \"192.0.2.1/0\": " ADDRESS},
	{"192.0.2.1/24", "192.0.2.0/24",
	 "17:17: ports[0].addresses[0]: \"192.0.2.0/24\": " ADDRESS},
	{"192.0.2.1/24", "192.0.2.255/24",
	 "17:17: ports[0].addresses[0]: \"192.0.2.255/24\": " ADDRESS},
	{"192.0.2.1/24", "224.0.0.1/24",
	 "17:17: ports[0].addresses[0]: \"224.0.0.1/24\": " ADDRESS},
	{"192.0.2.1/24", "127.0.0.1/8", "17:17: ports[0].addresses[0]: \"127.0.0.1/8\": " ADDRESS},
	{"192.0.2.1/24", "'2001:db8::1/64'",
	 "17:17: ports[0].addresses[0]: \"2001:db8::1/64\": " ADDRESS},
	{"[192.0.2.1/24]", "192.0.2.1/24",
	 "17:16: ports[0].addresses: \"192.0.2.1/24\": list of at most 8, each: " ADDRESS},
	{"[192.0.2.1/24]", "[1,2,3,4,5,6,7,8,9]",
	 "17:16: ports[0].addresses: [1, 2, 3, 4, 5, 6, 7, 8, 9]: 9 elements (limit 8)"},
	{"10.1.31.0/24", "10.1.31.1/24", "24:14: routes[1].prefix: \"10.1.31.1/24\": " NETWORK},
	{"10.1.31.0/24", "10.1.31.0", "24:14: routes[1].prefix: \"10.1.31.0\": " NETWORK},
	{"via: 192.0.2.254", "via: 255.255.255.255",
	 "23:30: routes[0].via: \"255.255.255.255\": unicast IPv4 address"},
	{"nbma: 192.0.2.31", "nbma: 192.0.2.310",
	 "38:41: tunnels[0].nhrp.map[0].nbma: \"192.0.2.310\": unicast IPv4 address"},
	{"nbma: 192.0.2.31", "nbma: 0.0.0.0",
	 "38:41: tunnels[0].nhrp.map[0].nbma: \"0.0.0.0\": unicast IPv4 address"},
};

static const struct row key_rows[] = {
	{"mtu: 1500", "mut: 1500", "14:5: ports[0].mut: unknown key, did you mean mtu?"},
	{"holdtime: 600", "hold-time: 600",
	 "35:7: tunnels[0].nhrp.hold-time: unknown key, did you mean holdtime?"},
	{"control:", "colour:",
	 "7:1: colour: unknown key, known here: dataplane, control, ports, routes, tunnels, "
	 "protection"},
	{"mtu: 1500", "\"a\\nb\\e\": 1",
	 "14:5: ports[0].a?b?: unknown key, known here: name, device, role, mtu, queues, "
	 "descriptors, "
	 "addresses"},
	{"mtu: 1500", "mtu: 1500\n    mtu: 1500",
	 "15:5: ports[0].mtu: given twice, first in line 14"},
	{"    role: underlay\n", "", "11:5: ports[0].role: missing: one of underlay, lan, both"},
	{"      network-id: 77\n", "",
	 "33:5: tunnels[0].nhrp.network-id: missing: number from 1 to 4294967295"},
	{"addresses: [10.255.0.1/24]", "addresses: []",
	 "30:16: tunnels[0].addresses: []: at least one is required"},
	{NULL, "", "1:1: ports: missing: list of at most 16, each: mapping"},
	{NULL, "# nothing\n", "1:1: ports: missing: list of at most 16, each: mapping"},
	{NULL, "ports: []\n", "1:8: ports: []: at least one is required"},
	{NULL, "ports: [a]\n", "1:9: ports[0]: \"a\": mapping"},
	{NULL, "ports: {}\n", "1:8: ports: a mapping: list of at most 16, each: mapping"},
	{"key: 42", "adjust-mss: 9123",
	 "29:17: tunnels[0].adjust-mss: \"9123\": number from 0 to 9122"},
	{"key: 42", "df: no", "29:9: tunnels[0].df: \"no\": one of copy, set, clear"},
	{"key: 42", "source-check: all",
	 "29:19: tunnels[0].source-check: \"all\": one of own, strict, off"},
	{"holdtime: 600", "multicast: all",
	 "35:18: tunnels[0].nhrp.multicast: \"all\": one of off, dynamic"},
	{"holdtime: 600", "multicast-map: [{group: 239.1.1.1/32}]",
	 "35:23: tunnels[0].nhrp.multicast-map[0].nbma: missing: unicast IPv4 address or dynamic"},
	{"holdtime: 600", "multicast-map: [{nbma: static}]",
	 "35:30: tunnels[0].nhrp.multicast-map[0].nbma: \"static\": unicast IPv4 address or "
	 "dynamic"},
	{"holdtime: 600", "multicast-map: [{nbma: 192.0.2.1}]",
	 "35:30: tunnels[0].nhrp.multicast-map[0].nbma: \"192.0.2.1\": not our own address"},
	{"holdtime: 600", "multicast-map: [{nbma: 10.255.0.9}]",
	 "35:30: tunnels[0].nhrp.multicast-map[0].nbma: \"10.255.0.9\": not an address that is "
	 "routed into Tunnel42"},
	{"holdtime: 600", "multicast-map: [{nbma: dynamic, group: 239.1.1.1}]",
	 "35:46: tunnels[0].nhrp.multicast-map[0].group: \"239.1.1.1\": " NETWORK},
	{"holdtime: 600", "multicast-map: [{nbma: dynamic, group: 10.0.0.0/8}]",
	 "35:46: tunnels[0].nhrp.multicast-map[0].group: \"10.0.0.0/8\": a prefix of "
	 "224.0.0.0/4"},
	{"holdtime: 600", "multicast-groups: [224.0.0.0/3]",
	 "35:26: tunnels[0].nhrp.multicast-groups[0]: \"224.0.0.0/3\": a prefix of 224.0.0.0/4 "
	 "outside of 224.0.0.0/24"},
	{"holdtime: 600", "multicast-groups: [239.1.0.0/16, 224.0.0.5/32]",
	 "35:40: tunnels[0].nhrp.multicast-groups[1]: \"224.0.0.5/32\": a prefix of 224.0.0.0/4 "
	 "outside of 224.0.0.0/24"},
	{"holdtime: 600", "multicast-groups: [239.1.0.0/16, 239.0.0.0/8]",
	 "35:40: tunnels[0].nhrp.multicast-groups[1]: \"239.0.0.0/8\": groups that are not in "
	 "multicast-groups[0]"},
	/* What is not there yet: refused by name. */
	{"key: 42", "key: 42\n    protection: dmvpn",
	 "30:17: tunnels[0].protection: \"dmvpn\": the name of one of the document's protections "
	 "(0)"},
	/* The word is nobody's business, not even a wrong one. */
	{"holdtime: 600", "authentication: ninechars",
	 "35:7: tunnels[0].nhrp.authentication: word of 1 to 8 printable ASCII characters without "
	 "space"},
	{"holdtime: 600", "authentication: 'a b'",
	 "35:7: tunnels[0].nhrp.authentication: word of 1 to 8 printable ASCII characters without "
	 "space"},
	{"holdtime: 600", "authentication: ''",
	 "35:7: tunnels[0].nhrp.authentication: word of 1 to 8 printable ASCII characters without "
	 "space"},
	{"holdtime: 600", "authentication: [word]",
	 "35:7: tunnels[0].nhrp.authentication: word of 1 to 8 printable ASCII characters without "
	 "space"},
	{"holdtime: 600", "allow: [10.2.0.1/16]",
	 "35:15: tunnels[0].nhrp.allow[0]: \"10.2.0.1/16\": IPv4 prefix/length without host bits"},
	{"holdtime: 600", "max-bindings-per-spoke: 0",
	 "35:31: tunnels[0].nhrp.max-bindings-per-spoke: \"0\": number from 1 to 1024"},
	{"holdtime: 600", "takeover: never",
	 "35:17: tunnels[0].nhrp.takeover: \"never\": one of strict, rfc, allow"},
	{"holdtime: 600", "nhs: [10.0.0.1]",
	 "35:13: tunnels[0].nhrp.nhs[0]: \"10.0.0.1\": mapping"},
	{"holdtime: 600", "nhs: [{protocol: 10.255.0.9}]",
	 "35:13: tunnels[0].nhrp.nhs[0].nbma: missing: unicast IPv4 address"},
	{"holdtime: 600", "nhs: [{nbma: 192.0.2.9, protocol: dynamic, priority: 256}]",
	 "35:60: tunnels[0].nhrp.nhs[0].priority: \"256\": number from 0 to 255"},
	{"holdtime: 600", "registration-timeout: 21846",
	 "35:29: tunnels[0].nhrp.registration-timeout: \"21846\": number from 0 to 21845"},
	{"holdtime: 600", "purge-on-shutdown: maybe",
	 "35:26: tunnels[0].nhrp.purge-on-shutdown: \"maybe\": true or false"},
	{"group: dmvpn", "state-file: state.json",
	 "9:15: control.state-file: \"state.json\": absolute path of at most 255 "
	 "characters"},
	{"control:", "protection: [{name: dmvpn}]\ncontrol:",
	 "7:14: protection[0].algorithms: missing: list of at most 16, each: one of aes128gcm16, "
	 "aes192gcm16, aes256gcm16, chacha20poly1305, aes128-sha1, aes256-sha1, aes128-sha256, "
	 "aes256-sha256, aes128-sha384, aes256-sha384, aes128-sha512, aes256-sha512, null-sha1, "
	 "null-sha256, null-sha384, null-sha512"},
	{"control:", "protection: [{name: p, algorithms: [des]}]\ncontrol:",
	 "7:37: protection[0].algorithms[0]: \"des\": one of aes128gcm16, aes192gcm16, "
	 "aes256gcm16, "
	 "chacha20poly1305, aes128-sha1, aes256-sha1, aes128-sha256, aes256-sha256, "
	 "aes128-sha384, aes256-sha384, aes128-sha512, aes256-sha512, null-sha1, null-sha256, "
	 "null-sha384, null-sha512"},
	{"control:", "protection: [{name: p, algorithms: [null-sha1, null-sha1]}]\ncontrol:",
	 "7:48: protection[0].algorithms[1]: \"null-sha1\": each algorithm once"},
	{"control:",
	 "protection: [{name: p, algorithms: [null-sha1], replay-window: 33}]\ncontrol:",
	 "7:64: protection[0].replay-window: \"33\": a multiple of 32 up to 4096"},
	{"control:",
	 "protection: [{name: p, algorithms: [null-sha1], replay-window: 4128}]\ncontrol:",
	 "7:64: protection[0].replay-window: \"4128\": number from 0 to 4096"},
	{"control:",
	 "protection: [{name: p, algorithms: [null-sha1]}, {name: p, algorithms: [null-sha1]}]\n"
	 "control:",
	 "7:57: protection[1].name: \"p\": a name of its own, protection[0] has this one"},
	{"control:",
	 "protection: [{name: p, ike: {source: mirror}, algorithms: [null-sha1]}]\ncontrol:",
	 "7:38: protection[0].ike.source: \"mirror\": one of api, redirect"},
};

static const struct row check_rows[] = {
	{"holdtime: 600", "nhs: [{nbma: 192.0.2.1, protocol: dynamic}]",
	 "35:20: tunnels[0].nhrp.nhs[0].nbma: \"192.0.2.1\": not our own address"},
	{"holdtime: 600", "nhs: [{nbma: 10.255.0.9, protocol: dynamic}]",
	 "35:20: tunnels[0].nhrp.nhs[0].nbma: \"10.255.0.9\": not an address that is routed into "
	 "Tunnel42"},
	{"holdtime: 600", "nhs: [{nbma: 192.0.2.9, protocol: 10.254.0.9}]",
	 "35:41: tunnels[0].nhrp.nhs[0].protocol: \"10.254.0.9\": a host in the subnet of "
	 "Tunnel42, not ourselves"},
	{"holdtime: 600", "nhs: [{nbma: 192.0.2.9, protocol: 10.255.0.1}]",
	 "35:41: tunnels[0].nhrp.nhs[0].protocol: \"10.255.0.1\": a host in the subnet of "
	 "Tunnel42, not ourselves"},
	{"holdtime: 600", "nhs: [{nbma: 192.0.2.9, protocol: 10.255.0.31}]",
	 "35:41: tunnels[0].nhrp.nhs[0].protocol: \"10.255.0.31\": each address once, map[0] has "
	 "this one"},
	{"holdtime: 600",
	 "nhs: [{nbma: 192.0.2.9, protocol: dynamic}, {nbma: 192.0.2.9, protocol: dynamic}]",
	 "35:58: tunnels[0].nhrp.nhs[1].nbma: \"192.0.2.9\": each hub once, nhs[0] is this one"},
	{"holdtime: 600",
	 "nhs: [{nbma: 192.0.2.9, protocol: 10.255.0.9}, {nbma: 192.0.2.8, protocol: 10.255.0.9}]",
	 "35:82: tunnels[0].nhrp.nhs[1].protocol: \"10.255.0.9\": each address once, nhs[0] has "
	 "this one"},
	{"name: lan0", "name: wan0",
	 "18:11: ports[1].name: \"wan0\": a name of its own, ports[0].name has this one"},
	{"name: T2", "name: lan0",
	 "39:12: tunnels[1].name: \"lan0\": a name of its own, ports[1].name has this one"},
	{"'0000:3b:00.1'", "net_af_packet0,iface=b",
	 "19:13: ports[1].device: \"net_af_packet0,iface=b\": a device of its own, ports[0] has "
	 "net_af_packet0"},
	{"'0000:3b:00.1'", "net_af_packet1,iface=v-wan",
	 "19:13: ports[1].device: \"net_af_packet1,iface=v-wan\": an interface of its own, "
	 "ports[0] has "
	 "v-wan"},
	{"iface=v-wan", "iface=Tunnel42",
	 "12:13: ports[0].device: \"net_af_packet0,iface=Tunnel42\": an interface other than "
	 "Tunnel42, a "
	 "twin's name"},
	{"[1, 3]", "[1, 4]",
	 "3:22: dataplane.worker-lcores[1]: \"4\": this machine has CPUs 0 to 3"},
	{"[1, 3]", "[1, 1]", "3:22: dataplane.worker-lcores[1]: \"1\": each CPU once"},
	{"[1, 3]", "[]", "3:18: dataplane.worker-lcores: at least one CPU"},
	{"control-lcore: 0", "control-lcore: 4",
	 "2:18: dataplane.control-lcore: \"4\": this machine has CPUs 0 to 3"},
	{"  idle: sleep\n", "  control-lcore: 1\n",
	 "5:3: dataplane.control-lcore: given twice, first in line 2"},
	{"control-lcore: 0\n  worker-lcores: [1, 3]\n  huge-pages: off\n  idle: sleep",
	 "control-lcore: 3\n  worker-lcores: [1, 3]",
	 "3:22: dataplane.worker-lcores[1]: \"3\": a CPU other than the control core's (3), unless "
	 "idle is "
	 "sleep"},
	{"{spokes: 100}", "{tunnels: 1}", "27:3: tunnels: 2 tunnels (dataplane.limits.tunnels: 1)"},
	/* Addresses. */
	{"10.1.1.2/24", "10.1.1.1/24",
	 "21:30: ports[1].addresses[1]: \"10.1.1.1/24\": an address of its own, "
	 "ports[1].addresses[0] has "
	 "this one"},
	{"10.254.0.1/24", "10.1.1.9/24",
	 "39:42: tunnels[1].addresses[0]: \"10.1.1.9/24\": a subnet that does not overlap that of "
	 "ports[1].addresses[1]"},
	{"10.254.0.1/24", "10.1.0.1/16",
	 "39:42: tunnels[1].addresses[0]: \"10.1.0.1/16\": a subnet that does not overlap that of "
	 "ports[1].addresses[0]"},
	{"10.1.1.2/24", "10.1.1.129/25",
	 "21:30: ports[1].addresses[1]: \"10.1.1.129/25\": a subnet that does not overlap that of "
	 "ports[1].addresses[0]"},
	/* Sources. */
	{"source: wan0", "source: wan1", "28:13: tunnels[0].source: \"wan1\": " SOURCE},
	{"source: wan0", "source: lan0", "28:13: tunnels[0].source: \"lan0\": " SOURCE},
	{"source: wan0", "source: 10.1.1.1", "28:13: tunnels[0].source: \"10.1.1.1\": " SOURCE},
	{"source: wan0", "source: 192.0.2.2", "28:13: tunnels[0].source: \"192.0.2.2\": " SOURCE},
	{"source: wan0", "source: 10.254.0.1", "28:13: tunnels[0].source: \"10.254.0.1\": " SOURCE},
	{"    addresses: [192.0.2.1/24]\n", "",
	 "27:13: tunnels[0].source: \"wan0\": a port that has an address"},
	{"    key: 42\n", "",
	 "38:24: tunnels[1].source: \"wan0\": a pair of source and key of its own, tunnels[0] has "
	 "it"},
	{"{name: T2,", "{name: T2, key: 42,",
	 "39:21: tunnels[1].key: \"42\": a pair of source and key of its own, tunnels[0] has it"},
	/* Routes. */
	{"via: 192.0.2.254", "via: 198.51.100.1",
	 "23:30: " HOST_SET("routes[0].via: \"198.51.100.1\"")},
	{"via: 192.0.2.254", "via: 192.0.2.1", "23:30: " HOST_SET("routes[0].via: \"192.0.2.1\"")},
	{"via: 192.0.2.254", "via: 192.0.2.255",
	 "23:30: " HOST_SET("routes[0].via: \"192.0.2.255\"")},
	{"via: 192.0.2.254", "via: 10.1.1.2", "23:30: " HOST_SET("routes[0].via: \"10.1.1.2\"")},
	{", via: 192.0.2.254", "", "23:5: routes[0].via: either via or blackhole: true"},
	{"blackhole: true", "blackhole: true, via: 192.0.2.254",
	 "25:48: routes[2].via: \"192.0.2.254\": either via or blackhole: true"},
	{"10.1.31.0/24", "10.0.0.0/8",
	 "25:14: routes[2].prefix: \"10.0.0.0/8\": each prefix once, routes[1] has this one"},
	{"10.1.31.0/24", "10.1.1.0/24",
	 "24:14: routes[1].prefix: \"10.1.1.0/24\": not the subnet of lan0 itself"},
	{"10.1.31.0/24", "10.1.1.2/32",
	 "24:14: routes[1].prefix: \"10.1.1.2/32\": not our own address"},
	/* Static NHRP entries. */
	{"protocol: 10.255.0.31", "protocol: 10.254.0.31",
	 "38:22: tunnels[0].nhrp.map[0].protocol: \"10.254.0.31\": a host in the subnet of "
	 "Tunnel42, not "
	 "ourselves"},
	{"protocol: 10.255.0.31", "protocol: 10.255.0.1",
	 "38:22: tunnels[0].nhrp.map[0].protocol: \"10.255.0.1\": a host in the subnet of "
	 "Tunnel42, not "
	 "ourselves"},
	{"protocol: 10.255.0.31", "protocol: 10.255.0.255",
	 "38:22: tunnels[0].nhrp.map[0].protocol: \"10.255.0.255\": a host in the subnet of "
	 "Tunnel42, not "
	 "ourselves"},
	{"nbma: 192.0.2.31", "nbma: 192.0.2.1",
	 "38:41: tunnels[0].nhrp.map[0].nbma: \"192.0.2.1\": not our own address"},
	{"nbma: 192.0.2.31", "nbma: 10.254.0.9",
	 "38:41: tunnels[0].nhrp.map[0].nbma: \"10.254.0.9\": not an address that is routed into "
	 "T2"},
	{"nbma: 192.0.2.31", "nbma: 10.1.31.9",
	 "38:41: tunnels[0].nhrp.map[0].nbma: \"10.1.31.9\": not an address that is routed into "
	 "Tunnel42"},
	{"nbma: 192.0.2.31}",
	 "nbma: 192.0.2.31}\n        - {protocol: 10.255.0.31, nbma: 192.0.2.32}",
	 "39:22: tunnels[0].nhrp.map[1].protocol: \"10.255.0.31\": each address once, map[0] has "
	 "this one"},
};

static const struct row yaml_rows[] = {
	{NULL, "ports: [",
	 "2:1: YAML: did not find expected node content while parsing a flow node"},
	{NULL, "a: b: c", "1:5: YAML: mapping values are not allowed in this context"},
	{NULL, "a:\n\tb: 1\n", "2:1: a tab is not allowed here, use spaces"},
	{NULL, "- a\n", "1:1: the document must be a mapping (key: value)"},
	{NULL, "text\n", "1:1: the document must be a mapping (key: value)"},
	{NULL, "a: &x 1\n", "1:4: anchors are not allowed"},
	{NULL, "a: &x [1]\n", "1:4: anchors are not allowed"},
	{NULL, "a: &x {b: 1}\n", "1:4: anchors are not allowed"},
	{NULL, "a: *x\n", "1:4: aliases are not allowed"},
	{NULL, "a: !!int 1\n", "1:4: tags are not allowed"},
	{NULL, "a: !x [1]\n", "1:4: tags are not allowed"},
	{NULL, "? [a]\n: 1\n", "1:3: a key must be a word"},
	{NULL, "? {a: 1}\n: 1\n", "1:3: a key must be a word"},
	{NULL, "a: 1\n---\nb: 1\n", "2:1: only one document is allowed"},
	{NULL, "a: [[[[[[[[1]]]]]]]]\n", "1:11: nested too deeply (limit 8)"},
	{NULL, "a: \"x\\0y\"\n", "1:4: a NUL character is not allowed"},
	{NULL, "\"x\\0y\": 1\n", "1:1: a NUL character is not allowed"},
	{NULL, "a: 1\nb: \xff\n", "2:4: YAML: invalid leading UTF-8 octet"},
	{NULL, "\xc3\xa9: \xff\n", "1:4: YAML: invalid leading UTF-8 octet"},
	{NULL,
	 "\xff\xfe"
	 "a\0:\0",
	 "1:1: YAML: invalid leading UTF-8 octet"},
	{NULL, "a: \x01\n", "1:4: YAML: control characters are not allowed"},
};

/* 1 and the difference printed when the line is another one. */
static unsigned row_is_wrong(const struct row *row)
{
	char *changed = row->old ? text_changed(row->old, row->new) : NULL;
	const char *text = changed ? changed : row->new;
	struct config_error err;
	struct config *config = config_parse("good.yaml", text, strlen(text), &err);
	bool accepted = config != NULL;
	char want[600];

	config_free(config);
	free(changed);
	snprintf(want, sizeof(want), "good.yaml:%s", row->error);
	if (!accepted && strcmp(err.text, want) == 0)
		return 0;
	print_error("%s:\n  want %s\n  got  %s\n", row->new, want,
		    accepted ? "accepted" : err.text);
	return 1;
}

static void check_rows_of(const struct row *rows, size_t count)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < count; i++)
		wrong += row_is_wrong(&rows[i]);
	assert_int_equal(wrong, 0);
}

#define CHECK_ROWS(rows) check_rows_of(rows, sizeof(rows) / sizeof(rows[0]))

static void values(void **state)
{
	(void)state;
	CHECK_ROWS(value_rows);
}

static void keys(void **state)
{
	(void)state;
	CHECK_ROWS(key_rows);
}

static void across_keys(void **state)
{
	(void)state;
	CHECK_ROWS(check_rows);
}

static void yaml(void **state)
{
	(void)state;
	CHECK_ROWS(yaml_rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(keys),
		cmocka_unit_test(across_keys),
		cmocka_unit_test(yaml),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
