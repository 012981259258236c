/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_schema: the rows. A new key is one row here, one field in config.h, one paragraph in
 * conf/man/dmvpnd.conf.5 and one line in conf/full.yaml; tests/unit/test_config.c finds what is
 * missing of these. Constant data, any thread.
 *
 * Names are those that DMVPN operators know. Keys that a later version brings stand here as
 * CONFIG_UNAVAILABLE: who writes one is told so and nothing runs, because a hub that ignores
 * "protection" would send in clear.
 */
#include "config_schema.h"

#include <stddef.h>

#include "config.h"

#define FIELD(s, f) .offset = offsetof(struct s, f), .size = sizeof(((struct s *)0)->f)
#define COUNT(s, f) .count_offset = offsetof(struct s, f)
#define GIVEN(s, f) .given_offset = offsetof(struct s, f)
#define ELEMENTS(s, f) \
	.allocated = true, .offset = offsetof(struct s, f), .size = sizeof(*((struct s *)0)->f)
#define SECTION(s, k)                                                                      \
	{                                                                                  \
		.keys = k, .key_count = sizeof(k) / sizeof(k[0]), .size = sizeof(struct s) \
	}

static const struct config_name huge_page_names[] = {
	{"auto", DP_HUGE_AUTO}, {"required", DP_HUGE_REQUIRED}, {"off", DP_HUGE_OFF}, {NULL, 0}};
static const struct config_name idle_names[] = {
	{"poll", DP_IDLE_POLL}, {"sleep", DP_IDLE_SLEEP}, {NULL, 0}};
static const struct config_name role_names[] = {
	{"underlay", DP_PORT_UNDERLAY}, {"lan", DP_PORT_LAN}, {"both", DP_PORT_BOTH}, {NULL, 0}};

/* Instead of an address. */
static const struct config_name dynamic_names[] = {{"dynamic", 0}, {NULL, 0}};
static const struct config_name multicast_names[] = {
	{"off", CONFIG_MULTICAST_OFF}, {"dynamic", CONFIG_MULTICAST_DYNAMIC}, {NULL, 0}};
static const struct config_name takeover_names[] = {{"strict", CONFIG_TAKEOVER_STRICT},
						    {"rfc", CONFIG_TAKEOVER_RFC},
						    {"allow", CONFIG_TAKEOVER_ALLOW},
						    {NULL, 0}};
static const struct config_name redirect_nat_names[] = {{"never", CONFIG_REDIRECT_NAT_NEVER},
							{"one-side", CONFIG_REDIRECT_NAT_ONE_SIDE},
							{"always", CONFIG_REDIRECT_NAT_ALWAYS},
							{NULL, 0}};
static const struct config_name resolution_names[] = {{"auto", CONFIG_RESOLUTION_AUTO},
						      {"forward", CONFIG_RESOLUTION_FORWARD},
						      {"cache", CONFIG_RESOLUTION_CACHE},
						      {NULL, 0}};
static const struct config_name df_names[] = {
	{"copy", DP_DF_COPY}, {"set", DP_DF_SET}, {"clear", DP_DF_CLEAR}, {NULL, 0}};
static const struct config_name source_check_names[] = {{"own", DP_SOURCE_CHECK_OWN},
							{"strict", DP_SOURCE_CHECK_STRICT},
							{"off", DP_SOURCE_CHECK_OFF},
							{NULL, 0}};

static const struct config_key limit_keys[] = {
	{"tunnels", CONFIG_UINT, .min = 1, .max = 1024, .fallback = "64", .help = "Tunnels.",
	 FIELD(dp_limits, tunnels)},
	{"spokes", CONFIG_UINT, .min = 1, .max = 20000, .fallback = "1024",
	 .help = "Spokes: pairs of tunnel and peer.", FIELD(dp_limits, spokes)},
	{"nexthops", CONFIG_UINT, .min = 1, .max = 100000, .fallback = "4096",
	 .help = "NHRP entries over all tunnels.", FIELD(dp_limits, nexthops)},
	{"routes", CONFIG_UINT, .min = 16, .max = 1000000, .fallback = "65536",
	 .help = "Routes per VRF.", FIELD(dp_limits, routes)},
	{"tbl8", CONFIG_UINT, .min = 1, .max = 65536, .fallback = "1024",
	 .help = "Groups of 256 addresses that hold routes longer than /24, per VRF.",
	 FIELD(dp_limits, tbl8)},
	{"neighbours", CONFIG_UINT, .min = 1, .max = 65536, .fallback = "2048",
	 .help = "Neighbours on ports: MAC addresses.", FIELD(dp_limits, neighbours)},
	{"sas", CONFIG_UINT, .min = 2, .max = 80000, .fallback = "4096",
	 .help = "IPsec SAs, each one direction; a peer has four while it rekeys.",
	 FIELD(dp_limits, sas)},
};
static const struct config_section limit_section = SECTION(dp_limits, limit_keys);

