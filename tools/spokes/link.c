/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: AF_PACKET socket with recvmmsg and sendmmsg, 64 frames per call. The spokes use a MAC of
 * their own (the interface's with the locally-administered bit, last bit turned) and the socket
 * makes the interface promiscuous: the kernel sees the frames as somebody else's and stays quiet,
 * whatever its forwarding settings are. One thread. Not done: TPACKET rings (a copy more or less
 * does not matter beside a hub that has to be slower than us by far).
 */
#include "link.h"

#include "packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKET_BUFFER_BYTES (16 << 20)
#define TX_PATIENCE_MS      100

struct link {
	int fd;
	uint8_t mac[6];
	uint16_t mtu;
	unsigned tx_count;
	struct link_stats stats;
	struct mmsghdr rx_msgs[LINK_BATCH];
	struct mmsghdr tx_msgs[LINK_BATCH];
	struct iovec rx_iov[LINK_BATCH];
	struct iovec tx_iov[LINK_BATCH];
	uint8_t rx_frames[LINK_BATCH][PACKET_FRAME_MAX];
	uint8_t tx_frames[LINK_BATCH][PACKET_FRAME_MAX];
};

static int report(const char *interface, const char *what)
{
	const int err = errno;

	fprintf(stderr, "dmvpn-spokes: --interface %s: %s: %s\n", interface, what, strerror(err));
	errno = err;
	return -err;
}

static int read_interface(struct link *link, const char *interface, int *index)
{
	struct ifreq req = {0};

	if (strlen(interface) >= sizeof(req.ifr_name)) {
		errno = ENAMETOOLONG;
		return report(interface, "not an interface name");
	}
	strcpy(req.ifr_name, interface);
	if (ioctl(link->fd, SIOCGIFINDEX, &req) < 0)
		return report(interface, "no such interface");
	*index = req.ifr_ifindex;
	if (ioctl(link->fd, SIOCGIFMTU, &req) < 0)
		return report(interface, "reading its MTU");
	link->mtu = (uint16_t)(req.ifr_mtu > UINT16_MAX ? UINT16_MAX : req.ifr_mtu);
	if (ioctl(link->fd, SIOCGIFHWADDR, &req) < 0)
		return report(interface, "reading its MAC address");
	if (req.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
		errno = EAFNOSUPPORT;
		return report(interface, "not an Ethernet interface");
	}
	memcpy(link->mac, req.ifr_hwaddr.sa_data, 6);
	link->mac[0] = (uint8_t)((link->mac[0] | 2) & ~1);
	link->mac[5] ^= 1;
	return 0;
}

static int set_up_socket(struct link *link, const char *interface, int index)
{
	const int bytes = SOCKET_BUFFER_BYTES, on = 1;
	const struct packet_mreq promisc = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
	const struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};

	/* Best effort: the forced form needs CAP_NET_ADMIN, the plain one stops at the limit. */
	if (setsockopt(link->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(link->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(link->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(link->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (setsockopt(link->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		return report(interface, "PACKET_IGNORE_OUTGOING");
	if (setsockopt(link->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) < 0)
		return report(interface, "promiscuous mode");
	if (bind(link->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return report(interface, "bind");
	return 0;
}

static void set_up_messages(struct link *link)
{
	for (unsigned i = 0; i < LINK_BATCH; i++) {
		link->rx_iov[i].iov_base = link->rx_frames[i];
		link->rx_iov[i].iov_len = PACKET_FRAME_MAX;
		link->rx_msgs[i].msg_hdr.msg_iov = &link->rx_iov[i];
		link->rx_msgs[i].msg_hdr.msg_iovlen = 1;
		link->tx_iov[i].iov_base = link->tx_frames[i];
		link->tx_msgs[i].msg_hdr.msg_iov = &link->tx_iov[i];
		link->tx_msgs[i].msg_hdr.msg_iovlen = 1;
	}
}

struct link *link_open(const char *interface)
{
	struct link *link = calloc(1, sizeof(*link));
	int index = 0, err;

	if (!link)
		return NULL;
	/* Protocol 0: nothing is queued before the socket is bound to the interface. */
	link->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (link->fd < 0) {
		report(interface, "packet socket (needs CAP_NET_RAW)");
		goto err_free;
	}
	if (read_interface(link, interface, &index) < 0 ||
	    set_up_socket(link, interface, index) < 0)
		goto err_close;
	set_up_messages(link);
	return link;
err_close:
	err = errno;
	close(link->fd);
	errno = err;
err_free:
	err = errno;
	free(link);
	errno = err;
	return NULL;
}

void link_close(struct link *link)
{
	close(link->fd);
	free(link);
}

int link_fd(const struct link *link)
{
	return link->fd;
}

uint16_t link_mtu(const struct link *link)
{
	return link->mtu;
}

const uint8_t *link_mac(const struct link *link)
{
	return link->mac;
}

void link_stats_get(struct link *link, struct link_stats *stats)
{
	struct tpacket_stats kernel; /* since the last call */
	socklen_t len = sizeof(kernel);

	if (getsockopt(link->fd, SOL_PACKET, PACKET_STATISTICS, &kernel, &len) == 0)
		link->stats.rx_dropped += kernel.tp_drops;
	*stats = link->stats;
}

uint8_t *link_tx_room(struct link *link)
{
	if (link->tx_count == LINK_BATCH)
		link_tx_flush(link);
	return link->tx_frames[link->tx_count];
}

void link_tx_commit(struct link *link, size_t len)
{
	link->tx_iov[link->tx_count++].iov_len = len;
}

void link_tx_flush(struct link *link)
{
	struct pollfd pfd = {.fd = link->fd, .events = POLLOUT};
	unsigned sent = 0;

	while (sent < link->tx_count) {
		const int n = sendmmsg(link->fd, link->tx_msgs + sent, link->tx_count - sent, 0);

		if (n > 0) {
			sent += (unsigned)n;
			link->stats.tx_frames += (uint64_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN && poll(&pfd, 1, TX_PATIENCE_MS) > 0)
			continue;
		link->stats.tx_failed++; /* this one; the next may have more luck */
		sent++;
	}
	link->tx_count = 0;
}

unsigned link_receive(struct link *link,
		      void (*receive)(void *ctx, const uint8_t *frame, size_t len),
		      void *ctx)
{
	const int n = recvmmsg(link->fd, link->rx_msgs, LINK_BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++)
		receive(ctx, link->rx_frames[i], link->rx_msgs[i].msg_len);
	if (n <= 0)
		return 0;
	link->stats.rx_frames += (uint64_t)n;
	return (unsigned)n;
}
