/* SPDX-License-Identifier: Apache-2.0 */
#include "netns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/if_ether.h>

#define WAIT_MS 5000

void netns_enter(void)
{
	FILE *f;

	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("unshare(CLONE_NEWNET): %s (needs root)", strerror(errno));
	netns_ip("link set lo up");
	/* No solicitations and reports beside what the test sends. */
	f = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");
	if (f != NULL) {
		fputs("1\n", f);
		fclose(f);
	}
}

void netns_ip(const char *fmt, ...)
{
	char command[256] = "ip ";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command + 3, sizeof(command) - 3, fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("%s: failed", command);
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

bool netns_readable(int fd)
{
	return readable(fd, WAIT_MS);
}

bool netns_readable_now(int fd)
{
	return readable(fd, 0);
}

static struct sockaddr_in address(const char *text, uint16_t port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};

	assert_int_equal(inet_pton(AF_INET, text, &a.sin_addr), 1);
	return a;
}

int netns_udp_socket(const char *addr, uint16_t port)
{
	struct sockaddr_in a = address(addr, port);
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	assert_true(s >= 0);
	assert_int_equal(setsockopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)), 0);
	if (bind(s, (const struct sockaddr *)&a, sizeof(a)) < 0)
		fail_msg("bind %s: %s", addr, strerror(errno));
	return s;
}

void netns_udp_send(int s, const char *to, const void *bytes, uint16_t len)
{
	struct sockaddr_in a = address(to, 9);

	assert_int_equal(sendto(s, bytes, len, 0, (const struct sockaddr *)&a, sizeof(a)), len);
}

static struct ifreq interface_get(const char *ifname, unsigned long op, void *data)
{
	struct ifreq ifr = {.ifr_data = data};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	assert_true(s >= 0);
	if (ioctl(s, op, &ifr) < 0)
		fail_msg("interface %s: %s", ifname, strerror(errno));
	close(s);
	return ifr;
}

int netns_mtu(const char *ifname)
{
	return interface_get(ifname, SIOCGIFMTU, NULL).ifr_mtu;
}

bool netns_carrier(const char *ifname)
{
	struct ethtool_value link = {.cmd = ETHTOOL_GLINK};

	interface_get(ifname, SIOCETHTOOL, &link);
	return link.data != 0;
}

void netns_mac(const char *ifname, uint8_t mac[6])
{
	struct ifreq ifr = interface_get(ifname, SIOCGIFHWADDR, NULL);

	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
}

int netns_packet_socket(const char *ifname)
{
	struct sockaddr_ll a = {.sll_family = AF_PACKET,
				.sll_protocol = htons(ETH_P_ALL),
				.sll_ifindex = (int)if_nametoindex(ifname)};
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(s >= 0 && a.sll_ifindex != 0);
	assert_int_equal(bind(s, (const struct sockaddr *)&a, sizeof(a)), 0);
	return s;
}