static const struct config_key dataplane_keys[] = {
	{"control-lcore", CONFIG_UINT, .max = 1023, .fallback = "0",
	 .help = "CPU of the control core.", FIELD(dp_conf, control_lcore)},
	{"worker-lcores", CONFIG_UINT, .list_max = DP_WORKERS_MAX, .max = 1023, .fallback = "1",
	 .help = "CPUs of the workers, each polled all the time.", FIELD(dp_conf, worker_lcores),
	 COUNT(dp_conf, worker_count)},
	{"huge-pages", CONFIG_ENUM, .names = huge_page_names, .fallback = "auto",
	 .help = "Whether packet memory is in huge pages; auto takes them when there are some.",
	 FIELD(dp_conf, huge_pages)},
	{"idle", CONFIG_ENUM, .names = idle_names, .fallback = "poll",
	 .help = "What a worker without packets does; sleep costs latency and spares the CPU.",
	 FIELD(dp_conf, idle)},
	{"limits", CONFIG_SECTION, .section = &limit_section,
	 .help = "Capacities of the tables; memory is taken for all of it at start.",
	 FIELD(dp_conf, limits)},
};
static const struct config_section dataplane_section = SECTION(dp_conf, dataplane_keys);

static const struct config_key control_keys[] = {
	{"socket", CONFIG_PATH, .min = 1, .max = 107, .fallback = "/run/dmvpn-hub/control.sock",
	 .help = "UNIX socket of the JSON API.", FIELD(config, control_socket)},
	{"group", CONFIG_GROUP, .min = 1, .max = 31,
	 .help = "Group whose members may use the socket; without it root alone may.",
	 FIELD(config, control_group)},
	{"xfrm-socket", CONFIG_PATH, .min = 1, .max = 107, .fallback = "/run/dmvpn-hub/xfrm.sock",
	 .help = "Where an IKE daemon finds us in the kernel's place (ike.source: redirect).",
	 FIELD(config, control_xfrm_socket)},
	{"sequence-file", CONFIG_PATH, .min = 1, .max = 255,
	 .fallback = "/var/lib/dmvpn-hub/sequence-numbers",
	 .help = "File that keeps how far the sequence numbers of outbound SAs may have gone.",
	 FIELD(config, control_sequence_file)},
	{"state-file", CONFIG_PATH, .min = 1, .max = 255,
	 .help = "File that keeps registrations over a restart; without it there is none.",
	 FIELD(config, state_file)},
};
static const struct config_section control_section = SECTION(config, control_keys);

static const struct config_key port_keys[] = {
	{"name", CONFIG_IFNAME, .required = true,
	 .help = "Name of the port and of its twin in the kernel.", FIELD(config_port, dp.name)},
	{"device", CONFIG_DEVICE, .required = true,
	 .help = "PCI address, or a DPDK vdev with its arguments.", FIELD(config_port, dp.device)},
	{"role", CONFIG_ENUM, .names = role_names, .required = true,
	 .help = "An underlay port accepts only packets for our own addresses.",
	 FIELD(config_port, dp.role)},
	{"mtu", CONFIG_UINT, .min = 576, .max = 9190, .fallback = "1500",
	 .help = "Largest IP packet in bytes.", FIELD(config_port, dp.mtu)},
	{"queues", CONFIG_UINT, .max = DP_WORKERS_MAX, .fallback = "0",
	 .help = "Receive queues; 0 is one per worker, as far as the device goes.",
	 FIELD(config_port, dp.queues)},
	{"descriptors", CONFIG_POWER2, .min = 64, .max = 8192, .fallback = "1024",
	 .help = "Descriptors per queue.", FIELD(config_port, dp.descriptors)},
	{"addresses", CONFIG_INTERFACE, .list_max = CONFIG_ADDRESSES_MAX,
	 .help = "Our addresses on the port.", FIELD(config_port, addresses),
	 COUNT(config_port, address_count)},
};
static const struct config_section port_section = SECTION(config_port, port_keys);

