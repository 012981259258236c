/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_guard: silences the kernel on the raw interface of a port; see net_guard.h.
 *
 * Why all of it: without the filter the kernel answers for every address of the host, whatever
 * interface has it (the twin's, too: two replies per ping), and would forward transit; without
 * IPv6 off it sends router solicitations and MLD reports into the wire by itself.
 *
 * Context: control. Not done: VLAN or macvlan interfaces on top of the raw one are not looked for;
 * the filter silences them too.
 */
#include "net_guard.h"

#include <errno.h>

#include "control/log.h"
#include "net_nft.h"
#include "net_offload.h"
#include "net_priv.h"
#include "net_sysctl.h"

/* An IPv6 link-local address is the kernel's own doing and goes when IPv6 is disabled. */
static bool address_counts(const struct net_ifaddr *addr, uint32_t ifindex)
{
	return addr->ifindex == ifindex &&
	       !(addr->prefix.addr.family == AF_INET6 && addr->scope == RT_SCOPE_LINK);
}

static int refuse_addresses(const struct net_link *link)
{
	char text[DP_PREFIX_STRLEN];
	struct net_request request;
	struct net_dump dump;
	struct net_msg msg;
	int rc;

	rc = net_dump_get(net_request_dump(&request, NET_ADDR, AF_UNSPEC), &dump);
	while (rc == 0 && net_dump_next(&dump, NET_ADDR, &msg)) {
		if (address_counts(&msg.addr, link->ifindex))
			rc = net_error_set(
				-EADDRINUSE,
				"interface %s: has address %s: the kernel uses it; remove the "
				"address (the port's addresses belong in the configuration)",
				link->name, dp_prefix_format(&msg.addr.prefix, text));
	}
	net_dump_free(&dump);
	return rc;
}

static int refuse_use(const struct net_link *link)
{
	if (link->master)
		return net_error_set(-EBUSY,
				     "interface %s: is a port of interface %u (bridge or bond)",
				     link->name, link->master);
	return refuse_addresses(link);
}

int net_guard_install(const char *ifname)
{
	struct net_link link;
	int rc;

	rc = net_link_get(ifname, &link);
	if (rc == 0)
		rc = refuse_use(&link);
	if (rc == 0)
		rc = net_sysctl_ipv6_disable(ifname);
	if (rc >= 0)
		rc = net_nft_drop_install(ifname);
	if (rc == 0)
		rc = net_offload_merge_off(ifname);
	if (rc == 0)
		rc = net_link_up(ifname);
	if (rc == 0 && strcmp(link.kind, "veth") == 0)
		log_info("interface %s is a veth: its other end must not send unfinished frames "
			 "(ethtool -K PEER tx off tso off gso off)",
			 ifname);
	return rc;
}

int net_guard_remove(const char *ifname)
{
	struct net_link link;
	int rc;

	rc = net_ifname_check(ifname);
	if (rc < 0)
		return rc;
	rc = net_nft_drop_remove(ifname);
	if (rc < 0)
		return rc;
	if (net_link_get(ifname, &link) == -ENODEV)
		return 0;
	rc = net_sysctl_ipv6_restore(ifname);
	return rc < 0 ? rc : 0;
}
