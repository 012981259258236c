/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twin: the kernel interfaces that mirror ports (TAP) and tunnels (TUN), see dp_twin.h.
 *
 * A port's twin carries Ethernet frames, a tunnel's bare IP packets. What the kernel sends is read
 * straight into a packet buffer, with the headroom for encapsulation in front, and handed to one
 * worker per interface, so that its order stays. What workers punt is written by punt.c's drain.
 * Buffers that die here have not entered a worker, or were counted as punted: they are no part of
 * the balance and have counters of their own.
 * Thread: control core.
 * Not done: several descriptors per interface, checksum and segmentation offloads of TUN.
 */
#include "twin.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_errno.h>

#include "dp_priv.h"
#include "tuntap.h"

struct twin {
	int fd; /* -1: not open */
	struct dp_twin_stats stats;
};

static struct twin port_twins[DP_PORTS_MAX];
static struct twin *tunnel_twins; /* [tunnel_max] */
static uint32_t tunnel_max;

int twin_init(const struct dp_conf *conf)
{
	tunnel_twins = calloc(conf->limits.tunnels, sizeof(*tunnel_twins));
	if (tunnel_twins == NULL)
		return -ENOMEM;
	tunnel_max = conf->limits.tunnels;
	for (uint32_t i = 0; i < DP_PORTS_MAX; i++)
		port_twins[i] = (struct twin){.fd = -1};
	for (uint32_t i = 0; i < tunnel_max; i++)
		tunnel_twins[i].fd = -1;
	return 0;
}

/* NULL: no such number. */
static struct twin *twin_get(enum dp_twin_kind kind, uint16_t id)
{
	if (kind == DP_TWIN_PORT)
		return id < DP_PORTS_MAX ? &port_twins[id] : NULL;
	return id < tunnel_max ? &tunnel_twins[id] : NULL;
}

/* NULL: no such number, or not open. */
static struct twin *twin_get_open(enum dp_twin_kind kind, uint16_t id)
{
	struct twin *t = twin_get(kind, id);

	return t != NULL && t->fd >= 0 ? t : NULL;
}