static const struct config_key route_keys[] = {
	{"prefix", CONFIG_NETWORK, .required = true, .help = "Destination.",
	 FIELD(config_route, prefix)},
	{"via", CONFIG_HOST, .help = "Gateway: an address in the subnet of a port or a tunnel.",
	 FIELD(config_route, via)},
	{"blackhole", CONFIG_BOOL, .fallback = "false",
	 .help = "Drop what goes there; instead of via.", FIELD(config_route, blackhole)},
};
static const struct config_section route_section = SECTION(config_route, route_keys);

static const struct config_key map_keys[] = {
	{"protocol", CONFIG_HOST, .required = true, .help = "Address of the spoke in the tunnel.",
	 FIELD(config_map, protocol)},
	{"nbma", CONFIG_HOST, .required = true, .help = "Address of the spoke outside.",
	 FIELD(config_map, nbma)},
	{"multicast", CONFIG_BOOL, .fallback = "false", .help = "Send all multicast to it, too.",
	 FIELD(config_map, multicast)},
};
static const struct config_section map_section = SECTION(config_map, map_keys);

static const struct config_key multicast_keys[] = {
	{"nbma", CONFIG_HOST, .required = true, .names = dynamic_names,
	 .help = "Address of the spoke outside; dynamic: every registered spoke.",
	 FIELD(config_multicast, nbma)},
	{"group", CONFIG_NETWORK, .fallback = "224.0.0.0/4",
	 .help = "Groups that it gets; 224.0.0.0/4 is all of them, and broadcast.",
	 FIELD(config_multicast, group)},
};
static const struct config_section multicast_section = SECTION(config_multicast, multicast_keys);

static const struct config_key nhs_keys[] = {
	{"nbma", CONFIG_HOST, .required = true, .help = "Address of the hub outside.",
	 FIELD(config_nhs, nbma)},
	{"protocol", CONFIG_HOST, .required = true, .names = dynamic_names,
	 .help = "Address of the hub in the tunnel; dynamic: learned from its answer.",
	 FIELD(config_nhs, protocol)},
	{"priority", CONFIG_UINT, .max = 255, .fallback = "0",
	 .help = "0 comes first; the next number when all hubs of a lower one do not answer.",
	 FIELD(config_nhs, priority)},
};
static const struct config_section nhs_section = SECTION(config_nhs, nhs_keys);

