/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port_raw: the kernel interface behind a net_af_packet port. Part of port.c, see there.
 *
 * The driver of DPDK 22.11 claims an MTU of 1500 and a link that is always up; the interface has
 * the truth. It does not say either how many frames found its ring full; the kernel counts them for
 * each socket. The socket of ours keeps the network namespace in which the port was added. Thread:
 * control core.
 */
#include "port.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/if_packet.h>

/* The driver's sockets with a ring, seen as it asks for that. A number that was closed since is
 * none of the interface's any more, or forgotten with its port. */
static int rings[DP_PORTS_MAX * DP_WORKERS_MAX];
static unsigned ring_count;

static void ring_note(int fd)
{
	for (unsigned i = 0; i < ring_count; i++)
		if (rings[i] == fd)
			return;
	if (ring_count < sizeof(rings) / sizeof(rings[0]))
		rings[ring_count++] = fd;
}

/*
 * In the place of the C library's, for two calls of net_af_packet. One tells us its sockets. With
 * the other it joins a fanout group with
 * PACKET_FANOUT_FLAG_DEFRAG even for a single queue, and then the kernel merges IP fragments into
 * frames that its ring cuts off at 2,048 bytes. Fragments are the pipeline's business (reass.c) or
 * the receiver's. The driver of DPDK 22.11 has no argument for it.
 */
int setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	uint32_t fanout;

	if (level == SOL_PACKET && name == PACKET_RX_RING)
		ring_note(fd);
	if (level == SOL_PACKET && name == PACKET_FANOUT && len == sizeof(fanout)) {
		memcpy(&fanout, value, sizeof(fanout));
		fanout &= ~((uint32_t)PACKET_FANOUT_FLAG_DEFRAG << 16);
		value = &fanout;
	}
	return (int)syscall(SYS_setsockopt, fd, level, name, value, len);
}

int port_raw_open(struct port *p, uint32_t ifindex)
{
	p->ifindex = ifindex;
	p->ctl = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return p->ctl < 0 ? -errno : 0;
}

static bool ring_is_of(int fd, const struct port *p)
{
	struct sockaddr_ll addr = {0};
	socklen_t len = sizeof(addr);

	return getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
	       addr.sll_family == AF_PACKET && addr.sll_ifindex == (int)p->ifindex;
}

void port_raw_close(struct port *p)
{
	if (p->ctl < 0)
		return;
	close(p->ctl);
	p->ctl = -1;
	for (unsigned i = 0; i < ring_count;)
		if (ring_is_of(rings[i], p))
			rings[i] = rings[--ring_count];
		else
			i++;
}

uint64_t port_raw_missed(struct port *p)
{
	for (unsigned i = 0; p->ctl >= 0 && i < ring_count; i++) {
		struct tpacket_stats s = {0}; /* since they were read last */
		socklen_t len = sizeof(s);

		if (ring_is_of(rings[i], p) &&
		    getsockopt(rings[i], SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
			p->raw_missed += s.tp_drops;
	}
	return p->raw_missed;
}

/* By its number: it may be renamed at any time. */
static int raw_ioctl(const struct port *p, unsigned long op, struct ifreq *ifr)
{
	struct ifreq name = {.ifr_ifindex = (int)p->ifindex};

	if (ioctl(p->ctl, SIOCGIFNAME, &name) < 0)
		return -errno;
	memcpy(ifr->ifr_name, name.ifr_name, IFNAMSIZ);
	return ioctl(p->ctl, op, ifr) < 0 ? -errno : 0;
}

int port_raw_mtu_set(const struct port *p, uint16_t mtu)
{
	struct ifreq ifr = {.ifr_mtu = mtu};

	return raw_ioctl(p, SIOCSIFMTU, &ifr);
}

int port_raw_link_up(const struct port *p, bool *up)
{
	struct ifreq ifr = {0};
	int rc = raw_ioctl(p, SIOCGIFFLAGS, &ifr);

	*up = rc == 0 && (ifr.ifr_flags & IFF_UP) && (ifr.ifr_flags & IFF_RUNNING);
	return rc;
}