static void twin_close(struct twin *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

void twin_fini(void)
{
	for (uint32_t i = 0; i < DP_PORTS_MAX; i++)
		twin_close(&port_twins[i]);
	for (uint32_t i = 0; i < tunnel_max; i++)
		twin_close(&tunnel_twins[i]);
	free(tunnel_twins);
	tunnel_twins = NULL;
	tunnel_max = 0;
}

static int open_error(int rc, const char *ifname, const char *kind)
{
	switch (rc) {
	case -EBUSY:
		return dp_error_set(rc, "twin %s: another process has this interface open", ifname);
	case -EEXIST:
		return dp_error_set(rc, "twin %s: an interface of this name exists and is no %s",
				    ifname, kind);
	default:
		return dp_error_set(rc, "twin %s: cannot open the %s interface: %s", ifname, kind,
				    rte_strerror(-rc));
	}
}

/* The descriptor: the inherited one when it fits, else a new one. */
static int descriptor_get(const char *ifname, bool tap, int inherited)
{
	int fd;

	if (inherited >= 0) {
		if (tuntap_is(inherited, ifname, tap))
			return inherited;
		close(inherited);
	}
	fd = tuntap_open(ifname, tap);
	return fd < 0 ? open_error(fd, ifname, tap ? "TAP" : "TUN") : fd;
}

int dp_twin_open(enum dp_twin_kind kind,
		 uint16_t id,
		 const char *ifname,
		 const uint8_t mac[6],
		 uint16_t mtu,
		 int fd)
{
	struct twin *t = twin_get(kind, id);
	int rc = 0;

	if (t == NULL || t->fd >= 0) {
		if (fd >= 0)
			close(fd);
		return dp_error_set(-EINVAL, "twin %s: number %u is %s", ifname, id,
				    t == NULL ? "too large" : "open already");
	}
	fd = descriptor_get(ifname, kind == DP_TWIN_PORT, fd);
	if (fd < 0)
		return fd;
	if (kind == DP_TWIN_PORT)
		rc = tuntap_mac_set(ifname, mac);
	if (rc < 0) {
		dp_error_set(rc, "twin %s: cannot set its MAC address: %s", ifname,
			     rte_strerror(-rc));
	} else {
		rc = tuntap_mtu_set(ifname, mtu);
		if (rc < 0)
			dp_error_set(rc, "twin %s: cannot set its MTU to %u: %s", ifname, mtu,
				     rte_strerror(-rc));
	}
	if (rc < 0) {
		close(fd);
		return rc;
	}
	*t = (struct twin){.fd = fd};
	return 0;
}

int dp_twin_fd(enum dp_twin_kind kind, uint16_t id)
{
	const struct twin *t = twin_get_open(kind, id);

	return t == NULL ? -1 : t->fd;
}

int dp_twin_carrier_set(enum dp_twin_kind kind, uint16_t id, bool up)
{
	const struct twin *t = twin_get_open(kind, id);

	return t == NULL ? -ENOENT : tuntap_carrier_set(t->fd, up);
}

void dp_twin_close(enum dp_twin_kind kind, uint16_t id)
{
	struct twin *t = twin_get(kind, id);

	if (t != NULL)
		twin_close(t);
}

int dp_twin_remove(const char *ifname)
{
	int rc = tuntap_remove(ifname);

	return rc < 0 && rc != -ENOENT ? open_error(rc, ifname, "TAP or TUN") : rc;
}

int dp_twin_stats_get(enum dp_twin_kind kind, uint16_t id, struct dp_twin_stats *stats)
{
	const struct twin *t = twin_get(kind, id);

	if (t == NULL)
		return -ENOENT;
	*stats = t->stats;
	return 0;
}

void twin_send(enum dp_twin_kind kind, uint16_t id, const uint8_t *bytes, size_t len)
{
	struct twin *t = twin_get(kind, id);

	if (t == NULL)
		return;
	/* EIO: the interface is down. */
	if (t->fd >= 0 && write(t->fd, bytes, len) == (ssize_t)len)
		t->stats.to_kernel_pkts++;
	else
		t->stats.to_kernel_drops++;
}

/* What the line needs to know of a packet from the kernel. */
static void meta_fill(struct rte_mbuf *m, enum dp_twin_kind kind, uint16_t id)
{
	struct dp_meta *meta = dp_meta(m);

	*meta = (struct dp_meta){.flags = DP_META_FROM_TWIN};
	if (kind == DP_TWIN_PORT) {
		meta->kind = DP_KIND_FRAME;
		meta->out_port = id;
	} else {
		meta->kind = DP_KIND_IP;
		meta->tunnel = id;
	}
}

/* Takes one packet off the kernel's queue when there is no buffer for it, or the event loop would
 * come back at once and for ever. False: there was none. */
static bool packet_discard(struct twin *t)
{
	uint8_t byte;

	if (read(t->fd, &byte, sizeof(byte)) < 0)
		return false;
	t->stats.from_kernel_drops++;
	return true;
}

/* False: the kernel has nothing more. */
static bool packet_read(struct twin *t, enum dp_twin_kind kind, uint16_t id)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp_pool);
	uint16_t room;
	ssize_t len;

	if (m == NULL)
		return packet_discard(t);
	room = rte_pktmbuf_tailroom(m) - DP_ENCAP_TAILROOM;
	/* One byte more shows a packet that was cut. */
	len = read(t->fd, rte_pktmbuf_mtod(m, void *), (size_t)room + 1);
	if (len < 0) {
		dp_release(m);
		return false;
	}
	rte_pktmbuf_append(m, (uint16_t)len);
	meta_fill(m, kind, id);
	if (len > room || dp_inject(m, id) < 0) {
		dp_release(m);
		t->stats.from_kernel_drops++;
	} else {
		t->stats.from_kernel_pkts++;
	}
	return true;
}

unsigned dp_twin_drain(enum dp_twin_kind kind, uint16_t id, unsigned max)
{
	struct twin *t = twin_get_open(kind, id);
	unsigned n = 0;

	if (t == NULL)
		return 0;
	while (n < max && packet_read(t, kind, id))
		n++;
	return n;
}
