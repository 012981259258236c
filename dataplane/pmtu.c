/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pmtu: "fragmentation needed" about our outer packets (RFC 1191 section 3).
 *
 * Anybody can send one, so it is believed only if the header that it quotes is one that we would
 * have sent: from a tunnel's source to a peer that is there, with the SPI of a live SA of ours (RFC
 * 4301 section 8.2.1) or the GRE key of a tunnel that has a spoke there. Of ESP in UDP a router
 * that quotes no more than 8 bytes shows no SPI: the pair of ports must do. The value is checked by
 * dp_peer_mtu_set, and forgotten after 10 minutes. The packet goes to the twin all the same.
 *
 * Thread: control core. Not done: RFC 1191's table of plateaus for routers that tell no MTU.
 */
#include "pmtu.h"

#include <errno.h>
#include <netinet/ip_icmp.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "dp_spoke.h"
#include "esp.h"
#include "sa.h"
#include "tunnel.h"
#include "wire.h"

#define ICMP_HEADER_BYTES 8
#define QUOTED_MIN        8 /* behind the quoted IP header: RFC 792 */

static bool spi_is_ours(const struct rte_ipv4_hdr *ip, const uint8_t *p)
{
	struct table_key key;
	rte_be32_t spi_be;

	memcpy(&spi_be, p, sizeof(spi_be));
	key = sa_out_key(ip->src_addr, ip->dst_addr, spi_be);
	return table_get(sa_out_table, &key) != 0;
}

/* The quoted GRE header names a tunnel of ours that is not protected and has a spoke there. */
static bool gre_is_ours(const struct rte_ipv4_hdr *ip, const uint8_t *p)
{
	struct dp_addr source = dp_addr_ip4(ip->src_addr);
	struct dp_spoke_key spoke = {.nbma = dp_addr_ip4(ip->dst_addr)};
	struct table_key key;
	rte_be16_t flags;
	rte_be32_t gre_key = 0;
	uint32_t tunnel;
	bool has_key;

	memcpy(&flags, p, sizeof(flags));
	has_key = (flags & RTE_BE16(GRE_FLAG_KEY)) != 0;
	if (has_key)
		memcpy(&gre_key, p + 4, sizeof(gre_key));
	key = tunnel_key(&source, has_key, rte_be_to_cpu_32(gre_key));
	tunnel = table_get(tunnel_table, &key);
	if (tunnel == 0 || tunnels[tunnel - 1].conf.profile != 0)
		return false;
	spoke.tunnel = (uint16_t)(tunnel - 1);
	return dp_spoke_find(&spoke) != 0;
}

/* `len` bytes behind the quoted header `ip`. */
static bool quoted_is_ours(const struct rte_ipv4_hdr *ip,
			   const uint8_t *p,
			   size_t len,
			   uint16_t *natt_port)
{
	struct rte_udp_hdr udp;

	*natt_port = 0;
	switch (ip->next_proto_id) {
	case IPPROTO_ESP:
		return spi_is_ours(ip, p);
	case IPPROTO_GRE:
		return gre_is_ours(ip, p);
	case IPPROTO_UDP:
		memcpy(&udp, p, sizeof(udp));
		*natt_port = rte_be_to_cpu_16(udp.dst_port);
		if (udp.src_port != RTE_BE16(ESP_UDP_PORT))
			return false;
		return len < sizeof(udp) + 4 || spi_is_ours(ip, p + sizeof(udp));
	default:
		return false;
	}
}

int pmtu_icmp(const uint8_t *frame, size_t len)
{
	struct rte_ipv4_hdr outer, quoted;
	struct dp_addr local, remote;
	size_t at = RTE_ETHER_HDR_LEN;
	uint16_t natt_port;
	rte_be16_t mtu;

	if (len < at + sizeof(outer))
		return 0;
	memcpy(&outer, frame + at, sizeof(outer));
	if (frame[12] != 0x08 || frame[13] != 0x00 || outer.next_proto_id != IPPROTO_ICMP)
		return 0;
	at += rte_ipv4_hdr_len(&outer);
	if (len < at + ICMP_HEADER_BYTES + sizeof(quoted) || frame[at] != ICMP_DEST_UNREACH ||
	    frame[at + 1] != ICMP_FRAG_NEEDED)
		return 0;
	memcpy(&mtu, frame + at + 6, sizeof(mtu));
	at += ICMP_HEADER_BYTES;
	memcpy(&quoted, frame + at, sizeof(quoted));
	at += rte_ipv4_hdr_len(&quoted);
	if ((quoted.version_ihl >> 4) != 4 || rte_ipv4_hdr_len(&quoted) < sizeof(quoted) ||
	    len < at + QUOTED_MIN || !quoted_is_ours(&quoted, frame + at, len - at, &natt_port))
		return -ENOENT;
	local = dp_addr_ip4(quoted.src_addr);
	remote = dp_addr_ip4(quoted.dst_addr);
	return dp_peer_mtu_set(&local, &remote, natt_port, rte_be_to_cpu_16(mtu)) < 0 ? -EINVAL : 1;
}
