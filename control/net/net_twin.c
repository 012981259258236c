/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_twin: the kernel settings of a twin, by /proc/sys/net.
 *
 * What the kernel makes of them (Documentation/networking/ip-sysctl):
 *   forwarding        The interface where a packet came IN decides, alone; ip_forward=1 as such
 * does no harm, but writing it sets every interface's value (the feed's on_conf says so, and setup
 * runs again). 0 also means that no redirect is ever sent. rp_filter         The larger of all/ and
 * the interface's counts. We do not touch all/: it is the operator's protection of other
 * interfaces. Where it is not 0 we set 2 (loose: any route back will do; 2 wins over the strict 1)
 * and say so: what is lost then are packets to us from sources without a route. accept_redirects
 * all/ OR the interface's, while forwarding is 0, and all/ is 1 by default. We set all/ to 0 too:
 * an interface that wants redirects has its own 1 (the default), which then counts alone, so
 * nothing changes for it. arp_ignore=1, arp_announce=2 Answer only for addresses of this very
 * interface, and ask with them: two twins would otherwise answer for each other.
 *   promote_secondaries  Removing a subnet's first address leaves the others.
 *   disable_ipv6      Until the dataplane speaks IPv6.
 *
 * Context: control. Not done: IPv6 twins.
 */
#include "net_twin.h"

#include <errno.h>

#include "control/log.h"
#include "net_priv.h"
#include "net_sysctl.h"

#define RP_FILTER_LOOSE 2

static const struct twin_setting {
	const char *name;
	int value;
} twin_settings[] = {
	{"forwarding", 0}, {"accept_redirects", 0}, {"send_redirects", 0},
	{"arp_ignore", 1}, {"arp_announce", 2},     {"promote_secondaries", 1},
};
#define SETTINGS (sizeof(twin_settings) / sizeof(twin_settings[0]))

static int rp_filter_setup(const char *ifname)
{
	int all, rc;

	rc = net_sysctl_get("ipv4", "all", "rp_filter", &all);
	if (rc < 0)
		return rc;
	rc = net_sysctl_set("ipv4", ifname, "rp_filter", all > 0 ? RP_FILTER_LOOSE : 0);
	if (rc > 0 && all > 0)
		log_sys("twin %s: net.ipv4.conf.all.rp_filter is %d: packets to us whose source "
			"has no "
			"route are lost; set it to 0 (and the other interfaces' own values as you "
			"need)",
			ifname, all);
	return rc < 0 ? rc : 0;
}

static int redirects_setup(void)
{
	int rc = net_sysctl_set("ipv4", "all", "accept_redirects", 0);

	if (rc > 0)
		log_info("net.ipv4.conf.all.accept_redirects: set to 0, so that twins take none");
	return rc < 0 ? rc : 0;
}

int net_twin_setup(const char *ifname)
{
	const struct twin_setting *s;
	int rc;

	rc = net_ifname_check(ifname);
	for (s = twin_settings; rc >= 0 && s < twin_settings + SETTINGS; s++)
		rc = net_sysctl_set("ipv4", ifname, s->name, s->value);
	if (rc >= 0)
		rc = rp_filter_setup(ifname);
	if (rc >= 0)
		rc = redirects_setup();
	if (rc >= 0)
		rc = net_sysctl_ipv6_disable(ifname);
	return rc < 0 ? rc : 0;
}