static const struct config_key nhrp_keys[] = {
	{"network-id", CONFIG_UINT, .required = true, .min = 1, .max = UINT32_MAX,
	 .help = "Local name of the DMVPN cloud; tunnels with the same one belong together.",
	 FIELD(config_nhrp, network_id)},
	{"holdtime", CONFIG_UINT, .min = 10, .max = 65535, .fallback = "7200",
	 .help = "Holding time in seconds that our own replies carry.",
	 FIELD(config_nhrp, holdtime_s)},
	{"redirect", CONFIG_BOOL, .fallback = "false",
	 .help = "Tell spokes that reach each other through us about the shorter way (phase 3).",
	 FIELD(config_nhrp, redirect)},
	{"redirect-interval", CONFIG_UINT, .min = 2, .max = 30, .fallback = "8",
	 .help = "Seconds between two redirects for one pair of addresses.",
	 FIELD(config_nhrp, redirect_interval_s)},
	{"redirect-nat", CONFIG_ENUM, .names = redirect_nat_names, .fallback = "one-side",
	 .help = "Shortcuts between spokes with NATs between them: never, when one side is behind "
		 "a NAT that it does not share, or always.",
	 FIELD(config_nhrp, redirect_nat)},
	{"resolution", CONFIG_ENUM, .names = resolution_names, .fallback = "auto",
	 .help = "Who answers for what is behind a spoke: that spoke (forward), we for registered "
		 "addresses (cache), or the latter only without redirect and NAT (auto).",
	 FIELD(config_nhrp, resolution)},
	{"install-routes", CONFIG_BOOL, .fallback = "true",
	 .help = "Put a host route for each registered address into the kernel.",
	 FIELD(config_nhrp, install_routes)},
	{"map", CONFIG_SECTION, .section = &map_section, .list_max = 100000,
	 .help = "Static NHRP entries.", ELEMENTS(config_nhrp, maps),
	 COUNT(config_nhrp, map_count)},
	{"authentication", CONFIG_WORD, .min = 1, .max = 8,
	 .help = "Word that every NHRP packet must carry, in clear (Cisco's extension).",
	 FIELD(config_nhrp, authentication)},
	{"allow", CONFIG_NETWORK, .list_max = CONFIG_ALLOW_MAX,
	 .help = "Prefixes whose hosts may register besides those of the tunnel's subnets.",
	 FIELD(config_nhrp, allow), COUNT(config_nhrp, allow_count)},
	{"max-bindings-per-spoke", CONFIG_UINT, .min = 1, .max = 1024, .fallback = "8",
	 .help = "Addresses that one spoke may register.",
	 FIELD(config_nhrp, max_bindings_per_spoke)},
	{"takeover", CONFIG_ENUM, .names = takeover_names, .fallback = "strict",
	 .help = "When an address that another NBMA address registered as unique may move; strict: "
		 "never; rfc: when the new request is not unique; allow: always.",
	 FIELD(config_nhrp, takeover)},
	{"multicast", CONFIG_ENUM, .names = multicast_names, .fallback = "off",
	 .help = "dynamic: multicast and broadcast of the kernel in the tunnel goes to every "
		 "registered spoke.",
	 FIELD(config_nhrp, multicast)},
	{"multicast-map", CONFIG_SECTION, .section = &multicast_section, .list_max = 20000,
	 .help = "Who gets multicast besides, and which groups.",
	 ELEMENTS(config_nhrp, multicast_map), COUNT(config_nhrp, multicast_map_count)},
	{"multicast-groups", CONFIG_NETWORK, .list_max = CONFIG_MULTICAST_GROUPS_MAX,
	 .help = "Groups that are forwarded from LAN ports into the tunnel.",
	 FIELD(config_nhrp, multicast_groups), COUNT(config_nhrp, multicast_group_count)},
	{"nhs", CONFIG_SECTION, .section = &nhs_section, .list_max = CONFIG_NHS_MAX,
	 .help = "Hubs that this hub is a client of.", FIELD(config_nhrp, nhs),
	 COUNT(config_nhrp, nhs_count)},
	{"registration-timeout", CONFIG_UINT, .max = 21845, .fallback = "0",
	 .help = "Seconds between our registrations at these hubs; 0 is a third of holdtime.",
	 FIELD(config_nhrp, registration_timeout_s)},
	{"purge-on-shutdown", CONFIG_BOOL, .fallback = "false",
	 .help = "When the daemon stops, take back what was answered to resolutions.",
	 FIELD(config_nhrp, purge_on_shutdown)},
};
static const struct config_section nhrp_section = SECTION(config_nhrp, nhrp_keys);

static const struct config_name ike_source_names[] = {
	{"api", CONFIG_IKE_API}, {"redirect", CONFIG_IKE_REDIRECT}, {NULL, 0}};
static const struct config_name algorithm_names[] = {
#define X(id, name, key, auth_key, iv, icv, block) {name, DP_SA_##id},
	DP_SA_ALG_LIST(X)
#undef X
		{NULL, 0}};

static const struct config_key ike_keys[] = {
	{"source", CONFIG_ENUM, .names = ike_source_names, .fallback = "api",
	 .help = "Where SAs come from; api: sa.add on the control socket; redirect: an IKE daemon "
		 "with our preloaded library.",
	 FIELD(config_ike, source)},
};
static const struct config_section ike_section = SECTION(config_ike, ike_keys);

static const struct config_key protection_keys[] = {
	{"name", CONFIG_NAME, .required = true, .help = "Name that tunnels refer to.",
	 FIELD(config_protection, name)},
	{"ike", CONFIG_SECTION, .section = &ike_section, .help = "The IKE daemon.",
	 FIELD(config_protection, ike)},
	{"algorithms", CONFIG_ENUM, .names = algorithm_names, .list_max = DP_SA_ALG_COUNT,
	 .required = true,
	 .help = "Algorithms of ESP that it takes; an SA with another is refused.",
	 FIELD(config_protection, algorithms), COUNT(config_protection, algorithm_count)},
	{"replay-window", CONFIG_UINT, .max = DP_SA_WINDOW_MAX, .fallback = "1024",
	 .help = "Packets that an inbound SA looks back, in steps of 32; 0 switches the check off.",
	 FIELD(config_protection, replay_window)},
};
static const struct config_section protection_section = SECTION(config_protection, protection_keys);

