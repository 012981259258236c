/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link: AF_PACKET socket, received frames by a memory-mapped ring (TPACKET_V2), sent ones by
 * sendmmsg, 64 per call. The spokes use a MAC of their own (the interface's with the
 * locally-administered bit, last bit turned) and the socket makes the interface promiscuous: the
 * kernel sees the frames as somebody else's and stays quiet, whatever its forwarding settings are.
 *
 * The ring is not there for speed. A sender with a transmit ring (DPDK's net_af_packet) at the
 * other end of a veth pair has its slot back as soon as a socket here has taken the frame, yet a
 * plain socket's queue goes on pointing at the slot: a frame that waits is overwritten by a later
 * one. A receive ring copies at once.
 *
 * One thread.
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
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define TX_BUFFER_BYTES (16 << 20)
#define RX_RING_BYTES   (32u << 20)
#define RX_BLOCK_BYTES  (64u << 10)
#define TX_PATIENCE_MS  100

struct link {
	int fd;
	uint8_t mac[6];
	uint16_t mtu;
	uint8_t *rx_ring; /* mapped */
	uint32_t rx_slot_bytes;
	uint32_t rx_slots;
	uint32_t rx_next;
	unsigned tx_count;
	struct link_stats stats;
	struct mmsghdr tx_msgs[LINK_BATCH];
	struct iovec tx_iov[LINK_BATCH];
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
	const int bytes = TX_BUFFER_BYTES, on = 1;
	const struct packet_mreq promisc = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};

	/* Best effort: the forced form needs CAP_NET_ADMIN, the plain one stops at the limit. */
	if (setsockopt(link->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(link->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (setsockopt(link->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		return report(interface, "PACKET_IGNORE_OUTGOING");
	if (setsockopt(link->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) < 0)
		return report(interface, "promiscuous mode");
	return 0;
}

/* A slot holds the kernel's header and a frame; a power of two, so that blocks have no gap. */
static uint32_t slot_bytes(uint16_t mtu)
{
	const uint32_t wanted = TPACKET2_HDRLEN + PACKET_ETH_LEN + 32u + mtu;
	uint32_t bytes = 2048;

	while (bytes < wanted && bytes < RX_BLOCK_BYTES)
		bytes *= 2;
	return bytes;
}

static int set_up_ring(struct link *link, const char *interface, int index)
{
	const int version = TPACKET_V2;
	const uint32_t slot = slot_bytes(link->mtu);
	const struct tpacket_req req = {.tp_block_size = RX_BLOCK_BYTES,
					.tp_block_nr = RX_RING_BYTES / RX_BLOCK_BYTES,
					.tp_frame_size = slot,
					.tp_frame_nr = RX_RING_BYTES / slot};
	const struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};

	if (setsockopt(link->fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(link->fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) < 0)
		return report(interface, "receive ring");
	link->rx_ring = mmap(NULL, RX_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, link->fd, 0);
	if (link->rx_ring == MAP_FAILED)
		return report(interface, "mapping the receive ring");
	link->rx_slot_bytes = slot;
	link->rx_slots = req.tp_frame_nr;
	if (bind(link->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
		report(interface, "bind");
		munmap(link->rx_ring, RX_RING_BYTES);
		return -errno;
	}
	return 0;
}

static void set_up_messages(struct link *link)
{
	for (unsigned i = 0; i < LINK_BATCH; i++) {
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
	    set_up_socket(link, interface, index) < 0 || set_up_ring(link, interface, index) < 0)
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
	munmap(link->rx_ring, RX_RING_BYTES);
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

bool link_recover(struct link *link)
{
	struct sockaddr_ll addr = {0};
	socklen_t len = sizeof(int);
	int err;

	getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	len = sizeof(addr);
	/* An interface that went down comes back; of one that was removed the kernel says -1. */
	return getsockname(link->fd, (struct sockaddr *)&addr, &len) == 0 && addr.sll_ifindex > 0;
}

unsigned link_receive(struct link *link,
		      void (*receive)(void *ctx, const uint8_t *frame, size_t len),
		      void *ctx)
{
	unsigned n;

	for (n = 0; n < LINK_BATCH; n++) {
		uint8_t *slot = link->rx_ring + (size_t)link->rx_next * link->rx_slot_bytes;
		struct tpacket2_hdr *head = (struct tpacket2_hdr *)slot;

		/* Acquire and release: the slot's bytes belong to whom the status names. */
		if (!(__atomic_load_n(&head->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		receive(ctx, slot + head->tp_mac, head->tp_snaplen);
		__atomic_store_n(&head->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		link->rx_next = link->rx_next + 1 < link->rx_slots ? link->rx_next + 1 : 0;
	}
	link->stats.rx_frames += n;
	return n;
}
