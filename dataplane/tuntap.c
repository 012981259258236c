/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tuntap: the kernel's side of twins, see tuntap.h. Plain system calls, no EAL: --remove-twins uses
 * it alone. Linux: Documentation/networking/tuntap.rst.
 */
#include "tuntap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ifreq request(const char *ifname)
{
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", ifname);
	return ifr;
}

static short flags_of(bool tap)
{
	return (tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI;
}

static int attach(const char *ifname, bool tap)
{
	struct ifreq ifr = request(ifname);
	int fd, rc;

	/* The kernel would cut the one and number the other. */
	if (ifname[0] == '\0' || strlen(ifname) >= IFNAMSIZ || strchr(ifname, '%') != NULL)
		return -EINVAL;
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ifr.ifr_flags = flags_of(tap);
	if (ioctl(fd, TUNSETIFF, &ifr) == 0)
		return fd;
	rc = -errno;
	close(fd);
	/* The kernel says EINVAL for the wrong kind of interface; a bad name it would refuse too.
	 */
	if (rc == -EINVAL && if_nametoindex(ifname) != 0)
		rc = -EEXIST;
	return rc;
}

int tuntap_open(const char *ifname, bool tap)
{
	int fd = attach(ifname, tap);
	int rc;

	if (fd < 0)
		return fd;
	if (ioctl(fd, TUNSETPERSIST, 1) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

bool tuntap_is(int fd, const char *ifname, bool tap)
{
	const short kind = IFF_TAP | IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
	struct ifreq ifr = {0};

	/* Fails when the interface was deleted meanwhile. */
	if (ioctl(fd, TUNGETIFF, &ifr) < 0)
		return false;
	if (strcmp(ifr.ifr_name, ifname) != 0 || (ifr.ifr_flags & kind) != flags_of(tap))
		return false;
	return if_nametoindex(ifname) != 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
	       fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* One ioctl on an interface by its name. */
static int interface_ioctl(unsigned long op, struct ifreq *ifr)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc;

	if (s < 0)
		return -errno;
	rc = ioctl(s, op, ifr) < 0 ? -errno : 0;
	close(s);
	return rc;
}

int tuntap_mac_set(const char *ifname, const uint8_t mac[6])
{
	struct ifreq ifr = request(ifname);
	int rc = interface_ioctl(SIOCGIFHWADDR, &ifr);

	if (rc < 0 || memcmp(ifr.ifr_hwaddr.sa_data, mac, 6) == 0)
		return rc;
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, 6);
	return interface_ioctl(SIOCSIFHWADDR, &ifr);
}

int tuntap_mtu_set(const char *ifname, uint16_t mtu)
{
	struct ifreq ifr = request(ifname);
	int rc = interface_ioctl(SIOCGIFMTU, &ifr);

	if (rc < 0 || ifr.ifr_mtu == mtu)
		return rc;
	ifr.ifr_mtu = mtu;
	return interface_ioctl(SIOCSIFMTU, &ifr);
}

int tuntap_carrier_set(int fd, bool up)
{
	int carrier = up;

	return ioctl(fd, TUNSETCARRIER, &carrier) < 0 ? -errno : 0;
}

int tuntap_remove(const char *ifname)
{
	int fd, rc;

	if (if_nametoindex(ifname) == 0)
		return -ENOENT;
	fd = attach(ifname, true);
	if (fd == -EEXIST)
		fd = attach(ifname, false);
	if (fd < 0)
		return fd;
	rc = ioctl(fd, TUNSETPERSIST, 0) < 0 ? -errno : 0;
	close(fd);
	return rc;
}