static const struct config_key tunnel_keys[] = {
	{"name", CONFIG_IFNAME, .required = true,
	 .help = "Name of the tunnel and of its twin in the kernel.", FIELD(config_tunnel, name)},
	{"source", CONFIG_SOURCE, .required = true,
	 .help = "Outer source: a port (its first address) or one of the addresses of a port.",
	 FIELD(config_tunnel, source_text)},
	{"key", CONFIG_UINT, .max = UINT32_MAX,
	 .help = "GRE key (RFC 2890); tunnels of one source are told apart by it.",
	 FIELD(config_tunnel, key), GIVEN(config_tunnel, has_key)},
	{"addresses", CONFIG_INTERFACE, .required = true, .list_max = CONFIG_ADDRESSES_MAX,
	 .help = "Our addresses in the tunnel.", FIELD(config_tunnel, addresses),
	 COUNT(config_tunnel, address_count)},
	{"host-prefix", CONFIG_BOOL, .fallback = "false",
	 .help = "The kernel gets our addresses in the tunnel as /32 and their subnets as routes.",
	 FIELD(config_tunnel, host_prefix)},
	{"mtu", CONFIG_UINT, .min = 576, .max = 9162, .fallback = "1400",
	 .help = "Largest inner IP packet in bytes.", FIELD(config_tunnel, mtu)},
	{"ttl", CONFIG_UINT, .min = 1, .max = 255, .fallback = "64",
	 .help = "TTL of the outer header.", FIELD(config_tunnel, ttl)},
	{"nhrp", CONFIG_SECTION, .required = true, .section = &nhrp_section,
	 .help = "The next-hop server of the tunnel.", FIELD(config_tunnel, nhrp)},
	{"adjust-mss", CONFIG_UINT, .max = 9122,
	 .help = "Limit of the MSS option of TCP SYNs in both directions; 0 leaves it as it is; "
		 "default is mtu minus 40.",
	 FIELD(config_tunnel, adjust_mss), GIVEN(config_tunnel, has_adjust_mss)},
	{"df", CONFIG_ENUM, .names = df_names, .fallback = "copy",
	 .help = "DF of the outer header: copied from the inner one, always set, always clear.",
	 FIELD(config_tunnel, df)},
	{"source-check", CONFIG_ENUM, .names = source_check_names, .fallback = "own",
	 .help = "Inner sources that are dropped; own: our addresses and those of other spokes in "
		 "the tunnel; strict: all that are not routed to the sender; off: none.",
	 FIELD(config_tunnel, source_check)},
	{"protection", CONFIG_NAME,
	 .help = "IPsec profile: everything in the tunnel is encrypted; without it nothing is.",
	 FIELD(config_tunnel, protection_text)},
};
static const struct config_section tunnel_section = SECTION(config_tunnel, tunnel_keys);

static const struct config_key root_keys[] = {
	{"dataplane", CONFIG_SECTION, .section = &dataplane_section,
	 .help = "CPUs, memory, capacities.", FIELD(config, dataplane)},
	{"control", CONFIG_SECTION, .section = &control_section, .help = "The JSON API.",
	 .offset = 0, .size = sizeof(struct config)},
	{"ports", CONFIG_SECTION, .required = true, .section = &port_section,
	 .list_max = DP_PORTS_MAX, .help = "Network ports.", ELEMENTS(config, ports),
	 COUNT(config, port_count)},
	{"routes", CONFIG_SECTION, .section = &route_section, .list_max = 1000000,
	 .help = "Static routes.", ELEMENTS(config, routes), COUNT(config, route_count)},
	{"tunnels", CONFIG_SECTION, .section = &tunnel_section, .list_max = 1024,
	 .help = "mGRE tunnels.", ELEMENTS(config, tunnels), COUNT(config, tunnel_count)},
	{"protection", CONFIG_SECTION, .section = &protection_section, .list_max = 64,
	 .help = "IPsec profiles.", ELEMENTS(config, protections), COUNT(config, protection_count)},
};
static const struct config_section root_section = SECTION(config, root_keys);

const struct config_section *config_schema(void)
{
	return &root_section;
}
